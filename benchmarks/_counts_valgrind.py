"""The instructions of the processor, counted by Valgrind's callgrind, as multiples of a reference loop of the same run.

What is counted calls `getppid` before and after each run; at each call of that function callgrind writes down how many
instructions there were since the last one, and begins anew.
"""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks._counts_cases import CASES, WITH_INSTRUCTIONS, Case

__all__ = ["before_command", "instructions", "ratios", "run_marked"]

_REFERENCE = "reference loop"

_UNCOUNTED_RUNS = 16  # until Python has specialized what it will
_RUNS = 4  # of which the least counts

_mark = os.getppid


def before_command(folder: str) -> list[str]:
    """What stands before the command that runs marked; the counts go into the folder."""
    options = [
        "--quiet",
        "--tool=callgrind",
        "--dump-before=getppid",
        f"--callgrind-out-file={folder}/counts",
    ]
    return ["valgrind", *options]


def run_marked(folder: str) -> list[str]:
    """Runs all cases in this process, each run between two marks; returns the case of each."""
    from benchmarks._counts_child import warm

    gc.collect()
    gc.disable()
    marked: list[str] = []
    for name in (_REFERENCE, *WITH_INSTRUCTIONS):
        case = Case(_reference) if name == _REFERENCE else CASES[name](Path(folder))
        warm(case, _UNCOUNTED_RUNS)
        case.inside(partial(_run_between_marks, case))
        marked += [name] * _RUNS
    return marked


def _run_between_marks(case: Case) -> None:
    for _ in range(_RUNS):
        case.before()
        _mark()
        case.run()
        _mark()


class _Thing:
    __slots__ = ("number", "text")

    def __init__(self, number: int, text: str) -> None:
        self.number = number
        self.text = text

    def half(self) -> int:
        return self.number // 2


def _reference() -> None:
    """Some of everything that Python code does: objects, calls, look-ups, lists, texts."""
    found: dict[str, list[int]] = {}
    for number in range(500):
        thing = _Thing(number, f"thing {number % 10}")
        found.setdefault(thing.text, []).append(thing.half())


def ratios(folder: str, marked: Sequence[str]) -> dict[str, float]:
    """The least of each case, in reference loops, from what callgrind has written."""
    parts = [path for path in Path(folder).glob("counts.*") if path.suffix[1:].isdigit()]
    parts.sort(key=lambda path: int(path.suffix[1:]))
    if len(parts) != 2 * len(marked):
        raise ValueError(f"callgrind wrote {len(parts)} parts for {len(marked)} runs between two marks each")
    least: dict[str, int] = {}
    for name, part in zip(marked, parts[1::2], strict=True):
        number = instructions(part.read_text("utf-8", "replace"))
        least[name] = min(number, least.get(name, number))
    reference = least.pop(_REFERENCE)
    return {name: float(f"{number / reference:.4g}") for name, number in least.items()}


def instructions(text: str) -> int:
    """The number of instructions in one part."""
    events = re.search(r"^events: (.+)$", text, re.MULTILINE)
    summary = re.search(r"^summary: (\d+)$", text, re.MULTILINE)
    if events is None or events[1] != "Ir" or summary is None:
        raise ValueError(f"not what callgrind writes: {text[:200]!r}")
    return int(summary[1])
