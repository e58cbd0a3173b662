"""`assert_host_survives`: hosts that survive the failure of any plugin in any phase, and each way not to."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import trio

from hycore import HyError, InstanceContext, PluginEXT
from hycore.testing import (
    Finding,
    HostConformanceError,
    RunningLoopError,
    amake_instance,
    assert_host_survives,
    make_instance,
)
from hycore.utils.error import ArgumentTypeError

BRINGING_UP = ["new", "attach_to", "initialize"]


class Foo(PluginEXT):
    UUID = uuid.UUID("cdb726aa-8656-486f-a5b5-ff09f37a83fb")
    NAME = "__EXT_FOO"
    DESCRIPTION = "Provides foo-related features"

    def __init__(self) -> None:
        self.defer(list)

    def foo(self) -> str:
        return "foo"


class Bar(PluginEXT):
    UUID = uuid.UUID(int=7)
    NAME = "__EXT_BAR"
    DESCRIPTION = "Needs foo"
    REQUIRES = ("__EXT_FOO",)


ALL_OF_FOO = [("__EXT_FOO", phase) for phase in [*BRINGING_UP, "teardown", "defer"]]


class StartError(Exception):
    """What hosts of this file raise."""


def findings(host: Callable[[], object], **options: Any) -> tuple[Finding, ...]:
    with pytest.raises(HostConformanceError) as caught:
        assert_host_survives(host, **options)
    return caught.value.findings


def problems(host: Callable[[], object]) -> dict[str, str]:
    """By what failed, what the host did wrong; one thing each."""
    found = findings(host)
    assert len({finding.rule for finding in found}) == len(found)
    return {finding.rule: finding.problem for finding in found}


def failing(*phases: str) -> set[str]:
    return {f"{phase} of '__EXT_FOO' fails" for phase in phases}


# Hosts that survive.


def lets_pass() -> None:
    with make_instance(Foo, Bar) as instance:
        assert instance.require_plugin_ext(Foo).foo() == "foo"


def handles() -> None:
    with suppress(HyError):
        lets_pass()


def raises_its_own() -> None:
    try:
        lets_pass()
    except HyError as error:
        raise StartError("could not start") from error


def raises_its_own_without_saying_from() -> None:
    try:
        lets_pass()
    except HyError:
        raise StartError("could not start")  # noqa: B904


def exits() -> None:
    try:
        lets_pass()
    except HyError:
        raise SystemExit(1) from None


def collects_errors() -> None:
    errors: list[Exception] = []
    try:
        lets_pass()
    except HyError as error:
        errors.append(error)
    if errors:
        raise ExceptionGroup("all that went wrong", [KeyError("something else"), *errors])


def closes_by_hand() -> None:
    instance = make_instance(Foo, Bar)
    try:
        instance.require_plugin_ext(Foo).foo()
    finally:
        instance.close()


def lives_without() -> None:
    with make_instance(optional=[Foo, Bar]) as instance:
        foo = instance.get_plugin_ext(Foo)
        assert foo is None or foo.foo() == "foo"


def has_several() -> None:
    with make_instance(Foo), make_instance(Foo, Bar):
        pass


def has_a_thread() -> None:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait, args=(50,))
    thread.start()
    try:
        lets_pass()
    finally:
        stop.set()  # it ends soon


async def awaits() -> None:
    async with await amake_instance(Foo, Bar):
        await asyncio.sleep(0)


def runs_trio() -> None:
    async def main() -> None:
        async with await amake_instance(Foo, Bar):
            await trio.lowlevel.checkpoint()

    trio.run(main)


@pytest.mark.parametrize(
    "host",
    [
        lets_pass,
        handles,
        raises_its_own,
        raises_its_own_without_saying_from,
        exits,
        collects_errors,
        closes_by_hand,
        lives_without,
        has_several,
        has_a_thread,
        awaits,
        runs_trio,
    ],
)
def test_a_host_that_survives(host: Callable[[], object]) -> None:
    """Every phase of every plugin has been tried, phase by phase."""
    tried = assert_host_survives(host)
    assert sorted(tried) == sorted(
        [(name, phase) for name in ("__EXT_FOO", "__EXT_BAR") for phase in [*BRINGING_UP, "teardown"]]
        + [("__EXT_FOO", "defer")]
    )
    order = [*BRINGING_UP, "teardown", "defer"]
    assert [phase for _, phase in tried] == sorted([phase for _, phase in tried], key=order.index)


def test_asynchronous_plugins_fail_too() -> None:
    """Where they are awaited."""

    class Waits(Foo):
        def __init__(self) -> None:
            self.defer(self.flush)

        async def attach_to(self, instance: object) -> None:
            await asyncio.sleep(0)

        async def initialize(self) -> None:
            await asyncio.sleep(0)

        async def teardown(self) -> None:
            await asyncio.sleep(0)

        async def flush(self) -> None:
            await asyncio.sleep(0)

    async def host() -> None:
        async with await amake_instance(Waits):
            pass

    async def wrong() -> None:
        instance = await amake_instance(Waits)
        failed = False
        try:
            await instance.aclose()
        except HyError:
            failed = True
        if failed:
            raise StartError("no")

    assert sorted(assert_host_survives(host)) == sorted(ALL_OF_FOO)
    assert problems(wrong).keys() == failing("teardown", "defer")


def test_imports_fail_too(site: Any) -> None:
    """Those of installed extensions; what the inventory keeps is forgotten before each run."""
    site.foo()

    def host() -> None:
        site.create(["__EXT_FOO"]).close()

    def swallows() -> None:
        try:
            host()
        except HyError:
            failed = True
        else:
            failed = False
        if failed:
            raise StartError("no")

    tried = assert_host_survives(host, inventory=site.inventory)
    assert tried == tuple(("__EXT_FOO", phase) for phase in ["import", *BRINGING_UP, "teardown"])
    rules = [finding.rule for finding in findings(swallows, inventory=site.inventory)]
    assert rules[0] == "import of '__EXT_FOO' fails"


def test_a_first_failure_may_start_something_for_good() -> None:
    """What is started once is not left behind each time."""
    started: list[threading.Event] = []

    def host() -> None:
        try:
            lets_pass()
        except HyError:
            if not started:
                started.append(threading.Event())
                threading.Thread(target=started[0].wait, args=(50,)).start()

    try:
        assert_host_survives(host)
    finally:
        started[0].set()


# Hosts that do not.


def test_a_teardown_that_always_fails_is_no_fault_of_a_host_that_handles_it() -> None:
    """It fails in each run, with or without a fault."""

    class Bad(Foo):
        def teardown(self) -> None:
            raise OSError("gone")

    def host() -> None:
        with suppress(HyError), make_instance(Bad):
            pass

    assert ("__EXT_FOO", "teardown") in assert_host_survives(host)


def test_one_that_raises_something_else_is_found() -> None:
    """What it raises does not tell which plugin failed."""

    def host() -> None:
        instance = None
        with suppress(HyError):
            instance = make_instance(Foo)
        instance.close()  # type: ignore[union-attr]

    found = problems(host)
    assert found.keys() == failing(*BRINGING_UP)
    assert set(found.values()) == {
        "the host raises AttributeError, which does not tell of the failure: AttributeError: 'NoneType' object has no "
        "attribute 'close'"
    }
    assert findings(host)[0].step.endswith("raise StartError(…) from error")


def test_one_that_makes_a_mistake_while_it_handles_is_found() -> None:
    """Python has the failure as its context, but nobody meant that."""

    def host() -> None:
        try:
            make_instance(Foo).close()
        except HyError as error:
            error.log()  # type: ignore[attr-defined]

    (first, *_) = findings(host)
    assert first.problem == (
        "the host raises AttributeError: 'PluginFailedError' object has no attribute 'log', a mistake of its own, while "
        "it handles the failure"
    )


def test_one_that_hides_which_it_was_is_found() -> None:
    """A finding for each phase: an error of its own, from nowhere."""

    def host() -> None:
        failed = False
        try:
            make_instance(Foo).close()
        except HyError:
            failed = True
        if failed:
            raise StartError("something is wrong")

    found = problems(host)
    assert found.keys() == failing(*BRINGING_UP, "teardown", "defer")
    problem = f"the host raises {__name__}.StartError, which does not tell of the failure: StartError: something is wrong"
    assert set(found.values()) == {problem}


def test_one_that_hides_it_by_from_none_is_found() -> None:
    """Python keeps the failure as its context, but shows it to nobody."""

    def host() -> None:
        try:
            make_instance(Foo).close()
        except HyError:
            raise StartError("something is wrong") from None

    assert problems(host).keys() == failing(*BRINGING_UP, "teardown", "defer")


def test_one_that_tells_of_another_failure_is_found() -> None:
    """As if it kept the first error that it ever met."""
    kept: list[HyError] = []

    def host() -> None:
        try:
            make_instance(Foo).close()
        except HyError as error:
            kept.append(error)
        else:
            return
        raise kept[0]

    assert problems(host).keys() == failing("attach_to", "initialize", "teardown", "defer")


def test_one_that_leaves_an_instance_up_is_found() -> None:
    """It is closed only where nothing fails; the proof closes it."""
    kept: list[InstanceContext] = []

    def host() -> None:
        first = make_instance(Foo)
        kept.append(first)
        with suppress(HyError):
            make_instance(Foo, Bar).close()
            first.close()

    found = findings(host)
    problem = "an instance is left up, with '__EXT_FOO'"
    # Where both fail in the same phase, the first is not up.
    assert {finding.rule for finding in found if finding.problem == problem} == {
        *failing("teardown", "defer"),
        *(f"{phase} of '__EXT_BAR' fails" for phase in [*BRINGING_UP, "teardown"]),
    }
    assert all(instance.closed for instance in kept)


def test_one_that_leaves_it_up_even_if_nothing_fails_is_found() -> None:
    """Of what it does come to, the failures are tried all the same."""
    kept: list[InstanceContext] = []

    def host() -> None:
        kept.append(make_instance(Foo))

    async def waits() -> None:
        kept.append(await amake_instance(Foo))

    for wrong in (host, waits):
        assert problems(wrong) == {"nothing fails": "an instance is left up, with '__EXT_FOO'"}
        assert kept.pop().closed


def test_one_whose_instance_ends_with_its_last_reference_is_found() -> None:
    """What fails in a teardown then, nobody is told."""

    def host() -> None:
        make_instance(Foo)

    found = problems(host)
    assert found.keys() == failing("teardown", "defer")
    assert all(problem.startswith("nobody is told: ") for problem in found.values())
    assert "a test lets teardown of '__EXT_FOO' fail" in found["teardown of '__EXT_FOO' fails"]


def test_what_else_fails_where_nobody_can_be_told_goes_where_it_always_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Such as the failure of a finalizer, which is none of a teardown."""
    told: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda lost: told.append(type(lost.exc_value)))

    class Fails(Foo):
        def __del__(self) -> None:
            raise OSError

    assert_host_survives(lambda: make_instance(Fails).close())
    assert set(told) == {OSError}


