"""Mistakes in a plugin class are found when it is registered, and show the line to write (section 3)."""

from __future__ import annotations

import abc
import functools
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from hycore import OpaqueList, PluginEXT, define_plugin
from hycore.ext import Inventory, PluginRegistry
from hycore.ext._specifier import check_specifier, satisfies
from hycore.utils.error import ArgumentTypeError, HyError, PluginDefinitionError

UUID = uuid.UUID("cdb726aa-8656-486f-a5b5-ff09f37a83fb")
IDENTITY = {"UUID": UUID, "NAME": "__EXT_FOO", "DESCRIPTION": "Foo"}


def define(bases: tuple[type, ...] = (PluginEXT,), **attributes: object) -> type:
    return type("Foo", bases, {"__module__": "foo", "__qualname__": "Foo", **IDENTITY, **attributes})


def refusal(kind: Any) -> str:
    inventory = Inventory(group=None)
    with pytest.raises(PluginDefinitionError) as caught:
        inventory.submit(kind)
    assert inventory.names() == ()
    return str(caught.value)


def generator(self: object) -> Any:
    yield


async def asynchronous_generator(self: object) -> Any:
    yield


NEW = '@classmethod\n    def new(cls, ext: OpaqueList) -> "Foo":'


@pytest.mark.parametrize(
    ("attributes", "problem", "line"),
    [
        ({"UUID": str(UUID)}, "its UUID is a string", f'UUID = uuid.UUID("{UUID}")'),
        ({"NAME": None}, "it has no NAME", 'NAME = "__EXT_foo"'),
        ({"NAME": 3}, "its NAME is of type int, not a string", 'NAME = "__EXT_foo"'),
        ({"NAME": ""}, "its NAME is empty", 'NAME = "__EXT_foo"'),
        ({"DESCRIPTION": None}, "it has no DESCRIPTION", 'DESCRIPTION = "What it provides, in one line"'),
        ({"new": lambda cls, ext: None}, "its new is not a classmethod", NEW),
        ({"new": classmethod(lambda cls: None)}, "its new has the parameters (cls)", NEW),
        (
            {"new": staticmethod(lambda ext, more: None)},
            "its new is a staticmethod and has the parameters (ext, more)",
            NEW,
        ),
        (
            {"attach_to": lambda self: None},
            "its attach_to has the parameters (self)",
            "def attach_to(self, instance) -> None:",
        ),
        (
            {"initialize": lambda self, ext: None},
            "its initialize has the parameters (self, ext)",
            "def initialize(self) -> None:",
        ),
        ({"teardown": None}, "its teardown is None, not a method", "def teardown(self) -> None:"),
        (
            {"teardown": classmethod(lambda cls: None)},
            "its teardown is of type classmethod, not a method",
            "def teardown(self) -> None:",
        ),
        ({"REQUIRES": "__EXT_bar"}, "its REQUIRES is a plain string", "REQUIRES = ('__EXT_bar',)"),
        ({"AFTER": "__EXT_bar"}, "its AFTER is a plain string", "AFTER = ('__EXT_bar',)"),
        ({"AFTER": 3}, "its AFTER is of type int, not a tuple of names", 'AFTER = ("__EXT_foo",)'),
        (
            {"AFTER": (3,)},
            "its AFTER has something of type int in it, and not its name",
            "AFTER = ('__EXT_foo',)",
        ),
        ({"REQUIRES": ("__EXT_FOO",)}, "its REQUIRES names itself", "REQUIRES = ()"),
        (
            {"REQUIRES_ENGINE": "0.1"},
            "its REQUIRES_ENGINE '0.1' is not a version specifier: '0.1' does not begin with one of "
            "~= == != <= >= < >",
            'REQUIRES_ENGINE = ">=0.1,<0.3"',
        ),
        (
            {"INITIALIZE_TIMEOUT": 0},
            "its INITIALIZE_TIMEOUT is 0, not a positive number of seconds",
            "INITIALIZE_TIMEOUT = 30.0",
        ),
        (
            {"INITIALIZE_TIMEOUT": True},
            "its INITIALIZE_TIMEOUT is of type bool, not a number of seconds",
            "INITIALIZE_TIMEOUT = 30.0",
        ),
        (
            {"REQUIRES": {1, "a"}},
            "its REQUIRES has something of type int in it, and not its name",
            "REQUIRES = ('__EXT_foo',)",
        ),
        ({"UUID": "foo"}, "its UUID is a string", 'UUID = uuid.UUID("'),
        (
            {"initialize": generator},
            "its initialize is a generator, whose code would never run: it has a yield",
            "def initialize(self) -> None:",
        ),
        (
            {"teardown": asynchronous_generator},
            "its teardown is a generator, whose code would never run: it has a yield",
            "def teardown(self) -> None:",
        ),
        (
            {"instance": None},
            "its instance hides the one that the runtime provides",
            "_instance = …    # under another name",
        ),
        (
            {"defer": lambda self: None},
            "its defer hides the one that the runtime provides",
            "_defer = …    # under another name",
        ),
        (
            {"CREATE_INFO": {"limit": 3}},
            "its CREATE_INFO is of type dict, not a class",
            "CREATE_INFO = MyConfig",
        ),
    ],
)
def test_a_mistake_shows_the_line_to_write(attributes: dict[str, object], problem: str, line: str) -> None:
    """And nothing is registered."""
    text = refusal(define(**attributes))
    assert text.startswith(f"foo.Foo is not a valid plugin: {problem}. Write:\n    {line}")
    assert text.endswith(line) or attributes == {"UUID": "foo"}


