"""Runs the notebook in a kernel of this Python, and writes its outputs into the file; `--check` compares instead.

What differs from run to run or from machine to machine does not go into the file: times are written as `…`, and the
files that a kernel makes up for cells as the notebook.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

NOTEBOOK = Path(__file__).with_name("plugins.ipynb")
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
CELL = re.compile(r"""[^\s"'<>&;]*ipykernel_\d+/\d+\.py""")
TIME = re.compile(r"(?<=>)\d+\.\d\d(?=</td>)")


def execute(notebook: NotebookNode) -> None:
    """Runs all cells in order; raises `CellExecutionError` if one fails."""
    with tempfile.TemporaryDirectory() as folder:
        # Nothing of the user's shall be read or written: neither settings, nor other kernels, nor the history.
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
            os.environ[name] = os.path.join(folder, name.lower())
        os.environ |= {"JUPYTER_NO_CONFIG": "1", "JUPYTER_PREFER_ENV_PATH": "1"}
        for name in ("JUPYTER_PATH", "PYTHONPATH", "PYTHONWARNINGS"):
            os.environ.pop(name, None)
        resources = {"metadata": {"path": folder}}
        NotebookClient(
            notebook, kernel_name="python3", timeout=50, record_timing=False, resources=resources
        ).execute()
    tidy(notebook)


def tidy(notebook: NotebookNode) -> None:
    """Takes out what differs from run to run."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            shown = output if "text" in output else output.get("data", {})
            if "text/html" in shown:
                shown.pop("text/plain", None)
            for kind in shown.keys() & {"text", "text/plain", "text/html"}:
                shown[kind] = TIME.sub("…", CELL.sub(NOTEBOOK.name, shown[kind]))


def main() -> int:
    """Returns 1 if the outputs in the file are not what the cells print."""
    parser = argparse.ArgumentParser(prog="execute.py", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, and tell what differs")
    parser.add_argument("file", nargs="?", default=str(NOTEBOOK), metavar="FILE")
    options = parser.parse_args()
    before = Path(options.file).read_text("utf-8")
    notebook: NotebookNode = nbformat.reads(before, as_version=4)
    execute(notebook)
    after = nbformat.writes(notebook) + "\n"
    if not options.check:
        Path(options.file).write_text(after, "utf-8")
        return 0
    differences = difflib.unified_diff(
        before.splitlines(), after.splitlines(), "in the file", "printed now", lineterm=""
    )
    lines = list(differences)
    print("\n".join([*lines, "run: make notebook"]) if lines else "as it stands in the file")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
