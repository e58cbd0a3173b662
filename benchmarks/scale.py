"""Scale: many plugins, many instances in one process, many threads that log; and what each holds in memory.

What is compared, and how far it is alike:

- **One of many** is the time of one instance when so many are created, all held, and then closed. The floor makes as many
  lists of objects, and calls their hooks likewise: what rises there is the machine's own, whose caches are full.
- **Submitting** and **planning** are told for one plugin of so many. A plan is made for all of them.
- **Threads** have started before the clock does. Each logs as often; the time is that of one message, of all threads together.
- **Bytes** are what Python's allocators gave and is still held, as `tracemalloc` tells. The floor of a plugin is the object
  alone, in a list.
"""

from __future__ import annotations

import threading
import tracemalloc
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from time import perf_counter
from typing import Any

from benchmarks._harness import Case, Comparison, Setting, Subject
from benchmarks._made import inventory_of, make_plugins, request
from benchmarks._sampling import Sample, once
from benchmarks.logging import Floor, instance_that_logs
from benchmarks.peers.loggers import of_logging, take
from hycore import InstanceContext, OpaqueList, hyinfo
from hycore.ext import Inventory, PluginEXT

_IN_EACH = 10  # plugins of each of many instances


@contextmanager
def scale(setting: Setting) -> Iterator[Subject]:
    """Few and many of each."""
    few, many = (2, 20) if setting.quick else (100, 10_000)
    threads, messages = (3, 10) if setting.quick else (100, 300)
    plugins = make_plugins(20 if setting.quick else 1_000)
    inventory = inventory_of(plugins)
    cases: dict[str, Case] = {}
    comparisons: list[Comparison] = []
    many_instances(few, many, plugins[:_IN_EACH], inventory, cases, comparisons)
    many_plugins(plugins, inventory, cases, comparisons)
    memory(few, many, plugins, inventory, cases, comparisons)
    with instance_that_logs("TRACE") as instance:
        many_threads(threads, messages, instance, cases, comparisons)
        conditions = (
            f"Many instances have {_IN_EACH} plugins each; {threads} threads log {messages} times each, to a callback that "
            "does nothing."
        )
        yield Subject(conditions, cases, comparisons)


def many_instances(
    few: int,
    many: int,
    plugins: Sequence[type[PluginEXT]],
    inventory: Inventory,
    cases: dict[str, Case],
    comparisons: list[Comparison],
) -> None:
    """Instances that are all up at once."""
    info = request(plugins)
    plan = InstanceContext.plan(info, inventory=inventory)

    def ours(count: int) -> None:
        instances = [InstanceContext.create(info, inventory=inventory, plan=plan) for _ in range(count)]
        for instance in instances:
            instance.close()

    ext = OpaqueList([])

    def floor(count: int) -> None:
        instances = [_started(plugins, ext) for _ in range(count)]
        for made in instances:
            for plugin in reversed(made):
                plugin.teardown()

    for count in (few, many):
        cases[f"one of {count} instances: ours"] = _one_of(count, ours)
        cases[f"one of {count} instances: floor"] = _one_of(count, floor)
    what, label = f"one of {many:,} instances", f"one of {few}"
    ours_many, floor_many = f"one of {many} instances: ours", f"one of {many} instances: floor"
    comparisons += [
        Comparison(what, ours_many, f"one of {few} instances: ours", "times", label=label),
        Comparison(f"{what}, the floor", floor_many, f"one of {few} instances: floor", "times", label=label),
        Comparison(what, ours_many, floor_many, "times"),
    ]


