"""Instances come and go, and leave nothing behind (rules F4 and T5).

Each test is one way of an instance to end, gone some hundred times; `make memory CYCLES=100000` goes it as often as there
is time for, and prints what grew. What is kept once (a cache, an import) comes in the first cycles and does not count;
what is kept each time does.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import tracemalloc
import uuid
import weakref
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
import trio

from hycore import HyError, InstanceContext, OpaqueList, PluginEXT, hyinfo
from hycore.ext.hylog import LogCreateInfoEXT, LogPluginEXT
from hycore.utils.error import PlanError
from hycore.utils.opaque import OpaqueObject

CYCLES = int(os.environ.get("HY_CYCLES", "150"))
WARM_UP = 100
ROUNDS = 3

# What may be there after a round that was not there before it, however many cycles it has: little more than the count
# itself. What the interpreter keeps for later (free lists, caches) comes in one round or another; what we keep comes in
# each, so that the best round counts.
MOST_BLOCKS = 10
MOST_OBJECTS = 1
MOST_BYTES = 1_000

TRACED = 10_000  # cycles, up to which allocations are traced, too: it takes most of the time


class Config(OpaqueObject):
    """What a plugin takes and keeps."""


class Plugin(PluginEXT):
    """Keeps all that it is given."""

    UUID, NAME, DESCRIPTION = uuid.UUID(int=1), "good", "Starts and ends well"

    @classmethod
    def new(cls, ext: OpaqueList) -> Plugin:
        plugin = cls()
        plugin.config = ext.take_ext(Config)
        return plugin

    def attach_to(self, instance: Any) -> None:
        self.reference = instance

    def initialize(self) -> Any:
        self.defer(self.release, [1, 2, 3])
        hyinfo(self.instance, "{} has started", self.name)

    def release(self, what: list[int]) -> None: ...


class FailsToStart(Plugin):
    UUID, NAME = uuid.UUID(int=2), "fails to start"

    def initialize(self) -> None:
        super().initialize()
        raise ValueError("no")


class FailsToEnd(Plugin):
    UUID, NAME = uuid.UUID(int=3), "fails to end"

    def teardown(self) -> None:
        raise ValueError("stuck")


class Asynchronous(Plugin):
    UUID, NAME = uuid.UUID(int=4), "asynchronous"

    async def initialize(self) -> None:
        self.defer(pause)
        await pause()

    async def teardown(self) -> None:
        await pause()


class FailsToStartLater(Asynchronous):
    UUID, NAME = uuid.UUID(int=5), "fails to start later"

    async def initialize(self) -> None:
        await super().initialize()
        raise ValueError("no")


class FailsToEndLater(Asynchronous):
    UUID, NAME = uuid.UUID(int=6), "fails to end later"

    async def teardown(self) -> None:
        await super().teardown()
        raise ValueError("stuck")


async def pause() -> None:
    if trio.lowlevel.in_trio_run():
        await trio.lowlevel.checkpoint()
    else:
        await asyncio.sleep(0)


Scene = tuple[list[str], list[str]]
"""What is enabled, and what is optional."""

SCENES: dict[str, Scene] = {
    "empty": ([], []),
    "success": (["good"], []),
    "failing initialize": (["good", "fails to start"], []),
    "failing teardown": (["good", "fails to end"], []),
    "failing plan": (["good", "missing"], ["lost"]),
    "set aside": (["good"], ["fails to start", "missing"]),
    "logger": (["good", LogPluginEXT.NAME], []),
}
LATER: dict[str, Scene] = {
    "success": (["good", "asynchronous"], []),
    "failing initialize": (["asynchronous", "fails to start later"], []),
    "failing teardown": (["asynchronous", "fails to end later"], []),
    "set aside": (["asynchronous"], ["fails to start later"]),
}


@pytest.fixture
def host(plain_world: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Has all plugins of this file; what fails in a drop is not kept."""
    for kind in (
        Plugin,
        FailsToStart,
        FailsToEnd,
        Asynchronous,
        FailsToStartLater,
        FailsToEndLater,
        LogPluginEXT,
    ):
        plain_world.inventory.submit(kind)
    monkeypatch.setattr(sys, "unraisablehook", lambda args: None)
    return plain_world


