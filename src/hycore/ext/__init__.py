"""What plugin authors use: the base class, registration, inventories."""

from hycore.ext._definition import PluginRegistry
from hycore.ext._inventory import Inventory, InventoryEntry, default_inventory
from hycore.ext._loader import define_plugin, load_plugin_by_name
from hycore.ext._traits import PluginEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hycore.ext._protocols import DynPluginEXT, StaticPluginEXT

__all__ = [
    "DynPluginEXT",
    "Inventory",
    "InventoryEntry",
    "PluginEXT",
    "PluginRegistry",
    "StaticPluginEXT",
    "default_inventory",
    "define_plugin",
    "load_plugin_by_name",
]

if not TYPE_CHECKING:

    def __getattr__(name):
        # Protocols need `typing`, which `import hycore` does without.
        if name in ("DynPluginEXT", "StaticPluginEXT"):
            from hycore.ext import _protocols

            return getattr(_protocols, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
