"""The application in this process: what it answers, and what its plugins make of it."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from guestbook import make_app
from guestbook._host import site_of
from guestbook.plugins.archive import ArchiveConfig, ArchivePlugin
from guestbook.plugins.entries import EntriesPlugin
from guestbook.plugins.store import StoreConfig, StorePlugin
from guestbook.plugins.timing import TimingPlugin
from hycore import InstanceContext, PluginEXT
from hycore.base.api import ApplicationInfo, InstanceCreateInfo, VersionInfo
from hycore.ext import Inventory
from hycore.testing import assert_plugin_conforms
from hycore.utils.error import PluginFailedError, TeardownError
from hypi.app import ApplicationFileError, load_application

APP = Path(__file__).parents[1] / "app.toml"
ADA = {"name": "Ada", "text": "I was here."}


def client(*settings: str) -> TestClient:
    """Used with `with`, which begins and ends the lifespan; without an archive, wherever the tests run."""
    settings = ("ext.__EXT_archive.folder=/no/such/folder", *settings)
    return TestClient(make_app(load_application(APP, settings=settings, asynchronous=True)))


def test_what_is_written_can_be_read() -> None:
    """By two plugins, the routes of one over the store of the other."""
    with client() as http:
        assert http.get("/entries").json() == []
        written = http.post("/entries", json=ADA)
        assert (written.status_code, written.json()) == (201, ADA)
        assert http.get("/entries").json() == [ADA]


def test_what_is_wrong_is_refused() -> None:
    """What was sent is not sent back, and nothing is written."""
    with client() as http:
        refused = http.post("/entries", json={"name": "secret" * 20, "text": "x"})
        assert refused.status_code == 422
        assert [each["loc"] for each in refused.json()["wrong"]] == [["name"]]
        assert "secret" not in refused.text
        assert http.get("/entries").json() == []


def test_a_name_makes_no_line_of_its_own_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever writes an entry chooses it."""
    with client() as http:
        assert http.post("/entries", json={"name": "Ada\nEve", "text": "x"}).status_code == 201
    assert "'Ada\\nEve' wrote an entry\n" in capsys.readouterr().err


def test_middleware_of_a_plugin_is_round_all_pages_of_plugins() -> None:
    """Also round those that are not there; and it is gone with the plugin."""
    with client() as http:
        for page in ("/entries", "/nothing"):
            assert http.get(page).headers["server-timing"].startswith("plugins;dur=")
    with client('instance.enabled_extensions=["__EXT_store", "__EXT_entries"]') as http:
        assert "server-timing" not in http.get("/entries").headers


def test_the_address_that_the_server_prints_leads_to_the_entries() -> None:
    """By a page of a plugin, as all others."""
    with client() as http:
        assert http.get("/").url.path == "/entries"


def test_middleware_that_is_none_is_told_at_the_start() -> None:
    """With the plugin that has it, and not at each request with another one."""
    inventory = Inventory(group=None)

    class Forgets(PluginEXT):
        UUID, NAME, DESCRIPTION = uuid.UUID("a0b4b4b5-3b0c-4f43-9d36-1a2f6b0c9d03"), "forgets", "No return"

        def wrap(self, site: ASGIApp, /) -> None: ...

    inventory.submit(Forgets)
    info = InstanceCreateInfo(ApplicationInfo("test", VersionInfo(1), "Engine", VersionInfo(1)), ["forgets"])
    with (
        InstanceContext.create(info, inventory=inventory) as instance,
        pytest.raises(TypeError, match=r"Forgets\.wrap returned None: return what calls the site"),
    ):
        site_of(instance)


def test_the_report_says_what_is_off_and_why() -> None:
    """The optional extension has no folder."""
    with client() as http:
        page = http.get("/report")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert ">__EXT_archive</td>" in page.text
    assert ">set aside</td>" in page.text
    assert "there is no folder &#x27;/no/such/folder&#x27;: make it to keep entries" in page.text


def test_each_lifespan_has_an_instance_of_its_own() -> None:
    """The same application begins and ends twice, and nothing is left from the first time."""
    again = client()
    for _ in range(2):
        with again as http:
            assert http.get("/entries").json() == []
            http.post("/entries", json=ADA)


def test_an_archive_outlives_the_application(tmp_path: Path) -> None:
    """It is written at the end, while the store is still there, and read at the next beginning."""
    setting = f"ext.__EXT_archive.folder={tmp_path}"
    with client(setting) as http:
        http.post("/entries", json=ADA)
        assert "set aside" not in http.get("/report").text
    # In whatever order they are asked for: the order is declared.
    backwards = 'instance.enabled_extensions=["__EXT_archive", "__EXT_entries", "__EXT_store"]'
    with client(setting, backwards, "instance.optional_extensions=[]") as http:
        assert http.get("/entries").json() == [ADA]


