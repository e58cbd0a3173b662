"""Messages that become records of `logging`, records that become messages, and files of JSON lines (section 7)."""

from __future__ import annotations

import errno
import json
import logging
import logging.handlers
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import uuid
import weakref
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hycore import InstanceContext, PluginEXT, hydebug, hyerror, hyinfo, hytrace
from hycore.base.api import ApplicationInfo, InstanceCreateInfo, VersionInfo
from hycore.ext import Inventory
from hycore.ext.hylog import JsonLines, LogCreateInfoEXT, LogLevelEXT, LogMessageEXT, LogPluginEXT, to_logging
from hycore.ext.hylogging import LoggingCreateInfoEXT, LoggingPluginEXT, _loggers
from hycore.utils.error import ArgumentTypeError, ArgumentValueError, PluginFailedError
from hypi.api import InstanceEXT
from hypi.api.ext import hylogging as validated
from hypi.app import ApplicationFileError, load_application

LOGGER, LOGGING = LogPluginEXT.NAME, LoggingPluginEXT.NAME
Sink = list[LogMessageEXT]


def create(
    *ext: object, enabled: tuple[str, ...] = (LOGGER,), inventory: Inventory | None = None
) -> InstanceContext:
    version = VersionInfo(1)
    info = InstanceCreateInfo(ApplicationInfo("test", version, "Engine", version), enabled, ext=ext)
    return InstanceContext.create(info, inventory=inventory)


