"""`make test` runs the Pythons side by side: what is told of them, and with which status it ends."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("side_by_side.py")
CLOSING = "==== 5 passed in 0.10s ===="
OTHERS = [each for each in ("3.11", "3.12", "3.13") if not platform.python_version().startswith(f"{each}.")]

# With as many cores as the test says.
START = """
import os, runpy, sys
os.cpu_count = lambda: int(os.environ["CORES"])
sys.path.insert(0, os.path.dirname(sys.argv[1]))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


class Runs:
    """A folder with Pythons that are none, and what would run the tests on one of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for version in OTHERS:
            python = folder / f"python{version}"
            python.write_text("#!/bin/sh\nexit 0\n", "utf-8")
            python.chmod(0o755)

    def start(self, code: str, *, cores: int = 4, **environment: str) -> subprocess.Popen[bytes]:
        """`which` is the version that the code shall test with, or nothing for the one that runs this."""
        head = "import sys, time\nwhich = ''.join(sys.argv[1:2]).rpartition('python')[2]\n"
        (self.folder / "one.py").write_text(head + code, "utf-8")
        return subprocess.Popen(
            [sys.executable, "-c", START, str(SCRIPT), ".venv", sys.executable, "-P", "one.py"],
            cwd=self.folder,
            env={
                "PATH": str(self.folder),
                "PYENV_ROOT": str(self.folder),
                "CORES": str(cores),
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(self, code: str, **environment: str) -> tuple[list[str], int]:
        """The lines it ends with, one per Python, and the status."""
        process = self.start(code, **environment)
        output = process.communicate(timeout=30)[0].decode("utf-8", "replace")
        return output.splitlines()[-1 - len(OTHERS) :], process.returncode


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


def told(*lines: str) -> list[str]:
    return [
        f"{which}: {line}" for which, line in zip([*OTHERS, platform.python_version()], lines, strict=True)
    ]


def test_all_pass(runs: Runs) -> None:
    """The closing line of each."""
    assert runs.run(f"print({CLOSING!r}); print('and more')") == (told(*[CLOSING] * (1 + len(OTHERS))), 0)


@pytest.mark.parametrize("which", ["", OTHERS[0]])
def test_one_fails(runs: Runs, which: str) -> None:
    """Whether it is the one that is shown, or another: that is the status."""
    code = f"print({CLOSING!r}); sys.exit(3 if which == {which!r} else 0)"
    assert runs.run(code) == (told(*[CLOSING] * (1 + len(OTHERS))), 1)


def test_one_dies_before_its_end(runs: Runs) -> None:
    """The last that it said is told, and not that its tests have begun."""
    code = f"""
if which == {OTHERS[0]!r}:
    print("==== test session starts ====\\nSegmentation fault\\n")
    sys.exit(2)
print({CLOSING!r})
"""
    assert runs.run(code) == (told("Segmentation fault", *[CLOSING] * len(OTHERS)), 1)


def test_what_a_terminal_cannot_show_is_handed_on(runs: Runs) -> None:
    """Also what is no text, and what the encoding of the output does not have."""
    code = f"sys.stdout.buffer.write(b'caf\\xe9 \\xc3\\xa9\\n'); sys.stdout.flush(); print({CLOSING!r}); sys.exit(1)"
    assert runs.run(code, PYTHONIOENCODING="ascii") == (told(*[CLOSING] * (1 + len(OTHERS))), 1)


def test_no_other_python_is_found(runs: Runs) -> None:
    """That is told, and no failure."""
    for each in runs.folder.glob("python3*"):
        each.unlink()
    lines = told(*["not found, and so not tested with"] * len(OTHERS), CLOSING)
    assert runs.run(f"print({CLOSING!r})") == (lines, 0)


def test_nothing_begins_after_an_interrupt(runs: Runs) -> None:
    """With fewer cores than Pythons, one waits for its turn."""
    begun = runs.folder / "begun"
    with runs.start(f"open({str(begun)!r}, 'a').write('x')\ntime.sleep(30)", cores=1) as process:
        until = time.monotonic() + 20
        while time.monotonic() < until and (not begun.exists() or begun.read_text("utf-8") != "xx"):
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=20)
    assert (process.returncode, begun.read_text("utf-8")) == (130, "xx")
