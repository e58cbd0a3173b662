"""`hyperion profile`: where the time goes, for each extension; as a table, JSON, a trace and a picture."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hypi.cli._graph import as_svg
from hypi.cli._output import Paint
from hypi.cli._profile import _bar, _lines
from hypi.cli._spans import PHASES, Profile, Row, profile_of
from hypi.cli._trace import as_trace

# An import that a signal interrupts leaves its file to the collector, which warns.
INTERRUPTED_IMPORT = "ignore:unclosed file <_io.BufferedReader:ResourceWarning"
HYPERION = [sys.executable, "-P", "-W", "error", "-W", INTERRUPTED_IMPORT, "-m", "hypi"]
HERE = Path(__file__).parent
WAIT = 50  # seconds; far more than anything here takes
pytestmark = pytest.mark.usefixtures("signals_that_are_not_ignored")

PLUGIN = """
import uuid
from dataclasses import dataclass
from hycore import PluginEXT

@dataclass
class Config:
    secret: str = "none"

class P(PluginEXT):
    UUID, NAME, DESCRIPTION = uuid.uuid5(uuid.NAMESPACE_DNS, __name__), __name__, "A plugin"
"""


@dataclass(frozen=True)
class Done:
    """What a command has left."""

    stdout: str
    stderr: str
    status: int

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)

    @property
    def extensions(self) -> dict[str, Any]:
        return {each["name"]: each for each in self.json["extensions"]}


class Place:
    """A folder with extensions, installed in a group of their own, and an application file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name not in {"COLUMNS", "FORCE_COLOR", "NO_COLOR", "PYTHONUNBUFFERED", "PYTHONWARNINGS"}
        }
        self.environment |= {"PYTHONPATH": str(folder), "HY_HOME": str(folder / "home")}

    def module(self, name: str, source: str) -> None:
        (self.folder / f"{name}.py").write_text(textwrap.dedent(source))

    def add(self, name: str, body: str = "", *, before: str = "") -> None:
        """A plugin with these lines in its class, and these before all else in its module."""
        self.module(
            name, f"{textwrap.dedent(before)}{PLUGIN}{textwrap.indent(textwrap.dedent(body), '    ')}"
        )
        info = self.folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[zoo]\n{name} = {name}:P\n")

    def write(self, *enabled: str, optional: tuple[str, ...] = (), main: str = "", more: str = "") -> None:
        (self.folder / "app.toml").write_text(
            f'[application]\nname = "test"\nversion = "1.0.0"\n{main}\n[engine]\nname = "e"\nversion = "0.1.0"\n'
            f'[instance]\ngroups = ["zoo"]\nenabled_extensions = {json.dumps(enabled)}\n'
            f"optional_extensions = {json.dumps(optional)}\n{more}"
        )

    def command(self, *words: str) -> list[str]:
        return [*HYPERION, "profile", "app.toml", *words]

    def profile(self, *words: str, **environment: str) -> Done:
        done = subprocess.run(
            self.command(*words),
            cwd=self.folder,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=WAIT,
            check=False,
        )
        return Done(done.stdout, done.stderr, done.returncode)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


SLEEPS = """
import time

def sleep(seconds):
    time.sleep(seconds)
"""


def slow(place: Place) -> None:
    """An extension that takes its time everywhere, and one that does not."""
    place.module("naps", SLEEPS)
    place.module("heavy", "import naps\nnaps.sleep(0.05)\nimport light\n")
    place.module("light", "import naps\nnaps.sleep(0.02)\n")
    place.module("late", "import naps\nnaps.sleep(0.04)\n")
    place.add(
        "slow",
        """
        CREATE_INFO = Config
        def __init__(self, config): pass
        @classmethod
        def new(cls, ext):
            naps.sleep(0.03)
            return cls(ext.take_ext(Config))
        def attach_to(self, instance): naps.sleep(0.01)
        def initialize(self):
            import late
            self.defer(naps.sleep, 0.03)
        def teardown(self): naps.sleep(0.01)
        """,
        before="import heavy, naps",
    )
    place.add("quick", 'REQUIRES = ("slow",)\n', before="import heavy")
    place.write("quick", "slow", main='main = "host:main"', more='[ext.slow]\nsecret = "hunter2"\n')
    place.module(
        "host", "import naps\nnaps.sleep(0.02)\ndef main(instance, args): raise SystemExit('never')\n"
    )


