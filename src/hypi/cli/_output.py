"""What a person reads: lines and one block per error on standard error; and the exit statuses.

Layer: `hypi.cli`, a leaf within it.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import Self, TextIO, final

__all__ = [
    "FAILED",
    "FINE",
    "WRONG",
    "Paint",
    "Progress",
    "columns",
    "flushed",
    "indented",
    "printable",
    "reader_is_gone",
    "say",
    "shortened",
    "show",
    "show_error",
    "show_json",
    "show_painted",
    "text_of",
    "width_of_output",
]

FINE, FAILED, WRONG = 0, 1, 2
"""All is well; the file is right, but the work failed; the file or the usage is wrong."""


def say(text: str) -> None:
    """Prints a line on standard error, if there is one."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):  # nobody reads it, the disk is full, it is closed
            # In one piece, also where it is not buffered: another process may write there too.
            sys.stderr.write(_encodable(f"{printable(text)}\n", sys.stderr))
            sys.stderr.flush()


def show(text: str) -> None:
    """Prints lines on standard output, without what would steer a terminal."""
    try:
        print(_encodable(printable(text), sys.stdout))
    except OSError as error:  # standard output is not buffered
        _lose(error)


def show_json(value: object) -> None:
    """Prints a value as JSON, on several lines, in ASCII."""
    import json

    show(json.dumps(value, indent=2))


def printable(text: str) -> str:
    """The text with escapes in place of what is no letter: names in metadata may hold anything."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in "\n\t" else each.encode("unicode_escape").decode("ascii")
        for each in text
    )


def columns(rows: Sequence[Sequence[str]], *, indent: str = "") -> str:
    """Rows as lines whose cells stand below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        (indent + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))).rstrip()
        for row in rows
    )


@final
class Paint:
    """Colours on standard output, if it is a terminal; `NO_COLOR` turns them off, and `FORCE_COLOR` on."""

    def __init__(self) -> None:
        is_terminal = _is_terminal(sys.stdout)
        self.is_on = not os.environ.get("NO_COLOR") and (bool(os.environ.get("FORCE_COLOR")) or is_terminal)

    def __call__(self, text: str, code: str) -> str:
        """The text in a colour, by the number that terminals have for it."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.is_on and text and code else text


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"
    except ValueError:  # it is closed
        return False


def width_of_output() -> int:
    """How many columns standard output has: those of the terminal, or 80."""
    given = os.environ.get("COLUMNS", "")
    if given.isascii() and given.isdecimal() and int(given):
        return int(given)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except (OSError, ValueError, AttributeError):
        return 80


def show_painted(text: str) -> None:
    """Prints lines on standard output that hold colours; whatever is of others in them must be `printable`."""
    try:
        print(_encodable(text, sys.stdout))
    except OSError as error:
        _lose(error)


def shortened(text: str) -> str:
    """The last ten lines of a text, and of each line the beginning."""
    lines = text.rstrip().split("\n")[-10:]
    return "\n".join(line if len(line) <= 200 else f"{line[:200]}…" for line in lines)


def indented(text: str, indent: str) -> str:
    """The lines of a text, each with this in front."""
    return "\n".join(f"{indent}{line}".rstrip() for line in text.split("\n"))


@final
class Progress:
    """A line on the terminal that says what goes on while it is entered; nothing where standard error is none."""

    def __init__(self) -> None:
        self._is_shown = _is_terminal(sys.stderr)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.show("")

    def show(self, text: str) -> None:
        """Replaces the line."""
        if self._is_shown:
            with suppress(OSError, ValueError):
                width = os.get_terminal_size(sys.stderr.fileno()).columns or 80
                sys.stderr.write(f"\r\x1b[K{printable(text)[: width - 1]}")
                sys.stderr.flush()


def show_error(error: BaseException, *, headline: str = "", with_traceback: bool = False) -> None:
    """Prints an error, and its notes; where it was raised only when that is asked for."""
    if with_traceback:
        text = "".join(traceback.format_exception(error)).rstrip()
    else:
        text = "\n".join([_text_of(error), *getattr(error, "__notes__", ())])
    say(f"hyperion: {headline}{text}")


def flushed() -> bool:
    """Writes out what is left for standard output; whether that went well.

    If whoever read it has gone, the rest goes nowhere, and nothing is said about it; a full disk is told.
    """
    if sys.stdout is None or getattr(sys.stdout, "closed", False):
        return True
    try:
        sys.stdout.flush()
    except OSError as error:
        _lose(error)
    return not _lost


_lost: list[OSError] = []


def _lose(error: OSError) -> None:
    """Tells once that standard output cannot be written; what still comes goes nowhere."""
    if not _lost and not isinstance(error, BrokenPipeError):
        say(f"hyperion: standard output cannot be written: {error.strerror}")
    _lost.append(error)
    with suppress(OSError, AttributeError):  # it may be no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def reader_is_gone() -> bool:
    """Whether nobody reads standard output any more."""
    import select

    if not flushed():
        return True
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    except (OSError, ValueError, AttributeError):  # it is closed, no file, or cannot be polled here
        return False


def text_of(thing: object) -> str:
    """The text of an object, whatever its `__str__` does."""
    try:
        return str(thing)
    except Exception as error:
        return f"<{type(thing).__name__} whose text cannot be read: {type(error).__name__}>"


def _encodable(text: str, stream: TextIO) -> str:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _text_of(error: BaseException) -> str:
    from hycore.utils.error import HyError, describe

    return str(error) if isinstance(error, HyError) else describe(error)
