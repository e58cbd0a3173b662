"""`report()`: what is on, asked for by whom, in which order and why; what is off and why; who took what; what failed."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import pickle
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import hypi.api
from hycore.base import AskedBy, InstanceContext, Report
from hycore.base.api import ApplicationInfo, InstanceCreateInfo, VersionInfo
from hycore.utils.error import HyError, PluginFailedError, TryAgainLaterError
from hycore.utils.opaque import OpaqueObject
from hypi.app import load_application

APPLICATION = ApplicationInfo("test", VersionInfo(1), "Engine", VersionInfo(1))
HERE = __file__


class Secret(OpaqueObject):
    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"Secret({self.text})"


class Left(OpaqueObject):
    pass


def masked(text: str) -> str:
    """What differs from run to run: folders, lines and times."""
    text = re.sub(r'(File ")[^"]*/([^/"]+)", line \d+', r"\1\2, line N", text)
    text = re.sub(r"\S*/([^/\s]+:)\d+", r"\1N", text)
    return re.sub(r"\d+\.\d\d\b", "#.##", text)


def line_of(text: str) -> int:
    """The number of the one line of this file that ends in a comment."""
    lines = Path(HERE).read_text().split("\n")
    (number,) = [number for number, line in enumerate(lines, start=1) if line.endswith(f"# {text}")]
    return number


def a_world_of_everything(world: Any) -> list[Any]:
    """One of each kind; returns the requests that it is for."""

    def take(both: Any) -> None:
        both[1].require_ext(Secret)

    def fail(_: object) -> None:
        secret = "hunter2"
        raise ValueError("the disk is full") from KeyError(len(secret))

    world.plugin("base")
    world.plugin("needed", {"new": take}, AFTER=("base",))
    world.plugin("main", {"teardown": fail}, REQUIRES=("needed",))
    world.plugin("extra", {"initialize": fail})
    world.plugin("with_extra", REQUIRES=("extra",))
    world.plugin("late", {"initialize": TryAgainLaterError("not yet", retry_after=2.5)})
    optional = ["needed", "extra", "with_extra", "late", "nowhere"]
    ext = [Secret("hunter2"), Left()]
    return [world.info(["main", "base"], optional, ext=ext, unused_ext="ignore")]


REPORT = """\
test 1.0.0: closed, 3 extensions
asked for at conftest.py:N
   1. base    down         enabled
   2. needed  down         optional, required by main; after base (AFTER)
   3. main    down         enabled; after needed (REQUIRES)
set aside: nowhere: PluginNotFoundError: no extension is named 'nowhere'; looked in the plugins registered in this process; known: 'base', 'needed', 'main', 'extra', 'with_extra', 'late'; if it is another one, install its package, or import the module of its class, which has @define_plugin
set aside: extra: PluginFailedError: it failed in initialize: ValueError: the disk is full
    KeyError: 7

    The above exception was the direct cause of the following exception:

    Traceback (most recent call last):
      File "conftest.py, line N, in World.plugin.<locals>.Plain.initialize
        act(self, "initialize")
      File "conftest.py, line N, in World.plugin.<locals>.act
        return deed(plugin) if deed is not None else None
      File "test_report.py, line N, in a_world_of_everything.<locals>.fail
        raise ValueError("the disk is full") from KeyError(len(secret))
    ValueError: the disk is full
set aside: with_extra: MissingDependencyError: it requires 'extra', which is set aside
set aside: late: PluginFailedError: it failed in initialize: TryAgainLaterError: not yet; try again in 2.5 s
    Traceback (most recent call last):
      File "conftest.py, line N, in World.plugin.<locals>.Plain.initialize
        act(self, "initialize")
      File "conftest.py, line N, in World.plugin.<locals>.act
        raise deed
    TryAgainLaterError: not yet; try again in 2.5 s
configuration: tests.test_report.Secret, taken by needed
configuration: tests.test_report.Left, taken by nobody
failure: extension 'main' failed in teardown: ValueError: the disk is full; what it should have released may be left behind
    KeyError: 7

    The above exception was the direct cause of the following exception:

    Traceback (most recent call last):
      File "conftest.py, line N, in World.plugin.<locals>.Plain.teardown
        act(self, "teardown")
      File "conftest.py, line N, in World.plugin.<locals>.act
        return deed(plugin) if deed is not None else None
      File "test_report.py, line N, in a_world_of_everything.<locals>.fail
        raise ValueError("the disk is full") from KeyError(len(secret))
    ValueError: the disk is full
