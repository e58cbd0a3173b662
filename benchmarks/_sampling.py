"""How one sample is taken: in this process, in a new one, or of a whole process.

Nothing here knows the runtime, so that the peers' own processes use it too.
"""

from __future__ import annotations

import gc
import math
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from time import perf_counter
from typing import Any

Sample = Callable[[], float]
"""Measures once: the seconds that one call took."""

_TRIES = 3  # within one sample; the quickest counts, since an interruption only ever adds
_LEAST_SECONDS = 0.003  # of a try: many times what reading the clock costs, and rarely interrupted
_COPIES = 10  # of an inlined statement in its loop, so that the loop itself hardly counts


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
            loops = _enough(partial(_seconds, call))
        return _seconds(call, loops)

    return lambda: min([attempt() for _ in range(_TRIES)])


def inlined(statement: str, **names: Any) -> Sample:
    """Measures a statement that is too short to be called: written out, some times in each turn of a loop.

    The names in it are local variables.
    """
    lines = "\n        ".join([statement] * _COPIES)
    code = f"""\
def seconds(turns, {", ".join(f"{name}={name}" for name in names)}):
    start = perf_counter()
    for _ in range(turns):
        {lines}
    return (perf_counter() - start) / turns / {_COPIES}
"""
    made: dict[str, Any] = {"perf_counter": perf_counter, "__name__": "statement", **names}
    exec(compile(code, "<statement>", "exec"), made)
    seconds: Callable[[int], float] = made["seconds"]
    turns = 0

    def sample() -> float:
        nonlocal turns
        if not turns:
            turns = _enough(lambda turns: _COPIES * seconds(turns))
        return min([seconds(turns) for _ in range(_TRIES)])

    return sample


def once(sample: Sample) -> Sample:
    """Takes a sample the second time that it is asked for, and the same ever after: for what does not vary."""
    known: list[float] = []

    def keep() -> float:
        if len(known) < 2:
            known.append(sample())
        return known[-1]

    return keep


def fresh(
    code: str,
    expected: object = None,
    *,
    path: Sequence[str] | None = None,
    environment: Mapping[str, str] | None = None,
    python: str | None = None,
) -> Sample:
    """Measures code in a new process each time, imports included; the start of Python does not count.

    The code may set `start` anew, and what is `expected` it must leave in `answer`. It runs under this Python, or another.
    """
    script = "\n".join(
        [
            "import sys",
            "from time import perf_counter",
            "answer = None",
            "" if path is None else f"sys.path[:] = {list(path)!r}",
            "start = perf_counter()",
            code,
            "seconds = perf_counter() - start",
            f"assert answer == {expected!r}, answer",
            "print(seconds)",
        ]
    )
    command = [python or sys.executable, "-I", "-c", script]

    def sample() -> float:
        surroundings = {**os.environ, **(environment or {})}
        done = subprocess.run(command, env=surroundings, check=True, stdout=subprocess.PIPE)
        return float(done.stdout)

    return sample


def process(code: str) -> Sample:
    """Measures a whole process, from its start to its end, that runs some code."""
    command = [sys.executable, "-I", "-c", code]

    def sample() -> float:
        start = perf_counter()
        subprocess.run(command, check=True)
        return perf_counter() - start

    return sample


def undisturbed(sample: Sample) -> float:
    """Takes a sample without the garbage collector."""
    gc.collect()
    gc.disable()  # as `timeit` does: a collection would be put down to whoever is measured then
    try:
        return sample()
    finally:
        gc.enable()


def _enough(seconds: Callable[[int], float]) -> int:
    """How many turns a try needs, whatever the first ones take: they may import, and fill caches."""
    turns = 1
    while (taken := turns * seconds(turns)) < _LEAST_SECONDS:
        turns = math.ceil(turns * min(10, 1.2 * _LEAST_SECONDS / max(taken, 1e-9)))
    return turns


def _seconds(call: Callable[[], object], loops: int) -> float:
    turns = range(loops)
    start = perf_counter()
    for _ in turns:
        call()
    return (perf_counter() - start) / loops
