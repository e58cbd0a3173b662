"""The logger extension, and all of logging in one place."""

from hycore.ext.hylog._create_info import LogCreateInfoEXT
from hycore.ext.hylog._plugin import LogPluginEXT
from hycore.log import (
    LogLevelEXT,
    LogMessageEXT,
    hydebug,
    hyerror,
    hyinfo,
    hylog,
    hytrace,
    hywarn,
)

__all__ = [
    "LogCreateInfoEXT",
    "LogLevelEXT",
    "LogMessageEXT",
    "LogPluginEXT",
    "hydebug",
    "hyerror",
    "hyinfo",
    "hylog",
    "hytrace",
    "hywarn",
]
