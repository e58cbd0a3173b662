"""The configuration of the extension that brings records in.

Layer: `ext.hylogging`, a leaf within it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hycore.ext.hylog._create_info import checked_level
from hycore.log import LogLevelEXT
from hycore.utils.error import ArgumentTypeError, ArgumentValueError
from hycore.utils.opaque import OpaqueObject

__all__ = ["LoggingCreateInfoEXT"]


class LoggingCreateInfoEXT(OpaqueObject):
    """Which records of the standard library's `logging` shall arrive as messages.

    - `loggers`: the names of the loggers; each stands for those below it too, and `"root"` for all.
    - `level`: the least level, a `LogLevelEXT`, its name or its number. Loggers that let less through do so from this
      level on while the instance is up. `None`: what they let through by themselves.
    - `propagate`: whether the records also go on to the handlers of the loggers above, as they do without. Nothing is
      above `"root"`.
    """

    __slots__ = ("level", "loggers", "propagate")

    loggers: tuple[str, ...]
    level: LogLevelEXT | None
    propagate: bool

    def __init__(
        self,
        loggers: Sequence[str] = ("root",),
        level: LogLevelEXT | int | str | None = None,
        *,
        propagate: bool = True,
    ) -> None:
        self.loggers = _checked_loggers(loggers)
        self.level = None if level is None else checked_level(level, beside=", or None")
        if not isinstance(propagate, bool):
            raise ArgumentTypeError("propagate", "True or False", propagate)
        if not propagate and "root" in self.loggers:
            raise ArgumentValueError(
                "propagate", "True for the logger 'root', which nothing is above (name others)", "False"
            )
        self.propagate = propagate

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        mine, others = [(each.loggers, each.level, each.propagate) for each in (self, other)]
        return mine == others

    __hash__ = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]

    def __repr__(self) -> str:
        level = self.level.name if self.level is not None else None
        return f"LoggingCreateInfoEXT({list(self.loggers)!r}, level={level}, propagate={self.propagate})"


def _checked_loggers(loggers: object) -> tuple[str, ...]:
    expected = 'a list of names of loggers, such as ["urllib3", "sqlalchemy.engine"]'
    if isinstance(loggers, str) or not isinstance(loggers, Iterable):
        raise ArgumentTypeError("loggers", expected, loggers)
    names: list[object] = list(loggers)
    found: list[str] = []
    for name in names:
        if not isinstance(name, str):
            raise ArgumentTypeError("a name in loggers", "a string", name)
        found.append(name or "root")
    if not found:
        raise ArgumentValueError("loggers", expected, "an empty list")
    return tuple(dict.fromkeys(found))
