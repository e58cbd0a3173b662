"""Trying again what was set aside."""

from __future__ import annotations

from typing import Any

from hycore import InstanceContext
from hycore.utils.error import HyError, TryAgainLaterError
from misuse import Limits, Place, Right, Told, misuse


@misuse
def retry_of_a_class(place: Place) -> None:
    """An extension is tried again by its class."""
    with place.create() as instance:
        instance.retry(Right)


@misuse
def retry_of_another(place: Place) -> None:
    """An extension is tried again that was not asked for."""
    place.plugin("__EXT_words")
    with place.create("__EXT_words") as instance:
        instance.retry("__EXT_word")


@misuse
def retry_while_it_is_created(place: Place) -> None:
    """An extension is tried again before the instance is up."""
    place.plugin("__EXT_words", {"initialize": OSError("the dictionary is locked")})
    place.plugin("__EXT_lines", {"initialize": lambda plugin: plugin.instance.retry("__EXT_words")})
    place.world.create(["__EXT_lines"], ["__EXT_words"])


@misuse
def retry_of_a_retry(place: Place) -> None:
    """An extension is tried again while another one is."""
    caught: list[HyError] = []
    tries = iter([OSError("the dictionary is locked"), None])

    def begin(plugin: Any) -> None:
        error = next(tries)
        if error is not None:
            raise error
        try:
            plugin.instance.retry("__EXT_lines")
        except HyError as again:
            caught.append(again)

    place.plugin("__EXT_lines", {"initialize": OSError("no lines")})
    place.plugin("__EXT_words", {"initialize": begin})
    with place.world.create([], ["__EXT_lines", "__EXT_words"]) as instance:
        instance.retry("__EXT_words")
    raise caught[0]


@misuse
def closed_while_it_is_tried(place: Place) -> None:
    """The instance is closed while an extension is tried again, which fails then."""
    tries = iter([False, True])

    def begin(plugin: Any) -> None:
        if next(tries):
            plugin.instance.close()
        raise OSError("the dictionary is locked")

    place.plugin("__EXT_words", {"initialize": begin})
    place.world.create([], ["__EXT_words"]).retry("__EXT_words")


@misuse
def retry_with_something_left_over(place: Place) -> None:
    """An extension is tried again with configuration that it does not take."""
    place.plugin("__EXT_words", {"initialize": OSError("the dictionary is locked")})
    with place.world.create([], ["__EXT_words"]) as instance:
        instance.retry("__EXT_words", ext=[Limits()])


@misuse
async def retry_without_await(place: Place) -> None:
    """An extension with asynchronous hooks is tried again without await."""

    @place.define
    class Words(Right):
        async def initialize(self) -> None:
            raise OSError("the dictionary is locked")

    info = place.world.info([], ["__EXT_words"])
    async with await InstanceContext.acreate(info, inventory=place.world.inventory) as instance:
        instance.retry("__EXT_words")


@misuse
def what_the_report_says(place: Place) -> Told:
    """An optional extension asks to be tried again later: what the report says."""
    place.plugin(
        "__EXT_words",
        {"initialize": TryAgainLaterError("the dictionary is being built", retry_after=2.5)},
    )
    with place.world.create([], ["__EXT_words"]) as instance:
        (aside,) = instance.report().set_aside
        return Told("told by str(instance.report())", f"set aside: {aside}")
