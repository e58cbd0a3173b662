"""Creating instances from validated create infos.

Layer: `hypi.api`, above `hycore`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from hycore.base import InstanceContext, api
from hycore.magic import HYPERION_LOGGER_NAME_EXT
from hycore.utils.error import ArgumentTypeError
from hypi.api._create_info import InstanceCreateInfo

if TYPE_CHECKING:
    from hycore.base import Plan
    from hycore.ext import Inventory

__all__ = ["InstanceEXT", "acreate_instance", "create_instance", "to_runtime"]


class InstanceEXT(StrEnum):
    """The names of the extensions that ship with the runtime."""

    LOGGER = HYPERION_LOGGER_NAME_EXT
    LOGGING = "__EXT_hyperion_logging"
    OTEL = "__EXT_hyperion_otel"
    PLUGGY = "__EXT_hyperion_pluggy"


def create_instance(
    create_info: InstanceCreateInfo | api.InstanceCreateInfo,
    *,
    inventory: Inventory | None = None,
    plan: Plan | None = None,
    profile: bool = False,
) -> InstanceContext:
    """Brings up an instance, entirely or not at all; `InstanceContext.create` tells what is raised."""
    return InstanceContext.create(to_runtime(create_info), inventory=inventory, plan=plan, profile=profile)


async def acreate_instance(
    create_info: InstanceCreateInfo | api.InstanceCreateInfo,
    *,
    inventory: Inventory | None = None,
    plan: Plan | None = None,
    profile: bool = False,
    initialize_timeout: float | None = None,
    undo_timeout: float | None = None,
    import_in_thread: bool = False,
) -> InstanceContext:
    """Brings up an instance whose hooks may be `async def`; `InstanceContext.acreate` tells of the arguments."""
    return await InstanceContext.acreate(
        to_runtime(create_info),
        inventory=inventory,
        plan=plan,
        profile=profile,
        initialize_timeout=initialize_timeout,
        undo_timeout=undo_timeout,
        import_in_thread=import_in_thread,
    )


def to_runtime(create_info: InstanceCreateInfo | api.InstanceCreateInfo) -> api.InstanceCreateInfo:
    """The runtime's own value of the same content."""
    if isinstance(create_info, api.InstanceCreateInfo):
        return create_info
    if not isinstance(create_info, InstanceCreateInfo):
        raise ArgumentTypeError("create_info", "an InstanceCreateInfo", create_info)
    application = create_info.application_info
    info = api.InstanceCreateInfo(
        api.ApplicationInfo(
            application.application_name,
            api.VersionInfo(*application.application_version.to_tuple()),
            application.engine_name,
            api.VersionInfo(*application.engine_version.to_tuple()),
        ),
        create_info.enabled_extensions,
        create_info.node_id,
        create_info.ext,
        optional_extensions=create_info.optional_extensions,
        unused_ext=create_info.unused_ext,
    )
    return info._written_at(getattr(create_info, "_origin", info._origin))
