"""Rules C1 to T7, in one process: bring up, failure, teardown. What needs processes of its own is elsewhere."""

from __future__ import annotations

import contextlib
import gc
import pickle
import sys
import threading
import uuid
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

import pytest

from hycore import HyError, InstanceContext, OpaqueList, PluginEXT, hyinfo
from hycore.utils.error import (
    ArgumentTypeError,
    ConfigSealedError,
    InstanceClosedError,
    MissingConfigError,
    PluginFailedError,
    PluginNotFoundError,
    PluginNotReadyError,
    PluginStateError,
    TeardownError,
    UnconsumedConfigError,
    UnknownConfigTypeError,
)
from hycore.utils.opaque import OpaqueObject

Unraisable = list[BaseException]


@pytest.fixture
def unraisable(monkeypatch: pytest.MonkeyPatch) -> Unraisable:
    """What reached `sys.unraisablehook`."""
    seen: Unraisable = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: seen.append(args.exc_value))
    return seen


class Limit(OpaqueObject):
    def __init__(self, value: int = 3) -> None:
        self.value = value


class Other(OpaqueObject):
    pass


# Construction and configuration.


def test_c1_new_runs_for_each_before_anything_is_attached(world: Any) -> None:
    """C1, A1, I1: phase by phase, in the order of the plan."""
    world.plugin("a")
    world.plugin("b")
    world.create(["a", "b"]).close()
    assert world.journal == [
        "new a", "new b", "attach_to a", "attach_to b", "initialize a", "initialize b", "teardown b", "teardown a",
    ]  # fmt: skip


def test_c1_the_default_new_takes_the_configuration(world: Any) -> None:
    """C1: one object of CREATE_INFO is taken, or one is made from defaults, and passed to `__init__`."""

    class Configured(PluginEXT):
        UUID, NAME, DESCRIPTION = world.plugin("c", submit=False).UUID, "c", "Has a limit"
        CREATE_INFO = Limit

        def __init__(self, limit: Limit) -> None:
            self.limit = limit

    world.inventory.submit(Configured)
    given = Limit(7)
    with world.create(["c"], ext=[given]) as instance:
        assert instance.require_plugin_ext(Configured).limit is given
        assert [(entry.type_name, entry.taken_by) for entry in instance.report().ledger] == [
            (f"{__name__}.Limit", "c")
        ]
    with world.create(["c"]) as instance:
        assert instance.require_plugin_ext(Configured).limit.value == 3


def test_c1_a_configuration_that_defaults_cannot_make_is_told(world: Any) -> None:
    """C1: the failure of `new` is caused by an error that says what to hand over."""

    class Needy(OpaqueObject):
        def __init__(self, url: str) -> None:
            self.url = url

    world.plugin("a", CREATE_INFO=Needy, new=classmethod(PluginEXT.new.__func__))
    with pytest.raises(PluginFailedError, match=r"ext=\[Needy\(…\), …\]") as caught:
        world.create(["a"])
    assert isinstance(caught.value.__cause__, MissingConfigError)


class Stranger(PluginEXT):
    """A plugin of another class."""


@pytest.mark.parametrize(
    "result",
    [lambda both: "text", lambda both: object(), lambda both: Stranger(), lambda both: type(both[0])],
)
def test_c1_new_that_returns_something_else_has_failed(world: Any, result: Callable[[Any], object]) -> None:
    """C1: another type is a failure in `new`."""
    world.plugin("a", {"new": result})
    with pytest.raises(PluginFailedError) as caught:
        world.create(["a"])
    assert (caught.value.plugin, caught.value.phase) == ("a", "new")


def test_c1_new_that_returns_nothing_has_failed(world: Any) -> None:
    """C1: a `return` is missing."""
    world.plugin("a", new=classmethod(lambda cls, ext: None))
    with pytest.raises(PluginFailedError, match="failed in new: TypeError: .*None"):
        world.create(["a"])


def test_c1_new_that_returns_a_plugin_of_another_instance_has_failed(world: Any) -> None:
    """C1: an object belongs to one instance at a time, whether anybody else holds it or not."""
    kept: list[Any] = []
    kind = world.plugin("a", {"new": lambda both: kept.append(both[0]) if not kept else kept[0]})
    with world.create(["a"]) as first:
        with pytest.raises(PluginFailedError, match="failed in new"):
            world.create(["a"])
        assert first.get_plugin_ext(kind) is kept[0]
    with world.create(["a"]) as second:
        assert second.get_plugin_ext(kind) is kept[0]
    pool = [kept.pop()]
    kind.new = classmethod(lambda cls, ext: pool.pop())
    with world.create(["a"]) as third:
        assert third.get_plugin_ext(kind) is not None


def test_c1_a_subclass_is_looked_up_by_the_registered_class(world: Any) -> None:
    """C1: `new` may return an object of a subclass."""
    kind = world.plugin("a", submit=False)
    special = type("Special", (kind,), {})
    kind.new = classmethod(lambda cls, ext: special())
    world.inventory.submit(kind)
    with world.create(["a"]) as instance:
        assert type(instance.get_plugin_ext(kind)) is special
        assert instance.get_plugin_ext(special) is None


def test_c2_leftovers_are_an_error_that_undoes(world: Any) -> None:
    """C2: judged when all plugins are constructed; the Rust build drops them."""
    world.plugin("a", {"new": lambda both: both[0].defer(both[0].note, "undone")})
    world.plugin("b", CREATE_INFO=Limit)
    with pytest.raises(UnconsumedConfigError) as caught:
        world.create(["a"], ext=[Limit(), Other()])
    assert world.journal == ["new a", "undone a"]
    assert str(caught.value) == (
        "no extension took 2 configuration objects\n"
        f"  - {__name__}.Limit: 'b' would take it: add that to enabled_extensions\n"
        f"  - {__name__}.Other: no extension known here takes it: remove it from ext\n"
        'To allow leftovers, create the instance with unused_ext="warn" or "ignore"'
    )


def test_c2_leftovers_are_the_hosts_choice(world: Any) -> None:
    """C2: `"ignore"` and `"warn"` let them be; a warning is logged."""
    lines: list[str] = []
    world.plugin("log", {"initialize": lambda plugin: logging_to(plugin, lines)})
    world.create(["log"], ext=[Other()], unused_ext="ignore").close()
    assert not any("no extension took" in line for line in lines)
    world.create(["log"], ext=[Other()], unused_ext="warn").close()
    assert any("no extension took 1 configuration object" in line for line in lines)


def logging_to(plugin: Any, lines: list[str]) -> None:
    plugin.instance.ext.log_level = 0
    plugin.instance.ext.log_callback = lambda message: lines.append(message.message)


