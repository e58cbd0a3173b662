"""Trying again what was set aside (rule R1): which extensions, with which configuration, and what is kept if it fails.

Layer: `base`, above `_lifecycle` and `_config`, below `_instance`.
"""

from __future__ import annotations

from hycore.base._cleaning import clean
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
    before = life.aside, dict(life.kept_ext), life.left
    known = checked_inventory(inventory)
    done = False
    ended: BaseException | None = None
    try:
        coming = _plan(life, group, info, known, asynchronous)
        for registry in coming:
            if registry.async_hooks and not awaits and asynchronous:
                problem = f"{registry.name!r} has asynchronous hooks"
                raise RetryError(name, problem=problem, step=f"await instance.aretry({name!r})")
        new = _converted(life, coming, ext, known) if ext is not None else []
        given = OpaqueList([*new, *_kept(life, coming, new)])
        if coming:
            ended = yield from _brought_up(life, coming, given, ext is not None, info, inventory, warn)
        done = ended is None
        return ended
    except HyError as error:
        clean(error, life.running)
        return error
    finally:
        if not done:
            life.aside, life.kept_ext, life.left = before


def _brought_up(
    life: Lifecycle,
    coming: list[PluginRegistry],
    given: OpaqueList,
    is_judged: bool,
    info: InstanceCreateInfo,
    inventory: Inventory | None,
    warn: Callable[[str], None],
) -> Any:
    """Brings up what comes, and keeps the configuration of what does not."""
    life.ext = given
    life.lists += (given,)
    given._remember()
    left: list[object] = []
    unclaimed = life.left

    def judge() -> HyError | None:
        left.extend(given._left())
        if not is_judged:
            given._seal()
            return None
        error, warnings = judge_leftovers(info, life, inventory)
        life.left = unclaimed
        for warning in warnings:
            warn(warning)
        return error

    ended = yield from bring_up_more(life, coming, judge)
    del judge
    taken = given._taken_by()
    if ended is not None:
        return ended
    aside = {each.name for each in life.aside}
    kept_ext, reasons = dict(life.kept_ext), dict(life.reasons)
    for registry in coming:
        if registry.name in aside:
            mine = [bare(thing) for thing in left if _claims(registry, thing)]
            kept_ext[registry.name] = [*taken.get(registry.name, ()), *mine]
        else:
            kept_ext.pop(registry.name, None)
            reasons[registry.name] = "optional; tried again"
    life.kept_ext, life.reasons = kept_ext, reasons
    if not [registry for registry in coming if registry.name not in aside]:
        life.lists = life.lists[:-1]  # the ledger grows by what came up
    return None


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
    life.aside = (
        *[aside for aside in life.aside if aside.name not in group],
        *[aside for aside in plan.set_aside if aside.name in group],
    )
    there = {registry.name for registry in life.registries}
    coming: list[PluginRegistry] = []
    for registry in plan.order:
        if registry.name not in group or registry.name in there:
            continue
        lost = [required for required in registry.requires if required not in there]
        if lost:
            life.aside += (SetAside.for_want_of(lost[0], registry),)
        else:
            there.add(registry.name)
            coming.append(registry)
    return coming


def _kept(life: Lifecycle, coming: list[PluginRegistry], new: list[object]) -> list[AddressedObject]:
    """What the extensions took when they were tried before, and what of the rest they claim, unless there is new."""
    replaced = {type(bare(thing)) for thing in new}
    kept: list[AddressedObject] = []
    for registry in coming:
        things = [*life.kept_ext.get(registry.name, ())]
        for thing in life.left:
            if _claims(registry, thing):
                things.append(bare(thing))
                life.left = tuple([each for each in life.left if each is not thing])
        kept += [AddressedObject(registry.name, thing) for thing in things if type(thing) not in replaced]
    return kept


def _claims(registry: PluginRegistry, thing: object) -> bool:
    if isinstance(thing, AddressedObject):
        return thing.extension == registry.name
    return type(thing) is registry.create_info


def _converted(
    life: Lifecycle, coming: list[PluginRegistry], ext: Iterable[object], inventory: Inventory
) -> list[object]:
    create_infos = [registry.create_info for registry in coming if registry.create_info is not None]
    given = carry_over(ext, create_infos=create_infos, hints=hints(life, inventory), refuse_unknown=True)
    return given._left()
