"""What the tests share: sources made from text, and signals that arrive."""

from __future__ import annotations

import ast
import signal
import textwrap
from collections.abc import Callable, Iterator

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


@pytest.fixture
def ctrl_c_that_is_not_ignored() -> Iterator[None]:
    """In a job in the background Ctrl-C is ignored, and would be in the processes that a test starts."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
