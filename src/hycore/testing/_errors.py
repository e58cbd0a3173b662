"""What the kit raises: every finding at once, each with what to write.

Layer: `testing`, the lowest of it.
"""

from __future__ import annotations

from hycore.utils._record import Record, fill
from hycore.utils.error import HyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

__all__ = ["Finding", "PluginConformanceError"]


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


def numbered(things: Iterable[Any]) -> list[str]:
    """A line or more for each, with its number."""
    return [f"  {number}. " + str(thing).replace("\n", "\n     ") for number, thing in enumerate(things, 1)]
