"""What an instance tells about itself: order, reasons, who took which configuration, failures, and times.

Layer: `base`, a leaf within it.
"""

from __future__ import annotations

from time import perf_counter_ns

from hycore.utils._record import Record, fill

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from hycore.base._plan import SetAside
    from hycore.ext import DynPluginEXT, PluginRegistry
    from hycore.utils.opaque import LedgerEntry, OpaqueList

__all__ = ["Report", "ReportedExtension", "Times"]


class ReportedExtension(Record):
    """One extension of a report.

    `state` is `"planned"`, `"constructed"`, `"up"` or `"down"`; `reason` tells why it stands at its place; `times` are seconds by
    phase, and empty unless the instance was created with `profile=True`.
    """

    __slots__ = ("name", "uuid", "description", "state", "reason", "times")

    name: str
    uuid: str
    description: str
    state: str
    reason: str
    times: Mapping[str, float]

    def __init__(
        self,
        name: str,
        *,
        uuid: str,
        description: str,
        state: str,
        reason: str,
        times: Mapping[str, float],
    ) -> None:
        fill(self, "name", name)
        fill(self, "uuid", uuid)
        fill(self, "description", description)
        fill(self, "state", state)
        fill(self, "reason", reason)
        fill(self, "times", times)


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
                f"  {phase} {seconds * 1000:.2f} ms" for phase, seconds in extension.times.items()
            )
            lines.append(
                f"{place:>4}. {extension.name:<{width}}  {extension.state:<11}  {extension.reason}{times}"
            )
        lines += [f"set aside: {aside}" for aside in self.set_aside]
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

    __slots__ = ("taken",)

    def __init__(self) -> None:
        self.taken: dict[str, dict[str, int]] = {}

    def construct(self, registry: PluginRegistry, ext: OpaqueList) -> DynPluginEXT:
        """Constructs a plugin and takes the time."""
        start = perf_counter_ns()
        try:
            return registry.loader(ext)
        finally:
            self.add(registry.name, "new", start)

    def add(self, name: str, phase: str, start: int) -> None:
        """Adds the time from `start` until now."""
        phases = self.taken.setdefault(name, {})
        phases[phase] = phases.get(phase, 0) + perf_counter_ns() - start

    def watch(self, registry: PluginRegistry, plugin: DynPluginEXT) -> Any:
        """What the engine calls in a plugin's place."""
        return _Watched(self, registry.name, plugin)

    def seconds(self, name: str) -> dict[str, float]:
        """The times of one plugin, by phase."""
        return {phase: taken / 1e9 for phase, taken in self.taken.get(name, {}).items()}


class _Watched:
    __slots__ = ("name", "plugin", "times")

    def __init__(self, times: Times, name: str, plugin: Any) -> None:
        self.times = times
        self.name = name
        self.plugin = plugin

    def attach_to(self, instance: object) -> object:
        start = perf_counter_ns()
        try:
            return self.plugin.attach_to(instance)
        finally:
            self.times.add(self.name, "attach_to", start)

    def initialize(self) -> object:
        start = perf_counter_ns()
        try:
            return self.plugin.initialize()
        finally:
            self.times.add(self.name, "initialize", start)

    def teardown(self) -> object:
        start = perf_counter_ns()
        try:
            return self.plugin.teardown()
        finally:
            self.times.add(self.name, "teardown", start)
