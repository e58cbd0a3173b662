"""Every example in the README and the docs runs, and prints what stands below it; what docs name is there.

A block with a title is a file beside the others of its page. A Python block runs as a script, and a `text` block after
it is its output, where `...` stands for anything. Each `$` line of a `console` block runs, and what follows it is the
output; what installs or runs all of this project (`make`, `pip`, the example application) is left to those.

Blocks below `<!-- before: PACKAGE -->` run where that package can be imported, and one below `<!-- after -->` is what becomes of
them: it prints the same. A `pyproject.toml` with a title is installed when its turn comes, in place of what has its name.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import pkgutil
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import pytest

from hycore.utils.error import HyError
from hypi.app._application import TABLES
from hypi.cli._main import _parser

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "examples/*/README.md")
    for path in ROOT.glob(pattern)
    if path.name != "CHANGELOG.md"
)
FENCE = re.compile(
    r"^(?:<!-- ([^\n]*) -->\n)?```(\w*)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
NOT_HERE = ("make ", "pip ", "python3 -m venv ", ". ../env/", "hyperion run examples/", "python -m guestbook")


@dataclass(frozen=True)
class Block:
    language: str
    title: str | None
    text: str
    line: int
    mark: str  # what a comment directly above it says

    @property
    def is_before(self) -> bool:
        return self.mark.partition(":")[0] == "before"

    @property
    def package(self) -> str:
        """What a block with foreign code needs, if it is no more than Python."""
        return self.mark.partition(": ")[2]


def blocks(page: Path) -> list[Block]:
    text = page.read_text("utf-8")
    return [
        Block(found[2], found[3], found[4], text[: found.start(2)].count("\n") + 1, found[1] or "")
        for found in FENCE.finditer(text)
    ]


def run(command: list[str] | str, folder: Path) -> str:
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": "",
        "COLUMNS": "100",
        "XDG_CACHE_HOME": str(folder / "cache"),  # stevedore keeps entry points there
    }
    done = subprocess.run(
        command,
        cwd=folder,
        shell=isinstance(command, str),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=50,
    )
    return done.stdout


def assert_printed(actual: str, expected: str, where: str) -> None:
    pattern = ".*".join(re.escape(part) for part in expected.strip().split("..."))
    assert re.fullmatch(pattern, actual.strip()), f"{where}\nexpected:\n{expected}\nprinted:\n{actual}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_run(page: Path, tmp_path: Path) -> None:
    """Page by page, from top to bottom."""
    found = blocks(page)
    before: str | None = None
    for block in found:
        if block.title is not None:
            (tmp_path / block.title).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / block.title).write_text(block.text)
    for block, following in zip_longest(found, found[1:]):
        where = f"{page.relative_to(ROOT)}:{block.line}"
        if block.package and importlib.util.find_spec(block.package) is None:
            continue
        if block.title is not None and block.title.endswith("pyproject.toml"):
            install(block.text, tmp_path)
        elif block.language == "python":
            script = tmp_path / (block.title or "example.py")
            script.write_text(block.text)
            printed = run([sys.executable, "-W", "error", str(script)], tmp_path)
            expected = following.text if following is not None and following.language == "text" else ""
            if block.is_before:
                before = printed or before  # a module prints nothing
                continue
            if block.mark == "after":
                assert before in (None, printed), f"{where}\nbefore:\n{before}\nafter:\n{printed}"
            assert_printed(printed, expected, where)
        elif block.language == "console":
            for command, expected in re.findall(
                r"^\$ ([^\n]*)\n((?:(?!\$ )[^\n]*\n)*)", block.text, re.MULTILINE
            ):
                if not command.startswith(NOT_HERE):
                    assert_printed(run(command, tmp_path), expected, f"{where}: {command}")


def install(pyproject: str, folder: Path) -> None:
    """What `pip install` would leave of a project, beside its modules."""
    project = tomllib.loads(pyproject)["project"]
    stem = project["name"].replace("-", "_")
    for old in folder.glob(f"{stem}-*.dist-info"):
        shutil.rmtree(old)
    info = folder / f"{stem}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    lines: list[str] = []
    for group, entries in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {target}" for name, target in entries.items())]
    (info / "entry_points.txt").write_text("\n".join([*lines, ""]))


MOVES = [page for page in PAGES if page.name.startswith("move-from-")]


@pytest.mark.parametrize("page", MOVES, ids=lambda page: page.stem)
def test_a_page_on_moving_compares(page: Path) -> None:
    """It has code before and after, says what is gained and lost, and all that it needs is in the environment of the tests."""
    found = blocks(page)
    assert [block for block in found if block.is_before]
    assert [block for block in found if block.mark == "after"]
    for package in {block.package for block in found} - {""}:
        assert importlib.util.find_spec(package) is not None, package
    headings = re.findall(r"^## (.*)$", page.read_text("utf-8"), re.MULTILINE)
    assert {"There and here", "What you gain", "What you lose", "Step by step"} <= set(headings)


def test_there_are_pages_on_moving() -> None:
    """From the three runtimes, and from what many have made themselves."""
    assert [page.stem for page in MOVES] == [
        "move-from-a-folder",
        "move-from-ipopo",
        "move-from-pluggy",
        "move-from-stevedore",
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page."""
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


