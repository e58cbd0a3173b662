"""The Hyperion plugin runtime: an extension runtime that applications embed. Standard library only."""

# Layers, each importing only from those to its right:
# ext.hylog -> base -> log -> ext -> utils.opaque -> utils.error.
from hycore.base import InstanceContext
from hycore.ext import PluginEXT, define_plugin, load_plugin_by_name
from hycore.log import hydebug, hyerror, hyinfo, hytrace, hywarn
from hycore.utils.error import HyError
from hycore.utils.opaque import OpaqueList

__all__ = [
    "HyError",
    "InstanceContext",
    "OpaqueList",
    "PluginEXT",
    "define_plugin",
    "hydebug",
    "hyerror",
    "hyinfo",
    "hytrace",
    "hywarn",
    "load_plugin_by_name",
]
