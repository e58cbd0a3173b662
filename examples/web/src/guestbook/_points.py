"""The extension points: a plugin that has the method is collected, whatever it inherits from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from starlette.routing import BaseRoute
from starlette.types import ASGIApp


class HasRoutes(Protocol):
    """Adds pages."""

    def routes(self) -> Sequence[BaseRoute]:
        """Asked for once, when all plugins are up; the plugin that started first is matched first."""
        ...


class WrapsSite(Protocol):
    """Adds middleware."""

    def wrap(self, site: ASGIApp, /) -> ASGIApp:
        """What is called in place of `site`, and calls it; the plugin that started first is outermost."""
        ...
