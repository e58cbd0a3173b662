"""`hyperion run` in processes of its own: exit statuses, signals, and what stands on standard error (section 9)."""

from __future__ import annotations

import importlib.metadata
import os
import pty
import select
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from hycore.base import InstanceContext

# An import that a signal interrupts leaves its file to the collector, which warns.
INTERRUPTED_IMPORT = "ignore:unclosed file <_io.BufferedReader:ResourceWarning"
HYPERION = [sys.executable, "-P", "-W", "error", "-W", INTERRUPTED_IMPORT, "-m", "hypi"]
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if name not in {"COLUMNS", "FORCE_COLOR", "PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONWARNINGS"}
}
VERSION = importlib.metadata.version("hyperion-runtime")
pytestmark = pytest.mark.usefixtures("signals_that_are_not_ignored")
WAIT = 30  # seconds; far more than anything here takes

HOST = """
import os, pathlib, signal, sys, time, uuid
from hycore import PluginEXT

def say(*words):
    try:
        os.write(1, (" ".join(map(str, words)) + "\\n").encode())
    except BrokenPipeError:
        pass

def plugin(name, create_info=None, **hooks):
    def act(self, phase):
        say(phase, name)
        hook = hooks.get(phase)
        if hook is not None:
            hook(self)
    class Plugin(PluginEXT):
        UUID, NAME, DESCRIPTION = uuid.uuid5(uuid.NAMESPACE_DNS, name), name, "A plugin"
        CREATE_INFO = create_info
        def __init__(self, config=None): self.config = config
        def initialize(self): act(self, "initialize")
        def teardown(self): act(self, "teardown")
    return Plugin

a = plugin("a")
b = plugin("b")

def receive(name):
    os.kill(os.getpid(), getattr(signal, name))

def fail(self=None):
    raise ValueError("failed on purpose")

def sleep(self=None):
    for _ in range(1200):  # a signal right before a sleep does not end it: the sleeps are short
        time.sleep(0.05)
"""

UP = ["initialize a", "initialize b"]
DOWN = ["teardown b", "teardown a"]
ENDED = "hyperion: stopped by a second signal; teardown is left unfinished\n"

Outcome = tuple[list[str], str, int]  # the lines on standard output, standard error, and the exit status


class Child:
    """A process whose lines are read as they come; it is killed at the end if it is still there."""

    def __init__(self, command: list[str], folder: Path, *, terminal: tuple[int, int] | None = None) -> None:
        self.stderr = folder / "stderr"
        self.text = b""
        self.reader, writer = terminal if terminal is not None else os.pipe()
        with self.stderr.open("wb") as stderr:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env=ENVIRONMENT,
                stdin=writer if terminal is not None else subprocess.DEVNULL,
                stdout=writer,
                stderr=writer if terminal is not None else stderr,
                start_new_session=terminal is not None,
            )
        os.close(writer)

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(WAIT)
        if self.reader != -1:
            os.close(self.reader)

    def line(self) -> str | None:
        """The next line, or `None` at the end."""
        end = time.monotonic() + WAIT
        while b"\n" not in self.text:
            ready, _, _ = select.select([self.reader], [], [], max(0, end - time.monotonic()))
            assert ready, f"no line in {WAIT} seconds; so far {self.text!r}; {self.stderr.read_text()}"
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
            assert line is not None, f"no line {expected!r} in {lines}; {self.stderr.read_text()}"
            lines.append(line)
        return lines

    def end(self) -> Outcome:
        """Reads up to the end."""
        lines: list[str] = []
        while (line := self.line()) is not None:
            lines.append(line)
        status = self.process.wait(WAIT)
        return lines, self.stderr.read_text(), status

    def hang_up(self) -> tuple[str, int]:
        """Reads no more, and waits for the end."""
        os.close(self.reader)
        self.reader = -1
        status = self.process.wait(WAIT)
        return self.stderr.read_text(), status


