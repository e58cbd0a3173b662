"""What readers of the seed know works as they know it: its Python example, a client of the Rust build, its plugin."""

from __future__ import annotations

import importlib
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

SEED_EXAMPLE = """
from hypi.api import (
    ApplicationInfo,
    InstanceCreateInfo,
    InstanceEXT,
    Version,
    create_instance,
)
from hypi.api.ext.hylog import LogCreateInfoEXT, LogLevelEXT

create_info = InstanceCreateInfo(
    application_info=ApplicationInfo(
        application_name="Notebook",
        application_version=Version.parse("0.1.0"),
        engine_name="Hyperion",
        engine_version=Version.parse("0.1.1"),
    ),
    enabled_extensions=[InstanceEXT.LOGGER.value],
    ext=[LogCreateInfoEXT(level=LogLevelEXT.DEBUG, callback=lambda msg: print(msg.message))],
)

instance = create_instance(create_info)
"""

CLIENT = """
from hypi import api

def log(msg: api.LogMessageEXT) -> None:
    time = msg.timepoint.strftime("%Y-%m-%d %H:%M:%S")
    assert len(time) == 19
    print(f"[{msg.level.name}] {msg.module}: {msg.message}")

create_info = api.InstanceCreateInfo(
    application_info=api.ApplicationInfo(
        application_name="Client",
        application_version=api.Version(1, 0, 0),
        engine_name="Hyperion",
        engine_version=api.Version(0, 1, 0),
    ),
    node_id=42,
    enabled_extensions=[api.InstanceEXT.LOGGER],
    ext=[api.LogCreateInfoEXT(level=api.LogLevelEXT.TRACE, callback=log)],
)
instance = api.create_instance(create_info)
print("node", hex(instance.generate_uuid().node))
del instance
print("next")
"""

PLUGIN = """
import uuid, weakref
from hycore import InstanceContext, OpaqueList, PluginEXT, define_plugin

@define_plugin
class FooPlugin(PluginEXT):
    UUID = uuid.UUID("cdb726aa-8656-486f-a5b5-ff09f37a83fb")
    NAME = "__EXT_FOO"
    DESCRIPTION = "Provides foo-related features"

    @classmethod
    def new(cls, ext: OpaqueList) -> "FooPlugin":
        print("new")
        return cls()

    def attach_to(self, instance: "weakref.ref[InstanceContext]") -> None:
        self.reference = instance

    def initialize(self) -> None:
        print("initialize", self.reference().application_name)

    def teardown(self) -> None:
        print("teardown", self.reference().application_name)
"""

HOST = """
from hycore import OpaqueList, load_plugin_by_name
from hycore.base.api import ApplicationInfo, InstanceCreateInfo, VersionInfo, create_instance

plugin = load_plugin_by_name("__EXT_FOO", OpaqueList())
print(plugin.uuid, plugin.name, plugin.description, sep="\\n")
info = ApplicationInfo("seed", VersionInfo(1), "Hyperion", VersionInfo(0, 1))
with create_instance(InstanceCreateInfo(info, ["__EXT_FOO"])):
    print("up")
"""

SAID = """
new
cdb726aa-8656-486f-a5b5-ff09f37a83fb
__EXT_FOO
Provides foo-related features
new
initialize seed
up
teardown seed
"""


def run(script: str, folder: Path) -> list[str]:
    """The lines that a script prints; it must end well, and say nothing on standard error."""
    file = folder / "script.py"
    file.write_text(script)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(file)], capture_output=True, text=True, timeout=50, check=False
    )
    assert (done.stderr, done.returncode) == ("", 0)
    return done.stdout.splitlines()


def test_the_seeds_python_example_runs_unchanged(tmp_path: Path) -> None:
    """It prints the engine's messages at DEBUG and above, and closes at the end of the process."""
    *lines, platform = run(SEED_EXAMPLE, tmp_path)
    assert lines == [
        "Application 'Notebook' v0.1.0 using engine 'Hyperion' v0.1.1 (node ID: 0)",
        'Loaded 1 extensions: ["__EXT_hyperion_logger"]',
    ]
    assert platform.startswith("hycore version: v0.1.0 (")


def test_a_client_of_the_rust_build_runs(tmp_path: Path) -> None:
    """With an enum member among the names, TRACE, every field it reads, and `del instance`, which ends at once."""
    lines = run(CLIENT, tmp_path)
    created, application, loaded, platform, node, ended, following = lines
    assert created.startswith("[TRACE] hycore.base._beginning: Instance created successfully at 0x")
    assert application.endswith("Application 'Client' v1.0.0 using engine 'Hyperion' v0.1.0 (node ID: 42)")
    assert loaded == '[INFO] hycore.base._beginning: Loaded 1 extensions: ["__EXT_hyperion_logger"]'
    assert platform.startswith("[INFO] hycore.base._beginning: hycore version: v0.1.0 (")
    assert node == "node 0x2a"
    assert ended.startswith("[TRACE] hycore.base._ending: Tearing down InstanceContext at 0x")
    assert following == "next"


