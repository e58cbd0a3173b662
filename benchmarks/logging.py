"""Logging: a call that is delivered to a callback, and one that is not wanted.

What is compared, and how far it is alike:

- **The floor of an enabled call** is a method that compares the level, formats where there is something to format, builds
  a slotted record with the level, the text, the place of the call (module, code and instruction), the time and the
  thread's number, and calls the callback. Whoever raises in it disturbs the caller, it cannot be exchanged while others
  log, and what the callback logs itself has no end.
- **The floor of a disabled call** is a method that compares and returns. It takes a text and whatever is to be formatted
  into it, as every log function must; one that takes a text only, and one that takes `exc=` besides, as ours does, are
  rows without a goal.
- Ours logs through the logger extension, as a host has it. The record tells the thread by its name, and works out the
  line, the zone of the time and the member of the enumeration when they are read.
- **The peers** log in their own words, each to a callback that gets a record with the text in it.
"""

from __future__ import annotations

from _thread import get_ident
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from sys import _getframe
from time import time_ns
from types import CodeType
from typing import Any

from benchmarks._harness import Case, Comparison, Setting, Subject, missing
from benchmarks._made import request
from benchmarks._sampling import inlined
from benchmarks.peers.loggers import BRACES, LOGGERS, take
from hycore import InstanceContext, hyinfo
from hycore.ext import Inventory
from hycore.ext.hylog import LogCreateInfoEXT, LogPluginEXT

NAMES: dict[str, Any] = {"total": 12, "name": "index"}
PEERS = ("logging", "picologging")
MORE_PEERS = ("loguru", "structlog")
GOALS = {
    ("enabled", "floor"): 1.5,
    ("enabled", "logging"): 5.0,
    ("enabled", "picologging"): 1.0,
    ("disabled", "floor"): 1.15,
    ("disabled", "logging"): 2.0,
}


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

    def compare_and_take_exc(self, message: str, *args: object, exc: BaseException | None = None) -> None:
        """Is never wanted."""
        if self.level > 2:
            return

    def compare(self, message: str) -> None:
        """Is never wanted."""
        if self.level > 2:
            return


@contextmanager
def logging(setting: Setting) -> Iterator[Subject]:
    """The same calls, delivered and not."""
    peers = [*PEERS, *(MORE_PEERS if setting.all_peers else ())]
    cases: dict[str, Case] = {}
    comparisons: list[Comparison] = []
    with instance_that_logs("TRACE") as wanted, instance_that_logs("ERROR") as unwanted:
        for state, instance in (("enabled", wanted), ("disabled", unwanted)):
            for what, arguments in BRACES.items():
                case = f"{state}, {what}"
                cases[f"{case}: ours"] = inlined(
                    f"hyinfo(instance, {arguments})", hyinfo=hyinfo, instance=instance, **NAMES
                )
                floor = Floor(0 if state == "enabled" else 4, take)
                cases[f"{case}: floor"] = inlined(f"log.info({arguments})", log=floor, **NAMES)
                for peer in peers:
                    cases[f"{case}: {peer}"] = _of_peer(peer, what, wanted=state == "enabled")
                comparisons += _beside(case, state, what, ["floor", *peers])
        for method, takes in (("compare", "none"), ("compare_and_take_exc", "exc= too")):
            floor_of_its_own = f"disabled, takes {takes}: floor"
            cases[floor_of_its_own] = inlined(f"log.{method}({BRACES['no arguments']})", log=Floor(4, take))
            what = f"log call, disabled, no arguments; the floor takes {takes}"
            comparisons.append(Comparison(what, "disabled, no arguments: ours", floor_of_its_own, "times"))
        yield Subject("The callback does nothing.", cases, comparisons)


def _beside(case: str, state: str, what: str, others: Sequence[str]) -> list[Comparison]:
    """The rows of one call; a disabled one with arguments has no goals."""
    goals = {} if (state, what) == ("disabled", "3 arguments") else GOALS
    return [
        Comparison(
            f"log call, {case}",
            f"{case}: ours",
            f"{case}: {other}",
            "times" if other == "floor" else "faster",
            goals.get((state, other)),
        )
        for other in others
    ]


def _of_peer(name: str, what: str, *, wanted: bool) -> Case:
    reason = missing(name, before=(3, 13) if name == "picologging" else None)
    if reason is not None:
        return reason
    make, calls = LOGGERS[name]
    return inlined(f"log.info({calls[what]})", log=make(wanted=wanted), **NAMES)


def instance_that_logs(level: str) -> InstanceContext:
    """One with the logger, whose callback does nothing."""
    inventory = Inventory(group=None)
    inventory.submit(LogPluginEXT)
    info = request([LogPluginEXT], ext=[LogCreateInfoEXT(level, take)])
    return InstanceContext.create(info, inventory=inventory)
