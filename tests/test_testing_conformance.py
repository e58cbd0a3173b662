"""`assert_plugin_conforms`: for each fault that it promises to find a plugin that has it, and plugins that have none.

Plugins are proved as an author would; what is found is compared rule by rule, and the words where they matter.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import gc
import importlib
import logging
import os
import subprocess
import sys
import threading
import time
import uuid
import warnings
import weakref
import zipfile
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import attrs
import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from hycore import OpaqueList, PluginEXT, hyinfo
from hycore.base.api import VersionInfo
from hycore.ext.hylog import LogCreateInfoEXT, LogPluginEXT
from hycore.testing import (
    Finding,
    PluginConformanceError,
    RunningLoopError,
    aassert_plugin_conforms,
    assert_plugin_conforms,
    make_instance,
    record_lifecycle,
)
from hycore.utils.error import ArgumentTypeError, ArgumentValueError, PluginDefinitionError
from hycore.utils.opaque import OpaqueObject

START = "it starts and ends"
LEFT = "nothing is left behind"
GROWS = "nothing grows"
TWO = "two instances at once"
LET_GO = "the instance is let go"
TAKES = "it takes its configuration"
OWN = "it takes no configuration but its own"
UNCHANGED = "configuration is left as it is"
STDOUT = "nothing on standard output"
IDENTITY = "its identity stays"


def later(phase: str) -> str:
    return f"it is undone when a later extension fails in {phase}"


class Foo(PluginEXT):
    """What the plugins of this file derive from."""

    UUID = uuid.UUID("cdb726aa-8656-486f-a5b5-ff09f37a83fb")
    NAME = "__EXT_FOO"
    DESCRIPTION = "Provides foo-related features"


def findings(plugin: type[PluginEXT], **options: Any) -> tuple[Finding, ...]:
    options = {"cycles": 20, **options}
    with pytest.raises(PluginConformanceError) as caught:
        assert_plugin_conforms(plugin, **options)
    assert caught.value.plugin == plugin.NAME
    return caught.value.findings


def rules(plugin: type[PluginEXT], **options: Any) -> list[str]:
    return [finding.rule for finding in findings(plugin, **options)]


def only(plugin: type[PluginEXT], rule: str, **options: Any) -> Finding:
    (finding,) = findings(plugin, **options)
    assert finding.rule == rule
    return finding


class Worker:
    """A thread that waits for its end."""

    def __init__(self, daemon: bool = True) -> None:
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.work, name="worker", daemon=daemon)
        self.thread.start()

    def work(self) -> None:
        self.stop.wait(50)

    def end(self) -> None:
        self.stop.set()
        self.thread.join()


@pytest.fixture
def workers() -> Iterator[weakref.WeakSet[Worker]]:
    """The threads that a wrong plugin leaves behind end with the test; those that have ended are not kept here."""
    started: weakref.WeakSet[Worker] = weakref.WeakSet()
    yield started
    for worker in list(started):
        worker.end()


# What a plugin leaves behind.


def test_a_thread_that_runs_on_is_found(workers: weakref.WeakSet[Worker]) -> None:
    """It is named, with the line that it is at, and what ends it."""

    class Runs(Foo):
        def initialize(self) -> None:
            workers.add(Worker())

    finding = only(Runs, LEFT)
    place = f"'worker' (daemon) in work ({__file__}:"
    assert finding.problem.startswith(
        f"when an instance has been created and closed, there are more threads: {place}"
    )
    assert finding.step.endswith("self.defer(thread.join); self.defer(stop.set)")


@pytest.mark.parametrize("hook", ["new", "attach_to", "initialize"])
def test_what_teardown_alone_releases_is_found_where_a_later_extension_fails(
    hook: str, workers: weakref.WeakSet[Worker]
) -> None:
    """`teardown` runs only if `initialize` has returned: what `new` and `attach_to` start has to be deferred."""

    class Starts(Foo):
        def start(self) -> None:
            self.worker = Worker()
            workers.add(self.worker)

        def __init__(self) -> None:
            if hook == "new":
                self.start()

        def attach_to(self, instance: object) -> None:
            if hook == "attach_to":
                self.start()

        def initialize(self) -> None:
            if hook == "initialize":
                self.start()

        def teardown(self) -> None:
            self.worker.end()

    if hook == "initialize":
        assert_plugin_conforms(Starts, cycles=5)
        return
    finding = only(Starts, LEFT, cycles=5)
    phase = "new" if hook == "new" else "attach_to"
    assert finding.problem.startswith(
        f"when a later extension has failed in {phase}, there are more threads: 'worker'"
    )


def test_an_open_file_is_found() -> None:
    """Descriptors are counted, whether or not Python knows that one is open."""
    opened: list[int] = []

    class Opens(Foo):
        def initialize(self) -> None:
            opened.append(os.open(__file__, os.O_RDONLY))

    try:
        finding = only(Opens, LEFT)
    finally:
        for descriptor in opened:
            os.close(descriptor)
    assert f"there are more open files: {__file__}" in finding.problem
    assert finding.step.startswith("self.defer(file.close)")


def test_a_file_that_is_left_to_be_closed_by_chance_is_found() -> None:
    """Python closes it when nothing leads to it any more, and warns: here the warning is a finding."""

    class Opens(Foo):
        def initialize(self) -> None:
            self.file = open(__file__, encoding="utf-8")  # noqa: SIM115

    finding = only(Opens, LEFT)
    assert "unclosed file" in finding.problem and "test_testing_conformance.py" in finding.problem


@pytest.mark.skipif(
    not Path(f"/proc/self/task/{os.getpid()}/children").exists(), reason="no list of children"
)
def test_a_child_process_is_found() -> None:
    """One that runs on, and one that nobody has waited for."""
    started: list[subprocess.Popen[bytes]] = []

    class Starts(Foo):
        def initialize(self) -> None:
            started.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(50)"]))

    try:
        finding = only(Starts, LEFT)
    finally:
        for process in started:
            process.kill()
            process.wait()
    assert "there are more child processes: process " in finding.problem
    assert finding.step.startswith("self.defer(process.wait); self.defer(process.terminate)")


def test_a_child_process_that_nobody_waits_for_is_found() -> None:
    """It is told to end, and let go: the step is that for child processes, and not for files."""

    class Starts(Foo):
        def initialize(self) -> None:
            self.process = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(50)"])

        def teardown(self) -> None:
            self.process.terminate()

    steps = {finding.step.partition(",")[0] for finding in findings(Starts)}
    assert steps == {"self.defer(process.wait); self.defer(process.terminate)"}


def test_a_task_that_runs_on_is_found() -> None:
    """Under asyncio, and under trio."""

    class Starts(Foo):
        async def initialize(self) -> None:
            self.task = asyncio.create_task(asyncio.sleep(50))

    finding = only(Starts, LEFT)
    assert finding.problem.endswith("there are more tasks: sleep")

    class StartsInTrio(Foo):
        async def initialize(self) -> None:
            trio.lowlevel.spawn_system_task(trio.sleep, 50)

    async def prove() -> list[str]:
        with pytest.raises(PluginConformanceError) as caught:
            await aassert_plugin_conforms(StartsInTrio, cycles=5)
        return [found.problem for found in caught.value.findings]

    (problem,) = trio.run(prove)
    assert problem.startswith(
        "when an instance has been created and closed, there are more tasks: a task of trio"
    )


def test_a_coroutine_that_nobody_awaits_is_found() -> None:
    """It never runs, and so what it should do is not done."""

    class Forgets(Foo):
        async def flush(self) -> None: ...

        async def teardown(self) -> None:
            self.flush()  # type: ignore[unused-coroutine]

    assert "was never awaited" in only(Forgets, LEFT).problem


class NeedsItsAttachment(Foo):
    def __init__(self) -> None:
        self.defer(self.undo)

    def attach_to(self, instance: object) -> None:
        self.node = 3

    def undo(self) -> None:
        print(self.node, file=sys.stderr)


class NeedsItsInitialization(Foo):
    def attach_to(self, instance: object) -> None:
        self.defer(self.undo)

    def initialize(self) -> None:
        self.node = 3

    def undo(self) -> None:
        print(self.node, file=sys.stderr)


class NeedsTheOthers(Foo):
    def teardown(self) -> None:
        if self.instance.report().state == "creating":
            raise AttributeError("not all are up, and so I have no node")


@pytest.mark.parametrize(
    ("plugin", "phase", "what"),
    [
        (NeedsItsAttachment, "new", "a deferred callback"),
        (NeedsItsInitialization, "attach_to", "a deferred callback"),
        (NeedsTheOthers, "initialize", "teardown"),
    ],
)
def test_an_undoing_that_fails_when_a_later_extension_has_failed_is_found(
    plugin: type[PluginEXT], phase: str, what: str
) -> None:
    """It relies on what comes only later; once everything is up, it does not fail."""
    finding = only(plugin, later(phase))
    assert finding.problem.startswith(f"{what} of '__EXT_FOO' fails then: AttributeError: ")
    assert f"({__file__}:" in finding.problem
    assert finding.step.startswith("undo only what was done")


def test_a_teardown_that_fails_is_found() -> None:
    """Already with the first instance; the line that has raised is told."""

    class Fails(Foo):
        def teardown(self) -> None:
            self.server.stop()  # type: ignore[attr-defined]

    finding = only(Fails, START)
    assert finding.problem.startswith(
        "teardown of '__EXT_FOO' fails when the instance is closed: AttributeError: 'Fails' object has no attribute 'server'"
    )
    assert f"({__file__}:" in finding.problem


def test_a_teardown_that_fails_only_when_the_last_reference_goes_is_found() -> None:
    """There is nobody to raise it to then."""

    class Relies(Foo):
        def teardown(self) -> None:
            frame: Any = sys._getframe()
            while frame is not None and frame.f_code.co_name not in ("close", "create"):
                frame = frame.f_back
            if frame is None:
                raise ValueError("nobody has closed me")

    finding = only(Relies, LET_GO)
    assert (
        "teardown of '__EXT_FOO' fails when the last reference to the instance goes: ValueError"
        in finding.problem
    )


def test_an_initialize_that_fails_is_found() -> None:
    """Nothing else is tried then."""

    class Fails(Foo):
        def initialize(self) -> None:
            raise OSError("no such device")

    finding = only(Fails, START)
    assert finding.problem.startswith(
        f"'__EXT_FOO' fails in initialize: OSError: no such device ({__file__}:"
    )
    assert finding.step == "mend it, or hand over what it needs: assert_plugin_conforms(Fails, config=…)"


# Memory.


def test_objects_that_are_kept_are_found() -> None:
    """Their type and the line that allocates them are told."""
    kept: list[object] = []

    class Handle:
        pass

    class Keeps(Foo):
        def initialize(self) -> None:
            kept.append(Handle())

    finding = only(Keeps, GROWS)
    assert (
        finding.problem.startswith(
            "when an instance has been created and closed 20 times, there are 20 of "
            "test_testing_conformance.test_objects_that_are_kept_are_found.<locals>.Handle more"
        )
        or "Handle more, allocated at" in finding.problem
    )
    assert f"{__file__}:" in finding.problem


def test_memory_that_is_kept_without_objects_is_found() -> None:
    """Strings and numbers are no objects of the garbage collector."""
    kept: list[str] = []

    class Keeps(Foo):
        def initialize(self) -> None:
            kept.append(f"started at {time.perf_counter_ns()}")

    finding = only(Keeps, GROWS, cycles=50)
    assert "blocks of memory more, allocated at" in finding.problem
    assert f"{__file__}:" in finding.problem


def test_a_cache_without_end_is_found_and_one_with_an_end_is_not() -> None:
    """What ends some day is no growth, even if it takes hundreds of instances."""

    def plugin(maxsize: int | None) -> type[PluginEXT]:
        @functools.lru_cache(maxsize=maxsize)
        def cached(key: object) -> list[object]:
            return [key]

        class Caches(Foo):
            def initialize(self) -> None:
                cached(uuid.uuid4())

        return Caches

    assert rules(plugin(None)) == [GROWS]
    assert_plugin_conforms(plugin(128), cycles=50)


def test_what_is_kept_when_a_later_extension_fails_is_found() -> None:
    """A register that `new` fills and `teardown` empties."""
    register: dict[int, object] = {}

    class Registers(Foo):
        def __init__(self) -> None:
            register[id(self)] = self

        def teardown(self) -> None:
            del register[id(self)]

    finding = only(Registers, GROWS)
    assert finding.problem.startswith("when a later extension has failed in new 5 times, there are 5 of")


# The instance.


class StoresAttribute(Foo):
    def attach_to(self, instance: Any) -> None:
        self.owner = instance()


class StoresInSlot(Foo):
    __slots__ = ("owner",)

    def initialize(self) -> None:
        self.owner = self.instance


class StoresInClosure(Foo):
    def initialize(self) -> None:
        instance = self.instance
        self.report = lambda: instance.report()


class StoresInList(Foo):
    def initialize(self) -> None:
        self.owners = [self.instance]


CURRENT: object = None
REGISTER: dict[str, Any] = {}


class StoresInGlobal(Foo):
    def initialize(self) -> None:
        global CURRENT
        CURRENT = self.instance

    def teardown(self) -> None:
        global CURRENT
        CURRENT = None


class StoresInModule(Foo):
    def initialize(self) -> None:
        REGISTER["current"] = self.instance

    def teardown(self) -> None:
        REGISTER.clear()


class StoresInThread(Foo):
    def work(self) -> None:
        instance = self.instance
        self.stop.wait(50)
        del instance

    def initialize(self) -> None:
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.work)
        self.defer(self.thread.join)
        self.defer(self.stop.set)
        self.thread.start()


class StoresInTask(Foo):
    async def work(self) -> None:
        instance = self.instance
        await asyncio.sleep(50)
        del instance

    async def initialize(self) -> None:
        task = asyncio.create_task(self.work())
        self.defer(self.cancel, task)
        await asyncio.sleep(0)

    async def cancel(self, task: asyncio.Task[None]) -> None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class StoresAwaiting(Foo):
    async def initialize(self) -> None:
        await asyncio.sleep(0)
        self.owner = self.instance


@pytest.mark.parametrize(
    ("plugin", "where"),
    [
        (StoresInThread, "the variable instance of StoresInThread.work, in a thread"),
        (StoresInTask, "a variable of StoresInTask.work"),
        (StoresAttribute, "self.owner"),
        (StoresInSlot, "self.owner"),
        (StoresInClosure, "a function that uses it as a variable from outside"),
        (StoresInList, "a list"),
        (StoresInModule, "a dictionary, as 'current'"),
        (StoresInGlobal, f"{__name__}.CURRENT"),
        (StoresAwaiting, "self.owner"),
    ],
)
def test_a_strong_reference_to_the_instance_is_found(plugin: type[PluginEXT], where: str) -> None:
    """Where it is kept is told."""
    found = {finding.rule: finding for finding in findings(plugin)}
    assert found.keys() - {TWO} == {LET_GO}
    assert found[LET_GO].problem == f"a strong reference to it is kept: {where}"


def test_a_thread_that_has_the_instance_for_a_moment_is_no_reference() -> None:
    """It is waited for."""

    class Works(Foo):
        def initialize(self) -> None:
            ready = threading.Event()

            def work() -> None:
                instance = self.instance
                ready.set()
                time.sleep(0.03)
                del instance

            self.thread = threading.Thread(target=work)
            self.thread.start()
            ready.wait()

        def teardown(self) -> None:
            if self.thread is not threading.current_thread():
                self.thread.join()

    assert_plugin_conforms(Works, cycles=1)


# Two at once.


def test_a_second_instance_that_cannot_start_is_found() -> None:
    """Unless that is said to be its nature."""
    taken: list[object] = []

    class Locks(Foo):
        def initialize(self) -> None:
            if taken:
                raise BlockingIOError("it is taken")
            taken.append(self)
            self.defer(taken.clear)

    finding = only(Locks, TWO)
    assert "a second one cannot be created while the first is up" in finding.problem
    assert "BlockingIOError: it is taken" in finding.problem
    assert "exclusive=True" in finding.step
    assert_plugin_conforms(Locks, cycles=5, exclusive=True)


def test_one_object_for_all_instances_is_found() -> None:
    """One after the other it may serve them; the engine refuses it for the second one at a time."""

    class Single(Foo):
        only: ClassVar[Single | None] = None

        @classmethod
        def new(cls, ext: OpaqueList) -> Single:
            if cls.only is None:
                cls.only = cls()
            return cls.only

    finding = only(Single, TWO)
    assert "new returned an object that belongs to an instance already" in finding.problem


def test_one_that_breaks_the_other_when_it_ends_is_found() -> None:
    """The connection of the class is closed by the first one that ends."""

    class Connection:
        is_open = True

        def close(self) -> None:
            if not self.is_open:
                raise ValueError("closed already")
            self.is_open = False

    class Shares(Foo):
        connection: ClassVar[Connection | None] = None

        def initialize(self) -> None:
            Shares.connection = Shares.connection or Connection()

        def teardown(self) -> None:
            connection = Shares.connection
            assert connection is not None
            Shares.connection = None
            connection.close()

    assert {finding.rule for finding in findings(Shares)} == {TWO}
    problems = [finding.problem for finding in findings(Shares)]
    assert any(
        "teardown of '__EXT_FOO' fails after another instance was closed: AssertionError" in each
        for each in problems
    )
    assert {finding.step.partition(",")[0] for finding in findings(Shares)} == {
        "keep on the object what belongs to one instance"
    }


def test_one_that_is_broken_by_a_newer_one_that_ends_is_found() -> None:
    """Two instances end in either order."""
    up: list[int] = []

    class Counts(Foo):
        def initialize(self) -> None:
            self.number = len(up)
            up.append(self.number)

        def teardown(self) -> None:
            up.remove(self.number)
            if up and up[-1] < self.number:
                raise ValueError("somebody is still up")

    problem = only(Counts, TWO).problem
    assert problem.startswith(
        "teardown of '__EXT_FOO' fails while another instance is up: ValueError: somebody is still up"
    )


def test_state_of_the_class_that_each_instance_sets_is_found() -> None:
    """What the first one uses afterwards is the second one's."""

    class Shares(Foo):
        connection: ClassVar[object] = None

        def initialize(self) -> None:
            Shares.connection = [self.name]

    assert (
        only(Shares, TWO).problem
        == "the second one sets Shares.connection anew, which the first has set and uses"
    )