class App:
    """A folder with an application file, and beside it the module and the metadata of its two extensions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, code: str = "", *, enabled: str = '"a", "b"', more: str = "") -> None:
        code = textwrap.dedent(code)
        (self.folder / "host.py").write_text(HOST + code)
        info = self.folder / "host-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: host\nVersion: 1\n")
        (info / "entry_points.txt").write_text(
            "[hycore.plugins]\na = host:a\nb = host:b\n[host.others]\na = host:other\n"
        )
        main = 'main = "host:main"' if "def main" in code else "# no main"
        (self.folder / "app.toml").write_text(
            f'[application]\nname = "test"\nversion = "1.0.0"\n{main}\n'
            '[engine]\nname = "Engine"\nversion = "0.1.0"\n'
            f"[instance]\nenabled_extensions = [{enabled}]\n{more}"
        )

    def hyperion(self, *words: str, command: list[str] | None = None, folder: Path | None = None) -> Outcome:
        """Runs a command line to its end."""
        done = subprocess.run(
            [*(command or HYPERION), *words],
            cwd=folder or self.folder,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=WAIT,
            check=False,
        )
        return done.stdout.split("\n")[:-1], done.stderr, done.returncode

    def run(self, *words: str) -> Outcome:
        return self.hyperion("run", "app.toml", *words)

    def start(self) -> Child:
        return Child([*HYPERION, "run", "app.toml"], self.folder)


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path)


# What main returns.


@pytest.mark.parametrize(
    ("result", "status", "stderr"),
    [
        ("None", 0, ""),
        ("0", 0, ""),
        ("3", 3, ""),
        ("sys.exit(4)", 4, ""),
        ("sys.exit()", 0, ""),
        ("sys.exit('no such port')", 1, "no such port\n"),
        (
            "'done'",
            1,
            "hyperion: main returned an object of type str: return an exit status from 0 to 255, or None\n",
        ),
        ("256", 1, "hyperion: main returned 256: return an exit status from 0 to 255, or None\n"),
    ],
)
def test_the_exit_status_is_what_main_returns(app: App, result: str, status: int, stderr: str) -> None:
    """Or asks for with `SystemExit`; everything is torn down before."""
    app.write(f"""
    def main(instance, args):
        say("main")
        return {result}
    """)
    assert app.run() == ([*UP, "main", *DOWN], stderr, status)


FAILING = """
def main(instance, args):
    error = ValueError("failed on purpose")
    error.add_note("a note")
    raise error
"""


def test_an_exception_of_main_is_one_readable_block(app: App) -> None:
    """With its notes and the way to see more, and status 1."""
    app.write(FAILING)
    stderr = "hyperion: main failed: ValueError: failed on purpose\na note\n--traceback shows where\n"
    assert app.run() == ([*UP, *DOWN], stderr, 1)


def test_traceback_shows_where_main_failed(app: App) -> None:
    """File, line and function."""
    app.write(FAILING)
    line = (HOST + FAILING).split("\n").index("    raise error") + 1
    lines, stderr, status = app.run("--traceback")
    assert (lines, status) == ([*UP, *DOWN], 1)
    assert stderr.startswith("hyperion: main failed: Traceback (most recent call last):\n")
    assert f'File "{app.folder}/host.py", line {line}, in main\n    raise error\n' in stderr
    assert stderr.endswith("ValueError: failed on purpose\na note\n")


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        ("import asyncio; raise asyncio.CancelledError", "CancelledError"),
        (
            "ends = os.pipe(); os.close(ends[0]); os.write(ends[1], b'x')",
            "BrokenPipeError: [Errno 32] Broken pipe",
        ),
    ],
)
def test_whatever_main_raises_is_told(app: App, deed: str, reason: str) -> None:
    """Also what is no `Exception`, and a pipe that broke but is not standard output."""
    app.write(f"""
    def main(instance, args):
        {deed}
    """)
    assert app.run() == ([*UP, *DOWN], f"hyperion: main failed: {reason}\n--traceback shows where\n", 1)


def test_main_gets_the_instance_and_the_words_after_two_dashes(app: App) -> None:
    """All of them, as they are, and from whichever folder it is called."""
    app.write("""
    def main(instance, args):
        say(type(instance).__name__, len(instance.extensions), instance.application_name, args)
    """)
    words = ["--set", "x", "", "two words", "--", "-h"]
    elsewhere = app.folder / "elsewhere"
    elsewhere.mkdir()
    lines, stderr, status = app.hyperion("run", str(app.folder / "app.toml"), "--", *words, folder=elsewhere)
    assert lines == [*UP, f"{InstanceContext.__name__} 2 test {words}", *DOWN]
    assert (stderr, status) == ("", 0)
    assert app.run()[0][2] == f"{InstanceContext.__name__} 2 test []"


def test_the_folder_of_the_file_comes_first(app: App) -> None:
    """Before the standard library, whatever `-P` says about the working folder."""
    app.write()
    (app.folder / "this.py").write_text("def main(instance, args):\n    print('this one', flush=True)\n")
    assert app.run("--set", "application.main=this:main") == ([*UP, "this one", *DOWN], "", 0)


# Signals.

WAITING = """
def main(instance, args):
    try:
        say("ready")
        sleep()
    except Exception:
        say("an Exception")
    finally:
        say("finally")
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_without_a_main_it_runs_until_a_signal(app: App, number: int, status: int) -> None:
    """Then it tears down."""
    app.write("""
    import threading, weakref
    def watch(self):
        threading.Thread(target=tell, args=(weakref.ref(self.instance),)).start()
    def tell(find):
        while ", open, " not in repr(find()):
            time.sleep(0.001)
        say("ready")
    b = plugin("b", initialize=watch)
    """)
    with app.start() as child:
        assert child.until("ready") == UP
        child.process.send_signal(number)
        assert child.end() == (DOWN, "", status)


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_inside_main_runs_its_finally_and_tears_down(app: App, number: int, status: int) -> None:
    """It is raised there, and no `except Exception` stops it."""
    app.write(WAITING)
    with app.start() as child:
        assert child.until("ready") == UP
        child.process.send_signal(number)
        assert child.end() == (["finally", *DOWN], "", status)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_main_gets_signals_as_often_as_they_come(app: App, number: int, status: int) -> None:
    """They are its affair, and none of them ends the process at once."""
    app.write("""
    def main(instance, args):
        for turn in (1, 2, 3):
            try:
                say("turn", turn)
                sleep()
            except KeyboardInterrupt:
                if turn == 3:
                    raise
    """)
    with app.start() as child:
        assert child.until("turn 1") == UP
        for turn in (2, 3):
            child.process.send_signal(number)
            assert child.until(f"turn {turn}") == []
        child.process.send_signal(number)
        assert child.end() == (DOWN, "", status)


