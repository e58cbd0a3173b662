"""What instances ask of loggers of the standard library, which are there once for the whole process.

Layer: `ext.hylogging`, a leaf within it.
"""

from __future__ import annotations

import logging
from threading import Lock

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
        with _lock:
            claimed = _claimed.get(logger)
            if claimed is None:
                claimed = _claimed[logger] = _Claimed(logger)
            claimed.claims.append(self)
            claimed.apply()

    def end(self) -> None:
        """Gives it up."""
        with _lock:
            claimed = _claimed[self.logger]
            claimed.claims.remove(self)
            claimed.apply()
            if not claimed.claims:
                del _claimed[self.logger]


class _Claimed:
    """A logger, what it was before, and what was made of it."""

    def __init__(self, logger: logging.Logger) -> None:
        self.logger = logger
        self.claims: list[Claim] = []
        self.own_level = self.level = logger.level
        self.own_propagate = self.propagate = logger.propagate
        self.lets_through = logger.getEffectiveLevel()

    def apply(self) -> None:
        levels = [claim.level for claim in self.claims if claim.level is not None]
        lowest = min(levels, default=self.lets_through)
        level = lowest if lowest < self.lets_through else self.own_level
        propagate = self.own_propagate and all(claim.propagate for claim in self.claims)
        if self.logger.level == self.level != level:
            self.logger.setLevel(level)
        if self.logger.propagate == self.propagate:
            self.logger.propagate = propagate
        self.level, self.propagate = level, propagate


_claimed: dict[logging.Logger, _Claimed] = {}
_lock = Lock()
