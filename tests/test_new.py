"""`hyperion new`: the package that it writes passes its own tests, our lint and both checkers at once (section 9).

A name that is bad or taken is refused with a reason, and nothing that exists is overwritten.
"""

from __future__ import annotations

import ast
import importlib.metadata
import json
import keyword
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from threading import Barrier
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypi.cli import main
from hypi.cli._new import LONGEST, FolderNotEmptyError, Name, NameRefusedError, _make_folder, rendered, write

ROOT = Path(__file__).resolve().parents[1]
WAIT = 50  # seconds; far more than anything here takes
pytestmark = pytest.mark.usefixtures("signals_that_are_not_ignored")

FILES = [
    "pyproject.toml",
    "README.md",
    ".gitignore",
    ".github/workflows/ci.yml",
    "app.toml",
    "try_my_plugin.py",
    "src/my_plugin/__init__.py",
    "src/my_plugin/_config.py",
    "src/my_plugin/_plugin.py",
    "src/my_plugin/py.typed",
    "tests/test_my_plugin.py",
]


def tree(folder: Path) -> dict[str, str | None]:
    """What there is below a folder: the text of each file, and `None` for a folder."""
    return {
        str(path.relative_to(folder)): path.read_text("utf-8") if path.is_file() else None
        for path in folder.rglob("*")
    }


@dataclass(frozen=True)
class Done:
    """What `hyperion new` has left."""

    stdout: str
    stderr: str
    status: int


New = Callable[..., Done]


