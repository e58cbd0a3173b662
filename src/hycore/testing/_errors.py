"""What the kit raises: every finding at once, each with what to write.

Layer: `testing`, the lowest of it.
"""

from __future__ import annotations

from hycore.utils._record import Record, fill
from hycore.utils.error import HyError, closest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

__all__ = [
    "FaultNotReachedError",
    "Finding",
    "HostConformanceError",
    "InjectedFaultError",
    "PluginConformanceError",
    "RunningLoopError",
]


class Finding(Record):
    """One thing that is wrong.

    `rule` says in a few words what is asked for, `problem` what was seen, `step` how to mend it.
    """

    __slots__ = ("rule", "problem", "step")

    rule: str
    problem: str
    step: str

    def __init__(self, rule: str, problem: str, step: str) -> None:
        fill(self, "rule", rule)
        fill(self, "problem", problem)
        fill(self, "step", step)

    def __str__(self) -> str:
        return f"{self.rule}: {self.problem}\n" + self.step


class PluginConformanceError(HyError, AssertionError):
    """A plugin does what it must not.

    Facts: `plugin` (the extension's name), `plugin_class` (qualified name of its class), `findings` (all of them).
    """

    def __init__(self, plugin: str, plugin_class: str, findings: Iterable[Finding]) -> None:
        super().__init__()
        self.plugin = plugin
        self.plugin_class = plugin_class
        self.findings = tuple(findings)

    def _compose(self) -> str:
        count = len(self.findings)
        head = f"extension {self.plugin!r} ({self.plugin_class}) does not conform, in {count} point{'s' * (count > 1)}:"
        return "\n".join([head, *numbered(self.findings)])


class HostConformanceError(HyError, AssertionError):
    """A host does not survive the failure of one of its plugins.

    Facts: `host` (its name), `findings` (all of them; the `rule` of each tells what had failed).
    """

    def __init__(self, host: str, findings: Iterable[Finding]) -> None:
        super().__init__()
        self.host = host
        self.findings = tuple(findings)

    def _compose(self) -> str:
        count = len(self.findings)
        head = f"the host {self.host} does not survive every failure, in {count} point{'s' * (count > 1)}:"
        return "\n".join([head, *numbered(self.findings)])


def numbered(things: Iterable[Any]) -> list[str]:
    """A line or more for each, with its number."""
    return [f"  {number}. " + str(thing).replace("\n", "\n     ") for number, thing in enumerate(things, 1)]


class InjectedFaultError(HyError, RuntimeError):
    """What a plugin raises whose phase is made to fail.

    Facts: `plugin`, `phase`.
    """

    def __init__(self, plugin: str, phase: str) -> None:
        super().__init__()
        self.plugin = plugin
        self.phase = phase

    def _compose(self) -> str:
        return f"a test lets {self.phase} of {self.plugin!r} fail"


class FaultNotReachedError(HyError, AssertionError):
    """A phase that was to fail never came, and so the test proves nothing.

    Facts: `plugin`, `phase`, `seen` (pairs of names and phases, of what came).
    """

    def __init__(self, plugin: str, phase: str, *, seen: Iterable[tuple[str, str]]) -> None:
        super().__init__()
        self.plugin = plugin
        self.phase = phase
        self.seen = tuple(seen)

    def _compose(self) -> str:
        text = f"{self.phase} of extension {self.plugin!r} was to fail, and never came"
        phases = [phase for name, phase in self.seen if name == self.plugin]
        if phases:
            return f"{text}: of that extension came {', '.join(phases)}; let one of these fail"
        if not self.seen:
            return f"{text}, nor any other extension: create the instance inside of the with block, in this process"
        close = closest(self.plugin, dict.fromkeys(name for name, _ in self.seen), most=1)
        names = ", ".join(dict.fromkeys(repr(name) for name, _ in self.seen))
        return f"{text}; " + (f"did you mean {close[0]!r}?" if close else f"those that came: {names}")


class RunningLoopError(HyError, RuntimeError):
    """Something that runs an event loop of its own was called inside of one.

    Facts: `operation`, `step` (what to write).
    """

    def __init__(self, operation: str, step: str) -> None:
        super().__init__()
        self.operation = operation
        self.step = step

    def _compose(self) -> str:
        return f"{self.operation} runs an event loop of its own, and one is running here: {self.step}"
