"""The extension `__EXT_store`: entries in memory, and a task that removes the old ones."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass

from hycore import PluginEXT, hydebug, hyinfo


@dataclass(frozen=True)
class StoreConfig:
    """How long entries are kept."""

    keep_seconds: float = 3600.0
    """The age at which an entry is removed."""
    sweep_seconds: float = 1.0
    """How long to wait between two looks for old ones."""

    def __post_init__(self) -> None:
        if self.keep_seconds <= 0 or self.sweep_seconds <= 0:
            raise ValueError("keep_seconds and sweep_seconds are more than 0")


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody wrote, and when, in seconds since 1970."""

    name: str
    text: str
    written: float


class StorePlugin(PluginEXT):
    """Holds the entries; other plugins find it by its class."""

    UUID = uuid.UUID("59d1c8ab-4c35-4b25-9a36-3d0b5b1e7a01")
    NAME = "__EXT_store"
    DESCRIPTION = "Entries in memory"
    CREATE_INFO = StoreConfig

    def __init__(self, config: StoreConfig) -> None:
        self.config = config
        self.entries: list[Entry] = []

    async def initialize(self) -> None:
        self.sweeper = asyncio.create_task(self.sweep())

    async def teardown(self) -> None:
        self.sweeper.cancel()
        await asyncio.wait({self.sweeper})
        hyinfo(self.instance, "the store ends with {} entries", len(self.entries))
        if not self.sweeper.cancelled():
            self.sweeper.result()  # raises what had ended it before its time

    async def sweep(self) -> None:
        while True:
            await asyncio.sleep(self.config.sweep_seconds)
            oldest = time.time() - self.config.keep_seconds
            kept = [entry for entry in self.entries if entry.written > oldest]
            hydebug(self.instance, "{} entries were old", len(self.entries) - len(kept))
            self.entries[:] = kept