def test_c2_the_list_is_sealed(world: Any) -> None:
    """C2: taking later is an error."""
    kept: list[OpaqueList] = []
    world.plugin(
        "a", {"new": lambda both: kept.append(both[1]), "attach_to": lambda _: kept[0].take_ext(Limit)}
    )
    with pytest.raises(PluginFailedError, match="asked for after construction") as caught:
        world.create(["a"])
    assert isinstance(caught.value.__cause__, ConfigSealedError)


def test_c2_configuration_of_a_set_aside_extension_is_not_left_over(world: Any) -> None:
    """C2: neither one that a set-aside extension claims, nor, if one is unknown, any."""
    world.plugin("a", CREATE_INFO=Limit, REQUIRES_ENGINE=">=9")
    world.create([], ["a"], ext=[Limit()]).close()
    with pytest.raises(UnconsumedConfigError):
        world.create([], ["a"], ext=[Other()])
    world.create([], ["missing"], ext=[Other(), object()]).close()


def test_unknown_types_are_refused_before_construction_all_in_one(world: Any) -> None:
    """An object that is no OpaqueObject and nobody's CREATE_INFO."""
    world.plugin("a")
    with pytest.raises(UnknownConfigTypeError) as caught:
        world.create(["a"], ext=[3, Limit(), "text"])
    assert caught.value.types == ("builtins.int", "builtins.str")
    assert world.journal == []


def test_the_create_info_is_not_changed(world: Any) -> None:
    """The same one can create ten, and each gets the objects themselves."""
    taken: list[object] = []
    world.plugin("a", {"new": lambda both: taken.append(both[1].require_ext(Limit))})
    info = world.info(["a"], ext=[limit := Limit()])
    for _ in range(10):
        world.bring_up(info).close()
    assert all(thing is limit for thing in taken) and len(taken) == 10


# Attachment and look-ups.


def test_a1_the_reference_is_alive_in_every_hook(world: Any) -> None:
    """A1: a `weakref.ref` that gives the instance in `attach_to`, `initialize` and `teardown`; in Rust it is dead."""
    seen: list[object] = []

    class Attached(PluginEXT):
        UUID, NAME, DESCRIPTION = world.plugin("a", submit=False).UUID, "a", "Keeps the reference"

        def attach_to(self, instance: weakref.ref[InstanceContext]) -> None:
            assert isinstance(instance, weakref.ref)
            self.reference = instance
            seen.append(instance())

        def initialize(self) -> None:
            seen.append(self.reference())

        def teardown(self) -> None:
            seen.append(self.reference())

    world.inventory.submit(Attached)
    instance = world.create(["a"])
    instance.close()
    bare = getattr(instance, "bare", instance)
    assert [found is bare for found in seen] == [True, True, True]


def test_a1_the_reference_is_alive_while_the_collector_ends_the_instance(world: Any) -> None:
    """A1: also in a reference cycle, whose weak references are cleared first."""
    seen: list[bool] = []
    world.plugin("a", {"teardown": lambda plugin: seen.append(plugin.instance is not None)})
    instance = world.create(["a"])
    plugin = instance.get_plugin_ext("a")
    plugin.cycle = instance
    dead = weakref.ref(plugin)
    del plugin, instance
    gc.collect()
    assert seen == [True]
    assert dead() is None


def test_i1_initialize_runs_for_each_when_all_are_attached(world: Any) -> None:
    """I1: in the order of the plan, also where that is not the order of the request."""
    world.plugin("a", REQUIRES=("b",))
    world.plugin("b")
    with world.create(["a", "b"]):
        assert world.journal[2:] == ["attach_to b", "attach_to a", "initialize b", "initialize a"]


def test_i2_look_ups_see_what_has_started(world: Any) -> None:
    """I2: in `initialize`, those before; `extensions` and `implementations` show the same set."""
    shown: list[list[str]] = []

    def look(plugin: Any) -> None:
        instance = plugin.instance
        names = [other.name for other in instance.extensions.values()]
        assert [other.name for other in instance.implementations(PluginEXT)] == names
        shown.append(names)

    for name in "abc":
        world.plugin(name, {"attach_to": look, "initialize": look, "teardown": look})
    with world.create(["a", "b", "c"]) as instance:
        assert [plugin.name for plugin in instance.extensions.values()] == ["a", "b", "c"]
        assert instance.extensions is instance.extensions
        with pytest.raises(TypeError):
            instance.extensions[1] = 2
    assert shown == [[], [], [], [], ["a"], ["a", "b"], ["a", "b"], ["a"], []]


def test_i2_an_extension_that_is_not_started_is_told_with_the_line_to_declare(world: Any) -> None:
    """I2: enabled but later in the order."""
    world.plugin("a", {"initialize": lambda plugin: plugin.instance.get_plugin_ext("b")})
    world.plugin("b")
    with pytest.raises(PluginFailedError) as caught:
        world.create(["a", "b"])
    assert isinstance(caught.value.__cause__, PluginNotReadyError)
    assert str(caught.value.__cause__) == (
        "extension 'b' is enabled but not started yet, and 'a' looks it up in initialize. Declare on 'a':\n"
        "    REQUIRES = ('b',)    # or AFTER, if it can do without"
    )


def test_i2_what_is_torn_down_is_none(world: Any) -> None:
    """I2: from the first teardown on, whatever is not up is `None`; so it is while a failed creation is undone."""
    seen: list[object] = []

    def look(plugin: Any) -> None:
        seen.append([plugin.instance.get_plugin_ext(name) is not None for name in "abc"])

    world.plugin("a", {"teardown": look})
    world.plugin("b", {"teardown": look})
    world.plugin("c")
    world.create(["a", "b", "c"]).close()
    assert seen == [[True, False, False], [False, False, False]]
    seen.clear()
    world.plugin("d", {"initialize": ValueError})
    with pytest.raises(PluginFailedError):
        world.create(["a", "b", "d", "c"])
    assert seen == [[True, False, False], [False, False, False]]


def test_i2_a_plugin_is_never_compared_hashed_or_tested_for_truth(world: Any) -> None:
    """The engine trusts no plugin: identity is all it asks for."""

    def refuse(*_: object) -> Any:
        raise AssertionError("the engine ran code of a plugin")

    refused = dict.fromkeys(["__eq__", "__hash__", "__bool__", "__len__", "__getattr__", "__repr__"], refuse)
    kind = world.plugin(
        "a", {"initialize": lambda plugin: plugin.defer(world.journal.append, "done")}, **refused
    )
    with world.create(["a"]) as instance:
        assert instance.get_plugin_ext(kind) is instance.get_plugin_ext("a")
        assert len(instance.implementations(kind)) == 1
        repr(instance), str(instance.report())
    assert world.journal[-1] == "done"