def test_state_of_the_module_that_each_instance_sets_is_found() -> None:
    """A global is no better than a class attribute."""

    class Shares(Foo):
        def initialize(self) -> None:
            global CURRENT
            CURRENT = [self.name]

    problem = only(Shares, TWO).problem
    assert problem == f"the second one sets {__name__}.CURRENT anew, which the first has set and uses"


def test_a_list_of_the_class_that_one_empties_for_all_is_found() -> None:
    """The mutable class attribute."""

    class Shares(Foo):
        handlers: ClassVar[list[object]] = []

        def initialize(self) -> None:
            self.handlers.append(object())

        def teardown(self) -> None:
            self.handlers.clear()

    problem = only(Shares, TWO).problem
    assert problem == "the end of the first one takes out of Shares.handlers what the second has put there"


@pytest.mark.parametrize("kind", [dict, OrderedDict, lambda: defaultdict(list)])
def test_a_mapping_of_the_class_that_one_empties_for_all_is_found(kind: Callable[[], Any]) -> None:
    """Whichever of Python's own it is."""

    class Shares(Foo):
        handlers: ClassVar[Any] = kind()

        def initialize(self) -> None:
            self.handlers[id(self)] = self

        def teardown(self) -> None:
            self.handlers.clear()

    problem = only(Shares, TWO).problem
    assert problem == "the end of the first one takes out of Shares.handlers what the second has put there"


