"""The extension `__EXT_archive`: entries that outlive the process."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from guestbook.plugins.store import Entry, StorePlugin
from hycore import PluginEXT, hyinfo

ENTRIES = TypeAdapter(list[Entry])


@dataclass(frozen=True)
class ArchiveConfig:
    """Where."""

    folder: str
    """A folder that is there, from the current directory on."""


class ArchivePlugin(PluginEXT):
    """Reads the entries when the application begins, and writes them when it ends, before the store is gone."""

    UUID = uuid.UUID("59d1c8ab-4c35-4b25-9a36-3d0b5b1e7a02")
    NAME = "__EXT_archive"
    DESCRIPTION = "Entries that outlive the process"
    CREATE_INFO = ArchiveConfig
    REQUIRES = ("__EXT_store",)

    def __init__(self, config: ArchiveConfig) -> None:
        self.file = Path(config.folder, "entries.json")

    def initialize(self) -> None:
        if not self.file.parent.is_dir():
            raise NotADirectoryError(f"there is no folder {str(self.file.parent)!r}: make it to keep entries")
        if not os.access(self.file.parent, os.W_OK):
            raise PermissionError(f"nothing can be written in the folder {str(self.file.parent)!r}")
        if self.file.exists():
            entries = ENTRIES.validate_json(self.file.read_bytes())
            self.instance.require_plugin_ext(StorePlugin).entries += entries

    def teardown(self) -> None:
        entries = self.instance.require_plugin_ext(StorePlugin).entries
        new = self.file.with_suffix(".new")  # so that a full disk leaves the old file as it is
        new.write_bytes(ENTRIES.dump_json(entries))
        os.replace(new, self.file)
        hyinfo(self.instance, "the archive has {} entries", len(entries))
