"""The extension `__EXT_size`: the largest modules and the functions that are hard to follow."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from hycore import PluginEXT, hyinfo
from inspect_host import Finding, Module, Section, SourceFile, Table
from inspect_plugins.complexity import FileSize, measure_size
from inspect_plugins.patterns import check_patterns, matches
from inspect_plugins.words import counted

TITLE = "Size and complexity"
"""By which whoever reads a report finds the section."""


@dataclass(frozen=True)
class SizeConfig:
    """What to tell about size and complexity."""

    complex_from: int = 15
    """The cyclomatic complexity from which on a function is a finding."""
    exclude: tuple[str, ...] = ()
    """Patterns of modules and packages not to tell about."""

    def __post_init__(self) -> None:
        if self.complex_from < 1:
            raise ValueError(f"complex_from is {self.complex_from}: no function has a complexity below 1")
        check_patterns("exclude", self.exclude)


class SizePlugin(PluginEXT):
    """Analyzer of lines of code and of McCabe's cyclomatic complexity."""

    UUID = uuid.UUID("76557e2b-6fa9-485c-8b0c-deaec29511ed")
    NAME = "__EXT_size"
    DESCRIPTION = "Lines of code and cyclomatic complexity of each module"
    CREATE_INFO = SizeConfig

    def __init__(self, config: SizeConfig) -> None:
        self.config = config
        self.sizes: Mapping[Module, FileSize] = {}
        """The outcome of the last inspection, for extensions that require this one."""

    def measure(self, file: SourceFile) -> FileSize:
        return measure_size(file)

    def conclude(self, measured: Mapping[Module, FileSize]) -> Section:
        self.sizes = measured
        section = size_section(measured, self.config)
        hyinfo(self.instance, "{} functions are complex", len(section.findings))
        return section


def size_section(measured: Mapping[Module, FileSize], config: SizeConfig) -> Section:
    """The modules with the most code first, and the functions with the highest complexity first."""
    sizes = {module: size for module, size in measured.items() if not matches(module, config.exclude)}
    rows = [
        (
            module.name,
            size.code,
            size.classes,
            len(size.functions),
            size.complexity,
            max((function.complexity for function in size.functions), default=0),
        )
        for module, size in sorted(sizes.items(), key=lambda item: (-item[1].code, item[0]))
    ]
    functions = [(module, function) for module, size in sizes.items() for function in size.functions]
    hard = [item for item in functions if item[1].complexity >= config.complex_from]
    hard.sort(key=lambda item: (-item[1].complexity, item[0].path, item[1].line))
    code = sum(size.code for size in sizes.values())
    average = sum(function.complexity for _, function in functions) / len(functions) if functions else 0.0
    return Section(
        TITLE,
        f"{counted(code, 'line')} of code in {counted(len(sizes), 'module')}; "
        f"{counted(len(functions), 'function')} of complexity {average:.1f} on average, "
        f"{len(hard):,} of them {config.complex_from} or more.",
        Table(("Module", "Code", "Classes", "Functions", "Complexity", "Highest"), tuple(rows)),
        tuple(
            Finding(module.path, function.line, f"{function.name} has complexity {function.complexity}")
            for module, function in hard
        ),
    )
