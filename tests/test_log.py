"""Logging into an instance: levels, formatting, early messages, callbacks that fail, the record (section 7)."""

from __future__ import annotations

import _thread
import gc
import pickle
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from hycore import InstanceContext, hydebug, hyerror, hyinfo, hytrace, hywarn
from hycore.ext.hylog import LogLevelEXT, LogMessageEXT, hylog
from hycore.utils.error import ArgumentTypeError, ArgumentValueError

Sink = list[LogMessageEXT]


@pytest.fixture
def logged(world: Any) -> tuple[InstanceContext, Sink]:
    """An instance that delivers everything to a list, which holds nothing of its creation."""
    sink: Sink = []
    instance = world.create()
    instance.ext.log_level = 0
    instance.ext.log_callback = sink.append
    return instance, sink


def texts(sink: Sink) -> list[str]:
    return [message.message for message in sink]


def test_each_function_has_its_level(logged: tuple[InstanceContext, Sink]) -> None:
    """From TRACE 0 to ERROR 4; `hylog` takes any."""
    instance, sink = logged
    for function in (hytrace, hydebug, hyinfo, hywarn, hyerror):
        function(instance, "text")
    hylog(instance, LogLevelEXT.WARN, "text")
    hylog(instance, 1, "text")
    assert [message.level for message in sink] == [0, 1, 2, 3, 4, 3, 1]
    assert [level.name for level in LogLevelEXT] == ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"]


def test_a_message_below_the_level_is_not_even_formatted(logged: tuple[InstanceContext, Sink]) -> None:
    """It is dropped before anything is built."""
    instance, sink = logged

    class Explosive:
        def __format__(self, specification: str) -> str:
            raise AssertionError

    instance.ext.log_level = LogLevelEXT.ERROR
    for function in (hytrace, hydebug, hyinfo, hywarn):
        function(instance, "{}", Explosive())
    assert sink == []


def test_formatting(logged: tuple[InstanceContext, Sink]) -> None:
    """`str.format` with arguments; without, the text as it stands, braces and all."""
    instance, sink = logged
    hyinfo(instance, "loaded {} of {:>3}", 3, 4)
    hyinfo(instance, "{} and {braces}")
    assert texts(sink) == ["loaded 3 of   4", "{} and {braces}"]


def test_a_wrong_format_string_delivers_text_and_arguments(logged: tuple[InstanceContext, Sink]) -> None:
    """Nor does an argument whose formatting raises disturb anybody."""
    instance, sink = logged

    class Broken:
        def __repr__(self) -> str:
            raise ValueError("no words")

    hyinfo(instance, "{} {", 1)
    hyinfo(instance, "{}", Broken())
    hyinfo(instance, "loaded %s", 3)
    hyinfo(instance, "{}", "{}")
    assert texts(sink) == [
        "{} { (1) [not formatted: ValueError: Single '{' encountered in format string]",
        "{} (<Broken whose repr failed: ValueError: no words>) [not formatted: ValueError: no words]",
        "loaded %s (3) [not formatted: it has no {} for them]",
        "{}",
    ]


def test_an_exception_goes_with_the_message(logged: tuple[InstanceContext, Sink]) -> None:
    """`exc=` takes an exception, or `True` for the one that is handled; a text stands in the record."""
    instance, sink = logged
    try:
        1 / 0
    except ZeroDivisionError as error:
        hyerror(instance, "first", exc=error)
        hyerror(instance, "second", exc=True)
    hyerror(instance, "third", exc=True)
    hyerror(instance, "fourth")
    assert sink[0].exception == sink[1].exception
    assert sink[0].exception is not None
    assert sink[0].exception.startswith("Traceback")
    assert sink[0].exception.endswith("ZeroDivisionError: division by zero")
    assert [message.exception for message in sink[2:]] == [None, None]


