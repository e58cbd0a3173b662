"""Whatever imports plugins for a tool runs in a child process, which has a time limit.

So a plugin that raises, calls `sys.exit`, loops for ever, prints garbage or kills its process costs the tool nothing but
that answer. What runs there is in `_probe`.

Layer: `hypi.cli`, a leaf within it.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import selectors
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    import subprocess

__all__ = ["CODE", "Outcome", "ask", "ask_about_application", "open_standard_files", "place_in"]

_START_LIMIT = 30.0  # for the interpreter and our own imports, on a machine that is busy
_GRACE = 2.0  # the child ends what takes too long itself, as long as Python code runs there
_END_LIMIT = 1.0  # for what the plugins do at exit
_LAST_LINES = 0.5  # to read what a process has left, or says when it is asked where it is
_TAIL = 2_000  # characters of what was printed that are kept
_LONGEST_ANSWER = 16 * 2**20
_LONGEST_TRACE = 2**16

CODE = (
    "import json, sys; request = json.load(sys.stdin.buffer); sys.path[:] = request['path']; "
    "from hypi.cli._probe import main; main(globals().pop('request'))"
)


@final
@dataclass(slots=True)
class Outcome:
    """How a job in a child process ended.

    - `answer`: what the job returned, or `None` if it did not get so far; then `reason` says in words what happened.
    - `step`: what had begun and not ended: `key`, `words` for it, and for the import of an extension its `entry`.
    - `place`: `FILE:LINE` of the plugin's code that ran when it was ended, where that could be had.
    - `output`: the end of what was printed on standard output and standard error.
    - `too_slow`: the keys of the steps that took too long and could be ended, with what to say of them.
    - `spans`: the times that were taken, as far as it got; `facts`: what else was told on the way.
    """

    answer: dict[str, Any] | None = None
    reason: str = ""
    step: dict[str, Any] | None = None
    place: str | None = None
    output: str = ""
    too_slow: dict[str, str] = field(default_factory=dict)
    spans: list[list[Any]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    _trace: str = field(default="", repr=False)

    def take(self, line: str, token: str) -> bool:
        """Takes one line from the child, and returns whether it is a report.

        A report is JSON behind the token; a stack of `faulthandler` is not, nor what a plugin writes there.
        """
        if not line.startswith(token):
            self._trace = (self._trace + line)[-_LONGEST_TRACE:]
            return False
        try:
            report: dict[str, Any] = json.loads(line.removeprefix(token))
        except (ValueError, RecursionError):
            return False
        if "begun" in report:
            self.step = report["begun"]
        elif "ended" in report:
            self.step = None
        elif "spans" in report:
            self.spans += report["spans"]
        elif "facts" in report:
            self.facts |= report["facts"]
        elif "too_slow" in report:
            self.too_slow |= report["too_slow"]
        elif "failed" in report:
            self.reason = f"raised {report['failed']}"
        elif "answer" in report:
            self.answer = report["answer"]
        return True

    def find_place(self) -> None:
        """Looks in the stack for the innermost code of the plugin."""
        frames = re.findall(r'File "(.+?)", line (\d+) in', self._trace)
        target = self.step["entry"]["target"] if self.step is not None and "entry" in self.step else ""
        self.place = place_in(frames, target)


def place_in(frames: list[tuple[str, str]], target: str) -> str | None:
    """`FILE:LINE` of the first frame, innermost first, in the package of an entry point; else of any plugin's code."""
    package = target.partition(":")[0].partition(".")[0]
    own = re.compile(rf"[/\\]{re.escape(package)}(\.py$|[/\\])")
    others = [(file, line) for file, line in frames if _is_code_of_a_plugin(file)]
    for file, line in [*[each for each in others if package and own.search(each[0])], *others]:
        return f"{file}:{line}"
    return None


def _is_code_of_a_plugin(file: str) -> bool:
    """Whether a source file is neither ours nor part of Python."""
    import hycore
    import hypi

    if file.startswith("<"):
        return False
    ours = [os.path.dirname(hycore.__file__), os.path.dirname(hypi.__file__)]
    if any(file.startswith(folder + os.sep) for folder in ours):
        return False
    standard = os.path.dirname(os.__file__) + os.sep
    return not file.startswith(standard) or "site-packages" in file.removeprefix(standard)


def ask(
    job: str,
    arguments: dict[str, Any],
    *,
    limit: float,
    file: str | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
    tell: Callable[[Outcome], object] = lambda _: None,
    code: str = CODE,
    use_cache: bool = False,
) -> Outcome:
    """Runs one of the jobs of `_probe` in a child process and waits for its end.

    `limit` is how long each import may take, and whatever the job does between imports, in seconds. With an application
    `file` its folder comes first on the path, there and not here. `tell` is called again and again with what is known so far.
    """
    import subprocess

    outcome = Outcome()
    token = secrets.token_hex(8)
    request = {
        "job": job,
        "arguments": arguments,
        "limit": limit,
        "path": [*filter(_is_text, sys.path)],
        "folder": None if file is None else os.path.dirname(os.path.abspath(file)),
        "token": token,
    }
    open_standard_files()
    pipes = _Pipes()
    process: subprocess.Popen[bytes] | None = None
    status = 0
    try:
        with tempfile.TemporaryFile() as stdin:
            fds = {"answer_to": pipes.answer_to, "lifeline": pipes.lifeline}
            stdin.write(json.dumps({**request, **fds}).encode())
            stdin.seek(0)
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", code],
                # The cache is for hosts: what the tools say must hold for the disk.
                env=dict(os.environ) if use_cache else {**os.environ, "HY_NO_CACHE": "1"},
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=tuple(fds.values()),
                start_new_session=True,
            )
        pipes.close_ends_of_the_child()
        _listen(process, pipes.answers, outcome, token, limit, is_cancelled, tell)
    finally:
        if process is not None:
            _kill(process, signal.SIGKILL)  # also what it has started and left behind
        pipes.close()  # if it has come this far without a process that is known here, that ends the child
        if process is not None:
            status = process.wait()
            assert process.stdout is not None
            process.stdout.close()
    if outcome.answer is None:
        outcome.reason = outcome.reason or _how_it_ended(status)
        outcome.find_place()
    return outcome


