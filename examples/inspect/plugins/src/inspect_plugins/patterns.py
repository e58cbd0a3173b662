"""Patterns of module names in a configuration."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import cast

from inspect_host import Module


def matches(module: Module, patterns: tuple[str, ...]) -> bool:
    """Whether a pattern (`*` and `?` as in file names) fits the module's name, or a package around it."""
    return any(
        fnmatchcase(module.name, pattern) or fnmatchcase(module.name, f"{pattern}.*") for pattern in patterns
    )


def check_patterns(field: str, patterns: object) -> None:
    """Refuses what is not a tuple of patterns."""
    if isinstance(patterns, str):
        raise ValueError(f"{field} is a list of patterns: write [{patterns!r}], not {patterns!r}")
    items = cast("tuple[object, ...]", patterns) if isinstance(patterns, tuple) else (None,)
    if not all(isinstance(item, str) and item for item in items):
        raise ValueError(f"{field} is a list of patterns such as ['test', '*.tests'], not {patterns!r}")
