"""The Hyperion plugin runtime: an extension runtime that applications embed. Standard library only."""

# Layers, each importing only from those to its right:
# ext.hylog -> base -> log -> ext -> utils.opaque -> utils.error.
#
# `TYPE_CHECKING = False`, here and there, stands for that of `typing`, whose import takes 0.6 to 1.9 times as long as all of
# `hycore`: type checkers go by the name.
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
