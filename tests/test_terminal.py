"""What a person sees: the commands in a terminal of 80 columns, as plain text in tests/terminal; and nothing of it in a pipe.

The terminal is a real one to the commands (a pseudo-terminal), and an emulator draws what they write. Times are masked. Lines
that are longer than the terminal is wide are shown whole: where they are broken depends on the folder.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyte
import pytest

HERE = Path(__file__).parent
# An import that a signal interrupts leaves its file to the collector, which warns.
INTERRUPTED_IMPORT = "ignore:unclosed file <_io.BufferedReader:ResourceWarning"
HYPERION = [sys.executable, "-P", "-W", "error", "-W", INTERRUPTED_IMPORT, "-m", "hypi"]
COLUMNS, LINES = 80, 120
WIDEST = 500
WAIT = 50  # seconds; far more than anything here takes
pytestmark = pytest.mark.usefixtures("signals_that_are_not_ignored")

# What makes the terminal the one whose Ctrl-C the command gets.
IN_TERMINAL = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"

PLUGIN = """
import time, uuid
from dataclasses import dataclass
from hycore import PluginEXT

@dataclass
class Config:
    limit: int
    title: str = "none"

class P(PluginEXT):
    \"\"\"Does what its name says.\"\"\"
    UUID, NAME, DESCRIPTION = uuid.uuid5(uuid.NAMESPACE_DNS, __name__), __name__, "A plugin"
"""


@dataclass(frozen=True)
class Seen:
    """What is on the screen when a command has ended, all that it has written, and its exit status."""

    screen: pyte.Screen
    written: str
    status: int

    @property
    def text(self) -> str:
        """The lines of the screen."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip("\n") + "\n"

    @property
    def coloured(self) -> str:
        """The same, with the name of the colour before what has one: `<blue>import</>`."""
        lines: list[str] = []
        for number in range(LINES):
            line, colour = "", "default"
            for column in range(WIDEST):
                cell = self.screen.buffer[number][column]
                if cell.fg != colour:
                    line += "</>" if colour != "default" else ""
                    line += f"<{cell.fg}>" if cell.fg != "default" else ""
                    colour = cell.fg
                line += cell.data
            lines.append((line + ("</>" if colour != "default" else "")).rstrip())
        return "\n".join(lines).rstrip("\n") + "\n"


