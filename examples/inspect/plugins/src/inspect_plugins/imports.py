"""Which module imports which, when, and where that closes a circle."""

from __future__ import annotations

import ast
import enum
import posixpath
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import TypeAlias

from inspect_host import Module, SourceFile
from inspect_plugins.docstrings import is_main_guard


class When(enum.IntEnum):
    """When an import statement is carried out, the most binding first."""

    AT_IMPORT = 0
    """Whenever the importing module is imported: at module level, in class bodies too."""
    DEFERRED = 1
    """Later, if at all: in a function, or under `if __name__ == "__main__"`."""
    TYPING = 2
    """Never while the program runs: under `if TYPE_CHECKING`, or what is false by its own words."""


@dataclass(frozen=True, slots=True)
class Import:
    """One name of one import statement."""

    when: When
    line: int
    level: int
    """The number of leading dots."""
    target: str
    """The module as it is written, without the dots."""
    name: str | None
    """What is imported from it, or `None` for a plain `import`."""


@dataclass(frozen=True, slots=True)
class FileImports:
    """What one file imports, and for a package what its `__init__.py` binds."""

    imports: tuple[Import, ...]
    binds: frozenset[str] = frozenset()
    """`*` stands for names that only the imported module knows."""


@dataclass(frozen=True, slots=True)
class Edge:
    """That a module imports another: the line that does so earliest in time."""

    when: When
    line: int


Graph: TypeAlias = dict[Module, dict[Module, Edge]]


@dataclass(frozen=True, slots=True)
class Cycle:
    """Modules each of which reaches each other by imports."""

    modules: tuple[Module, ...]
    """Ordered by name."""
    shortest: tuple[tuple[Module, int], ...]
    """A shortest way round that begins with an import of the asked kind: each module, and the line in it with
    the import of the next one, or of the first one again."""


