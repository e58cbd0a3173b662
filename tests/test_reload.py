"""`hyperion run --reload` in processes of its own: what starts an application anew, what does not, and how it ends."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest

from hypi.cli._sources import Sources, sources_of

HYPERION = ["-P", "-W", "error", "-m", "hypi"]
pytestmark = pytest.mark.usefixtures("signals_that_are_not_ignored")
WAIT = 40  # seconds; far more than anything here takes

PLUGIN = """
import os, sys, time, uuid
from dataclasses import dataclass
from hycore import PluginEXT

VERSION = 1

def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

def wait_for(name):
    while not os.path.exists(name):
        time.sleep(0.01)

def write(path, old, new):
    with open(path) as file:
        text = file.read()
    with open(path, "w") as file:
        file.write(text.replace(old, new))

@dataclass
class Config:
    name: str = "lines"

class P(PluginEXT):
    UUID, NAME, DESCRIPTION = uuid.UUID(int=1), "__EXT_lines", "A plugin"
    CREATE_INFO = Config
    def __init__(self, config):
        self.config = config
    def teardown(self):
        say("down", self.config.name, VERSION)

def up(instance):
    plugin = instance.require_plugin_ext(P)
    say("up", plugin.config.name, VERSION)
"""

HOST = """
import time

def main(instance, args):
    import lines
    lines.up(instance)
    while True:
        time.sleep(0.05)
"""


class Place:
    """A folder with an application, and an installed extension elsewhere."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "app"
        self.folder.mkdir()
        self.site = folder / "site"
        self.plugin = self.site / "lines/__init__.py"
        self.plugin.parent.mkdir(parents=True)
        self.plugin.write_text(PLUGIN)
        info = self.site / "lines-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lines\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[hycore.plugins]\n__EXT_lines = lines:P\n")
        self.host = self.folder / "host.py"
        self.host.write_text(HOST)
        self.file = self.folder / "app.toml"
        self.file.write_text(
            '[application]\nname = "test"\nversion = "1.0.0"\nmain = "host:main"\n'
            '[engine]\nname = "e"\nversion = "0.1.0"\n'
            '[instance]\nenabled_extensions = ["__EXT_lines"]\n[ext."__EXT_lines"]\nname = "lines"\n'
        )
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name
            not in {"COLUMNS", "FORCE_COLOR", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONWARNINGS"}
        }
        self.environment["PYTHONPATH"] = str(self.site)

    def replace(self, path: Path, old: str, new: str) -> None:
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def main(self, source: str) -> None:
        self.host.write_text(textwrap.dedent(source))


class Run:
    """A process whose lines, on standard output and standard error, are read as they come."""

    def __init__(
        self, place: Place, *words: str, command: list[str] = HYPERION, terminal: bool = False
    ) -> None:
        self.text = b""
        self.terminal = -1
        if terminal:
            self.terminal, writer = pty.openpty()
            self.reader = self.terminal
        else:
            self.reader, writer = os.pipe()
        line = [sys.executable, *command, "run", "app.toml", "--reload", *words]
        if terminal:  # it has to be its own, for Ctrl-C to reach all who read it
            line = [sys.executable, "-c", TAKE_TERMINAL, *line]
        self.process = subprocess.Popen(
            line,
            cwd=place.folder,
            env=place.environment,
            stdin=writer if terminal else subprocess.DEVNULL,
            stdout=writer,
            stderr=writer,
            start_new_session=True,
        )
        os.close(writer)

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()  # what it runs ends with it
        self.process.wait(WAIT)
        os.close(self.reader)

    def line(self) -> str | None:
        """The next line, or `None` at the end."""
        end = time.monotonic() + WAIT
        while b"\n" not in self.text:
            ready, _, _ = select.select([self.reader], [], [], max(0, end - time.monotonic()))
            assert ready, f"no line in {WAIT} seconds; so far {self.text!r}"
            try:
                more = os.read(self.reader, 65536)
            except OSError:  # how a terminal on Linux says that nobody has it open any more
                more = b""
            if not more:
                return None
            self.text += more
        line, self.text = self.text.split(b"\n", 1)
        return line.decode().removesuffix("\r")

    def until(self, expected: str) -> list[str]:
        """Reads up to a line, and returns what came before it."""
        lines: list[str] = []
        while (line := self.line()) != expected:
            assert line is not None, f"no line {expected!r} in {lines}"
            lines.append(line)
        return lines

    def until_up(self) -> None:
        """Reads the first two lines, which come from two processes."""
        assert {self.line(), self.line()} == {"up lines 1", WATCHING}

    def end(self) -> tuple[list[str], int]:
        """Reads up to the end, when nobody is left who could write."""
        lines: list[str] = []
        while (line := self.line()) is not None:
            lines.append(line)
        return lines, self.process.wait(WAIT)

    def ask_to_end(self, number: int = signal.SIGTERM) -> tuple[list[str], int]:
        self.process.send_signal(number)
        return self.end()


