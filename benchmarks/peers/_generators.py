"""Plugins whose whole life is a generator, as containers want them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks._classes import HOOKS, make_classes

_SOURCE = """

def live() -> Iterator[Made]:
    plugin = Made()
    plugin.attach_to(None)
    plugin.initialize()
    yield plugin
    plugin.teardown()


Made.live = staticmethod(live)
"""


def make_lives(prefix: str, count: int) -> list[Any]:
    """So many classes; `live` of each constructs and starts one, and ends it when it goes on."""
    return make_classes(prefix, count, f"class Made:{HOOKS}{_SOURCE}", Iterator=Iterator)
