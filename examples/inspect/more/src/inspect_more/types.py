"""The extension `__EXT_types`: how much of the code a type checker can see."""

from __future__ import annotations

import ast
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from hycore import PluginEXT, hyinfo
from inspect_host import Finding, Module, Section, SourceFile, Table
from inspect_plugins.patterns import check_patterns, matches
from inspect_plugins.words import counted


@dataclass(frozen=True)
class TypesConfig:
    """How much has to be annotated."""

    least_percent: float = 0.0
    """The share of annotated functions below which a module is a finding."""
    exclude: tuple[str, ...] = ()
    """Patterns of modules and packages not to tell about."""

    def __post_init__(self) -> None:
        if not 0 <= self.least_percent <= 100:
            raise ValueError(f"least_percent is {self.least_percent:g}: a share is from 0 to 100")
        check_patterns("exclude", self.exclude)


@dataclass(frozen=True, slots=True)
class Annotated:
    """How many functions one file has, methods and nested ones included, and how many are annotated."""

    functions: int
    annotated: int

    @property
    def percent(self) -> float:
        """The share of those that are annotated; of no function all are."""
        return 100 * self.annotated / self.functions if self.functions else 100.0


class TypesPlugin(PluginEXT):
    """Analyzer of type annotations."""

    UUID = uuid.UUID("b65b70b9-1b01-4518-b1c1-1edc496e8ad0")
    NAME = "__EXT_types"
    DESCRIPTION = "The share of annotated functions of each module"
    CREATE_INFO = TypesConfig

    def __init__(self, config: TypesConfig) -> None:
        self.config = config

    def measure(self, file: SourceFile) -> Annotated:
        return measure_annotations(file.tree)

    def conclude(self, measured: Mapping[Module, Annotated]) -> Section:
        section = types_section(measured, self.config)
        hyinfo(self.instance, "{} modules have too few annotations", len(section.findings))
        return section


def types_section(measured: Mapping[Module, Annotated], config: TypesConfig) -> Section:
    """The modules with the most functions that are not annotated first, and those below the wanted share."""
    found = {
        module: counts
        for module, counts in measured.items()
        if counts.functions and not matches(module, config.exclude)
    }
    rows = [
        (module.name, counts.functions - counts.annotated, counts.functions, counts.percent)
        for module, counts in found.items()
        if counts.annotated < counts.functions
    ]
    rows.sort(key=lambda row: (-row[1], row[0]))
    total = Annotated(
        sum(counts.functions for counts in found.values()), sum(counts.annotated for counts in found.values())
    )
    share = f" ({total.percent:.1f} %)" if total.functions else ""
    have = "has" if total.functions == 1 else "have"
    return Section(
        "Types",
        f"{total.annotated:,} of {counted(total.functions, 'function')}{share} {have} all their annotations; "
        f"{len(found) - len(rows):,} of {counted(len(found), 'module')} lack none.",
        Table(("Module", "Unannotated", "Functions", "Annotated %"), tuple(rows)),
        tuple(
            Finding(
                module.path,
                0,
                f"{counts.percent:.1f} % of its functions are annotated, and should be {config.least_percent:g} %",
            )
            for module, counts in sorted(found.items())
            if counts.percent < config.least_percent
        ),
    )


def measure_annotations(tree: ast.Module) -> Annotated:
    """Counts the functions with all their annotations, as mypy's `disallow_incomplete_defs` asks for them.

    Those are one for each parameter, but not for `self` or `cls`, and one for what is returned, which `__init__` may
    leave out if it has another parameter. Lambdas do not count.
    """
    functions = annotated = 0
    pending: list[tuple[ast.AST, bool]] = [(tree, False)]
    while pending:
        node, in_class = pending.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            functions += 1
            annotated += _is_annotated(node, is_method=in_class and not _is_static(node))
            in_class = False
        elif isinstance(node, ast.ClassDef):
            in_class = True
        pending += [
            (child, in_class)
            for child in ast.iter_child_nodes(node)
            if isinstance(child, (ast.stmt, ast.excepthandler, ast.match_case))
        ]
    return Annotated(functions, annotated)


def _is_annotated(node: ast.FunctionDef | ast.AsyncFunctionDef, *, is_method: bool) -> bool:
    arguments = node.args
    parameters = [*arguments.posonlyargs, *arguments.args]
    if is_method:
        del parameters[:1]
    parameters += arguments.kwonlyargs
    parameters += [rest for rest in (arguments.vararg, arguments.kwarg) if rest is not None]
    returns = node.returns is not None or (node.name == "__init__" and bool(parameters))
    return returns and all(parameter.annotation is not None for parameter in parameters)


def _is_static(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(isinstance(made, ast.Name) and made.id == "staticmethod" for made in node.decorator_list)
