"""The public names of one file, and which of them have a docstring."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from inspect_host import Module, SourceFile

Documentable: TypeAlias = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class PublicName:
    """Something that a user of the module can meet."""

    kind: str
    """`module`, `class`, `function` or `method`."""
    name: str
    """As it is reached from the module: `Parser.parse`."""
    line: int
    documented: bool


def is_private(module: Module) -> bool:
    """Whether a part of the module's name begins with an underscore, `pkg.__main__` included."""
    return any(part.startswith("_") for part in module.name.split("."))


def public_names(file: SourceFile, *, magic_methods: bool = False) -> tuple[PublicName, ...]:
    """The module itself and its public classes, functions and methods, in the order of their lines.

    Public is what a literal `__all__` lists, or without one what has no leading underscore. A name that is
    defined several times counts once, documented if one of its definitions is. Overloads, overrides, setters,
    deleters, and what stands under `if __name__ == "__main__"` are left out, and so is a module without a
    statement.
    """
    if not file.tree.body:
        return ()
    documented = ast.get_docstring(file.tree, clean=False) is not None
    listed = _listed_names(file.tree)
    found: dict[str, PublicName] = {}
    for node in _definitions(file.tree.body):
        if node.name in listed if listed is not None else not node.name.startswith("_"):
            _add(node, "", found, magic_methods)
    inside = sorted(found.values(), key=lambda name: name.line)
    return (PublicName("module", file.module.name, 1, documented), *inside)


def _add(node: Documentable, scope: str, found: dict[str, PublicName], magic_methods: bool) -> None:
    name = scope + node.name
    if _is_exempt(node):
        return
    kind = "class" if isinstance(node, ast.ClassDef) else "method" if scope else "function"
    documented = ast.get_docstring(node, clean=False) is not None
    known = found.setdefault(name, PublicName(kind, name, node.lineno, documented))
    if documented and not known.documented:
        found[name] = replace(known, documented=True)
    if isinstance(node, ast.ClassDef):
        for inner in _definitions(node.body):
            is_magic = inner.name.startswith("__") and inner.name.endswith("__")
            if magic_methods if is_magic else not inner.name.startswith("_"):
                _add(inner, f"{name}.", found, magic_methods)


def _definitions(body: list[ast.stmt]) -> Iterator[Documentable]:
    """The definitions of one scope, also those under `if`, `try`, `with` and loops."""
    for node in body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node
            continue
        if not (isinstance(node, ast.If) and is_main_guard(node.test)):
            yield from _definitions(getattr(node, "body", []))
        for handler in getattr(node, "handlers", ()):
            yield from _definitions(handler.body)
        yield from _definitions(getattr(node, "orelse", []))
        yield from _definitions(getattr(node, "finalbody", []))


def is_main_guard(test: ast.expr) -> bool:
    """Whether a condition is `__name__ == "__main__"`."""
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq)):
        return False
    sides = [test.left, test.comparators[0]]
    names = [side.id for side in sides if isinstance(side, ast.Name)]
    values = [side.value for side in sides if isinstance(side, ast.Constant)]
    return names == ["__name__"] and values == ["__main__"]


def _is_exempt(node: Documentable) -> bool:
    for decorator in node.decorator_list:
        last = decorator.attr if isinstance(decorator, ast.Attribute) else getattr(decorator, "id", "")
        if last in {"overload", "override"}:
            return True
        if last in {"setter", "deleter"} and isinstance(decorator, ast.Attribute):
            return True
    return False


def _listed_names(tree: ast.Module) -> set[str] | None:
    """What `__all__` lists, or `None` if there is none or it is not made of literals alone."""
    listed: set[str] | None = None
    for node in tree.body:
        if isinstance(node, ast.Assign):
            targets: list[ast.expr] = node.targets
        elif isinstance(node, (ast.AnnAssign, ast.AugAssign)):
            targets = [node.target]
        elif _changes_all(node):
            return None
        else:
            continue
        if not any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            continue
        names = _strings(node.value)
        if names is None:
            return None
        listed = names | (listed or set()) if isinstance(node, ast.AugAssign) else names
    return listed


def _strings(value: ast.expr | None) -> set[str] | None:
    if not isinstance(value, (ast.List, ast.Tuple)):
        return None
    names = [
        item.value for item in value.elts if isinstance(item, ast.Constant) and isinstance(item.value, str)
    ]
    return set(names) if len(names) == len(value.elts) else None


def _changes_all(node: ast.stmt) -> bool:
    """Whether a statement is a call such as `__all__.extend(names)`."""
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        return False
    called = node.value.func
    return (
        isinstance(called, ast.Attribute)
        and isinstance(called.value, ast.Name)
        and called.value.id == "__all__"
    )
