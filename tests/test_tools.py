"""`hyperion list`, `info`, `schema`, `check` and `doctor`, in processes of their own (section 9).

Whatever a plugin does when it is imported, the command tells which it was, how and where, and ends well.
"""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HYPERION = [sys.executable, "-P", "-W", "error", "-m", "hypi"]
pytestmark = pytest.mark.usefixtures("signals_that_are_not_ignored")
WAIT = 50  # seconds; far more than anything here takes
LIMIT = 1.0  # seconds for an import

PLUGIN = """
import uuid
from dataclasses import dataclass
from hycore import PluginEXT

@dataclass
class Config:
    limit: int
    title: str = "none"

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


class Place:
    """A folder on `PYTHONPATH` with installed extensions, all in one group of their own, and an application file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.site = folder / "site"
        self.site.mkdir()
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name not in {"COLUMNS", "FORCE_COLOR", "PYTHONUNBUFFERED", "PYTHONWARNINGS", "HY_NO_CACHE"}
        }
        self.environment |= {"PYTHONPATH": str(self.site), "HY_HOME": str(folder / "home")}

    def add(self, name: str, source: str, *, target: str | None = None, more: str = "") -> Path:
        (self.site / f"{name}.py").write_text(textwrap.dedent(source))
        info = self.site / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[zoo]\n{name} = {target or f'{name}:P'}\n{more}")
        return info

    def write(self, *enabled: str, optional: tuple[str, ...] = (), more: str = "") -> None:
        (self.folder / "app.toml").write_text(
            '[application]\nname = "test"\nversion = "1.0.0"\n[engine]\nname = "e"\nversion = "0.1.0"\n'
            f'[instance]\ngroups = ["zoo"]\nenabled_extensions = {json.dumps(enabled)}\n'
            f"optional_extensions = {json.dumps(optional)}\n{more}"
        )

    def hyperion(self, *words: str, environment: Mapping[str, str] | None = None) -> Done:
        done = subprocess.run(
            [*HYPERION, *words],
            cwd=self.folder,
            env={**self.environment, **(environment or {})},
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


def assert_ended(pid: int) -> None:
    """Waits for the end of a process that is no child of this one."""
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        stat = Path(f"/proc/{pid}/stat")
        if stat.exists() and ") Z " in stat.read_text():
            return  # it has ended, and nobody has asked for its status
        time.sleep(0.05)
    pytest.fail(f"process {pid} is still there")


def warm_the_cache(place: Place, name: str) -> str:
    """Finds an extension as a host does, an hour later than all files were made; prints its target."""
    now = time.time()
    if place.site.stat().st_mtime > now - 60:
        os.utime(place.site, (now - 3600, now - 3600))
    script = (
        "import time\nnow = time.time_ns\ntime.time_ns = lambda: now() + 3600 * 10**9\n"
        f"from hycore.ext import Inventory\nprint(Inventory('zoo').find({name!r}).target)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script],
        env=place.environment,
        cwd=place.folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=WAIT,
    )
    return done.stdout


ZOO = ("--group", "zoo")
QUICK = (*ZOO, "--timeout", str(LIMIT))


# list.


def test_list_imports_nothing(place: Place) -> None:
    """Extensions that would end any process are listed, by name, distribution, version and target."""
    place.add("kills", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    place.add("broken", "def f(:\n", target="broken.sub:Q[extra]")
    done = place.hyperion("list", *ZOO)
    lines = sorted(line.split() for line in done.stdout.splitlines())
    assert lines == [
        ["NAME", "DISTRIBUTION", "VERSION", "TARGET"],
        ["broken", "broken", "1.0", "broken.sub:Q[extra]"],
        ["kills", "kills", "1.0", "kills:P"],
    ]
    assert (done.stderr, done.status) == ("", 0)


def test_list_as_json(place: Place) -> None:
    """The fields of an entry, the groups that were looked at, and what was skipped."""
    info = place.add("one", PLUGIN)
    other = place.add("two", PLUGIN)
    (other / "entry_points.txt").write_bytes(b"[zoo]\nx = \xff")
    done = place.hyperion("list", *ZOO, "--group", "more", "--json")
    assert done.json == {
        "groups": ["zoo", "more"],
        "extensions": [
            {
                "name": "one",
                "target": "one:P",
                "distribution": "one",
                "version": "1.0",
                "group": "zoo",
                "origin": str(info),
            }
        ],
        "skipped": [
            {
                "source": str(other),
                "reason": "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 10: invalid start byte",
            }
        ],
    }
    assert (done.stderr, done.status) == ("", 0)


def test_list_tells_what_is_odd(place: Place) -> None:
    """What was skipped, and which name is claimed twice."""
    place.add("one", PLUGIN, more="two = one:P\n")
    place.add("two", PLUGIN)
    broken = place.add("bad", PLUGIN)
    (broken / "entry_points.txt").write_text("[zoo]\nno value\n")
    done = place.hyperion("list", *ZOO)
    assert len(done.stdout.splitlines()) == 4
    skipped, twice = done.stderr.splitlines()
    assert skipped.startswith(f"hyperion: skipped {broken}: ")
    assert twice == "hyperion: two is claimed 2 times; hyperion doctor tells more"
    assert done.status == 0


def test_list_of_nothing_says_so(place: Place) -> None:
    """And is no failure."""
    done = place.hyperion("list", *ZOO)
    assert done == Done("", "hyperion: no extension is installed in zoo\n", 0)


def test_what_would_steer_a_terminal_is_shown_as_text(place: Place) -> None:
    """Names in metadata may hold anything."""
    info = place.add("one", PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: o\x1b[31mne\nVersion: 1.0\n")
    done = place.hyperion("list", *ZOO)
    assert "o\\x1b[31mne" in done.stdout
    assert "\x1b" not in done.stdout


def test_what_standard_output_cannot_encode_is_shown_all_the_same(place: Place) -> None:
    """In a terminal that knows ASCII only."""
    info = place.add("one", PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: Ünï\nVersion: 1.0\n", encoding="utf-8")
    done = place.hyperion("list", *ZOO, environment={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert "\\xdcn\\xef" in done.stdout
    assert done.status == 0


# What plugins may do when they are imported.


@dataclass(frozen=True)
class Misdeed:
    source: str
    reason: str
    line: int | None


MISDEEDS = {
    "raises": Misdeed(
        "import nothing_like_this\n", "ModuleNotFoundError: No module named 'nothing_like_this'", 1
    ),
    "exits": Misdeed("import sys\nsys.exit(7)\n", "SystemExit: 7", 2),
    "interrupts": Misdeed("raise KeyboardInterrupt\n", "KeyboardInterrupt", 1),
    "loops": Misdeed("while True:\n    pass\n", f"its import did not end within {LIMIT:g} s", None),
    "stubborn": Misdeed(
        "import time\nwhile True:\n  try: time.sleep(0.01)\n  except BaseException: pass\n",
        f"its import did not end within {LIMIT:g} s",
        None,
    ),
    "blocks": Misdeed(
        "import signal, time\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])\ntime.sleep(1000)\n",
        f"its import did not end within {LIMIT:g} s",
        3,
    ),
    "leaves": Misdeed("import os\nos._exit(3)\n", "its import ended the process with status 3", None),
    "pretends": Misdeed(
        "import os\nos._exit(0)\n",
        "its import left no answer: it ended the process with status 0, or closed files that are not its own",
        None,
    ),
    "kills": Misdeed(
        "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n",
        "its import killed the process: SIGKILL",
        None,
    ),
    "faults": Misdeed("import ctypes\nctypes.string_at(0)\n", "its import killed the process: SIGSEGV", 2),
    "closes": Misdeed(
        f"import os\nos.closerange(0, 256)\n{PLUGIN}",
        "its import left no answer: it ended the process with status 0, or closed files that are not its own",
        None,
    ),
    "speechless": Misdeed(
        "class E(Exception):\n    def __str__(self): raise ValueError\nraise E\n",
        "E: (its text cannot be read)",
        3,
    ),
    "syntax": Misdeed("x = 1\ndef f(:\n", "SyntaxError: ", 2),
    "reads": Misdeed("input()\n", "EOFError: EOF when reading a line", 1),
    "empty": Misdeed("x = 1\n", "module 'empty' has no 'P'", None),
    "floods": Misdeed("while True: print('x' * 1000)\n", f"its import did not end within {LIMIT:g} s", 1),
}


def test_doctor_tells_of_each_broken_extension_which_how_and_where(place: Place) -> None:
    """Whatever they do; and those that are fine are fine."""
    for name, misdeed in MISDEEDS.items():
        place.add(name, misdeed.source)
    place.add("fine", PLUGIN)
    place.add("slow", f"import time; time.sleep(1.1)\n{PLUGIN}")
    done = place.hyperion("doctor", *ZOO, "--timeout", "1.6", "--json")
    found = {each["name"]: each for each in done.json["extensions"]}
    for name, misdeed in MISDEEDS.items():
        reason = misdeed.reason.replace(f"{LIMIT:g} s", "1.6 s")
        assert (found[name]["status"], found[name]["reason"][: len(reason)]) == ("broken", reason), name
        if misdeed.line is not None:
            assert found[name]["place"] == f"{place.site}/{name}.py:{misdeed.line}", name
    assert [found[name]["status"] for name in ("fine", "slow")] == ["fine", "slow"]
    assert len(found["floods"]["output"]) <= 2_000
    assert (done.stderr, done.status, done.json["ok"]) == ("", 1, False)


@pytest.mark.parametrize("name", ["raises", "loops", "leaves", "faults", "closes"])
def test_info_of_a_broken_extension(place: Place, name: str) -> None:
    """The same, as one readable block on standard error."""
    misdeed = MISDEEDS[name]
    place.add(name, misdeed.source)
    done = place.hyperion("info", name, *QUICK)
    first, *more = done.stderr.splitlines()
    assert first == (
        f"hyperion: extension {name!r} cannot be loaded (entry point {name} = '{name}:P' of {name} 1.0): "
        f"{misdeed.reason}; mend or reinstall the distribution {name!r}, or stop asking for {name!r}"
    )
    if misdeed.line is not None:
        assert more[0] == f"at {place.site}/{name}.py:{misdeed.line}"
    assert (done.stdout, done.status) == ("", 1)


def test_check_judges_all_whatever_one_of_them_does(place: Place) -> None:
    """One that ends the process, or never ends, hides no problem of the others, and what stands in the file is checked."""
    names = ["raises", "loops", "stubborn", "leaves", "kills", "closes"]
    for name in names:
        place.add(name, MISDEEDS[name].source)
    place.add("fine", f"{PLUGIN}    CREATE_INFO = Config\n")
    place.write("fine", *names, more='[ext.fine]\nlimit = "many"\n')
    done = place.hyperion("check", "app.toml", "--timeout", str(LIMIT), "--json")
    wrong, *others = done.json["problems"]
    assert (wrong["where"], wrong["key"]) == ("app.toml:12", "ext.fine.limit")
    reasons = {name: MISDEEDS[name].reason for name in names}
    for name, problem in zip(names, others, strict=True):
        assert problem["text"].startswith(f"extension {name!r} cannot be loaded"), name
        assert reasons[name] in problem["text"], name
        assert problem["where"] == "app.toml:9"
    assert (done.stderr, done.status, done.json["ok"]) == ("", 2, False)


def test_what_a_plugin_starts_does_not_keep_the_command(place: Place) -> None:
    """A process that holds the pipes open is ended, and so is a thread that goes on."""
    place.add(
        "starts",
        f"import subprocess, sys\nchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1000)'])\n"
        f"open({str(place.folder / 'pid')!r}, 'w').write(str(child.pid))\n{PLUGIN}",
    )
    place.add(
        "threads",
        f"import threading, time\nthreading.Thread(target=time.sleep, args=(1000,)).start()\n{PLUGIN}",
    )
    start = time.monotonic()
    done = place.hyperion("doctor", *ZOO)
    assert done.status == 0, done
    assert time.monotonic() - start < WAIT / 2
    assert_ended(int((place.folder / "pid").read_text()))


def test_ctrl_c_ends_the_command_and_its_children(place: Place) -> None:
    """At once, with status 130."""
    place.add(
        "loops",
        f"import os\nopen({str(place.folder / 'pid')!r}, 'w').write(str(os.getpid()))\nwhile True: pass\n",
    )
    process = subprocess.Popen(
        [*HYPERION, "doctor", *ZOO, "--timeout", "1000"],
        cwd=place.folder,
        env=place.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    pid = place.folder / "pid"
    end = time.monotonic() + WAIT
    while not pid.exists() or not pid.read_text():
        assert time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=WAIT)
    assert (stdout, stderr, process.returncode) == ("", "", 130)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


# info.


DESCRIBED = (
    PLUGIN.replace("class P(PluginEXT):", 'class P(PluginEXT):\n    """Counts.\n\n    Every line.\n    """')
    + "    CREATE_INFO, REQUIRES, AFTER = Config, ('other',), ('third',)\n"
    "    REQUIRES_ENGINE, INITIALIZE_TIMEOUT = '>=0.1', 2.5\n"
    "    async def initialize(self): pass\n"
)


def test_info_says_what_an_extension_is(place: Place) -> None:
    """Identity, needs, configuration, documentation, and where from; never how it is configured."""
    info = place.add("counts", DESCRIBED)
    done = place.hyperion("info", "counts", *ZOO)
    text = done.stdout.replace(str(place.site), "SITE")
    before, after = text.split("  imported in    ")
    assert before + after.partition("\n")[2] == (
        "counts\n"
        "  A plugin\n"
        "\n"
        "  from           counts 1.0\n"
        "  metadata       SITE/counts-1.0.dist-info\n"
        "  group          zoo\n"
        "  target         counts:P\n"
        "  file           SITE/counts.py:11\n"
        "  uuid           a5a75775-d242-5fc4-8e8d-a3784b2f6fcf\n"
        "  requires       other\n"
        "  after          third\n"
        "  engine         >=0.1\n"
        "  asynchronous   initialize\n"
        "  time-out       2.5 s for initialize\n"
        "  configuration  counts.Config\n"
        "    limit  integer  required\n"
        '    title  string   default "none"\n'
        "\n"
        "  Counts.\n"
        "\n"
        "  Every line.\n"
    ), text
    assert info.exists()
    assert (done.stderr, done.status) == ("", 0)


def test_info_as_json(place: Place) -> None:
    """The fields of the entry, of the identity, and the schema of the configuration."""
    info = place.add("counts", DESCRIBED)
    told = place.hyperion("info", "counts", *ZOO, "--json").json
    assert isinstance(told.pop("seconds"), float)
    assert told.pop("schema")["properties"]["limit"]["anyOf"][0] == {"type": "integer"}
    assert told == {
        "name": "counts",
        "target": "counts:P",
        "distribution": "counts",
        "version": "1.0",
        "group": "zoo",
        "origin": str(info),
        "uuid": "a5a75775-d242-5fc4-8e8d-a3784b2f6fcf",
        "description": "A plugin",
        "requires": ["other"],
        "after": ["third"],
        "requires_engine": ">=0.1",
        "initialize_timeout": 2.5,
        "async_hooks": ["initialize"],
        "configuration": "counts.Config",
        "schema_problem": None,
        "documentation": "Counts.\n\nEvery line.",
        "file": f"{place.site}/counts.py:11",
    }


def test_info_of_an_unknown_name(place: Place) -> None:
    """The closest name."""
    place.add("counts", PLUGIN)
    done = place.hyperion("info", "count", *ZOO)
    assert done.stderr == (
        "hyperion: no extension is named 'count'; looked in the entry points of group 'zoo' and the plugins "
        "registered in this process; did you mean 'counts'?\n"
    )
    assert (done.stdout, done.status) == ("", 1)


def test_info_of_a_name_with_two_claims(place: Place) -> None:
    """Both owners, and none of them is imported."""
    place.add("one", "raise SystemExit\n", more="shared = one:P\n")
    place.add("two", "raise SystemExit\n", more="shared = two:P\n")
    done = place.hyperion("info", "shared", *ZOO)
    assert "one:P of one 1.0" in done.stderr and "two:P of two 1.0" in done.stderr
    assert (done.stdout, done.status) == ("", 1)


def test_info_shows_the_traceback_when_asked(place: Place) -> None:
    """With the line of the plugin that failed."""
    place.add("raises", "def f():\n    raise ValueError('on purpose')\nf()\n")
    done = place.hyperion("info", "raises", *ZOO, "--traceback")
    assert (
        f"File \"{place.site}/raises.py\", line 2, in f\n    raise ValueError('on purpose')\n" in done.stderr
    )
    assert f"\nat {place.site}/raises.py:2\n" in done.stderr


def test_a_class_that_is_no_plugin_is_told_with_the_line_to_write(place: Place) -> None:
    """As everywhere else."""
    place.add("misnamed", PLUGIN.replace('__name__, "A plugin"', '"other", "A plugin"'))
    done = place.hyperion("info", "misnamed", *ZOO)
    assert done.stderr.startswith(
        "hyperion: misnamed.P is not a valid plugin: its NAME is 'other', and the entry point of misnamed 1.0 calls it "
        "'misnamed'. Write:\n    NAME = 'misnamed'\n"
    )


# check.


def test_check_tells_the_order_and_the_reasons(place: Place) -> None:
    """And claims nothing of what hooks will do."""
    place.add("late", f"{PLUGIN}    REQUIRES = ('early',)\n    def initialize(self): raise ValueError\n")
    place.add("early", f"{PLUGIN}    CREATE_INFO = Config\n")
    place.write("late", "early", optional=("missing",), more="[ext.early]\nlimit = 3\n")
    done = place.hyperion("check", "app.toml")
    assert done.stdout == (
        "app.toml: 2 extensions, in this order\n"
        "   1. early  enabled; configured by early.Config\n"
        "   2. late   enabled; after early (REQUIRES)\n"
        "set aside: missing: PluginNotFoundError: no extension is named 'missing'; looked in the entry points of group "
        "'zoo' and the plugins registered in this process; known: 'early', 'late'; if it is another "
        "one, install its package, or import the module of its class, which has @define_plugin\n"
        "Hooks have not run: whether they succeed is not known.\n"
    )
    assert (done.stderr, done.status) == ("", 0)


def test_check_as_json(place: Place) -> None:
    """The order, and what is set aside; values of the configuration are nowhere in it."""
    place.add("early", f"{PLUGIN}    CREATE_INFO = Config\n")
    place.write("early", optional=("missing",), more='[ext.early]\nlimit = 3\ntitle = "secret"\n')
    done = place.hyperion("check", "app.toml", "--json")
    told = done.json
    (aside,) = told["set_aside"]
    assert aside.pop("reason").startswith("no extension is named 'missing'")
    assert told == {
        "file": "app.toml",
        "ok": True,
        "problems": [],
        "order": [
            {
                "name": "early",
                "uuid": str(uuid.uuid5(uuid.NAMESPACE_DNS, "early")),
                "reason": "enabled",
                "configuration": "early.Config",
            }
        ],
        "set_aside": [{"name": "missing", "error": "PluginNotFoundError"}],
    }
    assert "secret" not in done.stdout


def test_check_takes_settings(place: Place) -> None:
    """As run does; and a wrong one is told by its key, not by its value."""
    place.add("early", f"{PLUGIN}    CREATE_INFO = Config\n")
    place.write("early", more="[ext.early]\nlimit = 3\n")
    assert place.hyperion("check", "app.toml", "--set", "ext.early.limit=4").status == 0
    done = place.hyperion("check", "app.toml", "--set", "ext.early.limit=secret")
    assert done.stderr.startswith("hyperion: --set ext.early.limit: input should be a valid integer")
    assert "secret" not in done.stderr
    assert done.status == 2


def test_check_tells_all_problems_of_a_plan_with_their_lines(place: Place) -> None:
    """Status 1: the file is right, but the application cannot start."""
    place.add("one", PLUGIN)
    place.add("two", PLUGIN.replace("__name__), __name__", '"one"), __name__'))
    place.add("needy", f"{PLUGIN}    REQUIRES = ('absent',)\n")
    place.write("one", "two", "needy", "missing")
    done = place.hyperion("check", "app.toml")
    one, two = uuid.uuid5(uuid.NAMESPACE_DNS, "one"), "(one:P of one 1.0) and two (two:P of two 1.0)"
    clash, unmet, unknown = done.stderr.removeprefix("hyperion: ").split("\nhyperion: ")
    assert clash.startswith(f"app.toml:9: two extensions claim the UUID {one}: one {two}; ")
    assert unmet.startswith("app.toml:9: extension 'needy' requires 'absent', which is not asked for")
    assert unknown.startswith("app.toml:9: no extension is named 'missing'; looked in ")
    assert done.status == 1


def test_check_of_a_main_that_never_ends(place: Place) -> None:
    """It is told where it is, and the command ends."""
    place.add("one", PLUGIN)
    place.write("one")
    text = (place.folder / "app.toml").read_text()
    (place.folder / "app.toml").write_text(text.replace("[engine]", 'main = "endless:main"\n[engine]'))
    (place.folder / "endless.py").write_text("import time\n\ntime.sleep(1000)\n")
    done = place.hyperion("check", "app.toml", "--timeout", "0.5")
    assert done.stderr == (
        "hyperion: app.toml:4: application.main: its import did not end within 0.5 s, "
        f"at {place.folder}/endless.py:3\n"
    )
    assert done.status == 2


@pytest.mark.parametrize("words", [["info", "one"], ["schema", "one"], ["check", "app.toml"]])
def test_a_name_in_another_group_is_told(place: Place, words: list[str]) -> None:
    """Which it is, and how it is looked for."""
    place.add("one", PLUGIN)
    place.write("one")
    done = place.hyperion(*words, "--group", "zoo.more")
    assert done.stderr.endswith("; one is in the group 'zoo': name it by --group, or in groups of the file\n")
    assert done.status == 1
    assert place.hyperion(*words, "--group", "zoo", "--group", "zoo.more").status == (words[0] == "schema")


@pytest.mark.parametrize("command", ["check", "doctor"])
def test_an_application_with_a_host_of_its_own_can_be_checked(place: Place, command: str) -> None:
    """Whose extensions have asynchronous hooks; without `--async` they are refused, and it is named."""
    place.add("waits", f"{PLUGIN}    async def initialize(self): pass\n")
    place.write("waits")
    done = place.hyperion(command, "app.toml", "--async")
    assert (done.stderr, done.status) == ("", 0)
    assert "   1. waits  enabled\n" in done.stdout
    done = place.hyperion(command, "app.toml")
    assert "if the host of this file is such a one, check it with --async\n" in done.stdout + done.stderr
    assert done.status == 1


@pytest.mark.parametrize("command", ["check", "schema", "doctor"])
def test_a_file_that_is_not_there(place: Place, command: str) -> None:
    """One line, and status 2."""
    done = place.hyperion(command, "nothing.toml")
    text = "hyperion: nothing.toml: there is no such file; name the application file, such as app.toml\n"
    assert done == Done("", text, 2)


@pytest.mark.parametrize("command", ["run", "check", "schema", "doctor", "profile"])
def test_a_file_in_a_folder_that_has_been_removed(place: Place, command: str) -> None:
    """The one in which the command is given: one line, and status 2."""
    gone = place.folder / "gone"
    gone.mkdir()
    code = f"import os, sys; os.rmdir(os.curdir + '/../gone'); from hypi.cli import main; sys.exit(main([{command!r}, 'app.toml']))"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=gone, capture_output=True, text=True, timeout=30, check=False
    )
    text = "hyperion: app.toml: the current folder is gone: change to one that is there\n"
    assert (done.stdout, done.stderr, done.returncode) == ("", text, 2)


@pytest.mark.parametrize("command", ["check", "schema", "doctor"])
def test_a_file_that_never_ends(place: Place, command: str) -> None:
    """A pipe that nobody writes to."""
    os.mkfifo(place.folder / "pipe.toml")
    text = "hyperion: pipe.toml: is no regular file: write it to one, such as app.toml\n"
    assert place.hyperion(command, "pipe.toml") == Done("", text, 2)


@pytest.mark.parametrize("command", ["check", "schema", "doctor"])
def test_modules_beside_the_file_are_not_imported_by_the_command(place: Place, command: str) -> None:
    """Also not in place of Python's own; only children have the folder on their path."""
    for name in ("queue", "base64", "hashlib", "tempfile", "pydantic", "typing_extensions"):
        (place.folder / f"{name}.py").write_text("raise SystemExit('imported')\n")
    place.add("one", PLUGIN)
    place.write("one")
    done = place.hyperion(command, "app.toml", "--json")
    assert (done.status, done.stderr) == (0, "")
    assert "imported" not in done.stdout


# What is ended, and what is told of whom.


SWALLOWS = "import time\ntry: time.sleep(1000)\nexcept Exception: pass\n"


def test_a_plugin_that_swallows_the_end_of_its_time_is_broken_all_the_same(place: Place) -> None:
    """Whether it catches exceptions, or all of them."""
    place.add("one", SWALLOWS + PLUGIN)
    place.add("two", SWALLOWS.replace("except Exception", "except BaseException") + PLUGIN)
    done = place.hyperion("doctor", *QUICK, "--json")
    assert {each["reason"] for each in done.json["extensions"]} == {
        f"its import did not end within {LIMIT:g} s"
    }
    assert {each["seconds"] for each in done.json["extensions"]} == {None}


@pytest.mark.parametrize("name", ["leaves", "interrupts", "loops", "kills"])
def test_check_does_not_set_aside_what_no_host_survives(place: Place, name: str) -> None:
    """An optional extension that ends the process, or never ends, ends a host as well."""
    place.add(name, MISDEEDS[name].source)
    place.add("fine", PLUGIN)
    place.write("fine", optional=(name,))
    done = place.hyperion("check", "app.toml", "--timeout", str(LIMIT), "--json")
    (problem,) = done.json["problems"]
    assert name in problem["text"]
    assert problem["text"].endswith("; optional or not, an application does not survive that")
    assert done.status == 1


def test_a_configuration_that_never_ends_hides_nothing(place: Place) -> None:
    """Nor one that ends the process; each is told by its table."""
    for name, deed in (
        ("never", "__import__('time').sleep(1000)"),
        ("leaves", "__import__('os')._exit(3)"),
        ("raises", "(_ for _ in ()).throw(GeneratorExit('it was ' + title))"),
    ):
        made = f"class Made:\n    def __init__(self, limit: int, title: str) -> None:\n        {deed}\n"
        place.add(name, f"{made}{PLUGIN}    CREATE_INFO = Made\n")
    names = ("never", "leaves", "raises")
    tables = "".join(f'[ext.{name}]\nlimit = 1\ntitle = "hush"\n' for name in names)
    place.write(*names, "missing", more=f"node = 3\n{tables}")
    done = place.hyperion("check", "app.toml", "--timeout", str(LIMIT), "--json")
    texts = {each["key"]: each["text"] for each in done.json["problems"]}
    assert texts["instance.node"] == "unknown key; did you mean 'node_id'?"
    assert texts["ext.never"].startswith(f"making its configuration did not end within {LIMIT:g} s, at ")
    assert texts["ext.leaves"] == "making its configuration ended the process with status 3"
    assert texts["ext.raises"] == "making its configuration raised GeneratorExit"
    assert texts[""].startswith("no extension is named 'missing'")
    assert "hush" not in done.stdout
    assert (done.stderr, done.status) == ("", 2)


def test_the_right_one_is_told(place: Place) -> None:
    """Not one that was broken before, nor one in whose import a thread of another ends the process."""
    place.add("broken", "import nothing_like_this\n")
    place.add(
        "guilty",
        f"import os, threading\nthreading.Timer(0.5, os._exit, (9,)).start()\n{PLUGIN}",
    )
    place.add("innocent", f"import time\ntime.sleep(0.8)\n{PLUGIN}")
    place.write("broken", "guilty", "innocent")
    done = place.hyperion("check", "app.toml", "--json")
    texts = [each["text"] for each in done.json["problems"]]
    assert "ModuleNotFoundError" in texts[0]
    assert "alone it imports well: look at what those before it have started" in texts[1]
    assert done.status == 1


def test_a_plugin_that_loads_another_one(place: Place) -> None:
    """Each has its own time, and the one that takes too long is told."""
    load = "from hycore.ext import Inventory\nInventory('zoo').find('inner').load()\n"
    place.add("inner", PLUGIN)
    place.add("outer", f"{load}import time\ntime.sleep(1000)\n")
    place.add(
        "threaded",
        f"import threading\nt = threading.Thread(target=lambda: exec({load!r}))\nt.start()\nt.join()\n{PLUGIN}",
    )
    place.write("threaded", "outer")
    done = place.hyperion("check", "app.toml", "--timeout", str(LIMIT), "--json")
    (problem,) = done.json["problems"]
    assert problem["text"].startswith("extension 'outer' cannot be loaded")
    assert f"its import did not end within {LIMIT:g} s" in problem["text"]
    assert problem["place"] == f"{place.site}/outer.py:4"


def test_the_place_is_in_the_code_of_the_plugin(place: Place) -> None:
    """And not in that of a library which it calls."""
    (place.site / "library.py").write_text("def f():\n    raise ValueError\n")
    place.add("calls", "import library\nlibrary.f()\n")
    found = place.hyperion("doctor", *ZOO, "--json").json["extensions"][0]
    assert found["place"] == f"{place.site}/calls.py:2"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_with_the_command_its_children_end(place: Place, number: int) -> None:
    """Whatever ends it, and whatever they do."""
    pid = place.folder / "pid"
    source = f"import os\nopen({str(pid)!r}, 'w').write(str(os.getpid()))\nwhile True:\n  try:\n    while True: pass\n"
    place.add("loops", f"{source}  except BaseException: pass\n")
    process = subprocess.Popen(
        [*HYPERION, "info", "loops", *ZOO, "--timeout", "1000"],
        cwd=place.folder,
        env=place.environment,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + WAIT
    while not pid.exists() or not pid.read_text():
        assert time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(number)
    assert process.wait(WAIT) == (-signal.SIGKILL if number == signal.SIGKILL else 143)
    assert_ended(int(pid.read_text()))


def test_a_plugin_cannot_answer_in_place_of_the_tool(place: Place) -> None:
    """What it writes into files that are not its own is no report, and ours goes into none of its files."""
    forged = '{"answer": {"seconds": 0, "error": null}}'
    place.add(
        "forges",
        f"import os\nfor fd in range(3, 64):\n  try: os.write(fd, b'{forged}\\n' + b'[' * 100000 + b'\\n')\n"
        "  except OSError: pass\nos._exit(0)\n",
    )
    kept = place.folder / "kept"
    place.add(
        "takes",
        f"import os\nos.closerange(3, 256)\nfiles = [open({str(kept)!r}, 'a') for _ in range(9)]\n{PLUGIN}",
    )
    done = place.hyperion("doctor", *ZOO, "--json")
    assert {each["status"] for each in done.json["extensions"]} == {"broken"}
    assert kept.read_text() == ""


def test_a_plugin_that_writes_for_ever_does_not_keep_the_command(place: Place) -> None:
    """Into all files that it has, and whatever is raised in it; nor what it has started in a session of its own."""
    write = "for fd in range(3, 24):\n      try: os.write(fd, b'x\\n')\n      except BaseException: pass\n"
    place.add("writes", f"import os\nwhile True:\n    {write}")
    place.add(
        "leaves",
        f"import os, time\nif os.fork() == 0:\n    os.setsid()\n    end = time.time() + 20\n"
        f"    while time.time() < end:\n      {write.replace('      ', '        ')}    os._exit(0)\nos._exit(0)\n",
    )
    start = time.monotonic()
    done = place.hyperion("doctor", *QUICK, "--json")
    assert time.monotonic() - start < 15
    assert {each["status"] for each in done.json["extensions"]} == {"broken"}
    assert done.status == 1


def test_a_schema_that_cannot_be_made_hides_nothing(place: Place) -> None:
    """It is told what could not be made: the import was fine."""
    schema = "    @classmethod\n    def __get_pydantic_core_schema__(cls, *_):\n        import os, sys\n"
    for name, deed in (("leaves", "os._exit(3)"), ("exits", "sys.exit('no licence')")):
        made = (
            f"class Made:\n{schema}        {deed}\nclass Config:\n    def __init__(self, made: Made): pass\n"
        )
        config = PLUGIN.partition("@dataclass")[0] + "class P" + PLUGIN.partition("class P")[2]
        place.add(name, f"{config}    CREATE_INFO = None\n{made}P.CREATE_INFO = Config\n")
    done = place.hyperion("info", "leaves", *ZOO)
    assert "making its schema ended the process with status 3" in done.stderr
    place.write(
        "leaves", "exits", "missing", more="nodeid = 3\n[ext.leaves]\nmade = 1\n[ext.exits]\nmade = 1\n"
    )
    texts = {
        each["key"]: each["text"] for each in place.hyperion("check", "app.toml", "--json").json["problems"]
    }
    assert texts["ext.leaves"] == "making its configuration ended the process with status 3"
    assert "no licence" in texts["ext.exits.made"]
    assert texts["instance.nodeid"].startswith("unknown key")
    assert texts[""].startswith("no extension is named 'missing'")


def test_doctor_takes_the_groups_of_a_file_with_a_mistake(place: Place) -> None:
    """What is right of its table counts."""
    place.add("fine", PLUGIN)
    place.write("fine", more="nodeid = 3\n")
    done = place.hyperion("doctor", "app.toml", "--json")
    assert (done.json["groups"], done.status) == (["zoo"], 2)


def test_a_damaged_list_of_our_own_files_is_a_change(place: Place) -> None:
    """And no crash."""
    from importlib.metadata import distribution

    for file in distribution("hyperion-runtime").files or []:
        if file.parts[0] in ("hycore", "hypi") or file.parts[0].endswith(".dist-info"):
            copy = place.site / file
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_binary())
    (record,) = place.site.glob("hyperion_runtime-*.dist-info/RECORD")
    record.write_text(record.read_text() + "hycore/a.py,sha256=xx,abc\n")
    assert [kind for kind, _ in problems(place)] == ["changed"]


def test_tools_do_not_use_the_cache(place: Place) -> None:
    """A second claim that the index does not know is an error of `check` and of `info`."""
    place.add("one", PLUGIN)
    place.add("two", PLUGIN)
    place.write("one")
    warm_the_cache(place, "one")
    (place.site / "two-1.0.dist-info" / "entry_points.txt").write_text("[zoo]\none = two:P\n")
    for words in (["check", "app.toml"], ["info", "one", *ZOO], ["schema", "one", *ZOO]):
        done = place.hyperion(*words)
        assert "one:P of one 1.0" in done.stderr and "two:P of two 1.0" in done.stderr, words
        assert done.status == 1


def test_check_looks_in_the_groups_of_the_command_line(place: Place) -> None:
    """In place of those of the file."""
    place.add("one", PLUGIN)
    place.write("one")
    assert place.hyperion("check", "app.toml").status == 0
    done = place.hyperion("check", "app.toml", "--group", "elsewhere")
    assert "looked in the entry points of group 'elsewhere'" in done.stderr
    assert done.status == 1


def test_values_of_the_instance_table_may_come_from_elsewhere(place: Place) -> None:
    """For `schema` and `doctor` as for `check`."""
    place.add("one", PLUGIN)
    place.write("one")
    text = (place.folder / "app.toml").read_text()
    text = text.replace('groups = ["zoo"]', 'groups = [{env = "GROUP"}]\nnode_id = {env = "NODE"}')
    (place.folder / "app.toml").write_text(text)
    environment = {"GROUP": "zoo", "NODE": "7"}
    for command in ("check", "schema", "doctor"):
        done = place.hyperion(command, "app.toml", "--json", environment=environment)
        assert (done.status, done.stderr) == (0, ""), command
        assert "one" in done.stdout


# schema.


def test_the_schema_of_the_logger(place: Place) -> None:
    """The callback is the string that it is in a file, the levels are names."""
    schema = place.hyperion("schema", "__EXT_hyperion_logger").json
    assert schema["properties"]["callback"]["anyOf"][0] == {
        "type": "string",
        "pattern": "^[^:]+:[^:]+$",
        "format": "callable",
    }
    assert schema["$defs"]["LogLevelEXT"]["enum"][:5] == ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"]
    assert schema["properties"]["level"]["default"] == "INFO"
    assert schema["additionalProperties"] is False


def test_an_extension_without_configuration_has_no_schema(place: Place) -> None:
    """That is said."""
    place.add("plain", PLUGIN)
    done = place.hyperion("schema", "plain", *ZOO)
    assert done == Done("", "hyperion: extension 'plain' takes no configuration: it has no CREATE_INFO\n", 1)


def test_a_class_without_annotations_has_no_schema(place: Place) -> None:
    """What to do is said."""
    place.add("odd", f"{PLUGIN}    CREATE_INFO = int\n")
    done = place.hyperion("schema", "odd", *ZOO)
    assert done.stderr.startswith(
        "hyperion: the configuration of 'odd' has no schema: builtins.int cannot be called"
    )
    assert done.stderr.endswith("; annotate what builtins.int is called with, as a dataclass does\n")
    assert (done.stdout, done.status) == ("", 1)


def test_the_schema_of_a_file_has_the_tables_of_its_extensions(place: Place) -> None:
    """Of those that it asks for; the others are not imported."""
    place.add("limited", f"{PLUGIN}    CREATE_INFO = Config\n")
    place.add("plain", PLUGIN)
    place.add("never", "raise SystemExit\n")
    place.write("limited", optional=("plain",))
    done = place.hyperion("schema", "app.toml")
    assert (done.stderr, done.status) == ("", 0)
    ext = done.json["properties"]["ext"]
    assert list(ext["properties"]) == ["limited", "plain"]
    assert ext["properties"]["limited"]["required"] == ["limit"]
    names = done.json["properties"]["instance"]["properties"]["enabled_extensions"]["anyOf"][0]["items"][
        "anyOf"
    ][0]
    assert names == {"enum": ["limited", "never", "plain"]}


def test_the_schema_of_a_file_with_a_broken_extension(place: Place) -> None:
    """The rest of it is printed, the problem is told, and the status is 1."""
    place.add("limited", f"{PLUGIN}    CREATE_INFO = Config\n")
    place.add("kills", MISDEEDS["kills"].source)
    place.write("limited", "kills")
    done = place.hyperion("schema", "app.toml")
    assert done.json["properties"]["ext"]["properties"]["limited"]["required"] == ["limit"]
    assert done.stderr.startswith("hyperion: extension 'kills' cannot be loaded")
    assert done.status == 1


# doctor.


def test_doctor_as_text(place: Place) -> None:
    """Each extension, what is wrong with it and what to do, and a last line that tells the whole."""
    place.add("fine", PLUGIN)
    place.add("raises", MISDEEDS["raises"].source)
    place.add("talks", f"print('hello\\x07')\n{PLUGIN}")
    done = place.hyperion("doctor", *ZOO)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("hyperion-runtime ")
    assert lines[1] == f"cache: {place.folder}/home/cache, 0 files"
    assert lines[2] == (
        "       known limit: it does not see a second claim of a name that is made by editing an installed "
        "distribution in place"
    )
    assert "3 extensions are installed in zoo" in lines
    at = lines.index("          ModuleNotFoundError: No module named 'nothing_like_this'")
    assert lines[at - 1].startswith("  broken  raises  raises 1.0")
    assert lines[at + 1 : at + 3] == [
        f"          at {place.site}/raises.py:1",
        "          install what it needs, or tell the authors of raises",
    ]
    at = lines.index("          it printed:")
    assert lines[at + 1] == "            hello\\x07"
    assert lines[-1] == "not all is well: 1 broken and 0 slow of 3"
    assert (done.stderr, done.status) == ("", 1)


def test_doctor_is_content(place: Place) -> None:
    """With what is installed here, and the logger."""
    place.add("fine", PLUGIN)
    done = place.hyperion("doctor", *ZOO, "--group", "hycore.plugins")
    assert done.stdout.endswith("\nall is well\n"), done.stdout
    assert (done.stderr, done.status) == ("", 0)


def problems(place: Place, *words: str) -> list[tuple[str, str]]:
    done = place.hyperion("doctor", *ZOO, "--json", *words)
    assert done.status == 1, done
    return [(each["kind"], each["text"]) for each in done.json["problems"]]


def test_doctor_finds_two_extensions_with_one_uuid(place: Place) -> None:
    """Among all that are installed, enabled or not."""
    place.add("one", PLUGIN)
    place.add("two", PLUGIN.replace("__name__), __name__", '"one"), __name__'))
    ((kind, text),) = problems(place)
    assert kind == "uuid"
    assert text.startswith("the UUID ")
    assert "one (one:P of one 1.0)" in text and "two (two:P of two 1.0)" in text
    assert text.endswith("; give one of the classes a new UUID, or uninstall one")


def test_doctor_finds_two_claims_of_one_name(place: Place) -> None:
    """With both owners; the same class twice is one owner."""
    place.add("one", PLUGIN)
    place.add("two", PLUGIN)
    place.add("three", PLUGIN)
    (place.site / "two-1.0.dist-info" / "entry_points.txt").write_text("[zoo]\none = two:P\n")
    (place.site / "three-1.0.dist-info" / "entry_points.txt").write_text("[zoo]\none = one:P\n")
    kinds = dict(problems(place))
    assert set(kinds) == {"name"}
    assert "one:P of one 1.0" in kinds["name"] or "one:P of three 1.0" in kinds["name"]
    assert "two:P of two 1.0" in kinds["name"]


def test_doctor_shows_the_one_limit_of_the_cache(place: Place) -> None:
    """A second claim that was made in place: hosts get the first, doctor tells both and what to delete."""
    place.add("one", PLUGIN)
    place.add("two", PLUGIN)
    assert warm_the_cache(place, "one") == "one:P\n"
    (place.site / "two-1.0.dist-info" / "entry_points.txt").write_text("[zoo]\none = two:P\n")
    assert warm_the_cache(place, "one") == "one:P\n"
    told = dict(problems(place))
    assert set(told) == {"name", "cache"}
    assert told["cache"] == (
        "an index in the cache may lack the second claim of one, and hosts get the first; delete "
        f"{place.folder}/home/cache"
    )


def test_doctor_finds_what_is_required_and_not_installed(place: Place) -> None:
    """With the closest name."""
    place.add("early", PLUGIN)
    place.add("needy", f"{PLUGIN}    REQUIRES = ('earli',)\n")
    assert problems(place) == [
        (
            "requires",
            "needy requires 'earli', and no extension of that name is installed; did you mean 'early'?",
        )
    ]


def test_doctor_finds_distributions_that_cannot_be_read(place: Place) -> None:
    """They are skipped, and that is told."""
    info = place.add("bad", PLUGIN)
    (info / "entry_points.txt").write_bytes(b"[zoo]\nx = \xff")
    ((kind, text),) = problems(place)
    assert (kind, text.startswith(f"{info}: UnicodeDecodeError")) == ("skipped", True)


@pytest.mark.parametrize("name", ["hypi", "hycore", "Some.Thing"])
def test_doctor_finds_distributions_that_have_files_of_ours(place: Place, name: str) -> None:
    """By what they say that they have installed."""
    info = place.site / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "RECORD").write_text(
        "hypi/__init__.py,sha256=x,1\nhypi/_x.so,,\nhypi/data.txt,,\nother/hypi/a.py,,\n"
    )
    assert problems(place) == [
        (
            "foreign",
            f"{name} 1.0 has files of ours: hypi/__init__.py and 2 more; run: pip uninstall {name}; "
            "pip install --force-reinstall hyperion-runtime",
        )
    ]


def test_doctor_finds_files_of_ours_that_have_changed(place: Place) -> None:
    """An installation of our own, in which one file has been written over and one is gone."""
    from importlib.metadata import distribution

    ours = distribution("hyperion-runtime")
    for file in ours.files or []:
        if file.parts[0] in ("hycore", "hypi") or file.parts[0].endswith(".dist-info"):
            copy = place.site / file
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_binary())
    assert place.hyperion("doctor", *ZOO).status == 0
    changed = place.site / "hycore" / "magic.py"
    changed.write_text(changed.read_text() + "\n")
    (place.site / "hycore" / "py.typed").unlink(missing_ok=True)
    ((kind, text),) = problems(place)
    assert kind == "changed"
    assert text.startswith("files of hyperion-runtime are not as they were installed: hycore/")
    assert text.endswith("; run: pip install --force-reinstall hyperion-runtime")


def test_doctor_of_a_file_checks_the_application_too(place: Place) -> None:
    """In the groups of the file, and with its folder on the path."""
    place.add("fine", PLUGIN)
    place.write("fine", "missing")
    done = place.hyperion("doctor", "app.toml", "--json")
    assert done.json["groups"] == ["zoo"]
    assert [each["name"] for each in done.json["extensions"]] == ["fine"]
    assert done.json["application"]["problems"][0]["where"] == "app.toml:9"
    assert done.status == 1
    place.write("fine")
    done = place.hyperion("doctor", "app.toml")
    assert "app.toml: 1 extension, in this order\n   1. fine  enabled\n" in done.stdout
    assert done.status == 0


# Usage.


@pytest.mark.parametrize("buffering", ["0", ""])
def test_a_full_disk_is_told(place: Place, buffering: str) -> None:
    """And is a failure, whether standard output is buffered or not."""
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full here")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*HYPERION, "schema", "__EXT_hyperion_logger"],
            env={**place.environment, "PYTHONUNBUFFERED": "1" if buffering else ""},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=WAIT,
            check=False,
        )
    text = "hyperion: standard output cannot be written: No space left on device\n"
    assert (done.stderr, done.returncode) == (text, 1)


def test_closed_standard_files_are_no_hindrance(place: Place) -> None:
    """All three of them."""
    place.add("one", PLUGIN)
    line = f"exec {' '.join(HYPERION)} info one --group zoo <&- >&- 2>&-"
    done = subprocess.run(
        line, shell=True, env=place.environment, cwd=place.folder, timeout=WAIT, check=False
    )
    assert done.returncode == 0


def test_a_module_that_cannot_be_imported_is_tried_once(place: Place) -> None:
    """Whether it is needed or not."""
    place.add("raises", f"open({str(place.folder / 'tries')!r}, 'a').write('x')\nraise ValueError\n")
    for enabled, optional in (("raises",), ()), ((), ("raises",)):
        place.write(*enabled, optional=optional)
        place.hyperion("check", "app.toml")
        assert (place.folder / "tries").read_text() == "x"
        (place.folder / "tries").unlink()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["check", "app.toml", "--timeout", "0"], "'0' is not a number of seconds up to 86400, such as 2.5"),
        (["doctor", "--timeout", "soon"], "'soon' is not a number of seconds up to 86400, such as 2.5"),
        (["list", "--", "words"], "only `hyperion run` takes words after --"),
        (["list", "words"], "unrecognized arguments: words\n"),
        (["info"], "the following arguments are required: NAME"),
        (["chek"], "invalid choice: 'chek'"),
    ],
)
def test_wrong_usage(place: Place, words: list[str], text: str) -> None:
    """What is wrong, and status 2."""
    done = place.hyperion(*words)
    assert text in done.stderr
    assert (done.stdout, done.status) == ("", 2)