@pytest.fixture
def new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> New:
    """The command, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> Done:
        status = main(["new", *words])
        return Done(*capsys.readouterr(), status)

    return run


# A package that is made, built and installed.


@dataclass(frozen=True)
class Package:
    """The folder of a package, and the one into which it has been installed."""

    folder: Path
    site: Path

    def run(self, *command: str) -> Done:
        """Runs a command in the folder, with the environment's commands and the installed package."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={
                **os.environ,
                "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
                "PYTHONPATH": str(self.site),
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=WAIT,
            check=False,
        )
        return Done(done.stdout, done.stderr, done.returncode)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """`my-plugin`, built and installed without network, as its author would."""
    around = tmp_path_factory.mktemp("new")
    made = Package(around / "my-plugin", around / "site")
    above = Package(around, made.site)
    done = above.run(sys.executable, "-P", "-W", "error", "-m", "hypi", "new", "my-plugin")
    assert (done.stderr, done.status) == ("", 0)
    pip = [sys.executable, "-P", "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    options = ["--no-index", "--no-deps", "--no-build-isolation", "--target", str(made.site)]
    done = above.run(*pip, *options, "./my-plugin")
    assert done.status == 0, done.stdout + done.stderr
    return made


def test_its_own_tests_pass(package: Package) -> None:
    """All of them, against the installed package, with warnings as errors."""
    done = package.run(sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert done.status == 0, done.stdout + done.stderr
    assert re.search(r"^\d+ passed in", done.stdout, re.MULTILINE)


FAULTS = {
    "test_it_keeps_the_rules_of_every_plugin": ('hydebug(self.instance, "', 'print("'),
    "test_it_measures_each_piece_of_work": ("append(seconds)", "append(-1)"),
    "test_it_warns_of_slow_work": ("if seconds >= self._config.slow", "if seconds < self._config.slow"),
    "test_it_tells_what_it_has_measured": ("hyinfo(self.instance", "hydebug(self.instance"),
    "test_a_time_that_cannot_be_is_refused": ("if not self.slow >= 0", "if self.slow < 0"),
}


def test_each_of_its_tests_is_able_to_fail(package: Package, tmp_path: Path) -> None:
    """The one of the kit, and those of what the plugin does."""
    tests = ast.parse((package.folder / "tests/test_my_plugin.py").read_text("utf-8")).body
    assert [node.name for node in tests if isinstance(node, ast.FunctionDef)] == list(FAULTS)

    def outcome(test: str) -> Done:
        old, new = FAULTS[test]
        site = tmp_path / test
        shutil.copytree(package.site / "my_plugin", site / "my_plugin")
        found = 0
        for path in (site / "my_plugin").glob("*.py"):
            text = path.read_text("utf-8")
            found += text.count(old)
            path.write_text(text.replace(old, new))
        assert found == 1, old
        command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=line", "-k", test]
        return Package(package.folder, site).run(sys.executable, "-P", *command)

    with ThreadPoolExecutor() as threads:
        for test, done in zip(FAULTS, threads.map(outcome, FAULTS), strict=True):
            assert done.status == 1, done.stdout + done.stderr
            assert f"FAILED tests/test_my_plugin.py::{test}" in done.stdout


def test_its_ci_passes(package: Package) -> None:
    """Each command of its CI file, but for those that install: its tests, its lint, and mypy at its strictest."""
    text = (package.folder / ".github/workflows/ci.yml").read_text("utf-8")
    commands = re.findall(r"^ *- run: (.+)$", text, re.MULTILINE)
    commands = [command for command in commands if " -m pip " not in command]
    assert commands == ["ruff check", "ruff format --check", "mypy", "python -m pytest"]
    for command in commands[:-1]:  # the tests are another test
        done = package.run(*command.split())
        assert done.status == 0, done.stdout + done.stderr


def test_it_is_fine_under_our_own_lint(package: Package) -> None:
    """With the rules of this repository."""
    for command in (["check"], ["format", "--check"]):
        done = package.run("ruff", *command, "--no-cache", "--config", str(ROOT / "pyproject.toml"))
        assert done.status == 0, done.stdout


def test_pyright_is_content_with_it(package: Package) -> None:
    """As strict as it can be."""
    settings = package.site / "pyrightconfig.json"
    include = [os.path.relpath(package.folder, package.site)]
    settings.write_text(json.dumps({"typeCheckingMode": "strict", "include": include}))
    command = ["-m", "pyright", "--project", str(settings), "--pythonpath", sys.executable]
    done = package.run(sys.executable, "-P", *command)
    assert done.status == 0, done.stdout + done.stderr


def test_its_application_runs(package: Package) -> None:
    """At once, and tells what it has measured."""
    done = package.run("hyperion", "run", "app.toml", "--", "0.01", "0.02")
    assert (done.stdout, done.status) == ("", 0)
    assert "INFO  my_plugin._plugin: nap: measured 2 times, 0.0" in done.stderr
    assert "WARN" not in done.stderr
    done = package.run("hyperion", "run", "app.toml", "--set", "ext.__EXT_my_plugin.slow=0.01", "--", "0.02")
    assert done.status == 0
    assert "WARN  my_plugin._plugin: nap took 0.0" in done.stderr


def test_the_tools_find_it_fine(package: Package) -> None:
    """`check` of its application, and `doctor`; a wrong configuration is told with its line."""
    done = package.run("hyperion", "check", "app.toml")
    assert (done.stderr, done.status) == ("", 0)
    assert "__EXT_my_plugin        enabled; after __EXT_hyperion_logger (AFTER)" in done.stdout
    done = package.run("hyperion", "doctor", "app.toml", "--json")
    found = json.loads(done.stdout)["extensions"]
    assert ("__EXT_my_plugin", "fine") in [(each["name"], each["status"]) for each in found]
    done = package.run("hyperion", "check", "app.toml", "--set", "ext.__EXT_my_plugin.slow=-1")
    assert done.status == 2
    assert "slow is -1: give a number of seconds, 0 or more" in done.stderr


def test_what_is_installed_is_typed_and_has_its_entry_point(package: Package) -> None:
    """And needs this runtime, or a newer one."""
    (found,) = importlib.metadata.distributions(path=[str(package.site)])
    (entry,) = found.entry_points
    assert (entry.group, entry.name, entry.value) == (
        "hycore.plugins",
        "__EXT_my_plugin",
        "my_plugin:MyPlugin",
    )
    assert found.requires == [f"hyperion-runtime>={importlib.metadata.version('hyperion-runtime')}"]
    assert (package.site / "my_plugin/py.typed").is_file()
    assert sorted(path.name for path in (package.site / "my_plugin").glob("*.py")) == [
        "__init__.py",
        "_config.py",
        "_plugin.py",
    ]


def test_what_its_readme_names_is_there(package: Package) -> None:
    """Each file of its table."""
    text = (package.folder / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| (`[^|]+`) \|", text, re.MULTILINE)
    named = [path for row in rows for path in re.findall(r"`([^`]+)`", row)]
    assert len(named) >= 7
    assert [path for path in named if not (package.folder / path).is_file()] == []


# What is printed.


def test_it_says_what_it_has_written_and_what_comes_next(new: New, tmp_path: Path) -> None:
    """The files, and three commands."""
    written = "".join(f"    {path}\n" for path in FILES)
    assert new("my-plugin") == Done(
        f"my-plugin/ has the extension __EXT_my_plugin now, in 11 files:\n{written}"
        "Next:\n"
        "    cd my-plugin\n"
        "    python -m pip install -e . --group dev    # pip 25.1 or newer\n"
        "    python -m pytest\n"
        "    hyperion run app.toml\n",
        "",
        0,
    )
    assert sorted(path for path, text in tree(tmp_path / "my-plugin").items() if text is not None) == sorted(
        FILES
    )


def test_as_json(new: New, tmp_path: Path) -> None:
    """In the format that the reference shows."""
    page = (ROOT / "docs/reference/command-line.md").read_text("utf-8")
    section = page.partition("\n## `hyperion new")[2].partition("\n## ")[0]
    documented = json.loads(section.partition("```json\n")[2].partition("\n```")[0])
    done = new("my-plugin", "--output", "here", "--json")
    assert (done.stderr, done.status) == ("", 0)
    answer = json.loads(done.stdout)
    assert answer.keys() == documented.keys()
    assert answer["files"] == FILES
    identity = answer.pop("uuid")
    assert {key: answer[key] for key in ("name", "package", "extension", "folder")} == {
        "name": "my-plugin",
        "package": "my_plugin",
        "extension": "__EXT_my_plugin",
        "folder": "here",
    }
    assert f'uuid.UUID("{identity}")' in (tmp_path / "here/src/my_plugin/_plugin.py").read_text("utf-8")


def test_each_package_has_a_uuid_of_its_own(new: New) -> None:
    """A fresh one, version 4."""
    identities = {
        uuid.UUID(json.loads(new("my-plugin", "--output", folder, "--json").stdout)["uuid"])
        for folder in ("one", "other")
    }
    assert [identity.version for identity in identities] == [4, 4]


def test_the_extension_may_have_another_name(new: New, tmp_path: Path) -> None:
    """Everywhere where hosts ask for it."""
    assert new("my-plugin", "--extension", "__EXT_lines.v2").status == 0
    texts = tree(tmp_path / "my-plugin")
    assert "__EXT_my_plugin" not in "".join(text or "" for text in texts.values())
    project = tomllib.loads(texts["pyproject.toml"] or "")
    assert project["project"]["entry-points"]["hycore.plugins"] == {"__EXT_lines.v2": "my_plugin:MyPlugin"}
    assert "__EXT_lines.v2" in tomllib.loads(texts["app.toml"] or "")["ext"]


# Names.

PARTS = st.text("abcxyzABCXYZ019", min_size=1, max_size=10)
NAMES = st.builds(
    lambda first, parts: "".join([first, *[part for pair in parts for part in pair]])[:LONGEST].rstrip("-_."),
    st.sampled_from("abcXYZ"),
    st.lists(st.tuples(st.sampled_from(["", "-", "_", ".", "--", "-.", "_-"]), PARTS), max_size=8),
)


@given(NAMES)
def test_every_name_that_is_taken_gives_files_that_can_be_read(text: str) -> None:
    """Python, TOML and an entry point, with nothing left to fill in."""
    try:
        name = Name.of(text)
    except NameRefusedError:  # a keyword, or a module of the standard library
        assert keyword.iskeyword(text.lower()) or re.sub(r"[-_.]+", "_", text).lower() in {
            *sys.stdlib_module_names,
            "src",
            "test",
            "tests",
        }
        return
    files = rendered(name, uuid.uuid4())
    for path, content in files.items():
        assert not re.search(r"@\w+@", path + content)
        assert content == "" or content.endswith("\n")
        if path.endswith(".py"):
            compile(content, path, "exec")
        if path.endswith(".toml"):
            tomllib.loads(content)
    project = tomllib.loads(files["pyproject.toml"])
    ((extension, target),) = project["project"]["entry-points"]["hycore.plugins"].items()
    entry = EntryPoint(extension, target, "hycore.plugins")
    assert entry.module.isidentifier() and entry.attr.isidentifier()
    assert f"src/{entry.module}/__init__.py" in files
    assert f"class {entry.attr}(PluginEXT):" in files[f"src/{entry.module}/_plugin.py"]
    assert project["project"]["name"] == text
    application = tomllib.loads(files["app.toml"])
    assert application["instance"]["enabled_extensions"][1] == extension
    assert f"{application['application']['main'].partition(':')[0]}.py" in files


@given(st.one_of(st.text(), st.from_regex(r"[\w.-]{1,50}", fullmatch=True)))
def test_any_other_text_is_refused_with_a_reason(text: str) -> None:
    """Or it gives a package that can be imported."""
    try:
        name = Name.of(text)
    except NameRefusedError as error:
        refusal = str(error)
        assert ": " in refusal
        return
    assert re.fullmatch(r"[a-z][a-z0-9_]*", name.package)
    assert name.package not in {*keyword.kwlist, *sys.stdlib_module_names}
    assert all(each.isidentifier() for each in (name.plugin, name.config))


@pytest.mark.parametrize(
    ("text", "package", "plugin", "config"),
    [
        ("my-plugin", "my_plugin", "MyPlugin", "MyConfig"),
        ("lines", "lines", "LinesPlugin", "LinesConfig"),
        ("My.Lines_v2", "my_lines_v2", "MyLinesV2Plugin", "MyLinesV2Config"),
        ("MyPlugin", "myplugin", "MyPlugin", "MyConfig"),
        ("plugin", "plugin", "Plugin", "Config"),
        ("a--b", "a_b", "ABPlugin", "ABConfig"),
    ],
)
def test_what_is_called_after_a_name(text: str, package: str, plugin: str, config: str) -> None:
    """The package by the rules for names of projects, and the classes in capitals."""
    assert Name.of(text) == Name(text, package, f"__EXT_{package}", plugin, config)


@pytest.mark.parametrize("text", ["a", "plugin", "x" * LONGEST, "a-" * (LONGEST // 2 - 1) + "b", "Z9.plugin"])
def test_lines_are_as_the_formatter_wants_them_whatever_the_name(text: str, tmp_path: Path) -> None:
    """Short or long, under the settings of the package and under ours."""
    write(str(tmp_path / text), rendered(Name.of(text), uuid.uuid4()))
    for settings in ((), ("--config", str(ROOT / "pyproject.toml"))):
        for command in (("check",), ("format", "--check", "--diff")):
            done = subprocess.run(
                [sys.executable, "-P", "-m", "ruff", *command, "--no-cache", *settings],
                cwd=tmp_path / text,
                capture_output=True,
                text=True,
                check=False,
                timeout=WAIT,
            )
            assert done.returncode == 0, done.stdout + done.stderr


PROJECT = (
    "cannot be the name of a project: take letters from A to Z, digits, and between them -, _ and ., such as"
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", f"'' {PROJECT} my-plugin"),
        (".", f"'.' {PROJECT} my-plugin"),
        ("../other", f"'../other' {PROJECT} other"),
        ("a/b", f"'a/b' {PROJECT} a-b"),
        ("my plugin", f"'my plugin' {PROJECT} my-plugin"),
        ("my-", f"'my-' {PROJECT} my"),
        ("_my", f"'_my' {PROJECT} my"),
        ("my\n", f"'my\\n' {PROJECT} my"),
        ("Überblick", f"'Überblick' {PROJECT} uberblick"),
        ("\N{KELVIN SIGN}elvin", f"'\N{KELVIN SIGN}elvin' {PROJECT} kelvin"),
        ("\N{SNOWMAN}", f"'\N{SNOWMAN}' {PROJECT} my-plugin"),
        (
            "x" * (LONGEST + 1),
            f"the name has {LONGEST + 1} characters: take one of {LONGEST} at most; tools show it in tables",
        ),
        (
            "3d-lines",
            "'3d-lines' begins with a digit, and its package 3d_lines could not be imported: begin with a letter",
        ),
        (
            "Class",
            "'class' is a keyword of Python, and could not be imported: take another one, such as class-extension",
        ),
        (
            "json",
            "'json' is a module of Python's standard library: take another one, such as json-extension",
        ),
        (
            "Email",
            "'email' is a module of Python's standard library: take another one, such as email-extension",
        ),
        ("hycore", "'hycore' is the package of the runtime: take another one, such as hycore-extension"),
        ("hypi", "'hypi' is a package of the runtime: take another one, such as hypi-extension"),
        (
            "hyperion.runtime",
            "'hyperion_runtime' is the runtime itself: take another one, such as hyperion-runtime-extension",
        ),
        ("tests", "'tests' is what folders of tests are called: take another one, such as tests-extension"),
    ],
)
def test_a_bad_name_is_refused(new: New, tmp_path: Path, text: str, reason: str) -> None:
    """With the reason and the next step, and nothing is written."""
    assert new(text) == Done("", f"hyperion: {reason}\n", 2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "a b", "__EXT_\N{SNOWMAN}", "[a]", "a=b", "a:", '"', "#a", "x" * 47])
def test_a_bad_name_of_an_extension_is_refused(new: New, tmp_path: Path, text: str) -> None:
    """What could not stand in metadata as it is."""
    done = new("my-plugin", "--extension", text)
    assert done.status == 2
    assert done.stderr.endswith("begin and end with a letter, a digit or _, such as __EXT_my_plugin\n")
    assert list(tmp_path.iterdir()) == []


def test_the_name_of_an_installed_distribution_is_taken(new: New, tmp_path: Path) -> None:
    """However it is written."""
    reason = "is installed already: take another name, or uninstall that one"
    for name in ("Pytest.Timeout", "hyperion-runtime-extension"):
        done = new(name)
        if name == "Pytest.Timeout":
            assert done == Done("", f"hyperion: a distribution {name} {reason}\n", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["hyperion-runtime-extension"]


@pytest.mark.parametrize("kind", ["module", "package", "namespace"])
def test_the_name_of_what_can_be_imported_is_taken(new: New, site: Any, kind: str) -> None:
    """And it is not imported to find that out."""
    file = {"module": "my_plugin", "package": "my_plugin.__init__", "namespace": "my_plugin.other"}[kind]
    path = site.module(file, "raise SystemExit(9)\n")
    place = path.parent if kind == "namespace" else path
    assert new("my-plugin") == Done(
        "",
        f"hyperion: a package my_plugin can be imported already, from {place}: take another name\n",
        1,
    )


def test_a_finder_that_fails_is_told(new: New, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody has installed it, and it may do anything."""

    class Finder:
        @staticmethod
        def find_spec(name: str, path: object, target: object = None) -> None:
            if name == "my_plugin":
                raise ZeroDivisionError

    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])
    done = new("my-plugin")
    assert done.status == 1
    assert "from what raises ZeroDivisionError when it is looked for" in done.stderr


def test_a_folder_of_the_name_where_we_are_is_no_package(
    new: New, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`python -m hypi` could import it, and so nobody could write into one that is there."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "lines").mkdir()
    assert new("lines").status == 0


def test_the_name_of_an_installed_extension_is_taken(new: New, site: Any) -> None:
    """Its owner is told, and the way to give ours another one."""
    site.distribution("others-plugin", "1.2", {"__EXT_my_plugin": "nothing_there:P"})
    assert new("my-plugin") == Done(
        "",
        "hyperion: the extension __EXT_my_plugin is that of others-plugin 1.2: give yours another name by "
        "--extension\n",
        1,
    )
    assert new("my-plugin", "--extension", "__EXT_mine").status == 0


# Folders.

TEXTS = {"pyproject.toml": "a", "src/lines/__init__.py": "b", "tests/test_lines.py": "ü\n"}
WRITTEN = {**TEXTS, "src": None, "src/lines": None, "tests": None}


@pytest.mark.parametrize("folder", ["my-plugin", "a/b/c", "a/b/", "./x", "x y", "ü", "a/../b"])
def test_the_folder_is_made_with_those_around_it(tmp_path: Path, folder: str) -> None:
    """Whatever it is called."""
    write(f"{tmp_path}/{folder}", TEXTS)
    assert tree(tmp_path / folder) == WRITTEN


def test_it_may_be_empty_already(new: New, tmp_path: Path) -> None:
    """Also when it is where we are, or a fresh repository."""
    (tmp_path / ".git").mkdir()
    assert new("my-plugin", "--output", ".").status == 0
    assert (tmp_path / "pyproject.toml").is_file()


def test_it_may_be_a_link_to_an_empty_one(tmp_path: Path) -> None:
    """Which is what is written into."""
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    write(str(tmp_path / "link"), TEXTS)
    assert tree(tmp_path / "there") == WRITTEN


def test_a_folder_with_something_in_it_is_left_alone(new: New, tmp_path: Path) -> None:
    """Whatever that is: also a package that was made before."""
    (tmp_path / "my-plugin").mkdir()
    (tmp_path / "my-plugin/notes.txt").write_text("mine")
    reason = "my-plugin is not empty, there is notes.txt in it: name another folder by --output"
    assert new("my-plugin") == Done("", f"hyperion: {reason}\n", 1)
    assert tree(tmp_path / "my-plugin") == {"notes.txt": "mine"}
    assert new("my-plugin", "--output", "other").status == 0
    before = tree(tmp_path)
    assert new("my-plugin", "--output", "other").status == 1
    assert tree(tmp_path) == before


@pytest.mark.parametrize("kind", ["file", "dangling link", "loop"])
@pytest.mark.parametrize("folder", ["my-plugin", "my-plugin/", "my-plugin/below"])
def test_what_is_in_the_way_is_left_alone(new: New, tmp_path: Path, kind: str, folder: str) -> None:
    """A file, or a link that leads nowhere."""
    path = tmp_path / "my-plugin"
    if kind == "file":
        path.write_text("mine")
    else:
        path.symlink_to("nowhere" if kind == "dangling link" else "my-plugin")
    done = new("my-plugin", "--output", folder)
    assert done == Done("", "hyperion: my-plugin is in the way: name another folder by --output\n", 1)
    assert os.listdir(tmp_path) == ["my-plugin"]


@pytest.mark.parametrize(
    ("folder", "reason"),
    [
        ("", "'' cannot be the path of a folder:"),
        ("x" * 300, f"{'x' * 300} cannot be written: File name too long;"),
        (f"{'x' * 250}/" * 20, "cannot be written: File name too long;"),
        ("a\0b", "'a\\x00b' cannot be the path of a folder:"),
    ],
)
def test_a_folder_that_cannot_be_is_refused(new: New, tmp_path: Path, folder: str, reason: str) -> None:
    """With what the system says about it."""
    done = new("my-plugin", "--output", folder)
    assert (done.stdout, done.status) == ("", 1)
    assert done.stderr.startswith("hyperion: ")
    assert done.stderr.endswith(f"{reason} name another folder by --output\n")
    assert tree(tmp_path) == {}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_refused(new: New, tmp_path: Path) -> None:
    """And nothing is left there."""
    tmp_path.chmod(0o500)
    try:
        done = new("my-plugin")
    finally:
        tmp_path.chmod(0o700)
    assert done.stderr == (
        "hyperion: my-plugin cannot be written: Permission denied; name another folder by --output\n"
    )


# All or nothing.

_operations: list[str] = []
_failure: list[Callable[[int], None]] = []


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _failure and event in ("open", "os.mkdir", "os.listdir") and "my-plugin" in str(arguments[0]):
        _operations.append(event)
        _failure[0](len(_operations))


@pytest.fixture(scope="module")
def audited() -> None:
    """A hook cannot be taken away again: without a failure to make it does nothing."""
    sys.addaudithook(_audit)


@pytest.fixture
def failing(audited: None) -> Iterator[Callable[[Callable[[int], None]], None]]:
    """Sets what is called before each operation, with its number."""

    def set_failure(failure: Callable[[int], None]) -> None:
        _operations.clear()
        _failure[:] = [failure]

    yield set_failure
    _failure.clear()


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("before", ["nothing", "an empty folder", "a repository"])
def test_whatever_fails_nothing_is_left(
    tmp_path: Path, failing: Callable[[Callable[[int], None]], None], error: BaseException, before: str
) -> None:
    """Each operation in turn."""
    folder = tmp_path / "around/my-plugin"
    if before != "nothing":
        folder.mkdir(parents=True)
    if before == "a repository":
        (folder / ".git").mkdir()
    there = tree(tmp_path)

    def fail_at(last: int) -> Callable[[int], None]:
        def failure(number: int) -> None:
            if number == last:
                raise error

        return failure

    for last in range(1, 100):
        failing(fail_at(last))
        try:
            write(str(folder), TEXTS)
        except type(error):
            _failure.clear()
            assert tree(tmp_path) == there
        else:
            _failure.clear()
            break
    assert last > len(TEXTS)
    assert {key: value for key, value in tree(folder).items() if ".git" not in key} == WRITTEN


def test_ctrl_c_at_any_line_leaves_all_or_nothing(tmp_path: Path) -> None:
    """Also between the making of a file and the note that it has been made."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    outer = sys.gettrace()
    codes = {write.__code__, _make_folder.__code__}
    lines = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal lines
        if frame.f_code not in codes:
            return None
        if event == "line":
            lines += 1
            if lines == last:
                sys.settrace(None)
                signal.raise_signal(signal.SIGINT)
        return trace

    try:
        for last in range(1, 1000):
            lines = 0
            folder = tmp_path / str(last)
            try:
                sys.settrace(trace)
                write(str(folder), TEXTS)
            except KeyboardInterrupt:
                assert not folder.exists()
            else:
                assert tree(folder) == WRITTEN
                break
            finally:
                sys.settrace(outer)
    finally:
        signal.signal(signal.SIGINT, before)
    assert last > 30


def test_a_file_that_comes_meanwhile_is_not_overwritten(
    tmp_path: Path, failing: Callable[[Callable[[int], None]], None]
) -> None:
    """Nor removed; what was written before is."""
    folder = tmp_path / "my-plugin"

    def write_another(number: int) -> None:
        if _operations[-1] == "open" and _operations.count("open") == 3:
            _failure.clear()
            (folder / "tests/test_lines.py").write_text("mine")

    failing(write_another)
    with pytest.raises(FileExistsError):
        write(str(folder), TEXTS)
    assert tree(folder) == {"tests": None, "tests/test_lines.py": "mine"}


INTERRUPTED = """
import os, signal, sys
from hypi.cli import main

opened = 0

def audit(event, arguments):
    global opened
    if event == "open" and "my-plugin/" in str(arguments[0]):
        opened += 1
        if opened == 5:
            os.kill(os.getpid(), int(sys.argv[1]))

sys.addaudithook(audit)
sys.exit(main(["new", "my-plugin"]))
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_meanwhile_leaves_nothing(tmp_path: Path, number: int, status: int) -> None:
    """And the status tells of it."""
    done = subprocess.run(
        [sys.executable, "-P", "-W", "error", "-c", INTERRUPTED, str(int(number))],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", status)
    assert list(tmp_path.iterdir()) == []


def test_of_several_at_once_one_writes(tmp_path: Path) -> None:
    """All of its files, and the others none."""
    writers = 4

    def one(folder: Path, start: Barrier, number: int) -> bool:
        start.wait()
        try:
            write(str(folder), {f"{place}/{file}": str(number) for place in "abc" for file in "xyz"})
        except (FileExistsError, FileNotFoundError):  # the folder may go when another one gives way
            return False
        return True

    with ThreadPoolExecutor(writers) as threads:
        for turn in range(50):
            folder = tmp_path / str(turn)
            start = Barrier(writers)
            done = list(threads.map(lambda number: one(folder, start, number), range(writers)))  # noqa: B023
            assert done.count(True) == 1
            assert {text for text in tree(folder).values() if text is not None} == {str(done.index(True))}


def test_what_is_not_empty_is_an_error_of_its_own(tmp_path: Path) -> None:
    """It names what is there."""
    (tmp_path / "x").touch()
    with pytest.raises(FolderNotEmptyError) as caught:
        write(str(tmp_path), {})
    assert caught.value.filename == "x"


def test_nothing_of_its_progress_appears_in_a_pipe(tmp_path: Path) -> None:
    """On standard error neither."""
    done = subprocess.run(
        [sys.executable, "-P", "-W", "error", "-m", "hypi", "new", "my-plugin"],
        cwd=tmp_path,
        env={**os.environ, "TERM": "xterm"},
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
    )
    assert (done.stderr, done.returncode) == ("", 0)
    assert "\x1b" not in done.stdout and "\r" not in done.stdout
