"""Rules F1, F3 and T4 to T6 in processes of their own: drop, exit, fork, signals, threads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("signals_that_are_not_ignored")

PRELUDE = """
import asyncio, gc, os, signal, sys, threading, time, uuid
from functools import partial
from hycore import InstanceContext, PluginEXT, hyinfo
from hycore.base.api import ApplicationInfo, InstanceCreateInfo, VersionInfo
from hycore.ext import Inventory
from hycore.utils.error import HyError

inventory = Inventory(group=None)

def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

def plugin(name, **hooks):
    def act(self, phase):
        say(phase, name)
        hook = hooks.get(phase)
        if hook is not None:
            hook(self)
    class Plain(PluginEXT):
        UUID, NAME, DESCRIPTION = uuid.uuid4(), name, "A plugin"
        def attach_to(self, instance): act(self, "attach_to")
        def initialize(self): act(self, "initialize")
        def teardown(self): act(self, "teardown")
    class Asynchronous(PluginEXT):
        UUID, NAME, DESCRIPTION = Plain.UUID, name, "A plugin"
        async def attach_to(self, instance): await pause(); act(self, "attach_to"); await pause()
        async def initialize(self): await pause(); act(self, "initialize"); await pause()
        async def teardown(self): await pause(); act(self, "teardown"); await pause()
    kind = Plain if WORLD == "plain" else Asynchronous
    kind.__qualname__ = name
    inventory.submit(kind)

async def pause():
    # Without a loop, as at the end of the process, an asynchronous hook runs through.
    if WORLD == "trio" and trio.lowlevel.in_trio_run():
        await trio.lowlevel.checkpoint()
    elif asyncio._get_running_loop() is not None:
        await asyncio.sleep(0)

def in_loop(function):
    return trio.run(function) if WORLD == "trio" else asyncio.run(function())

class Held:
    # An instance of an asynchronous host, closed in its loop.
    def __init__(self, bare): self.bare = bare
    def close(self): in_loop(self.bare.aclose)
    def __getattr__(self, name): return getattr(self.bare, name)

def create(*names, application="test"):
    version = VersionInfo(1)
    info = InstanceCreateInfo(ApplicationInfo(application, version, "Engine", version), names)
    if WORLD == "plain":
        return InstanceContext.create(info, inventory=inventory)
    made = []  # what a loop returns it may keep for a while
    async def main(): made.append(await InstanceContext.acreate(info, inventory=inventory))
    in_loop(main)
    return Held(made.pop())

WORLD = os.environ["HY_TEST_WORLD"]
if WORLD == "trio":
    import trio

def interrupt(self=None):
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(1000):
        pass

def fail(self=None):
    raise ValueError("failed on purpose")
"""


@pytest.fixture(autouse=True, params=["plain", "asyncio", "trio"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each test runs in a plain host, under asyncio and under trio; `run` tells the process which."""
    monkeypatch.setenv("HY_TEST_WORLD", request.param)
    return str(request.param)


