"""What all tests share: they write nothing outside their own folders, and run the same way twice in CI."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import uuid
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import trio

from hycore import InstanceContext, OpaqueList, PluginEXT
from hycore.base import Plan
from hycore.base.api import ApplicationInfo, InstanceCreateInfo, VersionInfo
from hycore.ext import Inventory

collect_ignore = ["typing"]  # only checked, by test_typing.py; never run

hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(scope="session", autouse=True)
def home_of_the_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keeps the cache of discovery away from the user's own, in this process and in those that tests start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HY_HOME", str(tmp_path_factory.mktemp("hy_home")))
        yield


Act = BaseException | type[BaseException] | Callable[[Any], object]


async def pause() -> None:
    """Gives way to the loop, where there is one; without one an asynchronous hook runs through."""
    if trio.lowlevel.in_trio_run():
        await trio.lowlevel.checkpoint()
    elif asyncio._get_running_loop() is not None:
        await asyncio.sleep(0)


class Held:
    """An instance of an asynchronous host, as one of a plain host is used: what must be awaited is run in its loop."""

    def __init__(self, world: World, instance: InstanceContext) -> None:
        self.world = world
        self.bare = instance

    def close(self) -> None:
        self.world.run(self.bare.aclose)

    def retry(self, name: str, **options: Any) -> bool:
        up: bool = self.world.run(partial(self.bare.aretry, name, **options))
        return up

    def __enter__(self) -> Held:
        self.world.run(self.bare.__aenter__)
        return self

    def __exit__(self, *what: Any) -> Any:
        return self.world.run(partial(self.bare.__aexit__, *what))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bare, name)

    def __repr__(self) -> str:
        return repr(self.bare)


class World:
    """An inventory of its own, plugins that write down what happens to them, and instances of them.

    In an asynchronous world all hooks and `note` are `async def`, and give way to the loop.
    """

    def __init__(self, kind: str = "plain") -> None:
        self.kind = kind
        self.inventory = Inventory(group=None)
        self.journal: list[str] = []

    def run(self, function: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Runs a coroutine function in the loop of this world."""
        results: list[Any] = []
        errors: list[BaseException] = []

        async def main() -> None:
            # What a loop returns or raises it may keep for a while.
            try:
                results.append(await function())
            except BaseException as error:
                errors.append(error)

        if self.kind == "trio":
            trio.run(main)
        else:
            asyncio.run(main())
        if not errors:
            return results.pop()
        try:
            raise errors.pop()
        finally:
            del main

    def plugin(
        self, name: str, acts: Mapping[str, Act] | None = None, /, submit: bool = True, **attributes: object
    ) -> type[PluginEXT]:
        """Defines a plugin. `acts` are what its hooks raise, or call with the plugin, after the hook is journalled."""
        journal = self.journal

        def act(plugin: object, phase: str) -> object:
            journal.append(f"{phase} {name}")
            deed = (acts or {}).get(phase)
            if isinstance(deed, BaseException | type):
                raise deed
            return deed(plugin) if deed is not None else None

        class Base(PluginEXT):
            UUID = uuid.uuid5(uuid.NAMESPACE_DNS, name)
            NAME = name
            DESCRIPTION = f"The plugin {name}"

            @classmethod
            def new(cls, ext: OpaqueList) -> PluginEXT:
                plugin = cls()
                result = act((plugin, ext), "new")
                return plugin if result is None else result  # type: ignore[return-value]

        class Plain(Base):
            def attach_to(self, instance: object) -> None:
                act(self, "attach_to")

            def initialize(self) -> None:
                act(self, "initialize")

            def teardown(self) -> None:
                act(self, "teardown")

            def note(self, text: str) -> None:
                journal.append(f"{text} {name}")

        class Asynchronous(Base):
            async def attach_to(self, instance: object) -> None:
                await pause()
                act(self, "attach_to")
                await pause()

            async def initialize(self) -> None:
                await pause()
                act(self, "initialize")
                await pause()

            async def teardown(self) -> None:
                await pause()
                act(self, "teardown")
                await pause()

            async def note(self, text: str) -> None:
                await pause()
                journal.append(f"{text} {name}")
                await pause()

        kind = Plain if self.kind == "plain" else Asynchronous
        kind.__name__, kind.__qualname__ = "Plugin", f"Plugin_{name}"
        for key, value in attributes.items():
            setattr(kind, key, value)
        if submit:
            self.inventory.submit(kind)
        return kind

    def info(
        self,
        enabled: Iterable[str] = (),
        optional: Iterable[str] = (),
        *,
        ext: Iterable[object] = (),
        engine: tuple[int, int, int] = (1, 0, 0),
        node_id: int = 0,
        unused_ext: Any = "error",
    ) -> InstanceCreateInfo:
        application = ApplicationInfo("test", VersionInfo(1), "Engine", VersionInfo(*engine))
        return InstanceCreateInfo(
            application, enabled, node_id, ext, optional_extensions=optional, unused_ext=unused_ext
        )

    def bring_up(self, info: InstanceCreateInfo, **options: Any) -> Any:
        """An instance for a request; `options` are those of `create`."""
        if self.kind == "plain":
            return InstanceContext.create(info, inventory=self.inventory, **options)
        return Held(
            self, self.run(partial(InstanceContext.acreate, info, inventory=self.inventory, **options))
        )

    def create(self, enabled: Iterable[str] = (), optional: Iterable[str] = (), **options: Any) -> Any:
        return self.bring_up(self.info(enabled, optional, **options))

    def plan(self, enabled: Iterable[str] = (), optional: Iterable[str] = (), **options: Any) -> Plan:
        return InstanceContext.plan(
            self.info(enabled, optional, **options),
            inventory=self.inventory,
            asynchronous=self.kind != "plain",
        )