class Records(logging.Handler):
    """Keeps what it handles."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def records() -> Iterator[list[logging.LogRecord]]:
    """What the logger of this module handles, from TRACE on."""
    handler = Records()
    logger = logging.getLogger(__name__)
    logger.addHandler(handler)
    logger.setLevel(1)
    yield handler.records
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """A logger of its own, below one of its own; nothing is left of them."""
    name = f"above_{uuid.uuid4().hex}"
    logging.getLogger(name)
    logger = logging.getLogger(f"{name}.below")
    yield logger
    for each in (name, logger.name):
        assert logging.getLogger(each).handlers == []
        del logging.Logger.manager.loggerDict[each]


# Messages become records.


def test_a_record_is_as_if_its_logger_had_made_it(records: list[logging.LogRecord]) -> None:
    """In every field that a record of this version of Python has; the exception is there as text."""
    logger = logging.getLogger(__name__)

    class Inner:
        def log_both(self) -> None:
            for log in (logger.info, partial(hyinfo, instance)):
                log("text with %d and {}")

    with create(LogCreateInfoEXT(output="logging")) as instance:
        worker = threading.Thread(target=Inner().log_both, name="worker")
        worker.start()
        worker.join(10)
        worker = threading.Thread(target=lambda: hyinfo(instance, "in a lambda"))
        worker.start()
        worker.join(10)
    theirs, ours, in_lambda = records
    assert in_lambda.funcName == "<lambda>"
    facts, wanted = dict(vars(ours)), dict(vars(theirs))
    assert facts.pop("_hyperion") is True
    later = ("created", "msecs", "relativeCreated")
    assert {key: value for key, value in facts.items() if key not in later} == {
        key: value for key, value in wanted.items() if key not in later
    }
    assert [type(facts[key]) for key in later] == [type(wanted[key]) for key in later]
    assert 0 <= ours.created - theirs.created < 5
    assert ours.relativeCreated - theirs.relativeCreated == pytest.approx(
        (ours.created - theirs.created) * 1000, abs=0.01
    )
    assert ours.msecs == int(datetime.fromtimestamp(ours.created, UTC).microsecond / 1000)


def test_an_early_record_has_the_time_and_thread_of_its_message(records: list[logging.LogRecord]) -> None:
    """Not those of its delivery, which is later and elsewhere; a thread that is gone has no number."""

    class Early(PluginEXT):
        UUID = uuid.uuid4()
        NAME = "early"
        DESCRIPTION = "Logs from two threads before there is a logger"

        def initialize(self) -> None:
            self.goes_on = threading.Event()
            self.defer(self.goes_on.set)
            for name in ("gone", "there"):
                thread = threading.Thread(target=self.log, args=(name,), name=name)
                thread.start()
                self.logged.wait(10)
                self.logged.clear()
                if name == "gone":
                    thread.join(10)
            self.there = thread

        def __init__(self) -> None:
            self.logged = threading.Event()

        def log(self, name: str) -> None:
            hyinfo(self.instance, name)
            self.logged.set()
            if name == "there":
                self.goes_on.wait(10)

    inventory = Inventory(group=None)
    inventory.submit(Early)
    inventory.submit(LogPluginEXT)
    before = time.time()
    with create(
        LogCreateInfoEXT(output="logging"), enabled=("early", LOGGER), inventory=inventory
    ) as instance:
        there = instance.require_plugin_ext(Early).there
        gone, still = [record for record in records if record.funcName == "log"]
    assert (gone.threadName, gone.thread) == ("gone", 0)
    assert (still.threadName, still.thread) == ("there", there.ident)
    assert before - 0.001 <= gone.created <= still.created
    there.join(10)


def test_a_record_has_the_time_of_its_message(records: list[logging.LogRecord]) -> None:
    """In all three fields, whenever it is delivered."""
    moment = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
    to_logging(one(module=__name__, timepoint=moment.astimezone()))
    (record,) = records
    assert (record.created, record.msecs) == (moment.timestamp(), 678.0)
    start = logging._startTime / 1e9 if sys.version_info >= (3, 13) else logging._startTime  # type: ignore[attr-defined]
    assert record.relativeCreated == pytest.approx((moment.timestamp() - start) * 1000, abs=1)


@pytest.mark.parametrize(
    ("function", "number", "name"), [(hytrace, 5, "TRACE"), (hydebug, 10, "DEBUG"), (hyerror, 40, "ERROR")]
)
def test_levels_of_records(
    records: list[logging.LogRecord], function: Callable[..., None], number: int, name: str
) -> None:
    """TRACE has a name, though `logging` knows none for 5."""
    with create(LogCreateInfoEXT(0, output="logging")) as instance:
        function(instance, "text")
    assert [(record.levelno, record.levelname) for record in records] == [(number, name)]


def test_a_name_that_the_host_has_for_5_stays(records: list[logging.LogRecord]) -> None:
    """`logging.addLevelName` is for the whole process."""
    logging.addLevelName(5, "FINE")
    try:
        with create(LogCreateInfoEXT(0, output="logging")) as instance:
            hytrace(instance, "text")
    finally:
        logging._levelToName.pop(5)
        logging._nameToLevel.pop("FINE")
    assert records[0].levelname == "FINE"


def test_levels_filters_and_propagation_are_those_of_the_loggers(records: list[logging.LogRecord]) -> None:
    """As for any other record."""
    above = Records()
    logger = logging.getLogger(__name__)
    logging.getLogger("tests_of_bridges").addHandler(above)
    logging.getLogger().addHandler(above)
    try:
        with create(LogCreateInfoEXT(0, output="logging")) as instance:
            logger.setLevel(logging.INFO)
            hydebug(instance, "below the level")
            hyinfo(instance, "first")
            logger.propagate = False
            hyinfo(instance, "second")
            logger.addFilter(lambda record: record.getMessage() != "third")
            hyinfo(instance, "third")
            logger.disabled = True
            hyinfo(instance, "fourth")
            logger.disabled = False
            logging.disable(logging.INFO)
            hyinfo(instance, "fifth")
    finally:
        logging.disable(logging.NOTSET)
        logger.propagate, logger.disabled = True, False
        logger.filters.clear()
        logging.getLogger().removeHandler(above)
        logging.getLogger("tests_of_bridges").removeHandler(above)
    assert [record.getMessage() for record in records] == ["first", "second"]
    assert [record.getMessage() for record in above.records if record.name == __name__] == ["first"]


def test_formatters_show_the_exception(records: list[logging.LogRecord]) -> None:
    """The standard one, one that goes by `exc_info` first, and what a queue makes of it."""
    with create(LogCreateInfoEXT(output="logging")) as instance:
        hyerror(instance, "failed", exc=ValueError("no"))
    (record,) = records
    assert (record.exc_info, record.exc_text, record.args) == (None, "ValueError: no", ())
    assert logging.Formatter("%(message)s").format(record) == "failed\nValueError: no"
    assert (
        logging.Formatter("{funcName} {thread:d}", style="{")
        .format(record)
        .startswith("test_formatters_show")
    )

    class Own(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            text = self.formatException(record.exc_info) if record.exc_info else record.exc_text
            return json.dumps({"text": record.getMessage(), "exception": text})

    assert json.loads(Own().format(record)) == {"text": "failed", "exception": "ValueError: no"}
    waiting: queue.Queue[Any] = queue.Queue()
    logging.handlers.QueueHandler(waiting).handle(record)
    assert waiting.get_nowait().getMessage() == "failed\nValueError: no"


# Records become messages.


def texts(sink: Sink) -> list[str]:
    return [message.message for message in sink if message.module.startswith(("above_", __name__))]


def collecting(sink: Sink, logger: logging.Logger, level: Any = None, **more: Any) -> InstanceContext:
    return create(
        LogCreateInfoEXT(0, sink.append),
        LoggingCreateInfoEXT([logger.name], level, **more),
        enabled=(LOGGER, LOGGING),
    )


def test_a_message_has_all_that_its_record_has(logger: logging.Logger) -> None:
    """Level, time, place, thread and exception."""
    sink: Sink = []
    kept = Records()
    logger.addHandler(kept)
    with collecting(sink, logger):
        try:
            1 / 0
        except ZeroDivisionError:
            logger.exception("failed %d", 3)
    logger.removeHandler(kept)
    (record,) = kept.records
    (message,) = [message for message in sink if message.module == logger.name]
    assert (message.level, message.message, message.module) == (LogLevelEXT.ERROR, "failed 3", logger.name)
    assert (message.file, message.line, message.function) == (__file__, record.lineno, record.funcName)
    assert message.thread_name == record.threadName
    assert message.timepoint.timestamp() == pytest.approx(record.created, abs=2e-6)
    assert message.timepoint.utcoffset() == datetime.now().astimezone().utcoffset()
    assert message.exception is not None
    assert message.exception.startswith("Traceback (most recent call last):\n")
    assert message.exception.endswith("\nZeroDivisionError: division by zero")


@pytest.mark.parametrize(
    ("number", "level"),
    [(1, 0), (5, 0), (9, 0), (10, 1), (19, 1), (20, 2), (25, 2), (30, 3), (40, 4), (50, 4), (99, 4)],
)
def test_levels_of_messages(logger: logging.Logger, number: int, level: int) -> None:
    """The highest that is not above that of the record; all that is below DEBUG is TRACE."""
    sink: Sink = []
    with collecting(sink, logger, LogLevelEXT.TRACE):
        logger.log(number, "text")
    assert [message.level for message in sink if message.module == logger.name] == [level]


def test_what_a_record_lacks_and_what_it_has_beside(logger: logging.Logger) -> None:
    """Wrong arguments cost no message; a stack and an exception that is text only stand in it."""
    sink: Sink = []

    class Broken:
        def __str__(self) -> str:
            raise ValueError("no words")

    with collecting(sink, logger, propagate=False):  # pytest's own handler raises what a record does
        logger.warning("loaded %d", "x")
        logger.warning("%(a)d", {"b": 1})
        logger.warning(Broken())
        logger.warning("stack", stack_info=True)
        logger.warning("none", exc_info=True)  # noqa: LOG014  there is none
        logger.handle(
            logging.makeLogRecord({"name": logger.name, "levelno": 30, "msg": "bare", "exc_text": "was"})
        )
    found = [message for message in sink if message.module == logger.name]
    assert [message.message for message in found][3:] == ["stack", "none", "bare"]
    assert (
        found[0].message
        == "loaded %d ('x') [not formatted: TypeError: %d format: a real number is required, not str]"
    )
    assert found[1].message == "%(a)d ({'b': 1}) [not formatted: KeyError: 'a']"
    assert "whose text cannot be read: ValueError: no words" in found[2].message
    assert str(found[3].exception).startswith("Stack (most recent call last):\n")
    assert found[4].exception is None
    assert (found[5].exception, found[5].function) == ("was", "?")


def test_a_record_from_elsewhere_disturbs_nobody(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that lacks what records have is a message all the same; of one that cannot be, `logging` tells."""
    sink: Sink = []
    facts = {"name": None, "msg": "text", "levelno": 30, "pathname": None, "exc_info": True, "exc_text": 3}
    with collecting(sink, logger, propagate=False):
        logger.handle(logging.makeLogRecord(facts))
        logger.handle(logging.makeLogRecord({**facts, "exc_info": ValueError("no")}))
        logger.handle(logging.makeLogRecord({**facts, "created": float("nan")}))
    first, second = [message for message in sink if message.module == "?"]
    assert (first.file, first.line, first.function, first.exception) == ("?", None, "?", "3")
    assert second.exception == "ValueError: no"
    assert "--- Logging error ---" in capsys.readouterr().err


