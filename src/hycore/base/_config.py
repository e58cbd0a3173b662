"""Configuration, from the host's create info to the judgement of what nobody took (rule C2).

Layer: `base`, above `_plan` and `_lifecycle`'s data, below `_instance`.
"""

from __future__ import annotations

from hycore.ext._inventory import checked_inventory
from hycore.utils.error import HyError, UnconsumedConfigError, qualified_name
from hycore.utils.opaque import AddressedObject, OpaqueList, bare, carry_over

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hycore.base._lifecycle import Lifecycle
    from hycore.base.api import InstanceCreateInfo
    from hycore.ext import Inventory, PluginRegistry

__all__ = ["hints", "judge_leftovers", "take_configuration"]


def take_configuration(info: InstanceCreateInfo, life: Lifecycle, inventory: Inventory | None) -> OpaqueList:
    """Converts a host's objects into the list that plugins take from."""
    if not info.ext:
        return OpaqueList()
    known = [*life.registries, *_set_aside(life), *checked_inventory(inventory).registered()]
    create_infos = [registry.create_info for registry in known if registry.create_info is not None]
    return carry_over(
        info.ext,
        create_infos=create_infos,
        hints=hints(life, inventory),
        refuse_unknown=not _something_unknown_is_set_aside(life),
    )


def judge_leftovers(
    info: InstanceCreateInfo, life: Lifecycle, inventory: Inventory | None
) -> tuple[HyError | None, list[str]]:
    """Seals the list, and returns the error or the warnings that leftover configuration is worth."""
    ext = life.ext
    assert ext is not None
    given = ext._left() if ext else []
    ext._seal()
    life.left = tuple(given) if info.optional_extensions else ()
    if not given:
        return None, []
    claimed = {registry.create_info for registry in _set_aside(life)}
    things = [thing for thing in given if type(bare(thing)) not in claimed]
    left = [qualified_name(type(bare(thing))) for thing in things]
    if not left or info.unused_ext == "ignore":
        return None, []
    error = UnconsumedConfigError(
        left,
        takers=[
            (thing.extension,) if isinstance(thing, AddressedObject) else _takers(name, life, inventory)
            for thing, name in zip(things, left, strict=True)
        ],
        enabled=[registry.name for registry in life.registries],
        hints=map(hints(life, inventory), left),
    )
    if info.unused_ext == "error" and not _something_unknown_is_set_aside(life):
        return error, []
    if info.unused_ext == "error":
        meant = ", ".join(aside.name for aside in life.aside)
        return None, [
            f"configuration of type {name} was taken by no extension; perhaps it was meant for one that is set "
            f"aside ({meant}): install that, or remove the configuration from ext"
            for name in left
        ]
    return None, [str(error)]


def _set_aside(life: Lifecycle) -> Iterator[PluginRegistry]:
    for aside in life.aside:
        if aside.registry is not None:
            yield aside.registry


def _something_unknown_is_set_aside(life: Lifecycle) -> bool:
    return any(aside.registry is None for aside in life.aside)


def _takers(type_name: str, life: Lifecycle, inventory: Inventory | None) -> tuple[str, ...]:
    """The extensions known here that name the type as theirs."""
    registries = [*life.registries, *checked_inventory(inventory).registered()]
    names = [
        registry.name
        for registry in registries
        if registry.create_info is not None and qualified_name(registry.create_info) == type_name
    ]
    return tuple(dict.fromkeys(names))


def hints(life: Lifecycle, inventory: Inventory | None) -> Callable[[str], tuple[str, ...]]:
    """For a type, the installed extensions that are not on and whose target lies nearest to it, in its package or above."""
    on = {registry.name for registry in life.registries}

    def of(type_name: str) -> tuple[str, ...]:
        words = type_name.split(".")
        near = [
            (entry.name, _in_common(words, entry.target.partition(":")[0].split(".")))
            for entry in checked_inventory(inventory).entries()
            if entry.distribution is not None and entry.name not in on
        ]
        nearest = max([parts for _, parts in near], default=0)
        return tuple(dict.fromkeys(name for name, parts in near if parts == nearest > 0))

    return of


def _in_common(one: list[str], other: list[str]) -> int:
    """With how many words both begin."""
    count = 0
    while one[count : count + 1] == other[count : count + 1] != []:
        count += 1
    return count
