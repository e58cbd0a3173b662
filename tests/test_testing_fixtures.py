"""Inventories and instances for tests: plain functions, and the fixtures of the pytest plugin."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio

from hycore import PluginEXT, testing
from hycore.base.api import VersionInfo
from hycore.ext import Inventory
from hycore.testing import (
    InstanceFactory,
    LifecycleRecorder,
    amake_instance,
    make_instance,
    make_inventory,
    record_lifecycle,
)
from hycore.utils.error import DuplicatedKeyError, PlanError, PluginNotFoundError, TeardownError

BRINGING_UP = ["new", "attach_to", "initialize"]


@dataclass
class FooConfig:
    name: str = "y"


class Foo(PluginEXT):
    UUID = uuid.UUID("cdb726aa-8656-486f-a5b5-ff09f37a83fb")
    NAME = "__EXT_FOO"
    DESCRIPTION = "Provides foo-related features"
    CREATE_INFO = FooConfig

    def __init__(self, config: FooConfig) -> None:
        self.config = config


class Bar(PluginEXT):
    UUID = uuid.UUID(int=7)
    NAME = "__EXT_BAR"
    DESCRIPTION = "Needs foo"
    REQUIRES = ("__EXT_FOO",)


class Fails(PluginEXT):
    UUID = uuid.UUID(int=8)
    NAME = "__EXT_FAILS"
    DESCRIPTION = "Fails to be torn down"

    def teardown(self) -> None:
        raise OSError("no such device")


# Plain functions.


def test_an_inventory_has_what_it_is_given_and_nothing_else() -> None:
    """Neither what is installed, such as the logger, nor what is registered elsewhere."""
    assert make_inventory().names() == ()
    assert make_inventory(Foo, Bar).names() == ("__EXT_FOO", "__EXT_BAR")
    with pytest.raises(DuplicatedKeyError):
        make_inventory(Foo, type("Other", (Foo,), {}))


def test_an_instance_of_some_plugins() -> None:
    """With configuration, one object or several, and what else it takes."""
    with make_instance(Bar, Foo, config=FooConfig("x")) as instance:
        assert list(instance.extensions) == [Foo.UUID, Bar.UUID]
        assert instance.require_plugin_ext(Foo).config.name == "x"
        assert (instance.node_id, instance.engine_version) == (0, VersionInfo(1))
    with make_instance(Foo, config=[FooConfig("z")], engine_version=VersionInfo(2), node_id=42) as instance:
        assert instance.require_plugin_ext(Foo).config.name == "z"
        assert (instance.node_id, instance.engine_version) == (42, VersionInfo(2))
    with make_instance() as instance:
        assert dict(instance.extensions) == {}


def test_the_test_has_asked_in_a_report() -> None:
    """Not the kit."""
    with make_instance(Foo) as instance:
        line = test_the_test_has_asked_in_a_report.__code__.co_firstlineno + 2
        assert instance.report().extensions[0].asked_by.where == f"{__file__}:{line}"


def test_optional_plugins_may_fail() -> None:
    """As in a host."""

    class Broken(Bar):
        def initialize(self) -> None:
            raise ValueError("not today")

    with make_instance(Foo, optional=[Broken]) as instance:
        assert [each.name for each in instance.report().set_aside] == ["__EXT_BAR"]


def test_names_are_looked_up_in_the_inventory() -> None:
    """One that is handed over; classes are added to it."""
    inventory = make_inventory(Foo)
    with make_instance("__EXT_FOO", Bar, inventory=inventory) as instance:
        assert list(instance.extensions) == [Foo.UUID, Bar.UUID]
    assert inventory.names() == ("__EXT_FOO", "__EXT_BAR")
    with pytest.raises(PlanError) as caught:
        make_instance("__EXT_FOO")
    assert isinstance(caught.value.exceptions[0], PluginNotFoundError)


def test_asynchronous_instances() -> None:
    """Under asyncio and trio, with all that the plain function takes."""

    class Waits(Foo):
        async def initialize(self) -> None:
            self.config.name += " is up"

    async def host() -> str:
        async with await amake_instance(
            Waits, "__EXT_BAR", config=FooConfig("x"), node_id=3, inventory=make_inventory(Bar)
        ) as instance:
            assert instance.node_id == 3
            return instance.require_plugin_ext(Waits).config.name

    assert asyncio.run(host()) == trio.run(host) == "x is up"


def test_a_factory_closes_newest_first() -> None:
    """What is closed already is left alone, and all are made from its inventory."""
    inventory = make_inventory(Foo)
    factory = InstanceFactory(inventory)
    with record_lifecycle() as recorder:
        factory("__EXT_FOO")
        factory(Foo, config=FooConfig("x")).close()
        factory(Bar, optional=[Foo], node_id=2, engine_version=VersionInfo(2))
        recorder.clear()
        factory.close()
        factory.close()
    assert [(event.plugin, event.instance) for event in recorder.events] == [
        ("__EXT_BAR", 3),
        ("__EXT_FOO", 3),
        ("__EXT_FOO", 1),
    ]
    assert factory.inventory is inventory
    assert InstanceFactory().inventory is not InstanceFactory().inventory


def test_a_factory_closes_all_whatever_fails() -> None:
    """One error is raised as it is, several as a group."""
    factory = InstanceFactory()
    instances = [factory(Fails), factory(Foo)]
    with pytest.raises(TeardownError) as one:
        factory.close()
    assert str(one.value.exceptions[0].__cause__) == "no such device"
    instances += [factory(Fails), factory(Foo), factory(Fails)]
    with pytest.raises(ExceptionGroup, match="several instances failed to close") as several:
        factory.close()
    assert [type(error) for error in several.value.exceptions] == [TeardownError, TeardownError]
    assert all(instance.closed for instance in instances)


def test_the_fixtures_are_here(
    hyperion_inventory: Inventory, hyperion_instance: InstanceFactory, hyperion_recorder: LifecycleRecorder
) -> None:
    """Without a line in `conftest.py`: an entry point of the distribution tells pytest."""
    assert hyperion_inventory.names() == ()
    assert hyperion_instance.inventory is hyperion_inventory
    hyperion_instance(Foo)
    assert hyperion_inventory.names() == ("__EXT_FOO",)
    assert hyperion_recorder.phases(Foo) == BRINGING_UP


def test_every_name_can_be_listed_and_had() -> None:
    """Each is imported when it is used for the first time; others are not there."""
    assert set(testing.__all__) <= set(dir(testing))
    assert [name for name in testing.__all__ if not hasattr(testing, name)] == []
    with pytest.raises(AttributeError, match="module 'hycore.testing' has no attribute 'assert_all'"):
        testing.assert_all  # type: ignore[attr-defined]


# The pytest plugin, in a process of its own.

PLUGINS = """
import uuid
import pytest
from hycore import PluginEXT

