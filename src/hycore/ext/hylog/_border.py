"""What messages and the records of the standard library's `logging` have in common: levels, and who is crossing.

Layer: `ext.hylog`, a leaf within it. It imports no `logging`: who crosses has it.
"""

from __future__ import annotations

from _thread import _local

from hycore.log import LogLevelEXT

__all__ = ["MARK", "RECORD_LEVELS", "crossing", "level_of_record"]

RECORD_LEVELS = {
    LogLevelEXT.TRACE: 5,
    LogLevelEXT.DEBUG: 10,
    LogLevelEXT.INFO: 20,
    LogLevelEXT.WARN: 30,
    LogLevelEXT.ERROR: 40,
}
"""The number that `logging` has for each level; for TRACE it has no name."""

MARK = "_hyperion"
"""The attribute of a record that was a message: it becomes none again, in whichever process or thread it is handled."""


class _Crossing(_local):
    """Where the record was logged that is becoming a message on this thread: such a message becomes no record again.

    It is known by its place, since a callback may hand on a changed one, and may log others meanwhile.
    """

    place: tuple[str, str, int | None] | None = None


crossing = _Crossing()


def level_of_record(number: int) -> LogLevelEXT:
    """The level of a message for the level of a record: the highest that is not above it, and TRACE below DEBUG."""
    return LogLevelEXT(min(max(number // 10, 0), 4))
