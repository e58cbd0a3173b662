"""What instances ask of loggers of the standard library, which are there once for the whole process.

Layer: `ext.hylogging`, a leaf within it.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager

__all__ = ["Claim"]


class Claim:
    """What one instance asks of one logger, from its construction until `end`.

    The logger lets through what the lowest claim wants, and propagates as long as no claim forbids it. When the last
    claim ends it is as it was before the first, unless somebody else has changed it meanwhile.
    """

    def __init__(self, logger: logging.Logger, level: int | None, *, propagate: bool) -> None:
        self.logger = logger
        self.level = level
        self.propagate = propagate
        _settle(self, begins=True)

    def end(self) -> None:
        """Gives it up."""
        _settle(self, begins=False)


class _Claimed:
    """A logger, what it was before, and what was made of it; that is `None` once somebody else has changed it."""

    def __init__(self, logger: logging.Logger) -> None:
        self.logger = logger
        self.claims: list[Claim] = []
        self.own_level = logger.level
        self.own_propagate = logger.propagate
        self.level: int | None = self.own_level
        self.propagate: bool | None = self.own_propagate

    def look(self, *, anew: bool) -> None:
        """Sees what somebody else has changed; a new claim takes that for what the logger was before."""
        if self.logger.level != self.level:
            self.level = None
        if self.logger.propagate != self.propagate:
            self.propagate = None
        if anew and self.level is None:
            self.own_level = self.level = self.logger.level
        if anew and self.propagate is None:
            self.own_propagate = self.propagate = self.logger.propagate

    def apply(self) -> None:
        """Makes of the logger what is asked for."""
        if self.level is not None:
            level = self._asked() or self.own_level
            if level != self.level:
                self.logger.setLevel(level)
                self.level = level
        if self.propagate is not None:
            propagate = self.own_propagate and all(claim.propagate for claim in self.claims)
            self.logger.propagate = self.propagate = propagate

    def _asked(self) -> int | None:
        """The level that claims ask for, if the logger would let less through without any."""
        asked = [claim.level for claim in self.claims if claim.level is not None]
        if not asked:
            return None
        lets_through = logging.NOTSET
        for logger in _upwards(self.logger):
            claimed = _claimed.get(logger)
            if claimed is None or claimed.level is None:
                lets_through = logger.level
            else:
                # Who asks for it above asks for this one too, as long as it has no level of its own.
                asked += [claim.level for claim in claimed.claims if claim.level is not None]
                lets_through = claimed.own_level
            if lets_through:
                break
        lowest = min(asked)
        return lowest if lowest < lets_through else None


def _upwards(logger: logging.Logger) -> Iterator[logging.Logger]:
    above: logging.Logger | None = logger
    while above is not None:
        yield above
        above = above.parent


# `logging` guards with this what belongs to all loggers, in `setLevel` too: beside it, with a lock of ours, two threads
# could wait for each other. And it is free in a forked child.
_lock: AbstractContextManager[bool] = logging._lock  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
_claimed: dict[logging.Logger, _Claimed] = {}
_waiting: deque[tuple[Claim, bool]] = deque()
_busy = False


def _settle(claim: Claim, *, begins: bool) -> None:
    """Begins a claim or ends it.

    The garbage collector may end an instance in the midst of this, on the same thread: what that asks is done afterwards.
    """
    global _busy
    _waiting.append((claim, begins))
    while True:
        with _lock:  # in any case: another thread may have taken it, and be in the midst of it
            if _busy:
                return
            _busy = True
            try:
                while _waiting:
                    _take(*_waiting.popleft())
            finally:
                _busy = False
        if not _waiting:
            return


def _take(claim: Claim, begins: bool) -> None:
    claimed = _claimed.get(claim.logger)
    if claimed is None:
        claimed = _claimed[claim.logger] = _Claimed(claim.logger)
    for each in _claimed.values():
        each.look(anew=begins and each is claimed)
    if begins:
        claimed.claims.append(claim)
    else:
        claimed.claims.remove(claim)
    try:
        for each in _claimed.values():
            each.apply()
    except BaseException:  # a logger has a class of its own, which may refuse a level
        if begins:
            _take(claim, begins=False)
        raise
    finally:
        if not claimed.claims:
            _claimed.pop(claim.logger, None)
