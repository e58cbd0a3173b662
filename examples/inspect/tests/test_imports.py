"""Imports and their cycles, against answers found by hand."""

from __future__ import annotations

import ast
from collections.abc import Callable

import pytest

from inspect_host import Module, SourceFile
from inspect_plugins.imports import (
    Graph,
    Import,
    When,
    build_graph,
    find_cycles,
    importers,
    measure_imports,
    without,
)

Source = Callable[..., SourceFile]


def tree(source: Source, texts: dict[str, str]) -> Graph:
    files = [source(text, name) for name, text in texts.items()]
    return build_graph({file.module: measure_imports(file) for file in files})


def edges(graph: Graph) -> dict[str, dict[str, tuple[str, int]]]:
    return {
        module.name: {imported.name: (edge.when.name, edge.line) for imported, edge in found.items()}
        for module, found in graph.items()
        if found
    }


def ways(graph: Graph, when: When = When.AT_IMPORT) -> list[list[str]]:
    return [[f"{module.name}:{line}" for module, line in item.shortest] for item in find_cycles(graph, when)]


def test_when_an_import_is_carried_out(source: Source) -> None:
    """Module level and class bodies at once, functions and the main guard later, type checking never."""
    file = source("""
        import a
        class A:
            import b
            def m(self):
                import c
        if TYPE_CHECKING:
            import d
            def f():
                import e
        else:
            import f
        if not typing.TYPE_CHECKING:
            import g
        else:
            import h
        try:
            import i
        except ImportError:
            import j
        if __name__ == "__main__":
            import k
        if x and TYPE_CHECKING:
            import l
        match x:
            case 1:
                with y:
                    for z in y:
                        import m
        if 0:
            import n
        _false = 0
        if _false:
            import o
        sometimes = None
        if sometimes:
            import p
        sometimes = 1
    """)
    by_name = {item.target: item.when for item in measure_imports(file).imports}
    now, later, never = When.AT_IMPORT, When.DEFERRED, When.TYPING
    assert by_name == {
        "a": now, "b": now, "c": later, "d": never, "e": never, "f": now, "g": now,
        "h": never, "i": now, "j": now, "k": later, "l": never, "m": now, "n": never,
        "o": never, "p": now,
    }  # fmt: skip


def test_every_imported_name_is_one_import(source: Source) -> None:
    """In the order of lines, with dots apart."""
    assert measure_imports(source("import a.b, c as d\nfrom ..e import f, g as h\n")).imports == (
        Import(When.AT_IMPORT, 1, 0, "a.b", None),
        Import(When.AT_IMPORT, 1, 0, "c", None),
        Import(When.AT_IMPORT, 2, 2, "e", "f"),
        Import(When.AT_IMPORT, 2, 2, "e", "g"),
    )


def test_names_are_resolved_within_the_tree(source: Source) -> None:
    """Absolute and relative, modules and packages; what is not in the tree leads nowhere."""
    graph = tree(
        source,
        {
            "p.__init__": "x = 1",
            "p.a": "from . import b, x\nfrom .q import c\nfrom .q.d import y\nimport os",
            "p.b": "from p.q import d",
            "p.q.__init__": "",
            "p.q.c": "from ..b import z\nfrom .... import nowhere",
            "p.q.d": "import p.b",
            "outside": "import p.q.c",
        },
    )
    assert edges(graph) == {
        "p.a": {
            "p.b": ("AT_IMPORT", 1),
            "p": ("AT_IMPORT", 1),  # for x, which is no module
            "p.q": ("AT_IMPORT", 2),
            "p.q.c": ("AT_IMPORT", 2),
            "p.q.d": ("AT_IMPORT", 3),
        },
        "p.b": {"p.q": ("AT_IMPORT", 1), "p.q.d": ("AT_IMPORT", 1)},
        "p.q.c": {"p.b": ("AT_IMPORT", 1)},
        "p.q.d": {"p.b": ("AT_IMPORT", 1)},
        "outside": {"p": ("AT_IMPORT", 1), "p.q": ("AT_IMPORT", 1), "p.q.c": ("AT_IMPORT", 1)},
    }


def test_a_submodule_does_not_import_its_package_by_being_in_it(source: Source) -> None:
    """A package may import its parts; only a part that asks the package for something closes a cycle."""
    package = "from .a import x\nfrom .b import y\ny2 = 1"
    assert ways(tree(source, {"p.__init__": package, "p.a": "x = 1", "p.b": "from . import a\ny = 1"})) == []
    closed = tree(source, {"p.__init__": package, "p.a": "x = 1", "p.b": "from . import y2"})
    assert ways(closed) == [["p:2", "p.b:1"]]
    assert ways(tree(source, {"p.__init__": package, "p.a": "import p", "p.b": ""})) == [["p:1", "p.a:1"]]


