"""Plugins that do nothing, as many as are wanted, and what a host needs to have them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from benchmarks._classes import HOOKS, make_classes
from hycore.base.api import ApplicationInfo, InstanceCreateInfo, VersionInfo
from hycore.ext import Inventory, PluginEXT

_SOURCE = """\
class Made(PluginEXT):
    UUID, NAME, DESCRIPTION = uuid.UUID(int=number + 1), f"__EXT_made_{number:04}", "Does nothing"

    @classmethod
    def new(cls, ext):
        return cls()
"""


def make_plugins(count: int) -> list[type[PluginEXT]]:
    """So many classes, each with code and hooks of its own."""
    return make_classes("made", count, _SOURCE + HOOKS, PluginEXT=PluginEXT, uuid=uuid)


def inventory_of(plugins: Sequence[type[PluginEXT]]) -> Inventory:
    """A world of their own, which reads nothing from the disk."""
    inventory = Inventory(group=None)
    for plugin in plugins:
        inventory.submit(plugin)
    return inventory


def request(plugins: Sequence[type[PluginEXT]], *, ext: Sequence[object] = ()) -> InstanceCreateInfo:
    """What a host asks for that wants these."""
    application = ApplicationInfo("benchmark", VersionInfo(1, 0, 0), "engine", VersionInfo(1, 0, 0))
    return InstanceCreateInfo(application, [plugin.NAME for plugin in plugins], ext=ext)
