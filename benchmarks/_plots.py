"""Pictures of what was measured, as SVG: plain text, the same bytes for the same numbers, readable on light and on dark.

Written by hand, since two kinds of picture take less code than teaching a plotting library these three things.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any

from benchmarks._report import Record, amount, number
from benchmarks._results import Results, comparisons_of
from benchmarks.instances import GOALS

# Colours that people with any kind of colour vision tell apart, for light and for dark.
_STYLE = """\
svg { --paper: #ffffff; --ink: #1f2328; --quiet: #59636e; --line: #d1d9e0;
  --one: #0072b2; --two: #d55e00; --three: #007a5e; --goal: #8c959f }
@media (prefers-color-scheme: dark) { svg { --paper: #0d1117; --ink: #f0f6fc; --quiet: #9198a1; --line: #3d444d;
  --one: #56b4e9; --two: #e69f00; --three: #2fbf97; --goal: #656c76 } }
text { font: 13px system-ui, sans-serif; fill: var(--ink) }
.title { font-weight: 600 }
.quiet { fill: var(--quiet); font-size: 12px }
.line { stroke: var(--line); fill: none }"""

_SERIES = ("var(--one)", "var(--two)", "var(--three)")

# What the second picture shows, and in which words.
_BESIDE = {
    "create and close, 100 plugins": "An instance of 100 plugins, created and closed",
    "hypi.api, no extensions": "An instance without extensions, through hypi.api",
    "hypi.api, logger at TRACE": "The same with the logger, all messages delivered",
    "hypi.api, logger at ERROR": "The same with the logger, none delivered",
    "calling 10 that satisfy a protocol": "A call of the 10 plugins that satisfy a protocol",
    "log call, enabled, 3 arguments": "A log call of 3 arguments, to a callback",
    "log call, disabled, no arguments": "A log call that is not wanted",
    "full look, 1,000 distributions": "All extensions among 1,000 distributions",
    "find one, warm, 1,000 distributions": "One extension among 1,000 distributions, warm",
    "a process: import hycore, and a first empty instance": "A process: import hycore, a first empty instance",
    "import hypi.api": "import hypi.api",
}


def by_count(results: Results) -> str:
    """The ratio to the floor by the number of plugins, for each Python; all of it, and less the fixed part."""
    panels = ("create and close, {:,} plugins", "create and close, {:,} plugins, less the fixed part")
    titles = ("Create and close", "The same, less the fixed part")
    counts = (10, 100, 1_000, 10_000)
    found = {
        (panel, python): [
            (count, each["ratio"])
            for count in counts
            for each in comparisons_of(records)
            if each["what"] == panels[panel].format(count) and each["label"] == "floor"
        ]
        for panel in range(2)
        for python, records in results.items()
    }
    top = max([ratio["high"] for points in found.values() for _, ratio in points], default=1.0)
    step = next(step for step in (0.5, 1, 2, 5, 10, 20, 50) if top / step <= 7)
    top = math.ceil(top / step) * step
    width, height, left, bottom, upper, panel_width, gap = 760, 340, 56, 292, 52, 320, 44

    def y(ratio: float) -> float:
        return bottom - (bottom - upper) * ratio / top

    shapes: list[str] = []
    for panel in range(2):
        start = left + panel * (panel_width + gap)

        def x(count: float, start: float = start) -> float:
            return start + 24 + (panel_width - 48) * (math.log10(count) - 1) / 3

        shapes.append(_text(start, 24, titles[panel], "title"))
        for tick in range(round(top / step) + 1):
            shapes.append(_line(start, y(tick * step), start + panel_width, y(tick * step)))
            if not panel:
                shapes.append(_text(start - 8, y(tick * step) + 4, f"{tick * step:g} ×", "quiet", "end"))
        shapes.append(_line(start, y(1), start + panel_width, y(1), "var(--quiet)"))
        shapes.append(_text(start + panel_width, y(1) + 15, "floor", "quiet", "end"))
        shapes += [_text(x(count), bottom + 18, f"{count:,}", "quiet", "middle") for count in counts]
        if panel:
            for count, goal in GOALS.items():
                shapes.append(_line(x(count) - 16, y(goal), x(count) + 16, y(goal), "var(--goal)", 4))
            shapes.append(_text(x(100) - 20, y(GOALS[100]) + 4, "goal", "quiet", "end"))
        for series, python in enumerate(results):
            shapes += _curve([(x(count), ratio) for count, ratio in found[panel, python]], y, series)
    for series, python in enumerate(results):
        place = left + 420 + series * 92
        shapes.append(_dot(place, height - 16, _SERIES[series % 3]))
        shapes.append(_text(place + 10, height - 12, python))
    shapes.append(_text(left, height - 12, "plugins; ratio to the same hooks in a bare loop", "quiet"))
    return _picture(
        width, height, shapes, "What an instance takes, as a ratio to the floor, by number of plugins"
    )


def beside_peers(records: Mapping[str, Record]) -> str:
    """How many times as long as ours the floors and the peers take, in rows."""
    all_rows = comparisons_of(dict(records))
    groups = [
        (title, rows)
        for what, title in _BESIDE.items()
        if (rows := [each for each in all_rows if each["what"] == what and each["ratio"] is not None])
    ]
    ratios = [value for _, rows in groups for row in rows for value in _others_ratio(row).values()]
    low, high = _decades(ratios)
    width, left, right, row_height = 760, 170, 600, 21
    height = 56 + sum([36 + row_height * len(rows) for _, rows in groups])

    def x(ratio: float) -> float:
        return left + (right - left) * (math.log10(ratio) - low) / (high - low)

    shapes: list[str] = []
    for decade in range(low, high + 1):
        label = "as long as ours" if decade == 0 else f"{10.0**decade:g} ×"
        shapes.append(_text(x(10.0**decade), 24, label, "quiet", "middle"))
    place = 32
    for title, rows in groups:
        place += 28
        ours = amount(rows[0]["medians"]["ours"], rows[0]["unit"])
        shapes.append(_text(12, place, f"{title}: ours {ours}", "title"))
        place += 8
        bottom = place + row_height * len(rows) + 4
        shapes += [
            _line(x(10.0**decade), place + 4, x(10.0**decade), bottom) for decade in range(low, high + 1)
        ]
        shapes.append(_line(x(1), place + 4, x(1), bottom, "var(--one)", 3))
        for row in rows:
            place += row_height
            ratio = _others_ratio(row)
            is_floor = row["kind"] == "times" and row["label"] != "Rust"
            colour = "var(--quiet)" if is_floor else "var(--two)"
            shapes.append(_line(x(1), place - 4, x(ratio["median"]), place - 4, colour, 2))
            shapes.append(_dot(x(ratio["median"]), place - 4, colour, hollow=is_floor))
            shapes.append(_text(left - 12, place, row["label"], anchor="end"))
            shapes.append(_text(right + 72, place, f"{number(ratio['median'])} ×", anchor="end"))
            its_own = amount(row["medians"]["other"], row["unit"])
            shapes.append(_text(width - 12, place, its_own, "quiet", "end"))
    return _picture(width, height, shapes, "The time of floors and peers, as a multiple of ours")


def _others_ratio(row: Record) -> dict[str, float]:
    ratio: dict[str, float] = row["ratio"]
    if row["kind"] == "faster":
        return ratio
    return {"low": 1 / ratio["high"], "median": 1 / ratio["median"], "high": 1 / ratio["low"]}


def _decades(values: Iterable[float]) -> tuple[int, int]:
    logs = [math.log10(value) for value in values]
    return min(-1, math.floor(min(logs, default=0))), max(1, math.ceil(max(logs, default=0)))


def _curve(points: Sequence[tuple[float, Any]], y: Any, series: int) -> list[str]:
    """Medians, joined, with their quartiles."""
    colour = _SERIES[series % 3]
    shapes = [
        _line(place, y(before["median"]), later, y(after["median"]), colour, 2)
        for (place, before), (later, after) in pairwise(points)
    ]
    for place, ratio in points:
        shapes.append(_line(place, y(ratio["low"]), place, y(ratio["high"]), colour, 2))
        shapes.append(_dot(place, y(ratio["median"]), colour))
    return shapes


def _picture(width: int, height: int, shapes: Sequence[str], title: str) -> str:
    body = "\n".join(shapes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img">\n<title>{escape(title)}</title>\n<style>\n{_STYLE}\n</style>\n'
        f'<rect width="{width}" height="{height}" style="fill: var(--paper)"/>\n{body}\n</svg>\n'
    )


def _line(x: float, y: float, to_x: float, to_y: float, colour: str | None = None, width: float = 1) -> str:
    style = 'class="line"' if colour is None else f'style="stroke: {colour}; stroke-width: {width:g}"'
    return f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" {style}/>'


def _dot(x: float, y: float, colour: str, *, hollow: bool = False) -> str:
    fill = "var(--paper)" if hollow else colour
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" style="fill: {fill}; stroke: {colour}; stroke-width: 1.5"/>'


def _text(x: float, y: float, text: str, kind: str | None = None, anchor: str = "start") -> str:
    kind = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{kind}>{escape(text)}</text>'
