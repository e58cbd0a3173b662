"""A plugin's identity as another process sees it: its module is imported there anew.

Layer: `testing`, a leaf within it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Elsewhere", "imported_elsewhere"]

_LIMIT = 60.0  # seconds for the import; what takes longer is not judged

_CODE = """
import json, sys
with open(sys.argv[1], encoding="utf-8") as file:
    request = json.load(file)
sys.path[:] = request["path"]
import importlib
found = module = importlib.import_module(request["module"])
for part in request["class"].split("."):
    found = getattr(found, part)
answer = {"file": module.__file__, "UUID": str(found.UUID), "NAME": str(found.NAME), "DESCRIPTION": str(found.DESCRIPTION)}
with open(sys.argv[1], "w", encoding="utf-8") as file:
    json.dump(answer, file)
"""


class Elsewhere:
    """What another process has read from the class, and what the import has written on standard output."""

    def __init__(self, identity: dict[str, str], output: str) -> None:
        self.identity = identity
        self.output = output


def imported_elsewhere(plugin: type) -> Elsewhere | None:
    """Imports the module of a plugin in a process of its own; `None` for a class that cannot be had there."""
    module: Any = sys.modules.get(plugin.__module__)
    file = getattr(module, "__file__", None)
    if file is None or plugin.__module__ == "__main__" or not _leads_to(module, plugin) or not sys.executable:
        return None
    request = {
        "path": list(sys.path),
        "module": plugin.__module__,
        "class": plugin.__qualname__,
    }
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "request.json")
        with open(path, "w", encoding="utf-8") as request_file:
            json.dump(request, request_file)
        try:
            done = subprocess.run(
                [sys.executable, "-c", _CODE, path],
                env={**os.environ, "PYTHONHASHSEED": "random"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=_LIMIT,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        with open(path, encoding="utf-8") as answer_file:
            answer = json.load(answer_file)
    # It may need what is there only in this process, and it may end that one in its own way.
    if done.returncode != 0 or "file" not in answer or not _is_same(answer.pop("file"), file):
        return None
    return Elsewhere(answer, done.stdout.decode("utf-8", "replace").strip())


def _is_same(one: str | None, other: str) -> bool:
    """Whether two paths of modules lead to one file, which may lie in an archive."""
    if one is None:
        return False
    return one == other or (os.path.exists(one) and os.path.exists(other) and os.path.samefile(one, other))


def _leads_to(module: Any, plugin: type) -> bool:
    found = module
    for part in plugin.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is plugin
