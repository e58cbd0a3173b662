"""The whole application in its three files, run as its user runs it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

INSPECT = Path(__file__).parents[1]
APP = INSPECT / "app.toml"
CI = INSPECT / "ci.toml"
BROKEN = INSPECT / "broken.toml"
HYPERION = [sys.executable, "-m", "hypi"]
RUN = [*HYPERION, "run", str(APP), "--"]
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


def run(
    *args: str, cwd: Path, app: Path = APP, settings: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    options = [word for setting in settings for word in ("--set", setting)]
    return subprocess.run(
        [*HYPERION, "run", str(app), *options, "--", *args],
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


@pytest.mark.usefixtures("ctrl_c_that_is_not_ignored")
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


DOCUMENT = {
    "format": 1,
    "root": "small",
    "files": 5,
    "lines": 29,
    "sections": [
        {
            "title": "Size and complexity",
            "summary": "20 lines of code in 4 modules; 4 functions of complexity 1.5 on average, "
            "0 of them 10 or more.",
            "table": {
                "columns": ["Module", "Code", "Classes", "Functions", "Complexity", "Highest"],
                "rows": [
                    ["pkg.a", 11, 1, 3, 5, 3],
                    ["pkg.b", 5, 0, 1, 1, 1],
                    ["pkg", 2, 0, 0, 0, 0],
                    ["pkg.types", 2, 0, 0, 1, 0],
                ],
            },
            "findings": [],
        },
        {
            "title": "Types",
            "summary": "0 of 4 functions (0.0 %) have all their annotations; 0 of 2 modules lack none.",
            "table": {
                "columns": ["Module", "Unannotated", "Functions", "Annotated %"],
                "rows": [["pkg.a", 3, 3, 0.0], ["pkg.b", 1, 1, 0.0]],
            },
            "findings": [
                {
                    "path": "pkg/a.py",
                    "line": None,
                    "message": "0.0 % of its functions are annotated, and should be 90 %",
                },
                {
                    "path": "pkg/b.py",
                    "line": None,
                    "message": "0.0 % of its functions are annotated, and should be 90 %",
                },
            ],
        },
        {
            "title": "Import cycles",
            "summary": "2 of 4 modules are in 1 cycle at import.",
            "table": {
                "columns": ["Kind", "Modules", "Shortest way round (module:line)"],
                "rows": [["at import", 2, "pkg.a:3 > pkg.b:1 > pkg.a"]],
            },
            "findings": [],
        },
    ],
    "problems": [{"path": "pkg/broken.py", "line": 1, "message": "cannot be parsed: invalid syntax"}],
    "missing": [],
}


def test_another_file_makes_another_application(small: Path) -> None:
    """One JSON document, with other limits and without two of the analyzers; no line of code has changed."""
    done = run("small", cwd=small.parent, app=CI)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    assert json.loads((small.parent / "inspect.json").read_text(encoding="utf-8")) == DOCUMENT


def test_the_document_may_go_to_standard_output(small: Path) -> None:
    """By one setting; and a document has every row, whatever is shown elsewhere, and however many work."""
    done = run(
        "small", "--top", "1", "--jobs", "2", cwd=small.parent, app=CI, settings=["ext.__EXT_json.path=-"]
    )
    assert (json.loads(done.stdout), done.returncode) == (DOCUMENT, 0)
    assert not (small.parent / "inspect.json").exists()


def test_a_place_that_cannot_be_written_is_told_before_the_work(small: Path) -> None:
    """The reporter is enabled, not optional: nothing comes up without it."""
    done = run("small", cwd=small.parent, app=CI, settings=["ext.__EXT_json.path=no/report.json"])
    assert (done.stdout, done.returncode) == ("", 1)
    assert "there is no folder 'no' to write 'no/report.json' into" in done.stderr


SIZES = """\
small: 5 files, 29 lines

SIZE AND COMPLEXITY
20 lines of code in 4 modules; 4 functions of complexity 1.5 on average, 0 of
them 15 or more.

Module     Code  Classes  Functions  Complexity  Highest
────────────────────────────────────────────────────────
pkg.a        11        1          3           5        3
pkg.b         5        0          1           1        1
pkg           2        0          0           0        0
pkg.types     2        0          0           1        0
"""

FILES = """
FILES
1 problem with reading and parsing.

  pkg/broken.py:1  cannot be parsed: invalid syntax
"""

MISSING = """
MISSING
1 optional extension is set aside.

  __EXT_growth: it failed in initialize: TryAgainLaterError: there is no
  baseline 'inspect.json' yet; try again in 2 s
"""

NOT_BASELINE = """
MISSING
1 optional extension is set aside.

  __EXT_growth: it failed in initialize: ValueError: 'inspect.json' is not a
  report of __EXT_json with the section of __EXT_size: write one in its place
"""

GROWTH = """
GROWTH
Since inspect.json: +60 lines of code; 1 module came and 0 went, 1 changed in
size.

Module   Code +/-  Code  Complexity +/-
───────────────────────────────────────
pkg.new        59    59               0
pkg.b           1     6               1

  pkg/new.py  is new, with 59 lines of code
