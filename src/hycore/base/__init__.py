"""The instance, and what it is created from."""

from hycore.base._instance import InstanceContext
from hycore.base._plan import Plan, SetAside
from hycore.log import InstanceStateEXT

__all__ = ["InstanceContext", "InstanceStateEXT", "Plan", "SetAside"]
