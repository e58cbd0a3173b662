"""What a plugin is: the base class of authors.

Layer: the lowest of `ext`, above `utils.error`. The engine's side of a plugin, its `Binding`, stands here too, since
`self.instance` and `self.defer` read it.
"""

from __future__ import annotations

from _thread import get_ident
from sys import maxsize

from hycore.utils.error import PluginStateError, qualified_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    import weakref
    from collections.abc import Awaitable, Callable
    from typing import Any, ClassVar, ParamSpec, Self
    from uuid import UUID as UniqueId  # noqa: N811  a class attribute is named UUID

    from hycore.base import InstanceContext
    from hycore.ext._protocols import DynPluginEXT
    from hycore.utils.opaque import OpaqueList

    P = ParamSpec("P")
    Deferred = tuple[Callable[..., object], tuple[Any, ...], dict[str, Any]]

__all__ = ["Binding", "PluginEXT", "bind", "constructing", "is_bound", "release"]


class Binding:
    """The bond between one instance and its plugins, shared by all of them.

    It lives from the start of a creation until the instance is torn down. `up` is how many plugins, from the front of
    `plugins`, have been initialized and not begun to be torn down; `left` is how many of those that are only constructed
    have not begun to be undone.
    """

    __slots__ = ("deferred", "ended", "left", "outcast", "pending", "plugins", "reference", "undoing", "up")

    def __init__(self) -> None:
        self.reference: weakref.ref[InstanceContext] | None = None
        self.plugins: list[DynPluginEXT] = []
        self.deferred: dict[int, list[Deferred]] = {}  # by id of the plugin: plugins are never hashed
        self.pending: list[Deferred] = []  # what the `new` that runs has given to `defer`
        self.outcast: set[int] = set()  # ids of plugins that are being set aside
        self.up = 0
        self.left = maxsize
        self.undoing = False
        self.ended = False

    @property
    def rest(self) -> int:
        """How many, from the front of `plugins`, have not begun to be undone."""
        return min(len(self.plugins), max(self.left, self.up))

    def accepts(self, plugin: object) -> bool:
        """Whether this plugin may still give callbacks to `defer`."""
        if self.ended or id(plugin) in self.outcast:
            return False
        if not self.undoing:
            return True
        return any(mine is plugin for mine in self.plugins[: self.rest])

    def defer(self, plugin: object, entry: Deferred) -> bool:
        """Keeps a callback for a plugin, or returns false where it is too late."""
        if not self.accepts(plugin):
            return False
        entries = self.deferred.setdefault(id(plugin), [])
        entries.append(entry)
        if self.accepts(plugin):
            return True
        # The undoing of this plugin began meanwhile, on another thread: it has either run the callback or never will.
        for place, mine in enumerate(entries):
            if mine is entry:
                del entries[place]
                return False
        return True

    def end(self) -> None:
        """Lets go of everything; the plugins that still point here have no instance any more."""
        self.ended = True
        self.reference = None
        self.plugins = []
        self.deferred = {}
        self.pending = []
        self.up = 0


_ENDED = Binding()
_ENDED.end()

# Whose plugins are being constructed, by thread: a plugin that calls `defer` in `__init__` is not bound yet.
constructing: dict[int, Binding] = {}


