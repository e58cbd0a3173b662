"""The two protocols of plugins, apart from the base class because protocols need `typing`.

Layer: beside `_traits`, the lowest of `ext`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    import weakref
    from collections.abc import Awaitable
    from uuid import UUID as UniqueId  # noqa: N811  a class attribute is named UUID

    from hycore.base import InstanceContext
    from hycore.utils.opaque import OpaqueList

__all__ = ["DynPluginEXT", "StaticPluginEXT"]


class StaticPluginEXT(Protocol):
    """The class of a plugin: its identity, and how to construct it."""

    UUID: ClassVar[UniqueId]
    NAME: ClassVar[str]
    DESCRIPTION: ClassVar[str]

    @classmethod
    def new(cls, ext: OpaqueList) -> DynPluginEXT:
        """Constructs the plugin with the configuration that it takes from `ext`."""
        ...


class DynPluginEXT(Protocol):
    """The object that an instance stores: its identity, and the hooks of its life."""

    @property
    def uuid(self) -> UniqueId:
        """The identity that stays when the name changes."""
        ...

    @property
    def name(self) -> str:
        """The name by which hosts ask for it."""
        ...

    @property
    def description(self) -> str:
        """What it provides, in one line."""
        ...

    def attach_to(self, instance: weakref.ref[InstanceContext]) -> Awaitable[None] | None:
        """Called once all plugins are constructed."""
        ...

    def initialize(self) -> Awaitable[None] | None:
        """Called once all plugins are attached."""
        ...

    def teardown(self) -> Awaitable[None] | None:
        """Called once if `initialize` returned, in reverse order."""
        ...
