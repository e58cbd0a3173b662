"""The functions that log into an instance.

Layer: `log`, on top of it. Each takes the instance, a text, and what is formatted into it with `str.format`; the text
is formatted only when the message is wanted, and stands as it is where there is nothing to format.
"""

from __future__ import annotations

from sys import _getframe

from hycore.utils.error import ArgumentTypeError, ArgumentValueError, describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from hycore.base import InstanceContext

__all__ = ["hydebug", "hyerror", "hyinfo", "hylog", "hytrace", "hywarn"]


def hylog(
    instance: InstanceContext,
    level: int,
    message: str,
    /,
    *args: object,
    exc: BaseException | bool | None = None,
) -> None:
    """Logs a message at a level.

    `args` are formatted into `message` with `str.format`; `exc` is an exception whose traceback goes with it, or
    `True` for the one that is being handled. A callback that raises disturbs nobody, nor does a wrong format string.
    """
    try:
        if level < instance.ext.threshold:
            return
    except (AttributeError, TypeError):
        _refuse(instance, level)
    if type(level) is not int or level > 4:
        level = _checked(level)
    _emit(instance, level, message, args, exc)


def hytrace(
    instance: InstanceContext, message: str, /, *args: object, exc: BaseException | bool | None = None
) -> None:
    """Logs what only someone who follows every step wants to know; see `hylog`."""
    try:
        if instance.ext.threshold > 0:
            return
    except AttributeError:
        _refuse(instance, 0)
    _emit(instance, 0, message, args, exc)


def hydebug(
    instance: InstanceContext, message: str, /, *args: object, exc: BaseException | bool | None = None
) -> None:
    """Logs what helps to find a mistake; see `hylog`."""
    try:
        if instance.ext.threshold > 1:
            return
    except AttributeError:
        _refuse(instance, 1)
    _emit(instance, 1, message, args, exc)


def hyinfo(
    instance: InstanceContext, message: str, /, *args: object, exc: BaseException | bool | None = None
) -> None:
    """Logs what happens in the usual course; see `hylog`."""
    try:
        if instance.ext.threshold > 2:
            return
    except AttributeError:
        _refuse(instance, 2)
    _emit(instance, 2, message, args, exc)


def hywarn(
    instance: InstanceContext, message: str, /, *args: object, exc: BaseException | bool | None = None
) -> None:
    """Logs what someone should look at; see `hylog`."""
    try:
        if instance.ext.threshold > 3:
            return
    except AttributeError:
        _refuse(instance, 3)
    _emit(instance, 3, message, args, exc)


def hyerror(
    instance: InstanceContext, message: str, /, *args: object, exc: BaseException | bool | None = None
) -> None:
    """Logs what went wrong; see `hylog`."""
    try:
        if instance.ext.threshold > 4:
            return
    except AttributeError:
        _refuse(instance, 4)
    _emit(instance, 4, message, args, exc)


def _emit(
    instance: InstanceContext,
    level: int,
    message: str,
    args: tuple[object, ...],
    exc: BaseException | bool | None,
) -> None:
    """Formats, and hands over with the place of the call two frames up."""
    if args:
        try:
            text = message.format(*args)
            if text == message and "{" not in message:
                text = _unformatted(message, args, "it has no {} for them")
        except Exception as error:
            text = _unformatted(message, args, describe(error))
    else:
        text = message if type(message) is str else _as_text(message)
    try:
        frame = _getframe(2)
    except ValueError:  # called from no Python code: by `atexit`, as the target of a thread
        frame = _getframe(1)
    module = frame.f_globals.get("__name__", "?")
    exception = None if exc is None or exc is False else _formatted(exc)
    instance.ext.emit(level, text, module, frame.f_code, frame.f_lasti, exception)


def _as_text(thing: object) -> str:
    try:
        return str(thing)
    except Exception as error:
        return f"<{type(thing).__name__} whose text cannot be read: {describe(error)}>"


def _unformatted(message: object, args: tuple[object, ...], reason: str) -> str:
    shown: list[str] = []
    for each in args:
        try:
            shown.append(repr(each))
        except Exception as failure:
            shown.append(f"<{type(each).__name__} whose repr failed: {describe(failure)}>")
    return f"{_as_text(message)} ({', '.join(shown)}) [not formatted: {reason}]"


def _formatted(exc: BaseException | bool) -> str | None:
    import sys
    import traceback

    error = sys.exc_info()[1] if exc is True else exc
    if not isinstance(error, BaseException):
        return None if exc is True else _as_text(exc)
    try:
        return "".join(traceback.format_exception(error)).rstrip()
    except Exception as failure:
        return f"{type(error).__name__} (its traceback cannot be formatted: {describe(failure)})"


def _checked(level: Any) -> int:
    expected = "a LogLevelEXT, such as LogLevelEXT.INFO, or a whole number from 0 to 4"
    if not isinstance(level, int) or isinstance(level, bool):
        raise ArgumentTypeError("level", expected, level)
    if not 0 <= level <= 4:
        raise ArgumentValueError("level", expected, repr(level))
    return int(level)


def _refuse(instance: Any, level: Any) -> NoReturn:
    state = getattr(instance, "ext", None)
    if not hasattr(state, "threshold"):
        raise ArgumentTypeError(
            "instance",
            "an InstanceContext, the first argument of every log function (in a plugin, self.instance; of a weak "
            "reference, what it returns)",
            instance,
        ) from None
    _checked(level)
    raise ArgumentTypeError(
        "level", "a LogLevelEXT, such as LogLevelEXT.INFO, or a whole number from 0 to 4", level
    ) from None
