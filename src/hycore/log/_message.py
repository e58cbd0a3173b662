"""The record of one message.

Layer: `log`, above `_level`.
"""

from __future__ import annotations

from hycore.utils.error import ArgumentTypeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from types import CodeType
    from typing import Any, NoReturn, final

    from hycore.log._level import LogLevelEXT
else:

    def final(kind):
        return kind


__all__ = ["LogMessageEXT", "MessageInTheMaking"]

_FIELDS = (
    "level",
    "timepoint",
    "message",
    "module",
    "file",
    "line",
    "thread_name",
    "function",
    "exception",
)

_set = object.__setattr__  # past the refusal of `LogMessageEXT.__setattr__`


class MessageInTheMaking:
    """The slots of a message, which can be set as long as it is not a `LogMessageEXT`.

    Whoever has set them changes its class. That takes 0.7 of the time of a constructor in Python, and 0.25 of the time
    of going past a `__setattr__` that refuses, once for each slot.
    """

    __slots__ = (
        "_code",
        "_instruction",
        "_level",
        "_line",
        "_time",
        "_timepoint",
        "exception",
        "message",
        "module",
        "thread_name",
    )

    message: str
    module: str
    thread_name: str
    exception: str | None
    _level: int
    _time: int
    _timepoint: datetime | None
    _code: Any
    _instruction: int
    _line: int | None


@final
class LogMessageEXT(MessageInTheMaking):
    """One message, as a callback gets it; a value of plain fields.

    - `level`: a `LogLevelEXT`; `message`: the text.
    - `timepoint`: when it was logged, aware, in local time.
    - `module`, `file`, `line`, `function`: where it was logged; `thread_name`: on which thread.
    - `exception`: the formatted exception that was logged with it, or `None`.

    `level`, `timepoint`, `line` and the other facts of the place are worked out when they are read.
    """

    __slots__ = ()

    def __init__(
        self,
        *,
        level: LogLevelEXT,
        timepoint: datetime,
        message: str,
        module: str,
        file: str,
        line: int | None,
        thread_name: str,
        function: str,
        exception: str | None = None,
    ) -> None:
        if getattr(timepoint, "tzinfo", None) is None:
            raise ArgumentTypeError(
                "timepoint", "a datetime with a zone, such as datetime.now().astimezone()", timepoint
            )
        _set(self, "_level", int(level))
        _set(self, "_time", 0)
        _set(self, "_timepoint", timepoint)
        _set(self, "_code", (file, function))
        _set(self, "_instruction", -1)
        _set(self, "_line", line)
        _set(self, "message", message)
        _set(self, "module", module)
        _set(self, "thread_name", thread_name)
        _set(self, "exception", exception)

    @property
    def level(self) -> LogLevelEXT:
        """How much it matters."""
        from hycore.log._level import LogLevelEXT

        return LogLevelEXT(self._level)

    @property
    def timepoint(self) -> datetime:
        """When it was logged: aware, in local time."""
        if self._timepoint is None:
            from datetime import UTC, datetime

            seconds, rest = divmod(self._time, 1_000_000_000)
            moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)
            _set(self, "_timepoint", moment.astimezone())
        timepoint = self._timepoint
        assert timepoint is not None
        return timepoint

    @property
    def file(self) -> str:
        """The file of the source."""
        code = self._code
        file: str = code[0] if type(code) is tuple else code.co_filename
        return file

    @property
    def function(self) -> str:
        """The qualified name of the function."""
        code = self._code
        function: str = code[1] if type(code) is tuple else code.co_qualname
        return function

    @property
    def line(self) -> int | None:
        """The line of the source, or `None` where the code has no lines."""
        if self._line is None and self._instruction >= 0:
            _set(self, "_line", _line_of(self._code, self._instruction))
        return self._line

    def _values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _FIELDS}

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a LogMessageEXT is a value and cannot be changed: make a new one")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a LogMessageEXT is a value and cannot be changed: make a new one")

    def __eq__(self, other: object) -> bool:
        if type(other) is not LogMessageEXT:
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash(tuple(self._values().values()))

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self._values().items())
        return f"LogMessageEXT({values})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self._values(),)


def _line_of(code: CodeType, instruction: int) -> int | None:
    for start, end, line in code.co_lines():
        if start <= instruction < end:
            return line
    return None


def _restore(values: dict[str, Any]) -> LogMessageEXT:
    return LogMessageEXT(**values)
