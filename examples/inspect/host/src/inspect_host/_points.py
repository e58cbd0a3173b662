"""The extension points: a plugin that has these methods is collected, whatever it inherits from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from inspect_host._data import Module, Page, Report, Section, SourceFile


class Analyzer(Protocol):
    """Looks at every file, then draws its conclusion from what it saw."""

    def measure(self, file: SourceFile, /) -> Any:
        """What there is to know about one file, as a small plain value: numbers, strings, tuples of those.

        Called once for each file that could be parsed, and in another process if the user asks for several
        (`--jobs`): keep nothing on the plugin, return it instead. What is raised here loses that file only.
        """

    def conclude(self, measured: Mapping[Module, Any], /) -> Section:
        """The section of the report, from what `measure` returned for each file, ordered by path.

        Called once, in the host's process, after all files were measured, and after the analyzers that this
        one requires have concluded.
        """
        ...


class Reporter(Protocol):
    """Turns a report into text; the host prints it."""

    def render(self, report: Report, page: Page, /) -> str:
        """The text to print; the host ends it with a newline, and prints nothing if it is empty.

        A reporter that has written its text elsewhere returns an empty one.
        """
        ...
