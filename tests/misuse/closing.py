"""The end of an instance, and what comes after it."""

from __future__ import annotations

import pickle
from typing import Any

from hycore import OpaqueList
from misuse import Limit, Place, Right, Told, fail, failing, kinds, misuse


@misuse
def teardown_fails(place: Place) -> None:
    """teardown raises."""
    failing(place, "teardown", OSError("the dictionary is locked"))


@misuse
def several_teardowns_fail(place: Place) -> None:
    """Two teardowns and a deferred callback raise."""
    place.plugin(
        "__EXT_lines",
        {"initialize": lambda plugin: plugin.defer(fail, PermissionError("the lock of the lines stays"))},
    )
    place.plugin("__EXT_words", {"teardown": OSError("the dictionary is locked")})
    place.plugin("__EXT_table", {"teardown": SystemExit(2)})
    place.create("__EXT_lines", "__EXT_words", "__EXT_table").close()


@misuse
def teardown_fails_with_lines(place: Place) -> None:
    """teardown raises an error whose text ends with lines to write."""
    place.plugin("__EXT_words", {"teardown": lambda _: OpaqueList().require_ext(Limit)})
    place.create("__EXT_words").close()


@misuse
def body_and_teardown_fail(place: Place) -> None:
    """The body of with raises, and so does teardown."""
    place.plugin("__EXT_words", {"teardown": OSError("the dictionary is locked")})
    with place.create("__EXT_words"):
        raise KeyError("page")


@misuse
def dropped_and_teardown_fails(place: Place) -> Told:
    """The last reference goes away, and teardown raises."""
    seen = place.unraisable()
    place.plugin("__EXT_words", {"teardown": OSError("the dictionary is locked")})
    place.create("__EXT_words")
    return Told(f"handed to sys.unraisablehook: {kinds(seen[0])}", str(seen[0]))


def closed(place: Place) -> Any:
    instance = place.create()
    instance.close()
    return instance


@misuse
def look_up_in_a_closed_instance(place: Place) -> None:
    """A plugin is looked up in a closed instance."""
    closed(place).get_plugin_ext("__EXT_words")


@misuse
def requirement_of_a_closed_instance(place: Place) -> None:
    """A plugin is required of a closed instance."""
    closed(place).require_plugin_ext("__EXT_words")


@misuse
def implementations_of_a_closed_instance(place: Place) -> None:
    """Implementations are looked up in a closed instance."""
    closed(place).implementations(Right)


@misuse
def extensions_of_a_closed_instance(place: Place) -> None:
    """The extensions of a closed instance are read."""
    closed(place).extensions


@misuse
def uuid_of_a_closed_instance(place: Place) -> None:
    """A closed instance is asked for a UUID."""
    closed(place).generate_uuid()


@misuse
def with_of_a_closed_instance(place: Place) -> None:
    """A closed instance is used in a with statement."""
    with closed(place):
        pass


@misuse
def retry_of_a_closed_instance(place: Place) -> None:
    """A closed instance is asked to try an extension again."""
    closed(place).retry("__EXT_words")


@misuse
async def async_with_of_a_closed_instance(place: Place) -> None:
    """A closed instance is used in an async with statement."""
    async with closed(place):
        pass


@misuse
def instance_is_pickled(place: Place) -> None:
    """An instance is pickled."""
    with place.create() as instance:
        pickle.dumps(instance)