@contextmanager
def ended(started: list[threading.Event]) -> Iterator[None]:
    yield
    for event in started:
        event.set()


def test_one_that_leaves_a_thread_is_found() -> None:
    """What it had started before the instance, it does not end."""
    started: list[threading.Event] = []

    def host() -> None:
        stop = threading.Event()
        started.append(stop)
        threading.Thread(target=stop.wait, args=(50,), name="watcher").start()
        make_instance(Foo).close()
        stop.set()

    with ended(started):
        found = findings(host)
    assert {finding.rule for finding in found} == failing(*BRINGING_UP, "teardown", "defer")
    assert found[0].problem.startswith("left are threads: 'watcher'")
    assert found[0].step.startswith("end in a finally block")


def test_one_that_leaves_a_file_open_is_found() -> None:
    """A descriptor that is closed only where all went well."""
    opened: list[int] = []

    def host() -> None:
        descriptor = os.open(__file__, os.O_RDONLY)
        opened.append(descriptor)
        make_instance(Foo).close()
        os.close(opened.pop())

    try:
        found = problems(host)
    finally:
        for descriptor in opened:
            os.close(descriptor)
    assert found == dict.fromkeys(
        failing(*BRINGING_UP, "teardown", "defer"), f"left are open files: {__file__}"
    )


