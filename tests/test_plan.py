"""Rules P1 to P7: what comes up, in which order, and every problem at once."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hycore import InstanceContext, PluginEXT
from hycore.ext import Inventory
from hycore.utils.error import (
    ArgumentTypeError,
    ArgumentValueError,
    DependencyCycleError,
    DuplicatedKeyError,
    HyError,
    IncompatiblePluginError,
    MissingDependencyError,
    PlanError,
    PluginFailedError,
    PluginLoadError,
    PluginNotFoundError,
)


def problems(world: Any, *request: Any, **options: Any) -> tuple[HyError, ...]:
    with pytest.raises(PlanError) as caught:
        world.plan(*request, **options)
    return caught.value.exceptions


def aside(world: Any, *request: Any) -> dict[str, str]:
    return {entry.name: entry.error_type for entry in world.plan(*request).set_aside}


# P1


def test_p1_enabled_extensions_must_all_be_there(world: Any) -> None:
    """P1: an enabled extension that is missing keeps the instance from being created."""
    world.plugin("a")
    with pytest.raises(PlanError):
        world.create(["a", "b"])
    assert world.journal == []


def test_p1_an_optional_extension_may_be_missing(world: Any) -> None:
    """P1: an optional extension that is missing is set aside, stays visible, and is warned about."""
    world.plugin("a")
    with world.create(["a"], ["b"]) as instance:
        (entry,) = instance.report().set_aside
        assert (entry.name, entry.error_type, entry.traceback) == ("b", "PluginNotFoundError", "")
        assert [plugin.name for plugin in instance.extensions.values()] == ["a"]
        assert "set aside: b: PluginNotFoundError: no extension is named 'b'" in str(instance.report())


def test_p1_with_an_optional_extension_goes_what_requires_it(world: Any) -> None:
    """P1: what requires a set-aside extension, directly or not, is set aside with it."""
    world.plugin("b", REQUIRES=("a",))
    world.plugin("c", REQUIRES=("b",))
    world.plugin("d", AFTER=("a",))
    plan = world.plan([], ["c", "b", "a", "d"])
    assert plan.names == ("d",)
    assert [(entry.name, entry.reason) for entry in plan.set_aside] == [
        ("c", "it requires 'b', which is set aside"),
        ("b", "it requires 'a', which is set aside"),
        (
            "a",
            "no extension is named 'a'; looked in the plugins registered in this process; known: 'b', 'c', 'd'; "
            "if it is another one, install its package, or import the module of its class, which has @define_plugin",
        ),
    ]


def test_p1_an_optional_extension_that_an_enabled_one_requires_counts_as_enabled(world: Any) -> None:
    """P1: through any number of steps, and then its failure is a failure of the plan."""
    world.plugin("a", REQUIRES=("b",))
    world.plugin("b", REQUIRES=("c",))
    world.plugin("c", REQUIRES_ENGINE=">=2")
    (problem,) = problems(world, ["a"], ["b", "c"])
    assert isinstance(problem, IncompatiblePluginError)
    assert "optional, required by b" in str(world.plan(["a"], ["b", "c"], engine=(2, 0, 0)))


def test_p1_an_optional_extension_that_an_enabled_one_requires_may_not_fail(world: Any) -> None:
    """P1: it counts as enabled, also through another one."""
    world.plugin("a", REQUIRES=("b",))
    world.plugin("b", REQUIRES=("c",))
    world.plugin("c", {"initialize": ValueError("no")})
    with pytest.raises(PluginFailedError, match="'c' failed in initialize: ValueError: no"):
        world.create(["a"], ["b", "c"])


@pytest.mark.parametrize("phase", ["new", "attach_to", "initialize"])
def test_p1_an_optional_extension_may_fail(world: Any, phase: str) -> None:
    """P1: one that fails is undone with everything that requires it; the others come up."""
    world.plugin("a")
    world.plugin("b", {phase: ValueError("no")})
    world.plugin("c", REQUIRES=("b",))
    world.plugin("d", AFTER=("b",))
    world.plugin("e", REQUIRES=("c",))
    with world.create(["a", "d"], ["b", "c", "e"]) as instance:
        assert [plugin.name for plugin in instance.extensions.values()] == ["a", "d"]
        assert [entry.name for entry in instance.report().set_aside] == ["b", "c", "e"]
        assert f"failed in {phase}: ValueError: no" in instance.report().set_aside[0].reason
        assert instance.get_plugin_ext("b") is None
        with pytest.raises(PluginNotFoundError, match="tries it again: it failed in"):
            instance.require_plugin_ext("b")
    assert "teardown b" not in world.journal
    assert "initialize c" not in world.journal


@pytest.mark.parametrize("error", [KeyboardInterrupt, GeneratorExit])
@pytest.mark.parametrize("phase", ["new", "attach_to", "initialize"])
def test_p1_an_optional_extension_swallows_no_interrupt(
    world: Any, phase: str, error: type[BaseException]
) -> None:
    """P1, F1: Ctrl-C in an optional extension ends the creation."""
    if world.kind != "plain" and error is GeneratorExit and phase == "initialize":
        pytest.skip("where it is awaited it says that the coroutine is being closed")
    world.plugin("a")
    world.plugin("b", {phase: error})
    with pytest.raises(error):
        world.create(["a"], ["b"])
    assert world.journal[-1] == ("teardown a" if phase == "initialize" else f"{phase} b")


# P2


def test_p2_an_unknown_name_is_told_with_the_closest_known(world: Any) -> None:
    """P2: the error has the name, the closest known names, and where was looked."""
    world.plugin("__EXT_lines")
    (problem,) = problems(world, ["__EXT_line"])
    assert isinstance(problem, PluginNotFoundError)
    assert str(problem) == (
        "no extension is named '__EXT_line'; looked in the plugins registered in this process; "
        "did you mean '__EXT_lines'?"
    )


# P3


@pytest.mark.parametrize("request_", [(["a", "a"],), (["a"], ["a"]), ([], ["a", "a"])])
def test_p3_a_name_asked_for_twice_is_an_error(world: Any, request_: Any) -> None:
    """P3: in one list or across both; the Rust build replaces the first silently."""
    world.plugin("a")
    (problem,) = problems(world, *request_)
    assert isinstance(problem, DuplicatedKeyError)
    assert str(problem).startswith("extension 'a' is asked for ")
    assert str(problem).endswith(": ask for it once")


def test_p3_two_enabled_extensions_of_one_uuid_are_an_error(world: Any) -> None:
    """P3: the error names both owners."""
    same = uuid.uuid4()
    one, other = Inventory(group=None), world.inventory
    first = world.plugin("a", submit=False, UUID=same)
    second = world.plugin("b", submit=False, UUID=same)
    one.submit(first)
    with pytest.raises(DuplicatedKeyError) as caught:
        one.submit(second)
    assert caught.value.kind == "UUID"
    assert "Plugin_a" in str(caught.value) and "Plugin_b" in str(caught.value)
    assert other.names() == ()


# P4


def test_p4_a_module_that_cannot_be_imported_is_told_with_its_distribution(site: Any) -> None:
    """P4: the error names entry point and distribution, and is caused by the original."""
    site.distribution("broken", "1.5", {"__EXT_broken": "broken_module:Plugin"})
    site.module("broken_module", "raise RuntimeError('half installed')")
    (problem,) = problems(site, ["__EXT_broken"])
    assert isinstance(problem, PluginLoadError)
    assert isinstance(problem.__cause__, RuntimeError)
    assert str(problem) == (
        "extension '__EXT_broken' cannot be loaded (entry point __EXT_broken = 'broken_module:Plugin' of broken 1.5): "
        "RuntimeError: half installed; mend or reinstall the distribution 'broken', or stop asking "
        "for '__EXT_broken'"
    )


def test_p3_two_distributions_that_claim_one_name_are_told(site: Any) -> None:
    """P3: a clash among enabled extensions is an error that names both distributions."""
    site.distribution("one", "1", {"__EXT_x": "one_module:Plugin"})
    site.distribution("two", "2", {"__EXT_x": "two_module:Plugin"})
    (problem,) = problems(site, ["__EXT_x"])
    assert isinstance(problem, DuplicatedKeyError)
    assert "one 1" in str(problem) and "two 2" in str(problem)
    assert aside(site, [], ["__EXT_x"]) == {"__EXT_x": "DuplicatedKeyError"}


PLUGIN = """
import uuid
from hycore import PluginEXT
class Plugin(PluginEXT):
    UUID = uuid.UUID("{uuid}")
    NAME = "{name}"
    DESCRIPTION = "A plugin"