def test_a_collection_that_is_replaced_as_a_whole_is_fine() -> None:
    """Each adds itself to a copy, so that who reads it needs no lock; and takes itself out again."""

    class Shares(Foo):
        up: ClassVar[tuple[Shares, ...]] = ()

        def initialize(self) -> None:
            Shares.up = (*Shares.up, self)

        def teardown(self) -> None:
            Shares.up = tuple(each for each in Shares.up if each is not self)

    assert_plugin_conforms(Shares, cycles=20)


def test_a_collection_that_one_replaces_for_all_is_found() -> None:
    """The copy is an empty one."""

    class Shares(Foo):
        up: ClassVar[tuple[Shares, ...]] = ()

        def initialize(self) -> None:
            Shares.up = (*Shares.up, self)

        def teardown(self) -> None:
            Shares.up = ()

    problem = only(Shares, TWO).problem
    assert problem == "the end of the first one takes out of Shares.up what the second has put there"


# Configuration.


@dataclass
class FooConfig:
    limit: int = 10
    hosts: list[str] = field(default_factory=lambda: ["localhost"])


class Other(OpaqueObject):
    """Configuration that no plugin here knows."""


def test_configuration_that_is_left_is_found() -> None:
    """Handed over by the test, or made from the plugin's own `CREATE_INFO`."""

    class Leaves(Foo):
        CREATE_INFO = FooConfig

        @classmethod
        def new(cls, ext: OpaqueList) -> Leaves:
            return cls()

    finding = only(Leaves, TAKES)
    assert finding.problem == f"new has left {__name__}.FooConfig"
    assert finding.step == "take it in new, ext.take_ext(FooConfig)"
    assert only(Foo, TAKES, config=Other()).step == "CREATE_INFO = Other"
    assert only(Foo, TAKES, config=FooConfig()).problem == f"new has left {__name__}.FooConfig"