def test_frozen_and_slotted_plugins_work(world: Any) -> None:
    """A frozen dataclass with slots, and fields of the names that identity has."""

    @dataclass(frozen=True, slots=True)
    class Frozen(PluginEXT):
        name: str = "of its own"
        UUID = world.plugin("f", submit=False).UUID
        NAME = "f"
        DESCRIPTION = "Cannot be changed"

    world.inventory.submit(Frozen)
    with world.create(["f"]) as instance:
        plugin = instance.require_plugin_ext(Frozen)
        assert (plugin.name, plugin.description, plugin.uuid) == (
            "of its own",
            "Cannot be changed",
            Frozen.UUID,
        )
        assert plugin.instance is getattr(instance, "bare", instance)


def test_a_class_that_was_defined_again_is_not_that_of_an_earlier_instance(world: Any) -> None:
    """As when a cell of a notebook runs once more: what to do is told."""

    def define() -> type[PluginEXT]:
        class Cell(PluginEXT):
            UUID = uuid.UUID("c2d1a0f6-3f0b-4c55-9d57-5a1b7c0e8b01")
            NAME = "cell"
            DESCRIPTION = "Is defined twice"

        world.inventory.submit(Cell)
        return Cell

    first = define()
    with world.create(["cell"]) as earlier:
        again = define()
        assert earlier.require_plugin_ext(first) is earlier.require_plugin_ext("cell")
        words = "defined again, and this instance has the other definition: look it up by that one, or by the name"
        with pytest.raises(PluginNotFoundError, match=words):
            earlier.require_plugin_ext(again)
        with world.create(["cell"]) as later, pytest.raises(PluginNotFoundError, match=words):
            later.require_plugin_ext(first)  # this instance has the newest already


# Failure.


@pytest.mark.parametrize("phase", ["new", "attach_to", "initialize"])
@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3)])
def test_f1_a_failing_hook_undoes_what_was_done(world: Any, phase: str, error: BaseException) -> None:
    """F1, F2, T1: the error names plugin and phase; only what was initialized is torn down."""
    world.plugin("a")
    world.plugin("b", {phase: error})
    world.plugin("c")
    with pytest.raises(PluginFailedError) as caught:
        world.create(["a", "b", "c"])
    assert (caught.value.plugin, caught.value.phase) == ("b", phase)
    assert caught.value.__cause__ is error
    assert world.journal.count("teardown a") == (phase == "initialize")
    assert [line for line in world.journal if line.startswith("teardown")] in (["teardown a"], [])


def test_f2_undoing_runs_what_a_teardown_would(world: Any) -> None:
    """F2: the same hooks and callbacks, in the same order."""

    def defer(plugin: Any) -> None:
        plugin.defer(plugin.note, "deferred")

    for name in "ab":
        world.plugin(name, {"initialize": defer})
    world.create(["a", "b"]).close()
    torn_down = world.journal[-4:]
    world.plugin("c", {"initialize": ValueError})
    with pytest.raises(PluginFailedError):
        world.create(["a", "b", "c"])
    assert world.journal[-4:] == torn_down == ["teardown b", "deferred b", "teardown a", "deferred a"]


@pytest.mark.parametrize("phase", ["new", "attach_to", "initialize"])
@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, GeneratorExit])
def test_f1_interrupts_undo_and_pass_as_themselves(
    world: Any, phase: str, interrupt: type[BaseException]
) -> None:
    """F1: Ctrl-C is not a plugin's failure."""
    if world.kind != "plain" and interrupt is GeneratorExit and phase == "initialize":
        pytest.skip("where it is awaited it says that the coroutine is being closed")
    world.plugin("a", {"initialize": lambda plugin: plugin.defer(plugin.note, "deferred")})
    world.plugin("b", {phase: interrupt})
    with pytest.raises(interrupt):
        world.create(["a", "b"])
    if phase == "initialize":
        assert world.journal[-2:] == ["teardown a", "deferred a"]


@pytest.mark.parametrize("phase", ["new", "attach_to", "initialize"])
def test_f1_ctrl_c_in_a_group_passes_and_a_group_of_failures_is_one(world: Any, phase: str) -> None:
    """F1: whatever else is in the group, an interrupt is no failure of the plugin; an optional one swallows none."""
    mixed = BaseExceptionGroup("of a nursery", [ValueError("no"), KeyboardInterrupt()])
    failures = BaseExceptionGroup("of a nursery", [ValueError("no"), SystemExit(3)])
    world.plugin("a")
    world.plugin("b", {phase: mixed})
    world.plugin("c", {phase: failures})
    with pytest.raises(BaseExceptionGroup) as interrupted:
        world.create(["a"], ["b"])
    assert interrupted.value is mixed
    with pytest.raises(PluginFailedError) as failed:
        world.create(["a", "c"])
    assert failed.value.__cause__ is failures


def test_f3_what_fails_while_undoing_never_hides_the_first_failure(world: Any) -> None:
    """F3: it is attached as notes and as `undo_errors`."""
    world.plugin("a", {"teardown": ValueError("a is stuck")})
    world.plugin("b", {"initialize": ValueError("first")})
    with pytest.raises(PluginFailedError, match="failed in initialize: ValueError: first") as caught:
        world.create(["a", "b"])
    (undo_error,) = caught.value.undo_errors
    assert (undo_error.plugin, undo_error.phase) == ("a", "teardown")
    assert caught.value.__notes__ == [f"while undoing: {undo_error}"]
    assert HyError().undo_errors == ()


def test_exceptions_that_cannot_be_changed_are_told_as_others_are(world: Any) -> None:
    """F1, F3: of a class whose instances refuse to be given a traceback or a note, as frozen dataclasses do."""

    @dataclass(frozen=True)
    class Frozen(Exception):
        code: int

    world.plugin("a", {"teardown": ValueError("a is stuck")})
    world.plugin("b", {"initialize": Frozen(1)})
    with pytest.raises(PluginFailedError) as failed:
        world.create(["a", "b"])
    assert failed.value.__cause__ == Frozen(1)
    with pytest.raises(Frozen) as raised, world.create(["a"], ["b"]):
        raise Frozen(2)
    (note,) = raised.value.__notes__
    assert note.startswith("while undoing: extension 'a' failed in teardown: ValueError: a is stuck")
    assert raised.value == Frozen(2)


@dataclass(frozen=True)
class FrozenInterrupt(KeyboardInterrupt):
    """As a host's own signal handler may raise it."""

    code: int


