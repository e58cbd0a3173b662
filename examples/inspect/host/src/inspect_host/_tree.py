"""Finds the source files of a tree, and reads and parses one of them."""

from __future__ import annotations

import ast
import io
import os
import stat
import tokenize
import warnings

from inspect_host._data import Finding, Module, SourceFile

LEFT_OUT = frozenset({"__pycache__", "dist-packages", "node_modules", "site-packages"})
"""Folders that hold somebody else's code, or none; hidden ones and virtual environments are left out too."""


class UnreadableError(Exception):
    """A file that cannot be read, decoded or parsed; `finding` says where and why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


def find_modules(root: str) -> tuple[list[Module], list[Finding]]:
    """The modules under `root` (a folder or one file) ordered by path, and what cannot be listed."""
    problems: list[Finding] = []
    if not os.path.isdir(root):
        folder, name = os.path.split(os.path.abspath(root))
        prefix = _names_above(folder) if os.path.exists(os.path.join(folder, "__init__.py")) else []
        return [_module([*prefix, name], name)], problems

    def cannot_list(error: OSError) -> None:
        path = os.path.relpath(error.filename or root, root)
        problems.append(Finding(path, 0, f"cannot be listed: {error.strerror}"))

    modules: list[Module] = []
    # Whether a folder is inside a package, and what stands before the names of its files: the way from the
    # outermost package, or from the root.
    outside: tuple[bool, list[str]] = (False, [])
    around: dict[str, tuple[bool, list[str]]] = {}
    for folder, folders, files in os.walk(root, onerror=cannot_list):
        folders[:] = sorted(name for name in folders if not _is_left_out(folder, name))
        inside, prefix = around.pop(folder, outside)
        if "__init__.py" in files and not inside:
            inside, prefix = True, _names_above(folder) if folder == root else prefix[-1:]
        for name in folders:
            around[os.path.join(folder, name)] = (inside, [*prefix, name])
        relative = os.path.relpath(folder, root).replace(os.sep, "/")
        for file in files:
            if file.endswith(".py"):
                path = file if relative == "." else f"{relative}/{file}"
                modules.append(_module([*prefix, file], path))
    return sorted(modules, key=lambda module: module.path), problems


def _module(names: list[str], path: str) -> Module:
    names = [*names[:-1], names[-1].removesuffix(".py")]
    if names[-1] == "__init__" and len(names) > 1:
        return Module(".".join(names[:-1]), path, is_package=True)
    return Module(".".join(names), path)


def _names_above(folder: str) -> list[str]:
    """The dotted name of a folder that is a package itself, looking at the folders around it."""
    names: list[str] = []
    folder = os.path.abspath(folder)
    while os.path.exists(os.path.join(folder, "__init__.py")):
        folder, name = os.path.split(folder)
        if not name:
            break
        names.insert(0, name)
    return names


def _is_left_out(folder: str, name: str) -> bool:
    return (
        name.startswith(".") or name in LEFT_OUT or os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))
    )


def read_source(root: str, module: Module) -> tuple[SourceFile, tuple[Finding, ...]]:
    """The parsed file and what the compiler warned about in it; raises `UnreadableError`."""
    place = os.path.join(root, module.path) if os.path.isdir(root) else root
    text = _read_text(place, module.path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            tree = ast.parse(text, module.path)
        except SyntaxError as error:
            raise UnreadableError(
                Finding(module.path, error.lineno or 0, f"cannot be parsed: {error.msg}")
            ) from None
        except (ValueError, RecursionError, MemoryError) as error:
            reason = str(error) or type(error).__name__
            raise UnreadableError(Finding(module.path, 0, f"cannot be parsed: {reason}")) from None
    warned = {
        Finding(module.path, item.lineno, f"{item.category.__name__}: {item.message}") for item in caught
    }
    return SourceFile(module, text, tree), tuple(sorted(warned))


def _read_text(place: str, path: str) -> str:
    try:
        if not stat.S_ISREG(os.stat(place).st_mode):  # a pipe would be waited for
            raise UnreadableError(Finding(path, 0, "cannot be read: not a regular file"))
        with open(place, "rb") as stream:
            raw = stream.read()
    except OSError as error:
        raise UnreadableError(Finding(path, 0, f"cannot be read: {error.strerror or error}")) from None
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
        return raw.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
    except (SyntaxError, UnicodeError, LookupError) as error:
        raise UnreadableError(Finding(path, 0, f"cannot be decoded: {error}")) from None
