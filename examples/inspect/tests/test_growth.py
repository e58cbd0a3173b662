"""What has grown since a baseline, and which baseline is not there yet, or none at all."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from hycore import InstanceContext
from hycore.base.api import ApplicationInfo, InstanceCreateInfo, VersionInfo
from hycore.ext import Inventory
from inspect_host import Finding, Module, Report, Section, Table
from inspect_more.growth import GrowthConfig, GrowthPlugin, Size, growth_section, sizes_in
from inspect_more.json import document
from inspect_plugins.complexity import FileSize, FunctionSize
from inspect_plugins.size import SizeConfig, SizePlugin, size_section

A = Module("a", "a.py")
B = Module("b", "b.py")
T = Module("tests.t", "tests/t.py")

BEFORE = {A: FileSize(20, 10, 0, (FunctionSize("f", 1, 2),), 2)}
NOW = {
    A: FileSize(30, 15, 0, (FunctionSize("f", 1, 3),), 3),
    B: FileSize(9, 7, 0, (), 0),
    T: FileSize(99, 99, 0, (), 0),
}


def report_of(sizes: dict[Module, FileSize]) -> str:
    return json.dumps(document(Report("tree", 1, 1, (size_section(sizes, SizeConfig()),), ())))


def create(config: GrowthConfig) -> InstanceContext:
    inventory = Inventory(group=None)
    inventory.submit(SizePlugin)
    inventory.submit(GrowthPlugin)
    info = InstanceCreateInfo(
        ApplicationInfo("test", VersionInfo(1), "Hyperion", VersionInfo(0, 1)),
        ["__EXT_size"],
        ext=[SizeConfig(exclude=("tests",)), config],
        optional_extensions=["__EXT_growth"],
    )
    return InstanceContext.create(info, inventory=inventory)


def test_growth_tells_what_came_went_and_changed() -> None:
    """What grew most first; what is as it was is not told."""
    before = {"a": Size(10, 2), "gone": Size(5, 1), "same": Size(7, 7), "empty": Size(0, 0)}
    now = {"a": Size(15, 3), "new": Size(30, 0), "same": Size(7, 7), "blank": Size(0, 0)}
    paths = {"a": "a.py", "new": "new.py", "same": "same.py", "blank": "blank.py"}
    assert growth_section(before, now, paths, GrowthConfig("base.json", grown_from=5)) == Section(
        "Growth",
        "Since base.json: +30 lines of code; 2 modules came and 2 went, 1 changed in size.",
        Table(
            ("Module", "Code +/-", "Code", "Complexity +/-"),
            (
                ("new", 30, 30, 0),
                ("a", 5, 15, 1),
                ("blank", 0, 0, 0),
                ("empty", 0, 0, 0),
                ("gone", -5, 0, -1),
            ),
        ),
        (
            Finding("new.py", 0, "is new, with 30 lines of code"),
            Finding("a.py", 0, "has grown by 5 lines of code"),
        ),
    )


def test_the_baseline_is_what_the_json_reporter_writes(tmp_path: Path) -> None:
    """Compared with what `__EXT_size` tells now: what that excludes has not come."""
    path = tmp_path / "base.json"
    path.write_text(report_of(BEFORE), encoding="utf-8")
    with create(GrowthConfig(str(path), grown_from=5)) as instance:
        instance.require_plugin_ext(SizePlugin).conclude(NOW)
        section = instance.require_plugin_ext(GrowthPlugin).conclude(dict.fromkeys(NOW))
    assert section.table is not None
    assert section.table.rows == (("b", 7, 7, 0), ("a", 5, 15, 1))
    assert section.findings == (
        Finding("b.py", 0, "is new, with 7 lines of code"),
        Finding("a.py", 0, "has grown by 5 lines of code"),
    )


def test_modules_of_one_name_count_as_one() -> None:
    """A tree may have two, in two folders that are no packages."""
    twice = {A: BEFORE[A], Module("a", "other/a.py"): BEFORE[A]}
    assert sizes_in(json.loads(report_of(twice))) == {"a": Size(20, 4)}


def test_a_baseline_that_is_not_there_is_asked_for_again(tmp_path: Path) -> None:
    """Set aside with a hint; up as soon as the file is there, with the configuration that it had."""
    path = tmp_path / "base.json"
    with create(GrowthConfig(str(path), retry_after=7)) as instance:
        (aside,) = instance.report().set_aside
        assert (aside.name, aside.retry_after) == ("__EXT_growth", 7)
        assert f"there is no baseline {str(path)!r} yet" in aside.reason
        assert instance.retry("__EXT_growth") is False
        path.write_text(report_of(BEFORE), encoding="utf-8")
        assert instance.retry("__EXT_growth") is True
        assert instance.report().set_aside == ()
        assert instance.require_plugin_ext(GrowthPlugin).baseline == {"a": Size(10, 2)}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff\xfe\xff",
        b"[]",
        b"1",
        b'{"sections": []}',
        b'{"sections": [1]}',
        b'{"sections": [{"title": "Size and complexity", "table": null}]}',
        b'{"sections": [{"title": "Size and complexity", "table": {"columns": ["Module"], "rows": [["a"]]}}]}',
        b'{"sections": [{"title": "Size and complexity", "table": {"columns": ["Module"], "rows": [[]]}}]}',
    ],
)
def test_a_file_that_is_no_baseline_is_not_waited_for(tmp_path: Path, text: bytes) -> None:
    """Set aside without a hint, and with what to do."""
    path = tmp_path / "base.json"
    path.write_bytes(text)
    with create(GrowthConfig(str(path))) as instance:
        (aside,) = instance.report().set_aside
    assert aside.retry_after is None
    assert aside.reason == (
        f"it failed in initialize: ValueError: {str(path)!r} is not a report of __EXT_json "
        "with the section of __EXT_size: write one in its place"
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: GrowthConfig("x", grown_from=0),
            "grown_from is 0: what has grown has 1 line more or more",
        ),
        (
            lambda: GrowthConfig("x", retry_after=-1),
            "retry_after is -1: it is a number of seconds, 0 or more",
        ),
    ],
)
def test_wrong_configuration_is_refused(make: Callable[[], object], message: str) -> None:
    """When it is constructed."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make()