@pytest.mark.parametrize("way", ["create", "with", "meanwhile"])
def test_f3_an_interrupt_that_cannot_be_changed_passes_as_another_does(world: Any, way: str) -> None:
    """From what undoes a failure, an error of the host, and a creation that somebody else has ended."""
    world.plugin("a", {"teardown": FrozenInterrupt(1)})
    world.plugin("b", {"initialize": ValueError("first")} if way == "create" else {})
    if way == "meanwhile":
        world.plugin("b", {"initialize": lambda plugin: plugin.instance.close()})
    with pytest.raises(FrozenInterrupt) as caught, world.create(["a", "b"]):
        raise ValueError("first")
    assert caught.value == FrozenInterrupt(1)
    assert "first" in str(caught.value.__cause__) or way == "meanwhile"


def test_f3_a_frozen_interrupt_tells_what_failed_before_it(world: Any) -> None:
    """In its notes: an optional extension that was set aside could not be undone."""

    def fail(plugin: PluginEXT) -> None:
        plugin.defer(int, "stuck")
        raise ValueError("no")

    world.plugin("a", {"initialize": fail})
    world.plugin("b", {"initialize": FrozenInterrupt(1)}, AFTER=("a",))
    with pytest.raises(FrozenInterrupt) as caught:
        world.create(["b"], ["a"])
    (note,) = caught.value.__notes__
    assert note.startswith("before that, ") and "'stuck'" in note


def test_f3_an_interrupt_while_undoing_is_raised_when_all_is_undone(world: Any) -> None:
    """F3: caused by the first failure."""
    world.plugin("a")
    world.plugin("b", {"teardown": KeyboardInterrupt})
    world.plugin("c", {"initialize": ValueError("first")})
    with pytest.raises(KeyboardInterrupt) as caught:
        world.create(["a", "b", "c"])
    assert isinstance(caught.value.__cause__, PluginFailedError)
    assert world.journal[-2:] == ["teardown b", "teardown a"]


def frames(error: BaseException) -> Iterator[FrameType]:
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        traceback = current.__traceback__
        while traceback is not None:
            yield traceback.tb_frame
            traceback = traceback.tb_next
        waiting += [current.__cause__, current.__context__]
        if isinstance(current, BaseExceptionGroup):
            waiting += current.exceptions


@pytest.mark.parametrize("phase", ["new", "attach_to", "initialize", "teardown", "deferred", "lookup"])
def test_f4_an_error_keeps_nothing_alive_but_the_plugins_own_frames(
    world: Any, phase: str, no_collector: None
) -> None:
    """F4: our frames are not in it, and dropping it frees plugin and instance without the collector."""
    alive: list[weakref.ref[Any]] = []

    def fail(plugin: Any) -> None:
        if isinstance(plugin, tuple):
            plugin = plugin[0]
        alive.append(weakref.ref(plugin))
        if phase == "lookup":
            alive.append(weakref.ref(plugin.instance))
            plugin.instance.require_plugin_ext("nobody")
        raise ValueError("no")

    if phase == "deferred":
        acts: dict[str, Any] = {"initialize": lambda plugin: plugin.defer(fail, plugin)}
    else:
        acts = {"initialize" if phase == "lookup" else phase: fail}
    world.plugin("a", {"attach_to": lambda plugin: alive.append(weakref.ref(plugin.instance))})
    world.plugin("b", acts)
    kept: list[BaseException] = []
    try:
        world.create(["a", "b"]).close()
    except HyError as error:
        kept.append(error)
    assert kept
    ours = [frame for frame in frames(kept[0]) if frame.f_globals["__name__"].startswith("hycore.")]
    assert {frame.f_code.co_name for frame in ours} <= {"create", "close", "acreate", "aclose"}
    for frame in ours:
        assert not any(isinstance(value, InstanceContext | PluginEXT) for value in frame.f_locals.values())
        del frame
    del ours
    assert any(frame.f_code.co_name == "fail" for frame in frames(kept[0]))
    kept.clear()
    assert [found() for found in alive] == [None] * len(alive)


@pytest.mark.parametrize("way", ["create", "close", "with", "drop"])
def test_f4_a_kept_error_keeps_nothing_by_the_frames_that_called_its_own(
    plain_world: Any, no_collector: None, unraisable: Unraisable, way: str
) -> None:
    """F4: behind a plugin's own frame stand ours, which called it; when they have ended they hold nothing."""
    world = plain_world
    alive: list[weakref.ref[Any]] = []

    def start(plugin: Any) -> None:
        alive.extend([weakref.ref(plugin), weakref.ref(plugin.instance)])
        plugin.defer(throw, ValueError("stuck"))

    world.plugin("a", {"initialize": start})
    world.plugin("b", {"initialize": KeyError if way == "create" else lambda plugin: None})
    kept: list[BaseException] = []
    try:
        if way == "with":
            with world.create(["a", "b"]):
                pass
        elif way == "drop":
            world.create(["a", "b"])
            kept.append(unraisable.pop())
        else:
            world.create(["a", "b"]).close()
    except HyError as error:
        kept.append(error)
    (error,) = kept
    (stuck,) = error.undo_errors if isinstance(error, PluginFailedError) else error.exceptions  # type: ignore[attr-defined]
    assert isinstance(stuck.__cause__, ValueError)
    assert [found() for found in alive] == [None] * 2


def test_f4_reports_keep_failures_as_text(world: Any, no_collector: None) -> None:
    """F4: neither a closed instance nor its report holds a plugin."""

    def fail(plugin: object) -> None:
        raise ValueError("stuck")

    world.plugin("a", {"teardown": fail})
    instance = world.create(["a"])
    plugin = weakref.ref(instance.get_plugin_ext("a"))
    with contextlib.suppress(TeardownError):
        instance.close()
    assert plugin() is None
    assert "extension 'a' failed in teardown: ValueError: stuck" in instance.report().failures[0].text


# Teardown.


def test_t1_every_teardown_runs_whatever_fails(world: Any) -> None:
    """T1: exactly once for each whose `initialize` returned, in reverse; one group with one error per failure."""
    world.plugin("a", {"teardown": ValueError("a")})
    world.plugin("b", {"initialize": lambda plugin: plugin.defer(throw, KeyError("callback"))})
    world.plugin("c", {"teardown": SystemExit(2)})
    instance = world.create(["a", "b", "c"])
    with pytest.raises(TeardownError) as caught:
        instance.close()
    assert world.journal[-3:] == ["teardown c", "teardown b", "teardown a"]
    assert [(error.plugin, error.phase, type(error.__cause__)) for error in caught.value.exceptions] == [
        ("c", "teardown", SystemExit),
        ("b", "defer", KeyError),
        ("a", "teardown", ValueError),
    ]
    assert instance.closed
    instance.close()
    assert len(world.journal) == 12


