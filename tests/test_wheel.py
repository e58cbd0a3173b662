"""The tests run against the installed wheel, and the wheel holds what it should and nothing else."""

from __future__ import annotations

import importlib
import importlib.metadata
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[1] / "src"
SITE_PACKAGES = Path(sysconfig.get_path("purelib")).resolve()
PACKAGES = ("hycore", "hypi")


@pytest.fixture(scope="module")
def wheel() -> importlib.metadata.Distribution:
    return importlib.metadata.distribution("hyperion-runtime")


@pytest.fixture(scope="module")
def shipped(wheel: importlib.metadata.Distribution) -> set[str]:
    """Every installed file but compiled ones, relative to site-packages."""
    assert wheel.files is not None
    return {path.as_posix() for path in wheel.files if path.suffix != ".pyc"}


@pytest.mark.parametrize("package", PACKAGES)
def test_the_installed_package_is_imported(package: str) -> None:
    """What is tested lies in this interpreter's site-packages, not in src/."""
    file = importlib.import_module(package).__file__
    assert file is not None
    imported = Path(file).resolve()
    assert imported == SITE_PACKAGES / package / "__init__.py"
    assert not imported.is_relative_to(SRC)


def test_installed_from_a_wheel(wheel: importlib.metadata.Distribution) -> None:
    """The installation is a copy: not editable, no path file that leads back to src/."""
    assert wheel.read_text("WHEEL") is not None
    direct_url = wheel.read_text("direct_url.json") or ""
    assert '"editable"' not in direct_url
    paths = [line for file in SITE_PACKAGES.glob("*.pth") for line in file.read_text().splitlines()]
    assert [line for line in paths if str(SRC) in line] == []


def test_every_source_file_is_shipped(shipped: set[str]) -> None:
    """The wheel holds exactly the files under src/, data files included."""
    sources = {
        path.relative_to(SRC).as_posix()
        for package in PACKAGES
        for path in (SRC / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {path for path in shipped if path.startswith(tuple(f"{name}/" for name in PACKAGES))} == sources


@pytest.mark.parametrize("package", PACKAGES)
def test_types_are_shipped(package: str, shipped: set[str]) -> None:
    """Checkers believe our annotations, since both packages carry the marker."""
    assert f"{package}/py.typed" in shipped
    assert (SITE_PACKAGES / package / "py.typed").is_file()


def test_nothing_else_is_shipped(shipped: set[str]) -> None:
    """Beside the two packages: metadata with the licence, and one script."""
    other = {path for path in shipped if path.split("/")[0] not in PACKAGES}
    script = {path for path in other if path.endswith("/hyperion")}
    assert len(script) == 1
    assert {path.split("/")[0] for path in other - script} == {"hyperion_runtime-0.1.0.dist-info"}
    assert "hyperion_runtime-0.1.0.dist-info/licenses/LICENSE" in other


def test_what_ships_are_installed_extensions(wheel: importlib.metadata.Distribution) -> None:
    """The logger, and what the extras are for, are declared like any stranger's plugin."""
    declared = {(entry.name, entry.value) for entry in wheel.entry_points.select(group="hycore.plugins")}
    assert declared == {
        ("__EXT_hyperion_logger", "hycore.ext.hylog:LogPluginEXT"),
        ("__EXT_hyperion_logging", "hycore.ext.hylogging:LoggingPluginEXT"),
        ("__EXT_hyperion_otel", "hypi.ext.otel:OtelPluginEXT"),
        ("__EXT_hyperion_pluggy", "hypi.ext.pluggy:PluggyPluginEXT"),
    }


def test_the_command_is_installed(wheel: importlib.metadata.Distribution) -> None:
    """`hyperion` is declared, and stands beside the interpreter."""
    declared = {(entry.name, entry.value) for entry in wheel.entry_points.select(group="console_scripts")}
    assert declared == {("hyperion", "hypi.cli:main")}
    assert (Path(sysconfig.get_path("scripts")) / "hyperion").is_file()


def test_pydantic_is_the_only_requirement(wheel: importlib.metadata.Distribution) -> None:
    """A plain installation brings Pydantic and nothing else."""
    always = [requirement for requirement in wheel.requires or [] if "extra ==" not in requirement]
    assert always == ["pydantic<3,>=2.7"]


@pytest.mark.parametrize(
    ("package", "overwritten", "imported"),
    [
        ("hycore", {"hycore/__init__.py": "def loadShed(): ..."}, "hypi.api"),
        ("hycore", {"hycore/__init__.py": "import what_is_not_there"}, "hypi.app"),
        ("hycore", {"hycore/__init__.py": None}, "hypi.api"),
        (
            "hypi",
            {"hypi/__init__.py": "import sys", "hypi/api/__init__.py": "class Version: ..."},
            "hypi.app",
        ),
        ("hypi", {"hypi/__init__.py": "import sys"}, "hypi.api"),
        ("hypi", {"hypi/__init__.py": "import sys", "hypi/api/__init__.py": ""}, "hypi.__main__"),
        ("hypi", {"hypi/__init__.py": None, "hypi/api/__init__.py": None}, "hypi.__main__"),
    ],
)
def test_a_mixed_installation_is_told(
    tmp_path: Path, package: str, overwritten: Mapping[str, str | None], imported: str
) -> None:
    """Another distribution of the same name has overwritten files of ours, or taken them away when it was removed."""
    for name in PACKAGES:
        shutil.copytree(SITE_PACKAGES / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path, text in overwritten.items():
        if text is None:
            (tmp_path / path).unlink()
        else:
            (tmp_path / path).write_text(text)
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import {imported}"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, timeout=50, check=False
    )
    # The command tells it as it tells every error, in one block.
    error = "hyperion: " if imported == "hypi.__main__" else "ImportError: "
    assert done.stderr.startswith(error) or imported != "hypi.__main__"
    assert done.returncode == 1
    assert done.stderr.endswith(
        f"{error}the package {package!r} is not that of hyperion-runtime: another distribution has overwritten "
        f"it. Run:\n    pip uninstall {package}\n    pip install --force-reinstall hyperion-runtime\n"
    )
