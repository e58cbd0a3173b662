"""Looking on while instances live: which hook of which plugin begins, and how it ends; and making one fail.

The engine hands each life to `looking_on` before it begins. From then on every hook, constructor and deferred callback
of that life is called through a `_Caller` here, which holds neither the life nor the instance.

Layer: `testing`, above `base`.
"""

from __future__ import annotations

from _thread import get_ident
from contextlib import contextmanager, nullcontext
from itertools import count

from hycore.base import _lifecycle
from hycore.base._drivers import is_awaitable
from hycore.ext import PluginRegistry, _inventory
from hycore.ext._traits import Binding, constructing
from hycore.utils._record import fill
from hycore.utils.error import describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from contextlib import AbstractContextManager
    from typing import Any, Self

    from hycore.base._lifecycle import Lifecycle
    from hycore.ext import DynPluginEXT, InventoryEntry
    from hycore.ext._traits import Deferred
    from hycore.utils.opaque import OpaqueList

__all__ = ["PHASES", "Call", "Watch", "watching"]

PHASES = ("import", "new", "attach_to", "initialize", "teardown", "defer")


class Call:
    """One call of a plugin's code: of which extension, in which phase, and in which life, by its number."""

    __slots__ = ("life", "phase", "plugin")

    def __init__(self, plugin: str, phase: str, life: int) -> None:
        self.plugin = plugin
        self.phase = phase
        self.life = life


class Watch:
    """Sees the calls of every life that begins while it is there, to the end of that life."""

    def _born(self, number: int, life: Lifecycle) -> None:
        """A life is about to begin."""

    def _begins(self, call: Call) -> None:
        """The plugin's code is about to run."""

    def _disturb(self, call: Call, *, done: bool) -> None:
        """Asked before the code runs, and when it is done: what is raised here, the plugin has raised."""

    def _ends(self, call: Call, error: BaseException | None) -> None:
        """It has returned, and what it returned has been awaited; or it has raised."""


_numbers = count(1)
_watches: list[Watch] = []


@contextmanager
def watching(watch: Watch) -> Generator[None]:
    """Lets a watch see what begins in here."""
    outer = _inventory.around_import
    is_first = not _watches
    _watches.append(watch)
    _lifecycle.looking_on = _look_on
    if is_first:
        _inventory.around_import = _ImportWatch(outer)
    try:
        yield
    finally:
        _watches.remove(watch)
        if is_first:
            _inventory.around_import = outer
        if not _watches:
            _lifecycle.looking_on = None


def _look_on(life: Lifecycle) -> None:
    caller = _Caller(tuple(_watches), next(_numbers))
    for watch in caller.watches:
        watch._born(caller.life, life)
    binding = life.binding = _WatchedBinding(caller)
    life.plugins = binding.plugins
    life.registries = _Registries(life.registries, caller)
    life.hooks = _Hooks(caller)


