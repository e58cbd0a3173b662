"""Asynchronous hosts (section 5): what is only so there. The rules themselves run in both worlds, in their own files."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
import time
import uuid
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from hycore import HyError, InstanceContext, PluginEXT, hyinfo
from hycore.ext import Inventory
from hycore.utils.error import (
    ArgumentTypeError,
    ArgumentValueError,
    AsyncCloseError,
    InstanceClosedError,
    LoopError,
    PluginFailedError,
    TeardownError,
)

Journal = list[str]


@pytest.fixture(params=["asyncio", "trio"])
def host(request: pytest.FixtureRequest, worlds: Any) -> Any:
    """A world whose host is asynchronous."""
    return worlds(request.param)


async def sleep(seconds: float) -> None:
    await (trio.sleep if trio.lowlevel.in_trio_run() else asyncio.sleep)(seconds)


async def together(*functions: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Runs coroutine functions at the same time, each in a task of the loop that runs."""
    if trio.lowlevel.in_trio_run():
        async with trio.open_nursery() as nursery:
            for function in functions:
                nursery.start_soon(function)
    else:
        await asyncio.gather(*[function() for function in functions])


def cancelled_error() -> type[BaseException]:
    return trio.Cancelled if trio.lowlevel.in_trio_run() else asyncio.CancelledError


# Cancellation, at any await, several times over, against a model.

Shape = tuple[
    int, int, int, int
]  # how often attach_to, initialize, teardown and the deferred callback give way


class Cancel(Exception):
    """Of the model."""


class Model:
    """What must happen, written without a look at the engine: hooks one by one, and a counter of the awaits."""

    def __init__(self, shapes: list[Shape], cancels: set[int], loop: str) -> None:
        self.events: Journal = []
        self.failed: list[str] = []
        self.shapes = shapes
        self.cancels = cancels
        self.loop = loop
        self.awaits = 0
        self.cancelled = False  # trio: from now on, wherever there is no shield

    def hook(self, name: str, times: int, *, undoing: bool = False) -> None:
        shield = undoing and self.loop == "trio" and self.cancelled
        self.events.append(f"{name} begins")
        for number in range(times):
            self.awaits += 1
            hit = self.awaits in self.cancels
            self.cancelled = self.cancelled or (hit and self.loop == "trio")
            if hit if self.loop == "asyncio" else self.cancelled and not shield:
                raise Cancel
            self.events.append(f"{name} {number}")

    def undo(self, up: int, deferred: int) -> bool:
        """Returns whether a cancellation came."""
        came = False
        for place in reversed(range(len(self.shapes))):
            hooks = [f"teardown {place}"] if place < up else []
            hooks += [f"callback {place}"] if place < deferred else []
            for name in hooks:
                times = self.shapes[place][2 if name.startswith("teardown") else 3]
                try:
                    self.hook(name, times, undoing=True)
                except Cancel:
                    came = True
                    self.failed.append(name)
        return came

    def run(self) -> str:
        up = deferred = 0
        try:
            for place, shape in enumerate(self.shapes):
                self.hook(f"attach_to {place}", shape[0])
            for place, shape in enumerate(self.shapes):
                deferred = place + 1
                self.hook(f"initialize {place}", shape[1])
                up = place + 1
        except Cancel:
            self.undo(up, deferred)
            return "cancelled while created"
        self.events.append("up")
        return "cancelled while closed" if self.undo(up, deferred) else "closed"


