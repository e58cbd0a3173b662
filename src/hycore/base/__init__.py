"""The instance, what it is created from, and what it reports."""

from hycore.base._instance import InstanceContext
from hycore.base._plan import Plan, SetAside
from hycore.log import InstanceStateEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hycore.base._report import AskedBy, Report, ReportedAside, ReportedExtension
    from hycore.base._tracing import Failure

__all__ = [
    "AskedBy",
    "Failure",
    "InstanceContext",
    "InstanceStateEXT",
    "Plan",
    "Report",
    "ReportedAside",
    "ReportedExtension",
    "SetAside",
]

if not TYPE_CHECKING:

    def __getattr__(name):
        # Most hosts never report.
        if name in ("AskedBy", "Report", "ReportedAside", "ReportedExtension"):
            from hycore.base import _report

            return getattr(_report, name)
        if name == "Failure":
            from hycore.base._tracing import Failure

            return Failure
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