def test_a_main_that_catches_a_signal_has_handled_it(app: App) -> None:
    """What it returns counts, and the next signal is the first one again."""
    app.write("""
    b = plugin("b", teardown=lambda self: say("noted", receive("SIGINT")) if "twice" in sys.argv else None)
    def main(instance, args):
        try:
            receive("SIGTERM")
        except KeyboardInterrupt:
            return 5
    """)
    assert app.run() == ([*UP, *DOWN], "", 5)
    assert app.run("--", "twice") == ([*UP, "teardown b", "noted None", "teardown a"], "", 130)


def test_ctrl_c_reaches_an_event_loop(app: App) -> None:
    """As in any Python program: what runs in it is cancelled where it waits next, and may clean up."""
    app.write("""
    import asyncio
    async def work():
        receive("SIGINT")
        say("goes on")
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            say("cleaned up")
    def main(instance, args):
        asyncio.run(work())
    """)
    assert app.run() == ([*UP, "goes on", "cleaned up", *DOWN], "", 130)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_signal_ends_a_forked_child_as_it_would_elsewhere(app: App) -> None:
    """Nothing is torn down in it."""
    app.write("""
    def main(instance, args):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(writer, b"x")
            sleep()
            os._exit(1)
        os.read(reader, 1)
        os.kill(child, signal.SIGTERM)
        say("ended by", os.WTERMSIG(os.waitpid(child, 0)[1]))
    """)
    assert app.run() == ([*UP, f"ended by {int(signal.SIGTERM)}", *DOWN], "", 0)


def test_a_signal_that_was_ignored_stays_ignored(app: App) -> None:
    """As a shell wants it for a job in the background."""
    app.write("""
    def main(instance, args):
        receive("SIGINT")
        say("goes on")
    """)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        outcome = app.run()
    finally:
        signal.signal(signal.SIGINT, before)
    assert outcome == ([*UP, "goes on", *DOWN], "", 0)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_during_initialize_undoes_what_had_started(app: App, number: int, status: int) -> None:
    """And main is not called."""
    app.write('b = plugin("b", initialize=sleep)\n' + WAITING)
    with app.start() as child:
        assert child.until("initialize b") == ["initialize a"]
        child.process.send_signal(number)
        assert child.end() == (["teardown a"], "", status)