class Actual:
    """The same with the runtime: the counter cancels its own task, or scope, right before it awaits."""

    def __init__(self, shapes: list[Shape], cancels: set[int]) -> None:
        self.events: Journal = []
        self.awaits = 0
        self.cancels = cancels
        self.scope: trio.CancelScope | None = None
        self.inventory = Inventory(group=None)
        for place, shape in enumerate(shapes):
            self.inventory.submit(self.plugin(place, shape))

    def plugin(self, place: int, shape: Shape) -> type[PluginEXT]:
        hook = self.hook

        class Plugin(PluginEXT):
            UUID, NAME, DESCRIPTION = uuid.UUID(int=place + 1), str(place), "Gives way"

            async def attach_to(self, instance: object) -> None:
                await hook(f"attach_to {place}", shape[0])

            async def initialize(self) -> None:
                self.defer(hook, f"callback {place}", shape[3])
                await hook(f"initialize {place}", shape[1])

            async def teardown(self) -> None:
                await hook(f"teardown {place}", shape[2])

        Plugin.__qualname__ = f"Plugin{place}"
        return Plugin

    async def hook(self, name: str, times: int) -> None:
        self.events.append(f"{name} begins")
        for number in range(times):
            self.awaits += 1
            if self.awaits in self.cancels:
                if self.scope is not None:
                    self.scope.cancel()
                else:
                    task = asyncio.current_task()
                    assert task is not None
                    task.cancel()
            if self.scope is not None:
                await trio.lowlevel.checkpoint()
            else:
                await asyncio.sleep(0)
            self.events.append(f"{name} {number}")

    async def run(self, info: Any) -> tuple[str, list[str]]:
        notes: list[str] = []
        try:
            instance = await InstanceContext.acreate(info, inventory=self.inventory)
        except cancelled_error() as error:
            return "cancelled while created", getattr(error, "__notes__", notes)
        self.events.append("up")
        try:
            await instance.aclose()
        except cancelled_error() as error:
            return "cancelled while closed", getattr(error, "__notes__", notes)
        return "closed", notes


SHAPES = st.lists(st.tuples(*[st.integers(0, 2)] * 4), min_size=1, max_size=3)


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
@given(shapes=SHAPES, cancels=st.sets(st.integers(1, 16), max_size=4))
def test_law_cancellation_at_any_await_undoes_like_a_failure(
    worlds: Any, loop: str, shapes: list[Shape], cancels: set[int]
) -> None:
    """F1, T1, T3: what ran, in which order, what was raised, and which hooks are told to have failed."""
    model = Model(shapes, cancels, loop)
    expected = model.run()
    actual = Actual(shapes, cancels)
    info = worlds(loop).info([str(place) for place in range(len(shapes))])
    outcomes: list[tuple[str, list[str]]] = []

    async def in_trio() -> None:
        with trio.CancelScope() as actual.scope:
            outcomes.append(await actual.run(info))

    async def in_asyncio() -> None:
        task = asyncio.ensure_future(actual.run(info))
        outcomes.append(await task)

    trio.run(in_trio) if loop == "trio" else asyncio.run(in_asyncio())
    ((outcome, notes),) = outcomes
    assert actual.events == model.events
    assert outcome == expected
    told = [note.partition("while undoing: ")[2].partition(" failed")[0] for note in notes]
    assert len(told) == len(model.failed)
    for note, name in zip(told, model.failed, strict=True):
        assert repr(name.split()[1]) in note


def test_a_task_group_sees_the_cancellation(host: Any) -> None:
    """What started before is undone, and the time-out of the host is its own."""
    undone: Journal = []

    async def slowly(plugin: Any) -> None:
        plugin.defer(undone.append, plugin.name)
        await sleep(60)

    host.plugin("a", initialize=lambda self: slowly(self))

    async def run() -> None:
        if host.kind == "trio":
            with trio.move_on_after(0.05) as scope:
                await InstanceContext.acreate(host.info(["a"]), inventory=host.inventory)
            assert scope.cancelled_caught
        else:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await InstanceContext.acreate(host.info(["a"]), inventory=host.inventory)

    host.run(run)
    assert undone == ["a"]


def test_under_trio_undoing_after_a_cancellation_has_its_time(worlds: Any) -> None:
    """`undo_timeout` bounds each hook that undoes then; it is a failure of that hook."""

    class Stuck(PluginEXT):
        UUID, NAME, DESCRIPTION = uuid.UUID(int=1), "stuck", "Does not end"

        async def initialize(self) -> None:
            self.defer(trio.sleep_forever)
            self.defer(journal.append, "first")
            await trio.sleep_forever()

    journal: Journal = []
    notes: Journal = []
    inventory = Inventory(group=None)
    inventory.submit(Stuck)

    async def run(info: Any) -> None:
        with trio.move_on_after(0.05):
            try:
                await InstanceContext.acreate(info, inventory=inventory, undo_timeout=0.05)
            except trio.Cancelled as error:
                notes.extend(error.__notes__)
                raise

    trio.run(run, worlds("trio").info(["stuck"]))
    assert journal == ["first"]
    (note,) = notes
    assert "TimeoutError: undoing 'stuck' took longer than 0.05 s (undo_timeout)" in note


