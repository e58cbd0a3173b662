"""Reading the entry points of installed distributions; imports nothing that it finds.

Layer: `ext`, above the traits, below the inventory.
"""

from __future__ import annotations

from hycore.utils._record import Record, fill
from hycore.utils.error import describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

__all__ = ["Found", "Problem", "installed"]


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


class Found(Record):
    """One entry point, as its distribution declares it."""

    __slots__ = ("name", "target", "distribution", "version", "group", "origin")

    name: str
    target: str
    distribution: str
    version: str
    group: str
    origin: str | None

    def __init__(
        self, name: str, target: str, *, distribution: str, version: str, group: str, origin: str | None
    ) -> None:
        fill(self, "name", name)
        fill(self, "target", target)
        fill(self, "distribution", distribution)
        fill(self, "version", version)
        fill(self, "group", group)
        fill(self, "origin", origin)


def installed(groups: Collection[str]) -> tuple[list[Found], list[Problem]]:
    """The entry points of these groups, in the order of `importlib.metadata`, and what was skipped.

    Of several distributions of one name the first on `sys.path` counts, broken or not.
    """
    import importlib.metadata

    found: list[Found] = []
    problems: list[Problem] = []
    if not groups:
        return found, problems
    seen: set[str] = set()
    for distribution in importlib.metadata.distributions():
        origin = _origin(distribution)
        try:
            key = str(distribution._normalized_name)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
            if key in seen:
                continue
            seen.add(key)
            entries = [entry for entry in distribution.entry_points if entry.group in groups]
            if not entries:
                continue
            metadata = distribution.metadata
            name, version = str(metadata["Name"]), str(metadata["Version"])
            found += [
                Found(
                    entry.name,
                    entry.value,
                    distribution=name,
                    version=version,
                    group=entry.group,
                    origin=origin,
                )
                for entry in entries
            ]
        except Exception as error:
            problems.append(Problem(origin or "a distribution without a folder", describe(error)))
    return found, problems


def _origin(distribution: Any) -> str | None:
    path = getattr(distribution, "_path", None)
    return str(path) if path is not None else None
