"""The command `hyperion`."""

from hypi.cli._main import main

__all__ = ["main"]
