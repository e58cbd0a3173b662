"""The Rust build: the published `hypi` 0.1.2, called from Python in the same words as ours, through `hypi.api`.

Not alike: an instance of it ends with its last reference, ours by `close`. With the logger it has one message more, and
makes each of them whole before the callback is called, a Pydantic dataclass that validates itself; ours works out what is
read, and so "messages read" is a row. A message of it tells no thread, a time without a zone, and a place in Rust. Its
plugins are part of the build, so that there is nothing to find or to plan.
"""

# It has our import name, and so an environment of its own, whose Python takes a sample for each line that it is sent:
# python -m benchmarks.peers.through_hypi

from __future__ import annotations

from typing import Any

from benchmarks._sampling import Sample, repeated
from benchmarks._worker import serve

FIELDS = ("level", "timepoint", "message", "module", "file", "line", "thread_name")


def through_hypi() -> dict[str, Sample]:
    """Creating an instance and ending it, by what is enabled: of whichever build is installed."""
    from hypi.api import ApplicationInfo, InstanceCreateInfo, InstanceEXT, Version, create_instance
    from hypi.api.ext.hylog import LogCreateInfoEXT, LogLevelEXT

    application = ApplicationInfo("benchmark", Version(1, 0, 0), "engine", Version(1, 0, 0))
    nothing = InstanceCreateInfo(application, [])
    has_close = hasattr(create_instance(nothing), "close")

    def come_and_go(info: Any) -> Sample:
        if has_close:
            return repeated(lambda: create_instance(info).close())
        return repeated(lambda: create_instance(info))

    def with_logger(level: Any, callback: Any) -> Sample:
        ext = [LogCreateInfoEXT(level=level, callback=callback)]
        return come_and_go(InstanceCreateInfo(application, [InstanceEXT.LOGGER.value], ext=ext))

    return {
        "no extensions": come_and_go(nothing),
        "logger at TRACE": with_logger(LogLevelEXT.TRACE, take),
        "logger at TRACE, messages read": with_logger(LogLevelEXT.TRACE, read),
        "logger at ERROR": with_logger(LogLevelEXT.ERROR, take),
    }


def take(message: object) -> None:
    """A callback that does nothing."""


def read(message: object) -> None:
    """A callback that looks at every field."""
    for field in FIELDS:
        getattr(message, field)


if __name__ == "__main__":
    serve(through_hypi())
