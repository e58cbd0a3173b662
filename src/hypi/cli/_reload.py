"""`hyperion run --reload`: the application runs in a process of its own, and starts anew when a source changes.

The process that watches imports nothing of the application. The one that runs it says, before it imports anything, which
files are its sources and what they are like: so no change is missed, whenever it comes.

Layer: `hypi.cli`, above `_child`, `_sources` and `_watch`.
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import closing, suppress
from importlib.util import cache_from_source
from typing import Any, final

from hypi.cli._options import WATCHER, refuses
from hypi.cli._output import FAILED, WRONG, say
from hypi.cli._sources import Seen, Sources, sources_of

__all__ = ["reload", "report_sources"]

_TICK = 0.05  # seconds between two looks at signals and the application's process
_END_LIMIT = 10.0  # for its teardown

Watcher = Callable[..., Generator[Any, None, None]]


def reload(options: argparse.Namespace) -> int:
    """Runs an application, again and again, until a signal ends it."""
    if refuses(options.file):
        return WRONG
    try:
        from watchfiles import watch
    except ImportError as error:
        say(f"hyperion: --reload needs watchfiles ({error}): pip install 'hyperion-runtime[reload]'")
        return FAILED
    from hypi.cli._child import open_standard_files

    open_standard_files()
    # They are asked for, and interrupt nothing. What is ignored stays so.
    numbers = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    numbers = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    application = _Application(_command(options.words), options.file, numbers)
    try:
        return _watched(application, watch)
    finally:
        application.stop()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _watched(application: _Application, watch: Watcher) -> int:
    application.start()
    say(f"hyperion: watching {len(application.seen)} files; a change of one starts the application anew")
    while True:
        try:
            changed = _change(application, watch)
        except FileNotFoundError:  # a folder has just gone: look again
            continue
        except (OSError, RuntimeError) as error:
            say(
                f"hyperion: the sources cannot be watched: {error}; WATCHFILES_FORCE_POLLING=1 in the environment "
                "looks at them again and again instead"
            )
            return FAILED
        if application.received is not None:
            return application.status()
        say(f"hyperion: {_names(changed)} changed: the application starts anew")
        application.stop()
        if application.received is not None:
            return application.status()
        application.start()


def _change(application: _Application, watch: Watcher) -> list[str]:
    """Waits for a change, and returns what has changed; nothing if a signal has ended the application."""
    while True:
        _, folders = application.sources.look()
        with closing(
            watch(
                *folders,
                watch_filter=None,
                recursive=False,
                debounce=400,
                rust_timeout=int(_TICK * 1000),
                yield_on_timeout=True,
                ignore_permission_denied=True,
            )
        ) as events:
            is_due = True  # what came before it is watched is seen at once
            for event in events:
                if application.has_been_ended():
                    return []
                is_due = is_due or bool(event)
                if not is_due or application.received is not None:
                    continue
                is_due = False
                seen, now = application.sources.look()
                changed = _differing(application.seen, seen)
                if changed:
                    return changed
                if now != folders:  # there is one more
                    break


def _differing(one: Seen, other: Seen) -> list[str]:
    return [file for file in {**one, **other} if one.get(file) != other.get(file)]


def _names(files: list[str]) -> str:
    """The first of some files, as one would name it from here, and how many there are."""
    here = os.path.join(os.getcwd(), "")
    others = len(files) - 1
    return (
        f"{files[0].removeprefix(here)} has"
        if not others
        else f"{files[0].removeprefix(here)} and {others} more have"
    )


def _forget_bytecode(files: Iterable[str]) -> None:
    """Removes what was compiled of files: Python takes it for a file of the same size and the same second."""
    for file in files:
        with suppress(OSError, NotImplementedError):
            os.unlink(cache_from_source(file))


def _command(words: list[str]) -> list[str]:
    """The command line of this process without `--reload`."""
    given = sys.argv[1:]
    own = ["-P", "-m", "hypi"]
    if given and given[: len(words)] == words and sys.orig_argv[-len(given) :] == given:
        own = sys.orig_argv[1 : -len(given)]
    else:
        given = words
    end = given.index("--") if "--" in given else len(given)
    kept = [word for word in given[:end] if word != "--reload"]
    return [sys.executable, *own, *kept, *given[end:]]


@final
class _Application:
    """The process that runs the application, one after the other.

    - `sources`, `seen`: where its sources are, and what they were like before it imported anything.
    - `received`: the signal that has come, and is to end it; one that it has survived for long does not count.
    """

    def __init__(self, command: list[str], file: str, numbers: list[signal.Signals]) -> None:
        self.sources = sources_of(file, ())
        self.seen: Seen = {}
        self.received: int | None = None
        self._received_at = 0.0
        self._command = command
        self._numbers = numbers
        self._process: subprocess.Popen[bytes] | None = None
        self._held = -1
        self._is_told = False
        self._is_stopping = False
        self._has_own_group = False

    def start(self) -> None:
        """Starts the process, and waits until it has said what its sources are."""
        before = self.sources.look()[0]
        if self.seen:
            _forget_bytecode(_differing(self.seen, before))  # also of what has changed during the teardown
        reader, report_to = os.pipe()
        lifeline, self._held = os.pipe()
        self._is_told = self._is_stopping = False
        # One that may read the terminal gets its Ctrl-C too. Any other gets signals from here, and each once.
        self._has_own_group = not _is_in_foreground()
        request = {"report_to": report_to, "lifeline": lifeline, "signals": self._numbers}
        try:
            self._process = subprocess.Popen(
                self._command,
                env={**os.environ, WATCHER: json.dumps(request)},
                pass_fds=(report_to, lifeline),
                process_group=0 if self._has_own_group else None,
            )
        finally:
            os.close(report_to)
            os.close(lifeline)
        self._read(reader, before)

    def _read(self, reader: int, before: Seen) -> None:
        data = b""
        with open(reader, "rb", buffering=0) as file, selectors.DefaultSelector() as selector:
            selector.register(file, selectors.EVENT_READ)
            while True:
                self._take_signals()
                if selector.select(_TICK):
                    more = os.read(reader, 65536)
                    data += more
                    if not more:
                        break
        self.seen = before
        with suppress(ValueError):  # it ended before
            report = json.loads(data)
            self.sources = Sources.of_json(report["sources"]).or_gone(self.sources)
            # What has changed since then is still to come: of that, bytecode may be left.
            self.seen = {file: before.get(file, tuple(state)) for file, state in report["seen"].items()}

    def has_been_ended(self) -> bool:
        """Whether a signal has come and the process has ended; tells of an end without one."""
        process = self._process
        assert process is not None
        status = process.poll()
        self._take_signals()
        if status is None:
            if time.monotonic() - self._received_at > _END_LIMIT:  # it has handled it
                self.received = None
            return False
        if self.received is None and not self._is_told:
            self._is_told = True
            how = f"with status {status}" if status >= 0 else f"by {_name_of(-status)}"
            say(f"hyperion: the application has ended {how}; a change of a file starts it anew")
        return self.received is not None

    def stop(self) -> None:
        """Ends the process as SIGTERM does, and waits for its teardown; not for ever."""
        process = self._process
        if process is None:
            return
        self._is_stopping = True
        if process.poll() is None:
            process.terminate()
        deadline = time.monotonic() + _END_LIMIT
        while process.poll() is None:
            self._take_signals()
            if time.monotonic() > deadline:
                say(
                    f"hyperion: the application did not end within {_END_LIMIT:g} s after SIGTERM, and is killed"
                )
                self._kill()
                deadline += _END_LIMIT
            with suppress(subprocess.TimeoutExpired):
                process.wait(_TICK)
        if self._held != -1:
            os.close(self._held)
            self._held = -1

    def status(self) -> int:
        """The exit status, after a signal."""
        assert self._process is not None
        assert self.received is not None
        status = self._process.returncode
        if self._is_told or self._is_stopping:  # it had ended, or was to
            return 128 + self.received
        return status if status >= 0 else 128 - status

    def _kill(self) -> None:
        assert self._process is not None
        with suppress(OSError):
            if self._has_own_group:
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()

    def _take_signals(self) -> None:
        """Notes signals that have come, and hands them to the process if it has not got them too."""
        while (pending := _pending(self._numbers)) is not None:
            number, is_of_terminal = pending
            is_first = self.received is None
            self.received, self._received_at = number, time.monotonic()
            if is_of_terminal and not self._has_own_group:
                continue
            if self._is_stopping and is_first:  # it is being torn down already
                continue
            if self._process is not None and self._process.poll() is None:
                self._process.send_signal(number)


def _pending(numbers: list[signal.Signals]) -> tuple[int, bool] | None:
    """A signal that has come, and whether it is one that a terminal sends to all of a group."""
    if hasattr(signal, "sigtimedwait"):
        info = signal.sigtimedwait(numbers, 0)
        return (info.si_signo, info.si_code > 0) if info is not None else None
    came = signal.sigpending() & set(numbers)
    if not came:
        return None
    number = signal.sigwait(came)
    return number, number == signal.SIGINT


def _is_in_foreground() -> bool:
    """Whether this process may read the terminal that it has."""
    try:
        with open("/dev/tty", "rb", buffering=0) as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False


def _name_of(number: int) -> str:
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"


# In the process of the application.


def report_sources(text: str, options: argparse.Namespace) -> None:
    """Tells the process that watches what the sources are and what they are like, and takes signals from now on."""
    from hypi.app._application import modules_of
    from hypi.cli._watch import hold_on_to

    request = json.loads(text)
    hold_on_to(request["lifeline"], process=os.getpid(), number=signal.SIGTERM)
    modules: list[str] = []
    with suppress(Exception):  # it is told in a moment
        modules = modules_of(options.file, settings=options.settings, groups=options.groups)
    # The runtime is no source of the application, whatever extension it brings.
    sources = sources_of(options.file, [each for each in modules if each.partition(".")[0] != "hycore"])
    report = {"sources": sources.as_json(), "seen": sources.look()[0]}
    with suppress(OSError), open(request["report_to"], "wb") as file:
        file.write(json.dumps(report).encode())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, request["signals"])
