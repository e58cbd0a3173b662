"""Plugins that fail while they start."""

from __future__ import annotations

import uuid
from typing import Any

from hycore.utils.error import HyError, MissingPackageError, TryAgainLaterError
from misuse import Place, Right, Told, fail, failing, misuse


@misuse
def attach_to_fails(place: Place) -> None:
    """attach_to raises."""
    failing(place, "attach_to", ValueError("no such dictionary"))


@misuse
def initialize_fails(place: Place) -> None:
    """initialize raises."""
    failing(place, "initialize", OSError("the dictionary is locked"))


@misuse
def initialize_fails_in_ones_own_words(place: Place) -> None:
    """initialize raises a HyError of its own."""
    failing(place, "initialize", HyError("the dictionary is locked: run `words unlock`"))


@misuse
def initialize_fails_without_words(place: Place) -> None:
    """initialize raises without a word."""
    failing(place, "initialize", AssertionError())


@misuse
def initialize_fails_with_a_mute_error(place: Place) -> None:
    """initialize raises something whose text cannot be read."""

    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    failing(place, "initialize", MuteError())


@misuse
def package_missing(place: Place) -> None:
    """A package is not installed that only this extension needs."""
    failing(
        place,
        "new",
        MissingPackageError("__EXT_words", package="hunspell", command="pip install 'words[spell]'"),
    )


@misuse
def not_ready_yet(place: Place) -> None:
    """An enabled extension is only not ready yet."""
    failing(place, "initialize", TryAgainLaterError("the dictionary is being built", retry_after=2.5))


@misuse
def not_ready_without_a_number(place: Place) -> None:
    """An extension tells when to try again as a string."""
    TryAgainLaterError(retry_after="2 s")


@misuse
def not_ready_in_the_past(place: Place) -> None:
    """An extension tells to try again before now."""
    TryAgainLaterError(retry_after=-1)


@misuse
def undoing_fails_too(place: Place) -> None:
    """initialize raises, and so does what undoes."""

    def begin(plugin: Any) -> None:
        plugin.defer(fail, PermissionError("the lock of the lines stays"))

    place.plugin("__EXT_lines", {"initialize": begin, "teardown": ValueError("lines are still read")})
    place.plugin("__EXT_words", {"initialize": OSError("the dictionary is locked")})
    place.create("__EXT_lines", "__EXT_words")


@misuse
def interrupted(place: Place) -> None:
    """Ctrl-C while an extension starts, and what undoes fails."""
    place.plugin("__EXT_lines", {"teardown": ValueError("lines are still read")})
    place.plugin("__EXT_words", {"initialize": KeyboardInterrupt()})
    place.create("__EXT_lines", "__EXT_words")


@misuse
def failures_beside_a_set_aside_extension(place: Place) -> None:
    """An optional extension fails, and cannot undo; then an enabled one fails."""

    def begin(plugin: Any) -> None:
        plugin.defer(fail, PermissionError("the lock of the lines stays"))
        raise ValueError("no lines")

    place.plugin("__EXT_lines", {"initialize": begin})
    place.plugin("__EXT_words", {"initialize": OSError("the dictionary is locked")}, AFTER=("__EXT_lines",))
    place.world.create(["__EXT_words"], ["__EXT_lines"])


@misuse
def optional_extension_fails(place: Place) -> Told:
    """An optional extension fails: what is logged."""
    heard = place.listen()
    place.plugin("__EXT_words", {"initialize": OSError("the dictionary is locked")})
    place.plugin("__EXT_table", REQUIRES=("__EXT_words",))
    place.world.create(["__EXT_logger"], ["__EXT_words", "__EXT_table"]).close()
    return Told("logged", "\n".join(line for line in heard if line.startswith("WARN")))


@misuse
def optional_extension_fails_and_cannot_undo(place: Place) -> Told:
    """An optional extension fails, and cannot undo: what is logged."""

    def begin(plugin: Any) -> None:
        plugin.defer(fail, PermissionError("the lock of the dictionary stays"))
        raise OSError("the dictionary is locked")

    heard = place.listen()
    place.plugin("__EXT_words", {"initialize": begin})
    place.world.create(["__EXT_logger"], ["__EXT_words"]).close()
    return Told("logged", "\n".join(line for line in heard if line.startswith("WARN")))


@misuse
def plain_hook_returns_an_awaitable(place: Place) -> None:
    """A plain hook calls an asynchronous function, and returns what it gives."""

    async def connect() -> None: ...

    class Words(Right):
        def initialize(self) -> Any:
            return connect()

    place.define(Words)
    place.create("__EXT_words")


@misuse
def awaitable_that_cannot_be_ended(place: Place) -> None:
    """A plain hook returns an awaitable that cannot be ended."""

    class Pool:
        def __await__(self) -> Any: ...

        def close(self) -> None:
            raise ValueError("two connections are open")

    place.plugin("__EXT_words")
    place.world.inventory.submit(
        type(
            "Words",
            (Right,),
            {"UUID": uuid.UUID(int=3), "NAME": "__EXT_pool", "initialize": lambda self: Pool()},
        )
    )
    place.create("__EXT_pool")


@misuse
def closed_while_it_is_created(place: Place) -> None:
    """The instance is closed while it is created."""
    place.plugin("__EXT_words", {"initialize": lambda plugin: plugin.instance.close()})
    place.create("__EXT_words")


@misuse
def closed_by_a_hook_that_fails(place: Place) -> None:
    """The instance is closed by a hook that fails then."""

    def close(plugin: Any) -> None:
        plugin.instance.close()
        raise ValueError("no such dictionary")

    place.plugin("__EXT_words", {"initialize": close})
    place.create("__EXT_words")


@misuse
def defer_what_was_called(place: Place) -> None:
    """defer is given what a callback returns."""
    place.plugin("__EXT_words", {"initialize": lambda plugin: plugin.defer(print())})
    place.create("__EXT_words")


@misuse
def defer_outside(place: Place) -> None:
    """defer is called by an object of no instance."""
    Right().defer(print)


@misuse
def defer_too_late(place: Place) -> None:
    """defer is called in teardown."""
    place.plugin("__EXT_words", {"teardown": lambda plugin: plugin.defer(print)})
    place.create("__EXT_words").close()


@misuse
def instance_after_the_end(place: Place) -> None:
    """A plugin uses its instance when that has ended."""
    place.plugin("__EXT_words")
    instance = place.create("__EXT_words")
    plugin = instance.get_plugin_ext("__EXT_words")
    instance.close()
    plugin.instance.node_id
