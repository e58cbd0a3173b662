"""The layers of the runtime: imports point down, also those inside functions."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[1] / "src"

# From the top down. A module may import those of its own row and of every row below it; a trailing `.*` is a
# package with all that is in it. Each module belongs to the first pattern that is its exact name, else to the
# first that matches, and a module that no row names fails: new ones are placed here.
LAYERS = (
    ("hypi", "hypi.*"),
    ("hycore",),
    ("hycore.testing", "hycore.testing.*"),
    ("hycore.ext.hylogging", "hycore.ext.hylogging.*"),
    ("hycore.ext.hylog", "hycore.ext.hylog.*"),
    ("hycore.base", "hycore.base.*"),
    ("hycore.log", "hycore.log.*"),
    ("hycore.ext",),
    ("hycore.ext._loader",),
    ("hycore.ext._inventory",),
    ("hycore.ext._index",),
    ("hycore.ext._discovery",),
    ("hycore.ext._entry_points", "hycore.ext._cache"),
    ("hycore.ext._traits", "hycore.ext._protocols", "hycore.ext._definition", "hycore.ext._specifier"),
    ("hycore.utils.opaque",),
    ("hycore.utils.error",),
    ("hycore.magic", "hycore.utils", "hycore.utils._record", "hycore.utils._unraisable"),
)

# These import nothing of ours, each other included.
LEAVES = LAYERS[-1]

# What may come from elsewhere than the standard library.
FOREIGN = {
    "hycore.testing._pytest": {"pytest"},
    "hypi.*": {"pydantic", "pydantic_core"},
    "hypi.cli._reload": {"watchfiles"},
    "hypi.ext.terminal": {"rich"},
    "hypi.ext.otel": {"opentelemetry"},
    "hypi.ext.otel.*": {"opentelemetry"},
    "hypi": {"pydantic", "pydantic_core"},
    "hypi.ext.pluggy._plugin": {"pluggy"},
}


def row_of(module: str) -> int | None:
    """The number of a module's layer, from the top, or `None` if it has no place."""
    for number, patterns in enumerate(LAYERS):
        if module in patterns:
            return number
    for number, patterns in enumerate(LAYERS):
        if any(fnmatchcase(module, pattern) for pattern in patterns):
            return number
    return None


def foreign_to(module: str) -> set[str]:
    return {name for pattern, names in FOREIGN.items() if fnmatchcase(module, pattern) for name in names}


def statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node that can run: all but the bodies of `if TYPE_CHECKING:`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            for other in node.orelse:
                yield other
                yield from statements(other)
        else:
            yield node
            yield from statements(node)


def absolute(name: str, module: str, *, is_package: bool) -> str:
    """A name as `from name import ...` means it in a module: leading dots go up from its package."""
    bare = name.lstrip(".")
    dots = len(name) - len(bare)
    if not dots:
        return bare
    parts = module.split(".") if is_package else module.split(".")[:-1]
    return ".".join(parts[: len(parts) - dots + 1] + ([bare] if bare else []))


def imports(
    source: str, module: str, known: set[str], *, is_package: bool = False
) -> Iterator[tuple[str, int]]:
    """Every module that a source imports, and the line.

    Names in strings count in calls of `import_module` and `__import__`, and everywhere in a module that resolves its
    names late, by a `__getattr__` of its own: a table of lazy names is a table of imports.
    """
    tree = ast.parse(source)
    is_lazy = any(isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in tree.body)
    for node in statements(tree):
        match node:
            case ast.Import(names=aliases):
                for alias in aliases:
                    yield alias.name, node.lineno
            case ast.ImportFrom(module=origin, names=aliases, level=level):
                base = absolute("." * level + (origin or ""), module, is_package=is_package)
                for alias in aliases:
                    inner = f"{base}.{alias.name}"
                    yield inner if inner in known else base, node.lineno
            case ast.Call(
                func=ast.Name(id=called) | ast.Attribute(attr=called), args=[ast.Constant(str(name)), *_]
            ):
                if called in ("import_module", "__import__"):
                    yield absolute(name, module, is_package=is_package), node.lineno
            case ast.Constant(str(name)) if is_lazy:
                named = absolute(name, module, is_package=is_package)
                if named in known:
                    yield named, node.lineno
            case _:
                pass


def violations(source: str, module: str, known: set[str], *, is_package: bool = False) -> list[str]:
    """What is wrong with the imports of one module, a line each."""
    row = row_of(module)
    if row is None:
        return [f"{module} has no place in LAYERS: put it into a row of tests/test_layers.py"]
    found: list[str] = []
    for target, line in imports(source, module, known, is_package=is_package):
        top = target.split(".")[0]
        if top in ("hycore", "hypi"):
            target_row = row_of(target)
            if target == module:
                continue
            if target_row is None:
                found.append(f"{module}:{line} imports {target}, which has no place in LAYERS")
            elif module in LEAVES:
                found.append(f"{module}:{line} imports {target}: a leaf imports nothing of ours")
            elif target_row < row:
                found.append(f"{module}:{line} imports {target}, which is above it")
        elif top not in sys.stdlib_module_names and top not in foreign_to(module):
            found.append(f"{module}:{line} imports {target}, which is not of the standard library")
    return list(dict.fromkeys(found))


