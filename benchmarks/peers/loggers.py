"""Loggers, each set up to hand a finished record to a callback and to write nothing.

What is not alike:

- **`logging`**: its record tells the process, too. It formats when a handler asks, here before the callback, as ours does,
  and with `%`. The handler is called under its lock.
- **picologging**: the same in C++. The place that it tells is not that of the call but of the function around it, and it
  tells no name of the thread.
- **loguru**: its record tells the process and the time since the start, too. It formats with `str.format`, as ours does;
  the callback gets a line that has the record with it.
- **structlog**: made for pairs of keys and values; the text is formatted with `%`. Its record is what its processors are
  asked for, here level, time, place and name of the thread.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

PERCENT = {"no arguments": '"the index is written"', "3 arguments": '"%d of %d in %s", 1, total, name'}
BRACES = {"no arguments": '"the index is written"', "3 arguments": '"{} of {} in {}", 1, total, name'}


def take(message: object) -> None:
    """The callback; does nothing."""


def of_logging(*, wanted: bool) -> Any:
    """A logger of the standard library."""
    return _of(logging, wanted)


def of_picologging(*, wanted: bool) -> Any:
    """One that has the same interface."""
    import picologging

    return _of(picologging, wanted)


def of_loguru(*, wanted: bool) -> Any:
    """A logger of its own: the one that the library offers has one level in all of the process."""
    from loguru import logger
    from loguru._logger import Core, Logger

    own = Logger(Core(), *logger._options)
    own.add(take, format="{message}", level="DEBUG" if wanted else "ERROR", colorize=False)
    return own


def of_structlog(*, wanted: bool) -> Any:
    """A logger whose last processor calls the callback."""
    import structlog
    from structlog.processors import CallsiteParameter, CallsiteParameterAdder, TimeStamper, add_log_level

    place = CallsiteParameterAdder(
        [
            CallsiteParameter.MODULE,
            CallsiteParameter.PATHNAME,
            CallsiteParameter.FUNC_NAME,
            CallsiteParameter.LINENO,
            CallsiteParameter.THREAD_NAME,
        ]
    )

    def deliver(logger: object, name: str, event: Mapping[str, object]) -> NoReturn:
        take(event)
        raise structlog.DropEvent

    formatted = structlog.stdlib.PositionalArgumentsFormatter()
    return structlog.wrap_logger(
        None,
        processors=[add_log_level, formatted, TimeStamper(fmt=None), place, deliver],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG if wanted else logging.ERROR),
    ).bind()


LOGGERS: dict[str, tuple[Callable[..., Any], dict[str, str]]] = {
    "logging": (of_logging, PERCENT),
    "picologging": (of_picologging, PERCENT),
    "loguru": (of_loguru, BRACES),
    "structlog": (of_structlog, PERCENT),
}
"""By library: what makes a logger, and the arguments of its calls."""


def _of(library: Any, wanted: bool) -> Any:
    class ToCallback(library.Handler):  # type: ignore[misc]
        def emit(self, record: Any) -> None:
            record.message = record.getMessage()
            take(record)

    logger = library.Logger("made", library.DEBUG if wanted else library.ERROR)
    logger.addHandler(ToCallback())
    return logger