class Foo(PluginEXT):
    UUID = uuid.UUID("cdb726aa-8656-486f-a5b5-ff09f37a83fb")
    NAME = "__EXT_FOO"
    DESCRIPTION = "Provides foo-related features"
    number = 0

    def teardown(self):
        print(f"torn down: {self.number}")
        if self.number < 0:
            raise OSError(f"no device {self.number}")

def numbered(hyperion_instance, number):
    hyperion_instance(Foo).require_plugin_ext(Foo).number = number
"""


def run_pytest(folder: Path, tests: str, *options: str) -> str:
    """Runs a file of tests; returns what pytest prints."""
    (folder / "test_inner.py").write_text(tests)
    done = subprocess.run(
        [
            *[sys.executable, "-P", "-W", "error", "-m", "pytest", "-p", "no:cacheprovider"],
            *["-p", "no:hypothesispytest", "-p", "no:anyio", "--color=no", "-rA", *options, "test_inner.py"],
        ],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def test_instances_are_closed_newest_first_and_after_the_test(tmp_path: Path) -> None:
    """Whether it has passed or failed; the next test begins anew."""
    tests = (
        PLUGINS
        + """
def test_three(hyperion_instance):
    for number in (1, 2, 3):
        numbered(hyperion_instance, number)
    print("the test is over")

def test_one_that_fails(hyperion_instance, hyperion_inventory):
    assert hyperion_inventory.names() == ()
    numbered(hyperion_instance, 4)
    assert False

def test_nothing(hyperion_instance, hyperion_inventory):
    assert hyperion_inventory.names() == ()
"""
    )
    printed = run_pytest(tmp_path, tests, "-s")
    lines = [line for line in printed.splitlines() if "torn down" in line or "is over" in line]
    told = "\n".join(lines)
    order = [told.index(text) for text in ("is over", "torn down: 3", "torn down: 2", "torn down: 1")]
    assert order == sorted(order), printed
    assert "torn down: 4" in told
    assert "2 passed" in printed and "1 failed" in printed and " error" not in printed.splitlines()[-1]


def test_what_fails_while_they_are_closed_is_an_error_of_the_test(tmp_path: Path) -> None:
    """In its teardown, beside what the test itself has come to; all are closed all the same."""
    tests = (
        PLUGINS
        + """
def test_one(hyperion_instance):
    numbered(hyperion_instance, -1)

def test_two(hyperion_instance):
    numbered(hyperion_instance, -2)
    numbered(hyperion_instance, 5)
    numbered(hyperion_instance, -3)
    assert False
"""
    )
    printed = run_pytest(tmp_path, tests)
    assert "1 failed, 1 passed, 2 errors" in printed
    assert "ERROR test_inner.py::test_one - " in printed
    assert "OSError: no device -1" in printed
    assert "several instances failed to close (2 sub-exceptions)" in printed
    assert [text in printed for text in ("no device -2", "no device -3", "torn down: 5")] == [True] * 3


def test_nothing_of_ours_is_imported_until_a_fixture_is_used(tmp_path: Path) -> None:
    """That pytest loads the plugin in every run costs next to nothing where nothing of ours is tested."""
    (tmp_path / "conftest.py").write_text(
        "import json, pathlib, sys\n"
        "def pytest_unconfigure():\n"
        "    names = sorted(name for name in sys.modules if name.split('.')[0] in ('hycore', 'hypi'))\n"
        "    pathlib.Path('modules.json').write_text(json.dumps(names))\n"
    )

    def imported() -> list[str]:
        names: list[str] = json.loads((tmp_path / "modules.json").read_text())
        return names

    assert "1 passed" in run_pytest(tmp_path, "def test_nothing(): pass\n")
    assert imported() == ["hycore", "hycore.testing", "hycore.testing._pytest"]
    assert "1 passed" in run_pytest(tmp_path, "def test_it(hyperion_inventory): pass\n")
    assert "hycore.ext" in imported()
    assert [
        name for name in imported() if name.startswith(("hycore.base", "hycore.testing._w", "hypi"))
    ] == []


def test_the_plugin_can_be_turned_off(tmp_path: Path) -> None:
    """By its name."""
    printed = run_pytest(tmp_path, "def test_it(hyperion_inventory): pass\n", "-p", "no:hyperion")
    assert "fixture 'hyperion_inventory' not found" in printed
