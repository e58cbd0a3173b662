"""What an instance tells about itself: order, reasons, who took which configuration, failures, and times.

Layer: `base`, a leaf within it.
"""

from __future__ import annotations

from time import perf_counter_ns, time_ns

from hycore.base._drivers import is_awaitable
from hycore.utils._record import Record, fill

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from hycore.base._plan import SetAside
    from hycore.ext import DynPluginEXT, PluginRegistry
    from hycore.utils.opaque import LedgerEntry, OpaqueList

__all__ = ["Report", "ReportedExtension", "Times", "Watched"]


class ReportedExtension(Record):
    """One extension of a report.

    `state` is `"planned"`, `"constructed"`, `"up"` or `"down"`; `reason` tells why it stands at its place; `times` are
    seconds by phase, and empty unless the instance was created with `profile=True`; `held` are, for the phases that were
    awaited, the seconds of these in which the hook held the event loop; `begun` is when each phase began, in nanoseconds
    since 1970.
    """

    __slots__ = ("name", "uuid", "description", "state", "reason", "times", "held", "begun")

    name: str
    uuid: str
    description: str
    state: str
    reason: str
    times: Mapping[str, float]
    held: Mapping[str, float]
    begun: Mapping[str, int]

    def __init__(
        self,
        name: str,
        *,
        uuid: str,
        description: str,
        state: str,
        reason: str,
        times: Mapping[str, float],
        held: Mapping[str, float],
        begun: Mapping[str, int],
    ) -> None:
        fill(self, "name", name)
        fill(self, "uuid", uuid)
        fill(self, "description", description)
        fill(self, "state", state)
        fill(self, "reason", reason)
        fill(self, "times", times)
        fill(self, "held", held)
        fill(self, "begun", begun)

    def _held_in(self, phase: str) -> str:
        return f" ({self.held[phase] * 1000:.2f} ms of the loop)" if phase in self.held else ""


class Report(Record):
    """A picture of an instance at one moment; it holds no plugin, and configuration by type only.

    - `state`: `"creating"`, `"open"`, `"closing"` or `"closed"`.
    - `extensions`: those that come up, in order.
    - `set_aside`: the optional extensions that are not there, and why.
    - `ledger`: each configuration object by type, and who took it.
    - `failures`: what failed in teardown or while an extension was set aside, as text.
    """

    __slots__ = ("application", "state", "extensions", "set_aside", "ledger", "failures")

    application: str
    state: str
    extensions: tuple[ReportedExtension, ...]
    set_aside: tuple[SetAside, ...]
    ledger: tuple[LedgerEntry, ...]
    failures: tuple[str, ...]

    def __init__(
        self,
        application: str,
        *,
        state: str,
        extensions: tuple[ReportedExtension, ...],
        set_aside: tuple[SetAside, ...],
        ledger: tuple[LedgerEntry, ...],
        failures: tuple[str, ...],
    ) -> None:
        fill(self, "application", application)
        fill(self, "state", state)
        fill(self, "extensions", extensions)
        fill(self, "set_aside", set_aside)
        fill(self, "ledger", ledger)
        fill(self, "failures", failures)

    def __str__(self) -> str:
        lines = [f"{self.application}: {self.state}, {len(self.extensions)} extensions"]
        width = max([len(extension.name) for extension in self.extensions], default=0)
        for place, extension in enumerate(self.extensions, start=1):
            times = "".join(
                f"  {phase} {seconds * 1000:.2f} ms{extension._held_in(phase)}"
                for phase, seconds in extension.times.items()
            )
            lines.append(
                f"{place:>4}. {extension.name:<{width}}  {extension.state:<11}  {extension.reason}{times}"
            )
        for aside in self.set_aside:
            hint = f" (retry in {aside.retry_after:g} s)" if aside.retry_after is not None else ""
            lines.append(f"set aside: {aside}{hint}")
        lines += [
            f"configuration: {entry.type_name}, taken by {entry.taken_by or 'nobody'}"
            for entry in self.ledger
        ]
        lines += [f"failure: {failure}" for failure in self.failures]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """What a notebook shows: a table."""
        from html import escape

        phases = list(dict.fromkeys(phase for extension in self.extensions for phase in extension.times))
        rows = [("", "extension", "state", "why", *(f"{phase} (ms)" for phase in phases))]
        for place, extension in enumerate(self.extensions, start=1):
            taken = [
                f"{extension.times[phase] * 1000:.2f}" if phase in extension.times else "" for phase in phases
            ]
            rows.append((str(place), extension.name, extension.state, extension.reason, *taken))
        rows += [
            ("", aside.name, "set aside", f"{aside.error_type}: {aside.reason}") for aside in self.set_aside
        ]
        head, *body = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
        head = head.replace("td>", "th>")
        table = "".join(f"<tr>{row}</tr>" for row in body)
        caption = escape(f"{self.application}: {self.state}")
        return (
            f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{table}</tbody></table>"
        )


