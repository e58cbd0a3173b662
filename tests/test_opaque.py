"""Typed configuration on its way to the plugins (section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hycore.base import InstanceContext
from hycore.base.api import ApplicationInfo, InstanceCreateInfo, VersionInfo
from hycore.ext.hylog import LogCreateInfoEXT
from hycore.utils import opaque
from hycore.utils.error import (
    ArgumentTypeError,
    ArgumentValueError,
    ConfigLoaderError,
    ConfigSealedError,
    DuplicatedKeyError,
    HyError,
    MissingConfigError,
    UnknownConfigTypeError,
)
from hycore.utils.opaque import (
    AddressedObject,
    LedgerEntry,
    OpaqueList,
    OpaqueObject,
    define_py_opaque_object_loaders,
)


class A(OpaqueObject):
    pass


class SubA(A):
    pass


class B(OpaqueObject):
    pass


KINDS = (A, SubA, B)


@pytest.fixture
def loaders(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A register of loaders that ends with the test."""
    table = dict(opaque._loaders)
    monkeypatch.setattr(opaque, "_loaders", table)
    return table


# The list.


@given(st.lists(st.sampled_from(KINDS)), st.lists(st.sampled_from(KINDS)))
def test_law_what_is_taken_is_gone_and_the_rest_is_in_order(held: list[type], asked: list[type]) -> None:
    """`take_ext` gives the first of exactly that type, and changes nothing else."""
    objects = [kind() for kind in held]
    ext = OpaqueList(objects)
    model = list(objects)
    for kind in asked:
        expected = next((thing for thing in model if type(thing) is kind), None)
        assert ext.take_ext(kind) is expected
        model = [thing for thing in model if thing is not expected]
        assert [id(thing) for thing in ext] == [id(thing) for thing in model]
        assert len(ext) == len(model)


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.booleans())))
def test_law_the_ledger_tells_of_each_object_who_took_it(held: list[tuple[type, bool]]) -> None:
    """In the order of the list, by type, whatever was taken first."""
    ext = OpaqueList([kind() for kind, _ in held])
    taken: dict[type, int] = {}
    for kind, take in held:
        if take:
            ext.take_ext(kind)
            taken[kind] = taken.get(kind, 0) + 1
    expected = []
    for kind, _ in held:
        gone = taken.get(kind, 0) > 0
        taken[kind] = taken.get(kind, 0) - 1
        expected.append(LedgerEntry(f"{__name__}.{kind.__name__}", "?" if gone else None))
    assert ext.report() == tuple(expected)


def test_objects_are_never_compared_hashed_or_copied() -> None:
    """Configuration is handed over as it is, whatever its own `__eq__` says."""

    @dataclass
    class Touchy(OpaqueObject):
        def __eq__(self, other: object) -> bool:
            raise AssertionError("compared")

        def __bool__(self) -> bool:
            raise AssertionError("tested for truth")

        __hash__ = None  # type: ignore[assignment]

    first, second = Touchy(), Touchy()
    ext = OpaqueList([first, second])
    assert ext.require_ext(Touchy) is first
    assert ext.take_ext(Touchy) is second
    assert ext.take_ext(Touchy) is None


def test_require_says_what_to_hand_over() -> None:
    """Outside of a creation nobody is named."""
    with pytest.raises(MissingConfigError) as caught:
        OpaqueList().require_ext(A)
    assert str(caught.value) == (
        f"the caller needs configuration of type {__name__}.A. Hand one over:\n    ext=[A(…), …]"
    )


@pytest.mark.parametrize("kind", ["A", A(), None])
def test_only_a_class_can_be_taken(kind: Any) -> None:
    """A name, or an object of the type, is told."""
    with pytest.raises(ArgumentTypeError, match="the type to take must be a class, not "):
        OpaqueList([A()]).take_ext(kind)


def test_a_class_is_no_configuration() -> None:
    """Forgotten brackets are told."""
    with pytest.raises(ArgumentTypeError, match=r"must be an object, such as A\(…\), not the class A"):
        OpaqueList([A])