def test_a_message_tells_where_and_when(logged: tuple[InstanceContext, Sink]) -> None:
    """The place of the call, an aware local time, and the thread."""
    instance, sink = logged
    before = datetime.now().astimezone()
    hyinfo(instance, "here")
    line = sys._getframe().f_lineno - 1
    thread = threading.Thread(target=lambda: hyinfo(instance, "there"), name="worker")
    thread.start()
    thread.join(10)
    here, there = sink
    assert (here.module, here.file, here.line) == (__name__, __file__, line)
    assert here.function == "test_a_message_tells_where_and_when"
    assert (here.thread_name, there.thread_name) == ("MainThread", "worker")
    assert here.timepoint.tzinfo is not None
    assert here.timepoint.utcoffset() == before.utcoffset()
    assert before - timedelta(seconds=1) < here.timepoint < before + timedelta(seconds=50)


def test_a_message_tells_the_name_that_its_thread_has_now(logged: tuple[InstanceContext, Sink]) -> None:
    """Whatever it was before, and however it is called later."""
    instance, sink = logged

    def work() -> None:
        thread = threading.current_thread()
        for name in ("reader", "writer", "writer"):
            thread.name = name
            hyinfo(instance, name)
        thread.name = "gone"

    thread = threading.Thread(target=work, name="worker")
    thread.start()
    thread.join(10)
    assert [message.thread_name for message in sink] == ["reader", "writer", "writer"]


class Garbage:
    """Says so when it is collected, which the garbage collector must do."""

    def __init__(self, instance: InstanceContext) -> None:
        self.instance = instance
        self.itself = self

    def __del__(self) -> None:
        hyinfo(self.instance, "collected")


@pytest.fixture
def collecting_after() -> Iterator[Callable[[int], None]]:
    """Lets the garbage collector run after so many objects more; at the end all is as before."""
    before = gc.get_threshold()
    gc.disable()

    def collecting_after(objects: int) -> None:
        gc.set_threshold(gc.get_count()[0] + objects, *before[1:])
        gc.enable()

    yield collecting_after
    gc.set_threshold(*before)
    gc.enable()


def test_what_is_collected_while_a_thread_logs_for_the_first_time_is_heard(
    logged: tuple[InstanceContext, Sink], collecting_after: Callable[[int], None]
) -> None:
    """Between whichever two instructions of that the collector runs; so is a signal handler."""
    instance, sink = logged

    def work(objects: int) -> None:
        Garbage(instance)
        collecting_after(objects)
        hyinfo(instance, "first")
        gc.disable()

    for objects in range(1, 20):
        thread = threading.Thread(target=work, args=(objects,))
        thread.start()
        thread.join(10)
        gc.collect()
        assert sorted(texts(sink)) == ["collected", "first"]
        sink.clear()


def test_a_thread_that_logs_before_it_has_its_name_tells_it_later(
    logged: tuple[InstanceContext, Sink],
) -> None:
    """As where something is collected while it starts, and logs."""
    instance, sink = logged

    class Early(threading.Thread):
        def _bootstrap_inner(self) -> None:  # in which the thread registers itself
            hyinfo(instance, "early")
            super()._bootstrap_inner()  # type: ignore[misc]

    thread = Early(target=lambda: [hyinfo(instance, text) for text in "ab"], name="worker")
    thread.start()
    thread.join(10)
    assert [message.thread_name for message in sink[1:]] == ["worker", "worker"]


def test_a_message_is_a_value(logged: tuple[InstanceContext, Sink]) -> None:
    """`repr`, equality, hash and `pickle` go by the plain fields; it cannot be changed."""
    instance, sink = logged
    hywarn(instance, "text")
    (message,) = sink
    again = pickle.loads(pickle.dumps(message))
    assert again == message
    assert hash(again) == hash(message)
    assert repr(again) == repr(message)
    assert again.line == message.line
    assert "level=<LogLevelEXT.WARN: 3>" in repr(message)
    with pytest.raises(AttributeError, match="is a value"):
        message.message = "other"  # type: ignore[misc]
    made = LogMessageEXT(
        level=message.level,
        timepoint=message.timepoint,
        message="text",
        module=message.module,
        file=message.file,
        line=message.line,
        thread_name=message.thread_name,
        function=message.function,
    )
    assert made == message
    with pytest.raises(TypeError):
        LogMessageEXT(LogLevelEXT.INFO)  # type: ignore[misc, call-arg]


