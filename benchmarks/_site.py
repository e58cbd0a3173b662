"""Folders that look like the `site-packages` of an environment with many distributions."""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
import sys
from pathlib import Path

GROUP = "hycore.plugins"
PLUGIN = "__EXT_made_0000"
"""An extension that every site has."""

# As long as those of most distributions, which have their README in it.
_METADATA = "Metadata-Version: 2.4\nName: {name}\nVersion: 1.{number}\nSummary: Made to be counted\n" + (
    "Classifier: Programming Language :: Python\n" * 20
    + "\n"
    + "What it does, and how to install it.\n" * 100
)


def fill(site: Path, count: int, copied: tuple[str, ...]) -> list[str]:
    """Makes a folder with `count` distributions, those `copied` from this environment among them.

    Of the others one in 50 has an extension, one in 7 a command, one in 35 entry points of another group; most have
    none. Each has a package, and the files that pip writes. Returns the names of their extensions.
    """
    site.mkdir()
    for name in copied:
        _copy(name, site)
    extensions: list[str] = []
    for number in range(count - len(copied)):
        name = f"made_{number:04}"
        (site / name).mkdir()
        (site / name / "__init__.py").touch()
        info = site / f"{name}-1.{number}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(_METADATA.format(name=name, number=number))
        for file in ("INSTALLER", "RECORD", "WHEEL"):
            (info / file).write_text("pip\n")
        text = ""
        if number % 50 == 0:
            extensions.append(f"__EXT_{name}")
            text += f"[{GROUP}]\n__EXT_{name} = {name}.plugin:Plugin\n\n"
        if number % 7 == 1:
            text += f"[console_scripts]\n{name} = {name}.command:main\n\n"
        if number % 35 == 2:
            text += f"[another.group]\none = {name}:one\ntwo = {name}:two\n\n"
        if text:
            (info / "entry_points.txt").write_text(text)
    return extensions


def path_of(site: Path) -> list[str]:
    """A `sys.path` as a script has it: the script's folder, the standard library, and the site."""
    script = site.with_name(f"{site.name}-script")
    script.mkdir()
    command = [sys.executable, "-I", "-S", "-c", "import sys; print(*sys.path, sep='\\n')"]
    library = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return [str(script), *library, str(site)]


def _copy(name: str, site: Path) -> None:
    distribution = importlib.metadata.distribution(name)
    for root in {file.parts[0] for file in distribution.files or ()} - {".."}:
        source = Path(str(distribution.locate_file(root)))
        if source.is_dir():
            shutil.copytree(source, site / root)
        else:
            shutil.copy2(source, site / root)
