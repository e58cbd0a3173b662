"""Looking up what is up: the slow ways, taken once per key while nothing comes or goes.

Layer: `base`, below `_instance`.
"""

from __future__ import annotations

from hycore.base._ending import is_steady
from hycore.utils.error import (
    ArgumentTypeError,
    HyError,
    InstanceClosedError,
    PluginNotFoundError,
    PluginNotReadyError,
    qualified_name,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hycore.base._instance import InstanceContext

__all__ = ["look_up", "not_found", "plugins_up"]


def plugins_up(instance: InstanceContext) -> list[tuple[Any, Any]]:
    """The identity records and the plugins of what is up, at one moment."""
    life = instance._life
    while True:
        version = life.version
        found = list(zip(life.registries, life.plugins, strict=False))[: life.binding.up]
        if version == life.version and version % 2 == 0:
            return found


def look_up(instance: InstanceContext, key: type | str, operation: str) -> tuple[Any, HyError | None]:
    """The plugin if it is up, or what is to be raised."""
    if instance._state == "closed":
        return None, InstanceClosedError(operation)
    if not isinstance(key, str | type):
        return None, ArgumentTypeError(
            "key", "a plugin class or a name (by UUID: instance.extensions[uuid])", key
        )
    life = instance._life
    while True:
        version = life.version
        found = _looked_up(instance, key)
        if version == life.version and version % 2 == 0:  # nothing came or went meanwhile, on another thread
            return found


def _looked_up(instance: InstanceContext, key: type | str) -> tuple[Any, HyError | None]:
    found = instance._found
    life = instance._life
    plugins = life.plugins
    up = life.binding.up
    place, name = place_of(instance, key)
    if place is None:
        return None, None
    if place < up and place < life.binding.up:
        plugin = plugins[place] if place < len(plugins) else None
        if is_steady(instance):
            try:
                found[key] = plugin
            except TypeError:  # a class that cannot be hashed
                return plugin, None
            if not is_steady(instance):  # plugins come or go one by one, and nothing may be remembered
                found.clear()
        return plugin, None
    if instance._state in ("creating", "open") and not life.binding.undoing:
        # Not only its own hooks run meanwhile: the host's threads, or a log callback, may ask as well.
        asker = life.name if life.phase != "up" else None
        return None, PluginNotReadyError(name, asker=asker, phase=life.phase)
    return None, None


def place_of(instance: InstanceContext, key: type | str) -> tuple[int | None, str]:
    """The place of an extension in the order, and its name."""
    life = instance._life
    places = instance._places
    version = life.version
    if places is None or places[0] != version:
        index: dict[int | str, tuple[int, str]] = {}  # classes by id: they may have an `__eq__` of their own
        plugins = list(life.plugins)
        for place, registry in enumerate(list(life.registries)):
            index[registry.name] = place, registry.name
            kind = registry.plugin_class
            if kind is None and place < len(plugins):
                kind = type(plugins[place])
            if kind is not None:
                index.setdefault(id(kind), (place, registry.name))
        instance._places = places = (version, index)
    return places[1].get(key if isinstance(key, str) else id(key), (None, ""))


def not_found(instance: InstanceContext, key: type | str) -> PluginNotFoundError:
    name = key if isinstance(key, str) else getattr(key, "NAME", None)
    if not isinstance(name, str):
        name = qualified_name(key) if isinstance(key, type) else str(key)
    known = [registry.name for registry in instance._life.registries]
    reason: str | None = None
    for aside in instance._life.aside:
        if aside.name == name:
            reason = f"it was set aside, and instance.retry({name!r}) tries it again: {aside.reason}"
    if reason is None and name in known:
        if place_of(instance, key)[0] is not None:
            reason = "it has been torn down already; what a plugin names in REQUIRES or AFTER is there in its teardown"
        elif _is_defined_again(instance, name, key):
            reason = (
                "its class has been defined again, and this instance has the other definition: look it up by that one, or "
                "by the name; an instance that is created now has the newest"
            )
        else:
            reason = (
                "the extension of that name is of another class: look it up by that class, or by the name"
            )
    if reason is None and isinstance(key, type):
        reason = (
            "it is not asked for: add it to enabled_extensions"
            if isinstance(getattr(key, "NAME", None), str)
            else "it is not the class of a plugin; implementations finds the plugins that satisfy a class"
        )
    step = "add it to enabled_extensions"
    return PluginNotFoundError(name, known=known, searched="this instance", reason=reason, step=step)


def _is_defined_again(instance: InstanceContext, name: str, key: type | str) -> bool:
    """Whether an extension's class is the earlier definition of another one, as when a cell of a notebook runs twice."""
    place, _ = place_of(instance, name)
    if place is None or not isinstance(key, type):
        return False
    found = instance._life.plugins[place : place + 1]  # another thread may tear it down meanwhile
    return bool(found) and qualified_name(type(found[0])) == qualified_name(key)
