"""Inventories and instances for tests.

Layer: `testing`, above `_errors`.
"""

from __future__ import annotations

from hycore.base import InstanceContext
from hycore.base._origin import caller
from hycore.base.api import ApplicationInfo, InstanceCreateInfo, VersionInfo
from hycore.ext import Inventory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from hycore.ext import PluginEXT

__all__ = ["InstanceFactory", "amake_instance", "info_of", "listed", "make_instance", "make_inventory"]


def make_inventory(*plugins: type[PluginEXT]) -> Inventory:
    """An inventory with these plugins and no others: nothing that is installed, nothing that is registered elsewhere.

    Raises what `Inventory.submit` raises.
    """
    inventory = Inventory(group=None)
    for plugin in plugins:
        inventory.submit(plugin)
    return inventory


def make_instance(
    *plugins: type[PluginEXT] | str,
    config: object = (),
    optional: Iterable[type[PluginEXT] | str] = (),
    engine_version: VersionInfo | None = None,
    node_id: int = 0,
    inventory: Inventory | None = None,
) -> InstanceContext:
    """An instance of these plugins, in this order where their needs leave a choice; the caller closes it.

    `config` is a configuration object, or a list of them. Classes are submitted to `inventory`, by default one of its
    own with nothing else in it; names are looked up there. `optional` are plugins that may fail. Raises what
    `InstanceContext.create` raises.

    >>> import uuid
    >>> from hycore import PluginEXT
    >>> class Foo(PluginEXT):
    ...     UUID = uuid.UUID("cdb726aa-8656-486f-a5b5-ff09f37a83fb")
    ...     NAME = "__EXT_FOO"
    ...     DESCRIPTION = "Provides foo-related features"
    >>> with make_instance(Foo) as instance:
    ...     instance.require_plugin_ext(Foo).name
    '__EXT_FOO'
    """
    info, known = _request(plugins, config, optional, engine_version, node_id, inventory)
    return InstanceContext.create(info, inventory=known)


async def amake_instance(
    *plugins: type[PluginEXT] | str,
    config: object = (),
    optional: Iterable[type[PluginEXT] | str] = (),
    engine_version: VersionInfo | None = None,
    node_id: int = 0,
    inventory: Inventory | None = None,
) -> InstanceContext:
    """Like `make_instance`, for plugins whose hooks may be `async def`.

    The caller ends it: `async with await amake_instance(Foo) as instance`.
    """
    info, known = _request(plugins, config, optional, engine_version, node_id, inventory)
    return await InstanceContext.acreate(info, inventory=known)


def _request(
    plugins: Iterable[type[PluginEXT] | str],
    config: object,
    optional: Iterable[type[PluginEXT] | str],
    engine_version: VersionInfo | None,
    node_id: int,
    inventory: Inventory | None,
) -> tuple[InstanceCreateInfo, Inventory]:
    known = Inventory(group=None) if inventory is None else inventory
    names = [_submitted(each, known) for each in plugins]
    optional_names = [_submitted(each, known) for each in optional]
    info = info_of(names, config, optional=optional_names, engine_version=engine_version, node_id=node_id)
    return info, known


def _submitted(plugin: type[PluginEXT] | str, inventory: Inventory) -> str:
    """The name of a plugin; a class is known to the inventory afterwards."""
    if isinstance(plugin, str):
        return plugin
    inventory.submit(plugin)
    return plugin.NAME


class InstanceFactory:
    """Makes instances, and closes them together: what the fixture `hyperion_instance` is.

    All are made from one inventory. Called like `make_instance`; `close` ends those that are still open, newest first.
    """

    def __init__(self, inventory: Inventory | None = None) -> None:
        self.inventory = Inventory(group=None) if inventory is None else inventory
        self._made: list[InstanceContext] = []

    def __call__(
        self,
        *plugins: type[PluginEXT] | str,
        config: object = (),
        optional: Iterable[type[PluginEXT] | str] = (),
        engine_version: VersionInfo | None = None,
        node_id: int = 0,
    ) -> InstanceContext:
        """An instance; `make_instance` tells what is given and raised."""
        instance = make_instance(
            *plugins,
            config=config,
            optional=optional,
            engine_version=engine_version,
            node_id=node_id,
            inventory=self.inventory,
        )
        self._made.append(instance)
        return instance

    def close(self) -> None:
        """Closes what is open, newest first, whatever fails.

        Raises the error of the one instance that failed, or an `ExceptionGroup` of several.
        """
        errors: list[Exception] = []
        while self._made:
            try:
                self._made.pop().close()
            except Exception as error:
                errors.append(error)
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise ExceptionGroup("several instances failed to close", errors)


def info_of(
    names: Iterable[str],
    config: object,
    *,
    optional: Iterable[str] = (),
    engine_version: VersionInfo | None = None,
    node_id: int = 0,
) -> InstanceCreateInfo:
    application = ApplicationInfo("test", VersionInfo(1), "test", engine_version or VersionInfo(1))
    info = InstanceCreateInfo(application, names, node_id, listed(config), optional_extensions=optional)
    return info._written_at(caller())  # the test has asked, in a report


def listed(config: object) -> list[object]:
    """The objects of a `config` argument: one, or a list of them."""
    if config is None:
        return []
    return list(config) if isinstance(config, list | tuple) else [config]
