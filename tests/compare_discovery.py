"""Compares our answer with that of `importlib.metadata`, for every group of the environment that runs this.

    PYTHONPATH=src /path/to/any/environment/bin/python tests/compare_discovery.py

It prints how much was compared, and ends with status 1 at the first difference.
"""

from __future__ import annotations

import importlib.metadata
import sys

from hycore.ext import Inventory
from hycore.ext._discovery import look
from hycore.utils.error import DuplicatedKeyError


def main() -> int:
    distributions = list(importlib.metadata.distributions())
    groups = {entry.group for distribution in distributions for entry in distribution.entry_points}
    count = 0
    for group in sorted(groups):
        inventory = Inventory(group=group)
        ours = [
            (each.name, each.target, each.distribution, each.version, each.origin)
            for each in inventory.entries()
        ]
        theirs = [
            (
                each.name,
                each.value,
                each.dist.metadata["Name"],
                each.dist.version,
                str(getattr(each.dist, "_path", "")),
            )
            for each in importlib.metadata.entry_points(group=group)
            if each.dist is not None
        ]
        if ours != theirs:
            print(f"{group}: ours {ours}\ntheirs {theirs}")
            return 1
        for name in inventory.names():
            try:
                found = inventory.find(name)
            except DuplicatedKeyError:
                continue
            if (found.name, found.target) not in [(each[0], each[1]) for each in theirs]:
                print(f"{group}: {name} was found as {found}")
                return 1
        count += len(ours)
    way = "the fast way" if look(("hycore.plugins",)).is_plain else "importlib.metadata's own way"
    print(
        f"{len(distributions)} distributions, {len(groups)} groups, {count} entry points: all the same, by {way}, "
        f"Python {sys.version.split()[0]}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
