"""The whole application, run as its user runs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

APP = Path(__file__).parents[1] / "app.toml"
RUN = [sys.executable, "-m", "hypi", "run", str(APP), "--"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "PYTHONWARNINGS"}}

REPORT = """\
small: 5 files, 29 lines

SIZE AND COMPLEXITY
20 lines of code in 4 modules; 4 functions of complexity 1.5 on average, 0 of
them 25 or more.

Module     Code  Classes  Functions  Complexity  Highest
────────────────────────────────────────────────────────
pkg.a        11        1          3           5        3
pkg.b         5        0          1           1        1
pkg           2        0          0           0        0
pkg.types     2        0          0           1        0

DOCUMENTATION
2 of 8 public names (25.0 %) have a docstring; 1 of 4 modules lack none.

Module     Undocumented  Public  Documented %
─────────────────────────────────────────────
pkg.a                 3       4          25.0
pkg.b                 2       2           0.0
pkg.types             1       1           0.0

  pkg/a.py:7  class A has no docstring
  pkg/a.py:8  method A.m has no docstring
  pkg/a.py:13  function first has no docstring
  pkg/b.py:1  module pkg.b has no docstring
  pkg/b.py:2  function second has no docstring
  pkg/types.py:1  module pkg.types has no docstring

IMPORT CYCLES
2 of 4 modules are in 1 cycle at import.

Kind       Modules  Shortest way round (module:line)
────────────────────────────────────────────────────
at import        2  pkg.a:3 > pkg.b:1 > pkg.a

HOTSPOTS
3 of 4 modules are both branched and imported by others; half of their weight
lies on 1, where a change reaches far.

Module     Weight  Complexity  Importers  Code
──────────────────────────────────────────────
pkg.a          10           5          2    11
pkg.b           2           1          2     5
pkg.types       2           1          2     2

FILES
1 problem with reading and parsing.

  pkg/broken.py:1  cannot be parsed: invalid syntax
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A package of four modules, and a file that cannot be parsed."""
    package = tmp_path / "small" / "pkg"
    package.mkdir(parents=True)
    texts = {
        "__init__.py": '"""A package."""\nfrom pkg.a import first\nfrom pkg.b import second\n',
        "a.py": (
            '"""The first module."""\n\nimport pkg.b\nimport pkg.types\n\n\nclass A:\n    def m(self): ...\n'
            "\n    def _n(self): ...\n\n\ndef first(x):\n    # a comment\n    if x:\n        return 1\n"
            "    elif pkg.types:\n        return 2\n    return 3\n"
        ),
        "b.py": "import pkg.a\ndef second():\n    from pkg import types\n    return types\nx = 1\n",
        "types.py": "if False:\n    import pkg.b\n",
        "broken.py": "def f(:\n",
    }
    for name, text in texts.items():
        (package / name).write_text(text, encoding="utf-8")
    return tmp_path / "small"


def run(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*RUN, *args],
        cwd=cwd,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_a_small_tree_is_reported(small: Path) -> None:
    """Word for word on standard output; the log is on standard error, and no progress bar anywhere."""
    done = run("small", cwd=small.parent)
    assert (done.stdout, done.returncode) == (REPORT, 0)
    assert re.search(r"read 5 files in \d+\.\d s", done.stderr)
    assert "\x1b" not in done.stderr
    assert "\r" not in done.stderr


def test_several_processes_print_the_same(small: Path) -> None:
    """However the work is divided, the report is one."""
    done = run("--jobs", "3", "small", cwd=small.parent)
    assert (done.stdout, done.returncode) == (REPORT, 0)


def test_help_is_printed() -> None:
    """The host's own, behind the two dashes."""
    done = run("--help", cwd=APP.parent)
    assert done.returncode == 0
    assert done.stdout.startswith("usage: inspect [-h] [--jobs N] [--top N] [--retry SECONDS] [TREE]")


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (
            ["--jobs", "x"],
            "argument --jobs: 'x' is not a whole number from 1 to 64 (--help tells what there is)",
        ),
        (["--to"], "unrecognized arguments: --to (--help tells what there is)"),
        (["missing"], "there is no file or folder 'missing'"),
        (["."], "no Python files in ."),
    ],
)
def test_wrong_usage_is_one_clear_line(tmp_path: Path, args: list[str], line: str) -> None:
    """Status 2, nothing on standard output."""
    done = run(*args, cwd=tmp_path)
    assert (done.stdout, done.returncode) == ("", 2)
    assert f"inspect: {line}\n" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_has_seen_enough_is_no_traceback(small: Path) -> None:
    """As with `| head -1`; the status says that not all was written."""
    with subprocess.Popen(
        [*RUN, "small"], cwd=small.parent, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read().decode()
        assert process.wait(60) == 1
    assert "Traceback" not in errors
    assert "BrokenPipe" not in errors


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_in_the_middle_leaves_cleanly(tmp_path: Path, jobs: str) -> None:
    """Status 130 and no traceback, of workers neither, all of which hear the signal too."""
    for number in range(60):
        (tmp_path / f"m{number}.py").write_text("x = [1, 2, 3]\n" * 20_000, encoding="utf-8")
    with subprocess.Popen(
        [*RUN, "--jobs", jobs, "."],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert "found 60 files" in next(line for line in process.stderr if "found" in line)
        time.sleep(1.0)
        os.killpg(process.pid, signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert (output, process.returncode) == ("", 130)
    assert "Traceback" not in errors
    assert "Error" not in errors