def test_each_phase_of_each_extension_is_timed(place: Place) -> None:
    """And everything adds up to the whole, from the start of the process until all is torn down."""
    slow(place)
    done = place.profile("--json")
    assert (done.stderr, done.status, done.json["ok"]) == ("", 0, True)
    assert list(done.extensions) == ["slow", "quick"]
    phases = done.extensions["slow"]["phases"]
    assert list(phases) == list(PHASES)
    least = {"import": 0.0, "new": 0.03, "attach_to": 0.01, "initialize": 0.04, "teardown": 0.04}
    assert all(phases[phase] >= seconds for phase, seconds in least.items())
    found = done.json
    parts = [found["python"], found["hyperion"], found["main"]["seconds"]]
    parts += [each["seconds"] for each in found["extensions"]]
    assert sum(parts) == pytest.approx(found["seconds"], abs=1e-6)
    assert all(each["seconds"] == pytest.approx(sum(each["phases"].values())) for each in found["extensions"])
    assert found["main"]["phases"]["import"] >= 0.02
    assert min(found["python"], found["hyperion"]) > 0


def test_what_is_imported_belongs_to_who_was_the_first(place: Place) -> None:
    """The modules lie in each other as they were imported, those of a hook in that hook; who comes later has none."""
    slow(place)
    done = place.profile("--json")
    # They are imported in the order in which they are asked for.
    first = {each["module"]: each for each in done.extensions["quick"]["modules"]}
    assert [
        (each["module"], each["depth"])
        for each in first.values()
        if each["module"] in ("quick", "heavy", "light")
    ] == [
        ("quick", 0),
        ("heavy", 1),
        ("light", 2),
    ]
    assert first["heavy"]["seconds"] >= 0.07
    own = first["heavy"]["own_seconds"]
    assert 0.05 <= own < first["heavy"]["seconds"] - first["light"]["seconds"] + 1e-6
    assert {each["phase"] for each in first.values()} == {"import"}
    assert done.extensions["quick"]["phases"]["import"] >= first["quick"]["seconds"]
    modules = {each["module"]: each["phase"] for each in done.extensions["slow"]["modules"]}
    assert "heavy" not in modules
    assert modules["late"] == "initialize"
    assert [each["module"] for each in done.json["main"]["modules"]] == ["host", "naps"]


def test_an_import_that_fails_is_told_as_such(place: Place) -> None:
    """Many modules try what may not be there."""
    place.add("tries", before="try:\n    import nowhere.at_all\nexcept ImportError:\n    pass\n")
    place.write("tries")
    modules = {each["module"]: each for each in place.profile("--json").extensions["tries"]["modules"]}
    assert modules["nowhere"]["failed"] is True
    assert modules["tries"]["failed"] is False


def test_main_is_not_called_and_what_plugins_print_is_kept_away(place: Place) -> None:
    """Standard output is the profile's."""
    slow(place)
    place.add("prints", "def initialize(self): print('noise', flush=True)\n")
    place.write("prints", main='main = "host:main"')
    done = place.profile("--json")
    assert done.json["ok"] is True
    assert (done.stderr, done.status) == ("", 0)


def test_the_report_is_in_the_json(place: Place) -> None:
    """Of the instance when it is closed."""
    slow(place)
    report = place.profile("--json").json["report"]
    assert report["state"] == "closed"
    assert report["extensions"][0]["asked_by"]["where"] == "app.toml:10"


