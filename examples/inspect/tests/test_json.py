"""The JSON reporter: the document word for word, where it goes, and what is refused before any work is done."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from hycore import InstanceContext
from hycore.base.api import ApplicationInfo, InstanceCreateInfo, VersionInfo
from hycore.ext import Inventory
from hycore.utils.error import PluginFailedError
from inspect_host import Finding, Page, Report, Section, Table
from inspect_more.json import JsonConfig, JsonPlugin, document

REPORT = Report(
    "some/tree",
    2,
    30,
    (
        Section(
            "Sizes",
            "Two of them.",
            Table(("Module", "Code", "Share"), (("a", 20, 66.5), ("b", 10, math.nan), ("c", 0, -math.inf))),
            (Finding("a.py", 3, "is long"), Finding("b\udcff.py", 0, "is odd")),
        ),
        Section("Silence", "Nothing to tell."),
    ),
    (Finding("broken.py", 1, "cannot be parsed"),),
    ("__EXT_more: it is not there",),
)

DOCUMENT = {
    "format": 1,
    "root": "some/tree",
    "files": 2,
    "lines": 30,
    "sections": [
        {
            "title": "Sizes",
            "summary": "Two of them.",
            "table": {
                "columns": ["Module", "Code", "Share"],
                "rows": [["a", 20, 66.5], ["b", 10, None], ["c", 0, None]],
            },
            "findings": [
                {"path": "a.py", "line": 3, "message": "is long"},
                {"path": "b\udcff.py", "line": None, "message": "is odd"},
            ],
        },
        {"title": "Silence", "summary": "Nothing to tell.", "table": None, "findings": []},
    ],
    "problems": [{"path": "broken.py", "line": 1, "message": "cannot be parsed"}],
    "missing": ["__EXT_more: it is not there"],
}


def create(config: JsonConfig) -> InstanceContext:
    inventory = Inventory(group=None)
    inventory.submit(JsonPlugin)
    application = ApplicationInfo("test", VersionInfo(1), "Hyperion", VersionInfo(0, 1))
    return InstanceContext.create(
        InstanceCreateInfo(application, ["__EXT_json"], ext=[config]), inventory=inventory
    )


def render(config: JsonConfig, report: Report = REPORT) -> str:
    with create(config) as instance:
        return instance.require_plugin_ext(JsonPlugin).render(report, Page(top=1))


def test_the_document_has_everything() -> None:
    """Whatever the page wants to see; what JSON has no word for is null."""
    assert document(REPORT) == DOCUMENT


def test_standard_output_is_left_to_the_host() -> None:
    """In ASCII, with bytes that are no text escaped, and with the blanks that are asked for."""
    text = render(JsonConfig())
    assert json.loads(text) == DOCUMENT
    assert text.isascii()
    assert text.startswith('{\n  "format": 1,\n')
    assert "\n" not in render(JsonConfig(indent=0))


def test_a_file_is_written_whole_and_nothing_is_printed(tmp_path: Path) -> None:
    """In place of an old one, through a link, and with nothing left beside it."""
    path = tmp_path / "report.json"
    path.write_text("old", encoding="utf-8")
    (tmp_path / "link.json").symlink_to(path)
    assert render(JsonConfig(str(tmp_path / "link.json"))) == ""
    assert json.loads(path.read_text(encoding="utf-8")) == DOCUMENT
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["link.json", "report.json"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no half of the new one."""

    def refuse(source: str, target: str) -> None:
        raise PermissionError(f"{target} may not be replaced")

    path = tmp_path / "report.json"
    path.write_text("old", encoding="utf-8")
    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(PermissionError):
        render(JsonConfig(str(path)))
    assert [entry.read_text(encoding="utf-8") for entry in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "{}/nowhere/report.json",
            "there is no folder '{0}/nowhere' to write '{0}/nowhere/report.json' into",
        ),
        ("{}", "'{}' is there, and is not a file"),
    ],
)
def test_a_place_that_cannot_be_written_is_told_at_the_start(tmp_path: Path, path: str, message: str) -> None:
    """And not after an inspection that took minutes."""
    with pytest.raises(PluginFailedError, match=re.escape(message.format(tmp_path))):
        create(JsonConfig(path.format(tmp_path)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: JsonConfig(""), "path is empty: name a file, or write '-' for standard output"),
        (lambda: JsonConfig(indent=-1), "indent is -1: it is a number of blanks, 0 or more"),
    ],
)
def test_wrong_configuration_is_refused(make: Callable[[], object], message: str) -> None:
    """When it is constructed."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make()
