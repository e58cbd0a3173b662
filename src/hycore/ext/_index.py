r"""The index of entry points: which metadata folders claim a name, from an earlier look at the disk.

Layer: `ext`, above discovery and the cache, below the inventory.

It is an index and never a source. It is used only while `sys.path` and its folders are what they were when it was made,
and what it points at is read again before it is believed. The text, in UTF-8:

    hyperion entry points 1 cpython-311 30b07f0     the format's version, and the Python whose answers these are
    67f89c7010b791a7                                a checksum of all that follows
    -=                                              a sign for each entry of the path
    hycore.plugins                                  the groups, separated by tabs
    /home/me/app\t1784 1784 12                      for each entry of the path its folder's times and inode
    /usr/lib/python3/site-packages\t1702 1702 47
                                                    an empty line
    __EXT_lines\t1\tlines-1.0.dist-info             for each name the metadata folders: place on the path, name

The signs: `=` holds distributions and must not have changed; `-` holds none, and may change if it still holds none; `?`
holds none and is looked at in any case, since it was young, or is relative to whatever folder is current.
"""

from __future__ import annotations

import _imp
import os
import sys
import time

from hycore.ext import _cache
from hycore.ext._discovery import SUFFIXES, holds_none, is_plain, joined, read_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from typing import Any

    from hycore.ext._discovery import Found, Look

__all__ = ["Index", "index_of"]

_MAGIC = f"hyperion entry points 1 {sys.implementation.cache_tag} {sys.hexversion:x}\n".encode()
_BODY = len(_MAGIC) + 17  # where that begins which is summed up

_SEED = 0x68797065  # of the checksum

# A folder that changed so short a while ago may change again without a sign: the clock of a file system has ticks.
_YOUNG_NS = 2_000_000_000


def index_of(groups: Sequence[str], last: Index | None = None) -> Index | None:
    """The index for these groups and `sys.path`; `None` where there can be none.

    There can be none without a folder for it, and where discovery is left to `importlib.metadata`. The `last` one is the
    answer while its path and its folders are what they were: the file is then not read again.
    """
    home = _cache.home()
    if home is None or not is_plain():
        return None
    path = list(sys.path)
    if last is not None and last.still_holds(home, path):
        return last
    try:
        text = "\n".join(["\t".join(groups), *path])
    except TypeError:
        return None  # an entry of the path that is no string
    if text.count("\n") != len(path) or text.count("\t") != len(groups) - 1:
        return None
    return Index(home, groups, path, _encoded(text))


