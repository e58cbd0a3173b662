"""Interleaved rounds: in each, every case is measured once, in an order drawn anew.

What else the machine does then meets all cases alike, and a ratio is taken between two samples of one round. What is
told of a ratio is its median over the rounds, and its quartiles.
"""

from __future__ import annotations

import gc
import importlib.util
import random
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal

from benchmarks._sampling import Sample, undisturbed

_NOT_AVAILABLE = "not available on {}.{}".format(*sys.version_info)

Case = Sample | str
"""What measures it, or why it cannot be measured."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One line of the table: two cases, by their names, and the goal where there is one.

    `times` is how many times as long ours takes (the goal is a maximum); `faster` is how many times as long the other
    one takes (the goal is a minimum). `less` is what is taken off ours first: so many times each of these cases.
    `unit` is what their samples are in. `label` names the other one, where the end of its name does not.
    """

    what: str
    ours: str
    other: str
    kind: Literal["times", "faster"]
    goal: float | None = None
    less: Mapping[str, float] = field(default_factory=dict[str, float])
    unit: Literal["seconds", "bytes"] = "seconds"
    label: str | None = None

    @property
    def other_label(self) -> str:
        """What ours is compared with, in a word."""
        return self.label if self.label is not None else self.other.rpartition(": ")[2]

    def ratio(self, samples: Mapping[str, Sequence[float]]) -> Spread | None:
        """Over the rounds; `None` if one of the cases was not measured."""
        ours = self.net(samples)
        if ours is None or self.other not in samples:
            return None
        pairs = list(zip(ours, samples[self.other], strict=True))
        is_times = self.kind == "times"
        return Spread.of([ours / other if is_times else other / ours for ours, other in pairs])

    def net(self, samples: Mapping[str, Sequence[float]]) -> list[float] | None:
        """The samples of ours, round by round, less what is taken off."""
        cases = {self.ours: 1.0}
        for name, factor in self.less.items():
            cases[name] = cases.get(name, 0.0) - factor
        if not cases.keys() <= samples.keys():
            return None
        factors = list(cases.values())
        return [
            sum([factor * value for factor, value in zip(factors, values, strict=True)])
            for values in zip(*[samples[name] for name in cases], strict=True)
        ]

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
    """What is measured together."""

    conditions: str
    """What it is measured on, for the reader of the table."""
    cases: Mapping[str, Case]
    comparisons: Sequence[Comparison]


@dataclass(frozen=True, slots=True)
class Setting:
    """What a run has: tiny sizes if it is to be `quick`, and the peers.

    `all_peers` asks for those of `make bench-all`, too. `rust` is the Python of the environment that has the Rust build.
    """

    quick: bool = False
    all_peers: bool = False
    rust: str | None = None


MakeSubject = Callable[[Setting], AbstractContextManager[Subject]]
"""Makes a subject, and for as long what it needs: files, instances, processes."""


def missing(library: str, *, before: tuple[int, int] | None = None) -> str | None:
    """Why a library cannot be measured, or `None` if it can; `before` is the first Python that it is not made for."""
    if importlib.util.find_spec(library) is not None:
        return None
    return _NOT_AVAILABLE if before is not None and sys.version_info >= before else "not installed"


def missing_there(python: str | None, library: str) -> str | None:
    """Why a library cannot be measured that has an environment of its own, or `None` if it can."""
    if python is None:
        return "not installed"
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({library!r}) is None)"
    is_there = subprocess.run([python, "-I", "-c", code], check=False).returncode == 0
    return None if is_there else _NOT_AVAILABLE


def measure(subject: Subject, rounds: int, tell: Callable[[int], object]) -> dict[str, list[float]]:
    """The samples of each case that can be measured, round by round."""
    cases = {name: case for name, case in subject.cases.items() if not isinstance(case, str)}
    samples: dict[str, list[float]] = {name: [] for name in cases}
    order = list(cases)
    draw = random.Random(0)
    for name in order:  # does not count: files come into memory, code is specialized, loops are chosen
        undisturbed(cases[name])
    gc.collect()
    gc.freeze()  # what the subject itself has made need not be looked through before each sample
    try:
        for done in range(rounds):
            draw.shuffle(order)
            for name in order:
                samples[name].append(undisturbed(cases[name]))
            tell(done + 1)
    finally:
        gc.unfreeze()
    return samples
