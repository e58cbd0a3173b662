"""The life of an instance as spans, from what its report tells.

Layer: `hypi.ext.otel`, above `_sending`.
"""

from __future__ import annotations

from time import time_ns
from typing import TYPE_CHECKING

from opentelemetry import context
from opentelemetry.trace import Link, Status, StatusCode, Tracer, set_span_in_context

from hypi.ext.otel._sending import as_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.trace import SpanContext

    from hycore.base._report import Report

__all__ = ["Phases"]

_CREATION = ("new", "attach_to", "initialize")


class Phases:
    """Makes one span of a creation and one of a teardown, each when it is over, with a child for each hook.

    The hooks are those whose times the report has, that is all of them with `profile=True` and none without.
    """

    def __init__(self, tracer: Tracer, begun: int) -> None:
        self._tracer = tracer
        self._begun = begun  # when the first thing was seen of the instance
        self._parent = context.get_current()
        self._created: SpanContext | None = None
        self._pending = [True]  # popped by whoever makes the span of the creation

    @property
    def is_created(self) -> bool:
        """Whether the span of the creation has been made."""
        return not self._pending

    def created(self, report: Report, *, up: bool) -> None:
        """The creation is over, well or not."""
        try:
            self._pending.pop()
        except IndexError:
            return
        children = list(_hooks(report, _CREATION))
        start = min([self._begun, *[begun for _, _, begun, _ in children]])
        end = max([end for _, _, _, end in children]) if children and up else time_ns()
        span = self._tracer.start_span(
            "hyperion.create", self._parent, start_time=start, attributes=_attributes(report)
        )
        for aside in report.set_aside:
            span.add_event(
                "set aside", {"hyperion.extension": aside.name, "hyperion.reason": as_text(aside.reason)}, end
            )
        if not up:
            span.set_status(Status(StatusCode.ERROR, "the creation failed, and was undone"))
        self._make(children, set_span_in_context(span, self._parent))
        span.end(end)
        self._created = span.get_span_context()

    def torn_down(self, report: Report, begun: int) -> None:
        """The teardown is over, as far as it is to be seen from here."""
        children = list(_hooks(report, ("teardown",)))
        start = min([begun, *[begun for _, _, begun, _ in children]])
        parent = context.get_current()
        links = [Link(self._created)] if self._created is not None else []
        span = self._tracer.start_span(
            "hyperion.teardown", parent, start_time=start, attributes=_attributes(report), links=links
        )
        for failure in report.failures:
            span.add_event("failure", {"hyperion.failure": as_text(failure)})
        if report.failures:
            span.set_status(Status(StatusCode.ERROR, as_text(report.failures[-1])))
        self._make(children, set_span_in_context(span, parent))
        span.end()

    def _make(self, hooks: Iterable[tuple[str, str, int, int]], parent: context.Context) -> None:
        for name, phase, begun, end in sorted(hooks, key=lambda hook: hook[2]):
            attributes = {"hyperion.extension": name, "hyperion.phase": phase}
            self._tracer.start_span(f"{phase} {name}", parent, start_time=begun, attributes=attributes).end(
                end
            )


def _hooks(report: Report, phases: Iterable[str]) -> Iterable[tuple[str, str, int, int]]:
    for phase in phases:
        for extension in report.extensions:
            begun = extension.begun.get(phase)
            if begun is not None:
                yield extension.name, phase, begun, begun + round(extension.times[phase] * 1e9)


def _attributes(report: Report) -> dict[str, str | int]:
    return {
        "hyperion.application": as_text(report.application),
        "hyperion.extensions": len(report.extensions),
    }
