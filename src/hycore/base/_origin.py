"""Where a request for extensions was written.

Layer: `base`, a leaf within it.
"""

from __future__ import annotations

from sys import _getframe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Protocol

    class Origin(Protocol):
        """Whatever knows where the lists of a request were written."""

        def place_of(self, field: str) -> tuple[str, str]:
            """For `"enabled_extensions"` or `"optional_extensions"`: what stands there, and where."""
            ...


__all__ = ["CodeOrigin", "caller", "origin_of"]


class CodeOrigin:
    """A line of code. It keeps the code object and the instruction, and never a frame; the line is looked up when asked for."""

    __slots__ = ("code", "instruction")

    code: CodeType | tuple[str, int | None]
    instruction: int

    def __init__(self, code: CodeType | tuple[str, int | None], instruction: int = -1) -> None:
        self.code = code
        self.instruction = instruction

    def place_of(self, field: str) -> tuple[str, str]:
        """The same for both lists."""
        file, line = self._place()
        return "code", file if line is None else f"{file}:{line}"

    def _place(self) -> tuple[str, int | None]:
        code = self.code
        if isinstance(code, tuple):
            return code
        line: int | None = None
        for start, end, number in code.co_lines():
            if start <= self.instruction < end:
                line = number
        return code.co_filename, line

    def __reduce__(self) -> tuple[type[CodeOrigin], tuple[tuple[str, int | None]]]:
        return CodeOrigin, (self._place(),)


def caller(*folders: str) -> tuple[CodeType, int] | None:
    """The code that has called the runtime: the innermost that lies neither in the runtime nor in these folders."""
    left_out = (*_OURS, *folders)
    frame = _getframe(1)
    while frame.f_code.co_filename.startswith(left_out):
        if frame.f_back is None:
            return None
        frame = frame.f_back
    return frame.f_code, frame.f_lasti


def origin_of(asked: tuple[CodeType, int] | Origin | None) -> Origin | None:
    """What a request keeps, as what can be asked, and can travel."""
    return CodeOrigin(*asked) if isinstance(asked, tuple) else asked


_FOLDER = caller.__code__.co_filename[: -len("hycore/base/_origin.py")]
_OURS = tuple([f"{_FOLDER}{package}{_FOLDER[-1:]}" for package in ("hycore", "hypi")])