def test_no_value_of_a_configuration_is_shown(place: Place) -> None:
    """In none of the forms."""
    slow(place)
    done = place.profile(
        "--json", "--trace", "t.json", "--graph", "g.svg", "--set", "ext.slow.secret=hunter2"
    )
    texts = [done.stdout, done.stderr, *[(place.folder / name).read_text() for name in ("t.json", "g.svg")]]
    assert done.status == 0
    assert not any("hunter2" in text for text in texts)


# What fails.


def line_of(file: Path, words: str) -> str:
    (number,) = [
        number for number, line in enumerate(file.read_text("utf-8").splitlines(), 1) if words in line
    ]
    return f"{file}:{number}"


def test_a_creation_that_fails_shows_the_times_until_then(place: Place) -> None:
    """And what failed; what had started was taken down."""
    slow(place)
    place.add("fails", "def initialize(self): raise ValueError('no')\n")
    place.write("slow", "fails", optional=("gone",))
    done = place.profile("--json")
    assert (done.status, done.json["ok"]) == (1, False)
    assert list(done.extensions["slow"]["phases"]) == list(PHASES)[:1] + list(PHASES)[2:]
    assert list(done.extensions["fails"]["phases"]) == ["import", "new", "attach_to", "initialize"]
    (problem,) = done.json["problems"]
    assert problem["text"].startswith("extension 'fails' failed in initialize: ValueError: no; ")
    assert problem["place"] == line_of(place.folder / "fails.py", "raise ValueError")
    assert done.stderr == f"hyperion: app.toml: {problem['text']}\n    at {problem['place']}\n"
    report = done.json["report"]
    assert report["state"] == "failed"
    assert [each["name"] for each in report["set_aside"]] == ["gone"]
    assert "raise ValueError('no')" in report["failures"][0]["traceback"]


def test_what_is_set_aside_is_told(place: Place) -> None:
    """In the table and in the picture; it has no place in the order, or only the times until it failed. The status is 0."""
    place.add("good")
    place.add("fails", "def initialize(self): raise ValueError('no')\n")
    place.add("broken", before="raise OSError('no disk')\n")
    place.write("good", optional=("fails", "broken"))
    done = place.profile("--graph", "plan.svg")
    assert done.status == 0
    assert [line[:20] for line in done.stderr.splitlines()] == ["hyperion: extension "] * 2
    assert "extension fails is set aside: it failed in initialize: ValueError: no\n" in done.stderr
    rows = [line.split()[:2] for line in done.stdout.splitlines()]
    assert ["1.", "good"] in rows
    labels = [line.partition("  ")[0] for line in done.stdout.splitlines()]
    picture = (place.folder / "plan.svg").read_text("utf-8")
    for name in ("fails", "broken"):
        assert any(label.startswith(f"set aside: {name}") for label in labels)
        assert f"set aside: {name}<" in picture


def test_a_teardown_that_fails(place: Place) -> None:
    """Each failure is a problem; the times are complete."""
    place.add("a", "def teardown(self): raise ValueError('stuck')\n")
    place.add("b", "def teardown(self): raise OSError('gone')\n")
    place.write("a", "b")
    done = place.profile("--json")
    assert done.status == 1
    assert [each["text"][:39] for each in done.json["problems"]] == [
        "extension 'b' failed in teardown: OSErr",
        "extension 'a' failed in teardown: Value",
    ]
    assert [each["place"] for each in done.json["problems"]] == [
        line_of(place.folder / "b.py", "raise OSError"),
        line_of(place.folder / "a.py", "raise ValueError"),
    ]
    assert "teardown" in done.extensions["a"]["phases"]
    assert done.json["report"]["state"] == "closed"


def test_the_line_of_a_failure_is_the_plugin_s(place: Place) -> None:
    """And not that of what it calls."""
    (place.folder / "driver.py").write_text(
        "def connect():\n    raise OSError('no route')\n", encoding="utf-8"
    )
    place.add("a", "def initialize(self): __import__('driver').connect()\n")
    place.write("a")
    (problem,) = place.profile("--json").json["problems"]
    assert problem["place"] == line_of(place.folder / "a.py", "connect()")


