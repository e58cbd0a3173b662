"""Logging: a call that is delivered to a callback, and one that is not wanted.

What is compared, and how far it is alike:

- **The floor of an enabled call** is a method that compares the level, formats where there is something to format, builds
  a slotted record with the level, the text, the place of the call (module, code and instruction), the time and the
  thread's number, and calls the callback. Whoever raises in it disturbs the caller, it cannot be exchanged while others
  log, and what the callback logs itself has no end.
- **The floor of a disabled call** is a method that compares and returns. It takes a text and whatever is to be formatted
  into it, as every log function must; one that takes a text only is a row without a goal.
- Ours logs through the logger extension, as a host has it. The record tells the thread by its name, and works out the
  line, the zone of the time and the member of the enumeration when they are read.
"""

from __future__ import annotations

from _thread import get_ident
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from sys import _getframe
from time import time_ns
from types import CodeType

from benchmarks._harness import Comparison, Subject
from benchmarks._made import request
from benchmarks._sampling import Sample, inlined
from hycore import InstanceContext, hyinfo
from hycore.base.api import InstanceCreateInfo
from hycore.ext import Inventory
from hycore.ext.hylog import LogCreateInfoEXT, LogPluginEXT

CALLS = {"no arguments": '"the index is written"', "3 arguments": '"{} of {} in {}", 1, total, name'}


class Record:
    """What a callback of the floor gets."""

    __slots__ = ("code", "instruction", "level", "message", "module", "thread", "time")

    def __init__(
        self, level: int, message: str, module: str, code: CodeType, instruction: int, time: int, thread: int
    ) -> None:
        self.level = level
        self.message = message
        self.module = module
        self.code = code
        self.instruction = instruction
        self.time = time
        self.thread = thread


class Floor:
    """The least that a logger does in Python."""

    __slots__ = ("callback", "level")

    def __init__(self, level: int, callback: Callable[[Record], object]) -> None:
        self.level = level
        self.callback = callback

    def info(self, message: str, *args: object) -> None:
        """Delivers, if it is wanted."""
        if self.level > 2:
            return
        frame = _getframe(1)
        self.callback(
            Record(
                2,
                message.format(*args) if args else message,
                frame.f_globals["__name__"],
                frame.f_code,
                frame.f_lasti,
                time_ns(),
                get_ident(),
            )
        )

    def compare(self, message: str) -> None:
        """Is never wanted."""
        if self.level > 2:
            return


@contextmanager
def logging(quick: bool) -> Iterator[Subject]:
    """The same calls, delivered and not."""
    del quick  # they are as small as can be
    cases: dict[str, Sample | None] = {}
    with _instance("TRACE") as wanted, _instance("ERROR") as unwanted:
        for what, arguments in CALLS.items():
            names = {"total": 12, "name": "index"} if what != "no arguments" else {}
            cases |= {
                f"enabled, {what}: ours": inlined(
                    f"hyinfo(instance, {arguments})", hyinfo=hyinfo, instance=wanted, **names
                ),
                f"enabled, {what}: floor": inlined(f"log.info({arguments})", log=Floor(0, _take), **names),
                f"disabled, {what}: ours": inlined(
                    f"hyinfo(instance, {arguments})", hyinfo=hyinfo, instance=unwanted, **names
                ),
                f"disabled, {what}: floor": inlined(f"log.info({arguments})", log=Floor(4, _take), **names),
            }
        cases["disabled, text only: floor"] = inlined(
            f"log.compare({CALLS['no arguments']})", log=Floor(4, _take)
        )
        yield Subject("The callback does nothing.", cases, _comparisons())


def _comparisons() -> list[Comparison]:
    comparisons: list[Comparison] = []
    for state, goal in {"enabled": 1.5, "disabled": 1.15}.items():
        for what in CALLS:
            case = f"{state}, {what}"
            has_goal = state == "enabled" or what == "no arguments"
            comparisons.append(
                Comparison(case, f"{case}: ours", f"{case}: floor", "times", goal if has_goal else None)
            )
    text_only = "disabled, text only"
    comparisons.append(
        Comparison(
            "disabled, no arguments, a floor that takes none",
            "disabled, no arguments: ours",
            f"{text_only}: floor",
            "times",
        )
    )
    return comparisons


def _take(message: object) -> None: ...


def _instance(level: str) -> InstanceContext:
    inventory = Inventory(group=None)
    inventory.submit(LogPluginEXT)
    info = request([LogPluginEXT])
    ext = [LogCreateInfoEXT(level, _take)]
    info = InstanceCreateInfo(info.application_info, info.enabled_extensions, ext=ext)
    return InstanceContext.create(info, inventory=inventory)
