"""What is counted: one case for each thing that hosts do often, or wait for.

Its content is fixed, and its names are public. What is done here, in hooks too, is not counted: only what the runtime does
itself. `_counts_child.py` tells what the numbers mean, `counts.py` what they are compared with.
"""

from __future__ import annotations

import os
import sys
import threading  # noqa: F401  as in most hosts: a log message asks it for the name of the thread
import time
import uuid
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from hycore import InstanceContext, OpaqueList, PluginEXT, hyinfo
from hycore.base.api import ApplicationInfo, InstanceCreateInfo, VersionInfo
from hycore.ext import Inventory, default_inventory
from hycore.ext.hylog import LogCreateInfoEXT, LogLevelEXT, LogPluginEXT
from hycore.utils.opaque import OpaqueObject

__all__ = ["CASES", "WITH_INSTRUCTIONS", "Case"]

T = TypeVar("T")

ALL = ("calls", "opcodes", "allocations", "bytes")
NOT_MEMORY = ("calls", "opcodes")  # where that is a matter of file systems, or of Pydantic


def _nothing() -> None: ...


def _here(work: Callable[[], Any]) -> Any:
    return work()


@dataclass(frozen=True, slots=True)
class Case:
    """What is counted is `run`; `before` goes before each run, and is not. What `run` returns is dropped uncounted.

    `inside` calls what it is given where the case shall run: in a task of an event loop, with another `sys.path`.
    """

    run: Callable[[], object]
    before: Callable[[], object] = _nothing
    inside: Callable[[Callable[[], Any]], Any] = _here
    counts: Sequence[str] = ALL


# Instances.


def _attach_to(self: object, instance: object) -> None: ...
def _initialize(self: object) -> None: ...
def _teardown(self: object) -> None: ...


async def _attach_to_and_wait(self: object, instance: object) -> None: ...
async def _initialize_and_wait(self: object) -> None: ...
async def _teardown_and_wait(self: object) -> None: ...


def _initialize_and_defer(self: PluginEXT) -> None:
    self.defer(_nothing)


PLAIN: dict[str, object] = {
    "attach_to": _attach_to,
    "initialize": _initialize,
    "teardown": _teardown,
}
DEFERRING = {**PLAIN, "initialize": _initialize_and_defer}
ASYNCHRONOUS: dict[str, object] = {
    "attach_to": _attach_to_and_wait,
    "initialize": _initialize_and_wait,
    "teardown": _teardown_and_wait,
}

APPLICATION = ApplicationInfo("counts", VersionInfo(1), "Engine", VersionInfo(1))


class World:
    """An inventory of its own with `number` new plugin classes, and what it takes to create instances of them."""

    def __init__(
        self,
        number: int,
        hooks: Mapping[str, object] = PLAIN,
        *,
        in_a_row: bool = False,
        configured: bool = False,
        asynchronous: bool = False,
    ) -> None:
        self.inventory = Inventory(group=None)
        self.kinds: list[type[PluginEXT]] = []
        ext: list[object] = []
        for place in range(number):
            name = f"__EXT_counted_{place:04}"
            identity: dict[str, object] = {
                "UUID": uuid.uuid5(uuid.NAMESPACE_DNS, name),
                "NAME": name,
                "DESCRIPTION": "Counted",
            }
            if in_a_row and place:
                identity["REQUIRES"] = (self.kinds[-1].NAME,)
            if configured:
                kind: Any = type(f"Configuration{place}", (OpaqueObject,), {})
                identity.update(CREATE_INFO=kind, __init__=_keep)
                ext.append(kind())
            made: Any = type(f"Plugin{place}", (PluginEXT,), {**hooks, **identity})
            self.kinds.append(made)
            self.inventory.submit(made)
        self.info = InstanceCreateInfo(APPLICATION, [kind.NAME for kind in self.kinds], ext=ext)
        self.asynchronous = asynchronous
        self.plan = self.planned()
        self.instances: list[InstanceContext] = []

    def planned(self) -> Any:
        return InstanceContext.plan(self.info, inventory=self.inventory, asynchronous=self.asynchronous)

    def planned_anew(self) -> Any:
        self.inventory.refresh()
        return self.planned()

    def create(self) -> InstanceContext:
        return InstanceContext.create(self.info, inventory=self.inventory, plan=self.plan)

    def create_and_close(self) -> None:
        self.create().close()

    def create_and_close_without_plan(self) -> None:
        InstanceContext.create(self.info, inventory=self.inventory).close()

    def acreate_and_aclose(self) -> None:
        instance = _finished(InstanceContext.acreate(self.info, inventory=self.inventory, plan=self.plan))
        _finished(instance.aclose())

    def bring_up(self) -> None:
        self.instances[:] = [self.create()]

    def drop(self) -> None:
        self.instances.clear()


