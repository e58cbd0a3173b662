"""`hyperion new`: a plugin package that is typed, tested and installable from its first moment.

Layer: `hypi.cli`, above `_options` and `_output`. The texts are the files of `_template`, where `@word@` stands for what
differs from package to package.
"""

from __future__ import annotations

import argparse
import keyword
import os
import re
import shlex
import signal
import sys
import unicodedata
import uuid
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import final

from hycore.base._version import runtime_version
from hypi.cli._options import Commands, add_command, add_json
from hypi.cli._output import FAILED, FINE, WRONG, Progress, say, show, show_json

__all__ = ["LONGEST", "Name", "NameRefusedError", "add_new", "rendered", "write"]

LONGEST = 40
"""The characters of the longest name, of a package or an extension: tools show them in tables."""

_FILES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    ".gitignore": "gitignore",
    ".github/workflows/ci.yml": "ci.yml",
    "app.toml": "app.toml",
    "try_@package@.py": "try.py",
    "src/@package@/__init__.py": "init.py",
    "src/@package@/_config.py": "config.py",
    "src/@package@/_plugin.py": "plugin.py",
    "src/@package@/py.typed": "",
    "tests/test_@package@.py": "test.py",
}
"""Each file that is written, and the one of `_template` that it is made of."""

_REPOSITORIES = {".git", ".hg", ".jj"}
"""What a folder may hold that counts as empty."""

_RESERVED = {
    "hycore": "the package of the runtime",
    "hypi": "a package of the runtime",
    "hyperion_runtime": "the runtime itself",
    "test": "what folders of tests are called",
    "tests": "what folders of tests are called",
    "conftest": "a file of pytest",
    "src": "what folders of sources are called",
}


class NameRefusedError(Exception):
    """A name cannot be taken; says why, and what to do."""


@final
@dataclass(frozen=True, slots=True)
class Name:
    """A name of a new package, and all that is called after it."""

    distribution: str
    package: str
    extension: str
    plugin: str
    config: str

    @classmethod
    def of(cls, name: str, extension: str | None = None) -> Name:
        """All names of a package, from its name as a project; raises `NameRefusedError`."""
        package = _package_of(name)
        words = "".join(word[0].upper() + word[1:] for word in re.split(r"[-_.]+", name))
        stem = words.removesuffix("Plugin")
        if extension is None:
            extension = f"__EXT_{package}"
        elif not re.fullmatch(r"\w([\w.-]*\w)?", extension, re.ASCII) or len(extension) > LONGEST + 6:
            raise NameRefusedError(
                f"{extension!r} cannot be the name of an extension: take up to {LONGEST + 6} letters, digits, _, - "
                f"and . that begin and end with a letter, a digit or _, such as __EXT_{package}"
            )
        return cls(name, package, extension, f"{stem}Plugin", f"{stem}Config")


def add_new(commands: Commands) -> None:
    """Adds the command to a parser."""
    parser = add_command(
        commands,
        "new",
        help="write a plugin package that is typed, tested and installable, to begin with",
        description=(
            "Writes a package with one plugin: its class with a fresh UUID, typed configuration, an entry point, tests, "
            "an application file to try it with, and a file for CI. A name that is taken is refused, and no file that "
            "exists is overwritten: all is written, or nothing."
        ),
    )
    parser.add_argument("name", metavar="NAME", help="the name of the project, such as my-plugin")
    parser.add_argument(
        "--output", metavar="FOLDER", help="the folder to write it into; one of the same name, if not given"
    )
    parser.add_argument(
        "--extension",
        metavar="EXTENSION",
        help="the name by which hosts ask for it; __EXT_ and the name of the package, if not given",
    )
    add_json(parser)
    parser.set_defaults(run=_new)


def _new(options: argparse.Namespace, _: list[str]) -> int:
    try:
        name = Name.of(options.name, options.extension)
    except NameRefusedError as error:
        say(f"hyperion: {error}")
        return WRONG
    folder = options.name if options.output is None else options.output
    with Progress() as progress:
        progress.show(f"looking whether {name.distribution} is free")
        taken = _taken(name)
    if taken is not None:
        say(f"hyperion: {taken}")
        return FAILED
    identity = uuid.uuid4()
    files = rendered(name, identity)
    try:
        write(folder, files)
    except (OSError, ValueError) as error:
        say(f"hyperion: {_reason(folder, error)}")
        return FAILED
    if options.json:
        show_json(
            {
                "name": name.distribution,
                "package": name.package,
                "extension": name.extension,
                "uuid": str(identity),
                "folder": folder,
                "files": list(files),
            }
        )
    else:
        show(_text(name, folder, files))
    return FINE


# Names.


def _package_of(name: str) -> str:
    """The import package of a project."""
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", name):
        plain = unicodedata.normalize("NFKD", name.lower()).encode("ascii", "ignore").decode()
        better = re.sub(r"[^a-z0-9]+", "-", plain)[:LONGEST].strip("-0123456789")
        raise NameRefusedError(
            f"{name!r} cannot be the name of a project: take letters from A to Z, digits, and between them -, _ and "
            f"., such as {better or 'my-plugin'}"
        )
    if len(name) > LONGEST:
        raise NameRefusedError(
            f"the name has {len(name)} characters: take one of {LONGEST} at most; tools show it in tables"
        )
    package = re.sub(r"[-_.]+", "_", name).lower()
    another = f"take another one, such as {package.replace('_', '-')}-extension"
    if package[0].isdigit():
        raise NameRefusedError(
            f"{name!r} begins with a digit, and its package {package} could not be imported: begin with a letter"
        )
    if keyword.iskeyword(package):
        raise NameRefusedError(f"{package!r} is a keyword of Python, and could not be imported: {another}")
    if package in sys.stdlib_module_names:
        raise NameRefusedError(f"{package!r} is a module of Python's standard library: {another}")
    if package in _RESERVED:
        raise NameRefusedError(f"{package!r} is {_RESERVED[package]}: {another}")
    return package


