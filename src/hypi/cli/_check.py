"""`hyperion check`: whether an application could start, as far as planning can know.

Layer: `hypi.cli`, above `_child` and `_options`.
"""

from __future__ import annotations

import argparse
from typing import Any

from hypi.cli._options import (
    Commands,
    add_async,
    add_command,
    add_file,
    add_groups,
    add_json,
    add_limit,
    add_settings,
    refuses,
)
from hypi.cli._output import FAILED, FINE, WRONG, Progress, say, show, show_json

__all__ = ["add_check", "as_text", "checked", "lines_of_problems"]


def add_check(commands: Commands) -> None:
    """Adds the command to a parser."""
    parser = add_command(
        commands,
        "check",
        help="check an application file: the order and its reasons, or all that is wrong",
        description=(
            "Reads and plans an application, in a child process with a time limit, and says in which order its "
            "extensions would come up and why, or all that is wrong. Extensions are imported and their "
            "configuration is validated; none of their hooks run, so that nothing is said about those."
        ),
    )
    add_file(parser)
    add_settings(parser)
    add_groups(parser, instead="the file's")
    add_async(parser)
    add_json(parser)
    add_limit(parser)
    parser.set_defaults(run=_check)


def _check(options: argparse.Namespace, _: list[str]) -> int:
    if refuses(options.file):
        return WRONG
    with Progress() as progress:
        progress.show(f"checking {options.file}")
        answer, status = checked(options, options.settings)
    if options.json:
        show_json(answer)
        return status
    if answer["ok"]:
        show(as_text(answer))
    for line in lines_of_problems(answer):
        say(f"hyperion: {line}")
    return status


def checked(options: argparse.Namespace, settings: list[str]) -> tuple[dict[str, Any], int]:
    """What `check --json` prints, and the exit status."""
    from hypi.cli._child import ask_about_application

    arguments = {"settings": settings, "groups": options.groups, "asynchronous": options.asynchronous}
    outcome = ask_about_application("application", options.file, arguments, limit=options.limit)
    result: dict[str, Any] = {"file": options.file, "ok": False, "problems": []}
    answer = outcome.answer
    if answer is None:
        # Nothing had begun that is known by name. What was printed may hold values of the configuration.
        text = f"the check {outcome.reason}: look at what the extensions start when they are imported"
        result["problems"] = [{"where": options.file, "key": "", "text": text, "place": outcome.place}]
        return result, FAILED
    result["problems"] = answer["problems"]
    if answer["problems"]:
        return result, WRONG if answer["wrong"] else FAILED
    result |= {"ok": True, "order": answer["order"], "set_aside": answer["set_aside"]}
    return result, FINE


def lines_of_problems(answer: dict[str, Any]) -> list[str]:
    """What is wrong, with file, line and key, and where in a plugin's code it was raised."""
    from hypi.app import Problem

    lines: list[str] = []
    for problem in answer["problems"]:
        line = str(Problem(problem["where"], problem["key"], problem["text"]))
        lines.append(line if problem["place"] is None else f"{line}\n    at {problem['place']}")
    return lines


def as_text(answer: dict[str, Any]) -> str:
    """The order of an application, and why it is so."""
    order = answer["order"]
    width = max([len(each["name"]) for each in order], default=0)
    lines = [f"{answer['file']}: {len(order)} extension{'s' if len(order) != 1 else ''}, in this order"]
    for place, each in enumerate(order, start=1):
        configuration = f"; configured by {each['configuration']}" if each["configuration"] else ""
        lines.append(f"{place:>4}. {each['name']:<{width}}  {each['reason']}{configuration}")
    lines += [f"set aside: {each['name']}: {each['error']}: {each['reason']}" for each in answer["set_aside"]]
    lines.append("Hooks have not run: whether they succeed is not known.")
    return "\n".join(lines)