TAKE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""

# With less patience.
QUICK = [
    "-P",
    "-c",
    "import sys; from hypi.cli import _reload, main; _reload._END_LIMIT = 0.3; sys.exit(main())",
]

WATCHING = "hyperion: watching 3 files; a change of one starts the application anew"
ENDED = "hyperion: the application has ended with status {}; a change of a file starts it anew"
CHANGED = "hyperion: {} has changed: the application starts anew"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def run(place: Place) -> Iterator[Run]:
    """One that is up."""
    with Run(place) as started:
        started.until_up()
        yield started


# What starts it anew.


def test_a_change_of_the_plugin(place: Place, run: Run) -> None:
    """The old one is torn down before the new one comes up."""
    place.replace(place.plugin, "VERSION = 1", "VERSION = 2")
    assert run.until("up lines 2") == [CHANGED.format(place.plugin), "down lines 1"]
    place.replace(place.plugin, "VERSION = 2", "VERSION = 3")
    assert run.until("up lines 3") == [CHANGED.format(place.plugin), "down lines 2"]
    assert run.ask_to_end() == (["down lines 3"], 143)


def test_a_change_of_the_application_file(place: Place, run: Run) -> None:
    """It is read again."""
    place.replace(place.file, '"lines"\n', '"words"\n')
    assert run.until("up words 1") == [CHANGED.format("app.toml"), "down lines 1"]


def test_a_change_of_what_lies_beside_the_application_file(place: Place, run: Run) -> None:
    """Its main, other modules, and packages: those that were there, and those that come."""
    place.main("import other\ndef main(instance, args):\n    print(other.TEXT, flush=True)\n")
    run.until(CHANGED.format("host.py"))
    run.until(ENDED.format(2))  # there is no module other yet
    (place.folder / "other").mkdir()
    time.sleep(0.3)  # so that the folder is not seen together with the file
    (place.folder / "other/__init__.py").write_text("from other.text import TEXT\n")
    run.until(CHANGED.format("other/__init__.py"))
    run.until(ENDED.format(2))
    (place.folder / "other/text.py").write_text("TEXT = 'here it is'\n")
    run.until(CHANGED.format("other/text.py"))
    assert run.until("here it is") == []


def test_a_new_module_of_a_package(place: Place, run: Run) -> None:
    """Also in a folder that was not there."""
    place.replace(place.plugin, "VERSION = 1", "from lines.deep.version import VERSION")
    run.until(ENDED.format(1))
    (place.plugin.parent / "deep").mkdir()
    (place.plugin.parent / "deep/version.py").write_text("VERSION = 2\n")
    run.until("up lines 2")


def test_a_change_by_renaming(place: Place, run: Run) -> None:
    """As many editors save."""
    other = place.plugin.with_name("4913")
    other.write_text(PLUGIN.replace("VERSION = 1", "VERSION = 2"))
    other.replace(place.plugin)
    assert run.until("up lines 2") == [CHANGED.format(place.plugin), "down lines 1"]
    backup = place.plugin.with_name("__init__.py~")
    place.plugin.rename(backup)
    place.plugin.write_text(PLUGIN.replace("VERSION = 1", "VERSION = 3"))
    run.until("up lines 3")


