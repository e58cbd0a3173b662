"""What can go wrong between an instance and its pluggy plugins.

Layer: `hypi.ext`, a leaf within it.
"""

from __future__ import annotations

from hycore.utils.error import HyError

__all__ = ["PluggyError"]


class PluggyError(HyError, RuntimeError):
    """The plugins that the configuration lists cannot all be registered; none of them stays.

    Facts: `subject` (whom it is about, in words), `problem`, `step` (what to do about it). The cause, if there is one, is
    what pluggy or a plugin's module raised.
    """

    def __init__(self, subject: str, *, problem: str, step: str) -> None:
        super().__init__()
        self.subject = subject
        self.problem = problem
        self.step = step

    def _compose(self) -> str:
        return f"{self.subject} {self.problem}: {self.step}"
