"""The host's entry: arguments in, reports out."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import sysconfig
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from typing import NoReturn

from hycore import InstanceContext, hydebug, hyinfo, hywarn
from inspect_host._data import Page, Report
from inspect_host._examine import Failure, conclude, describe, examine_all, name_of
from inspect_host._points import Analyzer, Reporter
from inspect_host._progress import with_progress
from inspect_host._retrying import retry_set_aside
from inspect_host._tree import find_modules
from inspect_host._workers import WorkerDiedError, can_fork, examine_in_processes


class MisuseError(Exception):
    """The user asked for something that cannot be; the text is the one line to show."""


def main(instance: InstanceContext, args: Sequence[str]) -> int:
    """Inspects a tree with the analyzers of `instance`, and prints what its reporters make of it.

    `args` are the words of the command line: the tree and the options that `--help` tells.

    Returns 0, or 1 if an analyzer failed or the reader of the output went away, or 2 after wrong usage.
    """
    try:
        wanted = _parsed(args)
        if wanted is None:
            return 0
        retry_set_aside(instance, wanted.retry)
        analyzers = instance.implementations(Analyzer)
        reporters = instance.implementations(Reporter)
        if not analyzers or not reporters:
            kind = "reporter" if analyzers else "analyzer"
            raise MisuseError(f"no {kind} is enabled: add one to enabled_extensions of the application file")
        report, failures = _inspect(instance, wanted.tree, analyzers, wanted.jobs)
    except MisuseError as misuse:
        return _complain(str(misuse), 2)
    except WorkerDiedError as death:
        return _complain(str(death), 1)
    for failure in failures:
        lost = f"{failure.files:,} of {report.files:,} files" if failure.files else "its section"
        hywarn(instance, "{} failed and lost {}: {}", failure.analyzer, lost, failure.error)
    missing = tuple(f"{aside.name}: {aside.reason}" for aside in instance.report().set_aside)
    report = replace(report, missing=missing)
    page = _page(wanted.top)
    printed = [_print_rendered(instance, reporter, report, page) for reporter in reporters]
    return 0 if all(printed) and not failures else 1


def _inspect(
    instance: InstanceContext, tree: str, analyzers: Sequence[Analyzer], jobs: int
) -> tuple[Report, list[Failure]]:
    started = time.monotonic()
    modules, problems = find_modules(tree)
    if not modules:
        reason = f", and {problems[0].path} {problems[0].message}" if problems else ""
        raise MisuseError(f"no Python files in {tree}{reason}")
    hyinfo(instance, "found {} files in {}", len(modules), tree)
    if jobs > 1:
        working = examine_in_processes(tree, modules, analyzers, jobs)
    else:
        working = examine_all(tree, modules, analyzers)
    with closing(working), closing(with_progress(working, len(modules), "Inspecting")) as shown:
        examined = list(shown)
    hyinfo(instance, "read {} files in {:.1f} s", len(modules), time.monotonic() - started)
    report, failures = conclude(tree, examined, analyzers, problems)
    hydebug(instance, "done after {:.1f} s", time.monotonic() - started)
    return report, failures


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise MisuseError(f"{message} (--help tells what there is)")


def _parsed(args: Sequence[str]) -> argparse.Namespace | None:
    """The options, or `None` if the help was asked for, and is printed."""
    parser = _Parser(
        prog="inspect",
        description="Inspects a Python source tree with the analyzers that the application file enables.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "tree",
        nargs="?",
        default=sysconfig.get_paths()["stdlib"],
        metavar="TREE",
        help="a folder or one file; the standard library of the running Python if left out",
    )
    parser.add_argument(
        "--jobs",
        type=_count(1, 64),
        default=1,
        metavar="N",
        help="examine files in N processes (default: 1, in this one)",
    )
    parser.add_argument(
        "--top",
        type=_count(0, 1_000_000),
        default=10,
        metavar="N",
        help="show the first N rows of each table, and as many findings; 0 means all (default: 10)",
    )
    parser.add_argument(
        "--retry",
        type=_count(0, 86_400),
        default=0,
        metavar="SECONDS",
        help="try again, for so long, the optional extensions that are not ready yet (default: 0, do not wait)",
    )
    try:
        wanted = parser.parse_args(args)
    except SystemExit:
        return None
    if not os.path.exists(wanted.tree):
        raise MisuseError(f"there is no file or folder {wanted.tree!r}")
    if wanted.jobs > 1 and not can_fork():
        raise MisuseError("--jobs needs forked processes, which this platform does not have")
    return wanted


def _count(least: int, most: int) -> Callable[[str], int]:
    def count(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most:,}")
        return int(text)

    return count


def _page(top: int) -> Page:
    terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    return Page(shutil.get_terminal_size((80, 24)).columns, terminal and not os.environ.get("NO_COLOR"), top)


def _print_rendered(instance: InstanceContext, reporter: Reporter, report: Report, page: Page) -> bool:
    try:
        text = reporter.render(report, page)
    except (Exception, SystemExit) as error:  # noqa: BLE001  the other reporters still print
        hywarn(instance, "{} failed and printed nothing: {}", name_of(reporter), describe(error))
        return False
    if not text:
        return True
    encoding = sys.stdout.encoding or "utf-8"
    try:
        # File names may hold bytes, and tables lines, that the output has no characters for.
        print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)
    except BrokenPipeError:
        # Whoever read the output (`| head`) has seen enough. What is left must go somewhere at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def _complain(text: str, status: int) -> int:
    print(f"inspect: {text}", file=sys.stderr)
    return status