class _Identity:
    """An attribute of the object that is read from the class, and gives way to what an author stores there.

    Read on a class it is missing, so that a dataclass may have a field of this name.
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name  # that of the class attribute; a string made at each look-up would stay in Python's own cache

    def __get__(self, plugin: object, owner: type | None = None) -> object:
        if plugin is None:
            raise AttributeError(f"{owner!r} has no attribute {self.name.lower()!r}: read {self.name}")
        return getattr(type(plugin), self.name)


class PluginEXT:
    """The base class of plugins; every hook has a default, and none needs `super()`.

    A plugin is constructed by `new`, attached, initialized and torn down by one instance. Its class carries:

    - `UUID`, `NAME`, `DESCRIPTION`: its identity, for hosts.
    - `CREATE_INFO`: the type of its configuration object. The default `new` takes one, or makes one from defaults,
      and passes it to `__init__`.
    - `REQUIRES`: names that must be enabled, and start first. `AFTER`: names that start first if they are enabled.
    - `REQUIRES_ENGINE`: what the host's engine version must satisfy, such as `">=0.1,<0.3"`.
    - `INITIALIZE_TIMEOUT`: how long `initialize` may take, in seconds; a plain one cannot be interrupted.

    `attach_to`, `initialize` and `teardown` may be `async def`, for hosts that await.
    """

    __slots__ = ("__binding",)

    UUID: ClassVar[UniqueId]
    NAME: ClassVar[str]
    DESCRIPTION: ClassVar[str]
    CREATE_INFO: ClassVar[type | None] = None
    REQUIRES: ClassVar[tuple[str, ...]] = ()
    AFTER: ClassVar[tuple[str, ...]] = ()
    REQUIRES_ENGINE: ClassVar[str | None] = None
    INITIALIZE_TIMEOUT: ClassVar[float | None] = None

    if TYPE_CHECKING:

        @property
        def uuid(self) -> UniqueId:
            """The `UUID` of the class."""
            ...

        @property
        def name(self) -> str:
            """The `NAME` of the class."""
            ...

        @property
        def description(self) -> str:
            """The `DESCRIPTION` of the class."""
            ...

    else:
        uuid = _Identity("UUID")
        name = _Identity("NAME")
        description = _Identity("DESCRIPTION")

    @classmethod
    def new(cls, ext: OpaqueList) -> Self:
        """Constructs the plugin; what it does not take from `ext` is left to others.

        The default calls `cls()`, or, for a class with a `CREATE_INFO`, `cls(create_info)`.
        """
        kind = cls.CREATE_INFO
        if kind is None:
            return cls()
        create_info = ext.take_ext(kind)
        if create_info is None:
            create_info = _from_defaults(kind, cls)
        return cls(create_info)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

    def attach_to(self, instance: weakref.ref[InstanceContext]) -> Awaitable[None] | None:
        """Called once all plugins are constructed, with a reference that is alive in every hook."""

    def initialize(self) -> Awaitable[None] | None:
        """Called once all plugins are attached, after those in `REQUIRES` and `AFTER`."""

    def teardown(self) -> Awaitable[None] | None:
        """Called once if `initialize` returned, before those in `REQUIRES` and `AFTER`."""

    @property
    def instance(self) -> InstanceContext:
        """The instance that this plugin belongs to, from `attach_to` until its end.

        Raises `PluginStateError` before and afterwards.
        """
        binding = _binding_of(self)
        if binding is not None:
            reference = binding.reference
            if reference is not None:
                instance = reference()
                if instance is not None:
                    return instance
        if binding is None or not binding.ended:
            problem, step = "is not attached to an instance yet", "use self.instance from attach_to on"
        else:
            problem = "has no instance any more"
            step = "use self.instance until teardown returns, and keep nothing running after it"
        raise PluginStateError(_name_of(self), problem=problem, step=step)

    @instance.setter
    def instance(self, _: object) -> None:
        problem = "stores something as self.instance, which the runtime provides"
        raise PluginStateError(
            _name_of(self), problem=problem, step="delete that line, or choose another name"
        )

    def defer(self, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Has `callback(*args, **kwargs)` called right after `teardown`, or in its place if `initialize` fails.

        Callbacks run last in, first out; each runs once, whatever the others raise. To be called from the start of
        `new` until the plugin's own undoing begins.

        Raises `PluginStateError` outside of that time.
        """
        if not callable(callback):
            from hycore.utils.error import ArgumentTypeError

            raise ArgumentTypeError(
                "callback", "a callable, handed over and not called (as in defer(print, 'x'))", callback
            )
        entry = (callback, args, kwargs)
        binding = _binding_of(self)
        if binding is None:
            under_construction = constructing.get(get_ident())
            if under_construction is not None:
                under_construction.pending.append(entry)
                return
            problem = "is not part of an instance"
            step = "call defer in new, or in a hook of an extension that a host has enabled"
        elif binding.defer(self, entry):
            return
        else:
            problem = "is being undone already"
            step = "call defer before teardown, and release in teardown what you acquire there"
        raise PluginStateError(_name_of(self), problem=problem, step=step)


_slot: Any = PluginEXT.__dict__["_PluginEXT__binding"]
_set_slot = _slot.__set__


def _binding_of(plugin: PluginEXT) -> Binding | None:
    try:
        binding: Binding = _slot.__get__(plugin)
    except AttributeError:
        return None
    return binding


def is_bound(plugin: PluginEXT, *, plain: bool) -> bool:
    """Whether a plugin belongs to an instance that has not ended.

    `plain` says that reading an attribute runs no code of the plugin; then the usual answer needs no exception.
    """
    binding = getattr(plugin, "_PluginEXT__binding", None) if plain else _binding_of(plugin)
    return binding is not None and not binding.ended


def bind(plugin: object, binding: Binding) -> None:
    """Makes an object that an instance stores know it, if it derives from `PluginEXT`."""
    if issubclass(type(plugin), PluginEXT):
        _set_slot(plugin, binding)


def release(plugin: object) -> None:
    """Takes a plugin out of its instance for good, if it derives from `PluginEXT`."""
    bind(plugin, _ENDED)


def _name_of(plugin: PluginEXT) -> str:
    name = getattr(type(plugin), "NAME", None)
    return name if isinstance(name, str) else qualified_name(type(plugin))


def _from_defaults(kind: type[Any], plugin: type[PluginEXT]) -> object:
    try:
        return kind()
    except Exception as error:
        from hycore.utils.error import MissingConfigError, describe

        missing = MissingConfigError(qualified_name(kind), plugin=plugin.NAME, reason=describe(error))
        raise missing from error
