"""The extension `__EXT_timing`: how long each request took, as browsers show it."""

from __future__ import annotations

import uuid
from time import perf_counter

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hycore import PluginEXT


class TimingPlugin(PluginEXT):
    """Adds the header `Server-Timing`."""

    UUID = uuid.UUID("59d1c8ab-4c35-4b25-9a36-3d0b5b1e7a04")
    NAME = "__EXT_timing"
    DESCRIPTION = "Times of requests"

    def wrap(self, site: ASGIApp, /) -> ASGIApp:
        async def timed(scope: Scope, receive: Receive, send: Send) -> None:
            start = perf_counter()

            async def add_time(message: Message) -> None:
                if message["type"] == "http.response.start":
                    taken = f"plugins;dur={(perf_counter() - start) * 1000:.1f}"
                    MutableHeaders(scope=message).append("Server-Timing", taken)
                await send(message)

            await site(scope, receive, add_time)

        return timed