def test_early_messages_are_delivered_first(world: Any) -> None:
    """What hooks log before there is a callback is kept, with its own time."""
    sink: Sink = []

    def start(plugin: Any) -> None:
        plugin.instance.ext.log_level = LogLevelEXT.DEBUG
        plugin.instance.ext.log_callback = sink.append

    world.plugin(
        "a", {"attach_to": lambda plugin: (hytrace(plugin.instance, "low"), hyinfo(plugin.instance, "early"))}
    )
    world.plugin("log", {"initialize": lambda plugin: (time.sleep(0.01), start(plugin))})
    world.plugin("b", {"initialize": lambda plugin: hyinfo(plugin.instance, "late")})
    world.create(["a", "log", "b"])
    assert texts(sink)[:2] == ["early", "late"]
    assert sink[1].timepoint - sink[0].timepoint >= timedelta(seconds=0.01)


def test_early_messages_of_other_threads_are_not_lost(world: Any) -> None:
    """What another thread logs while the first ones are delivered comes behind them."""
    sink: list[str] = []
    asked, told = threading.Event(), threading.Event()

    def slow(message: LogMessageEXT) -> None:
        sink.append(message.message)
        if message.message == "first":
            asked.set()
            assert told.wait(20)

    def talk(instance: InstanceContext) -> None:
        assert asked.wait(20)
        hyinfo(instance, "from the thread")
        told.set()

    def start(plugin: Any) -> None:
        hyinfo(plugin.instance, "first")
        hyinfo(plugin.instance, "second")
        thread = threading.Thread(target=talk, args=(plugin.instance,))
        thread.start()
        plugin.instance.ext.log_callback = slow
        thread.join(20)

    world.plugin("log", {"initialize": start})
    with world.create(["log"]):
        assert sink[:3] == ["first", "second", "from the thread"]


def test_early_messages_are_kept_up_to_a_thousand(world: Any) -> None:
    """One warning says how many were lost."""
    sink: Sink = []

    def talk(plugin: Any) -> None:
        for number in range(1_010):
            hyinfo(plugin.instance, "{}", number)

    world.plugin("a", {"attach_to": talk})
    world.plugin(
        "log", {"initialize": lambda plugin: setattr(plugin.instance.ext, "log_callback", sink.append)}
    )
    world.create(["a", "log"])
    assert texts(sink)[:1_000] == [str(number) for number in range(1_000)]
    assert (sink[1_000].level, sink[1_000].message) == (
        LogLevelEXT.WARN,
        "10 earlier messages are lost: 1000 are kept until there is a log callback",
    )


def test_without_a_logger_messages_are_dropped(world: Any) -> None:
    """A callback that comes later gets none of them."""
    sink: Sink = []
    world.plugin("a", {"initialize": lambda plugin: hyerror(plugin.instance, "lost")})
    with world.create(["a"]) as instance:
        hyerror(instance, "lost")
        instance.ext.log_callback = sink.append
        hyinfo(instance, "delivered")
        assert texts(sink) == ["delivered"]
    hyerror(instance, "closed")
    assert "closed" not in texts(sink)


def test_the_engine_tells_its_life(world: Any) -> None:
    """Created, application and engine, extensions in order, version and platform; and its end."""
    sink: Sink = []

    def start(plugin: Any) -> None:
        plugin.instance.ext.log_level = 0
        plugin.instance.ext.log_callback = sink.append

    world.plugin("b", {"initialize": start})
    world.plugin("a")
    world.create(["b", "a"], node_id=42).close()
    assert [(message.level.name, message.message.split("0x")[0]) for message in sink] == [
        ("TRACE", "Instance created successfully at "),
        ("INFO", "Application 'test' v1.0.0 using engine 'Engine' v1.0.0 (node ID: 42)"),
        ("INFO", 'Loaded 2 extensions: ["b", "a"]'),
        ("INFO", sink[3].message),
        ("TRACE", "Tearing down InstanceContext at "),
    ]
    assert sink[3].message.startswith("hycore version: v0.1.0 (")