def test_a_signal_while_modules_are_imported_ends_it(app: App) -> None:
    """Nothing was up."""
    app.write(WAITING + 'say("imported")\nreceive("SIGTERM")\nsay("goes on")\n')
    assert app.run() == (["imported"], "", 143)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_first_signal_during_a_teardown_is_noted(app: App, name: str) -> None:
    """The teardown goes on, and the others follow."""
    app.write(f"""
    b = plugin("b", teardown=lambda self: (receive("{name}"), say("goes on")))
    def main(instance, args):
        pass
    """)
    status = 128 + getattr(signal, name)
    assert app.run() == ([*UP, "teardown b", "goes on", "teardown a"], "", status)


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [(signal.SIGINT, signal.SIGINT, 130), (signal.SIGINT, signal.SIGTERM, 143)],
)
def test_a_second_signal_during_a_teardown_ends_the_process(
    app: App, first: int, second: int, status: int
) -> None:
    """At once, after one line that says so."""
    app.write('b = plugin("b", teardown=sleep)\n' + WAITING)
    with app.start() as child:
        child.until("ready")
        child.process.send_signal(first)
        assert child.until("teardown b") == ["finally"]
        child.process.send_signal(second)
        assert child.end() == ([], ENDED, status)


def test_a_second_signal_while_starting_ends_the_process(app: App) -> None:
    """What the first one was undoing is left unfinished."""
    app.write('a = plugin("a", teardown=sleep)\nb = plugin("b", initialize=sleep)\n' + WAITING)
    with app.start() as child:
        child.until("initialize b")
        child.process.send_signal(signal.SIGTERM)
        assert child.until("teardown a") == []
        child.process.send_signal(signal.SIGINT)
        assert child.end() == ([], ENDED, 130)


# Makes the terminal at standard input the one that controls the process, as a shell does, and becomes the command.
IN_A_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_ctrl_c_typed_in_a_terminal_ends_it_cleanly(app: App) -> None:
    """With 130, everything torn down, and no traceback."""
    app.write(WAITING)
    command = [sys.executable, "-P", "-c", IN_A_TERMINAL, *HYPERION, "run", "app.toml"]
    with Child(command, app.folder, terminal=pty.openpty()) as child:
        assert child.until("ready") == UP
        os.write(child.reader, b"\x03")
        lines, _, status = child.end()
        assert ([line.removeprefix("^C") for line in lines], status) == (["finally", *DOWN], 130)


# What fails.


def test_a_failing_teardown_is_told_and_makes_the_status_1(app: App) -> None:
    """Whatever else there is to tear down is torn down."""
    app.write("""
    b = plugin("b", teardown=fail)
    def main(instance, args):
        return 0
    """)
    stderr = (
        "hyperion: extension 'b' failed in teardown: ValueError: failed on purpose; "
        "what it should have released may be left behind\n"
    )
    assert app.run() == ([*UP, *DOWN], stderr, 1)


def test_a_failing_initialize_is_told_and_makes_the_status_1(app: App) -> None:
    """With the application file, and what to do; what had started is undone."""
    app.write('b = plugin("b", initialize=fail)\n' + WAITING)
    stderr = (
        "hyperion: app.toml: extension 'b' failed in initialize: ValueError: failed on purpose; what had started was "
        "taken down again. Mend the extension or its configuration, or ask for it in optional_extensions to start "
        "without it\n"
    )
    assert app.run() == ([*UP, "teardown a"], stderr, 1)
    assert "Traceback" in app.run("--traceback")[1]


def test_a_missing_extension_is_told_and_makes_the_status_1(app: App) -> None:
    """With the closest name; nothing is started."""
    app.write(WAITING, enabled='"a", "__EXT_hyperion_loger"')
    stderr = (
        "hyperion: app.toml: no extension is named '__EXT_hyperion_loger'; looked in the entry points of group "
        "'hycore.plugins' and the plugins registered in this process; did you mean '__EXT_hyperion_logger'?\n"
        "__EXT_hyperion_loger is asked for at app.toml:9\n"
    )
    assert app.run() == ([], stderr, 1)