def throw(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_t3_what_fails_takes_no_callback_along(world: Any, error: type[BaseException]) -> None:
    """T1, T3: after a teardown that fails, and after a callback that fails, those that are left run all the same."""

    def defer(plugin: Any) -> None:
        plugin.defer(plugin.note, "first")
        plugin.defer(throw, error())
        plugin.defer(plugin.note, "last")

    world.plugin("a")
    world.plugin("b", {"initialize": defer, "teardown": error})
    with pytest.raises((TeardownError, KeyboardInterrupt)):
        world.create(["a", "b"]).close()
    assert world.journal[-4:] == ["teardown b", "last b", "first b", "teardown a"]


def test_t1_an_interrupt_in_teardown_is_raised_when_all_have_run(world: Any) -> None:
    """T1: as itself, with the failures as notes."""
    world.plugin("a", {"teardown": ValueError("a")})
    world.plugin("b", {"teardown": KeyboardInterrupt})
    instance = world.create(["a", "b"])
    with pytest.raises(KeyboardInterrupt) as caught:
        instance.close()
    assert world.journal[-2:] == ["teardown b", "teardown a"]
    assert "while undoing: extension 'a' failed in teardown" in caught.value.__notes__[0]


def test_t1_plugins_that_never_started_are_not_torn_down(world: Any) -> None:
    """T1: the Rust build tears down whatever was constructed."""
    world.plugin("a", {"initialize": ValueError})
    world.plugin("b")
    with pytest.raises(PluginFailedError):
        world.create(["a", "b"])
    assert not any(line.startswith("teardown") for line in world.journal)


def test_t2_while_a_plugin_is_torn_down_those_before_it_are_there(world: Any) -> None:
    """T2: those after it are gone, and `self.instance` works."""
    seen: list[object] = []

    def look(plugin: Any) -> None:
        get = plugin.instance.get_plugin_ext
        seen.append((get("a") is not None, get("c") is not None))

    world.plugin("a")
    world.plugin("b", {"teardown": look})
    world.plugin("c")
    world.create(["a", "b", "c"]).close()
    assert seen == [(True, False)]


def test_t3_deferred_callbacks_run_right_after_teardown(world: Any) -> None:
    """T3: last in, first out, from the start of `new` on, also what was deferred in steady state."""

    def note(word: str) -> Callable[[Any], None]:
        def act(plugin: Any) -> None:
            plugin = plugin[0] if isinstance(plugin, tuple) else plugin
            plugin.defer(plugin.note, word)

        return act

    for name in "ab":
        world.plugin(name, {"new": note("1"), "attach_to": note("2"), "initialize": note("3")})
    with world.create(["a", "b"]) as instance:
        note("4")(instance.get_plugin_ext("a"))
        world.journal.clear()
    assert world.journal == [
        "teardown b", "3 b", "2 b", "1 b", "teardown a", "4 a", "3 a", "2 a", "1 a",
    ]  # fmt: skip


@pytest.mark.parametrize("phase", ["new", "attach_to", "initialize"])
def test_t3_deferred_callbacks_undo_half_finished_hooks(world: Any, phase: str) -> None:
    """T3: instead of `teardown` if `initialize` did not return."""

    def half(plugin: Any) -> None:
        plugin = plugin[0] if isinstance(plugin, tuple) else plugin
        plugin.defer(plugin.note, "undone")
        raise ValueError

    world.plugin("a", {phase: half})
    with pytest.raises(PluginFailedError):
        world.create(["a"])
    assert world.journal == ["new a", "attach_to a", "initialize a"][: 1 + "nai".index(phase[0])] + [
        "undone a"
    ]


def test_t3_defer_has_its_time(world: Any) -> None:
    """T3: outside of a creation and from the plugin's own undoing on, it is a PluginStateError."""
    errors: list[PluginStateError] = []

    def late(plugin: Any) -> None:
        with pytest.raises(PluginStateError) as caught:
            plugin.defer(print)
        errors.append(caught.value)

    def later_elsewhere(plugin: Any) -> None:
        plugin.instance.get_plugin_ext("a").defer(world.journal.append, "from b")
        late(plugin)

    kind = world.plugin("a", {"teardown": late})
    world.plugin("b", {"teardown": later_elsewhere})
    late(kind())
    with world.create(["a", "b"]) as instance:
        plugin = instance.get_plugin_ext(kind)
    assert world.journal[-1] == "from b"
    late(plugin)
    assert [error.problem for error in errors] == [
        "is not part of an instance", "is being undone already", "is being undone already", "is being undone already",
    ]  # fmt: skip
    with pytest.raises(PluginStateError, match="has no instance any more"):
        plugin.instance
    with pytest.raises(PluginStateError, match="is not attached to an instance yet"):
        kind().instance


def test_t3_what_a_callback_returns_is_ignored(world: Any) -> None:
    """T3: any callable will do."""
    world.plugin("a", {"initialize": lambda plugin: plugin.defer({1: [2]}.pop, 1)})
    world.create(["a"]).close()


@pytest.mark.parametrize("phase", ["attach_to", "initialize", "teardown"])
def test_a_plain_hook_that_returns_an_awaitable_has_failed(plain_world: Any, phase: str) -> None:
    """A synchronous host awaits nothing: the awaitable is closed, without a warning."""
    world = plain_world

    async def wait() -> None: ...

    world.plugin("a", {})
    kind = world.plugin("b", submit=False)
    setattr(kind, phase, lambda self, instance=None: wait())
    world.inventory.submit(kind)
    with pytest.raises(HyError, match=f"failed in {phase}: TypeError: it returned an awaitable"):
        world.create(["a", "b"]).close()


def test_t4_close_inside_a_hook_of_the_teardown_returns_at_once(world: Any) -> None:
    """T4: it runs on the thread that is closing."""

    def close(plugin: Any) -> None:
        plugin.instance.close()
        world.journal.append("returned")

    world.plugin("a")
    world.plugin("b", {"teardown": close})
    instance = world.create(["a", "b"])
    instance.close()
    assert instance.closed
    assert world.journal[-3:] == ["teardown b", "returned", "teardown a"]


@pytest.mark.parametrize("phase", ["attach_to", "initialize"])
def test_t4_close_during_bring_up_ends_the_creation(world: Any, phase: str) -> None:
    """T4: it returns at once, the hook runs to its end, then everything is undone."""

    def close(plugin: Any) -> None:
        plugin.instance.close()
        world.journal.append("returned")

    world.plugin("a")
    world.plugin("b", {phase: close})
    world.plugin("c")
    with pytest.raises(InstanceClosedError, match="closed while it was being created"):
        world.create(["a", "b", "c"])
    place = world.journal.index("returned")
    assert world.journal[place + 1 :] == (["teardown b", "teardown a"] if phase == "initialize" else [])


def test_t4_a_failure_of_the_hook_that_closed_becomes_a_note(world: Any) -> None:
    """T4: the InstanceClosedError is raised all the same."""

    def close(plugin: Any) -> None:
        plugin.instance.close()
        raise ValueError("and failed")

    world.plugin("a", {"initialize": close})
    with pytest.raises(InstanceClosedError) as caught:
        world.create(["a"])
    assert "ValueError: and failed" in caught.value.__notes__[0]


def test_t4_close_from_another_thread_during_bring_up(world: Any) -> None:
    """T4: from any thread."""

    def close(plugin: Any) -> None:
        thread = threading.Thread(target=plugin.instance.close)
        thread.start()
        thread.join()

    world.plugin("a", {"initialize": close})
    with pytest.raises(InstanceClosedError):
        world.create(["a"])
    assert world.journal[-1] == "teardown a"


def test_t4_two_threads_close_at_once(world: Any) -> None:
    """T4: the second waits until the first is done."""
    closing, go_on = threading.Event(), threading.Event()

    def wait(_: object) -> None:
        closing.set()
        go_on.wait(10)

    world.plugin("a", {"teardown": wait})
    instance = world.create(["a"])
    first = threading.Thread(target=instance.close)
    first.start()
    assert closing.wait(10)
    states: list[bool] = []
    second = threading.Thread(target=lambda: (instance.close(), states.append(instance.closed)))
    second.start()
    assert "closing" in repr(instance) and not instance.closed
    second.join(0.05)
    assert second.is_alive()
    go_on.set()
    first.join(10), second.join(10)
    assert states == [True]
    assert world.journal.count("teardown a") == 1


def test_t5_the_last_reference_going_away_closes_at_once(world: Any, no_collector: None) -> None:
    """T5: without the collector; errors go to `sys.unraisablehook`."""
    world.plugin("a")
    instance = world.create(["a"])
    del instance
    assert world.journal[-1] == "teardown a"


def test_t5_errors_of_a_drop_are_not_lost(world: Any, unraisable: Unraisable) -> None:
    """T5: they go to `sys.unraisablehook`."""
    world.plugin("a", {"teardown": ValueError("stuck")})
    world.create(["a"])
    (error,) = unraisable
    assert isinstance(error, TeardownError)
    assert "ValueError: stuck" in str(error)


def test_t5_a_reference_cycle_is_closed_by_the_collector(world: Any) -> None:
    """T5: a host's own cycle."""
    world.plugin("a")
    instance = world.create(["a"])
    cycle: list[object] = [instance]
    cycle.append(cycle)
    del instance, cycle
    gc.collect()
    assert world.journal[-1] == "teardown a"


def test_t7_a_closed_instance_says_so(world: Any) -> None:
    """T7: what needs plugins raises; identity, `closed`, `close()`, `report()` and `repr` still answer."""
    kind = world.plugin("a")
    instance = world.create(["a"], node_id=42)
    assert not instance.closed
    instance.close()
    uses: list[Callable[[], object]] = [
        lambda: instance.get_plugin_ext(kind),
        lambda: instance.get_plugin_ext("unknown"),
        lambda: instance.require_plugin_ext(kind),
        lambda: instance.implementations(PluginEXT),
        lambda: instance.extensions,
        lambda: instance.generate_uuid(),
        lambda: instance.__enter__(),
    ]
    for use in uses:
        with pytest.raises(InstanceClosedError, match="was asked of a closed instance"):
            use()
    assert (instance.closed, instance.node_id, instance.application_name) == (True, 42, "test")
    assert repr(instance) == "<InstanceContext 'test' 1.0.0, closed, 0 of 1 extensions up>"
    assert instance.report().extensions[0].state == "down"
    hyinfo(instance, "dropped")


def test_t7_closed_turns_true_after_the_last_teardown(world: Any) -> None:
    """T7: in between `repr` says closing."""
    seen: list[object] = []
    world.plugin(
        "a",
        {
            "teardown": lambda plugin: seen.append(
                (plugin.instance.closed, "closing" in repr(plugin.instance))
            )
        },
    )
    world.create(["a"]).close()
    assert seen == [(False, True)]


def test_t7_an_instance_logs_its_end_before_the_first_teardown(world: Any) -> None:
    """T7: as the last message of its own."""
    lines = world.journal
    world.plugin("a", {"initialize": lambda plugin: logging_to(plugin, lines)})
    world.create(["a"]).close()
    assert lines[-2].startswith("Tearing down InstanceContext at 0x")
    assert lines[-1] == "teardown a"


# The rest of an instance.


def test_with_closes_and_passes_the_bodys_exception_on(world: Any) -> None:
    """A failing teardown never hides what the body raised: it becomes its notes."""
    world.plugin("a", {"teardown": ValueError("stuck")})
    with pytest.raises(KeyError) as caught, world.create(["a"]):
        raise KeyError("body")
    assert "ValueError: stuck" in caught.value.__notes__[0]
    with pytest.raises(TeardownError), world.create(["a"]):
        pass


def test_require_says_why_an_extension_is_not_there(world: Any) -> None:
    """Not asked for, or unknown with the closest name."""
    kind = world.plugin("a")
    world.plugin("lines")
    with world.create(["lines"]) as instance:
        with pytest.raises(
            PluginNotFoundError, match="'a' is not in this instance: it is not asked for: add it"
        ):
            instance.require_plugin_ext(kind)
        with pytest.raises(PluginNotFoundError, match="did you mean 'lines'"):
            instance.require_plugin_ext("line")
        assert instance.get_plugin_ext(kind) is None
        with pytest.raises(ArgumentTypeError, match="key must be a plugin class or a name .*, not int"):
            instance.get_plugin_ext(3)
        with pytest.raises(ArgumentTypeError, match="key must be a plugin class or a name .*, not list"):
            instance.get_plugin_ext([])


def test_uuids_are_of_version_6_and_carry_the_node(world: Any) -> None:
    """They are distinct and sorted by time."""
    with world.create(node_id=0xFFFF_FFFF) as instance:
        made = [instance.generate_uuid() for _ in range(2000)]
    assert {(each.version, each.variant, each.node) for each in made} == {
        (6, "specified in RFC 4122", 0xFFFF_FFFF)
    }
    assert len(set(made)) == 2000
    times = [each.int >> 64 for each in made]
    assert times == sorted(times)


def test_instances_are_only_created(world: Any) -> None:
    """Neither called, copied nor pickled."""
    with pytest.raises(TypeError, match="create_instance"):
        InstanceContext()
    with world.create() as instance, pytest.raises(TypeError, match="create info"):
        pickle.dumps(getattr(instance, "bare", instance))


def test_times_are_taken_when_asked_for(world: Any) -> None:
    """With `profile=True` the report has the seconds of each phase."""
    world.plugin("a")
    instance = world.bring_up(world.info(["a"]), profile=True)
    instance.close()
    (extension,) = instance.report().extensions
    assert list(extension.times) == ["new", "attach_to", "initialize", "teardown"]
    assert all(0 <= seconds < 10 for seconds in extension.times.values())
    assert world.create(["a"]).report().extensions[0].times == {}


# What optional extensions leave behind, and what an error, a callback or an exception that is kept may hold.


def test_p1_two_optional_extensions_on_one_cycle_are_both_set_aside(world: Any) -> None:
    """P5: each with the path that leads back to it."""
    world.plugin("a", REQUIRES=("b",))
    world.plugin("b", REQUIRES=("a",))
    plan = world.plan([], ["a", "b"])
    assert [(aside.name, aside.error_type) for aside in plan.set_aside] == [
        ("a", "DependencyCycleError"),
        ("b", "DependencyCycleError"),
    ]
    assert "'b' REQUIRES 'a' REQUIRES 'b'" in plan.set_aside[1].reason


@pytest.mark.parametrize("phase", ["new", "attach_to", "initialize"])
def test_t5_an_instance_that_set_something_aside_is_closed_at_once(
    world: Any, no_collector: None, phase: str
) -> None:
    """T5: the runtime keeps no frame that holds it."""
    world.plugin("a")
    world.plugin("b", {phase: ValueError("no")})
    instance = world.create(["a"], ["b"])
    dead = weakref.ref(instance)
    del instance
    assert world.journal[-1] == "teardown a"
    assert dead() is None


@pytest.mark.parametrize("phase", ["new", "attach_to", "initialize"])
def test_p1_what_a_set_aside_extension_deferred_is_undone_at_once(world: Any, phase: str) -> None:
    """P1, T3: with what requires it, last in first out, and with what was constructed let go of."""
    alive: list[weakref.ref[Any]] = []

    def half(plugin: Any) -> None:
        plugin = plugin[0] if isinstance(plugin, tuple) else plugin
        alive.append(weakref.ref(plugin))
        plugin.defer(plugin.note, "first")
        plugin.defer(plugin.note, "second")
        raise ValueError("no")

    def defer(plugin: Any) -> None:
        plugin[0].defer(plugin[0].note, "undone")

    world.plugin("a")
    world.plugin("b", {phase: half})
    world.plugin("c", {"new": defer}, REQUIRES=("b",))
    world.plugin("d")
    with world.create(["a", "d"], ["b", "c"]) as instance:
        undone = [line for line in world.journal if line.split()[0] in ("first", "second", "undone")]
        expected = ["second b", "first b"] if phase == "new" else ["undone c", "second b", "first b"]
        assert undone == expected
        assert [aside.name for aside in instance.report().set_aside] == ["b", "c"]
        assert [plugin.name for plugin in instance.extensions.values()] == ["a", "d"]
        gc.collect()
        assert [found() for found in alive] == [None]
        world.journal.clear()
    assert world.journal == ["teardown d", "teardown a"]


def test_p1_a_set_aside_extension_defers_no_more(world: Any) -> None:
    """P1: neither while it is undone nor afterwards; `self.instance` says that it has none."""
    errors: list[PluginStateError] = []
    kept: list[Any] = []

    def late(plugin: Any) -> None:
        with pytest.raises(PluginStateError) as caught:
            plugin.defer(print)
        errors.append(caught.value)

    def fail(plugin: Any) -> None:
        kept.append(plugin)
        plugin.defer(late, plugin)
        raise ValueError

    world.plugin("b", {"initialize": fail})
    with world.create([], ["b"]):
        late(kept[0])
        with pytest.raises(PluginStateError, match="has no instance any more"):
            kept[0].instance
    assert [error.problem for error in errors] == ["is being undone already"] * 2


def test_p1_a_failure_while_something_is_set_aside_is_logged_and_reported(world: Any) -> None:
    """P1: it never ends the creation."""
    lines: list[str] = []

    def fail(plugin: Any) -> None:
        plugin.defer(throw, KeyError("stuck"))
        raise ValueError("no")

    world.plugin("log", {"initialize": lambda plugin: logging_to(plugin, lines)})
    world.plugin("b", {"initialize": fail})
    with world.create(["log"], ["b"]) as instance:
        (failure,) = instance.report().failures
    assert "a callback that extension 'b' gave to defer failed: KeyError: 'stuck'" in failure.text
    assert "extension b is set aside: it failed in initialize: ValueError: no" in lines
    assert failure.text in lines


def test_p1_ctrl_c_while_something_is_set_aside_ends_the_creation(world: Any) -> None:
    """F1: when all that it deferred has run."""

    def fail(plugin: Any) -> None:
        plugin.defer(plugin.note, "last")
        plugin.defer(throw, KeyboardInterrupt())
        raise ValueError("no")

    world.plugin("a")
    world.plugin("b", {"initialize": fail})
    world.plugin("c")
    with pytest.raises(KeyboardInterrupt):
        world.create(["a"], ["b", "c"])
    assert world.journal[-3:] == ["initialize b", "last b", "teardown a"]


def test_t4_close_while_something_is_set_aside_ends_the_creation(world: Any) -> None:
    """T4: no further hook runs."""

    def fail(plugin: Any) -> None:
        plugin.defer(lambda instance: instance.close(), plugin.instance)
        raise ValueError

    world.plugin("a")
    world.plugin("b", {"initialize": fail})
    world.plugin("c")
    with pytest.raises(InstanceClosedError):
        world.create(["a"], ["b", "c"])
    assert world.journal[-2:] == ["initialize b", "teardown a"]


@pytest.mark.parametrize("profile", [False, True])
def test_p1_order_and_teardown_after_something_was_set_aside(world: Any, profile: bool) -> None:
    """P1, T1: the hooks that follow are those of the extensions that are left, watched or not."""
    world.plugin("a", {"initialize": ValueError})
    world.plugin("b", {"attach_to": ValueError})
    for name in "cd":
        world.plugin(name)
    info = world.info(["c", "d"], ["a", "b"])
    info = world.info(["c"], ["a", "b", "d"])
    instance = world.bring_up(info, profile=profile)
    instance.close()
    assert world.journal[-4:] == ["initialize a", "initialize d", "teardown d", "teardown c"]


class Puzzling:
    """What a mock is like: every attribute is there."""

    def __getattr__(self, name: str) -> Any:
        return Puzzling()

    def __and__(self, other: object) -> Any:
        return True


class Failing:
    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


@pytest.mark.parametrize("make", [Puzzling, Failing, int, lambda: (number for number in [1])])
def test_what_hooks_and_callbacks_return_is_ignored_unless_it_can_be_awaited(world: Any, make: Any) -> None:
    """F1, T1: no code of it runs."""
    result = make()
    kind = world.plugin("a", {"initialize": lambda plugin: plugin.defer(lambda: result)}, submit=False)
    kind.attach_to = lambda self, instance: result
    kind.teardown = lambda self: result
    world.inventory.submit(kind)
    world.create(["a"]).close()


@pytest.mark.parametrize("phase", ["new", "initialize", "teardown"])
def test_f1_a_stop_iteration_is_a_failure_like_any_other(world: Any, phase: str) -> None:
    """F1: the cause is what the hook raised."""
    world.plugin("a", {phase: lambda _: next(iter(()))})
    with pytest.raises(HyError, match=f"failed in {phase}: StopIteration") as caught:
        world.create(["a"]).close()
    failure = caught.value.exceptions[0] if isinstance(caught.value, TeardownError) else caught.value
    assert isinstance(failure.__cause__, StopIteration)


def test_t5_a_plugin_that_keeps_an_exception_keeps_no_instance(world: Any, no_collector: None) -> None:
    """T5: an exception keeps the frames that called the hook, and they hold none."""

    def keep(plugin: Any) -> None:
        try:
            raise ValueError
        except ValueError as error:
            plugin.kept = error

    for phase in ("attach_to", "initialize"):
        world.plugin(phase, {phase: keep})
        instance = world.create([phase])
        del instance
        assert world.journal[-1] == f"teardown {phase}"


def test_t5_a_failing_log_callback_keeps_no_instance(world: Any, no_collector: None) -> None:
    """T5, F4: what was reported is not kept."""
    world.plugin("a")
    instance = world.create(["a"])
    instance.ext.log_callback = lambda message: 1 / 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "unraisablehook", lambda args: None)
        hyinfo(instance, "text")
    del instance
    assert world.journal[-1] == "teardown a"


