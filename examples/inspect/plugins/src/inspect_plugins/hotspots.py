"""The extension `__EXT_hotspots`: modules that are complex and that much depends on."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from hycore import PluginEXT, hydebug
from inspect_host import Module, Section, SourceFile, Table
from inspect_plugins.complexity import FileSize
from inspect_plugins.cycles import CyclesPlugin
from inspect_plugins.imports import Graph, importers, without
from inspect_plugins.patterns import check_patterns, matches
from inspect_plugins.size import SizePlugin
from inspect_plugins.words import counted


@dataclass(frozen=True)
class HotspotsConfig:
    """What counts as a hotspot."""

    importers_from: int = 1
    """By how many modules of the tree a hotspot is imported at least."""
    complexity_from: int = 1
    """How complex a hotspot is at least."""
    exclude: tuple[str, ...] = ()
    """Patterns of modules and packages that are no hotspots, and whose imports do not count."""

    def __post_init__(self) -> None:
        for name, value in (
            ("importers_from", self.importers_from),
            ("complexity_from", self.complexity_from),
        ):
            if value < 1:
                raise ValueError(f"{name} is {value}: a hotspot has 1 or more")
        check_patterns("exclude", self.exclude)


class HotspotsPlugin(PluginEXT):
    """Analyzer that joins what the analyzers of size and of imports found out."""

    UUID = uuid.UUID("00a9bb5a-7d3d-4288-aef3-89b0be98a4d3")
    NAME = "__EXT_hotspots"
    DESCRIPTION = "Complex modules that many others import"
    CREATE_INFO = HotspotsConfig
    REQUIRES = ("__EXT_size", "__EXT_cycles")

    def __init__(self, config: HotspotsConfig) -> None:
        self.config = config

    def measure(self, file: SourceFile) -> None:
        """Nothing: the required analyzers look at the files, and conclude before this one."""

    def conclude(self, measured: Mapping[Module, None]) -> Section:
        sizes = self.instance.require_plugin_ext(SizePlugin).sizes
        graph = self.instance.require_plugin_ext(CyclesPlugin).graph
        hydebug(self.instance, "joins {} sizes with the imports of {} modules", len(sizes), len(graph))
        return hotspots_section(sizes, graph, self.config)


def hotspots_section(sizes: Mapping[Module, FileSize], graph: Graph, config: HotspotsConfig) -> Section:
    """The modules with the highest product of complexity and importers first."""
    kept = without(graph, {module for module in graph if matches(module, config.exclude)})
    rows = [
        (module.name, sizes[module].complexity * count, sizes[module].complexity, count, sizes[module].code)
        for module, count in importers(kept).items()
        if module in sizes
        and count >= config.importers_from
        and sizes[module].complexity >= config.complexity_from
    ]
    rows.sort(key=lambda row: (-row[1], row[0]))
    total = sum(row[1] for row in rows)
    half = 0
    running = 0
    while running * 2 < total:
        running += rows[half][1]
        half += 1
    summary = f"{len(rows):,} of {counted(len(kept), 'module')} are both branched and imported by others"
    if half:
        summary += f"; half of their weight lies on {half:,}, where a change reaches far"
    return Section(
        "Hotspots",
        f"{summary}.",
        Table(("Module", "Weight", "Complexity", "Importers", "Code"), tuple(rows)),
    )
