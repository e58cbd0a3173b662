"""Ctrl-C, SIGTERM and SIGHUP: the first ends the work and everything is torn down, the second ends the process.

Layer: `hypi.cli`, a leaf within it.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Any, Literal, NoReturn, Self, final

__all__ = ["Signals", "TerminatedError"]

Phase = Literal["starting", "main", "stopping"]


class TerminatedError(KeyboardInterrupt):
    """SIGTERM or SIGHUP has come; event loops and the like let it pass as they do Ctrl-C."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@final
class Signals:
    """Handles the signals that end a process while it is entered, and then puts back what was there.

    While starting a signal is raised as an exception. In `main` Ctrl-C is what it always is in Python, so that event
    loops may handle it in their own way; the others are handed to what handles Ctrl-C there, such as a loop that runs,
    or else raised. While stopping the first is only noted, since
    everything is being torn down anyway. One that comes after another while starting or stopping ends the process at
    once, after one line that says so. In `main` any number may come: they are the application's affair.
    """

    def __init__(self, unfinished: str = "; teardown is left unfinished") -> None:
        self._last_words = f"hyperion: stopped by a second signal{unfinished}\n".encode()
        self.phase: Phase = "starting"
        self.received: int | None = None
        self._before: dict[int, Any] = {}
        self._process = os.getpid()

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", None)):
            # What is ignored stays so: a job in the background, nohup.
            if number is None or signal.getsignal(number) is signal.SIG_IGN:
                continue
            try:
                self._before[number] = signal.signal(number, self._handle)
            except ValueError:  # not the main thread: signals are not ours to handle
                break
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def enter(self, phase: Phase) -> None:
        """Goes on to the next phase, with handlers that the application may have exchanged put back."""
        self.phase = phase
        for number in self._before:
            plain = phase == "main" and number == signal.SIGINT
            signal.signal(number, signal.default_int_handler if plain else self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:  # a forked child: what the parent had before holds for it
            signal.signal(number, self._before[number] or signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        if self.received is not None and self.phase != "main":
            self._end_at_once(number)
        self.received = number
        if self.phase == "stopping":
            return
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        loops = signal.getsignal(signal.SIGINT) if self.phase == "main" else None
        if callable(loops) and loops not in (signal.default_int_handler, self._handle):
            # Raised inside of a loop it could cost a step of a task, which then never ends.
            loops(signal.SIGINT, frame)
        else:
            raise TerminatedError(number)

    def number_of(self, interrupt: KeyboardInterrupt) -> int:
        """Which signal it was that has been raised as an exception."""
        if isinstance(interrupt, TerminatedError):
            return interrupt.number
        return self.received if self.received is not None else signal.SIGINT

    def _end_at_once(self, number: int) -> NoReturn:
        try:
            if sys.__stderr__ is not None:  # without one, its number may be that of a file of the application
                os.write(sys.__stderr__.fileno(), self._last_words)
        except (OSError, ValueError):
            pass
        finally:
            os._exit(128 + number)