def test_a_sealed_list_says_when_to_take(world: Any) -> None:
    """And it holds nothing any more, but its ledger."""
    kept: list[OpaqueList] = []
    world.plugin("a", {"new": lambda both: kept.append(both[1])})
    world.create(["a"], ext=[A()], unused_ext="ignore").close()
    with pytest.raises(ConfigSealedError, match=r"take it in new\(cls, ext\) and keep it on the plugin"):
        kept[0].take_ext(A)
    assert (len(kept[0]), list(kept[0])) == (0, [])
    assert kept[0].report() == (LedgerEntry(f"{__name__}.A", None),)


def test_an_addressed_object_is_there_for_its_extension_alone(world: Any) -> None:
    """Another that asks for the type gets its own, or nothing; order counts for neither."""
    taken: dict[str, object] = {}

    def take(name: str) -> Any:
        return lambda both: taken.update({name: both[1].take_ext(A)})

    for name in "abc":
        world.plugin(name, {"new": take(name)})
    for_a, for_b = A(), A()
    world.create(["a", "b", "c"], ext=[AddressedObject("b", for_b), AddressedObject("a", for_a)]).close()
    assert taken == {"a": for_a, "b": for_b, "c": None}


def test_repr_shows_types_and_no_values() -> None:
    """They may be secret."""

    @dataclass
    class Secret(OpaqueObject):
        password: str

    ext = OpaqueList([Secret("hunter2")])
    assert "hunter2" not in repr(ext)
    assert "Secret" in repr(ext)
    assert "hunter2" not in str(ext.report())
    assert repr(AddressedObject("a", Secret("hunter2"))) == "AddressedObject('a', Secret)"


# Loaders.


@dataclass
class FrontEnd:
    limit: int


class FrontEnt:
    """Misspelt."""


class BackEnd(OpaqueObject):
    def __init__(self, limit: int) -> None:
        self.limit = limit


NAME = f"{__name__}.FrontEnd"


def load(front_end: FrontEnd) -> BackEnd:
    return BackEnd(front_end.limit * 10)


def test_a_loader_converts_what_a_front_end_hands_over(world: Any, loaders: Any) -> None:
    """By the qualified name of the type, once per creation."""
    define_py_opaque_object_loaders(NAME, load)
    limits: list[int] = []
    world.plugin("a", {"new": lambda both: limits.append(both[1].require_ext(BackEnd).limit)})
    info = world.info(["a"], ext=[FrontEnd(3)])
    for _ in range(2):
        with type(world).create(world, ["a"], ext=info.ext) as instance:
            assert instance.report().ledger == (LedgerEntry(f"{__name__}.BackEnd", "a"),)
    assert limits == [30, 30]


def test_a_loader_is_defined_once(loaders: Any) -> None:
    """The same one again is a reloaded module; another is an error that names both."""

    def other(front_end: FrontEnd) -> BackEnd:
        return BackEnd(0)

    define_py_opaque_object_loaders(NAME, load)
    define_py_opaque_object_loaders(NAME, load)
    with pytest.raises(DuplicatedKeyError) as caught:
        define_py_opaque_object_loaders(NAME, other)
    assert caught.value.owners == (f"{__name__}.load", f"{__name__}.{other.__qualname__}")
    assert str(caught.value).endswith("remove one of them")
    assert loaders[NAME] is load


def test_a_loader_that_fails_is_told(world: Any, loaders: Any) -> None:
    """With the cause, and nothing constructed."""

    def fail(front_end: FrontEnd) -> BackEnd:
        raise ValueError("no such limit")

    define_py_opaque_object_loaders(NAME, fail)
    world.plugin("a")
    with pytest.raises(ConfigLoaderError) as caught:
        world.create(["a"], ext=[FrontEnd(1)])
    assert str(caught.value) == (
        f"the loader of configuration of type {NAME} failed: ValueError: no such limit; correct the object, or "
        "the loader that was given to define_py_opaque_object_loaders"
    )
    assert isinstance(caught.value.__cause__, ValueError)
    assert world.journal == []