def test_a_coroutine_that_is_closed_undoes_what_it_can(worlds: Any) -> None:
    """Nothing can be awaited any more: hooks run to their first wait, and what needs more is told as failed."""
    world = worlds("asyncio")
    journal: Journal = []

    class Suspended:
        def __await__(self) -> Any:
            yield

    async def wait(self: Any) -> None:
        self.defer(journal.append, "undone")
        await Suspended()

    world.plugin("a", initialize=wait)
    steps = InstanceContext.acreate(world.info(["a"]), inventory=world.inventory)
    steps.send(None)
    steps.close()
    assert journal == ["undone"]


# Time-outs.


def test_an_initialize_that_is_too_slow_has_failed(host: Any) -> None:
    """Caused by a TimeoutError that names it; the class attribute overrides the host's."""

    async def slowly(self: Any) -> None:
        await sleep(60)

    async def takes_its_time(self: Any) -> None:
        await sleep(0.05)

    host.plugin("a", initialize=takes_its_time, INITIALIZE_TIMEOUT=30)
    host.plugin("slow", initialize=slowly)
    host.plugin("slower", initialize=slowly, INITIALIZE_TIMEOUT=0.02)
    for name, options, seconds in (("slow", {"initialize_timeout": 0.01}, 0.01), ("slower", {}, 0.02)):
        host.journal.clear()
        with pytest.raises(PluginFailedError) as caught:
            host.bring_up(host.info(["a", name]), **options)
        assert (caught.value.plugin, caught.value.phase) == (name, "initialize")
        assert isinstance(caught.value.__cause__, TimeoutError)
        assert str(caught.value.__cause__).startswith(
            f"initialize of {name!r} took longer than {seconds} s: give it more time"
        )
        assert host.journal[-1] == "teardown a"


def test_an_optional_extension_that_is_too_slow_is_set_aside(host: Any) -> None:
    """And the others come up."""

    async def slowly(self: Any) -> None:
        await sleep(60)

    host.plugin("a", INITIALIZE_TIMEOUT=30)
    host.plugin("slow", initialize=slowly)
    with host.bring_up(host.info(["a"], ["slow"]), initialize_timeout=0.01) as instance:
        (aside,) = instance.report().set_aside
    assert (
        aside.reason
        == "it failed in initialize: TimeoutError: initialize of 'slow' took longer than 0.01 s: "
        "give it more time with INITIALIZE_TIMEOUT, or initialize_timeout"
    )


def test_a_timeout_error_of_the_plugin_itself_stays_its_own(host: Any) -> None:
    """It is not taken for ours."""
    own = TimeoutError("the database")

    async def fail(self: Any) -> None:
        raise own

    host.plugin("a", initialize=fail)
    with pytest.raises(PluginFailedError) as caught:
        host.bring_up(host.info(["a"]), initialize_timeout=10)
    assert caught.value.__cause__ is own


def test_a_plain_initialize_that_is_too_slow_is_a_warning(world: Any) -> None:
    """It cannot be interrupted; in a plain host the class attribute says how long."""
    lines: Journal = []

    def log(plugin: Any) -> None:
        plugin.instance.ext.log_callback = lambda message: lines.append(message.message)

    world.plugin("log", {"initialize": log})
    world.plugin("slow", initialize=lambda self: time.sleep(0.03), INITIALIZE_TIMEOUT=0.01)
    world.create(["log", "slow"]).close()
    (warning,) = [line for line in lines if "initialize of slow took" in line]
    assert warning.endswith(
        "s without giving way, and was given 0.01 s: a plain one cannot be interrupted, an async def can"
    )