def test_an_extension_module_is_not_the_package(source: Source) -> None:
    """A name that the package does not bind comes from elsewhere, unless the package may bind anything."""
    part = "from . import _speedups"
    assert ways(tree(source, {"p.__init__": "from .a import x", "p.a": part})) == []
    for anything in ("from os import *", "def __getattr__(name): ...", "_speedups = 1"):
        text = f"from .a import x\n{anything}"
        assert ways(tree(source, {"p.__init__": text, "p.a": part})) == [["p:1", "p.a:1"]]


def test_cycles_at_import_are_groups_that_reach_each_other(source: Source) -> None:
    """The largest first, each with a shortest way round and the lines of its imports."""
    graph = tree(
        source,
        {
            "a": "# first\nimport b",
            "b": "import c",
            "c": "import d\nimport a",
            "d": "import b",
            "e": "import a",
            "x": "import y",
            "y": "import x",
            "z": "import z",
        },
    )
    groups = ["".join(module.name for module in cycle.modules) for cycle in find_cycles(graph)]
    assert groups == ["abcd", "xy", "z"]
    assert ways(graph) == [["a:2", "b:1", "c:2"], ["x:1", "y:1"], ["z:1"]]


def test_later_imports_close_cycles_of_another_kind(source: Source) -> None:
    """Each kind tells only what the more binding ones do not."""
    graph = tree(
        source,
        {
            "a": "import b",
            "b": "import a\ndef f():\n    import c",
            "c": "import b",
            "d": "import e",
            "e": "if TYPE_CHECKING:\n    import d",
        },
    )
    assert ways(graph) == [["a:1", "b:1"]]
    assert ways(graph, When.DEFERRED) == [["b:3", "c:1"]]
    assert [len(cycle.modules) for cycle in find_cycles(graph, When.DEFERRED)] == [3]
    assert ways(graph, When.TYPING) == [["e:2", "d:1"]]


def test_a_module_level_import_outweighs_a_later_one(source: Source) -> None:
    """Of two imports of one module, the one that is carried out first in time counts."""
    graph = tree(source, {"a": "def f():\n    import b\nimport b\nimport b", "b": ""})
    assert edges(graph) == {"a": {"b": ("AT_IMPORT", 3)}}


def test_a_long_ring_is_found(source: Source) -> None:
    """However long: nothing here is recursive."""
    count = 1500
    graph = tree(source, {f"m{number}": f"import m{(number + 1) % count}" for number in range(count)})
    (cycle,) = find_cycles(graph)
    assert (len(cycle.modules), len(cycle.shortest)) == (count, count)


def test_importers_are_counted_without_imports_for_types(source: Source) -> None:
    """Each importing module once, itself never."""
    graph = tree(
        source,
        {
            "a": "import a",
            "b": "import a\nimport a",
            "c": "def f(): import a",
            "d": "if TYPE_CHECKING: import a",
        },
    )
    counts = {module.name: count for module, count in importers(graph).items()}
    assert counts == {"a": 2, "b": 0, "c": 0, "d": 0}


def test_modules_can_be_taken_out(source: Source) -> None:
    """With the imports from and to them."""
    graph = tree(source, {"a": "import b", "b": "import c", "c": "import a\nimport d", "d": ""})
    (b,) = [module for module in graph if module.name == "b"]
    assert edges(without(graph, {b})) == {"c": {"a": ("AT_IMPORT", 1), "d": ("AT_IMPORT", 2)}}


@pytest.mark.parametrize("importer", ["one/x.py", "two/x.py"])
def test_of_namesakes_the_closest_is_imported(importer: str) -> None:
    """Two folders that each stand on a path of their own do not import each other."""
    namesakes = [Module("helper", "one/helper.py"), Module("helper", "two/helper.py")]
    texts = {Module("x", importer): "import helper", namesakes[0]: "", namesakes[1]: ""}
    files = [SourceFile(module, text, ast.parse(text)) for module, text in texts.items()]
    graph = build_graph({file.module: measure_imports(file) for file in files})
    expected = importer.replace("x.py", "helper.py")
    assert [module.path for module in graph[Module("x", importer)]] == [expected]