"""


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ((["x", "y"],), "PlanError"),
        ((["x"], ["y"]), {"y": "DuplicatedKeyError"}),
        ((["y"], ["x"]), {"x": "DuplicatedKeyError"}),
        (([], ["x", "y"]), {"x": "DuplicatedKeyError", "y": "DuplicatedKeyError"}),
    ],
)
def test_p3_of_a_clash_of_uuids_the_optional_ones_are_set_aside(
    site: Any, request_: Any, expected: object
) -> None:
    """P3: a clash that involves an optional extension sets that one aside; between two optional ones both."""
    for name in ("x", "y"):
        site.distribution(f"dist-{name}", "1", {name: f"module_{name}:Plugin"})
        site.module(f"module_{name}", PLUGIN.format(uuid=uuid.UUID(int=7), name=name))
    if expected == "PlanError":
        (problem,) = problems(site, *request_)
        assert isinstance(problem, DuplicatedKeyError)
        assert "dist-x 1" in str(problem) and "dist-y 1" in str(problem)
    else:
        assert aside(site, *request_) == expected


# P5


def test_p5_an_unmet_engine_version_is_told(world: Any) -> None:
    """P5: the error has the specifier and the version."""
    world.plugin("a", REQUIRES_ENGINE=">=0.1,<0.3")
    world.create(["a"], engine=(0, 2, 9)).close()
    (problem,) = problems(world, ["a"], engine=(0, 3, 0))
    assert isinstance(problem, IncompatiblePluginError)
    assert (problem.requirement, problem.engine_version) == (">=0.1,<0.3", "0.3.0")


def test_p5_an_unmet_requirement_is_told_with_the_line_to_add(world: Any) -> None:
    """P5: required, known, and not asked for."""
    world.plugin("a", REQUIRES=("b",))
    world.plugin("b")
    (problem,) = problems(world, ["a"])
    assert isinstance(problem, MissingDependencyError)
    assert str(problem) == (
        "extension 'a' requires 'b', which is not asked for. Add it:\n    enabled_extensions=['b', …]"
    )


def test_p5_a_cycle_is_one_error_printed_as_a_path(world: Any) -> None:
    """P5: each set of enabled extensions that reach each other is one error."""
    world.plugin("a", REQUIRES=("b",))
    world.plugin("b", AFTER=("c",))
    world.plugin("c", REQUIRES=("a",))
    world.plugin("d", AFTER=("e",))
    world.plugin("e", AFTER=("d",))
    world.plugin("f", REQUIRES=("e",))
    found = problems(world, ["f", "a", "b", "c", "d", "e"])
    assert [type(problem) for problem in found] == [DependencyCycleError, DependencyCycleError]
    assert [problem.path for problem in found] == [("a", "b", "c", "a"), ("d", "e", "d")]  # type: ignore[attr-defined]
    assert "'a' REQUIRES 'b' AFTER 'c' REQUIRES 'a'" in str(found[0])


def test_p5_a_cycle_is_told_beside_what_has_a_place(world: Any) -> None:
    """P5: neither what stands before it nor what has nothing to do with it hides it."""
    world.plugin("a")
    world.plugin("b", REQUIRES=("a", "c"))
    world.plugin("c", AFTER=("b",))
    (problem,) = problems(world, ["a", "b", "c"])
    assert isinstance(problem, DependencyCycleError)
    assert [entry.error_type for entry in world.plan(["a"], ["b", "c"]).set_aside] == [
        "DependencyCycleError"
    ] * 2


def test_p5_optional_extensions_on_a_cycle_are_set_aside_with_what_requires_them(world: Any) -> None:
    """P5: the cycle is broken where that is allowed."""
    world.plugin("a", AFTER=("b",))
    world.plugin("b", AFTER=("a",))
    world.plugin("c", REQUIRES=("b",))
    plan = world.plan(["a"], ["b", "c"])
    assert plan.names == ("a",)
    assert [entry.error_type for entry in plan.set_aside] == [
        "DependencyCycleError",
        "MissingDependencyError",
    ]


def test_p5_after_names_that_are_not_there_are_ignored(world: Any) -> None:
    """P5: neither those that nobody asked for nor those that are set aside."""
    world.plugin("a", AFTER=("nobody", "b"))
    world.plugin("b", REQUIRES_ENGINE=">=9")
    assert world.plan(["a"], ["b"]).names == ("a",)


def test_p5_needs_look_at_everything_asked_for(world: Any) -> None:
    """P5: an enabled extension waits for an optional one that it names in AFTER."""
    world.plugin("a", AFTER=("b",))
    world.plugin("b")
    assert world.plan(["a"], ["b"]).names == ("b", "a")


# P6


def test_p6_order_is_that_of_the_request_where_needs_leave_a_choice(world: Any) -> None:
    """P6: the Rust build orders by UUID."""
    for name in "edcba":
        world.plugin(name)
    with world.create(["c", "a", "e"], ["b", "d"]) as instance:
        assert [plugin.name for plugin in instance.extensions.values()] == ["c", "a", "e", "b", "d"]
    assert world.journal == [
        *(f"new {name}" for name in "caebd"),
        *(f"attach_to {name}" for name in "caebd"),
        *(f"initialize {name}" for name in "caebd"),
        *(f"teardown {name}" for name in "dbeac"),
    ]


@given(st.data())
def test_p6_law_of_the_order(worlds: Any, data: st.DataObject) -> None:
    """P6: at each place stands the earliest asked-for extension whose needs have all been placed."""
    world = worlds()
    names = list("abcdefgh")
    needs: dict[str, set[str]] = {}
    for place, name in enumerate(names):  # needs point to earlier letters: no cycles
        requires = (
            data.draw(st.lists(st.sampled_from(names[:place]), unique=True, max_size=2)) if place else []
        )
        after = data.draw(st.lists(st.sampled_from(names[:place]), unique=True, max_size=2)) if place else []
        needs[name] = {*requires, *after}
        world.plugin(name, REQUIRES=tuple(requires), AFTER=tuple(after))
    asked = data.draw(st.permutations(names))
    order = world.plan(asked).names
    expected: list[str] = []
    while len(expected) < len(asked):
        expected.append(next(n for n in asked if n not in expected and needs[n] <= set(expected)))
    assert list(order) == expected


# P7


def test_p7_all_problems_are_found_before_anything_is_constructed(world: Any) -> None:
    """P7: in the order in which the extensions were asked for, and one hides no other."""
    world.plugin("a", REQUIRES=("gone",), REQUIRES_ENGINE=">=3")
    world.plugin("b")
    found = problems(world, ["b", "missing", "a", "b"])
    assert [type(problem) for problem in found] == [
        DuplicatedKeyError,
        PluginNotFoundError,
        IncompatiblePluginError,
        MissingDependencyError,
    ]
    with pytest.raises(
        PlanError, match=r"4 problems keep this instance.*\n  1\. .*asked for 2 times in enabled_extensions"
    ):
        world.create(["b", "missing", "a", "b"])
    assert world.journal == []


def test_p7_a_single_problem_is_the_errors_text(world: Any) -> None:
    """P7: a PlanError too, whose text is that of its only problem."""
    with pytest.raises(PlanError) as caught:
        world.plan(["x"])
    assert str(caught.value) == str(caught.value.exceptions[0])
    assert isinstance(caught.value, HyError) and isinstance(caught.value, ExceptionGroup)


# The plan itself.


def test_a_plan_can_be_printed(world: Any) -> None:
    """It shows the order, the reason for each place, and what is set aside."""
    world.plugin("late", REQUIRES=("base",), AFTER=("other", "gone"))
    world.plugin("base")
    world.plugin("other")
    assert str(world.plan(["late", "base"], ["other", "gone"])).splitlines() == [
        "Plan of 3 extensions for engine version 1.0.0",
        "   1. base   enabled",
        "   2. other  optional",
        "   3. late   enabled; after base (REQUIRES); after other (AFTER)",
        "set aside: gone: PluginNotFoundError: no extension is named 'gone'; looked in the plugins registered in this "
        "process; known: 'late', 'base', 'other'; if it is another one, install its package, or import the module "
        "of its class, which has @define_plugin",
    ]


def test_a_plan_is_a_frozen_value(world: Any) -> None:
    """It cannot be changed, and equals another of the same content."""
    world.plugin("a")
    plan = world.plan(["a"])
    with pytest.raises(AttributeError, match="Plan is a value"):
        plan.order = ()
    assert plan == world.plan(["a"])


def test_create_with_a_plan_does_not_look_again(world: Any) -> None:
    """A plan creates any number of instances, whatever the inventory holds by then."""
    world.plugin("a")
    plan = world.plan(["a"])
    info = world.info(["a"])
    world.inventory = Inventory(group=None)
    for _ in range(2):
        world.bring_up(info, plan=plan).close()
    assert world.journal.count("teardown a") == 2


def test_a_plan_for_another_request_is_refused(world: Any) -> None:
    """The names and the engine's version must be the same."""
    world.plugin("a")
    plan = world.plan(["a"])
    with pytest.raises(ArgumentValueError, match="plan must be made for the same extensions"):
        InstanceContext.create(world.info([]), plan=plan)
    with pytest.raises(ArgumentTypeError, match="plan must be what"):
        InstanceContext.create(world.info([]), plan="a")  # type: ignore[arg-type]