def test_a_change_of_the_same_size_in_the_same_second(place: Place) -> None:
    """What Python has compiled of the old one would pass for the new one."""
    second = time.time_ns() // 10**9 * 10**9
    os.utime(place.plugin, ns=(second, second))
    with Run(place) as run:
        run.until_up()
        place.replace(place.plugin, "VERSION = 1", "VERSION = 2")
        os.utime(place.plugin, ns=(second, second + 10**6))
        run.until("up lines 2")


SLOW_WATCHER = """
import os, sys, time
from hypi.cli import main
from hypi.cli._sources import Sources

def of_json(value, real=Sources.of_json):
    while not os.path.exists("changed"):
        time.sleep(0.01)
    return real(value)

Sources.of_json = of_json
sys.exit(main())
"""


def test_a_change_while_it_starts(place: Place) -> None:
    """Of a module that has been imported, before it is watched and the application is up."""
    place.plugin.write_text(
        f"{PLUGIN}\n"
        'if not os.path.exists("changed"):\n'
        '    write(__file__, "VERSION = 1\\n", "VERSION = 2\\n")\n'
        '    open("changed", "w").close()\n'
    )
    with Run(place, command=["-P", "-c", SLOW_WATCHER]) as run:
        run.until("up lines 2")
        assert run.ask_to_end() == (["down lines 2"], 143)


def test_a_change_while_it_ends(place: Place) -> None:
    """It counts for what starts next, and starts nothing more."""
    source = PLUGIN.replace(
        'say("down"',
        'VERSION == 2 and write(__file__, "VERSION = 2\\n", "VERSION = 3\\n")\n        say("down"',
    )
    place.plugin.write_text(source)
    with Run(place) as run:
        run.until_up()
        place.replace(place.plugin, "VERSION = 1\n", "VERSION = 2\n")
        run.until("up lines 2")
        place.replace(place.host, "0.05", "0.06")
        assert run.until("up lines 3") == [CHANGED.format("host.py"), "down lines 2"]
        assert run.ask_to_end() == (["down lines 3"], 143)


def test_several_changes_are_told_as_one(place: Place, run: Run) -> None:
    """With the first of them."""
    changed = PLUGIN.replace("VERSION = 1", "VERSION = 2")
    for path in (place.host, place.plugin):  # one after the other, within a moment
        path.with_suffix(".new").write_text(changed if path == place.plugin else f"{HOST}\n")
    for path in (place.host, place.plugin):
        path.with_suffix(".new").replace(path)
    assert run.until("up lines 2") == [
        "hyperion: host.py and 1 more have changed: the application starts anew",
        "down lines 1",
    ]


def test_what_is_no_source_starts_nothing(place: Place, run: Run) -> None:
    """What editors, Python and the application itself write."""
    for folder in (place.folder, place.plugin.parent):
        (folder / "__pycache__").mkdir(exist_ok=True)
        (folder / ".git").mkdir()
        (folder / "cache").mkdir()
        for name in (
            "__pycache__/x.py",
            ".git/x.py",
            ".x.py.swp",
            ".#x.py",
            "#x.py#",
            "x.py~",
            "4913",
            "x.pyc",
            "cache/data.json",
            "notes.toml",
        ):
            (folder / name).write_text("")
    (place.site / "stranger.py").write_text("")
    os.utime(place.plugin, ns=(0, place.plugin.stat().st_mtime_ns))  # it is only read
    place.replace(place.plugin, "VERSION = 1", "VERSION = 2")
    assert run.until("up lines 2") == [CHANGED.format(place.plugin), "down lines 1"]


def test_an_extension_that_is_installed_later(place: Place) -> None:
    """Its files are watched as soon as the application starts with it."""
    enabled = 'enabled_extensions = ["__EXT_lines"]\n'
    place.replace(place.file, enabled, f'{enabled}optional_extensions = ["__EXT_more"]\n')
    with Run(place) as run:
        run.until("up lines 1")
        more = place.site / "more.py"
        more.write_text(PLUGIN.replace("__EXT_lines", "__EXT_more").replace("int=1", "int=2"))
        info = place.site / "more-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: more\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[hycore.plugins]\n__EXT_more = more:P\n")
        place.replace(place.host, "0.05", "0.06")
        run.until("up lines 1")
        place.replace(more, "VERSION = 1", "VERSION = 2")
        run.until(CHANGED.format(more))
        run.until("up lines 1")
        assert run.ask_to_end() == (["down lines 2", "down lines 1"], 143)


