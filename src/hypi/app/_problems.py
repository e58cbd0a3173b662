"""What is wrong with an application file, and where.

Layer: `hypi.app`, a leaf within it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

from hycore.utils.error import HyError, closest

__all__ = ["ApplicationFileError", "Keys", "Lines", "Problem", "did_you_mean", "is_in", "spelled"]

Keys = tuple[str | int, ...]
"""The way to a value: keys of tables, and places in arrays."""


@final
@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: `where` is `FILE:LINE`, the file alone, or a `--set`; `key` is the way to the value."""

    where: str
    key: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.key}: {self.text}" if self.key else f"{self.where}: {self.text}"


class ApplicationFileError(HyError, ValueError):
    """An application file is wrong; nothing of it was started.

    Facts: `path`, `problems` (every `Problem`, in the order of the file's tables).
    """

    def __init__(self, path: str, problems: Sequence[Problem]) -> None:
        super().__init__()
        self.path = path
        self.problems = tuple(problems)

    def _compose(self) -> str:
        return "\n".join(map(str, self.problems))


def spelled(keys: Keys) -> str:
    """The way to a value as one writes it: `ext."__EXT_a.b".limits[2]`."""
    text = ""
    for key in keys:
        if isinstance(key, int):
            text += f"[{key}]"
            continue
        bare = key.replace("_", "").replace("-", "")
        part = key if bare.isascii() and bare.isalnum() else f'"{key}"'
        text += f".{part}" if text else part
    return text


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """The next step after an unknown name."""
    close = closest(name, known, most=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(known)}" if known else "there is none"


@final
class Lines:
    """Finds the lines on which values stand in a file.

    It asks the parser itself, which is given more and less of the file until the statement is found that brings the
    value. It lives as long as the file is read; each part of the file is parsed once.
    """

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._parsed: dict[int, Any] = {0: {}}

    def find(self, keys: Keys) -> int | None:
        """The line of the statement that gives a value, or of the closest table or array around it; from 1."""
        while keys:
            line = self.exactly(keys)
            if line is not None:
                return line
            keys = keys[:-1]
        return None

    def exactly(self, keys: Keys) -> int | None:
        """The line of the statement that gives a value, or `None` if the file does not have it."""
        # What the first lines hold grows with their number: a search by halves.
        without, having = 0, len(self._lines)
        if not self._has(having, keys):
            return None
        while True:
            middle = self._statement_end((without + having) // 2)
            if middle <= without:
                middle = self._statement_end_after(without)
                if middle >= having:
                    break
            if self._has(middle, keys):
                having = middle
            else:
                without = middle
        while not self._lines[without].strip() or self._lines[without].lstrip().startswith("#"):
            without += 1
        return without + 1

    def _statement_end(self, count: int) -> int:
        """The largest number of lines, up to `count`, that does not end in the middle of a value."""
        while self._parse(count) is None:
            count -= 1
        return count

    def _statement_end_after(self, count: int) -> int:
        count += 1
        while self._parse(count) is None:
            count += 1
        return count

    def _parse(self, count: int) -> Any:
        if count not in self._parsed:
            try:
                self._parsed[count] = tomllib.loads("\n".join(self._lines[:count]) + "\n")
            except tomllib.TOMLDecodeError:
                self._parsed[count] = None
        return self._parsed[count]

    def _has(self, count: int, keys: Keys) -> bool:
        found: Any = self._parse(count)
        for key in keys:
            if not is_in(found, key):
                return False
            found = found[key]
        return True


def is_in(value: Any, key: str | int) -> bool:
    """Whether a table or an array has this key or place."""
    if isinstance(value, list):
        return isinstance(key, int) and key < len(value)
    return isinstance(value, dict) and key in value
