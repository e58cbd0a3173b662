"""Interleaved rounds: in each, every case is measured once, in an order drawn anew.

What else the machine does then meets all cases alike, and a ratio is taken between two samples of one round. What is
told of a ratio is its median over the rounds, and its quartiles.
"""

from __future__ import annotations

import gc
import math
import os
import random
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from time import perf_counter
from typing import Literal

Sample = Callable[[], float]
"""Measures once: the seconds that one call took."""

_TRIES = 3  # within one sample; the quickest counts, since an interruption only ever adds
_LEAST_SECONDS = 0.003  # of a try: many times what reading the clock costs, and rarely interrupted


@dataclass(frozen=True, slots=True)
class Comparison:
    """One line of the table: two cases, by their names, and the goal where there is one.

    `times` is how many times as long ours takes (the goal is a maximum); `faster` is how many times as long the other
    one takes (the goal is a minimum).
    """

    what: str
    ours: str
    other: str
    kind: Literal["times", "faster"]
    goal: float | None = None

    def ratio(self, samples: Mapping[str, Sequence[float]]) -> Spread | None:
        """Over the rounds; `None` if one of the two was not measured."""
        if self.ours not in samples or self.other not in samples:
            return None
        pairs = list(zip(samples[self.ours], samples[self.other], strict=True))
        is_times = self.kind == "times"
        return Spread.of([ours / other if is_times else other / ours for ours, other in pairs])

    def is_met(self, ratio: Spread) -> bool | None:
        """Whether the median reaches the goal; `None` without one."""
        if self.goal is None:
            return None
        return ratio.median <= self.goal if self.kind == "times" else ratio.median >= self.goal


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of many values, and the quartiles around it."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        if len(values) == 1:
            return cls(*values, *values, *values)
        return cls(*statistics.quantiles(values, n=4, method="inclusive"))


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured together. A case that is `None` needs a peer that is not installed."""

    conditions: str
    """What it is measured on, for the reader of the table."""
    cases: Mapping[str, Sample | None]
    comparisons: Sequence[Comparison]


MakeSubject = Callable[[bool], AbstractContextManager[Subject]]
"""Makes a subject, and for as long what it needs on the disk; a tiny one if told to be quick."""


def repeated(call: Callable[[], object], *, before: Callable[[], object] | None = None) -> Sample:
    """Measures within this process: the quickest of a few tries, each so many calls that the clock does not count.

    With `before`, which is done first and does not count either, a try is one call.
    """
    loops = 1 if before is not None else 0

    def attempt() -> float:
        nonlocal loops
        if before is not None:
            before()
        if not loops:
            loops = math.ceil(_LEAST_SECONDS / max(_seconds(call, 1), 1e-6))
        return _seconds(call, loops)

    return lambda: min([attempt() for _ in range(_TRIES)])


def fresh(code: str, expected: object, *, path: Sequence[str], environment: Mapping[str, str]) -> Sample:
    """Measures code in a new process each time, imports included; the start of Python does not count.

    The code may set `start` anew, and must leave what is `expected` in `answer`.
    """
    script = "\n".join(
        [
            "import sys",
            "from time import perf_counter",
            f"sys.path[:] = {list(path)!r}",
            "start = perf_counter()",
            code,
            "seconds = perf_counter() - start",
            f"assert answer == {expected!r}, answer",
            "print(seconds)",
        ]
    )
    command = [sys.executable, "-I", "-c", script]

    def sample() -> float:
        done = subprocess.run(command, env={**os.environ, **environment}, check=True, stdout=subprocess.PIPE)
        return float(done.stdout)

    return sample


def measure(subject: Subject, rounds: int, tell: Callable[[int], object]) -> dict[str, list[float]]:
    """The samples of each case that can be measured, round by round."""
    cases = {name: sample for name, sample in subject.cases.items() if sample is not None}
    samples: dict[str, list[float]] = {name: [] for name in cases}
    order = list(cases)
    draw = random.Random(0)
    for name in order:  # does not count: files come into memory, code is specialized, loops are chosen
        _undisturbed(cases[name])
    for done in range(rounds):
        draw.shuffle(order)
        for name in order:
            samples[name].append(_undisturbed(cases[name]))
        tell(done + 1)
    return samples


def _undisturbed(sample: Sample) -> float:
    gc.collect()
    gc.disable()  # as `timeit` does: a collection would be put down to whoever is measured then
    try:
        return sample()
    finally:
        gc.enable()


def _seconds(call: Callable[[], object], loops: int) -> float:
    turns = range(loops)
    start = perf_counter()
    for _ in turns:
        call()
    return (perf_counter() - start) / loops
