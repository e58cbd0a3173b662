"""`hyperion profile`: where the time goes that an application takes to start, and to end.

Layer: `hypi.cli`, above `_check`, `_child`, `_graph`, `_spans` and `_trace`.
"""

from __future__ import annotations

import argparse
import os
import textwrap
from contextlib import ExitStack
from math import ceil
from typing import TYPE_CHECKING, Any

from hypi.cli._options import (
    Commands,
    add_command,
    add_file,
    add_groups,
    add_json,
    add_limit,
    add_settings,
    refuses,
)
from hypi.cli._output import (
    FAILED,
    FINE,
    WRONG,
    Paint,
    Progress,
    printable,
    say,
    show_json,
    show_painted,
    width_of_output,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypi.cli._child import Outcome
    from hypi.cli._draft import Draft
    from hypi.cli._spans import Profile, Row, Span

__all__ = ["add_profile"]

_LEAST = 1_000_000
"""Imports that take less than so many nanoseconds are not spoken of."""

_COLUMNS = ("import", "new", "attach", "init", "teardown")
_COLUMN_OF = {
    "import": "import",
    "configuration": "new",
    "new": "new",
    "attach_to": "attach",
    "initialize": "init",
    "teardown": "teardown",
}
_COLOURS = {"import": "34", "new": "36", "attach": "35", "init": "33", "teardown": "32", "": "2"}
_LONGEST_NAME = 24
_MOST_NAMED = 5
_OURS = ("hypi", "hycore")
_LONGEST_BAR = 40


def add_profile(commands: Commands) -> None:
    """Adds the command to a parser."""
    parser = add_command(
        commands,
        "profile",
        help="say where the time goes that an application takes to start",
        description=(
            "Creates the instance of an application in a fresh child process and tears it down again, without calling "
            "main; and says how long each extension took to import, construct, attach, initialize and tear down, and "
            "which modules it was the first to import. Hooks of the extensions run, and do what they do."
        ),
    )
    add_file(parser)
    add_settings(parser)
    add_groups(parser, instead="the file's")
    parser.add_argument(
        "--trace",
        metavar="PATH",
        help="write all that was timed as Chrome trace-event JSON, which ui.perfetto.dev opens",
    )
    parser.add_argument("--graph", metavar="PATH", help="write a picture of the plan and its times, as SVG")
    add_json(parser)
    add_limit(parser)
    parser.set_defaults(run=_profile)


def _profile(options: argparse.Namespace, _: list[str]) -> int:
    if refuses(options.file) or _clash(options):
        return WRONG
    from hypi.cli._draft import Draft

    with ExitStack() as stack:
        drafts: dict[str, Draft] = {}
        for kind in ("trace", "graph"):
            path = getattr(options, kind)
            if path is None:
                continue
            try:
                drafts[kind] = stack.enter_context(Draft(path))
            except (OSError, ValueError) as error:
                say(f"hyperion: {path}: cannot be written: {getattr(error, 'strerror', None) or error}")
                return WRONG
        return _profiled(options, drafts)


def _clash(options: argparse.Namespace) -> bool:
    """Whether one file would be written over another; that is told."""
    paths = [path for path in (options.file, options.trace, options.graph) if path is not None]
    places = [os.path.realpath(path) for path in paths]
    for path, place in zip(paths, places, strict=True):
        if places.count(place) > 1 and (os.path.isfile(place) or not os.path.exists(place)):
            say(f"hyperion: {path}: would be written over another: name another file")
            return True
    return False


def _profiled(options: argparse.Namespace, drafts: dict[str, Draft]) -> int:
    from hypi.cli._spans import profile_of

    with Progress() as progress:
        outcome, spawned = _asked(options, progress)
    profile = profile_of(outcome.spans, spawned, outcome.facts.get("plan", ()))
    problems, status = _problems(outcome, options)
    report = outcome.answer["report"] if outcome.answer is not None else None
    aside = {each["name"]: each["reason"] for each in (report["set_aside"] if report is not None else ())}
    for row in profile.extensions:
        row.set_aside = row.name in aside
    if options.json:
        show_json(
            {
                "file": options.file,
                "ok": status == FINE,
                "problems": problems,
                **_as_json(profile),
                "report": report,
            }
        )
    elif status != WRONG:  # of a file that is wrong, nothing has been run
        came_up = status == FINE or (report is not None and report["state"] == "closed")
        show_painted("\n".join(_lines(profile, options.file, came_up=came_up)))
        for name, reason in aside.items():
            say(f"hyperion: extension {name} is set aside: {reason}")
    from hypi.cli._check import lines_of_problems

    for line in lines_of_problems({"problems": problems}):
        say(f"hyperion: {line}")
    for kind, draft in drafts.items():
        try:
            draft.write(_written(kind, profile, options.file))
        except OSError as error:
            say(f"hyperion: {getattr(options, kind)}: cannot be written: {error.strerror}")
            status = status or FAILED
    return status


def _asked(options: argparse.Namespace, progress: Progress) -> tuple[Outcome, int]:
    """What a child process has told that did it all, and when it was started."""
    import inspect
    from time import perf_counter_ns

    from hypi.cli import _clock
    from hypi.cli._child import CODE, ask

    # The clock runs before anything of ours is imported there, the package that it is in too.
    code = (
        "from time import perf_counter_ns; python = perf_counter_ns(); clock = type(__builtins__)('hypi.cli._clock'); "
        f"exec({inspect.getsource(_clock)!r}, vars(clock)); clock.add('mark', 'python', '', python, python); clock.start(); "
        f"__import__('sys').modules['hypi.cli._clock'] = clock; del clock, python, perf_counter_ns; {CODE}"
    )
    shown = ""

    def tell(outcome: Outcome) -> None:
        nonlocal shown
        step = outcome.step
        if step is not None and step["key"] != shown:
            shown = step["key"]
            progress.show(f"profiling {options.file}: {step['entry']['name'] if 'entry' in step else shown}")

    progress.show(f"profiling {options.file}")
    arguments = {"file": options.file, "settings": options.settings, "groups": options.groups}
    spawned = perf_counter_ns()
    outcome = ask(
        "profile", arguments, limit=options.limit, file=options.file, tell=tell, code=code, use_cache=True
    )
    return outcome, spawned


def _problems(outcome: Outcome, options: argparse.Namespace) -> tuple[list[dict[str, Any]], int]:
    """What went wrong, and the exit status."""
    answer = outcome.answer
    if answer is not None:
        problems: list[dict[str, Any]] = answer["problems"]
        return problems, (WRONG if answer["wrong"] else FAILED) if problems else FINE
    step = outcome.step
    what = "the profile" if step is None else step["key"]
    if step is not None and "entry" in step:
        what = f"{step['entry']['name']}: {step['words']}"
    text = f"{what} {outcome.reason}"
    return [{"where": options.file, "key": "", "text": text, "place": outcome.place}], FAILED


def _written(kind: str, profile: Profile, file: str) -> str:
    if kind == "trace":
        from hypi.cli._trace import as_trace

        return as_trace(profile, file)
    from hypi.cli._graph import as_svg

    return as_svg(profile, file)


# As JSON: seconds.


def _as_json(profile: Profile) -> dict[str, Any]:
    return {
        "seconds": profile.total / 1e9,
        "python": profile.python / 1e9,
        "hyperion": profile.hyperion / 1e9,
        "main": _row_as_json(profile.main),
        "extensions": [
            {"name": row.name, **_row_as_json(row), "requires": list(row.requires), "after": list(row.after)}
            for row in profile.extensions
        ],
    }


def _row_as_json(row: Row) -> dict[str, Any]:
    return {
        "seconds": row.total / 1e9,
        "phases": {phase: time / 1e9 for phase, time in row.times.items()},
        "modules": [module for span in row.spans for module in _modules_as_json(span, span.phase, 0)],
    }


def _modules_as_json(span: Span, phase: str, depth: int) -> Iterator[dict[str, Any]]:
    for inner in span.inner:
        if inner.kind != "module":
            yield from _modules_as_json(inner, phase, depth)
            continue
        own = inner.time - sum(each.time for each in inner.inner)
        yield {
            "module": inner.name,
            "phase": phase,
            "depth": depth,
            "seconds": inner.time / 1e9,
            "own_seconds": own / 1e9,
            "failed": inner.phase == "failed",
        }
        yield from _modules_as_json(inner, phase, depth + 1)


# As a table.


def _lines(profile: Profile, file: str, *, came_up: bool) -> Iterator[str]:
    paint = Paint()
    width = width_of_output()
    what = "to come up and to go down again" if came_up else "until it had failed"
    yield f"{printable(file)}: {_ms(profile.total)} ms {what}"
    yield ""
    names = [_cut(printable(row.label)) for row in profile.extensions]
    wide = max(map(len, ["hyperion", *names]))
    sizes = [max(6, len(title)) for title in _COLUMNS]
    titles = [paint(f"{title:>{size}}", _COLOURS[title]) for title, size in zip(_COLUMNS, sizes, strict=True)]
    yield " ".join([f"{'in ms':<{wide}}", f"{'total':>6}", *titles])
    room = min(_LONGEST_BAR, width - wide - 7 - sum(sizes) - len(sizes) - 3)  # one is left free
    most = max(
        [profile.python, profile.hyperion, profile.main.total, *[row.total for row in profile.extensions]]
    )

    def line(name: str, total: int, times: dict[str, int]) -> str:
        cells = [
            f"{_ms(times[title]) if title in times else '':>{size}}"
            for title, size in zip(_COLUMNS, sizes, strict=True)
        ]
        bar = _bar(times or {"": total}, most, room, paint)
        return " ".join([f"{name:<{wide}}", f"{_ms(total):>6}", *cells, f" {bar}"]).rstrip()

    yield line("python", profile.python, {})
    yield line("hyperion", profile.hyperion, {})
    if profile.main.spans:
        yield line("main", profile.main.total, _columns(profile.main))
    for name, row in zip(names, profile.extensions, strict=True):
        yield line(name, row.total, _columns(row))
    rows = (profile.own, profile.main, *profile.extensions)
    brought = [each for row in rows for each in _brought_in(row)]
    if brought:
        yield ""
        yield "What they were the first to import, in ms"
    for text in brought:
        yield from textwrap.wrap(
            printable(text),
            max(40, width - 1),  # as in the table
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        )


def _ms(time: int) -> str:
    """Nanoseconds as milliseconds, in at most six characters up to a hundred seconds."""
    ms = time / 1e6
    return f"{ms:.2f}" if ms < 999.995 else f"{ms:.1f}" if ms < 9999.95 else f"{ms:.0f}"


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _columns(row: Row) -> dict[str, int]:
    times: dict[str, int] = {}
    for phase, time in row.times.items():
        times[_COLUMN_OF[phase]] = times.get(_COLUMN_OF[phase], 0) + time
    return {title: times[title] for title in _COLUMNS if title in times}


def _bar(times: dict[str, int], most: int, room: int, paint: Paint) -> str:
    """A bar as long as the times are, in eighths of a column; each column has the colour of what takes most of it."""
    eighths = round(sum(times.values()) * room * 8 / most) if most and room > 0 else 0
    long = sum(times.values()) * room / most if most and room > 0 else 0.0
    ends: list[tuple[float, str]] = []
    end = 0.0
    for title, time in times.items():
        end += time * room / most if most else 0
        ends.append((end, title))
    runs: list[tuple[str, str]] = []
    for place in range(ceil(eighths / 8)):
        cell = " ▏▎▍▌▋▊▉█"[min(8, eighths - 8 * place)]
        middle = (place + min(place + 1, long)) / 2
        title = next((title for until, title in ends if middle <= until), ends[-1][1])
        before, last = runs.pop() if runs and runs[-1][1] == title else ("", title)
        runs.append((before + cell, last))
    return "".join(paint(cells, _COLOURS[title]) for cells, title in runs)


def _brought_in(row: Row) -> Iterator[str]:
    """For each span with imports that matter: how long they took, its own and what was found first by it."""
    for span in row.spans:
        modules = [each for each in span.inner if each.kind == "module"]
        total = sum(each.time for each in modules)
        if total < _LEAST:
            continue
        own: tuple[str, ...] = ()
        if span.phase == "import":
            own = _OURS if span.kind == "hyperion" else (_package(modules[0]),)
        packages: dict[str, tuple[int, int]] = {}
        for root in _roots(span, own):
            time, count = packages.get(_package(root), (0, 0))
            packages[_package(root)] = (time + root.time, count + 1 + len(list(root.modules())))
        foreign = sum(time for time, _ in packages.values())
        parts = (
            [f"{' and '.join(own)} {'themselves' if len(own) > 1 else 'itself'} {_ms(total - foreign)}"]
            if own
            else []
        )
        heaviest = sorted(packages.items(), key=lambda item: -item[1][0])
        parts += [
            f"{name} {_ms(time)} ({count} module{'s' if count > 1 else ''})"
            for name, (time, count) in heaviest[:_MOST_NAMED]
        ]
        rest = heaviest[_MOST_NAMED:]
        if rest:
            parts.append(f"{len(rest)} more {_ms(sum(time for _, (time, _) in rest))}")
        phase = "" if span.phase == "import" else f" in {span.phase}"
        yield f"{row.name}{phase}: {', '.join(parts)}"


def _package(module: Span) -> str:
    return module.name.partition(".")[0]


def _roots(span: Span, own: tuple[str, ...]) -> Iterator[Span]:
    """The outermost imports of modules of other packages, in what belongs to nobody else."""
    for inner in span.inner:
        if inner.kind == "module" and _package(inner) not in own:
            yield inner
        elif inner.kind == "module":
            yield from _roots(inner, own)