class Place:
    """A folder with extensions, in a group of their own, and an application file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        site = folder / "site"
        site.mkdir()
        for name, before, body in (
            ("lines", "", "CREATE_INFO = Config\n    def __init__(self, config): pass"),
            ("words", "", "AFTER = ('lines',)\n    def initialize(self): time.sleep(0.2)"),
            ("mail", "", "REQUIRES = ('words',)\n    def initialize(self): raise ConnectionError('refused')"),
            ("waits", "", "def initialize(self): time.sleep(40)"),
            ("broken", "import nowhere_at_all", "pass"),
        ):
            (site / f"{name}.py").write_text(f"{before}{PLUGIN}    {body}\n")
            info = site / f"{name}-1.0.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
            (info / "entry_points.txt").write_text(f"[zoo]\n{name} = {name}:P\n")
        self.write("words", "lines", optional=("mail",))
        taken = {"COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR", "PYTHONUNBUFFERED", "PYTHONWARNINGS"}
        self.environment = {name: value for name, value in os.environ.items() if name not in taken}
        self.environment |= {"PYTHONPATH": str(site), "HY_NO_CACHE": "1", "TERM": "xterm-256color"}

    def write(self, *enabled: str, optional: tuple[str, ...] = (), limit: str = "10") -> None:
        (self.folder / "app.toml").write_text(
            '[application]\nname = "test"\nversion = "1.0.0"\n\n[engine]\nname = "e"\nversion = "0.1.0"\n\n'
            f'[instance]\ngroups = ["zoo"]\nenabled_extensions = {json.dumps(enabled)}\n'
            f"optional_extensions = {json.dumps(optional)}\n"
            + (f"\n[ext.lines]\nlimit = {limit}\n" if "lines" in enabled else "")
        )

    def look(self, *words: str, keys: dict[str, str] | None = None, **environment: str) -> Seen:
        """Runs a command in the terminal; `keys` are typed when what they are for has been written."""
        reader, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", IN_TERMINAL, *HYPERION, *words],
            cwd=self.folder,
            env=self.environment | environment,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
        os.close(terminal)
        screen = pyte.Screen(WIDEST, LINES)
        stream = pyte.ByteStream(screen)
        written = b""
        typed = dict(keys or {})
        end = time.monotonic() + WAIT
        try:
            while True:
                ready, _, _ = select.select([reader], [], [], max(0, end - time.monotonic()))
                assert ready, f"it has not ended; so far {written!r}"
                try:
                    data = os.read(reader, 65536)
                except OSError:  # how a terminal on Linux says that nobody has it open any more
                    data = b""
                if not data:
                    break
                written += data
                stream.feed(data)
                for text in [text for text in typed if text.encode() in written]:
                    os.write(reader, typed.pop(text).encode())
        finally:
            if time.monotonic() > end:
                process.kill()
            status = process.wait(WAIT)
            os.close(reader)
        return Seen(screen, written.decode(), status)

    def pipe(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs a command whose output goes into pipes."""
        return subprocess.run(
            [*HYPERION, *words],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=WAIT,
            check=False,
        )

    def masked(self, text: str) -> str:
        """What is not the same on each machine and each day, with something as wide in its place."""
        text = text.replace(str(self.folder), "/place").replace(sys.executable, "/bin/python")
        text = re.sub(r"Python \d\.\d+\.\d+", "Python 3.x.y", text)
        text = re.sub(
            r" +\d+\.\d\d(?= |$|<)", lambda found: f"{'#.##':>{len(found[0])}}", text, flags=re.MULTILINE
        )
        text = re.sub(r" +[\d,]+ ms$", "  # ms", text, flags=re.MULTILINE)
        text = re.sub(r"took [\d.]+ s|in [\d.]+ s\b", "in # s", text)
        return re.sub(r"^(app.toml: )[\d.]+( ms to come)", r"\1#\2", text, flags=re.MULTILINE)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def golden(name: str, actual: str) -> str:
    """What the file has; `make golden` writes it."""
    path = HERE / "terminal" / name
    if os.environ.get("HY_GOLDEN"):
        path.write_text(actual, encoding="utf-8")
    return path.read_text("utf-8") if path.exists() else "(not there: run `make golden`, and look at it)"


def without_bars(text: str) -> str:
    """A profile without what differs from run to run: bars, and what we ourselves import."""
    text = text.partition("\nWhat they were the first")[0]
    # From a second on they have fewer digits behind the point.
    text = re.sub(r"(?m) +\d+(\.\d)?(?= |$|<)", lambda found: f"{'#.##':>{len(found[0])}}", text)
    return re.sub(r"(?m) *(?:<\w+>)?[█▉▊▋▌▍▎▏]+(?:</>(?:<\w+>[█▉▊▋▌▍▎▏]+</>)*)?$", "", text)


ZOO = ("--group", "zoo")
SCENES: dict[str, tuple[tuple[str, ...], Callable[[Place], None]]] = {
    "list": (("list", *ZOO), lambda place: None),
    "info": (("info", "lines", *ZOO), lambda place: None),
    "info_of_what_is_broken": (("info", "broken", *ZOO), lambda place: None),
    "check": (("check", "app.toml"), lambda place: None),
    "check_of_what_is_wrong": (
        ("check", "app.toml"),
        lambda place: place.write("lines", "wrds", limit='"x"'),
    ),
    "doctor": (("doctor", *ZOO), lambda place: None),
    "run_of_what_fails": (
        ("run", "app.toml", "--report"),
        lambda place: place.write("words", "mail", optional=("gone",)),
    ),
    "profile_of_what_fails": (("profile", "app.toml"), lambda place: place.write("words", "mail")),
    "new": (("new", "line-counter"), lambda place: None),
    "new_of_a_refused_name": (("new", "json"), lambda place: None),
    "new_of_a_taken_name": (("new", "words"), lambda place: None),
    "new_where_something_is": (("new", "line-counter", "--output", "site"), lambda place: None),
}


