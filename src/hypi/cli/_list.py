"""`hyperion list`: the extensions that are installed. Imports nothing of them.

Layer: `hypi.cli`, above `_options` and `_output`.
"""

from __future__ import annotations

import argparse
from contextlib import suppress
from typing import Any

from hycore.ext import Inventory, InventoryEntry
from hycore.ext._inventory import one_per_owner
from hycore.utils.error import PluginNotFoundError
from hypi.cli._options import Commands, add_command, add_groups, add_json
from hypi.cli._output import FINE, columns, say, show, show_json

__all__ = ["add_list", "as_json", "in_other_groups", "inventory_of"]


def add_list(commands: Commands) -> None:
    """Adds the command to a parser."""
    parser = add_command(
        commands,
        "list",
        help="list the extensions that are installed",
        description=(
            "Lists every extension that is installed: name, distribution, version and target. Nothing of an "
            "extension is imported, so that a broken one cannot break the list."
        ),
    )
    add_groups(parser)
    add_json(parser)
    parser.set_defaults(run=_list)


def _list(options: argparse.Namespace, _: list[str]) -> int:
    inventory = inventory_of(options)
    entries = inventory.entries()
    problems = inventory.problems()
    if options.json:
        skipped = [{"source": each.source, "reason": each.reason} for each in problems]
        show_json(
            {
                "groups": list(inventory.groups),
                "extensions": [as_json(entry) for entry in entries],
                "skipped": skipped,
            }
        )
        return FINE
    if entries:
        heading = ("NAME", "DISTRIBUTION", "VERSION", "TARGET")
        rows = [(entry.name, str(entry.distribution), str(entry.version), entry.target) for entry in entries]
        show(columns([heading, *rows]))
    else:
        say(f"hyperion: no extension is installed in {' or '.join(inventory.groups)}")
    for problem in problems:
        say(f"hyperion: skipped {problem}")
    for name, claims in one_per_owner(entries).items():
        if len(claims) > 1:
            say(f"hyperion: {name} is claimed {len(claims)} times; hyperion doctor tells more")
    return FINE


def inventory_of(options: argparse.Namespace) -> Inventory:
    """The inventory of the groups that a command line names, or of the usual one."""
    return Inventory(tuple(options.groups) if options.groups else "hycore.plugins")


def in_other_groups(error: BaseException) -> str:
    """What to add to an error about a name that is in another group than where it was looked for; or nothing."""
    if not isinstance(error, PluginNotFoundError):
        return ""
    from importlib.metadata import entry_points

    found: list[str] = []
    with suppress(Exception):  # a distribution that cannot be read
        groups = {entry.group for entry in entry_points(name=error.name)}
        found = sorted(group for group in groups if repr(group) not in error.searched)
    where = " and in ".join(map(repr, found))
    return f"; one is in the group {where}: name it by --group, or in groups of the file" if found else ""


def as_json(entry: InventoryEntry) -> dict[str, Any]:
    """An entry as it stands in every `--json`."""
    return {
        "name": entry.name,
        "target": entry.target,
        "distribution": entry.distribution,
        "version": entry.version,
        "group": entry.group,
        "origin": entry.origin,
    }