# What does not start, and what ends by itself.


@pytest.mark.parametrize(
    ("name", "wrong", "status"), [("plugin", "(", 1), ("plugin", "raise SystemExit(0)", 1), ("file", "[", 2)]
)
def test_what_is_broken_is_told_and_waited_for(
    place: Place, run: Run, name: str, wrong: str, status: int
) -> None:
    """Until it is mended."""
    path: Path = getattr(place, name)
    right = path.read_text()
    path.write_text(f"{wrong}\n{right}")
    lines = run.until(ENDED.format(status))
    assert lines[1] == "down lines 1"
    assert any(line.startswith("hyperion: app.toml:") for line in lines)
    path.write_text(right)
    run.until("up lines 1")
    assert run.ask_to_end() == (["down lines 1"], 143)


def test_what_is_broken_at_first(place: Place) -> None:
    """A first start is not different."""
    place.plugin.write_text("(")
    with Run(place) as run:
        run.until(ENDED.format(1))
        place.plugin.write_text(PLUGIN)
        run.until("up lines 1")


def test_a_file_that_goes_and_comes_again(place: Place, run: Run) -> None:
    """As with another branch: a package, and the application file."""
    for path in (place.plugin.parent, place.file):
        path.rename(path.with_name("away"))
        lines = run.until(ENDED.format(1 if path.name == "lines" else 2))
        assert "down lines 1" in lines
        path.with_name("away").rename(path)
        run.until("up lines 1")


@pytest.mark.parametrize(("deed", "status"), [("return", 0), ("return 3", 3), ("1 / 0", 1)])
def test_what_ends_by_itself_starts_with_the_next_change(
    place: Place, run: Run, deed: str, status: int
) -> None:
    """Whatever its status is."""
    place.main(f"def main(instance, args):\n    {deed}\n")
    lines = run.until(ENDED.format(status))
    told = ["hyperion: main failed: ZeroDivisionError: division by zero", "--traceback shows where"]
    downs = ["down lines 1", *(told if deed == "1 / 0" else []), "down lines 1"]
    assert lines == [CHANGED.format("host.py"), *downs]
    place.main(HOST)
    run.until("up lines 1")
    assert run.ask_to_end() == (["down lines 1"], 143)


def test_what_is_killed_is_told(place: Place, run: Run) -> None:
    """With the signal that did it."""
    place.main("import os\ndef main(instance, args):\n    os.kill(os.getpid(), 9)\n")
    run.until("hyperion: the application has ended by SIGKILL; a change of a file starts it anew")


# Signals.

SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


@pytest.mark.parametrize(("number", "status"), SIGNALS)
def test_a_signal_ends_both(run: Run, number: int, status: int) -> None:
    """With everything torn down, once."""
    assert run.ask_to_end(number) == (["down lines 1"], status)


@pytest.mark.parametrize(("number", "status"), SIGNALS)
def test_a_signal_while_it_waits_for_a_change(place: Place, number: int, status: int) -> None:
    """There is nothing to tear down."""
    place.main("def main(instance, args):\n    return 5\n")
    with Run(place) as run:
        run.until(ENDED.format(5))
        assert run.ask_to_end(number) == ([], status)


SLOW_END = PLUGIN.replace('say("down"', 'say("ending"); time.sleep(0.3); say("down"')
"""The teardown takes so long that a second signal would come before its end."""


@pytest.mark.parametrize(("number", "status"), SIGNALS)
def test_a_signal_while_it_ends_for_a_change(place: Place, number: int, status: int) -> None:
    """The teardown that has begun goes on, and nothing starts after it."""
    place.plugin.write_text(SLOW_END)
    with Run(place) as run:
        run.until_up()
        place.replace(place.host, "0.05", "0.06")
        run.until("ending")
        assert run.ask_to_end(number) == (["down lines 1"], status)


