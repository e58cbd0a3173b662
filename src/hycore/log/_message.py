"""The record of one message.

Layer: `log`, above `_level`.
"""

from __future__ import annotations

import sys
from datetime import UTC
from time import time_ns

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


__all__ = ["LogMessageEXT", "make_message"]

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


@final
class LogMessageEXT:
    """One message, as a callback gets it; a value of plain fields.

    - `level`: a `LogLevelEXT`; `message`: the text.
    - `timepoint`: when it was logged, aware, in local time.
    - `module`, `file`, `line`, `function`: where it was logged; `thread_name`: on which thread.
    - `exception`: the formatted exception that was logged with it, or `None`.

    `level`, `timepoint`, `line` and the other facts of the place are worked out when they are read.
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
        _set_level(self, int(level))
        _set_time(self, 0)
        _set_timepoint(self, timepoint)
        _set_code(self, (file, function))
        _set_instruction(self, -1)
        _set_line(self, line)
        _set_message(self, message)
        _set_module(self, module)
        _set_thread_name(self, thread_name)
        _set_exception(self, exception)

    @property
    def level(self) -> LogLevelEXT:
        """How much it matters."""
        from hycore.log._level import LogLevelEXT

        return LogLevelEXT(self._level)

    @property
    def timepoint(self) -> datetime:
        """When it was logged: aware, in local time."""
        if self._timepoint is None:
            from datetime import datetime

            seconds, rest = divmod(self._time, 1_000_000_000)
            moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)
            _set_timepoint(self, moment.astimezone())
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
            _set_line(self, _line_of(self._code, self._instruction))
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


def _setter(name: str) -> Any:
    return LogMessageEXT.__dict__[name].__set__


# The slots' own setters: faster than `object.__setattr__`, and past the refusal of `__setattr__`.
_set_level = _setter("_level")
_set_time = _setter("_time")
_set_timepoint = _setter("_timepoint")
_set_code = _setter("_code")
_set_instruction = _setter("_instruction")
_set_line = _setter("_line")
_set_message = _setter("message")
_set_module = _setter("module")
_set_thread_name = _setter("thread_name")
_set_exception = _setter("exception")
_new = LogMessageEXT.__new__


def make_message(
    level: int,
    text: str,
    module: str,
    code: CodeType,
    instruction: int,
    exception: str | None,
) -> LogMessageEXT:
    """A message that is logged now, by the instruction of a code object; no frame is kept."""
    made = _new(LogMessageEXT)
    _set_level(made, level)
    _set_time(made, time_ns())
    _set_timepoint(made, None)
    _set_code(made, code)
    _set_instruction(made, instruction)
    _set_line(made, None)
    _set_message(made, text)
    _set_module(made, module)
    threading = sys.modules.get("threading")
    # Without `threading` there is no other thread that could have a name.
    _set_thread_name(made, "MainThread" if threading is None else threading.current_thread().name)
    _set_exception(made, exception)
    return made


def _line_of(code: CodeType, instruction: int) -> int | None:
    for start, end, line in code.co_lines():
        if start <= instruction < end:
            return line
    return None


def _restore(values: dict[str, Any]) -> LogMessageEXT:
    return LogMessageEXT(**values)