def test_a_missing_optional_extension_is_no_failure(app: App) -> None:
    """It runs without, and tells why, unless there is a logger to tell it."""
    app.write("def main(instance, args): ...", more='optional_extensions = ["__EXT_c"]\n')
    lines, stderr, status = app.run("--group", "hycore.plugins")
    assert (lines, status) == ([*UP, *DOWN], 0)
    assert stderr.startswith(
        "hyperion: extension __EXT_c is set aside: no extension is named '__EXT_c'; looked in "
    )
    assert stderr.count("\n") == 1
    _, stderr, status = app.run("--set", 'instance.enabled_extensions=["__EXT_hyperion_logger"]')
    assert "hyperion: " not in stderr
    assert stderr.count("extension __EXT_c is set aside: ") == 1
    assert status == 0


def test_a_wrong_file_is_told_and_makes_the_status_2(app: App) -> None:
    """Each problem with file and line; a traceback only when that is asked for."""
    app.write(WAITING, more='node_id = -1\nunused_ex = "warn"\n')
    stderr = (
        "hyperion: app.toml:10: instance.node_id: input should be greater than or equal to 0\n"
        "app.toml:11: instance.unused_ex: unknown key; did you mean 'unused_ext'?\n"
    )
    assert app.run() == ([], stderr, 2)
    _, stderr, status = app.run("--traceback")
    assert stderr.startswith("hyperion: Traceback (most recent call last):\n")
    assert status == 2


def test_traceback_shows_where_the_module_of_main_failed(app: App) -> None:
    """And not only where that was noticed."""
    app.write(WAITING)
    app.folder.joinpath("broken.py").write_text("\nraise ValueError('broken')\n")
    lines, stderr, status = app.run("--traceback", "--set", "application.main=broken:main")
    assert (lines, status) == ([], 2)
    assert f'File "{app.folder}/broken.py", line 2, in <module>\n' in stderr


def test_a_missing_file_is_told_and_makes_the_status_2(app: App) -> None:
    """With the next step."""
    stderr = "hyperion: app.toml: there is no such file; name the application file, such as app.toml\n"
    assert app.run() == ([], stderr, 2)


# The command line.


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["run"], "hyperion run: error: the following arguments are required: FILE"),
        (
            ["run", "app.toml", "extra"],
            "hyperion: error: unrecognized arguments: extra; what is for the application comes after --",
        ),
        (["run", "app.toml", "--set"], "hyperion run: error: argument --set: expected one argument"),
        (["walk"], "hyperion: error: argument COMMAND: invalid choice: 'walk'"),
        (["--vers"], "hyperion: error: unrecognized arguments: --vers"),
    ],
)
def test_wrong_usage_makes_the_status_2(app: App, words: list[str], reason: str) -> None:
    """With the usage and the reason on standard error; nothing is run, and nothing is abbreviated."""
    app.write(WAITING)
    lines, stderr, status = app.hyperion(*words)
    assert (lines, status) == ([], 2)
    assert stderr.startswith("usage: hyperion ")
    assert stderr.split("\n")[-2].startswith(reason)


def test_alone_it_shows_its_help_on_standard_error(app: App) -> None:
    """And the status is 2; asked for, it is on standard output, and the status is 0."""
    lines, stderr, status = app.hyperion()
    assert (lines, status) == ([], 2)
    assert stderr.startswith("usage: hyperion [-h] [--version] COMMAND")
    assert "create the instance of an application file" in stderr
    assert app.hyperion("--help") == (stderr.split("\n")[:-1], "", 0)


def test_the_installed_command_is_the_module(app: App) -> None:
    """`hyperion`, beside the interpreter, and `python -m hypi` tell the version of the runtime."""
    script = [str(Path(sys.executable).with_name("hyperion"))]
    expected: Outcome = ([f"hyperion-runtime {VERSION}"], "", 0)
    assert app.hyperion("--version", command=script) == expected
    assert app.hyperion("--version") == expected


def test_set_and_group_reach_the_application(app: App) -> None:
    """Each may be given several times; a setting that is wrong is named, and makes the status 2."""
    app.write(
        """
        from dataclasses import dataclass
        @dataclass
        class Config:
            host: str = "localhost"
            port: int = 80
        other = plugin("a", Config)
        def main(instance, args):
            say(instance.get_plugin_ext("a").config, instance.node_id)
        """,
        enabled='"a"',
        more="node_id = 1\n",
    )
    groups = ("--group", "host.others", "--group", "hycore.plugins")
    lines, stderr, status = app.run(
        "--group", "host.others", "--set", "ext.a.port=8080", "--set", "ext.a.host=h"
    )
    assert lines == ["initialize a", "Config(host='h', port=8080) 1", "teardown a"]
    assert (stderr, status) == ("", 0)
    _, stderr, status = app.run(*groups)
    assert "two extensions claim the name a" in stderr
    assert status == 1
    stderr = "hyperion: --set instance.node_id: input should be greater than or equal to 0\n"
    assert app.run("--set", "instance.node_id=-1") == ([], stderr, 2)


