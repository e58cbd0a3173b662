"""Lines of code and cyclomatic complexity, against answers counted by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from inspect_host import SourceFile
from inspect_plugins.complexity import FileSize, FunctionSize, measure_size

Source = Callable[..., SourceFile]


def complexities(file: SourceFile) -> dict[str, int]:
    return {function.name: function.complexity for function in measure_size(file).functions}


def test_straight_code_has_complexity_one(source: Source) -> None:
    """A function without a branch has one way through it."""
    file = source("""
        def f(x):
            y = x + 1
            return [y if y else 0 for _ in x]
    """)
    assert complexities(file) == {"f": 1}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("if a:\n    pass", 2),
        ("if a:\n    pass\nelse:\n    pass", 2),
        ("if a:\n    pass\nelif b:\n    pass\nelse:\n    pass", 3),
        ("for x in a:\n    pass\nelse:\n    pass", 2),
        ("while a:\n    if b:\n        break", 3),
        ("with a:\n    if b:\n        pass", 2),
        ("try:\n    pass\nexcept A:\n    pass\nexcept B:\n    pass", 3),
        ("try:\n    pass\nexcept A:\n    pass\nelse:\n    pass\nfinally:\n    pass", 3),
        ("try:\n    pass\nfinally:\n    if a:\n        pass", 2),
        ("try:\n    pass\nexcept* A:\n    pass", 2),
        ("match a:\n    case 1:\n        pass\n    case 2:\n        pass", 3),
        ("match a:\n    case 1:\n        pass\n    case _:\n        pass", 2),
        ("match a:\n    case 1:\n        pass\n    case other:\n        pass", 2),
        ("match a:\n    case 1:\n        pass\n    case _ if b:\n        pass", 3),
        ("match a:\n    case 1:\n        pass\n    case (2 | _) as c:\n        pass", 2),
    ],
)
def test_each_branch_counts_one(source: Source, body: str, expected: int) -> None:
    """Conditions, loops, handlers and cases add one each, what always matches adds none."""
    indented = "\n".join(f"    {line}" for line in body.split("\n"))
    assert complexities(source(f"def f(a, b):\n{indented}\n")) == {"f": expected}


def test_functions_are_named_by_the_way_to_them(source: Source) -> None:
    """Methods and nested functions have dotted names; an outer function counts those inside with it."""
    file = source("""
        class A:
            class B:
                async def m(self):
                    if self:
                        pass

        def outer():
            def inner():
                if 1:
                    pass
            return inner

        if 1:
            def outer(): pass
    """)
    size = measure_size(file)
    assert size.functions == (
        FunctionSize("A.B.m", 3, 2),
        FunctionSize("outer", 7, 3),
        FunctionSize("outer.inner", 8, 2),
        FunctionSize("outer", 14, 1),
    )
    assert size.classes == 2
    assert size.complexity == 2 + 3 + 1 + 1


def test_a_long_chain_of_elifs_is_counted(source: Source) -> None:
    """Depth of the syntax tree is no limit where the source is flat."""
    text = "def f(a):\n    if a == 0: pass\n" + "".join(f"    elif a == {n}: pass\n" for n in range(1, 150))
    assert complexities(source(text)) == {"f": 151}


def test_code_is_what_is_neither_blank_nor_comment_nor_docstring(source: Source) -> None:
    """Comments at the end of a line and strings that look like comments are code."""
    file = source('''
        """Docstring

        # of three lines, one of them blank."""
        # a comment

        import os  # code

        TEXT = """
        # text of a string
        """
        CALL = os.path.join(
            # a comment
            "a",
        )

        class A:
            """One line."""
            def f(self): "shares its line"
            def g(self):
                """Two lines
                """; return 1
    ''')
    # import, TEXT (3 lines), CALL (3 of its 4 lines), class, f, g, and the line of `return 1`.
    assert measure_size(file) == FileSize(
        lines=21,
        code=11,
        classes=1,
        functions=(FunctionSize("A.f", 18, 1), FunctionSize("A.g", 19, 1)),
        complexity=2,
    )


def test_an_empty_file_has_nothing(source: Source) -> None:
    """No line, no code."""
    assert measure_size(source("")) == FileSize(0, 0, 0, (), 0)


def test_lines_end_where_python_ends_them(source: Source) -> None:
    """A form feed or another separator of Unicode inside a line does not end it."""
    file = source("a = '\u2028'\n\x0cb = 1\n")
    assert (measure_size(file).lines, measure_size(file).code) == (2, 2)
