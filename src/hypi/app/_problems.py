"""What is wrong with an application file, and where.

Layer: `hypi.app`, a leaf within it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

from hycore.utils.error import HyError, closest

__all__ = ["ApplicationFileError", "Keys", "Problem", "did_you_mean", "line_of", "spelled"]

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


def line_of(text: str, keys: Keys) -> int | None:
    """The line on which the statement stands that gives a value, or the closest table or array around it.

    It is found with the parser itself, which is given ever more lines of the file until the value is there.
    """
    while keys:
        line = _line_of(text, keys)
        if line is not None:
            return line
        keys = keys[:-1]
    return None


def _line_of(text: str, keys: Keys) -> int | None:
    lines = text.splitlines(keepends=True)
    before = 0
    for count in range(1, len(lines) + 1):
        try:
            found: Any = tomllib.loads("".join(lines[:count]))
        except tomllib.TOMLDecodeError:
            continue  # in the middle of a value that goes over several lines
        key: Any
        for key in keys:
            if (isinstance(found, dict) and key in found) or (
                isinstance(found, list) and isinstance(key, int) and key < len(found)
            ):
                found = found[key]
            else:
                break
        else:
            start = before
            while not lines[start].strip() or lines[start].lstrip().startswith("#"):
                start += 1
            return start + 1
        before = count
    return None
