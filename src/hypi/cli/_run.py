"""`hyperion run`: creates what an application file describes, calls its main, tears down.

Layer: `hypi.cli`, above `_errors` and `_signals`.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from hycore.base import InstanceContext
from hycore.utils.error import HyError
from hypi.app import Application, ApplicationFileError, load_application
from hypi.cli._errors import show_error
from hypi.cli._signals import Signals, TerminatedError

__all__ = ["add_run"]

_FINE, _FAILED, _WRONG = 0, 1, 2


def add_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to a parser."""
    parser = commands.add_parser(
        "run",
        help="create the instance of an application file, call its main, tear down",
        description=(
            "Creates the instance that an application file describes, calls its main with the words after --, and "
            "tears everything down. Without a main it runs until Ctrl-C or SIGTERM. The exit status is that of "
            "main; 1 if the application failed or cannot start, 2 if the file or the usage is wrong, 130 after "
            "Ctrl-C and 143 after SIGTERM."
        ),
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="FILE", help="the application file, such as app.toml")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="settings",
        metavar="KEY=VALUE",
        help="override one value of the file, such as ext.__EXT_lines.limit=10; may be given several times",
    )
    parser.add_argument(
        "--group",
        action="append",
        dest="groups",
        metavar="NAME",
        help="look for extensions in this group of entry points, in place of the file's; may be given several times",
    )
    parser.add_argument("--traceback", action="store_true", help="show where an error was raised")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace, arguments: list[str]) -> int:
    with Signals() as signals, _folder_on_path(Path(options.file)):
        try:
            status = _started(options, arguments, signals)
        except (KeyboardInterrupt, TerminatedError):
            # The signal came between two steps; whatever was up has been undone on the way here.
            status = _FAILED
        return signals.status if signals.status is not None and signals.phase != "main" else status


def _started(options: argparse.Namespace, arguments: list[str], signals: Signals) -> int:
    try:
        application = load_application(options.file, settings=options.settings, groups=options.groups)
        instance = application.create()
    except ApplicationFileError as error:
        show_error(error, with_traceback=options.traceback)
        return _WRONG
    except HyError as error:
        show_error(error, headline=f"{options.file}: ", with_traceback=options.traceback)
        return _FAILED
    try:
        signals.phase = "main"
        status = _called(application, instance, arguments, options)
    finally:
        signals.phase = "stopping"
        failed = _closed(instance, options)
    return status or failed


def _called(
    application: Application, instance: InstanceContext, arguments: list[str], options: argparse.Namespace
) -> int:
    if application.main is None:
        while True:
            time.sleep(3600)  # a signal ends it
    try:
        result = application.main(instance, arguments)
        sys.stdout.flush()
    except SystemExit as request:
        return _requested(request)
    except BrokenPipeError:
        # Whoever read the output has gone. What is still in the buffer must go somewhere at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FAILED
    except Exception as error:
        show_error(error, headline="main failed: ", with_traceback=options.traceback)
        if not options.traceback:
            print("--traceback shows where", file=sys.stderr)
        return _FAILED
    if result is None:
        return _FINE
    if type(result) is int:
        return result
    print(
        f"hyperion: main returned an object of type {type(result).__name__}: return an exit status, such as 0, or None",
        file=sys.stderr,
    )
    return _FAILED


def _requested(request: SystemExit) -> int:
    if request.code is None:
        return _FINE
    if isinstance(request.code, int):
        return request.code
    print(request.code, file=sys.stderr)
    return _FAILED


def _closed(instance: InstanceContext, options: argparse.Namespace) -> int:
    try:
        instance.close()
    except HyError as error:
        show_error(error, with_traceback=options.traceback)
        return _FAILED
    return _FINE


@contextmanager
def _folder_on_path(file: Path) -> Generator[None, None, None]:
    """Puts the application file's folder first on `sys.path`: its main and its own plugins lie there."""
    folder = str(file.resolve().parent)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        if folder in sys.path:
            sys.path.remove(folder)
