"""The recorder of the lifecycle and faults on demand, in every kind of host."""

from __future__ import annotations

import copy
import pickle
import threading
import uuid
import weakref
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from hycore import InstanceContext, OpaqueList, PluginEXT
from hycore.base.api import create_instance
from hycore.ext import define_plugin
from hycore.testing import (
    FaultNotReachedError,
    InjectedFaultError,
    LifecycleEvent,
    inject_fault,
    make_instance,
    record_lifecycle,
)
from hycore.utils.error import (
    ArgumentTypeError,
    ArgumentValueError,
    HyError,
    PlanError,
    PluginFailedError,
    PluginLoadError,
    TeardownError,
)

BRINGING_UP = ["new", "attach_to", "initialize"]
PHASES = [*BRINGING_UP, "teardown", "defer"]


class Foo(PluginEXT):
    UUID = uuid.UUID("cdb726aa-8656-486f-a5b5-ff09f37a83fb")
    NAME = "__EXT_FOO"
    DESCRIPTION = "Provides foo-related features"


def defer_note(plugin: Any) -> None:
    plugin.defer(plugin.note, "undone")


# The recorder.


def test_what_happens_is_recorded_in_order(world: Any) -> None:
    """Hooks, whether plain or awaited, and deferred callbacks, in the order in which they begin."""
    a = world.plugin("a", {"attach_to": defer_note})
    world.plugin("b")
    with record_lifecycle() as recorder, world.create(["a", "b"]):
        assert recorder.events == [(name, phase) for phase in BRINGING_UP for name in ("a", "b")]
        recorder.clear()
    assert recorder.events == [("b", "teardown"), ("a", "teardown"), ("a", "defer")]
    assert recorder.phases("a") == recorder.phases(a) == ["teardown", "defer"]
    assert recorder.failures == []


def test_what_fails_is_recorded_with_its_error(world: Any) -> None:
    """As it stands in the error of the runtime: by its type and text."""
    world.plugin("a", {"teardown": OSError("no such device")})
    world.plugin("b", {"initialize": ValueError("not today")})
    with record_lifecycle() as recorder, pytest.raises(PluginFailedError):
        world.create(["a", "b"])
    assert [(event.plugin, event.phase, event.error) for event in recorder.failures] == [
        ("b", "initialize", "ValueError: not today"),
        ("a", "teardown", "OSError: no such device"),
    ]
    assert repr(recorder.failures[0]) == "<initialize of b failed: ValueError: not today>"
    assert repr(recorder) == "<LifecycleRecorder, 7 events, 2 failures>"


def test_each_instance_has_its_number(world: Any) -> None:
    """From 1, in the order of their creation, to their ends, also if these come after the recording."""
    world.plugin("a")
    with world.create(["a"]), record_lifecycle() as recorder:  # the first is not recorded
        first, second = world.create(["a"]), world.create(["a"])
    first.close()
    second.close()
    assert [event.instance for event in recorder.events] == [1, 1, 1, 2, 2, 2, 1, 2]
    assert recorder.phases("a")[-2:] == ["teardown", "teardown"]


def test_what_is_tried_again_is_recorded(world: Any) -> None:
    """Optional extensions that fail, and come up by a retry."""
    errors = [ConnectionError("not yet")]

    def connect(plugin: Any) -> None:
        defer_note(plugin)
        if errors:
            raise errors.pop()

    world.plugin("late", {"initialize": connect})
    with record_lifecycle() as recorder, world.create([], ["late"]) as instance:
        assert recorder.phases("late") == [*BRINGING_UP, "defer"]
        recorder.clear()
        assert instance.retry("late") is True
    assert recorder.phases("late") == [*BRINGING_UP, "teardown", "defer"]


def test_imports_of_installed_plugins_are_recorded(site: Any) -> None:
    """Of which instance an import is cannot be told: it belongs to none."""
    site.foo()
    with record_lifecycle() as recorder:
        site.create(["__EXT_FOO"]).close()
    assert recorder.phases("__EXT_FOO") == ["import", *BRINGING_UP, "teardown"]
    assert [event.instance for event in recorder.events] == [0, 1, 1, 1, 1]


