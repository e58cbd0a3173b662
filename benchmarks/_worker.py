"""Samples from another environment: a process of it takes one whenever it is asked.

It starts once, and waits while other cases are measured, so that rounds are interleaved across environments.
"""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks._sampling import Sample, undisturbed

_ROOT = Path(__file__).resolve().parents[1]


@contextmanager
def worker(python: str, module: str) -> Iterator[dict[str, Sample]]:
    """Starts a module that serves; gives its cases, by their names."""
    command = [python, "-m", module]
    with subprocess.Popen(
        command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        stdin, stdout = process.stdin, process.stdout

        def answer() -> str:
            line = stdout.readline()
            if not line:
                raise ChildProcessError(f"{' '.join(command)} has ended")
            return line

        def sample_of(case: str) -> Sample:
            def sample() -> float:
                print(case, file=stdin, flush=True)
                return float(answer())

            return sample

        try:
            yield {case: sample_of(case) for case in answer().rstrip("\n").split("\t")}
        finally:
            stdin.close()


def serve(cases: Mapping[str, Sample]) -> None:
    """The other side: tells its cases, then takes samples until nobody asks any more."""
    print(*cases, sep="\t", flush=True)
    gc.freeze()
    for line in sys.stdin:
        print(undisturbed(cases[line.rstrip("\n")]), flush=True)
