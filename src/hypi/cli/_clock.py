"""What takes the times in a process that is profiled: of each module's import, and of what extensions are asked to do.

It runs before anything else of ours is imported there, as `-X importtime` does within Python, and imports nothing but what every
Python has loaded.

Layer: `hypi.cli`, a leaf within it.
"""

from __future__ import annotations

import sys
from _thread import get_ident
from time import perf_counter_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["add", "mark", "start", "take"]

_taken: list[list[Any]] = []


def start() -> None:
    """Begins to take the time of each import that finds its module not loaded yet."""
    bootstrap: Any = sys.modules.get("_frozen_importlib")
    find_and_load: Any = getattr(bootstrap, "_find_and_load", None)
    if find_and_load is None:  # another Python: then only whole imports of extensions are known
        return

    def timed(name: str, import_: Any) -> Any:
        if name in sys.modules:
            return find_and_load(name, import_)
        failed = True
        begin = perf_counter_ns()
        try:
            found = find_and_load(name, import_)
            failed = False
            return found
        finally:
            add("module", name, "failed" if failed else "", begin, perf_counter_ns())

    # So that Python takes it out of tracebacks, with its own frames of imports.
    timed.__code__ = timed.__code__.replace(co_filename="<frozen importlib._bootstrap>")
    bootstrap._find_and_load = timed


def add(kind: str, name: str, phase: str, begin: int, end: int, *around: int) -> None:
    """Notes a span of time; `around` are begin and end with what it cost to watch over it."""
    _taken.append([kind, name, phase, begin, end, get_ident(), *(around or (begin, end))])


def mark(name: str) -> None:
    """Notes a moment."""
    now = perf_counter_ns()
    add("mark", name, "", now, now)


def take() -> list[list[Any]]:
    """What has been noted since the last call."""
    taken = _taken[:]
    del _taken[: len(taken)]
    return taken
