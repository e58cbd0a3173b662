"""Which functions have all their annotations, and what is told about them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from inspect_host import Finding, Module, Section, SourceFile, Table
from inspect_more.types import Annotated, TypesConfig, measure_annotations, types_section

A = Module("a", "a.py")
B = Module("b", "b.py")
C = Module("c", "c.py")
T = Module("tests.t", "tests/t.py")


@pytest.mark.parametrize(
    ("text", "annotated"),
    [
        ("def f() -> None: ...", True),
        ("def f(): ...", False),
        ("def f(x) -> None: ...", False),
        ("def f(x: int, /, y: int, *z: int, k: int, **r: int) -> None: ...", True),
        ("def f(*z) -> None: ...", False),
        ("def f(**r) -> None: ...", False),
        ("def f(*, k) -> None: ...", False),
        ("def f(self) -> None: ...", False),
        ("async def f(x: int): ...", False),
        ("async def f(x: int) -> None: ...", True),
        ("class C:\n    def f(self, x: int) -> None: ...", True),
        ("class C:\n    def f(self, /, x: int) -> None: ...", True),
        ("class C:\n    def f(self, x) -> None: ...", False),
        ("class C:\n    @classmethod\n    def f(cls) -> None: ...", True),
        ("class C:\n    @staticmethod\n    def f(x) -> None: ...", False),
        ("class C:\n    def __init__(self, x: int): ...", True),
        ("class C:\n    def __init__(self): ...", False),
        ("class C:\n    if True:\n        def f(self) -> None: ...", True),
        ("try: ...\nexcept E:\n    def f(x): ...", False),
        ("match x:\n    case 1:\n        def f(x): ...", False),
    ],
)
def test_a_function_has_all_its_annotations_or_not(
    source: Callable[..., SourceFile], text: str, annotated: bool
) -> None:
    """Wherever it is defined."""
    assert measure_annotations(source(text).tree) == Annotated(1, int(annotated))


def test_functions_inside_functions_count(source: Callable[..., SourceFile]) -> None:
    """A method's inner function has no `self`; lambdas do not count."""
    file = source(
        """
        class C:
            def m(self) -> None:
                def inner(x): ...
                return lambda y: y
        """
    )
    assert measure_annotations(file.tree) == Annotated(2, 1)


def test_types_tells_the_modules_with_the_most_unannotated_functions() -> None:
    """And finds those below the share; modules without a function, and those excluded, do not count."""
    measured = {A: Annotated(4, 3), B: Annotated(10, 5), C: Annotated(0, 0), T: Annotated(9, 0)}
    assert types_section(measured, TypesConfig(least_percent=75, exclude=("tests",))) == Section(
        "Types",
        "8 of 14 functions (57.1 %) have all their annotations; 0 of 2 modules lack none.",
        Table(("Module", "Unannotated", "Functions", "Annotated %"), (("b", 5, 10, 50.0), ("a", 1, 4, 75.0))),
        (Finding("b.py", 0, "50.0 % of its functions are annotated, and should be 75 %"),),
    )


def test_nothing_measured_is_nothing_found() -> None:
    """No division by zero."""
    assert types_section({}, TypesConfig(least_percent=100)) == Section(
        "Types",
        "0 of 0 functions have all their annotations; 0 of 0 modules lack none.",
        Table(("Module", "Unannotated", "Functions", "Annotated %"), ()),
    )


@pytest.mark.parametrize("percent", [-1, 100.5])
def test_wrong_configuration_is_refused(percent: float) -> None:
    """When it is constructed."""
    message = f"least_percent is {percent:g}: a share is from 0 to 100"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        TypesConfig(least_percent=percent)