def test_one_that_does_something_else_the_second_time_is_found() -> None:
    """What did not come proves nothing."""
    runs: list[None] = []

    def host() -> None:
        runs.append(None)
        if len(runs) == 1:
            make_instance(Foo).close()

    found = problems(host)
    assert found.keys() == failing(*BRINGING_UP, "teardown", "defer")
    assert set(found.values()) == {"it came when nothing failed, and does not come in a second run"}


def test_one_that_creates_no_instance_here_is_found() -> None:
    """It may have created one in another process."""
    (finding,) = findings(lambda: None)
    assert finding.rule == "nothing fails"
    assert finding.problem == "no instance is created in this process"


def test_all_is_told_at_once() -> None:
    """With the host's name, and what to write."""

    def host() -> None:
        make_instance(Foo)

    with pytest.raises(HostConformanceError) as caught:
        assert_host_survives(host)
    lines = str(caught.value).split("\n")
    assert (
        lines[0]
        == "the host test_all_is_told_at_once.<locals>.host does not survive every failure, in 2 points:"
    )
    assert lines[1].startswith("  1. teardown of '__EXT_FOO' fails: nobody is told: ")
    assert (
        lines[-1]
        == "     end the instance by with, or close(): when its last reference goes, nothing can be raised"
    )
    assert len(caught.value.findings) == 2


# How it is called.


def test_a_host_that_fails_by_itself_is_not_judged() -> None:
    """What it raises undisturbed is raised."""

    def host() -> None:
        lets_pass()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        assert_host_survives(host)


def test_ctrl_c_passes() -> None:
    """The proof is ended, and a failure of the host it is not."""

    def host() -> None:
        try:
            lets_pass()
        except HyError:
            raise KeyboardInterrupt from None

    with pytest.raises(KeyboardInterrupt):
        assert_host_survives(host)


def test_an_asynchronous_host_has_a_loop_of_its_own() -> None:
    """Inside of another one it is refused."""

    async def main() -> None:
        with pytest.raises(RunningLoopError) as caught:
            assert_host_survives(awaits)
        assert str(caught.value) == (
            "assert_host_survives, for an asynchronous host, runs an event loop of its own, and one is running here: "
            "call it outside of the loop"
        )
        assert_host_survives(lets_pass)  # a plain one needs none

    asyncio.run(main())


def test_what_is_no_function_is_refused() -> None:
    """Such as what a host has returned."""
    with pytest.raises(ArgumentTypeError, match=r"host must be a function .*, main and not main\(\)"):
        assert_host_survives(0)  # type: ignore[arg-type]


def test_what_is_no_inventory_is_refused() -> None:
    """As everywhere."""
    with pytest.raises(ArgumentTypeError, match="inventory must be"):
        assert_host_survives(lets_pass, inventory="foo")  # type: ignore[arg-type]
