"""The configuration of the pluggy extension.

Layer: `hypi.ext`, a leaf within it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hycore.utils.error import ArgumentTypeError, ArgumentValueError
from hycore.utils.opaque import OpaqueObject

__all__ = ["PluggyCreateInfoEXT"]


@dataclass(frozen=True)
class PluggyCreateInfoEXT(OpaqueObject):
    """Whose hooks these are, and which plugins shall be registered.

    - `project`: the name that the project gives to its markers, `HookimplMarker(project)`.
    - `hookspecs`: modules or classes with hook specifications, or where to import them from, `"package.module"` or
      `"package.module:Name"`.
    - `plugins`: names of installed plugins, from the group of entry points `group`; no other one is imported.
    - `group`: the group of entry points; if it is `None`, its name is that of the project.
    - `objects`: plugins that are no entry points: modules or other objects, or where to import them from.

    Plugins are registered in this order: `objects`, then `plugins`. A hook calls what was registered last first.
    """

    project: str
    hookspecs: Sequence[object]
    plugins: Sequence[str] = ()
    group: str | None = None
    objects: Sequence[object] = ()

    def __post_init__(self) -> None:
        _check_name("project", self.project)
        if self.group is not None:
            _check_name("group", self.group)
        places = 'modules, objects, or strings such as "package.module"'
        for argument in ("hookspecs", "objects"):
            listed = _listed(argument, places, getattr(self, argument), refused=_OF_A_FILE)
            object.__setattr__(self, argument, listed)
        plugins = _listed("plugins", "names of installed plugins", self.plugins)
        object.__setattr__(self, "plugins", plugins)
        for name in plugins:
            _check_name("each of plugins", name)
            if plugins.count(name) > 1:
                raise ArgumentValueError(
                    "plugins", "a list that has each name once", f"{plugins.count(name)} times {name!r}"
                )


def _check_name(argument: str, name: object) -> None:
    if not isinstance(name, str):
        raise ArgumentTypeError(argument, "a name", name)
    if not name:
        raise ArgumentValueError(argument, "a name", "an empty string")


# What a file can say too; pluggy would register it, and call nothing on it.
_OF_A_FILE = (bool, int, float, list, dict)


def _listed(argument: str, of: str, things: object, *, refused: tuple[type, ...] = ()) -> tuple[object, ...]:
    if isinstance(things, str | bytes) or not isinstance(things, Iterable):
        raise ArgumentTypeError(argument, f"a list of {of}", things)
    found: tuple[object, ...] = tuple(things)
    for thing in found:
        if thing is None or type(thing) in refused or (isinstance(thing, str) and not thing):
            raise ArgumentValueError(argument, f"a list of {of}", f"one with {thing!r} in it")
    return found