@pytest.mark.parametrize("content", ["{", "null", '[{"name": "Ada", "text": "x", "written": "long ago"}]'])
def test_an_archive_that_cannot_be_read_is_left_as_it_is(tmp_path: Path, content: str) -> None:
    """The application does without it, says so, and does not write over it."""
    file = tmp_path / "entries.json"
    file.write_text(content)
    with client(f"ext.__EXT_archive.folder={tmp_path}") as http:
        assert http.post("/entries", json=ADA).status_code == 201
        assert "ValidationError" in http.get("/report").text
    assert file.read_text() == content


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told_at_the_start(tmp_path: Path) -> None:
    """And not when there is something to lose."""
    tmp_path.chmod(0o500)
    with client(f"ext.__EXT_archive.folder={tmp_path}") as http:
        assert "nothing can be written in the folder" in http.get("/report").text
    tmp_path.chmod(0o700)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is always full here")
def test_a_full_disk_leaves_the_archive_as_it_was(tmp_path: Path) -> None:
    """The old entries are there, and the error is raised at the end."""
    setting = f"ext.__EXT_archive.folder={tmp_path}"
    with client(setting) as http:
        http.post("/entries", json=ADA)
    kept = (tmp_path / "entries.json").read_bytes()
    (tmp_path / "entries.new").symlink_to("/dev/full")
    with pytest.raises(TeardownError, match="No space left on device"), client(setting) as http:
        http.post("/entries", json=ADA)
    assert (tmp_path / "entries.json").read_bytes() == kept


def test_old_entries_are_removed_in_the_background() -> None:
    """By the task of the store, with no request that asks for it."""
    with client("ext.__EXT_store.keep_seconds=0.05", "ext.__EXT_store.sweep_seconds=0.01") as http:
        http.post("/entries", json=ADA)
        end = time.monotonic() + 10
        while http.get("/entries").json() and time.monotonic() < end:
            time.sleep(0.01)
        assert http.get("/entries").json() == []


def test_a_task_that_dies_is_told_at_the_end() -> None:
    """Although nobody waits for it before; the store ends all the same."""
    inventory = Inventory(group=None)
    inventory.submit(StorePlugin)
    info = InstanceCreateInfo(
        ApplicationInfo("test", VersionInfo(1), "Engine", VersionInfo(1)),
        [StorePlugin.NAME],
        ext=[StoreConfig(sweep_seconds=0.001)],
    )

    async def main() -> None:
        instance = await InstanceContext.acreate(info, inventory=inventory)
        store = instance.require_plugin_ext(StorePlugin)
        del store.entries  # what it looks through is gone
        await asyncio.wait({store.sweeper}, timeout=10)
        store.entries = []
        await instance.aclose()

    with pytest.raises(TeardownError, match="'entries'"):
        asyncio.run(main())


def test_a_time_of_nothing_is_refused_with_its_line() -> None:
    """By the configuration's own check."""
    with pytest.raises(ApplicationFileError, match="keep_seconds and sweep_seconds are more than 0"):
        client("ext.__EXT_store.sweep_seconds=0")


def test_what_cannot_start_is_raised() -> None:
    """The lifespan does not begin."""
    application = client(
        'instance.enabled_extensions=["__EXT_store", "__EXT_archive"]', "instance.optional_extensions=[]"
    )
    with pytest.raises(PluginFailedError, match="no folder '/no/such/folder'"), application:
        pass


def test_the_first_plugin_is_matched_first_and_is_outermost() -> None:
    """The order of an instance is that of routes, and of middleware from outside to inside."""
    inventory = Inventory(group=None)

    class Mark(PluginEXT):
        """Answers with its name, and writes it into each request."""

        NAME = ""

        def routes(self) -> list[Route]:
            async def page(request: Request) -> PlainTextResponse:
                return PlainTextResponse(" ".join([*request.scope["marks"], f"page of {self.NAME}"]))

            return [Route("/", page)]

        def wrap(self, site: ASGIApp, /) -> ASGIApp:
            async def marked(scope: Scope, receive: Receive, send: Send) -> None:
                await site({**scope, "marks": [*scope.get("marks", ()), self.NAME]}, receive, send)

            return marked

    class First(Mark):
        UUID, NAME, DESCRIPTION = uuid.UUID("a0b4b4b5-3b0c-4f43-9d36-1a2f6b0c9d01"), "first", "A mark"

    class Second(Mark):
        UUID, NAME, DESCRIPTION = uuid.UUID("a0b4b4b5-3b0c-4f43-9d36-1a2f6b0c9d02"), "second", "A mark"

    inventory.submit(First)
    inventory.submit(Second)
    info = InstanceCreateInfo(
        ApplicationInfo("test", VersionInfo(1), "Engine", VersionInfo(1)), ["first", "second"]
    )
    with InstanceContext.create(info, inventory=inventory) as instance:
        assert TestClient(site_of(instance)).get("/").text == "first second page of first"


@pytest.mark.parametrize(
    ("plugin", "requires"),
    [(StorePlugin, []), (EntriesPlugin, [StorePlugin]), (TimingPlugin, []), (ArchivePlugin, [StorePlugin])],
)
def test_each_plugin_keeps_the_rules(
    tmp_path: Path, plugin: type[PluginEXT], requires: list[type[PluginEXT]]
) -> None:
    """By the kit for plugin authors; the store leaves no task behind."""
    config = [ArchiveConfig(str(tmp_path))] if plugin is ArchivePlugin else None
    assert_plugin_conforms(plugin, config=config, requires=requires)