class _Caller:
    """Calls the code of plugins in one life, and lets the watches of that life see it."""

    __slots__ = ("life", "watches")

    def __init__(self, watches: tuple[Watch, ...], life: int) -> None:
        self.watches = watches
        self.life = life

    def call(
        self, plugin: str, phase: str, function: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Any:
        call = Call(plugin, phase, self.life)
        self.begin(call)
        try:
            self.disturb(call, done=False)
            result = function(*args, **kwargs)
            if phase != "new" and is_awaitable(result):
                return _Awaited(self, call, result)
            self.disturb(call, done=True)
        except BaseException as error:
            self.end(call, error)
            raise
        self.end(call, None)
        return result

    async def acall(
        self, plugin: str, phase: str, function: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> None:
        """The same, for a callback that has to be seen to be asynchronous before it is called."""
        result = self.call(plugin, phase, function, *args, **kwargs)
        if result is not None:
            await result

    def begin(self, call: Call) -> None:
        for watch in self.watches:
            watch._begins(call)

    def disturb(self, call: Call, *, done: bool) -> None:
        for watch in self.watches:
            watch._disturb(call, done=done)

    def end(self, call: Call, error: BaseException | None) -> None:
        for watch in self.watches:
            watch._ends(call, error)


class _Awaited:
    """What a hook has returned to be awaited; when that has ended, so has the call."""

    __slots__ = ("call", "caller", "timed")

    def __init__(self, caller: _Caller, call: Call, waiting: Any) -> None:
        self.caller = caller
        self.call = call
        self.timed = waiting  # by this name the engine finds what is meant

    def __await__(self) -> Generator[Any, Any, None]:
        kind: Any = type(self.timed)
        try:
            yield from kind.__await__(self.timed) if hasattr(kind, "__await__") else self.timed
            self.caller.disturb(self.call, done=True)
        except BaseException as error:
            self.caller.end(self.call, error)
            raise
        self.caller.end(self.call, None)

    def close(self) -> None:
        """Ends what nobody awaits."""
        end: Any = getattr(self.timed, "close", None) or getattr(self.timed, "cancel", None)
        if end is not None:
            end()


class _WatchedHooks:
    """Stands in a plugin's place where the engine calls its hooks."""

    __slots__ = ("caller", "hooks", "name")

    def __init__(self, caller: _Caller, name: str, hooks: DynPluginEXT) -> None:
        self.caller = caller
        self.name = name
        self.hooks = hooks

    def attach_to(self, instance: Any) -> Any:
        return self.caller.call(self.name, "attach_to", self.hooks.attach_to, instance)

    def initialize(self) -> Any:
        return self.caller.call(self.name, "initialize", self.hooks.initialize)

    def teardown(self) -> Any:
        return self.caller.call(self.name, "teardown", self.hooks.teardown)


class _Hooks(list["DynPluginEXT"]):
    """The hooks of a life; each that the engine adds is watched."""

    def __init__(self, caller: _Caller) -> None:
        super().__init__()
        self.caller = caller

    def append(self, hooks: Any) -> None:
        watched: Any = _WatchedHooks(self.caller, hooks.name, hooks)
        super().append(watched)


class _Registries(list[PluginRegistry]):
    """The identity records of a life, those that a retry adds included: their constructors are watched."""

    def __init__(self, registries: Iterable[PluginRegistry], caller: _Caller) -> None:
        super().__init__([_watched_registry(each, caller) for each in registries])
        self.caller = caller

    def __iadd__(self, registries: Iterable[PluginRegistry]) -> Self:  # type: ignore[misc, override]
        self.extend([_watched_registry(each, self.caller) for each in registries])
        return self


def _watched_registry(registry: PluginRegistry, caller: _Caller) -> PluginRegistry:
    copy = object.__new__(PluginRegistry)
    for slot in PluginRegistry.__slots__:
        fill(copy, slot, getattr(registry, slot))
    loader = registry.loader
    name = registry.name

    def watched(ext: OpaqueList) -> DynPluginEXT:
        binding = constructing.get(get_ident())
        try:
            plugin: DynPluginEXT = caller.call(name, "new", loader, ext)
        finally:
            if isinstance(binding, _WatchedBinding):
                binding.pending[:] = [binding.watched(name, entry) for entry in binding.pending]
        if isinstance(binding, _WatchedBinding):
            binding.names[id(plugin)] = name
        return plugin

    fill(copy, "loader", watched)
    return copy


class _WatchedBinding(Binding):
    """A bond whose deferred callbacks are watched."""

    __slots__ = ("caller", "names")

    def __init__(self, caller: _Caller) -> None:
        super().__init__()
        self.caller = caller
        self.names: dict[int, str] = {}

    def defer(self, plugin: object, entry: Deferred) -> bool:
        return super().defer(plugin, self.watched(self.names[id(plugin)], entry))

    def watched(self, name: str, entry: Deferred) -> Deferred:
        callback, arguments, keywords = entry
        call = self.caller.acall if _lifecycle._is_asynchronous(callback) else self.caller.call
        return call, (name, "defer", callback, *arguments), keywords


class _ImportWatch:
    """What the inventory puts around the import of an installed extension."""

    def __init__(self, outer: Callable[[InventoryEntry], AbstractContextManager[None]] | None) -> None:
        self.outer = outer

    @contextmanager
    def __call__(self, entry: InventoryEntry) -> Generator[None]:
        caller = _Caller(tuple(_watches), 0)
        call = Call(entry.name, "import", 0)
        caller.begin(call)
        try:
            with self.outer(entry) if self.outer is not None else nullcontext():
                try:
                    caller.disturb(call, done=False)
                except Exception as error:
                    raise entry.load_error(describe(error)) from error
                yield
        except BaseException as error:
            caller.end(call, error)
            raise
        caller.end(call, None)
