"""What is wrong with an application file, and where.

Layer: `hypi.app`, a leaf within it.
"""

from __future__ import annotations

import re
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
        if not self.key or self.where == f"--set {self.key}":
            return f"{self.where}: {self.text}"
        return f"{self.where}: {self.key}: {self.text}"


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


_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*|[\[\]{}\n]',
    re.DOTALL,
)
"""What of TOML may hold a newline, or what looks like a bracket: strings, comments, brackets, and newlines themselves."""


def _statements(text: str) -> list[int]:
    """The lines, from 0, on which the statements of a file of TOML begin, and the one behind the last."""
    starts = [0]
    line = depth = 0
    for token in _TOKEN.finditer(text):
        kind = token[0]
        line += kind.count("\n")
        depth += (kind in "[{") - (kind in "]}")
        if kind == "\n" and depth == 0:
            starts.append(line)
    return [*starts, line + 1]


@final
class Lines:
    """Finds the lines on which values stand in a file.

    It asks the parser itself, which is given more and fewer statements of the file until that one is found that brings the
    value. It lives as long as the file is read; each part of the file is parsed once.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = text.split("\n")
        self._starts = _statements(text)
        self._parsed: dict[int, Any] = {}

    def find(self, keys: Keys) -> int | None:
        """The line of the statement that gives a value, or of the closest table or array around it; from 1."""
        while keys:
            line = self.exactly(keys)
            if line is not None:
                return line
            keys = keys[:-1]
        return None

    def only(self, word: str) -> int | None:
        """The line of a word that is in the file once, from 1; so nothing need be parsed."""
        first = self._text.find(word)
        if first == -1 or self._text.rfind(word) != first:
            return None
        return self._text.count("\n", 0, first) + 1

    def exactly(self, keys: Keys) -> int | None:
        """The line of the statement that gives a value, or `None` if the file does not have it."""
        # What the first statements hold grows with their number: a search by halves.
        without, having = 0, len(self._starts) - 1
        if not self._has(having, keys):
            return None
        while having - without > 1:
            middle = (without + having) // 2
            if self._has(middle, keys):
                having = middle
            else:
                without = middle
        return self._starts[without] + 1

    def _has(self, count: int, keys: Keys) -> bool:
        """Whether the first statements, so many of them, give the value."""
        if count not in self._parsed:
            self._parsed[count] = tomllib.loads("\n".join(self._lines[: self._starts[count]]) + "\n")
        found: Any = self._parsed[count]
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
