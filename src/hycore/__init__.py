"""The Hyperion plugin runtime: an extension runtime that applications embed. Standard library only.

Nothing is imported until a name is used: pytest loads `hycore.testing._pytest` in every run, and with it this module.
pytest need not rewrite the assertions in it: PYTEST_DONT_REWRITE
"""

# Layers, each importing only from those to its right:
# testing -> ext.hylog -> base -> log -> ext -> utils.opaque -> utils.error.
#
# `TYPE_CHECKING = False`, here and there, stands for that of `typing`, whose import takes 0.6 to 1.5 times as long as all of
# `hycore`: type checkers go by the name.

from sys import modules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hycore import base as base
    from hycore import ext as ext
    from hycore import log as log
    from hycore import utils as utils
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

if not TYPE_CHECKING:
    _HOMES = {
        "HyError": "hycore.utils.error",
        "InstanceContext": "hycore.base",
        "OpaqueList": "hycore.utils.opaque",
        "PluginEXT": "hycore.ext",
        "define_plugin": "hycore.ext",
        "load_plugin_by_name": "hycore.ext",
        **dict.fromkeys(("hydebug", "hyerror", "hyinfo", "hytrace", "hywarn"), "hycore.log"),
    }
    _PACKAGES = ("base", "ext", "log", "utils")

    def __getattr__(name):
        home = f"hycore.{name}" if name in _PACKAGES else _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        __import__(home)  # `importlib` would bring `warnings`
        if name in _PACKAGES:
            return modules[home]
        found = globals()[name] = getattr(modules[home], name)
        return found

    def __dir__():
        return sorted({*globals(), *_HOMES, *_PACKAGES})