def test_a_kept_plan_is_dropped_when_something_is_submitted(world: Any) -> None:
    """Plans are kept on the inventory, and valid until it changes."""
    world.plugin("a")
    first = world.plan(["a"])
    assert world.plan(["a"]) is first
    world.plugin("b")
    assert world.plan(["a"]) is not first
    again = world.plan(["a"])
    world.inventory.refresh()
    assert world.plan(["a"]) is not again


def test_a_kept_plan_is_dropped_when_the_path_changes(
    world: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A folder more on `sys.path` may hold an extension more."""
    world.plugin("a")
    first = world.plan(["a"])
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    assert world.plan(["a"]) is not first


def test_what_is_set_aside_is_looked_for_again(world: Any) -> None:
    """A plan that sets something aside is not kept."""
    assert aside(world, [], ["a"]) == {"a": "PluginNotFoundError"}
    world.plugin("a")
    assert aside(world, [], ["a"]) == {}


def test_p1_what_is_installed_meanwhile_is_found_by_the_next_creation(site: Any) -> None:
    """P1: a plan that sets something aside is not kept, though nothing in this process has changed."""
    assert aside(site, [], ["late"]) == {"late": "PluginNotFoundError"}
    site.distribution("late", "1.0", {"late": "late_plugin:Late"})
    site.module(
        "late_plugin",
        "import uuid\nfrom hycore import PluginEXT\nclass Late(PluginEXT):\n"
        "    UUID, NAME, DESCRIPTION = uuid.UUID(int=7), 'late', 'Comes late'\n",
    )
    assert aside(site, [], ["late"]) == {}


def test_asynchronous_hooks_are_refused_while_planning(plain_world: Any) -> None:
    """A synchronous creation says which hooks they are, and which call to use."""
    world = plain_world

    class Asynchronous(PluginEXT):
        UUID = uuid.uuid4()
        NAME = "asynchronous"
        DESCRIPTION = "Has asynchronous hooks"

        async def initialize(self) -> None: ...

        async def teardown(self) -> None: ...

    world.inventory.submit(Asynchronous)
    with pytest.raises(
        PlanError, match=r"'asynchronous' has asynchronous hooks \(initialize, teardown\)"
    ) as caught:
        world.create(["asynchronous"])
    assert "await InstanceContext.acreate(info) in place of create" in str(caught.value)
    assert "load_application(path, asynchronous=True) and await application.acreate()" in str(caught.value)
    plan = InstanceContext.plan(world.info(["asynchronous"]), inventory=world.inventory, asynchronous=True)
    assert plan.names == ("asynchronous",)
    with pytest.raises(PlanError, match="has asynchronous hooks"):
        InstanceContext.create(world.info(["asynchronous"]), plan=plan)
