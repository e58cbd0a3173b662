"""The version of the runtime, and of what it runs on.

Layer: `base`, a leaf within it.
"""

from __future__ import annotations

import sys

__all__ = ["platform_line", "runtime_version"]

VERSION = "0.1.0"


def runtime_version() -> str:
    """The version of this distribution; a test holds it against the installed metadata."""
    return VERSION


def platform_line() -> str:
    """The runtime's version, Python's, and the platform, in one line."""
    implementation = sys.implementation
    python = ".".join(map(str, sys.version_info[:3]))
    return f"hycore version: v{VERSION} ({implementation.name} {python}) -- {sys.platform}"