def test_configuration_that_is_missing_is_told() -> None:
    """With the call to write."""

    @dataclass
    class Needed:
        path: str

    class Needs(Foo):
        CREATE_INFO = Needed

        def __init__(self, config: Needed) -> None: ...

    finding = only(Needs, START)
    assert "cannot be made from defaults" in finding.problem or "MissingConfigError" in finding.problem
    assert finding.step == "hand over its configuration: assert_plugin_conforms(Needs, config=Needed(…))"
    assert_plugin_conforms(Needs, config=Needed("x"), cycles=5)


def test_configuration_that_is_asked_for_twice_is_told() -> None:
    """It has been handed over, and the step does not say to hand it over."""

    class Asks(Foo):
        CREATE_INFO = FooConfig

        @classmethod
        def new(cls, ext: OpaqueList) -> Asks:
            ext.require_ext(FooConfig)
            ext.require_ext(FooConfig)
            return cls()

    found = [each for each in findings(Asks, config=FooConfig()) if "MissingConfigError" in each.problem]
    assert [each.step.partition(",")[0] for each in found] == ["take it once"]


def test_one_that_takes_what_is_not_its_own_is_found() -> None:
    """It empties the list that others take from, too."""

    class Grabs(Foo):
        @classmethod
        def new(cls, ext: OpaqueList) -> Grabs:
            for thing in ext:
                ext.take_ext(type(thing))
            return cls()

    assert rules(Grabs) == [OWN]


def test_one_that_takes_too_late_is_found() -> None:
    """The list is sealed when all plugins are constructed."""

    class Late(Foo):
        @classmethod
        def new(cls, ext: OpaqueList) -> Late:
            plugin = cls()
            plugin.ext = ext
            return plugin

        def initialize(self) -> None:
            self.ext.take_ext(FooConfig)

    assert "ConfigSealedError" in only(Late, START).problem


def change_list(config: Any) -> None:
    config.hosts.append("more")


def change_value(config: Any) -> None:
    config.limit = 20_000


def change_dictionary(config: Any) -> None:
    config.options["x"][0].limit = 20_000


class Plain(OpaqueObject):
    def __init__(self) -> None:
        self.limit = 1000
        self.hosts = ["a", "b"]
        self.inner = FooConfig()
        self.options = {"x": [FooConfig()]}