class Times:
    """Takes the time of each hook of each plugin, in nanoseconds, when a host asks for it."""

    __slots__ = ("begun", "first", "holding", "taken", "waited", "zero")

    def __init__(self) -> None:
        self.zero = time_ns() - perf_counter_ns()  # when the clock of the times began, by that of the day
        self.first: dict[str, dict[str, int]] = {}  # by extension and phase: when it first began
        self.taken: dict[str, dict[str, int]] = {}  # by extension and phase: the calls themselves
        self.begun: dict[tuple[str, str], int] = {}
        self.waited: dict[tuple[str, str], int] = {}
        self.holding: dict[tuple[str, str], int] = {}

    def construct(self, registry: PluginRegistry, ext: OpaqueList) -> DynPluginEXT:
        """Constructs a plugin and takes the time."""
        start = perf_counter_ns()
        try:
            return registry.loader(ext)
        finally:
            self.add(registry.name, "new", start)

    def add(self, name: str, phase: str, start: int) -> None:
        """Adds the time from `start` until now."""
        self.first.setdefault(name, {}).setdefault(phase, self.zero + start)
        phases = self.taken.setdefault(name, {})
        phases[phase] = phases.get(phase, 0) + perf_counter_ns() - start

    def begin(self, name: str, phase: str) -> None:
        """Notes when a hook begins to run, after the call that made it."""
        # What earlier runs have taken is added: an extension may be tried again.
        self.begun[name, phase] = perf_counter_ns() - self.waited.get((name, phase), 0)

    def held(self, name: str, phase: str, start: int) -> None:
        """Adds a step of a hook that is awaited, from `start` until now; its whole time ends with its last step."""
        now = perf_counter_ns()
        key = (name, phase)
        self.holding[key] = self.holding.get(key, 0) + now - start
        self.waited[key] = now - self.begun[key]

    def seconds(self, name: str) -> dict[str, float]:
        """The times of one plugin, by phase, from the call to the end."""
        return {
            phase: (taken + self.waited.get((name, phase), 0)) / 1e9
            for phase, taken in self.taken.get(name, {}).items()
        }

    def seconds_held(self, name: str) -> dict[str, float]:
        """How long the hooks that were awaited held the loop, by phase."""
        called = self.taken.get(name, {})
        return {
            phase: (held + called.get(phase, 0)) / 1e9
            for (of, phase), held in self.holding.items()
            if of == name
        }


class Watched:
    """Stands in a plugin's place where the engine calls hooks, and takes their times.

    Of a hook that is awaited it takes the time until its end, and how much of it the hook held the loop. A plain
    `initialize` that takes longer than `timeout` cannot be interrupted: `warn` is told.
    """

    __slots__ = ("name", "plugin", "timeout", "times", "warn")

    def __init__(
        self,
        name: str,
        plugin: Any,
        *,
        times: Times | None,
        timeout: float | None,
        warn: Callable[[str], None] | None,
    ) -> None:
        self.name = name
        self.plugin = plugin
        self.times = times
        self.timeout = timeout
        self.warn = warn

    def attach_to(self, instance: object) -> object:
        """Calls the plugin's."""
        return self._watched("attach_to", self.plugin.attach_to, instance)

    def initialize(self) -> object:
        """Calls the plugin's."""
        start = perf_counter_ns()
        waiting = self._watched("initialize", self.plugin.initialize)
        taken = (perf_counter_ns() - start) / 1e9
        if self.timeout is not None and taken > self.timeout and self.warn is not None:
            self.warn(
                f"initialize of {self.name} took {taken:.2f} s without giving way, and was given {self.timeout:g} s: "
                "a plain one cannot be interrupted, an async def can"
            )
        return waiting

    def teardown(self) -> object:
        """Calls the plugin's."""
        return self._watched("teardown", self.plugin.teardown)

    def _watched(self, phase: str, hook: Callable[..., object], *arguments: object) -> object:
        times = self.times
        if times is None:
            return hook(*arguments)
        start = perf_counter_ns()
        try:
            waiting = hook(*arguments)
        finally:
            times.add(self.name, phase, start)
        return _Timed(waiting, times, self.name, phase) if is_awaitable(waiting) else waiting


class _Timed:
    """An awaitable whose steps are timed one by one, and its waits with them."""

    __slots__ = ("name", "phase", "steps", "timed", "times")

    def __init__(self, waiting: Any, times: Times, name: str, phase: str) -> None:
        self.timed = waiting
        self.times = times
        self.name = name
        self.phase = phase
        self.steps: Any = None

    def __await__(self) -> _Timed:
        kind: Any = type(self.timed)
        self.times.begin(self.name, self.phase)
        self.steps = kind.__await__(self.timed) if hasattr(kind, "__await__") else self.timed
        return self

    def __iter__(self) -> _Timed:
        return self

    def __next__(self) -> object:
        return self.send(None)

    def send(self, value: object) -> object:
        """Goes on to the next wait."""
        step = next if value is None else self.steps.send
        return self._timed(step, self.steps if value is None else value)

    def throw(self, *error: Any) -> object:
        """Goes on to the next wait with what came of the last one."""
        throw: Any = getattr(self.steps, "throw", None)
        if throw is None:
            raise error[0]
        return self._timed(throw, *error)

    def close(self) -> None:
        """Ends it where it waits."""
        waiting = self.timed if self.steps is None else self.steps
        end: Any = getattr(waiting, "close", None) or getattr(waiting, "cancel", None)
        if end is not None:
            end()

    def _timed(self, step: Callable[..., object], *arguments: object) -> object:
        start = perf_counter_ns()
        try:
            return step(*arguments)
        finally:
            self.times.held(self.name, self.phase, start)
