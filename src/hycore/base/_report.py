"""What an instance tells about itself: order, reasons, who asked, who took which configuration, failures, and times.

Layer: `base`, above `_plan`, below `_instance`. A report is plain values: it holds no plugin, no class and no exception.
"""

from __future__ import annotations

from time import perf_counter_ns, time_ns

from hycore.base._drivers import is_awaitable
from hycore.utils._record import Record, fill

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from typing import Any

    from hycore.base._instance import InstanceContext
    from hycore.base._origin import Origin
    from hycore.base._tracing import Failure
    from hycore.ext import DynPluginEXT, PluginRegistry
    from hycore.utils.opaque import LedgerEntry, OpaqueList

__all__ = ["AskedBy", "Report", "ReportedAside", "ReportedExtension", "Times", "Watched", "report_of"]

_FIELDS = ("enabled_extensions", "optional_extensions")
_SHORT = {"enabled_extensions": "enabled", "optional_extensions": "optional"}


class AskedBy(Record):
    """Who asked for an extension.

    - `kind`: `"code"`, `"application file"`, `"setting"` (of the command line), or `"unknown"`.
    - `where`: `FILE:LINE`, or the setting; empty if it is not known.
    - `field`: `"enabled_extensions"` or `"optional_extensions"`.
    - `required_by`: an enabled extension that requires it, directly or not, so that it counts as enabled; or `None`.
    """

    __slots__ = ("kind", "where", "field", "required_by")

    kind: str
    where: str
    field: str
    required_by: str | None

    def __init__(self, kind: str, where: str, field: str, required_by: str | None = None) -> None:
        fill(self, "kind", kind)
        fill(self, "where", where)
        fill(self, "field", field)
        fill(self, "required_by", required_by)

    def __str__(self) -> str:
        place = f" at {self.where}" if self.where and self.kind != "setting" else ""
        place = f" by {self.where}" if self.kind == "setting" else place
        required = f", required by {self.required_by}" if self.required_by is not None else ""
        return f"{self.field}{place}{required}"


class ReportedExtension(Record):
    """One extension of a report that comes up.

    - `state`: `"planned"`, `"constructed"`, `"up"` or `"down"`.
    - `reason`: in words, why it stands at its place; `requires` and `after` are the names that it declares.
    - `asked_by`: who asked for it.
    - `configuration`: the types of the configuration objects that it took.
    - `times`: seconds by phase, empty unless the instance was created with `profile=True`; `held`: for the phases that
      were awaited, the seconds of these in which the hook held the event loop; `begun`: when each phase began, in
      nanoseconds since 1970.
    """

    __slots__ = (
        "name",
        "uuid",
        "description",
        "state",
        "reason",
        "requires",
        "after",
        "asked_by",
        "configuration",
        "times",
        "held",
        "begun",
    )

    name: str
    uuid: str
    description: str
    state: str
    reason: str
    requires: tuple[str, ...]
    after: tuple[str, ...]
    asked_by: AskedBy
    configuration: tuple[str, ...]
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
        requires: tuple[str, ...],
        after: tuple[str, ...],
        asked_by: AskedBy,
        configuration: tuple[str, ...],
        times: Mapping[str, float],
        held: Mapping[str, float],
        begun: Mapping[str, int],
    ) -> None:
        fill(self, "name", name)
        fill(self, "uuid", uuid)
        fill(self, "description", description)
        fill(self, "state", state)
        fill(self, "reason", reason)
        fill(self, "requires", requires)
        fill(self, "after", after)
        fill(self, "asked_by", asked_by)
        fill(self, "configuration", configuration)
        fill(self, "times", times)
        fill(self, "held", held)
        fill(self, "begun", begun)

    def _time(self, phase: str) -> str:
        if phase not in self.times:
            return ""
        held = f" ({self.held[phase] * 1000:.2f} of the loop)" if phase in self.held else ""
        return f"{self.times[phase] * 1000:.2f}{held}"


