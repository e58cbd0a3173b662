"""The extension that brings records of the standard library's `logging` into an instance.

Layer: `ext.hylogging`, on top of it. `logging` is imported when the extension starts.
"""

from __future__ import annotations

import uuid

from hycore.ext import PluginEXT
from hycore.ext.hylog._border import RECORD_LEVELS
from hycore.ext.hylogging._create_info import LoggingCreateInfoEXT
from hycore.magic import HYPERION_LOGGER_NAME_EXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    import weakref

    from hycore.base import InstanceContext

__all__ = ["LoggingPluginEXT"]


class LoggingPluginEXT(PluginEXT):
    """Delivers records of the standard library's `logging` as messages of the instance."""

    UUID = uuid.UUID("3dd9bc70-ba2f-4efb-884c-76c6cca5a3ac")
    NAME = "__EXT_hyperion_logging"
    DESCRIPTION = "Delivers records of chosen loggers of the standard library as messages of an instance"
    AFTER = (HYPERION_LOGGER_NAME_EXT,)  # and so it is taken away before the logger is
    CREATE_INFO = LoggingCreateInfoEXT

    def __init__(self, create_info: LoggingCreateInfoEXT) -> None:
        self.create_info = create_info

    def attach_to(self, instance: weakref.ref[InstanceContext]) -> None:
        """Keeps the reference for the handler."""
        self._reference = instance

    def initialize(self) -> None:
        """Adds a handler to each logger; it is taken away when the plugin is undone."""
        import logging

        from hycore.ext.hylogging._handler import MessageHandler
        from hycore.ext.hylogging._loggers import Claim

        wanted = self.create_info.level
        level = None
        if wanted is not None:
            level = RECORD_LEVELS[wanted] if wanted else 1  # what is below DEBUG is TRACE, down to the last
        handler = MessageHandler(self._reference, level or logging.NOTSET)
        self.defer(handler.close)
        for name in self.create_info.loggers:
            logger = logging.getLogger(None if name == "root" else name)
            self.defer(Claim(logger, level, propagate=self.create_info.propagate).end)
            self.defer(logger.removeHandler, handler)
            logger.addHandler(handler)
