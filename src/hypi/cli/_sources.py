"""Which files are the sources of an application and its extensions, found without importing any of them.

Layer: `hypi.cli`, a leaf within it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES
from importlib.util import find_spec
from typing import Any, final

__all__ = ["Seen", "Sources", "sources_of"]

_SUFFIXES = (*SOURCE_SUFFIXES, *EXTENSION_SUFFIXES)

Seen = dict[str, tuple[int, int, int]]
"""What tells one state of each file from another: its time in nanoseconds, its size and its number."""


@final
@dataclass(frozen=True, slots=True)
class Sources:
    """Where the sources are.

    - `files`: single files, such as the application file.
    - `folder`: that of the application file: the sources in it, and the packages.
    - `packages`: the folders of packages: the sources in them, however deep.
    """

    files: tuple[str, ...]
    folder: str
    packages: tuple[str, ...] = ()

    def look(self) -> tuple[Seen, frozenset[str]]:
        """Each file as it is now, and the folders whose changes may change that."""
        seen: Seen = {}
        folders: set[str] = set()
        for file in self.files:
            _note(file, seen, folders)
        roots = [(self.folder, True), *[(package, False) for package in self.packages]]
        for root, only_packages in roots:
            folders.add(os.path.dirname(root))  # it may go, and come again
            for within, files in _walk(root, only_packages=only_packages):
                folders.add(within)
                for file in files:
                    _note(file, seen, folders)
        return seen, frozenset(map(_nearest, folders))

    def or_gone(self, others: Sources) -> Sources:
        """These, and those of others that are not there: they may come again."""
        files = [file for file in others.files if not os.path.exists(file)]
        packages = [folder for folder in others.packages if not os.path.exists(folder)]
        return Sources(
            tuple(dict.fromkeys([*self.files, *files])),
            self.folder,
            tuple(dict.fromkeys([*self.packages, *packages])),
        )

    def as_json(self) -> dict[str, Any]:
        """What JSON can hold of it."""
        return {"files": self.files, "folder": self.folder, "packages": self.packages}

    @classmethod
    def of_json(cls, value: dict[str, Any]) -> Sources:
        """What `as_json` has made."""
        return cls(tuple(value["files"]), value["folder"], tuple(value["packages"]))


def sources_of(file: str, modules: Iterable[str]) -> Sources:
    """The sources of an application file, of its folder, and of the packages of modules."""
    files = [_absolute(file)]
    packages: list[str] = []
    for module in modules:
        for place in _places(module):
            (packages if os.path.isdir(place) else files).append(_absolute(place))
    folder = os.path.dirname(files[0])
    return Sources(tuple(dict.fromkeys(files)), folder, tuple(dict.fromkeys(packages)))


def _absolute(path: str) -> str:
    """The path with a folder that is no link; the file may be one, which somebody lets lead elsewhere."""
    folder, name = os.path.split(path.rstrip(os.sep))
    return os.path.join(os.path.realpath(folder), name)


def _places(module: str) -> list[str]:
    """The folders of the package that a module is in, or the file of one that is in none."""
    name, *inner = module.split(".")
    try:
        spec = find_spec(name)
    except Exception:  # of a finder that somebody has installed; the application will tell
        return []
    if spec is None:
        return []
    if spec.submodule_search_locations is None:
        return [spec.origin] if spec.has_location and spec.origin is not None else []
    folders = list(spec.submodule_search_locations)
    # Many distributions may share a folder without an `__init__`: the one below it counts, as far as there is one.
    while inner and not any(os.path.exists(os.path.join(folder, "__init__.py")) for folder in folders):
        below = [os.path.join(folder, inner[0]) for folder in folders]
        below = [folder for folder in below if os.path.isdir(folder)]
        if not below:
            break
        folders = below
        del inner[0]
    return folders


def _walk(folder: str, *, only_packages: bool) -> Iterator[tuple[str, list[str]]]:
    """Each folder from this one on down, and the sources in it. What begins with a dot is of editors and tools."""
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError:
        return
    yield folder, [entry.path for entry in entries if entry.name.endswith(_SUFFIXES) and entry.name[0] != "."]
    for entry in entries:
        if entry.name == "__pycache__" or entry.name[0] == "." or not _is_folder(entry):
            continue
        if not only_packages or os.path.exists(os.path.join(entry.path, "__init__.py")):
            yield from _walk(entry.path, only_packages=only_packages)
        else:
            yield entry.path, []  # it may become a package


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _nearest(folder: str) -> str:
    """The folder, or the first around it that is there: in that one it may come again."""
    while not os.path.isdir(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    return folder


def _note(file: str, seen: Seen, folders: set[str]) -> None:
    """Notes what a file is like, and where it and what it leads to may change."""
    folders.add(os.path.dirname(file))
    if os.path.islink(file):
        folders.add(os.path.dirname(os.path.realpath(file)))
    try:
        status = os.stat(file)
    except OSError:  # it is gone
        return
    if stat.S_ISREG(status.st_mode):
        seen[file] = (status.st_mtime_ns, status.st_size, status.st_ino)