times in ms new attach_to initialize teardown
 1. base #.## #.## #.## #.##
 2. needed #.## #.## #.## #.##
 3. main #.## #.## #.## #.##"""


def closed(world: Any) -> Report:
    (info,) = a_world_of_everything(world)
    instance = world.bring_up(info, profile=True)
    with suppress(HyError):
        instance.close()
    report: Report = instance.report()
    return report


def test_all_of_it_as_text(plain_world: Any) -> None:
    """Word for word; no value of a configuration, and no local variable."""
    report = closed(plain_world)
    text, _, times = masked(str(report)).replace(__name__, "tests.test_report").partition("times in ms")
    assert f"{text}times in ms{re.sub(' {2,}', ' ', times)}" == REPORT
    assert "hunter2" not in f"{report}{report!r}{report.as_json()}{report._repr_html_()}"


def test_all_of_it_as_json(world: Any) -> None:
    """The same facts in plain values, with names that stay."""
    report = closed(world)
    found = json.loads(report.as_json())
    assert found == report.to_dict()
    where = {"kind": "code", "where": report.asked_for[0].where}
    needed, main = found["extensions"][1:]
    times = needed.pop("times")
    assert list(times) == ["new", "attach_to", "initialize", "teardown"]
    needed.pop("held")
    assert needed == {
        "name": "needed",
        "uuid": report.extensions[1].uuid,
        "description": "The plugin needed",
        "state": "down",
        "reason": "optional, required by main; after base (AFTER)",
        "requires": [],
        "after": ["base"],
        "asked_by": {**where, "field": "optional_extensions", "required_by": "main"},
        "configuration": [f"{__name__}.Secret"],
    }
    assert main["asked_by"] == {**where, "field": "enabled_extensions", "required_by": None}
    assert [aside["name"] for aside in found["set_aside"]] == ["nowhere", "extra", "with_extra", "late"]
    assert [aside["retry_after"] for aside in found["set_aside"]] == [None, None, None, 2.5]
    assert {aside["asked_by"]["field"] for aside in found["set_aside"]} == {"optional_extensions"}
    assert found["set_aside"][1]["traceback"].endswith("ValueError: the disk is full")
    assert found["configuration"] == [
        {"type": f"{__name__}.Secret", "taken_by": "needed"},
        {"type": f"{__name__}.Left", "taken_by": None},
    ]
    (failure,) = found["failures"]
    assert failure["text"].startswith("extension 'main' failed in teardown: ValueError: the disk is full")
    assert "fail" in failure["traceback"]


def test_all_of_it_in_a_notebook(plain_world: Any) -> None:
    """A table with all that the text has; tracebacks are folded away."""
    plain_world.plugin("<a>")
    html = closed(plain_world)._repr_html_()
    for text in (
        "with_extra",
        "set aside",
        "needed (REQUIRES)",
        "Secret",
        "Left",
        "teardown (ms)",
        "failed in teardown",
    ):
        assert text in html
    assert html.count("<details>") == html.count("</details>") == 3
    assert html.count("<tr>") == html.count("</tr>") == 10
    cells = [row.count("<td") for row in html.split("<tr>")[2:]]
    assert sorted(cells) == [1, 1] + [9] * 7  # a traceback has a row of its own
    assert html.count('<td colspan="9"') == 2


def test_a_report_is_a_value(world: Any) -> None:
    """It can be compared, pickled and read anywhere: what it tells of is not needed for it."""
    report = closed(world)
    copy = pickle.loads(pickle.dumps(report))
    assert copy == report
    assert str(copy) == str(report)


def test_a_name_is_text_in_a_page(plain_world: Any) -> None:
    """What a plugin or a host is called is no markup."""
    plain_world.plugin("<b>a</b>", DESCRIPTION='"<i>')
    with plain_world.create(["<b>a</b>"]) as instance:
        html = instance._repr_html_()
    assert "<b>a" not in html
    assert "<i>" not in html


# By whom.


def asked_by(instance: Any) -> AskedBy:
    (extension,) = instance.report().extensions
    found: AskedBy = extension.asked_by
    return found


