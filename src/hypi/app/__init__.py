"""The application file: a host that is configured without code of its own."""

import hypi._intact  # noqa: F401  # pyright: ignore[reportUnusedImport]  it raises if the packages are not ours
from hypi.app._application import Application, load_application
from hypi.app._problems import ApplicationFileError, Problem

__all__ = ["Application", "ApplicationFileError", "Problem", "load_application"]
