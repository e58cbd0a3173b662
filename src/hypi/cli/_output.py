"""What a person reads: lines and one block per error on standard error; and the exit statuses.

Layer: `hypi.cli`, a leaf within it.
"""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import suppress

__all__ = ["FAILED", "FINE", "WRONG", "flushed", "reader_is_gone", "say", "show_error", "text_of"]

FINE, FAILED, WRONG = 0, 1, 2
"""All is well; the file is right, but the work failed; the file or the usage is wrong."""


def say(text: str) -> None:
    """Prints a line on standard error, if there is one."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):  # nobody reads it, the disk is full, it is closed
            print(text, file=sys.stderr, flush=True)


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
        if not isinstance(error, BrokenPipeError):
            say(f"hyperion: standard output cannot be written: {error.strerror}")
        with suppress(OSError, AttributeError):  # it may be no file
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


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


def _text_of(error: BaseException) -> str:
    from hycore.utils.error import HyError, describe

    return str(error) if isinstance(error, HyError) else describe(error)
