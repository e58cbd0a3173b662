"""The extension that sends messages and spans with OpenTelemetry.

Layer: `hypi.ext.otel`, on top of it. OpenTelemetry is imported when the extension is constructed.
"""

from __future__ import annotations

import uuid
from time import time_ns
from typing import TYPE_CHECKING

from hycore.ext import PluginEXT
from hycore.log import LogLevelEXT, LogMessageEXT
from hycore.utils.error import MissingPackageError
from hypi.ext.otel._create_info import OtelCreateInfoEXT

if TYPE_CHECKING:
    import weakref
    from collections.abc import Callable

    from hycore.base import InstanceContext
    from hypi.ext.otel._phases import Phases
    from hypi.ext.otel._sending import Messages

__all__ = ["OtelPluginEXT"]


class OtelPluginEXT(PluginEXT):
    """Sends the messages of an instance, and the phases of its life as spans, with OpenTelemetry.

    It listens beside the logger. It stands best first in the order: then it sees the others end.
    """

    UUID = uuid.UUID("455943a2-cbb5-419a-b232-aee5e6f34215")
    NAME = "__EXT_hyperion_otel"
    DESCRIPTION = "Sends messages, and the phases of an instance as spans, with OpenTelemetry"
    CREATE_INFO = OtelCreateInfoEXT

    def __init__(self, create_info: OtelCreateInfoEXT) -> None:
        self.create_info = create_info
        self._constructed = time_ns()
        self._torn_down: int | None = None
        self._messages: Messages | None = None
        self._phases: Phases | None = None
        try:
            from hypi.ext.otel import _sending
            from hypi.ext.otel._phases import Phases
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "opentelemetry":
                raise
            raise MissingPackageError(
                self.NAME,
                package="opentelemetry-sdk, with opentelemetry-exporter-otlp-proto-http",
                command="pip install 'hyperion-runtime[otel]'",
            ) from error
        self._sending = _sending
        self._phases_of = Phases

    def attach_to(self, instance: weakref.ref[InstanceContext]) -> None:
        """Begins to listen, as early as it can; what was logged before is heard at once."""
        info = self.create_info
        sending = self._sending
        context = self.instance
        resource = sending.resource_of(info, context.application_name, str(context.application_version))
        ends: list[Callable[[], object]] = []
        self.defer(self._end, ends)
        if info.logs:
            logs = info.logger_provider
            if logs is None:
                logs = own = sending.logger_provider(info, resource)
                ends.append(own.shutdown)
            self._messages = sending.Messages(logs)
        if info.spans:
            traces = info.tracer_provider
            if traces is None:
                traces = owned = sending.tracer_provider(info, resource)
                ends.append(owned.shutdown)
            self._phases = self._phases_of(traces.get_tracer("hyperion", context.version), self._constructed)
        level = info.level
        if self._phases is not None:
            level = min(level, LogLevelEXT.INFO)  # at that level the instance says that it is up
        self.defer(context.ext.listen(self._hear, level=level).stop)
        self.defer(self._over)

    def teardown(self) -> None:
        """Notes the time; the rest is deferred, so that it is done after a failed start too."""
        self._torn_down = time_ns()

    def _hear(self, message: LogMessageEXT) -> None:
        phases = self._phases
        if phases is not None and not phases.is_created and message.module.startswith("hycore.base."):
            report = self.instance.report()
            if all(extension.state == "up" for extension in report.extensions):
                phases.created(report, up=True)
        if self._messages is not None and message.level >= self.create_info.level:
            self._messages(message)

    def _over(self) -> None:
        phases = self._phases
        if phases is None:
            return
        report = self.instance.report()
        failed = not phases.is_created and report.state == "creating"
        phases.created(report, up=not failed)
        if not failed:
            phases.torn_down(report, self._torn_down or time_ns())

    def _end(self, ends: list[Callable[[], object]]) -> None:
        if self._sending.ended_within(self.create_info.timeout, *ends):
            return
        import logging  # as OpenTelemetry tells of what it cannot send

        logging.getLogger(__name__).warning(
            "What was not sent within %g s is lost. Is there a collector at %s? More time is timeout=…",
            self.create_info.timeout,
            self.create_info.endpoint or "the endpoint",
        )
