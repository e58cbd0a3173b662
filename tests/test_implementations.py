"""Extension points: `implementations` finds what satisfies a protocol or a base class, and runs no plugin's code."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Generic, Protocol, TypeVar, runtime_checkable

import pytest

from hycore import PluginEXT
from hycore.utils.error import ArgumentTypeError

T = TypeVar("T")
S_co = TypeVar("S_co", covariant=True)


class Method(Protocol):
    def work(self) -> int: ...


@runtime_checkable
class Attribute(Protocol):
    colour: str


class Both(Method, Attribute, Protocol): ...


class Of(Protocol[S_co]):
    def get(self) -> S_co: ...


class Called(Protocol):
    def __call__(self) -> int: ...


class Compared(Protocol):
    """Every object has these: only the method counts."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool: ...

    def work(self) -> int: ...


class Base:
    pass


class Abstract(ABC):
    @abstractmethod
    def work(self) -> int: ...


class Holder(Generic[T]):
    item: T


def names(world: Any, point: Any, **attributes: Any) -> bool:
    """Whether a plugin with these attributes implements the point."""
    world.plugin("a", **attributes)
    with world.create(["a"]) as instance:
        found = instance.implementations(point)
        assert [type(plugin).NAME for plugin in found] in ([], ["a"])
        return bool(found)


def method(self: object) -> int:
    return 1


@pytest.mark.parametrize(
    ("point", "attributes", "expected"),
    [
        (Method, {"work": method}, True),
        (Method, {"work": staticmethod(lambda: 1)}, True),
        (Method, {"work": property(method)}, True),
        (Method, {}, False),
        (Method, {"works": method}, False),
        (Attribute, {"colour": "red"}, True),
        (Attribute, {"__annotations__": {"colour": str}}, True),
        (Attribute, {}, False),
        (Both, {"work": method}, False),
        (Both, {"work": method, "colour": "red"}, True),
        (Of, {"get": method}, True),
        (Of, {}, False),
        (Abstract, {"work": method}, True),
        (Called, {"__call__": method}, True),
        (Called, {"work": method}, False),
        (Compared, {"work": method}, True),
        (Compared, {}, False),
        (runtime_checkable(Method), {"work": method}, True),
        (Holder, {"item": 1}, True),
        (Holder, {}, False),
    ],
)
def test_every_member_must_be_found_on_the_class_or_annotated_there(
    world: Any, point: Any, attributes: dict[str, Any], expected: bool
) -> None:
    """Members that a protocol inherits count too."""
    assert names(world, point, **attributes) is expected


def test_what_inherits_from_the_point_matches(world: Any) -> None:
    """Also where the point has no member of its own, if it is a plugin class."""

    class Tool(PluginEXT):
        pass

    class Hammer(Tool):
        UUID, NAME, DESCRIPTION = world.plugin("h", submit=False).UUID, "h", "A hammer"

    world.inventory.submit(Hammer)
    world.plugin("a")
    with world.create(["a", "h"]) as instance:
        assert [type(plugin) for plugin in instance.implementations(Tool)] == [Hammer]
        assert [plugin.name for plugin in instance.implementations(PluginEXT)] == ["a", "h"]


def test_a_member_that_is_only_set_on_the_object_does_not_count(world: Any) -> None:
    """A plugin matches from its first moment, or never."""
    world.plugin("a", {"initialize": lambda plugin: setattr(plugin, "colour", "red")})
    with world.create(["a"]) as instance:
        assert instance.implementations(Attribute) == ()


def test_no_code_of_a_plugin_runs(world: Any) -> None:
    """Neither a property, nor `__getattr__`, nor the checks of a runtime protocol."""
    ran: list[str] = []

    def run(*_: object) -> Any:
        ran.append("code")
        raise AttributeError

    assert names(world, Attribute, colour=property(run), __getattr__=run, __eq__=run, __hash__=None)
    assert ran == []


def test_order_is_that_of_the_plan_and_the_second_call_gives_the_same_tuple(world: Any) -> None:
    """An extension point costs a look-up after the first time."""
    for name in "cab":
        world.plugin(name, work=method)
    world.plugin("d")
    with world.create(["c", "a", "d", "b"]) as instance:
        found = instance.implementations(Method)
        assert [plugin.name for plugin in found] == ["c", "a", "b"]
        assert instance.implementations(Method) is found


class Empty(Protocol):
    NAME: ClassVar[str]

    def initialize(self) -> None: ...


@pytest.mark.parametrize(
    ("point", "text"),
    [
        (
            Empty,
            "point must be a protocol or base class that declares a member which not every plugin has, such as a method, not the",
        ),
        (
            Base,
            "point must be a protocol or base class that declares a member which not every plugin has, such as a method, not the",
        ),
        (
            object,
            "point must be a protocol or base class that declares a member which not every plugin has, such as a method, not the",
        ),
        ("Method", "point must be a protocol or a base class, not str"),
        (Callable[[], int], "point must be a protocol or a base class"),
        (Of[int], "point must be a protocol or a base class"),
        ([], "point must be a protocol or a base class, not list"),
        (Base(), "point must be a protocol or a base class, not an object of type Base"),
    ],
)
def test_what_is_no_extension_point_is_told(world: Any, point: Any, text: str) -> None:
    """A `TypeError`: no class, or one that asks for nothing that not every plugin has."""
    with world.create() as instance:
        with pytest.raises(ArgumentTypeError, match=text) as caught:
            instance.implementations(point)
        assert isinstance(caught.value, TypeError)


def test_an_instance_shows_itself_as_a_table(world: Any) -> None:
    """In a notebook; texts are escaped."""
    world.plugin("<a>")
    info = world.info(["<a>"], ["gone"])
    with world.bring_up(info, profile=True) as instance:
        html = instance._repr_html_()
    bare = re.sub(r' (?:style|title)="[^"]*"', "", html)
    assert bare.startswith("<table><caption><b>test 1.0.0</b>: open<br>asked for at ")
    assert "<td>1</td><td>&lt;a&gt;</td><td>up</td><td>enabled</td>" in bare
    assert "<th>new (ms)</th>" in bare
    assert "<td>gone</td><td>set aside</td><td>PluginNotFoundError: no extension is named" in bare
    assert html == html.replace("<a>", "")
