"""A `pluggy.PluginManager` for each instance, filled from its configuration and emptied at its end.

Layer: `hypi.ext`, on top of it. It uses nothing that a stranger's plugin could not use; pluggy itself is imported when an
instance asks for it, so that the tools can tell about this extension where pluggy is not installed.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import uuid
from typing import TYPE_CHECKING, Any

from hycore.ext import Inventory, PluginEXT
from hycore.log import hywarn
from hycore.utils.error import DuplicatedKeyError, MissingPackageError, PluginNotFoundError, closest, describe
from hypi.ext.pluggy._create_info import PluggyCreateInfoEXT
from hypi.ext.pluggy._error import PluggyError

if TYPE_CHECKING:
    from pluggy import HookRelay, PluginManager

    from hycore.ext import InventoryEntry

__all__ = ["PluggyPluginEXT"]


class PluggyPluginEXT(PluginEXT):
    """Keeps hook specifications and plugins of pluggy working, under the life of an instance.

    `manager` is the instance's own `PluginManager`; it is there from `initialize` on, and empty when the instance has ended.
    """

    UUID = uuid.UUID("5e0f2f4c-6b0e-4a52-9f0b-3a6c1d7e8b94")
    NAME = "__EXT_hyperion_pluggy"
    DESCRIPTION = (
        "Gives the instance a pluggy.PluginManager of its own, with the plugins that its configuration lists"
    )
    CREATE_INFO = PluggyCreateInfoEXT

    manager: PluginManager

    def __init__(self, create_info: PluggyCreateInfoEXT) -> None:
        self.create_info = create_info
        try:
            import pluggy
        except ModuleNotFoundError as error:
            if error.name != "pluggy":
                raise
            raise MissingPackageError(
                self.NAME, package="pluggy", command="pip install 'hyperion-runtime[pluggy]'"
            ) from error
        self._pluggy = pluggy

    @property
    def hook(self) -> HookRelay:
        """Calls a hook on all plugins, `plugin.hook.greet(name="world")`, as `manager.hook` does."""
        return self.manager.hook

    def initialize(self) -> None:
        """Fills a new manager; it is emptied when the plugin is undone."""
        info = self.create_info
        self.manager = self._pluggy.PluginManager(info.project)
        self.defer(_empty, self.manager)
        for thing in info.hookspecs:
            self._add_hookspecs(thing)
        for thing in info.objects:
            plugin = _imported(thing, "objects")
            self._register(f"plugin {_named(thing)}", plugin)
            if not self.manager.get_hookcallers(plugin):
                hywarn(
                    self.instance,
                    "plugin {} has no hook: name what has functions marked by HookimplMarker({!r})",
                    _named(thing),
                    info.project,
                )
        if info.plugins:
            inventory = Inventory(group=info.group or info.project)
            for name in info.plugins:
                self._load(name, inventory)
        self._check_pending()

    def _add_hookspecs(self, thing: object) -> None:
        namespace: Any = _imported(thing, "hookspecs")
        try:
            self.manager.add_hookspecs(namespace)
        except ValueError as error:
            project = self.create_info.project
            raise PluggyError(
                _named(thing),
                problem=f"has no hook specifications of the project {project!r}, or specifies a hook again ({error})",
                step=f"name each module or class once that has functions marked by HookspecMarker({project!r})",
            ) from error

    def _load(self, name: str, inventory: Inventory) -> None:
        """Registers one installed plugin, and imports no other one."""
        (group,) = inventory.groups
        try:
            entry = inventory.find(name)
        except PluginNotFoundError as error:
            close = closest(name, error.known)
            known = ", ".join(map(repr, error.known))
            hint = f"did you mean {close[0]!r}?" if close else f"it has {known}." if known else "it is empty."
            raise PluggyError(
                f"plugin {name!r}",
                problem=f"is not among the entry points of the group {group!r}",
                step=f"{hint} Install its distribution, or take the name out of plugins",
            ) from None
        except DuplicatedKeyError as error:
            raise PluggyError(
                f"plugin {name!r}",
                problem=f"is claimed by {' and '.join(error.owners)}",
                step="uninstall one of them",
            ) from None
        try:
            plugin: object = importlib.metadata.EntryPoint(name, entry.target, group).load()
        except (Exception, SystemExit) as error:
            raise PluggyError(
                f"plugin {name!r}",
                problem=f"cannot be imported ({entry.owner}): {describe(error)}",
                step=f"mend or reinstall {entry.distribution}, or take the name out of plugins",
            ) from error
        self._register(f"plugin {name!r} ({entry.owner})", plugin, name)
        _distributions(self.manager).append((plugin, _distribution_of(entry)))

    def _register(self, subject: str, plugin: object, name: str | None = None) -> None:
        if plugin is None:
            raise PluggyError(
                subject,
                problem="is None, which pluggy passes over",
                step="name what has the hooks, or take it out of the configuration",
            )
        try:
            self.manager.register(plugin, name)
        except self._pluggy.PluginValidationError as error:
            raise PluggyError(
                subject,
                problem=f"does not fit the hook specifications: {error}",
                step="install a release that fits, or take it out of the configuration",
            ) from error
        except ValueError as error:
            # Pluggy's text shows all plugins there are, each by its `repr`.
            same = self.manager.is_registered(plugin)
            raise PluggyError(
                subject,
                problem=f"is registered already, as {self._name_of(plugin)}"
                if same
                else f"has the name of the plugin {name or self.manager.get_canonical_name(plugin)!r}",
                step="list it once, in plugins or in objects",
            ) from error

    def _name_of(self, plugin: object) -> str:
        """The name of a registered plugin; pluggy calls an object that has none by a number, which tells nobody anything."""
        name = self.manager.get_name(plugin)
        return _named(plugin) if name == str(id(plugin)) else repr(name)

    def _check_pending(self) -> None:
        try:
            self.manager.check_pending()
        except self._pluggy.PluginValidationError as error:
            specified = [each for each, hook in vars(self.hook).items() if hook.has_spec()]
            unknown = [
                hook.name
                for hook in self.manager.get_hookcallers(error.plugin) or ()
                if not hook.has_spec()
                and any(
                    each.plugin is error.plugin and not each.optionalhook for each in hook.get_hookimpls()
                )
            ]
            close = closest(unknown[0], specified, most=1)
            hint = f"did it mean {close[0]!r}? Else " if close else ""
            raise PluggyError(
                f"plugin {self._name_of(error.plugin)}",
                problem=f"implements {', '.join(map(repr, unknown))}, which is specified nowhere",
                step=f"{hint}add what specifies it to hookspecs, or have it marked by optionalhook=True",
            ) from error


def _empty(manager: PluginManager) -> None:
    """Unregisters in reverse order, those as well that were registered by others meanwhile."""
    for name, plugin in reversed(manager.list_name_plugin()):
        if plugin is None:
            manager.unblock(name)
        else:
            manager.unregister(name=name)
    _distributions(manager).clear()


def _distribution_of(entry: InventoryEntry) -> importlib.metadata.Distribution:
    """By its folder, which may have another name than its metadata say; what lies in a zip file is found by its name."""
    if entry.origin is not None and os.path.exists(entry.origin):
        return importlib.metadata.Distribution.at(entry.origin)
    return importlib.metadata.distribution(entry.distribution or entry.name)


def _distributions(manager: PluginManager) -> list[tuple[object, importlib.metadata.Distribution]]:
    """What `list_plugin_distinfo` tells; pluggy has no other way to fill it than to read all distributions for each name."""
    found: list[tuple[object, importlib.metadata.Distribution]] = getattr(manager, "_plugin_distinfo", [])
    return found


def _named(thing: object) -> str:
    return repr(
        thing if isinstance(thing, str) else getattr(thing, "__name__", None) or type(thing).__qualname__
    )


def _imported(thing: object, field: str) -> object:
    """The object itself, or what `"package.module"` or `"package.module:Name"` names."""
    if not isinstance(thing, str):
        return thing
    module, _, path = thing.partition(":")
    try:
        found: object = importlib.import_module(module)
        for part in path.split(".") if path else ():
            found = getattr(found, part)
    except (Exception, SystemExit) as error:
        raise PluggyError(
            repr(thing),
            problem=f"cannot be imported: {describe(error)}",
            step=f"correct it in {field}, or install what has it",
        ) from error
    return found
