"""The text of one metadata folder: its entry points, and how it spells its name and version.

Layer: `ext`, below discovery. A leaf: imports nothing of ours. It reads as `importlib.metadata` does, and no more than
is needed.
"""

from __future__ import annotations

import os
from stat import S_ISREG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["FLAGS", "headers", "name_and_version", "parse", "read_bytes", "read_open"]

# Without O_NONBLOCK a FIFO would be waited for.
FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

_CHUNK = 16 * 1024

# Name and version stand in the first lines of a file that may hold a whole README.
_HEADERS = 4096
_LINES = 12

_MISSING = (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError)


def read_bytes(path: str, most: int = 0) -> bytes:
    """What a regular file holds: all of it, or, with `most`, its beginning.

    Raises `OSError`, also for what is no regular file.
    """
    return read_open(os.open(path, FLAGS), most)


def read_open(descriptor: int, most: int = 0) -> bytes:
    """The same for a file that was opened with `FLAGS`; closes it."""
    try:
        data = os.read(descriptor, most or _CHUNK)
        # A FIFO gives nothing, a device all that is wanted.
        if (not data or len(data) >= _CHUNK) and not S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("not a regular file")
        if data and not most:
            while more := os.read(descriptor, _CHUNK):
                data += more
        return data
    finally:
        os.close(descriptor)


def parse(text: str, groups: Collection[str]) -> list[tuple[str, str, str]]:
    """Group, name and value of each entry point of these groups in the text of an `entry_points.txt`.

    Raises `ValueError` if a line of any group has no `=`: `importlib.metadata` reads nothing of such a file either.
    """
    found: list[tuple[str, str, str]] = []
    group: str | None = None
    for line in text.splitlines():
        line = line.strip()
        if not line or line[0] == "#":
            continue
        if line[0] == "[" and line[-1] == "]":
            group = line.strip("[]")
        elif group is not None:
            name, equals, value = line.partition("=")
            if not equals:
                raise ValueError(f"entry_points.txt: the line {line!r} has no '='")
            if group in groups:
                found.append((group, name.strip(), value.strip()))
    return found


def headers(folder: str) -> bytes | None:
    """The beginning of `METADATA`, or else of `PKG-INFO`; `None` if neither can be read."""
    for file in ("METADATA", "PKG-INFO"):
        try:
            data = read_bytes(f"{folder}/{file}", _HEADERS)
        except _MISSING:
            continue
        except OSError:
            return None
        if data:
            return data
    return None


def name_and_version(data: bytes | None) -> tuple[str, str] | None:
    """How headers spell name and version, as all tools write them; `None` if it takes more: the rest of RFC 822."""
    if data is None:
        return None
    lines = data.split(b"\n", _LINES)
    if is_cut := len(lines) > _LINES or len(data) >= _HEADERS:
        lines.pop()
    values: dict[bytes, bytes] = {}
    key = b""
    for line in lines:
        if line.startswith((b" ", b"\t")):
            if key in (b"", b"name", b"version"):
                return None
            continue
        if len(values) == 2:
            break
        key, colon, value = line.partition(b":")
        key = key.lower()
        if key in (b"name", b"version"):
            values.setdefault(key, value.removesuffix(b"\r").lstrip(b" \t"))
        elif not key.replace(b"-", b"").isalnum():
            return None
        if not colon or b"\r" in line[:-1]:
            return None
    else:
        if is_cut:  # the last line may go on in the next one
            return None
    try:
        name, version = values[b"name"].decode(), values[b"version"].decode()
    except (KeyError, UnicodeDecodeError):
        return None
    return (name, version) if name and version and name.isprintable() and version.isprintable() else None
