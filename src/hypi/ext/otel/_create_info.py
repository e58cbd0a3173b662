"""The configuration of the extension that sends with OpenTelemetry.

Layer: `hypi.ext.otel`, a leaf within it.
"""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Any

from pydantic import ConfigDict, Field, StrictBool, StrictStr, field_validator
from pydantic.dataclasses import dataclass

from hycore.log import LogLevelEXT
from hypi.api.ext.hylog import level_by_name

__all__ = ["OtelCreateInfoEXT"]


# Headers may be secret: errors do not show them.
@dataclass(config=ConfigDict(extra="forbid", hide_input_in_errors=True))
class OtelCreateInfoEXT:
    """What shall be sent, and where to.

    - `endpoint`: the address that `/v1/logs` and `/v1/traces` are added to, such as `"http://collector:4318"`. `None`: what
      OpenTelemetry's environment variables say, or `http://localhost:4318`.
    - `headers`: go along with each request; they may be secret.
    - `level`: the least level of the messages that are sent, whatever that of the logger is.
    - `logs`, `spans`: whether messages, and the phases of the instance's life, are sent.
    - `service_name`: `None` for what `OTEL_SERVICE_NAME` says, or the name of the application.
    - `timeout`: how long a request may take, and how long the end of the instance waits for what is not sent yet, in seconds.
    - `logger_provider`, `tracer_provider`: the host's own, which get everything in place of those that send to `endpoint`, and
      which the host ends.
    """

    endpoint: StrictStr | None = None
    headers: dict[StrictStr, StrictStr] = field(default_factory=dict, repr=False)
    level: LogLevelEXT = LogLevelEXT.INFO
    logs: StrictBool = field(default=True, kw_only=True)
    spans: StrictBool = field(default=True, kw_only=True)
    service_name: StrictStr | None = field(default=None, kw_only=True)
    timeout: Annotated[float, Field(gt=0, allow_inf_nan=False)] = field(default=5.0, kw_only=True)
    logger_provider: Any = field(default=None, kw_only=True, repr=False)
    tracer_provider: Any = field(default=None, kw_only=True, repr=False)

    _by_name = field_validator("level", mode="before")(level_by_name)

    @field_validator("endpoint")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        scheme, _, rest = value.partition("://")
        if scheme not in ("http", "https") or rest[:1] in ("", "/", ":"):
            raise ValueError('an address is needed, such as "http://localhost:4318"')
        return value

    @field_validator("logger_provider", "tracer_provider")
    @classmethod
    def _is_a_provider(cls, value: Any, info: Any) -> Any:
        kind = info.field_name.removesuffix("_provider")
        if value is not None and not callable(getattr(value, f"get_{kind}", None)):
            raise ValueError(f"a {kind} provider of OpenTelemetry is needed, an object with get_{kind}")
        return value