@attrs.define
class Attrs:
    limit: int = 10
    hosts: list[str] = attrs.field(factory=list)


class Model(BaseModel):
    limit: int = 10
    hosts: list[str] = []


class Slotted(OpaqueObject):
    __slots__ = ("hosts", "limit")

    def __init__(self) -> None:
        self.limit = 3
        self.hosts: set[str] = set()

    def append(self, host: str) -> None:
        self.hosts.add(host)


@pytest.mark.parametrize(
    ("config", "change", "problem"),
    [
        (FooConfig(), change_list, "what is in FooConfig.hosts has changed (1 then, 3 now)"),
        (FooConfig(), change_value, "FooConfig.limit is another object"),
        (Plain(), change_list, "what is in Plain.hosts has changed (2 then, 4 now)"),
        (Plain(), change_value, "Plain.limit is another object"),
        (Plain(), change_dictionary, "Plain.options['x'][0].limit is another object"),
        (
            Plain(),
            lambda config: config.options.clear(),
            "what is in Plain.options has changed (2 then, 0 now)",
        ),
        (Attrs(), change_list, "what is in Attrs.hosts has changed (0 then, 2 now)"),
        (Model(), change_list, "what is in Model.hosts has changed (0 then, 2 now)"),
        (
            Slotted(),
            lambda config: config.append("x"),
            "what is in Slotted.hosts has changed (0 then, 1 now)",
        ),
    ],
    ids=lambda value: (
        type(value).__name__ if isinstance(value, object) and not isinstance(value, str) else ""
    ),
)
def test_configuration_that_is_changed_is_found(
    config: object, change: Callable[[Any], None], problem: str
) -> None:
    """The same object configures other instances, too; the field is told."""

    class Changes(Foo):
        CREATE_INFO = type(config)

        def __init__(self, config: Any) -> None:
            change(config)

    finding = only(Changes, UNCHANGED, config=config)
    assert finding.problem == f"{problem}, after it has configured an instance"


# Standard output, identity.


def test_what_is_printed_is_found() -> None:
    """By `print` or by what writes past Python, with the line where it can be had."""

    class Prints(Foo):
        def initialize(self) -> None:
            assert sys.stdout.writable()
            print("hello")

        def teardown(self) -> None:
            assert sys.stdout.buffer.writable()
            sys.stdout.buffer.write(b"bye")

    first, second = findings(Prints)
    assert (first.rule, second.rule) == (STDOUT, STDOUT)
    assert first.problem.startswith(f"'hello' is printed by initialize ({__file__}:")
    assert second.problem.startswith(f"'bye' is printed by teardown ({__file__}:")


@pytest.mark.parametrize(
    "write",
    [
        lambda: os.write(1, b"past Python"),
        lambda: subprocess.run([sys.executable, "-c", "print('past Python')"], check=True),
        lambda: subprocess.run([sys.executable, "-c", "print('past Python')"], check=True, stdout=sys.stdout),
        lambda: subprocess.run(
            [sys.executable, "-c", "print('past Python')"], check=True, stdout=sys.stdout.buffer
        ),
        lambda: print("past Python", file=sys.__stdout__, flush=True),
    ],
)
def test_what_is_written_past_python_is_found(write: Callable[[], object]) -> None:
    """By a system call, by a child process, by the stream that Python began with."""
    once: list[object] = []

    class Writes(Foo):
        def initialize(self) -> None:
            if not once:
                once.append(write())

    assert only(Writes, STDOUT).problem.startswith("'past Python' is written past sys.stdout")


def test_what_is_printed_by_a_plugin_without_a_file_is_found() -> None:
    """Such as one that is typed in."""
    names: dict[str, Any] = {"Foo": Foo}
    exec("class Prints(Foo):\n    def initialize(self):\n        print('hello')\n", names)
    assert only(names["Prints"], STDOUT).problem == "'hello' is printed by initialize (<string>:3)"


