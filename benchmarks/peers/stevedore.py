"""stevedore: a manager for each instance, which calls each class; then `map` for each hook.

Not alike: its memory of entry points is filled beforehand, as a plan is; each manager then goes through
`EntryPoint.load` again, whose modules are imported already. There is no end of an instance: the last `map` stands for it,
in the order of the beginning. A failure is logged, and the others go on.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable

from stevedore import NamedExtensionManager
from stevedore.extension import ExtensionManager

from benchmarks._classes import HOOKS, make_classes


def come_and_go(count: int) -> Callable[[], object]:
    """Once through the life of so many plugins."""
    group = "stevedore"
    names = _make(group, count)

    def go() -> None:
        manager = NamedExtensionManager(group, names, invoke_on_load=True, name_order=True)
        assert len(manager.extensions) == count
        manager.map(lambda extension: extension.obj.attach_to(manager))
        manager.map(lambda extension: extension.obj.initialize())
        manager.map(lambda extension: extension.obj.teardown())

    return go


def greet_all(count: int, satisfying: int) -> Callable[[], object]:
    """A call of one method of so many extensions; others are in a manager of their own, as they have no such method."""
    del count
    group = "stevedore_greeting"
    names = _make(group, satisfying)
    manager = NamedExtensionManager(group, names, invoke_on_load=True, name_order=True)
    return lambda: manager.map_method("greet", "world")


def _make(group: str, count: int) -> list[str]:
    """Classes, and the memory of their entry points; returns their names."""
    names = [f"{group}_{number}" for number in range(count)]
    for kind in make_classes(group, count, f"class Made:{HOOKS}"):
        kind.greet = _greet
    entry_points = [importlib.metadata.EntryPoint(name, f"{name}:Made", group) for name in names]
    ExtensionManager.ENTRY_POINT_CACHE[group] = entry_points
    return names


def _greet(extension: object, name: str) -> str:
    return name