def test_on_a_terminal_it_shows_that_it_goes_on(place: Place) -> None:
    """One line that goes away again; nothing of it elsewhere."""
    place.add("fine", f"import time; time.sleep(0.3)\n{PLUGIN}")
    main, terminal = pty.openpty()
    done = subprocess.run(
        [*HYPERION, "doctor", *ZOO],
        cwd=place.folder,
        env={**place.environment, "TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=terminal,
        text=True,
        timeout=WAIT,
        check=False,
    )
    os.close(terminal)
    shown = os.read(main, 65536).decode()
    os.close(main)
    assert shown.startswith("\r\x1b[Kimporting 1 of 1: fine")
    assert shown.endswith("\r\x1b[K")
    assert "\x1b" not in done.stdout


# The documented formats.


def keys_of(value: Any) -> Any:
    """The keys of tables in tables, of the first of each array too."""
    if isinstance(value, list):
        return [keys_of(value[0])] if value else []
    return {key: keys_of(part) for key, part in value.items()} if isinstance(value, dict) else None


def documented(command: str) -> Any:
    page = (Path(__file__).resolve().parents[1] / "docs/reference/command-line.md").read_text("utf-8")
    section = page.partition(f"\n## `hyperion {command}")[2].partition("\n## ")[0]
    return json.loads(section.partition("```json\n")[2].partition("\n```")[0])


def test_the_formats_are_as_the_reference_shows_them(place: Place) -> None:
    """No key more and none less, at every depth."""
    place.add("good", f"{PLUGIN}    CREATE_INFO = Config\n")
    place.add("wrong", "import nothing_like_this\n")
    skipped = place.add("bad", PLUGIN)
    (skipped / "entry_points.txt").write_bytes(b"[zoo]\nx = \xff")
    place.write("good", optional=("absent",), more="[ext.good]\nlimit = 3\n")

    assert keys_of(place.hyperion("list", *ZOO, "--json").json) == keys_of(documented("list"))
    entry = documented("list")["extensions"][0]
    info = place.hyperion("info", "good", *ZOO, "--json").json
    assert set(info) == {*entry, *documented("info")}
    assert keys_of(place.hyperion("doctor", *ZOO, "--json").json) == keys_of(documented("doctor"))

    check = place.hyperion("check", "app.toml", "--json").json
    place.write("good", more='[ext.good]\nlimit = "x"\n')
    wrong = place.hyperion("check", "app.toml", "--json").json
    assert {**keys_of(check), "problems": keys_of(wrong["problems"])} == keys_of(documented("check"))
    assert set(wrong) == {"file", "ok", "problems"}