class Index:
    """The index for these groups and this path, as the cache has it, checked against the disk when it is made.

    It lives as long as its inventory wants, and is checked again at each use.
    """

    __slots__ = (
        "_answers",
        "_data",
        "_groups",
        "_home",
        "_is_sure",
        "_key",
        "_lines",
        "_made_at",
        "_names",
        "_places",
        "_stamps",
        "path",
    )

    def __init__(self, home: tuple[str, str], groups: Sequence[str], path: Sequence[str], key: bytes) -> None:
        self.path = path
        self._home = home
        self._groups = groups
        self._answers: dict[tuple[int, str], Any] = {}  # what was read before, with the bytes of it
        self._places: dict[str, list[tuple[int, str]]] = {}
        self._made_at = time.time_ns()
        self._stamps = _stamps(path)
        self._lines = ["\t".join(groups)]
        for root, stamp in zip(path, self._stamps, strict=True):
            self._lines.append(f"{root}\t" if stamp is None else f"{root}\t{stamp[0]} {stamp[1]} {stamp[2]}")
        self._is_sure = False
        self._key = _imp.source_hash(_SEED, key).hex()
        self._data = data = _cache.read(os.path.join(*home), self._key)
        self._names = self._checked(data) if data is not None else None

    def still_holds(self, home: tuple[str, str], path: list[str]) -> bool:
        """Whether what was valid once is so now; what it points at will be read again."""
        return self._is_sure and self.path == path and self._home == home and _stamps(path) == self._stamps

    @property
    def is_valid(self) -> bool:
        """Whether there is one, and the folders are what they were."""
        return self._names is not None

    def find(self, name: str, read: dict[tuple[int, str], list[Found]]) -> list[Found] | None:
        """The claims of a name, each read again just now; `None` if only a look at the disk can tell.

        `read` has what was read for the same answer.

        A name that is not there has no claims, as far as it is known.
        """
        if self._names is None or "\t" in name or "\n" in name:
            return None
        claims: list[Found] = []
        try:
            for place, child in self._places_of(self._names, name):
                before = len(claims)
                claims += [found for found in self._entries_of(place, child, read) if found.name == name]
                if len(claims) == before:
                    return None
        except (OSError, ValueError, IndexError):
            return None
        return claims

    def _places_of(self, names: bytes, name: str) -> list[tuple[int, str]]:
        """Which metadata folders claim a name, as far as is known."""
        places = self._places.get(name)
        if places is None:
            fields: list[str] = []
            start = names.find(f"\n{name}\t".encode())
            if start >= 0:
                line = names[start + 1 : names.index(b"\n", start + 1)]
                fields = line.decode("utf-8", "surrogatepass").split("\t")[1:]
            pairs = zip(fields[::2], fields[1::2], strict=True)
            places = self._places[name] = [(int(place), child) for place, child in pairs]
        return places

    def _entries_of(self, place: int, child: str, read: dict[tuple[int, str], list[Found]]) -> list[Found]:
        if "/" in child or not child.endswith(SUFFIXES):
            raise ValueError("not the name of a metadata folder")
        key = (place, child)
        found = read.get(key)
        if found is None:
            answer = read_folder(joined(self.path[place], child), self._groups, self._answers.get(key))
            self._answers[key] = answer
            found = read[key] = answer[2]
        return found

    def keep(self, look: Look) -> None:
        """Keeps what a look at the disk has found, if it was taken after this index was made and can be kept."""
        self._is_sure = False  # the disk knew more: the file is read the next time
        if not look.is_plain:
            return
        for place in look.occupied:
            if self._stamps[place] is None or self._is_young(place):
                return
        folders: dict[str, list[str]] = {}
        for found, (place, child) in zip(look.found, look.places, strict=True):
            if "\t" in found.name or "\t" in child or "\n" in child:
                return
            fields = folders.setdefault(found.name, [found.name])
            if fields[-2:] != [str(place), child]:
                fields += [str(place), child]
        lines = ["\t".join(fields) for fields in folders.values()]
        names = _encoded("\n".join(["", *lines, ""]))
        self._write(look.occupied, names)

    def _write(self, occupied: Collection[int], names: bytes) -> None:
        signs = ""
        lines = self._lines.copy()
        for place, root in enumerate(self.path):
            if place in occupied:
                signs += "="
            elif self._is_young(place) or not os.path.isabs(root):
                signs += "?"
                lines[place + 1] = f"{root}\t"
            else:
                signs += "-"
        body = _encoded("\n".join([signs, *lines, ""])) + names
        data = b"".join([_MAGIC, _checksum(body), body])
        if data != self._data:
            _cache.write(self._key, data)

    def _is_young(self, place: int) -> bool:
        stamp = self._stamps[place]
        return stamp is not None and self._made_at - max(stamp[0], stamp[1]) < _YOUNG_NS

    def _checked(self, data: bytes) -> bytes | None:
        """The lines of the names, with the line end before the first, if the rest is as it should be."""
        body = data[_BODY:]
        if not data.startswith(_MAGIC) or data[len(_MAGIC) : _BODY] != _checksum(body):
            return None
        count = len(self.path)
        stamps = _encoded("\n".join([*self._lines, ""]))
        if body.startswith(b"\n" + stamps, count) and not body[:count].strip(b"=-"):
            self._is_sure = True
            return body[count + 1 + len(stamps) :]
        try:
            signs, *lines, rest = body.decode("utf-8", "surrogatepass").split("\n", count + 2)
        except ValueError:
            return None
        if lines[:1] != self._lines[:1] or not len(signs) == len(lines) - 1 == count:
            return None
        changed: list[int] = []
        for place, (sign, line, now) in enumerate(zip(signs, lines[1:], self._lines[1:], strict=True)):
            if line == now and sign != "?":
                continue
            if sign == "=" or line.partition("\t")[0] != self.path[place] or not holds_none(self.path[place]):
                return None
            changed.append(place)
        names = _encoded(rest)
        if not any(map(self._is_young, changed)):
            # From now on these are not looked at again.
            self._write([place for place, sign in enumerate(signs) if sign == "="], names)
        return names


def _stamps(path: Sequence[str]) -> list[tuple[int, int, int] | None]:
    """When each folder was last written and changed, and its inode; `None` for what is not there."""
    stamps: list[tuple[int, int, int] | None] = []
    for root in path:
        try:
            status = os.stat(root or ".")
        except (OSError, ValueError):
            stamps.append(None)
        else:
            stamps.append((status.st_mtime_ns, status.st_ctime_ns, status.st_ino))
    return stamps


def _encoded(text: str) -> bytes:
    # Paths that are not UTF-8 have surrogates.
    return text.encode("utf-8", "surrogatepass")


def _checksum(data: bytes) -> bytes:
    # The hash that Python has for its own cache files, and always loaded: `zlib` would be one import more.
    return f"{_imp.source_hash(_SEED, data).hex()}\n".encode()
