"""Inventories: which extensions there are, installed or registered in this process.

Layer: `ext`, above discovery, below the loader. An inventory answers for the disk as it is at the call, and imports
nothing until an entry is loaded.
"""

from __future__ import annotations

import sys
from _thread import RLock, get_ident

from hycore.ext._definition import PluginRegistry, registry_of
from hycore.ext._discovery import Problem, look
from hycore.utils._record import Record, fill
from hycore.utils.error import (
    ArgumentTypeError,
    DuplicatedKeyError,
    PluginDefinitionError,
    PluginLoadError,
    PluginNotFoundError,
    closest,
    describe,
    qualified_name,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager
    from typing import Any
    from uuid import UUID

    from hycore.ext._discovery import Found, Look
    from hycore.ext._index import Index

__all__ = [
    "Inventory",
    "InventoryEntry",
    "Snapshot",
    "checked_inventory",
    "default_inventory",
    "one_per_owner",
]

# The threads that import modules of entry points: a class there that registers itself is no news, and whether it
# clashes with another is judged among what is asked for.
_loading: list[int] = []

around_import: Callable[[InventoryEntry], AbstractContextManager[None]] | None = None
"""What tools put around the import of each installed entry: a time limit, a clock. There is none in a host."""

# What entry points have led to, by target: the same class may be registered under another name of its module.
_led_to: dict[str, object] = {}


class InventoryEntry(Record):
    """One claim of an extension's name.

    - `name`: the extension's name; `target`: the entry point's value as written, or `module:qualname`.
    - `distribution`, `version`: as the metadata spells them; `group`: the group of the entry point; `origin`: the
      folder of the metadata. All four are `None` for what was registered in this process, but the group.
    - `registry`: the identity record of what was registered in this process; `None` for what is installed.
    """

    __slots__ = ("name", "target", "distribution", "version", "group", "origin", "registry")

    name: str
    target: str
    distribution: str | None
    version: str | None
    group: str | None
    origin: str | None
    registry: PluginRegistry | None

    def __init__(
        self,
        name: str,
        target: str,
        *,
        distribution: str | None = None,
        version: str | None = None,
        group: str | None = None,
        origin: str | None = None,
        registry: PluginRegistry | None = None,
    ) -> None:
        fill(self, "name", name)
        fill(self, "target", target)
        fill(self, "distribution", distribution)
        fill(self, "version", version)
        fill(self, "group", group)
        fill(self, "origin", origin)
        fill(self, "registry", registry)

    @property
    def owner(self) -> str:
        """Who claims the name, in words."""
        if self.distribution is None:
            return f"{self.target} registered in this process"
        return f"{self.target} of {self.distribution} {self.version}"

    def load(self) -> PluginRegistry:
        """Imports the module and returns the identity record.

        Raises `PluginLoadError` for what cannot be imported or is not there, and `PluginDefinitionError` for a class
        that is no valid plugin or has another name than its entry point.
        """
        if self.registry is not None:
            return self.registry
        if around_import is None:
            found = self._imported()
        else:
            with around_import(self):
                found = self._imported()
        registry = found if isinstance(found, PluginRegistry) else registry_of(found)
        if registry.name != self.name:
            raise PluginDefinitionError(
                qualified_name(found) if isinstance(found, type) else self.target,
                f"its NAME is {registry.name!r}, and the entry point of {self.distribution} {self.version} calls it {self.name!r}",
                f"NAME = {self.name!r}",
            )
        return registry

    def _imported(self) -> Any:
        import importlib

        module_name, _, path = _bare(self.target).partition(":")
        if not path:
            raise self.load_error(
                "the entry point names a module, not a class: write it as 'package.module:ClassName'"
            )
        target = _bare(self.target)
        thread = get_ident()
        _loading.append(thread)
        try:
            found: Any = importlib.import_module(module_name)
            for attribute in path.split("."):
                try:
                    found = getattr(found, attribute)
                except AttributeError as error:
                    near = closest(attribute, _plugins_in(found), most=1)
                    hint = f", did you mean {near[0]!r}?" if near else ""
                    what = f"module {module_name!r}" if found is sys.modules.get(module_name) else repr(found)
                    raise self.load_error(f"{what} has no {attribute!r}{hint}") from error
        except PluginLoadError:
            raise
        except DuplicatedKeyError as error:
            if self.name in error.names:
                raise
            raise self.load_error(describe(error)) from error
        except PluginDefinitionError as error:
            if error.plugin == target.replace(":", "."):
                raise
            raise self.load_error(describe(error)) from error
        except (Exception, SystemExit) as error:
            raise self.load_error(describe(error)) from error
        finally:
            _loading.remove(thread)
        if not isinstance(found, type | PluginRegistry):
            raise self.load_error(f"{path!r} is of type {type(found).__name__}, and not a plugin class")
        _led_to[target] = found
        return found

    def load_error(self, reason: str) -> PluginLoadError:
        """The error that says why this entry cannot be loaded."""
        return PluginLoadError(
            self.name,
            target=self.target,
            distribution=self.distribution,
            version=self.version,
            reason=reason,
        )


class Snapshot:
    """What an inventory held at one moment: the claims of each name, one per owner.

    With a valid index only what is asked for is read; the whole disk is looked at when something is not there.
    """

    __slots__ = (
        "_by_name",
        "_claims",
        "_groups",
        "_index",
        "_read",
        "_registered",
        "_searched",
        "_submitted",
    )

    def __init__(
        self, groups: tuple[str, ...], submitted: tuple[InventoryEntry, ...], index: Index | None
    ) -> None:
        self._groups = groups
        self._submitted = submitted
        self._index = index
        self._claims: dict[str, tuple[InventoryEntry, ...]] = {}  # those that the index led to
        self._read: dict[tuple[int, str], list[Found]] = {}
        self._registered: dict[str, list[InventoryEntry]] = {}
        self._by_name: dict[str, tuple[InventoryEntry, ...]] | None = None
        self._searched = ""
        if index is None or not index.is_valid:
            self._look()
            return
        for entry in submitted:
            self._registered.setdefault(entry.name, []).append(entry)

    @property
    def by_name(self) -> dict[str, tuple[InventoryEntry, ...]]:
        """The claims of every name."""
        return self._look() if self._by_name is None else self._by_name

    def _look(self) -> dict[str, tuple[InventoryEntry, ...]]:
        index = self._index
        disk = look(self._groups, None if index is None else index.path)
        if index is not None:
            index.keep(disk)
        entries, problems = _with_submitted(self._groups, disk, self._submitted)
        places = [f"the entry points of group {group!r}" for group in self._groups]
        self._searched = " and ".join([*places, "the plugins registered in this process"])
        if problems:
            self._searched += f" (skipped: {'; '.join(map(str, problems[:3]))})"
        # What has been answered stays so.
        self._by_name = {**one_per_owner(entries), **self._claims}
        return self._by_name

    def _claims_of(self, name: str) -> tuple[InventoryEntry, ...] | None:
        if self._by_name is None and self._index is not None:
            if name in self._claims:
                return self._claims[name]
            found = self._index.find(name, self._read)
            if found is not None:
                entries = _merged(self._groups, found, self._registered.get(name, ()))
                self._claims.update(one_per_owner(entries))
                if name in self._claims:
                    return self._claims[name]
        return self.by_name.get(name)

    def find(self, name: str) -> InventoryEntry:
        """The one entry of a name; raises `PluginNotFoundError` or `DuplicatedKeyError`."""
        claims = self._claims_of(name)
        if claims is None:
            raise PluginNotFoundError(name, known=self.by_name, searched=self._searched)
        first, *others = claims
        if others:
            raise DuplicatedKeyError("name", name, [claim.owner for claim in claims], names=(name,))
        return first

    def load(self, name: str) -> PluginRegistry:
        """The identity record of a name; imports its module. Raises what `find` and `InventoryEntry.load` raise."""
        claims = self._claims_of(name)
        if claims is None or len(claims) == 1:
            return (claims[0] if claims is not None else self.find(name)).load()
        first, *others = claims
        if all(other.registry is not None for other in others):
            # Perhaps the others are the class that is installed, registered under another name of its module.
            registry = first.load()
            if all(_is_same(first, other) for other in others):
                return registry
        return self.find(name).load()


class Inventory:
    """The extensions that a host can ask for: the entry points of its groups, and what is submitted.

    `group` is the name of a group of entry points, or several, or `None` for none. An inventory is a value that is
    handed to whatever reads one; `default_inventory` is used where none is given.
    """

    __slots__ = ("_entries", "_index", "_keys", "_lock", "groups", "plans", "revision")

    def __init__(self, group: str | Iterable[str] | None = "hycore.plugins") -> None:
        self.groups: tuple[str, ...] = _checked_groups(group)
        self._entries: tuple[InventoryEntry, ...] = ()
        self._index: Index | None = None
        self._keys: set[str | UUID] = set()  # the names and UUIDs of what was ever submitted
        self._lock = RLock()
        self.revision = 0
        """Grows when something is submitted or the inventory is refreshed."""
        self.plans: dict[Any, Any] = {}
        """The planner's: valid for this revision."""

    def submit(self, plugin: type | PluginRegistry) -> None:
        """Registers a plugin class, or an identity record; runs nothing of it.

        What the same module and qualified name submitted before is replaced if name or UUID clash. Raises
        `PluginDefinitionError`, or `DuplicatedKeyError` for a clash with another owner; then nothing has changed.
        """
        registry = plugin if isinstance(plugin, PluginRegistry) else registry_of(plugin)
        entry = InventoryEntry(registry.name, _target_of(plugin), registry=registry)
        imported = get_ident() in _loading
        with self._lock:
            # Where nothing was ever called so, there is no clash to look for: submitting one of 1,000 takes 0.3 of the time.
            if self._keys.isdisjoint((registry.name, registry.uuid)):
                self._keys.update((registry.name, registry.uuid))
                self._entries = (*self._entries, entry)
                if not imported:
                    self.refresh()
                return
            kept: list[InventoryEntry] = []
            place: int | None = None
            for other in self._entries:
                clash = _clash(other, entry)
                if clash is None or (imported and other.target != entry.target):
                    kept.append(other)
                elif other.target != entry.target:
                    raise DuplicatedKeyError(
                        clash,
                        registry.name if clash == "name" else str(registry.uuid),
                        (other.owner, entry.owner),
                        names=dict.fromkeys((other.name, entry.name)),
                    )
                elif place is None:
                    place = len(kept)
            kept.insert(len(kept) if place is None else place, entry)
            changed = tuple(kept) != self._entries
            self._keys.update((registry.name, registry.uuid))
            self._entries = tuple(kept)
            if changed and (place is not None or not imported):
                self.refresh()

    def refresh(self) -> None:
        """Forgets what was kept: the next plan looks at the disk again."""
        self.revision += 1
        self.plans.clear()
        self._index = None

    def names(self) -> tuple[str, ...]:
        """The name of every extension, each once."""
        return tuple(dict.fromkeys([entry.name for entry in self.entries()]))

    def entries(self) -> tuple[InventoryEntry, ...]:
        """Every claim: those of entry points, group by group, in the order of `importlib.metadata`; then the others.

        A class that is both installed and submitted is there once, as installed.
        """
        return self._look()[0]

    def problems(self) -> tuple[Problem, ...]:
        """What is installed and was skipped, and why."""
        return self._look()[1]

    def find(self, name: str) -> InventoryEntry:
        """The one entry of a name.

        Raises `PluginNotFoundError`, with the closest names, or `DuplicatedKeyError`, with both owners.
        """
        if not isinstance(name, str):
            raise ArgumentTypeError("name", "the name of an extension", name)
        return self.snapshot().find(str.__str__(name))

    def snapshot(self, *, use_index: bool = True) -> Snapshot:
        """One look at what will be asked for."""
        index = None
        if self.groups and use_index:
            from hycore.ext._index import index_of

            # To keep it makes finding one extension again 0.6 times as long: the file need not be read and checked.
            index = self._index = index_of(self.groups, self._index)
        return Snapshot(self.groups, self._entries, index)

    def registered(self) -> tuple[PluginRegistry, ...]:
        """The identity records of what was submitted."""
        return tuple([entry.registry for entry in self._entries if entry.registry is not None])

    def _look(self) -> tuple[tuple[InventoryEntry, ...], tuple[Problem, ...]]:
        return _with_submitted(self.groups, look(self.groups), self._entries)

    def __repr__(self) -> str:
        groups = ", ".join(map(repr, self.groups)) or "no group"
        return f"<Inventory of {groups}, {len(self._entries)} registered>"


def _with_submitted(
    groups: tuple[str, ...], disk: Look, submitted: tuple[InventoryEntry, ...]
) -> tuple[tuple[InventoryEntry, ...], tuple[Problem, ...]]:
    """Every claim, and what was skipped."""
    if not disk.found:
        return submitted, tuple(disk.problems)
    entries = _merged(groups, disk.found, submitted)
    no_class = [
        Problem(
            f"{entry.name} of {entry.distribution} {entry.version}",
            f"{entry.target!r} names no class: write it as 'package.module:ClassName'",
        )
        for entry in entries
        if entry.registry is None and ":" not in entry.target
    ]
    return entries, (*disk.problems, *no_class)


def _merged(
    groups: tuple[str, ...], found: list[Found], submitted: Sequence[InventoryEntry]
) -> tuple[InventoryEntry, ...]:
    """The claims of entry points, group by group; then what is submitted and not among them."""
    on_disk = [
        InventoryEntry(
            each.name,
            each.target,
            distribution=each.distribution,
            version=each.version,
            group=each.group,
            origin=each.origin,
        )
        for group in groups
        for each in found
        if each.group == group
    ]
    if not submitted:
        return tuple(on_disk)
    by_name: dict[str, list[InventoryEntry]] = {}
    for entry in on_disk:
        by_name.setdefault(entry.name, []).append(entry)
    others = [
        entry
        for entry in submitted
        if not any(_is_same(claim, entry) for claim in by_name.get(entry.name, ()))
    ]
    return (*on_disk, *others)


def one_per_owner(entries: Iterable[InventoryEntry]) -> dict[str, tuple[InventoryEntry, ...]]:
    """The claims of each name; one class that is reached in two ways is one of them."""
    by_name: dict[str, tuple[InventoryEntry, ...]] = {}
    for entry in entries:
        claims = by_name.get(entry.name)
        if claims is None:
            by_name[entry.name] = (entry,)
        elif not any(_bare(claim.target) == _bare(entry.target) for claim in claims):
            by_name[entry.name] = (*claims, entry)
    return by_name


def _checked_groups(group: object) -> tuple[str, ...]:
    expected = "the name of a group of entry points, several, or None"
    if group is None:
        return ()
    if isinstance(group, str):
        return (group,)
    try:
        groups: tuple[Any, ...] = tuple(group)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    except TypeError:
        raise ArgumentTypeError("group", expected, group) from None
    for each in groups:
        if not isinstance(each, str):
            raise ArgumentTypeError("each group", "a string", each)
    return tuple(dict.fromkeys(groups))


def _target_of(plugin: Any) -> str:
    if isinstance(plugin, PluginRegistry):
        plugin = plugin.plugin_class if plugin.plugin_class is not None else plugin.loader
    if hasattr(plugin, "__qualname__"):
        return f"{plugin.__module__}:{plugin.__qualname__}"
    # A loader without a name, such as a `functools.partial`, is its own owner.
    return f"{type(plugin).__module__}:{type(plugin).__qualname__} at {id(plugin):#x}"


def _clash(one: InventoryEntry, other: InventoryEntry) -> str | None:
    assert one.registry is not None
    assert other.registry is not None
    if one.name == other.name:
        return "name"
    return "UUID" if one.registry.uuid == other.registry.uuid else None


def _plugins_in(owner: object) -> list[str]:
    """The names in a module or class that an entry point could mean."""
    names = getattr(owner, "__dict__", {})
    return [name for name, thing in names.items() if isinstance(thing, type | PluginRegistry)]


def _bare(target: str) -> str:
    """A target without the extras that its distribution is asked to have."""
    return target.partition("[")[0].replace(" ", "")


def _is_same(installed_entry: InventoryEntry, submitted: InventoryEntry) -> bool:
    """Whether an entry point leads to a class that was submitted, as far as that is known without running code."""
    target = _bare(installed_entry.target)
    if target == submitted.target:
        return True
    registry = submitted.registry
    if registry is None or registry.plugin_class is None:
        return False
    led_to = _led_to.get(target)
    if led_to is not None:
        return led_to is registry.plugin_class
    module_name, _, path = target.partition(":")
    found: Any = sys.modules.get(module_name)
    for attribute in path.split("."):
        try:
            found = vars(found).get(attribute)
        except TypeError:
            return False
    return found is registry.plugin_class


def checked_inventory(inventory: Inventory | None) -> Inventory:
    """The given one, or the default one where none is given."""
    if inventory is None:
        return default_inventory
    if not isinstance(inventory, Inventory):
        raise ArgumentTypeError(
            "inventory", "an Inventory, such as Inventory(group='myapp.plugins')", inventory
        )
    return inventory


default_inventory = Inventory()
"""The inventory that is used where none is given: the group `hycore.plugins`, and what `define_plugin` registers."""
