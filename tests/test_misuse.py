"""What is said about each misuse, word for word, against pages that a person can read (section 6).

`tests/misuse/FAMILY.py` has the misuses, `FAMILY.txt` what a person is told about each: the class of the error and of its
cause, its text, its notes. `make golden` writes the pages anew, and then their diff is what to read: aloud, as a stranger,
who wants to know who is meant, what is wrong, and what to do.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hycore.utils import error as errors
from hycore.utils import opaque

PAGES = Path(__file__).with_name("misuse")


def imported() -> Any:
    """The package of the cases: the folder of the tests is on no path."""
    spec = importlib.util.spec_from_file_location(PAGES.name, PAGES / "__init__.py")
    assert spec is not None and spec.loader is not None
    package = sys.modules[PAGES.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)
    for path in sorted(PAGES.glob("[a-z]*.py")):
        importlib.import_module(f"{PAGES.name}.{path.stem}")
    return package


misuse = imported()
CASES: dict[str, dict[str, Any]] = misuse.CASES


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    before = dict(opaque._loaders)
    # What comes with `import hypi.api` is known, whatever else other tests have imported.
    for name in before:
        if name.startswith("hypi.") and not name.startswith("hypi.api.ext.hylog."):
            del opaque._loaders[name]
    yield misuse.Place(request, tmp_path, monkeypatch)
    opaque._loaders.clear()
    opaque._loaders.update(before)


class Pages(dict[str, dict[str, str]]):
    """By family and misuse, what is told."""

    def read(self) -> None:
        for path in sorted(PAGES.glob("*.txt")):
            parts = re.split(r"(?m)^(\S.*)\n-+\n", path.read_text("utf-8"))[1:]
            self[path.stem] = {
                title: text.strip("\n") for title, text in zip(parts[::2], parts[1::2], strict=True)
            }

    def write(self) -> None:
        PAGES.mkdir(exist_ok=True)
        for path in PAGES.glob("*.txt"):
            if path.stem not in CASES:
                path.unlink()
        for family, cases in CASES.items():
            sections = [
                f"{title}\n{'-' * len(title)}\n{self[family][title]}\n"
                for title in cases
                if title in self.get(family, {})
            ]
            (PAGES / f"{family}.txt").write_text("\n\n".join(sections), "utf-8")


@pytest.fixture(scope="module")
def pages() -> Iterator[Pages]:
    found = Pages()
    found.read()
    yield found
    if os.environ.get("HY_GOLDEN"):
        found.write()


@pytest.mark.parametrize(
    ("family", "title"),
    [
        pytest.param(family, title, id=f"{family}-{case.__name__}")
        for family, cases in CASES.items()
        for title, case in cases.items()
    ],
)
def test_each_misuse_is_told_word_for_word(family: str, title: str, place: Any, pages: Pages) -> None:
    """What a person is told is what the page says."""
    actual = misuse.told(CASES[family][title], place)
    if os.environ.get("HY_GOLDEN"):
        pages.setdefault(family, {})[title] = actual
    assert pages.get(family, {}).get(title, "(not on the page: run `make golden`, and read it)") == actual


def test_the_pages_tell_of_these_misuses_and_no_others(pages: Pages) -> None:
    """In the order in which they stand here."""
    assert {family: list(cases) for family, cases in sorted(CASES.items())} == {
        family: list(texts) for family, texts in pages.items()
    } or os.environ.get("HY_GOLDEN")


def test_every_error_is_met(pages: Pages) -> None:
    """Each public class is raised, held or the cause in one case at least."""
    met = {
        name
        for texts in pages.values()
        for text in texts.values()
        for name in re.findall(r"\w+", text.partition("\n")[0])
    }
    assert {*errors.__all__, "ApplicationFileError"} <= met
