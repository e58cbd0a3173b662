"""Where a request for extensions was written.

Layer: `base`, a leaf within it.
"""

from __future__ import annotations

from sys import _getframe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FrameType
    from typing import Protocol

    class Origin(Protocol):
        """Whatever knows where the lists of a request were written."""

        def place_of(self, field: str) -> tuple[str, str]:
            """For `"enabled_extensions"` or `"optional_extensions"`: what stands there, and where."""
            ...


__all__ = ["CodeOrigin", "caller"]


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


def caller(*others: str) -> CodeOrigin | None:
    """The code that has called the runtime: the innermost that is not ours, nor of `others`, by names of packages."""
    frame = _getframe(1)
    # By the file's name, which costs a third of what the module's would.
    while frame.f_code.co_filename.startswith(_OURS) or (others and _package(frame) in others):
        outer = frame.f_back
        if outer is None:
            return None
        frame = outer
    return CodeOrigin(frame.f_code, frame.f_lasti)


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__")).partition(".")[0]


_FOLDER = caller.__code__.co_filename[: -len("hycore/base/_origin.py")]
_OURS = tuple([f"{_FOLDER}{package}{_FOLDER[-1:]}" for package in ("hycore", "hypi")])
