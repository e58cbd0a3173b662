"""Messages on a terminal, through rich or without."""

from __future__ import annotations

import io
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from hycore import InstanceContext, hyerror, hyinfo
from hycore.base.api import ApplicationInfo, InstanceCreateInfo, VersionInfo
from hycore.ext.hylog import LogCreateInfoEXT, LogPluginEXT
from hypi.ext import terminal
from hypi.ext.terminal import to_terminal

PLAIN = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} ERROR .*: failed\n")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What stands on standard error after an instance has logged there."""
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)

    def told(stream: Any, log: Callable[[InstanceContext], None]) -> str:
        monkeypatch.setattr(sys, "stderr", stream)
        version = VersionInfo(1)
        info = InstanceCreateInfo(
            ApplicationInfo("test", version, "Engine", version),
            [LogPluginEXT.NAME],
            ext=[LogCreateInfoEXT("ERROR", to_terminal)],
        )
        with InstanceContext.create(info) as instance:
            log(instance)
            failures = instance.require_plugin_ext(LogPluginEXT).failures
        assert failures == 0
        return "" if stream is None else str(stream.getvalue())

    return told


def fail(instance: InstanceContext) -> None:
    hyinfo(instance, "below the level")
    hyerror(instance, "failed")


def without_colours(text: str) -> str:
    return re.sub("\x1b\\[[0-9;]*m", "", text)


def test_a_line_in_colours(told: Callable[..., str]) -> None:
    """Time, level, module and text; markup is text, and what would control the terminal is shown."""
    pytest.importorskip("rich", reason="rich is not installed: the lines are those of to_stderr")
    nasty = "[red]x[/red] :smile: \x1b[2J\x07\x85" + " long" * 50
    text = told(Terminal(), lambda instance: hyerror(instance, nasty))
    assert "\x1b[1;31m ERROR \x1b[0m" in text
    line = rf"\d\d:\d\d:\d\d\.\d{{3}} ERROR {re.escape(__name__)}: "
    shown = re.escape(nasty.replace("\x1b", "\\x1b").replace("\x07", "\\x07").replace("\x85", "\\x85"))
    assert re.fullmatch(line + shown + "\n", without_colours(text))


def test_a_long_text_takes_no_long_time(told: Callable[..., str]) -> None:
    """Values are set off in a short one only: to look for them in this one takes minutes."""
    pytest.importorskip("rich", reason="rich is not installed: the lines are those of to_stderr")
    before = time.monotonic()
    text = told(Terminal(), lambda instance: hyerror(instance, "1" * 100_000))
    assert time.monotonic() - before < 5
    assert without_colours(text).endswith(f": {'1' * 100_000}\n")
    assert "\x1b[1;36m42\x1b[0m" in told(Terminal(), lambda instance: hyerror(instance, "42"))


def test_a_traceback_is_set_off(told: Callable[..., str]) -> None:
    """Below its line, whole."""
    pytest.importorskip("rich", reason="rich is not installed: the lines are those of to_stderr")

    def log(instance: InstanceContext) -> None:
        try:
            1 / 0
        except ZeroDivisionError as error:
            hyerror(instance, "failed", exc=error)

    lines = without_colours(told(Terminal(), log)).splitlines()
    assert lines[0].endswith(": failed")
    assert lines[1].rstrip() == "Traceback (most recent call last):"
    assert lines[-1].rstrip() == "ZeroDivisionError: division by zero"


def test_what_is_standard_error_now_gets_it(told: Callable[..., str]) -> None:
    """It may be exchanged while the process runs."""
    assert ": failed\n" in without_colours(told(Terminal(), fail))
    assert ": failed\n" in without_colours(told(Terminal(), fail))


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_writes_too(told: Callable[..., str]) -> None:
    """Though another thread was writing at the moment of the fork."""
    pytest.importorskip("rich", reason="rich is not installed: the lines are those of to_stderr")
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        assert terminal._last is not None
        with terminal._last[-1]._lock:
            held.set()
            done.wait(20)

    def log(instance: InstanceContext) -> None:
        hyerror(instance, "failed")
        thread = threading.Thread(target=hold)
        thread.start()
        held.wait(10)
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(5)  # it ends by this if it hangs
            hyerror(instance, "failed")
            os._exit(0)
        statuses.append(os.waitpid(child, 0)[1])
        done.set()
        thread.join(10)

    statuses: list[int] = []
    told(Terminal(), log)
    assert statuses == [0]


def test_without_a_terminal_the_lines_are_plain(told: Callable[..., str]) -> None:
    """As those of `to_stderr`."""
    assert PLAIN.fullmatch(told(io.StringIO(), fail))


def test_with_no_color_the_lines_are_plain(told: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of `to_stderr`, which looks at it too."""
    monkeypatch.setenv("NO_COLOR", "1")
    assert PLAIN.fullmatch(told(Terminal(), fail))


def test_without_rich_the_lines_are_those_of_to_stderr(
    told: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing fails; the level is coloured."""
    monkeypatch.setattr("hypi.ext.terminal._last", None)
    monkeypatch.setitem(sys.modules, "rich.console", None)
    text = told(Terminal(), fail)
    assert "\x1b[31mERROR\x1b[0m" in text
    assert PLAIN.fullmatch(without_colours(text))


def test_without_standard_error_nothing_happens(told: Callable[..., str]) -> None:
    """A windowed application has none."""
    assert told(None, fail) == ""


def test_rich_is_imported_when_it_is_used() -> None:
    """Not with the callback, and not where there is no terminal."""
    import subprocess

    code = (
        "import sys; from hypi.ext.terminal import to_terminal; from hycore.log import LogMessageEXT, LogLevelEXT; "
        "from datetime import datetime, UTC; to_terminal(LogMessageEXT(level=LogLevelEXT.INFO, "
        "timepoint=datetime.now(UTC), message='', module='', file='', line=1, thread_name='', function='')); "
        "sys.exit('rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], check=False, stderr=subprocess.PIPE)
    assert done.returncode == 0