def test_a_claim_that_another_thread_begins_has_begun_when_it_returns() -> None:
    """The other thread has taken it, between two steps of this one, and is in the midst of it."""
    sets, asked, known = threading.Event(), threading.Event(), threading.Event()

    class Slow(logging.Logger):
        def setLevel(self, level: int | str) -> None:
            if level == 10:
                sets.set()
                (asked if self.name == "first" else known).wait(0.5)
            super().setLevel(level)

    root = logging.RootLogger(logging.WARNING)
    first, second = Slow("first"), Slow("second")
    first.manager = second.manager = logging.Manager(root)
    first.parent = second.parent = root
    claims: list[_loggers.Claim] = []
    levels: list[int] = []

    def pause(frame: Any, _event: str, _argument: object) -> Any:
        if frame.f_code is _loggers._settle.__code__ and _loggers._waiting and not asked.is_set():
            asked.set()
            sets.wait(5)
        return pause

    def claim(logger: logging.Logger, trace: Any = None) -> None:
        sys.settrace(trace)
        claims.append(_loggers.Claim(logger, 10, propagate=True))
        levels.append(second.level)
        sys.settrace(None)

    other = threading.Thread(target=claim, args=[first])
    other.start()
    assert sets.wait(5)
    sets.clear()
    this = threading.Thread(target=claim, args=[second, pause])
    this.start()
    this.join(5)
    known.set()
    other.join(5)
    for each in claims:
        each.end()
    assert levels == [10, 10]
    assert (first.level, second.level) == (0, 0)


def test_a_logger_that_refuses_a_level_is_no_matter_of_others() -> None:
    """Its class may do so: who asked for it is told, and nothing of that is left."""

    class Refuses(logging.Logger):
        def setLevel(self, level: int | str) -> None:
            if level == 10:
                raise ValueError("too much")
            super().setLevel(level)

    root = logging.RootLogger(logging.WARNING)
    refuses = Refuses("refuses")
    refuses.manager, refuses.parent = logging.Manager(root), root
    other = refuses.manager.getLogger("other")
    with pytest.raises(ValueError, match="too much"):
        _loggers.Claim(refuses, 10, propagate=False)
    claim = _loggers.Claim(other, 10, propagate=True)
    assert (refuses.level, refuses.propagate, other.level) == (0, True, 10)
    claim.end()
    assert other.level == 0


def test_below_the_level_of_the_instance_no_message_is_made(logger: logging.Logger) -> None:
    """Nor is the text of the record."""
    sink: Sink = []

    class Explosive:
        def __str__(self) -> str:
            raise AssertionError

    with create(
        LogCreateInfoEXT("ERROR", sink.append),
        LoggingCreateInfoEXT([logger.name], propagate=False),
        enabled=(LOGGER, LOGGING),
    ):
        logger.warning("%s", Explosive())
        logger.error("text")
    assert texts(sink) == ["text"]


def test_a_logger_lets_through_what_is_asked_for(logger: logging.Logger) -> None:
    """While the instance is up; without a level, what it lets through anyway."""
    sink: Sink = []
    logger.setLevel(logging.ERROR)
    with collecting(sink, logger):
        logger.warning("low")
    with collecting(sink, logger, "DEBUG"):
        assert logger.level == logging.DEBUG
        logger.debug("debug")
    assert logger.level == logging.ERROR
    logger.setLevel(logging.DEBUG)
    with collecting(sink, logger, "WARN"):
        assert logger.level == logging.DEBUG
        logger.info("not asked for")
        logger.warning("warn")
    logger.setLevel(logging.NOTSET)
    assert texts(sink) == ["debug", "warn"]


