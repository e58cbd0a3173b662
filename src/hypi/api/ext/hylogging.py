"""The configuration of the extension that brings records of `logging` in, validated.

Layer: `hypi.api`, above `hycore`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import ConfigDict, Field, StrictBool, StrictStr, field_validator, model_validator
from pydantic.dataclasses import dataclass

from hycore.log import LogLevelEXT
from hycore.utils.opaque import define_py_opaque_object_loaders
from hypi.api.ext.hylog import level_by_name

if TYPE_CHECKING:
    from typing import Self

    from hycore.ext.hylogging import LoggingCreateInfoEXT as PluginCreateInfo

__all__ = ["LoggingCreateInfoEXT"]


@dataclass(config=ConfigDict(extra="forbid"))
class LoggingCreateInfoEXT:
    """Which records shall arrive as messages; see `hycore.ext.hylogging.LoggingCreateInfoEXT` for the fields."""

    loggers: Annotated[Sequence[StrictStr], Field(min_length=1)] = ("root",)
    level: LogLevelEXT | None = None
    propagate: StrictBool = field(default=True, kw_only=True)

    @field_validator("loggers", mode="before")
    @classmethod
    def _is_a_list(cls, value: object) -> object:
        if isinstance(value, str):
            raise ValueError("a list is needed, not str: put it into [ ]")
        return value

    _by_name = field_validator("level", mode="before")(level_by_name)

    @model_validator(mode="after")
    def _something_is_above(self) -> Self:
        if not self.propagate and {"root", ""} & set(self.loggers):
            raise ValueError("nothing is above the logger 'root': to end propagation, name others")
        return self


def _load(create_info: Any) -> PluginCreateInfo:
    from hycore.ext.hylogging import LoggingCreateInfoEXT

    return LoggingCreateInfoEXT(create_info.loggers, create_info.level, propagate=create_info.propagate)


define_py_opaque_object_loaders(f"{__name__}.LoggingCreateInfoEXT", _load)