def test_what_cannot_be_planned(place: Place) -> None:
    """Every problem; what was imported until then has its times."""
    place.add("good")
    place.add("broken", before="raise OSError('no disk')\n")
    place.add("waits", "async def initialize(self): pass\n")
    place.write("good", "broken", "waits", "nowhere")
    done = place.profile("--json")
    assert done.status == 1
    texts = [each["text"] for each in done.json["problems"]]
    assert ["OSError: no disk" in texts[0], "asynchronous hooks" in texts[1], "nowhere" in texts[2]] == [
        True
    ] * 3
    assert done.json["problems"][0]["place"] == f"{place.folder}/broken.py:1"
    assert [*done.extensions] == ["good", "broken", "waits"]
    assert [list(each["phases"]) for each in done.json["extensions"]] == [["import"]] * 3
    assert done.json["report"] is None


def test_a_file_that_is_wrong(place: Place) -> None:
    """The status is 2, as of every command, and there is no table: nothing has been run."""
    place.write(more="[ext.nowhere]\nlimit = 3\n")
    done = place.profile()
    assert (done.stdout, done.status) == ("", 2)
    assert "no extension is enabled" in done.stderr
    (place.folder / "app.toml").unlink()
    done = place.profile()
    assert (done.stdout, done.status) == ("", 2)
    assert "there is no such file" in done.stderr


def test_the_first_line_says_how_far_it_came(place: Place) -> None:
    """Up and down again, also where a teardown fails; or until a hook, or the process, has failed."""
    first = {}
    bodies = {
        "good": "",
        "stuck": "def teardown(self): raise ValueError('stuck')\n",
        "fails": "def initialize(self): raise ValueError('no')\n",
        "leaves": "def initialize(self): __import__('os')._exit(3)\n",
    }
    for name, body in bodies.items():
        place.add(name, body)
        place.write(name)
        first[name] = re.sub(r"[\d.]+ ms", "# ms", place.profile().stdout.splitlines()[0])
    assert first == {
        "good": "app.toml: # ms to come up and to go down again",
        "stuck": "app.toml: # ms to come up and to go down again",
        "fails": "app.toml: # ms until it had failed",
        "leaves": "app.toml: # ms until it had failed",
    }


MISDEEDS = {
    "hangs": (
        "def initialize(self):\n    while True: pass\n",
        "initialize: TimeoutError: its initialize did not end within 1 s, at ",
    ),
    "exits": ("def initialize(self): raise SystemExit(3)\n", "failed in initialize: SystemExit: 3"),
    "leaves": (
        "def initialize(self): __import__('os')._exit(3)\n",
        "initialize of leaves ended the process with status 3",
    ),
    "crashes": (
        "def initialize(self): __import__('os').kill(0, 9)\n",
        "initialize of crashes killed the process: SIGKILL",
    ),
    "stuck": (
        "def initialize(self):\n    import signal, time\n    signal.pthread_sigmask(0, [signal.SIGALRM])\n"
        "    while True: time.sleep(1)\n",
        "initialize of stuck did not end within 1 s",
    ),
}


@pytest.mark.parametrize("name", MISDEEDS)
def test_whatever_a_hook_does_it_is_told_with_the_times_until_then(place: Place, name: str) -> None:
    """It is ended, if it has to be; the command goes on."""
    body, words = MISDEEDS[name]
    place.add("good")
    place.add(name, body)
    place.write("good", name)
    done = place.profile("--json", "--timeout", "1", "--trace", "t.json", "--graph", "g.svg")
    assert done.status == 1
    (problem,) = done.json["problems"]
    assert words in problem["text"]
    assert problem["place"] is None or problem["place"] not in problem["text"]
    assert list(done.extensions["good"]["phases"])[:4] == ["import", "new", "attach_to", "initialize"]
    assert [each["name"] for each in done.json["extensions"]] == ["good", name]
    assert (place.folder / "t.json").exists()
    assert (place.folder / "g.svg").exists()


