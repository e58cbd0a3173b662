"""Options that several commands have, each with one meaning.

Layer: `hypi.cli`, above `_output`.
"""

from __future__ import annotations

import argparse
import math
import os
from typing import Any

from hypi.cli._output import say

__all__ = [
    "WATCHER",
    "Commands",
    "add_async",
    "add_command",
    "add_file",
    "add_groups",
    "add_json",
    "add_limit",
    "add_settings",
    "is_nowhere",
    "refuses",
]

DEFAULT_LIMIT = 10.0
"""How long the import of one extension may take, in seconds."""

WATCHER = "_HYPERION_WATCHER"
"""The environment variable by which `run` knows which process watches its sources; gone once it has been read."""

Commands = Any
"""What `ArgumentParser.add_subparsers` returns: its class has no public name."""


def add_command(commands: Commands, name: str, *, help: str, description: str, **options: Any) -> Any:  # noqa: A002
    """Adds a command, which takes no abbreviations of its options."""
    return commands.add_parser(name, help=help, description=description, allow_abbrev=False, **options)


def add_file(parser: argparse.ArgumentParser, **options: Any) -> None:
    """Adds FILE."""
    parser.add_argument("file", metavar="FILE", help="the application file, such as app.toml", **options)


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Adds `--set`."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="settings",
        metavar="KEY=VALUE",
        help="override one value of the file, such as ext.__EXT_lines.limit=10; may be given several times",
    )


def add_groups(parser: argparse.ArgumentParser, *, instead: str = "hycore.plugins") -> None:
    """Adds `--group`."""
    parser.add_argument(
        "--group",
        action="append",
        dest="groups",
        type=_group,
        metavar="NAME",
        help=f"look for extensions in this group of entry points, in place of {instead}; may be given several times",
    )


def add_async(parser: argparse.ArgumentParser) -> None:
    """Adds `--async`."""
    parser.add_argument(
        "--async",
        action="store_true",
        dest="asynchronous",
        help="its host is asynchronous, so that hooks of extensions may be `async def`",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Adds `--json`."""
    parser.add_argument(
        "--json", action="store_true", help="print JSON, in the format that the reference describes"
    )


def add_limit(parser: argparse.ArgumentParser) -> None:
    """Adds `--timeout`."""
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=DEFAULT_LIMIT,
        dest="limit",
        metavar="SECONDS",
        help=f"how long the import of one extension may take; {DEFAULT_LIMIT:g}",
    )


def _group(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("the name of a group is empty: name one, such as hycore.plugins")
    return text


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= 86_400:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds up to 86400, such as 2.5")
    return seconds


def refuses(file: str) -> bool:
    """Whether a child process cannot read a file as this one could: a pipe, a device; that is told."""
    if is_nowhere(file):
        return True
    if not os.path.exists(file) or os.path.isfile(file) or os.path.isdir(file):
        return False
    say(f"hyperion: {file}: is no regular file: write it to one, such as app.toml")
    return True


def is_nowhere(file: str) -> bool:
    """Whether the path begins in a current folder that has been removed; that is told."""
    try:
        os.path.abspath(file)
    except FileNotFoundError:
        say(f"hyperion: {file}: the current folder is gone: change to one that is there")
        return True
    return False
