"""A callback that shows messages on a terminal, in colours, with rich where that is installed.

Layer: `hypi.ext`, above `hycore`. rich is imported with the first message that is shown on a terminal.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

from hycore.ext.hylog import to_stderr
from hycore.log import LogLevelEXT, LogMessageEXT

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

__all__ = ["to_terminal"]

_STYLES = {
    LogLevelEXT.TRACE: "dim",
    LogLevelEXT.DEBUG: "cyan",
    LogLevelEXT.INFO: "green",
    LogLevelEXT.WARN: "yellow",
    LogLevelEXT.ERROR: "bold red",
}

# What a text could do to a terminal instead of standing in it.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}

# The patterns that rich looks for take a time that grows with the square of the length.
_HIGHLIGHTED = 500

# What was standard error at the last message, in which process, and its console: that has a lock, which is another's in a
# forked child.
_last: tuple[TextIO, int, Console] | None = None


def to_terminal(message: LogMessageEXT) -> None:
    """Writes a readable line to standard error: in colours, with tracebacks that are set off.

    Without a terminal, with `NO_COLOR`, or without rich, it is what `hycore.ext.hylog.to_stderr` writes. Give it to the
    logger as `callback`; in an application file, `callback = "hypi.ext.terminal:to_terminal"`.
    """
    stream = sys.stderr
    if stream is None or os.environ.get("NO_COLOR") or not stream.isatty():
        to_stderr(message)
        return
    try:
        console = _console_of(stream)
    except ImportError:
        to_stderr(message)
        return
    console.print(*_shown(message), sep="\n", soft_wrap=True)


def _console_of(stream: TextIO) -> Console:
    global _last
    last = _last
    process = os.getpid()
    if last is None or last[0] is not stream or last[1] != process:
        from rich.console import Console

        _last = last = (stream, process, Console(file=stream, highlight=False, markup=False, emoji=False))
    return last[2]


def _shown(message: LogMessageEXT) -> list[RenderableType]:
    from rich.highlighter import ReprHighlighter
    from rich.text import Text

    level = message.level
    line = Text()
    line.append(message.timepoint.strftime("%H:%M:%S.%f")[:-3], style="dim")
    line.append(f" {level.name:<5} ", style=_STYLES[level])
    line.append(f"{message.module.translate(_CONTROLS)}: ", style="blue")
    text = Text(message.message.translate(_CONTROLS))
    if len(text) <= _HIGHLIGHTED:
        ReprHighlighter().highlight(text)
    shown: list[RenderableType] = [line + text]
    if message.exception:
        from rich.syntax import Syntax

        exception = message.exception.translate(_CONTROLS)
        shown.append(
            Syntax(exception, "pytb", theme="ansi_dark", background_color="default", word_wrap=False)
        )
    return shown