@pytest.mark.parametrize("value", [None, uuid.UUID(int=0), 3])
def test_a_missing_uuid_shows_a_fresh_one(value: object) -> None:
    """To be copied."""
    text = refusal(define(UUID=value))
    line = text.rpartition("Write:\n    ")[2]
    made = eval(line.partition(" = ")[2])
    assert made.version == 4


def test_a_missing_base_class_shows_it() -> None:
    """Also for a class that has everything else."""
    assert refusal(define((object,))).endswith(
        "it does not derive from PluginEXT. Write:\n    class Foo(PluginEXT):"
    )
    with pytest.raises(
        ArgumentTypeError,
        match=r"a plugin must be a class that derives from PluginEXT \(Foo, and not Foo\(…\)\), not int",
    ):
        Inventory(group=None).submit(3)  # type: ignore[arg-type]


def test_an_asynchronous_new_is_refused() -> None:
    """Construction is never asynchronous."""

    async def new(cls: type, ext: OpaqueList) -> None: ...

    assert "its new is asynchronous" in refusal(define(new=classmethod(new)))


def test_an_abstract_class_is_refused() -> None:
    """It could not be constructed."""

    class Abstract(abc.ABC):
        @abc.abstractmethod
        def work(self) -> None: ...

    assert "it is abstract: work has no body" in refusal(
        type("Foo", (PluginEXT, Abstract), {"__module__": "foo", **IDENTITY})
    )


def test_what_is_stored_as_self_instance_is_told(world: Any) -> None:
    """As the Rust build's plugins do; the runtime provides it."""

    class Foo(PluginEXT):
        UUID, NAME, DESCRIPTION = uuid.UUID(int=1), "foo", "Stores the reference"

        def attach_to(self, instance: object) -> None:
            self.instance = instance  # type: ignore[assignment]

    world.inventory.submit(Foo)
    with pytest.raises(HyError) as caught:
        world.create(["foo"])
    assert (
        "extension 'foo' stores something as self.instance, which the runtime provides: delete that line, or choose "
        "another name"
    ) in str(caught.value)


def test_a_hook_may_be_a_partial_method(world: Any) -> None:
    """It is called like any other."""
    kind = world.plugin("a", submit=False)
    kind.initialize = functools.partialmethod(lambda self, word: world.journal.append(word), "partial")
    world.inventory.submit(kind)
    world.create(["a"]).close()
    assert world.journal == ["new a", "attach_to a", "partial", "teardown a"]