def test_a_scope_that_is_left_open_across_one_of_ours_is_told(worlds: Any) -> None:
    """Under trio, where scopes must nest: what lives longer takes the host's nursery."""

    class Leaky(PluginEXT):
        UUID, NAME, DESCRIPTION = uuid.UUID(int=1), "leaky", "Opens a nursery and leaves it"
        INITIALIZE_TIMEOUT = 10.0

        async def initialize(self) -> None:
            self.scope = trio.CancelScope()
            self.scope.__enter__()

    inventory = Inventory(group=None)
    inventory.submit(Leaky)
    world = worlds("trio")
    world.inventory = inventory
    with pytest.raises(
        PluginFailedError, match="has opened or closed a cancel scope or a nursery across one of"
    ) as caught:
        world.create(["leaky"])
    assert isinstance(caught.value.__cause__, RuntimeError)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"initialize_timeout": "3"}, ArgumentTypeError),
        ({"initialize_timeout": True}, ArgumentTypeError),
        ({"initialize_timeout": 0}, ArgumentValueError),
        ({"undo_timeout": float("inf")}, ArgumentValueError),
    ],
)
def test_what_is_no_number_of_seconds_is_told(host: Any, options: Any, error: type[HyError]) -> None:
    """Before anything is imported."""
    with pytest.raises(error, match="number of seconds"):
        host.bring_up(host.info(["missing"]), **options)


# How it runs.


def test_hooks_run_in_the_task_that_awaits(host: Any) -> None:
    """Context variables that a hook sets are seen by the next, and by the host."""
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")
    seen: Journal = []

    async def put(self: Any) -> None:
        variable.set(self.name)

    async def see(self: Any) -> None:
        await sleep(0)
        seen.append(variable.get())

    host.plugin("a", initialize=put)
    host.plugin("b", initialize=see, teardown=see)

    async def run() -> None:
        async with await InstanceContext.acreate(host.info(["a", "b"]), inventory=host.inventory):
            seen.append(variable.get())

    host.run(run)
    assert seen == ["a", "a", "a"]


def test_plain_and_asynchronous_hooks_stand_in_one_plan(host: Any) -> None:
    """And callbacks too, in one order."""
    plain = type(host)("plain")
    plain.inventory, plain.journal = host.inventory, host.journal
    host.plugin("a", {"initialize": lambda plugin: plugin.defer(plugin.note, "1")})
    plain.plugin("b", {"initialize": lambda plugin: plugin.defer(plugin.note, "2")})
    host.plugin("c")
    host.create(["a", "b", "c"]).close()
    assert host.journal[-8:] == [
        "initialize a", "initialize b", "initialize c", "teardown c", "teardown b", "2 b", "teardown a", "1 a",
    ]  # fmt: skip


def test_a_plain_hook_may_return_what_is_awaited(host: Any) -> None:
    """It is awaited where the host awaits."""
    seen: Journal = []

    async def wait() -> None:
        await sleep(0)
        seen.append("awaited")

    host.plugin("a", initialize=lambda self: wait(), teardown=lambda self: wait())
    host.create(["a"]).close()
    assert seen == ["awaited", "awaited"]


def test_imports_may_run_in_a_thread(host: Any, site: Any) -> None:
    """A heartbeat goes on while an import is held up."""
    gate = threading.Event()
    beats: list[int] = []
    import sys

    site.distribution("held", "1", {"__EXT_held": "held_module:Plugin"})
    site.module(
        "held_module",
        "import sys, uuid\nfrom hycore import PluginEXT\nassert sys.held_gate.wait(20)\n"
        "class Plugin(PluginEXT):\n    UUID, NAME, DESCRIPTION = uuid.UUID(int=9), '__EXT_held', 'Held up'\n",
    )
    sys.held_gate = gate  # type: ignore[attr-defined]

    async def beat() -> None:
        for number in range(5):
            await sleep(0.01)
            beats.append(number)
        gate.set()

    async def create() -> None:
        instance = await InstanceContext.acreate(host.info(["__EXT_held"]), import_in_thread=True)
        assert len(beats) == 5
        await instance.aclose()

    async def run() -> None:
        if host.kind == "trio":
            async with trio.open_nursery() as nursery:
                nursery.start_soon(beat)
                await create()
        else:
            await asyncio.gather(beat(), create())

    host.run(run)
    del sys.held_gate  # type: ignore[attr-defined]


