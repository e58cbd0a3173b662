"""The logger, a plugin like any other: it fills the slots of its instance, and puts back what was there.

Layer: `ext.hylog`, on top of it. It uses nothing that a stranger's plugin could not use.
"""

from __future__ import annotations

from collections.abc import Callable

from hycore.ext import PluginEXT
from hycore.ext.hylog._create_info import LogCreateInfoEXT
from hycore.ext.hylog._json_lines import JsonLines
from hycore.ext.hylog._outputs import to_logging, to_stderr
from hycore.log import InstanceStateEXT, LogMessageEXT
from hycore.magic import HYPERION_LOGGER_NAME_EXT, HYPERION_LOGGER_UUID_EXT

__all__ = ["LogPluginEXT"]


class LogPluginEXT(PluginEXT):
    """Delivers the messages of an instance to a callback."""

    UUID = HYPERION_LOGGER_UUID_EXT
    NAME = HYPERION_LOGGER_NAME_EXT
    DESCRIPTION = "Delivers the messages of an instance to a callback, standard error, logging or a file"
    CREATE_INFO = LogCreateInfoEXT

    def __init__(self, create_info: LogCreateInfoEXT) -> None:
        self.create_info = create_info
        self._state: InstanceStateEXT | None = None
        self._failures = 0

    @property
    def failures(self) -> int:
        """How often a log callback of the instance raised while this logger was up."""
        state = self._state
        return self._failures + (0 if state is None else state.failures)

    def initialize(self) -> None:
        """Fills the slots; what was there comes back when the plugin is undone."""
        callback = self.create_info.callback
        if callback is None:
            callback = self._output()
        state = self.instance.ext
        self.defer(self._put_back, state.log_level, state.log_callback)
        self._state = state
        self._failures = -state.failures
        state.log_level = self.create_info.level
        state.log_callback = callback

    def _output(self) -> Callable[[LogMessageEXT], object]:
        output = self.create_info.output
        if isinstance(output, dict):
            lines = JsonLines(output["json"])
            self.defer(lines.close)
            return lines
        return to_logging if output == "logging" else to_stderr

    def _put_back(self, level: int, callback: Callable[[LogMessageEXT], object] | None) -> None:
        state = self.instance.ext
        state.log_callback = callback
        state.log_level = level
        self._failures = self.failures
        self._state = None
