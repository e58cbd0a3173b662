"""A profile in the Trace Event Format, which ui.perfetto.dev, chrome://tracing and others open.

Layer: `hypi.cli`, above `_spans`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hypi.cli._spans import Profile, Span

__all__ = ["as_trace"]

_STAGES = {
    "begun": "Python starts",
    "python": "hyperion is imported",
    "ready": "the application is read and planned",
    "planned": "the instance is created",
    "up": "the instance is closed",
}
"""What goes on from each mark to the next one."""

_PROCESS = 1


def as_trace(profile: Profile, file: str) -> str:
    """The text of a JSON document: complete events (`"X"`) that lie in each other, and the names of process and threads."""
    lines = ",\n".join(json.dumps(event) for event in _events(profile, file))
    return f'{{"displayTimeUnit": "ms", "traceEvents": [\n{lines}\n]}}\n'


def _events(profile: Profile, file: str) -> Iterator[dict[str, Any]]:
    numbers = {
        thread: number
        for number, thread in enumerate(sorted(profile.threads, key=lambda t: t != profile.home), 1)
    }
    numbers.setdefault(profile.home, 1)
    yield _name_of("process", 0, f"hyperion profile {file}")
    for thread, number in numbers.items():
        yield _name_of("thread", number, "main thread" if thread == profile.home else f"thread {number}")
    home = numbers[profile.home]
    start = profile.marks["begun"]
    stages = [(name, moment) for name, moment in profile.marks.items() if name in _STAGES or name == "ended"]
    for (name, begin), (_, end) in pairwise(sorted(stages, key=lambda stage: stage[1])):
        yield _event("stage", _STAGES[name], begin - start, end - start, home, {})
    deferred = [span for row in profile.extensions for span in row.spans if span.phase == "deferred"]
    for thread, spans in profile.threads.items():
        for span in [*spans, *(deferred if thread == profile.home else ())]:
            yield from _events_of(span, start, numbers[thread], {})


def _events_of(span: Span, start: int, thread: int, owner: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A span, and all that lies in it; the import of a module tells on whose behalf it was."""
    name = span.name
    facts = owner
    if span.kind == "module":
        facts = {**owner, "failed": True} if span.phase == "failed" else owner
    elif span.kind == "main":
        name, owner = f"main: {span.phase}", {"phase": span.phase}
        facts = owner
    else:
        name, owner = f"{span.name}: {span.phase}", {"extension": span.name, "phase": span.phase}
        facts = owner
    yield _event(span.kind, name, span.begin - start, span.end - start, thread, facts)
    for inner in span.inner:
        yield from _events_of(inner, start, thread, owner)


def _event(kind: str, name: str, begin: int, end: int, thread: int, facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "ph": "X",
        "cat": kind,
        "name": name,
        "ts": begin / 1000,  # microseconds
        "dur": (end - begin) / 1000,
        "pid": _PROCESS,
        "tid": thread,
        "args": facts,
    }


def _name_of(what: str, thread: int, name: str) -> dict[str, Any]:
    return {
        "ph": "M",
        "name": f"{what}_name",
        "pid": _PROCESS,
        "tid": thread,
        "args": {"name": name},
    }
