"""What runs in the child process of a tool: one job, which imports plugins and reports what it found.

Layer: `hypi.cli`, above `_child`, `_list` and `_watch`.
"""

from __future__ import annotations

import inspect
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from hycore.ext import Inventory, InventoryEntry, PluginRegistry
from hycore.ext import _inventory as inventories
from hycore.utils.error import (
    AsyncHookError,
    HyError,
    PlanError,
    PluginLoadError,
    PluginNotFoundError,
    TeardownError,
    describe,
    qualified_name,
)
from hypi.cli import _clock
from hypi.cli._child import place_in
from hypi.cli._list import as_json, in_other_groups
from hypi.cli._watch import TimeLimitError, Watch, hold_on_to

__all__ = ["main"]

_LONGEST = 2_000  # characters of a text of others


def main(request: Mapping[str, Any]) -> None:
    """Does the job that was asked for, and reports the answer."""
    hold_on_to(request["lifeline"])
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    arguments: Mapping[str, Any] = request["arguments"]
    watch = Watch(request["answer_to"], request["token"], request["limit"], arguments.get("unusable", {}))

    def around_import(entry: InventoryEntry) -> Any:
        return watch.step(entry.target, "its import", entry.load_error, entry=as_json(entry))

    inventories.around_import = around_import
    if "file" in arguments:
        _watch_over_applications(watch)
    watch.report(started=os.getpid())
    if request["folder"] is not None:
        sys.path.insert(0, request["folder"])
    try:
        answer = _JOBS[request["job"]]({**arguments, "watch": watch})
    except BaseException as error:
        watch.report(failed=type(error).__name__)
    else:
        watch.report(answer=answer)
    with suppress(Exception):
        sys.stdout.flush()
    os._exit(0)  # what plugins would do at the end is nobody's answer


def _watch_over_applications(watch: Watch) -> None:
    from hypi.app import _application
    from hypi.app._problems import Keys, spelled
    from hypi.app._values import BadValueError, Wrong

    def around(keys: Keys, words: str) -> Any:
        return watch.step(spelled(keys), words, lambda reason: BadValueError(Wrong((), reason)))

    _application.around = around


# The jobs. Each takes and returns what JSON can hold.


