"""Discovery: a full look at the disk, and finding one extension with a warm cache.

What is compared, and how far it is alike:

- **The floor of a full look** lists the folders of `sys.path` and reads each `entry_points.txt` into a buffer of 16 KiB.
  It parses nothing, never asks which distribution of a name is the first, and does not survive a broken one.
- **`importlib.metadata.entry_points(group=…)`** gives the same entries as ours, which is checked first; it parses the
  entry points of every group. Its memory of folders is emptied before each call, since ours has none.
- **The first look in a process** is measured in a new process each time. A host has imported `hycore.ext` in any case:
  what a look adds is its own time, or the import of `importlib.metadata` and its time. Below it both have all their
  imports; those of `hycore.ext` bring far more than discovery.
- **The floor of finding one** is a `stat` of each folder of `sys.path` and one read of the index file. It does not ask
  who may write that file, nor read again what is installed; ours does both before it believes a word.
- **stevedore** is asked through `stevedore._cache`, with its cache warm, by a new `Cache` each time, since a process
  finds each extension once. Its managers do the same and then import the plugin, which `find` does not. Each time it
  searches for all `entry_points.txt` and takes their times, so it sees one that was edited in place; ours looks at the
  folders of `sys.path` and at the one file. It tells no distribution and no version; ours does.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks._harness import Case, Comparison, Setting, Subject, missing
from benchmarks._sampling import Sample, fresh, repeated
from benchmarks._site import GROUP, PLUGIN, fill, path_of
from hycore.ext import Inventory
from hycore.ext._index import index_of

_CHUNK = 16 * 1024

_IMPORT = "from hycore.ext import Inventory"
_CLOCK = "start = perf_counter()"
_LOOK = f"answer = sorted([entry.name for entry in Inventory({GROUP!r}).entries()])"
_LOOK_OF_LIBRARY = f"""\
import importlib.metadata
answer = sorted([entry.name for entry in importlib.metadata.entry_points(group={GROUP!r})])"""
_FIND = f"answer = Inventory({GROUP!r}).find({PLUGIN!r}).target"
_FIND_OF_STEVEDORE = f"""\
from stevedore import _cache
answer = _cache.get_group_named({GROUP!r})[{PLUGIN!r}].value"""


@contextmanager
def discovery(setting: Setting) -> Iterator[Subject]:
    """A site for each number of distributions; in the largest one there are goals to reach."""
    *sizes, largest = (10, 20) if setting.quick else (100, 300, 1000)
    peers = ("stevedore",) if missing("stevedore") is None else ()
    cases: dict[str, Case] = {}
    comparisons: list[Comparison] = []
    with tempfile.TemporaryDirectory() as name, _environment({}):
        os.environ.pop("HY_NO_CACHE", None)
        folder = Path(name)
        for size in (*sizes, largest):
            site = folder / f"site-{size}"
            extensions = fill(site, size, ("hyperion-runtime", *peers))
            path = path_of(site)
            looks(size, path, cases, comparisons, has_goals=size == largest)
        first_look(largest, path, cases, comparisons)
        find_one(largest, path, folder, cases, comparisons, has_stevedore=bool(peers))
        conditions = (
            f"Of {largest:,} distributions in a temporary folder {len(extensions)} have an extension, "
            "one in six has entry points of other groups, most have none."
        )
        yield Subject(conditions, cases, comparisons)


def looks(
    size: int,
    path: Sequence[str],
    cases: dict[str, Case],
    comparisons: list[Comparison],
    *,
    has_goals: bool,
) -> None:
    """A full look with nothing kept from an earlier one, and nothing to import."""
    what = f"full look, {size:,} distributions"
    ours, floor, library = f"{what}: ours", f"{what}: floor", f"{what}: importlib.metadata"
    with _path(path):
        assert _names(Inventory(GROUP).entries()) == _names(importlib.metadata.entry_points(group=GROUP))
    cases[ours] = _on(path, repeated(lambda: Inventory(GROUP).entries()))
    cases[floor] = _on(path, repeated(_floor_of_look))
    cases[library] = _on(
        path, repeated(lambda: importlib.metadata.entry_points(group=GROUP), before=_forget_folders)
    )
    comparisons += [
        Comparison(what, ours, floor, "times", 1.5 if has_goals else None),
        Comparison(what, ours, library, "faster", 6 if has_goals else None),
    ]


def first_look(size: int, path: Sequence[str], cases: dict[str, Case], comparisons: list[Comparison]) -> None:
    """A full look in a new process."""
    what = f"first look, {size:,} distributions"
    in_host, ours, library = f"{what}: in a host", f"{what}: ours", f"{what}: importlib.metadata"
    with _path(path):
        expected = _names(Inventory(GROUP).entries())
    for name, code in {
        in_host: f"{_IMPORT}\n{_CLOCK}\n{_LOOK}",
        ours: f"{_IMPORT}\n{_LOOK}",
        library: _LOOK_OF_LIBRARY,
    }.items():
        cases[name] = fresh(code, expected, path=path, environment={})
    comparisons += [
        Comparison(what, in_host, library, "faster", 15),
        Comparison(f"{what}, both with imports", ours, library, "faster"),
    ]


def find_one(
    size: int,
    path: Sequence[str],
    folder: Path,
    cases: dict[str, Case],
    comparisons: list[Comparison],
    *,
    has_stevedore: bool,
) -> None:
    """Finding one extension with a warm cache: again and again, and first in a new process."""
    homes = {"HY_HOME": str(folder / "ours"), "XDG_CACHE_HOME": str(folder / "theirs")}
    with _path(path), _environment(homes):
        time.sleep(2.1)  # ours keeps nothing about folders that are younger
        expected = Inventory(GROUP).find(PLUGIN).target
        index = index_of((GROUP,))
        assert index is not None
        assert index.is_valid
    (file,) = map(str, (folder / "ours/cache").iterdir())

    what = f"find one, warm, {size:,} distributions"
    ours, floor, stevedore = f"{what}: ours", f"{what}: floor", f"{what}: stevedore"
    inventory = Inventory(GROUP)
    cases[ours] = _on(path, repeated(lambda: inventory.find(PLUGIN)), homes)
    cases[floor] = _on(path, repeated(lambda: _floor_of_find(file)))
    cases[stevedore] = "not installed"
    once = f"find one, index read from its file, {size:,} distributions"
    cases[f"{once}: ours"] = _on(path, repeated(lambda: Inventory(GROUP).find(PLUGIN)), homes)
    first = f"first find, warm, {size:,} distributions"
    ours_first, stevedore_first = f"{first}: ours", f"{first}: stevedore"
    cases[ours_first] = fresh(f"{_IMPORT}\n{_FIND}", expected, path=path, environment=homes)
    cases[stevedore_first] = "not installed"
    if has_stevedore:
        place = str(folder / "theirs/python-entrypoints")
        _warm_stevedore(path, place, expected)
        cases[stevedore] = _on(path, repeated(lambda: _find_of_stevedore(place)))
        cases[stevedore_first] = fresh(_FIND_OF_STEVEDORE, expected, path=path, environment=homes)
    comparisons += [
        Comparison(what, ours, floor, "times", 3),
        Comparison(once, f"{once}: ours", floor, "times"),
        Comparison(what, ours, stevedore, "faster", 100),
        Comparison(f"{first}, both with imports", ours_first, stevedore_first, "faster"),
    ]


def _floor_of_look() -> None:
    for root in sys.path:
        try:
            children = os.listdir(root)
        except (FileNotFoundError, NotADirectoryError):
            continue
        for child in children:
            if child.endswith((".dist-info", ".egg-info")):
                try:
                    descriptor = os.open(f"{root}/{child}/entry_points.txt", os.O_RDONLY)
                except FileNotFoundError:
                    continue
                os.read(descriptor, _CHUNK)
                os.close(descriptor)


def _floor_of_find(file: str) -> None:
    for root in sys.path:
        try:
            os.stat(root)
        except FileNotFoundError:
            continue
    descriptor = os.open(file, os.O_RDONLY)
    os.read(descriptor, _CHUNK)
    os.close(descriptor)


def _forget_folders() -> None:
    importlib.metadata.MetadataPathFinder().invalidate_caches()


def _new_cache_of_stevedore(place: str) -> Any:
    return importlib.import_module("stevedore._cache").Cache(place)


def _find_of_stevedore(place: str) -> object:
    return _new_cache_of_stevedore(place).get_group_named(GROUP)[PLUGIN].value


def _warm_stevedore(path: Sequence[str], place: str, expected: str) -> None:
    with _path(path):
        cache = _new_cache_of_stevedore(place)
        cache._disable_caching = False  # it never writes for a Python whose path begins with /tmp
        assert cache.get_group_named(GROUP)[PLUGIN].value == expected
        (file,) = Path(place).iterdir()
        file.write_text(file.read_text().replace(expected, "from.cache:Plugin"))
        assert _find_of_stevedore(place) == "from.cache:Plugin", "its cache is not used"
        file.write_text(file.read_text().replace("from.cache:Plugin", expected))


def _names(entries: Iterable[Any]) -> list[str]:
    return sorted([entry.name for entry in entries])


def _on(path: Sequence[str], sample: Sample, environment: Mapping[str, str] | None = None) -> Sample:
    """A sample that is taken with another `sys.path` and environment; to exchange them does not count."""

    def run() -> float:
        with _path(path), _environment(environment or {}):
            return sample()

    return run


@contextmanager
def _path(path: Sequence[str]) -> Iterator[None]:
    before = list(sys.path)
    sys.path[:] = path
    try:
        yield
    finally:
        sys.path[:] = before


@contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
