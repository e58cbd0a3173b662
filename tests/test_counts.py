"""What is counted is the same each time, and a growth is noticed; `make bench-check` runs the same as the first test."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import hycore

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = Path(hycore.__file__).parents[1]


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, which is not installed."""
    monkeypatch.syspath_prepend(ROOT)
    return importlib.import_module("benchmarks.counts")


def run(*arguments: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.counts", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, **options)  # type: ignore[call-overload,no-any-return]


@pytest.mark.timeout(300)  # seconds; valgrind is slow
def test_nothing_has_grown() -> None:
    """On this Python no case has more calls, opcodes, allocations, bytes or instructions than recorded, by over 5 %."""
    done = run()
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_every_tested_python_has_its_record(version: str, counts: ModuleType) -> None:
    """Of the cases that there are, in their order."""
    recorded = json.loads((ROOT / f"benchmarks/counts-{version}.json").read_text("utf-8"))
    assert [*recorded["counts"]] == [*counts.CASES], "run: make bench-record"


def test_a_python_without_a_record_is_no_failure(tmp_path: Path, counts: ModuleType) -> None:
    """It is told, and nothing is counted."""
    done = run("--folder", tmp_path)
    text = f"Counts: none are recorded for Python {counts.version()}, and so none are compared: make bench-record\n"
    assert (done.stdout, done.stderr, done.returncode) == (text, "", 0)


COUNT_SOME = """
import json
import sys
sys.path[:0] = {path!r}
from benchmarks import counts
print(json.dumps([counts.count_case(name) for name in {cases!r}]))
"""


def count_some(cases: list[str], path: list[Path], **options: object) -> list[dict[str, int]]:
    script = COUNT_SOME.format(path=[str(each) for each in path], cases=cases)
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, **options
    )  # type: ignore[call-overload]
    found: list[dict[str, int]] = json.loads(done.stdout)
    return found


def test_numbers_do_not_depend_on_the_place(tmp_path: Path) -> None:
    """The current folder, the environment, the place of the sources and of the packages make no difference."""
    cases = ["create and close, 10 plugins", "log call, enabled, formatted", "full look, 100 distributions"]
    elsewhere = tmp_path / "a place with another name"
    without_caches = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "benchmarks", elsewhere / "benchmarks", ignore=without_caches)
    for name in ("hycore", "hypi"):
        shutil.copytree(PACKAGES / name, elsewhere / name, ignore=without_caches)
    environment = {
        "PYTHONHASHSEED": "7",
        "HY_NO_CACHE": "1",
        "LANG": "C",
        "TMPDIR": str(tmp_path),
        "X": "x" * 5000,
    }
    there = count_some(cases, [elsewhere], cwd=tmp_path, env=environment)
    assert there == count_some(cases, [ROOT], cwd=ROOT, env=dict(os.environ))


NEEDLESS = """

_take_ext = OpaqueList.take_ext


def _needless(self, kind):
    return _take_ext(self, kind)


OpaqueList.take_ext = _needless
"""


def test_a_needless_call_is_noticed(tmp_path: Path, counts: ModuleType) -> None:
    """One function more around `take_ext`: a call more for each object, and the opcodes of it."""
    for name in ("hycore", "hypi"):
        shutil.copytree(PACKAGES / name, tmp_path / name)
    with (tmp_path / "hycore/utils/opaque.py").open("a", encoding="utf-8") as file:
        file.write(NEEDLESS)
    case = "take_ext of each, 100 objects"
    (before,) = count_some([case], [ROOT])
    (after,) = count_some([case], [ROOT, tmp_path])
    assert after["calls"] == before["calls"] + 100
    assert after["opcodes"] > before["opcodes"] + 100
    comparison = counts.Comparison.of({case: before}, {case: after})
    assert "calls" in [change.what for change in comparison.grown]


def test_what_has_changed_is_told(counts: ModuleType) -> None:
    """The case, what is counted, both numbers, and the command; up to 5 % more or less is nothing to tell."""
    recorded = {
        "log call": {"calls": 100, "opcodes": 1000, "allocations": 20, "bytes": 0},
        "gone": {"calls": 1},
    }
    now = {
        "log call": {"calls": 106, "opcodes": 1050, "allocations": 18, "bytes": 8},
        "new": {"calls": 1, "opcodes": 2},
    }
    comparison = counts.Comparison.of(recorded, now)
    assert comparison.has_failed
    assert [*comparison.lines("counts-3.11.json")] == [
        "Grown by more than 5 % since counts-3.11.json was recorded:",
        "  log call: 106 calls, recorded are 100 (+6.0 %)",
        "  log call: 8 bytes, recorded are 0",
        "Not in counts-3.11.json:",
        "  new: calls",
        "  new: opcodes",
        "In counts-3.11.json, and counted no more:",
        "  gone: calls",
        "Shrunk by more than 5 %, a gain that is kept if it is recorded:",
        "  log call: 18 allocations, recorded are 20 (-10.0 %)",
        "If that is meant, record it and say in the commit what it is worth: make bench-record",
    ]


