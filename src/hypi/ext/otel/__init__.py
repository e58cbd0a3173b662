"""The extension that sends messages and spans with OpenTelemetry."""

from hypi.ext.otel._create_info import OtelCreateInfoEXT
from hypi.ext.otel._plugin import OtelPluginEXT

__all__ = ["OtelCreateInfoEXT", "OtelPluginEXT"]
