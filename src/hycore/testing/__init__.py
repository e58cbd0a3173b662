"""What tests of plugins and hosts use: conformance, instances that are closed for you. A pytest plugin stands beside it.

Nothing is imported until a name is used.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hycore.testing._conformance import aassert_plugin_conforms, assert_plugin_conforms
    from hycore.testing._errors import Finding, PluginConformanceError
    from hycore.testing._making import InstanceFactory, make_instance, make_inventory

__all__ = [
    "Finding",
    "InstanceFactory",
    "PluginConformanceError",
    "aassert_plugin_conforms",
    "assert_plugin_conforms",
    "make_instance",
    "make_inventory",
]

if not TYPE_CHECKING:
    _HOMES = {
        "Finding": "hycore.testing._errors",
        "InstanceFactory": "hycore.testing._making",
        "PluginConformanceError": "hycore.testing._errors",
        "aassert_plugin_conforms": "hycore.testing._conformance",
        "assert_plugin_conforms": "hycore.testing._conformance",
        "make_instance": "hycore.testing._making",
        "make_inventory": "hycore.testing._making",
    }

    def __getattr__(name):
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        found = globals()[name] = getattr(import_module(_HOMES[name]), name)
        return found

    def __dir__():
        return sorted({*globals(), *_HOMES})
