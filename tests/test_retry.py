"""Rule R1: what was set aside is tried again, in every kind of host."""

from __future__ import annotations

import sys
import threading
import uuid
import weakref
from typing import Any

import pytest

from hycore import PluginEXT
from hycore.utils.error import (
    ArgumentTypeError,
    ArgumentValueError,
    HyError,
    InstanceClosedError,
    PluginFailedError,
    PluginNotFoundError,
    PluginNotReadyError,
    RetryError,
    TryAgainLaterError,
    UnconsumedConfigError,
    UnknownConfigTypeError,
)
from hycore.utils.opaque import OpaqueObject


class Limit(OpaqueObject):
    def __init__(self, value: int = 3) -> None:
        self.value = value


class Other(OpaqueObject):
    pass


class Mood:
    """Whether a plugin fails, and what it raises."""

    def __init__(self, *errors: BaseException | type[BaseException]) -> None:
        self.errors = list(errors)

    def __call__(self, plugin: Any) -> None:
        plugin = plugin[0] if isinstance(plugin, tuple) else plugin
        plugin.defer(plugin.note, "undone")
        if self.errors:
            raise self.errors.pop(0)


@pytest.mark.parametrize("phase", ["new", "attach_to", "initialize"])
def test_r1_what_failed_may_come_up_later(world: Any, phase: str) -> None:
    """R1: last in the order, with look-ups and teardown accordingly."""
    kind = world.plugin("late", {phase: Mood(ValueError("not yet"), ValueError("still not"))})
    world.plugin("a")
    with world.create(["a"], ["late"]) as instance:
        assert instance.get_plugin_ext(kind) is None
        world.journal.clear()
        assert instance.retry("late") is False
        assert world.journal[-1] == "undone late"
        (aside,) = instance.report().set_aside
        assert aside.reason == f"it failed in {phase}: ValueError: still not"
        assert [plugin.name for plugin in instance.extensions.values()] == ["a"]
        world.journal.clear()
        assert instance.retry("late") is True
        assert world.journal == ["new late", "attach_to late", "initialize late"]
        assert instance.report().set_aside == ()
        assert instance.require_plugin_ext(kind).name == "late"
        assert [plugin.name for plugin in instance.extensions.values()] == ["a", "late"]
        assert [plugin.name for plugin in instance.implementations(PluginEXT)] == ["a", "late"]
        assert [(each.name, each.reason) for each in instance.report().extensions] == [
            ("a", "enabled"),
            ("late", "optional; tried again"),
        ]
        assert instance.retry("late") is True
        world.journal.clear()
    assert world.journal == ["teardown late", "undone late", "teardown a"]


def test_r1_what_requires_it_comes_with_it(world: Any) -> None:
    """R1: in the order of the plan; what fails of that is set aside again."""
    world.plugin("a", {"initialize": Mood(ValueError)})
    world.plugin("b", {"initialize": Mood()}, REQUIRES=("a",))
    world.plugin("c", {"initialize": Mood(ValueError)}, REQUIRES=("b",))
    world.plugin("d", {"initialize": Mood(ValueError)})
    with world.create([], ["c", "b", "a", "d"]) as instance:
        assert [aside.name for aside in instance.report().set_aside] == ["a", "b", "c", "d"]
        world.journal.clear()
        assert instance.retry("a") is True
        assert world.journal[:3] == ["new a", "new b", "new c"]
        assert [plugin.name for plugin in instance.extensions.values()] == ["a", "b"]
        assert sorted(aside.name for aside in instance.report().set_aside) == ["c", "d"]
        assert instance.retry("c") is True
        assert [plugin.name for plugin in instance.extensions.values()] == ["a", "b", "c"]


def test_r1_an_extension_whose_requirement_is_set_aside_stays_so(world: Any) -> None:
    """R1: to be tried again is the one that it requires."""
    world.plugin("a", {"initialize": Mood(ValueError, ValueError)})
    world.plugin("b", REQUIRES=("a",))
    with world.create([], ["a", "b"]) as instance:
        world.journal.clear()
        assert instance.retry("b") is False
        assert world.journal == []
        assert {aside.name: aside.reason for aside in instance.report().set_aside}["b"] == (
            "it requires 'a', which is set aside"
        )
        assert instance.retry("a") is False