def test_propagation_goes_on_or_not(logger: logging.Logger) -> None:
    """As asked for, and afterwards as before."""
    assert logger.parent is not None
    above = Records()
    logger.parent.addHandler(above)
    sink: Sink = []
    with collecting(sink, logger):
        logger.warning("goes on")
    with collecting(sink, logger, propagate=False):
        logger.warning("ends here")
    logger.warning("after")
    logger.parent.removeHandler(above)
    assert texts(sink) == ["goes on", "ends here"]
    assert [record.getMessage() for record in above.records] == ["goes on", "after"]


@pytest.mark.parametrize("first", [0, 1])
def test_two_instances_leave_a_logger_as_it_was(logger: logging.Logger, first: int) -> None:
    """In whichever order they end; meanwhile it does what any of them needs."""
    logger.setLevel(logging.ERROR)
    sinks: tuple[Sink, Sink] = ([], [])
    instances = [
        collecting(sinks[0], logger, "DEBUG", propagate=False),
        collecting(sinks[1], logger, "INFO"),
    ]
    logger.debug("debug")
    assert (logger.level, logger.propagate) == (logging.DEBUG, False)
    instances[first].close()
    assert (logger.level, logger.propagate) == (
        (logging.INFO, True) if first == 0 else (logging.DEBUG, False)
    )
    instances[1 - first].close()
    assert (logger.level, logger.propagate, logger.handlers) == (logging.ERROR, True, [])
    assert (texts(sinks[0]), texts(sinks[1])) == (["debug"], [])
    logger.setLevel(logging.NOTSET)


def test_what_the_host_changes_meanwhile_stays(logger: logging.Logger) -> None:
    """A level and a propagation that are not ours any more are not put back."""
    logger.setLevel(logging.ERROR)
    with collecting([], logger, "DEBUG", propagate=False):
        logger.setLevel(logging.CRITICAL)
        logger.propagate = True
    assert (logger.level, logger.propagate) == (logging.CRITICAL, True)
    logger.setLevel(logging.NOTSET)


def test_what_the_host_sets_stays_whoever_ends_then(logger: logging.Logger) -> None:
    """Also if it is what another instance asks for; who comes later is served, and leaves it as the host has set it."""
    first, second = collecting([], logger, "DEBUG"), collecting([], logger, "INFO")
    logger.setLevel(logging.INFO)
    first.close()
    assert logger.level == logging.INFO
    with collecting([], logger, "DEBUG"):
        assert logger.level == logging.DEBUG
    assert logger.level == logging.INFO
    second.close()
    assert logger.level == logging.INFO
    logger.setLevel(logging.NOTSET)


@pytest.mark.parametrize("first", [0, 1])
def test_loggers_of_two_instances_one_above_the_other(logger: logging.Logger, first: int) -> None:
    """Whichever of them ends, the other still gets what it asks for; then both are as before."""
    assert logger.parent is not None
    sinks: tuple[Sink, Sink] = ([], [])
    instances = [
        collecting(sinks[0], logger.parent, "DEBUG"),
        collecting(sinks[1], logger, "INFO"),
    ]
    logger.debug("debug")
    logger.info("both")
    instances[first].close()
    logger.debug("more")
    logger.info("one")
    instances[1 - first].close()
    assert (logger.level, logger.parent.level) == (logging.NOTSET, logging.NOTSET)
    assert texts(sinks[0]) == (["debug", "both"] if first == 0 else ["debug", "both", "more", "one"])
    assert texts(sinks[1]) == (["both", "one"] if first == 0 else ["both"])


