"""The extension `__EXT_docs`: public names without a docstring."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from hycore import PluginEXT, hyinfo
from inspect_host import Finding, Module, Section, SourceFile, Table
from inspect_plugins.docstrings import PublicName, is_private, public_names
from inspect_plugins.patterns import check_patterns, matches


@dataclass(frozen=True)
class DocsConfig:
    """Which names have to be documented."""

    private_modules: bool = False
    """Whether to look into modules with a leading underscore too."""
    magic_methods: bool = False
    """Whether `__init__` and its like need a docstring."""
    exclude: tuple[str, ...] = ()
    """Patterns of modules and packages not to tell about."""

    def __post_init__(self) -> None:
        check_patterns("exclude", self.exclude)


class DocsPlugin(PluginEXT):
    """Analyzer of docstrings."""

    UUID = uuid.UUID("57f3981d-0120-480b-aeed-0e120e1a0eeb")
    NAME = "__EXT_docs"
    DESCRIPTION = "Public names without a docstring"
    CREATE_INFO = DocsConfig

    def __init__(self, config: DocsConfig) -> None:
        self.config = config

    def measure(self, file: SourceFile) -> tuple[PublicName, ...]:
        return public_names(file, magic_methods=self.config.magic_methods)

    def conclude(self, measured: Mapping[Module, tuple[PublicName, ...]]) -> Section:
        section = docs_section(measured, self.config)
        hyinfo(self.instance, "{} public names have no docstring", len(section.findings))
        return section


def docs_section(measured: Mapping[Module, tuple[PublicName, ...]], config: DocsConfig) -> Section:
    """The modules with the most undocumented names first, and each of these names, ordered by place."""
    names = {
        module: found
        for module, found in measured.items()
        if found
        and not matches(module, config.exclude)
        and (config.private_modules or not is_private(module))
    }
    bare = {module: [name for name in found if not name.documented] for module, found in names.items()}
    rows = [
        (module.name, len(bare[module]), len(found), 100 * (1 - len(bare[module]) / len(found)))
        for module, found in names.items()
        if bare[module]
    ]
    rows.sort(key=lambda row: (-row[1], row[0]))
    total = sum(map(len, names.values()))
    documented = total - sum(map(len, bare.values()))
    share = f" ({100 * documented / total:.1f} %)" if total else ""
    return Section(
        "Documentation",
        f"{documented:,} of {total:,} public names{share} have a docstring; "
        f"{len(names) - len(rows):,} of {len(names):,} modules lack none.",
        Table(("Module", "Undocumented", "Public", "Documented %"), tuple(rows)),
        tuple(
            Finding(module.path, name.line, f"{name.kind} {name.name} has no docstring")
            for module, found in sorted(bare.items(), key=lambda item: item[0].path)
            for name in found
        ),
    )
