"""The Python API: create infos that validate themselves, and `create_instance`."""

import hypi._intact  # pyright: ignore[reportUnusedImport]  it raises if the packages are not ours
import hypi._pydantic  # noqa: F401  # pyright: ignore[reportUnusedImport]  a broken distribution stops it once
from hypi.api._create_info import ApplicationInfo, InstanceCreateInfo, Version
from hypi.api._instance import InstanceEXT, acreate_instance, create_instance
from hypi.api.ext.hylog import LogCreateInfoEXT, LogLevelEXT, LogMessageEXT

__all__ = [
    "ApplicationInfo",
    "InstanceCreateInfo",
    "InstanceEXT",
    "LogCreateInfoEXT",
    "LogLevelEXT",
    "LogMessageEXT",
    "Version",
    "acreate_instance",
    "create_instance",
]
