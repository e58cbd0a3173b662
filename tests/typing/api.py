"""The Python API: the seed's spelling is typed, and so are messages and callbacks."""

from datetime import datetime
from typing import assert_type

from pluggy import HookRelay, PluginManager

from hycore import InstanceContext, hyerror, hyinfo
from hypi.api import (
    ApplicationInfo,
    InstanceCreateInfo,
    InstanceEXT,
    LogCreateInfoEXT,
    LogLevelEXT,
    LogMessageEXT,
    Version,
    acreate_instance,
    create_instance,
)
from hypi.app import Application, load_application
from hypi.ext.pluggy import PluggyCreateInfoEXT, PluggyPluginEXT


def callback(message: LogMessageEXT) -> None:
    assert_type(message.timepoint, datetime)
    assert_type(message.level, LogLevelEXT)
    name: str = message.level.name
    print(name)
    assert_type(message.line, int | None)
    assert_type(message.exception, str | None)


info = InstanceCreateInfo(
    ApplicationInfo("app", Version.parse("1.2.3"), "engine", Version(0, 1, 0)),
    [InstanceEXT.LOGGER, "__EXT_other"],
    42,
    [LogCreateInfoEXT(LogLevelEXT.TRACE, callback), LogCreateInfoEXT(output={"json": "log.jsonl"})],
)
instance = create_instance(info)
assert_type(instance, InstanceContext)
with create_instance(
    InstanceCreateInfo(
        info.application_info,
        [InstanceEXT.PLUGGY],
        ext=[PluggyCreateInfoEXT("shop", ["shop.hooks"], ["tea"])],
    )
) as other:
    assert_type(other.require_plugin_ext(PluggyPluginEXT).manager, PluginManager)
    assert_type(other.require_plugin_ext(PluggyPluginEXT).hook, HookRelay)
hyinfo(instance, "loaded {} of {}", 1, 2)
hyerror(instance, "failed", exc=ValueError())
assert_type(load_application("app.toml"), Application)
assert_type(load_application("app.toml", asynchronous=True), Application)


async def asynchronous() -> None:
    assert_type(await acreate_instance(info, initialize_timeout=3, undo_timeout=None), InstanceContext)
    async with await acreate_instance(info, import_in_thread=True) as up:
        assert_type(up, InstanceContext)
        assert_type(await up.aretry("__EXT_other"), bool)
        await up.aclose()


assert_type(instance.retry("__EXT_other", ext=[LogCreateInfoEXT()]), bool)

hyinfo(None, "text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
InstanceCreateInfo(info.application_info, node_id="3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