def test_recorders_do_not_disturb_each_other(plain_world: Any) -> None:
    """One in another, or both at once and ended in either order."""
    plain_world.plugin("a")
    outer, inner = record_lifecycle(), record_lifecycle()
    first = outer.__enter__()
    plain_world.create(["a"]).close()
    second = inner.__enter__()
    outer.__exit__(None, None, None)
    plain_world.create(["a"]).close()
    inner.__exit__(None, None, None)
    plain_world.create(["a"]).close()
    assert first.phases("a") == second.phases("a") == [*BRINGING_UP, "teardown"]


def test_what_is_recorded_is_as_it_is_without_a_recorder(world: Any) -> None:
    """Plugins get the same reference, find the same instance and each other, and their times are taken."""
    found: list[Any] = []

    def look(plugin: Any) -> None:
        found.append((plugin.instance.get_plugin_ext("a"), plugin.instance))

    a = world.plugin("a")
    world.plugin("b", {"initialize": look})
    with record_lifecycle(), world.bring_up(world.info(["a", "b"]), profile=True) as instance:
        bare = getattr(instance, "bare", instance)
        assert type(instance.get_plugin_ext(a)) is a
        assert found == [(instance.get_plugin_ext(a), bare)]
        assert instance.implementations(PluginEXT) == tuple(instance.extensions.values())
        times = [set(entry.times) for entry in instance.report().extensions]
    assert times == [set(BRINGING_UP), set(BRINGING_UP)]


def test_what_cannot_be_awaited_here_is_refused_all_the_same() -> None:
    """A plain host awaits nothing; the coroutine is closed, so that Python does not warn of it."""
    closed: list[str] = []

    async def wait() -> None: ...

    class Future:
        def __await__(self) -> Iterator[None]:
            yield

        def cancel(self) -> None:
            closed.append("cancelled")

    class Waits(Foo):
        def __init__(self) -> None:
            self.defer(Future)

        def initialize(self) -> Any:
            return wait()

    with record_lifecycle() as recorder, pytest.raises(PluginFailedError, match="it returned an awaitable"):
        make_instance(Waits)
    assert recorder.phases(Waits) == [*BRINGING_UP, "defer"]
    assert closed == ["cancelled"]


def test_a_record_keeps_no_instance_alive(plain_world: Any, no_collector: None) -> None:
    """Nor a plugin: what it keeps is text."""
    kind = plain_world.plugin("a", {"new": lambda both: both[0].defer(print, end="", flush=False)})
    with record_lifecycle() as recorder:
        instance = plain_world.create(["a"])
        references = [weakref.ref(instance), weakref.ref(instance.get_plugin_ext(kind))]
        del instance
        assert [reference() for reference in references] == [None, None]
    assert recorder.phases("a") == [*BRINGING_UP, "teardown", "defer"]


def test_events_are_values() -> None:
    """Each is the pair of name and phase, and survives being copied and pickled."""
    event = LifecycleEvent("a", "teardown", instance=2, error="OSError")
    assert event == ("a", "teardown") and {event} == {("a", "teardown")}
    for twin in (copy.copy(event), pickle.loads(pickle.dumps(event))):
        assert (twin, twin.instance, twin.error) == (("a", "teardown"), 2, "OSError")
    assert repr(LifecycleEvent("a", "new")) == "<new of a>"


def test_a_plugin_is_named_by_its_class_or_its_name() -> None:
    """Anything else is refused."""
    with record_lifecycle() as recorder:
        make_instance(Foo).close()
    assert recorder.phases(Foo) == recorder.phases("__EXT_FOO") == [*BRINGING_UP, "teardown"]
    for wrong in (3, int, Foo()):
        with pytest.raises(ArgumentTypeError, match="plugin must be a plugin class, or the name"):
            recorder.phases(wrong)  # type: ignore[arg-type]