def _keep(self: Any, create_info: object) -> None:
    self.create_info = create_info


def _finished(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise AssertionError("it waits")


def _in_a_task(work: Callable[[], Any]) -> Any:
    """Within a task of asyncio, but with nothing of its loop in what is counted."""
    import asyncio

    async def main() -> Any:
        return work()

    return asyncio.run(main())


def create_and_close(number: int, hooks: Mapping[str, object] = PLAIN, *, configured: bool = False) -> Case:
    return Case(World(number, hooks, configured=configured).create_and_close)


def first_create_and_close(number: int) -> Case:
    """Of classes that have been in no instance yet."""
    worlds: list[World] = []

    def make() -> None:
        worlds[:] = [World(number)]

    def run() -> None:
        worlds[0].create_and_close()

    return Case(run, before=make)


def without_plan(number: int) -> Case:
    return Case(World(number).create_and_close_without_plan)


def plan(number: int, *, in_a_row: bool = False) -> Case:
    return Case(World(number, in_a_row=in_a_row).planned_anew)


def drop(number: int) -> Case:
    world = World(number)
    return Case(world.drop, before=world.bring_up)


def acreate_and_aclose(number: int, hooks: Mapping[str, object]) -> Case:
    return Case(World(number, hooks, asynchronous=True).acreate_and_aclose, inside=_in_a_task)


def hypi_create_and_close(number: int) -> Case:
    """Validation is Pydantic's, and counts as one call."""
    from hypi import api

    world = World(number)
    version = api.Version(1, 0, 0)

    def run() -> None:
        info = api.InstanceCreateInfo(
            application_info=api.ApplicationInfo(
                application_name="counts",
                application_version=version,
                engine_name="Engine",
                engine_version=version,
            ),
            enabled_extensions=[kind.NAME for kind in world.kinds],
        )
        api.create_instance(info, inventory=world.inventory, plan=world.plan).close()

    return Case(run, counts=NOT_MEMORY)


# Looking up.


class Point(Protocol):
    """What every plugin of these cases satisfies, without inheriting from it."""

    def answer(self) -> int: ...


def _answer(self: object) -> int:
    return 0


def get_plugin_ext(number: int) -> Case:
    world = World(number)
    instance = world.create()
    kind = world.kinds[number // 2]
    return Case(lambda: instance.get_plugin_ext(kind))


def first_get_plugin_ext(number: int) -> Case:
    world = World(number)
    kind = world.kinds[number // 2]
    # The bytes of 3.11.2 and 3.11.7 differ by 1.2 %.
    counts = ("calls", "opcodes", "allocations")
    return Case(lambda: world.instances[0].get_plugin_ext(kind), before=world.bring_up, counts=counts)


def implementations(number: int) -> Case:
    instance = World(number, {**PLAIN, "answer": _answer}).create()
    assert len(instance.implementations(Point)) == number
    return Case(lambda: instance.implementations(Point))


def first_implementations(number: int) -> Case:
    world = World(number, {**PLAIN, "answer": _answer})
    return Case(lambda: world.instances[0].implementations(Point), before=world.bring_up)


# Configuration.


def take_ext(number: int) -> Case:
    kinds: list[type[OpaqueObject]] = [type(f"Taken{place}", (OpaqueObject,), {}) for place in range(number)]
    objects = [kind() for kind in kinds]

    def run() -> None:
        ext = OpaqueList(objects)
        for kind in kinds:
            ext.take_ext(kind)

    return Case(run)


# Logging.


def _logged(level: LogLevelEXT) -> tuple[Callable[[], InstanceContext], list[object]]:
    inventory = Inventory(group=None)
    inventory.submit(LogPluginEXT)
    heard: list[object] = []

    def hear(message: object) -> None:
        heard[:] = [message]

    info = InstanceCreateInfo(APPLICATION, [LogPluginEXT.NAME], ext=[LogCreateInfoEXT(level, hear)])
    made = InstanceContext.plan(info, inventory=inventory)
    return lambda: InstanceContext.create(info, inventory=inventory, plan=made), heard


def create_and_close_with_logger(level: LogLevelEXT) -> Case:
    create, _ = _logged(level)
    return Case(lambda: create().close())


def log_call(level: LogLevelEXT) -> Case:
    create, heard = _logged(level)
    instance = create()
    heard.clear()
    hyinfo(instance, "loaded")
    assert bool(heard) == (level <= LogLevelEXT.INFO)
    return Case(lambda: hyinfo(instance, "loaded"))


def log_call_with_arguments(level: LogLevelEXT) -> Case:
    create, _ = _logged(level)
    instance = create()
    return Case(lambda: hyinfo(instance, "loaded {} of {}", 3, "four"))


# Discovery, and the application file.

GROUP = "hycore.plugins"
PLUGIN = "__EXT_made_0000"  # which every site has


class Site:
    """A `sys.path` with distributions of fixed content, and a home for the index."""

    def __init__(self, folder: Path, number: int) -> None:
        from benchmarks._site import fill

        self.folder = folder
        fill(self.folder / "packages", number, ())
        (self.folder / "scripts").mkdir()
        self.path = [str(self.folder / name) for name in ("scripts", "missing", "packages")]
        self.born = time.monotonic()

    def inside(self, work: Callable[[], Any]) -> Any:
        """Calls with this `sys.path`, so that nothing else can be found, and this home."""
        path = list(sys.path)
        sys.path[:] = self.path
        os.environ["HY_HOME"] = str(self.folder / "home")
        try:
            return work()
        finally:
            sys.path[:] = path
            del os.environ["HY_HOME"]

    def keep_index(self) -> None:
        """Finds something when the folders are old enough: the index keeps nothing about young ones."""
        time.sleep(max(0.0, self.born + 2.2 - time.monotonic()))
        self.inside(lambda: Inventory(GROUP).find(PLUGIN))
        (index,) = (self.folder / "home/cache").iterdir()
        assert index.stat().st_size > 0


def full_look(folder: Path) -> Case:
    site = Site(folder, 100)
    return Case(lambda: Inventory(GROUP).entries(), inside=site.inside, counts=NOT_MEMORY)


def find_one_again(folder: Path) -> Case:
    site = Site(folder, 100)
    site.keep_index()
    inventory = Inventory(GROUP)
    return Case(lambda: inventory.find(PLUGIN), inside=site.inside, counts=NOT_MEMORY)


def find_one_by_the_file(folder: Path) -> Case:
    site = Site(folder, 100)
    site.keep_index()
    return Case(lambda: Inventory(GROUP).find(PLUGIN), inside=site.inside, counts=NOT_MEMORY)


APPLICATION_FILE = """\
[application]
name = "counts"
version = "1.0.0"

[engine]
name = "Engine"
version = "1.0.0"

[instance]
enabled_extensions = ["__EXT_hyperion_logger", "__EXT_counted_limits"]

[ext."__EXT_hyperion_logger"]
level = "INFO"

[ext."__EXT_counted_limits"]
limit = 10
names = ["a", "b", "c"]
"""


@dataclass
class Limits:
    """What a table of the application file becomes."""

    limit: int
    names: list[str]


class LimitsPlugin(PluginEXT):
    """A plugin that an application file configures."""

    UUID = uuid.UUID("6e6b1f0c-3ad7-4f0a-9a53-3f5f7b1f9d53")
    NAME = "__EXT_counted_limits"
    DESCRIPTION = "Counted"
    CREATE_INFO = Limits


def application_file(folder: Path) -> Case:
    """Reading TOML and validation are others', and count as one call each."""
    from hypi.app import load_application

    for kind in (LogPluginEXT, LimitsPlugin):
        default_inventory.submit(kind)
    file = folder / "app.toml"
    file.write_text(APPLICATION_FILE)
    load_application(file)  # with all of `sys.path`, from which it may import
    return Case(lambda: load_application(file), inside=Site(folder, 100).inside, counts=NOT_MEMORY)


def _of(case: Callable[..., Case], *arguments: Any, **options: Any) -> Callable[[Path], Case]:
    """A case that needs no folder."""
    return lambda _: case(*arguments, **options)


CASES: dict[str, Callable[[Path], Case]] = {
    "create and close, no plugins": _of(create_and_close, 0),
    "create and close, 1 plugin": _of(create_and_close, 1),
    "create and close, 10 plugins": _of(create_and_close, 10),
    "create and close, 100 plugins": _of(create_and_close, 100),
    "create and close, 1,000 plugins": _of(create_and_close, 1000),
    "create and close, 100 plugins that defer": _of(create_and_close, 100, DEFERRING),
    "create and close, 100 plugins with configuration": _of(create_and_close, 100, configured=True),
    "create and close, 10 plugins, no plan given": _of(without_plan, 10),
    "create and close, 10 plugins, from hypi.api": _of(hypi_create_and_close, 10),
    "create and close, first time, 100 plugins": _of(first_create_and_close, 100),
    "drop, 10 plugins": _of(drop, 10),
    "drop, 100 plugins": _of(drop, 100),
    "acreate and aclose, 100 plain plugins": _of(acreate_and_aclose, 100, PLAIN),
    "acreate and aclose, 100 asynchronous plugins": _of(acreate_and_aclose, 100, ASYNCHRONOUS),
    "plan, 100 plugins": _of(plan, 100),
    "plan, 100 plugins that require each other": _of(plan, 100, in_a_row=True),
    "create and close with the logger, at TRACE": _of(create_and_close_with_logger, LogLevelEXT.TRACE),
    "create and close with the logger, at ERROR": _of(create_and_close_with_logger, LogLevelEXT.ERROR),
    "log call, enabled": _of(log_call, LogLevelEXT.INFO),
    "log call, enabled, formatted": _of(log_call_with_arguments, LogLevelEXT.INFO),
    "log call, disabled": _of(log_call, LogLevelEXT.ERROR),
    "get_plugin_ext, 10 plugins": _of(get_plugin_ext, 10),
    "get_plugin_ext, first time, 100 plugins": _of(first_get_plugin_ext, 100),
    "implementations, 10 plugins": _of(implementations, 10),
    "implementations, first time, 100 plugins": _of(first_implementations, 100),
    "take_ext of each, 100 objects": _of(take_ext, 100),
    "application file": application_file,
    "full look, 100 distributions": full_look,
    "find one by the index file, 100 distributions": find_one_by_the_file,
    "find one again, 100 distributions": find_one_again,
}

WITH_INSTRUCTIONS = (
    "create and close, no plugins",
    "create and close, 1 plugin",
    "create and close, 10 plugins",
    "drop, 10 plugins",
    "create and close with the logger, at TRACE",
    "create and close with the logger, at ERROR",
    "log call, enabled",
    "log call, enabled, formatted",
    "log call, disabled",
    "get_plugin_ext, 10 plugins",
    "implementations, 10 plugins",
)
"""Of these the instructions are the same within about 1 %, wherever things lie in memory.

With a hundred classes they are not: where Python keeps what it has found in which class, some then meet at one place.
"""