def test_a_process_without_standard_output_is_no_hindrance() -> None:
    """A service has none."""
    script = (
        "import os, sys; os.close(1); from hycore.ext.hylog import LogPluginEXT\n"
        "from hycore.testing import assert_plugin_conforms; assert_plugin_conforms(LogPluginEXT, cycles=1)\n"
        "print('fine', file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False, stderr=subprocess.PIPE, text=True)
    assert done.stderr.splitlines()[-1] == "fine"


def test_logging_that_goes_to_standard_output_is_not_the_plugins_doing() -> None:
    """`logging.basicConfig(stream=sys.stdout)` is the host's choice; it is as it was afterwards."""
    script = (
        "import logging, sys, uuid; logging.basicConfig(stream=sys.stdout, level='INFO', format='%(message)s')\n"
        "from hycore import PluginEXT; from hycore.testing import assert_plugin_conforms\n"
        "class P(PluginEXT):\n"
        "    UUID, NAME, DESCRIPTION = uuid.uuid4(), '__EXT_P', 'A plugin'\n"
        "    def initialize(self): logging.info('up')\n"
        "try: assert_plugin_conforms(P, cycles=5)\n"
        "except AssertionError as error: print({finding.rule for finding in error.findings})\n"
        "logging.info('and on')"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)
    assert (done.stdout.splitlines()[-1], done.stderr) == ("and on", "")
    assert STDOUT not in done.stdout


def test_a_plugin_in_an_archive_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its module has a path that leads to no file."""
    archive = tmp_path / "plugins.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(
            "in_an_archive.py",
            "import uuid\nfrom hycore import PluginEXT\nclass P(PluginEXT):\n"
            '    UUID, NAME, DESCRIPTION = uuid.uuid4(), "__EXT_P", "A plugin"\n',
        )
    monkeypatch.syspath_prepend(archive)
    module = importlib.import_module("in_an_archive")
    assert {finding.rule for finding in findings(module.P, cycles=5)} == {IDENTITY}  # it has been read there


def test_standard_output_is_what_it_was_afterwards(capfd: pytest.CaptureFixture[str]) -> None:
    """Whether or not something was found, and nothing of what plugins print reaches it."""

    class Prints(Foo):
        def initialize(self) -> None:
            print("hello")
            os.write(1, b"hello")

    before = sys.stdout
    rules(Prints)
    assert sys.stdout is before
    print("after")
    assert capfd.readouterr().out == "after\n"


MODULE = """
import uuid
from hycore import PluginEXT
{above}
class FooPlugin(PluginEXT):
    UUID = {uuid}
    NAME = {name}
    DESCRIPTION = {description}
"""
STEADY = {
    "above": "",
    "uuid": 'uuid.UUID("cdb726aa-8656-486f-a5b5-ff09f37a83fb")',
    "name": '"__EXT_FOO"',
    "description": '"Foo"',
}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"uuid": "uuid.uuid4()"}, "UUID is '"),
        ({"name": "f'foo {id(uuid)}'"}, "NAME is 'foo "),
        ({"name": "f'foo {hash(\"foo\")}'"}, "NAME is 'foo "),
        ({"description": "str(__import__('os').getpid())"}, "DESCRIPTION is '"),
    ],
)
def test_an_identity_that_is_made_anew_in_each_process_is_found(
    site: Any, change: dict[str, str], problem: str
) -> None:
    """The module is imported in another process, and asked there."""
    site.module("foo_plugin", MODULE.format(**{**STEADY, **change}))
    plugin = __import__("foo_plugin").FooPlugin
    finding = only(plugin, IDENTITY, cycles=1)
    assert finding.problem.startswith(problem) and finding.problem.endswith(" in another process")
    assert finding.step.endswith("# written down once")


def test_what_the_import_prints_is_found(site: Any) -> None:
    """In this process it was imported before the proof began."""
    site.module("foo_plugin", MODULE.format(**{**STEADY, "above": "print('loading foo')"}))
    plugin = __import__("foo_plugin").FooPlugin
    assert only(plugin, STDOUT, cycles=1).problem == "'loading foo' is printed when foo_plugin is imported"


@pytest.mark.parametrize(
    "above",
    [
        "",
        "import sys\nif 'pytest' not in sys.modules: raise ImportError('only in tests')",
        "import sys\nif 'pytest' not in sys.modules: del PluginEXT",
        "import sys\nif 'pytest' not in sys.modules: sys.exit()",
    ],
)
def test_what_another_process_cannot_import_is_not_judged(site: Any, above: str) -> None:
    """Nor is a class of another module of that name, or one that is made in a function."""
    site.module("foo_plugin", MODULE.format(**{**STEADY, "above": above}))
    plugin = __import__("foo_plugin").FooPlugin
    assert_plugin_conforms(plugin, cycles=1)


def test_where_no_other_process_can_be_started_nothing_is_judged(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a program that embeds Python for instance."""
    site.module("foo_plugin", MODULE.format(**{**STEADY, "uuid": "uuid.uuid4()"}))
    for executable in ("", "/nowhere/python"):
        monkeypatch.setattr(sys, "executable", executable)
        assert_plugin_conforms(__import__("foo_plugin").FooPlugin, cycles=1)


def test_an_identity_that_changes_while_it_runs_is_found() -> None:
    """It is read from the class."""

    class Changes(Foo):
        def initialize(self) -> None:
            type(self).DESCRIPTION = "something else"

    finding = only(Changes, IDENTITY)
    assert (
        finding.problem
        == "DESCRIPTION was 'Provides foo-related features' at first, and is 'something else' afterwards"
    )


# All at once.


def test_all_is_told_at_once() -> None:
    """With a number each, what is wrong, and how to mend it."""
    kept: list[object] = []

    class Wrong(Foo):
        CREATE_INFO = FooConfig

        def __init__(self, config: FooConfig) -> None:
            config.hosts.append("more")

        def initialize(self) -> None:
            print("starting")
            kept.append([self.name])
            self.owner = self.instance

    with pytest.raises(PluginConformanceError) as caught:
        assert_plugin_conforms(Wrong, config=FooConfig(), cycles=20)
    assert [finding.rule for finding in caught.value.findings] == [UNCHANGED, GROWS, LET_GO, STDOUT]
    text = str(caught.value)
    assert text.startswith(
        f"extension '__EXT_FOO' ({__name__}.test_all_is_told_at_once.<locals>.Wrong) does not conform, in 4 points:\n"
        "  1. configuration is left as it is: what is in FooConfig.hosts has changed (1 then, 3 now), after it has "
        "configured an instance\n     copy what is to be changed"
    )
    assert isinstance(caught.value, AssertionError)


# Plugins that do nothing wrong.

POOL = ThreadPoolExecutor(max_workers=2, thread_name_prefix="shared")
CACHE: dict[str, object] = {}
log = logging.getLogger(__name__)
context: contextvars.ContextVar[str] = contextvars.ContextVar("context")


@pytest.fixture(scope="module", autouse=True)
def shared_pool() -> Iterator[None]:
    yield
    POOL.shutdown()


class Trait:
    """One thing that correct plugins do, hook by hook."""

    def construct(self, plugin: Any) -> None: ...
    def start(self, plugin: Any) -> None: ...
    def end(self, plugin: Any) -> None: ...


class JoinsThread(Trait):
    def start(self, plugin: Any) -> None:
        plugin.worker = Worker()

    def end(self, plugin: Any) -> None:
        plugin.worker.end()


class DefersThread(Trait):
    def construct(self, plugin: Any) -> None:
        plugin.defer(Worker(daemon=False).end)


class SignalsThread(Trait):
    """It is told to end, and not waited for."""

    def start(self, plugin: Any) -> None:
        plugin.defer(Worker().stop.set)


class LogsFromThread(Trait):
    def start(self, plugin: Any) -> None:
        stop = threading.Event()

        def work() -> None:
            while not stop.wait(0.0005):
                with suppress(Exception):
                    hyinfo(plugin.instance, "working")

        thread = threading.Thread(target=work)
        thread.start()

        def end() -> None:
            stop.set()
            if thread is not threading.current_thread():
                thread.join()

        plugin.defer(end)


class DefersFile(Trait):
    def construct(self, plugin: Any) -> None:
        file = open(__file__, encoding="utf-8")  # noqa: SIM115
        plugin.defer(file.close)


class WarmsCache(Trait):
    def start(self, plugin: Any) -> None:
        if "table" not in CACHE:
            CACHE["table"] = [[n] for n in range(100)]


@functools.lru_cache(maxsize=32)
def remembered(key: uuid.UUID) -> list[uuid.UUID]:
    return [key]


class Remembers(Trait):
    def start(self, plugin: Any) -> None:
        remembered(plugin.instance.generate_uuid())


class UsesSharedPool(Trait):
    def start(self, plugin: Any) -> None:
        assert POOL.submit(sum, [1, 2]).result() == 3


class OwnPool(Trait):
    def start(self, plugin: Any) -> None:
        plugin.defer((pool := ThreadPoolExecutor(1)).shutdown)
        pool.submit(sum, [1, 2]).result()


class Logs(Trait):
    def start(self, plugin: Any) -> None:
        log.warning("started %s", plugin.name)
        hyinfo(plugin.instance, "started {}", plugin.name)

    def end(self, plugin: Any) -> None:
        log.error("ended", exc_info=ValueError("shown only"))


class Warns(Trait):
    def start(self, plugin: Any) -> None:
        with suppress(DeprecationWarning):
            warnings.warn(f"{plugin.name} is old", DeprecationWarning, stacklevel=1)


class LiesInCycle(Trait):
    def start(self, plugin: Any) -> None:
        plugin.circle = [plugin]


class CountsInstances(Trait):
    count: ClassVar[int] = 0

    def start(self, plugin: Any) -> None:
        CountsInstances.count += 1
        type(plugin).number = CountsInstances.count

    def end(self, plugin: Any) -> None:
        CountsInstances.count -= 1


class Registers(Trait):
    register: ClassVar[dict[int, object]] = {}

    def start(self, plugin: Any) -> None:
        self.register[id(plugin)] = plugin
        plugin.defer(self.register.pop, id(plugin))


class WritesToStandardError(Trait):
    def start(self, plugin: Any) -> None:
        print("on standard error", file=sys.stderr)


class RunsChild(Trait):
    def start(self, plugin: Any) -> None:
        process = subprocess.Popen([sys.executable, "-S", "-c", ""], stdout=subprocess.DEVNULL)
        plugin.defer(process.wait)


class LooksUp(Trait):
    def start(self, plugin: Any) -> None:
        assert plugin.instance.get_plugin_ext(Foo) is None
        plugin.callback = lambda: plugin.instance

    def end(self, plugin: Any) -> None:
        assert plugin.callback().extensions is not None


class SetsContext(Trait):
    def start(self, plugin: Any) -> None:
        plugin.token = context.set(plugin.name)

    def end(self, plugin: Any) -> None:
        with suppress(ValueError):
            context.reset(plugin.token)


class DefinesClass(Trait):
    def start(self, plugin: Any) -> None:
        plugin.kind = dataclass(type("Made", (), {"__annotations__": {"x": int}}))


CHEAP = [each for each in Trait.__subclasses__() if each is not RunsChild]


@dataclass(frozen=True)
class Frozen:
    hosts: tuple[str, ...] = ("a",)
    options: frozenset[str] = frozenset()
    callback: Callable[..., object] = print


def plugin_of(traits: list[Trait], shape: str, create_info: type | None) -> type[PluginEXT]:
    class Base(Foo):
        CREATE_INFO = create_info

        def __init__(self, *configuration: Any) -> None:
            self.configuration = configuration
            for trait in traits:
                trait.construct(self)

    class Plain(Base):
        def initialize(self) -> None:
            for trait in traits:
                trait.start(self)

        def teardown(self) -> None:
            for trait in reversed(traits):
                trait.end(self)

    class Slotted(PluginEXT):
        __slots__ = ("__dict__", "configuration")
        UUID, NAME, DESCRIPTION, CREATE_INFO = Foo.UUID, Foo.NAME, Foo.DESCRIPTION, create_info
        __init__ = Base.__init__
        initialize = Plain.initialize
        teardown = Plain.teardown

        def __eq__(self, other: object) -> bool:
            raise AssertionError("nobody compares plugins")

        __hash__ = None  # type: ignore[assignment]

    class Asynchronous(Base):
        async def attach_to(self, instance: object) -> None:
            await asyncio.sleep(0)

        async def initialize(self) -> None:
            self.task = asyncio.create_task(asyncio.sleep(50))
            self.defer(self.cancel)
            self.defer(asyncio.create_task(asyncio.sleep(50)).cancel)  # ends in the next turn of the loop
            for trait in traits:
                trait.start(self)
            assert await asyncio.to_thread(sum, [1, 2]) == 3

        async def cancel(self) -> None:
            self.task.cancel()
            with suppress(asyncio.CancelledError):
                await self.task

        async def teardown(self) -> None:
            await asyncio.sleep(0)
            for trait in reversed(traits):
                trait.end(self)

    return {"plain": Plain, "slotted": Slotted, "asynchronous": Asynchronous}[shape]


@pytest.mark.parametrize("trait", Trait.__subclasses__())
@pytest.mark.parametrize("shape", ["plain", "slotted", "asynchronous"])
def test_a_plugin_that_does_nothing_wrong_is_not_accused(trait: type[Trait], shape: str) -> None:
    """One habit of good plugins at a time."""
    cycles = 3 if trait is RunsChild else 10
    assert_plugin_conforms(plugin_of([trait()], shape, None), cycles=cycles)


@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
@given(
    traits=st.lists(st.sampled_from(CHEAP), max_size=5, unique=True),
    shape=st.sampled_from(["plain", "slotted", "asynchronous"]),
    create_info=st.sampled_from([None, FooConfig, Frozen, Model, Attrs, Slotted]),
    cycles=st.sampled_from([1, 7]),
)
def test_plugins_that_do_nothing_wrong_are_not_accused(
    traits: list[type[Trait]], shape: str, create_info: type | None, cycles: int
) -> None:
    """Whatever they have in common."""
    assert_plugin_conforms(plugin_of([trait() for trait in traits], shape, create_info), cycles=cycles)


def test_other_parts_of_the_process_are_not_taken_for_the_plugin() -> None:
    """What grows with each instance, whichever plugins it has: here the record of all that happens."""
    with record_lifecycle() as recorder:
        assert_plugin_conforms(Foo, cycles=20)
    assert len(recorder.events) > 20


def test_the_logger_conforms() -> None:
    """What ships in the box."""
    assert_plugin_conforms(LogPluginEXT, config=LogCreateInfoEXT(callback=lambda message: None), cycles=20)


# How it is called.


def test_what_it_requires_is_brought_up_too() -> None:
    """With configuration of its own among the rest."""

    class Bar(PluginEXT):
        UUID, NAME, DESCRIPTION = uuid.UUID(int=7), "__EXT_BAR", "Needed"
        CREATE_INFO = FooConfig

        def __init__(self, config: FooConfig) -> None:
            self.limit = config.limit

    class Needs(Foo):
        REQUIRES = ("__EXT_BAR",)

        def initialize(self) -> None:
            assert self.instance.require_plugin_ext(Bar).limit == 3

    assert_plugin_conforms(Needs, requires=[Bar], config=[FooConfig(limit=3)], cycles=5)
    finding = only(Needs, START)
    assert finding.step == "hand over the plugins that it needs: assert_plugin_conforms(Needs, requires=[…])"


@pytest.mark.parametrize(
    "specifier", [">=0.1,<0.3", "==2.5.*", "~=3.1", "<0.2", ">4", "!=1.0.0", ">=1,!=1.0.0,!=1.0.1", "<=0.0.7"]
)
def test_an_engine_version_that_satisfies_it_is_found(specifier: str) -> None:
    """Nobody needs to say one."""

    class Picky(Foo):
        REQUIRES_ENGINE = specifier

    assert_plugin_conforms(Picky, cycles=1)


def test_an_engine_version_can_be_given() -> None:
    """Then it is that one, whether it satisfies the plugin or not."""

    class Picky(Foo):
        REQUIRES_ENGINE = ">=1,<3"

        def initialize(self) -> None:
            assert self.instance.engine_version == VersionInfo(2)

    assert_plugin_conforms(Picky, cycles=1, engine_version=VersionInfo(2))
    assert "requires engine" in only(Picky, START, engine_version=VersionInfo(3)).problem

    class Never(Foo):
        REQUIRES_ENGINE = ">=2,<1"

    assert "requires engine" in only(Never, START).problem


def test_an_asynchronous_plugin_is_proved_by_the_same_call() -> None:
    """It has the loop to itself; inside of one the other function is to be awaited."""

    class Waits(Foo):
        async def initialize(self) -> None:
            await asyncio.sleep(0)

    async def prove() -> None:
        with pytest.raises(RunningLoopError) as caught:
            assert_plugin_conforms(Waits)
        assert str(caught.value) == (
            "assert_plugin_conforms, for an asynchronous plugin, runs an event loop of its own, and one is running here: "
            "await aassert_plugin_conforms(Waits, …)"
        )
        await aassert_plugin_conforms(Waits, cycles=5)
        assert_plugin_conforms(Foo, cycles=5)  # a plain one needs none

    assert_plugin_conforms(Waits, cycles=5)
    asyncio.run(prove())


@pytest.mark.parametrize("phase", ["initialize", "teardown", "defer"])
def test_a_plugin_that_is_asynchronous_unseen_is_told_where_to_be_proved(phase: str) -> None:
    """Its class has plain hooks, which return something to be awaited."""

    class Waits(Foo):
        def initialize(self) -> Any:
            self.defer(self.wait, "defer")
            return self.wait("initialize")

        def teardown(self) -> Any:
            return self.wait("teardown")

        def wait(self, phase_here: str) -> Any:
            return asyncio.sleep(0) if phase == phase_here else None

    assert only(Waits, START).step == "prove it in a host that awaits, await aassert_plugin_conforms(…)"
    asyncio.run(aassert_plugin_conforms(Waits, cycles=5))


def test_a_plugin_that_needs_trio_is_proved_there() -> None:
    """In the loop that runs."""

    class Waits(Foo):
        async def initialize(self) -> None:
            await trio.lowlevel.checkpoint()

        async def teardown(self) -> None:
            await trio.lowlevel.checkpoint()

    trio.run(functools.partial(aassert_plugin_conforms, Waits, cycles=5))


def test_what_is_called_wrongly_is_refused() -> None:
    """As everywhere: with what was expected."""
    with pytest.raises(PluginDefinitionError):
        assert_plugin_conforms(int)  # type: ignore[arg-type]
    with pytest.raises(ArgumentTypeError, match="a plugin must be a class that derives from PluginEXT"):
        assert_plugin_conforms(Foo())  # type: ignore[arg-type]
    with pytest.raises(ArgumentTypeError, match="cycles must be a whole number"):
        assert_plugin_conforms(Foo, cycles=1.5)  # type: ignore[arg-type]
    with pytest.raises(ArgumentValueError, match="cycles must be at least 1"):
        assert_plugin_conforms(Foo, cycles=0)
    with pytest.raises(
        ArgumentTypeError, match=r"requires must be a list of plugin classes, such as \[Foo\]"
    ):
        assert_plugin_conforms(Foo, requires=Foo)  # type: ignore[arg-type]


def test_the_process_is_as_it_was_afterwards() -> None:
    """An instance that was up, the garbage collector, the hooks of Python, logging and warnings."""

    def state() -> list[object]:
        root = logging.getLogger()
        gc.collect()
        hooks = [sys.unraisablehook, sys.stdout, gc.isenabled(), gc.get_freeze_count()]
        return [*hooks, root.handlers[:], warnings.filters[:]]

    with make_instance(Foo) as instance:
        before = state()
        assert_plugin_conforms(Foo, cycles=5)
        assert state() == before
        assert not instance.closed