"""


def messages(errors: str) -> list[str]:
    """The level and the text of each line of the log."""
    lines = re.findall(r"^\S+ \S+ (\w+) +\S+: (.*)$", errors, re.MULTILINE)
    return [f"{level} {text}" for level, text in lines]


def test_what_is_broken_is_set_aside_and_told(small: Path) -> None:
    """In the log and in the report; the others work, and that is no failure."""
    done = run("small", cwd=small.parent, app=BROKEN)
    assert (done.stdout, done.returncode) == (SIZES + FILES + MISSING, 0)
    first, _, loaded, *_ = messages(done.stderr)
    assert first == (
        "WARN extension __EXT_growth is set aside: it failed in initialize: TryAgainLaterError: "
        "there is no baseline 'inspect.json' yet; try again in 2 s"
    )
    assert loaded == 'INFO Loaded 3 extensions: ["__EXT_hyperion_logger", "__EXT_size", "__EXT_table"]'
    assert "waits" not in done.stderr


def test_what_was_broken_comes_up_when_it_is_mended(small: Path) -> None:
    """The host waits; the baseline, which another application has written, comes; the extension is tried again, and compares."""
    assert run("small", cwd=small.parent, app=CI, settings=["ext.__EXT_json.path=elsewhere"]).returncode == 0
    (small / "pkg" / "new.py").write_text("x = 1\n" * 59, encoding="utf-8")
    with (small / "pkg" / "b.py").open("a", encoding="utf-8") as more:
        more.write("for _ in (): ...\n")
    quick = ["--set", "ext.__EXT_growth.retry_after=0.1"]
    with subprocess.Popen(
        [*HYPERION, "run", str(BROKEN), *quick, "--", "small", "--retry", "50"],
        cwd=small.parent,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        assert process.stderr is not None
        errors = ""
        while "waits up to 50 s for __EXT_growth" not in errors:
            line = process.stderr.readline()
            assert line, errors
            errors += line
        assert "__EXT_growth is set aside" in errors
        (small.parent / "elsewhere").rename(small.parent / "inspect.json")
        output, rest = process.communicate(timeout=60)
    assert messages(rest)[:2] == ["INFO compares with 4 modules", "INFO __EXT_growth is up now"]
    assert (output.endswith(GROWTH + FILES), process.returncode) == (True, 0), output


def test_waiting_ends(small: Path) -> None:
    """And the host works without what has not come."""
    done = run("small", "--retry", "1", cwd=small.parent, app=BROKEN)
    assert (done.stdout, done.returncode) == (SIZES + FILES + MISSING, 0)
    assert "INFO waits up to 1 s for __EXT_growth" in messages(done.stderr)


def test_what_waiting_does_not_mend_is_not_waited_for(small: Path) -> None:
    """A baseline that is none is told with what to do."""
    (small.parent / "inspect.json").write_text("{}", encoding="utf-8")
    done = run("small", "--retry", "50", cwd=small.parent, app=BROKEN)
    assert (done.stdout, done.returncode) == (SIZES + FILES + NOT_BASELINE, 0)
    assert "waits" not in done.stderr


@pytest.mark.usefixtures("ctrl_c_that_is_not_ignored")
def test_ctrl_c_ends_the_waiting(small: Path) -> None:
    """As it ends the work: status 130, and no traceback."""
    with subprocess.Popen(
        [*HYPERION, "run", str(BROKEN), "--", "small", "--retry", "50"],
        cwd=small.parent,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert any("waits up to" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert (output, process.returncode) == ("", 130)
    assert "Traceback" not in errors


def test_the_readme_tells_what_happens(tmp_path: Path) -> None:
    """Its commands on the other two files, in their order, print it; the code that they inspect may grow."""
    (tmp_path / "examples").symlink_to(INSPECT.parent)
    page = (INSPECT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```console\n\$ hyperion (run examples/.*)\n((?:.*\n)*?)```$", page, re.MULTILINE)
    assert len(blocks) == 4
    running: list[tuple[subprocess.Popen[bytes], Path, str]] = []
    try:
        for place, (words, expected) in enumerate(blocks):
            written = tmp_path / f"{place}.txt"
            with written.open("wb") as stream:
                process = subprocess.Popen(
                    [*HYPERION, *words.split()],
                    cwd=tmp_path,
                    env=ENVIRONMENT,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                )
            running.append((process, written, expected))
            if "--retry" in words:  # the next command is what it waits for
                while "waits up to" not in written.read_text(encoding="utf-8"):
                    assert process.poll() is None
                    time.sleep(0.05)
            else:
                assert process.wait(30) == 0
        for process, written, expected in running:
            assert process.wait(30) == 0
            parts = plain(expected).split("...")
            printed = plain(written.read_text(encoding="utf-8"))
            assert re.fullmatch(".*".join(map(re.escape, parts)), printed), printed
    finally:
        for process, _, _ in running:
            process.kill()
            process.wait()


def plain(text: str) -> str:
    """A text in which all numbers are the same, and all that is only there for the looks."""
    return re.sub(r"\s+", " ", re.sub(r"─+", "─", re.sub(r"[\d,.]*\d", "0", text)))
