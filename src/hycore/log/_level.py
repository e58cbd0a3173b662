"""The levels of messages.

Layer: `log`, a leaf within it; imported when a level is first asked for, because enumerations need `enum`.
"""

from __future__ import annotations

from enum import IntEnum

__all__ = ["LogLevelEXT"]


class LogLevelEXT(IntEnum):
    """How much a message matters; the values are those of the Rust build."""

    TRACE = 0
    DEBUG = 1
    INFO = 2
    WARN = 3
    ERROR = 4
