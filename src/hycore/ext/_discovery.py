"""Reading the entry points of installed distributions; imports nothing that it finds.

Layer: `ext`, above the text of a metadata folder, below the index and the inventory.

The answer is that of `importlib.metadata.entry_points()`: along `sys.path`, the first distribution of a normalized name
counts. What is on the path is mostly folders, and those are read here. Whatever else there may be is left to
`importlib.metadata`: all, if a finder has distributions of its own; zip files and other odd entries of the path; folders
whose distribution cannot be told by their name.
"""

from __future__ import annotations

import _frozen_importlib_external
import os
import sys

from hycore.ext._entry_points import FLAGS, headers, name_and_version, parse, read_bytes, read_open
from hycore.utils._record import Record, fill
from hycore.utils.error import describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from typing import Any

__all__ = ["SUFFIXES", "Found", "Look", "Problem", "holds_none", "is_plain", "joined", "look", "read_folder"]

SUFFIXES = (".dist-info", ".egg-info")

_STANDARD = vars(_frozen_importlib_external)  # where the finder of `sys.path` is defined


class Problem(Record):
    """Something installed that was skipped: `source` says where it is, `reason` what is wrong with it."""

    __slots__ = ("source", "reason")

    source: str
    reason: str

    def __init__(self, source: str, reason: str) -> None:
        fill(self, "source", source)
        fill(self, "reason", reason)

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}"


class Found:
    """One entry point, as its distribution declares it; `origin` is the metadata folder."""

    __slots__ = ("distribution", "group", "name", "origin", "target", "version")

    def __init__(
        self, name: str, target: str, distribution: str, version: str, group: str, origin: str | None
    ) -> None:
        self.name = name
        self.target = target
        self.distribution = distribution
        self.version = version
        self.group = group
        self.origin = origin


class Look:
    """What one look at the disk found.

    - `found`: the entry points, in the order of `importlib.metadata`; `problems`: what was skipped.
    - `places`: for each entry point the number of its folder on the path, and the name of its metadata folder there.
    - `occupied`: the numbers of the folders that hold distributions.
    - `is_plain`: whether nothing had to be left to `importlib.metadata`; else `places` and `occupied` do not tell all.
    """

    __slots__ = ("_seen", "found", "is_plain", "occupied", "places", "problems")

    def __init__(self) -> None:
        self.found: list[Found] = []
        self.problems: list[Problem] = []
        self.places: list[tuple[int, str]] = []
        self.occupied: set[int] = set()
        self.is_plain = True
        self._seen: set[str] = set()

    def read_entry(self, place: int, root: str, groups: Collection[str]) -> None:
        """Looks at one entry of the path."""
        try:
            children = os.listdir(root or ".")
        except FileNotFoundError:
            return
        except NotADirectoryError:
            self.ask_for_path(root, groups)  # a zip file
            return
        except (OSError, ValueError) as error:
            self.problems.append(Problem(f"{root!r} on sys.path", describe(error)))
            return
        infos, eggs = _by_name(root, children)
        if infos:
            self.occupied.add(place)
        seen = self._seen
        start = joined(root, "")
        for key, same in infos.items():
            # Beyond ASCII, what is lower-case depends on the letters around: two ways to a name may differ.
            is_sure = key.isascii() and key not in ("", "_")
            for child in same:
                if not is_sure or not child.endswith(SUFFIXES):
                    self.ask_for_folder(root, child, groups)
                    continue
                if key in seen:
                    continue
                seen.add(key)
                try:
                    # Most have no such file. To do nothing for those but this makes a full look 0.93 times as long.
                    text = str(read_open(os.open(f"{start}{child}/entry_points.txt", FLAGS)), "utf-8")
                    for group in groups:
                        if group in text:
                            break
                    else:
                        continue
                    entries = parse(text, groups)
                    if not entries:
                        continue
                    path = start + child
                    found = _found(path, entries, name_and_version(headers(path)), self.problems)
                except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                    continue
                except Exception as error:
                    self.problems.append(Problem(_origin(start + child), describe(error)))
                    continue
                self.found += found
                self.places += [(place, child)] * len(found)
        for child in eggs:
            self.ask_for_folder(root, child, groups)

    def ask_for_folder(self, root: str, child: str, groups: Collection[str]) -> None:
        """Leaves one metadata folder to `importlib.metadata`."""
        import importlib.metadata
        import pathlib

        self.is_plain = False
        self._take(importlib.metadata.PathDistribution(pathlib.Path(root, child)), groups)

    def ask_for_path(self, root: Any, groups: Collection[str]) -> None:
        """Leaves one entry of the path to `importlib.metadata`."""
        import importlib.metadata

        find = importlib.metadata.MetadataPathFinder.find_distributions
        context = importlib.metadata.DistributionFinder.Context(path=[root])
        self._take_all(f"{root!r} on sys.path", find, context, groups)

    def ask_for_all(self, groups: Collection[str]) -> None:
        """Leaves everything to `importlib.metadata`."""
        import importlib.metadata

        importlib.metadata.MetadataPathFinder().invalidate_caches()
        context = importlib.metadata.DistributionFinder.Context()
        for finder in list(sys.meta_path):
            resolve = getattr(finder, "find_distributions", None)
            if resolve:
                self._take_all(f"{finder!r} on sys.meta_path", resolve, context, groups)

    def _take_all(self, source: str, resolve: Any, context: Any, groups: Collection[str]) -> None:
        """Takes what a finder has; if it fails, what it had until then."""
        self.is_plain = False
        try:
            for distribution in resolve(context):
                self._take(distribution, groups)
        except Exception as error:
            self.problems.append(Problem(source, describe(error)))

    def _take(self, distribution: Any, groups: Collection[str]) -> None:
        """Takes the entry points of a `Distribution`, if it is the first of its name."""
        origin: str | None = None
        key = "(its name cannot be read)"
        try:
            path = getattr(distribution, "_path", None)
            origin = str(path) if path is not None else None
            key = str(distribution._normalized_name)
            if key in self._seen:
                return
            self._seen.add(key)
            entries = [entry for entry in distribution.entry_points if entry.group in groups]
            if not entries:
                return
            stem = os.path.basename(origin) if origin is not None else key
            name, version = _spelling(distribution, origin or key, stem, self.problems)
            self.found += [
                Found(entry.name, entry.value, name, version, entry.group, origin) for entry in entries
            ]
        except Exception as error:
            self.problems.append(
                Problem(origin or f"the distribution {key}, without a folder", describe(error))
            )


