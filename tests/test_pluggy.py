"""The pluggy extension: plugins of pluggy, made here and as published, under the life of an instance."""

from __future__ import annotations

import gc
import importlib.metadata
import pickle
import re
import sqlite3
import subprocess
import sys
import weakref
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pluggy
import pytest

from hycore import InstanceContext, PluginEXT
from hycore.ext import Inventory
from hycore.ext.hylog import LogCreateInfoEXT, LogPluginEXT
from hycore.log import LogMessageEXT
from hycore.utils.error import (
    ArgumentTypeError,
    ArgumentValueError,
    HyError,
    MissingPackageError,
    PluginFailedError,
    UnconsumedConfigError,
)
from hypi.api import ApplicationInfo, InstanceCreateInfo, InstanceEXT, Version, create_instance
from hypi.ext.pluggy import PluggyCreateInfoEXT, PluggyError, PluggyPluginEXT

NAME = PluggyPluginEXT.NAME

specification = pluggy.HookspecMarker("shop")
implementation = pluggy.HookimplMarker("shop")


class Specifications:
    @specification
    def greet(self, name: str) -> str | None: ...

    @specification(firstresult=True)
    def price(self, of: str) -> int | None: ...


class Polite:
    @implementation
    def greet(self, name: str) -> str:
        return f"Good day, {name}"


class Rude:
    @implementation
    def greet(self) -> str:
        return "What?"


MODULE = """
import pluggy

@pluggy.HookimplMarker("shop")
def {hook}({parameters}):
    return __name__
"""


@pytest.fixture
def shop(site: Any) -> Any:
    """A folder of installed plugins of pluggy, in the group `shop`; nobody may import the last one."""
    for name in ("one", "two"):
        site.module(f"shop_{name}", MODULE.format(hook="greet", parameters="name"))
        site.distribution(f"shop-{name}", "1.0", {name: f"shop_{name}"}, group="shop")
    site.module("shop_never", "raise SystemExit('imported')")
    site.distribution("shop-never", "2.0", {"never": "shop_never"}, group="shop")
    site.inventory.submit(PluggyPluginEXT)
    return site


def configured(**fields: Any) -> PluggyCreateInfoEXT:
    return PluggyCreateInfoEXT(**{"project": "shop", "hookspecs": [Specifications], **fields})


def plugin_of(instance: Any) -> PluggyPluginEXT:
    found: PluggyPluginEXT = instance.require_plugin_ext(PluggyPluginEXT)
    return found


def failure(world: Any, *names: str, **fields: Any) -> PluggyError:
    """What keeps the extension from starting; everything is undone, and `first`, which started before, is as well."""
    managers: list[pluggy.PluginManager] = []

    class Watched(PluggyPluginEXT):
        def initialize(self) -> None:
            try:
                super().initialize()
            finally:
                managers.append(self.manager)

    world.inventory = Inventory(group=None)
    world.inventory.submit(Watched)
    world.plugin("first")
    with pytest.raises(PluginFailedError) as caught:
        world.create(["first", NAME], ext=[configured(**fields)])
    assert world.journal[-2:] == ["initialize first", "teardown first"]
    assert [manager.list_name_plugin() for manager in managers] == [[]]
    assert (caught.value.plugin, caught.value.phase) == (NAME, "initialize")
    error = caught.value.__cause__
    assert isinstance(error, PluggyError)
    assert str(error) in str(caught.value)
    return error


# What it does.


def test_listed_plugins_are_registered_and_no_other_is_imported(shop: Any) -> None:
    """The names of the configuration are looked up in the group, and only they are imported."""
    with shop.create([NAME], ext=[configured(plugins=["one"])]) as instance:
        assert plugin_of(instance).hook.greet(name="ann") == ["shop_one"]
        assert plugin_of(instance).manager.project_name == "shop"
        assert "shop_one" in sys.modules
        assert not {"shop_two", "shop_never"} & sys.modules.keys()


