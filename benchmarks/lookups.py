"""Lookups: asking an instance for a plugin, or for all that satisfy a protocol.

What is compared, and how far it is alike:

- **The floor** is a method that looks its argument up in a dictionary of its object, `return self.found[key]`: no
  default, no check, and nothing that tells a wrong key or a closed instance.
- **The second call** of `implementations` and every later one; the first looks at the class of each plugin.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from benchmarks._harness import Comparison, Subject
from benchmarks._made import inventory_of, make_plugins, request
from benchmarks._sampling import Sample, inlined
from hycore import InstanceContext
from hycore.ext import PluginEXT


class Floor:
    """A dictionary, and a method that looks something up in it."""

    __slots__ = ("found",)

    def __init__(self, found: dict[Any, Any]) -> None:
        self.found = found

    def get(self, key: Any) -> Any:
        """What is there."""
        return self.found[key]


class Greeter(Protocol):
    """An extension point."""

    def greet(self, name: str) -> str: ...


@contextmanager
def lookups(quick: bool) -> Iterator[Subject]:
    """In one instance; every tenth plugin satisfies the protocol."""
    plugins = make_plugins(20 if quick else 100)
    for plugin in plugins[::10]:
        setattr(plugin, "greet", lambda self, name: name)  # noqa: B010  for checkers it has none
    info = request(plugins)
    with InstanceContext.create(info, inventory=inventory_of(plugins)) as instance:
        conditions = (
            f"One instance of {len(plugins)} plugins, of which {len(plugins) // 10} satisfy the protocol."
        )
        yield Subject(conditions, _cases(instance, plugins), _comparisons())


def _cases(instance: InstanceContext, plugins: Sequence[type[PluginEXT]]) -> dict[str, Sample | None]:
    wanted = plugins[len(plugins) // 2]
    greeters = instance.implementations(Greeter)
    assert len(greeters) == len(plugins) // 10
    running: dict[Any, Any] = {kind: instance.get_plugin_ext(kind) for kind in plugins}
    floor = Floor({**running, **{kind.NAME: running[kind] for kind in plugins}, Greeter: greeters})
    assert floor.get(wanted) is instance.get_plugin_ext(wanted.NAME) is not None
    return {
        "get_plugin_ext(T): ours": inlined("instance.get_plugin_ext(key)", instance=instance, key=wanted),
        "get_plugin_ext(name): ours": inlined(
            "instance.get_plugin_ext(key)", instance=instance, key=wanted.NAME
        ),
        "require_plugin_ext(T): ours": inlined(
            "instance.require_plugin_ext(key)", instance=instance, key=wanted
        ),
        "implementations(P): ours": inlined("instance.implementations(key)", instance=instance, key=Greeter),
        "dictionary: floor": inlined("floor.get(key)", floor=floor, key=wanted),
    }


def _comparisons() -> list[Comparison]:
    goals = {
        "get_plugin_ext(T)": 1.2,
        "get_plugin_ext(name)": None,
        "require_plugin_ext(T)": None,
        "implementations(P)": 1.6,
    }
    return [
        Comparison(what, f"{what}: ours", "dictionary: floor", "times", goal) for what, goal in goals.items()
    ]