def test_hooks_that_cannot_be_read_are_accepted() -> None:
    """Decorated by hand, or written in C."""

    def wrapped(self: object) -> None: ...

    @functools.wraps(wrapped)
    def hook(*args: object, **kwargs: object) -> None: ...

    Inventory(group=None).submit(define(initialize=hook, teardown=lambda self, *more, deep=1: None))


def test_identity_alone_is_a_valid_plugin() -> None:
    """Every hook has a default; and what the class says is in the record."""
    inventory = Inventory(group=None)
    kind = define(
        REQUIRES=["a", "b", "a"], AFTER=("c",), REQUIRES_ENGINE=">=1", INITIALIZE_TIMEOUT=3, CREATE_INFO=dict
    )
    inventory.submit(kind)
    (registry,) = inventory.registered()
    assert (registry.uuid, registry.name, registry.description) == (UUID, "__EXT_FOO", "Foo")
    assert (registry.requires, registry.after, registry.requires_engine) == (("a", "b"), ("c",), ">=1")
    assert (registry.initialize_timeout, registry.create_info, registry.plugin_class) == (3.0, dict, kind)


def test_registration_runs_nothing_of_the_plugin() -> None:
    """Neither `new` nor a descriptor nor a metaclass's `__getattribute__` of other attributes."""

    class Trap:
        def __get__(self, instance: object, owner: type | None = None) -> object:
            raise AssertionError("run")

    @define_plugin(inventory=Inventory(group=None))
    class Plugin(PluginEXT):
        UUID = UUID
        NAME = "__EXT_trap"
        DESCRIPTION = "Trap"
        trap = Trap()

        def __init__(self) -> None:
            raise AssertionError("constructed")


def test_a_record_of_ones_own() -> None:
    """A PluginRegistry without a class is checked as well."""
    registry = PluginRegistry(UUID, "__EXT_own", "Own", lambda ext: None)  # type: ignore[arg-type, return-value]
    inventory = Inventory(group=None)
    inventory.submit(registry)
    assert inventory.find("__EXT_own").load() is registry
    with pytest.raises(PluginDefinitionError, match="its UUID is a string"):
        PluginRegistry("x", "__EXT_own", "Own", print)  # type: ignore[arg-type]
    with pytest.raises(ArgumentTypeError, match="loader must be a callable"):
        PluginRegistry(UUID, "__EXT_own", "Own", 3)  # type: ignore[arg-type]


# Specifiers.

numbers = st.integers(0, 3)
versions = st.tuples(numbers, numbers, numbers)
parts = st.lists(numbers, min_size=1, max_size=3).map(lambda each: ".".join(map(str, each)))
clauses = st.one_of(
    st.builds("{}{}".format, st.sampled_from(["==", "!=", "<=", ">=", "<", ">"]), parts),
    st.builds("{}{}.*".format, st.sampled_from(["==", "!="]), st.lists(numbers, min_size=1, max_size=2).map(
        lambda each: ".".join(map(str, each)))),
    st.builds("~={}.{}".format, numbers, parts.filter(lambda text: text.count(".") < 2)),
)  # fmt: skip


@given(st.lists(clauses, min_size=1, max_size=3), versions)
def test_specifiers_mean_what_pep_440_says(each: list[str], version: tuple[int, int, int]) -> None:
    """For final releases, as the library `packaging` reads them."""
    specifier = " , ".join(each)
    expected = Version(".".join(map(str, version))) in SpecifierSet(specifier)
    assert satisfies(specifier, version) == expected


@pytest.mark.parametrize(
    "text", ["", "1.0", ">=", ">=1.0.0.0", ">=1.a", "~=1", "=>1", ">=1,", "<1.*", ">=1.0rc1"]
)
def test_what_is_no_specifier_is_refused(text: str) -> None:
    """With the reason."""
    with pytest.raises(ValueError, match="."):
        check_specifier(text)
