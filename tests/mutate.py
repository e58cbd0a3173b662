"""Breaks the runtime on purpose, in each way that `mutations.toml` lists, and shows which test notices.

    make mutations                                 all of them, two at a time
    .venv/bin/python -P tests/mutate.py NAME ...   those of these names; `*` stands for anything

For each mutation the tests run in an environment of their own: what is installed here, with `hycore` and `hypi` of `src`
in place of ours, one text exchanged. First the test files that the mutation names, then all the others. It is caught if
a test fails, and fails again when it runs alone. A copy that cannot be imported, or tests that cannot be collected,
prove nothing: such a mutation is broken.

The exit status is 1 if a mutation survives or is broken, and 2 if the tests fail with nothing changed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
import tomllib
import venv
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
SRC = ROOT / "src"
TESTS = ROOT / "tests"
PACKAGES = ("hycore", "hypi")
INSTALLED = Path(sysconfig.get_path("purelib"))

# These say nothing about how the packages behave: the wheel, the types, how much is done, and this list.
LEFT_OUT = ("test_wheel.py", "test_typing.py", "test_counts.py", "test_mutations.py")

PATIENCE = 600  # seconds for one run of tests; a single test that takes 60 has failed, as ever


class Mutation(NamedTuple):
    """One way to break the runtime; `mutations.toml` tells what the fields mean."""

    name: str
    breaks: str
    rule: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    since: tuple[int, ...] = (3, 11)

    def applied(self) -> str:
        """The text of the file with the change; raises `ValueError` if it cannot be made."""
        source = (SRC / self.file).read_text("utf-8")
        times = source.count(self.old)
        if times != 1:
            raise ValueError(f"{self.name}: the old text is in {self.file} {times} times, and not once")
        changed = source.replace(self.old, self.new)
        if changed == source:
            raise ValueError(f"{self.name}: it changes nothing")
        try:
            compile(changed, self.file, "exec", dont_inherit=True)
        except SyntaxError as error:
            raise ValueError(f"{self.name}: the new text makes no Python of {self.file}: {error}") from error
        for file in self.files():
            if not (TESTS / file).is_file():
                raise ValueError(f"{self.name}: there is no {file}")
        return changed

    def files(self) -> list[str]:
        """The files of tests that are run first."""
        return [f"test_{name}.py" for name in self.tests]


def mutations() -> list[Mutation]:
    """All that are listed, in order."""
    listed = tomllib.loads((TESTS / "mutations.toml").read_text("utf-8"))["mutation"]
    for fields in listed:
        fields.update({key: tuple(fields[key]) for key in ("tests", "since") if key in fields})
    return [Mutation(**fields) for fields in listed]


class Outcome(NamedTuple):
    """How a run of tests ended: `failed` is the first test that did, and `text` what pytest printed."""

    status: int | None
    failed: str | None
    text: str


class Environment:
    """A virtual environment with what is installed here, and our packages as a wheel of `src` would install them."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, symlinks=True)
        self.folder = folder
        self.process: subprocess.Popen[str] | None = None
        self.python = folder / "bin" / "python"
        self.packages = packages = folder / INSTALLED.relative_to(sys.prefix)
        (wheel,) = INSTALLED.glob("hyperion_runtime-*.dist-info")
        ours = (wheel.name, *PACKAGES)
        for path in INSTALLED.iterdir():
            if path.name not in (*ours, "__pycache__"):
                (packages / path.name).symlink_to(path)
        for path in (wheel, *[SRC / name for name in PACKAGES]):
            shutil.copytree(path, packages / path.name, ignore=shutil.ignore_patterns("__pycache__"))
        self.record = packages / wheel.name / "RECORD"
        self.write_record()
        self.take_commands()
        if Path(self.asked("import hycore; print(hycore.__file__)")) != packages / "hycore" / "__init__.py":
            raise RuntimeError(f"{self.python} does not import the copy in {packages}")

    def take_commands(self) -> None:
        """Has the commands that are installed here; those that are Python run in this environment."""
        for path in Path(sys.prefix, "bin").iterdir():
            command = self.python.with_name(path.name)
            if command.exists():
                continue
            first, _, rest = path.read_bytes().partition(b"\n")
            if first.startswith(f"#!{sys.prefix}{os.sep}".encode()):
                command.write_bytes(f"#!{self.python}\n".encode() + rest)
                command.chmod(0o755)
            else:
                command.symlink_to(path)

    def write_record(self) -> None:
        """Lists our files as they are: a changed one must not look like a damaged installation."""
        lines = self.record.read_text("utf-8").splitlines()
        lines = [line for line in lines if not line.startswith(tuple(f"{name}/" for name in PACKAGES))]
        for name in PACKAGES:
            for path in sorted((self.packages / name).rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    data = path.read_bytes()
                    digest = urlsafe_b64encode(sha256(data).digest()).decode().rstrip("=")
                    lines.append(f"{path.relative_to(self.packages)},sha256={digest},{len(data)}")
        self.record.write_text("\n".join([*lines, ""]), "utf-8")

    def asked(self, script: str) -> str:
        """What a script prints in this environment; raises `CalledProcessError` if it fails."""
        command = [self.python, "-I", "-c", script]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()

    @contextmanager
    def changed(self, file: str, text: str) -> Iterator[None]:
        """Has another text in one file of the packages for a while."""
        path = self.packages / file
        compiled = Path(importlib.util.cache_from_source(str(path)))
        before = path.read_text("utf-8")
        try:
            compiled.unlink(missing_ok=True)
            path.write_text(text, "utf-8")
            self.write_record()
            yield
        finally:
            path.write_text(before, "utf-8")
            self.write_record()
            compiled.unlink(missing_ok=True)

    def test(self, tests: Sequence[str], *, without: Sequence[str] = ()) -> Outcome:
        """Runs tests, files or single ones, until the first fails."""
        # CI=1: property tests try the same examples each time, and leave none behind.
        environ = {**os.environ, "CI": "1", "PYTHONPATH": "", "VIRTUAL_ENV": str(self.folder)}
        temporary = self.folder / "tmp"
        options = ["-x", "-q", "-rfE", "--tb=short", "--no-header", "-p", "no:cacheprovider"]
        command = [self.python, "-P", "-m", "pytest", *options, f"--basetemp={temporary}"]
        self.process = process = subprocess.Popen(
            [
                *command,
                *[f"--deselect=tests/{test}" for test in without],
                *[f"tests/{test}" for test in tests],
            ],
            cwd=ROOT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            text, _ = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            return Outcome(None, None, f"no end after {PATIENCE} s")
        finally:
            self.stop()
            process.communicate()
            shutil.rmtree(temporary, ignore_errors=True)
        failed = re.search(r"^FAILED tests/(\S+::.+?)(?: - .*)?$", text, re.MULTILINE)
        return Outcome(process.returncode, failed[1] if failed else None, text)

    def stop(self) -> None:
        """Ends the tests that run here, with all that they have started."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)


def all_files() -> list[str]:
    """The files of tests that say something about the packages."""
    return sorted(path.name for path in TESTS.glob("test_*.py") if path.name not in LEFT_OUT)


def verdict(mutation: Mutation, environment: Environment) -> tuple[bool, str]:
    """Whether a mutation is caught, and by what; else what is wrong with it."""
    with environment.changed(mutation.file, mutation.applied()):
        module = mutation.file.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        try:
            environment.asked(f"import {module}")
        except subprocess.CalledProcessError as error:
            return False, f"BROKEN: it cannot be imported\n{error.stderr}"
        first = mutation.files()
        unsteady: list[str] = []  # what failed once, and not again
        for files in (first, [file for file in all_files() if file not in first]):
            while True:
                outcome = environment.test(files, without=unsteady)
                if outcome.status == 0:
                    break
                if outcome.status != 1 or outcome.failed is None:
                    return False, f"BROKEN: the tests cannot be run\n{outcome.text}"
                if environment.test([outcome.failed]).status == 1:
                    return True, f"caught by {outcome.failed}"
                unsteady.append(outcome.failed)
    return False, " ".join(["SURVIVED", *[f"(though {test} failed once)" for test in unsteady]])


def main() -> int:
    """Runs what the command line asks for."""
    parser = argparse.ArgumentParser(
        description="Breaks the runtime on purpose; a test must notice each time."
    )
    parser.add_argument("-j", "--jobs", type=int, default=1, help="how many mutations at once")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="only these, without the run with nothing changed"
    )
    options = parser.parse_args()
    chosen = mutations()
    problems: list[str] = []
    for mutation in chosen:
        try:
            mutation.applied()
        except ValueError as error:
            problems.append(str(error))
    if problems:
        print(*problems, sep="\n")
        return 1
    for mutation in chosen:
        if sys.version_info < mutation.since:
            version = ".".join(map(str, mutation.since))
            print(f"left out: {mutation.name} makes a difference only since Python {version}")
    chosen = [mutation for mutation in chosen if sys.version_info >= mutation.since]
    if options.names:
        chosen = [each for each in chosen if any(fnmatchcase(each.name, name) for name in options.names)]
        if not chosen:
            parser.error(f"no mutation is called {' or '.join(options.names)}")
    with tempfile.TemporaryDirectory(prefix="hyperion-mutations-") as folder:
        environments = [Environment(Path(folder).resolve() / f"{number}") for number in range(options.jobs)]
        if not options.names:
            print("with nothing changed ... ", end="", flush=True)
            outcome = environments[0].test(all_files())
            if outcome.status != 0:
                print(f"the tests fail\n{outcome.text}")
                return 2
            print(outcome.text.strip().splitlines()[-1])
        return run(chosen, environments)


def run(chosen: Sequence[Mutation], environments: Sequence[Environment]) -> int:
    """Tries each mutation, as many at once as there are environments, and tells of each when it is done."""
    free: queue.SimpleQueue[Environment] = queue.SimpleQueue()
    for environment in environments:
        free.put(environment)

    def judge(mutation: Mutation) -> tuple[Mutation, bool, str, float]:
        environment = free.get()
        start = time.monotonic()
        try:
            return (mutation, *verdict(mutation, environment), time.monotonic() - start)
        finally:
            free.put(environment)

    missed: list[str] = []
    pool = ThreadPoolExecutor(len(environments))
    try:
        waiting = [pool.submit(judge, mutation) for mutation in chosen]
        for number, done in enumerate(as_completed(waiting), start=1):
            mutation, caught, words, seconds = done.result()
            if not caught:
                missed.append(f"{mutation.name} ({mutation.rule}): {mutation.breaks}")
            print(
                f"[{number}/{len(chosen)}] {mutation.rule} {mutation.name}: {words} ({seconds:.0f} s)",
                flush=True,
            )
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for environment in environments:  # after Ctrl-C, where tests still run
            environment.stop()
        pool.shutdown()
    print(f"{len(chosen) - len(missed)} of {len(chosen)} mutations are caught by a test")
    for line in missed:
        print(f"not caught: {line}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
