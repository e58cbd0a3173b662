"""The text of a message: what is formatted into it, and the traceback of an exception; whatever fails, it is text.

Layer: `log`, a leaf within it.
"""

from __future__ import annotations

from hycore.utils.error import describe

__all__ = ["as_text", "formatted", "traceback_of", "unformatted"]


def formatted(message: str, args: tuple[object, ...]) -> str:
    """The message with its arguments in it, or beside it where it does not take them."""
    try:
        text = message.format(*args)
    except Exception as error:
        return unformatted(message, args, describe(error))
    if text == message and "{" not in message:
        return unformatted(message, args, "it has no {} for them")
    return text


def as_text(thing: object) -> str:
    """What `str` says of a thing, or why it cannot."""
    try:
        return str(thing)
    except Exception as error:
        return f"<{type(thing).__name__} whose text cannot be read: {describe(error)}>"


def unformatted(message: object, args: tuple[object, ...], reason: str) -> str:
    """A message with its arguments beside it, and why they are not in it."""
    shown: list[str] = []
    for each in args:
        try:
            shown.append(repr(each))
        except Exception as failure:
            shown.append(f"<{type(each).__name__} whose repr failed: {describe(failure)}>")
    return f"{as_text(message)} ({', '.join(shown)}) [not formatted: {reason}]"


def traceback_of(exc: BaseException | bool) -> str | None:
    """The formatted exception; of `True`, the one that is being handled, if any."""
    import sys
    import traceback

    error = sys.exc_info()[1] if exc is True else exc
    if not isinstance(error, BaseException):
        return None if exc is True else as_text(exc)
    try:
        return "".join(traceback.format_exception(error)).rstrip()
    except Exception as failure:
        return f"{type(error).__name__} (its traceback cannot be formatted: {describe(failure)})"