def test_r1_configuration_is_handed_over_again(world: Any) -> None:
    """R1: what it took, and what it claims and nobody took; each is the object itself."""
    taken: list[object] = []

    def take(both: Any) -> None:
        taken.append(both[1].require_ext(Limit))
        if len(taken) < 3:
            raise ValueError

    limit = Limit()
    world.plugin("late", {"new": take}, CREATE_INFO=Limit)
    with world.create([], ["late"], ext=[limit]) as instance:
        assert instance.retry("late") is False
        assert instance.retry("late") is True
        assert all(each is limit for each in taken)
        assert len(taken) == 3
        # That of the creation, and of the attempt that went well.
        assert [entry.taken_by for entry in instance.report().ledger] == ["late", "late"]


def test_r1_claimed_configuration_waits_for_an_extension_that_never_ran(world: Any) -> None:
    """R1: it was set aside in the plan, and nobody took what it would."""
    taken: list[object] = []
    limit = Limit()
    world.plugin(
        "late",
        {"new": lambda both: taken.append(both[1].require_ext(Limit))},
        CREATE_INFO=Limit,
        REQUIRES=("a",),
    )
    world.plugin("a", {"new": Mood(ValueError)})
    with world.create([], ["a", "late"], ext=[limit]) as instance:
        assert taken == []
        assert instance.retry("a") is True
        assert taken[0] is limit
        assert instance.get_plugin_ext("late") is not None


def test_r1_other_configuration_may_replace_it(world: Any) -> None:
    """R1: judged like that of a creation, and then kept for the next time."""
    taken: list[int] = []

    def take(both: Any) -> None:
        taken.append(both[1].require_ext(Limit).value)
        if len(taken) < 3:
            raise ValueError

    world.plugin("late", {"new": take}, CREATE_INFO=Limit)
    with world.create([], ["late"], ext=[Limit(1)]) as instance:
        with pytest.raises(UnknownConfigTypeError):
            instance.retry("late", ext=[3])
        assert instance.retry("late", ext=[Limit(2)]) is False
        assert instance.retry("late") is True
        assert taken == [1, 2, 2]


def test_r1_leftovers_of_other_configuration_undo_it(world: Any) -> None:
    """R1, C2: and are raised as themselves."""
    world.plugin("late", {"new": Mood(ValueError)})
    world.plugin("a")
    with world.create(["a"], ["late"]) as instance:
        world.journal.clear()
        with pytest.raises(UnconsumedConfigError):
            instance.retry("late", ext=[Other()])
        assert world.journal == ["new late", "undone late"]
        assert [aside.name for aside in instance.report().set_aside] == ["late"]
        assert instance.retry("late") is True


def test_r1_a_module_that_failed_to_import_is_imported_again(world: Any, site: Any) -> None:
    """R1: what was missing may be there by now."""
    import importlib

    site.distribution("late", "1", {"__EXT_late": "late_module:Plugin"})
    path = site.module("late_module", "raise ImportError('not yet')\n")
    with site.create([], ["__EXT_late"]) as instance:
        assert instance.retry("__EXT_late") is False
        path.write_text(
            "import uuid\nfrom hycore import PluginEXT\nclass Plugin(PluginEXT):\n"
            "    UUID, NAME, DESCRIPTION = uuid.UUID(int=7), '__EXT_late', 'Late'\n"
            + "# longer than before\n"
            * 9
        )
        importlib.invalidate_caches()
        assert instance.retry("__EXT_late") is True
        assert type(instance.require_plugin_ext("__EXT_late")).__module__ == "late_module"
    sys.modules.pop("late_module", None)


