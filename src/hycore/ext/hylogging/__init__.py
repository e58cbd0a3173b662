"""The extension that brings records of the standard library's `logging` into an instance."""

from hycore.ext.hylogging._create_info import LoggingCreateInfoEXT
from hycore.ext.hylogging._plugin import LoggingPluginEXT

__all__ = ["LoggingCreateInfoEXT", "LoggingPluginEXT"]