def test_an_import_that_ends_the_process(place: Place) -> None:
    """It is named, with the line of its code where that can be had."""
    place.add("good")
    place.add("leaves", before="import os\nos._exit(3)\n")
    place.write("good", "leaves")
    done = place.profile()
    assert done.status == 1
    assert done.stderr == "hyperion: app.toml: leaves: its import ended the process with status 3\n"
    assert "good " in done.stdout


# The files.


def test_a_file_that_cannot_be_written_is_told_before_the_work(place: Place) -> None:
    """Nothing has run."""
    place.add("a", before="open('ran', 'w').close()\n")
    place.write("a")
    (place.folder / "folder").mkdir()
    for option in ("--trace", "--graph"):
        for path, reason in (
            ("nowhere/x", "No such file or directory"),
            ("folder", "Is a directory"),
        ):
            done = place.profile(option, path)
            assert (done.stdout, done.stderr, done.status) == (
                "",
                f"hyperion: {path}: cannot be written: {reason}\n",
                2,
            )
    assert not (place.folder / "ran").exists()
    assert not list(place.folder.glob(".*"))


def test_a_file_takes_the_place_of_what_was_there(place: Place) -> None:
    """With its mode; what a link points to is written, and a device is written as it is."""
    place.add("a")
    place.write("a")
    trace = place.folder / "t.json"
    trace.write_text("old")
    trace.chmod(0o640)
    (place.folder / "link.svg").symlink_to("real.svg")
    done = place.profile("--trace", "t.json", "--graph", "link.svg")
    assert done.status == 0
    assert json.loads(trace.read_text())["traceEvents"]
    assert trace.stat().st_mode & 0o777 == 0o640
    assert (place.folder / "link.svg").is_symlink()
    assert (place.folder / "real.svg").read_text().startswith("<svg")
    assert place.profile("--trace", "/dev/null").status == 0
    assert not Path("/dev/null").is_file()
    assert not list(place.folder.glob(".*"))


def test_a_pipe_is_written_as_it_is(place: Place) -> None:
    """Also one that has no path but that of a descriptor, as a shell gives for `>(…)`; it is opened once."""
    place.write()
    done = place.profile("--graph", "/dev/stdout")
    assert (done.stderr, done.status) == ("", 0)
    assert "</svg>" in done.stdout
    os.mkfifo(place.folder / "pipe")
    with subprocess.Popen(["cat", "pipe"], cwd=place.folder, stdout=subprocess.PIPE, text=True) as reader:
        assert place.profile("--graph", "pipe").status == 0
        text, _ = reader.communicate(timeout=WAIT)
    assert text.endswith("</svg>\n")


@pytest.mark.parametrize(
    "words", [("--trace", "x", "--graph", "x"), ("--graph", "app.toml"), ("--trace", "./x", "--graph", "x")]
)
def test_nothing_is_written_over_another(place: Place, words: tuple[str, ...]) -> None:
    """One path for two files is a mistake."""
    place.write()
    before = (place.folder / "app.toml").read_text()
    done = place.profile(*words)
    assert (done.stdout, done.status) == ("", 2)
    assert "would be written over another: name another file" in done.stderr
    assert (place.folder / "app.toml").read_text() == before


def test_ctrl_c_leaves_nothing_behind(place: Place) -> None:
    """The child has ended, files are as they were, and no traceback is shown."""
    place.add(
        "waits",
        "def initialize(self):\n    import os, time\n    print(os.getpid(), file=open('pid', 'w'), flush=True)\n    time.sleep(40)\n",
    )
    place.write("waits")
    (place.folder / "t.json").write_text("old")
    process = subprocess.Popen(
        place.command("--trace", "t.json", "--timeout", "45"),
        cwd=place.folder,
        env=place.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    pid = place.folder / "pid"
    for _ in range(600):
        if pid.exists() and pid.read_text().strip():
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=WAIT)
    assert (stdout, stderr, process.returncode) == ("", "", 130)
    assert (place.folder / "t.json").read_text() == "old"
    assert not list(place.folder.glob(".*"))
    assert not Path(f"/proc/{pid.read_text().strip()}").exists() or sys.platform != "linux"