def test_f4_with_and_drop_leave_nothing_behind(world: Any, no_collector: None) -> None:
    """F4: whatever failed, and without the collector."""
    alive: list[weakref.ref[Any]] = []

    def fail(plugin: Any) -> None:
        alive.extend([weakref.ref(plugin), weakref.ref(plugin.instance)])
        raise ValueError("stuck")

    world.plugin("a", {"teardown": fail})
    with contextlib.suppress(KeyError), world.create(["a"]):
        raise KeyError("body")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "unraisablehook", lambda args: None)
        world.create(["a"])
    assert [found() for found in alive] == [None] * 4


def test_f4_a_kept_error_of_a_look_up_keeps_no_instance(world: Any, no_collector: None) -> None:
    """F4, T5: our frames in it are empty."""
    kept: list[BaseException] = []
    world.plugin("a")
    instance = world.create(["a"])
    for look_up in (instance.require_plugin_ext, instance.get_plugin_ext):
        try:
            look_up("nobody" if look_up == instance.require_plugin_ext else 3)
        except HyError as error:
            kept.append(error)
    del look_up, instance
    assert world.journal[-1] == "teardown a"
    assert [error.__context__ for error in kept] == [None, None]


def test_a_plugin_has_no_instance_before_it_is_attached(world: Any) -> None:
    """Not even through another plugin."""
    made: list[Any] = []

    def look(both: Any) -> None:
        with pytest.raises(PluginStateError, match="use self.instance from attach_to on"):
            made[0].instance

    world.plugin("a", {"new": lambda both: made.append(both[0])})
    world.plugin("b", {"new": look})
    world.create(["a", "b"]).close()


