"""Plugins that are constructed wrongly."""

from __future__ import annotations

from typing import Any

from hycore import OpaqueList
from misuse import Limit, Limits, Place, Right, misuse


@misuse
def new_raises(place: Place) -> None:
    """new raises."""
    place.plugin("__EXT_words", {"new": ValueError("no such dictionary")})
    place.create("__EXT_words")


@misuse
def new_returns_nothing(place: Place) -> None:
    """new returns nothing."""

    @place.define
    class Words(Right):
        @classmethod
        def new(cls, ext: OpaqueList) -> Any:
            cls()

    place.create("__EXT_words")


@misuse
def new_returns_something_else(place: Place) -> None:
    """new returns an object of another class."""

    @place.define
    class Words(Right):
        @classmethod
        def new(cls, ext: OpaqueList) -> Any:
            return Limits()

    place.create("__EXT_words")


@misuse
def new_returns_the_same(place: Place) -> None:
    """new returns the same object for each instance."""

    @place.define
    class Words(Right):
        @classmethod
        def new(cls, ext: OpaqueList) -> Any:
            return the_one

    the_one = Words()
    with place.create("__EXT_words"):
        place.create("__EXT_words")


@misuse
def new_leaves(place: Place) -> None:
    """new ends the process."""
    place.plugin("__EXT_words", {"new": SystemExit(2)})
    place.create("__EXT_words")


@misuse
def constructor_that_fails(place: Place) -> None:
    """A constructor calls another one wrongly."""

    @place.define
    class Words(Right):
        def __init__(self) -> None:
            Limit("three", "four")

    place.create("__EXT_words")


@misuse
def instance_in_new(place: Place) -> None:
    """The instance is used before the plugin is attached."""
    place.plugin("__EXT_words", {"new": lambda both: both[0].instance})
    place.create("__EXT_words")


@misuse
def instance_is_stored(place: Place) -> None:
    """The instance is stored under the name that the runtime has for it."""

    @place.define
    class Words(Right):
        def attach_to(self, instance: Any) -> None:
            self.instance = instance

    place.create("__EXT_words")