# The trace.


def schema() -> Any:
    return json.loads((HERE / "trace_event.schema.json").read_text())


def test_the_trace_is_of_the_published_format(place: Place) -> None:
    """Checked against its schema; events of one thread lie in each other or apart, as viewers need it."""
    slow(place)
    assert place.profile("--trace", "t.json").status == 0
    trace = json.loads((place.folder / "t.json").read_text())
    jsonschema.Draft202012Validator(schema()).validate(trace)
    events = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    stack: list[float] = []
    for event in sorted(events, key=lambda event: (event["ts"], -event["dur"])):
        end = event["ts"] + event["dur"]
        while stack and stack[-1] <= event["ts"] + 1e-6:
            stack.pop()
        assert not stack or end <= stack[-1] + 1e-6, event
        stack.append(end)
    named = {event["name"]: event for event in events}
    late, heavy = named["late"], named["heavy"]
    assert (late["cat"], late["args"]) == ("module", {"extension": "slow", "phase": "initialize"})
    assert heavy["args"] == {"extension": "quick", "phase": "import"}
    assert late["dur"] >= 40_000
    assert named["slow: deferred"]["dur"] >= 30_000
    assert named["main: import"]["args"] == {"phase": "import"}
    names = [event["args"]["name"] for event in trace["traceEvents"] if event["ph"] == "M"]
    assert names == ["hyperion profile app.toml", "main thread"]
    stages = [event for event in events if event["cat"] == "stage"]
    assert [event["name"] for event in stages] == [
        "Python starts",
        "hyperion is imported",
        "the application is read and planned",
        "the instance is created",
        "the instance is closed",
    ]
    assert all(one["ts"] + one["dur"] == pytest.approx(then["ts"]) for one, then in pairwise(stages))


def test_the_schema_finds_what_is_wrong() -> None:
    """So that what passes it means something."""
    right = {"ph": "X", "name": "a", "ts": 1, "dur": 2, "pid": 1, "tid": 1, "args": {}}
    validator = jsonschema.Draft202012Validator(schema())
    assert validator.is_valid({"traceEvents": [right]})
    for wrong in (
        {"dur": -1},
        {"ts": "1"},
        {"ph": "Z"},
        {"pid": "x"},
        {"args": []},
        {"duration": 1},
        {"name": ""},
        {"ph": "M"},
    ):
        assert not validator.is_valid({"traceEvents": [{**right, **wrong}]}), wrong
    for missing in ("ph", "name", "ts", "dur", "pid", "tid"):
        assert not validator.is_valid(
            {"traceEvents": [{key: right[key] for key in right if key != missing}]}
        ), missing


def test_imports_of_other_threads_have_a_line_of_their_own(place: Place) -> None:
    """What a plugin's thread imports is nobody's time, and is in the trace."""
    place.module("threaded", "import time\ntime.sleep(0.01)\n")
    place.add(
        "a",
        "def initialize(self):\n    import threading\n    one = threading.Thread(target=__import__, args=('threaded',))\n    one.start()\n    one.join()\n",
    )
    place.write("a")
    done = place.profile("--json", "--trace", "t.json")
    assert "threaded" not in {each["module"] for each in done.extensions["a"]["modules"]}
    events = json.loads((place.folder / "t.json").read_text())["traceEvents"]
    assert [event["tid"] for event in events if event["name"] == "threaded"] == [2]
    assert {event["args"]["name"] for event in events if event["name"] == "thread_name"} == {
        "main thread",
        "thread 2",
    }


# The picture, and the table, of one and the same profile.

MS = 1_000_000


