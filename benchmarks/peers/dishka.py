"""dishka: a container that is made once; a scope of it for each instance, in which each class is asked for.

Not alike: each plugin has started before the next one is constructed, since one generator is the whole life of one. What a
plugin needs is what the parameters of its factory say. Making the container, which stands for the plan, does not count. A
scope ends as an instance does: in reverse order, whatever fails.
"""

from __future__ import annotations

from collections.abc import Callable

from dishka import Provider, Scope, make_container

from benchmarks.peers._generators import make_lives


def come_and_go(count: int) -> Callable[[], object]:
    """Once through the life of so many plugins."""
    kinds = make_lives("dishka", count)
    provider = Provider(scope=Scope.REQUEST)
    for kind in kinds:
        provider.provide(kind.live)
    container = make_container(provider)

    def go() -> None:
        with container() as scope:
            for kind in kinds:
                scope.get(kind)

    return go