def look(groups: Collection[str], path: Sequence[Any] | None = None) -> Look:
    """Looks for the entry points of these groups along `path`, or `sys.path`."""
    result = Look()
    if not groups:
        return result
    if not is_plain():
        result.ask_for_all(groups)
        return result
    for place, root in enumerate(list(sys.path if path is None else path)):
        if type(root) is str:
            result.read_entry(place, root, groups)
        else:
            result.ask_for_path(root, groups)
    return result


def is_plain() -> bool:
    """Whether the standard finder is the only one that has distributions.

    Those that setuptools, six, pytest and editable installs leave on `sys.meta_path` have none.
    """
    standard = 0
    for finder in sys.meta_path:
        resolve = getattr(finder, "find_distributions", None)
        if resolve:
            if getattr(resolve, "__globals__", None) is not _STANDARD:
                return False
            standard += 1
    return standard == 1


def holds_none(root: str) -> bool:
    """Whether an entry of the path holds no distribution, as far as can be told without `importlib.metadata`."""
    try:
        children = os.listdir(root or ".")
    except NotADirectoryError:
        return False
    except (OSError, ValueError):
        return True
    infos, eggs = _by_name(root, children)
    return not infos and not eggs


def joined(root: str, child: str) -> str:
    """The path of what is in an entry of the path; an empty entry is the current folder."""
    return f"{root}/{child}" if root and root[-1] != "/" else f"{root}{child}"


def read_folder(
    path: str, groups: Collection[str], before: tuple[bytes, bytes | None, list[Found]] | None = None
) -> tuple[bytes, bytes | None, list[Found]]:
    """The entry points of one metadata folder, behind the bytes that they were read from.

    Where the bytes are those of an answer before, that is the answer. Raises what reading raises.
    """
    text = read_bytes(f"{path}/entry_points.txt")
    head = headers(path)
    if before is not None and before[0] == text and before[1] == head and head is not None:
        return before
    entries = parse(str(text, "utf-8"), groups)
    spelling = name_and_version(head)
    found = _found(path, entries, spelling, []) if entries else []
    # What does not stand in the headers may change without a sign in them.
    return text, head if spelling is not None else None, found


def _by_name(root: str, children: Iterable[str]) -> tuple[dict[str, list[str]], list[str]]:
    """The metadata folders by their normalized names, in the order of `importlib.metadata`; and those of an egg."""
    infos: dict[str, list[str]] = {}
    eggs: list[str] = []
    for child in children:
        if child[-1] not in "oO":  # most are something else
            continue
        low = child.lower()
        if low.endswith(SUFFIXES):
            key = low.partition("-")[0]
            if "." in key or "__" in key:
                key = _normalized(low.rpartition(".")[0].partition("-")[0])
            if key in infos:
                infos[key].append(child)
            else:
                infos[key] = [child]
        elif low == "egg-info" and os.path.basename(root).lower().endswith(".egg"):
            eggs.append(child)
    return infos, eggs


def _normalized(name: str) -> str:
    name = name.replace(".", "-").replace("_", "-")
    while "--" in name:
        name = name.replace("--", "-")
    return name.lower().replace("-", "_")


def _found(
    path: str,
    entries: list[tuple[str, str, str]],
    spelling: tuple[str, str] | None,
    problems: list[Problem],
) -> list[Found]:
    origin = _origin(path)
    if spelling is None:
        import importlib.metadata

        distribution = importlib.metadata.Distribution.at(origin)
        spelling = _spelling(distribution, origin, os.path.basename(origin), problems)
    name, version = spelling
    return [Found(entry, value, name, version, group, origin) for group, entry, value in entries]


def _spelling(distribution: Any, source: str, stem: str, problems: list[Problem]) -> tuple[str, str]:
    """Name and version as the metadata spells them, else as the folder's name does."""
    try:
        metadata = distribution.metadata
        name, version = [str(metadata[key]) if key in metadata else "" for key in ("Name", "Version")]
        reason = "it does not say its name and version"
    except Exception as error:
        name, version, reason = "", "", describe(error)
    if not name or not version:
        problems.append(Problem(source, f"its metadata is broken, its entry points are used: {reason}"))
        parts = os.path.splitext(stem)[0].split("-")
        name = name or parts[0]
        version = version or (parts[1] if len(parts) > 1 else "unknown")
    return name, version


def _origin(path: str) -> str:
    """A path as `pathlib` spells it."""
    if "//" not in path and "/./" not in path and path[:2] != "./" and os.sep == "/":
        return path
    import pathlib

    return str(pathlib.Path(path))