def test_a_change_after_a_signal_starts_nothing(place: Place) -> None:
    """Nor does it hurry the teardown."""
    place.plugin.write_text(SLOW_END)
    with Run(place) as run:
        run.until_up()
        run.process.send_signal(signal.SIGTERM)
        run.until("ending")
        place.replace(place.host, "0.05", "0.06")
        assert run.end() == (["down lines 1"], 143)


def test_a_signal_that_the_application_survives_does_not_count(place: Place) -> None:
    """Ctrl-C may cancel one of its commands."""
    place.main("""
    import time
    def main(instance, args):
        import lines
        lines.up(instance)
        while True:
            try:
                time.sleep(60)
            except KeyboardInterrupt as interrupt:
                if hasattr(interrupt, "number"):  # it is SIGTERM
                    raise
                lines.say("cancelled")
    """)
    with Run(place, command=QUICK) as run:
        run.until_up()
        run.process.send_signal(signal.SIGINT)
        run.until("cancelled")
        place.replace(place.plugin, "VERSION = 1", "VERSION = 2")
        assert run.until("up lines 2") == [CHANGED.format(place.plugin), "down lines 1"]
        assert run.ask_to_end() == (["down lines 2"], 143)


def test_a_signal_to_its_group_comes_once(place: Place) -> None:
    """As `timeout` sends it."""
    place.plugin.write_text(SLOW_END)
    with Run(place) as run:
        run.until_up()
        os.killpg(run.process.pid, signal.SIGTERM)
        assert run.end() == (["ending", "down lines 1"], 143)


def test_a_second_signal_leaves_teardown_unfinished(place: Place) -> None:
    """As without --reload."""
    place.plugin.write_text(PLUGIN.replace('say("down"', 'say("ending"); wait_for("go"); say("down"'))
    with Run(place) as run:
        run.until_up()
        run.process.send_signal(signal.SIGINT)
        run.until("ending")
        ended = ["hyperion: stopped by a second signal; teardown is left unfinished"]
        assert run.ask_to_end(signal.SIGINT) == (ended, 130)


def test_a_main_that_handles_a_signal_has_the_last_word(place: Place) -> None:
    """Its status counts."""
    place.main("""
    import time
    def main(instance, args):
        import lines
        try:
            lines.up(instance)
            while True:
                time.sleep(0.05)
        except KeyboardInterrupt:
            return 7
    """)
    with Run(place) as run:
        run.until_up()
        assert run.ask_to_end(signal.SIGINT) == (["down lines 1"], 7)


