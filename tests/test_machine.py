"""Several instances of one process at once, driven from several threads, step after random step.

Each instance keeps the rules whatever happens to the others: its plugins come up in order, and are torn down once each, in
exact reverse (P6, T1), by whichever thread closes it first (T4), or by the last reference going away (T5).
"""

from __future__ import annotations

import gc
import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hycore import InstanceContext, PluginEXT
from hycore.base import _ending
from hycore.base.api import ApplicationInfo, InstanceCreateInfo, VersionInfo
from hycore.ext import Inventory
from hycore.utils.error import InstanceClosedError, PluginFailedError, TryAgainLaterError

NAMES = ("a", "b", "c", "late", "failing")
REQUIRES = {"b": ("a",), "late": ("a",)}


def request(names: list[str], enabled: int, asked: int) -> tuple[list[str], list[str]]:
    """Some names that must come up and some that may; what any of them requires is among them."""
    needed = [need for name in names[: enabled + asked] for need in REQUIRES.get(name, ())]
    return list(dict.fromkeys([*needed, *names[:enabled]])), [
        name for name in names[enabled : enabled + asked] if name not in needed
    ]


REQUESTS = st.builds(request, st.permutations(NAMES), st.integers(0, 3), st.integers(0, 4))


@dataclass
class Held:
    """One instance, and what is expected of it; `instance` is the only reference that is kept."""

    instance: InstanceContext | None
    order: list[str]
    aside: list[str]
    journal: list[str] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self.instance is not None


