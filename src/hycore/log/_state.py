"""The slots of an instance that extensions fill, and what happens to a message on its way to the callback.

Layer: `log`, above `_message`.
"""

from __future__ import annotations

import os
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


__all__ = ["InstanceStateEXT", "LogListenerEXT", "checked_level"]

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
        thread = threading.current_thread()
        # A dummy may stand for one that starts, and has its own name soon.
        if not isinstance(thread, threading._DummyThread):
            self.thread = thread
        name: str = thread.name
        return name


# `here` is each thread's own; a forked child goes on with that of the thread that forked.
_threads = _local()


def _here() -> _Here:
    """That of this thread, which is made when it is first needed.

    Were it made by `__init__` of a `_local`, a finalizer or a signal handler that logs meanwhile would find none.
    """
    here: _Here | None = getattr(_threads, "here", None)
    if here is None:
        here = _threads.here = _Here()
    return here


def _after_fork() -> None:
    """In a forked child: the callback that has forked may go on here for good, and what is logged is delivered."""
    here: _Here | None = getattr(_threads, "here", None)
    if here is not None:
        here.delivering.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@final
class LogListenerEXT:
    """Who listens beside the logger, from `InstanceStateEXT.listen` until `stop` or the end of the instance."""

    __slots__ = ("_stop", "callback", "failures", "level")

    def __init__(
        self,
        callback: Callable[[LogMessageEXT], object],
        level: int,
        stop: Callable[[LogListenerEXT], None],
    ) -> None:
        self.callback = callback
        """What gets each message."""
        self.level = level
        """The least level that it gets."""
        self.failures: int = 0
        """How often it raised; the first is reported."""
        self._stop = stop

    def stop(self) -> None:
        """From here on it gets nothing; to stop twice does no harm."""
        self._stop(self)

    def _hear(self, message: LogMessageEXT) -> None:
        if message._level < self.level:
            return
        try:
            self.callback(message)
        except Exception as error:
            self.failures = count = self.failures + 1
            if count == 1:
                report_unraisable(error)


