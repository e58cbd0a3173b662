"""Ctrl-C and SIGTERM: the first ends the work and everything is torn down, the second ends the process.

Layer: `hypi.cli`, a leaf within it.
"""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import Any, Literal, NoReturn, Self, final

__all__ = ["Signals", "TerminatedError"]

Phase = Literal["starting", "main", "stopping"]


class TerminatedError(BaseException):
    """SIGTERM has come; like `KeyboardInterrupt` it is not an `Exception`, so that nothing swallows it."""


@final
class Signals:
    """Handles both signals while it is entered, and then puts back what was there.

    While starting and in `main` a signal is raised as an exception. While stopping the first is only noted, since
    everything is being torn down anyway. One that comes after another while starting or stopping ends the process at
    once, after one line that says so. In `main` any number may come: they are the application's affair.
    """

    def __init__(self) -> None:
        self.phase: Phase = "starting"
        self.received: int | None = None
        self._before: dict[int, Any] = {}

    @property
    def status(self) -> int | None:
        """The exit status that the signal is worth, or `None` if none has come."""
        return 128 + self.received if self.received is not None else None

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                self._before[number] = signal.signal(number, self._handle)
            except ValueError:  # not the main thread: signals are not ours to handle
                break
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None and self.phase != "main":
            self._end_at_once(number)
        self.received = number
        if self.phase == "stopping":
            return
        if number == signal.SIGTERM:
            raise TerminatedError
        raise KeyboardInterrupt

    def _end_at_once(self, number: int) -> NoReturn:
        os.write(2, b"hyperion: stopped by a second signal; teardown is left unfinished\n")
        os._exit(128 + number)
