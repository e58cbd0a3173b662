"""The types that users see, under both checkers.

The files of `tests/typing` are only checked, never run, and from a copy outside of the repository: so that the
checkers meet the installed package and nothing else. What must be an error is marked as one for both,
`# type: ignore[arg-type]  # pyright: ignore[reportArgumentType]`; a mark without an error fails as well.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FILES = sorted((Path(__file__).parent / "typing").glob("*.py"))

PYRIGHT_SETTINGS = """{
    "typeCheckingMode": "strict",
    "enableTypeIgnoreComments": false,
    "reportUnnecessaryTypeIgnoreComment": "error",
    "reportUnusedClass": "none",
    "reportUnusedFunction": "none",
    "reportUnnecessaryIsInstance": "none"
}"""


@pytest.fixture(params=["mypy", "pyright"])
def checker(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """The command that checks all files of `tmp_path`."""
    if request.param == "mypy":
        cache = request.config.cache.mkdir("mypy")
        return ["mypy", "--strict", "--config-file=", f"--cache-dir={cache}", "."]
    (tmp_path / "pyrightconfig.json").write_text(PYRIGHT_SETTINGS)
    return ["pyright", "--pythonpath", sys.executable]


def check(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a checker in a folder, with nothing but what is installed to be found."""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("MYPYPATH", "PYTHONPATH")
    }
    return subprocess.run(
        [sys.executable, "-P", "-m", *command],
        cwd=folder,
        env=environment | {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def test_types_are_as_promised(checker: list[str], tmp_path: Path) -> None:
    """Every file of `tests/typing` is fine, and each error that it announces is one."""
    assert FILES, "no files to check"
    for file in FILES:
        shutil.copy(file, tmp_path)
    result = check(checker, tmp_path)
    if result.returncode != 0:
        pytest.fail(f"{checker[0]} over tests/typing:\n{result.stdout}", pytrace=False)


def test_checkers_see_the_types_of_the_installed_package(checker: list[str], tmp_path: Path) -> None:
    """A wrong use of ours, and a mark that hides nothing, are found: the types are there, and not `Any`."""
    (tmp_path / "wrong.py").write_text(
        "from hycore.utils.opaque import OpaqueList\n"
        "a: str = OpaqueList()\n"
        "b: OpaqueList = OpaqueList()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]\n"
    )
    result = check(checker, tmp_path)
    assert result.returncode == 1, result.stdout
    assert "wrong.py:2" in result.stdout
    assert "wrong.py:3" in result.stdout
