"""Classes that do nothing, as many as are wanted.

Each is compiled for itself: like those of different authors, they share no code, and nothing of what Python learns about
code while it runs.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

HOOKS = """
    def attach_to(self, instance):
        pass

    def initialize(self):
        pass

    def teardown(self):
        pass
"""
"""The lines of a class that has the hooks of a plugin."""


def make_classes(prefix: str, count: int, source: str, **names: Any) -> list[Any]:
    """The class `Made` of a source, so many times; in it `number` and the names stand for their values.

    Each is in a module of its own, `PREFIX_NUMBER`, which can be imported.
    """
    made: list[Any] = []
    for number in range(count):
        module = ModuleType(f"{prefix}_{number}")
        vars(module).update(names, number=number)
        exec(compile(source, f"{module.__name__}.py", "exec"), vars(module))
        sys.modules[module.__name__] = module
        made.append(vars(module)["Made"])
    return made
