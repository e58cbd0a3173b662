"""UUIDs of version 6.

Layer: `base`, a leaf within it. The layout is RFC 9562, section 5.6: 60 bits of time since 1582-10-15 in units of
100 ns, most significant first, a clock sequence of 14 bits, and a node of 48 bits.
"""

from __future__ import annotations

import os
from itertools import count
from time import time_ns
from uuid import UUID

__all__ = ["uuid6"]

_EPOCH = 0x01B2_1DD2_1381_4000  # from 1582-10-15 to 1970-01-01, in units of 100 ns


def _fresh_sequence() -> count[int]:
    return count(int.from_bytes(os.urandom(2), "big"))


# Two UUIDs of one process and one unit of time differ in the clock sequence: taking the next number is atomic.
_sequence = _fresh_sequence()


def uuid6(node: int) -> UUID:
    """A new UUID whose last 48 bits are `node`."""
    time = time_ns() // 100 + _EPOCH
    clock = next(_sequence) & 0x3FFF
    return UUID(
        int=(time >> 12) << 80 | 0x6000 << 64 | (time & 0xFFF) << 64 | 0x8000 << 48 | clock << 48 | node
    )


def _after_fork() -> None:
    global _sequence
    _sequence = _fresh_sequence()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