def measure_imports(file: SourceFile) -> FileImports:
    """The import statements of a file, in the order of their lines. Calls of `importlib` are not seen."""
    found: list[Import] = []
    never = _false_names(file.tree)
    pending: list[tuple[list[ast.stmt], When]] = [(file.tree.body, When.AT_IMPORT)]
    while pending:
        body, when = pending.pop()
        for node in body:
            if isinstance(node, ast.Import):
                found += [Import(when, node.lineno, 0, alias.name, None) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                target = node.module or ""
                found += [Import(when, node.lineno, node.level, target, alias.name) for alias in node.names]
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                pending.append((node.body, max(when, When.DEFERRED)))
            elif isinstance(node, ast.If):
                then, otherwise = _branches(node.test, never)
                pending += [(node.body, max(when, then)), (node.orelse, max(when, otherwise))]
            else:
                pending += [(block, when) for block in _blocks(node)]
    found.sort(key=lambda item: item.line)
    return FileImports(tuple(found), _bound_names(file.tree) if file.module.is_package else frozenset())


def _blocks(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if block:
            yield block
    for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield part.body


def _false_names(tree: ast.Module) -> Set[str]:
    """The names that are bound once, at module level, to a constant that is false: `_false = 0`."""
    stored = Counter(
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    )
    return {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and not node.value.value
        for target in node.targets
        if isinstance(target, ast.Name) and stored[target.id] == 1
    }


def _branches(test: ast.expr, never: Set[str]) -> tuple[When, When]:
    """When the two branches of an `if` are carried out; `never` are names that are false."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        then, otherwise = _branches(test.operand, never)
        return otherwise, then
    if is_main_guard(test):
        return When.DEFERRED, When.AT_IMPORT
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return max(_branches(value, never)[0] for value in test.values), When.AT_IMPORT
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    if name == "TYPE_CHECKING" or name in never or (isinstance(test, ast.Constant) and not test.value):
        return When.TYPING, When.AT_IMPORT
    return When.AT_IMPORT, When.AT_IMPORT


def _bound_names(tree: ast.Module) -> frozenset[str]:
    """The names that a module has once it is imported, as far as its own text tells."""
    bound: set[str] = set()
    pending = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            bound.add(node.name)
            if node.name == "__getattr__":
                bound.add("*")
            continue
        if isinstance(node, ast.Import):
            bound.update(alias.asname or alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            bound.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.For, ast.With, ast.Expr)):
            bound.update(name.id for name in ast.walk(node) if isinstance(name, ast.Name) and _stores(name))
        for block in _blocks(node):
            pending += block
    return frozenset(bound)


def _stores(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store)


def build_graph(measured: Mapping[Module, FileImports]) -> Graph:
    """Who imports whom among the measured modules; what lies outside of them is not in it."""
    by_name: dict[str, list[Module]] = {}
    for module in measured:
        by_name.setdefault(module.name, []).append(module)
    graph: Graph = {}
    for module, found in measured.items():
        edges: dict[Module, Edge] = {}
        for item in found.imports:
            for name in _imported_names(module, item, by_name, measured):
                imported = _nearest(by_name[name], module)
                edge = edges.get(imported)
                if edge is None or item.when < edge.when:
                    edges[imported] = Edge(item.when, item.line)
        graph[module] = edges
    return graph


def _nearest(namesakes: list[Module], importer: Module) -> Module:
    """Of several files with one module name, in folders that are each on a path of their own, the closest."""
    if len(namesakes) == 1:
        return namesakes[0]
    return max(namesakes, key=lambda module: len(posixpath.commonpath([module.path, importer.path])))


def _imported_names(
    importer: Module,
    item: Import,
    by_name: Mapping[str, list[Module]],
    measured: Mapping[Module, FileImports],
) -> set[str]:
    """The modules of the tree whose code must have run for this import, or is run by it.

    Importing `a.b.c` runs `a` and `a.b` first. Those of them that contain the importer have been begun before
    it, so that they count only where they are imported by name, or asked for something of their own.
    """
    target = _absolute(importer, item)
    if not target:
        return set()
    begun = {importer.name, *_prefixes(importer.name)}
    names = {*_prefixes(target), target}
    asked = item.name is None
    if item.name is not None:
        submodule = f"{target}.{item.name}"
        if submodule in by_name:
            names.add(submodule)
        elif target in by_name:
            module = _nearest(by_name[target], importer)
            # A name that a package does not bind is an extension module, or set from outside.
            asked = (
                not module.is_package or item.name == "*" or bool(measured[module].binds & {item.name, "*"})
            )
    names -= begun
    if asked:
        names.add(target)
    return names & by_name.keys()


def _absolute(importer: Module, item: Import) -> str:
    if not item.level:
        return item.target
    package = importer.name.split(".")
    if not importer.is_package:
        package.pop()
    if item.level - 1 >= len(package):
        return ""  # beyond the top of the package: an ImportError when it runs
    package = package[: len(package) - (item.level - 1)]
    return ".".join([*package, *item.target.split(".")] if item.target else package)


def _prefixes(name: str) -> Iterator[str]:
    """`a` and `a.b` for `a.b.c`."""
    parts = name.split(".")
    return (".".join(parts[:length]) for length in range(1, len(parts)))


def without(graph: Graph, modules: Set[Module]) -> Graph:
    """The graph less some modules and the imports from and to them."""
    return {
        module: {imported: edge for imported, edge in edges.items() if imported not in modules}
        for module, edges in graph.items()
        if module not in modules
    }


def importers(graph: Graph) -> dict[Module, int]:
    """By how many other modules each one is imported when the program runs, be it late."""
    counts = dict.fromkeys(graph, 0)
    for module, edges in graph.items():
        for imported, edge in edges.items():
            if imported != module and edge.when is not When.TYPING:
                counts[imported] += 1
    return counts


def find_cycles(graph: Graph, when: When = When.AT_IMPORT) -> list[Cycle]:
    """The cycles that imports of kind `when` close, together with more binding ones; the largest first.

    A group of modules that more binding imports connect already is left out, unless `when` makes it larger.
    """
    chosen = _up_to(graph, when)
    known: set[frozenset[Module]] = set()
    if when:
        known = {frozenset(group) for group in _groups(_up_to(graph, When(when - 1)))}
    cycles: list[Cycle] = []
    for group in _groups(chosen):
        if frozenset(group) not in known:
            modules = tuple(sorted(group))
            cycles.append(Cycle(modules, _shortest_cycle(chosen, modules, when)))
    cycles.sort(key=lambda cycle: (-len(cycle.modules), cycle.modules))
    return cycles


def _up_to(graph: Graph, when: When) -> Graph:
    return {
        module: {imported: edge for imported, edge in edges.items() if edge.when <= when}
        for module, edges in graph.items()
    }


def _groups(graph: Graph) -> list[list[Module]]:
    """The strongly connected components in which there is a cycle: Tarjan's algorithm, without recursion."""
    index: dict[Module, int] = {}
    low: dict[Module, int] = {}
    stack: list[Module] = []
    on_stack: set[Module] = set()
    groups: list[list[Module]] = []
    for start in graph:
        if start in index:
            continue
        pending = [(start, iter(graph[start]))]
        index[start] = low[start] = len(index)
        stack.append(start)
        on_stack.add(start)
        while pending:
            module, following = pending[-1]
            for imported in following:
                if imported not in index:
                    index[imported] = low[imported] = len(index)
                    stack.append(imported)
                    on_stack.add(imported)
                    pending.append((imported, iter(graph[imported])))
                    break
                if imported in on_stack:
                    low[module] = min(low[module], index[imported])
            else:
                pending.pop()
                if pending:
                    above = pending[-1][0]
                    low[above] = min(low[above], low[module])
                if low[module] == index[module]:
                    at = stack.index(module)
                    group = stack[at:]
                    del stack[at:]
                    on_stack.difference_update(group)
                    if len(group) > 1 or module in graph[module]:
                        groups.append(group)
    return groups


def _shortest_cycle(graph: Graph, modules: tuple[Module, ...], when: When) -> tuple[tuple[Module, int], ...]:
    """The shortest cycle that begins with an import of kind `when`; of several the first in the alphabet."""
    if len(modules) == 1:
        (module,) = modules
        return ((module, graph[module][module].line),)
    members = set(modules)
    best: list[Module] = []
    for start in modules:
        for second, edge in sorted(graph[start].items(), key=lambda item: item[0]):
            if second in members and second != start and edge.when == when and len(best) != 2:
                way_back = _path(graph, members, second, start, len(best) or len(modules) + 1)
                if way_back:
                    best = [start, *way_back]
    following = [*best[1:], *best[:1]]
    return tuple((module, graph[module][after].line) for module, after in zip(best, following, strict=True))


def _path(graph: Graph, members: set[Module], start: Module, end: Module, limit: int) -> list[Module]:
    """The shortest way from `start` to a module that imports `end`.

    Empty if there is none that makes a cycle of less than `limit` modules.
    """
    came_from: dict[Module, Module | None] = {start: None}
    queue = deque([(start, 1)])
    while queue:
        module, length = queue.popleft()
        if length > limit - 2:
            break
        if end in graph[module]:
            path: list[Module] = []
            at: Module | None = module
            while at is not None:
                path.append(at)
                at = came_from[at]
            return path[::-1]
        for imported in sorted(graph[module]):
            if imported in members and imported not in came_from:
                came_from[imported] = module
                queue.append((imported, length + 1))
    return []