def test_a_signal_that_is_ignored_stays_so(place: Place) -> None:
    """As under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        run = Run(place)
    finally:
        signal.signal(signal.SIGHUP, before)
    with run:
        run.until_up()
        run.process.send_signal(signal.SIGHUP)
        place.replace(place.plugin, "VERSION = 1", "VERSION = 2")
        run.until("up lines 2")
        assert run.ask_to_end() == (["down lines 2"], 143)


def test_with_the_command_the_application_ends(run: Run) -> None:
    """And is torn down, however the command has ended."""
    run.process.kill()
    assert run.end() == (["down lines 1"], -signal.SIGKILL)


def test_what_does_not_end_is_killed(place: Place) -> None:
    """After a time."""
    place.main("""
    import time
    def main(instance, args):
        while True:
            try:
                print("ready", flush=True)
                time.sleep(60)
            except KeyboardInterrupt:
                pass
    """)
    with Run(place, command=QUICK) as run:
        run.until("ready")
        place.main("def main(instance, args):\n    return 0\n")
        lines = run.until(ENDED.format(0))
        killed = "hyperion: the application did not end within 0.3 s after SIGTERM, and is killed"
        lines = [line for line in lines if line != WATCHING]
        assert lines == [CHANGED.format("host.py"), "ready", killed, "down lines 1"]


def test_what_cannot_be_watched_is_ended_and_told(place: Place) -> None:
    """The system allows a user so many watches and no more."""
    script = (
        "import sys, watchfiles; from hypi.cli import main\n"
        "def watch(*_, **__): raise OSError('no more of them')\n"
        "watchfiles.watch = watch; sys.exit(main())"
    )
    with Run(place, command=["-P", "-c", script]) as run:
        lines, status = run.end()
    assert lines[-1] == "down lines 1" or "up lines 1" not in lines
    assert [line for line in lines if line.startswith("hyperion: the sources cannot be watched")] == [
        "hyperion: the sources cannot be watched: no more of them; WATCHFILES_FORCE_POLLING=1 in the environment "
        "looks at them again and again instead"
    ]
    assert status == 1


# On a terminal.


def test_on_a_terminal_ctrl_c_comes_once(place: Place) -> None:
    """From the terminal, which sends it to both."""
    place.plugin.write_text(SLOW_END)
    with Run(place, terminal=True) as run:
        run.until_up()
        os.write(run.terminal, b"\x03")
        lines, status = run.end()
        assert [line.removeprefix("^C") for line in lines if line != "^C"] == ["ending", "down lines 1"]
        assert status == 130


@pytest.mark.parametrize(("number", "status"), SIGNALS)
def test_on_a_terminal_other_signals_are_handed_on(place: Place, number: int, status: int) -> None:
    """Those that somebody sends to the command alone."""
    with Run(place, terminal=True) as run:
        run.until_up()
        assert run.ask_to_end(number) == (["down lines 1"], status)


def test_on_a_terminal_the_application_can_read_it(place: Place) -> None:
    """A debugger, for instance; after a change too."""
    place.main("""
    def main(instance, args):
        import lines
        lines.up(instance)
        while True:
            print("got", input())
    """)
    with Run(place, terminal=True) as run:
        run.until_up()
        os.write(run.terminal, b"words\n")
        run.until("got words")
        place.replace(place.plugin, "VERSION = 1", "VERSION = 2")
        run.until("up lines 2")
        os.write(run.terminal, b"more\n")
        run.until("got more")


# How it is called.


def test_the_application_is_started_as_the_command_was(place: Place) -> None:
    """With its options and words, those of Python too; nothing tells it that it is watched."""
    place.main("""
    import os, sys
    def main(instance, args):
        print(args, sys.argv[1:], sys.flags.safe_path, sys.warnoptions, any("WATCHER" in name for name in os.environ), flush=True)
    """)
    words = ["--set", "ext.__EXT_lines.name=words", "--", "a", "--reload", ""]
    with Run(place, *words) as run:
        args = ["a", "--reload", ""]
        argv = ["run", "app.toml", *words[:2], "--", *args]
        run.until(f"{args} {argv} True ['error'] False")
        run.until("down words 1")


def test_only_the_process_of_the_application_imports_it(place: Place) -> None:
    """The one that watches runs no code of others."""
    place.plugin.write_text(f"{PLUGIN}\nsay('imported in', os.getpid())\n")
    with Run(place) as run:
        lines = run.until("up lines 1")
        place.replace(place.plugin, "VERSION = 1", "VERSION = 2")
        lines += run.until("up lines 2")
        imported = {line for line in lines if line.startswith("imported in ")}
        assert len(imported) == 2
        assert f"imported in {run.process.pid}" not in imported


def refused(place: Place, *words: str, script: str = "") -> tuple[str, int]:
    command = ["-c", f"{script}; from hypi.cli import main; sys.exit(main())"] if script else ["-m", "hypi"]
    done = subprocess.run(
        [sys.executable, "-P", "-W", "error", *command, "run", *words, "--reload"],
        cwd=place.folder,
        env=place.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
    )
    assert done.stdout == ""
    return done.stderr, done.returncode


def test_without_the_library_it_says_how_to_get_it(place: Place) -> None:
    """It is an extra."""
    stderr, status = refused(place, "app.toml", script="import sys; sys.modules['watchfiles'] = None")
    assert status == 1
    assert stderr.startswith("hyperion: --reload needs watchfiles (")
    assert stderr.endswith("): pip install 'hyperion-runtime[reload]'\n")
    extra = [each for each in requires("hyperion-runtime") or [] if "extra ==" in each and "reload" in each]
    assert [each.partition("<")[0] for each in extra] == ["watchfiles"]


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("nothing.toml", "there is no such file; name the application file, such as app.toml"),
        (".", "cannot be read: Is a directory"),
    ],
)
def test_a_file_that_is_not_there_is_not_waited_for(place: Place, file: str, reason: str) -> None:
    """It is a mistake in the command line."""
    assert refused(place, file) == (f"hyperion: {file}: {reason}\n", 2)


def test_a_file_that_can_be_read_only_once_is_refused(place: Place) -> None:
    """It could not be read again."""
    os.mkfifo(place.folder / "pipe")
    stderr, status = refused(place, "pipe")
    assert stderr == "hyperion: pipe: is no regular file: write it to one, such as app.toml\n"
    assert status == 2


# What the sources are.


def test_the_sources_of_modules(site: Any, tmp_path: Path) -> None:
    """A single module is its file, any other one its whole package; what nobody finds is left out."""
    single = site.module("single", "raise SystemExit")
    deep = site.module("whole.deep.inner", "raise SystemExit")
    site.module("whole.__init__", "raise SystemExit")
    site.module("shared.one.__init__", "raise SystemExit")
    other = site.module("shared.other.mod", "raise SystemExit")
    app = tmp_path / "app.toml"
    app.write_text("")
    modules = ["single", "whole.deep.inner", "shared.other.mod", "absent", "absent.too", "sys", "json"]
    sources = sources_of(str(app), modules)
    assert sources.files == (str(app), str(single))
    assert sources.folder == str(tmp_path)
    standard = os.path.dirname(json.__file__)
    assert sources.packages == (str(site.folder / "whole"), str(site.folder / "shared/other"), standard)
    seen = {file for file in sources.look()[0] if standard not in file}
    assert seen == {str(app), str(single), str(deep), str(site.folder / "whole/__init__.py"), str(other)}
    assert Sources.of_json(json.loads(json.dumps(sources.as_json()))) == sources


def test_a_finder_that_fails_costs_its_module_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The application will tell."""

    class Finder:
        @staticmethod
        def find_spec(name: str, path: object, target: object = None) -> None:
            raise ZeroDivisionError

    monkeypatch.setattr(sys, "meta_path", [Finder])
    assert sources_of(str(tmp_path / "app.toml"), ["unheard_of"]).packages == ()