def test_r1_not_ready_yet_is_a_failure_with_a_hint(world: Any) -> None:
    """R1: `report()` shows after how many seconds to try again; required or not, it is a failure like any other."""
    world.plugin("late", {"initialize": Mood(TryAgainLaterError("the database starts", retry_after=2.5))})
    with world.create([], ["late"]) as instance:
        (aside,) = instance.report().set_aside
        assert aside.retry_after == 2.5
        assert "TryAgainLaterError: the database starts; try again in 2.5 s" in str(instance.report())
        assert instance.retry("late") is True
    world.plugin("needed", {"initialize": TryAgainLaterError(retry_after=1)})
    with pytest.raises(PluginFailedError, match="failed in initialize: TryAgainLaterError: try again in 1 s"):
        world.create(["needed"])
    for seconds, error in (("1", ArgumentTypeError), (True, ArgumentTypeError), (-1, ArgumentValueError)):
        with pytest.raises(error):
            TryAgainLaterError(retry_after=seconds)  # type: ignore[arg-type]


def test_r1_ctrl_c_undoes_only_what_the_retry_started(world: Any) -> None:
    """R1, F1: then it passes; everything else stays up, and it can be tried again."""
    world.plugin("a")
    world.plugin("late", {"initialize": Mood(ValueError)})
    world.plugin("then", {"initialize": Mood(KeyboardInterrupt)}, REQUIRES=("late",))
    with world.create(["a"], ["late", "then"]) as instance:
        world.journal.clear()
        with pytest.raises(KeyboardInterrupt):
            instance.retry("late")
        assert world.journal[-3:] == ["undone then", "teardown late", "undone late"]
        assert [plugin.name for plugin in instance.extensions.values()] == ["a"]
        assert [aside.name for aside in instance.report().set_aside] == ["late", "then"]
        assert instance.get_plugin_ext("late") is None
        instance.get_plugin_ext("a").defer(world.journal.append, "last")
        assert instance.retry("late") is True
        assert [plugin.name for plugin in instance.extensions.values()] == ["a", "late", "then"]
        world.journal.clear()
    assert world.journal == [
        "teardown then",
        "undone then",
        "teardown late",
        "undone late",
        "teardown a",
        "last",
    ]


def test_r1_what_fails_while_it_is_undone_is_told(world: Any) -> None:
    """R1, F3: as notes of what is raised."""

    def fail(plugin: Any) -> None:
        plugin.defer(throw, KeyError("stuck"))
        raise errors.pop()

    def throw(error: BaseException) -> None:
        raise error

    errors: list[BaseException] = [KeyboardInterrupt(), ValueError()]
    world.plugin("late", {"initialize": fail})
    with world.create([], ["late"]) as instance:
        with pytest.raises(KeyboardInterrupt) as caught:
            instance.retry("late")
        assert (
            "a callback that extension 'late' gave to defer failed: KeyError: 'stuck'"
            in caught.value.__notes__[0]
        )


def test_r1_look_ups_during_a_retry(world: Any) -> None:
    """R1, I2: those before are there, one that follows is told with the line to declare."""
    seen: list[object] = []

    def look(plugin: Any) -> None:
        get = plugin.instance.get_plugin_ext
        seen.append((get("a") is not None, [each.name for each in plugin.instance.extensions.values()]))
        with pytest.raises(PluginNotReadyError, match="REQUIRES = "):
            get("then")

    mood = Mood(ValueError)
    world.plugin("a")
    world.plugin("late", {"new": mood, "initialize": look})
    world.plugin("then", REQUIRES=("late",))
    with world.create(["a"], ["late", "then"]) as instance:
        assert instance.retry("late") is True
    assert seen == [(True, ["a"])]


def test_r1_names_that_cannot_be_tried(world: Any) -> None:
    """R1: what was not asked for, what is no name, and an instance that is closed."""
    world.plugin("a")
    world.plugin("late", {"initialize": ValueError})
    instance = world.create(["a"], ["late"])
    assert instance.retry("a") is True
    with pytest.raises(PluginNotFoundError, match="did you mean 'late'"):
        instance.retry("lat")
    with pytest.raises(ArgumentTypeError, match="name must be the name of an extension, not int"):
        instance.retry(3)
    instance.close()
    with pytest.raises(InstanceClosedError):
        instance.retry("late")


