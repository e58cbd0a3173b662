"""`hyperion run`: creates what an application file describes, calls its main, tears down.

Layer: `hypi.cli`, above `_output` and `_signals`.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hypi.cli._options import WATCHER, Commands, add_command, add_file, add_groups, add_settings, is_nowhere
from hypi.cli._output import FAILED, FINE, WRONG, flushed, reader_is_gone, say, show_error, text_of
from hypi.cli._signals import Signals, TerminatedError

if TYPE_CHECKING:
    from hycore.base import InstanceContext
    from hypi.app import Application

__all__ = ["add_run"]


def add_run(commands: Commands) -> None:
    """Adds the command to a parser."""
    parser = add_command(
        commands,
        "run",
        help="create the instance of an application file, call its main, tear down",
        description=(
            "Creates the instance that an application file describes, calls its main with the words after --, and "
            "tears everything down. Without a main it runs until Ctrl-C or SIGTERM. The exit status is that of "
            "main; 1 if the application failed or cannot start, 2 if the file or the usage is wrong, 130 after "
            "Ctrl-C, 143 after SIGTERM and 129 after SIGHUP."
        ),
        usage="hyperion run [-h] [--set KEY=VALUE] [--group NAME] [--report] [--traceback] [--reload] FILE [-- ARGS]",
    )
    add_file(parser)
    add_settings(parser)
    add_groups(parser, instead="the file's")
    parser.add_argument(
        "--report",
        action="store_true",
        help="when all is over, print on standard error what was on, why, and how long it took",
    )
    parser.add_argument("--traceback", action="store_true", help="show where an error was raised")
    parser.add_argument(
        "--reload",
        action="store_true",
        help="start anew when the sources of the application or of one of its extensions change",
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace, arguments: list[str]) -> int:
    if is_nowhere(options.file):
        return WRONG
    if options.reload and os.path.exists(options.file) and not os.path.isdir(options.file):
        from hypi.cli._reload import reload

        return reload(options)
    watcher = os.environ.pop(WATCHER, None)
    with Signals() as signals, _folder_on_path(options.file):
        try:
            if watcher is not None:
                from hypi.cli._reload import report_sources

                report_sources(watcher, options)
            status = _started(options, arguments, signals)
        except KeyboardInterrupt as interrupt:
            # Whatever was up has been undone on the way here; what failed meanwhile stands in the notes.
            for note in getattr(interrupt, "__notes__", ()):
                say(f"hyperion: {note}")
            status = 128 + signals.number_of(interrupt)
        if signals.received is not None and signals.phase != "main":
            status = 128 + signals.received
        return status if flushed() else status or FAILED


def _started(options: argparse.Namespace, arguments: list[str], signals: Signals) -> int:
    from hypi.app import ApplicationFileError, load_application

    try:
        application = load_application(options.file, settings=options.settings, groups=options.groups)
        instance = application.create(profile=options.report)
    except ApplicationFileError as error:
        show_error(error, with_traceback=options.traceback)
        return WRONG
    except KeyboardInterrupt as interrupt:
        _report_failed(interrupt, options)
        raise
    except BaseException as error:
        show_error(error, headline=f"{options.file}: ", with_traceback=options.traceback)
        _report_failed(error, options)
        return FAILED
    try:
        if signals.received is not None:  # something has swallowed it
            raise (
                KeyboardInterrupt if signals.received == signal.SIGINT else TerminatedError(signals.received)
            )
        if application.plan.optional and instance.ext.log_callback is None:
            for aside in instance.report().set_aside:
                say(f"hyperion: extension {aside.name} is set aside: {aside.reason}")
        signals.enter("main")
        status = _called(application, instance, arguments, options)
        signals.received = None  # `main` has handled it
    except KeyboardInterrupt as interrupt:
        signals.received = signals.number_of(interrupt)
        raise
    finally:
        signals.enter("stopping")
        failed = _closed(instance, options)
        if options.report:
            say(str(instance.report()))
    return status or failed


def _report_failed(error: BaseException, options: argparse.Namespace) -> None:
    """Prints the report of what did not come up, or could not even be planned."""
    if not options.report:
        return
    from hycore.base import Report
    from hycore.base._tracing import told
    from hycore.utils.error import PlanError

    report: Report | None = getattr(error, "report", None)
    if report is None and isinstance(error, PlanError):
        failures = tuple(map(told, error.exceptions))
        report = Report(
            options.file,
            "",
            state="failed",
            asked_for=(),
            extensions=(),
            set_aside=(),
            ledger=(),
            failures=failures,
        )
    if report is not None:
        say(str(report))


def _called(
    application: Application, instance: InstanceContext, arguments: list[str], options: argparse.Namespace
) -> int:
    if application.main is None:
        if sys.stderr is not None and sys.stderr.isatty():
            say(f"hyperion: {instance.application_name} is up; Ctrl-C ends it")
        while True:
            time.sleep(0.5)  # a signal ends it, though not a sleep that begins in the moment when it comes
    try:
        result = application.main(instance, arguments)
    except SystemExit as request:
        return _requested(request)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        interrupt: Any = error.split(KeyboardInterrupt)[0] if isinstance(error, BaseExceptionGroup) else None
        while isinstance(interrupt, BaseExceptionGroup):  # of a nursery or a task group
            interrupt = interrupt.exceptions[0]
        if interrupt is not None:
            raise interrupt from None
        if isinstance(error, BrokenPipeError) and reader_is_gone():
            return FAILED
        show_error(error, headline="main failed: ", with_traceback=options.traceback)
        if not options.traceback:
            say("--traceback shows where")
        return FAILED
    if result is None:
        return FINE
    if isinstance(result, int) and not isinstance(result, bool) and 0 <= result <= 255:
        return int.__int__(result)
    shown = repr(result) if type(result) in (int, bool) else f"an object of type {type(result).__name__}"
    say(f"hyperion: main returned {shown}: return an exit status from 0 to 255, or None")
    return FAILED


def _requested(request: SystemExit) -> int:
    if request.code is None:
        return FINE
    if isinstance(request.code, int):
        return request.code
    say(text_of(request.code))
    return FAILED


def _closed(instance: InstanceContext, options: argparse.Namespace) -> int:
    try:
        instance.close()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        show_error(error, with_traceback=options.traceback)
        return FAILED
    return FINE


@contextmanager
def _folder_on_path(file: str) -> Generator[None, None, None]:
    """Puts the application file's folder first on `sys.path`: its main and its own plugins lie there."""
    folder = os.path.dirname(os.path.abspath(file))
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        if folder in sys.path:
            sys.path.remove(folder)