def test_an_instance_that_the_collector_ends_while_another_begins(
    logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The collector may run anywhere, also where loggers are set, on the same thread."""
    assert logger.parent is not None
    last = [collecting([], each, "INFO") for each in (logger.parent, logger)]
    set_level = logging.Logger.setLevel

    def set_level_and_collect(self: logging.Logger, level: int) -> None:
        set_level(self, level)
        last.clear()

    monkeypatch.setattr(logging.Logger, "setLevel", set_level_and_collect)
    with collecting([], logger, "DEBUG"):
        assert last == []
        assert (logger.level, len(logger.handlers)) == (logging.DEBUG, 1)
    assert (logger.level, logger.handlers) == (logging.NOTSET, [])
    assert (logger.parent.level, logger.parent.handlers) == (logging.NOTSET, [])


def test_an_instance_that_ends_where_loggers_are_locked(logger: logging.Logger) -> None:
    """As the collector may end it there: no other thread that begins one waits for this one, and this one for it."""
    from hycore.ext.hylogging._loggers import Claim

    first = collecting([], logger, "INFO")
    begun: list[Claim] = []
    thread = threading.Thread(target=lambda: begun.append(Claim(logger, logging.DEBUG, propagate=True)))
    with logging._lock:  # type: ignore[attr-defined]
        thread.start()
        time.sleep(0.1)
        first.close()
    thread.join(10)
    assert logger.level == logging.DEBUG
    begun[0].end()
    assert logger.level == logging.NOTSET


def test_a_record_comes_once(logger: logging.Logger) -> None:
    """Also through two loggers, one above the other."""
    sink: Sink = []
    assert logger.parent is not None
    with create(
        LogCreateInfoEXT(0, sink.append),
        LoggingCreateInfoEXT([logger.name, logger.parent.name, logger.name, "root"]),
        enabled=(LOGGER, LOGGING),
    ):
        logger.warning("text")
        logger.parent.warning("above")
    assert texts(sink) == ["text", "above"]


def test_both_ways_make_no_loop() -> None:
    """A record is handled once and heard once; a message becomes a record, and no message again."""
    heard: Sink = []
    kept = Records()
    theirs = logging.getLogger(f"{__name__}.theirs")
    logging.getLogger().addHandler(kept)
    try:
        with create(
            LogCreateInfoEXT(output="logging"),
            LoggingCreateInfoEXT(["root"], "INFO"),
            enabled=(LOGGER, LOGGING),
        ) as instance:
            instance.ext.listen(heard.append)
            theirs.warning("record")
            hyinfo(instance, "message")
    finally:
        logging.getLogger().removeHandler(kept)
    names = (theirs.name, __name__)
    assert [record.getMessage() for record in kept.records if record.name in names] == ["record", "message"]
    assert texts(heard) == ["record", "message"]


def test_two_instances_that_both_go_both_ways_make_no_loop() -> None:
    """What one of them says is heard by no other; also where another thread or process handles the record."""
    kept = Records()
    logging.getLogger().addHandler(kept)
    waiting: queue.Queue[Any] = queue.Queue()
    logging.getLogger().addHandler(logging.handlers.QueueHandler(waiting))

    def handle_again() -> None:
        while (record := waiting.get(timeout=10)) is not None:
            if record.name == __name__ and not hasattr(record, "again"):
                record.again = True
                logging.getLogger(record.name).handle(record)

    thread = threading.Thread(target=handle_again)
    try:
        both = [
            create(
                LogCreateInfoEXT(output="logging"),
                LoggingCreateInfoEXT(["root"], "INFO"),
                enabled=(LOGGER, LOGGING),
            )
            for _ in range(2)
        ]
        heard: list[Sink] = [[], []]
        for instance, sink in zip(both, heard, strict=True):
            instance.ext.listen(sink.append)
        thread.start()
        hyinfo(both[0], "message")
        waiting.put(None)
        thread.join(10)
        for instance in both:
            instance.close()
    finally:
        logging.getLogger().removeHandler(kept)
        logging.getLogger().handlers.pop()
    assert (texts(heard[0]), texts(heard[1])) == (["message"], [])
    assert (
        len([record for record in kept.records if record.name == __name__]) == 2
    )  # once more, by `handle_again`


def test_what_a_callback_logs_into_another_instance_becomes_a_record(logger: logging.Logger) -> None:
    """While it handles a record: only that one, which it may hand on changed, becomes no record again."""
    kept = Records()
    logging.getLogger().addHandler(kept)

    def callback(message: LogMessageEXT) -> None:
        to_logging(message)
        hyerror(other, "beside {}", message.message)

    try:
        with (
            create(LogCreateInfoEXT(output="logging")) as other,
            create(
                LogCreateInfoEXT(callback=callback),
                LoggingCreateInfoEXT([logger.name]),
                enabled=(LOGGER, LOGGING),
            ),
        ):
            kept.records.clear()
            logger.warning("a record")
    finally:
        logging.getLogger().removeHandler(kept)
    assert [record.getMessage() for record in kept.records if record.name in (logger.name, __name__)] == [
        "beside a record",  # our handler comes before those of loggers above
        "a record",
    ]


def test_what_a_callback_logs_with_logging_is_dropped(logger: logging.Logger) -> None:
    """As what it logs into its instance."""
    sink: Sink = []

    def callback(message: LogMessageEXT) -> None:
        sink.append(message)
        logger.warning("echo")

    with create(
        LogCreateInfoEXT(0, callback), LoggingCreateInfoEXT([logger.name]), enabled=(LOGGER, LOGGING)
    ):
        logger.warning("text")
    assert texts(sink) == ["text"]


def test_records_of_hooks_are_kept_for_a_logger_that_comes_later(logger: logging.Logger) -> None:
    """A stranger's: ours starts first."""
    sink: Sink = []

    class Talker(PluginEXT):
        UUID = uuid.uuid4()
        NAME = "talker"
        DESCRIPTION = "Logs with logging, then is the logger"

        def initialize(self) -> None:
            logger.warning("early")
            self.instance.ext.log_callback = sink.append

    inventory = Inventory(group=None)
    inventory.submit(LoggingPluginEXT)
    inventory.submit(Talker)
    create(LoggingCreateInfoEXT([logger.name]), enabled=(LOGGING, "talker"), inventory=inventory).close()
    assert texts(sink) == ["early"]


def test_a_failed_creation_leaves_nothing_behind(logger: logging.Logger) -> None:
    """Neither a handler nor a level."""

    class Fails(PluginEXT):
        UUID = uuid.uuid4()
        NAME = "fails"
        DESCRIPTION = "Fails"

        def initialize(self) -> None:
            raise ValueError("no")

    inventory = Inventory(group=None)
    inventory.submit(LoggingPluginEXT)
    inventory.submit(Fails)
    with pytest.raises(PluginFailedError):
        create(LoggingCreateInfoEXT([logger.name], 0), enabled=(LOGGING, "fails"), inventory=inventory)
    assert (logger.level, logger.handlers) == (logging.NOTSET, [])


def test_the_handler_keeps_no_instance_alive(logger: logging.Logger, no_collector: None) -> None:
    """Without `close`, the last reference ends it, and takes the handler away."""
    instance = collecting([], logger)
    gone = weakref.ref(instance)
    logger.warning("text")
    assert len(logger.handlers) == 1
    del instance
    assert gone() is None
    assert logger.handlers == []


def test_many_threads_log_at_once(logger: logging.Logger) -> None:
    """No lock of ours, and each record once."""
    sink: Sink = []
    with collecting(sink, logger):
        threads = [
            threading.Thread(target=lambda: [logger.warning("%d", number) for number in range(200)])
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert sorted(texts(sink)) == sorted([str(number) for number in range(200)] * 4)


def test_logging_is_imported_by_who_enables_it() -> None:
    """Neither the class of the plugin nor its configuration needs it, nor does the logger."""
    code = (
        "import sys, hycore.ext.hylog, hycore.ext.hylogging as ext; ext.LoggingCreateInfoEXT(); "
        "sys.exit('logging' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-I", "-c", code], check=False).returncode == 0


def test_json_is_imported_by_who_writes_it() -> None:
    """Not by a logger that has another output."""
    code = (
        "import sys, hycore.ext.hylog as hylog; hylog.LogPluginEXT(hylog.LogCreateInfoEXT()); "
        "sys.exit(not {'json', 'datetime'}.isdisjoint(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-I", "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"loggers": "a"}, ArgumentTypeError, "loggers must be a list of names of loggers, such as [\"urllib3\", \"sqlalchemy.engine\"], not str"),
        ({"loggers": []}, ArgumentValueError, "loggers must be a list of names of loggers, such as [\"urllib3\", \"sqlalchemy.engine\"], not an empty list"),
        ({"loggers": [3]}, ArgumentTypeError, "a name in loggers must be a string, not int"),
        ({"level": "LOUD"}, ArgumentValueError, "level must be one of TRACE, DEBUG, INFO, WARN, ERROR, or None, not 'LOUD'"),
        ({"level": 9}, ArgumentValueError, "level must be a LogLevelEXT, one of TRACE, DEBUG, INFO, WARN, ERROR, or None, not 9"),
        ({"level": 1.0}, ArgumentTypeError, "level must be a LogLevelEXT, one of TRACE, DEBUG, INFO, WARN, ERROR, or None, not float"),
        ({"propagate": 1}, ArgumentTypeError, "propagate must be True or False, not int"),
        ({"propagate": False}, ArgumentValueError, "propagate must be True for the logger 'root', which nothing is above (name others), not False"),
    ],
)  # fmt: skip
def test_misuse_is_told(arguments: dict[str, Any], error: type[Exception], text: str) -> None:
    """With what is expected."""
    with pytest.raises(error) as caught:
        LoggingCreateInfoEXT(**arguments)
    assert str(caught.value) == text