def test_times_of_hooks_that_are_awaited(host: Any) -> None:
    """The whole time, and for how much of it the hook held the loop."""

    async def both(self: Any) -> None:
        await sleep(0.05)
        time.sleep(0.02)  # noqa: ASYNC251
        await sleep(0.05)

    host.plugin("a", initialize=both)
    before = time.time_ns()
    instance = host.bring_up(host.info(["a"]), profile=True)
    after = time.time_ns()
    (extension,) = instance.report().extensions
    begun = [extension.begun[phase] for phase in ("new", "attach_to", "initialize")]
    assert [before, *begun, after] == sorted([before, *begun, after])
    assert after - begun[-1] >= extension.times["initialize"] * 1e9
    assert extension.times["initialize"] >= 0.12
    assert 0.02 <= extension.held["initialize"] < 0.1
    assert "of the loop)" in str(instance.report())
    instance.close()
    (extension,) = instance.report().extensions
    assert set(extension.held) == {"attach_to", "initialize", "teardown"}


def test_a_plain_instance_needs_no_event_loop(plain_world: Any) -> None:
    """Neither asyncio nor trio is imported for it, or for the runtime."""
    import subprocess
    import sys

    script = (
        "import sys, hycore\nfrom hycore.base.api import *\n"
        "v = VersionInfo(1)\ncreate_instance(InstanceCreateInfo(ApplicationInfo('a', v, 'e', v))).close()\n"
        "print([name for name in ('asyncio', 'trio', 'anyio', 'sniffio') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=50
    )
    assert done.stdout == "[]\n"


def test_another_loop_awaits_hooks_and_says_what_it_has_not(worlds: Any) -> None:
    """The engine is independent of the loop; only time-outs, threads and waiting need one that is known."""
    world = worlds("asyncio")
    world.plugin("a")
    world.plugin("b", INITIALIZE_TIMEOUT=3.0)

    def by_hand(steps: Any) -> Any:
        try:
            while True:
                steps.send(None)
        except StopIteration as stop:
            return stop.value

    instance = by_hand(InstanceContext.acreate(world.info(["a"]), inventory=world.inventory))
    by_hand(instance.aclose())
    assert world.journal[-1] == "teardown a"
    with pytest.raises(
        PluginFailedError, match="a timeout of initialize needs a running event loop"
    ) as caught:
        by_hand(InstanceContext.acreate(world.info(["b"]), inventory=world.inventory))
    assert isinstance(caught.value.__cause__, LoopError)
    with pytest.raises(LoopError, match="import_in_thread"):
        by_hand(InstanceContext.acreate(world.info(["a"]), inventory=world.inventory, import_in_thread=True))


# The end.


def test_close_where_something_must_be_awaited_runs_nothing(host: Any) -> None:
    """Neither a teardown nor a callback: it says what to call."""
    plain = type(host)("plain")
    plain.inventory, plain.journal = host.inventory, host.journal
    host.plugin("a")
    plain.plugin("b", {"initialize": lambda plugin: plugin.defer(sleep, 0)})
    plain.plugin("c", {"initialize": lambda plugin: plugin.defer(asynchronous)})
    plain.plugin("d")

    async def asynchronous() -> None: ...

    for names, told in ((["a", "d"], ("a",)), (["c"], ("c",))):
        instance = host.create(names)
        for end in (
            instance.bare.close,
            instance.bare.__enter__,
            partial(instance.bare.__exit__, None, None, None),
        ):
            with pytest.raises(AsyncCloseError, match="await instance.aclose") as caught:
                end()
            assert caught.value.plugins == told
        assert not instance.closed
        instance.close()
        instance.bare.close()
    instance = host.create(["d"])
    instance.bare.close()
    assert instance.closed


def test_a_second_task_waits_until_the_first_has_closed(host: Any) -> None:
    """T4: and a plain `close` of another task says that it would have to wait."""
    order: Journal = []

    async def slowly(self: Any) -> None:
        order.append("begins")
        with pytest.raises(AsyncCloseError, match="another task of this thread is closing"):
            await in_another_task(host, lambda: plain_close(self.instance))
        await sleep(0.05)
        await self.instance.aclose()  # in the task that closes: at once
        order.append("ends")

    async def plain_close(instance: Any) -> None:
        instance.close()

    host.plugin("a", teardown=slowly)

    async def closes(instance: Any, name: str) -> None:
        await instance.aclose()
        order.append(f"{name} {instance.closed}")

    async def run() -> None:
        instance = await InstanceContext.acreate(host.info(["a"]), inventory=host.inventory)
        await together(partial(closes, instance, "x"), partial(closes, instance, "y"))

    host.run(run)
    assert order[:2] == ["begins", "ends"]
    assert sorted(order[2:]) == ["x True", "y True"]


