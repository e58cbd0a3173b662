"""What OpenTelemetry makes of a message, and who sends it.

Layer: `hypi.ext.otel`, a leaf within it; the only module, beside `_phases`, that imports OpenTelemetry.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any

from opentelemetry import context
from opentelemetry._logs import Logger, LoggerProvider, SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk import _logs as sdk_logs
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from hycore.log import LogMessageEXT

if TYPE_CHECKING:
    from hypi.ext.otel._create_info import OtelCreateInfoEXT

__all__ = [
    "Messages",
    "as_text",
    "ended_within",
    "logger_provider",
    "nanoseconds",
    "resource_of",
    "tracer_provider",
]

_SEVERITIES = (
    SeverityNumber.TRACE,
    SeverityNumber.DEBUG,
    SeverityNumber.INFO,
    SeverityNumber.WARN,
    SeverityNumber.ERROR,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Messages:
    """Hands messages to OpenTelemetry, with the trace context of whoever logs them."""

    def __init__(self, provider: LoggerProvider) -> None:
        self._provider = provider
        self._loggers: dict[str, Logger] = {}

    def __call__(self, message: LogMessageEXT) -> None:
        """Hands one over; what is logged while OpenTelemetry itself sends is left out, or it would never end."""
        if context.get_value(context._SUPPRESS_INSTRUMENTATION_KEY):
            return
        module = message.module
        logger = self._loggers.get(module)
        if logger is None:
            logger = self._loggers[module] = self._provider.get_logger(as_text(module))
        attributes: dict[str, str | int] = {
            "code.file.path": as_text(message.file),
            "code.function.name": as_text(f"{module}.{message.function}"),
            "thread.name": as_text(message.thread_name),
        }
        if message.line is not None:
            attributes["code.line.number"] = message.line
        if message.exception is not None:
            attributes["exception.stacktrace"] = as_text(message.exception)
        level = message.level
        logger.emit(
            timestamp=nanoseconds(message.timepoint),
            severity_number=_SEVERITIES[level],
            severity_text=level.name,
            body=as_text(message.message),
            attributes=attributes,
        )


def logger_provider(info: OtelCreateInfoEXT, resource: Resource) -> sdk_logs.LoggerProvider:
    """One that sends to the endpoint, in a thread of its own."""
    exporter = OTLPLogExporter(_address(info, "logs"), headers=info.headers or None, timeout=info.timeout)
    provider = sdk_logs.LoggerProvider(resource, shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    return provider


def tracer_provider(info: OtelCreateInfoEXT, resource: Resource) -> TracerProvider:
    """One that sends to the endpoint, in a thread of its own."""
    exporter = OTLPSpanExporter(_address(info, "traces"), headers=info.headers or None, timeout=info.timeout)
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def resource_of(info: OtelCreateInfoEXT, name: str, version: str) -> Resource:
    """What sends: the application, unless the configuration or the environment says otherwise."""
    facts = {
        SERVICE_NAME: as_text(name),
        SERVICE_VERSION: version,
        **OTELResourceDetector().detect().attributes,
    }
    if info.service_name is not None:
        facts[SERVICE_NAME] = info.service_name
    return Resource.create(facts)


def ended_within(seconds: float, *ends: Callable[[], object]) -> bool:
    """Calls what ends something, side by side, and waits so long at the most; returns whether all have ended."""
    threads: list[threading.Thread] = []
    for end in ends:
        thread = threading.Thread(target=end, name="hyperion otel", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # at the end of the process there are no new threads
            end()
        else:
            threads.append(thread)
    until = monotonic() + seconds
    for thread in threads:
        thread.join(max(until - monotonic(), 0))
    return not any(thread.is_alive() for thread in threads)


def nanoseconds(moment: datetime) -> int:
    """Since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def as_text(text: Any) -> str:
    """What can be sent: lone surrogates, of a file name, are escaped. Else what is sent with it would be lost too."""
    return str(text).encode("utf-8", "backslashreplace").decode("utf-8")


def _address(info: OtelCreateInfoEXT, signal: str) -> str | None:
    return None if info.endpoint is None else f"{info.endpoint.rstrip('/')}/v1/{signal}"
