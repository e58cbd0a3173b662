"""Inventories, and constructing a plugin by its name (section 3, "Discovery")."""

from __future__ import annotations

import importlib.metadata
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hycore import OpaqueList, PluginEXT, define_plugin, load_plugin_by_name
from hycore.ext import Inventory, default_inventory
from hycore.utils.error import (
    ArgumentTypeError,
    DuplicatedKeyError,
    PluginDefinitionError,
    PluginFailedError,
    PluginLoadError,
    PluginNotFoundError,
)

SOURCE = """
import uuid
from hycore import PluginEXT, define_plugin
{decorator}
class Plugin(PluginEXT):
    UUID = uuid.UUID(int={number})
    NAME = "{name}"
    DESCRIPTION = "A plugin"
"""


def test_the_default_inventory_has_the_logger() -> None:
    """It reads the group `hycore.plugins`."""
    assert "__EXT_hyperion_logger" in default_inventory.names()


def test_entries_tell_where_an_extension_comes_from(site: Any) -> None:
    """As written, and without an import."""
    origin = site.distribution("My-Dist", "1.0.post1", {"__EXT_x": "x_module:Plugin [extra]"})
    entry = next(entry for entry in site.inventory.entries() if entry.name == "__EXT_x")
    assert (entry.target, entry.distribution, entry.version) == (
        "x_module:Plugin [extra]",
        "My-Dist",
        "1.0.post1",
    )
    assert (entry.group, entry.origin, entry.registry) == ("hycore.plugins", str(origin), None)
    assert site.inventory.find("__EXT_x") == entry
    assert "x_module" not in sys.modules
    with pytest.raises(AttributeError, match="InventoryEntry is a value"):
        entry.name = "other"


def test_registered_plugins_are_part_of_the_same_answers(world: Any) -> None:
    """Their target is `module:qualname`, and they have no distribution."""
    kind = world.plugin("a")
    (entry,) = world.inventory.entries()
    assert (entry.target, entry.distribution, entry.version, entry.origin) == (
        f"{kind.__module__}:Plugin_a",
        None,
        None,
        None,
    )
    assert entry.load().plugin_class is kind
    assert repr(world.inventory) == "<Inventory of no group, 1 registered>"


def test_answers_are_those_of_the_disk_at_the_call(site: Any) -> None:
    """What is installed meanwhile is there."""
    assert "__EXT_new" not in site.inventory.names()
    site.distribution("new", "1", {"__EXT_new": "new:Plugin"})
    assert "__EXT_new" in site.inventory.names()


def test_a_broken_distribution_is_left_out_and_told(site: Any) -> None:
    """The others are there all the same."""
    site.distribution("fine", "1", {"__EXT_fine": "fine:Plugin"})
    broken = site.distribution("broken", "1", {"__EXT_broken": "broken:Plugin"})
    (broken / "entry_points.txt").write_bytes(b"\xff\xfe not text")
    assert "__EXT_fine" in site.inventory.names()
    (problem,) = [each for each in site.inventory.problems() if each.source == str(broken)]
    assert "UnicodeDecodeError" in problem.reason


def test_an_entry_point_that_names_no_class_is_told(site: Any) -> None:
    """With the way to write it."""
    site.distribution("odd", "1", {"__EXT_odd": "odd"})
    assert [str(each) for each in site.inventory.problems()] == [
        "__EXT_odd of odd 1: 'odd' names no class: write it as 'package.module:ClassName'"
    ]
    with pytest.raises(PluginLoadError, match="names a module, not a class"):
        site.inventory.find("__EXT_odd").load()


def test_several_groups_make_a_world_of_ones_own(site: Any) -> None:
    """The host's own, and the built-in logger; in the order in which they are given."""
    site.distribution("own", "1", {"__EXT_own": "own:Plugin"}, group="myapp.plugins")
    inventory = Inventory(group=("myapp.plugins", "hycore.plugins"))
    assert inventory.names()[0] == "__EXT_own"
    assert "__EXT_hyperion_logger" in inventory.names()
    assert Inventory(group="myapp.plugins").names() == ("__EXT_own",)
    assert Inventory(group=None).names() == ()
    assert "__EXT_own" not in site.inventory.names()


def test_one_name_of_one_target_in_two_groups_is_one_owner(site: Any) -> None:
    """Though both claims are listed."""
    site.distribution("one", "1", {"__EXT_x": "x:Plugin"}, group="first")
    site.distribution("two", "1", {"__EXT_x": "x:Plugin [extra]"}, group="second")
    inventory = Inventory(group=("first", "second"))
    assert len(inventory.entries()) == 2
    assert inventory.find("__EXT_x").group == "first"