async def in_another_task(host: Any, function: Callable[[], Any]) -> None:
    errors: list[BaseException] = []

    async def caught() -> None:
        try:
            await function()
        except BaseException as error:
            errors.append(error)

    if host.kind == "trio":
        async with trio.open_nursery() as nursery:
            nursery.start_soon(caught)
    else:
        await asyncio.ensure_future(caught())
    if errors:
        raise errors[0]


def test_a_thread_waits_for_the_task_that_closes(host: Any) -> None:
    """T4: from any thread, and the loop goes on meanwhile."""
    seen: list[bool] = []
    closing = threading.Event()

    async def slowly(self: Any) -> None:
        closing.set()
        await sleep(0.1)

    host.plugin("a", teardown=slowly)

    async def run() -> None:
        instance = await InstanceContext.acreate(host.info(["a"]), inventory=host.inventory)

        def wait() -> None:
            assert closing.wait(20)
            instance.close()
            seen.append(instance.closed)

        thread = threading.Thread(target=wait)
        thread.start()
        await instance.aclose()
        thread.join(20)

    host.run(run)
    assert seen == [True]


def test_a_task_waits_for_the_thread_that_closes(host: Any) -> None:
    """T4: without holding up its loop."""
    began, go_on = threading.Event(), threading.Event()
    beats: list[int] = []

    def slowly(self: Any) -> None:
        began.set()
        assert go_on.wait(20)

    plain = type(host)("plain")
    plain.inventory = host.inventory
    plain.plugin("a", teardown=slowly)

    async def run() -> None:
        instance = await InstanceContext.acreate(host.info(["a"]), inventory=host.inventory)
        thread = threading.Thread(target=instance.close)
        thread.start()
        assert began.wait(20)

        async def beat() -> None:
            for number in range(3):
                await sleep(0.01)
                beats.append(number)
            go_on.set()

        if host.kind == "trio":
            async with trio.open_nursery() as nursery:
                nursery.start_soon(beat)
                await instance.aclose()
        else:
            await asyncio.gather(beat(), instance.aclose())
        assert instance.closed
        thread.join(20)

    host.run(run)
    assert beats == [0, 1, 2]


def test_aclose_during_bring_up_ends_the_creation(host: Any) -> None:
    """T4: it returns at once."""

    async def close(self: Any) -> None:
        await self.instance.aclose()
        host.journal.append("returned")

    host.plugin("a")
    host.plugin("b", initialize=close)
    host.plugin("c")
    with pytest.raises(InstanceClosedError):
        host.create(["a", "b", "c"])
    assert host.journal[-3:] == ["returned", "teardown b", "teardown a"]


def test_async_with_passes_the_bodys_exception_on(host: Any) -> None:
    """A failing teardown becomes its notes."""
    host.plugin("a", {"teardown": ValueError("stuck")})
    with pytest.raises(KeyError) as caught, host.create(["a"]):
        raise KeyError("body")
    assert "ValueError: stuck" in caught.value.__notes__[0]
    with pytest.raises(TeardownError), host.create(["a"]):
        pass
    closed = host.create(["a"])
    with pytest.raises(TeardownError):
        closed.close()
    with pytest.raises(InstanceClosedError, match="async with was asked of a closed instance"):
        closed.__enter__()