def ask_about_application(job: str, file: str, arguments: dict[str, Any], *, limit: float) -> Outcome:
    """Runs a job that imports the extensions of an application, and makes their configuration.

    If one of them ends the process, the job is run again without that one, so that the others are judged too.
    """
    unusable: dict[str, str] = {}
    arguments = {**arguments, "file": file}
    while True:
        outcome = ask(job, {**arguments, "unusable": unusable}, limit=limit, file=file)
        step = outcome.step
        if outcome.answer is not None or step is None or step["key"] in unusable:
            return outcome
        where = f", at {outcome.place}" if outcome.place is not None else ""
        reason = f"{step['words']} {outcome.reason}{where}"
        if "entry" in step:
            alone = ask("load", {"entry": step["entry"]}, limit=limit, file=file).answer
            if alone is not None and alone["error"] is None:
                reason += "; alone it imports well: look at what those before it have started"
        # None of those is waited for again.
        unusable |= {**outcome.too_slow, step["key"]: reason}


def open_standard_files() -> None:
    """Where one of the three is closed, what is opened next would take its number."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) < 3:
        pass
    os.close(descriptor)


@final
class _Pipes:
    """Between a child and its parent: one for what is reported, and one that ends the child with the parent."""

    def __init__(self) -> None:
        self.answers, self.answer_to = os.pipe()
        self.lifeline, self._held = os.pipe()

    def close_ends_of_the_child(self) -> None:
        os.close(self.answer_to)
        os.close(self.lifeline)
        self.answer_to = self.lifeline = -1

    def close(self) -> None:
        for descriptor in (self._held, self.answers, self.answer_to, self.lifeline):
            if descriptor != -1:
                os.close(descriptor)


def _listen(
    process: subprocess.Popen[bytes],
    reader: int,
    outcome: Outcome,
    token: str,
    limit: float,
    is_cancelled: Callable[[], bool],
    tell: Callable[[Outcome], object],
) -> None:
    assert process.stdout is not None
    output = process.stdout.fileno()
    answers = b""
    printed = b""
    deadline = time.monotonic() + _START_LIMIT + limit
    ended_at = 0.0
    is_late = False
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        selector.register(reader, selectors.EVENT_READ)
        while True:
            has_ended = _has_ended(process)
            # Plugins may close what is not theirs: then only the end of the process, or of the time, is left to wait for.
            ready = selector.select(0 if has_ended else 0.05) if selector.get_map() else []
            if not has_ended and not selector.get_map():
                time.sleep(0.01)
            for key, _ in ready:
                data = os.read(key.fd, 65536)
                if not data:
                    selector.unregister(key.fd)
                elif key.fd == output:
                    printed = (printed + data)[-4 * _TAIL :]
                else:
                    *lines, answers = (answers + data).split(b"\n")
                    # Only what the child reports moves the end of its time, not what a plugin writes there.
                    reports = [outcome.take(line.decode("utf-8", "replace") + "\n", token) for line in lines]
                    allowed = _END_LIMIT if outcome.answer is not None else limit + _GRACE
                    if any(reports) and not is_late:
                        deadline = time.monotonic() + allowed
            tell(outcome)
            now = time.monotonic()
            if has_ended:
                ended_at = ended_at or now
                # What it has started may hold the pipes open, and write.
                if not ready or now - ended_at > _LAST_LINES:
                    break
            if is_cancelled():
                break
            if len(answers) > _LONGEST_ANSWER:
                outcome.reason = "reports more than can be"
                break
            if now > deadline:
                if is_late or outcome.answer is not None:
                    break
                is_late = True
                outcome.reason = f"did not end within {limit:g} s"
                deadline = now + _LAST_LINES
                _kill(process, signal.SIGUSR1)  # it tells where it is
    outcome.output = printed.decode("utf-8", "replace")[-_TAIL:]


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has; where that can be asked so, its number stays its own until all of its group is killed."""
    if not hasattr(os, "waitid"):
        return process.poll() is not None
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _kill(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(OSError):
        os.killpg(process.pid, number)


def _how_it_ended(status: int) -> str:
    if status == 0:
        return "left no answer: it ended the process with status 0, or closed files that are not its own"
    if status > 0:
        return f"ended the process with status {status}"
    with suppress(ValueError):
        return f"killed the process: {signal.Signals(-status).name}"
    return f"killed the process: signal {-status}"


def _is_text(entry: object) -> bool:
    return isinstance(entry, str)