def source_files() -> dict[str, Path]:
    """Every module under src/, by its name."""
    modules: dict[str, Path] = {}
    for path in sorted(SRC.rglob("*.py")):
        parts = path.relative_to(SRC).with_suffix("").parts
        modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return modules


MODULES = source_files()


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module: str) -> None:
    """No module of ours imports from above it, nor what its package may not need."""
    path = MODULES[module]
    is_package = path.name == "__init__.py"
    assert violations(path.read_text("utf-8"), module, set(MODULES), is_package=is_package) == []


KNOWN = {
    "hycore",
    "hycore.base",
    "hycore.base._plan",
    "hycore.ext",
    "hycore.ext._discovery",
    "hycore.ext._loader",
    "hycore.ext._traits",
    "hycore.ext.hylog",
    "hycore.log",
    "hycore.magic",
    "hycore.utils",
    "hycore.utils.error",
    "hycore.utils.opaque",
    "hypi.api",
}


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("hycore.base._plan", "import hypi.api"),
        ("hycore.base._plan", "def f():\n    from hypi.api import Version"),
        ("hycore.base._plan", "import hycore.ext.hylog"),
        ("hycore.base._plan", "from hycore.ext import hylog"),
        ("hycore.base._plan", "from hycore import InstanceContext"),
        ("hycore.base._plan", "from ..ext.hylog import LogPluginEXT"),
        ("hycore.log._emit", "class C:\n    def f(self):\n        from hycore.base import _plan"),
        ("hycore.log._emit", "async def f():\n    import hycore.base"),
        ("hycore.log._emit", "try:\n    pass\nexcept ImportError:\n    import hycore.base"),
        ("hycore.log._emit", "import importlib\nimportlib.import_module('hycore.base')"),
        ("hycore.log._emit", "__import__('hycore.base')"),
        ("hycore.ext._traits", "from . import _discovery"),
        ("hycore.ext._traits", "from hycore.ext import PluginEXT"),
        ("hycore.ext._discovery", "from hycore.ext._loader import load_plugin_by_name"),
        ("hycore.ext._loader", "if TYPE_CHECKING:\n    pass\nelse:\n    import hycore.log"),
        ("hycore.ext._loader", "if not TYPE_CHECKING:\n    import hycore.log"),
        ("hycore.ext", "from hycore.base import InstanceContext"),
        ("hycore.ext", "HOMES = {'hylog': 'hycore.ext.hylog'}\ndef __getattr__(name): ..."),
        ("hycore.ext", "HOMES = {'hylog': '.hylog'}\ndef __getattr__(name): ..."),
        ("hycore.utils.opaque", "import hycore.ext._traits"),
        ("hycore.utils.error", "from hycore.utils.opaque import OpaqueList"),
        ("hycore.utils.error", "import pydantic"),
        ("hycore.utils.error", "def f():\n    import pydantic.dataclasses"),
        ("hycore.testing._kit", "import pytest"),
        ("hycore.magic", "import hycore.utils.error"),
        ("hycore.magic", "import hycore.utils"),
        ("hycore.newcomer", ""),
        ("hycore.ext._newcomer", "import os"),
        ("hycore.log._emit", "import hycore.newcomer"),
        ("hypi.api", "import rich"),
    ],
)
def test_a_wrong_import_is_found(module: str, source: str) -> None:
    """The check is one: it fails where it should."""
    assert len(violations(source, module, KNOWN, is_package=module in ("hycore", "hycore.ext"))) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        (
            "hypi.api",
            "import pydantic\nfrom hycore import InstanceContext\nfrom hycore.base._plan import Plan",
        ),
        ("hycore", "from hycore.base import InstanceContext\nfrom hycore.ext import hylog"),
        ("hycore", "HOMES = {'PluginEXT': 'hycore.ext'}\ndef __getattr__(name): ..."),
        ("hycore.testing._pytest", "import pytest"),
        ("hycore.ext.hylog._plugin", "from hycore.log import hylog\nfrom hycore.base import _plan"),
        ("hycore.base._plan", "if TYPE_CHECKING:\n    from hycore.ext.hylog import LogPluginEXT"),
        ("hycore.base._plan", "import typing\nif typing.TYPE_CHECKING:\n    import hycore"),
        (
            "hycore.base._plan",
            "from hycore.base import _plan\nfrom hycore.ext._loader import x\nimport sys, os.path",
        ),
        ("hycore.ext", "from hycore.ext._loader import x\nfrom ._traits import y\nfrom . import _discovery"),
        ("hycore.ext._loader", "TEXT = 'hycore.base'\nimport_module(name)"),
        ("hycore.utils.error", "def f():\n    import traceback"),
        ("hycore.magic", "from uuid import UUID"),
    ],
)
def test_a_right_import_is_none(module: str, source: str) -> None:
    """What points down, sideways within a row, or never runs is fine."""
    assert violations(source, module, KNOWN, is_package=module in ("hycore", "hycore.ext")) == []


def test_no_module_is_in_two_rows() -> None:
    """The table is unambiguous."""
    names = [name for row in LAYERS for name in row]
    assert len(names) == len(set(names))
