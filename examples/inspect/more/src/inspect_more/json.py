"""The extension `__EXT_json`: a reporter for programs, that leaves nothing out."""

from __future__ import annotations

import json
import math
import os
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hycore import PluginEXT, hyinfo
from inspect_host import Cell, Finding, Page, Report, Section

STANDARD_OUTPUT = "-"


@dataclass(frozen=True)
class JsonConfig:
    """Where the document goes, and how it looks."""

    path: str = STANDARD_OUTPUT
    """A file, from the current directory on; `-` is standard output."""
    indent: int = 2
    """Blanks for each level; 0 writes one line."""

    def __post_init__(self) -> None:
        if not self.path:
            raise ValueError("path is empty: name a file, or write '-' for standard output")
        if self.indent < 0:
            raise ValueError(f"indent is {self.indent}: it is a number of blanks, 0 or more")


class JsonPlugin(PluginEXT):
    """Reporter of one JSON document, with every row and every finding, whatever `--top` says."""

    UUID = uuid.UUID("b71b902c-54d3-4d1f-b478-f54eda5dba7b")
    NAME = "__EXT_json"
    DESCRIPTION = "Writes the report as a JSON document"
    CREATE_INFO = JsonConfig

    def __init__(self, config: JsonConfig) -> None:
        self.config = config

    def initialize(self) -> None:
        # Better now than after the inspection, which may take long.
        path = self.config.path
        if path == STANDARD_OUTPUT:
            return
        folder = os.path.dirname(path) or os.curdir
        if not os.path.isdir(folder):
            raise FileNotFoundError(f"there is no folder {folder!r} to write {path!r} into")
        if os.path.exists(path) and not os.path.isfile(path):
            raise OSError(f"{path!r} is there, and is not a file")

    def render(self, report: Report, page: Page) -> str:
        indent = self.config.indent or None
        text = json.dumps(document(report), indent=indent)  # ASCII, so that file names may hold any bytes
        if self.config.path == STANDARD_OUTPUT:
            return text
        _replace(self.config.path, text + "\n")
        hyinfo(self.instance, "wrote {}", self.config.path)
        return ""


def document(report: Report) -> dict[str, Any]:
    """The report in dictionaries, lists and plain values; `format` counts up when it changes its meaning."""
    return {
        "format": 1,
        "root": report.root,
        "files": report.files,
        "lines": report.lines,
        "sections": [_section(section) for section in report.sections],
        "problems": _findings(report.problems),
        "missing": list(report.missing),
    }


def _section(section: Section) -> dict[str, Any]:
    table = None
    if section.table is not None:
        table = {
            "columns": list(section.table.columns),
            "rows": [[_cell(cell) for cell in row] for row in section.table.rows],
        }
    return {
        "title": section.title,
        "summary": section.summary,
        "table": table,
        "findings": _findings(section.findings),
    }


def _findings(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    return [
        {"path": finding.path, "line": finding.line or None, "message": finding.message}
        for finding in findings
    ]


def _cell(cell: Cell) -> Cell | None:
    # JSON has no word for infinity, nor for what is not a number.
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell


def _replace(path: str, text: str) -> None:
    """Writes the file at once: who reads it, or waits for it, never sees a half of it."""
    path = os.path.realpath(path)
    written = f"{path}.{os.getpid()}.new"
    try:
        with open(written, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(written, path)
    except BaseException:
        if os.path.exists(written):
            os.unlink(written)
        raise
