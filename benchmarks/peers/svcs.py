"""svcs: a registry that is made once; a container of it for each instance, in which each class is asked for.

Not alike: as with dishka, one generator is the whole life of one plugin. Nothing says what needs what; the order is that
of asking. A container ends in reverse order; what fails then is logged.
"""

from __future__ import annotations

from collections.abc import Callable

import svcs

from benchmarks.peers._generators import make_lives


def come_and_go(count: int) -> Callable[[], object]:
    """Once through the life of so many plugins."""
    kinds = make_lives("svcs", count)
    registry = svcs.Registry()
    for kind in kinds:
        registry.register_factory(kind, kind.live)

    def go() -> None:
        with svcs.Container(registry) as container:
            for kind in kinds:
                container.get(kind)

    return go
