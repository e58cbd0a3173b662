"""Counts what the runtime does, and compares with what is recorded: `make bench-check`. `make bench-record` records anew.

Calls, opcodes, allocations and bytes are the same each time, under any load, in any folder and environment: a growth of a
few percent is seen in them where a clock shows nothing. `_counts_cases.py` has the cases; `_counts_child.py` tells what each number
means, and counts in a process of its own. What is recorded stands in `counts-3.11.json` and so on, a file for each minor
version of Python.

Where `valgrind` is installed the instructions of the processor are added, as multiples of a reference loop of the same
run. They depend on how Python was built: for the very build that they were recorded with they are compared, for others
only shown.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks._counts_cases import CASES
from benchmarks._counts_valgrind import before_command, ratios

ROOT = Path(__file__).resolve().parents[1]

LIMIT = 5  # percent by which a number may grow

LOOPS = "reference loops"

_AT_ONCE = 4  # processes; nobody takes the time

Counts = dict[str, dict[str, float]]
"""By case, and by what is counted."""


@dataclass(frozen=True, slots=True)
class Change:
    """A number that is not what is recorded."""

    case: str
    what: str
    recorded: float
    now: float

    def __str__(self) -> str:
        ratio = f" ({(self.now / self.recorded - 1) * 100:+.1f} %)" if self.recorded else ""
        return f"{self.case}: {self.now:,} {self.what}, recorded are {self.recorded:,}{ratio}"


@dataclass(slots=True)
class Comparison:
    """What has changed by more than `LIMIT`, and what there is on one side only."""

    grown: list[Change] = field(default_factory=list)
    shrunk: list[Change] = field(default_factory=list)
    not_recorded: list[str] = field(default_factory=list)
    not_counted: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, recorded: Counts, now: Counts) -> Comparison:
        found = cls()
        before, after = dict(_flat(recorded)), dict(_flat(now))
        for (case, what), number in after.items():
            known = before.get((case, what))
            if known is None:
                found.not_recorded.append(f"{case}: {what}")
            elif number * 100 > known * (100 + LIMIT):
                found.grown.append(Change(case, what, known, number))
            elif number * 100 < known * (100 - LIMIT):
                found.shrunk.append(Change(case, what, known, number))
        found.not_counted += [f"{case}: {what}" for case, what in before if (case, what) not in after]
        return found

    @property
    def has_failed(self) -> bool:
        return bool(self.grown or self.not_recorded or self.not_counted)

    def lines(self, file: str) -> Iterator[str]:
        """What there is to tell; `file` has what is recorded."""
        for heading, changes in (
            (f"Grown by more than {LIMIT} % since {file} was recorded:", self.grown),
            (f"Not in {file}:", self.not_recorded),
            (f"In {file}, and counted no more:", self.not_counted),
            (f"Shrunk by more than {LIMIT} %, a gain that is kept if it is recorded:", self.shrunk),
        ):
            if changes:
                yield heading
                yield from [f"  {change}" for change in changes]
        if self.has_failed:
            yield "If that is meant, record it and say in the commit what it is worth: make bench-record"
        elif self.shrunk:
            yield "To record it: make bench-record"


def _flat(counts: Counts) -> Iterator[tuple[tuple[str, str], float]]:
    for case, numbers in counts.items():
        for what, number in numbers.items():
            yield (case, what), number


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.counts", description=__doc__)
    parser.add_argument(
        "--record", action="store_true", help="write what is counted, in place of what was recorded"
    )
    parser.add_argument("--all", action="store_true", help="print every number")
    parser.add_argument("--no-valgrind", action="store_true", help="leave the instructions out")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "benchmarks", help="what is recorded (benchmarks)"
    )
    options = parser.parse_args()
    file: Path = options.folder / f"counts-{version()}.json"
    if not options.record and not file.is_file():
        print(
            f"Counts: none are recorded for Python {version()}, and so none are compared: make bench-record"
        )
        return
    with ThreadPoolExecutor() as pool:
        counting = pool.submit(count)
        loops = {} if options.no_valgrind else count_instructions()
        counts = counting.result()
    if options.all:
        _print_all({**counts, **loops})
    if options.record:
        record(file, counts, loops)
    else:
        sys.exit(check(file, counts, loops))


def version() -> str:
    """The minor version of Python; with a letter behind it for a build of another kind, whose counts are others."""
    return f"{sys.version_info[0]}.{sys.version_info[1]}{sys.abiflags}"


def build() -> str:
    """What tells one build of Python from another."""
    return f"{sys.version} on {platform.machine()}"


def check(file: Path, counts: Counts, loops: Counts) -> int:
    """Compares with what is recorded, and prints what there is to tell; returns the exit status."""
    recorded: dict[str, Any] = json.loads(file.read_text("utf-8"))
    expected: Counts = recorded["counts"]
    if loops and recorded["build"] == build():
        expected, counts = {**expected, **recorded["instructions"]}, {**counts, **loops}
    elif loops:
        print("Instructions, recorded for another build of Python and so not compared:")
        _print_all(loops)
    comparison = Comparison.of(expected, counts)
    for line in comparison.lines(file.name):
        print(line)
    if comparison.has_failed:
        return 1
    what = f"{len(counts)} cases on Python {platform.python_version()}"
    print(f"Counts: {what}, no number grown by more than {LIMIT} %")
    return 0


def record(file: Path, counts: Counts, loops: Counts) -> None:
    """Writes the file. Without valgrind the instructions stay as they are."""
    before = json.loads(file.read_text("utf-8")) if file.is_file() else {"build": "", "instructions": {}}
    made = {
        "python": platform.python_version(),
        "platform": f"{sys.platform} {platform.machine()}",
        "counts": counts,
        "build": build() if loops else before["build"],
        "instructions": loops or before["instructions"],
    }
    file.write_text(_text_of(made), "utf-8")
    print(f"Counts: {file.name} is written, with Python {platform.python_version()}")


def _text_of(recorded: dict[str, Any]) -> str:
    """JSON with a line for each case, so that differences can be read."""
    members: list[str] = []
    for name, value in recorded.items():
        text = json.dumps(value)
        if isinstance(value, dict):
            cases = [f"  {json.dumps(case)}: {json.dumps(numbers)}" for case, numbers in value.items()]
            text = "\n".join(["{", ",\n".join(cases), " }"])
        members.append(f" {json.dumps(name)}: {text}")
    return "\n".join(["{", ",\n".join(members), "}", ""])


def _print_all(counts: Counts) -> None:
    for (case, what), number in _flat(counts):
        print(f"  {case}: {number:,} {what}")


# In a process of its own.


def count() -> Counts:
    """Counts all cases."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(CASES, pool.map(count_case, CASES), strict=True))


