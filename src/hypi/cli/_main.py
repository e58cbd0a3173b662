"""The parser of `hyperion`, and its commands.

Layer: `hypi.cli`, on top of it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from hycore.base._version import runtime_version
from hypi.cli._output import FAILED, WRONG, flushed, say
from hypi.cli._signals import Signals

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command line, that of the process if none is given, and returns the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    arguments: list[str] = []
    if "--" in words:
        place = words.index("--")
        words, arguments = words[:place], words[place + 1 :]
    try:
        status = _run(words, arguments)
    except KeyboardInterrupt as interrupt:  # it came before anything was started
        status = 128 + getattr(interrupt, "number", 2)
    flushed()
    return status


def _run(words: list[str], arguments: list[str]) -> int:
    parser = _parser()
    try:
        options, unknown = parser.parse_known_args(words)
        if unknown:
            step = "; what is for the application comes after --" if options.command == "run" else ""
            parser.error(f"unrecognized arguments: {' '.join(unknown)}{step}")
    except SystemExit as request:  # after --help, --version or a wrong usage
        return request.code if isinstance(request.code, int) else 0
    options.words = words
    if options.command is None:
        parser.print_help(sys.stderr)
        return WRONG
    if arguments and options.command != "run":
        say("hyperion: only `hyperion run` takes words after --")
        return WRONG
    status: int
    if options.command == "run":  # it handles signals in its own way
        status = options.run(options, arguments)
    else:
        with Signals(unfinished=""):
            status = options.run(options, arguments)
    return status if flushed() else status or FAILED


def _parser() -> argparse.ArgumentParser:
    from hypi.cli._check import add_check
    from hypi.cli._doctor import add_doctor
    from hypi.cli._info import add_info
    from hypi.cli._list import add_list
    from hypi.cli._new import add_new
    from hypi.cli._profile import add_profile
    from hypi.cli._run import add_run
    from hypi.cli._schema import add_schema

    parser = argparse.ArgumentParser(
        prog="hyperion",
        description="Runs applications that are made of extensions.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"hyperion-runtime {runtime_version()}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for add in (add_run, add_check, add_list, add_info, add_schema, add_doctor, add_new, add_profile):
        add(commands)
    return parser