def test_dropped_hooks_run_to_their_first_wait_and_are_told(
    host: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T5: what needs no wait is done, what waits is closed and reported, and nothing is left un-awaited."""
    import sys

    reported: list[BaseException] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: reported.append(args.exc_value))
    ended: Journal = []

    class Waiting:
        def __await__(self) -> Any:
            yield

    async def waits(self: Any) -> None:
        try:
            await Waiting()
        finally:
            ended.append("closed")

    host.plugin("a")
    host.plugin("b", teardown=waits)
    instance = host.create(["a", "b"])
    del instance
    gc.collect()
    assert host.journal[-1] == "teardown a"
    assert ended == ["closed"]
    (error,) = reported
    assert isinstance(error, TeardownError)
    assert "extension 'b' failed in teardown: RuntimeError: it waits, and nothing awaits it any more" in str(
        error
    )


def test_an_instance_without_extensions_is_created_and_closed(host: Any) -> None:
    """As any other, and `close()` has nothing to await."""
    with host.create() as instance:
        hyinfo(instance.bare, "text")
    assert instance.closed
    host.create().bare.close()


# What a hostile reader tried.


class Waiting:
    """Gives way once, to whoever drives by hand."""

    def __await__(self) -> Any:
        yield


@pytest.mark.parametrize("end", ["aclose", "acreate", "aretry"])
def test_a_closed_coroutine_undoes_all_the_same(worlds: Any, end: str) -> None:
    """F1, T1: hooks that follow run as far as they go without a wait, and nothing is left un-awaited."""
    world = worlds("asyncio")
    held = {"acreate": "initialize", "aclose": "teardown", "aretry": "initialize"}[end]

    async def hold(self: Any) -> None:
        world.journal.append(f"{held} held")
        self.defer(self.note, "callback") if held == "initialize" else None
        await Waiting()

    failures = [ValueError()]

    async def later(self: Any) -> None:
        if end == "aretry" and failures:
            raise failures.pop()
        await hold(self)

    world.plugin("a")
    world.plugin("b", **{held: later})
    world.plugin("c")

    def by_hand(steps: Any) -> Any:
        try:
            while True:
                steps.send(None)
        except StopIteration as stop:
            return stop.value

    if end == "acreate":
        steps = InstanceContext.acreate(world.info(["a", "b"]), inventory=world.inventory)
    elif end == "aclose":
        instance = by_hand(InstanceContext.acreate(world.info(["a", "b", "c"]), inventory=world.inventory))
        steps = instance.aclose()
    else:
        instance = by_hand(InstanceContext.acreate(world.info(["a"], ["b"]), inventory=world.inventory))
        steps = instance.aretry("b")
    world.journal.clear()
    steps.send(None)
    steps.close()
    if end == "acreate":
        assert world.journal[-3:] == ["initialize held", "callback b", "teardown a"]
    elif end == "aclose":
        assert world.journal == ["teardown c", "teardown held", "teardown a"]
        assert instance.closed
    else:
        assert world.journal == ["new b", "attach_to b", "initialize held", "callback b"]
        assert [plugin.name for plugin in instance.extensions.values()] == ["a"]
        assert [aside.name for aside in instance.report().set_aside] == ["b"]
        by_hand(instance.aclose())


def test_close_beside_a_retry_of_another_task_is_told(host: Any) -> None:
    """T4, R1: a plain `close` would hold up the loop in which the retry goes on; `aclose` ends both."""
    go_on: Journal = []

    async def slowly(self: Any) -> None:
        if not go_on:
            go_on.append("once")
            raise ValueError
        while not self.instance._life.aborted:
            await sleep(0.001)

    host.plugin("late", initialize=slowly)

    async def run() -> None:
        instance = await InstanceContext.acreate(host.info([], ["late"]), inventory=host.inventory)

        async def retry() -> None:
            with pytest.raises(InstanceClosedError):
                await instance.aretry("late")

        async def close() -> None:
            await sleep(0.01)
            with pytest.raises(AsyncCloseError, match="or tries an extension again"):
                instance.close()
            await instance.aclose()
            assert instance.closed

        await together(retry, close)

    host.run(run)
    assert host.journal[-1] == "teardown late"


@pytest.mark.parametrize("phase", ["initialize", "teardown"])
def test_with_inside_of_a_hook_leaves_the_engine_alone(host: Any, phase: str) -> None:
    """T4: it returns at once, also where something has failed before; the rest is undone in order."""

    async def enter(self: Any) -> None:
        async with self.instance:
            await sleep(0)
        host.journal.append("entered")

    host.plugin("a")
    host.plugin("b", **{phase: enter})
    host.plugin("c", {"teardown": ValueError("stuck")})
    host.plugin("d", {"initialize": ValueError("aside")})
    if phase == "initialize":
        with pytest.raises(InstanceClosedError):
            host.create(["a", "b"], ["d"])
        assert host.journal[-3:] == ["entered", "teardown b", "teardown a"]
    else:
        with pytest.raises(TeardownError) as caught:
            host.create(["a", "b", "c"], ["d"]).close()
        assert [error.plugin for error in caught.value.exceptions] == ["c"]
        assert host.journal[-2:] == ["entered", "teardown a"]


def test_a_drop_between_tasks_of_trio(worlds: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """T5: plain hooks run; what would have to be awaited is closed and told, and the loop goes on."""
    import sys

    reported: list[BaseException] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: reported.append(args.exc_value))
    plain, host = worlds("plain"), worlds("trio")
    plain.inventory, plain.journal = host.inventory, host.journal

    async def nursery(self: Any) -> None:
        async with trio.open_nursery():
            await trio.sleep(60)

    plain.plugin("a")
    host.plugin("b", teardown=nursery)

    async def run() -> None:
        instance = await InstanceContext.acreate(host.info(["a", "b"]), inventory=host.inventory)
        trio.lowlevel.current_trio_token().run_sync_soon(held.append, instance)
        del instance
        await trio.sleep(0.01)
        trio.lowlevel.current_trio_token().run_sync_soon(held.clear)
        await trio.sleep(0.01)
        host.journal.append("goes on")

    held: list[Any] = []
    host.run(run)
    assert host.journal[-2:] == ["teardown a", "goes on"]
    (error,) = reported
    assert "extension 'b' failed in teardown: RuntimeError: nothing awaits it any more" in str(error)


def test_a_cancellation_is_not_hidden_by_what_a_task_group_raises() -> None:
    """F1: under asyncio a child that fails while it is cancelled takes the place of the cancellation."""

    class Group(PluginEXT):
        UUID, NAME, DESCRIPTION = uuid.UUID(int=1), "group", "Fails while it is cancelled"

        async def initialize(self) -> None:
            async def child() -> None:
                try:
                    await asyncio.sleep(60)
                finally:
                    raise ValueError("child")

            async with asyncio.TaskGroup() as group:
                group.create_task(child())

    async def run() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await InstanceContext.acreate(info, inventory=inventory)

    inventory = Inventory(group=None)
    inventory.submit(Group)
    from hycore.base.api import ApplicationInfo, InstanceCreateInfo, VersionInfo

    application = ApplicationInfo("test", VersionInfo(1), "Engine", VersionInfo(1))
    info = InstanceCreateInfo(application, optional_extensions=["group"])
    asyncio.run(run())


def test_a_cancellation_that_nobody_asked_for_is_a_failure(worlds: Any) -> None:
    """F1: a hook awaits what it has cancelled itself."""
    host = worlds("asyncio")

    async def await_cancelled(self: Any) -> None:
        task = asyncio.ensure_future(asyncio.sleep(60))
        await asyncio.sleep(0)
        task.cancel()
        await task

    host.plugin("a", initialize=await_cancelled)
    with pytest.raises(PluginFailedError, match="something that it awaits was cancelled") as caught:
        host.create(["a"])
    assert caught.value.__cause__ is not None
    assert isinstance(caught.value.__cause__.__cause__, asyncio.CancelledError)


def test_aclose_of_a_plain_instance_waits_like_any_other(host: Any) -> None:
    """T4: two tasks close what was created without a loop."""
    plain = type(host)("plain")
    plain.plugin("a", {"initialize": lambda plugin: plugin.defer(plugin.note, "undone")})
    instance = plain.create(["a"])
    seen: list[bool] = []

    async def close() -> None:
        await instance.aclose()
        seen.append(instance.closed)

    async def run() -> None:
        await together(close, close)

    host.run(run)
    assert seen == [True, True]


def test_times_of_what_is_tried_again(host: Any) -> None:
    """Two attempts are two times; what lies between them is none."""
    mood: Journal = []

    async def first_fails(self: Any) -> None:
        await sleep(0.01)
        if not mood:
            mood.append("better")
            raise ValueError

    host.plugin("late", initialize=first_fails)
    instance = host.bring_up(host.info([], ["late"]), profile=True)
    time.sleep(0.3)
    assert instance.retry("late") is True
    (extension,) = instance.report().extensions
    assert 0.02 <= extension.times["initialize"] < 0.3
    instance.close()