def test_a_report_tells_the_state_of_each(world: Any) -> None:
    """Planned, constructed, up, down."""
    seen: list[list[str]] = []

    def look(plugin: Any) -> None:
        instance = plugin.instance
        seen.append([extension.state for extension in instance.report().extensions])

    for name in "ab":
        world.plugin(name, {"initialize": look, "teardown": look})
    world.create(["a", "b"]).close()
    assert seen == [["constructed", "constructed"], ["up", "constructed"], ["up", "down"], ["down", "down"]]


def test_a_class_that_cannot_be_hashed_is_looked_up(world: Any) -> None:
    """By identity: the engine compares no classes."""

    class Meta(type):
        def __eq__(cls, other: object) -> bool:
            raise AssertionError

        __hash__ = None  # type: ignore[assignment]

    class Odd(PluginEXT, metaclass=Meta):
        UUID, NAME, DESCRIPTION = world.plugin("odd", submit=False).UUID, "odd", "Cannot be hashed"

    world.inventory.submit(Odd)
    world.plugin("a")
    with world.create(["odd", "a"]) as instance:
        assert type(instance.get_plugin_ext(Odd)) is Odd
        assert instance.require_plugin_ext("a").name == "a"


def test_identity_is_read_only(world: Any) -> None:
    """What logs and UUIDs carry is what the instance was created with."""
    instance = world.create(node_id=3)
    instance = getattr(instance, "bare", instance)
    for name in ("application_name", "application_version", "engine_name", "engine_version", "node_id"):
        with pytest.raises(AttributeError):
            setattr(instance, name, 4)


