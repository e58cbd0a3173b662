"""Lookups: asking an instance for a plugin, or for all that satisfy a protocol, and calling these.

What is compared, and how far it is alike:

- **The floor** is a method that looks its argument up in a dictionary of its object, `return self.found[key]`: no
  default, no check, and nothing that tells a wrong key or a closed instance.
- **The second call** of `implementations` and every later one; the first looks at the class of each plugin.
- **Calling** all that satisfy the protocol: ours asks for them and loops; the floor loops over a tuple that it has.
- **pluggy** calls its hook, which finds the same plugins registered, and gathers what they return in a list; they are called
  last in, first out. **stevedore** calls them by the name of the method, and gathers likewise; a failure is logged.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

from benchmarks._harness import Case, Comparison, Setting, Subject, missing
from benchmarks._made import inventory_of, make_plugins, request
from benchmarks._sampling import Sample, inlined, repeated
from hycore import InstanceContext
from hycore.ext import PluginEXT

PEERS = ("pluggy", "stevedore")
_CALLING = "calling"


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
def lookups(setting: Setting) -> Iterator[Subject]:
    """In one instance; every tenth plugin satisfies the protocol."""
    plugins = make_plugins(20 if setting.quick else 100)
    for plugin in plugins[::10]:
        setattr(plugin, "greet", _greet)  # noqa: B010  for checkers it has none
    info = request(plugins)
    with InstanceContext.create(info, inventory=inventory_of(plugins)) as instance:
        conditions = (
            f"One instance of {len(plugins)} plugins, of which {len(plugins) // 10} satisfy the protocol."
        )
        yield Subject(conditions, _cases(instance, plugins), _comparisons(len(plugins) // 10))


def _cases(instance: InstanceContext, plugins: Sequence[type[PluginEXT]]) -> dict[str, Case]:
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
        "implementations(P), second call: ours": inlined(
            "instance.implementations(key)", instance=instance, key=Greeter
        ),
        "dictionary: floor": inlined("floor.get(key)", floor=floor, key=wanted),
        f"{_CALLING}: ours": repeated(partial(_call_ours, instance)),
        f"{_CALLING}: floor": repeated(partial(_call_each, greeters)),
        **{
            f"{_CALLING}: {peer}": missing(peer) or _of_peer(peer, len(plugins), len(greeters))
            for peer in PEERS
        },
    }


def _greet(plugin: object, name: str) -> str:
    return name


def _call_ours(instance: InstanceContext) -> None:
    for greeter in instance.implementations(Greeter):
        greeter.greet("world")


def _call_each(greeters: Sequence[Greeter]) -> None:
    for greeter in greeters:
        greeter.greet("world")


def _of_peer(name: str, count: int, satisfying: int) -> Sample:
    module: Any = importlib.import_module(f"benchmarks.peers.{name}")
    return repeated(module.greet_all(count, satisfying))


def _comparisons(satisfying: int) -> list[Comparison]:
    goals = {
        "get_plugin_ext(T)": 1.2,
        "get_plugin_ext(name)": None,
        "require_plugin_ext(T)": None,
        "implementations(P), second call": 1.6,
    }
    calling = f"calling {satisfying} that satisfy a protocol"
    return [
        *[
            Comparison(what, f"{what}: ours", "dictionary: floor", "times", goal)
            for what, goal in goals.items()
        ],
        Comparison(calling, f"{_CALLING}: ours", f"{_CALLING}: floor", "times"),
        *[Comparison(calling, f"{_CALLING}: ours", f"{_CALLING}: {peer}", "faster") for peer in PEERS],
    ]