def at_once(actions: Iterable[Callable[[], Any]]) -> list[Any]:
    """Runs each in a thread of its own, all released in the same moment; what they return or raise."""
    todo = list(actions)
    results: list[Any] = [None] * len(todo)
    gate = threading.Barrier(len(todo))

    def run(place: int, action: Callable[[], Any]) -> None:
        gate.wait()
        try:
            results[place] = action()
        except Exception as error:
            results[place] = error.with_traceback(None)

    threads = [threading.Thread(target=run, args=(place, action)) for place, action in enumerate(todo)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive(), "it hangs"
    return results


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.inventory = Inventory(group=None)
        self.held: list[Held] = []
        self.journals: dict[int, list[str]] = {}
        self.is_late = True
        self.failures = 0
        self.live_before = len(_ending.live)
        for name in NAMES:
            self.inventory.submit(self.plugin(name))

    def plugin(self, name: str) -> type[PluginEXT]:
        machine = self

        class Plugin(PluginEXT):
            UUID, NAME, DESCRIPTION = uuid.uuid5(uuid.NAMESPACE_DNS, name), name, "A plugin"

            def initialize(self) -> None:
                journal = machine.journals[self.instance.node_id]
                if name == "failing":
                    raise ValueError("on purpose")
                if name == "late" and machine.is_late:
                    raise TryAgainLaterError(retry_after=1)
                journal.append(f"up {name}")
                self.defer(journal.append, f"undone {name}")

            def teardown(self) -> None:
                machine.journals[self.instance.node_id].append(f"down {name}")

        Plugin.REQUIRES = REQUIRES.get(name, ())
        Plugin.__qualname__ = f"Plugin_{name}"
        return Plugin

    def info(self, enabled: list[str], optional: list[str]) -> InstanceCreateInfo:
        number = len(self.journals)
        self.journals[number] = []
        application = ApplicationInfo("machine", VersionInfo(1), "Engine", VersionInfo(1))
        return InstanceCreateInfo(application, enabled, number, optional_extensions=optional)

    def creation(self, info: InstanceCreateInfo) -> Callable[[], InstanceContext]:
        return lambda: InstanceContext.create(info, inventory=self.inventory)

    def keep(self, info: InstanceCreateInfo, instance: Any) -> None:
        enabled, optional = list(info.enabled_extensions), list(info.optional_extensions)
        if "failing" in enabled or ("late" in enabled and self.is_late):
            assert isinstance(instance, PluginFailedError)
            ups = [line.removeprefix("up ") for line in self.journals[info.node_id] if line.startswith("up ")]
            assert self.journals[info.node_id] == expected_journal(ups)
            return
        assert isinstance(instance, InstanceContext), instance
        aside = [name for name in optional if name == "failing" or (name == "late" and self.is_late)]
        order = placed([name for name in [*enabled, *optional] if name not in aside])
        self.held.append(Held(instance, order, aside, self.journals[info.node_id]))

    # What can happen.

    @rule(requests=st.lists(REQUESTS, min_size=1, max_size=4))
    def create(self, requests: list[tuple[list[str], list[str]]]) -> None:
        """Several at once, from as many threads."""
        infos = [self.info(enabled, optional) for enabled, optional in requests]
        results = at_once([self.creation(info) for info in infos])
        for info in infos:
            self.keep(info, results.pop(0))

    @precondition(lambda self: any(held.is_open for held in self.held))
    @rule(data=st.data(), threads=st.integers(1, 4))
    def close(self, data: st.DataObject, threads: int) -> None:
        """One instance by several threads, while others look something up in the others."""
        held = self.pick(data)
        instance = held.instance
        assert instance is not None
        looks = [self.look(other) for other in self.held if other.is_open and other is not held]
        results = at_once([*[instance.close] * threads, *looks])
        orders = [other.order for other in self.held if other.is_open and other is not held]
        assert results == [None] * threads + orders
        assert instance.closed
        assert held.journal == expected_journal(held.order)
        with pytest.raises(InstanceClosedError):
            instance.get_plugin_ext("a")
        held.instance = None

    @precondition(lambda self: any(held.is_open for held in self.held))
    @rule(data=st.data())
    def look_while_it_closes(self, data: st.DataObject) -> None:
        """What is looked up is there, gone, or refused because all is closed; never anything else."""
        held = self.pick(data)
        instance = held.instance
        assert instance is not None

        def look() -> list[Any]:
            found: list[Any] = []
            for _ in range(20):
                try:
                    plugin: Any = instance.get_plugin_ext("a")
                except InstanceClosedError:
                    break
                found.append(None if plugin is None else type(plugin).NAME)
            return found

        closed, *found = at_once([instance.close, look, look])
        assert closed is None
        for names in found:
            assert isinstance(names, list), names
            assert names == sorted(names, key=lambda name: name is None), "it came back"
            assert set(names) <= ({"a", None} if "a" in held.order else {None})
        assert held.journal == expected_journal(held.order)
        held.instance = None

    @precondition(lambda self: any(held.is_open for held in self.held))
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        """The last reference goes away, in another thread."""
        held = self.pick(data)
        box = [held.instance]
        held.instance = None
        at_once([box.clear])
        assert held.journal == expected_journal(held.order)

    @rule(is_late=st.booleans())
    def turn(self, is_late: bool) -> None:
        """What is not ready yet may be so later."""
        self.is_late = is_late

    @precondition(lambda self: any(held.is_open and "late" in held.aside for held in self.held))
    @rule()
    def retry(self) -> None:
        """In all instances at once; what comes up stands last."""
        waiting = [held for held in self.held if held.is_open and "late" in held.aside]
        results = at_once([self.retrying(held) for held in waiting])
        assert results == [not self.is_late] * len(waiting)
        if not self.is_late:
            for held in waiting:
                held.aside.remove("late")
                held.order.append("late")

    # What always holds.

    @invariant()
    def each_has_its_own_plugins_in_order(self) -> None:
        for held in self.held:
            if held.instance is not None:
                assert [plugin.name for plugin in held.instance.extensions.values()] == held.order
                assert held.journal == [f"up {name}" for name in held.order]
                assert {aside.name for aside in held.instance.report().set_aside} == set(held.aside)

    def teardown(self) -> None:
        for held in self.held:
            if held.instance is not None:
                held.instance.close()
                assert held.journal == expected_journal(held.order)
                held.instance = None
        gc.collect()
        assert len(_ending.live) == self.live_before

    def pick(self, data: st.DataObject) -> Held:
        return data.draw(st.sampled_from([held for held in self.held if held.is_open]), label="which")

    def look(self, held: Held) -> Callable[[], list[str]]:
        instance = held.instance
        assert instance is not None
        return lambda: [plugin.name for plugin in instance.extensions.values()]

    def retrying(self, held: Held) -> Callable[[], bool]:
        instance = held.instance
        assert instance is not None
        return lambda: instance.retry("late")


def placed(names: list[str]) -> list[str]:
    """The order by P6."""
    order: list[str] = []
    left = list(names)
    while left:
        name = next(each for each in left if not any(need in left for need in REQUIRES.get(each, ())))
        order.append(name)
        left.remove(name)
    return order


def expected_journal(order: list[str]) -> list[str]:
    """Up in order; down in reverse, each with its deferred callback."""
    down = [line for name in reversed(order) for line in (f"down {name}", f"undone {name}")]
    return [f"up {name}" for name in order] + down


TestSeveralInstances = Machine.TestCase
TestSeveralInstances.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
