"""The logger extension: found, configured and torn down as any other plugin (section 7)."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from hycore import InstanceContext, OpaqueList, hyerror, hyinfo, load_plugin_by_name
from hycore.base.api import ApplicationInfo, InstanceCreateInfo, VersionInfo
from hycore.ext import default_inventory
from hycore.ext.hylog import JsonLines, LogCreateInfoEXT, LogLevelEXT, LogMessageEXT, LogPluginEXT
from hycore.magic import HYPERION_LOGGER_NAME_EXT, HYPERION_LOGGER_UUID_EXT
from hycore.utils.error import ArgumentTypeError, ArgumentValueError, PluginFailedError


def create(*ext: object) -> InstanceContext:
    version = VersionInfo(1)
    info = InstanceCreateInfo(
        ApplicationInfo("test", version, "Engine", version), [HYPERION_LOGGER_NAME_EXT], ext=ext
    )
    return InstanceContext.create(info)


def test_it_is_installed_like_any_other() -> None:
    """An entry point of our own distribution; its module is imported when it is enabled."""
    entry = default_inventory.find(HYPERION_LOGGER_NAME_EXT)
    assert (entry.target, entry.distribution) == ("hycore.ext.hylog:LogPluginEXT", "hyperion-runtime")
    assert entry.load().uuid == HYPERION_LOGGER_UUID_EXT
    plugin = load_plugin_by_name(HYPERION_LOGGER_NAME_EXT, OpaqueList())
    assert type(plugin) is LogPluginEXT


def test_the_callback_gets_what_reaches_the_level() -> None:
    """Both come from the configuration."""
    texts: list[str] = []
    with create(
        LogCreateInfoEXT(LogLevelEXT.WARN, lambda message: texts.append(message.message))
    ) as instance:
        hyinfo(instance, "low")
        hyerror(instance, "high")
    assert texts == ["high"]


def test_it_puts_back_what_was_in_the_slots(world: Any) -> None:
    """Whoever filled them before has them again afterwards."""
    seen: list[object] = []
    mine: list[LogMessageEXT] = []

    def fill(plugin: Any) -> None:
        plugin.instance.ext.log_level = LogLevelEXT.ERROR
        plugin.instance.ext.log_callback = plugin.callback = mine.append

    def look(plugin: Any) -> None:
        state = plugin.instance.ext
        seen.append((state.log_callback is plugin.callback, state.log_level))

    world.plugin("first", {"initialize": fill, "teardown": look})
    world.inventory.submit(LogPluginEXT)
    other: list[LogMessageEXT] = []
    create_info = LogCreateInfoEXT(callback=other.append)
    with world.create(["first", HYPERION_LOGGER_NAME_EXT], ext=[create_info]) as instance:
        hyinfo(instance, "for the other")
    assert seen == [(True, LogLevelEXT.ERROR)]
    assert mine == []
    assert "for the other" in [message.message for message in other]


def test_a_callback_that_is_false_is_a_callback() -> None:
    """A list that can be called, and is empty."""

    class Collected(list[str]):
        def __call__(self, message: LogMessageEXT) -> None:
            self.append(message.message)

    collected = Collected()
    with create(LogCreateInfoEXT(callback=collected)) as instance:
        hyinfo(instance, "text")
    assert "text" in collected


def test_json_lines_that_come_after_the_end_are_dropped(tmp_path: Path) -> None:
    """A thread may log while the file is closed."""
    lines = JsonLines(str(tmp_path / "log.jsonl"))
    messages: list[LogMessageEXT] = []
    with create(LogCreateInfoEXT(callback=messages.append)) as instance:
        hyinfo(instance, "text")
    lines(messages[0])
    lines.close()
    lines(messages[0])
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 1


def test_failures_of_the_callback_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them, and the first is reported; neither the host nor the teardown is disturbed."""
    reported: list[BaseException] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: reported.append(args.exc_value))

    def broken(message: LogMessageEXT) -> None:
        raise ValueError("broken")

    with create(LogCreateInfoEXT(callback=broken)) as instance:
        plugin = instance.require_plugin_ext(LogPluginEXT)
        before = plugin.failures
        hyinfo(instance, "text")
        assert plugin.failures == before + 1
    assert len(reported) == 1
    assert plugin.failures == before + 1


