"""What runs in the child process of a tool: one job, which imports plugins.

It reports on a pipe of its own, a line of JSON each: which import begins and ends, and at last the answer. An import that
takes too long is ended by an exception in it, so that the next one has its turn; where that does not help the parent
ends the process.

Layer: `hypi.cli`, above `_child`.
"""

from __future__ import annotations

import faulthandler
import inspect
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, Any

from hycore.ext import InventoryEntry, PluginRegistry
from hycore.ext import _inventory as inventories
from hycore.utils.error import HyError, PlanError, PluginLoadError, describe, qualified_name
from hypi.cli._child import is_code_of_a_plugin

if TYPE_CHECKING:
    from hypi.app import Application

__all__ = ["main"]


class TimeLimitError(Exception):
    """The import of an extension takes too long."""


def main(request: Mapping[str, Any]) -> None:
    """Does the job that was asked for, and reports the answer."""
    pipe: int = request["answer_to"]
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.set_inheritable(pipe, False)
    faulthandler.enable(file=pipe, all_threads=False)
    faulthandler.register(signal.SIGUSR1, file=pipe, all_threads=False)

    def report(**what: Any) -> None:
        data = memoryview(json.dumps(what).encode() + b"\n")
        with suppress(OSError):  # a plugin has closed it
            while data:
                data = data[os.write(pipe, data) :]

    limit: float = request["limit"]
    arguments: Mapping[str, Any] = request["arguments"]
    inventories.around_import = _limited(limit, arguments.get("unusable", {}), report)
    report(started=os.getpid())
    report(answer=_JOBS[request["job"]](arguments))


def _limited(
    limit: float, unusable: Mapping[str, str], report: Callable[..., None]
) -> Callable[[InventoryEntry], Any]:
    def end(_number: int, _frame: FrameType | None) -> None:
        raise TimeLimitError(f"its import did not end within {limit:g} s")

    @contextmanager
    def limited(entry: InventoryEntry) -> Generator[None, None, None]:
        if entry.target in unusable:
            raise entry.load_error(unusable[entry.target])
        report(begun={"name": entry.name, "target": entry.target})
        signal.signal(signal.SIGALRM, end)
        signal.setitimer(signal.ITIMER_REAL, limit)
        try:
            yield
        except TimeLimitError as error:  # it came in the moment of the end
            raise entry.load_error(str(error)) from error
        except PluginLoadError as error:
            if not isinstance(error.__cause__, TimeLimitError):
                raise
            report(too_slow={entry.target: str(error.__cause__)})
            raise entry.load_error(str(error.__cause__)) from error.__cause__
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        report(ended=entry.name)

    return limited


# The jobs. Each takes and returns what JSON can hold.


def _load(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Imports one extension and says what it is, and how long that took."""
    return _imported(arguments)[0]


def _info(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """As `_load`, with what a person wants to know, and the schema of the configuration."""
    answer, registry = _imported(arguments)
    if registry is not None:
        schema, problem = _schema_of(registry)
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
        return {"seconds": time.perf_counter() - start, "error": _told(error)}, None
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "error": None, "identity": _identity(registry)}, registry


def _application(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Reads and plans an application; says the order and the reasons, or all that is wrong."""
    from hypi.app import ApplicationFileError

    sys.path.insert(0, os.path.dirname(os.path.abspath(arguments["file"])))
    try:
        application = _loaded(arguments)
    except ApplicationFileError as error:
        problems = [
            {"where": each.where, "key": each.key, "text": each.text, "place": None}
            for each in error.problems
        ]
        return {"wrong": True, "problems": problems}
    except PlanError as error:
        problems = [
            {
                "where": _where_asked(each, error) or arguments["file"],
                "key": "",
                "text": str(each),
                "place": _place(each.__cause__) if each.__cause__ is not None else None,
            }
            for each in error.exceptions
        ]
        return {"wrong": False, "problems": problems}
    plan = application.plan
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
    return {"wrong": False, "problems": [], "order": order, "set_aside": set_aside, "plan": str(plan)}


def _loaded(arguments: Mapping[str, Any]) -> Application:
    from hypi.app import load_application

    return load_application(arguments["file"], settings=arguments["settings"], groups=arguments["groups"])


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
    from hypi.app._application import asked_for
    from hypi.app._schema import application_schema

    sys.path.insert(0, os.path.dirname(os.path.abspath(arguments["file"])))
    try:
        asked, inventory = asked_for(arguments["file"], arguments["groups"])
    except ApplicationFileError as error:
        return {"wrong": True, "problems": [str(each) for each in error.problems]}
    schemas: dict[str, Any] = {}
    problems: list[str] = []
    for name in asked:
        try:
            schema, problem = _schema_of(inventory.snapshot().load(name))
        except HyError as error:
            schema, problem = None, str(error)
        if problem is not None:
            problems.append(problem)
        schemas[name] = schema if problem is None else {"type": "object"}
    schema = application_schema(schemas, inventory.names())
    return {"wrong": False, "problems": problems, "schema": schema}


_JOBS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "load": _load,
    "info": _info,
    "application": _application,
    "application schema": _application_schema,
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


def _schema_of(registry: PluginRegistry) -> tuple[dict[str, Any] | None, str | None]:
    """The schema of the configuration, `None` where there is none; and why there is none of what there should be."""
    kind = registry.create_info
    if kind is None:
        return None, None
    from hypi.app._schema import schema_of
    from hypi.app._values import BadValueError

    try:
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


def _told(error: BaseException) -> dict[str, Any]:
    """An error of an import: its class, its text, where in the plugin's code it was raised, and its traceback."""
    cause = error.__cause__ if isinstance(error, PluginLoadError) and error.__cause__ is not None else error
    reason = error.reason if isinstance(error, PluginLoadError) else describe(error)
    with suppress(Exception):  # a class of a plugin whose text cannot be had
        return {
            "type": type(cause).__name__,
            "reason": reason,
            "text": str(error) if isinstance(error, HyError) else None,
            "place": _place(cause),
            "traceback": "".join(traceback.format_exception(error)),
        }
    return {"type": type(cause).__name__, "reason": reason, "text": None, "place": None, "traceback": ""}


def _place(error: BaseException) -> str | None:
    if isinstance(error, SyntaxError) and error.filename is not None:
        return f"{error.filename}:{error.lineno}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if is_code_of_a_plugin(frame.filename):
            return f"{frame.filename}:{frame.lineno}"
    return None
