"""pluggy: a manager for each instance, all plugins registered, each hook called once for all, all unregistered.

Not alike: what it is made for is calls that go through all plugins and gather what they return, not the life of plugins.
A hook goes through them last in, first out, so that `teardown` has the order of `initialize`. Registering looks at every
attribute of a plugin, each time. When a hook fails, nothing is undone.
"""

from __future__ import annotations

from collections.abc import Callable

import pluggy

from benchmarks._classes import make_classes

PROJECT = "made"

_SOURCE = """\
class Made:
    @hook
    def attach_to(self, instance):
        pass

    @hook
    def initialize(self):
        pass

    @hook
    def teardown(self):
        pass
"""

_specification = pluggy.HookspecMarker(PROJECT)
_implementation = pluggy.HookimplMarker(PROJECT)


class Specification:
    """The hooks that there are."""

    @_specification
    def attach_to(self, instance: object) -> None: ...

    @_specification
    def initialize(self) -> None: ...

    @_specification
    def teardown(self) -> None: ...

    @_specification
    def greet(self, name: str) -> str | None: ...


def come_and_go(count: int) -> Callable[[], object]:
    """Once through the life of so many plugins."""
    kinds = make_classes("pluggy", count, _SOURCE, hook=_implementation)
    kinds.reverse()

    def go() -> None:
        manager = pluggy.PluginManager(PROJECT)
        manager.add_hookspecs(Specification)
        plugins = [kind() for kind in kinds]
        for plugin in plugins:
            manager.register(plugin)
        manager.hook.attach_to(instance=manager)
        manager.hook.initialize()
        manager.hook.teardown()
        for plugin in plugins:
            manager.unregister(plugin)

    return go


def greet_all(count: int, satisfying: int) -> Callable[[], object]:
    """A call of one hook, which so many of the plugins have."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(Specification)
    kinds = make_classes("pluggy_greeting", count, _SOURCE, hook=_implementation)
    for kind in kinds[:satisfying]:
        kind.greet = _greet
    for kind in kinds:
        manager.register(kind())
    return lambda: manager.hook.greet(name="world")


@_implementation(specname="greet")
def _greet(plugin: object, name: str) -> str:
    return name
