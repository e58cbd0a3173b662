"""The create infos of applications: Pydantic's dataclasses, field by field those of `hycore.base.api`.

Layer: `hypi.api`, above `hycore`.
"""

from __future__ import annotations

import copy
import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Annotated, Any, Literal

import pydantic
from pydantic import ConfigDict, Field, StrictInt, StrictStr, field_validator
from pydantic.dataclasses import dataclass

from hycore.base._origin import caller, origin_of
from hycore.utils.error import ArgumentTypeError

__all__ = ["ApplicationInfo", "InstanceCreateInfo", "Version"]

# Configuration may be secret: errors do not show it.
_CONFIG = ConfigDict(arbitrary_types_allowed=True, extra="forbid", hide_input_in_errors=True)

_PYDANTIC = f"{os.path.dirname(pydantic.__file__)}{os.sep}"
_REPLACING = (dataclasses.__file__, copy.__file__)  # a request is made anew there, with other values

_Number = Annotated[StrictInt, Field(ge=0, le=0xFFFF)]


@dataclass(config=_CONFIG)
class Version:
    """A version of three numbers, each from 0 to 65535.

    >>> Version.parse("1.2.3")
    Version(major=1, minor=2, patch=3)
    """

    major: _Number
    minor: _Number = 0
    patch: _Number = 0

    @classmethod
    def parse(cls, text: str) -> Version:
        """Reads a version of exactly three numbers, `"1.2.3"`; raises `ValueError` for anything else."""
        if not isinstance(text, str):
            raise ArgumentTypeError("a version", "a string such as '1.2.3'", text)
        parts = text.split(".")
        if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
            raise ValueError(f"a version has three numbers, such as '1.2.3', and {text!r} is none")
        numbers = [int(part) for part in parts]
        if max(numbers) > 0xFFFF:
            raise ValueError(f"the numbers of a version go from 0 to 65535, and {text!r} is beyond")
        return cls(*numbers)

    def to_tuple(self) -> tuple[int, int, int]:
        """The three numbers."""
        return self.major, self.minor, self.patch

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


@dataclass(config=_CONFIG)
class ApplicationInfo:
    """Which application this is, and the engine whose version extensions may require."""

    application_name: StrictStr
    application_version: Version
    engine_name: StrictStr
    engine_version: Version

    @field_validator("application_version", "engine_version", mode="before")
    @classmethod
    def _is_no_text(cls, value: object) -> object:
        if isinstance(value, str):
            raise ValueError(f'a Version is needed: write Version.parse("{value}")')
        return value


@dataclass(config=_CONFIG)
class InstanceCreateInfo:
    """What a host asks for; see `hycore.base.api.InstanceCreateInfo` for the fields.

    The objects in `ext` are kept as they are.
    """

    application_info: ApplicationInfo
    enabled_extensions: Sequence[StrictStr] = field(default_factory=list)
    node_id: Annotated[StrictInt, Field(ge=0, le=0xFFFF_FFFF)] = 0
    ext: Sequence[Any] = field(default_factory=list)
    optional_extensions: Sequence[StrictStr] = field(default=(), kw_only=True)
    unused_ext: Literal["error", "warn", "ignore"] = field(default="error", kw_only=True)

    @field_validator("enabled_extensions", "optional_extensions", "ext", mode="before")
    @classmethod
    def _is_a_list(cls, value: object) -> object:
        if isinstance(value, str | bytes | Mapping):
            raise ValueError(f"a list is needed, not {type(value).__name__}: put it into [ ]")
        return value

    def __post_init__(self) -> None:
        # Where it was written, for reports; it is no field.
        object.__setattr__(self, "_origin", caller(_PYDANTIC, *_REPLACING))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_origin": origin_of(self.__dict__.get("_origin"))}

    def __repr__(self) -> str:
        # Configuration is shown by type: it may hold secrets.
        types = ", ".join(type(thing).__name__ for thing in self.ext)
        return (
            f"InstanceCreateInfo({self.application_info!r}, {list(self.enabled_extensions)!r}, {self.node_id!r}, "
            f"[{types}], optional_extensions={list(self.optional_extensions)!r}, unused_ext={self.unused_ext!r})"
        )
