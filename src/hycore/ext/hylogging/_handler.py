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
        try:
            if not filtered or record in self._seen:
                return False
            self._seen.add(record)
            # From 3.12 on a filter may return another record.
            self.emit(filtered if isinstance(filtered, logging.LogRecord) else record)
        except Exception:
            self.handleError(record)  # as the handlers of `logging` do: who logs is not disturbed
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
            # A record that came from elsewhere may lack any of these.
            module=as_text(record.name or "?"),
            file=as_text(record.pathname or "?"),
            line=record.lineno or None,
            thread_name=as_text(record.threadName or "?"),
            function=as_text(record.funcName or "?"),
            exception=_exception_of(record),
        )
        outer = crossing.place
        crossing.place = (message.module, message.file, message.line)
        try:
            instance.ext.deliver(message)
        finally:
            crossing.place = outer


def _text_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:
        args = record.args if isinstance(record.args, tuple) else (record.args,)
        return unformatted(record.msg, args, describe(error))


def _exception_of(record: logging.LogRecord) -> str | None:
    error: object = record.exc_info
    if isinstance(error, tuple):
        error = error[1]
    exception = traceback_of(error) if isinstance(error, BaseException) else record.exc_text
    return "\n".join([as_text(part) for part in (exception, record.stack_info) if part]) or None
