"""The notebook: its cells run, and print what stands in the file."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1]
NOTEBOOK = FOLDER / "plugins.ipynb"


def check(notebook: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", str(FOLDER / "execute.py"), "--check", str(notebook)]
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=55, check=False
    )


def test_the_cells_print_what_stands_in_the_file() -> None:
    """In a kernel of the Python that runs the tests, from top to bottom."""
    done = check(NOTEBOOK)
    assert done.returncode == 0, done.stdout


def test_another_output_is_told(tmp_path: Path) -> None:
    """With the lines that differ, and what writes them anew; the file is left as it is."""
    changed = tmp_path / "changed.ipynb"
    text = NOTEBOOK.read_text("utf-8")
    assert text.count("Trim(share=0.2)") == 2
    changed.write_text(text.replace("Trim(share=0.2)", "Trim(share=0.1)", 1), "utf-8")
    before = changed.read_text("utf-8")
    done = check(changed)
    assert done.returncode == 1, done.stdout
    assert "-       \"{'trimmed mean': 1.71}\"\n+       \"{'trimmed mean': 3.89}\"" in done.stdout
    assert "run: make notebook" in done.stdout
    assert changed.read_text("utf-8") == before


def test_the_file_holds_nothing_of_a_machine() -> None:
    """No path, no version of Python, no time; and every cell of code has been run, in order."""
    text = NOTEBOOK.read_text("utf-8")
    notebook: dict[str, Any] = json.loads(text)
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = json.dumps([cell["outputs"] for cell in cells])
    assert re.findall(r"/(?:tmp|home|root|usr|Users|private|var)/|ipykernel", outputs) == []
    assert re.findall(r"\d\.\d\d</td>", outputs) == []
    assert notebook["metadata"]["language_info"] == {"name": "python"}
