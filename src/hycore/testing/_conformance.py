"""The proof that a plugin keeps the rules that a plugin can break.

Every scene is played in instances of its own, from an inventory with nothing else in it, and each that is in doubt is
played again: only what happens whenever it is played is told.

Layer: `testing`, above `_making` and what measures.
"""

from __future__ import annotations

import gc
import sys
import uuid
import weakref
from contextlib import contextmanager, suppress

from hycore.base import InstanceContext
from hycore.base.api import VersionInfo
from hycore.ext import PluginEXT
from hycore.ext._definition import registry_of
from hycore.ext._specifier import _clauses as clauses
from hycore.ext._specifier import satisfies
from hycore.testing._errors import Finding, PluginConformanceError, RunningLoopError
from hycore.testing._identity import imported_elsewhere
from hycore.testing._making import info_of, listed, make_inventory
from hycore.testing._measuring import (
    Awaited,
    Plain,
    grown,
    is_in_a_loop,
    is_of_python,
    is_ours,
    kinds_left,
    memory,
    only_what_is_new,
    places_left,
    quiet,
    unclosed,
    unraisable,
    without_warnings_of_unclosed,
)
from hycore.testing._output import captured
from hycore.testing._sharing import Picture, SharedState, where_held
from hycore.utils.error import (
    ArgumentTypeError,
    ArgumentValueError,
    HyError,
    MissingConfigError,
    MissingDependencyError,
    PlanError,
    PluginFailedError,
    TeardownError,
    UnconsumedConfigError,
    UnknownConfigTypeError,
    qualified_name,
)
from hycore.utils.opaque import OpaqueObject

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator, Iterable
    from typing import Any

    from hycore.base.api import InstanceCreateInfo
    from hycore.testing._identity import Elsewhere
    from hycore.testing._measuring import Scene
    from hycore.utils.opaque import OpaqueList

__all__ = ["aassert_plugin_conforms", "assert_plugin_conforms"]

_PATIENCE = 1.0  # seconds for a thread that holds the instance at this moment to let it go


def assert_plugin_conforms(
    plugin: type[PluginEXT],
    *,
    config: object = None,
    requires: Iterable[type[PluginEXT]] = (),
    cycles: int = 100,
    exclusive: bool = False,
    engine_version: VersionInfo | None = None,
) -> None:
    """Proves that a plugin keeps the rules that a plugin can break; for a test, `assert_plugin_conforms(FooPlugin)`.

    - It starts and ends, and what it has started is undone when a later extension fails, in whichever phase: no
      thread, open file, child process or task is left behind.
    - Two instances can have it at once, and one does not see what the other does.
    - Creating and closing an instance `cycles` times leaves nothing behind.
    - It holds no strong reference to the instance: that one ends with its last reference from outside.
    - It takes its configuration, takes nobody else's, and leaves the objects as they are.
    - It writes nothing on standard output, also when it is imported.
    - Its identity is the same in every process.

    `config` is a configuration object, or a list of them; without any, a plugin whose `CREATE_INFO` has defaults is
    proved with nothing handed over and with `CREATE_INFO()`. `requires` are the plugins that it needs beside it.
    `exclusive` says that it holds what only one instance can have at a time: then two at once are not tried.
    `engine_version` is by default one that satisfies `REQUIRES_ENGINE`.

    An asynchronous plugin is proved in an asyncio event loop of its own; `aassert_plugin_conforms` uses the loop that
    runs.

    Raises `PluginConformanceError`, with every finding at once; `PluginDefinitionError` for a class that is no plugin;
    `RunningLoopError` for an asynchronous plugin where a loop is running.
    """
    __tracebackhide__ = True  # pytest shows the line of the test, and the findings
    proof = _Proof(plugin, config, requires, cycles, exclusive, engine_version)
    if not proof.is_asynchronous:
        error: PluginConformanceError | None = _run(proof.judged(Plain()))
    elif is_in_a_loop():
        step = f"await aassert_plugin_conforms({plugin.__name__}, …)"
        raise RunningLoopError("assert_plugin_conforms, for an asynchronous plugin,", step)
    else:
        import asyncio

        async def main() -> PluginConformanceError | None:
            return await proof.judged(Awaited())

        error = asyncio.run(main())
    if error is not None:
        raise error


