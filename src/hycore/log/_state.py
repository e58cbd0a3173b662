"""The slots of an instance that extensions fill, and what happens to a message on its way to the callback.

Layer: `log`, above `_message`.
"""

from __future__ import annotations

import sys
from _thread import _local
from sys import _getframe
from time import time_ns

from hycore.log._message import LogMessageEXT, MessageInTheMaking
from hycore.log._text import as_text, formatted, traceback_of
from hycore.utils._unraisable import report_unraisable
from hycore.utils.error import ArgumentTypeError, ArgumentValueError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Thread
    from typing import Any, final
else:

    def final(kind):
        return kind


__all__ = ["InstanceStateEXT"]

_KEPT = 1_000  # messages that wait for a callback
_NEVER = 1 << 62  # above every level
_INFO, _WARN = 2, 3


class _Here:
    """What one thread knows of its own logging."""

    __slots__ = ("delivering", "thread")

    def __init__(self) -> None:
        self.delivering: set[InstanceStateEXT] = set()
        """Whose callbacks run on this thread now: what they log there is dropped."""
        self.thread: Thread | None = None

    def first_name(self) -> str:
        """The name of the thread, which is found here once; to read it from there takes 0.7 of the time of finding it."""
        threading = sys.modules.get("threading")
        if threading is None:  # there is no other thread that could have a name
            return "MainThread"
        self.thread = thread = threading.current_thread()
        name: str = thread.name
        return name


class _Threads(_local):
    """Each thread's own; a forked child goes on with that of the thread that forked."""

    def __init__(self) -> None:
        self.here = _Here()


_threads = _Threads()


@final
class InstanceStateEXT:
    """The slots that extensions of an instance fill; a logger fills `log_level`, then `log_callback`.

    Messages that come before there is a callback are kept, the first 1,000 of them, and delivered when it is set.
    The state lives as long as its instance.
    """

    __slots__ = (
        "_callback",
        "_early",
        "_ended",
        "_keeps_early",
        "_level",
        "_lost",
        "_reported",
        "failures",
        "threshold",
    )

    def __init__(self) -> None:
        self._callback: Callable[[LogMessageEXT], object] | None = None
        self._level: int = _INFO
        self._early: list[LogMessageEXT] | None = []
        self._keeps_early = True
        self._ended = False
        self._lost = 0
        self._reported: Callable[[LogMessageEXT], object] | None = None
        self.failures: int = 0
        """How often a callback raised."""
        self.threshold: int = 0
        """Below this level nothing is wanted, and a call returns at once."""

    @property
    def log_level(self) -> int:
        """The least level that the callback gets."""
        return self._level

    @log_level.setter
    def log_level(self, level: int) -> None:
        if type(level) is bool or not isinstance(level, int):
            raise ArgumentTypeError(
                "log_level", "a LogLevelEXT, such as LogLevelEXT.INFO, or a whole number from 0 to 4", level
            )
        if not 0 <= level <= 4:
            raise ArgumentValueError(
                "log_level",
                "a LogLevelEXT, such as LogLevelEXT.INFO, or a whole number from 0 to 4",
                repr(level),
            )
        self._level = int(level)
        self._set_threshold()

    @property
    def log_callback(self) -> Callable[[LogMessageEXT], object] | None:
        """What gets each message, or `None`."""
        return self._callback

    @log_callback.setter
    def log_callback(self, callback: Callable[[LogMessageEXT], object] | None) -> None:
        if callback is not None and not callable(callback):
            raise ArgumentTypeError(
                "log_callback", "a callable that takes a LogMessageEXT, or None", callback
            )
        early = self._early
        if callback is not None and early is not None:
            self._deliver_early(early, callback)
        elif callback is None and self._keeps_early and early is None:
            self._early = []  # a logger was undone during bring-up: perhaps there is another
        self._callback = callback
        self._reported = None
        if callback is not None and early is not None:
            # What other threads kept until they saw the callback.
            self._deliver_early(early, callback)
            if self._early is early:
                self._early = None
                self._tell_lost()
        self._set_threshold()

    def _deliver_early(self, early: list[LogMessageEXT], callback: Callable[[LogMessageEXT], object]) -> None:
        """Takes each message out of the list before it is delivered, so that it is delivered once."""
        here = _threads.here
        if self in here.delivering:  # a callback exchanges the callback: who called it goes on
            return
        for _ in range(len(early)):
            try:
                message = early.pop(0)
            except IndexError:  # another thread took it
                return
            if message._level >= self._level:
                self._deliver(callback, message, here)

    def _tell_lost(self) -> None:
        if self._lost and self._level <= _WARN:
            text = f"{self._lost} earlier messages are lost: {_KEPT} are kept until there is a log callback"
            self.emit(_WARN, text, (), None)
            self._lost = 0

    def end_of_bring_up(self) -> None:
        """From here on, messages that no callback wants are dropped."""
        self._keeps_early = False
        self._early = None
        self._set_threshold()

    def end(self) -> None:
        """From here on, every message is dropped."""
        self._ended = True
        self._keeps_early = False
        self._early = None
        self._callback = None
        self._reported = None
        self._set_threshold()

    def _set_threshold(self) -> None:
        if self._callback is not None and not self._ended:
            self.threshold = self._level
        else:
            self.threshold = 0 if self._early is not None else _NEVER

    def emit(
        self, level: int, message: str, args: tuple[object, ...], exc: BaseException | bool | None
    ) -> None:
        """Delivers what the caller's caller says, or keeps it until there is a callback."""
        made = MessageInTheMaking()
        made._level = level
        if args:
            made.message = formatted(message, args)
        else:
            made.message = message if type(message) is str else as_text(message)
        try:
            frame = _getframe(2)
        except ValueError:  # the log function is called by `atexit`, or as the target of a thread
            frame = _getframe(1)
        made.module = frame.f_globals.get("__name__", "?")
        made._code = frame.f_code
        made._instruction = frame.f_lasti
        made._line = None
        made._time = time_ns()
        made._timepoint = None
        here = _threads.here
        thread = here.thread
        made.thread_name = here.first_name() if thread is None else thread.name
        made.exception = None if exc is None or exc is False else traceback_of(exc)
        done: Any = made
        done.__class__ = LogMessageEXT
        callback = self._callback
        if callback is None:
            self._keep(done, here)
            return
        self._deliver(callback, done, here)

    def _keep(self, message: LogMessageEXT, here: _Here) -> None:
        """Keeps a message until there is a callback, unless that is there by now."""
        if self in here.delivering:  # the callback that early messages are delivered to
            return
        early = self._early
        if early is None:
            callback = self._callback
            if callback is not None:  # it was set meanwhile, by another thread
                self._deliver(callback, message, here)
            return
        if len(early) >= _KEPT:
            self._lost += 1
            return
        early.append(message)
        callback = self._callback
        if callback is not None:
            self._deliver_early(early, callback)

    def _deliver(
        self, callback: Callable[[LogMessageEXT], object], message: LogMessageEXT, here: _Here
    ) -> None:
        """Calls a callback; what it logs into this instance is dropped, and what it raises disturbs nobody."""
        delivering = here.delivering
        if self in delivering:
            return
        try:
            delivering.add(self)
            callback(message)
        except Exception as error:
            self.failures += 1
            if self._reported is not callback:
                self._reported = callback
                report_unraisable(error)
        finally:
            delivering.discard(self)
