"""Trying again what was set aside (rule R1): which extensions, with which configuration, and what is kept if it fails.

Layer: `base`, above `_lifecycle` and `_config`, below `_instance`.
"""

from __future__ import annotations

from hycore.base._config import hints, judge_leftovers
from hycore.base._lifecycle import bring_up_more
from hycore.base._plan import SetAside, plan_again
from hycore.ext._inventory import checked_inventory
from hycore.utils.error import HyError, RetryError
from hycore.utils.opaque import AddressedObject, OpaqueList, bare, carry_over

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from hycore.base._lifecycle import Lifecycle
    from hycore.base.api import InstanceCreateInfo
    from hycore.ext import Inventory, PluginRegistry

__all__ = ["keep_configuration", "try_again"]


def keep_configuration(life: Lifecycle) -> None:
    """When all is up: keeps what set-aside extensions took, and lets go of the rest."""
    assert life.ext is not None
    taken = life.ext._taken_by()
    life.kept_ext = {aside.name: taken.get(aside.name, []) for aside in life.aside}


def try_again(
    life: Lifecycle,
    name: str,
    info: InstanceCreateInfo,
    inventory: Inventory | None,
    *,
    ext: Iterable[object] | None,
    asynchronous: bool,
    awaits: bool,
    warn: Callable[[str], None],
) -> Any:
    """Tries a set-aside extension again, with what was set aside for requiring it; `info` is the first request.

    `asynchronous` says whether the instance is, `awaits` whether this call is. Yields what must be awaited, and returns
    the exception to raise, or `None`, whether or not the extension is up.
    """
    group = _group_of(life, name)
    before = list(life.aside)
    known = checked_inventory(inventory)
    try:
        coming = _plan(life, group, info, known, asynchronous)
        for registry in coming:
            if registry.async_hooks and not awaits and asynchronous:
                problem = f"{registry.name!r} has asynchronous hooks"
                raise RetryError(name, problem=problem, step=f"await instance.aretry({name!r})")
        handed = {registry.name: _kept(life, registry) for registry in coming}
        if ext is None:
            given = OpaqueList(
                [AddressedObject(of, bare(thing)) for of, things in handed.items() for thing in things]
            )
        else:
            given = _converted(life, coming, ext, known)
            handed = {registry.name: given._left() if registry.name == name else [] for registry in coming}
    except HyError as error:
        life.aside = before
        return error
    if not coming:
        return None
    life.ext = given
    life.lists.append(given)

    def judge() -> HyError | None:
        if ext is None:
            given._seal()
            return None
        left, warnings = judge_leftovers(info, life, inventory)
        for warning in warnings:
            warn(warning)
        return left

    ended = yield from bring_up_more(life, coming, judge)
    del judge
    if ended is not None:
        life.aside = before
    aside = {each.name for each in life.aside}
    for registry in coming:
        if registry.name in aside:
            life.kept_ext[registry.name] = handed[registry.name]
        else:
            life.kept_ext.pop(registry.name, None)
            life.reasons[registry.name] = "optional; tried again"
    return ended


def _group_of(life: Lifecycle, name: str) -> set[str]:
    group = {name}
    missing = [
        aside for aside in life.aside if aside.error_type == "MissingDependencyError" and aside.registry
    ]
    changed = True
    while changed:
        more = {
            aside.name
            for aside in missing
            if aside.registry is not None and group.intersection(aside.registry.requires)
        }
        changed = not more <= group
        group |= more
    return group


def _plan(
    life: Lifecycle, group: set[str], info: InstanceCreateInfo, inventory: Inventory, asynchronous: bool
) -> list[PluginRegistry]:
    """What of the group comes up now, in order; the rest is set aside again, for what is wrong with it now."""
    plan = plan_again(info, inventory, life.registries, asynchronous=asynchronous)
    life.aside = [aside for aside in life.aside if aside.name not in group]
    life.aside += [aside for aside in plan.set_aside if aside.name in group]
    there = {registry.name for registry in life.registries}
    coming: list[PluginRegistry] = []
    for registry in plan.order:
        if registry.name not in group or registry.name in there:
            continue
        lost = [required for required in registry.requires if required not in there]
        if lost:
            life.aside.append(SetAside.for_want_of(lost[0], registry))
        else:
            there.add(registry.name)
            coming.append(registry)
    return coming


def _kept(life: Lifecycle, registry: PluginRegistry) -> list[object]:
    """What the extension took when it was tried before, and what of the rest it claims."""
    kept = list(life.kept_ext.get(registry.name, ()))
    for thing in list(life.left):
        addressee = thing.extension if isinstance(thing, AddressedObject) else registry.name
        if addressee == registry.name and type(bare(thing)) is registry.create_info:
            life.left = [each for each in life.left if each is not thing]
            kept.append(thing)
    return kept


def _converted(
    life: Lifecycle, coming: list[PluginRegistry], ext: Iterable[object], inventory: Inventory
) -> OpaqueList:
    create_infos = [registry.create_info for registry in coming if registry.create_info is not None]
    return carry_over(ext, create_infos=create_infos, hints=hints(life, inventory), refuse_unknown=True)
