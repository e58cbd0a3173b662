"""Has Pydantic look for plugins of its own, before anything needs it.

It asks every installed distribution, and raises whatever a broken one makes of that; the second time it goes on with
what it has found. So one broken distribution costs at most Pydantic's plugins, and never the application.

Layer: the lowest of `hypi`.
"""

from __future__ import annotations

from contextlib import suppress

from pydantic import TypeAdapter

__all__: list[str] = []

with suppress(Exception):
    TypeAdapter(int)