def made_up() -> Profile:
    """Extensions of all kinds, with times that are the same each time."""
    plan = [
        {"name": "__EXT_hyperion_logger", "requires": [], "after": []},
        {"name": "__EXT_store", "requires": [], "after": ["__EXT_hyperion_logger"]},
        {
            "name": '__EXT_<cart> & "friends" of the shop',
            "requires": ["__EXT_store"],
            "after": ["__EXT_hyperion_logger"],
        },
        {"name": "__EXT_mail", "requires": ["__EXT_store"], "after": ["__EXT_nowhere"]},
    ]
    raw: list[list[Any]] = []
    now = 0

    def span(kind: str, name: str, phase: str, ms: float, *inner: tuple[str, float]) -> None:
        nonlocal now
        begin = now
        now += round(ms * MS)
        raw.append([kind, name, phase, begin, now, 7, begin, now])
        at = begin
        for number, (module, inner_ms) in enumerate(inner):
            end = at + round(inner_ms * MS)
            raw.append(["module", module, "", at, end, 7, at, end])
            if number:
                at = end

    def mark(name: str) -> None:
        raw.append(["mark", name, "", now, now, 7, now, now])

    now += 12 * MS
    mark("python")
    span("module", "hypi.app", "", 80, ("pydantic", 50), ("re", 2))
    mark("ready")
    span("main", "", "import", 30, ("shop", 30), ("rich", 20), ("json", 1))
    modules = ("hycore.ext.hylog", "shop_store", "shop_cart", "shop_mail.plugin")
    for each, module, ms in zip(plan, modules, (0.4, 90, 3, 6), strict=True):
        span("extension", each["name"], "import", ms, (module, ms), ("heavy", ms / 2))
    span("extension", "__EXT_hyperion_logger", "configuration", 0.5)
    mark("planned")
    for phase, times in (
        ("new", (0.01, 2, 0.02, 0.03)),
        ("attach_to", (0, 0, 0, 4)),
        ("initialize", (0.2, 25, 60, 1)),
    ):
        for each, ms in zip(plan, times, strict=True):
            span("extension", each["name"], phase, ms, *((("late", ms / 2),) if ms == 60 else ()))
    mark("up")
    for each, ms in zip(reversed(plan), (1, 1, 1, 1), strict=True):
        span("extension", each["name"], "teardown", ms)
        now += 2 * MS if each["name"] == "__EXT_store" else 0
    mark("down")
    return profile_of(raw, 0, plan)


