"""What each analyzer concludes, and the configuration that it refuses."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from inspect_host import Finding, Module, Section, SourceFile, Table
from inspect_plugins.complexity import FileSize, FunctionSize
from inspect_plugins.cycles import CyclesConfig, cycles_section
from inspect_plugins.docs import DocsConfig, docs_section
from inspect_plugins.docstrings import PublicName
from inspect_plugins.hotspots import HotspotsConfig, hotspots_section
from inspect_plugins.imports import Edge, Graph, When
from inspect_plugins.patterns import matches
from inspect_plugins.size import SizeConfig, size_section
from inspect_plugins.table import TableConfig

A = Module("a", "a.py")
B = Module("b", "b.py")
C = Module("c", "c.py")
T = Module("tests.t", "tests/t.py")

SIZES = {
    A: FileSize(10, 8, 1, (FunctionSize("A.m", 2, 5), FunctionSize("f", 7, 2)), 7),
    B: FileSize(30, 20, 0, (FunctionSize("g", 1, 5),), 6),
    C: FileSize(0, 0, 0, (), 0),
    T: FileSize(99, 99, 0, (FunctionSize("t", 1, 99),), 99),
}


def graph(*edges: tuple[Module, Module, When, int]) -> Graph:
    made: Graph = {module: {} for module in (A, B, C, T)}
    for importer, imported, when, line in edges:
        made[importer][imported] = Edge(when, line)
    return made


def test_size_tells_the_largest_modules_and_the_hardest_functions() -> None:
    """Both ordered, without what is excluded."""
    assert size_section(SIZES, SizeConfig(complex_from=5, exclude=("tests",))) == Section(
        "Size and complexity",
        "28 lines of code in 3 modules; 3 functions of complexity 4.0 on average, 2 of them 5 or more.",
        Table(
            ("Module", "Code", "Classes", "Functions", "Complexity", "Highest"),
            (("b", 20, 0, 1, 6, 5), ("a", 8, 1, 2, 7, 5), ("c", 0, 0, 0, 0, 0)),
        ),
        (Finding("a.py", 2, "A.m has complexity 5"), Finding("b.py", 1, "g has complexity 5")),
    )


def test_docs_tells_the_modules_with_the_most_undocumented_names() -> None:
    """Private modules count only if they are asked for."""
    measured = {
        A: (PublicName("module", "a", 1, True), PublicName("class", "A", 2, False)),
        B: (PublicName("module", "b", 1, True),),
        C: (),
        Module("_d", "_d.py"): (PublicName("module", "_d", 1, False),),
        T: (PublicName("module", "tests.t", 1, False),),
    }
    assert docs_section(measured, DocsConfig(exclude=("tests",))) == Section(
        "Documentation",
        "2 of 3 public names (66.7 %) have a docstring; 1 of 2 modules lack none.",
        Table(("Module", "Undocumented", "Public", "Documented %"), (("a", 1, 2, 50.0),)),
        (Finding("a.py", 2, "class A has no docstring"),),
    )
    everything = docs_section(measured, DocsConfig(private_modules=True))
    assert everything.table is not None
    assert [row[0] for row in everything.table.rows] == ["_d", "a", "tests.t"]


def test_cycles_tells_kinds_apart() -> None:
    """At import always, the others as configured."""
    made = graph(
        (A, B, When.AT_IMPORT, 1),
        (B, A, When.AT_IMPORT, 2),
        (B, C, When.AT_IMPORT, 3),
        (C, B, When.DEFERRED, 4),
        (C, T, When.AT_IMPORT, 5),
        (T, C, When.TYPING, 6),
    )
    at_import = ("at import", 2, "a:1 > b:2 > a")
    deferred = ("deferred", 3, "c:4 > b:3 > c")
    typing = ("for types", 4, "tests.t:6 > c:5 > tests.t")

    def rows(config: CyclesConfig) -> tuple[tuple[object, ...], ...]:
        table = cycles_section(made, config).table
        assert table is not None
        return table.rows

    assert rows(CyclesConfig(deferred=False)) == (at_import,)
    assert rows(CyclesConfig()) == (at_import, deferred)
    assert rows(CyclesConfig(typing=True)) == (at_import, deferred, typing)
    assert rows(CyclesConfig(exclude=("a",))) == (("deferred", 2, "c:4 > b:3 > c"),)
    assert cycles_section(made, CyclesConfig()).summary == (
        "2 of 4 modules are in 1 cycle at import; later imports close 1 more."
    )
    assert cycles_section(graph(), CyclesConfig()).summary == "No cycle at import among 4 modules."


def test_hotspots_weighs_complexity_by_importers() -> None:
    """Neither alone makes a hotspot, and the imports of excluded modules do not count."""
    made = graph(
        (A, B, When.AT_IMPORT, 1),
        (C, B, When.DEFERRED, 1),
        (B, A, When.AT_IMPORT, 1),
        (A, C, When.AT_IMPORT, 1),
        (T, A, When.AT_IMPORT, 1),
    )
    section = hotspots_section(SIZES, made, HotspotsConfig(exclude=("tests",)))
    assert section == Section(
        "Hotspots",
        "2 of 3 modules are both branched and imported by others; "
        "half of their weight lies on 1, where a change reaches far.",
        Table(
            ("Module", "Weight", "Complexity", "Importers", "Code"), (("b", 12, 6, 2, 20), ("a", 7, 7, 1, 8))
        ),
    )
    assert hotspots_section(SIZES, made, HotspotsConfig(importers_from=3)).table == Table(
        ("Module", "Weight", "Complexity", "Importers", "Code"), ()
    )


def test_nothing_measured_is_nothing_found() -> None:
    """No division by zero, no empty promise."""
    assert size_section({}, SizeConfig()).findings == ()
    assert docs_section({}, DocsConfig()).summary == (
        "0 of 0 public names have a docstring; 0 of 0 modules lack none."
    )
    assert cycles_section({}, CyclesConfig()).summary == "No cycle at import among 0 modules."
    assert hotspots_section({}, {}, HotspotsConfig()).table == Table(
        ("Module", "Weight", "Complexity", "Importers", "Code"), ()
    )


@pytest.mark.parametrize(
    ("name", "pattern", "expected"),
    [
        ("test", "test", True),
        ("test.a.b", "test", True),
        ("tests", "test", False),
        ("a.tests", "*.tests", True),
        ("a.tests.b", "*.tests", True),
        ("a.test_b", "*.test_?", True),
        ("Test", "test", False),
    ],
)
def test_a_pattern_means_a_module_or_a_package_around_it(name: str, pattern: str, expected: bool) -> None:
    """As in file names, with capitals told apart."""
    assert matches(Module(name, "x.py"), (pattern,)) is expected


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SizeConfig(complex_from=0), "complex_from is 0: no function has a complexity below 1"),
        (lambda: HotspotsConfig(importers_from=0), "importers_from is 0: a hotspot has 1 or more"),
        (lambda: TableConfig(max_width=20), "max_width is 20: the tables need 40 cells or more"),
        (
            lambda: DocsConfig(exclude="test"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
            "exclude is a list of patterns: write ['test'], not 'test'",
        ),
        (
            lambda: CyclesConfig(exclude=("",)),
            "exclude is a list of patterns such as ['test', '*.tests'], not ('',)",
        ),
    ],
)
def test_wrong_configuration_is_refused(make: Callable[[], object], message: str) -> None:
    """When it is constructed, with the field and what it may be."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make()


def test_a_table_is_rectangular() -> None:
    """A row that does not fit its columns is a mistake of the analyzer."""
    with pytest.raises(ValueError, match="a row of 1 cells in a table of 2 columns"):
        Table(("a", "b"), (("x",),))


def test_lines_are_those_of_the_syntax_tree(source: Callable[..., SourceFile]) -> None:
    """With or without a last line end."""
    assert source("a\nb\n").lines == source("a\nb").lines == ["a", "b"]