def test_code_that_asks_is_named_with_file_and_line(plain_world: Any) -> None:
    """The line on which the request is written, whoever creates the instance, and however often."""
    plain_world.plugin("a")
    info = InstanceCreateInfo(APPLICATION, ["a"])  # of the runtime
    expected = AskedBy("code", f"{HERE}:{line_of('of the runtime')}", "enabled_extensions")
    for _ in range(2):
        with InstanceContext.create(info, inventory=plain_world.inventory) as instance:
            assert asked_by(instance) == expected
            assert str(expected) == f"enabled_extensions at {HERE}:{line_of('of the runtime')}"
    copy = pickle.loads(pickle.dumps(info))
    assert copy == info
    assert hash(copy) == hash(info)
    with InstanceContext.create(copy, inventory=plain_world.inventory) as instance:
        assert asked_by(instance) == expected


def test_code_that_asks_by_the_validated_request_is_named_too(plain_world: Any) -> None:
    """Neither Pydantic nor we have asked."""
    plain_world.plugin("a")
    version = hypi.api.Version(1)
    application = hypi.api.ApplicationInfo("test", version, "Engine", version)
    info = hypi.api.InstanceCreateInfo(application, ["a"])  # of hypi
    where = f"{HERE}:{line_of('of hypi')}"
    with hypi.api.create_instance(info, inventory=plain_world.inventory) as instance:
        assert asked_by(instance).where == where

    async def run() -> None:
        async with await hypi.api.acreate_instance(info, inventory=plain_world.inventory) as instance:
            assert asked_by(instance).where == where

    asyncio.run(run())
    changed = dataclasses.replace(info, node_id=3)  # of something else
    with hypi.api.create_instance(changed, inventory=plain_world.inventory) as instance:
        assert asked_by(instance).where == f"{HERE}:{line_of('of something else')}"
    copy = pickle.loads(pickle.dumps(info))
    with hypi.api.create_instance(copy, inventory=plain_world.inventory) as instance:
        assert asked_by(instance).where == where


def test_a_request_keeps_no_frame(plain_world: Any, no_collector: None) -> None:
    """What the caller has is not kept by what it asks for."""
    import weakref

    class Thing:
        pass

    def ask() -> tuple[Any, Any]:
        thing = Thing()
        return InstanceCreateInfo(APPLICATION), weakref.ref(thing)

    info, thing = ask()
    assert thing() is None
    assert info == InstanceCreateInfo(APPLICATION)


FILE = """\
[application]
name = "test"
version = "1.0.0"

[engine]
name = "Engine"
version = "1.0.0"

[instance]
groups = []
enabled_extensions = [
    "a",
]
optional_extensions = ["b"]
"""