def test_two_claims_of_one_name_are_both_there(site: Any) -> None:
    """And `find` names both owners."""
    site.distribution("one", "1.0", {"__EXT_x": "one:Plugin"})
    site.distribution("two", "2.0", {"__EXT_x": "two:Plugin"})
    assert [entry.name for entry in site.inventory.entries()].count("__EXT_x") == 2
    assert site.inventory.names().count("__EXT_x") == 1
    with pytest.raises(DuplicatedKeyError) as caught:
        site.inventory.find("__EXT_x")
    assert sorted(caught.value.owners) == ["one:Plugin of one 1.0", "two:Plugin of two 2.0"]


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "b-c", "B.C"]),
            st.sampled_from(["1", "2.0"]),
            st.sampled_from(["hycore.plugins", "other"]),
            st.booleans(),
        ),
        max_size=6,
    )
)
def test_law_entries_equal_those_of_importlib_metadata(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[str, str, str, bool]]
) -> None:
    """For any folders on the path: the same entries in the same order, shadowed distributions left out."""
    folders = [tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")]
    for number, (name, version, group, second) in enumerate(drawn):
        info = folders[second] / f"{name.replace('-', '_')}-{version}.dist-info"
        if info.exists():
            continue
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[{group}]\nx{number} = m{number}:C\n")
    before = list(sys.path)
    sys.path[:] = [*map(str, folders), *before]
    try:
        importlib.invalidate_caches()
        for group in ("hycore.plugins", "other"):
            expected = [(entry.name, entry.value) for entry in importlib.metadata.entry_points(group=group)]
            actual = [(entry.name, entry.target) for entry in Inventory(group=group).entries()]
            assert actual == expected
    finally:
        sys.path[:] = before


def test_a_class_that_is_installed_and_registered_is_one_entry(site: Any) -> None:
    """The installed one; its decorator is no clash, and a plan is kept from the second time on."""
    site.distribution("both", "1", {"__EXT_both": "both_module:Plugin"})
    source = SOURCE.format(
        decorator="import sys\n@sys.test_inventory.submit_and_return", number=5, name="__EXT_both"
    )

    def submit_and_return(kind: type[PluginEXT]) -> type[PluginEXT]:
        site.inventory.submit(kind)
        return kind

    sys.test_inventory = type("Holder", (), {"submit_and_return": staticmethod(submit_and_return)})  # type: ignore[attr-defined]
    site.module("both_module", source)
    with site.create(["__EXT_both"]) as instance:
        assert [plugin.name for plugin in instance.extensions.values()] == ["__EXT_both"]
    (entry,) = [entry for entry in site.inventory.entries() if entry.name == "__EXT_both"]
    assert entry.distribution == "both"
    assert site.plan(["__EXT_both"]) is site.plan(["__EXT_both"])
    del sys.test_inventory  # type: ignore[attr-defined]


def test_an_entry_point_that_leads_to_a_registered_class_elsewhere_is_the_same(site: Any) -> None:
    """A class that the package re-exports: the target differs, the object is one."""
    site.distribution("reexport", "1", {"__EXT_r": "reexport:Plugin"})
    site.module("_reexport_inner", SOURCE.format(decorator="", number=6, name="__EXT_r"))
    site.module("reexport", "from _reexport_inner import Plugin")
    import reexport  # type: ignore[import-not-found]

    site.inventory.submit(reexport.Plugin)
    assert site.inventory.find("__EXT_r").distribution == "reexport"
    assert [entry.name for entry in site.inventory.entries()].count("__EXT_r") == 1


def cell(world: Any, name: str, number: int) -> type[PluginEXT]:
    """As a notebook runs a cell: the same module and qualified name each time."""
    kind = world.plugin(name, submit=False, UUID=uuid.UUID(int=number))
    kind.__qualname__ = "Plugin"
    return kind  # type: ignore[no-any-return]


def test_a_cell_that_runs_again_replaces_its_plugin(world: Any) -> None:
    """If name or UUID clash; otherwise nothing is replaced."""
    first, again, renamed, other = (
        cell(world, "a", 1),
        cell(world, "a", 1),
        cell(world, "b", 1),
        cell(world, "c", 2),
    )
    for kind in (first, again):
        world.inventory.submit(kind)
    assert world.inventory.find("a").load().plugin_class is again
    world.inventory.submit(renamed)
    assert world.inventory.names() == ("b",)
    world.inventory.submit(other)
    assert world.inventory.names() == ("b", "c")


@pytest.mark.parametrize("clash", ["name", "UUID"])
def test_a_clash_between_two_owners_names_both_and_changes_nothing(world: Any, clash: str) -> None:
    """Whatever of the two clashes."""
    first = world.plugin("a", UUID=uuid.UUID(int=1))
    second = world.plugin(
        "a" if clash == "name" else "b", submit=False, UUID=uuid.UUID(int=2 - (clash == "UUID"))
    )
    second.__qualname__ = "Second"
    revision = world.inventory.revision
    with pytest.raises(DuplicatedKeyError) as caught:
        world.inventory.submit(second)
    module = first.__module__
    assert caught.value.kind == clash
    assert caught.value.owners == (
        f"{module}:Plugin_a registered in this process",
        f"{module}:Second registered in this process",
    )
    assert world.inventory.names() == ("a",)
    assert world.inventory.revision == revision


def test_find_tells_the_closest_names(world: Any) -> None:
    """And where was looked."""
    world.plugin("__EXT_lines")
    with pytest.raises(PluginNotFoundError, match="did you mean '__EXT_lines'"):
        world.inventory.find("__ext_line")
    with pytest.raises(PluginNotFoundError, match="none is known: install its package"):
        Inventory(group=None).find("x")
    with pytest.raises(ArgumentTypeError, match="name must be the name of an extension, not int"):
        world.inventory.find(3)


@pytest.mark.parametrize("group", [3, ("a", 3)])
def test_a_wrong_group_is_told(group: Any) -> None:
    """With what is expected."""
    with pytest.raises(ArgumentTypeError, match="group"):
        Inventory(group=group)


# Loading.


def test_define_plugin_keeps_the_class() -> None:
    """In the default inventory, or in another one."""
    inventory = Inventory(group=None)

    @define_plugin(inventory=inventory)
    class Mine(PluginEXT):
        UUID = uuid.uuid4()
        NAME = "__EXT_mine"
        DESCRIPTION = "Mine"

    assert inventory.find("__EXT_mine").load().plugin_class is Mine
    plugin = load_plugin_by_name("__EXT_mine", OpaqueList(), inventory=inventory)
    assert type(plugin) is Mine

    @define_plugin
    class Default(PluginEXT):
        UUID = uuid.uuid4()
        NAME = "__EXT_of_test_inventory"
        DESCRIPTION = "In the default inventory"

    assert type(load_plugin_by_name("__EXT_of_test_inventory", OpaqueList())) is Default
    with pytest.raises(ArgumentTypeError, match="inventory must be an Inventory, such as .*, not list"):
        define_plugin(inventory=[])  # type: ignore[call-overload]


def test_an_installed_plugin_is_found_by_name(site: Any) -> None:
    """It needs no decorator."""
    site.distribution("installed", "1", {"__EXT_i": "installed_module:Plugin"})
    site.module("installed_module", SOURCE.format(decorator="", number=8, name="__EXT_i"))
    plugin = load_plugin_by_name("__EXT_i", OpaqueList(), inventory=site.inventory)
    assert plugin.uuid == uuid.UUID(int=8)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import nowhere_to_be_found", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("class Plugins: ...", "module 'm_load' has no 'Plugin', did you mean 'Plugins'?"),
        ("Plugin = 3", "'Plugin' is of type int, and not a plugin class"),
    ],
)
def test_what_cannot_be_loaded_is_told(site: Any, source: str, reason: str) -> None:
    """With entry point, distribution and reason; a module that is mended is imported again."""
    site.distribution("load", "1.5", {"__EXT_l": "m_load:Plugin"})
    path = site.module("m_load", source)
    with pytest.raises(PluginLoadError) as caught:
        site.inventory.find("__EXT_l").load()
    assert caught.value.reason == reason
    assert (caught.value.distribution, caught.value.version, caught.value.target) == (
        "load",
        "1.5",
        "m_load:Plugin",
    )
    sys.modules.pop("m_load", None)
    path.write_text(
        SOURCE.format(decorator="", number=9, name="__EXT_l") + "# mended, and longer than before\n" * 9
    )
    importlib.invalidate_caches()
    assert site.inventory.find("__EXT_l").load().name == "__EXT_l"