def look_after(change: Callable[[], object], sources: Sources) -> set[str]:
    """The names of the files that are seen to have changed."""
    before = sources.look()[0]
    change()
    after = sources.look()[0]
    return {Path(file).name for file in {**before, **after} if before.get(file) != after.get(file)}


def test_a_link_is_seen_as_what_it_leads_to(tmp_path: Path) -> None:
    """An installation may be a farm of links."""
    real, farm = tmp_path / "real", tmp_path / "farm"
    for folder in (real, farm):
        folder.mkdir()
    (real / "a.py").write_text("1")
    (farm / "a.py").symlink_to(real / "a.py")
    (farm / "gone.py").symlink_to(real / "gone.py")
    (farm / "loop.py").symlink_to(farm / "loop.py")
    sources = Sources((), str(tmp_path / "elsewhere"), (str(farm),))
    assert look_after(lambda: (real / "a.py").write_text("23"), sources) == {"a.py"}
    assert look_after(lambda: (real / "gone.py").write_text("1"), sources) == {"gone.py"}
    assert sources.look()[1] == {str(tmp_path), str(real), str(farm)}


def test_what_is_gone_with_the_folders_around_it_is_waited_for(tmp_path: Path) -> None:
    """In the nearest one that is there, as with another branch; each that comes is one more to watch."""
    place = tmp_path / "outer" / "inner" / "app"
    sources = sources_of(str(place / "app.toml"), ())
    for folder in (tmp_path, tmp_path / "outer", tmp_path / "outer" / "inner"):
        folder.mkdir(exist_ok=True)
        assert sources.look() == ({}, frozenset([str(folder)]))
    place.mkdir()
    (place / "app.toml").touch()
    seen, folders = sources.look()
    assert list(seen) == [str(place / "app.toml")]
    assert folders == {str(place), str(place.parent)}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_hides_nothing_else(tmp_path: Path) -> None:
    """It is left out."""
    (tmp_path / "closed").mkdir(mode=0)
    (tmp_path / "a.py").touch()
    assert {Path(file).name for file in Sources((), "", (str(tmp_path),)).look()[0]} == {"a.py"}
