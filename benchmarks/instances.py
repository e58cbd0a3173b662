"""Instances: creating and closing one, with a plan that is made already.

What is compared, and how far it is alike:

- **The floor** calls the hooks of the same classes, and nothing else: `new` for each, `attach_to` for each, `initialize`
  for each, `teardown` for each in reverse order; then all objects are freed. Were one of them to fail, nothing would be
  undone, and nobody would know which it was. The hooks do nothing, so that all that counts is how they are called.
- **An empty call** calls a function that does nothing. The fixed part of an instance is told in these, twice: that of an
  instance without plugins, and that of one with plugins, where the line through one and ten plugins meets none.
- **Less the fixed part** takes off what an instance without plugins takes, in the same round: the smaller of the two, so
  that less is taken off than could be.
- **1/10 of 10,000 plugins** beside 1,000 tells whether the cost is linear; the floor's own is beside it, since so many classes
  do not fit the processor's caches.
- **By drop** nobody calls `close`: the last reference goes away.
- **The first creation** is that with a plan that was not used before. The floor beside it has been gone before.
- **hycore with a plan** beside the Rust build is what a host gets that creates many instances; whoever calls
  `hypi.api.create_instance` has no plan.
- **The peers** do what comes nearest, with as many classes and as many hooks. What each makes once for many instances is made
  beforehand, as the plan is.
"""

from __future__ import annotations

import importlib
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from benchmarks._harness import Case, Comparison, Setting, Subject, missing, missing_there
from benchmarks._made import inventory_of, make_plugins, request
from benchmarks._sampling import Sample, repeated
from benchmarks._worker import worker
from benchmarks.peers.through_hypi import through_hypi
from hycore import InstanceContext, OpaqueList
from hycore.base import Plan
from hycore.base.api import InstanceCreateInfo
from hycore.ext import Inventory, PluginEXT

WAYS = {"close": "create and close", "drop": "create and drop"}
CALL = "empty call"
GOALS = {100: 1.8, 1_000: 2.0, 10_000: 2.5}  # times the floor, less the fixed part
FIRST_GOAL = 4.0
FIXED_GOAL = 120.0  # empty calls
RUST_GOALS = {"no extensions": 0.4, "logger at TRACE": 0.7, "logger at ERROR": 1.8}
PEERS = ("pluggy", "stevedore", "dishka")
MORE_PEERS = {"svcs": "svcs", "ipopo": "pelix", "envisage": "envisage"}


@contextmanager
def instances(setting: Setting) -> Iterator[Subject]:
    """Of no plugin, of one, and of more and more; then beside the peers."""
    sizes = (10, 20) if setting.quick else (10, 100, 1_000, 10_000)
    plugins = make_plugins(sizes[-1])
    inventory = inventory_of(plugins)
    cases: dict[str, Case] = {CALL: repeated(_nothing)}
    comparisons: list[Comparison] = []
    for count in (0, 1, *sizes):
        come_and_go(plugins[:count], inventory, cases)
    fixed_part(comparisons)
    for count in sizes:
        beside_the_floor(count, comparisons)
    linear(*sizes[-2:], comparisons)
    with beside_rust(setting.rust, cases, comparisons):
        beside_peers(sizes[1], setting, cases, comparisons)
        conditions = (
            "Each plugin has a class of its own, whose hooks do nothing; without a logger, nothing is logged."
        )
        yield Subject(conditions, cases, comparisons)


def come_and_go(plugins: Sequence[type[PluginEXT]], inventory: Inventory, cases: dict[str, Case]) -> None:
    """The cases of one number of plugins."""
    count = len(plugins)
    info = request(list(plugins))
    plan = InstanceContext.plan(info, inventory=inventory)
    cases[f"close, {count}: ours"] = repeated(_closing(info, inventory, plan))
    cases[f"drop, {count}: ours"] = repeated(_dropping(info, inventory, plan))
    if count > 1:
        cases[f"hooks, {count}: floor"] = repeated(floor_of(plugins))
        cases[f"first, {count}: ours"] = first_of(info, inventory)


def fixed_part(comparisons: list[Comparison]) -> None:
    """What an instance takes before its plugins count."""
    for way, what in WAYS.items():
        one, ten = f"{way}, 1: ours", f"{way}, 10: ours"
        through_both = {ten: 1 / 9, one: -1 / 9}
        comparisons += [
            Comparison(f"fixed part of {what}, no plugins", f"{way}, 0: ours", CALL, "times", FIXED_GOAL),
            Comparison(f"fixed part of {what}, with plugins", one, CALL, "times", FIXED_GOAL, through_both),
        ]


def beside_the_floor(count: int, comparisons: list[Comparison]) -> None:
    floor = f"hooks, {count}: floor"
    for way, done in WAYS.items():
        ours, fixed = f"{way}, {count}: ours", {f"{way}, 0: ours": 1.0}
        what = f"{done}, {count:,} plugins"
        comparisons += [
            Comparison(what, ours, floor, "times"),
            Comparison(f"{what}, less the fixed part", ours, floor, "times", GOALS.get(count), fixed),
        ]
    goal = FIRST_GOAL if count >= 100 else None
    what = f"create for the first time, and close, {count:,} plugins"
    comparisons.append(Comparison(what, f"first, {count}: ours", floor, "times", goal))


@contextmanager
def beside_rust(python: str | None, cases: dict[str, Case], comparisons: list[Comparison]) -> Iterator[None]:
    """What the Rust build does, asked in the same words."""
    reason = missing_there(python, "hypi")
    with ExitStack() as stack:
        theirs: dict[str, Sample] = {}
        if python is not None and reason is None:
            theirs = stack.enter_context(worker(python, "benchmarks.peers.through_hypi"))
        for what, sample in through_hypi().items():
            ours, rust = f"{what}: ours", f"{what}: Rust"
            cases[ours] = sample
            cases[rust] = reason or theirs[what]
            comparisons.append(Comparison(f"hypi.api, {what}", ours, rust, "times", RUST_GOALS.get(what)))
        what = "no extensions"
        with_plan = f"hycore with a plan, {what}"
        comparisons.append(
            Comparison(with_plan, "close, 0: ours", f"{what}: Rust", "times", RUST_GOALS[what])
        )
        yield


def beside_peers(count: int, setting: Setting, cases: dict[str, Case], comparisons: list[Comparison]) -> None:
    """What others have in place of an instance, for one number of plugins."""
    peers = {name: name for name in PEERS} | (MORE_PEERS if setting.all_peers else {})
    for name, library in peers.items():
        case = f"close, {count}: {name}"
        cases[case] = missing(library) or _of_peer(name, count)
        comparisons.append(
            Comparison(f"create and close, {count:,} plugins", f"close, {count}: ours", case, "faster")
        )


def _of_peer(name: str, count: int) -> Sample:
    module: Any = importlib.import_module(f"benchmarks.peers.{name}")
    return repeated(module.come_and_go(count))


def linear(fewer: int, more: int, comparisons: list[Comparison]) -> None:
    """Whether a plugin costs more where there are more of them, ours and the floor's."""
    share = more // fewer
    for case, what in (("close, {}: ours", "create and close"), ("hooks, {}: floor", "the floor")):
        all_of_them = case.format(more)
        comparisons.append(
            Comparison(
                f"{what}, 1/{share} of {more:,} plugins",
                all_of_them,
                case.format(fewer),
                "times",
                less={all_of_them: 1 - 1 / share},
                label=f"{fewer:,} plugins",
            )
        )


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
        inventory.refresh()  # it keeps its plans
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
