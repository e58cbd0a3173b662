"""The extension `__EXT_growth`: what has become larger since an earlier report of `__EXT_json`."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hycore import PluginEXT, hyinfo
from hycore.utils.error import TryAgainLaterError
from inspect_host import Cell, Finding, Module, Section, SourceFile, Table
from inspect_plugins.size import TITLE, SizePlugin, size_section
from inspect_plugins.words import counted


@dataclass(frozen=True)
class GrowthConfig:
    """Since when, and what is too much."""

    baseline: str
    """A file that `__EXT_json` has written, from the current directory on."""
    grown_from: int = 100
    """The lines of code more from which on a module is a finding."""
    retry_after: float = 1.0
    """How many seconds to wait before looking again for a baseline that is not there yet."""

    def __post_init__(self) -> None:
        if self.grown_from < 1:
            raise ValueError(f"grown_from is {self.grown_from}: what has grown has 1 line more or more")
        if self.retry_after < 0:
            raise ValueError(f"retry_after is {self.retry_after:g}: it is a number of seconds, 0 or more")


@dataclass(frozen=True, slots=True)
class Size:
    """What of a module can grow."""

    code: int
    complexity: int


class GrowthPlugin(PluginEXT):
    """Analyzer that compares the sizes of the modules with those of an earlier inspection.

    The baseline may still be on its way, from another machine or another process: as long as it is not there, the
    extension asks to be tried again. A file that is something else is an error, which waiting does not mend.
    """

    UUID = uuid.UUID("39409764-28d6-4bc1-b5d7-953cc51a18b6")
    NAME = "__EXT_growth"
    DESCRIPTION = "Modules that have grown since a baseline"
    CREATE_INFO = GrowthConfig
    REQUIRES = ("__EXT_size",)

    def __init__(self, config: GrowthConfig) -> None:
        self.config = config
        self.baseline: Mapping[str, Size] = {}

    def initialize(self) -> None:
        path = self.config.baseline
        try:
            with open(path, "rb") as stream:
                text = stream.read()
        except FileNotFoundError:
            raise TryAgainLaterError(
                f"there is no baseline {path!r} yet", retry_after=self.config.retry_after
            ) from None
        try:
            self.baseline = sizes_in(json.loads(text))
        except (LookupError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path!r} is not a report of __EXT_json with the section of __EXT_size: write one in its place"
            ) from error
        hyinfo(self.instance, "compares with {} modules", len(self.baseline))

    def measure(self, file: SourceFile) -> None:
        """Nothing: `__EXT_size` looks at the files, and concludes before this one."""

    def conclude(self, measured: Mapping[Module, None]) -> Section:
        size = self.instance.require_plugin_ext(SizePlugin)
        # Its section, and not its sizes: a baseline has what it tells about, and so leaves out what it excludes.
        table = size_section(size.sizes, size.config).table
        now = sizes_of(table.columns, table.rows) if table is not None else {}
        paths = {module.name: module.path for module in measured}
        return growth_section(self.baseline, now, paths, self.config)


def sizes_in(document: Any) -> dict[str, Size]:
    """The sizes in a report of `__EXT_json`; what is none raises `LookupError`, `TypeError` or `ValueError`."""
    tables = {section["title"]: section["table"] for section in document["sections"]}
    return sizes_of(tables[TITLE]["columns"], tables[TITLE]["rows"])


def sizes_of(columns: Iterable[str], rows: Iterable[Iterable[Cell]]) -> dict[str, Size]:
    """The sizes in a table of `__EXT_size`; modules of one name, which a tree may have, count as one."""
    sizes: dict[str, Size] = {}
    titles = list(columns)
    for row in rows:
        cells = dict(zip(titles, row, strict=True))
        name = str(cells["Module"])
        before = sizes.get(name, Size(0, 0))
        sizes[name] = Size(before.code + int(cells["Code"]), before.complexity + int(cells["Complexity"]))
    return sizes


def growth_section(
    baseline: Mapping[str, Size], now: Mapping[str, Size], paths: Mapping[str, str], config: GrowthConfig
) -> Section:
    """The modules that grew most first, new ones among them, and those that grew too much."""
    nothing = Size(0, 0)
    rows: list[tuple[str, int, int, int]] = []
    for name in {*baseline, *now}:
        old, new = baseline.get(name, nothing), now.get(name, nothing)
        if old != new or (name in baseline) != (name in now):
            rows.append((name, new.code - old.code, new.code, new.complexity - old.complexity))
    rows.sort(key=lambda row: (-row[1], -row[3], row[0]))
    added, gone = len(now.keys() - baseline.keys()), len(baseline.keys() - now.keys())
    code = sum(size.code for size in now.values()) - sum(size.code for size in baseline.values())
    return Section(
        "Growth",
        f"Since {config.baseline}: {code:+,} lines of code; {counted(added, 'module')} came and {gone:,} went, "
        f"{len(rows) - added - gone:,} changed in size.",
        Table(("Module", "Code +/-", "Code", "Complexity +/-"), tuple(rows)),
        tuple(
            Finding(
                paths[name],
                0,
                f"{'has grown by' if name in baseline else 'is new, with'} {counted(grown, 'line')} of code",
            )
            for name, grown, _, _ in rows
            if grown >= config.grown_from
        ),
    )
