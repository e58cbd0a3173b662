"""A handler of the standard library's `logging` that makes messages of records.

Layer: `ext.hylogging`, a leaf within it.
"""

from __future__ import annotations

import logging
import weakref
from datetime import UTC, datetime

from hycore.ext.hylog._border import MARK, crossing, level_of_record
from hycore.log import LogMessageEXT
from hycore.log._text import as_text, traceback_of, unformatted
from hycore.utils.error import describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hycore.base import InstanceContext

__all__ = ["MessageHandler"]


class MessageHandler(logging.Handler):
    """Delivers each record to an instance, which it does not keep alive."""

    def __init__(self, instance: weakref.ref[InstanceContext], level: int) -> None:
        super().__init__(level)
        self._instance = instance
        # One record may come from several loggers that were asked for, one above the other.
        self._seen: weakref.WeakSet[logging.LogRecord] = weakref.WeakSet()

    def handle(self, record: logging.LogRecord) -> bool:
        """Delivers a record, if the filters let it through; without a lock, since there is nothing to guard."""
        filtered: object = self.filter(record)
        if not filtered or record in self._seen:
            return False
        self._seen.add(record)
        # From 3.12 on a filter may return another record.
        self.emit(filtered if isinstance(filtered, logging.LogRecord) else record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Delivers a record, unless it was a message before."""
        instance = self._instance()
        if instance is None or hasattr(record, MARK):
            return
        level = level_of_record(record.levelno)
        if level < instance.ext.threshold:
            return
        message = LogMessageEXT(
            level=level,
            timepoint=datetime.fromtimestamp(record.created, UTC).astimezone(),
            message=_text_of(record),
            module=record.name,
            file=record.pathname,
            line=record.lineno,
            thread_name=record.threadName or "?",
            function=record.funcName or "?",
            exception=_exception_of(record),
        )
        outer = crossing.from_record
        crossing.from_record = True
        try:
            instance.ext.deliver(message)
        finally:
            crossing.from_record = outer


def _text_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:
        args = record.args if isinstance(record.args, tuple) else (record.args,)
        return unformatted(record.msg, args, describe(error))


def _exception_of(record: logging.LogRecord) -> str | None:
    error = record.exc_info[1] if record.exc_info else None
    exception = record.exc_text if error is None else traceback_of(error)
    stack = as_text(record.stack_info) if record.stack_info else None
    return "\n".join([part for part in (exception, stack) if part]) or None
