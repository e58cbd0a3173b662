"""All files through all analyzers, in one process and in several; an analyzer that fails loses little."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from inspect_host import Finding, Module, Section, SourceFile
from inspect_host._examine import Failure, conclude, examine_all
from inspect_host._tree import find_modules
from inspect_host._workers import WorkerDiedError, examine_in_processes


class Lengths:
    """Adds up line counts."""

    def measure(self, file: SourceFile) -> int:
        return len(file.lines)

    def conclude(self, measured: Mapping[Module, int]) -> Section:
        return Section("Lengths", f"{[module.name for module in measured]} {sum(measured.values())}")


class Picky(Lengths):
    """Fails on one file."""

    NAME = "__EXT_picky"

    def measure(self, file: SourceFile) -> int:
        if file.module.name == "b":
            raise ZeroDivisionError("not this one\nfor many reasons")
        return 1


class Speechless(Lengths):
    """Fails when it should conclude."""

    def conclude(self, measured: Mapping[Module, int]) -> Section:
        raise RuntimeError


class Hoarder(Lengths):
    """Measures what no pipe can carry."""

    def measure(self, file: SourceFile) -> object:  # type: ignore[override]
        return lambda: file


class OneWay:
    """Goes into a pipe, and does not come out."""

    def __reduce__(self) -> tuple[object, ...]:
        return int, ("no number",)


class OneWayHoarder(Lengths):
    def measure(self, file: SourceFile) -> object:  # type: ignore[override]
        return OneWay()


class Leaver(Lengths):
    """Thinks that the process is its own."""

    def measure(self, file: SourceFile) -> int:
        raise SystemExit(0)

    def conclude(self, measured: Mapping[Module, int]) -> Section:
        raise SystemExit(0)


class Deadly(Lengths):
    """Takes the process with it."""

    def measure(self, file: SourceFile) -> int:
        os._exit(3)


class Slow(Lengths):
    """Takes longer than anyone waits."""

    def measure(self, file: SourceFile) -> int:
        time.sleep(60)
        return 0


@pytest.fixture
def root(tmp_path: Path) -> str:
    """Three modules with 1, 2 and 3 lines, and one that is broken."""
    for count, name in enumerate("abc", 1):
        (tmp_path / f"{name}.py").write_text("x = 1\n" * count, encoding="utf-8")
    (tmp_path / "broken.py").write_text("x = (\n", encoding="utf-8")
    return str(tmp_path)


def test_every_analyzer_concludes_from_every_file_that_could_be_parsed(root: str) -> None:
    """In the order of paths; the file that could not be parsed is a problem of the report."""
    modules, _ = find_modules(root)
    report, failures = conclude(root, examine_all(root, modules[::-1], [Lengths()]), [Lengths()])
    assert report.sections == (Section("Lengths", "['a', 'b', 'c'] 6"),)
    assert report.problems == (Finding("broken.py", 1, "cannot be parsed: '(' was never closed"),)
    assert (report.root, report.files, report.lines, failures) == (root, 4, 6, [])


def test_a_failing_analyzer_loses_its_own_part_only(root: str) -> None:
    """A file, or its section; what happened is told by the name under which it was enabled."""
    modules, _ = find_modules(root)
    analyzers = [Picky(), Speechless(), Lengths()]
    report, failures = conclude(root, examine_all(root, modules, analyzers), analyzers)
    assert [section.summary for section in report.sections] == ["['a', 'c'] 2", "['a', 'b', 'c'] 6"]
    assert failures == [
        Failure("__EXT_picky", "ZeroDivisionError: not this one", 1),
        Failure("Speechless", "RuntimeError", 0),
    ]
    assert report.problems[0] == Finding("b.py", 0, "__EXT_picky failed: ZeroDivisionError: not this one")


@pytest.mark.parametrize("jobs", [1, 2, 9])
def test_several_processes_come_to_the_same_report(root: str, jobs: int) -> None:
    """However many there are, failures included."""
    modules, _ = find_modules(root)
    analyzers = [Lengths(), Picky()]
    expected = conclude(root, examine_all(root, modules, analyzers), analyzers)
    assert conclude(root, examine_in_processes(root, modules, analyzers, jobs), analyzers) == expected
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("hoarder", [Hoarder(), OneWayHoarder()])
def test_a_measurement_that_cannot_be_sent_is_a_failure(root: str, hoarder: Lengths) -> None:
    """Of the analyzers of that file, with the reason."""
    modules, _ = find_modules(root)
    _, failures = conclude(root, examine_in_processes(root, modules, [hoarder], 2), [hoarder])
    assert (failures[0].analyzer, failures[0].files) == (type(hoarder).__name__, 3)
    assert failures[0].error.startswith("measured what cannot be pickled: ")


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_analyzer_that_calls_sys_exit_has_failed(root: str, jobs: int) -> None:
    """It ends neither a worker nor the host."""
    modules, _ = find_modules(root)
    _, failures = conclude(root, examine_in_processes(root, modules, [Leaver()], jobs), [Leaver()])
    assert [(failure.error, failure.files) for failure in failures] == [
        ("SystemExit: 0", 3),
        ("SystemExit: 0", 0),
    ]


def test_a_worker_that_dies_is_one_clear_error(root: str) -> None:
    """The others are ended."""
    modules, _ = find_modules(root)
    with pytest.raises(WorkerDiedError, match="a worker process died; --jobs 1 works without them"):
        list(examine_in_processes(root, modules, [Deadly()], 2))
    assert multiprocessing.active_children() == []


def test_ctrl_c_ends_the_workers(root: str) -> None:
    """At once, without a word of theirs, although they ignore the signal themselves."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    modules, _ = find_modules(root)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        started = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            list(examine_in_processes(root, modules, [Slow()], 2))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - started < 10
    assert multiprocessing.active_children() == []
