"""`hyperion info`: what one extension is and needs, and where it comes from.

Layer: `hypi.cli`, above `_child` and `_list`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from hycore.ext import InventoryEntry
from hycore.utils.error import HyError
from hypi.cli._list import as_json, in_other_groups, inventory_of
from hypi.cli._options import Commands, add_command, add_groups, add_json, add_limit
from hypi.cli._output import (
    FAILED,
    FINE,
    Progress,
    columns,
    indented,
    say,
    shortened,
    show,
    show_json,
)

if TYPE_CHECKING:
    from hypi.cli._child import Outcome

__all__ = ["add_info", "broken", "imported_in_child", "the_entry"]


def add_info(commands: Commands) -> None:
    """Adds the command to a parser."""
    parser = add_command(
        commands,
        "info",
        help="say what one extension is, what it needs and how it is configured",
        description=(
            "Imports one extension, in a child process with a time limit, and says what it is: identity, needs, "
            "configuration, documentation, and where it comes from."
        ),
    )
    parser.add_argument(
        "name", metavar="NAME", help="the name of the extension, such as __EXT_hyperion_logger"
    )
    add_groups(parser)
    add_json(parser)
    add_limit(parser)
    parser.add_argument("--traceback", action="store_true", help="show where an error was raised")
    parser.set_defaults(run=_info)


def _info(options: argparse.Namespace, _: list[str]) -> int:
    entry = the_entry(options)
    if entry is None:
        return FAILED
    answer = imported_in_child(entry, options)
    if answer is None:
        return FAILED
    if options.json:
        identity = answer["identity"]
        del answer["identity"], answer["error"]
        show_json({**as_json(entry), **identity, **answer})
        return FINE
    show(_text(entry, answer))
    return FINE


def the_entry(options: argparse.Namespace) -> InventoryEntry | None:
    """The entry that a command line names, or `None` after an error has been told."""
    try:
        # The index of the cache may not know of a second claim: what the tools say must hold for the disk.
        return inventory_of(options).snapshot(use_index=False).find(options.name)
    except HyError as error:
        say(f"hyperion: {error}{in_other_groups(error)}")
        return None


def imported_in_child(entry: InventoryEntry, options: argparse.Namespace) -> dict[str, Any] | None:
    """What there is to say about an extension, or `None` after it has been told what is wrong."""
    from hypi.cli._child import ask

    with Progress() as progress:
        progress.show(f"importing {entry.name}")
        outcome = ask("info", {"entry": as_json(entry)}, limit=options.limit)
    wrong = broken(outcome)
    if wrong is None:
        return outcome.answer
    if options.traceback and wrong["traceback"]:
        say(wrong["traceback"].rstrip())
    say(f"hyperion: {wrong['text'] or entry.load_error(wrong['reason'])}")
    if wrong["place"] is not None:
        say(f"at {wrong['place']}")
    if wrong["output"]:
        say(f"what it printed:\n{indented(shortened(wrong['output']), '    ')}")
    return None


def broken(outcome: Outcome) -> dict[str, Any] | None:
    """Why an extension could not be imported, in the words of `_probe`, and what it printed; or `None`."""
    if outcome.answer is None:
        return {
            "reason": f"{outcome.step['words'] if outcome.step else 'its import'} {outcome.reason}",
            "text": None,
            "place": outcome.place,
            "traceback": "",
            "output": outcome.output,
        }
    error: dict[str, Any] | None = outcome.answer["error"]
    if error is None:
        return None
    return {**error, "output": outcome.output}


def _text(entry: InventoryEntry, answer: Mapping[str, Any]) -> str:
    identity = answer["identity"]
    hooks = ", ".join(identity["async_hooks"])
    timeout = identity["initialize_timeout"]
    facts = [
        ("from", f"{entry.distribution} {entry.version}"),
        ("metadata", entry.origin),
        ("group", entry.group),
        ("target", entry.target),
        ("file", answer["file"]),
        ("uuid", identity["uuid"]),
        ("requires", ", ".join(identity["requires"])),
        ("after", ", ".join(identity["after"])),
        ("engine", identity["requires_engine"]),
        ("asynchronous", hooks),
        ("time-out", f"{timeout:g} s for initialize" if timeout is not None else None),
        ("imported in", f"{answer['seconds'] * 1000:.0f} ms"),
        ("configuration", identity["configuration"] or "none"),
    ]
    lines = [entry.name, f"  {identity['description']}", ""]
    lines.append(columns([(name, str(fact)) for name, fact in facts if fact], indent="  "))
    if answer["schema_problem"]:
        lines.append(f"    {answer['schema_problem']}")
    if answer["schema"] is not None:
        rows = list(_fields(answer["schema"]))
        if rows:
            lines.append(columns(rows, indent="    "))
    if answer["documentation"]:
        lines += ["", indented(answer["documentation"], "  ")]
    return "\n".join(lines)


def _fields(schema: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Name, type and default of each key of a table."""
    definitions = schema["$defs"]
    table = _resolved(schema, definitions)
    required = table.get("required", ())
    for name, field in table.get("properties", {}).items():
        if name in required:
            default = "required"
        elif "default" in field:
            default = f"default {json.dumps(field['default'], ensure_ascii=False)}"
        else:
            default = "optional"
        yield name, _type(field, definitions), default


def _type(schema: Mapping[str, Any], definitions: Mapping[str, Any], inside: tuple[str, ...] = ()) -> str:
    """The type of a value in a few words; `inside` are the references that led here."""
    reference = schema.get("$ref")
    if reference == "#/$defs/elsewhere":
        return ""
    if reference in inside:
        return "…"
    if reference is not None:
        inside = (*inside, reference)
    schema = _resolved(schema, definitions)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            types = [_type(each, definitions, inside) for each in schema[key]]
            return " | ".join(dict.fromkeys(filter(None, types)))
    if "enum" in schema:
        return " or ".join(
            json.dumps(each, ensure_ascii=False) for each in schema["enum"] if isinstance(each, str)
        )
    if schema.get("format") == "callable":
        return '"package.module:name"'
    if "not" in schema:
        return "no value that a file can hold"
    kind = schema.get("type", "any value")
    if kind == "array" and isinstance(schema.get("items"), dict):
        return f"array of {_type(schema['items'], definitions, inside) or 'any value'}"
    return "table" if kind == "object" else str(kind)


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = definitions[schema["$ref"].removeprefix("#/$defs/")]
    return schema
