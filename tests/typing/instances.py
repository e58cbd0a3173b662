"""What a host looks up has the type that it asked for, and extension points are tuples of the protocol."""

import weakref
from typing import Protocol, assert_type
from uuid import UUID

from hycore import InstanceContext, OpaqueList, PluginEXT, define_plugin, load_plugin_by_name
from hycore.base import InstanceStateEXT, Plan
from hycore.base.api import ApplicationInfo, InstanceCreateInfo, VersionInfo, create_instance
from hycore.ext import DynPluginEXT, Inventory, PluginRegistry
from hycore.utils.opaque import OpaqueObject


class FooConfig(OpaqueObject):
    limit = 3


class Analyzer(Protocol):
    def analyze(self, text: str) -> int: ...


class Base:
    def work(self) -> None: ...


inventory = Inventory(group=None)


@define_plugin
class FooPlugin(PluginEXT):
    UUID = UUID(int=1)
    NAME = "__EXT_FOO"
    DESCRIPTION = "Foo"
    REQUIRES = ("__EXT_BAR",)

    @classmethod
    def new(cls, ext: OpaqueList) -> "FooPlugin":
        assert_type(ext.take_ext(FooConfig), FooConfig | None)
        return cls()

    def attach_to(self, instance: weakref.ref[InstanceContext]) -> None:
        assert_type(instance(), InstanceContext | None)
        assert_type(self.instance, InstanceContext)

    def initialize(self) -> None:
        self.defer(print, "done", end="")
        self.defer(self.foo, 3)
        self.defer(self.foo, "3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    def foo(self, times: int) -> int:
        return times


@define_plugin(inventory=inventory)
class BarPlugin(PluginEXT):
    UUID = UUID(int=2)
    NAME = "__EXT_BAR"
    DESCRIPTION = "Bar"

    async def initialize(self) -> None: ...

    async def teardown(self) -> None: ...


assert_type(FooPlugin().foo(1), int)
assert_type(BarPlugin.NAME, str)

version = VersionInfo(1, 2, 3)
info = InstanceCreateInfo(
    ApplicationInfo("app", version, "engine", version),
    ["__EXT_FOO"],
    ext=[FooConfig()],
    optional_extensions=["__EXT_BAR"],
    unused_ext="warn",
)
with create_instance(info) as instance:
    assert_type(instance, InstanceContext)
    assert_type(instance.get_plugin_ext(FooPlugin), FooPlugin | None)
    assert_type(instance.get_plugin_ext("__EXT_FOO"), DynPluginEXT | None)
    assert_type(instance.require_plugin_ext(FooPlugin), FooPlugin)
    assert_type(instance.require_plugin_ext("__EXT_FOO"), DynPluginEXT)
    assert_type(instance.implementations(Analyzer), tuple[Analyzer, ...])
    assert_type(instance.implementations(Base), tuple[Base, ...])
    assert_type(instance.ext, InstanceStateEXT)
    assert_type(instance.node_id, int)
    assert_type(instance.closed, bool)
    assert_type(instance.extensions[UUID(int=1)], DynPluginEXT)
    assert_type(instance.generate_uuid(), UUID)

assert_type(InstanceContext.plan(info), Plan)
assert_type(InstanceContext.plan(info).order, tuple[PluginRegistry, ...])
assert_type(load_plugin_by_name("__EXT_FOO", OpaqueList()), DynPluginEXT)

# A plugin is what an instance stores.
stored: DynPluginEXT = FooPlugin()

InstanceCreateInfo(info)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
InstanceCreateInfo(info.application_info, unused_ext="what")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
instance.get_plugin_ext(FooConfig)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType, reportCallIssue]