def info(host: Any, scene: Scene) -> Any:
    enabled, optional = scene
    ext: list[object] = [Config()] if enabled else []
    if LogPluginEXT.NAME in enabled:
        ext.append(LogCreateInfoEXT("TRACE", lambda message: None))
    return host.info(enabled, optional, ext=ext)


class Counts:
    """What there is now: blocks of the allocator, objects that the collector knows, and traced bytes."""

    def __init__(self, *, collect: bool) -> None:
        if collect:
            gc.collect()
        self.bytes = tracemalloc.get_traced_memory()[0]
        self.blocks = sys.getallocatedblocks()
        self.objects = len(gc.get_objects())


def compare(counts: list[Counts]) -> None:
    """Of the rounds between these counts, the best."""

    def grown(name: str) -> int:
        found = [getattr(each, name) for each in counts]
        rounds = [after - before for before, after in pairwise(found)]
        print(f"{found[-1] - found[0]:+} {name} (at least {min(rounds):+} in a round), ", end="")
        return min(rounds)

    print(f"{ROUNDS * (CYCLES // ROUNDS)} cycles: ", end="")
    assert grown("blocks") <= MOST_BLOCKS
    assert grown("objects") <= MOST_OBJECTS
    assert grown("bytes") <= MOST_BYTES


@pytest.fixture(autouse=True)
def traced() -> Iterator[None]:
    if CYCLES <= TRACED:
        tracemalloc.start()
    yield
    tracemalloc.stop()