def test_the_seeds_plugin_in_a_script(tmp_path: Path) -> None:
    """Registered by `@define_plugin`, found by `load_plugin_by_name`, and brought up."""
    assert run(PLUGIN + HOST, tmp_path) == SAID.split("\n")[1:-1]


def test_the_seeds_plugin_in_an_installed_package(tmp_path: Path) -> None:
    """The same class without the decorator, found by its entry point."""
    info = tmp_path / "foo-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: foo\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[hycore.plugins]\n__EXT_FOO = foo_plugin:FooPlugin\n")
    (tmp_path / "foo_plugin.py").write_text(PLUGIN.replace("@define_plugin\n", ""))
    assert run(HOST, tmp_path) == SAID.split("\n")[1:-1]


def test_ten_lines_make_a_plugin(tmp_path: Path) -> None:
    """Identity alone is valid, decorated or declared: every hook has a default."""
    lines = PLUGIN.strip().splitlines()[:8]
    assert len(lines) <= 10
    script = "\n".join(lines).replace(", weakref", "") + HOST
    assert run(script, tmp_path)[-1] == "up"


def test_a_notebook_cell_can_run_again() -> None:
    """The class of the last run is the one that comes up."""
    from hycore.ext import Inventory

    inventory = Inventory(group=None)
    source = textwrap.dedent(PLUGIN).replace("@define_plugin", "@define_plugin(inventory=inventory)")
    cell: dict[str, Any] = {"__name__": "__main__", "inventory": inventory}
    exec(source, cell)
    first = cell["FooPlugin"]
    exec(source, cell)
    assert cell["FooPlugin"] is not first
    assert inventory.find("__EXT_FOO").load().plugin_class is cell["FooPlugin"]
    assert inventory.names() == ("__EXT_FOO",)


PATHS = {
    "hycore": "InstanceContext OpaqueList PluginEXT define_plugin load_plugin_by_name HyError hytrace hydebug hyinfo "
    "hywarn hyerror",
    "hycore.ext": "StaticPluginEXT PluginEXT DynPluginEXT PluginRegistry Inventory define_plugin load_plugin_by_name",
    "hycore.ext.hylog": "LogCreateInfoEXT LogLevelEXT LogMessageEXT LogPluginEXT hylog hytrace hydebug hyinfo hywarn "
    "hyerror",
    "hycore.base": "InstanceContext InstanceStateEXT",
    "hycore.base.api": "InstanceCreateInfo ApplicationInfo VersionInfo create_instance",
    "hycore.utils.opaque": "OpaqueList OpaqueObject define_py_opaque_object_loaders",
    "hycore.utils.error": "HyError",
    "hycore.magic": "HYPERION_LOGGER_NAME_EXT HYPERION_LOGGER_UUID_EXT",
    "hypi.api": "ApplicationInfo InstanceCreateInfo InstanceEXT Version create_instance LogCreateInfoEXT LogLevelEXT "
    "LogMessageEXT",
    "hypi.api.ext.hylog": "LogCreateInfoEXT LogLevelEXT LogMessageEXT",
}


@pytest.mark.parametrize("module", PATHS)
def test_import_paths_that_readers_know(module: str) -> None:
    """Each name is there, public, and listed by `__all__` in order."""
    found = importlib.import_module(module)
    for name in PATHS[module].split():
        assert getattr(found, name) is not None
        assert name in found.__all__


def test_the_loggers_identity_is_the_rust_builds() -> None:
    """Name and UUID."""
    from hycore import magic
    from hycore.ext.hylog import LogPluginEXT

    assert magic.HYPERION_LOGGER_NAME_EXT == "__EXT_hyperion_logger" == LogPluginEXT.NAME
    assert (
        str(magic.HYPERION_LOGGER_UUID_EXT)
        == "20189b61-7279-46fa-9ba2-5f0360bf5b51"
        == str(LogPluginEXT.UUID)
    )


def test_levels_and_names_are_one_in_both_packages() -> None:
    """A message that arrives is `hycore`'s own."""
    import hycore.ext.hylog
    import hypi.api

    assert hypi.api.LogMessageEXT is hycore.ext.hylog.LogMessageEXT
    assert hypi.api.LogLevelEXT is hycore.ext.hylog.LogLevelEXT
    assert {level.name: level.value for level in hypi.api.LogLevelEXT} == {
        "TRACE": 0, "DEBUG": 1, "INFO": 2, "WARN": 3, "ERROR": 4,
    }  # fmt: skip
