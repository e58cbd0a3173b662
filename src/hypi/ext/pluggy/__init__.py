"""The pluggy extension: each instance has a `pluggy.PluginManager` of its own, whose plugins live as long as it does."""

from hypi.ext.pluggy._create_info import PluggyCreateInfoEXT
from hypi.ext.pluggy._error import PluggyError
from hypi.ext.pluggy._plugin import PluggyPluginEXT

__all__ = ["PluggyCreateInfoEXT", "PluggyError", "PluggyPluginEXT"]
