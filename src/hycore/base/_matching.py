"""Which plugins satisfy an extension point, without running any code of theirs.

Layer: `base`, a leaf within it.
"""

from __future__ import annotations

from hycore.ext._traits import PluginEXT
from hycore.utils.error import ArgumentTypeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Matcher"]

# Methods and descriptors that classes and protocols carry for Python's sake, and that nobody asks of a plugin.
_NOT_MEMBERS = frozenset(
    [
        "__annotate__",
        "__annotate_func__",
        "__class_getitem__",
        "__dict__",
        "__init__",
        "__init_subclass__",
        "__new__",
        "__replace__",
        "__subclasshook__",
        "__weakref__",
        "_abc_impl",
        "_is_protocol",
        "_is_runtime_protocol",
    ]
)


class Matcher:
    """Tells whether a class satisfies a protocol or base class.

    Members are looked for where they are declared: in the dictionaries and annotations of the classes that the class
    inherits from.
    """

    __slots__ = ("members", "point")

    def __init__(self, point: Any) -> None:
        if not isinstance(point, type):
            raise ArgumentTypeError("point", "a protocol or a base class", point)
        self.point = point
        self.members = _members(point) - _names(PluginEXT)
        if not self.members and not issubclass(point, PluginEXT):
            expected = (
                "a protocol or base class that declares a member which not every plugin has, such as a method"
            )
            raise ArgumentTypeError("point", expected, point)

    def __call__(self, kind: type) -> bool:
        return any(base is self.point for base in kind.__mro__) or (
            bool(self.members) and self.members <= _names(kind)
        )


def _members(point: type) -> set[str]:
    """The names that a protocol or base class asks for, its own and inherited ones."""
    members: set[str] = set()
    for base in point.__mro__:
        if base.__module__ in ("typing", "typing_extensions", "abc", "builtins"):
            continue
        members.update(_annotated(base))
        members.update(name for name, value in vars(base).items() if _is_member(name, value))
    return members - _NOT_MEMBERS


def _is_member(name: str, value: object) -> bool:
    """Whether an attribute is part of an interface, and not data that Python keeps on the class."""
    return not (name.startswith("__") and name.endswith("__")) or hasattr(type(value), "__get__")


def _names(kind: type) -> set[str]:
    """Every name that is declared on a class or on what it inherits from."""
    names: set[str] = set()
    for base in kind.__mro__:
        names.update(vars(base))
        names.update(_annotated(base))
    return names


def _annotated(base: type) -> Any:
    annotations = vars(base).get("__annotations__")
    return annotations if isinstance(annotations, dict) else ()