def test_failures_before_and_after_a_logger_are_not_its_own(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A logger counts those that come while it is up."""
    reported: list[BaseException] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: reported.append(args.exc_value))

    def fill(plugin: Any) -> None:
        def broken(message: LogMessageEXT) -> None:
            raise ValueError("broken")

        hyinfo(plugin.instance, "early")
        plugin.instance.ext.log_callback = broken

    world.plugin("first", {"initialize": fill, "teardown": lambda plugin: hyinfo(plugin.instance, "late")})
    world.inventory.submit(LogPluginEXT)
    create_info = LogCreateInfoEXT(callback=lambda message: None)
    with world.create(["first", HYPERION_LOGGER_NAME_EXT], ext=[create_info]) as instance:
        assert instance.ext.failures > 0
        plugin = instance.require_plugin_ext(LogPluginEXT)
        so_far = instance.ext.failures
    assert instance.ext.failures == so_far + 1
    assert plugin.failures == 0
    assert len(reported) == 2  # the callback was put back: it is a new one


def test_readable_lines_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """The default output: time, level, module, text, and the exception below."""
    with create() as instance:
        hyerror(instance, "failed", exc=ValueError("no"))
    captured = capsys.readouterr()
    assert captured.out == ""
    line = rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{{3}} ERROR {re.escape(__name__)}: failed\nValueError: no\n"
    assert re.search(line, captured.err)


def test_colours_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not where `NO_COLOR` is set."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for no_color, coloured in (("", True), ("1", False)):
        terminal = Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setenv("NO_COLOR", no_color)
        create().close()
        assert ("\x1b[32mINFO \x1b[0m" in terminal.getvalue()) is coloured


def test_records_for_logging(caplog: pytest.LogCaptureFixture) -> None:
    """With their own time, place, thread and level."""
    with caplog.at_level(5), create(LogCreateInfoEXT(LogLevelEXT.TRACE, output="logging")) as instance:
        hyerror(instance, "failed {}", 3, exc=ValueError("no"))
    record = next(record for record in caplog.records if record.name == __name__)
    assert (record.levelno, record.getMessage(), record.pathname) == (logging.ERROR, "failed 3", __file__)
    assert record.funcName == "test_records_for_logging"
    assert record.exc_text == "ValueError: no"
    assert {record.levelno for record in caplog.records} == {5, logging.INFO, logging.ERROR}


def test_json_lines(tmp_path: Path) -> None:
    """One object per line, appended; the file is closed with the instance."""
    path = tmp_path / "log.jsonl"
    for _ in range(2):
        with create(LogCreateInfoEXT(LogLevelEXT.WARN, output={"json": str(path)})) as instance:
            hyerror(instance, "gr\u00fc\u00dfe \udc80", exc=ValueError("no"))
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert len(lines) == 2
    assert list(lines[0]) == [
        "level", "timepoint", "message", "module", "file", "line", "thread_name", "function", "exception",
    ]  # fmt: skip
    assert (lines[0]["level"], lines[0]["message"]) == ("ERROR", "gr\u00fc\u00dfe \udc80")


def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    """As a failure of the plugin, with the path."""
    path = tmp_path / "missing" / "log.jsonl"
    with pytest.raises(PluginFailedError, match=r"failed in initialize: FileNotFoundError: .*log\.jsonl"):
        create(LogCreateInfoEXT(output={"json": str(path)}))


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (
            {"level": "LOUD"},
            ArgumentValueError,
            "level must be one of TRACE, DEBUG, INFO, WARN, ERROR, not 'LOUD'",
        ),
        (
            {"level": 9},
            ArgumentValueError,
            "level must be a LogLevelEXT, one of TRACE, DEBUG, INFO, WARN, ERROR, not 9",
        ),
        (
            {"level": None},
            ArgumentTypeError,
            "level must be a LogLevelEXT, one of TRACE, DEBUG, INFO, WARN, ERROR, not None",
        ),
        (
            {"callback": 3},
            ArgumentTypeError,
            "callback must be a callable that takes a LogMessageEXT, or None, not int",
        ),
        (
            {"output": "logging", "callback": print},
            ArgumentValueError,
            "output must be left out where there is a callback, not 'logging'",
        ),
        (
            {"output": "stdout"},
            ArgumentValueError,
            'output must be "stderr", "logging" or {"json": "PATH"}, not \'stdout\'',
        ),
        (
            {"output": {"jsn": "x"}},
            ArgumentValueError,
            'output must be "stderr", "logging" or {"json": "PATH"}, not {\'jsn\': \'x\'}',
        ),
    ],
)
def test_misuse_is_told(arguments: dict[str, Any], error: type[Exception], text: str) -> None:
    """With what is expected."""
    with pytest.raises(error) as caught:
        LogCreateInfoEXT(**arguments)
    assert str(caught.value) == text


def test_levels_by_name_and_number() -> None:
    """`"debug"`, 1 and the member are the same."""
    assert LogCreateInfoEXT("debug") == LogCreateInfoEXT(1) == LogCreateInfoEXT(LogLevelEXT.DEBUG)
    assert "level=DEBUG" in repr(LogCreateInfoEXT("debug"))
