"""What tests of plugins and hosts use: conformance, instances, a record of the lifecycle, and faults on demand.

The fixtures of the pytest plugin stand beside it. Nothing is imported until a name is used.
"""

# Layers, each importing only from those to its right:
# _survival, _conformance -> _faults -> _recorder -> _watching; _making, _output, _sharing -> _measuring, _identity -> _errors.

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hycore.testing._conformance import aassert_plugin_conforms, assert_plugin_conforms
    from hycore.testing._errors import (
        FaultNotReachedError,
        Finding,
        HostConformanceError,
        InjectedFaultError,
        PluginConformanceError,
        RunningLoopError,
    )
    from hycore.testing._faults import Fault, inject_fault
    from hycore.testing._making import InstanceFactory, amake_instance, make_instance, make_inventory
    from hycore.testing._recorder import LifecycleEvent, LifecycleRecorder, record_lifecycle
    from hycore.testing._survival import assert_host_survives

__all__ = [
    "Fault",
    "FaultNotReachedError",
    "Finding",
    "HostConformanceError",
    "InjectedFaultError",
    "InstanceFactory",
    "LifecycleEvent",
    "LifecycleRecorder",
    "PluginConformanceError",
    "RunningLoopError",
    "aassert_plugin_conforms",
    "amake_instance",
    "assert_host_survives",
    "assert_plugin_conforms",
    "inject_fault",
    "make_instance",
    "make_inventory",
    "record_lifecycle",
]

if not TYPE_CHECKING:
    _HOMES = {
        "Fault": "hycore.testing._faults",
        "FaultNotReachedError": "hycore.testing._errors",
        "Finding": "hycore.testing._errors",
        "HostConformanceError": "hycore.testing._errors",
        "InjectedFaultError": "hycore.testing._errors",
        "InstanceFactory": "hycore.testing._making",
        "LifecycleEvent": "hycore.testing._recorder",
        "LifecycleRecorder": "hycore.testing._recorder",
        "PluginConformanceError": "hycore.testing._errors",
        "RunningLoopError": "hycore.testing._errors",
        "aassert_plugin_conforms": "hycore.testing._conformance",
        "amake_instance": "hycore.testing._making",
        "assert_host_survives": "hycore.testing._survival",
        "assert_plugin_conforms": "hycore.testing._conformance",
        "inject_fault": "hycore.testing._faults",
        "make_instance": "hycore.testing._making",
        "make_inventory": "hycore.testing._making",
        "record_lifecycle": "hycore.testing._recorder",
    }

    def __getattr__(name):
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        found = globals()[name] = getattr(import_module(_HOMES[name]), name)
        return found

    def __dir__():
        return sorted({*globals(), *_HOMES})