def go_round(cycle: Callable[[], object], *, collect: bool = False) -> None:
    for _ in range(WARM_UP):
        cycle()
    counts = [Counts(collect=collect)]
    for _ in range(ROUNDS):
        for _ in range(CYCLES // ROUNDS):
            cycle()
        counts.append(Counts(collect=collect))
    compare(counts)


@pytest.mark.parametrize("scene", SCENES)
def test_f4_close_leaves_nothing_behind(host: Any, scene: str, no_collector: None) -> None:
    """F4: whatever failed, and without the collector."""
    request = info(host, SCENES[scene])

    def cycle() -> None:
        with suppress(HyError):
            InstanceContext.create(request, inventory=host.inventory).close()

    go_round(cycle)


@pytest.mark.parametrize("scene", SCENES)
def test_f4_a_drop_leaves_nothing_behind(host: Any, scene: str, no_collector: None) -> None:
    """F4, T5: whatever failed, and without the collector."""
    request = info(host, SCENES[scene])

    def cycle() -> None:
        with suppress(HyError):
            InstanceContext.create(request, inventory=host.inventory)

    go_round(cycle)


@pytest.mark.parametrize("scene", SCENES)
def test_f4_the_collector_leaves_nothing_behind(host: Any, scene: str, no_collector: None) -> None:
    """F4, T5: an instance that is part of a circle is ended by the collector, and all of it goes."""
    request = info(host, SCENES[scene])

    def circle() -> None:
        with suppress(HyError):
            members: list[object] = [InstanceContext.create(request, inventory=host.inventory)]
            members.append(members)

    def cycle() -> None:
        circle()
        gc.collect(0)  # what is young

    go_round(cycle, collect=True)


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
@pytest.mark.parametrize("way", ["aclose", "drop"])
@pytest.mark.parametrize("scene", LATER)
def test_f4_asynchronous_instances_leave_nothing_behind(host: Any, loop: str, way: str, scene: str) -> None:
    """F4, T5: in one loop; what the loop itself keeps in circles is collected."""
    request = info(host, LATER[scene])

    async def cycle() -> None:
        with suppress(HyError):
            instance = await InstanceContext.acreate(request, inventory=host.inventory)
            if way == "aclose":
                await instance.aclose()

    run(loop, partial(ago_round, cycle))


async def ago_round(cycle: Callable[[], Coroutine[Any, Any, None]]) -> None:
    for _ in range(WARM_UP):
        await cycle()
    counts = [Counts(collect=True)]
    for _ in range(ROUNDS):
        for _ in range(CYCLES // ROUNDS):
            await cycle()
        counts.append(Counts(collect=True))
    compare(counts)


def run(loop: str, function: Callable[[], Coroutine[Any, Any, None]]) -> None:
    if loop == "trio":
        trio.run(function)
    else:
        asyncio.run(function())


def test_p7_a_failed_plan_leaves_nothing_to_the_collector(site: Any, no_collector: None) -> None:
    """P7, P4: not even a problem whose cause leads back to the planner."""
    site.module("broken", "raise ValueError('no')\n")
    site.distribution("broken", "1", {"broken": "broken:Plugin"})
    alive: list[weakref.ref[Any]] = []
    try:
        InstanceContext.create(site.info(["broken", "missing"], ["lost"]), inventory=site.inventory)
    except PlanError as error:
        alive += map(weakref.ref, (error, *error.exceptions))
    assert [found() for found in alive] == [None] * 3


def test_r1_trying_again_leaves_nothing_behind(host: Any, no_collector: None) -> None:
    """R1, F4: in one instance, as long as it fails."""
    request = info(host, SCENES["set aside"])
    with InstanceContext.create(request, inventory=host.inventory) as instance:
        go_round(partial(instance.retry, "fails to start"))


@pytest.mark.parametrize("phase", ["new", "attach_to", "initialize", "teardown", "deferred"])
def test_f4_a_kept_error_holds_no_instance(world: Any, phase: str, no_collector: None) -> None:
    """F4: nor a plugin, but for the one whose own code raised it."""
    alive: list[weakref.ref[Any]] = []

    def fail(_: object = None) -> None:
        raise ValueError("no")

    def keep(plugin: Any) -> None:
        alive.extend([weakref.ref(plugin), weakref.ref(plugin.instance)])

    async def come_and_go(request: Any) -> None:
        await (await InstanceContext.acreate(request, inventory=world.inventory)).aclose()

    world.plugin("a", {"attach_to": keep})
    if phase == "deferred":
        world.plugin("b", {"initialize": lambda plugin: plugin.defer(fail)})
    else:
        world.plugin("b", {phase: fail})
    kept: list[HyError] = []
    try:
        if world.kind == "plain":
            world.create(["a", "b"]).close()
        else:
            world.run(partial(come_and_go, world.info(["a", "b"])))
    except HyError as error:
        kept.append(error)
    assert len(kept) == 1
    assert [found() for found in alive] == [None] * (0 if phase == "new" else 2)


def test_f4_a_kept_report_holds_neither_instance_nor_plugin(world: Any, no_collector: None) -> None:
    """F4: nor configuration; whenever it was made."""
    alive: list[weakref.ref[Any]] = []

    def keep(plugin: Any) -> None:
        alive.extend([weakref.ref(plugin), weakref.ref(plugin.instance)])
        reports.append(plugin.instance.report())

    def take(both: Any) -> None:
        alive.append(weakref.ref(both[1].require_ext(Config)))

    def fail(_: object) -> None:
        raise ValueError("no")

    reports: list[Any] = []
    world.plugin("a", {"new": take, "initialize": keep, "teardown": fail})
    world.plugin("late", {"initialize": fail})
    instance = world.create(["a"], ["late"], ext=[Config()])
    reports.append(instance.report())
    with suppress(HyError):
        instance.close()
    reports.append(instance.report())
    del instance
    assert [found() for found in alive] == [None] * 3
    assert [report.state for report in reports] == ["creating", "open", "closed"]
