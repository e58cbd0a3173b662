"""Finds the other versions of Python that the tests shall run on; `make test` asks it, and so does `make bench`.

Prints a line for each of 3.11, 3.12 and 3.13 but the one that runs this: the version and the path of an interpreter, or the
version alone. It looks along `PATH` and in pyenv's folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

VERSIONS = ((3, 11), (3, 12), (3, 13))


def candidates(name: str) -> Iterator[str]:
    for folder in os.get_exec_path():
        found = shutil.which(name, path=folder)
        if found is not None:
            yield found
    versions = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    yield from map(str, sorted(versions.glob(f"{name.removeprefix('python')}.*/bin/{name}"), reverse=True))


def is_version(python: str, version: tuple[int, int]) -> bool:
    """Whether it runs, and is that version: the shims of pyenv exist for versions that are not chosen too."""
    code = f"import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != {version})"
    try:
        return subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def others() -> Iterator[tuple[str, str]]:
    """Each with the path of an interpreter, or with an empty one."""
    for version in VERSIONS:
        if version != sys.version_info[:2]:
            name = "{}.{}".format(*version)
            yield name, next((each for each in candidates(f"python{name}") if is_version(each, version)), "")


if __name__ == "__main__":
    for version, python in others():
        print(f"{version} {python}".rstrip())
