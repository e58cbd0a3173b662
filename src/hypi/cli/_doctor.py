"""`hyperion doctor`: whether what is installed is well, and what to do about what is not.

Layer: `hypi.cli`, above `_check`, `_child` and `_info`.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from hycore.base._version import runtime_version
from hycore.utils.error import closest
from hypi.cli._check import as_text, checked, lines_of_problems
from hypi.cli._info import broken
from hypi.cli._options import (
    Commands,
    add_async,
    add_command,
    add_file,
    add_groups,
    add_json,
    add_limit,
    refuses,
)
from hypi.cli._output import FAILED, FINE, WRONG, Progress, columns, indented, say, shortened, show, show_json

if TYPE_CHECKING:
    from hypi.cli._child import Outcome

__all__ = ["add_doctor"]

_SLOW = 1.0
"""An import that takes longer is called slow, in seconds."""

_LIMIT_OF_THE_CACHE = (
    "it does not see a second claim of a name that is made by editing an installed distribution in place"
)

Found = dict[str, Any]


def add_doctor(commands: Commands) -> None:
    """Adds the command to a parser."""
    parser = add_command(
        commands,
        "doctor",
        help="import each installed extension in a process of its own, and say what is wrong",
        description=(
            "Imports each installed extension in a child process with a time limit and says which are fine, slow or "
            "broken, and why; looks for clashes of names and UUIDs, for distributions that cannot be read, and for "
            "others that have files of hycore or hypi. With an application file it also does what check does."
        ),
    )
    add_file(parser, nargs="?")
    add_groups(parser, instead="hycore.plugins or the file's")
    add_async(parser)
    add_json(parser)
    add_limit(parser)
    parser.set_defaults(run=_doctor)


def _doctor(options: argparse.Namespace, _: list[str]) -> int:
    if options.file is not None and refuses(options.file):
        return WRONG
    from hypi.cli._child import ask

    arguments = {"file": options.file, "groups": options.groups}
    outcome = ask("installed", arguments, limit=options.limit, file=options.file)
    installed = outcome.answer
    if installed is None:
        say(f"hyperion: what is installed cannot be listed: the list {outcome.reason}")
        return FAILED
    for problem in installed["problems"]:
        say(f"hyperion: {problem}")
    if installed["problems"]:
        return WRONG
    cache = _cache()
    application: Found | None = None
    status = FINE
    with Progress() as progress:
        extensions = list(_imported(installed["entries"], options, progress))
        problems = list(_problems(installed, extensions, cache))
        if options.file is not None:
            progress.show(f"checking {options.file}")
            application, status = checked(options, [])
    result = {
        "hyperion_runtime": runtime_version(),
        "python": platform.python_version(),
        "executable": sys.executable,
        "groups": installed["groups"],
        "cache": cache,
        "extensions": extensions,
        "problems": problems,
        "application": application,
        "ok": status == FINE and not problems and all(each["status"] != "broken" for each in extensions),
    }
    if options.json:
        show_json(result)
    else:
        show(_text(result))
    return status or (FINE if result["ok"] else FAILED)


def _imported(entries: list[Found], options: argparse.Namespace, progress: Progress) -> Iterator[Found]:
    """What each extension says when it is imported in a process of its own; several at a time."""
    from concurrent.futures import ThreadPoolExecutor

    from hypi.cli._child import ask

    cancelled = threading.Event()

    def look(entry: Found) -> Outcome:
        arguments = {"entry": entry}
        return ask("load", arguments, limit=options.limit, file=options.file, is_cancelled=cancelled.is_set)

    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as threads:
        try:
            outcomes = threads.map(look, entries)
            for number, entry in enumerate(entries, start=1):
                progress.show(f"importing {number} of {len(entries)}: {entry['name']}")
                yield _judged(entry, next(outcomes))
        except BaseException:
            cancelled.set()
            threads.shutdown(cancel_futures=True)
            raise


def _judged(entry: Found, outcome: Outcome) -> Found:
    answer: Any = outcome.answer or {"seconds": None}
    wrong = broken(outcome) or {"reason": None, "place": None}
    identity = answer.get("identity", {"uuid": None, "requires": []})
    is_slow = answer["seconds"] is not None and answer["seconds"] > _SLOW
    return {
        **entry,
        "status": "broken" if wrong["reason"] is not None else "slow" if is_slow else "fine",
        "seconds": answer["seconds"],
        "uuid": identity["uuid"],
        "requires": identity["requires"],
        "reason": wrong["reason"],
        "place": wrong["place"],
        "output": outcome.output,
    }


def _problems(installed: Found, extensions: list[Found], cache: Found) -> Iterator[Found]:
    for skipped in installed["skipped"]:
        yield _problem("skipped", skipped)
    yield from _clashes("name", "name", extensions)
    names = [each["name"] for each in extensions]
    for name in dict.fromkeys(each for each in names if names.count(each) > 1):
        if cache["files"]:  # which of them are whose, nobody knows
            text = f"an index in the cache may lack the second claim of {name}, and hosts get the first"
            yield _problem("cache", f"{text}; delete {cache['folder']}")
    yield from _clashes("UUID", "uuid", extensions)
    for each in extensions:
        for required in each["requires"]:
            if required not in names:
                close = closest(required, names, most=1)
                step = f"did you mean {close[0]!r}?" if close else "install what provides it"
                text = f"{each['name']} requires {required!r}, and no extension of that name is installed; {step}"
                yield _problem("requires", text)
    yield from _foreign()
    yield from _changed()


def _problem(kind: str, text: str) -> Found:
    return {"kind": kind, "text": text}


def _clashes(what: str, key: str, extensions: Iterable[Found]) -> Iterator[Found]:
    owners: dict[str, list[str]] = {}
    for each in extensions:
        if each[key] is not None:
            owner = f"{each['target']} of {each['distribution']} {each['version']}"
            owners.setdefault(each[key], []).append(owner if key == "name" else f"{each['name']} ({owner})")
    for value, claims in owners.items():
        if len(claims) > 1:
            text = f"the {what} {value} is claimed by {' and by '.join(claims)}"
            step = (
                "uninstall one" if key == "name" else "give one of the classes a new UUID, or uninstall one"
            )
            yield _problem(what.lower(), f"{text}; {step}")


def _foreign() -> Iterator[Found]:
    """Other distributions that have files of our packages: they have overwritten ours, or will."""
    import re
    from importlib.metadata import distributions

    seen: set[str] = set()
    for distribution in distributions():
        try:
            name = str(distribution.metadata["Name"])
            listed = distribution.read_text("RECORD") or distribution.read_text("installed-files.txt") or ""
            version = distribution.version
        except Exception:  # what is broken there has been told
            continue
        files = re.findall(r"^(?:\.\./)*((?:hycore|hypi)(?:/[^,\n]+|\.py))", listed, re.MULTILINE)
        if not files or name in seen or re.sub(r"[-_.]+", "-", name).lower() == "hyperion-runtime":
            continue
        seen.add(name)
        others = f" and {len(files) - 1} more" if len(files) > 1 else ""
        text = f"{name} {version} has files of ours: {files[0]}{others}"
        step = f"run: pip uninstall {name}; pip install --force-reinstall hyperion-runtime"
        yield _problem("foreign", f"{text}; {step}")


def _changed() -> Iterator[Found]:
    """Our own files, if they are not what was installed."""
    import base64
    import hashlib
    from importlib.metadata import PackageNotFoundError, distribution

    changed: list[str] = []
    files: Any = []
    try:
        files = distribution("hyperion-runtime").files or []
    except PackageNotFoundError:  # run from its sources
        return
    except Exception:
        changed.append("RECORD")
    for file in files:
        if file.hash is None or file.parts[0] not in ("hycore", "hypi"):
            continue
        try:
            digest = hashlib.new(file.hash.mode, file.read_binary()).digest()
        except (OSError, ValueError):  # it is gone, or the list of the files is damaged
            changed.append(str(file))
            continue
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != file.hash.value:
            changed.append(str(file))
    if changed:
        others = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        text = f"files of hyperion-runtime are not as they were installed: {changed[0]}{others}"
        yield _problem("changed", f"{text}; run: pip install --force-reinstall hyperion-runtime")


def _next_step(broken: Found) -> str:
    if broken["reason"].startswith("ModuleNotFoundError"):
        return f"install what it needs, or tell the authors of {broken['distribution']}"
    if broken["seconds"] is None and "did not end" in broken["reason"]:
        return "give it more time with --timeout, or mend it"
    return f"mend it, or reinstall the distribution {broken['distribution']}"


def _cache() -> Found:
    from hycore.ext import _cache as cache

    folder = cache.folder()
    try:
        files = len(os.listdir(folder)) if folder is not None else 0
    except OSError:
        files = 0
    return {"folder": folder, "files": files, "limit": _LIMIT_OF_THE_CACHE}


def _text(result: Found) -> str:
    cache = result["cache"]
    folder = cache["folder"]
    state = (
        f"{folder}, {cache['files']} files\n       known limit: {cache['limit']}"
        if folder is not None
        else "off"
    )
    lines = [
        f"hyperion-runtime {result['hyperion_runtime']} with Python {result['python']} at {result['executable']}",
        f"cache: {state}",
        "",
    ]
    extensions = result["extensions"]
    many = "extension is" if len(extensions) == 1 else "extensions are"
    lines.append(f"{len(extensions)} {many} installed in {' and '.join(result['groups'])}")
    rows = [
        (
            each["status"],
            each["name"],
            f"{each['distribution']} {each['version']}",
            f"{each['seconds'] * 1000:,.0f} ms" if each["seconds"] is not None else "",
        )
        for each in extensions
    ]
    for each, line in zip(extensions, columns(rows, indent="  ").split("\n") if rows else [], strict=True):
        lines.append(line)
        if each["status"] == "broken":
            lines.append(indented(shortened(each["reason"]), "          "))
            if each["place"] is not None:
                lines.append(f"          at {each['place']}")
            lines.append(f"          {_next_step(each)}")
        if each["output"]:
            lines += ["          it printed:", indented(shortened(each["output"]), "            ")]
    if result["problems"]:
        lines += ["", *[f"{each['kind']}: {each['text']}" for each in result["problems"]]]
    application = result["application"]
    if application is not None:
        lines += ["", as_text(application) if application["ok"] else f"{application['file']} cannot start"]
        lines += lines_of_problems(application)
    broken = sum(each["status"] == "broken" for each in extensions)
    slow = sum(each["status"] == "slow" for each in extensions)
    lines += ["", "all is well" if result["ok"] else "not all is well"]
    if broken or slow:
        lines[-1] += f": {broken} broken and {slow} slow of {len(extensions)}"
    return "\n".join(lines)
