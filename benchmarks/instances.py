"""Instances: creating and closing one, with a plan that is made already.

What is compared, and how far it is alike:

- **The floor** calls the hooks of the same classes, and nothing else: `new` for each, `attach_to` for each, `initialize`
  for each, `teardown` for each in reverse order; then all objects are freed. Were one of them to fail, nothing would be
  undone, and nobody would know which it was. The hooks do nothing, so that all that counts is how they are called.
- **An empty call** calls a function that does nothing. The fixed part of an instance is told in these, twice: that of an
  instance without plugins, and that of one with plugins, where the line through one and ten plugins meets none.
- **Less the fixed part** takes off what an instance without plugins takes, in the same round: the smaller of the two, so
  that less is taken off than could be.
- **By drop** nobody calls `close`: the last reference goes away.
- **The first creation** is that with a plan that was not used before. The floor beside it has been gone before.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from benchmarks._harness import Comparison, Subject
from benchmarks._made import inventory_of, make_plugins, request
from benchmarks._sampling import Sample, repeated
from hycore import InstanceContext, OpaqueList
from hycore.base import Plan
from hycore.base.api import InstanceCreateInfo
from hycore.ext import Inventory, PluginEXT

CALL = "empty call"
GOALS = {100: 1.8, 1_000: 2.0, 10_000: 2.5}  # times the floor, less the fixed part
FIRST_GOAL = 4.0
FIXED_GOAL = 120.0  # empty calls


@contextmanager
def instances(quick: bool) -> Iterator[Subject]:
    """Of no plugin, of one, and of more and more."""
    sizes = (10, 20) if quick else (10, 100, 1_000, 10_000)
    plugins = make_plugins(sizes[-1])
    inventory = inventory_of(plugins)
    cases: dict[str, Sample | None] = {CALL: repeated(_nothing)}
    comparisons: list[Comparison] = []
    for count in (0, 1, *sizes):
        come_and_go(plugins[:count], inventory, cases)
    fixed_part(comparisons, cases)
    for count in sizes:
        beside_the_floor(count, comparisons)
    conditions = "Each plugin has a class of its own, whose hooks do nothing; the instances log nothing."
    yield Subject(conditions, cases, comparisons)


def come_and_go(
    plugins: Sequence[type[PluginEXT]], inventory: Inventory, cases: dict[str, Sample | None]
) -> None:
    """The cases of one number of plugins."""
    count = len(plugins)
    info = request(list(plugins))
    plan = InstanceContext.plan(info, inventory=inventory)
    cases[f"close, {count}: ours"] = repeated(_closing(info, inventory, plan))
    cases[f"drop, {count}: ours"] = repeated(_dropping(info, inventory, plan))
    if count > 1:
        cases[f"hooks, {count}: floor"] = repeated(floor_of(plugins))
        cases[f"first, {count}: ours"] = first_of(info, inventory)


def fixed_part(comparisons: list[Comparison], cases: dict[str, Sample | None]) -> None:
    """What an instance takes before its plugins count."""
    for way in ("close", "drop"):
        one, ten = f"{way}, 1: ours", f"{way}, 10: ours"
        through_both = {ten: 1 / 9, one: -1 / 9}
        comparisons += [
            Comparison(f"{way}, no plugins", f"{way}, 0: ours", CALL, "times", FIXED_GOAL),
            Comparison(
                f"{way}, 1 plugin, less its share of 10", one, CALL, "times", FIXED_GOAL, through_both
            ),
        ]


def beside_the_floor(count: int, comparisons: list[Comparison]) -> None:
    floor = f"hooks, {count}: floor"
    for way in ("close", "drop"):
        ours, fixed = f"{way}, {count}: ours", {f"{way}, 0: ours": 1.0}
        what = f"{way}, {count:,} plugins"
        comparisons += [
            Comparison(what, ours, floor, "times"),
            Comparison(f"{what}, less the fixed part", ours, floor, "times", GOALS.get(count), fixed),
        ]
    goal = FIRST_GOAL if count >= 100 else None
    what = f"first creation, and close, {count:,} plugins"
    comparisons.append(Comparison(what, f"first, {count}: ours", floor, "times", goal))


def floor_of(plugins: Sequence[type[PluginEXT]]) -> Callable[[], None]:
    """The same hooks in bare loops."""
    ext = OpaqueList([])
    owner = type("Owner", (), {})()
    reference: Any = weakref.ref(owner)

    def come_and_go() -> None:
        made = [plugin.new(ext) for plugin in plugins]
        for plugin in made:
            plugin.attach_to(reference)
        for plugin in made:
            plugin.initialize()
        for plugin in reversed(made):
            plugin.teardown()

    come_and_go.__dict__["owner"] = owner  # alive, as an instance would be
    return come_and_go


def first_of(info: InstanceCreateInfo, inventory: Inventory) -> Sample:
    """Creating with a plan that was not used before."""
    new: list[Plan] = []

    def plan() -> None:
        new[:] = [InstanceContext.plan(info, inventory=inventory)]

    def create() -> None:
        InstanceContext.create(info, inventory=inventory, plan=new.pop()).close()

    return repeated(create, before=plan)


def _closing(info: InstanceCreateInfo, inventory: Inventory, plan: Plan) -> Callable[[], None]:
    create = InstanceContext.create
    return lambda: create(info, inventory=inventory, plan=plan).close()


def _dropping(info: InstanceCreateInfo, inventory: Inventory, plan: Plan) -> Callable[[], object]:
    create = InstanceContext.create
    return lambda: create(info, inventory=inventory, plan=plan)


def _nothing() -> None: ...
