"""`hyperion schema`: the JSON schema of an extension's configuration, or of an application file, for editors.

Layer: `hypi.cli`, above `_info`.
"""

from __future__ import annotations

import argparse
import os

from hypi.cli._info import imported_in_child, the_entry
from hypi.cli._options import Commands, add_command, add_groups, add_json, add_limit, refuses
from hypi.cli._output import FAILED, FINE, WRONG, Progress, say, show_json

__all__ = ["add_schema"]


def add_schema(commands: Commands) -> None:
    """Adds the command to a parser."""
    parser = add_command(
        commands,
        "schema",
        help="print the JSON schema of an extension's configuration, or of an application file",
        description=(
            "Prints the JSON schema of one extension's configuration, or of a whole application file with the "
            "tables of the extensions that it asks for. They are imported in a child process with a time limit."
        ),
    )
    parser.add_argument(
        "name",
        metavar="NAME|FILE",
        help="the name of an extension, or an application file: what ends in .toml, has a slash in it, or is there",
    )
    add_groups(parser, instead="hycore.plugins or the file's")
    add_json(parser)
    add_limit(parser)
    parser.set_defaults(run=_schema, traceback=False)


def _schema(options: argparse.Namespace, _: list[str]) -> int:
    name: str = options.name
    if name.endswith(".toml") or os.sep in name or (os.path.exists(name) and not os.path.isdir(name)):
        return _schema_of_file(name, options)
    entry = the_entry(options)
    answer = imported_in_child(entry, options) if entry is not None else None
    if answer is None:
        return FAILED
    if answer["schema"] is None:
        nothing = f"extension {name!r} takes no configuration: it has no CREATE_INFO"
        say(f"hyperion: {answer['schema_problem'] or nothing}")
        return FAILED
    show_json(answer["schema"])
    return FINE


def _schema_of_file(file: str, options: argparse.Namespace) -> int:
    if refuses(file):
        return WRONG
    from hypi.cli._child import ask_about_application

    arguments = {"groups": options.groups}
    with Progress() as progress:
        progress.show(f"reading {file}")
        outcome = ask_about_application("application schema", file, arguments, limit=options.limit)
    answer = outcome.answer
    if answer is None:
        say(f"hyperion: {file}: its schema cannot be had: what it imports {outcome.reason}")
        return FAILED
    for problem in answer["problems"]:
        say(f"hyperion: {problem}")
    if answer["wrong"]:
        return WRONG
    show_json(answer["schema"])
    return FAILED if answer["problems"] else FINE