@pytest.mark.parametrize("scene", SCENES)
def test_what_a_person_sees(place: Place, scene: str) -> None:
    """Line by line, when the command has ended; nothing of its progress is left."""
    words, prepare = SCENES[scene]
    prepare(place)
    seen = place.look(*words)
    text = place.masked(seen.text)
    text = without_bars(text) if words[0] == "profile" else text
    text = f"$ hyperion {' '.join(words)}\n{text.rstrip()}\n(status {seen.status})\n"
    assert golden(f"{scene}.txt", text) == text
    if words[0] != "profile":
        assert "\x1b" not in re.sub(r"\r\x1b\[K[^\r\n]*", "", seen.written)


def test_a_profile_with_and_without_colours(place: Place) -> None:
    """Each phase has its own; without colours it is the same text."""
    seen = place.look("profile", "app.toml")
    text = without_bars(place.masked(seen.coloured)).rstrip() + "\n"
    assert golden("profile_with_colours.txt", text) == text
    plain = place.look("profile", "app.toml", NO_COLOR="1")
    text = without_bars(place.masked(plain.text)).rstrip() + "\n"
    assert golden("profile_without_colours.txt", text) == text
    assert text == re.sub(r"<\w+>|</>", "", without_bars(place.masked(seen.coloured))).rstrip() + "\n"
    assert "\x1b[3" not in plain.written
    table = [line for line in plain.text.split("\n") if not line.startswith("hyperion: ")]
    assert max(map(len, table)) < COLUMNS
    assert re.search(r"2\. words .*█", plain.text)
    assert "<blue>" in seen.coloured


def test_a_terminal_that_cannot_do_it_has_neither_colours_nor_progress(place: Place) -> None:
    """As `TERM=dumb` says."""
    seen = place.look("profile", "app.toml", TERM="dumb")
    assert "\x1b" not in seen.written
    assert seen.written.startswith("app.toml: ")


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("doctor", *ZOO), ["importing 1 of 5: ", "importing 5 of 5: "]),
        (("check", "app.toml"), ["checking app.toml"]),
        (("info", "words", *ZOO), ["importing words"]),
        (("schema", "app.toml"), ["reading app.toml"]),
        (("new", "line-counter"), ["looking whether line-counter is free"]),
        (
            ("profile", "app.toml"),
            ["profiling app.toml", "profiling app.toml: initialize of words"],
        ),
    ],
)
def test_progress_is_on_a_terminal_and_nowhere_else(
    place: Place, words: tuple[str, ...], shown: list[str]
) -> None:
    """What takes its time shows that it goes on, in one line that is gone in the end; in a pipe there is nothing of it."""
    seen = place.look(*words)
    lines = re.findall(r"\r\x1b\[K([^\r\n]*)", seen.written)
    assert [text for text in shown if any(line.startswith(text) for line in lines)] == shown
    assert lines[-1] == "" or not lines[-1].startswith(shown[0])
    assert not any(text in seen.text for text in shown)
    done = place.pipe(*words)
    assert "\x1b" not in done.stdout + done.stderr
    assert "\r" not in done.stdout + done.stderr
    assert not any(text in done.stdout + done.stderr for text in shown)


@pytest.mark.parametrize("command", ["profile", "doctor", "check"])
def test_ctrl_c_in_the_middle(place: Place, command: str) -> None:
    """The line of the progress is gone, no traceback is there, and the status says it."""
    place.write("waits")
    (place.folder / "site" / "waits.py").write_text(f"import time\ntime.sleep(40)\n{PLUGIN}")
    words = (command, *ZOO) if command == "doctor" else (command, "app.toml")
    begun = {"profile": "profiling app.toml: waits", "doctor": "importing 4 of 5", "check": "checking"}[
        command
    ]
    seen = place.look(*words, "--timeout", "45", keys={begun: "\x03"})
    assert (seen.text.strip().replace("^C", ""), seen.status) == ("", 130)


def test_run_until_ctrl_c(place: Place) -> None:
    """It says that it is up and how to end it; then it tears down, and reports if it was asked to."""
    seen = place.look("run", "app.toml", "--report", keys={"Ctrl-C ends it": "\x03"})
    text = place.masked(seen.text).replace("^C", "")
    assert golden("run_until_ctrl_c.txt", text) == text
    assert seen.status == 130
