"""The ready-made callbacks: readable lines, the standard library's `logging`, and JSON lines.

Layer: `ext.hylog`, a leaf within it.
"""

from __future__ import annotations

import json
import os
import sys
from _thread import allocate_lock
from typing import IO

from hycore.log import LogLevelEXT, LogMessageEXT

__all__ = ["JsonLines", "to_logging", "to_stderr"]

_COLOURS = {
    LogLevelEXT.TRACE: "\x1b[2m",
    LogLevelEXT.DEBUG: "\x1b[36m",
    LogLevelEXT.INFO: "\x1b[32m",
    LogLevelEXT.WARN: "\x1b[33m",
    LogLevelEXT.ERROR: "\x1b[31m",
}
_LOGGING_LEVELS = {
    LogLevelEXT.TRACE: 5,
    LogLevelEXT.DEBUG: 10,
    LogLevelEXT.INFO: 20,
    LogLevelEXT.WARN: 30,
    LogLevelEXT.ERROR: 40,
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
    """Hands the message to the logger of its module, with its own time and place."""
    import logging

    logger = logging.getLogger(message.module)
    level = _LOGGING_LEVELS[message.level]
    if not logger.isEnabledFor(level):
        return
    record = logger.makeRecord(
        message.module, level, message.file, message.line or 0, message.message, (), None, message.function
    )
    record.created = message.timepoint.timestamp()
    record.msecs = message.timepoint.microsecond // 1000
    record.threadName = message.thread_name
    record.exc_text = message.exception
    logger.handle(record)


class JsonLines:
    """Appends one JSON object per message, and line, to a file; open from its construction until `close`."""

    def __init__(self, path: str) -> None:
        self._file: IO[str] = open(path, "a", encoding="utf-8", newline="\n")  # noqa: SIM115  closed by close()
        self._lock = allocate_lock()

    def close(self) -> None:
        """Closes the file; what comes later is dropped."""
        with self._lock:
            self._file.close()

    def __call__(self, message: LogMessageEXT) -> None:
        """Writes one line, at once."""
        facts = {
            "level": message.level.name,
            "timepoint": message.timepoint.isoformat(),
            "message": message.message,
            "module": message.module,
            "file": message.file,
            "line": message.line,
            "thread_name": message.thread_name,
            "function": message.function,
        }
        if message.exception is not None:
            facts["exception"] = message.exception
        # Lone surrogates, of a file name, stay escaped: the file is UTF-8.
        line = json.dumps(facts, ensure_ascii=False).encode("utf-8", "backslashreplace").decode("utf-8")
        with self._lock:
            if not self._file.closed:
                self._file.write(line + "\n")
                self._file.flush()
