"""A file that is there as a whole or not at all, and of which it is known before the work whether it can be written.

Layer: `hypi.cli`, a leaf within it.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from typing import BinaryIO, Self, final

__all__ = ["Draft"]


@final
class Draft:
    """What will be a file's text, while it is entered; without `write` the file stays as it was.

    The text goes to a file beside it, which then takes its place. Raises `OSError` when it is entered, if the file cannot
    be written. A device or a pipe is written as it is.
    """

    def __init__(self, path: str) -> None:
        # What is no file, such as /dev/stdout or that of >(…), may lead to what has no path.
        is_file = os.path.isfile(path) or not os.path.exists(path)
        self._path = os.path.realpath(path) if is_file else path
        self._beside: str | None = None
        self._device: BinaryIO | None = None

    def __enter__(self) -> Self:
        if os.path.isdir(self._path):
            raise IsADirectoryError(None, "Is a directory")
        if os.path.exists(self._path):
            if not os.path.isfile(self._path):
                # It stays open: whoever reads a pipe takes its being closed for the end.
                self._device = open(self._path, "wb")
                return self
            with open(self._path, "ab"):
                pass  # whether it may be written
        folder, name = os.path.split(self._path)
        beside = os.path.join(folder, f".{name[:100]}.{secrets.token_hex(4)}")
        os.close(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        self._beside = beside
        return self

    def write(self, text: str) -> None:
        """Puts the text in the file's place. Raises `OSError`."""
        data = text.encode("utf-8", "backslashreplace")
        if self._device is not None:
            self._device.write(data)
            self._device.flush()
        if self._beside is not None:
            with open(self._beside, "wb") as file:
                file.write(data)
            with suppress(OSError):  # there was none
                os.chmod(self._beside, os.stat(self._path).st_mode & 0o7777)
            os.replace(self._beside, self._path)
            self._beside = None

    def __exit__(self, *_: object) -> None:
        if self._device is not None:
            with suppress(OSError):  # nobody reads it: that was told when it was written
                self._device.close()
        if self._beside is not None:
            with suppress(OSError):
                os.unlink(self._beside)