# A reader that goes away.


def test_a_reader_that_goes_away_makes_no_noise(app: App) -> None:
    """As in `hyperion run app.toml | head -1`: everything is torn down, the status is 1, and nothing is said."""
    app.write("""
    a = plugin("a", teardown=lambda self: pathlib.Path("torn down").touch())
    def main(instance, args):
        while True:
            print("a line of output")
    """)
    with app.start() as child:
        child.until("a line of output")
        assert child.hang_up() == ("", 1)
    assert (app.folder / "torn down").exists()


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["run", "app.toml"], 1),
        (["run", "app.toml", "--", "leave"], 3),
        (["--help"], 0),
    ],
)
def test_a_reader_that_had_gone_before_makes_no_noise(app: App, words: list[str], status: int) -> None:
    """Though the output fits into the buffer, and is written at the very end."""
    app.write("""
    def main(instance, args):
        print("a line of output")
        if args:
            sys.exit(3)
    """)
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*HYPERION, *words],
        cwd=app.folder,
        env=ENVIRONMENT,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=WAIT,
        check=False,
    )
    os.close(writer)
    assert (done.stderr, done.returncode) == ("", status)


def test_a_broken_distribution_does_not_stop_the_command(app: App) -> None:
    """Whatever else reads the metadata of all that is installed, Pydantic for instance."""
    broken = app.folder / "broken-1.0.dist-info"
    broken.mkdir()
    (broken / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (broken / "entry_points.txt").write_bytes(b"[pydantic]\n\xff\xfe = x:y\n")
    app.write("def main(instance, args):\n    say('main')\n")
    command = [
        sys.executable,
        "-W",
        "error",
        "-m",
        "hypi",
        "run",
        "app.toml",
    ]  # without -P: the folder is on the path
    with Child(command, app.folder) as child:
        lines, stderr, status = child.end()
    assert (lines, stderr, status) == ([*UP, "main", *DOWN], "", 0)


def test_a_signal_in_an_event_loop_costs_no_step_of_a_task(app: App) -> None:
    """SIGTERM is handed to the loop's own way with Ctrl-C: raised inside of it, a task might never end."""
    app.write("""
    import asyncio
    async def busy():
        try:
            while True:
                await asyncio.sleep(0)
        finally:
            say("finally")
    def main(instance, args):
        turns = 0
        def trace(frame, event, argument):
            nonlocal turns
            if frame.f_code.co_name == "_run" and frame.f_code.co_filename.endswith("events.py"):
                turns += 1
                if turns == 50:
                    sys.settrace(None)
                    receive("SIGTERM")
        sys.settrace(trace)
        asyncio.run(busy())
    """)
    assert app.run() == ([*UP, "finally", *DOWN], "", 143)


@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_that_comes_in_a_group_is_that_signal(app: App, name: str, status: int) -> None:
    """As nurseries and task groups may raise it."""
    app.write(f"""
    def main(instance, args):
        try:
            receive("{name}")
            sleep()
        except KeyboardInterrupt as interrupt:
            raise BaseExceptionGroup("of a nursery", [ValueError(), interrupt])
    """)
    assert app.run() == ([*UP, *DOWN], "", status)


def test_a_closed_or_replaced_output_changes_no_status(app: App) -> None:
    """What cannot be told is not told."""
    app.write("""
    class Tee:
        def write(self, text): ...
        def flush(self): ...
    def main(instance, args):
        sys.stdout = Tee()
        sys.stderr.close()
        raise ValueError
    """)
    assert app.run() == ([*UP, *DOWN], "", 1)


def test_a_cancellation_that_a_plugin_raises_is_one_readable_block(app: App) -> None:
    """It passes the runtime as itself, and is told like any failure."""
    app.write("""
    import asyncio
    def cancel(self):
        raise asyncio.CancelledError("by a plugin")
    b = plugin("b", initialize=cancel)
    def main(instance, args): ...
    """)
    assert app.run() == (
        [*UP, "teardown a"],
        "hyperion: app.toml: CancelledError: by a plugin\n",
        1,
    )
