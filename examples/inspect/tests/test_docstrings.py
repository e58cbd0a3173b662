"""Public names and their docstrings, against answers found by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from inspect_host import Module, SourceFile
from inspect_plugins.docstrings import PublicName, is_private, public_names

Source = Callable[..., SourceFile]


def documented(file: SourceFile, **options: bool) -> dict[str, bool]:
    return {name.name: name.documented for name in public_names(file, **options)}


def test_public_is_what_has_no_leading_underscore(source: Source) -> None:
    """Kinds, names and lines of what a module offers."""
    file = source('''
        """About it."""
        class A:
            def __init__(self): ...
            def m(self):
                """Does it."""
            def _n(self): ...
            class B:
                """Inside."""
                def o(self): ...
        def f():
            def inner(): ...
        def _g(): ...
    ''')
    assert public_names(file) == (
        PublicName("module", "sample", 1, True),
        PublicName("class", "A", 2, False),
        PublicName("method", "A.m", 4, True),
        PublicName("class", "A.B", 7, True),
        PublicName("method", "A.B.o", 9, False),
        PublicName("function", "f", 10, False),
    )
    assert documented(file, magic_methods=True)["A.__init__"] is False


def test_a_literal_all_decides(source: Source) -> None:
    """What `__all__` lists is public, underscore or not; nothing else is."""
    file = source("""
        __all__ = ["f"]
        __all__ += ("_g",)
        def f(): ...
        def _g(): ...
        def h(): ...
    """)
    assert documented(file) == {"sample": False, "f": False, "_g": False}


@pytest.mark.parametrize(
    "line", ["__all__ += other.__all__", "__all__.extend(other)", "__all__ = list(names)"]
)
def test_an_all_that_is_computed_decides_nothing(source: Source, line: str) -> None:
    """Then the underscore tells."""
    file = source(f"__all__ = ['f']\n{line}\ndef f(): ...\ndef h(): ...\ndef _g(): ...\n")
    assert documented(file) == {"sample": False, "f": False, "h": False}


def test_a_name_with_several_definitions_counts_once(source: Source) -> None:
    """One docstring among them is enough."""
    file = source('''
        """M."""
        try:
            def f(): ...
        except ImportError:
            def f():
                """Documented."""
        if x:
            class A: ...
        else:
            class A: ...
    ''')
    assert documented(file) == {"sample": True, "f": True, "A": False}


def test_what_needs_no_docstring_of_its_own(source: Source) -> None:
    """Overloads, overrides, setters and deleters lean on another docstring; scripts offer nothing."""
    file = source('''
        """M."""
        @overload
        def f(x: int) -> int: ...
        @typing.overload
        def f(x: str) -> str: ...
        def f(x):
            """F."""
        class A:
            """A."""
            @property
            def p(self):
                """P."""
            @p.setter
            def p(self, value): ...
            @override
            def q(self): ...
        if __name__ == "__main__":
            def script(): ...
    ''')
    assert documented(file) == {"sample": True, "f": True, "A": True, "A.p": True}


def test_an_empty_file_offers_nothing(source: Source) -> None:
    """The usual empty `__init__.py` lacks no docstring."""
    assert public_names(source("# only a comment\n")) == ()


@pytest.mark.parametrize(
    ("name", "private"),
    [("a.b", False), ("_a", True), ("a._b.c", True), ("a.__main__", True), ("a_", False)],
)
def test_a_part_with_a_leading_underscore_is_private(name: str, private: bool) -> None:
    """Of the module's own name or of a package around it."""
    assert is_private(Module(name, "x.py")) is private
