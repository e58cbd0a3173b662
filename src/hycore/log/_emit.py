"""The functions that log into an instance.

Layer: `log`, on top of it. Each takes the instance, a text, and what is formatted into it with `str.format`; the text
is formatted only when the message is wanted, and stands as it is where there is nothing to format.
"""

from __future__ import annotations

from hycore.log._state import checked_level
from hycore.utils.error import ArgumentTypeError

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
        state = instance.ext
        if level < state.threshold:
            return
    except (AttributeError, TypeError):
        _refuse(instance, level)
    if type(level) is not int or level > 4:
        level = checked_level("level", level)
    state.emit(level, message, args, exc)


def hytrace(
    instance: InstanceContext, message: str, /, *args: object, exc: BaseException | bool | None = None
) -> None:
    """Logs what only someone who follows every step wants to know; see `hylog`."""
    try:
        state = instance.ext
        if state.threshold > 0:
            return
    except AttributeError:
        _refuse(instance, 0)
    state.emit(0, message, args, exc)


def hydebug(
    instance: InstanceContext, message: str, /, *args: object, exc: BaseException | bool | None = None
) -> None:
    """Logs what helps to find a mistake; see `hylog`."""
    try:
        state = instance.ext
        if state.threshold > 1:
            return
    except AttributeError:
        _refuse(instance, 1)
    state.emit(1, message, args, exc)


def hyinfo(
    instance: InstanceContext, message: str, /, *args: object, exc: BaseException | bool | None = None
) -> None:
    """Logs what happens in the usual course; see `hylog`."""
    try:
        state = instance.ext
        if state.threshold > 2:
            return
    except AttributeError:
        _refuse(instance, 2)
    state.emit(2, message, args, exc)


def hywarn(
    instance: InstanceContext, message: str, /, *args: object, exc: BaseException | bool | None = None
) -> None:
    """Logs what someone should look at; see `hylog`."""
    try:
        state = instance.ext
        if state.threshold > 3:
            return
    except AttributeError:
        _refuse(instance, 3)
    state.emit(3, message, args, exc)


def hyerror(
    instance: InstanceContext, message: str, /, *args: object, exc: BaseException | bool | None = None
) -> None:
    """Logs what went wrong; see `hylog`."""
    try:
        state = instance.ext
        if state.threshold > 4:
            return
    except AttributeError:
        _refuse(instance, 4)
    state.emit(4, message, args, exc)


def _refuse(instance: Any, level: Any) -> NoReturn:
    state = getattr(instance, "ext", None)
    if not hasattr(state, "threshold"):
        raise ArgumentTypeError(
            "instance",
            "an InstanceContext, the first argument of every log function (in a plugin, self.instance; of a weak "
            "reference, what it returns)",
            instance,
        ) from None
    checked_level("level", level)
    raise ArgumentTypeError(
        "level", "a LogLevelEXT, such as LogLevelEXT.INFO, or a whole number from 0 to 4", level
    ) from None
