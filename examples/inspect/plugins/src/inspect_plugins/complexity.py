"""Lines of code and cyclomatic complexity of one file."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from inspect_host import SourceFile


@dataclass(frozen=True, slots=True)
class FunctionSize:
    """One function or method, nested ones included."""

    name: str
    """As it is reached from the module: `Parser.parse`."""
    line: int
    complexity: int
    """McCabe's number, counted as the rule C901 of flake8 and ruff counts it."""


@dataclass(frozen=True, slots=True)
class FileSize:
    """How large and how branched one file is."""

    lines: int
    code: int
    """Lines that are not blank, not a comment alone and not part of a docstring."""
    classes: int
    functions: tuple[FunctionSize, ...]
    """In the order of their lines."""
    complexity: int
    """The sum over the outermost functions, whose numbers contain those of the functions inside, and one for
    each branch of the module itself."""


def measure_size(file: SourceFile) -> FileSize:
    """Counts lines, classes, functions and branches."""
    functions: list[FunctionSize] = []
    complexity = _branches(file.tree.body, "", functions)
    classes = sum(isinstance(node, ast.ClassDef) for node in _statements(file.tree.body))
    functions.sort(key=lambda function: function.line)
    lines = file.lines
    return FileSize(len(lines), _count_code(file.tree, lines), classes, tuple(functions), complexity)


def _bodies(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The blocks of a compound statement."""
    if isinstance(node, ast.Match):
        for case in node.cases:
            yield case.body
        return
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if block:
            yield block
    if isinstance(node, (ast.Try, ast.TryStar)):
        for handler in node.handlers:
            yield handler.body


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """All statements, at any depth, in no order that means something."""
    pending = list(body)
    while pending:
        node = pending.pop()
        yield node
        for block in _bodies(node):
            pending += block


def _branches(body: list[ast.stmt], scope: str, functions: list[FunctionSize]) -> int:
    """Counts the branches of one block; each function in it counts as its own complexity."""
    total = 0
    pending = [(node, scope) for node in body]
    while pending:
        node, scope = pending.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            name = scope + node.name
            complexity = 1 + _branches(node.body, f"{name}.", functions)
            functions.append(FunctionSize(name, node.lineno, complexity))
            total += complexity
            continue
        if isinstance(node, ast.ClassDef):
            scope = f"{scope}{node.name}."
        elif isinstance(node, (ast.If, ast.For, ast.AsyncFor, ast.While)):
            total += 1
        elif isinstance(node, (ast.Try, ast.TryStar)):
            total += len(node.handlers) + bool(node.orelse)
        elif isinstance(node, ast.Match):
            last = node.cases[-1]
            total += len(node.cases) - (last.guard is None and _always_matches(last.pattern))
        for block in _bodies(node):
            pending += [(inner, scope) for inner in block]
    return total


def _always_matches(pattern: ast.pattern) -> bool:
    if isinstance(pattern, ast.MatchAs):
        return pattern.pattern is None or _always_matches(pattern.pattern)
    return isinstance(pattern, ast.MatchOr) and any(map(_always_matches, pattern.patterns))


def _count_code(tree: ast.Module, lines: Sequence[str]) -> int:
    code: set[int] = set()
    comments: set[int] = set()
    for number, line in enumerate(lines, 1):
        text = line.strip(" \t\f")
        if text:
            (comments if text[0] == "#" else code).add(number)
    scopes: list[ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef] = [tree]
    for node in _statements(tree.body):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            scopes.append(node)
        first, last = _own_lines(node)
        if last > first:
            # What looks like a comment may be the text of a string.
            seeming = comments.intersection(range(first + 1, last + 1))
            if seeming and _may_hold_long_strings(lines[first - 1 : last]):
                real = {first - 1 + number for number in _comment_lines(lines[first - 1 : last])}
                comments -= seeming - real
                code |= seeming - real
    for scope in scopes:
        code.difference_update(_docstring_lines(scope, lines))
    return len(code)


def _own_lines(node: ast.stmt) -> tuple[int, int]:
    """The first and the last line of a statement, without those of its blocks."""
    first, last = node.lineno, node.end_lineno or node.lineno
    for decorator in getattr(node, "decorator_list", ()):
        first = min(first, decorator.lineno)
    for block in _bodies(node):
        last = min(last, block[0].lineno)
    return first, last


def _may_hold_long_strings(lines: Sequence[str]) -> bool:
    return any('"""' in line or "'''" in line or line.endswith("\\") for line in lines)


def _comment_lines(lines: Sequence[str]) -> Iterator[int]:
    text = "\n".join(lines) + "\n"
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0]
    except (tokenize.TokenError, SyntaxError):
        return  # the last line may be the first of a block that is cut off


def _docstring_lines(
    scope: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, lines: Sequence[str]
) -> range:
    """The lines that a docstring has for itself."""
    if not scope.body or ast.get_docstring(scope, clean=False) is None:
        return range(0)
    node = scope.body[0]
    first, last = node.lineno, node.end_lineno or node.lineno
    if lines[first - 1][: node.col_offset].strip(" \t\f"):
        first += 1
    rest = lines[last - 1].encode()[node.end_col_offset or 0 :].strip()
    if rest and not rest.startswith(b"#"):
        last -= 1
    return range(first, last + 1)