def test_configuration_is_a_value() -> None:
    """Equal by its fields, with a name or a number for the level."""
    assert LoggingCreateInfoEXT(["", "a", "a"], "debug") == LoggingCreateInfoEXT(("root", "a"), 1)
    assert LoggingCreateInfoEXT() != LoggingCreateInfoEXT(level=0)
    assert repr(LoggingCreateInfoEXT(["a"], 1, propagate=False)) == (
        "LoggingCreateInfoEXT(['a'], level=DEBUG, propagate=False)"
    )


def test_the_validated_mirror(logger: logging.Logger) -> None:
    """It takes the same, refuses the same, and does the same."""
    sink: Sink = []
    assert InstanceEXT.LOGGING == LOGGING
    with create(
        LogCreateInfoEXT(0, sink.append),
        validated.LoggingCreateInfoEXT([logger.name], "debug", propagate=False),
        enabled=(LOGGER, LOGGING),
    ):
        logger.debug("text")
    assert texts(sink) == ["text"]
    for wrong in (
        {"loggers": "a"},
        {"loggers": []},
        {"level": "LOUD"},
        {"propagate": 1},
        {"propagate": False},
    ):
        with pytest.raises(ValueError):
            validated.LoggingCreateInfoEXT(**wrong)


def test_an_application_file_configures_it(tmp_path: Path, logger: logging.Logger) -> None:
    """As a table of the extension; what is wrong is told with its line."""
    path = tmp_path / "app.toml"
    text = f"""
[application]
name = "test"
version = "1.0.0"
[engine]
name = "Engine"
version = "1.0.0"
[instance]
enabled_extensions = ["{LOGGER}", "{LOGGING}"]
[ext.{LOGGER}]
output = {{json = "{tmp_path / "log.jsonl"}"}}
[ext.{LOGGING}]
loggers = ["{logger.name}"]
level = "DEBUG"
propagate = false
"""
    path.write_text(text)
    with load_application(path).create():
        logger.debug("no message: the logger of the instance wants INFO")
        logger.info("text")
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["message"] for line in lines if line["module"] == logger.name] == ["text"]
    path.write_text(text.replace('level = "DEBUG"', 'level = "LOUD"'))
    with pytest.raises(ApplicationFileError, match=r"app\.toml:14: .*\.level: level must be one of TRACE"):
        load_application(path)


# JSON lines.


def one(text: str = "text", **more: Any) -> LogMessageEXT:
    facts: dict[str, Any] = {
        "level": LogLevelEXT.INFO,
        "timepoint": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).astimezone(),
        "message": text,
        "module": "m",
        "file": "f.py",
        "line": 1,
        "thread_name": "t",
        "function": "f",
    }
    return LogMessageEXT(**{**facts, **more})


def written(path: Path) -> list[str]:
    return [json.loads(line)["message"] for line in path.read_bytes().splitlines()]


def test_a_line_is_one_object_with_its_time_in_utc(tmp_path: Path) -> None:
    """Always with microseconds, and a Z."""
    path = tmp_path / "log.jsonl"
    lines = JsonLines(str(path))
    lines(one())
    lines.close()
    assert path.read_text() == (
        '{"level": "INFO", "timepoint": "2026-01-02T03:04:05.000000Z", "message": "text", "module": "m", '
        '"file": "f.py", "line": 1, "thread_name": "t", "function": "f"}\n'
    )


