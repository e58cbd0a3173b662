"""What is to belong to one instance alone: configuration that a plugin changes, state that two plugins share.

Everything is compared by identity: no code of a plugin or of its configuration runs, but that of its fields.

Layer: `testing`, above `_measuring`.
"""

from __future__ import annotations

import gc
import sys
from _thread import get_ident
from collections import OrderedDict, defaultdict, deque

from hycore.testing._measuring import is_ours
from hycore.utils.opaque import AddressedObject, OpaqueObject

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType
    from typing import Any

__all__ = ["Picture", "SharedState", "where_held"]

_DEPTH = 6


class Picture:
    """Configuration as it was at one moment, field by field, collections by what is in them."""

    def __init__(self, config: object) -> None:
        self._config = config.value if isinstance(config, AddressedObject) else config
        self._then = dict(_parts(self._config, type(self._config).__name__))

    def changes(self) -> list[str]:
        """What is different now, in words."""
        now = dict(_parts(self._config, type(self._config).__name__))
        found: list[str] = []
        for path, (what, parts) in self._then.items():
            if path not in now:  # what it belonged to is told already
                continue
            what_now, parts_now = now[path]
            if what == what_now and _same(parts, parts_now):
                continue
            changed = what != "items" or what_now != "items"
            found.append(
                f"{path} is another object"
                if changed
                else f"what is in {path} has changed ({len(parts)} then, {len(parts_now)} now)"
            )
        return found


def _same(one: list[Any], other: list[Any]) -> bool:
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))


def _parts(value: Any, path: str, depth: int = 0) -> Iterator[tuple[str, tuple[str, list[Any]]]]:
    """The parts of a value by their paths: `"items"` of a collection, or the `"object"` itself."""
    if depth == 0 or _is_configuration(value):
        if depth:
            yield path, ("object", [value])
        if depth < _DEPTH:
            for name in _fields(value):
                yield from _parts(getattr(value, name, None), f"{path}.{name}", depth + 1)
        return
    items = contents(value)
    if items is None:
        yield path, ("object", [value])
        return
    yield path, ("items", items)
    if depth < _DEPTH and isinstance(value, list | tuple | dict):
        keyed = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in keyed:
            if _is_configuration(item) or contents(item) is not None:
                yield from _parts(item, f"{path}[{key!r}]", depth + 1)


def contents(value: Any) -> list[Any] | None:
    """What is in a plain collection; `None` for anything else."""
    kind = type(value)
    if kind in (dict, OrderedDict, defaultdict):
        return [each for pair in list(value.items()) for each in pair]
    if kind in (set, frozenset):
        return sorted(value, key=id)
    return list(value) if kind in (list, tuple, deque) else None


def _is_configuration(value: object) -> bool:
    kind = type(value)
    known = ("__dataclass_fields__", "__attrs_attrs__", "__pydantic_fields__")
    return isinstance(value, OpaqueObject) or any(hasattr(kind, each) for each in known)


def _fields(value: object) -> list[str]:
    """The fields of a configuration object, but for private ones: these are its own affair."""
    kind: Any = type(value)
    names: Any = getattr(kind, "__dataclass_fields__", None) or getattr(kind, "__pydantic_fields__", None)
    if names is None and hasattr(kind, "__attrs_attrs__"):
        names = [field.name for field in kind.__attrs_attrs__]
    if names is None:
        slots = [name for base in kind.__mro__ for name in _slots(base)]
        names = [*getattr(value, "__dict__", {}), *slots]
    return [name for name in names if not name.startswith("_")]


def _slots(kind: type) -> tuple[str, ...]:
    slots = vars(kind).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


class SharedState:
    """The state of a plugin's class and module at one moment: what all of its instances share."""

    def __init__(self, plugin: type) -> None:
        self.values: dict[str, object] = {}
        self.collections: dict[str, list[Any]] = {}
        for place, values in _places(plugin):
            for name, value in list(values.items()):
                if name.startswith("__") and name.endswith("__"):
                    continue
                where = f"{place}.{name}"
                if not isinstance(value, _PLAIN):
                    self.values[where] = value
                inside = contents(value)
                if inside is not None:
                    self.collections[where] = inside

    def set_since(self, earlier: SharedState) -> set[str]:
        """The names that have another value now."""
        missing = object()
        return {
            where for where, value in self.values.items() if earlier.values.get(where, missing) is not value
        }

    def extends(self, earlier: SharedState, where: str) -> bool:
        """Whether a collection has all that was in it, and more: who replaces it as a whole may do that for readers."""
        now = {id(each) for each in self.collections.get(where, ())}
        return {id(each) for each in earlier.collections.get(where, ())} < now

    def added_since(self, earlier: SharedState) -> dict[str, list[Any]]:
        """By collection, what is in it now and was not."""
        added: dict[str, list[Any]] = {}
        for where, inside in self.collections.items():
            before = {id(each) for each in earlier.collections.get(where, ())}
            new = [each for each in inside if id(each) not in before]
            if new:
                added[where] = new
        return added


# A counter or a flag that all instances set is no state of one of them.
_PLAIN = (int, float, complex, str, bytes, type(None), type, type(sys))


def _places(plugin: type) -> Iterator[tuple[str, Any]]:
    """The classes that a plugin's state may stand in, and its module."""
    for base in plugin.__mro__:
        package = base.__module__.partition(".")[0]
        if package not in ("hycore", "builtins", "typing", "abc", "collections"):
            yield base.__qualname__.rpartition(".")[2], vars(base)
    module = sys.modules.get(plugin.__module__)
    if module is not None:
        yield plugin.__module__, vars(module)


def where_held(thing: object, plugin: object, module: str) -> str:
    """What holds a strong reference to a thing, in words: an attribute of the plugin if it is one."""
    slots = [name for base in type(plugin).__mro__ for name in _slots(base)]
    for name in [*getattr(plugin, "__dict__", {}), *slots]:
        if getattr(plugin, name, None) is thing:
            return f"self.{name}"
    found: list[str] = []
    for holder in gc.get_referrers(thing):  # in a comprehension the thing would be a variable from outside
        text = _holder(holder, thing, module)
        if text is not None:
            found.append(text)
    found += _variables_of_threads(thing)
    return found[0] if found else "something that cannot be seen from here"


def _holder(holder: Any, thing: object, module: str) -> str | None:
    """What one object is that refers to a thing; `None` for what is ours, and for frames: these are told by threads."""
    kind = type(holder)
    if kind.__name__ in ("frame", "InstanceRef") or kind.__module__.startswith("hycore."):
        return None
    code = getattr(holder, "cr_code", None) or getattr(holder, "gi_code", None)
    if code is not None:
        return None if is_ours(code.co_filename) else f"a variable of {code.co_qualname}"
    if kind is dict:
        named = [str(key) for key, value in list(holder.items()) if value is thing]
        if holder is vars(sys.modules.get(module, sys)):
            return f"{module}.{named[0]}"
        return f"a dictionary, as {named[0]!r}" if named else "a dictionary"
    if kind.__name__ == "cell":
        return "a function that uses it as a variable from outside"
    return f"a {kind.__name__}"


def _variables_of_threads(thing: object) -> list[str]:
    """The functions that other threads are in and that have a thing in a variable."""
    found: list[str] = []
    for thread, innermost in sys._current_frames().items():
        frame: FrameType | None = innermost if thread != get_ident() else None
        while frame is not None:
            found += [
                f"the variable {name} of {frame.f_code.co_qualname}, in a thread"
                for name, value in frame.f_locals.items()
                if value is thing
            ]
            frame = frame.f_back
    return found