@pytest.fixture(scope="session")
def worlds() -> type[World]:
    """For property tests: each example makes a world of its own."""
    return World


@pytest.fixture(params=["plain", "asyncio", "trio"])
def world(request: pytest.FixtureRequest) -> World:
    """Every test that uses it runs in a plain host, under asyncio and under trio."""
    return World(request.param)


@pytest.fixture
def plain_world() -> World:
    """For what is only so, or only to be seen, in a plain host."""
    return World()


@pytest.fixture
def no_collector() -> Iterator[None]:
    """What is freed in this test is freed without the garbage collector."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Site(World):
    """A folder on `sys.path` with installed distributions, and an inventory that reads entry points."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.inventory = Inventory()

    def distribution(
        self, name: str, version: str, entries: Mapping[str, str], group: str = "hycore.plugins"
    ) -> Path:
        info = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        lines = [f"{key} = {value}" for key, value in entries.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines, ""]))
        return info

    def foo(self) -> None:
        """A distribution with the extension `__EXT_FOO`."""
        self.distribution("foo", "1.0", {"__EXT_FOO": "foo_plugin:FooPlugin"})
        self.module(
            "foo_plugin",
            "import uuid\nfrom hycore import PluginEXT\n\n\nclass FooPlugin(PluginEXT):\n"
            '    UUID = uuid.UUID("cdb726aa-8656-486f-a5b5-ff09f37a83fb")\n'
            '    NAME = "__EXT_FOO"\n    DESCRIPTION = "Foo"\n',
        )

    def module(self, name: str, source: str) -> Path:
        path = self.folder.joinpath(*name.split(".")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
        return path


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """What it imports is forgotten afterwards."""
    folder = tmp_path / "site"
    folder.mkdir()
    before = set(sys.modules)
    monkeypatch.syspath_prepend(folder)
    yield Site(folder)
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None)
        if file is not None and Path(file).is_relative_to(folder):
            del sys.modules[name]


@pytest.fixture
def signals_that_are_not_ignored() -> Iterator[None]:
    """In a job in the background Ctrl-C is ignored, and would be in the processes that these tests start."""
    ignored = [each for each in (signal.SIGINT, signal.SIGHUP) if signal.getsignal(each) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)
