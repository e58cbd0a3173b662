"""Logging, and the logger."""

from __future__ import annotations

from typing import Any

from hycore import hyerror, hyinfo
from hycore.ext.hylog import LogCreateInfoEXT, LogMessageEXT, hylog
from misuse import Place, Right, Told, kinds, misuse


@misuse
def log_without_an_instance(place: Place) -> None:
    """A log function is called without an instance."""
    hyinfo("loaded {} words", 3)


@misuse
def log_with_a_plugin(place: Place) -> None:
    """A log function is called with the plugin."""
    hyerror(Right(), "no such dictionary")


@misuse
def log_with_a_reference(place: Place) -> None:
    """A log function is called with the weak reference."""
    kept: list[Any] = []

    @place.define
    class Words(Right):
        def attach_to(self, instance: Any) -> None:
            kept.append(instance)

    with place.create("__EXT_words"):
        hyinfo(kept[0], "attached")


@misuse
def log_at_a_named_level(place: Place) -> None:
    """hylog is given the name of a level."""
    with place.create() as instance:
        hylog(instance, "INFO", "loaded")


@misuse
def log_at_a_level_of_logging(place: Place) -> None:
    """hylog is given a level of the standard library."""
    with place.create() as instance:
        instance.ext.log_callback = print
        hylog(instance, 20, "loaded")


@misuse
def log_at_a_fraction(place: Place) -> None:
    """hylog is given a level that is no whole number."""
    with place.create() as instance:
        instance.ext.log_callback = print
        hylog(instance, 2.5, "loaded")


@misuse
def slot_of_a_name(place: Place) -> None:
    """The slot of the level is filled with a name."""
    with place.create() as instance:
        instance.ext.log_level = "INFO"


@misuse
def slot_beyond(place: Place) -> None:
    """The slot of the level is filled with a level that there is not."""
    with place.create() as instance:
        instance.ext.log_level = 20


@misuse
def slot_of_a_file(place: Place) -> None:
    """The slot of the callback is filled with something that cannot be called."""
    with place.create() as instance:
        instance.ext.log_callback = "words.log"


@misuse
def logger_of_a_level(place: Place) -> None:
    """A logger of a level that there is not."""
    LogCreateInfoEXT("LOUD")


@misuse
def logger_of_a_number(place: Place) -> None:
    """A logger of a number that is no level."""
    LogCreateInfoEXT(10)


@misuse
def logger_of_a_fraction(place: Place) -> None:
    """A logger of a level that is no level at all."""
    LogCreateInfoEXT(2.5)


@misuse
def logger_with_a_file_for_a_callback(place: Place) -> None:
    """A logger with a callback that cannot be called."""
    LogCreateInfoEXT(callback="words.log")


@misuse
def logger_to_a_file(place: Place) -> None:
    """A logger with a path for its output."""
    LogCreateInfoEXT(output="words.log")


@misuse
def logger_to_a_function(place: Place) -> None:
    """A logger with a callback for its output."""
    LogCreateInfoEXT(output=print)


@misuse
def logger_to_two_files(place: Place) -> None:
    """A logger with two outputs in one."""
    LogCreateInfoEXT(output={"json": "words.log", "text": "words.txt"})


@misuse
def message_of_a_naive_time(place: Place) -> None:
    """A message is made with a time without a zone."""
    from datetime import datetime

    facts: dict[str, Any] = dict.fromkeys(("message", "module", "file", "thread_name", "function"), "")
    LogMessageEXT(level=2, timepoint=datetime(2024, 1, 1), line=1, **facts)  # noqa: DTZ001


@misuse
def message_is_changed(place: Place) -> None:
    """A callback changes a message."""
    heard: list[LogMessageEXT] = []
    with place.create() as instance:
        instance.ext.log_callback = heard.append
        hyinfo(instance, "loaded")
    heard[0].message = "loaded 3 words"


@misuse
def wrong_format_strings(place: Place) -> Told:
    """Format strings are wrong: what is delivered."""

    class Broken:
        def __repr__(self) -> str:
            raise ValueError("closed")

    heard: list[str] = []
    with place.create() as instance:
        instance.ext.log_callback = lambda message: heard.append(message.message)
        hyinfo(instance, "loaded {} of {} words", 3)
        hyinfo(instance, "loaded %d words", 3)
        hyinfo(instance, "loaded {words}", 3)
        hyinfo(instance, "loaded {}", Broken())
        hyinfo(instance, Broken())
    return Told("logged", "\n".join(heard[:5]))


@misuse
def callback_that_raises(place: Place) -> Told:
    """A callback raises."""
    seen = place.unraisable()

    def deliver(message: LogMessageEXT) -> None:
        raise OSError("the disk is full")

    with place.create() as instance:
        instance.ext.log_callback = deliver
        hyinfo(instance, "loaded")
    return Told(f"handed to sys.unraisablehook: {kinds(seen[0])}", str(seen[0]))


@misuse
def messages_before_a_callback(place: Place) -> Told:
    """More messages are logged before there is a callback than are kept."""

    def begin(plugin: Any) -> None:
        for number in range(1_002):
            hyinfo(plugin.instance, "loaded {} words", number)

    heard = place.listen()
    place.plugin("__EXT_words", {"attach_to": begin})
    place.create("__EXT_words", "__EXT_logger").close()
    return Told("logged", next(line for line in heard if line.startswith("WARN")))
