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

# What protocols carry for the sake of `typing`, and classes for the sake of Python.
_NOT_MEMBERS = frozenset(
    [
        "__abstractmethods__",
        "__annotate__",
        "__annotate_func__",
        "__annotations__",
        "__annotations_cache__",
        "__annotations_dict__",
        "__class_getitem__",
        "__dict__",
        "__doc__",
        "__firstlineno__",
        "__init__",
        "__init_subclass__",
        "__module__",
        "__new__",
        "__orig_bases__",
        "__orig_class__",
        "__parameters__",
        "__protocol_attrs__",
        "__non_callable_proto_members__",
        "__qualname__",
        "__slots__",
        "__static_attributes__",
        "__subclasshook__",
        "__type_params__",
        "__weakref__",
        "_abc_impl",
        "_is_protocol",
        "_is_runtime_protocol",
        "__match_args__",
        "__dataclass_fields__",
        "__dataclass_params__",
        "__replace__",
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
        self.members = _declared(point) - _declared(PluginEXT)
        if not self.members and not issubclass(point, PluginEXT):
            from hycore.utils.error import qualified_name

            raise ArgumentTypeError(
                "point",
                f"a class with a member that not every plugin has ({qualified_name(point)} has none)",
                point,
            )

    def __call__(self, kind: type) -> bool:
        return self.point in kind.__mro__ or (bool(self.members) and self.members <= _declared(kind))


def _declared(kind: type) -> set[str]:
    """The names that a class and what it inherits from declare."""
    names: set[str] = set()
    for base in kind.__mro__:
        if base is object or (
            base.__module__ in ("typing", "abc") and base.__name__ in ("Protocol", "Generic", "ABC")
        ):
            continue
        names.update(vars(base))
        names.update(_annotated(base))
    return names - _NOT_MEMBERS


def _annotated(base: type) -> Any:
    annotations = vars(base).get("__annotations__")
    return annotations if isinstance(annotations, dict) else ()