def many_plugins(
    plugins: Sequence[type[PluginEXT]],
    inventory: Inventory,
    cases: dict[str, Case],
    comparisons: list[Comparison],
) -> None:
    """One inventory that has many, and a plan of many."""
    counts = (len(plugins) // 10, len(plugins))

    def submit(count: int) -> None:
        inventory_of(plugins[:count])

    infos = {count: request(plugins[:count]) for count in counts}

    def plan(count: int) -> None:
        inventory.refresh()  # it keeps its plans
        InstanceContext.plan(infos[count], inventory=inventory)

    for what, do in (("submitting", submit), ("planning", plan)):
        few, many = [f"{what} one of {count} plugins: ours" for count in counts]
        for count, case in zip(counts, (few, many), strict=True):
            cases[case] = _one_of(count, do)
        comparisons.append(
            Comparison(
                f"{what} one of {counts[1]:,} plugins", many, few, "times", label=f"one of {counts[0]}"
            )
        )


def memory(
    few: int,
    many: int,
    plugins: Sequence[type[PluginEXT]],
    inventory: Inventory,
    cases: dict[str, Case],
    comparisons: list[Comparison],
) -> None:
    """Bytes that are held for each instance, and for each plugin in one."""
    empty = request([])
    no_plugins = InstanceContext.plan(empty, inventory=inventory)
    full = request(plugins)
    all_plugins = InstanceContext.plan(full, inventory=inventory)
    ext = OpaqueList([])

    def instances(count: int) -> object:
        return [InstanceContext.create(empty, plan=no_plugins) for _ in range(count)]

    count = len(plugins)
    one = f"bytes, one of {few} instances: ours"
    in_instance, in_list = f"bytes, one of {count} plugins: ours", f"bytes, one of {count} plugins: floor"
    cases[one] = _bytes(instances, few)
    cases[f"bytes, one of {many} instances: ours"] = _bytes(instances, many)
    cases[in_instance] = _bytes(lambda _: InstanceContext.create(full, plan=all_plugins), count)
    cases[in_list] = _bytes(lambda _: _started(plugins, ext), count)
    comparisons += [
        Comparison(
            f"bytes of one of {many:,} instances without plugins",
            f"bytes, one of {many} instances: ours",
            one,
            "times",
            unit="bytes",
            label=f"one of {few}",
        ),
        Comparison(
            f"bytes of one of {count:,} plugins",
            in_instance,
            in_list,
            "times",
            less={one: 1 / count},
            unit="bytes",
        ),
    ]


def many_threads(
    threads: int,
    messages: int,
    instance: InstanceContext,
    cases: dict[str, Case],
    comparisons: list[Comparison],
) -> None:
    """Threads that log into one instance."""
    floor = Floor(0, take)
    standard = of_logging(wanted=True)
    calls: dict[str, Callable[[str], object]] = {
        "ours": partial(hyinfo, instance),
        "floor": floor.info,
        "logging": standard.info,
    }
    for who, log in calls.items():
        cases[f"one of {threads} threads: {who}"] = _logging(threads, messages, log)
    cases["one thread: ours"] = _logging(1, messages, partial(hyinfo, instance))
    cases["one thread: logging"] = _logging(1, messages, standard.info)
    what = f"a message of {threads} threads"
    ours, theirs = f"one of {threads} threads: ours", f"one of {threads} threads: logging"
    comparisons += [
        Comparison(what, ours, "one thread: ours", "times", label="one thread"),
        Comparison(f"{what}, logging", theirs, "one thread: logging", "times", label="one thread"),
        Comparison(what, ours, f"one of {threads} threads: floor", "times"),
        Comparison(what, ours, theirs, "faster"),
    ]


def _started(plugins: Sequence[type[PluginEXT]], ext: OpaqueList) -> list[Any]:
    made: list[Any] = [plugin.new(ext) for plugin in plugins]
    for plugin in made:
        plugin.attach_to(_REFERENCE)
    for plugin in made:
        plugin.initialize()
    return made


class _Owner:
    """What a reference can point to."""


_OWNER = _Owner()
_REFERENCE = weakref.ref(_OWNER)


def _one_of(count: int, do: Callable[[int], object]) -> Sample:
    """The time of one, when so many are done; once, since it is long."""

    def sample() -> float:
        start = perf_counter()
        do(count)
        return (perf_counter() - start) / count

    return sample


def _bytes(make: Callable[[int], object], count: int) -> Sample:
    """The bytes that one of so many holds."""

    def sample() -> float:
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        held = make(count)
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        del held
        return (after - before) / count

    return once(sample)


def _logging(threads: int, messages: int, log: Callable[[str], object]) -> Sample:
    """The time of one message, when so many threads log so many each."""

    def sample() -> float:
        gate = threading.Barrier(threads + 1)

        def work() -> None:
            gate.wait()
            for _ in range(messages):
                log("the index is written")

        running = [threading.Thread(target=work) for _ in range(threads)]
        for thread in running:
            thread.start()
        gate.wait()
        start = perf_counter()
        for thread in running:
            thread.join()
        return (perf_counter() - start) / (threads * messages)

    return sample