def test_a_class_of_another_name_than_its_entry_point_is_refused(site: Any) -> None:
    """The entry point's name is the extension's name."""
    site.distribution("other", "1", {"__EXT_entry": "m_other:Plugin"})
    site.module("m_other", SOURCE.format(decorator="", number=9, name="__EXT_class"))
    with pytest.raises(PluginDefinitionError) as caught:
        site.inventory.find("__EXT_entry").load()
    assert str(caught.value) == (
        "m_other.Plugin is not a valid plugin: its NAME is '__EXT_class', and the entry point of other 1 calls it "
        "'__EXT_entry'. Write:\n    NAME = '__EXT_entry'"
    )


def test_a_failing_new_is_told(world: Any) -> None:
    """As in a creation, and the ledger says who took what."""
    world.plugin("a", {"new": ValueError("no")})
    with pytest.raises(PluginFailedError, match="'a' failed in new: ValueError: no"):
        load_plugin_by_name("a", OpaqueList(), inventory=world.inventory)
    with pytest.raises(ArgumentTypeError, match="ext_list must be an OpaqueList"):
        load_plugin_by_name("a", [], inventory=world.inventory)  # type: ignore[arg-type]


def test_nothing_is_imported_that_was_not_enabled(site: Any, tmp_path: Path) -> None:
    """Listing, finding and planning another extension imports nothing of it."""
    for name in ("on", "off"):
        site.distribution(name, "1", {f"__EXT_{name}": f"m_{name}:Plugin"})
        site.module(f"m_{name}", SOURCE.format(decorator="", number=10 + len(name), name=f"__EXT_{name}"))
    (
        site.inventory.entries(),
        site.inventory.names(),
        site.inventory.find("__EXT_off"),
        site.inventory.problems(),
    )
    with site.create(["__EXT_on"]):
        pass
    assert "m_on" in sys.modules
    assert "m_off" not in sys.modules