@pytest.fixture
def unraisable(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    seen: list[BaseException] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: seen.append(args.exc_value))
    return seen


def test_a_callback_that_raises_disturbs_nobody(world: Any, unraisable: list[BaseException]) -> None:
    """The first failure of each callback is reported; in the Rust build the process aborts."""

    def broken(message: LogMessageEXT) -> None:
        raise ValueError(message.message)

    with world.create() as instance:
        instance.ext.log_callback = broken
        hyinfo(instance, "first")
        hyinfo(instance, "second")
        instance.ext.log_callback = lambda message: broken(message)
        hyinfo(instance, "third")
    assert [str(error) for error in unraisable] == ["first", "third"]


def test_ctrl_c_in_a_callback_passes(logged: tuple[InstanceContext, Sink]) -> None:
    """Only an `Exception` is contained."""
    instance, _ = logged

    def interrupt(_: LogMessageEXT) -> None:
        raise KeyboardInterrupt

    instance.ext.log_callback = interrupt
    with pytest.raises(KeyboardInterrupt):
        hyinfo(instance, "text")
    instance.ext.log_callback = None


def test_what_a_callback_logs_is_dropped(logged: tuple[InstanceContext, Sink]) -> None:
    """Into the same instance, on the same thread; other threads are heard."""
    instance, sink = logged

    def talkative(message: LogMessageEXT) -> None:
        sink.append(message)
        hyinfo(instance, "dropped")
        if message.message == "first":
            thread = threading.Thread(target=lambda: hyinfo(instance, "from a thread"))
            thread.start()
            thread.join(10)

    instance.ext.log_callback = talkative
    hyinfo(instance, "first")
    hyinfo(instance, "second")
    assert texts(sink) == ["first", "from a thread", "second"]
    instance.ext.log_callback = None


def test_callbacks_of_two_instances_that_log_into_each_other_come_to_an_end(
    world: Any, logged: tuple[InstanceContext, Sink]
) -> None:
    """Each hears the other, and not the echo of itself; afterwards both deliver as before."""
    here, at_home = logged
    there = world.create()
    away: list[str] = []

    def to_the_other(message: LogMessageEXT) -> None:
        at_home.append(message)
        hyinfo(there, "heard {}", message.message)

    def back(message: LogMessageEXT) -> None:
        away.append(message.message)
        hyinfo(here, "heard {}", message.message)

    here.ext.log_callback = to_the_other
    there.ext.log_callback = back
    hyinfo(here, "hello")
    hyinfo(there, "good day")
    assert (texts(at_home), away) == (["hello", "heard good day"], ["heard hello", "good day"])
    here.ext.log_callback = there.ext.log_callback = None


def test_what_a_callback_logs_about_early_messages_is_dropped(world: Any) -> None:
    """Also while they are delivered to it."""
    sink: list[str] = []

    def start(plugin: Any) -> None:
        def talkative(message: LogMessageEXT) -> None:
            sink.append(message.message)
            hyinfo(plugin.instance, "about {}", message.message)

        hyinfo(plugin.instance, "early")
        plugin.instance.ext.log_callback = talkative
        hyinfo(plugin.instance, "late")

    world.plugin("log", {"initialize": start})
    with world.create(["log"]):
        assert [text for text in sink if "early" in text or "late" in text] == ["early", "late"]


def test_a_logger_that_is_undone_during_bring_up_leaves_messages_to_the_next(world: Any) -> None:
    """What is logged in between is kept."""
    sink: Sink = []

    def broken(plugin: Any) -> None:
        plugin.instance.ext.log_callback = lambda message: None
        plugin.defer(setattr, plugin.instance.ext, "log_callback", None)
        raise ValueError

    world.plugin("broken", {"initialize": broken})
    world.plugin("a", {"initialize": lambda plugin: hyinfo(plugin.instance, "in between")})
    world.plugin(
        "log", {"initialize": lambda plugin: setattr(plugin.instance.ext, "log_callback", sink.append)}
    )
    world.inventory.refresh()
    with world.create([], ["broken", "a", "log"]):
        assert texts(sink)[0] == "in between"


