"""Modules of entry points."""

from __future__ import annotations

from hycore.utils.opaque import define_py_opaque_object_loaders
from misuse import MODULE, Limit, Place, misuse


@misuse
def module_that_is_missing(place: Place) -> None:
    """An entry point names a module that is not there."""
    place.install("words", MODULE, __EXT_words="wrods:Words")
    place.world.inventory.find("__EXT_words").load()


@misuse
def module_that_imports_too_much(place: Place) -> None:
    """A module imports something that is not installed."""
    place.install("words", "import dictionary_of_words", __EXT_words="@:Words")
    place.world.inventory.find("__EXT_words").load()


@misuse
def module_that_raises(place: Place) -> None:
    """A module raises when it is imported."""
    place.install("words", "raise ValueError('no such dictionary')", __EXT_words="@:Words")
    place.world.inventory.find("__EXT_words").load()


@misuse
def module_that_leaves(place: Place) -> None:
    """A module ends the process when it is imported."""
    place.install("words", "raise SystemExit(2)", __EXT_words="@:Words")
    place.world.inventory.find("__EXT_words").load()


@misuse
def module_that_cannot_be_parsed(place: Place) -> None:
    """A module is not Python."""
    place.install("words", "\n\nWords = = 1\n", __EXT_words="@:Words")
    place.world.inventory.find("__EXT_words").load()


@misuse
def no_class_in_the_entry_point(place: Place) -> None:
    """An entry point names a module, and no class."""
    place.install("words", MODULE, __EXT_words="@")
    place.world.inventory.find("__EXT_words").load()


@misuse
def class_that_is_missing(place: Place) -> None:
    """An entry point names a class that is not in the module."""
    place.install("words", MODULE, __EXT_words="@:Word")
    place.world.inventory.find("__EXT_words").load()


@misuse
def class_that_is_missing_in_another(place: Place) -> None:
    """An entry point names a class that is not in another one."""
    place.install("words", MODULE, __EXT_words="@:Words.Table")
    place.world.inventory.find("__EXT_words").load()


@misuse
def function_for_a_class(place: Place) -> None:
    """An entry point names a function."""
    place.install("words", MODULE, __EXT_words="@:words")
    place.world.inventory.find("__EXT_words").load()


@misuse
def class_for_a_plugin(place: Place) -> None:
    """An entry point names a class that is no plugin."""
    place.install("words", MODULE, __EXT_words="@:Words.Kind")
    place.world.inventory.find("__EXT_words").load()


@misuse
def another_name(place: Place) -> None:
    """A class has another name than its entry point."""
    place.install("words", MODULE, __EXT_word_count="@:Words")
    place.world.inventory.find("__EXT_word_count").load()


@misuse
def class_that_is_wrong(place: Place) -> None:
    """The class of an entry point is written wrongly."""
    code = MODULE.replace("class Words", "@define_plugin\nclass Words").replace("    NAME", "    NAMES")
    place.install("words", code, __EXT_words="@:Words")
    place.world.inventory.find("__EXT_words").load()


@misuse
def neighbour_that_is_wrong(place: Place) -> None:
    """Another class of the module is written wrongly."""
    code = MODULE + "@define_plugin\nclass Lines(PluginEXT):\n    NAME = '__EXT_lines'\n"
    place.install("words", code, __EXT_words="@:Words")
    place.world.inventory.find("__EXT_words").load()


@misuse
def loader_of_another(place: Place) -> None:
    """A module defines a loader that another module has defined."""
    define_py_opaque_object_loaders("shop.front.Style", Limit)
    code = (
        "from hycore.utils.opaque import define_py_opaque_object_loaders\n"
        "define_py_opaque_object_loaders('shop.front.Style', int)\n"
    )
    place.install("words", MODULE + code, __EXT_words="@:Words")
    place.world.inventory.find("__EXT_words").load()