def count_case(name: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        counts: dict[str, float] = _asked("benchmarks._counts_child", "counted", folder, name)
        return counts


def count_instructions() -> Counts:
    """Counts the instructions, where there is a valgrind that can run this Python."""
    if shutil.which("valgrind") is None:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        try:
            runs = _asked("benchmarks._counts_valgrind", "run_marked", folder, before=before_command(folder))
        except subprocess.CalledProcessError as error:
            print(f"Instructions: left out, valgrind failed with status {error.returncode}")
            return {}
        return {f"{case}, instructions": {LOOPS: number} for case, number in ratios(folder, runs).items()}


def _asked(module: str, function: str, *arguments: Any, before: Sequence[str] = ()) -> Any:
    """What a function returns in a new process where nothing is found but ours and what it needs."""
    found = [importlib.util.find_spec(name) for name in ("hycore", "hypi", "pydantic")]
    path = [str(ROOT), *[str(Path(str(spec.origin)).parents[1]) for spec in found if spec is not None]]
    code = "\n".join(
        [
            "import sys",
            f"sys.path += {list(dict.fromkeys(path))!r}",
            "import json",
            f"from {module} import {function}",
            f"print(json.dumps({function}(*{arguments!r})))",
        ]
    )
    # `-I` would ignore the hash seed. What a build of Python needs to find its library stays.
    environment = {"PYTHONHASHSEED": "0", "PATH": os.environ.get("PATH", os.defpath)}
    for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VALGRIND_LIB"):
        if name in os.environ:
            environment[name] = os.environ[name]
    command = [*before, sys.executable, "-s", "-S", "-P", "-B", "-c", code]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


if __name__ == "__main__":
    main()
