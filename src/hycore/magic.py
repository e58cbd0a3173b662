"""Constants that the Rust build and this one share. A leaf: imports nothing of ours.

`HYPERION_LOGGER_UUID_EXT` is built when it is first read, so that `import hycore` needs no `uuid`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final
    from uuid import UUID

    HYPERION_LOGGER_UUID_EXT: Final[UUID] = UUID("20189b61-7279-46fa-9ba2-5f0360bf5b51")

__all__ = ["HYPERION_LOGGER_NAME_EXT", "HYPERION_LOGGER_UUID_EXT"]

HYPERION_LOGGER_NAME_EXT: Final = "__EXT_hyperion_logger"


def __getattr__(name: str) -> object:
    if name == "HYPERION_LOGGER_UUID_EXT":
        from uuid import UUID

        value = UUID("20189b61-7279-46fa-9ba2-5f0360bf5b51")
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