def test_what_is_registered_last_is_called_first(shop: Any) -> None:
    """Objects come first, then installed plugins, both as listed: pluggy calls them the other way round."""
    polite = Polite()
    with shop.create([NAME], ext=[configured(plugins=["two", "one"], objects=[polite, Rude()])]) as instance:
        assert plugin_of(instance).hook.greet(name="ann") == [
            "shop_one",
            "shop_two",
            "What?",
            "Good day, ann",
        ]
        assert plugin_of(instance).hook.price(of="tea") is None
        assert plugin_of(instance).manager.is_registered(polite)


def test_specifications_and_plugins_may_be_named_by_where_they_are(shop: Any) -> None:
    """`package.module` or `package.module:Name`."""
    shop.module(
        "shop_specs",
        "import pluggy\n\nclass Inner:\n    @pluggy.HookspecMarker('shop')\n    def greet(self, name): ...\n",
    )
    shop.module("shop_object", MODULE.format(hook="greet", parameters=""))
    fields = {"hookspecs": ["shop_specs:Inner"], "objects": ["shop_object"]}
    with shop.create([NAME], ext=[configured(**fields)]) as instance:
        assert plugin_of(instance).hook.greet(name="ann") == ["shop_object"]


def test_the_group_may_have_another_name_than_the_project(shop: Any) -> None:
    """As pytest's has: its project is `pytest`, its group `pytest11`."""
    shop.module("shop_other", MODULE.format(hook="greet", parameters=""))
    shop.distribution("shop-other", "1.0", {"one": "shop_other"}, group="shop11")
    with shop.create([NAME], ext=[configured(plugins=["one"], group="shop11")]) as instance:
        assert plugin_of(instance).hook.greet(name="ann") == ["shop_other"]


def test_pluggy_tells_where_a_plugin_is_from(shop: Any) -> None:
    """`list_plugin_distinfo` is what applications print with their version."""
    with shop.create([NAME], ext=[configured(plugins=["one", "two"])]) as instance:
        manager = plugin_of(instance).manager
        assert [(each.__name__, info.project_name) for each, info in manager.list_plugin_distinfo()] == [
            ("shop_one", "shop-one"),
            ("shop_two", "shop-two"),
        ]


def test_a_distribution_may_be_called_otherwise_than_its_folder(shop: Any) -> None:
    """The folder is that in which the entry point was found; `importlib.metadata` finds none by the name."""
    info = shop.distribution("shop-folder", "1.0", {"three": "shop_one"}, group="shop")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shop-other\nVersion: 3.0\n")
    with shop.create([NAME], ext=[configured(plugins=["three"])]) as instance:
        ((_, distribution),) = plugin_of(instance).manager.list_plugin_distinfo()
        assert (distribution.project_name, distribution.version) == ("shop-other", "3.0")


