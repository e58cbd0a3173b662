"""What watches over the work in a child process: it reports what begins and ends, and ends what takes too long.

An import that takes too long is ended by an exception in it, so that the next one has its turn; where that does not help
the parent ends the process.

Layer: `hypi.cli`, above `_child`.
"""

from __future__ import annotations

import faulthandler
import fcntl
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from traceback import extract_tb
from types import FrameType
from typing import Any, final

from hypi.cli._child import place_in

__all__ = ["TimeLimitError", "Watch", "hold_on_to"]


class TimeLimitError(BaseException):
    """Something takes too long; no `Exception`, so that fewer plugins swallow it."""


@final
class Watch:
    """Reports to the parent, a line of JSON each, and sets the limits; there is one in a child, until its end.

    - `unusable`: the keys of steps that are not taken, with what to say of them.
    - `fatal`: those of them that never ended, or ended the process.
    """

    def __init__(self, pipe: int, token: str, limit: float, unusable: Mapping[str, str]) -> None:
        self.unusable = dict(unusable)
        self.fatal = dict(unusable)
        self._pipe = pipe
        self._identity = _identity(pipe)
        self._token = token
        self._limit = limit
        self._open: list[dict[str, Any]] = []
        os.set_inheritable(pipe, False)
        faulthandler.enable(file=pipe, all_threads=False)
        faulthandler.register(signal.SIGUSR1, file=pipe, all_threads=False)

    def report(self, **what: Any) -> None:
        """Sends one line, if the pipe is still what it was."""
        data = memoryview(f"{self._token}{json.dumps(what)}\n".encode())
        with suppress(OSError):  # a plugin has closed it
            if _identity(self._pipe) == self._identity:
                while data:
                    data = data[os.write(self._pipe, data) :]

    @contextmanager
    def step(
        self, key: str, words: str, error: Callable[[str], Exception], **facts: Any
    ) -> Generator[None, None, None]:
        """Watches over one step, which runs code of others.

        Whatever it does, it is ended after the limit, and raises the `error` of what is to be said then. `words` say
        what it is, such as "its import"; `facts` are for the parent.
        """
        if key in self.unusable:
            raise error(self.unusable[key])
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread can be ended by a signal
            return
        step = {"key": key, "words": words, **facts}
        self._open.append(step)
        self.report(begun=step)
        start = time.monotonic()
        signal.signal(signal.SIGALRM, self._end)  # a plugin may have taken it
        outer = signal.setitimer(signal.ITIMER_REAL, self._limit)[0]
        is_fatal = False
        try:
            yield
            if "is_late" in step:  # it was told, and did not care
                raise TimeLimitError
        except TimeLimitError as late:
            reason = f"{words} did not end within {self._limit:g} s"
            if "entry" not in facts:  # of an extension the error tells where
                frames = [(frame.filename, str(frame.lineno)) for frame in extract_tb(late.__traceback__)]
                place = place_in(frames[::-1], "")
                reason += f", at {place}" if place is not None else ""
            self.unusable[key] = self.fatal[key] = reason
            self.report(too_slow={key: reason})
            raise error(reason) from late
        except (Exception, SystemExit):
            raise
        except BaseException:
            is_fatal = True
            raise
        finally:
            self._open.pop()
            left = max(0.001, outer - (time.monotonic() - start)) if outer else 0
            signal.setitimer(signal.ITIMER_REAL, left)
            if self._open and not is_fatal:
                self.report(begun=self._open[-1])
            elif not is_fatal:
                self.report(ended=key)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        if self._open:
            self._open[-1]["is_late"] = True
            raise TimeLimitError


def _identity(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def hold_on_to(lifeline: int, *, process: int = 0, number: signal.Signals = signal.SIGKILL) -> None:
    """Has this process and its group ended when nobody holds the other end of a pipe any more; or one process.

    Linux does that by itself, whatever runs here; elsewhere Python has to have its turn.
    """
    os.set_inheritable(lifeline, False)
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, process or -os.getpgrp())
    if sys.platform == "linux":
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, number)
    else:
        signal.signal(signal.SIGIO, lambda *_: os.kill(process, number))
    fcntl.fcntl(lifeline, fcntl.F_SETFL, os.O_NONBLOCK | os.O_ASYNC)
    with suppress(BlockingIOError):
        if not os.read(lifeline, 1):  # it was let go of before
            os.kill(process, number)
