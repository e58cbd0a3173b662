"""Records of one's own, and inventories."""

from __future__ import annotations

import os
import sys
import uuid
from typing import Any

from hycore import OpaqueList, define_plugin, load_plugin_by_name
from hycore.ext import Inventory, PluginRegistry
from hycore.utils.opaque import OpaqueObject
from misuse import GROUP, Place, Right, Told, fail, misuse


def record(**changes: Any) -> PluginRegistry:
    right: dict[str, Any] = {
        "uuid": Right.UUID,
        "name": "__EXT_words",
        "description": "Counts words",
        "loader": lambda ext: Right(),
    }
    return PluginRegistry(**{**right, **changes})


@misuse
def record_without_uuid(place: Place) -> None:
    """A record has a string for its UUID."""
    record(uuid="cdb726aa-8656-586f-a5b5-ff09f37a83fb")


@misuse
def record_without_name(place: Place) -> None:
    """A record has no name."""
    record(name=None)


@misuse
def record_of_a_plugin(place: Place) -> None:
    """A record has a plugin for its loader."""
    record(loader=Right())


@misuse
def record_of_requirement(place: Place) -> None:
    """A record has a string for its requirements."""
    record(requires="__EXT_lines")


@misuse
def record_for_an_engine(place: Place) -> None:
    """A record requires an engine in words."""
    record(requires_engine="the latest")


@misuse
def record_with_a_timeout(place: Place) -> None:
    """A record has a timeout that is no number."""
    record(initialize_timeout="30s")


@misuse
def record_of_configuration(place: Place) -> None:
    """A record has an object for its type of configuration."""
    record(create_info=OpaqueObject())


@misuse
def record_of_an_object(place: Place) -> None:
    """A record has an object for its class."""
    record(plugin_class=Right())


@misuse
def record_of_a_hook(place: Place) -> None:
    """A record has a string for its asynchronous hooks."""
    record(async_hooks="initialize")


@misuse
def record_is_a_value(place: Place) -> None:
    """A record is changed."""
    record().name = "__EXT_lines"


@misuse
def two_classes_of_a_name(place: Place) -> None:
    """Two classes have one name."""

    @place.define
    class Words(Right):
        pass

    @place.define
    class OtherWords(Right):
        UUID = uuid.UUID(int=1)


@misuse
def two_classes_of_a_uuid(place: Place) -> None:
    """Two classes have one UUID: one is a copy of the other."""

    @place.define
    class Words(Right):
        pass

    @place.define
    class Lines(Right):
        NAME = "__EXT_lines"


@misuse
def inventory_for_a_class(place: Place) -> None:
    """define_plugin is given the inventory by position."""

    @define_plugin(place.world.inventory)
    class Words(Right):
        pass


@misuse
def name_for_an_inventory(place: Place) -> None:
    """define_plugin is given the name of a group for an inventory."""

    @define_plugin(inventory="shop.plugins")
    class Words(Right):
        pass


@misuse
def group_as_number(place: Place) -> None:
    """An inventory of something that is no group."""
    Inventory(3)


@misuse
def group_of_bytes(place: Place) -> None:
    """An inventory of several groups, one of which is no name."""
    Inventory(["shop.plugins", b"hycore.plugins"])


@misuse
def find_a_class(place: Place) -> None:
    """An extension is looked for by its class."""
    place.world.inventory.find(Right)


@misuse
def find_where_nothing_is(place: Place) -> None:
    """An extension is looked for where none is known."""
    place.world.inventory.find("__EXT_words")


@misuse
def find_with_a_slip(place: Place) -> None:
    """An extension is looked for with a slip of the pen."""
    for name in ("__EXT_words", "__EXT_lines", "__EXT_wards"):
        place.plugin(name)
    place.world.inventory.find("__EXT_word")


@misuse
def find_something_else(place: Place) -> None:
    """An extension is looked for that is like no other."""
    for name in ("__EXT_words", "__EXT_lines"):
        place.plugin(name)
    place.world.inventory.find("__EXT_database")


@misuse
def find_among_many(place: Place) -> None:
    """An extension is looked for among many others."""
    for number in range(12):
        place.plugin(f"__EXT_{chr(65 + number) * 9}")
    place.world.inventory.find("__EXT_words")


@misuse
def find_beside_a_broken_distribution(place: Place) -> None:
    """An extension is looked for, and the distribution that has it is broken."""
    place.install("lines", "", __EXT_lines="@:Lines")
    place.install("words", "", __EXT_words="@:Words")
    (place.site / "words-1.0.dist-info" / "entry_points.txt").write_text(
        "[shop.plugins]\n__EXT_words: words:Words\n"
    )
    place.world.inventory.find("__EXT_words")


@misuse
def two_distributions_of_a_name(place: Place) -> None:
    """Two distributions claim one name."""
    place.install("words", "", __EXT_words="@:Words")
    place.install("more_words", "", __EXT_words="@:Words")
    place.world.inventory.find("__EXT_words")


@misuse
def what_is_skipped(place: Place) -> Told:
    """Distributions are broken in four ways: what the inventory tells about them."""
    place.install("words", "", __EXT_words="@:Words")
    (place.site / "words-1.0.dist-info" / "METADATA").write_text("Name words\n")
    place.install("lines", "", __EXT_lines="@")
    place.install("table", "", __EXT_table="@:Table")
    (place.site / "table-1.0.dist-info" / "entry_points.txt").write_text("[shop.plugins]\n__EXT_table\n")
    place.install("pages", "", __EXT_pages="@:Pages")
    (place.site / "pages-1.0.dist-info" / "entry_points.txt").unlink()
    os.mkfifo(place.site / "pages-1.0.dist-info" / "entry_points.txt")
    problems = map(str, place.world.inventory.problems())
    return Told("told by Inventory.problems()", "\n".join(sorted(problems)))


@misuse
def finders_that_raise(place: Place) -> Told:
    """Finders of distributions fail: what the inventory tells about them."""

    class Words:
        _normalized_name = "words"
        entry_points = property(lambda self: fail(ValueError("no such dictionary")))

    class Lines:
        def __repr__(self) -> str:
            return "<finder of lines>"

        def find_spec(self, *arguments: object) -> None: ...

        def find_distributions(self, context: object) -> Any:
            yield Words()
            raise OSError("the lines are locked")

    place.patch.setattr(sys, "meta_path", [*sys.meta_path, Lines()])
    return Told("told by Inventory.problems()", "\n".join(map(str, Inventory(GROUP).problems())))


@misuse
def load_into_a_list(place: Place) -> None:
    """A plugin is constructed by its name with a plain list of configuration."""
    place.plugin("__EXT_words")
    load_plugin_by_name("__EXT_words", [], inventory=place.world.inventory)


@misuse
def load_and_fail(place: Place) -> None:
    """A plugin is constructed by its name, and its new fails."""
    place.plugin("__EXT_words", {"new": ValueError("no such dictionary")})
    load_plugin_by_name("__EXT_words", OpaqueList(), inventory=place.world.inventory)