def test_r1_one_at_a_time(plain_world: Any) -> None:
    """R1: from another thread, and from a hook of what is tried again."""
    world = plain_world
    trying, go_on = threading.Event(), threading.Event()
    errors: list[HyError] = []
    mood = [ValueError()]

    def slowly(plugin: Any) -> None:
        if mood:
            raise mood.pop()
        for name in ("late", "other"):
            with pytest.raises(RetryError, match="another one is tried again at this moment") as caught:
                plugin.instance.retry(name)
            errors.append(caught.value)
        trying.set()
        assert go_on.wait(20)

    world.plugin("late", {"initialize": slowly})
    world.plugin("other", {"initialize": Mood(ValueError)})
    with world.create([], ["late", "other"]) as instance:
        thread = threading.Thread(target=instance.retry, args=("late",))
        thread.start()
        assert trying.wait(20)
        with pytest.raises(RetryError):
            instance.retry("other")
        go_on.set()
        thread.join(20)
        assert instance.retry("other") is True
        assert [plugin.name for plugin in instance.extensions.values()] == ["late", "other"]
    assert len(errors) == 2


def test_r1_not_while_it_is_created(world: Any) -> None:
    """R1: the creation is no time for it."""

    def again(plugin: Any) -> None:
        with pytest.raises(RetryError, match="the instance is still being created"):
            plugin.instance.retry("late")

    world.plugin("late", {"new": ValueError})
    world.plugin("a", {"initialize": again})
    world.create([], ["late", "a"]).close()


def test_r1_close_ends_it_and_then_the_instance(world: Any) -> None:
    """R1, T4: inside a hook it returns at once, and everything is undone when the hook has run."""

    def close(plugin: Any) -> None:
        if mood:
            raise mood.pop()
        plugin.instance.close()
        world.journal.append("returned")

    mood = [ValueError()]
    world.plugin("a")
    world.plugin("late")
    plain = type(world)("plain")
    plain.inventory, plain.journal = world.inventory, world.journal
    plain.plugin("late", {"initialize": close})
    instance = world.create(["a"], ["late"])
    with pytest.raises(InstanceClosedError, match="closed while an extension was tried again"):
        instance.retry("late")
    assert world.journal[-3:] == ["returned", "teardown late", "teardown a"]
    assert instance.closed


def test_r1_a_thread_that_closes_meanwhile_waits(plain_world: Any) -> None:
    """R1, T4: until the one that tries again has closed."""
    world = plain_world
    trying = threading.Event()
    closed: list[bool] = []

    def slowly(plugin: Any) -> None:
        if mood:
            raise mood.pop()
        trying.set()
        while not plugin.instance._life.aborted:
            pass

    mood = [ValueError()]
    world.plugin("late", {"initialize": slowly})
    instance = world.create([], ["late"])

    def close() -> None:
        assert trying.wait(20)
        instance.close()
        closed.append(instance.closed)

    thread = threading.Thread(target=close)
    thread.start()
    with pytest.raises(InstanceClosedError):
        instance.retry("late")
    thread.join(20)
    assert closed == [True]
    assert world.journal[-1] == "teardown late"


def test_r1_keeps_nothing_alive(world: Any, no_collector: None) -> None:
    """R1, F4, T5: neither what failed, nor the instance, nor configuration of what is up."""
    alive: list[weakref.ref[Any]] = []

    class Held(OpaqueObject):
        pass

    def take(both: Any) -> None:
        alive.append(weakref.ref(both[0]))
        both[1].require_ext(Held)

    mood = Mood(ValueError, ValueError)
    world.plugin("late", {"new": take, "initialize": mood}, CREATE_INFO=Held)
    held = Held()
    instance = world.create([], ["late"], ext=[held])
    assert instance.retry("late") is False
    assert [found() for found in alive] == [None, None]
    assert instance.retry("late") is True
    kept = weakref.ref(held)
    del held
    assert kept() is None
    dead = weakref.ref(getattr(instance, "bare", instance))
    del instance
    assert dead() is None
    assert world.journal[-2:] == ["teardown late", "undone late"]


