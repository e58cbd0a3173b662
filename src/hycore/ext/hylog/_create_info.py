"""The logger's configuration.

Layer: `ext.hylog`, a leaf within it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from hycore.log import LogLevelEXT, LogMessageEXT
from hycore.utils.error import ArgumentTypeError, ArgumentValueError
from hycore.utils.opaque import OpaqueObject

__all__ = ["LogCreateInfoEXT", "checked_level"]


class LogCreateInfoEXT(OpaqueObject):
    """What the logger shall deliver, and where.

    - `level`: the least level; a `LogLevelEXT`, its name or its number.
    - `callback`: gets each message. What it raises disturbs nobody.
    - `output`: what gets them if there is no callback, and only then: `"stderr"` for readable lines, `"logging"` for the standard
      library's `logging`, `{"json": "PATH"}` for JSON lines that are appended to a file.
    """

    __slots__ = ("callback", "level", "output")

    level: LogLevelEXT
    callback: Callable[[LogMessageEXT], object] | None
    output: str | dict[str, str]

    def __init__(
        self,
        level: LogLevelEXT | int | str = LogLevelEXT.INFO,
        callback: Callable[[LogMessageEXT], Any] | None = None,
        output: Literal["stderr", "logging"] | Mapping[str, str] = "stderr",
    ) -> None:
        if callback is not None and not callable(callback):
            raise ArgumentTypeError("callback", "a callable that takes a LogMessageEXT, or None", callback)
        self.level = checked_level(level)
        self.callback = callback
        self.output = _checked_output(output)
        if callback is not None and self.output != "stderr":
            raise ArgumentValueError("output", "left out where there is a callback", repr(self.output))

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return (self.level, self.callback, self.output) == (other.level, other.callback, other.output)

    __hash__ = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]

    def __repr__(self) -> str:
        return (
            f"LogCreateInfoEXT(level={self.level.name}, callback={self.callback!r}, output={self.output!r})"
        )


def checked_level(level: object, *, beside: str = "") -> LogLevelEXT:
    """A level that is given as one, by its name or by its number; `beside` names in the error what may be given too."""
    names = ", ".join(LogLevelEXT.__members__) + beside
    if isinstance(level, str):
        found = LogLevelEXT.__members__.get(level.upper())
        if found is None:
            raise ArgumentValueError("level", f"one of {names}", repr(level))
        return found
    if not isinstance(level, int) or isinstance(level, bool):
        raise ArgumentTypeError("level", f"a LogLevelEXT, one of {names}", level)
    try:
        return LogLevelEXT(level)
    except ValueError:
        raise ArgumentValueError("level", f"a LogLevelEXT, one of {names}", repr(level)) from None


def _checked_output(output: object) -> str | dict[str, str]:
    expected = '"stderr", "logging" or {"json": "PATH"}'
    if isinstance(output, str):
        if output in ("stderr", "logging"):
            return output
        raise ArgumentValueError("output", expected, repr(output))
    if not isinstance(output, Mapping):
        hint = " (a callable is handed over as callback=…)" if callable(output) else ""
        raise ArgumentTypeError("output", expected + hint, output)
    places: dict[Any, Any] = dict(output)
    path = places.get("json")
    if len(places) != 1 or not isinstance(path, str) or not path:
        raise ArgumentValueError("output", expected, repr(places))
    return {"json": path}