class ReportedAside(Record):
    """An optional extension that is not there.

    `error_type` is the name of an error's class and `reason` its text; `traceback` is that of the code that raised, as text;
    `retry_after` is after how many seconds it asked to be tried again, or `None`; `asked_by` is who asked for it.
    """

    __slots__ = ("name", "error_type", "reason", "traceback", "retry_after", "asked_by")

    name: str
    error_type: str
    reason: str
    traceback: str
    retry_after: float | None
    asked_by: AskedBy

    def __init__(
        self,
        name: str,
        *,
        error_type: str,
        reason: str,
        traceback: str,
        retry_after: float | None,
        asked_by: AskedBy,
    ) -> None:
        fill(self, "name", name)
        fill(self, "error_type", error_type)
        fill(self, "reason", reason)
        fill(self, "traceback", traceback)
        fill(self, "retry_after", retry_after)
        fill(self, "asked_by", asked_by)

    def __str__(self) -> str:
        return f"{self.name}: {self.error_type}: {self.reason}"


class Report(Record):
    """A picture of an instance at one moment, in plain values; configuration is in it by type only.

    - `application`, `engine`: names and versions.
    - `state`: `"creating"`, `"open"`, `"closing"`, `"closed"`, or `"failed"` for one that did not come up.
    - `asked_for`: where each list of extensions that is not empty was written.
    - `extensions`: those that come up, in order.
    - `set_aside`: the optional extensions that are not there, and why.
    - `ledger`: each configuration object by type, and who took it.
    - `failures`: what failed in teardown, while an extension was set aside, or in the creation; each has a `text` and a
      `traceback`.

    `str(report)` is for people, `to_dict()` and `as_json()` are for programs, and a notebook shows a table.
    """

    __slots__ = (
        "application",
        "engine",
        "state",
        "asked_for",
        "extensions",
        "set_aside",
        "ledger",
        "failures",
    )

    application: str
    engine: str
    state: str
    asked_for: tuple[AskedBy, ...]
    extensions: tuple[ReportedExtension, ...]
    set_aside: tuple[ReportedAside, ...]
    ledger: tuple[LedgerEntry, ...]
    failures: tuple[Failure, ...]

    def __init__(
        self,
        application: str,
        engine: str,
        *,
        state: str,
        asked_for: tuple[AskedBy, ...],
        extensions: tuple[ReportedExtension, ...],
        set_aside: tuple[ReportedAside, ...],
        ledger: tuple[LedgerEntry, ...],
        failures: tuple[Failure, ...],
    ) -> None:
        fill(self, "application", application)
        fill(self, "engine", engine)
        fill(self, "state", state)
        fill(self, "asked_for", asked_for)
        fill(self, "extensions", extensions)
        fill(self, "set_aside", set_aside)
        fill(self, "ledger", ledger)
        fill(self, "failures", failures)

    @property
    def _phases(self) -> list[str]:
        return list(dict.fromkeys([phase for extension in self.extensions for phase in extension.times]))

    def __str__(self) -> str:
        many = "extension" if len(self.extensions) == 1 else "extensions"
        lines = [f"{self.application}: {self.state}, {len(self.extensions)} {many}"]
        if any(asked.where for asked in self.asked_for):
            lines.append(_in_one_line(self.asked_for))
        width = max([len(extension.name) for extension in self.extensions], default=0)
        for place, extension in enumerate(self.extensions, start=1):
            lines.append(f"{place:>4}. {extension.name:<{width}}  {extension.state:<11}  {extension.reason}")
        for aside in self.set_aside:
            lines.append(f"set aside: {aside}")
            lines += _indented(aside.traceback)
        lines += [
            f"configuration: {entry.type_name}, taken by {entry.taken_by or 'nobody'}"
            for entry in self.ledger
        ]
        for failure in self.failures:
            lines.append(f"failure: {failure.text}")
            lines += _indented(failure.traceback)
        lines += self._table_of_times()
        return "\n".join(lines)

    def _table_of_times(self) -> Iterator[str]:
        phases = self._phases
        if not phases:
            return
        rows = [("times in ms", *phases)]
        rows += [
            (f"{place:>4}. {extension.name}", *map(extension._time, phases))
            for place, extension in enumerate(self.extensions, start=1)
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for first, *cells in rows:
            line = "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths[1:], strict=True))
            yield f"{first:<{widths[0]}}  {line}".rstrip()

    def to_dict(self) -> dict[str, Any]:
        """The report in what JSON can hold; the names are stable, as the command line's are."""
        return {
            "application": self.application,
            "engine": self.engine,
            "state": self.state,
            "extensions": [
                {
                    "name": extension.name,
                    "uuid": extension.uuid,
                    "description": extension.description,
                    "state": extension.state,
                    "reason": extension.reason,
                    "requires": list(extension.requires),
                    "after": list(extension.after),
                    "asked_by": _as_dict(extension.asked_by),
                    "configuration": list(extension.configuration),
                    "times": dict(extension.times),
                    "held": dict(extension.held),
                }
                for extension in self.extensions
            ],
            "set_aside": [
                {
                    "name": aside.name,
                    "error": aside.error_type,
                    "reason": aside.reason,
                    "traceback": aside.traceback,
                    "retry_after": aside.retry_after,
                    "asked_by": _as_dict(aside.asked_by),
                }
                for aside in self.set_aside
            ],
            "configuration": [{"type": entry.type_name, "taken_by": entry.taken_by} for entry in self.ledger],
            "failures": [{"text": failure.text, "traceback": failure.traceback} for failure in self.failures],
        }

    def as_json(self) -> str:
        """`to_dict()` as a JSON document, on several lines."""
        import json

        return json.dumps(self.to_dict(), indent=2)

    def _repr_html_(self) -> str:
        """What a notebook shows: a table, and below it what failed."""
        phases = self._phases
        head = [_cell(title) for title in ("", "extension", "state", "why", "configuration")]
        head += [_cell(f"{phase} (ms)", kind="number") for phase in phases]
        rows = [
            [
                _cell(place),
                _cell(extension.name, extension.description),
                _cell(extension.state, kind="word"),
                _cell(extension.reason, str(extension.asked_by)),
                _cell(", ".join(extension.configuration)),
                *[_cell(extension._time(phase), kind="number") for phase in phases],
            ]
            for place, extension in enumerate(self.extensions, start=1)
        ]
        for aside in self.set_aside:
            why = _cell(f"{aside.error_type}: {aside.reason}", str(aside.asked_by))
            rows.append(["<td></td>", _cell(aside.name), _cell("set aside", kind="word"), why, "<td></td>"])
            rows[-1] += ["<td></td>"] * len(phases)
            if aside.traceback:
                over_all = f'<td colspan="{len(head)}" style="{_STYLES[""]}">{_details(aside.traceback)}</td>'
                rows.append([over_all])
        where = f"<br>{_escaped(_in_one_line(self.asked_for))}" if self.asked_for else ""
        parts = [
            f'<table><caption style="{_LEFT}"><b>{_escaped(self.application)}</b>: {_escaped(self.state)}{where}</caption>',
            "<thead><tr>",
            *[title.replace("td", "th") for title in head],
            "</tr></thead><tbody>",
            *[f"<tr>{''.join(row)}</tr>" for row in rows],
            "</tbody></table>",
        ]
        nobody = [entry.type_name for entry in self.ledger if entry.taken_by in (None, "?")]
        if nobody:
            parts.append(f"<p>Configuration that no extension took: {_escaped(', '.join(nobody))}</p>")
        parts += [
            f"<div>Failure: {_escaped(failure.text)}{_details(failure.traceback)}</div>"
            for failure in self.failures
        ]
        return "".join(parts)


def report_of(instance: InstanceContext, failed: BaseException | None = None) -> Report:
    """What an instance tells at this moment; `failed` is what ended a creation."""
    from hycore.base._origin import origin_of
    from hycore.base._plan import required_by_enabled
    from hycore.base._tracing import told

    life = instance._life
    up = life.binding.up
    undoing = life.binding.undoing
    constructed = life.binding.rest if undoing else len(life.plugins)
    rest = "down" if undoing else "planned"
    plan = life.plan
    registries = list(life.registries)
    reasons = {**dict(zip(plan.names, plan.reasons, strict=True)), **life.reasons}
    needed = required_by_enabled(plan.enabled, {registry.name: registry for registry in registries})
    origin = origin_of(instance._origin)
    asked = {field: _asked_by(field, origin) for field in _FIELDS}
    ledger = tuple([entry for ext in life.lists for entry in ext.report()])
    times = life.times

    def asked_by(name: str) -> AskedBy:
        if name in plan.enabled:
            return asked["enabled_extensions"]
        by = asked["optional_extensions"]
        return by if name not in needed else AskedBy(by.kind, by.where, by.field, needed[name])

    extensions = [
        ReportedExtension(
            registry.name,
            uuid=str(registry.uuid),
            description=registry.description,
            state="up" if place < up else "constructed" if place < constructed else rest,
            reason=reasons.get(registry.name, "optional; tried again"),
            requires=registry.requires,
            after=registry.after,
            asked_by=asked_by(registry.name),
            configuration=tuple([entry.type_name for entry in ledger if entry.taken_by == registry.name]),
            times=times.seconds(registry.name) if times is not None else {},
            held=times.seconds_held(registry.name) if times is not None else {},
            begun=dict(times.first.get(registry.name, ())) if times is not None else {},
        )
        for place, registry in enumerate(registries)
    ]
    set_aside = [
        ReportedAside(
            aside.name,
            error_type=aside.error_type,
            reason=aside.reason,
            traceback=aside.traceback,
            retry_after=aside.retry_after,
            asked_by=asked_by(aside.name),
        )
        for aside in life.aside
    ]
    failures = [*life.failures, *map(told, life.undo_errors)]
    if failed is not None:
        failures.insert(0, told(failed))
    return Report(
        f"{instance.application_name} {instance.application_version}",
        f"{instance.engine_name} {instance.engine_version}",
        state="failed" if failed is not None else instance._state,
        asked_for=tuple([asked[field] for field in _FIELDS if getattr(plan, field.partition("_")[0])]),
        extensions=tuple(extensions),
        set_aside=tuple(set_aside),
        ledger=ledger,
        failures=tuple(failures),
    )


def _asked_by(field: str, origin: Origin | None) -> AskedBy:
    kind, where = origin.place_of(field) if origin is not None else ("unknown", "")
    return AskedBy(kind, where, field)


def _in_one_line(asked_for: tuple[AskedBy, ...]) -> str:
    places = list(dict.fromkeys([asked.where for asked in asked_for]))
    if len(places) == 1 and asked_for[0].kind != "setting":
        return f"asked for at {places[0]}"
    return ", ".join(str(asked).replace(asked.field, _SHORT[asked.field], 1) for asked in asked_for)


def _as_dict(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__slots__}


def _indented(text: str) -> list[str]:
    return [f"    {line}".rstrip() for line in text.split("\n")] if text else []


# What a notebook shows. Frames and colours are its own: pages are light or dark.

_LEFT = "text-align: left; caption-side: top"
_CODE = "font-family: monospace; white-space: pre-wrap; word-break: normal; overflow-wrap: anywhere; background: none"
_STYLES = {
    "": "text-align: left; vertical-align: top",
    "word": "text-align: left; vertical-align: top; white-space: nowrap",
    "number": "text-align: right; vertical-align: top",
}


def _escaped(text: object) -> str:
    from html import escape

    return escape(str(text))


def _cell(text: object, title: str = "", *, kind: str = "") -> str:
    hint = f' title="{_escaped(title)}"' if title else ""
    return f'<td style="{_STYLES[kind]}"{hint}>{_escaped(text)}</td>'


def _details(traceback: str) -> str:
    if not traceback:
        return ""
    shown = f'<pre style="{_CODE}">{_escaped(traceback)}</pre>'
    return f"<details><summary>traceback</summary>{shown}</details>"


around_hook: Callable[[str, str], AbstractContextManager[None]] | None = None
"""What tools put around each hook that is timed, by extension and phase: a time limit, a clock. There is none in a host."""


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
        plugin: DynPluginEXT = self.run(registry.name, "new", registry.loader, ext)
        return plugin

    def run(self, name: str, phase: str, hook: Callable[..., Any], *arguments: object) -> Any:
        """Runs a hook, or as much of it as comes before its first wait, and adds the time."""
        if around_hook is None:
            return self._timed(name, phase, hook, *arguments)
        with around_hook(name, phase):
            return self._timed(name, phase, hook, *arguments)

    def _timed(self, name: str, phase: str, hook: Callable[..., Any], *arguments: object) -> Any:
        start = perf_counter_ns()
        try:
            return hook(*arguments)
        finally:
            self.add(name, phase, start)

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
        waiting = times.run(self.name, phase, hook, *arguments)
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
