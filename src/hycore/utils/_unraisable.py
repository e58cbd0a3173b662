"""Errors that nobody can catch: those of a drop, of the end of the process, of a log callback.

A leaf: imports nothing of ours.
"""

from __future__ import annotations

__all__ = ["report_unraisable"]


class _Unraisable:
    """Raises its error where nobody can catch it.

    `sys.unraisablehook` takes an argument that Python code cannot construct; the interpreter makes one for
    whatever leaves a `__del__`.
    """

    __slots__ = ("error",)

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __del__(self) -> None:
        error = self.error
        del self.error
        try:
            raise error
        finally:
            del error


def report_unraisable(error: BaseException) -> None:
    """Hands an error to `sys.unraisablehook`; returns whatever the hook does."""
    holder = _Unraisable(error)
    # The hook may keep the error, and with it this frame.
    del error
    del holder
