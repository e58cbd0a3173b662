"""Runs the tests on every Python that is found, side by side: `make test` calls it with what runs them on one.

    python tests/side_by_side.py VENV make pytest

The Python that runs this is shown while it tests. What the others print is kept in `build/tests`, and shown of those that
fail; the last lines are the closing lines of all. A good part of a test's time is waiting, for processes and threads: so
there is one at once more than there are cores.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Semaphore

from pythons import others

LOGS = Path("build/tests")


def run(command: list[str], log: Path, *, shown: bool = False) -> int:
    """Keeps what a command prints, and returns its exit status."""
    with (
        log.open("wb") as file,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            file.write(line)
            if shown:
                sys.stdout.buffer.write(line)
                sys.stdout.flush()
    return process.returncode


def main(venv: str, *command: str) -> int:
    """Returns 1 if the tests fail on one of them."""
    LOGS.mkdir(parents=True, exist_ok=True)
    ours = platform.python_version()
    pythons = dict(others())
    turns = Semaphore(1 + (os.cpu_count() or 1))
    with ThreadPoolExecutor(1 + len(pythons)) as threads:

        def begin(*its_own: str, version: str, shown: bool = False) -> Future[int]:
            turns.acquire()  # here, and not in a thread: so that none begins after a Ctrl-C
            begun = threads.submit(run, [*command, *its_own], log_of(version), shown=shown)
            begun.add_done_callback(lambda _: turns.release())
            return begun

        own = begin(version=ours, shown=True)
        runs = {
            version: begin(f"PYTHON={python}", f"VENV={venv}-{version}", version=version)
            for version, python in pythons.items()
            if python
        }
    failed = [version for version, each in runs.items() if each.result() != 0]
    for version in failed:
        print(f"\nThe tests on Python {version}", flush=True)
        sys.stdout.buffer.write(log_of(version).read_bytes())
    print()
    for version in pythons:
        print(f"{version}: {closing(version) if version in runs else 'not found, and so not tested with'}")
    print(f"{ours}: {closing(ours)}")
    return int(own.result() != 0 or bool(failed))


def log_of(version: str) -> Path:
    return LOGS / f"{version}.log"


def closing(version: str) -> str:
    """The line with which pytest ends, or the last one if it did not come to its end."""
    lines = log_of(version).read_text("ascii", "replace").split("\n")
    ends = [line for line in lines if re.search(r"=.* in \d+\.\d+s.*=", line)]
    return next((line for line in reversed(ends or lines) if line.strip()), "")


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except KeyboardInterrupt:  # which the others have had, too
        sys.exit(130)
