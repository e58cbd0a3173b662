"""Where the index of entry points is kept between processes: a folder of small files that may vanish at any time.

Layer: `ext`, below the index. A leaf: imports nothing of ours. Nothing here raises: what cannot be read, or should not be
believed, is not there; what cannot be written is not kept.
"""

from __future__ import annotations

import os
import sys
from stat import S_ISREG
from time import monotonic_ns

__all__ = ["folder", "home", "read", "write"]

_PREFIX = "entry-points-"

_MOST_BYTES = 1024 * 1024
_MOST_FILES = 16

_READ = sum([getattr(os, name, 0) for name in ("O_RDONLY", "O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK")])
_WRITE = sum([getattr(os, name, 0) for name in ("O_WRONLY", "O_CREAT", "O_EXCL", "O_CLOEXEC", "O_NOFOLLOW")])


def folder() -> str | None:
    """The folder of the files, which may not exist; `None` where there is no cache.

    There is none with `HY_NO_CACHE`, without a home, in a program with borrowed rights, and where files have no owner.
    """
    base = home()
    return os.path.join(*base) if base is not None else None


def home() -> tuple[str, str] | None:
    """The home of the folder, and the folder in it."""
    environ = os.environ
    if environ.get("HY_NO_CACHE", "") not in ("", "0"):
        return None
    if not hasattr(os, "geteuid") or os.geteuid() != os.getuid():
        return None
    home = environ.get("HY_HOME")
    if home:
        return home, "cache"
    if sys.platform != "darwin":
        home = environ.get("XDG_CACHE_HOME", "")
        if home.startswith("/"):  # the standard ignores relative ones
            return home, "hyperion"
    home = environ.get("HOME", "")
    if not home.startswith("/"):
        return None
    return home, "Library/Caches/hyperion" if sys.platform == "darwin" else ".cache/hyperion"


def _is_safe(status: os.stat_result) -> bool:
    """Whether only this user could write it."""
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def read(place: str, key: str) -> bytes | None:
    """What is kept in this folder under a key, if nobody but this user can have written it."""
    try:
        if not _is_safe(os.stat(place)):
            return None
        descriptor = os.open(f"{place}/{_PREFIX}{key}", _READ)
    except (OSError, ValueError):
        return None
    try:
        status = os.fstat(descriptor)
        size = status.st_size
        if not S_ISREG(status.st_mode) or not _is_safe(status) or size > _MOST_BYTES:
            return None
        data = os.read(descriptor, size + 1)
        return data if len(data) == size else None
    except OSError:
        return None
    finally:
        os.close(descriptor)


def write(key: str, data: bytes) -> None:
    """Keeps data under a key, at once and whole; removes the oldest of too many files."""
    base = home()
    if base is None or len(data) > _MOST_BYTES:
        return
    place = os.path.abspath(os.path.join(*base))
    try:
        if not _is_ours(os.path.abspath(base[0])):
            return
        _make(place)
        if not _is_safe(os.stat(place)):
            return
        path = f"{place}/{_PREFIX}{key}"
        temporary = f"{path}.{os.getpid()}.{monotonic_ns()}"
        descriptor = os.open(temporary, _WRITE, 0o600)
        try:
            try:
                while data:
                    data = data[os.write(descriptor, data) :]
            finally:
                os.close(descriptor)
            os.replace(temporary, path)
        except BaseException:
            _remove(temporary)
            raise
        _remove_oldest(place)
    except (OSError, ValueError):
        return


def _is_ours(path: str) -> bool:
    """Whether a folder, or the nearest above it that exists, is this user's: under `sudo` the home is another's."""
    while True:
        try:
            return os.stat(path).st_uid == os.geteuid()
        except FileNotFoundError:
            path = os.path.dirname(path)


def _make(path: str) -> None:
    if os.path.isdir(path):
        return
    _make(os.path.dirname(path))
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        return  # another process was faster


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return  # another process was faster, or it cannot be helped


def _remove_oldest(place: str) -> None:
    names = [name for name in os.listdir(place) if name.startswith(_PREFIX)]
    if len(names) <= _MOST_FILES:
        return
    ages: list[tuple[int, str]] = []
    for name in names:
        try:
            ages.append((os.lstat(f"{place}/{name}").st_mtime_ns, name))
        except FileNotFoundError:
            continue
    for _, name in sorted(ages)[:-_MOST_FILES]:
        _remove(f"{place}/{name}")
