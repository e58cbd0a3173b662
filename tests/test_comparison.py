"""What docs/explanation/comparison.md says of others, where it can be run: a new release of theirs may make it untrue."""

from __future__ import annotations

import importlib.util
import logging
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pluggy
import pytest
from pelix.framework import FrameworkFactory, create_framework
from pelix.ipopo.constants import use_ipopo
from pelix.ipopo.decorators import ComponentFactory, Requires, Validate
from stevedore import DriverManager, ExtensionManager, NamedExtensionManager
from stevedore.exception import MultipleMatches

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs/explanation/comparison.md").read_text("utf-8")


def test_the_releases_are_those_that_are_pinned() -> None:
    """Whoever moves a pin reads the page again; yapsy is pinned nowhere, since it cannot be imported on Python 3.12."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    pinned: dict[str, set[str]] = {}
    for line in [line for group in groups.values() for line in group if isinstance(line, str)]:
        name, _, version = line.partition("==")
        pinned.setdefault(name, set()).add(version.partition(";")[0])
    named = dict(re.findall(r"^\| (\w+) \| ([\d.]+) \|", PAGE, re.MULTILINE))
    assert named.pop("yapsy") == "1.12.2"
    assert {name: {version} for name, version in named.items()} == {name: pinned[name] for name in named}
    assert named.keys() == {"pluggy", "stevedore", "ipopo", "dishka", "svcs", "hypi"}


@pytest.fixture
def others(site: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Three installed plugins, of which one cannot be imported, and a second claim of a name."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # stevedore keeps a cache there
    monkeypatch.setattr(ExtensionManager, "ENTRY_POINT_CACHE", {})
    for name in ("good", "other"):
        site.module(f"others_{name}", "class Plugin: ...")
    site.module("others_broken", "raise ValueError('broken')")
    for name in ("good", "broken", "other"):
        site.distribution(f"others-{name}", "1.0", {name: f"others_{name}:Plugin"}, group="others")
    return site


def test_pluggy_imports_whatever_is_installed(others: Any) -> None:
    """What cannot be imported raises, and nothing is undone."""
    manager = pluggy.PluginManager("others")
    manager.register(object(), "first")
    with pytest.raises(ValueError, match="broken"):
        manager.load_setuptools_entrypoints("others")
    assert manager.has_plugin("first")
    assert manager.list_name_plugin()


def test_pluggy_takes_the_first_of_two(site: Any) -> None:
    """Silently; which is the first, the folder says."""
    for name in ("one", "two"):
        site.module(f"twice_{name}", "")
        site.distribution(f"twice-{name}", "1.0", {"name": f"twice_{name}"}, group="twice")
    manager = pluggy.PluginManager("twice")
    assert manager.load_setuptools_entrypoints("twice") == 1
    assert len({"twice_one", "twice_two"} & sys.modules.keys()) == 1


def test_pluggy_gathers_what_is_not_none_and_can_leave_plugins_out() -> None:
    """So a loop in its place has more in it; and a specification can warn whoever implements it."""
    specification, implementation = pluggy.HookspecMarker("others"), pluggy.HookimplMarker("others")

    class Specifications:
        @specification
        def offer(self) -> object: ...

        @specification(warn_on_impl=FutureWarning("it goes"))
        def old(self) -> object: ...

    class Offers:
        def __init__(self, offered: object) -> None:
            self.offered = offered

        @implementation
        def offer(self) -> object:
            return self.offered

    class Old:
        @implementation
        def old(self) -> None: ...

    manager = pluggy.PluginManager("others")
    manager.add_hookspecs(Specifications)
    tea = Offers("tea")
    for plugin in (tea, Offers(None), Offers("water")):
        manager.register(plugin)
    assert manager.hook.offer() == ["water", "tea"]
    assert manager.subset_hook_caller("offer", [tea])() == ["water"]
    with pytest.warns(FutureWarning, match="it goes"):
        manager.register(Old())


def test_stevedore_logs_what_cannot_be_loaded(others: Any, caplog: pytest.LogCaptureFixture) -> None:
    """And what is missing; the others are there."""
    names = ["good", "broken", "missing"]
    manager: Any = NamedExtensionManager("others", names, invoke_on_load=True, name_order=True)
    assert manager.names() == ["good"]
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert "Could not load 'broken': broken" in caplog.text
    assert re.search("Could not load (broken, missing|missing, broken)", caplog.text)
    assert "others_other" not in sys.modules


def test_stevedore_logs_what_fails_in_map(others: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Unless `propagate_map_exceptions` is said."""

    def fail(extension: object) -> None:
        raise ValueError("in map")

    manager: Any = NamedExtensionManager("others", ["good"], invoke_on_load=True)
    assert manager.map(fail) == []
    assert "in map" in caplog.text


def test_stevedore_warns_of_two_of_one_name(others: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Both are called, the last is looked up, and a driver is neither."""
    others.distribution("others-same", "1.0", {"good": "others_other:Plugin"}, group="others")
    manager: Any = NamedExtensionManager("others", ["good"], invoke_on_load=True)
    assert manager.map(lambda extension: extension.name) == ["good", "good"]
    assert caplog.records == []
    assert manager["good"] is manager.extensions[-1]
    assert "multiple implementations found for the 'good' extension" in caplog.text
    with pytest.raises(MultipleMatches):
        DriverManager("others", "good")
    chosen: Any = DriverManager("others", "good", conflict_resolver=lambda group, name, found: found[0])
    assert chosen.driver is manager.extensions[0].plugin


def test_ipopo_has_one_framework_and_logs_what_fails(caplog: pytest.LogCaptureFixture) -> None:
    """A component that waits says nothing, and one that fails does not end the others."""

    @ComponentFactory("failing-factory")
    class Failing:
        @Validate
        def validate(self, context: object) -> None:
            raise ValueError("not valid")

    @ComponentFactory("waiting-factory")
    @Requires("_service", "a.service.that.never.comes")
    class Waiting:
        """It is never validated."""

    framework = create_framework(("pelix.ipopo.core",))
    try:
        framework.start()
        with pytest.raises(ValueError, match="already running"):
            create_framework(())
        context: Any = framework.get_bundle_context()
        with use_ipopo(context) as service, caplog.at_level(logging.WARNING):
            ipopo: Any = service
            ipopo.register_factory(context, Waiting)
            ipopo.instantiate("waiting-factory", "waiting")
            assert caplog.records == []
            ipopo.register_factory(context, Failing)
            ipopo.instantiate("failing-factory", "failing")
            assert "not valid" in caplog.text
            states = {name: state for name, _, state in ipopo.get_instances()}
            assert states.keys() == {"waiting", "failing"}
    finally:
        framework.stop()
        FrameworkFactory.delete_framework(framework)


def test_what_yapsy_loads_with_is_gone() -> None:
    """The module `imp` left with Python 3.12."""
    assert (importlib.util.find_spec("imp") is None) == (sys.version_info >= (3, 12))