@final
class InstanceStateEXT:
    """The slots that extensions of an instance fill; a logger fills `log_level`, then `log_callback`.

    Messages that come before there is a callback are kept, the first 1,000 of them, and delivered when it is set.
    Whoever wants the messages beside the logger calls `listen`. The state lives as long as its instance.
    """

    __slots__ = (
        "_callback",
        "_early",
        "_ended",
        "_keeps_early",
        "_level",
        "_listeners",
        "_logger",
        "_lost",
        "_reported",
        "failures",
        "threshold",
    )

    def __init__(self) -> None:
        # What a message goes to: the logger's callback or, while somebody listens, `_to_all`. So nobody who does not
        # listen pays for it.
        self._callback: Callable[[LogMessageEXT], object] | None = None
        self._logger: Callable[[LogMessageEXT], object] | None = None
        # Threads that begin and stop at once lose nothing: `append` and `remove` are atomic. It is read as a copy.
        self._listeners: list[LogListenerEXT] = []
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
        self._level = checked_level("log_level", level)
        self._set_threshold()

    @property
    def log_callback(self) -> Callable[[LogMessageEXT], object] | None:
        """What gets each message, or `None`."""
        return self._logger

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
        self._logger = self._callback = callback
        if self._listeners:
            self._route()
        self._reported = None
        if callback is not None and early is not None:
            # What other threads kept until they saw the callback.
            self._deliver_early(early, callback)
            if self._early is early:
                self._early = None
                self._tell_lost()
        self._set_threshold()

    def listen(self, callback: Callable[[LogMessageEXT], object], *, level: int = _INFO) -> LogListenerEXT:
        """Has a callback hear each message from a level on, beside the logger and others who listen, until `stop`.

        It hears those that are kept for a logger at once: who calls this in `attach_to` misses the fewest. The logger
        gets what it would get anyway. `plugin.defer(state.listen(callback).stop)` ends it with the plugin.
        """
        if not callable(callback):
            raise ArgumentTypeError("callback", "a callable that takes a LogMessageEXT", callback)
        listener = LogListenerEXT(callback, checked_level("level", level), self._forget)
        here = _here()
        for message in tuple(self._early or ()):
            self._deliver(listener._hear, message, here)
        self._listeners.append(listener)
        if self._ended:
            self._listeners.clear()
        self._route()
        self._set_threshold()
        return listener

    def _forget(self, listener: LogListenerEXT) -> None:
        try:
            self._listeners.remove(listener)
        except ValueError:  # it has stopped before
            return
        self._route()
        self._set_threshold()

    def _route(self) -> None:
        """Says where messages go, whoever exchanges the logger or listens meanwhile."""
        while True:
            logger, listens = self._logger, bool(self._listeners)
            self._callback = self._to_all if listens else logger
            if self._logger is logger and bool(self._listeners) is listens:
                return

    def deliver(self, message: LogMessageEXT) -> None:
        """Delivers a message that is made already, as the log functions deliver theirs.

        It is dropped below the level, and where a callback of this instance runs on this thread; it is kept until there
        is a callback, if there may be one.
        """
        if type(message) is not LogMessageEXT:
            raise ArgumentTypeError("message", "a LogMessageEXT", message)
        if message._level < self.threshold:
            return
        here = _here()
        callback = self._callback
        if callback is None:
            self._keep(message, here)
            return
        self._deliver(callback, message, here)

    def _to_all(self, message: LogMessageEXT) -> None:
        """Delivers to the logger, or keeps it for one, and to those who listen; whatever one of them raises."""
        try:
            logger = self._logger
            if logger is None:
                early = self._early
                if early is not None:
                    self._store(message, early)
                    if self._logger is not None:  # it was set meanwhile, by another thread
                        self._drain(early, self._logger, None)
            elif self._level <= message._level:
                logger(message)
        finally:
            for listener in tuple(self._listeners):
                listener._hear(message)

    def _deliver_early(self, early: list[LogMessageEXT], callback: Callable[[LogMessageEXT], object]) -> None:
        """Takes each message out of the list before it is delivered, so that it is delivered once."""
        here = _here()
        if self in here.delivering:  # a callback exchanges the callback: who called it goes on
            return
        self._drain(early, callback, here)

    def _drain(
        self,
        early: list[LogMessageEXT],
        callback: Callable[[LogMessageEXT], object],
        here: _Here | None,
    ) -> None:
        for _ in range(len(early)):
            try:
                message = early.pop(0)
            except IndexError:  # another thread took it
                return
            if message._level >= self._level:
                if here is None:  # it is being delivered already
                    callback(message)
                else:
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
        if self._listeners:
            self._listeners.clear()
        self._logger = None
        self._callback = None
        self._reported = None
        self._set_threshold()

    def _set_threshold(self) -> None:
        if not self._listeners:
            if self._logger is not None and not self._ended:
                self.threshold = self._level
            else:
                self.threshold = 0 if self._early is not None else _NEVER
        if self._listeners:
            self._lower_threshold()

    def _lower_threshold(self) -> None:
        """Says what is wanted where somebody listens, whoever begins or stops meanwhile."""
        told = None
        while True:
            logs = self._logger is not None and not self._ended
            levels = [self._level] if logs else [0] if self._early is not None else []
            wanted = min([*levels, *[listener.level for listener in tuple(self._listeners)]], default=_NEVER)
            if wanted == told:
                return
            self.threshold = told = wanted

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
        try:
            here: _Here = _threads.here
        except AttributeError:
            here = _here()
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
        self._store(message, early)
        logger = self._logger
        if logger is not None:
            self._deliver_early(early, logger)
        for listener in tuple(self._listeners):  # it came meanwhile, and has perhaps not heard it
            self._deliver(listener._hear, message, here)

    def _store(self, message: LogMessageEXT, early: list[LogMessageEXT]) -> None:
        if len(early) >= _KEPT:
            self._lost += 1
        else:
            early.append(message)

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


def checked_level(argument: str, level: object) -> int:
    """A level as the number that it is; raises `ArgumentTypeError` or `ArgumentValueError`."""
    expected = "a LogLevelEXT, such as LogLevelEXT.INFO, or a whole number from 0 to 4"
    if type(level) is bool or not isinstance(level, int):
        raise ArgumentTypeError(argument, expected, level)
    if not 0 <= level <= 4:
        raise ArgumentValueError(argument, expected, repr(level))
    return int(level)