def test_a_closed_instance_delivers_nothing(world: Any) -> None:
    """Whoever fills the slot."""
    sink: Sink = []
    instance = world.create()
    instance.close()
    instance.ext.log_callback = sink.append
    hyinfo(instance, "closed")
    assert sink == []


def test_a_function_that_is_called_from_no_python_code_logs(logged: tuple[InstanceContext, Sink]) -> None:
    """As the target of a thread, or by `atexit`."""
    instance, sink = logged
    done = threading.Event()
    instance.ext.log_callback = lambda message: (sink.append(message), done.set())
    _thread.start_new_thread(hyinfo, (instance, "from a thread"))
    assert done.wait(20)
    assert texts(sink) == ["from a thread"]


def test_many_threads_log_while_the_callback_is_exchanged(logged: tuple[InstanceContext, Sink]) -> None:
    """Each message reaches one callback, or none while there is none."""
    instance, _ = logged
    sinks: list[Sink] = [[], []]
    instance.ext.log_callback = sinks[0].append

    def talk(name: str) -> None:
        for number in range(2_000):
            hyinfo(instance, "{} {}", name, number)

    threads = [threading.Thread(target=talk, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        for sink in sinks:
            instance.ext.log_callback = sink.append
    got = texts(sinks[0]) + texts(sinks[1])
    assert sorted(got) == sorted(f"{name} {number}" for name in "abcd" for number in range(2_000))


@pytest.mark.parametrize(
    ("use", "error", "text"),
    [
        (
            lambda instance: hyinfo(None, "text"),
            ArgumentTypeError,
            "instance must be an InstanceContext, the first argument of every log function (in a plugin, self.instance; of a weak reference, what it returns), "
            "not None",
        ),
        (
            lambda instance: hylog(instance, "INFO", "text"),
            ArgumentTypeError,
            "level must be a LogLevelEXT, such as LogLevelEXT.INFO, or a whole number from 0 to 4, not str",
        ),
        (
            lambda instance: hylog(instance, 20, "text"),
            ArgumentValueError,
            "level must be a LogLevelEXT, such as LogLevelEXT.INFO, or a whole number from 0 to 4, not 20",
        ),
        (
            lambda instance: setattr(instance.ext, "log_callback", "print"),
            ArgumentTypeError,
            "log_callback must be a callable that takes a LogMessageEXT, or None, not str",
        ),
        (
            lambda instance: setattr(instance.ext, "log_level", 7),
            ArgumentValueError,
            "log_level must be a LogLevelEXT, such as LogLevelEXT.INFO, or a whole number from 0 to 4, not 7",
        ),
    ],
)
def test_misuse_is_told(
    logged: tuple[InstanceContext, Sink], use: Callable[[Any], object], error: type[Exception], text: str
) -> None:
    """With what is expected."""
    with pytest.raises(error) as caught:
        use(logged[0])
    assert str(caught.value) == text


def test_a_misspelt_slot_is_an_error(logged: tuple[InstanceContext, Sink]) -> None:
    """The state has no other attributes."""
    with pytest.raises(AttributeError):
        logged[0].ext.log_calback = print  # type: ignore[attr-defined]


def made(level: LogLevelEXT, text: str) -> LogMessageEXT:
    return LogMessageEXT(
        level=level,
        timepoint=datetime.now().astimezone(),
        message=text,
        module="elsewhere",
        file="elsewhere.py",
        line=1,
        thread_name="MainThread",
        function="f",
    )


def test_a_message_that_is_made_already_is_delivered(logged: tuple[InstanceContext, Sink]) -> None:
    """As it is; below the level it is dropped, and so is what a callback delivers."""
    instance, sink = logged
    state = instance.ext
    state.log_level = LogLevelEXT.INFO
    message = made(LogLevelEXT.INFO, "text")
    state.deliver(message)
    state.deliver(made(LogLevelEXT.DEBUG, "low"))
    assert len(sink) == 1
    assert sink[0] is message
    state.log_callback = lambda each: (sink.append(each), state.deliver(message))
    state.deliver(made(LogLevelEXT.WARN, "again"))
    assert texts(sink) == ["text", "again"]
    instance.close()
    state.deliver(message)
    assert len(sink) == 2


def test_a_message_that_is_made_already_is_kept_for_a_callback(world: Any) -> None:
    """Like any other that comes early."""
    sink: Sink = []
    world.plugin(
        "a", {"attach_to": lambda plugin: plugin.instance.ext.deliver(made(LogLevelEXT.ERROR, "early"))}
    )
    world.plugin(
        "log", {"initialize": lambda plugin: setattr(plugin.instance.ext, "log_callback", sink.append)}
    )
    world.create(["a", "log"])
    assert texts(sink)[0] == "early"


def test_only_a_message_can_be_delivered(logged: tuple[InstanceContext, Sink]) -> None:
    """What is something else is told."""
    with pytest.raises(ArgumentTypeError, match="message must be a LogMessageEXT, not str"):
        logged[0].ext.deliver("text")  # type: ignore[arg-type]


@pytest.mark.parametrize("order", [["ear", "log", "talk"], ["talk", "log", "ear"], ["log", "talk", "ear"]])
def test_who_listens_hears_what_the_logger_gets(world: Any, order: list[str]) -> None:
    """From the level of its own on, wherever in the order it stands; the logger gets no less and no more."""
    heard: Sink = []
    sink: Sink = []

    def listen(plugin: Any) -> None:
        plugin.defer(plugin.instance.ext.listen(heard.append, level=LogLevelEXT.WARN).stop)

    def start(plugin: Any) -> None:
        plugin.instance.ext.log_level = LogLevelEXT.INFO
        plugin.instance.ext.log_callback = sink.append

    def talk(plugin: Any) -> None:
        for function in (hydebug, hyinfo, hywarn):
            function(plugin.instance, function.__name__)

    world.plugin("ear", {"attach_to": listen})
    world.plugin("log", {"initialize": start})
    world.plugin("talk", {"attach_to": talk, "initialize": talk})
    with world.create(order) as instance:
        hywarn(getattr(instance, "bare", instance), "up")
    assert [text for text in texts(sink) if text in ("hydebug", "hyinfo", "hywarn")] == [
        "hyinfo",
        "hywarn",
    ] * 2
    assert texts(heard) == ["hywarn", "hywarn", "up"]
    assert instance.ext.log_callback is None


def test_who_listens_without_a_logger_hears_all_of_it(world: Any) -> None:
    """Also what the engine says of itself, from its own level on; nothing is kept for long."""
    heard: Sink = []
    world.plugin("ear", {"attach_to": lambda plugin: plugin.instance.ext.listen(heard.append, level=0)})
    world.create(["ear"]).close()
    assert texts(heard)[0].startswith("Instance created successfully at 0x")
    assert texts(heard)[-1].startswith("Tearing down InstanceContext at 0x")


def test_who_stops_listening_hears_no_more(logged: tuple[InstanceContext, Sink]) -> None:
    """And a call is as cheap as before: the level is the logger's again."""
    instance, sink = logged
    instance.ext.log_level = LogLevelEXT.ERROR
    heard: Sink = []
    first = instance.ext.listen(heard.append, level=0)
    second = instance.ext.listen(heard.append, level=LogLevelEXT.DEBUG)
    assert instance.ext.threshold == 0
    hydebug(instance, "both")
    first.stop()
    first.stop()
    hydebug(instance, "one")
    assert instance.ext.threshold == LogLevelEXT.DEBUG
    second.stop()
    hyerror(instance, "none")
    assert instance.ext.threshold == LogLevelEXT.ERROR
    assert texts(heard) == ["both", "both", "one"]
    assert texts(sink) == ["none"]


def test_who_listens_and_raises_disturbs_nobody(
    logged: tuple[InstanceContext, Sink], unraisable: list[BaseException]
) -> None:
    """Neither the logger nor others; each counts its own failures, and the first of each is reported."""
    instance, sink = logged
    heard: Sink = []

    def broken(message: LogMessageEXT) -> None:
        raise ValueError(message.message)

    listener = instance.ext.listen(broken)
    instance.ext.listen(heard.append)
    hyinfo(instance, "1")
    hyinfo(instance, "2")
    assert (texts(sink), texts(heard), listener.failures, instance.ext.failures) == (
        ["1", "2"],
        ["1", "2"],
        2,
        0,
    )
    instance.ext.log_callback = broken
    hyinfo(instance, "3")
    assert (texts(heard)[2:], instance.ext.failures) == (["3"], 1)
    assert list(map(str, unraisable)) == ["1", "3"]


def test_what_one_who_listens_logs_is_dropped(logged: tuple[InstanceContext, Sink]) -> None:
    """Into the same instance, on the same thread."""
    instance, sink = logged
    instance.ext.listen(lambda message: hyinfo(instance, "echo"))
    hyinfo(instance, "text")
    assert texts(sink) == ["text"]


def test_who_listens_keeps_no_instance_alive(world: Any, no_collector: None) -> None:
    """Nor does it live on with a cycle when the instance has ended."""
    heard: Sink = []
    world.plugin("ear", {"attach_to": lambda plugin: plugin.instance.ext.listen(heard.append)})
    instance = world.create(["ear"])
    gone = weakref.ref(getattr(instance, "bare", instance))
    if world.kind == "plain":
        del instance
    else:
        instance.close()
        del instance
    assert gone() is None


@pytest.mark.parametrize("level", [7, "INFO", True])
def test_a_wrong_level_to_listen_at_is_told(logged: tuple[InstanceContext, Sink], level: Any) -> None:
    """As for every other level."""
    with pytest.raises((ArgumentTypeError, ArgumentValueError), match="^level must be a LogLevelEXT"):
        logged[0].ext.listen(print, level=level)
    with pytest.raises(
        ArgumentTypeError, match="callback must be a callable that takes a LogMessageEXT, not None"
    ):
        logged[0].ext.listen(None)  # type: ignore[arg-type]


def test_many_threads_listen_and_stop_at_once(logged: tuple[InstanceContext, Sink]) -> None:
    """Each hears what comes while it listens, and none stays when all have stopped."""
    instance, _ = logged
    instance.ext.log_level = LogLevelEXT.ERROR
    missed: list[int] = []

    def listen_and_stop() -> None:
        for number in range(2_000):
            heard: Sink = []
            listener = instance.ext.listen(heard.append, level=LogLevelEXT.INFO)
            hyinfo(instance, "text")
            if not heard:
                missed.append(number)
            listener.stop()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=listen_and_stop) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    finally:
        sys.setswitchinterval(interval)
    assert missed == []
    assert instance.ext.threshold == LogLevelEXT.ERROR


def test_many_threads_log_while_others_begin_to_listen(world: Any) -> None:
    """The logger gets each message once, whatever comes and goes beside it."""
    sink: list[str] = []
    done = threading.Event()
    threads: list[threading.Thread] = []

    def talk(instance: InstanceContext, name: str) -> None:
        for number in range(300):
            hyinfo(instance, "{} {}", name, number)

    def begin(plugin: Any) -> None:
        for name in "abc":
            thread = threading.Thread(target=talk, args=(plugin.instance, name))
            thread.start()
            threads.append(thread)
        for _ in range(50):
            plugin.instance.ext.listen(lambda message: None, level=0).stop()
        plugin.instance.ext.log_callback = lambda message: sink.append(message.message)
        for _ in range(50):
            plugin.instance.ext.listen(lambda message: None, level=0).stop()
        for thread in threads:
            thread.join(20)
        done.set()

    world.plugin("log", {"initialize": begin})
    world.create(["log"])
    assert done.is_set()
    wanted = [f"{name} {number}" for name in "abc" for number in range(300)]
    assert sorted(text for text in sink if text[0] in "abc" and text[1] == " ") == sorted(wanted)
