"""Typed configuration on its way from a host to the plugins.

Layer: above `utils.error`, below `ext`.
"""

from __future__ import annotations

from hycore.utils._record import Record, fill
from hycore.utils.error import (
    ArgumentTypeError,
    ArgumentValueError,
    ConfigLoaderError,
    ConfigSealedError,
    DuplicatedKeyError,
    MissingConfigError,
    UnknownConfigTypeError,
    describe,
    qualified_name,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from typing import Any, TypeVar

    T = TypeVar("T")

__all__ = ["AddressedObject", "LedgerEntry", "OpaqueList", "OpaqueObject", "define_py_opaque_object_loaders"]


class OpaqueObject:
    """The marker base class of configuration types; it adds nothing to them."""

    __slots__ = ()


class AddressedObject(Record):
    """A configuration object that only one extension may take: for hosts where two understand the same type.

    `extension` is the name of the extension; `value` is what it gets.
    """

    __slots__ = ("extension", "value")

    extension: str
    value: object

    def __init__(self, extension: str, value: object) -> None:
        if not isinstance(extension, str):
            raise ArgumentTypeError("extension", "the name of an extension", extension)
        fill(self, "extension", extension)
        fill(self, "value", value)

    def __repr__(self) -> str:
        # Configuration is shown by type: it may hold secrets.
        return f"AddressedObject({self.extension!r}, {type(self.value).__name__})"


class LedgerEntry(Record):
    """One line of an `OpaqueList`'s ledger.

    `type_name` is the qualified name of a configuration object's type; `taken_by` is the name of the extension that
    took it, `"?"` for a caller the runtime does not know, or `None` while nobody has.
    """

    __slots__ = ("type_name", "taken_by")

    type_name: str
    taken_by: str | None

    def __init__(self, type_name: str, taken_by: str | None) -> None:
        fill(self, "type_name", type_name)
        fill(self, "taken_by", taken_by)


class OpaqueList:
    """Carries configuration objects to the plugins of one creation.

    Each plugin takes what it understands, by exact type, and leaves the rest, in order; an `AddressedObject` is there
    for its extension alone, as the object that it holds. The list lives from planning
    until all plugins are constructed; then it is sealed, and only its ledger can be read.

    >>> class Limit(OpaqueObject):
    ...     pass
    >>> ext = OpaqueList([Limit()])
    >>> type(ext.take_ext(Limit)).__name__, ext.take_ext(Limit)
    ('Limit', None)
    """

    __slots__ = ("_addressees", "_by_type", "_ledger", "_objects", "_sealed", "_taken", "_taker")

    def __init__(self, objects: Iterable[object] = ()) -> None:
        self._objects: dict[int, Any] = dict(enumerate(_objects("objects", objects)))
        self._addressees: dict[int, str] = {}
        self._by_type: dict[type, list[int]] = {}
        self._ledger: list[tuple[str, str | None]] = []
        self._sealed = False
        self._taken: dict[str, list[object]] | None = None
        self._taker = "?"
        for place, thing in self._objects.items():
            if isinstance(thing, AddressedObject):
                self._addressees[place] = thing.extension
                self._objects[place] = thing = thing.value
            if isinstance(thing, type):
                raise ArgumentTypeError(
                    "a configuration object", f"an object, such as {thing.__name__}(…)", thing
                )
            self._by_type.setdefault(type(thing), []).append(place)
            self._ledger.append((qualified_name(type(thing)), None))

    def take_ext(self, kind: type[T]) -> T | None:
        """Removes and returns the first object whose type is exactly `kind`, or returns `None`.

        Raises `ConfigSealedError` when all plugins have been constructed.
        """
        if not isinstance(kind, type):
            raise ArgumentTypeError("the type to take", "a class", kind)
        if self._sealed:
            raise ConfigSealedError(qualified_name(kind))
        places = self._by_type.get(kind)
        if not places:
            return None
        for place in places:
            if self._addressees.get(place, self._taker) == self._taker:
                break
        else:
            return None
        places.remove(place)
        self._ledger[place] = (self._ledger[place][0], self._taker)
        found: T = self._objects.pop(place)
        if self._taken is not None:
            self._taken.setdefault(self._taker, []).append(found)
        return found

    def require_ext(self, kind: type[T]) -> T:
        """Like `take_ext`, but raises `MissingConfigError` where there is none."""
        found = self.take_ext(kind)
        if found is None:
            taker = None if self._taker == "?" else self._taker
            raise MissingConfigError(qualified_name(kind), plugin=taker)
        return found

    def report(self) -> tuple[LedgerEntry, ...]:
        """Who took what: one entry per object that the list was made with, in order; types, never values."""
        return tuple(LedgerEntry(*line) for line in self._ledger)

    def __len__(self) -> int:
        return len(self._objects)

    def __iter__(self) -> Iterator[object]:
        return iter(list(self._objects.values()))

    def __repr__(self) -> str:
        left = ", ".join(qualified_name(type(thing)) for thing in self._objects.values())
        return f"<OpaqueList {'sealed' if self._sealed else 'open'}, left: {left or 'nothing'}>"

    # The engine's side: it alone says who takes, and when the list is sealed.

    def _set_taker(self, name: str) -> str:
        before, self._taker = self._taker, name
        return before

    def _seal(self) -> None:
        self._sealed = True
        self._objects = {}
        self._by_type = {}

    def _remember(self) -> None:
        """Keeps what is taken, by taker: an extension that is set aside gets it again."""
        self._taken = {}

    def _taken_by(self) -> dict[str, list[object]]:
        """What was taken since `_remember`, which ends here."""
        taken, self._taken = self._taken, None
        return taken or {}

    def _left(self) -> list[object]:
        """What nobody has taken, as it was handed over."""
        return [
            AddressedObject(self._addressees[place], thing) if place in self._addressees else thing
            for place, thing in self._objects.items()
        ]


def _objects(argument: str, objects: Iterable[object]) -> list[object]:
    expected = "a list of configuration objects, such as [MyConfig(…)]"
    if isinstance(objects, str | bytes):
        raise ArgumentTypeError(argument, expected, objects)
    try:
        return list(objects)
    except TypeError:
        raise ArgumentTypeError(argument, expected, objects) from None


_loaders: dict[str, Callable[..., object]] = {}


def define_py_opaque_object_loaders(type_name: str, loader: Callable[..., object]) -> None:
    """Maps a front-end type to the configuration object that a plugin understands.

    `type_name` is the qualified name of the type, `"package.module.ClassName"`; the type itself need not be imported.
    `loader` is called with the object, once per creation, and returns what is put in its place.

    Defining the same loader again (a reloaded module) replaces it; another loader for the same type is a
    `DuplicatedKeyError`.
    """
    if not isinstance(type_name, str):
        raise ArgumentTypeError("type_name", 'a string such as "package.module.ClassName"', type_name)
    if "." not in type_name.strip(".") or type_name != type_name.strip():
        raise ArgumentValueError(
            "type_name", 'a qualified name such as "package.module.ClassName"', repr(type_name)
        )
    if not callable(loader):
        raise ArgumentTypeError("loader", "a callable that takes the object", loader)
    old = _loaders.get(type_name)
    if old is not None and not _is_same_loader(old, loader):
        raise DuplicatedKeyError("loader", type_name, (_owner(old), _owner(loader)))
    _loaders[type_name] = loader


def _is_same_loader(old: Any, new: Any) -> bool:
    """The same code, or what stands under the same name of a module that was loaded again."""
    if old is new:
        return True
    parts = ("__code__", "__defaults__", "__kwdefaults__", "__closure__")
    if hasattr(old, "__code__") and all(getattr(old, part) == getattr(new, part, None) for part in parts):
        return True
    return "<" not in _owner(old) and hasattr(old, "__code__") and _owner(old) == _owner(new)


def _owner(loader: Callable[..., object]) -> str:
    kind = loader if hasattr(loader, "__qualname__") else type(loader)
    return qualified_name(kind)


def bare(thing: object) -> object:
    """What is handed over, with or without an address."""
    return thing.value if isinstance(thing, AddressedObject) else thing


def carry_over(
    objects: Iterable[object],
    *,
    create_infos: Collection[type],
    hints: Callable[[str], tuple[str, ...]],
    refuse_unknown: bool,
) -> OpaqueList:
    """Converts a host's configuration objects into the list that plugins take from.

    `create_infos` are the types that plugins name as theirs; `hints` gives, for a qualified type name, the extensions
    that may be meant.

    Raises `UnknownConfigTypeError` for all unknown types at once, if they are to be refused, or `ConfigLoaderError`.
    """
    found: list[tuple[object, Callable[..., object] | None]] = []
    unknown: list[str] = []
    for given in objects:
        thing = bare(given)
        kind = type(thing)
        if isinstance(thing, type):
            raise ArgumentTypeError("each object in ext", f"an object, such as {thing.__name__}(…)", thing)
        loader = _loaders.get(qualified_name(kind)) if _loaders else None
        if loader is None and not issubclass(kind, OpaqueObject) and kind not in create_infos:
            unknown.append(qualified_name(kind))
        found.append((given, loader))
    if unknown and refuse_unknown:
        known = sorted({*_loaders, *map(qualified_name, create_infos)})
        raise UnknownConfigTypeError(unknown, known=known, hints=map(hints, unknown))
    return OpaqueList([thing if loader is None else _loaded(thing, loader) for thing, loader in found])


def _loaded(thing: object, loader: Callable[..., object]) -> object:
    if isinstance(thing, AddressedObject):
        return AddressedObject(thing.extension, _loaded(thing.value, loader))
    try:
        return loader(thing)
    except Exception as error:
        raise ConfigLoaderError(qualified_name(type(thing)), reason=describe(error)) from error
