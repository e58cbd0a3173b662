"""Writes `docs/reference/api.md`: every public name with its signature and docstring, as the sources have them.

    make reference

Nothing is made up here: what a docstring does not say is mended there.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

MODULES = (
    "hycore",
    "hycore.base",
    "hycore.base.api",
    "hycore.ext",
    "hycore.ext.hylog",
    "hycore.ext.hylogging",
    "hycore.log",
    "hycore.utils.opaque",
    "hycore.utils.error",
    "hycore.magic",
    "hycore.testing",
    "hypi.api",
    "hypi.api.ext.hylog",
    "hypi.api.ext.hylogging",
    "hypi.app",
    "hypi.ext.otel",
    "hypi.ext.terminal",
    "hypi.ext.pluggy",
)

HEAD = """# Every public name

What the sources say of themselves; `make reference` writes this page. A name stands where it is defined for use, and is
listed under every module that has it.
"""


def definition_of(found: Any) -> ast.stmt | None:
    """The statement that defines a class or function; `None` for a value."""
    if not (inspect.isclass(found) or inspect.isfunction(found)):
        return None
    found = inspect.unwrap(found)
    file = inspect.getsourcefile(found)
    assert file is not None
    body: list[ast.stmt] = ast.parse(Path(file).read_text("utf-8")).body
    statement: Any = None
    for name in found.__qualname__.split("."):
        candidates = [each for each in walk(body) if getattr(each, "name", None) == name]
        statement = candidates[-1]
        body = getattr(statement, "body", [])
    return statement


def walk(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a body, and those in its branches."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.If | ast.Try):
            yield from walk(statement.body)
            yield from walk(statement.orelse)


def signature_of(function: ast.FunctionDef | ast.AsyncFunctionDef, *, is_method: bool) -> str:
    arguments = ast.parse(ast.unparse(function)).body[0]
    assert isinstance(arguments, ast.FunctionDef | ast.AsyncFunctionDef)
    decorators = [ast.unparse(each) for each in function.decorator_list]
    if is_method and "staticmethod" not in decorators:
        (arguments.args.posonlyargs or arguments.args.args).pop(0)
    returns = f" -> {ast.unparse(function.returns)}" if function.returns is not None else ""
    if "contextmanager" in decorators:  # what it is to its caller
        returns = re.sub(r"Generator\[(.*)\]$", r"AbstractContextManager[\1]", returns)
    prefix = "async " if isinstance(function, ast.AsyncFunctionDef) else ""
    return f"{prefix}{function.name}({ast.unparse(arguments.args)}){returns}"


def entry(module: str, name: str) -> list[str]:
    found = getattr(importlib.import_module(module), name)
    statement = definition_of(found)
    lines = [f"### `{name}`", ""]
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        return [*lines, f"`{signature_of(statement, is_method=False)}`", "", text_of(statement), ""]
    if not isinstance(statement, ast.ClassDef):
        return (
            [*lines, f"`{found!r}`", ""]
            if module == "hycore.magic"
            else [*lines, described(module, name), ""]
        )
    bases = [base.__name__ for base in found.__bases__ if base is not object and is_known(base)]
    lines += [f"class, of {', '.join(bases)}" if bases else "class", "", text_of(statement), ""]
    members: list[str] = []
    for member in walk(statement.body):
        if not isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        decorators = [ast.unparse(each) for each in member.decorator_list]
        if any(each.endswith((".setter", "overload")) for each in decorators):
            continue
        if member.name == "__init__":
            if ast.unparse(member.args).startswith("self, *_:"):  # it refuses
                continue
            members.insert(
                0, f"- `{name}({signature_of(member, is_method=True)[9:].removesuffix(' -> None')}`"
            )
        elif not member.name.startswith("_"):
            is_property = "property" in decorators
            shown = member.name if is_property else signature_of(member, is_method=True)
            summary = (ast.get_docstring(member) or "").replace("\n", "\n  ")
            members.append(f"- `{shown}`" + (f"\n\n  {summary}\n" if summary else ""))
    return [*lines, *members, ""] if members else lines


def described(module: str, name: str) -> str:
    """The string that stands below an assignment."""
    found = sys.modules[module]
    for candidate in [found, *[each for each in sys.modules.values() if in_ours(each)]]:
        body = ast.parse(Path(str(candidate.__file__)).read_text("utf-8")).body
        for statement, following in pairwise(body):
            targets = statement.targets if isinstance(statement, ast.Assign) else []
            if any(ast.unparse(each) == name for each in targets) and isinstance(following, ast.Expr):
                return inspect.cleandoc(ast.literal_eval(following.value))
    raise LookupError(f"{module}.{name} has no description")


def is_known(kind: type) -> bool:
    """Whether a reader knows it: one of ours that is public, or one of Python's."""
    return not in_ours(sys.modules[kind.__module__]) or any(
        kind.__name__ in names_of(each) for each in MODULES
    )


def in_ours(module: ModuleType) -> bool:
    return module.__name__.partition(".")[0] in ("hycore", "hypi") and bool(getattr(module, "__file__", None))


def text_of(statement: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    return ast.get_docstring(statement) or ""


def home_of(name: str, found: Any) -> str:
    """The last module of the list that has the name: where it is defined for use."""
    return [module for module in MODULES if name in names_of(module) and value_of(module, name) is found][-1]


def names_of(module: str) -> list[str]:
    names: list[str] = importlib.import_module(module).__all__
    return names


def value_of(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


def page() -> str:
    lines = [HEAD]
    for module in MODULES:
        found = importlib.import_module(module)
        lines += [f"## `{module}`", "", inspect.cleandoc(found.__doc__ or "").partition("\n\n")[0], ""]
        elsewhere: list[str] = []
        for name in sorted(names_of(module)):
            home = home_of(name, value_of(module, name))
            if home == module:
                lines += entry(module, name)
            else:
                elsewhere.append(f"`{name}` ([{home}](#{home.replace('.', '')}))")
        if elsewhere:
            lines += [f"Also here: {', '.join(elsewhere)}.", ""]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("reference").joinpath("api.md").write_text(page(), encoding="utf-8")
