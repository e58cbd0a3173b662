"""Random plans, failures and looks, against a model that shares no code with the runtime (rules P1 to T7).

A few hundred examples run with the other tests. `make model EXAMPLES=1000000` runs as many as one likes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hycore.utils.error import (
    InstanceClosedError,
    PlanError,
    PluginFailedError,
    PluginNotReadyError,
    TeardownError,
    UnconsumedConfigError,
)
from hycore.utils.opaque import OpaqueObject

EXAMPLES = int(os.environ.get("HY_EXAMPLES", "200"))
NAMES = "abcde"
PHASES = ("new", "attach_to", "initialize")


class Config(OpaqueObject):
    """Each plugin that is configured has a type of its own."""


TYPES: dict[str, Any] = {name: type(f"Config_{name}", (Config,), {}) for name in NAMES}


@dataclass(frozen=True)
class Plugin:
    """What one plugin is and does; `fails`, `closes` and `defers` are by phase."""

    requires: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    engine: bool = True
    fails: dict[str, str] = field(default_factory=dict)  # phase → "error", "exit" or "interrupt"
    defers: dict[str, bool] = field(default_factory=dict)  # phase → whether the callback fails
    closes: str = ""  # the phase in which it closes the instance
    looks: str = ""  # whom it looks up in initialize
    takes: bool = False  # its configuration, in new


@dataclass(frozen=True)
class Case:
    plugins: dict[str, Plugin]
    enabled: tuple[str, ...]
    optional: tuple[str, ...]
    given: tuple[str, ...]  # whose configuration is handed over


# The model.


class Stop(Exception):
    """The creation ends; `outcome` says how."""

    def __init__(self, *outcome: Any) -> None:
        super().__init__()
        self.outcome = outcome


class Model:
    def __init__(self, case: Case) -> None:
        self.case = case
        self.events: list[str] = []
        self.aside: dict[str, str] = {}
        self.order: list[str] = []
        self.deferred: dict[str, list[tuple[str, bool]]] = {}
        self.up: list[str] = []
        self.constructed: list[str] = []
        self.aborted = False
        self.undo_failures: list[tuple[str, str]] = []
        self.taken: dict[str, str] = {}

    # Planning, straight from the rules.

    def plan(self) -> list[tuple[str, str]]:
        """Returns the problems; else `order` and `aside` are known."""
        case = self.case
        asked = [*case.enabled, *case.optional]
        there = {name: case.plugins[name] for name in asked if name in case.plugins}
        must = set(case.enabled)
        grown = True
        while grown:
            more = {need for name in must if name in there for need in there[name].requires if need in asked}
            grown = not more <= must
            must |= more
        problems: list[tuple[str, str]] = []

        def judge(name: str, error: str) -> None:
            if name in must:
                problems.append((name, error))
            else:
                self.aside.setdefault(name, error)

        for name in asked:
            if name not in there:
                judge(name, "PluginNotFoundError")
        for name in asked:
            if name in there:
                if not there[name].engine:
                    judge(name, "IncompatiblePluginError")
                for need in there[name].requires:
                    if need not in asked:
                        judge(name, "MissingDependencyError")
        self.with_dependents(there, must)
        for name in [name for name in self.on_cycles(there) if name not in must]:
            self.aside.setdefault(name, "DependencyCycleError")
        self.with_dependents(there, must)
        circles: set[frozenset[str]] = set()
        for name in self.on_cycles(there):
            circles.add(
                frozenset(
                    other
                    for other in there
                    if self.reach(there, name, other) and self.reach(there, other, name)
                )
            )
        problems += [(min(circle, key=asked.index), "DependencyCycleError") for circle in circles]
        if problems:
            return sorted(problems, key=lambda problem: asked.index(problem[0]))
        left = [name for name in asked if name in there and name not in self.aside]
        while left:
            name = next(name for name in left if not any(need in left for need in self.waits(there, name)))
            self.order.append(name)
            left.remove(name)
        return []

    def waits(self, there: dict[str, Plugin], name: str) -> list[str]:
        plugin = there[name]
        return [
            need for need in (*plugin.requires, *plugin.after) if need in there and need not in self.aside
        ]

    def reach(self, there: dict[str, Plugin], start: str, end: str) -> bool:
        seen: set[str] = set()
        waiting = self.waits(there, start)
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting += self.waits(there, name)
        return end in seen

    def on_cycles(self, there: dict[str, Plugin]) -> list[str]:
        return [name for name in there if name not in self.aside and self.reach(there, name, name)]

    def with_dependents(self, there: dict[str, Plugin], must: set[str]) -> None:
        for _ in there:
            for name, plugin in there.items():
                if name not in must and any(need in self.aside for need in plugin.requires):
                    self.aside.setdefault(name, "MissingDependencyError")

    # Life.

    def needed(self) -> set[str]:
        must = set(self.case.enabled)
        for _ in self.order:
            must |= {need for name in must & set(self.order) for need in self.case.plugins[name].requires}
        return must

    def hook(self, name: str, phase: str) -> None:
        plugin = self.case.plugins[name]
        self.events.append(f"{phase} {name}")
        if phase in plugin.defers:
            self.deferred.setdefault(name, []).append((f"{phase} callback {name}", plugin.defers[phase]))
        if phase == "new" and plugin.takes and name in self.case.given:
            self.taken[name] = name
        if phase == "initialize" and plugin.looks:
            self.events.append(f"{name} sees {plugin.looks}: {self.look(plugin.looks)}")
        if plugin.closes == phase:
            self.aborted = True
        if phase in plugin.fails:
            raise Stop(plugin.fails[phase])

    def look(self, name: str) -> str:
        if name in self.up:
            return "there"
        return "not ready" if name in self.order else "None"

    def undo(self, name: str, *, teardown: bool) -> None:
        if teardown:
            self.events.append(f"teardown {name}")
            if "teardown" in self.case.plugins[name].fails:
                self.undo_failures.append((name, "teardown"))
        for callback, fails in reversed(self.deferred.pop(name, [])):
            self.events.append(callback)
            if fails:
                self.undo_failures.append((name, "defer"))

    def undo_all(self) -> None:
        for name in reversed([*self.order]):
            if name in self.up:
                self.up.remove(name)
                self.undo(name, teardown=True)
            else:
                self.undo(name, teardown=False)

    def set_aside(self, name: str) -> None:
        gone = [name]
        self.aside[name] = "PluginFailedError"
        for other in self.order[self.order.index(name) + 1 :]:
            if any(need in gone for need in self.case.plugins[other].requires):
                gone.append(other)
                self.aside[other] = "MissingDependencyError"
        for other in reversed(gone):
            before = len(self.undo_failures)
            self.undo(other, teardown=False)
            del self.undo_failures[before:]  # they are logged, and end nothing
        self.order = [other for other in self.order if other not in gone]

    def create(self) -> tuple[Any, ...]:
        problems = self.plan()
        if problems:
            return ("plan", problems)
        needed = self.needed()
        try:
            for phase in PHASES:
                for name in list(self.order):
                    if name not in self.order:
                        continue
                    try:
                        self.hook(name, phase)
                    except Stop as stop:
                        if stop.outcome == ("interrupt",):
                            raise
                        if self.aborted:
                            raise Stop("closed") from None
                        if name in needed:
                            raise Stop("failed", name, phase) from None
                        self.set_aside(name)
                        continue
                    if phase == "initialize":
                        self.up.append(name)
                    if self.aborted:
                        raise Stop("closed")
                if phase == "new" and self.leftover():
                    raise Stop("unconsumed", self.leftover())
        except Stop as stop:
            self.undo_all()
            return (*stop.outcome, list(self.undo_failures))
        return ("up",)

    def leftover(self) -> list[str]:
        """What nobody took, and no set-aside extension claims; nothing, if one of these is unknown."""
        if any(name not in self.case.plugins for name in self.aside):
            return []
        claimed = {name for name in self.aside if self.case.plugins[name].takes}
        return [name for name in self.case.given if name not in self.taken and name not in claimed]

    def close(self) -> tuple[Any, ...]:
        self.undo_failures.clear()
        self.undo_all()
        return ("closed", list(self.undo_failures))


# The runtime.


def define(world: Any, name: str, plugin: Plugin) -> None:
    def act(self: Any, phase: str) -> None:
        both = self if isinstance(self, tuple) else None
        self = both[0] if both else self
        if phase in plugin.defers:
            self.defer(call, self, f"{phase} callback {name}", plugin.defers[phase])
        if both and plugin.takes:
            both[1].take_ext(TYPES[name])
        if phase == "initialize" and plugin.looks:
            try:
                found = "there" if self.instance.get_plugin_ext(plugin.looks) is not None else "None"
            except PluginNotReadyError:
                found = "not ready"
            world.journal.append(f"{name} sees {plugin.looks}: {found}")
        if plugin.closes == phase:
            self.instance._life.aborted = True  # what `close` does during bring-up, in every kind of host
        error = {"error": ValueError, "exit": SystemExit, "interrupt": KeyboardInterrupt}.get(
            plugin.fails.get(phase, "")
        )
        if error is not None:
            raise error(phase)

    def call(self: Any, text: str, fails: bool) -> None:
        world.journal.append(text)
        if fails:
            raise KeyError(text)

    acts = {phase: lambda self, phase=phase: act(self, phase) for phase in (*PHASES, "teardown")}
    world.plugin(
        name,
        acts,
        REQUIRES=plugin.requires,
        AFTER=plugin.after,
        REQUIRES_ENGINE=None if plugin.engine else ">=9",
        CREATE_INFO=TYPES[name] if plugin.takes else None,
    )


def facts(errors: Any) -> list[tuple[str, str]]:
    return [(error.plugin, error.phase) for error in errors]


def told(error: BaseException) -> list[tuple[str, str]]:
    """What the notes say of failures while undoing."""
    found: list[tuple[str, str]] = []
    for note in getattr(error, "__notes__", ()):
        if note.startswith("while undoing: a callback that extension "):
            found.append((note.split("'")[1], "defer"))
        elif note.startswith("while undoing: extension "):
            found.append((note.split("'")[1], note.partition(" failed in ")[2].partition(":")[0]))
    return found


def run(world: Any, case: Case) -> tuple[list[str], tuple[Any, ...], Any]:
    for name, plugin in case.plugins.items():
        define(world, name, plugin)
    try:
        instance = world.create(case.enabled, case.optional, ext=[TYPES[name]() for name in case.given])
    except PlanError as error:
        names = [
            getattr(each, "plugin", getattr(each, "name", None)) or each.path[0] for each in error.exceptions
        ]
        return (
            world.journal,
            ("plan", list(zip(names, [type(each).__name__ for each in error.exceptions], strict=True))),
            None,
        )
    except PluginFailedError as error:
        return world.journal, ("failed", error.plugin, error.phase, facts(error.undo_errors)), None
    except UnconsumedConfigError as error:
        left = [name.rpartition("_")[2] for name in error.leftovers]
        return world.journal, ("unconsumed", left, facts(error.undo_errors)), None
    except InstanceClosedError as error:
        return world.journal, ("closed", facts(error.undo_errors)), None
    except KeyboardInterrupt as error:
        return world.journal, ("interrupt", told(error)), None
    return world.journal, ("up",), instance


def close(instance: Any) -> tuple[Any, ...]:
    try:
        instance.close()
    except TeardownError as error:
        return ("closed", facts(error.exceptions))
    return ("closed", [])


@st.composite
def cases(draw: st.DrawFn) -> Case:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True))
    asked = draw(st.permutations([*names, *draw(st.sampled_from([[], [], [], ["x"]]))]))
    enabled = draw(st.integers(0, len(asked)))
    some_names = st.lists(st.sampled_from([*names, "y"]), max_size=2, unique=True)
    fails = st.sampled_from(["error"] * 3 + ["exit", "interrupt"])
    plugins: dict[str, Plugin] = {}
    for name in names:
        rare = draw(st.integers(0, 9))
        plugins[name] = Plugin(
            requires=tuple(need for need in draw(some_names) if need != name and (need != "y" or rare == 0)),
            after=tuple(need for need in draw(some_names) if need != name),
            engine=rare != 1,
            fails={
                **draw(
                    st.dictionaries(st.sampled_from(PHASES), fails, max_size=draw(st.sampled_from([0, 0, 1])))
                ),
                **draw(st.sampled_from([{}, {}, {"teardown": "error"}])),
            },
            defers=draw(st.dictionaries(st.sampled_from(PHASES), st.booleans(), max_size=3)),
            closes=draw(st.sampled_from([""] * 8 + ["attach_to", "initialize"])),
            looks=draw(st.sampled_from(["", *names])),
            takes=draw(st.booleans()),
        )
    given_to = draw(st.lists(st.sampled_from(names), max_size=2, unique=True)) if draw(st.booleans()) else []
    return Case(plugins, tuple(asked[:enabled]), tuple(asked[enabled:]), tuple(given_to))


# What has gone wrong once, by the model or by hand, and is tried each time.
ERROR: dict[str, str] = {"initialize": "error"}
SEEDS = (
    # Two optional extensions on one cycle: planning never ended.
    Case(
        {"a": Plugin(after=("b",)), "b": Plugin(requires=("a",)), "c": Plugin(after=("a",))},
        ("c",),
        ("a", "b"),
        (),
    ),
    # Two cycles that share an extension, one of them with an enabled one on it.
    Case(
        {"a": Plugin(after=("b",)), "b": Plugin(after=("a", "c")), "c": Plugin(requires=("b",))},
        ("a", "b"),
        ("c",),
        (),
    ),
    # One that is set aside late takes along what requires it, with its failing callback, and hides no look-up.
    Case(
        {
            "a": Plugin(fails=ERROR, defers={"new": True, "initialize": False}),
            "b": Plugin(requires=("a",), defers={"attach_to": True}),
            "c": Plugin(looks="a"),
            "d": Plugin(looks="b", after=("c",)),
        },
        ("c", "d"),
        ("a", "b"),
        (),
    ),
    # The configuration that one of these would have taken is not left over; that of nobody is.
    Case({"a": Plugin(fails={"new": "error"}, takes=True), "b": Plugin()}, ("b",), ("a",), ("a",)),
    Case({"a": Plugin(fails={"new": "exit"}), "b": Plugin(takes=True)}, ("b",), ("a",), ("b", "a")),
    Case({"a": Plugin(takes=True), "b": Plugin()}, ("b",), ("x",), ("a",)),
    # It is closed in the hook that then fails: the failure is a note.
    Case(
        {"a": Plugin(defers={"new": True}), "b": Plugin(closes="attach_to", fails={"attach_to": "error"})},
        ("a", "b"),
        (),
        (),
    ),
    Case(
        {"a": Plugin(), "b": Plugin(closes="initialize", fails=ERROR), "c": Plugin()}, ("a",), ("b", "c"), ()
    ),
    # Ctrl-C in an optional extension is never swallowed, nor is what fails while it undoes.
    Case(
        {
            "a": Plugin(fails={"teardown": "error"}, defers={"initialize": True}),
            "b": Plugin(fails={"initialize": "interrupt"}),
        },
        ("a",),
        ("b",),
        (),
    ),
    # Optional, but required by what is enabled.
    Case(
        {"a": Plugin(requires=("b",)), "b": Plugin(requires=("c",)), "c": Plugin(fails=ERROR)},
        ("a",),
        ("b", "c"),
        (),
    ),
)


def with_seeds(test: Any) -> Any:
    for seed in SEEDS:
        test = example(case=seed)(test)
    return test


@pytest.mark.parametrize("kind", ["plain", "asyncio", "trio"])
@with_seeds
@settings(max_examples=EXAMPLES)
@given(case=cases())
def test_law_what_runs_is_what_the_rules_say(worlds: Any, kind: str, case: Case) -> None:
    """What ran, in which order, what was raised with which facts, what is set aside, and what is left."""
    model = Model(case)
    expected = model.create()
    world = worlds(kind)
    events, outcome, instance = run(world, case)
    assert events == model.events
    assert outcome == expected
    if instance is None:
        return
    assert {aside.name: aside.error_type for aside in instance.report().set_aside} == model.aside
    assert [plugin.name for plugin in instance.extensions.values()] == model.order
    ledger = [entry.taken_by for entry in instance.report().ledger]
    assert ledger == [model.taken.get(name) for name in case.given]
    assert close(instance) == model.close()
    assert world.journal == model.events
    assert instance.closed
    close(instance)
    assert world.journal == model.events
