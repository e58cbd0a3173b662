"""Logging into an instance: messages, levels, the slots of a logger, and the functions that log."""

from hycore.log._emit import hydebug, hyerror, hyinfo, hylog, hytrace, hywarn
from hycore.log._message import LogMessageEXT
from hycore.log._state import InstanceStateEXT, LogListenerEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hycore.log._level import LogLevelEXT

__all__ = [
    "InstanceStateEXT",
    "LogLevelEXT",
    "LogListenerEXT",
    "LogMessageEXT",
    "hydebug",
    "hyerror",
    "hyinfo",
    "hylog",
    "hytrace",
    "hywarn",
]

if not TYPE_CHECKING:

    def __getattr__(name):
        # Enumerations need `enum`, which `import hycore` does without.
        if name == "LogLevelEXT":
            from hycore.log._level import LogLevelEXT

            globals()[name] = LogLevelEXT
            return LogLevelEXT
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
