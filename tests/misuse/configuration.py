"""Configuration on its way to the plugins."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from hycore import OpaqueList
from hycore.utils.opaque import AddressedObject, define_py_opaque_object_loaders
from misuse import MODULE, Limit, Limits, Place, Right, Told, misuse


class WordLimit:
    """Another class of a like name."""


class Style:
    """A class that is no OpaqueObject."""


def limited(place: Place, **attributes: object) -> Any:
    """Submits `__EXT_words`, which takes a `Limit`."""

    @place.define
    class Words(Right):
        CREATE_INFO = Limit

        def __init__(self, limit: Limit) -> None: ...

    return Words


def taking(kind: type) -> Callable[[Any], None]:
    """A `new` that takes configuration of a type."""

    def take(both: Any) -> None:
        both[1].take_ext(kind)

    return take


@misuse
def class_for_an_object(place: Place) -> None:
    """A class is handed over, and not an object of it."""
    limited(place)
    place.create("__EXT_words", ext=[Limit])


@misuse
def name_of_a_type(place: Place) -> None:
    """A string is handed over."""
    limited(place)
    place.create("__EXT_words", ext=["Limit"])


@misuse
def front_end_object(place: Place) -> None:
    """An object is handed over that nothing understands."""
    limited(place)
    place.create("__EXT_words", ext=[types.SimpleNamespace(words=3)])


@misuse
def type_of_a_like_name(place: Place) -> None:
    """An object of a class of a like name is handed over."""
    limited(place)
    place.create("__EXT_words", ext=[WordLimit()])


@misuse
def type_of_an_extension_that_is_off(place: Place) -> None:
    """An object is handed over whose extension is installed and not enabled."""
    place.install("words", MODULE, __EXT_words="@:Words")
    place.plugin("__EXT_lines")
    words: Any = __import__("words")
    place.create("__EXT_lines", ext=[words.Words.Kind()])


@misuse
def several_unknown_types(place: Place) -> None:
    """Three objects are handed over that nothing understands."""
    limited(place)
    place.create("__EXT_words", ext=[3, Style(), types.SimpleNamespace()])


@misuse
def left_over_by_all(place: Place) -> None:
    """An object is handed over that no extension takes."""
    place.plugin("__EXT_lines")
    place.create("__EXT_lines", ext=[Limits()])


@misuse
def left_over_by_one_that_is_off(place: Place) -> None:
    """An object is handed over whose extension is not enabled."""
    limited(place)
    place.plugin("__EXT_lines")
    place.create("__EXT_lines", ext=[Limit(3)])


@misuse
def left_over_by_one_that_is_on(place: Place) -> None:
    """Two objects are handed over where one is taken."""
    limited(place)
    place.create("__EXT_words", ext=[Limit(3), Limit(4)])


@misuse
def left_over_of_an_installed_package(place: Place) -> None:
    """An object is handed over whose package has an extension that is not enabled."""
    code = MODULE + "from hycore.utils.opaque import OpaqueObject\nclass Style(OpaqueObject): ...\n"
    place.install("words", code, __EXT_words="@:Words")
    place.plugin("__EXT_lines")
    words: Any = __import__("words")
    place.create("__EXT_lines", ext=[words.Style()])


@misuse
def left_over_addressed(place: Place) -> None:
    """An object is addressed to an extension that is not enabled."""
    limited(place)
    place.plugin("__EXT_lines")
    place.create("__EXT_lines", ext=[AddressedObject("__EXT_words", Limit(3))])


@misuse
def several_left_over(place: Place) -> None:
    """Three objects are left over, each for its own reason."""
    limited(place)
    place.plugin("__EXT_lines", {"new": taking(Limits)}, CREATE_INFO=Limits)
    place.plugin("__EXT_table", CREATE_INFO=Style)
    place.create("__EXT_lines", ext=[Limits(), Limits(), Limit(3), Style()])


@misuse
def left_over_and_warned(place: Place) -> Told:
    """An object is left over, and the host wants a warning."""
    heard = place.listen()
    place.create("__EXT_logger", ext=[Limits()], unused_ext="warn").close()
    return Told("logged", heard[0])


@misuse
def left_over_beside_something_unknown(place: Place) -> Told:
    """An object is left over, perhaps for an optional extension that is not installed."""
    heard = place.listen()
    place.world.create(["__EXT_logger"], ["__EXT_words"], ext=[Limits()]).close()
    return Told("logged", "\n".join(line for line in heard if line.startswith("WARN")))


@misuse
def nothing_for_the_default_new(place: Place) -> None:
    """An extension needs configuration, and gets none."""
    limited(place)
    place.create("__EXT_words")


@misuse
def nothing_for_require(place: Place) -> None:
    """An extension requires configuration in its new, and gets none."""
    place.plugin("__EXT_words", {"new": lambda both: both[1].require_ext(Limit)})
    place.create("__EXT_words")


@misuse
def nothing_in_a_list_of_ones_own(place: Place) -> None:
    """Configuration is required of a list that has none."""
    OpaqueList().require_ext(Limit)


@misuse
def taken_too_late(place: Place) -> None:
    """Configuration is taken in initialize."""
    kept: list[OpaqueList] = []
    place.plugin(
        "__EXT_words",
        {"new": lambda both: kept.append(both[1]), "initialize": lambda _: kept[0].take_ext(Limit)},
    )
    place.create("__EXT_words")


@misuse
def taken_by_a_string(place: Place) -> None:
    """Configuration is taken by the name of its type."""
    OpaqueList().take_ext("Limit")


@misuse
def list_of_a_class(place: Place) -> None:
    """A list holds a class."""
    OpaqueList([Limit])


@misuse
def list_of_a_string(place: Place) -> None:
    """A list is made of a string."""
    OpaqueList("Limit")


@misuse
def list_of_one_object(place: Place) -> None:
    """A list is made of one object."""
    OpaqueList(Limit(3))


@misuse
def addressed_to_a_class(place: Place) -> None:
    """An object is addressed to a class."""
    AddressedObject(Right, Limit(3))


@misuse
def loader_of_a_class(place: Place) -> None:
    """A loader is defined for a class, and not for its name."""
    define_py_opaque_object_loaders(Style, Limit)


@misuse
def loader_of_a_short_name(place: Place) -> None:
    """A loader is defined for a name without its module."""
    define_py_opaque_object_loaders("Style", Limit)


@misuse
def loader_that_was_called(place: Place) -> None:
    """A loader is defined by what it returns."""
    define_py_opaque_object_loaders("shop.front.Style", Limit(3))


@misuse
def two_loaders(place: Place) -> None:
    """Two loaders are defined for one type."""
    define_py_opaque_object_loaders("shop.front.Style", Limit)
    define_py_opaque_object_loaders("shop.front.Style", Limits)


@misuse
def loader_that_fails(place: Place) -> None:
    """A loader fails."""

    def load(style: Style) -> Limit:
        raise ValueError("a style has a width")

    define_py_opaque_object_loaders(f"{__name__}.Style", load)
    limited(place)
    place.create("__EXT_words", ext=[Style()])