@pytest.mark.parametrize("given", [3, "hycore.plugins"])
def test_what_is_no_inventory_is_told(world: Any, given: Any) -> None:
    """By plan and create alike."""
    for call in (InstanceContext.plan, InstanceContext.create):
        with pytest.raises(ArgumentTypeError, match="inventory must be an Inventory, such as .*, not "):
            call(world.info(), inventory=given)


def test_look_ups_of_other_threads_while_extensions_come_and_go(plain_world: Any) -> None:
    """I2: a name gives its own plugin or none, whatever is set aside in that moment, and so it stays."""
    world = plain_world
    names = [f"p{number}" for number in range(24)]
    current: list[weakref.ref[InstanceContext]] = []
    for number, name in enumerate(names):
        acts: dict[str, Any] = {"initialize": ValueError} if number % 2 else {}
        if number == 0:
            acts["attach_to"] = lambda plugin: current.append(weakref.ref(plugin.instance))
        world.plugin(name, acts)
    wrong: list[object] = []
    ended = threading.Event()

    def poll() -> None:
        while not ended.is_set():
            instance = current[-1]() if current else None
            for name in names if instance is not None else ():
                try:
                    found: Any = instance.get_plugin_ext(name)
                    if found is not None and found.name != name:
                        wrong.append((name, found.name))
                except HyError:
                    continue
                except Exception as error:
                    wrong.append(error)
            del instance

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=poll) for _ in range(3)]
    try:
        for thread in threads:
            thread.start()
        for _ in range(400):
            instance = world.create([], names)
            for number, name in enumerate(names):
                if (instance.get_plugin_ext(name) is None) != bool(number % 2):
                    wrong.append(name)
            instance.close()
    finally:
        sys.setswitchinterval(before)
        ended.set()
        for thread in threads:
            thread.join(20)
    assert wrong == []