def golden(name: str, actual: str) -> str:
    """What the file has; `make golden` writes it."""
    path = HERE / "terminal" / name
    if os.environ.get("HY_GOLDEN"):
        path.write_text(actual, encoding="utf-8")
    return path.read_text("utf-8") if path.exists() else "(not there: run `make golden`, and look at it)"


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_the_table_word_for_word(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It fits the terminal."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    lines = list(_lines(made_up(), "shop.toml", came_up=True))
    assert max(map(len, lines)) <= max(columns, 78)
    text = "\n".join(lines) + "\n"
    assert golden(f"profile_{columns}.txt", text) == text


def test_bars_are_as_long_as_their_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """In eighths of a column, and each column in the colour of what lies in its middle."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    plain = Paint()
    assert _bar({"import": 100}, 100, 4, plain) == "████"
    assert _bar({"import": 50, "init": 3}, 100, 4, plain) == "██▏"
    assert _bar({"import": 1}, 100, 4, plain) == ""
    assert _bar({}, 100, 4, plain) == _bar({"new": 0}, 0, 4, plain) == _bar({"new": 5}, 5, 0, plain) == ""
    monkeypatch.setenv("NO_COLOR", "")
    monkeypatch.setenv("FORCE_COLOR", "1")
    painted = Paint()
    assert _bar({"import": 50, "init": 50}, 100, 4, painted) == "\x1b[34m██\x1b[0m\x1b[33m██\x1b[0m"
    assert _bar({"import": 5, "init": 1}, 40, 4, painted) == "\x1b[34m▋\x1b[0m"


def test_the_picture_word_for_word() -> None:
    """The same profile gives the same text."""
    picture = as_svg(made_up(), "shop.toml")
    assert picture == as_svg(made_up(), "shop.toml")
    assert golden("plan.svg", picture) == picture


def elements(picture: str, tag: str) -> Iterator[ElementTree.Element]:
    return ElementTree.fromstring(picture).iter(f"{{http://www.w3.org/2000/svg}}{tag}")


def test_the_picture_is_xml_whatever_the_names_are() -> None:
    """Names of others may hold anything."""
    wild = "<script>alert('&\"')</script>\x00\x1b[31m\ud800\n"
    profile = profile_of(
        [["mark", "python", "", 1, 1, 7, 1, 1]], 0, [{"name": wild, "requires": [wild], "after": []}]
    )
    picture = as_svg(profile, wild)
    assert not list(elements(picture, "script"))
    assert len(list(elements(picture, "text"))) > 3
    json.loads(as_trace(profile, wild))


@pytest.mark.parametrize("count", [0, 1, 2, 50, 200])
def test_the_picture_of_many(count: int) -> None:
    """Each extension has a row, each need a line, and no two lines of one column touch."""
    rows = [
        Row(
            f"e{place}",
            place + 1,
            times={phase: (place * 7 + number * 3) % 11 * MS for number, phase in enumerate(PHASES)},
            requires=tuple(f"e{other}" for other in {place // 2, place * 2 // 3} if other < place),
            after=("e0",) if place % 3 == 1 else (),
        )
        for place in range(count)
    ]
    profile = Profile({}, 0, 0, Row("main"), rows, 1, {}, 0, Row("hyperion"))
    picture = as_svg(profile, "many.toml")
    names = [element for element in elements(picture, "text") if element.find("{*}title") is not None]
    assert len(names) == count
    # The legend has one of each kind, if there are any.
    lines = [element for element in elements(picture, "path") if element.get("class", "").startswith("line")]
    needs = sum(
        len(row.requires) + len([name for name in row.after if name not in row.requires]) for row in rows
    )
    assert len(lines) == (needs + 2 if needs else 0)
    assert float(next(elements(picture, "svg")).get("width", "")) < 1400


def test_rows_add_up_whatever_lies_in_what() -> None:
    """What is done within an extension's time is part of it, an extension's import too; what taking times cost is nobody's."""
    raw = [
        ["mark", "python", "", 10, 10, 7, 10, 10],
        ["extension", "b", "import", 40, 50, 7, 38, 53],
        ["extension", "a", "new", 30, 60, 7, 25, 65],
        ["lost", "", "", 65, 70, 7, 65, 70],
        ["extension", "a", "teardown", 80, 85, 7, 75, 90],
        ["mark", "down", "", 100, 100, 7, 100, 100],
    ]
    profile = profile_of(raw, 0, [{"name": "a", "requires": [], "after": []}])
    (row,) = profile.extensions
    assert row.times == {"new": 30, "teardown": 5 + 10}
    lost = (5 + 2 + 3 + 5) + 5 + (5 + 5)
    assert profile.total == 100 - lost
    assert profile.python + profile.hyperion + profile.main.total + row.total == profile.total


# The documented format.


def keys_of(value: Any) -> Any:
    """The keys of tables in tables, of the first of each array too."""
    if isinstance(value, list):
        return [keys_of(each) for each in value[:1] if isinstance(each, dict)]
    if not isinstance(value, dict):
        return None
    return {key: keys_of(each) if key not in ("report", "phases") else None for key, each in value.items()}


def test_the_documented_format(place: Place) -> None:
    """The document that the reference shows has exactly the fields that there are."""
    page = (HERE.parent / "docs/reference/command-line.md").read_text("utf-8")
    section = page.partition("## `hyperion profile ")[2].partition("\n## ")[0]
    (block,) = re.findall(r"^```json\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    slow(place)
    place.add("fails", "def teardown(self): raise ValueError('no')\n")
    place.write("quick", "slow", "fails", main='main = "host:main"')
    assert keys_of(json.loads(block)) == keys_of(place.profile("--json").json)
