"""Whatever imports plugins for a tool runs in a child process, which has a time limit.

So a plugin that raises, calls `sys.exit`, loops for ever, prints garbage or kills its process costs the tool nothing but
that answer. What runs there is in `_probe`.

Layer: `hypi.cli`, a leaf within it.
"""

from __future__ import annotations

import json
import os
import re
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, final

__all__ = ["DEFAULT_LIMIT", "Outcome", "ask", "ask_about_application", "is_code_of_a_plugin"]

DEFAULT_LIMIT = 10.0
"""How long the import of one extension may take, in seconds."""

_START_LIMIT = 30.0  # for the interpreter and our own imports, on a machine that is busy
_GRACE = 2.0  # the child ends what takes too long itself, as long as Python code runs there
_END_LIMIT = 1.0  # for what the plugins do at exit
_TAIL = 2_000  # characters of what was printed that are kept
_LONGEST_ANSWER = 16 * 2**20

_CODE = (
    "import json, sys; request = json.load(sys.stdin.buffer); sys.path[:] = request['path']; "
    "from hypi.cli._probe import main; main(request)"
)


@final
@dataclass(slots=True)
class Outcome:
    """How a job in a child process ended.

    - `answer`: what the job returned, or `None` if it did not get so far; then `reason` says in words what happened.
    - `extension`: the one whose import had begun and not ended, as `{"name": ..., "target": ...}`.
    - `place`: `FILE:LINE` of the plugin's code that ran when it was ended, where that could be had.
    - `output`: the end of what was printed on standard output and standard error.
    - `too_slow`: the targets whose import took too long and could be ended, with what to say of them.
    """

    answer: Any = None
    reason: str = ""
    extension: dict[str, str] | None = None
    place: str | None = None
    output: str = ""
    too_slow: dict[str, str] = field(default_factory=dict)
    _trace: str = field(default="", repr=False)

    def take(self, line: str) -> None:
        """Takes one line of what the child reports: JSON, or a line of a stack from `faulthandler`."""
        try:
            report = json.loads(line) if line.startswith("{") else None
        except ValueError:
            report = None
        if report is None:
            self._trace += line
        elif "begun" in report:
            self.extension = report["begun"]
        elif "ended" in report:
            self.extension = None
        elif "too_slow" in report:
            self.too_slow |= report["too_slow"]
        else:
            self.answer = report.get("answer")

    def find_place(self) -> None:
        """Looks in the stack for the innermost code that is neither ours nor Python's."""
        for file, line in re.findall(r'File "(.+?)", line (\d+) in', self._trace):
            if is_code_of_a_plugin(file):
                self.place = f"{file}:{line}"
                return


def is_code_of_a_plugin(file: str) -> bool:
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
    limit: float = DEFAULT_LIMIT,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Runs one of the jobs of `_probe` in a child process and waits for its end.

    `limit` is how long each import may take, and whatever the job does between imports, in seconds.
    """
    request = {"job": job, "arguments": arguments, "limit": limit, "path": [*filter(_is_text, sys.path)]}
    outcome = Outcome()
    reader, writer = os.pipe()
    try:
        with tempfile.TemporaryFile() as file:
            file.write(json.dumps({**request, "answer_to": writer}).encode())
            file.seek(0)
            process = subprocess.Popen(
                # The cache is for hosts: what the tools say must hold for the disk.
                [sys.executable, "-P", "-c", _CODE],
                env={**os.environ, "HY_NO_CACHE": "1"},
                stdin=file,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(writer,),
                start_new_session=True,
            )
        os.close(writer)
        writer = -1
        try:
            _listen(process, reader, outcome, limit, is_cancelled)
        finally:
            _kill(process, signal.SIGKILL)  # also what it has started and left behind
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
    finally:
        os.close(reader)
        if writer != -1:
            os.close(writer)
    if outcome.answer is None:
        outcome.reason = outcome.reason or _how_it_ended(process.returncode)
        outcome.find_place()
    return outcome


def ask_about_application(
    job: str, arguments: dict[str, Any], *, limit: float, report: Callable[[str], None] = lambda _: None
) -> Outcome:
    """Runs a job that imports the extensions of an application.

    If one of them ends the process, the job is run again without that one, so that the others are judged too.
    """
    unusable: dict[str, str] = {}
    while True:
        outcome = ask(job, {**arguments, "unusable": unusable}, limit=limit)
        extension = outcome.extension
        if outcome.answer is not None or extension is None or extension["target"] in unusable:
            return outcome
        where = f", at {outcome.place}" if outcome.place is not None else ""
        # None of those is waited for again.
        unusable |= {**outcome.too_slow, extension["target"]: f"its import {outcome.reason}{where}"}
        report(f"without {extension['name']}")


def _listen(
    process: subprocess.Popen[bytes],
    reader: int,
    outcome: Outcome,
    limit: float,
    is_cancelled: Callable[[], bool],
) -> None:
    assert process.stdout is not None
    output = process.stdout.fileno()
    answers = b""
    printed = b""
    deadline = time.monotonic() + _START_LIMIT + limit
    is_late = False
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        selector.register(reader, selectors.EVENT_READ)
        while True:
            has_ended = process.poll() is not None
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
                    answers += data
                    *lines, answers = answers.split(b"\n")
                    for line in lines:
                        outcome.take(line.decode("utf-8", "replace") + "\n")
                    allowed = _END_LIMIT if outcome.answer is not None else limit + _GRACE
                    if lines and not is_late:
                        deadline = time.monotonic() + allowed
            if has_ended and not ready:  # what it has started may hold the pipes open
                break
            now = time.monotonic()
            if len(answers) > _LONGEST_ANSWER or is_cancelled():
                break
            if now > deadline:
                if is_late or outcome.answer is not None:
                    break
                is_late = True
                outcome.reason = f"did not end within {limit:g} s"
                deadline = now + 0.5
                _kill(process, signal.SIGUSR1)  # it tells where it is
    outcome.output = printed.decode("utf-8", "replace")[-_TAIL:]


def _kill(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(OSError):
        os.killpg(process.pid, number)


def _how_it_ended(status: int) -> str:
    if status == 0:
        return "left no answer: it may have closed files that are not its own"
    if status > 0:
        return f"ended the process with status {status}"
    with suppress(ValueError):
        return f"killed the process: {signal.Signals(-status).name}"
    return f"killed the process: signal {-status}"


def _is_text(entry: object) -> bool:
    return isinstance(entry, str)
