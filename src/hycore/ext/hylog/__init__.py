"""The logger extension, its ready-made callbacks, and all of logging in one place."""

from hycore.ext.hylog._create_info import LogCreateInfoEXT
from hycore.ext.hylog._json_lines import JsonLines
from hycore.ext.hylog._outputs import to_logging, to_stderr
from hycore.ext.hylog._plugin import LogPluginEXT
from hycore.log import (
    LogLevelEXT,
    LogListenerEXT,
    LogMessageEXT,
    hydebug,
    hyerror,
    hyinfo,
    hylog,
    hytrace,
    hywarn,
)

__all__ = [
    "JsonLines",
    "LogCreateInfoEXT",
    "LogLevelEXT",
    "LogListenerEXT",
    "LogMessageEXT",
    "LogPluginEXT",
    "hydebug",
    "hyerror",
    "hyinfo",
    "hylog",
    "hytrace",
    "hywarn",
    "to_logging",
    "to_stderr",
]
