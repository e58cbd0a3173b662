"""Looking up what is not there."""

from __future__ import annotations

from typing import Protocol

from misuse import Limit, Place, Right, misuse


def looking_up(place: Place, phase: str, name: str) -> None:
    place.plugin("__EXT_words", {phase: lambda plugin: plugin.instance.get_plugin_ext(name)})
    place.plugin("__EXT_lines")
    place.create("__EXT_words", "__EXT_lines")


@misuse
def looked_up_while_attaching(place: Place) -> None:
    """An extension looks up another in attach_to."""
    looking_up(place, "attach_to", "__EXT_lines")


@misuse
def looked_up_before_its_turn(place: Place) -> None:
    """An extension looks up one that starts later."""
    looking_up(place, "initialize", "__EXT_lines")


@misuse
def looks_itself_up(place: Place) -> None:
    """An extension looks itself up."""
    looking_up(place, "initialize", "__EXT_words")


@misuse
def looked_up_by_an_object(place: Place) -> None:
    """A plugin is looked up by something that is no class and no name."""
    with place.create() as instance:
        instance.get_plugin_ext(Right.UUID)


@misuse
def required_with_a_slip(place: Place) -> None:
    """A plugin is required with a slip of the pen."""
    place.plugin("__EXT_words")
    with place.create("__EXT_words") as instance:
        instance.require_plugin_ext("__EXT_wrods")


@misuse
def required_of_nothing(place: Place) -> None:
    """A plugin is required of an instance without any."""
    with place.create() as instance:
        instance.require_plugin_ext("__EXT_words")


@misuse
def required_and_not_asked_for(place: Place) -> None:
    """A plugin is required by its class, and is not asked for."""
    with place.create() as instance:
        instance.require_plugin_ext(Right)


@misuse
def required_and_no_plugin(place: Place) -> None:
    """A class is required that is no plugin."""
    with place.create() as instance:
        instance.require_plugin_ext(Limit)


@misuse
def required_and_another_class(place: Place) -> None:
    """A plugin is required by a class that has its name and is another."""
    place.plugin("__EXT_words")
    with place.create("__EXT_words") as instance:
        instance.require_plugin_ext(Right)


@misuse
def required_and_set_aside(place: Place) -> None:
    """A plugin is required that was set aside."""
    place.plugin("__EXT_words", {"initialize": OSError("the dictionary is locked")})
    with place.world.create([], ["__EXT_words"]) as instance:
        instance.require_plugin_ext("__EXT_words")


@misuse
def required_and_torn_down(place: Place) -> None:
    """A plugin is required in a teardown, after its own."""
    place.plugin(
        "__EXT_words", {"teardown": lambda plugin: plugin.instance.require_plugin_ext("__EXT_lines")}
    )
    place.plugin("__EXT_lines")
    place.create("__EXT_words", "__EXT_lines").close()


@misuse
def point_as_a_name(place: Place) -> None:
    """An extension point is a string."""
    with place.create() as instance:
        instance.implementations("Counts")


@misuse
def point_as_a_list(place: Place) -> None:
    """An extension point is a list."""
    with place.create() as instance:
        instance.implementations([Limit])


@misuse
def point_that_asks_for_nothing(place: Place) -> None:
    """An extension point has no member of its own."""

    class Counts(Protocol):
        def initialize(self) -> None: ...

    with place.create() as instance:
        instance.implementations(Counts)
