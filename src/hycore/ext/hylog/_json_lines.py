"""A file of JSON lines, for those who collect them.

Layer: `ext.hylog`, a leaf within it. `json` and `datetime` are imported with the first line: the logger has this module
whatever its output is.
"""

from __future__ import annotations

import os
from _thread import RLock
from stat import S_ISREG

from hycore.log import LogLevelEXT, LogMessageEXT
from hycore.utils._unraisable import report_unraisable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["JsonLines"]

_KEPT = 1_000  # lines that wait for the file

# What JSON lets stand as it is, and a terminal or a reader of lines would take for more than text.
_ESCAPES = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029)}


class JsonLines:
    """Appends one JSON object per message, and line, to a file; open from its construction until `close`.

    Each line is written at once and as a whole. If the file is renamed or removed, the next line begins a new one at its
    path; if it is truncated, it goes on at its new end. Lines that cannot be written are kept, the first 1,000 of them,
    and written when that is possible again, followed by one that tells how many are lost.
    """

    def __init__(self, path: str) -> None:
        self._path = os.path.abspath(path)  # whatever the working directory is later
        self._process = os.getpid()
        # A forked child has one of its own: that of its parent may have been another thread's.
        self._locks = {self._process: RLock()}
        self._waiting: list[bytes] = []
        self._written = 0  # bytes of the first line that waits
        self._lost = 0
        self._closed = False
        self._writing = False
        self._refused = False  # whether a new file could not be opened
        self._file, self._identity = self._opened()

    def close(self) -> None:
        """Closes the file; what comes later is dropped. Lines that still wait are told by `sys.unraisablehook`."""
        lost: OSError | None = None
        with self._lock_here():
            self._forget_parent()
            if self._closed:
                return
            self._closed = True
            # Else a signal handler calls this in the midst of a line: then it ends when that is written.
            if not self._writing:
                lost = self._end()
        if lost is not None:
            report_unraisable(lost)

    def _end(self) -> OSError | None:
        """Closes the file, and returns what is to be told about lines that wait."""
        failure: OSError | None = None
        try:
            self._write()
        except OSError as error:
            failure = error
        file, self._file = self._file, -1
        os.close(file)
        count = self._lost + len(self._waiting)
        self._waiting.clear()
        if failure is None or not count:
            return None
        text = f"{count} lines of the log are lost, since it could not be written: {failure.strerror}"
        return OSError(failure.errno, text, self._path)

    def __call__(self, message: LogMessageEXT) -> None:
        """Writes one line, at once; raises `OSError` if the file cannot be written, or not opened again."""
        line = _line(message)
        with self._lock_here():
            self._forget_parent()
            if self._closed:
                return
            if len(self._waiting) < _KEPT:
                self._waiting.append(line)
            else:
                self._lost += 1
            try:
                self._write()
            finally:
                if self._closed and not self._writing and self._file != -1:
                    lost = self._end()
                    if lost is not None:
                        report_unraisable(lost)

    def _lock_here(self) -> RLock:
        process = os.getpid()
        # To set a default is atomic: all threads of a child get the same one.
        return self._locks.get(process) or self._locks.setdefault(process, RLock())

    def _forget_parent(self) -> None:
        """In a forked child, what waits is its parent's."""
        if os.getpid() != self._process:
            self._waiting = []
            self._written = self._lost = 0
            self._writing = False
            self._process = os.getpid()

    def _opened(self) -> tuple[int, tuple[int, int]]:
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        status = os.fstat(file)
        return file, (status.st_dev, status.st_ino)

    def _write(self) -> None:
        """Writes what waits.

        A finalizer or a signal handler may log in the midst of this, on the same thread: its line is written after that.
        """
        while self._waiting and not self._writing:
            self._writing = True
            try:
                self._write_all()
            finally:
                self._writing = False

    def _write_all(self) -> None:
        refusal = self._followed()
        waiting = self._waiting
        while waiting:
            self._written += os.write(self._file, waiting[0][self._written :])
            if self._written >= len(waiting[0]):
                del waiting[0]
                self._written = 0
                if not waiting and self._lost:
                    waiting.append(_line(_about_lost(self._lost, self._path)))
                    self._lost = 0
        if refusal is not None and not self._refused:
            self._refused = True
            raise refusal

    def _followed(self) -> OSError | None:
        """Opens the file anew if its path leads to another one, or nowhere.

        Returns why it could not while the old one still has a name and so goes on; if it has none, that is raised.
        """
        try:
            status = os.stat(self._path)
            if (status.st_dev, status.st_ino) == self._identity:
                self._refused = False
                if status.st_size < self._written and S_ISREG(status.st_mode):
                    self._written = 0  # the beginning of the line was cut off with the rest of the file
                return None
        except OSError:
            pass
        old = self._file
        try:
            self._file, self._identity = self._opened()
        except OSError as error:
            if os.fstat(old).st_nlink:
                return error
            raise
        os.close(old)
        self._written = 0
        self._refused = False
        return None


def _line(message: LogMessageEXT) -> bytes:
    import json

    facts = {
        "level": message.level.name,
        "timepoint": _in_utc(message.timepoint),
        "message": message.message,
        "module": message.module,
        "file": message.file,
        "line": message.line,
        "thread_name": message.thread_name,
        "function": message.function,
    }
    if message.exception is not None:
        facts["exception"] = message.exception
    text = json.dumps(facts, ensure_ascii=False).translate(_ESCAPES)
    # Lone surrogates, of a file name, stay escaped: the file is UTF-8.
    return text.encode("utf-8", "backslashreplace") + b"\n"


def _in_utc(moment: datetime) -> str:
    from datetime import UTC

    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _about_lost(count: int, path: str) -> LogMessageEXT:
    from datetime import UTC, datetime

    return LogMessageEXT(
        level=LogLevelEXT.WARN,
        timepoint=datetime.now(UTC),
        message=f"{count} lines are lost here: {_KEPT} are kept while {path} cannot be written",
        module=__name__,
        file=__file__,
        line=None,
        thread_name="?",
        function="JsonLines",
    )
