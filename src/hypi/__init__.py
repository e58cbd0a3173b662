"""What applications use: validated create infos, the application file, and the command line."""

__distribution__ = "hyperion-runtime"

import hypi._intact  # noqa: F401  # pyright: ignore[reportUnusedImport]  it raises if the packages are not ours

__all__ = ["api"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hypi import api as api
else:

    def __getattr__(name):
        if name == "api":
            from importlib import import_module

            return import_module("hypi.api")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
