"""Registering a plugin, and constructing one by its name.

Layer: `ext`, on top of it.
"""

from __future__ import annotations

from hycore.ext._inventory import Inventory, checked_inventory
from hycore.utils.error import ArgumentTypeError, PluginFailedError, describe
from hycore.utils.opaque import OpaqueList

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar, overload

    from hycore.ext._protocols import DynPluginEXT
    from hycore.ext._traits import PluginEXT

    C = TypeVar("C", bound=type[PluginEXT])
else:

    def overload(function):
        return function


__all__ = ["define_plugin", "load_plugin_by_name"]


@overload
def define_plugin(kind: C, /) -> C: ...
@overload
def define_plugin(*, inventory: Inventory) -> Callable[[C], C]: ...
def define_plugin(kind: Any = None, /, *, inventory: Inventory | None = None) -> Any:
    """Registers a plugin class, in the default inventory or in another one, and returns it; runs nothing of it.

    Used as `@define_plugin` or `@define_plugin(inventory=mine)`. Raises what `Inventory.submit` raises.
    """
    if isinstance(kind, Inventory):
        raise ArgumentTypeError(
            "what define_plugin decorates",
            "a plugin class (with an inventory: @define_plugin(inventory=…))",
            kind,
        )
    target = checked_inventory(inventory)

    def register(kind: Any) -> Any:
        target.submit(kind)
        return kind

    return register if kind is None else register(kind)


def load_plugin_by_name(
    name: str, ext_list: OpaqueList, *, inventory: Inventory | None = None
) -> DynPluginEXT:
    """Finds an extension, imports it, checks its identity, and constructs it with what it takes from `ext_list`.

    The plugin belongs to no instance. Raises `PluginNotFoundError`, `DuplicatedKeyError`, `PluginLoadError` or
    `PluginDefinitionError`, and `PluginFailedError` if its `new` fails.
    """
    if not isinstance(ext_list, OpaqueList):
        raise ArgumentTypeError("ext_list", "an OpaqueList, such as OpaqueList([…])", ext_list)
    registry = checked_inventory(inventory).find(name).load()
    taker = ext_list._set_taker(registry.name)
    try:
        return registry.loader(ext_list)
    except (Exception, SystemExit) as error:
        raise PluginFailedError(
            registry.name, phase="new", reason=describe(error), in_instance=False
        ) from error
    finally:
        ext_list._set_taker(taker)