RULES = [f"P{n}" for n in range(1, 8)] + ["C1", "C2", "A1", "I1", "I2"] + [f"F{n}" for n in range(1, 5)]
RULES += [f"T{n}" for n in range(1, 8)] + ["R1"]


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_its_heading_and_its_test(rule: str) -> None:
    """Below it stand the rule, what happens when it is broken, whether it is enforced, and exactly the files with its tests."""
    page = (ROOT / "docs/reference/contract.md").read_text("utf-8")
    section = re.split(r"^#+ ", page.partition(f"\n### {rule}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    found = re.fullmatch(
        r"\n[\w`].+\n\n- Broken: .+\n- Enforced: (yes|no).*\n- Proved in: (.+)\n+", section, re.DOTALL
    )
    assert found is not None
    named = set(re.findall(r"tests/\w+\.py", found[2]))
    test = re.compile(rf"def test_{rule.lower()}_")
    proving = {
        f"tests/{file.name}" for file in ROOT.glob("tests/*.py") if test.search(file.read_text("utf-8"))
    }
    assert named == proving


def test_the_contract_has_no_rule_beside_these() -> None:
    """A new one is added to the list above, and so to the tests of rules."""
    page = (ROOT / "docs/reference/contract.md").read_text("utf-8")
    assert re.findall(r"^### (.+)$", page, re.MULTILINE) == RULES


def test_every_test_of_a_rule_is_of_one_that_is_there() -> None:
    """A rule that is taken out takes its tests along."""
    for file in ROOT.glob("tests/*.py"):
        for name in re.findall(r"def test_([a-z]\d)_", file.read_text("utf-8")):
            assert name.upper() in RULES, f"{file.name}: {name}"


def test_the_reference_of_public_names_is_as_the_sources_are() -> None:
    """`make reference` writes it; every public name of every public module is in it."""
    made = runpy.run_path(str(ROOT / "docs/make_reference.py"))
    page = (ROOT / "docs/reference/api.md").read_text("utf-8")
    assert page == made["page"](), "run: make reference"
    for module in made["MODULES"]:
        section = page.partition(f"\n## `{module}`\n")[2].partition("\n## ")[0]
        for name in importlib.import_module(module).__all__:
            assert f"`{name}`" in section, f"{module}.{name}"


def test_every_public_module_is_in_the_reference() -> None:
    """A module is public if no part of its name begins with an underscore and it has an `__all__`."""
    made = runpy.run_path(str(ROOT / "docs/make_reference.py"))
    names = ["hycore", "hypi"]
    for package in ("hycore", "hypi"):
        path = importlib.import_module(package).__path__
        names += [each.name for each in pkgutil.walk_packages(path, f"{package}.")]
    public = {
        name
        for name in names
        if not any(part.startswith("_") for part in name.split(".")) and name not in ("hypi", "hypi.cli")
    }
    assert {name for name in public if getattr(importlib.import_module(name), "__all__", None)} == set(
        made["MODULES"]
    )


def test_every_command_and_option_has_its_place() -> None:
    """The reference has a heading for each command that names its options, and says what each means."""
    page = (ROOT / "docs/reference/command-line.md").read_text("utf-8")
    parser = _parser()
    (commands,) = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for name, command in commands.choices.items():
        heading = re.search(rf"^## `hyperion {name} (.*)`$", page, re.MULTILINE)
        assert heading is not None, name
        for action in command._actions:
            if action.dest == "help":
                continue
            option = action.option_strings[0] if action.option_strings else str(action.metavar)
            assert option in heading[1], f"{name} {option}"
            if action.option_strings:
                shown = option if action.metavar is None else f"{option} {action.metavar}"
                assert re.search(rf"^- `{re.escape(shown)}", page, re.MULTILINE), option


def test_the_options_of_the_command_itself_have_their_place() -> None:
    """Those before a command, and `--help`, which each has."""
    page = (ROOT / "docs/reference/command-line.md").read_text("utf-8")
    options = [option for action in _parser()._actions for option in action.option_strings]
    assert {"--help", "--version"} <= set(options)
    for option in options:
        if option.startswith("--"):
            assert re.search(rf"`(?:hyperion )?{option}`", page), option


def test_every_public_name_has_a_heading() -> None:
    """One, and so a place to link to: errors, functions, classes and values alike."""
    made = runpy.run_path(str(ROOT / "docs/make_reference.py"))
    headings = re.findall(r"^### `(\w+)`$", (ROOT / "docs/reference/api.md").read_text("utf-8"), re.MULTILINE)
    public = {
        (name, id(getattr(importlib.import_module(module), name)))
        for module in made["MODULES"]
        for name in importlib.import_module(module).__all__
    }
    assert sorted(headings) == sorted(name for name, _ in public)


def test_every_error_has_a_heading() -> None:
    """Also one that only plugins, files or tests meet."""
    page = (ROOT / "docs/reference/api.md").read_text("utf-8")
    for module in runpy.run_path(str(ROOT / "docs/make_reference.py"))["MODULES"]:
        importlib.import_module(module)
    found = [HyError]
    for error in found:
        found += error.__subclasses__()
    ours = [error.__name__ for error in found if error.__module__.partition(".")[0] in ("hycore", "hypi")]
    assert {"PlanError", "ApplicationFileError", "PluginConformanceError"} <= set(ours)
    for name in ours:
        assert name.startswith("_") or f"\n### `{name}`\n" in page, name


def test_every_key_of_the_application_file_has_its_place() -> None:
    """A row of the table, below that of its table."""
    page = (ROOT / "docs/reference/application-file.md").read_text("utf-8")
    rows = page.partition("| table | key | what |")[2].partition("\n\n")[0]
    for table, kind in TABLES.items():
        told = rows.partition(f"| `[{table}]` |")[2].partition("| `[")[0]
        for key in kind.model_fields:
            assert f"`{key}`" in told, f"[{table}] {key}"


def test_every_environment_variable_has_its_place() -> None:
    """A row of the table, for each that the sources read."""
    page = (ROOT / "docs/reference/command-line.md").read_text("utf-8")
    table = page.partition("\n## Environment variables\n")[2].partition("\n## ")[0]
    read = {
        name
        for file in (ROOT / "src").rglob("*.py")
        for name in re.findall(r"environ(?:\.get\(|\.pop\(|\[)\"(\w+)\"", file.read_text("utf-8"))
    }
    assert {"HY_HOME", "HY_NO_CACHE"} <= read
    for name in read:
        assert f"`{name}`" in table, name


def test_every_extra_has_its_place() -> None:
    """The line that installs it stands where it is told what it is for."""
    pages = "".join(page.read_text("utf-8") for page in PAGES if page.is_relative_to(ROOT / "docs"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for extra in project["optional-dependencies"]:
        assert f"hyperion-runtime[{extra}]" in pages, extra


def test_every_fixture_has_its_place() -> None:
    """Those that pytest finds where the runtime is installed, in the page on tests of plugins."""
    page = (ROOT / "docs/how-to/test-a-plugin.md").read_text("utf-8")
    source = (ROOT / "src/hycore/testing/_pytest.py").read_text("utf-8")
    fixtures = re.findall(r"^@pytest\.fixture\ndef (\w+)", source, re.MULTILINE)
    assert "hyperion_instance" in fixtures
    for fixture in fixtures:
        assert f"`{fixture}" in page, fixture


# What `make` calls by itself, and `make` without a word.
INNER = {"help", "pytest", "bench-one", "bench-record-this"}


def test_every_make_target_has_its_place() -> None:
    """CONTRIBUTING tells what each does, and tells of none that is not there."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    phony = re.search(r"^\.PHONY: ((?:.*\\\n)*.*)$", makefile, re.MULTILINE)
    assert phony is not None
    told = re.findall(r"\bmake ([a-z][a-z-]*)", (ROOT / "CONTRIBUTING.md").read_text("utf-8"))
    assert set(told) == set(phony[1].replace("\\", "").split()) - INNER


def test_every_page_is_one_of_the_four_kinds() -> None:
    """In a folder of the site's navigation, but for its front page."""
    pages = {str(page.relative_to(ROOT / "docs").parent) for page in (ROOT / "docs").rglob("*.md")}
    assert pages == {".", "tutorials", "how-to", "reference", "explanation"}
    assert [page.name for page in (ROOT / "docs").glob("*.md")] == ["index.md"]
