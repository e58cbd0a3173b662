"""The ready-made callbacks that are functions: readable lines, and the standard library's `logging`.

Layer: `ext.hylog`, above `_border`.
"""

from __future__ import annotations

import os
import sys

from hycore.ext.hylog._border import MARK, RECORD_LEVELS, crossing
from hycore.log import LogLevelEXT, LogMessageEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logging import LogRecord

__all__ = ["to_logging", "to_stderr"]

_COLOURS = {
    LogLevelEXT.TRACE: "\x1b[2m",
    LogLevelEXT.DEBUG: "\x1b[36m",
    LogLevelEXT.INFO: "\x1b[32m",
    LogLevelEXT.WARN: "\x1b[33m",
    LogLevelEXT.ERROR: "\x1b[31m",
}


def to_stderr(message: LogMessageEXT) -> None:
    """Writes a readable line to standard error; coloured on a terminal, unless `NO_COLOR` is set."""
    stream = sys.stderr
    if stream is None:  # a windowed application has none
        return
    level = message.level
    word = f"{level.name:<5}"
    if stream.isatty() and not os.environ.get("NO_COLOR"):
        word = f"{_COLOURS[level]}{word}\x1b[0m"
    time = message.timepoint.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    exception = f"\n{message.exception}" if message.exception else ""
    stream.write(f"{time} {word} {message.module}: {message.message}{exception}\n")
    stream.flush()


def to_logging(message: LogMessageEXT) -> None:
    """Hands the message to the logger of its module, as a record that this logger might have made at the same place.

    The exception is there as text, `exc_text`; `exc_info` is `None`. A message that was a record before, which the
    extension `__EXT_hyperion_logging` brings in, is not handed over: its logger had it already.
    """
    place = crossing.place
    if place is not None and place == (message.module, message.file, message.line):
        return
    import logging

    logger = logging.getLogger(message.module)
    level = RECORD_LEVELS[message.level]
    if not logger.isEnabledFor(level):
        return
    function = message.function.rpartition(".")[2]  # `logging` knows the bare name
    record = logger.makeRecord(
        message.module, level, message.file, message.line or 0, message.message, (), None, function
    )
    if record.levelname == f"Level {level}":  # unless the host has a name for it
        record.levelname = message.level.name
    created = message.timepoint.timestamp()
    record.relativeCreated += (created - record.created) * 1000
    record.created = created
    record.msecs = message.timepoint.microsecond // 1000 + 0.0
    _set_thread(record, message.thread_name)
    record.exc_text = message.exception
    setattr(record, MARK, True)
    logger.handle(record)


def _set_thread(record: LogRecord, name: str) -> None:
    """Says on which thread a message was logged, which is another one if it was kept."""
    if record.threadName in (None, name):  # `logging.logThreads` is off, or it is this one
        return
    import threading

    record.threadName = name
    idents = [thread.ident for thread in threading.enumerate() if thread.name == name]
    record.thread = idents[0] if len(idents) == 1 else 0  # a formatter's %d takes no None
