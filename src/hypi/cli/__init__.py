"""The command `hyperion`."""

import hypi._intact  # noqa: F401  # pyright: ignore[reportUnusedImport]  it raises if the packages are not ours
from hypi.cli._main import main

__all__ = ["main"]
