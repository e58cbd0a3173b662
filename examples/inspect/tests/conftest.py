"""What the tests of the analyzers share: sources made from text."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable

import pytest

from inspect_host import Module, SourceFile


@pytest.fixture
def source() -> Callable[..., SourceFile]:
    """Makes a parsed file from indented text, and a module name if it matters (`pkg.__init__`: a package)."""

    def make(text: str, name: str = "sample") -> SourceFile:
        text = textwrap.dedent(text).lstrip("\n")
        path = name.replace(".", "/") + ".py"
        is_package = name.endswith(".__init__")
        module = Module(name.removesuffix(".__init__"), path, is_package)
        return SourceFile(module, text, ast.parse(text))

    return make
