"""One file through all analyzers, and all files into one report."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from inspect_host._data import Finding, Module, Report, Section
from inspect_host._points import Analyzer
from inspect_host._tree import UnreadableError, read_source


@dataclass(frozen=True, slots=True)
class Examined:
    """What is known of one file; plain values only, so that it can come from another process."""

    module: Module
    lines: int
    measured: tuple[tuple[int, Any], ...]
    """The position of the analyzer, and what it measured."""
    failed: tuple[tuple[int, str], ...]
    """The position of the analyzer, and what it raised."""
    problems: tuple[Finding, ...]


Work: TypeAlias = Generator[Examined, None, None]
"""What yields each file as soon as it is examined; closing it ends the work."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An analyzer that raised, and what is lost."""

    analyzer: str
    error: str
    """The first of its errors, with its type."""
    files: int
    """How many files it lost; 0 means that it lost its whole section."""


def name_of(extension: object) -> str:
    """The name under which the user enabled an analyzer or a reporter."""
    return str(getattr(extension, "NAME", type(extension).__name__))


def examine(root: str, module: Module, analyzers: Sequence[Analyzer]) -> Examined:
    """Reads one file and hands it to every analyzer; no failure of file or analyzer gets out."""
    try:
        file, problems = read_source(root, module)
    except UnreadableError as error:
        return Examined(module, 0, (), (), (error.finding,))
    measured: list[tuple[int, Any]] = []
    failed: list[tuple[int, str]] = []
    for position, analyzer in enumerate(analyzers):
        try:
            measured.append((position, analyzer.measure(file)))
        except (Exception, SystemExit) as error:  # noqa: BLE001  whatever an analyzer raises costs this file only
            failed.append((position, describe(error)))
    return Examined(module, len(file.lines), tuple(measured), tuple(failed), problems)


def examine_all(root: str, modules: Iterable[Module], analyzers: Sequence[Analyzer]) -> Work:
    """Each file in turn, in this process."""
    for module in modules:
        yield examine(root, module, analyzers)


def conclude(
    root: str, examined: Iterable[Examined], analyzers: Sequence[Analyzer], problems: Sequence[Finding] = ()
) -> tuple[Report, list[Failure]]:
    """The report, and which analyzers failed; `examined` may come in any order."""
    ordered = sorted(examined, key=lambda item: item.module.path)
    found = [*problems, *(problem for item in ordered for problem in item.problems)]
    sections: list[Section] = []
    failures: list[Failure] = []
    for position, analyzer in enumerate(analyzers):
        name = name_of(analyzer)
        errors = [(item.module, error) for item in ordered for at, error in item.failed if at == position]
        if errors:
            found += [Finding(module.path, 0, f"{name} failed: {error}") for module, error in errors]
            failures.append(Failure(name, errors[0][1], len(errors)))
        measured = {item.module: value for item in ordered for at, value in item.measured if at == position}
        try:
            sections.append(analyzer.conclude(measured))
        except (Exception, SystemExit) as error:  # noqa: BLE001  and here its section only
            failures.append(Failure(name, describe(error), 0))
    lines = sum(item.lines for item in ordered)
    return Report(root, len(ordered), lines, tuple(sections), tuple(sorted(found))), failures


def describe(error: BaseException) -> str:
    """The type and the first line of the text of an error."""
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__