def test_no_character_ends_a_line_or_does_more_than_stand_there(tmp_path: Path) -> None:
    """Control characters and line separators are escaped, and read back; other letters stand as they are."""
    path = tmp_path / "log.jsonl"
    lines = JsonLines(str(path))
    nasty = "".join(map(chr, (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, 0xDC80))) + "grüße 世界"
    lines(one(nasty, exception="Traceback\n\x1b[31mno\u2028"))
    lines.close()
    raw = path.read_text("utf-8")
    assert raw.splitlines() == [raw[:-1]]
    assert all(character.isprintable() for character in raw[:-1])
    assert "grüße 世界" in raw
    assert json.loads(raw)["message"] == nasty
    assert json.loads(raw)["exception"] == "Traceback\n\x1b[31mno\u2028"


def test_each_line_is_there_at_once(tmp_path: Path) -> None:
    """Whoever follows the file waits for nothing."""
    path = tmp_path / "log.jsonl"
    lines = JsonLines(str(path))
    for number in range(3):
        lines(one(str(number)))
        assert len(written(path)) == number + 1
    lines.close()


@pytest.mark.parametrize("way", ["renamed", "removed", "replaced"])
def test_a_rotated_file_is_begun_anew(tmp_path: Path, way: str) -> None:
    """With the next line, from the same path; nothing is lost."""
    path, old = tmp_path / "log.jsonl", tmp_path / "log.jsonl.1"
    lines = JsonLines(str(path))
    lines(one("before"))
    if way == "removed":
        path.unlink()
    else:
        path.rename(old)
    if way == "replaced":
        path.touch()
    lines(one("after"))
    lines(one("then"))
    lines.close()
    assert written(path) == ["after", "then"]
    if way != "removed":
        assert written(old) == ["before"]


def test_a_file_that_is_copied_and_truncated_goes_on(tmp_path: Path) -> None:
    """At its new end, and with no gap."""
    path = tmp_path / "log.jsonl"
    lines = JsonLines(str(path))
    lines(one("before"))
    os.truncate(path, 0)
    lines(one("after"))
    lines.close()
    assert written(path) == ["after"]


def test_a_relative_path_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the working directory is later."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    lines = JsonLines("log.jsonl")
    monkeypatch.chdir(tmp_path / "elsewhere")
    lines(one())
    lines.close()
    assert written(tmp_path / "log.jsonl") == ["text"]
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_renamed_file_goes_on_where_no_new_one_can_be_opened(tmp_path: Path) -> None:
    """It is told once; when one can be opened again, that goes on."""
    path, old = tmp_path / "folder" / "log.jsonl", tmp_path / "old.jsonl"
    path.parent.mkdir()
    lines = JsonLines(str(path))
    lines(one("1"))
    path.rename(old)
    path.parent.rmdir()
    with pytest.raises(FileNotFoundError):
        lines(one("2"))
    lines(one("3"))
    assert written(old) == ["1", "2", "3"]
    path.parent.mkdir()
    lines(one("4"))
    lines.close()
    assert written(path) == ["4"]


def test_lines_wait_where_there_is_no_file(tmp_path: Path) -> None:
    """They are written when there is one again; those beyond a thousand are counted, and told in the file."""
    path = tmp_path / "folder" / "log.jsonl"
    path.parent.mkdir()
    lines = JsonLines(str(path))
    path.unlink()
    path.parent.rmdir()
    for number in range(1_003):
        with pytest.raises(FileNotFoundError):
            lines(one(str(number)))
    path.parent.mkdir()
    lines(one("again"))
    lines.close()
    found = written(path)
    assert found[:-1] == [str(number) for number in range(1_000)]
    assert found[-1] == f"4 lines are lost here: 1000 are kept while {path} cannot be written"


