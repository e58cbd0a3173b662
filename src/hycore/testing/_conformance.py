"""The proof that a plugin keeps the rules that a plugin can break.

Layer: `testing`, above `_making`.
"""

from __future__ import annotations

from hycore.base import InstanceContext
from hycore.ext._definition import registry_of
from hycore.testing._errors import Finding, PluginConformanceError
from hycore.testing._making import info_of, make_inventory
from hycore.utils.error import HyError, qualified_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from hycore.base.api import VersionInfo
    from hycore.ext import PluginEXT

__all__ = ["aassert_plugin_conforms", "assert_plugin_conforms"]


def assert_plugin_conforms(
    plugin: type[PluginEXT],
    *,
    config: object = None,
    requires: Iterable[type[PluginEXT]] = (),
    cycles: int = 100,
    exclusive: bool = False,
    engine_version: VersionInfo | None = None,
) -> None:
    """Proves that a plugin keeps the rules that a plugin can break; raises `PluginConformanceError` if it does not."""
    import asyncio

    async def prove() -> None:
        await aassert_plugin_conforms(
            plugin,
            config=config,
            requires=requires,
            cycles=cycles,
            exclusive=exclusive,
            engine_version=engine_version,
        )

    asyncio.run(prove())


async def aassert_plugin_conforms(
    plugin: type[PluginEXT],
    *,
    config: object = None,
    requires: Iterable[type[PluginEXT]] = (),
    cycles: int = 100,
    exclusive: bool = False,
    engine_version: VersionInfo | None = None,
) -> None:
    """Like `assert_plugin_conforms`, in the event loop that runs."""
    registry = registry_of(plugin)
    others = list(requires)
    inventory = make_inventory(*others, plugin)
    info = info_of([*(other.NAME for other in others), registry.name], config, engine_version=engine_version)
    findings: list[Finding] = []
    for _ in range(cycles):
        try:
            await (await InstanceContext.acreate(info, inventory=inventory)).aclose()
        except HyError as error:
            findings.append(Finding("an instance is created and closed", str(error), "Mend it."))
            break
    if findings:
        raise PluginConformanceError(registry.name, qualified_name(plugin), findings)