def _taken(name: Name) -> str | None:
    """Who has one of the names already, if somebody has; nothing of them is imported."""
    from importlib.metadata import PackageNotFoundError, distribution

    from hycore.ext import Inventory

    with suppress(PackageNotFoundError):
        distribution(name.distribution)
        return f"a distribution {name.distribution} is installed already: take another name, or uninstall that one"
    place = _place_of(name.package)
    if place is not None:
        return f"a package {name.package} can be imported already, from {place}: take another name"
    for claim in Inventory().snapshot(use_index=False).by_name.get(name.extension, ()):
        owner = f"{claim.distribution} {claim.version}"
        return f"the extension {name.extension} is that of {owner}: give yours another name by --extension"
    return None


def _place_of(package: str) -> str | None:
    """Where a package or module of this name would be imported from."""
    from importlib.util import find_spec

    try:
        spec = find_spec(package)
    except Exception as error:  # of a finder that somebody has installed
        return f"what raises {type(error).__name__} when it is looked for"
    if spec is None:
        return None
    if spec.origin is not None:
        return spec.origin
    # A folder that happens to lie where we are, such as the one to write into, is no package.
    places = [each for each in spec.submodule_search_locations or () if os.path.dirname(each) != os.getcwd()]
    return places[0] if places else None


# Texts.


def rendered(name: Name, identity: uuid.UUID) -> dict[str, str]:
    """The text of each file, by its path in the folder of the package."""
    values = {
        "distribution": name.distribution,
        "package": name.package,
        "extension": name.extension,
        "plugin": name.plugin,
        "config": name.config,
        "uuid": str(identity),
        "version": runtime_version(),
    }
    template = os.path.join(os.path.dirname(__file__), "_template")

    def filled(text: str) -> str:
        return re.sub(r"@(\w+)@", lambda found: values[found[1]], text)

    texts: dict[str, str] = {}
    for path, source in _FILES.items():
        text = ""
        if source:
            with open(os.path.join(template, f"{source}.in"), encoding="utf-8") as file:
                text = file.read()
        texts[filled(path)] = filled(text)
    return texts


def _text(name: Name, folder: str, files: dict[str, str]) -> str:
    shown = os.path.join(folder, "")
    lines = [f"{shown} has the extension {name.extension} now, in {len(files)} files:"]
    lines += [f"    {path}" for path in files]
    lines += [
        "Next:",
        f"    cd {shlex.quote(folder)}",
        "    python -m pip install -e . --group dev    # pip 25.1 or newer",
        "    python -m pytest",
        "    hyperion run app.toml",
    ]
    return "\n".join(lines)


# Files.


class FolderNotEmptyError(FileExistsError):
    """There is something in the folder to write into."""


def write(folder: str, files: dict[str, str]) -> None:
    """Writes files into a folder that is not there yet, or empty: all of them or none, and over nothing that is there.

    Raises `OSError` or `ValueError`, or passes on what interrupts it, after what was written has been removed again.
    """
    if not folder:
        raise ValueError("its name is empty")
    made: list[str] = []
    try:
        with _signals_held():
            _make_folder(folder, made)
            others = sorted(set(os.listdir(folder)) - _REPOSITORIES)
            if others:
                raise FolderNotEmptyError(0, "is not empty", others[0])
            for path, text in files.items():
                whole = os.path.join(folder, path)
                _make_folder(os.path.dirname(whole), made)
                with open(whole, "x", encoding="utf-8", newline="\n") as file:
                    made.append(whole)
                    file.write(text)
    except BaseException:
        with _signals_held():
            for path in reversed(made):
                with suppress(OSError):
                    (os.rmdir if os.path.isdir(path) else os.unlink)(path)
        raise


def _make_folder(path: str, made: list[str]) -> None:
    """Makes a folder and those around it, and notes which were not there."""
    missing: list[str] = []
    while path and not os.path.isdir(path):
        missing.append(path)
        path = os.path.dirname(path)
    for folder in reversed(missing):
        try:
            os.mkdir(folder)
        except FileExistsError:
            if not os.path.isdir(folder):  # else another process was faster, or it ends with a slash
                raise
        else:
            made.append(folder)


@contextmanager
def _signals_held() -> Generator[None, None, None]:
    """Has Ctrl-C and the like wait for the few milliseconds in which what is done could not be told from what is not."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _reason(folder: str, error: OSError | ValueError) -> str:
    """What is wrong with where it was to be written, and what to do."""
    step = "name another folder by --output"
    if isinstance(error, FolderNotEmptyError):
        return f"{folder} is not empty, there is {error.filename} in it: {step}"
    if isinstance(error, FileExistsError):
        return f"{error.filename} is in the way: {step}"
    if isinstance(error, OSError):
        return f"{error.filename or folder} cannot be written: {error.strerror}; {step}"
    return f"{folder!r} cannot be the path of a folder: {step}"
