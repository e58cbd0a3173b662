"""The extension `__EXT_table`: a reporter that sets the report in tables."""

from __future__ import annotations

import io
import uuid
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from hycore import PluginEXT, hydebug
from inspect_host import Cell, Finding, Page, Report, Section, Table
from inspect_plugins.words import counted


@dataclass(frozen=True)
class TableConfig:
    """How the report looks."""

    max_width: int = 100
    """In terminal cells; a wider terminal is not filled."""
    findings: bool = True
    """Whether single findings stand below the tables."""

    def __post_init__(self) -> None:
        if self.max_width < MIN_WIDTH:
            raise ValueError(f"max_width is {self.max_width}: the tables need {MIN_WIDTH} cells or more")


MIN_WIDTH = 40
"""What the tables need to be readable; a narrower terminal breaks lines by itself."""


class TablePlugin(PluginEXT):
    """Reporter of readable text: colours on a terminal, none in a pipe."""

    UUID = uuid.UUID("c7362b94-b404-43b4-97af-b484733523b8")
    NAME = "__EXT_table"
    DESCRIPTION = "Prints the report as tables"
    CREATE_INFO = TableConfig

    def __init__(self, config: TableConfig) -> None:
        self.config = config

    def render(self, report: Report, page: Page) -> str:
        hydebug(self.instance, "a page of {} cells", page.width)
        return render_tables(report, page, self.config)


def render_tables(report: Report, page: Page, config: TableConfig) -> str:
    """The whole report as text, without a newline at its end."""
    width = max(MIN_WIDTH, min(page.width, config.max_width))
    output = io.StringIO()
    console = Console(
        file=output,
        width=width,
        force_terminal=page.colour,
        force_jupyter=False,
        color_system="standard" if page.colour else None,
        highlight=False,
    )
    size = f"{counted(report.files, 'file')}, {counted(report.lines, 'line')}"
    console.print(Text(f"{report.root}: {size}", style="bold"))
    for section in report.sections:
        _print_section(console, section, page.top, config)
    if report.problems:
        _print_heading(
            console, "Files", f"{counted(len(report.problems), 'problem')} with reading and parsing."
        )
        _print_findings(console, report.problems, page.top)
    if report.missing:
        are = "extension is" if len(report.missing) == 1 else "extensions are"
        _print_heading(console, "Missing", f"{len(report.missing):,} optional {are} set aside.")
        console.print()
        for reason in report.missing:
            console.print(Padding(Text(reason), (0, 0, 0, 2)))
    return "\n".join(line.rstrip() for line in output.getvalue().rstrip().split("\n"))


def _print_section(console: Console, section: Section, top: int, config: TableConfig) -> None:
    _print_heading(console, section.title, section.summary)
    if section.table is not None and section.table.rows:
        console.print()
        console.print(_grid(section.table, top))
        _print_more(console, len(section.table.rows), top)
    if config.findings and section.findings:
        _print_findings(console, section.findings, top)


def _print_heading(console: Console, title: str, summary: str) -> None:
    console.print()
    console.print(Text(title.upper(), style="bold cyan"))
    console.print(Text(summary))


def _print_findings(console: Console, findings: tuple[Finding, ...], top: int) -> None:
    console.print()
    for finding in findings[: top or None]:
        place = f"{finding.path}:{finding.line}" if finding.line else finding.path
        text = Text(place, style="dim").append(f"  {finding.message}", style="not dim")
        console.print(Padding(text, (0, 0, 0, 2)))
    _print_more(console, len(findings), top)


def _print_more(console: Console, count: int, top: int) -> None:
    if top and count > top:
        console.print(Text(f"  ... and {count - top:,} more (--top 0 shows all)", style="dim"))


def _grid(table: Table, top: int) -> Grid:
    grid = Grid(
        box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="bold"
    )
    for position, title in enumerate(table.columns):
        numbers = all(isinstance(row[position], (int, float)) for row in table.rows)
        grid.add_column(title, justify="right" if numbers else "left", no_wrap=numbers, overflow="fold")
    for row in table.rows[: top or None]:
        grid.add_row(*(Text(_cell(cell)) for cell in row))
    return grid


def _cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return cell
    return f"{cell:,.1f}" if isinstance(cell, float) else f"{cell:,}"