def test_a_distribution_may_lie_in_a_zip_file(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its metadata are read there."""
    archive = shop.folder / "shop.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("shop_zipped.py", MODULE.format(hook="greet", parameters="name"))
        file.writestr(
            "shop_zipped-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: shop-zipped\nVersion: 1.0\n"
        )
        file.writestr("shop_zipped-1.0.dist-info/entry_points.txt", "[shop]\nzipped = shop_zipped\n")
    monkeypatch.syspath_prepend(archive)
    with shop.create([NAME], ext=[configured(plugins=["zipped"])]) as instance:
        assert plugin_of(instance).hook.greet(name="ann") == ["shop_zipped"]
        ((_, distribution),) = plugin_of(instance).manager.list_plugin_distinfo()
        assert (distribution.project_name, distribution.version) == ("shop-zipped", "1.0")


def test_an_extension_that_requires_it_may_register_more(shop: Any) -> None:
    """It is torn down before; what it leaves is unregistered all the same."""

    def register(plugin: PluginEXT) -> None:
        plugin_of(plugin.instance).manager.register(Polite(), "late")

    shop.plugin("later", {"initialize": register}, REQUIRES=(NAME,))
    with shop.create([NAME, "later"], ext=[configured()]) as instance:
        manager = plugin_of(instance).manager
        assert manager.hook.greet(name="ann") == ["Good day, ann"]
    assert manager.list_name_plugin() == []


# How it ends.


def test_at_the_end_plugins_are_unregistered_in_reverse(shop: Any) -> None:
    """Then the manager is empty: it has no plugins, no blocked names and no distributions."""
    instance = shop.create([NAME], ext=[configured(plugins=["one", "two"], objects=[Polite()])])
    manager = plugin_of(instance).manager
    manager.register(Rude(), "rude")
    manager.set_blocked("three")
    gone: list[str] = []
    unregister = manager.unregister

    def noted(*, name: str) -> None:
        gone.append(name)
        unregister(name=name)

    manager.unregister = noted  # type: ignore[method-assign, assignment]
    before = [name for name, plugin in manager.list_name_plugin() if plugin is not None]
    instance.close()
    assert gone == before[::-1]
    assert before[1:] == ["one", "two", "rude"]
    assert manager.list_name_plugin() == []
    assert manager.list_plugin_distinfo() == []
    assert manager.hook.greet(name="ann") == []


def test_two_instances_do_not_see_each_others_plugins(shop: Any) -> None:
    """Each has a manager of its own, and the end of one leaves the other as it is."""
    first = shop.create([NAME], ext=[configured(plugins=["one"])])
    second = shop.create([NAME], ext=[configured(plugins=["two", "one"])])
    assert plugin_of(first).hook.greet(name="ann") == ["shop_one"]
    second.close()
    assert plugin_of(first).hook.greet(name="ann") == ["shop_one"]
    first.close()


def test_plugins_are_freed_with_the_instance(plain_world: Any, no_collector: None) -> None:
    """What is left of pluggy's manager, which refers to itself, holds none of them."""
    plain_world.inventory.submit(PluggyPluginEXT)
    polite = Polite()
    alive = weakref.ref(polite)
    instance = plain_world.create([NAME], ext=[configured(objects=[polite])])
    manager = plugin_of(instance).manager
    del polite, instance
    assert manager.list_name_plugin() == []
    assert alive() is None
    assert gc.isenabled() is False


def test_it_works_in_every_kind_of_host(world: Any) -> None:
    """Its hooks are plain functions: an asynchronous host calls them too."""
    world.inventory.submit(PluggyPluginEXT)
    instance = world.create([NAME], ext=[configured(objects=[Polite()])])
    manager = plugin_of(instance).manager
    assert manager.hook.greet(name="ann") == ["Good day, ann"]
    instance.close()
    assert manager.list_name_plugin() == []


# What is wrong.


def test_a_name_that_is_not_installed(shop: Any) -> None:
    """The closest name of the group is told; nothing of the others is imported."""
    error = failure(shop, plugins=["two", "onne"])
    assert str(error) == (
        "plugin 'onne' is not among the entry points of the group 'shop': did you mean 'one'? Install its "
        "distribution, or take the name out of plugins"
    )
    error = failure(shop, plugins=["zebra"], group="shop11")
    assert "of the group 'shop11': it is empty. Install" in str(error)
    error = failure(shop, plugins=["zebra"])
    assert re.search(r"it has ('\w+', ){2}'\w+'\. Install", str(error))


def test_a_plugin_that_cannot_be_imported(shop: Any) -> None:
    """Its distribution is named; `SystemExit` is a failure like any other."""
    error = failure(shop, plugins=["one", "never"])
    assert str(error) == (
        "plugin 'never' cannot be imported (shop_never of shop-never 2.0): SystemExit: imported: mend or reinstall "
        "shop-never, or take the name out of plugins"
    )
    assert isinstance(error.__cause__, SystemExit)


def test_an_object_whose_module_exits(shop: Any) -> None:
    """It does not end the host."""
    error = failure(shop, objects=["shop_never"])
    assert str(error) == (
        "'shop_never' cannot be imported: SystemExit: imported: correct it in objects, or install what has it"
    )


def test_a_hook_without_a_specification(shop: Any) -> None:
    """The closest specified hook is told; an optional one is none of these."""
    shop.module("shop_typo", MODULE.format(hook="great", parameters="name"))
    shop.distribution("shop-typo", "1.0", {"typo": "shop_typo"}, group="shop")
    error = failure(shop, plugins=["one", "typo"])
    assert str(error) == (
        "plugin 'typo' implements 'great', which is specified nowhere: did it mean 'greet'? Else add what specifies "
        "it to hookspecs, or have it marked by optionalhook=True"
    )

    class Optional:
        @pluggy.HookimplMarker("shop")(optionalhook=True)
        def great(self) -> None: ...

    with shop.create([NAME], ext=[configured(objects=[Optional()])]):
        pass


def test_a_hook_that_does_not_fit_its_specification(shop: Any) -> None:
    """Pluggy's own text says which argument is not there."""
    shop.module("shop_misfit", MODULE.format(hook="greet", parameters="nme"))
    shop.distribution("shop-misfit", "1.0", {"misfit": "shop_misfit"}, group="shop")
    error = failure(shop, plugins=["one", "misfit"])
    assert str(error).startswith(
        "plugin 'misfit' (shop_misfit of shop-misfit 1.0) does not fit the hook specifications: "
    )
    assert "{'nme'} are declared in the hookimpl" in str(error)
    assert str(error).endswith(": install a release that fits, or take it out of the configuration")


def test_two_distributions_that_claim_a_name(shop: Any) -> None:
    """Pluggy takes the first that it meets; here both owners are told."""
    shop.distribution("shop-uno", "1.0", {"one": "shop_uno"}, group="shop")
    error = failure(shop, plugins=["one"])
    assert re.fullmatch(
        "plugin 'one' is claimed by shop_(one|uno) of shop-(one|uno) 1.0 and shop_(one|uno) of shop-(one|uno) 1.0: "
        "uninstall one of them",
        str(error),
    )


def test_a_plugin_that_is_registered_already(shop: Any) -> None:
    """The same module by two ways, or one name for two plugins."""
    error = failure(shop, plugins=["one"], objects=["shop_one"])
    assert str(error) == (
        "plugin 'one' (shop_one of shop-one 1.0) is registered already, as 'shop_one': list it once, in plugins or in objects"
    )
    error = failure(shop, plugins=["one"], objects=[SimpleNamespace(__name__="one")])
    assert str(error) == (
        "plugin 'one' (shop_one of shop-one 1.0) has the name of the plugin 'one': list it once, in plugins or in objects"
    )


def test_an_object_without_a_name_is_called_by_its_type(shop: Any) -> None:
    """Not by a number, as pluggy calls it."""

    class Typo:
        @implementation
        def great(self) -> None: ...

    polite = Polite()
    error = failure(shop, objects=[polite, polite])
    assert str(error) == (
        "plugin 'Polite' is registered already, as 'Polite': list it once, in plugins or in objects"
    )
    error = failure(shop, objects=[Typo()])
    assert ".Typo' implements 'great', which is specified nowhere: " in str(error)


def test_an_object_without_hooks_is_warned_about(shop: Any) -> None:
    """It is registered, as pluggy does; but most likely another one was meant."""
    shop.inventory.submit(LogPluginEXT)
    told: list[str] = []

    def keep(message: LogMessageEXT) -> None:
        if message.module.startswith("hypi.ext.pluggy"):
            told.append(message.message)

    shop.module("shop_up", "class Nothing: ...")
    info = PluggyCreateInfoEXT("shop", [Specifications], objects=["shop_up", Polite()])
    with shop.create([InstanceEXT.LOGGER, NAME], ext=[info, LogCreateInfoEXT(callback=keep)]) as instance:
        assert instance.require_plugin_ext(PluggyPluginEXT).manager.has_plugin("shop_up")
    assert told == ["plugin 'shop_up' has no hook: name what has functions marked by HookimplMarker('shop')"]


def test_a_plugin_that_is_none(shop: Any) -> None:
    """Pluggy passes over it without a word, and whoever listed it would wait for its hooks."""
    shop.module("shop_none", "plugin = None")
    shop.distribution("shop-none", "1.0", {"none": "shop_none:plugin"}, group="shop")
    step = "is None, which pluggy passes over: name what has the hooks, or take it out of the configuration"
    error = failure(shop, plugins=["none"])
    assert str(error) == f"plugin 'none' (shop_none:plugin of shop-none 1.0) {step}"
    error = failure(shop, objects=["shop_none:plugin"])
    assert str(error) == f"plugin 'shop_none:plugin' {step}"


def test_an_object_is_never_compared_by_the_configuration() -> None:
    """What its `__eq__` does is its own affair."""

    class Untouchable(Polite):
        def __eq__(self, other: object) -> bool:
            raise RuntimeError("compared")

        __hash__ = None  # type: ignore[assignment]

    thing = Untouchable()
    assert configured(objects=[thing]).objects[0] is thing


def test_specifications_that_are_none(shop: Any) -> None:
    """They cannot be imported, have no hook of the project, or are listed twice."""
    error = failure(shop, hookspecs=["shop_missing.specs"])
    assert str(error) == (
        "'shop_missing.specs' cannot be imported: ModuleNotFoundError: No module named 'shop_missing': correct it in "
        "hookspecs, or install what has it"
    )
    error = failure(shop, objects=["pluggy:Missing"])
    assert str(error).startswith("'pluggy:Missing' cannot be imported: AttributeError: ")
    assert ": correct it in objects" in str(error)
    error = failure(shop, hookspecs=[Specifications], project="other")
    assert str(error).startswith(
        "'Specifications' has no hook specifications of the project 'other', or specifies a hook again ("
    )
    assert str(error).endswith("that has functions marked by HookspecMarker('other')")
    error = failure(shop, hookspecs=[Specifications, Specifications])
    assert "specifies a hook again (Hook 'greet' is already registered" in str(error)


@pytest.mark.parametrize(
    ("fields", "kind", "text"),
    [
        (
            {"plugins": ["a", "b", "a"]},
            ArgumentValueError,
            "plugins must be a list that has each name once, not 2 times 'a'",
        ),
        (
            {"plugins": "one"},
            ArgumentTypeError,
            "plugins must be a list of names of installed plugins, not str",
        ),
        ({"plugins": [3]}, ArgumentTypeError, "each of plugins must be a name, not int"),
        ({"project": ""}, ArgumentValueError, "project must be a name, not an empty string"),
        ({"group": 3}, ArgumentTypeError, "group must be a name, not int"),
        (
            {"hookspecs": Specifications},
            ArgumentTypeError,
            'hookspecs must be a list of modules, objects, or strings such as "package.module", not the class Specifications',
        ),
        (
            {"objects": [None]},
            ArgumentValueError,
            'objects must be a list of modules, objects, or strings such as "package.module", not one with None in it',
        ),
        (
            {"objects": ["shop", 3]},
            ArgumentValueError,
            'objects must be a list of modules, objects, or strings such as "package.module", not one with 3 in it',
        ),
    ],
)
def test_a_wrong_configuration_is_told_when_it_is_made(
    fields: dict[str, Any], kind: type[HyError], text: str
) -> None:
    """A name that is listed twice among them."""
    with pytest.raises(kind) as caught:
        configured(**fields)
    assert str(caught.value) == text


def test_without_configuration_there_is_no_project(plain_world: Any) -> None:
    """The error names the type to hand over."""
    plain_world.inventory.submit(PluggyPluginEXT)
    with pytest.raises(HyError, match=r"ext=\[PluggyCreateInfoEXT\(…\), …\]"):
        plain_world.create([NAME])


def test_without_pluggy(plain_world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told when the extension is constructed, before anything has started, with the command that brings it."""
    monkeypatch.setitem(sys.modules, "pluggy", None)
    plain_world.inventory.submit(PluggyPluginEXT)
    plain_world.plugin("first")
    with pytest.raises(PluginFailedError) as caught:
        plain_world.create(["first", NAME], ext=[configured()])
    error = caught.value.__cause__
    assert isinstance(error, MissingPackageError)
    assert (
        str(error) == f"{NAME} needs pluggy, which is not installed: pip install 'hyperion-runtime[pluggy]'"
    )
    assert str(caught.value).startswith(f"extension '{NAME}' failed in new: MissingPackageError: {error}; ")
    assert plain_world.journal == ["new first"]


def test_a_pluggy_that_is_broken_is_told_as_it_is(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installing it again would not help."""
    monkeypatch.delitem(sys.modules, "pluggy")
    site.module("pluggy", "import what_it_needs")
    site.inventory.submit(PluggyPluginEXT)
    with pytest.raises(PluginFailedError, match="No module named 'what_it_needs'"):
        site.create([NAME], ext=[configured()])


def test_pluggy_is_imported_when_it_is_needed() -> None:
    """So the tools can tell of the extension, and check a file, where it is not installed."""
    script = "import sys, hypi.ext.pluggy, hypi.api; sys.exit('pluggy' in sys.modules)"
    assert subprocess.run([sys.executable, "-P", "-c", script], check=False).returncode == 0


def test_the_error_survives_a_pickle() -> None:
    """Text and facts, as of every error of the runtime."""
    error = PluggyError("plugin 'a'", problem="is not there", step="install it")
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error) == "plugin 'a' is not there: install it"
    assert vars(copy) == vars(error)


# From where it is configured.


def test_from_the_python_api(shop: Any) -> None:
    """`InstanceEXT.PLUGGY` is its name; it is found by its entry point."""
    assert InstanceEXT.PLUGGY == NAME
    info = InstanceCreateInfo(
        ApplicationInfo("test", Version(1), "Engine", Version(1)),
        [InstanceEXT.PLUGGY],
        ext=[configured(plugins=["one"])],
    )
    with create_instance(info) as instance:
        assert plugin_of(instance).hook.greet(name="ann") == ["shop_one"]


APPLICATION = """
[application]
name = "shop"
version = "1.0.0"
main = "shop_main:main"

[engine]
name = "Hyperion"
version = "0.1.0"

[instance]
enabled_extensions = ["__EXT_hyperion_pluggy"]

[ext."__EXT_hyperion_pluggy"]
project = "hatch"
hookspecs = ["hatchling.plugin.specs"]
plugins = ["fancy-pypi-readme"]
objects = ["hatchling.metadata.plugin.hooks"]
"""
MAIN = """
from hypi.ext.pluggy import PluggyPluginEXT

def main(instance, args):
    hook = instance.require_plugin_ext(PluggyPluginEXT).hook
    print([kind.PLUGIN_NAME for kind in hook.hatch_register_metadata_hook()])
"""


def hyperion(folder: Path, *arguments: str) -> tuple[int, str]:
    (folder / "app.toml").write_text(APPLICATION)
    (folder / "shop_main.py").write_text(MAIN)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "hypi", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_from_an_application_file(tmp_path: Path) -> None:
    """Its lists are strings: names, and where to import from."""
    assert hyperion(tmp_path, "run", "app.toml") == (0, "['fancy-pypi-readme', 'custom']\n")


def test_what_is_wrong_in_an_application_file_is_told_by_line(tmp_path: Path) -> None:
    """A name that is listed twice before anything starts; one that is not installed when it does."""
    status, printed = hyperion(
        tmp_path, "check", "app.toml", "--set", f'ext.{NAME}.plugins=["calver","calver"]'
    )
    assert status == 2
    assert (
        printed
        == f"hyperion: --set ext.{NAME}.plugins: plugins must be a list that has each name once, not 2 times 'calver'\n"
    )
    status, printed = hyperion(tmp_path, "run", "app.toml", "--set", f'ext.{NAME}.plugins=["calverr"]')
    assert status == 1
    assert "did you mean 'calver'?" in printed


# As they are published, unchanged.


def test_a_plugin_of_hatchling(plain_world: Any) -> None:
    """Hatchling's own hooks and a plugin give what hatchling's manager collects, and the plugin does its work."""
    from hatchling.plugin.manager import PluginManager

    plain_world.inventory.submit(PluggyPluginEXT)
    config = PluggyCreateInfoEXT(
        "hatch",
        ["hatchling.plugin.specs"],
        ["fancy-pypi-readme"],
        objects=["hatchling.metadata.plugin.hooks"],
    )
    with plain_world.create([NAME], ext=[config]) as instance:
        kinds = {kind.PLUGIN_NAME: kind for kind in plugin_of(instance).hook.hatch_register_metadata_hook()}
        assert kinds == PluginManager().metadata_hook.collect()  # type: ignore[no-untyped-call]
        metadata: dict[str, Any] = {"name": "tea"}
        fragments = {"content-type": "text/markdown", "fragments": [{"text": "# Tea"}]}
        kinds["fancy-pypi-readme"](".", fragments).update(metadata)
        assert metadata["readme"] == {"content-type": "text/markdown", "text": "# Tea"}


def test_a_plugin_whose_hook_hatchling_does_not_specify(plain_world: Any) -> None:
    """Hatchling 1.33.0 calls `hatch_register_version_scheme` without a specification: the host gives one."""
    plain_world.inventory.submit(PluggyPluginEXT)

    class Scheme:
        @pluggy.HookspecMarker("hatch")
        def hatch_register_version_scheme(self) -> None: ...

    specified: list[object] = ["hatchling.plugin.specs"]
    with pytest.raises(
        PluginFailedError, match="'calver' implements 'hatch_register_version_scheme', which is"
    ):
        plain_world.create([NAME], ext=[PluggyCreateInfoEXT("hatch", specified, ["calver"])])
    config = PluggyCreateInfoEXT("hatch", [*specified, Scheme], ["calver"])
    with plain_world.create([NAME], ext=[config]) as instance:
        (kind,) = plugin_of(instance).hook.hatch_register_version_scheme()
        scheme = kind(".", {"calver-scheme": "YYYY"})
        assert scheme.update("2025.1", "2024.1", {}) == "2025.1"
        with pytest.raises(ValueError, match="not higher than the original version"):
            scheme.update("2023.1", "2024.1", {})


def test_a_plugin_of_sqlite_utils(plain_world: Any) -> None:
    """It gives functions to a connection, in the instance that lists it, and in no other."""
    plain_world.inventory.submit(PluggyPluginEXT)
    hookspecs = ["sqlite_utils.hookspecs"]

    def parsed(instance: InstanceContext) -> str:
        connection = sqlite3.connect(":memory:")
        try:
            plugin_of(instance).hook.prepare_connection(conn=connection)
            (text,) = connection.execute("select dateutil_parse('10 october 2020 3pm')").fetchone()
        finally:
            connection.close()
        return str(text)

    with plain_world.create(
        [NAME], ext=[PluggyCreateInfoEXT("sqlite_utils", hookspecs, ["dateutil"])]
    ) as one:
        version = importlib.metadata.version("sqlite-utils-dateutil")
        ((_, distribution),) = plugin_of(one).manager.list_plugin_distinfo()
        assert (distribution.project_name, distribution.version) == ("sqlite-utils-dateutil", version)
        with plain_world.create([NAME], ext=[PluggyCreateInfoEXT("sqlite_utils", hookspecs)]) as other:
            assert parsed(one) == "2020-10-10T15:00:00"
            with pytest.raises(sqlite3.OperationalError, match="no such function: dateutil_parse"):
                parsed(other)


def test_configuration_without_the_extension_is_left_over(plain_world: Any) -> None:
    """The error says which extension would take it."""
    plain_world.inventory.submit(PluggyPluginEXT)
    with pytest.raises(UnconsumedConfigError, match=f"'{NAME}' would take it"):
        plain_world.create([], ext=[configured()])