def test_instances_of_several_threads_are_recorded() -> None:
    """Each event ends as it should, whatever the others do meanwhile."""

    class Fails(Foo):
        def initialize(self) -> None:
            barrier.wait()
            raise ValueError(threading.current_thread().name)

    def run() -> None:
        with pytest.raises(PluginFailedError):
            make_instance(Fails)

    barrier = threading.Barrier(4)
    with record_lifecycle() as recorder:
        threads = [threading.Thread(target=run, name=f"thread {n}") for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(event.error or "" for event in recorder.failures) == [
        f"ValueError: thread {n}" for n in range(4)
    ]


# Faults on demand.


@pytest.mark.parametrize("phase", BRINGING_UP)
def test_a_phase_that_brings_up_fails_before_its_code_runs(world: Any, phase: str) -> None:
    """What came before is undone, as with any failure."""
    world.plugin("a")
    b = world.plugin("b", {"new": lambda both: defer_note(both[0])})
    with inject_fault(b, phase) as fault, pytest.raises(PluginFailedError) as caught:
        world.create(["a", "b"])
    assert (caught.value.plugin, caught.value.phase) == ("b", phase)
    assert isinstance(caught.value.__cause__, InjectedFaultError)
    assert str(caught.value.__cause__) == f"a test lets {phase} of 'b' fail"
    assert fault.count == 1
    expected = {
        "new": ["new a"],
        "attach_to": ["new a", "new b", "attach_to a", "undone b"],
        "initialize": [
            *["new a", "new b", "attach_to a", "attach_to b", "initialize a", "undone b"],
            "teardown a",
        ],
    }
    assert world.journal == expected[phase]


@pytest.mark.parametrize("phase", ["teardown", "defer"])
def test_what_undoes_runs_and_then_fails(world: Any, phase: str) -> None:
    """What it would leave behind is not what a test of the host is about."""
    world.plugin("a", {"new": lambda both: defer_note(both[0])})
    with inject_fault("a", phase) as fault:
        instance = world.create(["a"])
        with pytest.raises(TeardownError) as caught:
            instance.close()
    (failure,) = caught.value.exceptions
    assert (failure.plugin, failure.phase) == ("a", phase)
    assert world.journal[-2:] == ["teardown a", "undone a"]
    assert repr(fault) == f"<Fault in {phase} of a, has struck 1 times>"


def test_what_undoes_may_fail_by_itself(plain_world: Any) -> None:
    """The fault was reached, and there is nothing to add to it."""
    plain_world.plugin("a", {"teardown": OSError("gone")})
    with inject_fault("a", "teardown") as fault, pytest.raises(TeardownError, match="OSError: gone"):
        plain_world.create(["a"]).close()
    assert fault.count == 1


def test_an_import_can_be_made_to_fail(site: Any) -> None:
    """Of an installed extension; its module is not imported, and may be imported later."""
    site.foo()
    with (
        inject_fault("__EXT_FOO", "import", error=ImportError("no libfoo")),
        pytest.raises(PlanError) as caught,
    ):
        site.create(["__EXT_FOO"])
    (failure,) = caught.value.exceptions
    assert isinstance(failure, PluginLoadError)
    assert "ImportError: no libfoo" in str(failure)
    assert str(failure.__cause__) == "no libfoo"
    site.create(["__EXT_FOO"]).close()


@pytest.mark.parametrize("error", [OSError("no such device"), KeyboardInterrupt, SystemExit(3)])
def test_what_is_raised_can_be_chosen(plain_world: Any, error: Any) -> None:
    """An exception, or its class: also such as pass through a host."""
    plain_world.plugin("a")
    kind = error if isinstance(error, type) else type(error)
    with inject_fault("a", "initialize", error=error), pytest.raises(BaseException) as caught:
        plain_world.create(["a"])
    cause = caught.value if kind is KeyboardInterrupt else caught.value.__cause__
    assert cause is error or type(cause) is error


def test_a_fault_strikes_in_every_instance_that_is_created_meanwhile(world: Any) -> None:
    """And in none that was there before, or that comes afterwards."""
    world.plugin("a")
    before = world.create(["a"])
    with inject_fault("a", "teardown") as fault:
        for _ in range(2):
            with pytest.raises(TeardownError):
                world.create(["a"]).close()
        before.close()
        later = world.create(["a"])
    later.close()  # created meanwhile, and the fault is over
    world.create(["a"]).close()
    assert fault.count == 2


def test_an_optional_extension_is_set_aside(world: Any) -> None:
    """The host sees what it would see of a real failure."""
    world.plugin("a")
    with (
        inject_fault("a", "initialize", error=OSError("no such device")),
        world.create([], ["a"]) as instance,
    ):
        (aside,) = instance.report().set_aside
        assert (aside.name, aside.reason) == ("a", "it failed in initialize: OSError: no such device")


def test_a_fault_that_never_strikes_is_an_error(plain_world: Any) -> None:
    """The test would prove nothing; it says what came, or which name was meant."""

    def host(names: tuple[str, ...]) -> None:
        if names:
            plain_world.create(names).close()

    def message(plugin: str, phase: str, *names: str) -> str:
        with pytest.raises(FaultNotReachedError) as caught, inject_fault(plugin, phase):
            host(names)
        assert (caught.value.plugin, caught.value.phase) == (plugin, phase)
        return str(caught.value)

    plain_world.plugin("alpha")
    plain_world.plugin("beta")
    head = "defer of extension 'alpha' was to fail, and never came"
    assert message("alpha", "defer", "alpha") == (
        f"{head}: of that extension came new, attach_to, initialize, teardown; let one of these fail"
    )
    assert message("alpha", "defer") == (
        f"{head}, nor any other extension: create the instance inside of the with block, in this process"
    )
    assert message("alhpa", "new", "alpha", "beta").endswith("; did you mean 'alpha'?")
    assert message("zzzzz", "new", "alpha", "beta").endswith("; those that came: 'alpha', 'beta'")


def test_what_a_host_raises_is_not_hidden_by_a_fault_that_never_struck() -> None:
    """The error of the body passes as itself."""
    with pytest.raises(ZeroDivisionError), inject_fault("a", "new"):
        raise ZeroDivisionError


def test_a_fault_keeps_nothing_alive(plain_world: Any, no_collector: None) -> None:
    """When the error is gone, so is the plugin."""
    kind = plain_world.plugin("a")
    references: list[weakref.ref[Any]] = []
    kind.__init__ = lambda plugin: references.append(weakref.ref(plugin))
    with inject_fault("a", "initialize"):
        with suppress(HyError):
            plain_world.create(["a"])
        assert [reference() for reference in references] == [None]


def test_what_is_called_wrongly_is_refused() -> None:
    """With the phases that there are."""
    with pytest.raises(ArgumentValueError, match="phase must be one of 'import', 'new', 'attach_to'"):
        inject_fault("a", "start").__enter__()
    with pytest.raises(ArgumentTypeError, match="plugin must be a plugin class, or the name of an extension"):
        inject_fault(3, "new").__enter__()  # type: ignore[arg-type]
    with pytest.raises(ArgumentTypeError, match="error must be an exception, such as OSError"):
        inject_fault("a", "new", error="no such device").__enter__()  # type: ignore[arg-type]


def test_whichever_inventory_is_looked_at(plain_world: Any) -> None:
    """The default one of the process, too, and whichever way an instance is created."""

    @define_plugin
    class Global(PluginEXT):
        UUID, NAME, DESCRIPTION = uuid.uuid4(), "__EXT_testing_recorder", "Of the default inventory"

        @classmethod
        def new(cls, ext: OpaqueList) -> Global:
            return cls()

    info = plain_world.info(["__EXT_testing_recorder"])
    with record_lifecycle() as recorder:
        create_instance(info).close()
        InstanceContext.create(info).close()
    assert recorder.phases(Global) == [*BRINGING_UP, "teardown"] * 2
