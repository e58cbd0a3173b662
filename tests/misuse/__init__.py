"""Misuses of the runtime: small wrong plugins and calls, and beside each module the page of what is said about them.

A case is a function with the mark `misuse`. Its docstring says the misuse; it raises what a person is told, or returns
it as `Told`. `tests/test_misuse.py` runs them, and `make golden` writes the pages.
"""

from __future__ import annotations

import asyncio
import inspect
import re
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hycore import InstanceContext, PluginEXT, define_plugin
from hycore.ext import Inventory
from hycore.utils.opaque import OpaqueObject
from hypi.app import Application, load_application

GROUP = "shop.plugins"

Case = Callable[["Place"], object]
CASES: dict[str, dict[str, Case]] = {}


class Told(NamedTuple):
    """What is told without an error: how, and in which words."""

    how: str
    text: str


def misuse(case: Case) -> Case:
    """Marks a misuse; its docstring is the title, and its module the page."""
    assert case.__doc__ is not None
    title = case.__doc__.removesuffix(".")
    cases = CASES.setdefault(case.__module__.rpartition(".")[2], {})
    assert title not in cases
    cases[title] = case
    return case


class Place:
    """Where a misuse happens: a plain host with an inventory of its own, and a folder."""

    def __init__(self, request: pytest.FixtureRequest, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self._request = request
        self.folder = folder
        self.patch = patch
        self.world: Any = request.getfixturevalue("plain_world")

    # Extensions.

    @property
    def define(self) -> Any:
        return define_plugin(inventory=self.world.inventory)

    def wrong(self, **attributes: object) -> None:
        """Submits a class that is right but for these attributes."""
        self.define(type("Words", (Right,), {**attributes, "__module__": __name__}))

    def plugin(self, name: str, acts: Any = None, /, **attributes: object) -> Any:
        return self.world.plugin(name, acts, **attributes)

    def install(self, name: str, code: str, **targets: str) -> None:
        """Installs a distribution of one module; `targets` are its entry points, by the names of the extensions."""
        site = self._request.getfixturevalue("site")
        self.world.inventory = Inventory(group=GROUP)
        site.module(name, code)
        site.distribution(
            name, "1.0", {key: value.replace("@", name) for key, value in targets.items()}, GROUP
        )
        # What was installed a moment ago is found.
        sys.path_importer_cache.clear()

    @property
    def site(self) -> Path:
        folder: Path = self._request.getfixturevalue("site").folder
        return folder

    # Hosts.

    def info(self, *enabled: str, **options: Any) -> Any:
        return self.world.info(enabled, **options)

    def create(self, *enabled: str, **options: Any) -> Any:
        return self.world.create(enabled, **options)

    def acreate(self, *enabled: str, **options: Any) -> Any:
        return InstanceContext.acreate(self.info(*enabled), inventory=self.world.inventory, **options)

    def load(self, text: str, *settings: str, group: str = GROUP) -> Application:
        """Loads an application file."""
        (self.folder / "app.toml").write_text(text, "utf-8")
        self.patch.chdir(self.folder)
        return load_application("app.toml", settings=settings, groups=[group])

    # What is told without an error.

    def listen(self) -> list[str]:
        """Submits a logger, `__EXT_logger`; returns the list that it fills."""
        heard: list[str] = []

        def begin(plugin: Any) -> None:
            plugin.instance.ext.log_callback = lambda message: heard.append(
                f"{message.level.name} {message.message}"
            )

        self.plugin("__EXT_logger", {"initialize": begin})
        return heard

    def unraisable(self) -> list[BaseException]:
        seen: list[BaseException] = []
        self.patch.setattr(sys, "unraisablehook", lambda args: seen.append(args.exc_value))
        return seen


def normalized(text: str, folder: Path) -> str:
    """The text without what differs from run to run, and without the names of this test."""
    text = text.replace(str(folder), "/home/me").replace("\0", r"\0")
    text = re.sub(rf"\b{__name__}(?:\.(?:{'|'.join(CASES)}))?([.:])(?:\w+\.<locals>\.)?", r"shop\1", text)
    text = re.sub(r"\b\w+\.<locals>\.", "", text)
    text = re.sub(
        r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<a fresh UUID>", text
    )
    text = re.sub(r"\b0x[0-9a-f]+\b", "0x…", text)
    text = re.sub(r"(?m)\n *For further information visit .*", "", text)  # with the version of Pydantic
    return re.sub(r", line \d+, in ", ", line …, in ", text)


def told(case: Case, place: Place) -> str:
    """What a person is told about a misuse."""
    notes: list[str] = []
    try:
        result: Any = case(place)
        if inspect.iscoroutine(result):
            result = asyncio.run(result)
        assert isinstance(result, Told), result
        how, text = result
    except BaseException as error:
        how, text = kinds(error), str(error)
        notes = getattr(error, "__notes__", [])
    shown = [how, *(["", *indented(text)] if text else [])]
    for note in notes:
        shown += ["", *indented(f"note: {note}")]
    return normalized("\n".join(shown), place.folder)


def kinds(error: BaseException) -> str:
    """The classes of an error, of what it holds, and of its cause."""
    name = type(error).__name__
    if isinstance(error, BaseExceptionGroup):
        return f"{name} of {', '.join(map(kinds, error.exceptions))}"
    return name if error.__cause__ is None else f"{name}, caused by {type(error.__cause__).__name__}"


def indented(text: str) -> list[str]:
    return [f"    {line}".rstrip() for line in text.split("\n")]


# What many cases use.


class Right(PluginEXT):
    """What is right in all of them."""

    UUID = uuid.UUID("cdb726aa-8656-586f-a5b5-ff09f37a83fb")
    NAME = "__EXT_words"
    DESCRIPTION = "Counts words"


MODULE = """
import uuid
from hycore import PluginEXT, define_plugin

class Words(PluginEXT):
    UUID = uuid.UUID("cdb726aa-8656-586f-a5b5-ff09f37a83fb")
    NAME = "__EXT_words"
    DESCRIPTION = "Counts words"

    class Kind: ...

def words(): ...
"""


class Limit(OpaqueObject):
    """How many words there may be."""

    def __init__(self, words: int) -> None:
        self.words = words


class Limits(OpaqueObject):
    """Another class of a like name."""


def failing(place: Place, phase: str, error: BaseException) -> None:
    place.plugin("__EXT_lines")
    place.plugin("__EXT_words", {phase: error})
    place.create("__EXT_lines", "__EXT_words").close()


def fail(error: BaseException) -> None:
    raise error
