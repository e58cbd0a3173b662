"""What is written on standard output meanwhile: by which line of Python code, or past Python to the descriptor.

Layer: `testing`, above `_measuring`.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from contextlib import contextmanager, suppress

from hycore.testing._measuring import is_of_python, is_ours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from types import FrameType
    from typing import Any

__all__ = ["Output", "captured"]

_MOST = 5  # places that are told
_SHOWN = 60  # characters of what was written there


class Output:
    """What was written: `prints` by place, in words; `bypassing` is the beginning of what went to the descriptor."""

    def __init__(self) -> None:
        self.prints: dict[str, str] = {}
        self.bypassing = ""


class _Stream(io.TextIOBase):
    """Stands in for `sys.stdout`, and notes who writes."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, output: Output) -> None:
        self._output = output
        self.buffer: Any = _Buffer(self)

    def write(self, text: str, /) -> int:
        self.note(text)
        return len(text)

    def note(self, text: str) -> None:
        if len(self._output.prints) < _MOST and text.strip():
            self._output.prints.setdefault(_writer(), text.strip()[:_SHOWN])

    def fileno(self) -> int:
        return 1

    def writable(self) -> bool:
        return True


class _Buffer(io.RawIOBase):
    """The binary side of it."""

    def __init__(self, stream: _Stream) -> None:
        self._stream = stream

    def write(self, data: Any, /) -> int:
        data = bytes(data)
        self._stream.note(data.decode("utf-8", "replace"))
        return len(data)

    def fileno(self) -> int:
        return 1

    def writable(self) -> bool:
        return True


def _writer() -> str:
    """The function and line that have written, in code that is neither Python's own nor ours."""
    innermost = sys._getframe(1)
    frame: FrameType | None = innermost
    while frame is not None:
        file = frame.f_code.co_filename
        if not is_of_python(file) and not is_ours(file):
            innermost = frame
            break
        frame = frame.f_back
    return f"{innermost.f_code.co_name} ({innermost.f_code.co_filename}:{innermost.f_lineno})"


@contextmanager
def captured() -> Generator[Output]:
    """Keeps standard output for itself; what was written stands in the `Output` afterwards."""
    output = Output()
    before = sys.stdout
    with _without_logging(before), _descriptor(output):
        sys.stdout = _Stream(output)
        try:
            yield output
        finally:
            sys.stdout = before


@contextmanager
def _without_logging(stdout: object) -> Generator[None]:
    """Whoever has logging written to standard output wants it there: that is no plugin's doing."""
    logging = sys.modules.get("logging")
    handlers = [
        handler
        for handler in (logging.root.handlers if logging is not None else ())
        if getattr(handler, "stream", None) in (stdout, sys.__stdout__) and hasattr(handler, "setStream")
    ]
    with io.StringIO() as nowhere:
        streams = [(handler, handler.setStream(nowhere)) for handler in handlers]
        try:
            yield
        finally:
            for handler, stream in streams:
                handler.setStream(stream)


@contextmanager
def _descriptor(output: Output) -> Generator[None]:
    """Turns descriptor 1 to a file of its own, where it is open."""
    _flush()
    try:
        saved = os.dup(1)
    except OSError:
        yield
        return
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 1)
        try:
            yield
        finally:
            _flush()
            os.dup2(saved, 1)
            os.close(saved)
            file.seek(0)
            output.bypassing = file.read(4 * _SHOWN).decode("utf-8", "replace").strip()[:_SHOWN]


def _flush() -> None:
    for stream in (sys.stdout, sys.__stdout__):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