def _load(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Imports one extension and says what it is, and how long that took."""
    return _imported(arguments)[0]


def _info(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """As `_load`, with what a person wants to know, and the schema of the configuration."""
    answer, registry = _imported(arguments)
    if registry is not None:
        schema, problem = _schema_of(registry, arguments["watch"])
        answer |= {
            "documentation": _documentation(registry),
            "file": _file(registry),
            "schema": schema,
            "schema_problem": problem,
        }
    return answer


def _imported(arguments: Mapping[str, Any]) -> tuple[dict[str, Any], PluginRegistry | None]:
    entry = InventoryEntry(**arguments["entry"])
    start = time.perf_counter()
    try:
        registry = entry.load()
    except BaseException as error:
        error_of = _told(error, entry.target)
        seconds = None if error_of["is_late"] else time.perf_counter() - start
        return {"seconds": seconds, "error": error_of}, None
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "error": None, "identity": _identity(registry)}, registry


def _installed(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What is installed, in the groups of a file if there is one; imports nothing of it."""
    from hypi.app import ApplicationFileError
    from hypi.app._application import groups_of

    groups, file = arguments["groups"], arguments["file"]
    try:
        of_file = groups_of(file) if file is not None else None
    except ApplicationFileError as error:
        return {"problems": [str(each) for each in error.problems]}
    inventory = Inventory(tuple(groups or of_file or ("hycore.plugins",)))
    claims = inventory.snapshot(use_index=False).by_name
    return {
        "problems": [],
        "groups": list(inventory.groups),
        "entries": [as_json(entry) for same in claims.values() for entry in same],
        "skipped": [str(problem) for problem in inventory.problems()],
    }


def _application(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Reads and plans an application; says the order and the reasons, or all that is wrong."""
    from hypi.app import ApplicationFileError, load_application

    watch: Watch = arguments["watch"]
    try:
        application = load_application(
            arguments["file"],
            settings=arguments["settings"],
            groups=arguments["groups"],
            asynchronous=arguments["asynchronous"],
        )
    except ApplicationFileError as error:
        problems = [_problem(each.where, each.text, key=each.key) for each in error.problems]
        return {"wrong": True, "problems": problems}
    except PlanError as error:
        return {
            "wrong": False,
            "problems": [_problem_of_plan(each, error, arguments) for each in error.exceptions],
        }
    plan = application.plan
    # To set aside what ends the process, or never ends, is more than a host can do.
    fatal = {entry.name for entry in application.inventory.entries() if entry.target in watch.fatal}
    problems = [
        _problem(arguments["file"], f"{aside.reason}; optional or not, an application does not survive that")
        for aside in plan.set_aside
        if aside.name in fatal
    ]
    if problems:
        return {"wrong": False, "problems": problems}
    order = [
        {
            "name": registry.name,
            "uuid": str(registry.uuid),
            "reason": reason,
            "configuration": qualified_name(registry.create_info) if registry.create_info else None,
        }
        for registry, reason in zip(plan.order, plan.reasons, strict=True)
    ]
    set_aside = [
        {"name": aside.name, "error": aside.error_type, "reason": aside.reason} for aside in plan.set_aside
    ]
    return {"wrong": False, "problems": [], "order": order, "set_aside": set_aside}


def _profile(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Creates an application's instance and closes it, and says what came of it; the times are reported on the way."""
    from hypi.app import ApplicationFileError, load_application

    watch: Watch = arguments["watch"]
    _take_times(watch)
    answer: dict[str, Any] = {"wrong": False, "problems": [], "report": None}
    modules: dict[str, str] = {}
    try:
        _clock.mark("ready")
        application = load_application(
            arguments["file"], settings=arguments["settings"], groups=arguments["groups"]
        )
        _clock.mark("planned")
        plan = [
            {"name": registry.name, "requires": list(registry.requires), "after": list(registry.after)}
            for registry in application.plan.order
        ]
        watch.report(facts={"plan": plan})
        for registry in application.plan.order:
            if registry.plugin_class is not None:
                modules[registry.name] = registry.plugin_class.__module__
        instance = application.create(profile=True)
        _clock.mark("up")
        try:
            instance.close()
        finally:
            _clock.mark("down")
            answer["report"] = instance.report().to_dict()
    except ApplicationFileError as error:
        _clock.mark("failed")
        problems = [_problem(each.where, each.text, key=each.key) for each in error.problems]
        answer |= {"wrong": True, "problems": problems}
    except PlanError as error:
        _clock.mark("failed")
        answer["problems"] = [_problem_of_plan(each, error, arguments) for each in error.exceptions]
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        _clock.mark("failed")
        report: Any = getattr(error, "report", None)
        answer["report"] = answer["report"] or (report.to_dict() if report is not None else None)
        answer["problems"] = [_problem_of_run(each, modules, arguments["file"]) for each in _each(error)]
    finally:
        watch.report(spans=_clock.take())
    return answer


def _each(error: BaseException) -> tuple[BaseException, ...]:
    """An error, or those in a group of ours."""
    return error.exceptions if isinstance(error, TeardownError) else (error,)


def _problem_of_run(error: BaseException, modules: Mapping[str, str], file: str) -> dict[str, Any]:
    """What is said of an error, and the line of the plugin, if the text does not have it already."""
    text = str(error) if isinstance(error, HyError) else describe(error)
    text = "\n".join([text, *getattr(error, "__notes__", ())])
    place = _place(error.__cause__ or error, modules.get(getattr(error, "plugin", ""), ""))
    return _problem(file, text, place=None if place is None or place in text else place)


def _take_times(watch: Watch) -> None:
    """Puts clocks, besides the time limits, around whatever code of others is run."""
    from contextlib import contextmanager

    from hycore.base import _report
    from hypi.app import _application

    before_import, before_work = inventories.around_import, _application.around
    assert before_import is not None
    assert before_work is not None

    @contextmanager
    def timed(kind: str, name: str, phase: str, watched: Any) -> Any:
        outer = time.perf_counter_ns()
        begin = end = 0
        try:
            with watched:
                begin = time.perf_counter_ns()
                try:
                    yield
                finally:
                    end = time.perf_counter_ns()
        finally:
            if begin:
                _clock.add(kind, name, phase, begin, end, outer, time.perf_counter_ns())
                start = time.perf_counter_ns()
                watch.report(spans=_clock.take())  # so that it is known, should this process not live long
                _clock.add("lost", "", "", start, time.perf_counter_ns())

    def around_import(entry: InventoryEntry) -> Any:
        return timed("extension", entry.name, "import", before_import(entry))

    def around_work(keys: Any, words: str) -> Any:
        owner = ("extension", str(keys[1])) if keys[0] == "ext" else ("main", "")
        phase = "import" if keys[0] != "ext" else "configuration"
        return timed(*owner, phase, before_work(keys, words))

    def around_hook(name: str, phase: str) -> Any:
        return timed("extension", name, phase, watch.step(f"{phase} of {name}", f"its {phase}", TimeoutError))

    inventories.around_import = around_import
    _application.around = around_work
    _report.around_hook = around_hook


def _problem(where: str, text: str, *, key: str = "", place: str | None = None) -> dict[str, Any]:
    return {"where": where, "key": key, "text": text, "place": place}


def _problem_of_plan(problem: BaseException, plan: PlanError, arguments: Mapping[str, Any]) -> dict[str, Any]:
    cause = problem.__cause__
    place = _place(cause, getattr(problem, "target", "")) if cause is not None else None
    text = f"{problem}{in_other_groups(problem)}"
    if isinstance(problem, AsyncHookError) and "asynchronous" in arguments:
        text += "; if the host of this file is such a one, check it with --async"
    return _problem(_where_asked(problem, plan) or arguments["file"], text, place=place)


def _where_asked(problem: BaseException, error: PlanError) -> str | None:
    """Where the file asks for the extension that a problem of a plan is about: the notes tell."""
    from hypi.app._application import about

    for name in about(problem):
        for note in getattr(error, "__notes__", ()):
            if note.startswith(f"{name} is asked for at "):
                return str(note.removeprefix(f"{name} is asked for at "))
    return None


def _application_schema(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON schema of an application file, with the tables of the extensions that it asks for."""
    from hypi.app import ApplicationFileError
    from hypi.app._application import asked_for, needs_table
    from hypi.app._schema import application_schema

    try:
        enabled, optional, inventory = asked_for(arguments["file"], arguments["groups"])
    except ApplicationFileError as error:
        return {"wrong": True, "problems": [str(each) for each in error.problems]}
    schemas: dict[str, Any] = {}
    problems: list[str] = []
    needed: list[str] = []
    snapshot = inventory.snapshot()
    for name in [*enabled, *optional]:
        schemas[name] = {"type": "object"}  # as long as nothing better is known
        try:
            registry = snapshot.load(name)
        except HyError as error:
            if name in enabled or not isinstance(error, PluginNotFoundError):
                problems.append(str(error))
            continue
        schema, problem = _schema_of(registry, arguments["watch"])
        if problem is None:
            schemas[name] = schema
        else:
            problems.append(problem)
        if name in enabled and needs_table(registry):
            needed.append(name)
    schema = application_schema(schemas, inventory.names(), needed=needed)
    return {"wrong": False, "problems": problems, "schema": schema}


_JOBS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "load": _load,
    "info": _info,
    "installed": _installed,
    "application": _application,
    "application schema": _application_schema,
    "profile": _profile,
}


def _identity(registry: PluginRegistry) -> dict[str, Any]:
    return {
        "uuid": str(registry.uuid),
        "description": registry.description,
        "requires": list(registry.requires),
        "after": list(registry.after),
        "requires_engine": registry.requires_engine,
        "initialize_timeout": registry.initialize_timeout,
        "async_hooks": list(registry.async_hooks),
        "configuration": qualified_name(registry.create_info) if registry.create_info else None,
    }


def _schema_of(registry: PluginRegistry, watch: Watch) -> tuple[dict[str, Any] | None, str | None]:
    """The schema of the configuration, `None` where there is none; and why there is none of what there should be."""
    kind = registry.create_info
    if kind is None:
        return None, None
    from hypi.app._schema import schema_of
    from hypi.app._values import BadValueError, Wrong

    try:
        with watch.step(
            f"schema of {registry.name}",
            "making its schema",
            lambda reason: BadValueError(Wrong((), reason)),
        ):
            return schema_of(kind), None
    except BadValueError as error:
        reasons = "; ".join(wrong.text for wrong in error.problems)
    step = f"annotate what {qualified_name(kind)} is called with, as a dataclass does"
    return None, f"the configuration of {registry.name!r} has no schema: {reasons}; {step}"


def _documentation(registry: PluginRegistry) -> str | None:
    text = vars(registry.plugin_class).get("__doc__") if registry.plugin_class is not None else None
    return inspect.cleandoc(text) if isinstance(text, str) else None


def _file(registry: PluginRegistry) -> str | None:
    kind = registry.plugin_class
    if kind is None:
        return None
    try:
        file = inspect.getsourcefile(kind) or inspect.getfile(kind)
    except (TypeError, OSError):
        return None
    with suppress(OSError, TypeError):  # there is no source to read
        return f"{file}:{inspect.getsourcelines(kind)[1]}"
    return file


def _told(error: BaseException, target: str) -> dict[str, Any]:
    """An error of an import: its class, its text, where in the plugin's code it was raised, and its traceback."""
    cause = error.__cause__ if isinstance(error, PluginLoadError) and error.__cause__ is not None else error
    reason = error.reason if isinstance(error, PluginLoadError) else describe(error)
    told: dict[str, Any] = {"type": type(cause).__name__, "reason": reason[:_LONGEST], "text": None}
    told |= {"place": None, "traceback": "", "is_late": isinstance(cause, TimeLimitError)}
    with suppress(Exception):  # a class of a plugin whose text cannot be had
        told["text"] = str(error)[:_LONGEST] if isinstance(error, HyError) else None
        told["place"] = _place(cause, target)
        told["traceback"] = "".join(traceback.format_exception(error))[-10 * _LONGEST :]
    return told


def _place(error: BaseException, target: str) -> str | None:
    if isinstance(error, SyntaxError) and error.filename is not None:
        return f"{error.filename}:{error.lineno}"
    frames = [(frame.filename, str(frame.lineno)) for frame in traceback.extract_tb(error.__traceback__)]
    return place_in(frames[::-1], target)