@pytest.mark.parametrize(
    ("type_name", "loader", "error", "text"),
    [
        (FrontEnd, load, ArgumentTypeError, 'type_name must be a string such as "package.module.ClassName"'),
        ("FrontEnd", load, ArgumentValueError, "a qualified name such as"),
        (" a.B", load, ArgumentValueError, "a qualified name such as"),
        (NAME, "load", ArgumentTypeError, "loader must be a callable that takes the object, not str"),
    ],
)
def test_misuse_of_a_loader_is_told(
    loaders: Any, type_name: Any, loader: Any, error: type[HyError], text: str
) -> None:
    """And nothing is registered."""
    before = dict(loaders)
    with pytest.raises(error, match=text):
        define_py_opaque_object_loaders(type_name, loader)
    assert loaders == before


def test_unknown_types_are_told_with_the_known_ones(world: Any) -> None:
    """Known are the CREATE_INFO types of what is asked for, and what has a loader."""
    world.plugin("a", CREATE_INFO=FrontEnd, new=classmethod(lambda cls, ext: cls()))

    with pytest.raises(UnknownConfigTypeError) as caught:
        world.create(["a"], ext=[FrontEnt(), 3])
    lines = str(caught.value).splitlines()
    assert lines[0] == "no extension that is asked for understands configuration of these types"
    assert lines[1].endswith(f"FrontEnt: did you mean {NAME}?")
    assert lines[2] == (
        "  - builtins.int: hand over an object of the type that an extension names as its CREATE_INFO"
    )
    assert lines[3].startswith("Known types: ") and NAME in lines[3]
    assert isinstance(caught.value, TypeError)


def test_unknown_types_are_refused_before_a_loader_runs(world: Any, loaders: Any) -> None:
    """Nothing of the host's is converted for a creation that cannot be."""
    ran: list[object] = []
    define_py_opaque_object_loaders(NAME, lambda front_end: ran.append(front_end))
    world.plugin("a")
    with pytest.raises(UnknownConfigTypeError):
        world.create(["a"], ext=[FrontEnd(1), 3])
    assert ran == []


def test_the_nearest_of_a_package_is_named() -> None:
    """Not all that are in it, such as everything that comes with the runtime."""
    ext = [LogCreateInfoEXT(callback=print)]
    info = InstanceCreateInfo(ApplicationInfo("a", VersionInfo(1), "E", VersionInfo(1)), [], ext=ext)
    with pytest.raises(HyError, match="LogCreateInfoEXT: perhaps for '__EXT_hyperion_logger': add"):
        InstanceContext.create(info)


def test_another_claim_of_a_name_hides_no_hint(site: Any) -> None:
    """It lies elsewhere, and is found earlier or later."""
    near, far = f"{__name__}:Plugin", "elsewhere:Plugin"
    site.distribution("hint-a", "1", {"__EXT_one": near, "__EXT_two": far})
    site.distribution("hint-b", "1", {"__EXT_one": far, "__EXT_two": near})
    ext = [type("Own", (OpaqueObject,), {"__module__": __name__})()]
    info = InstanceCreateInfo(ApplicationInfo("a", VersionInfo(1), "E", VersionInfo(1)), [], ext=ext)
    with pytest.raises(HyError) as caught:
        InstanceContext.create(info)
    assert "'__EXT_one'" in str(caught.value) and "'__EXT_two'" in str(caught.value)


def test_both_messages_name_installed_extensions_of_the_same_package(site: Any) -> None:
    """The extension that the configuration was meant for is installed and not asked for."""
    site.distribution("shop", "1.0", {"__EXT_shop": "shop_package.plugin:ShopPlugin"})
    site.module(
        "shop_package",
        "from hycore.utils.opaque import OpaqueObject\nclass Plain: ...\nclass Marked(OpaqueObject): ...\n",
    )
    import shop_package

    with pytest.raises(
        HyError, match="shop_package.Plain: perhaps for '__EXT_shop': add that to enabled_ext"
    ):
        site.create(ext=[shop_package.Plain()])
    with pytest.raises(
        HyError, match="shop_package.Marked: perhaps for '__EXT_shop': add that to enabled_ext"
    ):
        site.create(ext=[shop_package.Marked()])
