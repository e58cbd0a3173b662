"""The logger's configuration, validated; levels and messages are `hycore`'s own.

Layer: `hypi.api`, above `hycore`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ConfigDict, field_validator
from pydantic.dataclasses import dataclass

from hycore.log import LogLevelEXT, LogMessageEXT
from hycore.utils.opaque import define_py_opaque_object_loaders

if TYPE_CHECKING:
    from hycore.ext.hylog import LogCreateInfoEXT as PluginCreateInfo

__all__ = ["LogCreateInfoEXT", "LogLevelEXT", "LogMessageEXT"]


def level_by_name(value: object) -> object:
    """The level of a name, in whatever case; anything else stays as it is."""
    if isinstance(value, str):
        found = LogLevelEXT.__members__.get(value.upper())
        if found is None:
            raise ValueError(f"a level is one of {', '.join(LogLevelEXT.__members__)}")
        return found
    return value


@dataclass(config=ConfigDict(arbitrary_types_allowed=True, extra="forbid"))
class LogCreateInfoEXT:
    """What the logger shall deliver, and where; see `hycore.ext.hylog.LogCreateInfoEXT` for the fields."""

    level: LogLevelEXT = LogLevelEXT.INFO
    callback: Callable[[LogMessageEXT], Any] | None = field(default=None, repr=False)
    output: Literal["stderr", "logging"] | dict[Literal["json"], str] = "stderr"

    _by_name = field_validator("level", mode="before")(level_by_name)


def _load(create_info: Any) -> PluginCreateInfo:
    from hycore.ext.hylog import LogCreateInfoEXT

    return LogCreateInfoEXT(create_info.level, create_info.callback, create_info.output)


define_py_opaque_object_loaders(f"{__name__}.LogCreateInfoEXT", _load)
