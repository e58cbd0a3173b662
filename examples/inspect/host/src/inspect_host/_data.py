"""The plain values that the host, its analyzers and its reporters hand to each other."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TypeAlias

Cell: TypeAlias = str | int | float
"""What a table holds. Reporters set a column of numbers flush right."""


@dataclass(frozen=True, slots=True, order=True)
class Module:
    """Identifies one source file; it outlives the inspection and may be a key of a mapping."""

    name: str
    """Dotted, as an import statement would spell it: `email.mime.text`."""
    path: str
    """From the root of the inspected tree, with `/`: `email/mime/text.py`."""
    is_package: bool = False
    """Whether the file is an `__init__.py`."""


@dataclass(frozen=True, slots=True, eq=False)
class SourceFile:
    """One file that was read and parsed; it lives while the analyzers measure it: keep no reference to it."""

    module: Module
    text: str
    """The decoded source, every line ended by `\\n`."""
    tree: ast.Module

    @property
    def lines(self) -> list[str]:
        """The physical lines, without their ends; `lines[n - 1]` is line `n` of the syntax tree."""
        lines = self.text.split("\n")
        if not lines[-1]:
            del lines[-1]
        return lines


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something to tell about one place."""

    path: str
    line: int
    """Counted from 1; 0 means the file as a whole."""
    message: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under column titles, the most important row first: reporters may show only the first ones."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"a row of {len(row)} cells in a table of {len(self.columns)} columns: {row!r}"
                )


@dataclass(frozen=True, slots=True)
class Section:
    """What one analyzer has to say about the whole tree."""

    title: str
    summary: str
    """One or two sentences that can be read alone."""
    table: Table | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of one inspection."""

    root: str
    files: int
    """How many files were found, whether they could be parsed or not."""
    lines: int
    sections: tuple[Section, ...]
    problems: tuple[Finding, ...]
    """What could not be inspected, and why."""
    missing: tuple[str, ...] = ()
    """The optional extensions that could not take part, each with the reason."""


@dataclass(frozen=True, slots=True)
class Page:
    """Where a reporter's text is going to stand."""

    width: int = 80
    """In terminal cells."""
    colour: bool = False
    """Whether ANSI colours are understood there."""
    top: int = 10
    """How many rows of a table and how many findings to show; 0 means all."""
