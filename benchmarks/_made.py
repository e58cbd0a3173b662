"""Plugins that do nothing, as many as are wanted, each with a class, code and hooks of its own."""

from __future__ import annotations

import uuid
from typing import Any

from hycore.base.api import ApplicationInfo, InstanceCreateInfo, VersionInfo
from hycore.ext import Inventory, PluginEXT

# Compiled for each class: as those of different authors, they share no code, and none of what Python learns about it.
_SOURCE = """\
class Made(PluginEXT):
    UUID, NAME, DESCRIPTION = uuid, name, "Does nothing"

    @classmethod
    def new(cls, ext):
        return cls()

    def attach_to(self, instance):
        pass

    def initialize(self):
        pass

    def teardown(self):
        pass
"""


def make_plugins(count: int) -> list[type[PluginEXT]]:
    """So many classes, numbered from zero."""
    return [_make(number) for number in range(count)]


def inventory_of(plugins: list[type[PluginEXT]]) -> Inventory:
    """A world of their own, which reads nothing from the disk."""
    inventory = Inventory(group=None)
    for plugin in plugins:
        inventory.submit(plugin)
    return inventory


def request(plugins: list[type[PluginEXT]]) -> InstanceCreateInfo:
    """What a host asks for that wants these."""
    application = ApplicationInfo("benchmark", VersionInfo(1, 0, 0), "engine", VersionInfo(1, 0, 0))
    return InstanceCreateInfo(application, [plugin.NAME for plugin in plugins])


def _make(number: int) -> type[PluginEXT]:
    made: dict[str, Any] = {
        "__name__": f"made_{number}",
        "PluginEXT": PluginEXT,
        "uuid": uuid.UUID(int=number + 1),
        "name": f"__EXT_made_{number:04}",
    }
    exec(compile(_SOURCE, f"made_{number}.py", "exec"), made)
    plugin: type[PluginEXT] = made["Made"]
    return plugin
