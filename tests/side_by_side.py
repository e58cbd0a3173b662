"""Runs the tests on every Python that is found, side by side: `make test` calls it with what runs them on one.

    python tests/side_by_side.py VENV make pytest

The Python that runs this is shown while it tests. What the others print is kept in `build/tests`, and shown of those that
fail; the last lines are the closing lines of all. A good part of a test's time is waiting, for processes and threads: so
there is one at once more than there are cores.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

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
    at_once = min(1 + len(pythons), 1 + (os.cpu_count() or 1))
    with ThreadPoolExecutor(at_once) as threads:
        own = threads.submit(run, list(command), log_of(ours), shown=True)
        runs = {
            version: threads.submit(
                run, [*command, f"PYTHON={python}", f"VENV={venv}-{version}"], log_of(version)
            )
            for version, python in pythons.items()
            if python
        }
    failed = [version for version, each in runs.items() if each.result() != 0]
    for version in failed:
        print(f"\nThe tests on Python {version}\n{log_of(version).read_text('utf-8', 'replace')}")
    print()
    for version in pythons:
        print(f"{version}: {closing(version) if version in runs else 'not found, and so not tested with'}")
    print(f"{ours}: {closing(ours)}")
    return int(own.result() != 0 or bool(failed))


def log_of(version: str) -> Path:
    return LOGS / f"{version}.log"


def closing(version: str) -> str:
    """The line with which pytest ends, or the last one if it did not run."""
    lines = log_of(version).read_text("utf-8", "replace").splitlines()
    return next((line for line in reversed(lines) if line.startswith("==")), lines[-1] if lines else "")


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except KeyboardInterrupt:  # which the others have had, too
        sys.exit(130)