def test_an_application_file_that_asks_is_named_with_file_and_line(
    plain_world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line of the list; a setting of the command line is named instead of it."""
    monkeypatch.setattr("hypi.app._application.default_inventory", plain_world.inventory)
    plain_world.plugin("a")
    plain_world.plugin("b")
    path = tmp_path / "app.toml"
    path.write_text(FILE)
    with load_application(path).create() as instance:
        a, b = instance.report().extensions
        assert a.asked_by == AskedBy("application file", f"{path}:11", "enabled_extensions")
        assert b.asked_by == AskedBy("application file", f"{path}:14", "optional_extensions")
        assert f"enabled at {path}:11, optional at {path}:14" in str(instance.report())
    with load_application(path, settings=["instance.optional_extensions=['b', 'c']"]).create() as instance:
        a, b = instance.report().extensions
        assert a.asked_by.where == f"{path}:11"
        assert b.asked_by == AskedBy("setting", "--set instance.optional_extensions", "optional_extensions")
        (c,) = instance.report().set_aside
        assert str(c.asked_by) == "optional_extensions by --set instance.optional_extensions"
    path.write_text(FILE.replace("groups = []", "# enabled_extensions = []\ngroups = []"))
    with load_application(path).create() as instance:
        assert instance.report().extensions[0].asked_by.where == f"{path}:12"
    path.write_text(FILE.split("[instance]")[0])
    with load_application(path).create() as instance:
        assert instance.report().asked_for == ()


# What failed.


def test_the_traceback_of_a_module_that_cannot_be_imported(site: Any) -> None:
    """The frames of the plugin's code, and none of ours or of Python's imports."""
    module = site.module("broken", "def f():\n    raise OSError('no')\n\nf()\n")
    site.distribution("broken", "1.0", {"a": "broken:P"})
    with site.create([], ["a"]) as instance:
        (aside,) = instance.report().set_aside
    assert aside.traceback == (
        f'Traceback (most recent call last):\n  File "{module}", line 4, in <module>\n    f()\n'
        f"  File \"{module}\", line 2, in f\n    raise OSError('no')\nOSError: no"
    )


def test_a_group_shows_its_members(plain_world: Any) -> None:
    """As task groups and nurseries raise it; a traceback without an end is cut in its middle."""

    def dig(depth: int) -> None:
        if depth == 0:
            raise OSError("deep")
        dig(depth - 1)

    def fail(_: object) -> None:
        try:
            dig(100)
        except OSError as error:
            error.add_note("a note")
            raise ExceptionGroup("two", [error, ValueError("plain")]) from None

    plain_world.plugin("a", {"initialize": fail})
    with plain_world.create([], ["a"]) as instance:
        lines = instance.report().set_aside[0].traceback.split("\n")
    assert "ExceptionGroup: two (2 sub-exceptions)" in lines
    assert "  1. Traceback (most recent call last):" in lines
    assert "       [72 more]" in lines
    assert "     a note" in lines
    assert lines[-1] == "  2. ValueError: plain"
    assert len(lines) < 90


def test_a_group_is_shown_as_far_as_somebody_would_read_it(plain_world: Any) -> None:
    """Ten of its members, and of groups in groups ten levels: what a plugin raises may be as deep as it likes."""

    def fail(_: Any) -> None:
        error: Exception = ValueError("innermost")
        for _ in range(2000):
            error = ExceptionGroup("deep", [error])
        raise ExceptionGroup("wide", [error, *[ValueError(str(number)) for number in range(14)]])

    plain_world.plugin("a", {"initialize": fail})
    with plain_world.create([], ["a"]) as instance:
        lines = [line.strip() for line in instance.report().set_aside[0].traceback.split("\n")]
    assert lines.count("1. ExceptionGroup: deep (1 sub-exception)") == 10
    assert "1. [1 more]" in lines
    assert lines[-2:] == ["10. ValueError: 8", "11. [5 more]"]


def test_what_did_not_come_up_has_a_report_where_times_are_taken(world: Any) -> None:
    """The error that a failed creation raises has it: what ended it, what was set aside, the times until then."""
    world.plugin("a")
    world.plugin("b", {"initialize": ValueError("no")})
    world.plugin("c", {"attach_to": ValueError("never")})
    with pytest.raises(PluginFailedError) as caught:
        world.bring_up(world.info(["a", "b"], ["c"]), profile=True)
    report = caught.value.report
    assert report is not None
    assert (report.state, [each.state for each in report.extensions]) == ("failed", ["down", "down"])
    assert [list(each.times) for each in report.extensions] == [
        ["new", "attach_to", "initialize", "teardown"],
        ["new", "attach_to", "initialize"],
    ]
    assert [each.name for each in report.set_aside] == ["c"]
    assert [each.text for each in report.failures] == [str(caught.value)]
    assert "ValueError: no" in report.failures[0].traceback
    assert pickle.loads(pickle.dumps(caught.value)).report == report
    with pytest.raises(PluginFailedError) as caught:
        world.bring_up(world.info(["b"]))
    assert caught.value.report is None


def test_what_was_interrupted_has_a_report_too(plain_world: Any) -> None:
    """Ctrl-C passes as itself."""
    plain_world.plugin("a", {"initialize": KeyboardInterrupt})
    with pytest.raises(KeyboardInterrupt) as caught:
        plain_world.bring_up(plain_world.info(["a"]), profile=True)
    report: Report = caught.value.report  # type: ignore[attr-defined]
    assert [each.text for each in report.failures] == ["KeyboardInterrupt"]


def test_a_plugin_cannot_spoil_the_report(plain_world: Any) -> None:
    """Whatever its error says of itself."""

    class BadError(Exception):
        __notes__ = 3

        def __str__(self) -> str:
            raise RuntimeError("never")

    class WorseError(Exception):
        @property
        def __notes__(self) -> list[str]:
            raise RuntimeError("never")

    plain_world.plugin("a", {"initialize": BadError()})
    plain_world.plugin("b", {"initialize": WorseError()})
    with plain_world.create([], ["a", "b"]) as instance:
        report = str(instance.report())
        assert "BadError" in report
        assert "WorseError" in report


def keys_of(value: Any) -> Any:
    """The keys of tables in tables, of the first of each array too; times and the like may have any."""
    if isinstance(value, list):
        return [keys_of(each) for each in value[:1] if isinstance(each, dict)]
    if not isinstance(value, dict):
        return None
    return {key: keys_of(each) if key not in ("times", "held") else None for key, each in value.items()}


def test_the_documented_format(plain_world: Any) -> None:
    """The document that the guide shows has exactly the fields that there are."""
    page = Path(HERE).parents[1].joinpath("docs/how-to/report.md").read_text("utf-8")
    (block,) = re.findall(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    found = closed(plain_world).to_dict()
    assert keys_of(json.loads(block)) == keys_of(found)


# `hyperion run --report`.

HOST = """
import uuid
from hycore import PluginEXT

class P(PluginEXT):
    UUID, NAME, DESCRIPTION = uuid.uuid5(uuid.NAMESPACE_DNS, __name__), __name__, "A plugin"
    def initialize(self):
        if self.NAME == "bad":
            raise ValueError("no")

def main(instance, args):
    print("at work")
    if args:
        raise KeyboardInterrupt
"""

OF_FILE = """
[application]
name = "test"
version = "1.0.0"
main = "good:main"
[engine]
name = "Engine"
version = "1.0.0"
[instance]
groups = ["zoo"]
enabled_extensions = {}
optional_extensions = {}
"""


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Runs an application with extensions `good` and `bad`, enabled and optional."""
    for name in ("good", "bad"):
        (tmp_path / f"{name}.py").write_text(HOST)
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[zoo]\n{name} = {name}:P\n")

    def run(enabled: list[str], optional: list[str], *words: str) -> tuple[str, str, int]:
        (tmp_path / "app.toml").write_text(OF_FILE.format(enabled, optional))
        done = subprocess.run(
            [sys.executable, "-P", "-W", "error", "-m", "hypi", "run", "--report", "app.toml", *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
        return done.stdout, masked(done.stderr.replace(str(tmp_path), "")), done.returncode

    return run


def test_run_prints_the_report_when_all_is_over(run: Any) -> None:
    """On standard error; what `main` prints is apart from it."""
    stdout, stderr, status = run(["good"], ["gone", "bad"])
    assert (stdout, status) == ("at work\n", 0)
    start = stderr.index("test 1.0.0: closed, 1 extension\n")
    report = stderr[start:].split("\n")
    assert report[1:3] == [
        "enabled at app.toml:11, optional at app.toml:12",
        "   1. good  down         enabled",
    ]
    assert report[3].startswith("set aside: gone: PluginNotFoundError: ")
    assert report[4] == "set aside: bad: PluginFailedError: it failed in initialize: ValueError: no"
    assert '        raise ValueError("no")' in report
    assert re.sub(" +", " ", report[-3]) == "times in ms new attach_to initialize teardown"


def test_run_reports_what_did_not_come_up(run: Any) -> None:
    """Below the error: what ended it, where, and what had been set aside before."""
    stdout, stderr, status = run(["good", "bad"], ["gone"])
    assert (stdout, status) == ("", 1)
    first, *lines = stderr.split("\n")
    assert first.startswith("hyperion: app.toml: extension 'bad' failed in initialize: ValueError: no; ")
    assert lines[0] == "test 1.0.0: failed, 2 extensions"
    assert any(line.startswith("set aside: gone: ") for line in lines)
    assert '        raise ValueError("no")' in lines


def test_run_reports_what_could_not_be_planned(run: Any) -> None:
    """Every problem."""
    _, stderr, status = run(["nowhere", "good", "neither"], [])
    assert status == 1
    start = stderr.index("app.toml: failed, 0 extensions\n")
    assert [line[:43] for line in stderr[start:].split("\n")[1:3]] == [
        "failure: no extension is named 'nowhere'; l",
        "failure: no extension is named 'neither'; l",
    ]


def test_run_reports_after_ctrl_c(run: Any) -> None:
    """As after any other end."""
    stdout, stderr, status = run(["good"], [], "--", "interrupt")
    assert (stdout, status) == ("at work\n", 130)
    assert "test 1.0.0: closed, 1 extension\n" in stderr