def run(script: str, tmp_path: Path) -> tuple[list[str], str, int]:
    """Runs a script as a process; returns what it said, standard error, and the exit status."""
    file = tmp_path / "script.py"
    file.write_text(PRELUDE + textwrap.dedent(script))
    done = subprocess.run(
        [sys.executable, "-W", "error", str(file)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    return done.stdout.split("\n")[:-1], done.stderr, done.returncode


def teardowns(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith(("teardown", "deferred"))]


# T5: drop and exit.


def test_t5_the_last_reference_closes(tmp_path: Path) -> None:
    """T5: at once, before the next statement."""
    script = """
    plugin("a")
    instance = create("a")
    del instance
    say("next")
    """
    assert run(script, tmp_path) == (["attach_to a", "initialize a", "teardown a", "next"], "", 0)


def test_t5_the_collector_closes_a_cycle(tmp_path: Path) -> None:
    """T5: with the instance alive in every hook."""
    script = """
    plugin("a", teardown=lambda self: say(self.instance.application_name, self.instance.get_plugin_ext("a")))
    gc.disable()
    instance = create("a")
    instance.get_plugin_ext("a").host = instance
    del instance
    say("not yet")
    gc.collect()
    say("next")
    """
    lines, stderr, status = run(script, tmp_path)
    assert lines[2:] == ["not yet", "teardown a", "test None", "next"]
    assert (stderr, status) == ("", 0)


def test_t5_the_end_of_the_process_closes_newest_first(tmp_path: Path) -> None:
    """T5: two instances that are open at the end; errors reach standard error, and the others are closed."""
    script = """
    plugin("a")
    plugin("b", teardown=fail)
    plugin("c")
    first = create("a")
    second = create("c", "b")
    say("end")
    """
    lines, stderr, status = run(script, tmp_path)
    assert lines[lines.index("end") :] == ["end", "teardown b", "teardown c", "teardown a"]
    assert status == 0
    assert "TeardownError: extension 'b' failed in teardown: ValueError: failed on purpose" in stderr


def test_t5_a_failure_at_the_end_of_the_process_keeps_none_from_being_closed(tmp_path: Path) -> None:
    """T5: nor is it left to the drop, which an instance that a thread still holds does not see."""
    script = """
    plugin("a")
    plugin("b", teardown=fail)
    started = threading.Event()
    def hold():
        instance = create("a")
        started.set()
        time.sleep(1000)
    threading.Thread(target=hold, daemon=True).start()
    started.wait(20)
    instance = create("b")
    say("end")
    """
    lines, stderr, status = run(script, tmp_path)
    assert lines[-3:] == ["end", "teardown b", "teardown a"]
    assert "TeardownError: extension 'b' failed in teardown: ValueError: failed on purpose" in stderr
    assert status == 0


@pytest.mark.parametrize("end", ["sys.exit(3)", "raise RuntimeError('host')"])
def test_t5_however_the_process_ends(tmp_path: Path, end: str) -> None:
    """T5: `sys.exit` and an uncaught exception."""
    lines, _, status = run(f"plugin('a')\ninstance = create('a')\n{end}\n", tmp_path)
    assert lines[-1] == "teardown a"
    assert status == (3 if "exit" in end else 1)


def test_t5_an_instance_held_by_a_daemon_thread_is_closed(tmp_path: Path) -> None:
    """T5: the thread is no obstacle."""
    script = """
    plugin("a")
    started = threading.Event()
    def hold():
        instance = create("a")
        started.set()
        time.sleep(1000)
    threading.Thread(target=hold, daemon=True).start()
    started.wait(20)
    say("end")
    """
    lines, stderr, status = run(script, tmp_path)
    assert lines[-2:] == ["end", "teardown a"]
    assert (stderr, status) == ("", 0)


# T6: fork.


@pytest.mark.parametrize(
    "use",
    [
        "instance.close()",
        "del instance",
        "sys.exit()",
        "instance.close(); sys.exit()",
        "gc.collect(); os._exit(0)",
    ],
)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_t6_a_forked_child_uses_and_closes_but_tears_nothing_down(tmp_path: Path, use: str) -> None:
    """T6: neither teardown nor deferred callbacks, logging reaches the callback, and the parent tears down once."""
    script = f"""
    import warnings
    warnings.simplefilter("ignore", DeprecationWarning)
    def log(self):
        self.instance.ext.log_callback = lambda message: say("log", message.message)
        self.defer(say, "deferred a")
    plugin("a", initialize=log)
    instance = create("a")
    child = os.fork()
    if child == 0:
        hyinfo(instance, "from the child")
        say("child", instance.get_plugin_ext("a") is not None, instance.closed)
        {use}
        sys.exit()
    say("status", os.waitpid(child, 0)[1])
    instance.close()
    """
    lines, stderr, status = run(script, tmp_path)
    assert "log from the child" in lines
    assert "child True False" in lines
    assert "status 0" in lines
    assert teardowns(lines) == ["teardown a", "deferred a"]
    assert lines.index("status 0") < lines.index("teardown a")
    assert (stderr, status) == ("", 0)


@pytest.mark.parametrize("phase", ["attach_to", "initialize", "teardown"])
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_t6_a_child_forked_inside_a_hook_undoes_nothing(tmp_path: Path, phase: str, kind: str) -> None:
    """T6: though it returns from the hook, and whatever fails afterwards."""
    if kind == "trio":
        pytest.skip("a child that is forked inside of trio's loop cannot go on with it")
    script = f"""
    import warnings
    warnings.simplefilter("ignore", DeprecationWarning)
    parent = os.getpid()
    def forking(self):
        child = os.fork()
        if child:
            say("status", os.waitpid(child, 0)[1])
    def tell(self):
        self.defer(say, "deferred in the parent" if os.getpid() == parent else "deferred in the child")
    plugin("a", initialize=tell, teardown=lambda self: say("teardown in", "parent" if os.getpid() == parent else "child"))
    plugin("b", {phase}=forking)
    plugin("c", initialize=lambda self: fail() if os.getpid() != parent else None)
    try:
        create("a", "b", "c").close()
    except HyError:
        say("failed in", "parent" if os.getpid() == parent else "child")
    """
    lines, stderr, status = run(script, tmp_path)
    assert "teardown in parent" in lines
    assert "teardown in child" not in lines
    assert not any(line.startswith("deferred in the child") for line in lines)
    assert (stderr, status) == ("", 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_t6_what_a_child_forked_inside_a_log_callback_logs_is_delivered(tmp_path: Path) -> None:
    """T6: logging reaches the callback, in which the child may go on for good; what the parent logs there is dropped."""
    script = """
    import warnings
    warnings.simplefilter("ignore", DeprecationWarning)
    def callback(message):
        say("log", message.message)
        if message.message != "fork":
            return
        child = os.fork()
        if child == 0:
            hyinfo(instance, "from the child")
            os._exit(0)
        say("status", os.waitpid(child, 0)[1])
        hyinfo(instance, "from the callback")
    instance = create()
    instance.ext.log_callback = callback
    hyinfo(instance, "fork")
    hyinfo(instance, "from the parent")
    instance.close()
    """
    lines, stderr, status = run(script, tmp_path)
    assert lines == ["log fork", "log from the child", "status 0", "log from the parent"]
    assert (stderr, status) == ("", 0)


# F1: sys.exit in a hook.


@pytest.mark.parametrize("phase", ["attach_to", "initialize", "teardown"])
def test_f1_sys_exit_inside_a_hook_is_a_failure_of_the_plugin(tmp_path: Path, phase: str) -> None:
    """F1: the process goes on, with what had started undone."""
    script = f"""
    plugin("a")
    plugin("b", {phase}=lambda self: sys.exit(9))
    try:
        create("a", "b").close()
    except HyError as error:
        say(type(error).__name__, error)
    say("goes on")
    """
    lines, _, status = run(script, tmp_path)
    assert lines[-1] == "goes on"
    assert any(f"'b' failed in {phase}: SystemExit: 9" in line for line in lines)
    assert ("teardown a" in lines) == (phase != "attach_to")
    assert status == 0


def test_f1_sys_exit_inside_a_teardown_at_the_end_is_reported(tmp_path: Path) -> None:
    """F1, T5: it does not change the exit status."""
    script = """
    plugin("a")
    plugin("b", teardown=lambda self: sys.exit(9))
    instance = create("a", "b")
    """
    lines, stderr, status = run(script, tmp_path)
    assert lines[-1] == "teardown a"
    assert "failed in teardown: SystemExit: 9" in stderr
    assert status == 0


# F1, F3, T1: Ctrl-C.


def test_f1_ctrl_c_during_initialize_undoes_and_passes(tmp_path: Path) -> None:
    """F1: with Python's own exit status of an interrupted process."""
    script = """
    plugin("a", initialize=lambda self: self.defer(say, "deferred a"))
    plugin("b", initialize=interrupt)
    create("a", "b")
    """
    lines, stderr, status = run(script, tmp_path)
    assert teardowns(lines) == ["teardown a", "deferred a"]
    assert stderr.rstrip().endswith("KeyboardInterrupt")
    assert status in (-signal.SIGINT, 130)


def test_f3_ctrl_c_while_undoing_finishes_the_undoing(tmp_path: Path, kind: str) -> None:
    """F3: it is raised afterwards, caused by the first failure; asyncio makes a cancellation of it and back again."""
    script = """
    plugin("a")
    plugin("b", teardown=interrupt)
    plugin("c")
    plugin("d", initialize=fail)
    try:
        create("a", "b", "c", "d")
    except KeyboardInterrupt as error:
        say("caused by", (error.__context__ if WORLD == "asyncio" else error).__cause__)
    """
    lines, _, _ = run(script, tmp_path)
    assert teardowns(lines) == ["teardown c", "teardown b", "teardown a"]
    assert "caused by extension 'd' failed in initialize: ValueError: failed on purpose" in lines[-1]


def test_t1_ctrl_c_during_a_teardown_finishes_the_others(tmp_path: Path) -> None:
    """T1: and is raised as itself."""
    script = """
    plugin("a")
    plugin("b", teardown=interrupt)
    instance = create("a", "b")
    try:
        instance.close()
    except KeyboardInterrupt:
        say("interrupted", instance.closed)
    """
    lines, _, _ = run(script, tmp_path)
    assert lines[-3:] == ["teardown b", "teardown a", "interrupted True"]


# T4: threads and signals.


def test_t4_two_threads_close_at_once(tmp_path: Path) -> None:
    """T4: each teardown runs once, and both closers return when it is over."""
    script = """
    for name in "abcdef":
        plugin(name, teardown=lambda self: time.sleep(0.01))
    for _ in range(5):
        instance = create(*"abcdef")
        start = threading.Barrier(2)
        def close():
            start.wait(20)
            instance.close()
            say("closed", instance.closed)
        threads = [threading.Thread(target=close) for _ in range(2)]
        for thread in threads: thread.start()
        for thread in threads: thread.join(20)
    """
    lines, stderr, status = run(script, tmp_path)
    assert teardowns(lines) == [f"teardown {name}" for name in "fedcba"] * 5
    assert [line for line in lines if line.startswith("closed")] == ["closed True"] * 10
    assert (stderr, status) == ("", 0)


def test_t4_close_from_a_signal_handler_during_bring_up(tmp_path: Path) -> None:
    """T4: it returns at once, and the creation ends."""
    script = """
    import weakref
    found = []
    def handler(number, frame):
        found[0]().close()
        say("handled")
    signal.signal(signal.SIGINT, handler)
    plugin("a", attach_to=lambda self: found.append(weakref.ref(self.instance)))
    plugin("b", initialize=interrupt)
    plugin("c")
    try:
        create("a", "b", "c")
    except HyError as error:
        say(type(error).__name__)
    """
    lines, stderr, _ = run(script, tmp_path)
    assert lines[-4:] == ["handled", "teardown b", "teardown a", "InstanceClosedError"]
    assert stderr == ""


def test_t4_close_from_a_signal_handler_during_teardown(tmp_path: Path, kind: str) -> None:
    """T4: on the thread that is closing it returns at once."""
    if kind != "plain":
        pytest.skip("a signal handler cannot await")
    script = """
    signal.signal(signal.SIGINT, lambda number, frame: (instance.close(), say("handled", instance.closed)))
    plugin("a")
    plugin("b", teardown=interrupt)
    instance = create("a", "b")
    instance.close()
    """
    lines, stderr, status = run(script, tmp_path)
    assert lines[-3:] == ["teardown b", "handled False", "teardown a"]
    assert (stderr, status) == ("", 0)


# Ctrl-C at every step of the engine.

EVERYWHERE = """
import dis
from hycore.base import _beginning, _drivers, _ending, _instance, _lifecycle, _report, _retry

counts = []
class Counting(PluginEXT):
    DESCRIPTION = "Counts"
    @classmethod
    def new(cls, ext):
        plugin = cls()
        plugin.defer(counts.append, ("deferred", cls.NAME))
        counts.append(("new", cls.NAME))
        return plugin
    def initialize(self):
        if self.NAME in failing:
            raise ValueError
        counts.append(("initialize", self.NAME))
    def teardown(self):
        counts.append(("teardown", self.NAME))

for name in ("a", "b", "c"):
    kind = type(name, (Counting,), {"UUID": uuid.uuid4(), "NAME": name})
    inventory.submit(kind)

def bring_up():
    version = VersionInfo(1)
    application = ApplicationInfo("test", version, "Engine", version)
    info = InstanceCreateInfo(application, [n for n in "abc" if n not in optional], optional_extensions=list(optional))
    return InstanceContext.create(info, inventory=inventory, profile=profile)

FILES = {module.__file__ for module in (_beginning, _drivers, _ending, _instance, _lifecycle, _retry)}
BACKWARD = {number for name, number in dis.opmap.items() if "JUMP_BACKWARD" in name and "NO_INTERRUPT" not in name}

def trial(n):
    # Raises KeyboardInterrupt at the n-th place in the engine where the interpreter looks for signals: at the start
    # of a function, when it jumps back, after a call of a function written in C. Returns whether there are so many.
    counts.clear()
    steps = 0
    fired = False
    def place():
        nonlocal steps, fired
        steps += 1
        if steps == n:
            fired = True
            sys.setprofile(None)
            raise KeyboardInterrupt
    def trace(frame, event, argument):
        if frame.f_code.co_filename not in FILES:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode" and not fired and frame.f_code.co_code[frame.f_lasti] in BACKWARD:
            place()
        return trace
    def profile(frame, event, argument):
        # What comes at the very start of a drop is the interpreter's to report, and nobody's to catch.
        drops = frame.f_code.co_name == "__del__" and event == "call"
        # Where times are taken, what takes them is part of the hook.
        drops = drops or (frame.f_back is not None and frame.f_back.f_code.co_filename == _report.__file__)
        if frame.f_code.co_filename in FILES and event in ("call", "c_return") and not fired and not drops:
            place()
    instance = None
    sys.settrace(trace)
    sys.setprofile(profile)
    try:
        instance = bring_up()
        for name in again:
            failing.discard(name)
            instance.retry(name)
        instance.close()
    except (KeyboardInterrupt, HyError):
        pass
    finally:
        sys.setprofile(None)
        sys.settrace(None)
    del instance
    gc.collect()
    def of(kind):
        return [name for what, name in counts if what == kind]
    return fired, of("new"), of("initialize"), of("teardown"), of("deferred")

SCENES = ((), (), False, ()), ((), (), True, ()), ("b", "bc", False, ()), ("ab", "ab", True, ()), ("c", (), False, ()), ("b", "bc", False, "b")
for fails, optional, profile, again in SCENES:
    failing = set(fails)
    try:
        bring_up().close()
    except HyError:
        pass
    n = 0
    while True:
        n += 1
        failing = set(fails)
        fired, news, ups, downs, undone = trial(n)
        if not fired:
            break
        if downs != ups[::-1] or sorted(undone) != sorted(news):
            say("broken at", n, failing, optional, news, ups, downs, undone)
    say("many steps", n > 50)
"""


def test_t1_ctrl_c_anywhere_in_the_engine_loses_nothing(tmp_path: Path, kind: str) -> None:
    """T1, T3: wherever a signal may come, each teardown runs once, in reverse order, and so does each callback.

    With plugins that come up, that fail, that are set aside, alone or several, and tried again, and with times taken.
    """
    if kind != "plain":
        pytest.skip("the engine is the same; its steps are counted once")
    lines, stderr, status = run(EVERYWHERE, tmp_path)
    assert lines == ["many steps True"] * 6
    assert (stderr, status) == ("", 0)


def test_t5_a_task_that_goes_on_no_more_does_not_hold_up_the_end(tmp_path: Path, kind: str) -> None:
    """T5: a loop has stopped in the middle of `aclose`; the end of the process closes all the same."""
    if kind != "asyncio":
        pytest.skip("one loop is enough")
    script = """
    gate = None
    class Held(PluginEXT):
        UUID, NAME, DESCRIPTION = uuid.uuid4(), "held", "Waits for ever"
        async def teardown(self):
            say("teardown held")
            await asyncio.get_running_loop().create_future()
    plugin("a")
    inventory.submit(Held)
    version = VersionInfo(1)
    info = InstanceCreateInfo(ApplicationInfo("test", version, "Engine", version), ["a", "held"])
    loop = asyncio.new_event_loop()
    instance = loop.run_until_complete(InstanceContext.acreate(info, inventory=inventory))
    task = loop.create_task(instance.aclose())
    loop.call_later(0.05, loop.stop)
    loop.run_forever()
    say("end")
    os.close(2)
    """
    lines, _, status = run(script, tmp_path)
    assert lines[-3:] == ["teardown held", "end", "teardown a"]
    assert status == 0
