"""What a profiled process has told of its times, put in order: whose they are, and what lies within what.

Layer: `hypi.cli`, a leaf within it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, final

__all__ = ["PHASES", "Profile", "Row", "Span", "profile_of"]

_LEAST_DEFERRED = 100_000
"""What runs between two teardowns for less than so many nanoseconds is the engine itself."""

PHASES = ("import", "configuration", "new", "attach_to", "initialize", "teardown")
"""What is done for an extension, in this order."""


@final
@dataclass(slots=True)
class Span:
    """A time in which one thing was done; times are in nanoseconds.

    - `kind`: `"extension"`, `"main"`, or `"module"` for the import of one.
    - `name`, `phase`: of an extension and what it was asked to do; of a module, and `"failed"` or nothing.
    - `inner`: what was done within.
    """

    kind: str
    name: str
    phase: str
    begin: int
    end: int
    thread: int
    inner: list[Span] = field(default_factory=list)

    @property
    def time(self) -> int:
        """From begin to end."""
        return self.end - self.begin

    def modules(self) -> Iterator[Span]:
        """The imports of modules within, from outside to inside."""
        for span in self.inner:
            if span.kind == "module":
                yield span
            yield from span.modules()


@final
@dataclass(slots=True)
class Row:
    """An extension, or `main`: its spans, and how long each phase took, in nanoseconds.

    `place` is its place in the order, from 1, or `None` for what does not come up; `set_aside` says that it was to come up,
    and did not.
    """

    name: str
    place: int | None = None
    spans: list[Span] = field(default_factory=list)
    times: dict[str, int] = field(default_factory=dict)
    requires: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    set_aside: bool = False

    @property
    def label(self) -> str:
        """The name, and before it the place, or why there is none."""
        if self.set_aside:
            return f"set aside: {self.name}"
        return f"{self.place}. {self.name}" if self.place else self.name

    @property
    def total(self) -> int:
        """Of all phases."""
        return sum(self.times.values())


@final
@dataclass(slots=True)
class Profile:
    """Where the time went, from the start of the process until all was torn down, in nanoseconds.

    - `marks`: the moments that are known, by name, in order; `begun` is the start of the process.
    - `python`: until the interpreter ran; `main`: the import of the application's main; `hyperion`: what is left of
      `total` when all others are taken away.
    - `extensions`: in the order of the plan, then whatever else was touched.
    - `threads`: by thread, what lies in no other span; `home` is the thread that does it all.
    - `own`: the imports of our own packages, and of what they need.
    """

    marks: dict[str, int]
    python: int
    hyperion: int
    main: Row
    extensions: list[Row]
    total: int
    threads: dict[int, list[Span]]
    home: int
    own: Row


def profile_of(raw: Iterable[Sequence[Any]], spawned: int, plan: Sequence[Mapping[str, Any]]) -> Profile:
    """Puts in order what a process has told, which was started at `spawned` and may have ended anywhere."""
    marks = {"begun": spawned}
    spans: list[Span] = []
    losses: list[tuple[int, int]] = []  # what it cost to take the times: it is nobody's
    home = 0
    for kind, name, phase, begin, end, thread, outer_begin, outer_end in raw:
        if kind == "mark":
            marks[name] = max(begin, spawned)
            home = thread
        elif kind == "lost":
            losses.append((begin, end))
        else:
            spans.append(Span(kind, name, phase, begin, end, thread))
            losses += [(outer_begin, begin), (end, outer_end)]
    losses = sorted(loss for loss in losses if loss[0] < loss[1])
    last = max([*marks.values(), *[span.end for span in spans]])
    marks.setdefault("python", spawned)
    marks["ended"] = marks.get("down", marks.get("failed", last))
    threads = _nested(spans)
    rows = {
        each["name"]: Row(each["name"], place, requires=tuple(each["requires"]), after=tuple(each["after"]))
        for place, each in enumerate(plan, start=1)
    }
    main, own = Row("main"), Row("hyperion")
    own.spans.append(Span("hyperion", "hyperion", "import", spawned, spawned, home))
    for span in threads.get(home, []):
        if span.kind == "module":
            own.spans[0].inner.append(span)
        for owned in _outermost(span):
            row = main if owned.kind == "main" else rows.setdefault(owned.name, Row(owned.name))
            row.spans.append(owned)
            row.times[owned.phase] = row.times.get(owned.phase, 0) + owned.time
    _add_what_was_deferred(rows, marks["ended"], losses)
    python = marks["python"] - spawned
    total = marks["ended"] - spawned - _within(losses, spawned, marks["ended"])
    others = main.total + sum(row.total for row in rows.values())
    for row in (main, *rows.values()):
        row.times = {phase: row.times[phase] for phase in PHASES if phase in row.times}
    return Profile(
        marks, python, max(0, total - python - others), main, list(rows.values()), total, threads, home, own
    )


def _nested(spans: list[Span]) -> dict[int, list[Span]]:
    """Puts each span into the one of its thread that it lies in; returns those that lie in none."""
    threads: dict[int, list[Span]] = {}
    open_spans: dict[int, list[Span]] = {}
    for span in sorted(spans, key=lambda span: (span.begin, -span.end)):
        around = open_spans.setdefault(span.thread, [])
        while around and around[-1].end < span.end:
            around.pop()
        (around[-1].inner if around else threads.setdefault(span.thread, [])).append(span)
        around.append(span)
    return threads


def _outermost(span: Span) -> Iterator[Span]:
    """The outermost spans of extensions and `main`: what is done within one is part of it."""
    if span.kind != "module":
        yield span
        return
    for inner in span.inner:
        yield from _outermost(inner)


def _add_what_was_deferred(rows: Mapping[str, Row], ended: int, losses: Sequence[tuple[int, int]]) -> None:
    """What an extension has deferred runs between its teardown and the next one, and belongs to it."""
    teardowns = [(span, row) for row in rows.values() for span in row.spans if span.phase == "teardown"]
    teardowns.sort(key=lambda teardown: teardown[0].begin)
    following = [span.begin for span, _ in teardowns[1:]] + [ended]
    for (span, row), then in zip(teardowns, following, strict=False):  # where there is none, nothing follows
        time = max(0, then - span.end - _within(losses, span.end, then))
        row.times["teardown"] += time
        if time >= _LEAST_DEFERRED:
            row.spans.append(Span("extension", span.name, "deferred", then - time, then, span.thread))


def _within(losses: Sequence[tuple[int, int]], begin: int, end: int) -> int:
    """How much was lost between two moments; losses are in order, and none overlaps another."""
    lost = 0
    for place in range(bisect_right(losses, begin, key=itemgetter(1)), len(losses)):
        first, last = losses[place]
        if first >= end:
            break
        lost += min(last, end) - max(first, begin)
    return lost