@pytest.mark.parametrize(
    ("now", "failed"),
    [
        ({"case": {"calls": 105}}, False),
        ({"case": {"calls": 106}}, True),
        ({"case": {"calls": 50}}, False),
        ({"case": {"calls": 100, "opcodes": 1}}, True),
        ({"case": {}}, True),
        ({}, True),
    ],
)
def test_what_fails(now: dict[str, dict[str, int]], failed: bool, counts: ModuleType) -> None:
    """A growth by more than 5 %, and a case or a number that is on one side only."""
    assert counts.Comparison.of({"case": {"calls": 100}}, now).has_failed is failed


def test_a_gain_is_told_and_no_failure(
    tmp_path: Path, counts: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """So that it gets recorded: otherwise it could be lost again unnoticed."""
    file = tmp_path / "counts.json"
    counts.record(file, {"case": {"calls": 100}}, {})
    capsys.readouterr()
    assert counts.check(file, {"case": {"calls": 50}}, {}) == 0
    assert capsys.readouterr().out.splitlines()[:3] == [
        "Shrunk by more than 5 %, a gain that is kept if it is recorded:",
        "  case: 50 calls, recorded are 100 (-50.0 %)",
        "To record it: make bench-record",
    ]


def test_what_is_recorded_has_a_line_for_each_case(tmp_path: Path, counts: ModuleType) -> None:
    """So that a commit shows what has changed."""
    file = tmp_path / "counts.json"
    cases = {"one": {"calls": 1, "opcodes": 2}, "two": {"calls": 3, "opcodes": 4}}
    loops = {"one, instructions": {"reference loops": 0.5}}
    counts.record(file, cases, loops)
    text = file.read_text("utf-8")
    assert '  "one": {"calls": 1, "opcodes": 2},\n  "two": {"calls": 3, "opcodes": 4}\n' in text
    recorded = json.loads(text)
    assert (recorded["counts"], recorded["instructions"]) == (cases, loops)
    assert counts.check(file, cases, loops) == 0


def test_instructions_are_compared_for_the_same_build_only(
    tmp_path: Path, counts: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """For another one they are shown. Where there is no valgrind, those that are recorded stay."""
    file = tmp_path / "counts.json"
    cases, loops = {"one": {"calls": 1}}, {"one, instructions": {"reference loops": 0.5}}
    grown = {"one, instructions": {"reference loops": 0.6}}
    counts.record(file, cases, loops)
    counts.record(file, cases, {})
    capsys.readouterr()
    assert counts.check(file, cases, {}) == 0
    assert counts.check(file, cases, grown) == 1
    assert "one, instructions: 0.6 reference loops, recorded are 0.5 (+20.0 %)" in capsys.readouterr().out

    file.write_text(file.read_text("utf-8").replace(sys.version.split()[0], "3.11.0"), "utf-8")
    assert counts.check(file, cases, grown) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "Instructions, recorded for another build of Python and so not compared:",
        "  one, instructions: 0.6 reference loops",
    ]


# The beginning and the end of what callgrind 3.19 wrote, with shorter names.
PART = """\
# callgrind format
version: 1
creator: callgrind-3.19.0
pid: 2285
cmd:  python -s -S -P -c ...
part: {part}


desc: I1 cache: 
desc: D1 cache: 
desc: LL cache: 

desc: Timerange: Basic block 518856768 - 518856966
desc: Trigger: --dump-before=getppid

positions: line
events: Ir
summary: {summary}


ob=(2) ???
fl=(52) ???
fn=(3118) 0x0000000004936718
cob=(6) libpython3.11.so.1.0
cfi=(271) Python/ceval.c
cfn=(3120) _PyEval_EvalFrameDefault
calls=0 1630 
0 {summary}

totals: {summary}
"""  # noqa: W291  that is how it writes


def test_instructions_are_read_from_what_callgrind_writes(tmp_path: Path, counts: ModuleType) -> None:
    """Each second part is a run; of the runs of a case the least counts, as a multiple of the reference loop."""
    valgrind = importlib.import_module("benchmarks._counts_valgrind")
    runs = {"reference loop": [4000, 4100], "fast": [500, 400], "slow": [12345, 12346]}
    part = 0
    for numbers in runs.values():
        for number in numbers:
            for summary in (999, number):  # between two runs, and the run
                part += 1
                (tmp_path / f"counts.{part}").write_text(PART.format(part=part, summary=summary))
    (tmp_path / "counts").write_text(PART.format(part=part + 1, summary=999))
    marked = [name for name, numbers in runs.items() for _ in numbers]
    assert valgrind.ratios(str(tmp_path), marked) == {"fast": 0.1, "slow": 3.086}

    with pytest.raises(ValueError, match="callgrind wrote 12 parts for 5 runs"):
        valgrind.ratios(str(tmp_path), marked[1:])
    with pytest.raises(ValueError, match="not what callgrind writes"):
        valgrind.instructions(PART.format(part=1, summary=1).replace("events: Ir", "events: Ir Dr"))
