"""A picture of a plan and of its times: the extensions in order, what requires what, and time as width. SVG, as text.

Layer: `hypi.cli`, above `_spans`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from hypi.cli._output import printable
from hypi.cli._spans import PHASES

if TYPE_CHECKING:
    from hypi.cli._spans import Profile

__all__ = ["as_svg"]

# All lengths are in pixels. The font is one whose letters are all as wide, so that it is known how long a name is.
_ROW = 26
_BAR = 14
_LETTER = 7.8
_MARGIN = 24
_TOP = 126
_TIMES = 420
_LABEL = 96
_LEGEND = 680
_LONGEST_NAME = 48
_LANE = 11.0
_WIDEST_GUTTER = 330

_LIGHT = {
    "paper": "#ffffff",
    "ink": "#1f2328",
    "faint": "#656d76",
    "grid": "#e3e6ea",
    "import": "#2f6fb3",
    "configuration": "#79b8e6",
    "new": "#1f9e77",
    "attach_to": "#b565a7",
    "initialize": "#e08a00",
    "teardown": "#8a8f98",
}
_DARK = {
    "paper": "#0f1318",
    "ink": "#e6edf3",
    "faint": "#98a2ad",
    "grid": "#262c34",
    "import": "#5a9be0",
    "configuration": "#a5d6ff",
    "new": "#3fc198",
    "attach_to": "#d58fca",
    "initialize": "#f2a73b",
    "teardown": "#8b949e",
}


def as_svg(profile: Profile, file: str) -> str:
    """The text of the picture; it is the same for the same profile, and chooses light or dark as the reader does."""
    rows = profile.extensions
    names = [_cut(row.label) for row in rows]
    lines = list(_lanes(profile))
    count = max([lane for *_, lane in lines], default=-1) + 1
    lane_width = min(_LANE, _WIDEST_GUTTER / count) if count else 0
    gutter = round(count * lane_width) + 22 if count else 0
    left = _MARGIN + gutter
    bars = left + round(max([*map(len, names), 12]) * _LETTER) + 20
    width = max(bars + _TIMES + _LABEL + _MARGIN, _LEGEND)
    height = _TOP + _ROW * max(len(rows), 1) + 40
    most = max([row.total for row in rows], default=0)
    step = _step(most)
    scale = _TIMES / most if most else 0.0

    parts = [*_head(profile, file, width, height)]
    parts += _grid(bars, height, most, step, scale) if rows else ()
    parts += [_arrow(*line, left, lane_width) for line in lines]
    for number, (row, name) in enumerate(zip(rows, names, strict=True)):
        middle = _TOP + number * _ROW + _ROW / 2
        shown = f"<title>{_text(row.name)}</title>{_text(name)}"
        parts.append(f'<text x="{left}" y="{middle + 4.5:g}">{shown}</text>')
        x = float(bars)
        for phase, time in row.times.items():
            long = time * scale
            title = f"<title>{_text(row.name)}: {phase} {_ms(time)} ms</title>"
            if long >= 0.05:
                parts.append(
                    f'<rect class="{phase}" x="{x:.1f}" y="{middle - _BAR / 2:g}" width="{max(long, 0.5):.1f}" '
                    f'height="{_BAR}">{title}</rect>'
                )
            x += long
        parts.append(f'<text class="faint" x="{x + 8:.1f}" y="{middle + 4.5:g}">{_ms(row.total)} ms</text>')
    if not rows:
        parts.append(
            f'<text class="faint" x="{_MARGIN}" y="{_TOP + 18}">no extension has been touched</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _head(profile: Profile, file: str, width: int, height: int) -> Iterator[str]:
    title = f"{file}: the plan, and where its time goes"
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" aria-label={quoteattr(_plain(title))}>'
    )
    yield f"<style>\n{_rules(_LIGHT)}\n@media (prefers-color-scheme: dark) {{\n{_rules(_DARK)}\n}}\n{_FIXED}</style>"
    yield (
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        'orient="auto"><path class="tip" d="M0,0.5 L8,4 L0,7.5 z"/></marker></defs>'
    )
    yield f'<rect class="paper" width="{width}" height="{height}"/>'
    yield f'<text class="title" x="{_MARGIN}" y="34">{_text(file)}</text>'
    extensions = sum(row.total for row in profile.extensions)
    facts = (
        f"{_ms(profile.total)} ms in all: python {_ms(profile.python)}, hyperion {_ms(profile.hyperion)}, "
        f"main {_ms(profile.main.total)}, extensions {_ms(extensions)}"
    )
    yield f'<text class="faint" x="{_MARGIN}" y="54">{facts}</text>'
    x = float(_MARGIN)
    for phase in PHASES:
        yield f'<rect class="{phase}" x="{x:.1f}" y="68" width="10" height="10"/>'
        yield f'<text class="faint" x="{x + 15:.1f}" y="78">{phase}</text>'
        x += 15 + len(phase) * _LETTER + 14
    if any(row.requires or row.after for row in profile.extensions):
        x = float(_MARGIN)
        for kind, words in (("requires", "requires"), ("after", "starts after")):
            yield f'<path class="line {kind}" d="M{x:.1f},94 h26" marker-end="url(#head)"/>'
            yield f'<text class="faint" x="{x + 32:.1f}" y="98">{words}</text>'
            x += 32 + len(words) * _LETTER + 14


def _grid(bars: int, height: int, most: int, step: int, scale: float) -> Iterator[str]:
    bottom = height - 34
    tick = 0
    while tick <= most:
        x = bars + tick * scale
        yield f'<path class="grid" d="M{x:.1f},{_TOP - 8} V{bottom}"/>'
        label = f"{tick / 1e6:g} ms" if tick else "0"
        yield f'<text class="faint small" text-anchor="middle" x="{x:.1f}" y="{bottom + 16}">{label}</text>'
        tick += step


def _step(most: int) -> int:
    """The distance of the lines of the grid in nanoseconds: 1, 2 or 5 times a power of ten, five of them at the most."""
    step = 1_000
    while most / step > 5:
        step = step * 5 // 2 if str(step).startswith("2") else step * 2
    return step


def _lanes(profile: Profile) -> Iterator[tuple[str, int, tuple[int, ...], int]]:
    """One line for each extension that others wait for: its kind, its place, their places, and its lane.

    Lanes are counted from the names outwards; short lines lie inside of long ones, and no two in one lane touch.
    """
    places = {row.name: place for place, row in enumerate(profile.extensions)}
    waiting: dict[tuple[int, str], list[int]] = {}
    for place, row in enumerate(profile.extensions):
        for kind, needs in (("requires", row.requires), ("after", row.after)):
            for need in needs:
                if need in places and not (kind == "after" and need in row.requires):
                    waiting.setdefault((places[need], kind), []).append(place)
    lanes: list[list[tuple[int, int]]] = []
    ordered = sorted(waiting.items(), key=lambda item: (max(item[1]) - item[0][0], item[0]))
    for (target, kind), sources in ordered:
        first, last = min(target, *sources), max(target, *sources)
        free = [
            number
            for number, taken in enumerate(lanes)
            if all(last < begin or end < first for begin, end in taken)
        ]
        if not free:
            free.append(len(lanes))
            lanes.append([])
        lanes[free[0]].append((first, last))
        yield kind, target, tuple(sources), free[0]


def _arrow(kind: str, target: int, sources: tuple[int, ...], lane: int, left: int, lane_width: float) -> str:
    """From each extension that waits to the one that it waits for, by way of the lane."""
    x = left - 18 - lane * lane_width
    end = left - 6
    # Lines that meet one row meet it at different heights.
    at_head, at_source = (-4.5, -1.5) if kind == "requires" else (1.5, 4.5)
    head = _TOP + target * _ROW + _ROW / 2 + at_head
    parts: list[str] = []
    for number, source in enumerate(sorted(sources, reverse=True)):
        y = _TOP + source * _ROW + _ROW / 2 + at_source
        bend = 4 if y > head else -4
        if number == 0:
            parts.append(
                f"M{end},{y:g} H{x + 4:.1f} Q{x:.1f},{y:g} {x:.1f},{y - bend:g} V{head + bend:g} Q{x:.1f},{head:g} {x + 4:.1f},{head:g} H{end}"
            )
        else:
            parts.append(f"M{end},{y:g} H{x + 4:.1f} Q{x:.1f},{y:g} {x:.1f},{y - bend:g}")
    first, *others = parts
    lines = "".join(f'<path class="line {kind}" d="{each}"/>' for each in others)
    return f'<path class="line {kind}" marker-end="url(#head)" d="{first}"/>{lines}'


_FIXED = """\
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.title { font-size: 17px; font-weight: 600; }
.small { font-size: 11px; }
.line { fill: none; stroke-width: 1.3; }
.after { stroke-dasharray: 4 3; }
.grid { stroke-width: 1; }
"""


def _rules(colours: dict[str, str]) -> str:
    rules = [f".{phase} {{ fill: {colours[phase]}; }}" for phase in PHASES]
    rules += [
        f".paper {{ fill: {colours['paper']}; }}",
        f"text {{ fill: {colours['ink']}; }}",
        f".faint {{ fill: {colours['faint']}; }}",
        f".grid {{ stroke: {colours['grid']}; }}",
        f".line {{ stroke: {colours['faint']}; }}",
        f".tip {{ fill: {colours['faint']}; }}",
    ]
    return "\n".join(rules)


def _ms(time: int) -> str:
    return f"{time / 1e6:,.2f}"


def _cut(name: str) -> str:
    name = printable(name)
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _plain(text: str) -> str:
    """Without what XML cannot hold."""
    return printable(text).replace("\n", " ").replace("\t", " ")


def _text(text: str) -> str:
    return escape(_plain(text))