async def aassert_plugin_conforms(
    plugin: type[PluginEXT],
    *,
    config: object = None,
    requires: Iterable[type[PluginEXT]] = (),
    cycles: int = 100,
    exclusive: bool = False,
    engine_version: VersionInfo | None = None,
) -> None:
    """Like `assert_plugin_conforms`, in the event loop that runs, asyncio's or trio's, with asynchronous instances."""
    __tracebackhide__ = True
    proof = _Proof(plugin, config, requires, cycles, exclusive, engine_version)
    proof.is_asynchronous = True
    error = await proof.judged(Awaited())
    if error is not None:
        raise error


def _run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Runs what waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value


class _NeighbourConfig(OpaqueObject):
    """Configuration that is nobody's but the neighbour's."""


class _Proof:
    """The scenes, and what they have shown."""

    def __init__(
        self,
        plugin: type[PluginEXT],
        config: object,
        requires: Iterable[type[PluginEXT]],
        cycles: int,
        exclusive: bool,
        engine_version: VersionInfo | None,
    ) -> None:
        if isinstance(cycles, bool) or not isinstance(cycles, int):
            raise ArgumentTypeError("cycles", "a whole number", cycles)
        if cycles < 1:
            raise ArgumentValueError("cycles", "at least 1", repr(cycles))
        if isinstance(requires, type):
            raise ArgumentTypeError(
                "requires", f"a list of plugin classes, such as [{requires.__name__}]", requires
            )
        self.plugin = plugin
        self.registry = registry_of(plugin)
        self.name = self.registry.name
        others = list(requires)
        self.neighbour = _neighbour(self.name)
        self.control = _neighbour(self.name)
        self.inventory = make_inventory(*others, plugin, self.neighbour)
        self.control_inventory = make_inventory(self.control)
        self.names = [*(other.NAME for other in others), self.name]
        self.version = engine_version or _satisfying(
            [registry.requires_engine for registry in self.inventory.registered()]
        )
        self.is_asynchronous = any(registry.async_hooks for registry in self.inventory.registered())
        self.cycles = cycles
        self.exclusive = exclusive
        self.findings: dict[tuple[str, str], Finding] = {}
        self.configurations: list[list[object]] = [listed(config)]
        if config is None and self.registry.create_info is not None:
            with suppress(Exception):
                self.configurations.append([self.registry.create_info()])
        self.host: Plain = Plain()

    async def judged(self, host: Plain) -> PluginConformanceError | None:
        """Plays all scenes; returns what is to be raised."""
        self.host = host
        with captured() as output, without_warnings_of_unclosed():
            starts = [await self.take_configuration(config) for config in self.configurations]
            if all(starts):
                await self.play(self.configurations[0])
            elsewhere = imported_elsewhere(self.plugin)
        for place, text in output.prints.items():
            self.tell(
                "nothing on standard output",
                f"{text!r} is printed by {place}",
                'log it, hyinfo(self.instance, "…"): standard output belongs to the host',
            )
        if output.bypassing:
            self.tell(
                "nothing on standard output",
                f"{output.bypassing!r} is written past sys.stdout, by a child process, os.write or a C library",
                "give the child process another one, subprocess.run(…, stdout=subprocess.DEVNULL)",
            )
        self.judge_identity(elsewhere)
        if not self.findings:
            return None
        return PluginConformanceError(self.name, qualified_name(self.plugin), self.findings.values())

    def tell(self, rule: str, problem: str, step: str) -> None:
        self.findings.setdefault((rule, problem), Finding(rule, problem, step))

    # Instances.

    async def create(
        self, config: list[object], *, neighbour: bool = False, control: bool = False
    ) -> InstanceContext:
        info: InstanceCreateInfo
        if control:
            info, inventory = info_of([self.control.NAME], ()), self.control_inventory
        elif neighbour:
            names = [*self.names, self.neighbour.NAME]
            info = info_of(names, [_NeighbourConfig(), *config], engine_version=self.version)
            inventory = self.inventory
        else:
            info, inventory = info_of(self.names, config, engine_version=self.version), self.inventory
        if self.is_asynchronous:
            return await InstanceContext.acreate(info, inventory=inventory)
        return InstanceContext.create(info, inventory=inventory)

    async def close(self, instance: InstanceContext) -> None:
        if self.is_asynchronous:
            await instance.aclose()
        else:
            instance.close()

    async def end(self, instance: InstanceContext, rule: str, when: str) -> bool:
        """Closes an instance, and tells what fails; returns whether nothing has."""
        try:
            await self.close(instance)
        except TeardownError as error:
            for failure in error.exceptions:
                self.tell_undoing(failure, rule, when)
            return False
        return True

    def tell_undoing(self, failure: PluginFailedError, rule: str, when: str) -> None:
        what = "a deferred callback" if failure.phase == "defer" else failure.phase
        self.tell(
            rule,
            f"{what} of {failure.plugin!r} fails {when}: {failure.reason}{_raised_at(failure)}",
            _WHERE_IT_IS_AWAITED
            if self.returned_awaitable(failure)
            else _ON_THE_OBJECT
            if rule == _TWO
            else "undo only what was done, by self.defer(release, …) right behind each acquisition; a callback runs "
            "once, whatever else fails",
        )

    def returned_awaitable(self, failure: PluginFailedError) -> bool:
        """Whether it is asynchronous in a way that its class does not show."""
        return not self.is_asynchronous and "it returned an awaitable" in failure.reason

    # Scenes.

    async def take_configuration(self, config: list[object]) -> bool:
        """Whether it starts and ends, and takes what is handed over; nothing is to be done to that."""
        pictures = [Picture(each) for each in config]
        if not await self.starts_and_ends(config):
            return False
        for picture in pictures:
            for change in picture.changes():
                self.tell(
                    "configuration is left as it is",
                    f"{change}, after it has configured an instance",
                    "copy what is to be changed, self.items = list(config.items): the same object configures other "
                    "instances too",
                )
        return True

    async def starts_and_ends(self, config: list[object]) -> bool:
        handed = ", ".join(type(each).__name__ for each in config)
        rule = f"it starts and ends, with {handed} handed over" if handed else "it starts and ends"
        try:
            instance = await self.create(config)
        except HyError as error:
            self.tell_start(error, rule, config)
            return False
        if not await self.end(instance, rule, "when the instance is closed"):
            return False
        del instance
        # Its like is taken by the neighbour, which is constructed later.
        try:
            instance = await self.create(config, neighbour=True)
        except HyError as error:
            self.tell_start(error, rule, config)
            return False
        takers = {entry.type_name: entry.taken_by for entry in instance.report().ledger}
        if takers[qualified_name(_NeighbourConfig)] != self.neighbour.NAME:
            self.tell(
                "it takes no configuration but its own",
                "new takes an object of a type that it does not know",
                "take by type, ext.take_ext(MyConfig), and leave the rest of ext alone",
            )
        return await self.end(instance, rule, "when the instance is closed")

    def tell_start(self, error: HyError, rule: str, config: list[object]) -> None:
        name = self.plugin.__name__
        handed = [qualified_name(type(each)) for each in config]
        kind = self.registry.create_info
        step = f"mend it, or hand over what it needs: assert_plugin_conforms({name}, config=…)"
        if isinstance(error, PlanError) and any(
            isinstance(each, MissingDependencyError) for each in error.exceptions
        ):
            step = f"hand over the plugins that it needs: assert_plugin_conforms({name}, requires=[…])"
        elif isinstance(error, UnknownConfigTypeError | UnconsumedConfigError):
            rule = "it takes its configuration"
            types = error.types if isinstance(error, UnknownConfigTypeError) else error.leftovers
            wanted = types[0].rpartition(".")[2]
            step = (
                f"take it in new, ext.take_ext({wanted})"
                if kind is not None and qualified_name(kind) in types
                else f"CREATE_INFO = {wanted}"
            )
            self.tell(rule, f"new has left {', '.join(types)}", step)
            return
        elif isinstance(error, PluginFailedError) and self.returned_awaitable(error):
            step = _WHERE_IT_IS_AWAITED
        elif isinstance(error.__cause__, MissingConfigError) and error.__cause__.type_name in handed:
            step = "take it once, in new, and keep it on the object: whoever takes it second finds nothing"
        elif isinstance(error.__cause__, MissingConfigError):
            step = f"hand over its configuration: assert_plugin_conforms({name}, config={error.__cause__.type_name.rpartition('.')[2]}(…))"
        problem = (
            f"{error.plugin!r} fails in {error.phase}: {error.reason}{_raised_at(error)}"
            if isinstance(error, PluginFailedError)
            else str(error)
        )
        self.tell(rule, problem, step)

    async def play(self, config: list[object]) -> None:
        """Everything that takes more than one instance, or another end than the usual one."""

        async def once() -> None:
            with suppress(TeardownError):
                await self.close(await self.create(config))

        what = "an instance has been created and closed"
        with only_what_is_new():
            is_clean = await self.leaves_nothing(once, what) and await self.does_not_grow(
                once, self.cycles, what
            )
            await self.fail_later(config, is_clean=is_clean)
        if not self.exclusive:
            await self.two_at_once(config)
        if self.is_asynchronous:
            await self.let_go_while_up(config)
        else:
            await self.let_go(config)

    async def fail_later(self, config: list[object], *, is_clean: bool) -> None:
        """A later extension fails, in each of the phases."""
        for phase in ("new", "attach_to", "initialize"):
            rule = f"it is undone when a later extension fails in {phase}"
            what = f"a later extension has failed in {phase}"

            async def once(phase: str = phase, rule: str = rule) -> None:
                self.neighbour.fails_in = phase
                try:
                    await self.close(await self.create(config, neighbour=True))
                except HyError as error:
                    for failure in error.undo_errors:
                        self.tell_undoing(failure, rule, "then")
                finally:
                    self.neighbour.fails_in = None

            await once()
            if is_clean:
                is_clean = await self.leaves_nothing(once, what) and await self.does_not_grow(
                    once, max(5, self.cycles // 5), what
                )

    async def leaves_nothing(self, scene: Scene, what: str) -> bool:
        """Whether threads, files and the like are gone whenever a scene has been played."""
        with quiet(), unclosed() as texts:
            left = await grown(self.host, scene)
            if left:
                usual = await grown(self.host, self.play_control)
                left = {kind: text for kind, text in left.items() if kind not in usual}
        for kind, text in left.items():
            self.tell("nothing is left behind", f"when {what}, there are more {kind}: {text}", _ENDING[kind])
        is_unclosed = len(texts) >= _MOST_WARNINGS
        if is_unclosed:
            self.tell("nothing is left behind", f"when {what}: {texts[-1]}", _ENDING[_kind_of(texts[-1])])
        return not left and not is_unclosed

    async def does_not_grow(self, scene: Scene, cycles: int, what: str) -> bool:
        """Whether objects and memory stay the same, however often a scene is played."""
        with quiet():
            objects, blocks = await memory(self.host, scene, cycles)
            if (objects or blocks) and not any(await memory(self.host, self.play_control, cycles)):
                kinds = await kinds_left(scene, cycles) if objects else []
                places = await places_left(scene, cycles)
            else:
                return True
        left = ", ".join(kinds) or f"{blocks or objects} blocks of memory"
        where = f", allocated at {', '.join(places)}" if places else ""
        self.tell(
            "nothing grows",
            f"when {what} {cycles} times, there are {left} more{where}",
            "take out in teardown, or in a callback given to defer, what was put into a class, a module or another thing "
            "that outlives the plugin",
        )
        return False

    async def play_control(self) -> None:
        """The same without the plugin: what grows then, another part of the process does."""
        await self.close(await self.create([], control=True))

    async def two_at_once(self, config: list[object]) -> None:
        """Two instances that overlap, and end in either order."""
        rule, own = _TWO, _ON_THE_OBJECT
        before = SharedState(self.plugin)
        first = await self.create(config)
        with_first = SharedState(self.plugin)
        try:
            second = await self.create(config)
        except HyError as error:
            self.tell(
                rule,
                f"a second one cannot be created while the first is up: {error}",
                f"{own}; if only one can have it by its nature, assert_plugin_conforms(…, exclusive=True)",
            )
            await self.end(first, rule, "while another instance is up")
            return
        with_both = SharedState(self.plugin)
        for where in sorted(with_first.set_since(before) & with_both.set_since(with_first)):
            if with_both.extends(with_first, where):
                continue
            self.tell(rule, f"the second one sets {where} anew, which the first has set and uses", own)
        await self.end(first, rule, "while another instance is up")
        with_second = SharedState(self.plugin)
        for where, mine in with_both.added_since(with_first).items():
            left = {id(each) for each in with_second.collections.get(where, ())}
            if where in with_first.added_since(before) and not any(id(each) in left for each in mine):
                self.tell(
                    rule, f"the end of the first one takes out of {where} what the second has put there", own
                )
        await self.end(second, rule, "after another instance was closed")
        del before, with_first, with_both, with_second
        first, second = await self.create(config), await self.create(config)
        await self.end(second, rule, "while another instance is up")
        await self.end(first, rule, "after another instance was closed")

    async def let_go(self, config: list[object]) -> None:
        """The last reference from outside goes: the instance ends at once, without the garbage collector."""
        with _without_collector(), unraisable(self.tell_lost):
            created = [await self.create(config)]
            plugin = created[0].get_plugin_ext(self.plugin)
            reference = weakref.ref(created.pop())
            waited = 0.0
            while reference() is not None and waited < _PATIENCE and self.host.has_company():
                await self.host.pause(0.02)
                waited += 0.02
            instance = reference()
            if instance is not None:
                self.tell_held(instance, plugin)
                await self.end(instance, _LET_GO, "when the instance is closed")

    async def let_go_while_up(self, config: list[object]) -> None:
        """Where the end has to be awaited: nothing but this holds the instance, as in one without the plugin."""
        instance = await self.create([], control=True)
        usual = sys.getrefcount(instance)
        await self.close(instance)
        instance = await self.create(config)
        waited = 0.0
        while sys.getrefcount(instance) > usual and waited < _PATIENCE and self.host.has_company():
            await self.host.pause(0.02)
            waited += 0.02
        if sys.getrefcount(instance) > usual:
            self.tell_held(instance, instance.get_plugin_ext(self.plugin))
        await self.end(instance, _LET_GO, "when the instance is closed")

    def tell_held(self, instance: InstanceContext, plugin: object) -> None:
        self.tell(
            _LET_GO,
            f"a strong reference to it is kept: {where_held(instance, plugin, self.plugin.__module__)}",
            "keep none: self.instance is there whenever it is needed, and attach_to is given a weak reference",
        )

    def tell_lost(self, error: TeardownError) -> None:
        for failure in error.exceptions:
            self.tell_undoing(failure, _LET_GO, "when the last reference to the instance goes")

    def judge_identity(self, elsewhere: Elsewhere | None) -> None:
        rule = "its identity stays"
        again = registry_of(self.plugin)
        for attribute, was, now in (
            ("UUID", self.registry.uuid, again.uuid),
            ("NAME", self.registry.name, again.name),
            ("DESCRIPTION", self.registry.description, again.description),
        ):
            if was != now:
                self.tell(
                    rule,
                    f"{attribute} was {str(was)!r} at first, and is {str(now)!r} afterwards",
                    f"{attribute} = {_literal(was)}    # in the class, and nowhere else",
                )
            elif elsewhere is not None and elsewhere.identity[attribute] != str(was):
                self.tell(
                    rule,
                    f"{attribute} is {str(was)!r} here, and {elsewhere.identity[attribute]!r} in another process",
                    f"{attribute} = {_literal(was)}    # written down once",
                )
        if elsewhere is not None and elsewhere.output:
            self.tell(
                "nothing on standard output",
                f"{elsewhere.output[:60]!r} is printed when {self.plugin.__module__} is imported",
                "take the print out: standard output belongs to the host",
            )


_LET_GO = "the instance is let go"

_TWO = "two instances at once"

_ON_THE_OBJECT = "keep on the object what belongs to one instance, self.x = … in __init__ or a hook"

_WHERE_IT_IS_AWAITED = "prove it in a host that awaits, await aassert_plugin_conforms(…)"

_MOST_WARNINGS = 3  # of at least six times that the scene was played

_ENDING = {
    "threads": "end it and wait for it, in teardown or in a callback given to defer right behind its start: "
    "self.defer(thread.join); self.defer(stop.set)",
    "open files": "self.defer(file.close) right behind the line that opens it: teardown runs only if initialize has "
    "returned",
    "child processes": "self.defer(process.wait); self.defer(process.terminate), right behind the line that starts it",
    "coroutines": "await it, or leave the call out",
    "tasks": "cancel it and await it, in teardown or in a callback given to defer right behind its start",
}


class _Neighbour(PluginEXT):
    """Starts behind the plugin that is proved, and fails on demand."""

    fails_in: str | None = None

    @classmethod
    def new(cls, ext: OpaqueList) -> _Neighbour:
        ext.take_ext(_NeighbourConfig)
        cls.fail("new")
        return cls()

    def attach_to(self, instance: object) -> None:
        self.fail("attach_to")

    def initialize(self) -> None:
        self.fail("initialize")

    @classmethod
    def fail(cls, phase: str) -> None:
        if cls.fails_in == phase:
            raise _LaterFailure("this extension is here to fail")


class _LaterFailure(Exception):
    """What the neighbour fails with."""


def _neighbour(name: str) -> type[_Neighbour]:
    class Neighbour(_Neighbour):
        UUID = uuid.uuid4()
        NAME = "__EXT_hycore_testing_neighbour"
        DESCRIPTION = "Starts behind another extension, and fails on demand"
        AFTER = (name,)

    return Neighbour


@contextmanager
def _without_collector() -> Generator[None]:
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _raised_at(failure: PluginFailedError) -> str:
    """The line of the plugin that has raised."""
    cause = failure.__cause__
    traceback = cause.__traceback__ if cause is not None else None
    where = ""
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if not is_of_python(file) and not is_ours(file):
            where = f" ({file}:{traceback.tb_lineno})"
        traceback = traceback.tb_next
    return where


def _kind_of(warning: str) -> str:
    """Which kind of thing a warning of Python says that nobody has ended."""
    if "never awaited" in warning:
        return "coroutines"
    return "child processes" if warning.startswith("subprocess ") else "open files"


def _literal(value: object) -> str:
    return f'uuid.UUID("{value}")' if isinstance(value, uuid.UUID) else repr(value)


def _satisfying(specifiers: Iterable[str | None]) -> VersionInfo:
    """A version that satisfies all of these; if none is found by their own numbers, the creation will say so."""
    wanted = [each for each in specifiers if each is not None]
    candidates = [(1, 0, 0)]
    for specifier in wanted:
        for _, numbers, _ in clauses(specifier):
            major, minor, patch = (*numbers, 0, 0)[:3]
            candidates += [
                (major, minor, patch),
                (major, minor, patch + 1),
                (major, minor + 1, 0),
                (major + 1, 0, 0),
            ]
            candidates += [(major, minor - 1, 0)] if minor else [(major - 1, 0, 0)] if major else []
    for candidate in candidates:
        if all(satisfies(specifier, candidate) for specifier in wanted):
            return VersionInfo(*candidate)
    return VersionInfo(1)