def test_r1_asynchronous_hooks_need_aretry(worlds: Any) -> None:
    """R1: the plain call says so, and nothing has run."""
    world = worlds("asyncio")
    world.plugin("late", {"initialize": Mood(ValueError)})
    instance = world.create([], ["late"])
    world.journal.clear()
    with pytest.raises(RetryError, match=r"'late' has asynchronous hooks; await instance.aretry\('late'\)"):
        instance.bare.retry("late")
    assert world.journal == []
    assert instance.retry("late") is True
    instance.close()


class Anything(PluginEXT):
    UUID, NAME, DESCRIPTION = uuid.UUID(int=3), "anything", "Anything"


def test_r1_a_plan_is_made_anew(world: Any) -> None:
    """R1, P2: what was unknown may be registered by now."""
    with world.create([], ["anything"]) as instance:
        assert instance.retry("anything") is False
        world.inventory.submit(Anything)
        assert instance.retry("anything") is True


def test_r1_a_refused_retry_changes_nothing(world: Any) -> None:
    """R1: whatever raises, the next time gets the same configuration."""

    def broken() -> Any:
        yield Limit(2)
        raise OSError("config")

    taken: list[object] = []

    def take(both: Any) -> None:
        taken.append(both[1].require_ext(Limit))
        if len(taken) < 3:
            raise ValueError

    limit = Limit()
    world.plugin("late", {"new": take}, CREATE_INFO=Limit)
    with world.create([], ["late"], ext=[limit]) as instance:
        for ext, error in (
            ([3], UnknownConfigTypeError),
            (broken(), OSError),
            ([Limit(2), Other()], UnconsumedConfigError),
        ):
            with pytest.raises(error):
                instance.retry("late", ext=ext) if error is not UnconsumedConfigError else instance.retry(
                    "late", ext=[Other()]
                )
            assert [aside.name for aside in instance.report().set_aside] == ["late"]
        taken.append(None)
        assert instance.retry("late") is True
        assert taken[0] is taken[-1] is limit


def test_r1_new_configuration_takes_the_place_of_its_types_only(world: Any) -> None:
    """R1: a dependent keeps what it took before, and what of the new it took and failed."""
    taken: list[object] = []

    def take(kind: type, fails: list[bool]) -> Any:
        def act(both: Any) -> None:
            taken.append(both[1].require_ext(kind))
            if fails.pop(0):
                raise ValueError

        return act

    limit, other, newer = Limit(), Other(), Limit(9)
    world.plugin("a", {"new": take(Limit, [False, False]), "initialize": Mood(ValueError)}, CREATE_INFO=Limit)
    world.plugin("b", {"new": take(Other, [False, True, False])}, CREATE_INFO=Other, REQUIRES=("a",))
    with world.create([], ["a", "b"], ext=[limit, other]) as instance:
        assert taken == [limit, other]
        assert instance.retry("a", ext=[newer]) is True
        assert taken[2:] == [newer, other]
        assert [aside.name for aside in instance.report().set_aside] == ["b"]
        assert instance.retry("b") is True
        assert taken[4:] == [other]


def test_r1_ctrl_c_passes_though_the_instance_was_closed(plain_world: Any) -> None:
    """R1, F1: with the instance closed on the way."""
    world = plain_world

    def close_and_interrupt(plugin: Any) -> None:
        if mood:
            raise mood.pop()
        plugin.instance.close()
        raise KeyboardInterrupt

    mood = [ValueError()]
    world.plugin("a")
    world.plugin("late", {"initialize": close_and_interrupt})
    instance = world.create(["a"], ["late"])
    with pytest.raises(KeyboardInterrupt):
        instance.retry("late")
    assert instance.closed
    assert world.journal[-1] == "teardown a"


def test_r1_a_report_during_a_retry(world: Any) -> None:
    """R1: also of what the plan had set aside, and has no reason yet."""
    texts: list[str] = []
    world.plugin("a", {"new": Mood(ValueError)})
    world.plugin(
        "late", {"initialize": lambda plugin: texts.append(str(plugin.instance.report()))}, REQUIRES=("b",)
    )
    with world.create([], ["a", "late", "b"]) as instance:
        world.plugin("b")
        assert instance.retry("b") is True
    assert "late  constructed  optional; tried again" in texts[0]
