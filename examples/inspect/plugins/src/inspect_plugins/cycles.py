"""The extension `__EXT_cycles`: modules that import each other."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from hycore import PluginEXT, hyinfo
from inspect_host import Cell, Module, Section, SourceFile, Table
from inspect_plugins.imports import (
    FileImports,
    Graph,
    When,
    build_graph,
    find_cycles,
    measure_imports,
    without,
)
from inspect_plugins.patterns import check_patterns, matches
from inspect_plugins.words import counted

KINDS = {When.AT_IMPORT: "at import", When.DEFERRED: "deferred", When.TYPING: "for types"}


@dataclass(frozen=True)
class CyclesConfig:
    """Which cycles to tell about, besides those that are closed while modules are imported."""

    deferred: bool = True
    """Those that only imports inside functions close."""
    typing: bool = False
    """Those that only imports under `if TYPE_CHECKING` close."""
    exclude: tuple[str, ...] = ()
    """Patterns of modules and packages that no cycle may pass through."""

    def __post_init__(self) -> None:
        check_patterns("exclude", self.exclude)


class CyclesPlugin(PluginEXT):
    """Analyzer of imports."""

    UUID = uuid.UUID("f7820001-f4a5-4a62-94b0-c244257ddc22")
    NAME = "__EXT_cycles"
    DESCRIPTION = "Modules that import each other"
    CREATE_INFO = CyclesConfig

    def __init__(self, config: CyclesConfig) -> None:
        self.config = config
        self.graph: Graph = {}
        """The outcome of the last inspection, for extensions that require this one."""

    def measure(self, file: SourceFile) -> FileImports:
        return measure_imports(file)

    def conclude(self, measured: Mapping[Module, FileImports]) -> Section:
        self.graph = build_graph(measured)
        hyinfo(self.instance, "{} imports within the tree", sum(map(len, self.graph.values())))
        return cycles_section(self.graph, self.config)


def cycles_section(graph: Graph, config: CyclesConfig) -> Section:
    """Each cycle with its kind, its size and a shortest way round it."""
    graph = without(graph, {module for module in graph if matches(module, config.exclude)})
    kinds = [When.AT_IMPORT]
    kinds += [When.DEFERRED] * config.deferred + [When.TYPING] * config.typing
    found = {when: find_cycles(graph, when) for when in kinds}
    rows: list[tuple[Cell, ...]] = []
    for when, cycles in found.items():
        for cycle in cycles:
            way = [f"{module.name}:{line}" for module, line in cycle.shortest]
            rows.append((KINDS[when], len(cycle.modules), " > ".join([*way, cycle.shortest[0][0].name])))
    at_import = found[When.AT_IMPORT]
    inside = sum(len(cycle.modules) for cycle in at_import)
    more = sum(map(len, found.values())) - len(at_import)
    among = counted(len(graph), "module")
    summary = f"No cycle at import among {among}"
    if at_import:
        summary = f"{inside:,} of {among} are in {counted(len(at_import), 'cycle')} at import"
    if more:
        summary += f"; later imports close {more:,} more"
    return Section(
        "Import cycles",
        f"{summary}.",
        Table(("Kind", "Modules", "Shortest way round (module:line)"), tuple(rows)),
    )