def test_the_host_is_not_disturbed_by_a_file_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first failure is reported, all are counted; at the end it is told how many lines are lost."""
    reported: list[BaseException] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: reported.append(args.exc_value))
    path = tmp_path / "folder" / "log.jsonl"
    path.parent.mkdir()
    with create(LogCreateInfoEXT(output={"json": str(path)})) as instance:
        plugin = instance.require_plugin_ext(LogPluginEXT)
        path.unlink()
        path.parent.rmdir()
        hyinfo(instance, "1")
        hyinfo(instance, "2")
        assert plugin.failures == 2
    assert [type(error) for error in reported] == [FileNotFoundError, FileNotFoundError]
    assert str(reported[1]) == (
        "[Errno 2] 2 lines of the log are lost, since it could not be written: "
        f"No such file or directory: '{path}'"
    )


def test_a_full_disk_tears_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of a line is written when there is room again, before what comes later."""
    path = tmp_path / "log.jsonl"
    lines = JsonLines(str(path))
    room = [30]
    write = os.write

    def bounded(file: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        count = write(file, data[: room[0]])
        room[0] -= count
        return count

    monkeypatch.setattr(os, "write", bounded)
    with pytest.raises(OSError, match="No space left"):
        lines(one("1"))
    with pytest.raises(OSError, match="No space left"):
        lines(one("2"))
    room[0] = 10_000
    lines(one("3"))
    assert written(path) == ["1", "2", "3"]
    room[0] = 30
    with pytest.raises(OSError, match="No space left"):
        lines(one("4"))
    path.rename(tmp_path / "old.jsonl")  # a rotation in the midst of a line: it is whole in the new file
    room[0] = 10_000
    lines(one("5"))
    assert written(path) == ["4", "5"]
    room[0] = 30
    with pytest.raises(OSError, match="No space left"):
        lines(one("6"))
    os.truncate(path, 0)  # what makes room
    room[0] = 10_000
    lines(one("7"))
    assert written(path) == ["6", "7"]
    lines.close()
    lines.close()


def forked(act: Callable[[], object], lock: Any) -> int | None:
    """The status of a child that acts, forked while another thread has a lock; `None` if it hangs."""
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            done.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    child = os.fork()
    if child == 0:
        try:
            act()
            os._exit(0)
        finally:
            os._exit(1)
    status = None
    until = time.monotonic() + 10
    while status is None and time.monotonic() < until:
        ended, found = os.waitpid(child, os.WNOHANG)
        if ended:
            status = found
        else:
            time.sleep(0.01)
    if status is None:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    done.set()
    thread.join(10)
    return status


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_writes_too(tmp_path: Path) -> None:
    """Even if another thread was writing at the moment of the fork."""
    path = tmp_path / "log.jsonl"
    lines = JsonLines(str(path))
    assert forked(lambda: lines(one("child")), lines._lock_here()) == 0
    lines(one("parent"))
    lines.close()
    assert written(path) == ["child", "parent"]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_closes_its_own(tmp_path: Path) -> None:
    """It waits for no thread of its parent, and writes nothing of what waits there."""
    path = tmp_path / "folder" / "log.jsonl"
    path.parent.mkdir()
    lines = JsonLines(str(path))
    path.unlink()
    path.parent.rmdir()
    with pytest.raises(FileNotFoundError):
        lines(one("parent"))
    path.parent.mkdir()
    assert forked(lines.close, lines._lock_here()) == 0
    assert not path.exists()
    lines.close()
    assert written(path) == ["parent"]


def test_what_a_finalizer_logs_while_a_line_is_written_is_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One file may be that of several instances, and the garbage collector may run anywhere."""
    path = tmp_path / "log.jsonl"
    lines = JsonLines(str(path))

    class Last:
        def __del__(self) -> None:
            lines(one("last"))

    kept = [Last()]
    write = os.write

    def write_and_collect(file: int, data: bytes) -> int:
        kept.clear()
        return write(file, data)

    monkeypatch.setattr(os, "write", write_and_collect)
    lines(one("text"))
    assert written(path) == ["text", "last"]
    lines.close()


def test_two_threads_of_a_forked_child_lose_no_line(tmp_path: Path) -> None:
    """They log their first lines at once: one makes the file its own while the other is about to write."""
    path = tmp_path / "log.jsonl"
    lines = JsonLines(str(path))
    sees, writes = threading.Event(), threading.Event()

    def at_first_sight(frame: Any, event: str, _argument: object) -> Any:
        if frame.f_code.co_filename.endswith("_json_lines.py") and "getpid" in frame.f_code.co_names:
            seen.append(event)
            if seen.count("line") == 2:  # it has seen that it is in a child
                sees.set()
                writes.wait(0.5)
        return at_first_sight

    def before_it_writes(frame: Any, _event: str, _argument: object) -> Any:
        if frame.f_code is JsonLines._write.__code__:
            writes.set()
            threads[0].join(0.5)

    seen: list[str] = []
    threads: list[threading.Thread] = []

    def log(text: str, trace: Any) -> None:
        sys.settrace(trace)
        lines(one(text))
        sys.settrace(None)

    def both() -> None:
        for text, trace, waits in (("first", at_first_sight, sees), ("second", before_it_writes, writes)):
            threads.append(threading.Thread(target=log, args=[text, trace]))
            threads[-1].start()
            waits.wait(5)
        for thread in threads:
            thread.join(5)

    assert forked(both, threading.Lock()) == 0
    assert sorted(written(path)) == ["first", "second"]
    lines.close()


@pytest.mark.parametrize("step", ["stat", "write"])
def test_a_file_that_is_closed_while_a_line_is_written_is_closed_after_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """A signal handler may end the instance: what has the number of the closed file then is another file."""
    path, other = tmp_path / "log.jsonl", tmp_path / "other"
    lines = JsonLines(str(path))
    opened: list[int] = []
    done = getattr(os, step)

    def interrupted(*arguments: Any, **options: Any) -> Any:
        if not opened:
            opened.append(-1)
            lines(one("second"))
            lines.close()
            lines(one("too late"))
            opened[0] = os.open(other, os.O_WRONLY | os.O_CREAT)
        return done(*arguments, **options)

    monkeypatch.setattr(os, step, interrupted)
    lines(one("first"))
    assert written(path) == ["first", "second"]
    assert other.read_bytes() == b""
    os.close(opened[0])
    assert lines._file == -1


def test_closing_begins_no_file(tmp_path: Path) -> None:
    """Where the file was taken away, and nothing is left to write."""
    path = tmp_path / "log.jsonl"
    lines = JsonLines(str(path))
    lines(one())
    path.rename(tmp_path / "old.jsonl")
    lines.close()
    assert not path.exists()


def test_many_threads_write_whole_lines(tmp_path: Path) -> None:
    """While the file is rotated."""
    path = tmp_path / "log.jsonl"
    lines = JsonLines(str(path))
    threads = [
        threading.Thread(target=lambda name=name: [lines(one(f"{name}{number}")) for number in range(200)])
        for name in "abc"
    ]
    for thread in threads:
        thread.start()
    rotated = 0
    while any(thread.is_alive() for thread in threads):
        if path.exists():
            path.rename(tmp_path / f"{rotated}.jsonl")
            rotated += 1
    for thread in threads:
        thread.join(20)
    lines.close()
    found = [text for each in tmp_path.iterdir() for text in written(each)]
    assert sorted(found) == sorted(f"{name}{number}" for name in "abc" for number in range(200))
