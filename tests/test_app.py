"""The application file: what it makes, and what is told about a wrong one (section 8)."""

from __future__ import annotations

import asyncio
import importlib
import os
import pickle
import sys
import textwrap
import time
import traceback
from pathlib import Path
from typing import Any

import pytest

from hycore.base.api import ApplicationInfo, VersionInfo
from hycore.utils.error import ArgumentTypeError, HyError, PlanError
from hypi.app import Application, ApplicationFileError, Problem, load_application

HEAD = """\
[application]
name = "shop"
version = "1.2.3"
[engine]
name = "Engine"
version = "0.4.0"
"""  # six lines: what a test adds begins at line 7

PLUGINS = """
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal

import attrs
from pydantic import BaseModel, Field
from hycore import PluginEXT

class Level(Enum):
    LOW = 10
    HIGH = 20

def plugin(name, create_info=None):
    class Plugin(PluginEXT):
        UUID, NAME, DESCRIPTION = uuid.uuid5(uuid.NAMESPACE_DNS, name), name, "A plugin"
        CREATE_INFO = create_info
        def __init__(self, config=None):
            self.config = config
    return Plugin
"""


class Folder:
    """The working folder, in which the application file lies, and extensions that are installed beside it."""

    def __init__(self, site: Any, path: Path) -> None:
        self.site = site
        self.path = path

    def plugins(self, module: str, code: str, *, group: str = "hycore.plugins", **targets: str) -> None:
        """Installs extensions, each given as `NAME="attribute of the module"`."""
        self.site.module(module, PLUGINS + textwrap.dedent(code))
        entries = {name: f"{module}:{target}" for name, target in targets.items()}
        self.site.distribution(module, "1", entries, group)
        importlib.invalidate_caches()

    def load(self, text: str | bytes, *settings: str, head: str = HEAD, **options: Any) -> Application:
        raw = text if isinstance(text, bytes) else (head + textwrap.dedent(text)).encode()
        (self.path / "app.toml").write_bytes(raw)
        return load_application("app.toml", settings=settings, **options)

    def problems(self, text: str | bytes, *settings: str, **options: Any) -> list[str]:
        """What is told, line by line."""
        with pytest.raises(ApplicationFileError) as caught:
            self.load(text, *settings, **options)
        assert str(caught.value) == "\n".join(map(str, caught.value.problems))
        return [str(problem) for problem in caught.value.problems]

    def configure(self, text: str, *settings: str, **options: Any) -> Any:
        """What the one extension that the file configures is given."""
        (config,) = configs(self.load(text, *settings, **options))
        return config


def configs(application: Application) -> list[Any]:
    """What the extensions of an instance were given, in order."""
    with application.create() as instance:
        plugins: list[Any] = list(instance.extensions.values())
        return [plugin.config for plugin in plugins if plugin.config is not None]


@pytest.fixture
def folder(site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.chdir(tmp_path)
    return Folder(site, tmp_path)


DATA = """
@dataclass
class Retry:
    times: int = 1
    seconds: float = 0.5

@dataclass
class Config:
    limit: int = 10
    name: str | None = None
    level: Level = Level.LOW
    levels: list[Level] = field(default_factory=list)
    by_name: dict[str, Level] = field(default_factory=dict)
    hosts: list[str] = field(default_factory=list)
    retry: Retry = field(default_factory=Retry)
    retries: list[Retry] = field(default_factory=list)
    retry_of: dict[str, Retry] = field(default_factory=dict)
    mode: Literal["fast", "safe"] = "fast"
    rate: Annotated[float, Field(gt=0)] = 1.0
    hook: Callable[[str], object] | None = None
    token: str = ""

    def __post_init__(self):
        if self.token:
            raise ValueError(f"the token {self.token} has expired")

data = plugin("data", Config)
bare = plugin("bare")
"""

ENABLED = '[instance]\nenabled_extensions = ["data"]\n'  # lines 7 and 8
TABLE = f"{ENABLED}[ext.data]\n"  # and line 9


@pytest.fixture
def data(folder: Folder) -> Folder:
    """With the extensions `data`, which takes a dataclass, and `bare`, which takes nothing."""
    folder.plugins("data_module", DATA, data="data", bare="bare")
    return folder


# A file that is right.


def test_an_asynchronous_host_loads_and_awaits(folder: Folder) -> None:
    """Its extensions may have `async def` hooks, which a plain host is told of while it plans."""
    code = """
    class waits(plugin("waits")):
        NAME = "waits"
        async def initialize(self):
            self.config = "awaited"
        async def teardown(self):
            self.config = "ended"
    """
    folder.plugins("waiting", code, waits="waits")
    text = '[instance]\nenabled_extensions = ["waits"]'
    application = folder.load(text, asynchronous=True)

    async def host() -> Any:
        async with await application.acreate(profile=True, initialize_timeout=5, undo_timeout=5) as instance:
            plugin: Any = instance.require_plugin_ext("waits")
            assert plugin.config == "awaited"
            assert "initialize" in instance.report().extensions[0].times
        return plugin.config

    assert asyncio.run(host()) == "ended"
    with pytest.raises(PlanError, match="asynchronous hooks"):
        application.create()
    with pytest.raises(PlanError, match="asynchronous hooks"):
        folder.load(text)


def test_a_file_becomes_a_create_info_and_a_plan(data: Folder) -> None:
    """All that it says, and defaults for the rest."""
    application = data.load("""
        [instance]
        node_id = 42
        enabled_extensions = ["data"]
        optional_extensions = ["bare"]
        unused_ext = "warn"
        [ext.data]
        limit = 3
        name = "x"
        """)
    info = application.create_info
    assert info.application_info == ApplicationInfo(
        "shop", VersionInfo(1, 2, 3), "Engine", VersionInfo(0, 4, 0)
    )
    assert (info.enabled_extensions, info.optional_extensions) == (("data",), ("bare",))
    assert (info.node_id, info.unused_ext) == (42, "warn")
    assert application.plan.names == ("data", "bare")
    assert (application.path, application.main) == (Path("app.toml"), None)
    (config,) = configs(application)
    assert (type(config).__name__, config.limit, config.name, config.rate) == ("Config", 3, "x", 1.0)


def test_a_file_needs_no_more_than_names_and_versions(folder: Folder) -> None:
    """Then there is no extension, and no configuration."""
    info = folder.load("").create_info
    assert (info.enabled_extensions, info.optional_extensions, info.ext) == ((), (), ())
    assert (info.node_id, info.unused_ext) == (0, "error")


def test_an_application_creates_any_number_of_instances(data: Folder) -> None:
    """Each extension gets the configuration object as it is, without another look at the disk."""
    application = data.load(f"{TABLE}limit = 3\n")
    for file in data.site.folder.rglob("entry_points.txt"):
        file.unlink()
    (data.path / "app.toml").unlink()
    application.inventory.refresh()
    with application.create() as first, application.create() as second:
        plugins: list[Any] = [instance.require_plugin_ext("data") for instance in (first, second)]
        assert plugins[0] is not plugins[1]
        assert plugins[0].config is plugins[1].config
        assert plugins[0].config.limit == 3
        assert first.report().extensions[0].times == {}
    with application.create(profile=True) as instance:
        assert "initialize" in instance.report().extensions[0].times


def test_configuration_is_shown_by_type_only(data: Folder) -> None:
    """An application may hold secrets."""
    application = data.load(f'{TABLE}name = "hunter2"\n')
    assert "Config" in repr(application)
    assert "hunter2" not in repr(application)


def test_the_path_may_be_a_path(folder: Folder) -> None:
    """As well as a string; it is told as it was given."""
    (folder.path / "app.toml").write_text(HEAD + "[extra]\n")
    with pytest.raises(ApplicationFileError, match=f"^{folder.path}/app.toml:7: extra: unknown key"):
        load_application(folder.path / "app.toml")


def test_the_logger_is_configured_by_a_file(folder: Folder) -> None:
    """Level by name, and a callback by its own."""
    folder.plugins(
        "callback_module", "messages = []\ndef callback(message): messages.append(message.message)\n"
    )
    application = folder.load("""
        [instance]
        enabled_extensions = ["__EXT_hyperion_logger"]
        [ext.__EXT_hyperion_logger]
        level = "TRACE"
        callback = "callback_module:callback"
        """)
    application.create().close()
    messages = importlib.import_module("callback_module").messages
    assert messages[0].startswith("Instance created")  # a trace
    assert messages[1] == "Application 'shop' v1.2.3 using engine 'Engine' v0.4.0 (node ID: 0)"


def test_wrong_arguments_are_told(folder: Folder) -> None:
    """A single string is no list of them, and a number is no path."""
    for arguments, problem in [
        ({"settings": "a=1"}, "settings must be a list of strings, such as ['a=1'], not str"),
        ({"groups": "a"}, "groups must be a list of strings, such as ['a'], not str"),
    ]:
        with pytest.raises(ArgumentTypeError) as caught:
            load_application("app.toml", **arguments)  # type: ignore[arg-type]
        assert str(caught.value) == problem
    with pytest.raises(ArgumentTypeError, match="path must be the path of an application file, not int"):
        load_application(3)  # type: ignore[arg-type]


def test_the_search_path_is_left_alone(folder: Folder) -> None:
    """It is `hyperion run` that puts the folder of the file there."""
    before = list(sys.path)
    (folder.path / "beside_the_file.py").write_text("def main(instance, args): ...")
    problem = "'beside_the_file' cannot be imported: ModuleNotFoundError: No module named 'beside_the_file'"
    assert folder.problems("", "application.main=beside_the_file:main") == [
        f"--set application.main: {problem}"
    ]
    assert sys.path == before


# Kinds of configuration classes.

KINDS = {
    "dataclass": """
        @dataclass
        class Config:
            host: str
            port: int = 80
            level: Level = Level.LOW
            least: Level = Level.LOW
            def __post_init__(self):
                if self.port == 1:
                    raise ValueError("port 1 is taken")
        """,
    "Pydantic's dataclass": """
        import pydantic.dataclasses
        @pydantic.dataclasses.dataclass
        class Config:
            host: str
            port: int = 80
            level: Level = Level.LOW
            least: Level = Level.LOW
            def __post_init__(self):
                if self.port == 1:
                    raise ValueError("port 1 is taken")
        """,
    "attrs": """
        @attrs.define
        class Config:
            host: str
            port: int = 80
            level: Level = Level.LOW
            least: Level = Level.LOW
            def __attrs_post_init__(self):
                if self.port == 1:
                    raise ValueError("port 1 is taken")
        """,
    "Pydantic": """
        from pydantic import model_validator
        class Config(BaseModel):
            host: str
            port: int = 80
            level: Level = Level.LOW
            least: Level = Level.LOW
            @model_validator(mode="after")
            def check(self):
                if self.port == 1:
                    raise ValueError("port 1 is taken")
                return self
        """,
    "plain": """
        class Config:
            def __init__(self, host: str, port: int = 80, *, level: Level = Level.LOW, least: Level = Level.LOW) -> None:
                if port == 1:
                    raise ValueError("port 1 is taken")
                self.host, self.port, self.level, self.least = host, port, level, least
        """,
    "plain with strings": """
        class Config:
            def __init__(self, host: "str", port: "int" = 80, *, level: "Level" = Level.LOW, least: "Level" = Level.LOW) -> None:
                if port == 1:
                    raise ValueError("port 1 is taken")
                self.host, self.port, self.level, self.least = host, port, level, least
        """,
}

KIND_TABLE = '[instance]\nenabled_extensions = ["kind"]\n[ext.kind]\n'


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, folder: Folder) -> Folder:
    """With the extension `kind`, which takes a class of each kind."""
    code = textwrap.dedent(KINDS[request.param]) + '\nkind = plugin("kind", Config)\n'
    folder.plugins("kind_module", code, kind="kind")
    return folder


def test_each_kind_of_class_takes_its_table(kind: Folder) -> None:
    """Its defaults stand where the table says nothing."""
    config = kind.configure(f'{KIND_TABLE}host = "h"\nlevel = "HIGH"\n')
    assert (type(config).__name__, config.host, config.port) == ("Config", "h", 80)
    assert (config.level.name, config.least.name) == ("HIGH", "LOW")


def test_each_kind_of_class_tells_each_problem(kind: Folder) -> None:
    """What is missing, what is unknown, and what its own checks raise, at the table."""
    assert sorted(kind.problems(f'{KIND_TABLE}port = 3\nprot = "x"\n')) == [
        "app.toml:11: ext.kind.prot: unknown key; did you mean 'port'?",
        "app.toml:9: ext.kind.host: is missing, and has no default",
    ]
    assert kind.problems(f'{KIND_TABLE}host = "h"\nport = 1\n') == ["app.toml:9: ext.kind: port 1 is taken"]


def test_each_kind_of_class_validates_its_values(kind: Folder) -> None:
    """Against its annotations, all of them."""
    assert kind.problems(f'{KIND_TABLE}host = 3\nport = "x"\nlevel = "MIDDLE"\n') == [
        "app.toml:10: ext.kind.host: input should be a valid string",
        "app.toml:11: ext.kind.port: input should be a valid integer, unable to parse string as an integer",
        "app.toml:12: ext.kind.level: must be one of LOW, HIGH",
    ]


def test_a_missing_table_is_told_where_there_are_no_defaults(kind: Folder) -> None:
    """With the lines to add; an optional extension is not asked for one."""
    assert kind.problems('[instance]\nenabled_extensions = ["kind"]\n') == [
        'app.toml: ext.kind: is missing; add to the file:\n    [ext."kind"]\n    host = …'
    ]
    assert kind.load('[instance]\noptional_extensions = ["kind"]\n').plan.names == ("kind",)


def test_attrs_fields_and_models_go_by_the_names_of_their_arguments(folder: Folder) -> None:
    """Without the underscore of a private attribute, and with aliases."""
    code = """
    @attrs.define
    class Private:
        _size: int
    class Aliased(BaseModel):
        size: int = Field(alias="Size")
    private, aliased = plugin("private", Private), plugin("aliased", Aliased)
    """
    folder.plugins("named_module", code, private="private", aliased="aliased")
    enabled = '[instance]\nenabled_extensions = ["private", "aliased"]\n[ext]\n'
    private, aliased = configs(folder.load(f"{enabled}private.size = 1\naliased.Size = 2\n"))
    assert (private._size, aliased.size) == (1, 2)
    assert sorted(folder.problems(f"{enabled}private._size = 1\naliased.siz = 2\n")) == [
        "app.toml:10: ext.private._size: unknown key; did you mean 'size'?",
        "app.toml:10: ext.private.size: is missing, and has no default",
        "app.toml:11: ext.aliased.Size: is missing, and has no default",
        "app.toml:11: ext.aliased.siz: unknown key; did you mean 'Size'?",
    ]


def test_a_table_belongs_to_its_extension_alone(folder: Folder) -> None:
    """Though two take the same type, and the other one comes first."""
    code = """
    @dataclass
    class Config:
        limit: int = 1
    first, second = plugin("first", Config), plugin("second", Config)
    """
    folder.plugins("shared_module", code, first="first", second="second")
    enabled = '[instance]\nenabled_extensions = ["first", "second"]\n'
    for tables, limits in [
        ("[ext.second]\nlimit = 2\n", [1, 2]),
        ("[ext.first]\nlimit = 2\n", [2, 1]),
        ("[ext.second]\nlimit = 2\n[ext.first]\nlimit = 3\n", [3, 2]),
    ]:
        assert [config.limit for config in configs(folder.load(enabled + tables))] == limits


# Values.


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        ("name = 'x'", "name", "x"),
        ("limit = 0x10", "limit", 16),
        ("rate = 2", "rate", 2.0),
        ("hosts = ['a', 'b']", "hosts", ["a", "b"]),
        ("mode = 'safe'", "mode", "safe"),
        ("retry = {times = 3}", "retry", "Retry(times=3, seconds=0.5)"),
        ("retry.times = 3", "retry", "Retry(times=3, seconds=0.5)"),
        (
            "retries = [{times = 3}, {}]",
            "retries",
            "[Retry(times=3, seconds=0.5), Retry(times=1, seconds=0.5)]",
        ),
        ("level = 'HIGH'", "level", "<Level.HIGH: 20>"),
        ("level = 'high'", "level", "<Level.HIGH: 20>"),
        ("level = 20", "level", "<Level.HIGH: 20>"),
        ("levels = ['HIGH', 'LOW']", "levels", "[<Level.HIGH: 20>, <Level.LOW: 10>]"),
        ("by_name = {a = 'HIGH'}", "by_name", "{'a': <Level.HIGH: 20>}"),
    ],
)
def test_values_become_what_the_annotations_say(
    data: Folder, text: str, field: str, expected: object
) -> None:
    """Nested dataclasses, lists, optional values; a member of an enumeration is written as its name."""
    found = getattr(data.configure(f"{TABLE}{text}\n"), field)
    assert expected == (repr(found) if isinstance(expected, str) and not isinstance(found, str) else found)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("limit = 'x'", "limit: input should be a valid integer, unable to parse string as an integer"),
        ("name = 3", "name: input should be a valid string"),
        ("limi = 3", "limi: unknown key; did you mean 'limit'?"),
        ("rate = 0.0", "rate: input should be greater than 0"),
        ("mode = 'slow'", "mode: input should be 'fast' or 'safe'"),
        ("level = 'MIDDLE'", "level: must be one of LOW, HIGH"),
        ("levels = ['LOW', 'MIDDLE']", "levels[1]: must be one of LOW, HIGH"),
        ("by_name.'x.y' = 'MIDDLE'", 'by_name."x.y": must be one of LOW, HIGH'),
        ("hosts = 'a'", "hosts: input should be a valid list"),
        ("hosts = ['a', 3]", "hosts[1]: input should be a valid string"),
        (
            "retry.times = 'x'",
            "retry.times: input should be a valid integer, unable to parse string as an integer",
        ),
        ("retry.time = 3", "retry.time: unknown key; did you mean 'times'?"),
        ("retry_of.x = {second = 1}", "retry_of.x.second: unknown key; did you mean 'seconds'?"),
        ("retries = [{}, {second = 1}]", "retries[1].second: unknown key; did you mean 'seconds'?"),
    ],
)
def test_wrong_values_are_told_with_the_way_to_them(data: Folder, text: str, problem: str) -> None:
    """Through nested tables and arrays."""
    assert data.problems(f"{TABLE}{text}\n") == [f"app.toml:10: ext.data.{problem}"]


NESTED = """
class Mode(IntEnum):
    off = 0
    on = 1

@dataclass
class Small:
    size: int = 1

@dataclass
class Large:
    weight: int = 1
    level: Level = Level.LOW

@attrs.define
class Box:
    level: Level = Level.LOW
    hook: Callable[..., object] | None = None

class Model(BaseModel):
    level: Level = Level.LOW
    hook: Callable[..., object] | None = None

@dataclass
class Config:
    mode: Mode = Mode.on
    level: Level | None = None
    noted: Annotated[Level, "a note"] | None = None
    pair: tuple[int, Level] = (0, Level.LOW)
    either: Small | Large | None = None
    box: Box = field(default_factory=Box)
    model: Model = field(default_factory=Model)
    larges: dict[str, list[Large]] = field(default_factory=dict)
    number_or_text: int | str = 0

nested = plugin("nested", Config)
"""


@pytest.fixture
def nested(folder: Folder) -> Folder:
    """With the extension `nested`, which takes all kinds of types in each other."""
    folder.plugins("nested_module", NESTED, nested="nested")
    return folder


NESTED_TABLE = '[instance]\nenabled_extensions = ["nested"]\n[ext.nested]\n'


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        ("mode = 'off'", "mode", "<Mode.off: 0>"),
        ("mode = 0", "mode", "<Mode.off: 0>"),
        ("level = 'HIGH'", "level", "<Level.HIGH: 20>"),
        ("noted = 'HIGH'", "noted", "<Level.HIGH: 20>"),
        ("pair = [3, 'HIGH']", "pair", "(3, <Level.HIGH: 20>)"),
        ("either = {size = 2}", "either", "Small(size=2)"),
        ("either = {weight = 2}", "either", "Large(weight=2, level=<Level.LOW: 10>)"),
        ("either.level = 'HIGH'", "either", "Large(weight=1, level=<Level.HIGH: 20>)"),
        ("box = {level = 'HIGH'}", "box", "Box(level=<Level.HIGH: 20>, hook=None)"),
        ("box.hook = 'builtins:print'", "box", "Box(level=<Level.LOW: 10>, hook=<built-in function print>)"),
        ("model.level = 'HIGH'", "model", "Model(level=<Level.HIGH: 20>, hook=None)"),
        (
            "model.hook = 'builtins:print'",
            "model",
            "Model(level=<Level.LOW: 10>, hook=<built-in function print>)",
        ),
        ("larges.a = [{level = 'high'}]", "larges", "{'a': [Large(weight=1, level=<Level.HIGH: 20>)]}"),
        ("number_or_text = 'x'", "number_or_text", "'x'"),
    ],
)
def test_types_in_each_other_take_their_values(nested: Folder, text: str, field: str, expected: str) -> None:
    """Names of members and callables, unions, tuples, nested classes of every kind."""
    assert repr(getattr(nested.configure(f"{NESTED_TABLE}{text}\n"), field)) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("mode = 'Off'", "mode: must be one of off, on"),
        ("pair = [3, 'MIDDLE']", "pair[1]: must be one of LOW, HIGH"),
        ("box = {level = 'MIDDLE'}", "box.level: must be one of LOW, HIGH"),
        ("box = {levl = 'LOW'}", "box.levl: unknown key; did you mean 'level'?"),
        ("model.levl = 'LOW'", "model.levl: unknown key; did you mean 'level'?"),
        (
            "model.hook = 'builtins:prin'",
            "model.hook: 'builtins' has no 'prin'; did you mean 'print'?",
        ),
        ("larges.a = [{}, {wieght = 3}]", "larges.a[1].wieght: unknown key; did you mean 'weight'?"),
        (
            "number_or_text = 1.5",
            "number_or_text: input should be a valid integer, got a number with a fractional part, or "
            "input should be a valid string",
        ),
    ],
)
def test_wrong_values_in_nested_types_are_told(nested: Folder, text: str, problem: str) -> None:
    """With the way to them as the file has it, and once for each."""
    assert nested.problems(f"{NESTED_TABLE}{text}\n") == [f"app.toml:10: ext.nested.{problem}"]


def test_what_a_class_says_about_an_argument_is_told_there(folder: Folder) -> None:
    """Errors of the runtime's own carry its name."""
    text = """\
        [instance]
        enabled_extensions = ["__EXT_hyperion_logger"]
        [ext.__EXT_hyperion_logger]
        level = "LOUD"
        """
    assert folder.problems(text) == [
        "app.toml:10: ext.__EXT_hyperion_logger.level: "
        "level must be one of TRACE, DEBUG, INFO, WARN, ERROR, not 'LOUD'"
    ]


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (
            "class Config:\n    def __init__(self, x: 'Nowhere'): ...",
            "the annotations of odd_module.Config cannot be resolved: NameError: name 'Nowhere' is not defined",
        ),
        (
            "class Config:\n    def __init__(self, x): raise KeyError(x)",
            "KeyError: 3",
        ),
        (
            "class Config:\n    def __init__(self, x): raise ValueError",
            "ValueError",
        ),
    ],
)
def test_a_class_that_cannot_be_used_is_told(folder: Folder, code: str, problem: str) -> None:
    """At the table, whatever it raises."""
    folder.plugins("odd_module", f'{code}\nodd = plugin("odd", Config)\n', odd="odd")
    text = '[instance]\nenabled_extensions = ["odd"]\n[ext.odd]\nx = 3\n'
    assert folder.problems(text) == [f"app.toml:9: ext.odd: {problem}"]


def test_a_class_without_a_signature_is_told(folder: Folder) -> None:
    """Its values could not be checked."""
    folder.plugins("odd_module", 'odd = plugin("odd", int)\n', odd="odd")
    (problem,) = folder.problems('[instance]\nenabled_extensions = ["odd"]\n[ext.odd]\nx = 3\n')
    assert problem.startswith("app.toml:9: ext.odd: builtins.int cannot be called: ValueError: ")


# Callables.

HOOKS = """
def main(instance, args): ...
async def later(instance, args): ...
def alone(): ...
class Hooks:
    @staticmethod
    def hook(*words): ...
not_a_function = 3
"""

WRONG_CALLABLES = [
    ("data_hooks", "'data_hooks' is not of the form 'package.module:name'"),
    ("data_hooks:", "'data_hooks:' is not of the form 'package.module:name'"),
    (":main", "':main' is not of the form 'package.module:name'"),
    ("nowhere:main", "'nowhere' cannot be imported: ModuleNotFoundError: No module named 'nowhere'"),
    ("data_hooks:mian", "'data_hooks' has no 'mian'; did you mean 'main'?"),
    ("broken_hooks:main", "'broken_hooks' cannot be imported: ValueError: broken"),
    ("leaving_hooks:main", "'leaving_hooks' cannot be imported: SystemExit: 3"),
]


def hooks(folder: Folder) -> Folder:
    folder.site.module("data_hooks", HOOKS)
    folder.site.module("broken_hooks", "raise ValueError('broken')\n")
    folder.site.module("leaving_hooks", "raise SystemExit(3)\n")
    importlib.invalidate_caches()
    return folder


@pytest.mark.parametrize("name", ["main", "Hooks.hook"])
def test_main_and_callables_are_imported_by_name(data: Folder, name: str) -> None:
    """`package.module:name`, also of something inside."""
    target = f"data_hooks:{name}"
    head = HEAD.replace("[engine]", f'main = "{target}"\n[engine]')
    application = hooks(data).load(f'{TABLE}hook = "{target}"\n', head=head)
    (config,) = configs(application)
    found: Any = importlib.import_module("data_hooks")
    for part in name.split("."):
        found = getattr(found, part)
    assert (application.main, config.hook) == (found, found)


@pytest.mark.parametrize(("name", "problem"), WRONG_CALLABLES)
def test_a_wrong_main_is_told(folder: Folder, name: str, problem: str) -> None:
    """At its line."""
    head = HEAD.replace("[engine]", f'main = "{name}"\n[engine]')
    assert hooks(folder).problems("", head=head) == [f"app.toml:4: application.main: {problem}"]


@pytest.mark.parametrize(("name", "problem"), WRONG_CALLABLES)
def test_a_wrong_callable_is_told(data: Folder, name: str, problem: str) -> None:
    """In the same words."""
    text = f'{TABLE}hook = "{name}"\n'
    assert hooks(data).problems(text) == [f"app.toml:10: ext.data.hook: {problem}"]


def test_what_is_not_callable_is_told(data: Folder) -> None:
    """With its type."""
    target = "data_hooks:not_a_function"
    assert hooks(data).problems(f'{TABLE}hook = "{target}"\n') == [
        f"app.toml:10: ext.data.hook: '{target}' is of type int: name a function"
    ]
    assert data.problems("", f"application.main={target}") == [
        f"--set application.main: '{target}' is of type int: name a function main(instance, args)"
    ]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("later", "is asynchronous, or a generator: name a function that calls asyncio.run(...)"),
        ("alone", "cannot be called with (instance, args): write def alone(instance, args):"),
    ],
)
def test_a_main_that_could_not_be_called_is_told(folder: Folder, name: str, problem: str) -> None:
    """Before anything starts."""
    target = f"data_hooks:{name}"
    assert hooks(folder).problems("", f"application.main={target}") == [
        f"--set application.main: '{target}' {problem}"
    ]


# A file that cannot be read.


def test_a_missing_file_is_told(folder: Folder) -> None:
    """With the next step."""
    with pytest.raises(ApplicationFileError) as caught:
        load_application("nowhere/app.toml")
    assert (
        str(caught.value)
        == "nowhere/app.toml: there is no such file; name the application file, such as app.toml"
    )


def test_a_folder_is_told(folder: Folder) -> None:
    """It cannot be read."""
    with pytest.raises(ApplicationFileError) as caught:
        load_application(folder.path)
    assert str(caught.value) == f"{folder.path}: cannot be read: Is a directory"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b'[application]\nname = "\xff"\n', "app.toml:2: is not UTF-8, as TOML must be: save it as UTF-8"),
        (b"[application]\nname = \n", "app.toml:2: is not TOML: Invalid value (column 8)"),
        (
            b"\r\n\r\nname\r\n",
            "app.toml:3: is not TOML: Expected '=' after a key in a key/value pair (column 5)",
        ),
        (b"a = 1\na = 2\n", "app.toml:2: is not TOML: Cannot overwrite a value (column 6)"),
        (b'a = 1\nb = """', "app.toml:2: is not TOML: Unterminated string"),
        (b'a = 1\nb = """\n\n', "app.toml:2: is not TOML: Unterminated string"),
        (
            b"\xef\xbb\xbfa = 1\n",
            "app.toml:1: begins with a byte order mark, which TOML has not: save it as plain UTF-8",
        ),
    ],
)
def test_what_is_not_toml_is_told(folder: Folder, text: bytes, problem: str) -> None:
    """With the line, and the column where there is one."""
    assert folder.problems(text) == [problem]


def test_the_error_carries_its_facts(folder: Folder) -> None:
    """As attributes, and through pickle; it is a `ValueError`."""
    with pytest.raises(ApplicationFileError) as caught:
        folder.load("[extra]\n")
    error = caught.value
    assert isinstance(error, HyError) and isinstance(error, ValueError)
    expected = Problem("app.toml:7", "extra", "unknown key; did you mean 'ext'?")
    assert (error.path, error.problems) == ("app.toml", (expected,))
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.path, again.problems) == (str(error), error.path, error.problems)


# Keys and types.


@pytest.mark.parametrize(
    ("line", "place", "problem"),
    [
        ("[aplication]", 1, "aplication: unknown key; did you mean 'application'?"),
        ("naem = 'x'", 2, "application.naem: unknown key; did you mean 'name'?"),
        ("mian = 'x'", 2, "application.mian: unknown key; did you mean 'main'?"),
        ("versoin = 'x'", 5, "engine.versoin: unknown key; did you mean 'version'?"),
        ("main = 'x'", 5, "engine.main: unknown key; known: name, version"),
        ("node = 3", 8, "instance.node: unknown key; did you mean 'node_id'?"),
        (
            "colour = 3",
            8,
            "instance.colour: unknown key; known: node_id, enabled_extensions, optional_extensions, groups, unused_ext",
        ),
        ("node_id = 'three'", 8, "instance.node_id: input should be a valid integer"),
        ("node_id = 1.0", 8, "instance.node_id: input should be a valid integer"),
        ("node_id = true", 8, "instance.node_id: input should be a valid integer"),
        ("node_id = -1", 8, "instance.node_id: input should be greater than or equal to 0"),
        ("node_id = 0x1_0000_0000", 8, "instance.node_id: input should be less than or equal to 4294967295"),
        (
            "enabled_extensions = [3]",
            8,
            "instance.enabled_extensions[0]: input should be a valid string",
        ),
        ("enabled_extensions = 'data'", 8, 'instance.enabled_extensions: must be a list: write ["data"]'),
        ("optional_extensions = 3", 8, "instance.optional_extensions: input should be a valid list"),
        ("groups = [3]", 8, "instance.groups[0]: input should be a valid string"),
        ("unused_ext = 'no'", 8, "instance.unused_ext: input should be 'error', 'warn' or 'ignore'"),
    ],
)
def test_unknown_keys_and_wrong_types_are_told(folder: Folder, line: str, place: int, problem: str) -> None:
    """At every level, with the closest name or all of them."""
    lines = [*HEAD.split("\n")[:-1], "[instance]"]
    lines.insert(place - 1, line)
    assert folder.problems("\n".join(lines).encode()) == [f"app.toml:{place}: {problem}"]


@pytest.mark.parametrize(
    ("without", "problems"),
    [
        (
            'name = "shop"',
            ['app.toml:1: application.name: is missing; add to the file:\n    [application]\n    name = "…"'],
        ),
        (
            'version = "0.4.0"',
            ['app.toml:4: engine.version: is missing; add to the file:\n    [engine]\n    version = "1.0.0"'],
        ),
        (
            '[engine]\nname = "Engine"\nversion = "0.4.0"',
            [
                'app.toml: engine: is missing; add to the file:\n    [engine]\n    name = "…"\n    version = "1.0.0"',
            ],
        ),
        (
            HEAD,
            [
                f'app.toml: {table}: is missing; add to the file:\n    [{table}]\n    name = "…"\n    version = "1.0.0"'
                for table in ("application", "engine")
            ],
        ),
    ],
)
def test_missing_tables_and_keys_are_told(folder: Folder, without: str, problems: list[str]) -> None:
    """With the lines to add."""
    assert folder.problems(HEAD.replace(without, "").encode()) == problems


@pytest.mark.parametrize(
    ("version", "problem"),
    [
        ('"1.0"', "a version has three numbers, such as '1.2.3', and '1.0' is none"),
        ('"1.0.0rc1"', "a version has three numbers, such as '1.2.3', and '1.0.0rc1' is none"),
        ('"1.0.65536"', "the numbers of a version go from 0 to 65535, and '1.0.65536' is beyond"),
        ("1.0", "input should be a valid string"),
    ],
)
def test_wrong_versions_are_told(folder: Folder, version: str, problem: str) -> None:
    """Of the application and of the engine."""
    text = HEAD.replace('"1.2.3"', version).replace('"0.4.0"', version)
    assert folder.problems(text.encode()) == [
        f"app.toml:3: application.version: {problem}",
        f"app.toml:6: engine.version: {problem}",
    ]


def test_several_problems_are_told_at_once_in_order(data: Folder) -> None:
    """Those of the file's own tables, and those of the extensions' tables."""
    head = HEAD.replace("[engine]", "mian = 3\n[engine]").replace('version = "0.4.0"\n', "")
    assert data.problems("[instance]\nnode_id = 'x'\ngroup = []\n", head=head) == [
        "app.toml:4: application.mian: unknown key; did you mean 'main'?",
        'app.toml:5: engine.version: is missing; add to the file:\n    [engine]\n    version = "1.0.0"',
        "app.toml:8: instance.node_id: input should be a valid integer",
        "app.toml:9: instance.group: unknown key; did you mean 'groups'?",
    ]
    text = """\
        [instance]
        enabled_extensions = ["data", "bare"]
        [ext.data]
        limit = "x"
        limi = 3
        retry.tmes = 3
        [ext.bare]
        """
    not_a_number = "input should be a valid integer, unable to parse string as an integer"
    assert data.problems(text) == [
        f"app.toml:10: ext.data.limit: {not_a_number}",
        "app.toml:11: ext.data.limi: unknown key; did you mean 'limit'?",
        "app.toml:12: ext.data.retry.tmes: unknown key; did you mean 'times'?",
        "app.toml:13: ext.bare: this extension takes no configuration: remove the table",
    ]


def test_everything_wrong_is_told_at_once(data: Folder) -> None:
    """A problem of one table hides none of another, and none of planning."""
    text = """\
        [instance]
        enabled_extensions = ["data", "__EXT_hyperion_loger"]
        [ext.data]
        limi = 3
        name = {env = "NOT_SET"}
        [ext.dat]
        """
    head = HEAD.replace('version = "1.2.3"', 'version = "1"\nmain = "nowhere:main"')
    assert sorted(data.problems(text, head=head)) == [
        "app.toml:11: ext.data.limi: unknown key; did you mean 'limit'?",
        "app.toml:12: ext.data.name: the environment variable 'NOT_SET' is not set",
        "app.toml:13: ext.dat: no extension of this name is enabled; did you mean 'data'?",
        "app.toml:3: application.version: a version has three numbers, such as '1.2.3', and '1' is none",
        "app.toml:4: application.main: 'nowhere' cannot be imported: ModuleNotFoundError: No module named 'nowhere'",
        "app.toml:9: no extension is named '__EXT_hyperion_loger'; looked in the entry points of group "
        "'hycore.plugins' and the plugins registered in this process; did you mean '__EXT_hyperion_logger'?",
    ]


# Tables of extensions.


def test_a_table_of_an_extension_that_is_not_enabled_is_told(data: Folder) -> None:
    """With the closest name that is."""
    assert data.problems(f"{ENABLED}[ext.dat]\n") == [
        "app.toml:9: ext.dat: no extension of this name is enabled; did you mean 'data'?"
    ]
    assert data.problems("[ext.data]\n") == [
        "app.toml:7: ext.data: is not enabled: add it to enabled_extensions, or remove the table"
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("application = 3\n", "app.toml:1: application: must be a table: write [application] above its keys"),
        ("instance = []\n", "app.toml:1: instance: must be a table: write [instance] above its keys"),
        ("ext = 3\n", 'app.toml:1: ext: must be a table: write [ext."NAME"] for each extension'),
        ("ext.data = 3\n", 'app.toml:1: ext.data: must be a table: write [ext."data"] above its keys'),
    ],
)
def test_what_should_be_a_table_is_told(folder: Folder, text: str, problem: str) -> None:
    """With the line to write."""
    head = HEAD.replace('[application]\nname = "shop"\nversion = "1.2.3"\n', "") if "app" in text else HEAD
    assert folder.problems((text + head).encode()) == [problem]


def test_a_table_of_an_extension_without_create_info_is_told(data: Folder) -> None:
    """Even an empty one."""
    text = '[instance]\noptional_extensions = ["bare"]\n[ext.bare]\n'
    assert data.problems(text) == [
        "app.toml:9: ext.bare: this extension takes no configuration: remove the table"
    ]


def test_an_optional_extension_that_is_missing_is_set_aside_with_its_table(data: Folder) -> None:
    """What is in the table is not looked at."""
    application = data.load("""
        [instance]
        enabled_extensions = ["data"]
        optional_extensions = ["nowhere"]
        [ext.nowhere]
        limit = "many"
        """)
    assert application.plan.names == ("data",)
    assert [aside.name for aside in application.plan.set_aside] == ["nowhere"]
    assert application.create_info.ext == ()
    with application.create() as instance:
        assert [aside.name for aside in instance.report().set_aside] == ["nowhere"]


def test_an_optional_extension_that_is_there_is_configured(data: Folder) -> None:
    """And its table is checked."""
    optional = ENABLED.replace("enabled", "optional")
    assert data.configure(f"{optional}[ext.data]\nlimit = 3\n").limit == 3
    assert data.problems(f"{optional}[ext.data]\nlimi = 3\n") == [
        "app.toml:10: ext.data.limi: unknown key; did you mean 'limit'?"
    ]


def test_a_missing_extension_is_a_plan_error(data: Folder) -> None:
    """With the closest name, and where was looked."""
    with pytest.raises(PlanError) as caught:
        data.load('[instance]\nenabled_extensions = ["dataa"]\n')
    assert str(caught.value) == (
        "no extension is named 'dataa'; looked in the entry points of group 'hycore.plugins' and the plugins "
        "registered in this process; did you mean 'data'?"
    )


def test_extensions_are_looked_for_in_the_groups(folder: Folder) -> None:
    """Those of the file, those of the call in their place, or else `hycore.plugins`."""
    for group in ("hycore.plugins", "shop.plugins", "other.plugins"):
        module = group.replace(".", "_")
        folder.plugins(module, 'here = plugin("here")\n', group=group, here="here")
    enabled = '[instance]\nenabled_extensions = ["here"]\n'
    asked: list[tuple[str, Any, str]] = [
        (enabled, None, "hycore_plugins"),
        (f'{enabled}groups = ["shop.plugins"]\n', None, "shop_plugins"),
        (f'{enabled}groups = ["shop.plugins"]\n', ["other.plugins"], "other_plugins"),
        (enabled, ["other.plugins"], "other_plugins"),
    ]
    for text, groups, module in asked:
        application = folder.load(text, groups=groups)
        (entry,) = [entry for entry in application.inventory.entries() if entry.name == "here"]
        assert entry.distribution == module
        (registry,) = application.plan.order
        assert registry.plugin_class is not None
        assert registry.plugin_class.__module__ == module


def test_configuration_that_nobody_takes_is_the_instances_affair(folder: Folder) -> None:
    """By `unused_ext`."""
    code = """
    @dataclass
    class Config: ...
    class Lazy(PluginEXT):
        UUID, NAME, DESCRIPTION, CREATE_INFO = uuid.UUID(int=5), "lazy", "Takes nothing", Config
        @classmethod
        def new(cls, ext):
            return cls()
    """
    folder.plugins("lazy_module", code, lazy="Lazy")
    text = '[instance]\nenabled_extensions = ["lazy"]\nunused_ext = "{}"\n[ext.lazy]\n'
    with pytest.raises(HyError, match="lazy_module.Config: 'lazy' is on and left this one"):
        folder.load(text.format("error")).create()
    folder.load(text.format("ignore")).create().close()


# Lines.


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("[ext.data]\nlimi = 3", 10, "limi"),
        ("\n# limi = 1\n\n[ext.data]\n\n# limi = 2\n\nlimi = 3 # limi = 4\n", 16, "limi"),
        ("[ext]\ndata.limit = 3\ndata.limi = 3", 11, "limi"),
        ("[ext]\ndata = {limit = 3, limi = 3}", 10, "limi"),
        ("[ext.data]\nhosts = [\n  'limi',\n  # limi\n  'b',\n]\nlimi = 3", 15, "limi"),
        ("[ext.data]\nname = '''\nlimi = 1\n[ext.data]\n'''\nlimi = 3", 14, "limi"),
        ('[ext.data]\nname = """a\\\n\n   b"""\nlimi = 3', 13, "limi"),
        ("[ext.data]\nlimi = [\n\n  1,\n\n]", 10, "limi"),
        ("[ext.data.retry]\ntimes = 3\n[ext.data]\nlimi = 3", 12, "limi"),
        ("[ext.data]\n[ext.data.retry]\ntmes = 3", 11, "retry.tmes"),
        ("[[ext.data.retries]]\ntimes = 1\n[[ext.data.retries]]\ntmes = 3", 12, "retries[1].tmes"),
        ("[ext.data]\nretries = [\n  {},\n  {tmes = 3},\n]", 10, "retries[1].tmes"),
        ("[ext.'data']\n'limi' = 3", 10, "limi"),
        ('[ext.data]\n"l\\u0069mi" = 3', 10, "limi"),
        ('[ext.data]\n"limi.t" = 3', 10, '"limi.t"'),
        ("# what is no newline in TOML: \u2028 \u2029 \x85\n[ext.data]\nlimi = 3", 11, "limi"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_line_is_that_of_the_statement(
    data: Folder, text: str, line: int, key: str, newline: str
) -> None:
    """However it is written, whatever stands before it, and whichever the ends of the lines."""
    raw = (HEAD + ENABLED + text).replace("\n", newline).encode()
    (problem,) = data.problems(raw)
    assert problem.startswith(f"app.toml:{line}: ext.data.{key}: unknown key; did you mean ")


def test_dotted_keys_at_the_top_are_found(data: Folder) -> None:
    """Before the first table."""
    text = f'# a comment\n"instance".enabled_extensions = ["data"]\next.data.limit = 1\next.data.limi = 3\n{HEAD}'
    assert data.problems(text.encode()) == ["app.toml:4: ext.data.limi: unknown key; did you mean 'limit'?"]


def test_a_wrong_value_in_a_long_array_is_told_at_its_statement(data: Folder) -> None:
    """The key says which one it is."""
    text = "\n\n[ext.data]\n\nhosts = [\n  'a',\n  # a comment\n  3,\n]\n"
    assert data.problems(ENABLED + text) == ["app.toml:13: ext.data.hosts[1]: input should be a valid string"]


# Settings.


@pytest.mark.parametrize(
    ("setting", "field", "expected"),
    [
        ("ext.data.limit=3", "limit", 3),
        ("ext.data.limit = 3 ", "limit", 3),
        ("ext.data.rate=1e3", "rate", 1000.0),
        ("ext.data.name=plain", "name", "plain"),
        ("ext.data.name=two words", "name", "two words"),
        ("ext.data.name=1.2.3", "name", "1.2.3"),
        ("ext.data.name=a=b", "name", "a=b"),
        ("ext.data.name=", "name", ""),
        ("ext.data.name=a\nb", "name", "a\nb"),
        ("ext.data.name='a'\nb = 1", "name", "'a'\nb = 1"),
        ('ext.data.name="3"', "name", "3"),
        ("ext.data.hosts=['a', 'b']", "hosts", ["a", "b"]),
        ("ext.data.hosts=[]", "hosts", []),
        ("ext.data.retry={times = 3}", "retry", "Retry(times=3, seconds=0.5)"),
        ("ext.data.retry.times=3", "retry", "Retry(times=3, seconds=2.0)"),
        ("ext.data.hosts=[\n  'a', # one\n  'b',\n]", "hosts", ["a", "b"]),
        ("ext.data.by_name.'x=y'=HIGH", "by_name", "{'x=y': <Level.HIGH: 20>}"),
        ('ext."data".limit=3', "limit", 3),
        ("ext.'data'.'limit'=3", "limit", 3),
        ("ext.data={limit = 3}", "limit", 3),
    ],
)
def test_a_setting_overrides_one_value(data: Folder, setting: str, field: str, expected: object) -> None:
    """It is TOML, or else a string."""
    text = f"{TABLE}limit = 7\nname = 'file'\nrate = 7.0\nhosts = ['file']\nretry = {{seconds = 2.0}}\n"
    found = getattr(data.configure(text, setting), field)
    assert expected == (repr(found) if field in ("retry", "by_name") else found)


def test_settings_need_no_table_in_the_file(folder: Folder) -> None:
    """The last of two counts, and names with dots are quoted."""
    code = """
    @dataclass
    class Config:
        limit: int = 1
    dotted = plugin("a.b", Config)
    """
    folder.plugins("dotted_module", code, **{"a.b": "dotted"})
    settings = ['instance.enabled_extensions=["a.b"]', 'ext."a.b".limit=2', 'ext."a.b".limit=3']
    application = folder.load("", *settings, "engine.version=2.0.0", "application.name=market")
    assert [config.limit for config in configs(application)] == [3]
    assert str(application.create_info.application_info.engine_version) == "2.0.0"
    assert application.create_info.application_info.application_name == "market"
    assert folder.problems("", *settings, "ext.'a.b'.limi=3") == [
        "--set ext.\"a.b\".limi: unknown key; did you mean 'limit'?"
    ]


@pytest.mark.parametrize(
    ("setting", "where"),
    [
        ("", "--set "),
        ("instance.node_id", "--set instance.node_id"),
        ("=3", "--set "),
        ("node id=3", "--set node id"),
        ("instance.=3", "--set instance."),
        ("[instance]\nnode_id=3", "--set [instance]\nnode_id"),
        ("#=3", "--set #"),
    ],
)
def test_a_setting_of_a_wrong_form_is_told(folder: Folder, setting: str, where: str) -> None:
    """With an example."""
    assert folder.problems("", setting) == [
        f"{where}: write it as KEY=VALUE, such as --set instance.node_id=7"
    ]


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        (
            "instance.node_id=seven",
            "--set instance.node_id: input should be a valid integer",
        ),
        ("instance.node=7", "--set instance.node: unknown key; did you mean 'node_id'?"),
        (
            "application.version = 1.0 ",
            "--set application.version: input should be a valid string",
        ),
        (
            "engine.version=1.0.0.0",
            "--set engine.version: a version has three numbers, such as '1.2.3', and '1.0.0.0' is none",
        ),
        (
            "instance.enabled_extensions=[3, 'data']",
            "--set instance.enabled_extensions: instance.enabled_extensions[0]: input should be a valid string",
        ),
        ("ext.data.limi=3", "--set ext.data.limi: unknown key; did you mean 'limit'?"),
        ("ext.'data'.limi=3", "--set ext.data.limi: unknown key; did you mean 'limit'?"),
        (
            "ext.dat.limit=3",
            "--set ext.dat.limit: ext.dat: no extension of this name is enabled; did you mean 'data'?",
        ),
        ("exts.data.limit=3", "--set exts.data.limit: exts: unknown key; did you mean 'ext'?"),
        ("ext.data={limi = 3}", "--set ext.data: ext.data.limi: unknown key; did you mean 'limit'?"),
        (
            "ext.data.retry={tmes = 3}",
            "--set ext.data.retry: ext.data.retry.tmes: unknown key; did you mean 'times'?",
        ),
        (
            "ext.data.token.x=3",
            "--set ext.data.token.x: ext.data.token is a value, and no table: set that one",
        ),
        (
            "instance.enabled_extensions.x=3",
            "--set instance.enabled_extensions.x: instance.enabled_extensions is a value, and no table: set that one",
        ),
        (
            "ext.data.name={env = 'NOT_SET'}",
            "--set ext.data.name: the environment variable 'NOT_SET' is not set",
        ),
    ],
)
def test_what_is_wrong_with_a_setting_points_to_it(data: Folder, setting: str, problem: str) -> None:
    """And not to the line that it overrides."""
    text = f"{TABLE}limit = 7\ntoken = ''\nretry = {{}}\n"
    assert data.problems(text, setting) == [problem]


def test_other_problems_still_point_to_the_file(data: Folder) -> None:
    """A setting beside them is not to blame."""
    assert data.problems(f"{TABLE}limit = 'x'\nmode = 'slow'\n", "ext.data.limit=3") == [
        "app.toml:11: ext.data.mode: input should be 'fast' or 'safe'"
    ]


# Values from elsewhere.

SECRET = "correct horse battery"


def test_a_value_may_come_from_the_environment_or_a_file(
    data: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever a value may stand, and in a setting; it is a string, which its annotation may convert."""
    monkeypatch.setenv("SHOP_NAME", "a name")
    monkeypatch.setenv("SHOP_LIMIT", "12")
    monkeypatch.setenv("SHOP_MODE", "safe")
    (data.path / "keys").mkdir()
    (data.path / "keys" / "host").write_text("a host\n")
    text = f"""{TABLE}\
name = {{env = "SHOP_NAME"}}
limit = {{env = "SHOP_LIMIT"}}
hosts = ["a", {{file = "keys/host"}}]
retry = {{times = {{env = "SHOP_LIMIT"}}}}
"""
    application = data.load(text, 'ext.data.mode={env = "SHOP_MODE"}', 'application.name={env = "SHOP_NAME"}')
    assert application.create_info.application_info.application_name == "a name"
    (config,) = configs(application)
    assert (config.name, config.limit, config.hosts) == ("a name", 12, ["a", "a host"])
    assert (config.retry.times, config.mode) == (12, "safe")


def test_a_table_of_an_extension_is_never_a_value_from_elsewhere(folder: Folder) -> None:
    """A field may be called `env`; and so may one key of several in a value."""
    code = """
    @dataclass
    class Config:
        env: str
        of: dict[str, str] = field(default_factory=dict)
    web = plugin("web", Config)
    """
    folder.plugins("web_module", code, web="web")
    table = '[instance]\nenabled_extensions = ["web"]\n[ext.web]\nenv = "production"\n'
    assert folder.configure(table).env == "production"
    of = {"env": "a", "file": "b"}
    assert folder.configure(f'{table}of = {{env = "a", file = "b"}}\n').of == of


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"secret", "secret"),
        (b"secret\n", "secret"),
        (b"secret\r\n", "secret"),
        (b"secret\n\n", "secret\n"),
        (b" a\nb \n", " a\nb "),
        ("gehëim\n".encode(), "gehëim"),
        (b"", ""),
    ],
)
def test_the_newline_at_the_end_of_a_file_is_not_its_text(
    data: Folder, content: bytes, expected: str
) -> None:
    """The rest is."""
    (data.path / "secret").write_bytes(content)
    assert data.configure(f'{TABLE}name = {{file = "secret"}}\n').name == expected


def test_a_file_is_looked_for_beside_the_application_file(
    data: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in the working folder."""
    (data.path / "secret").write_text("beside")
    data.load(f'{TABLE}name = {{file = "secret"}}\n')
    elsewhere = data.path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "secret").write_text("elsewhere")
    monkeypatch.chdir(elsewhere)
    (config,) = configs(load_application("../app.toml"))
    assert config.name == "beside"


def test_a_value_that_is_missing_elsewhere_is_told_once(kind: Folder) -> None:
    """And not as missing in the table, though the class has no default."""
    assert kind.problems(f'{KIND_TABLE}host = {{env = "NOT_SET"}}\n') == [
        "app.toml:10: ext.kind.host: the environment variable 'NOT_SET' is not set"
    ]


def test_what_is_missing_elsewhere_is_told(data: Folder) -> None:
    """All of it, with its name."""
    (data.path / "latin").write_bytes(b"\xff")
    text = f"""{TABLE}\
name = {{env = "NOT_SET"}}
token = {{file = "nowhere"}}
hosts = [
  {{file = "latin"}},
  {{file = "."}},
]
"""
    assert data.problems(text) == [
        "app.toml:10: ext.data.name: the environment variable 'NOT_SET' is not set",
        "app.toml:11: ext.data.token: the file 'nowhere' cannot be read: No such file or directory",
        "app.toml:12: ext.data.hosts[0]: the file 'latin' is not UTF-8: save it as UTF-8",
        "app.toml:12: ext.data.hosts[1]: the file '.' cannot be read: Is a directory",
    ]


REFUSED = "is refused; the reason is not shown, since values here come from {env = …} or {file = …}"


@pytest.mark.parametrize("source", ['{env = "SECRET"}', '{file = "secret"}'])
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("token", f"ext.data: {REFUSED}"),
        (
            "limit",
            "ext.data.limit: input should be a valid integer, unable to parse string as an integer",
        ),
        ("mode", "ext.data.mode: input should be 'fast' or 'safe'"),
        ("hook", f"ext.data.hook: {REFUSED}"),
        ("rate", "ext.data.rate: input should be a valid number, unable to parse string as a number"),
    ],
)
# What a text may do to it: quote it, escape it, begin with it.
@pytest.mark.parametrize("secret", [SECRET, 'it\'s "quoted" \\ and\nbroken', "Zq"])
def test_a_secret_is_in_no_error(
    data: Folder, monkeypatch: pytest.MonkeyPatch, source: str, text: str, problem: str, secret: str
) -> None:
    """Not even where the class itself writes it into one, nor in the traceback."""
    monkeypatch.setenv("SECRET", secret)
    (data.path / "secret").write_text(secret)
    with pytest.raises(ApplicationFileError) as caught:
        data.load(f"{TABLE}{text} = {source}\n")
    assert [f"{each.key}: {each.text}" for each in caught.value.problems] == [problem]
    told = "".join(traceback.format_exception(caught.value))
    assert [secret in told, repr(secret)[1:-1] in told] == [False, False]


def test_a_secret_is_in_no_error_of_the_files_own_tables(
    data: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor in one about a setting."""
    monkeypatch.setenv("SECRET", SECRET)
    head = HEAD.replace('"1.2.3"', '{env = "SECRET"}')
    assert data.problems("", 'application.main={env = "SECRET"}', head=head) == [
        "app.toml:3: application.version: is not a version of three numbers, such as '1.2.3'",
        f"--set application.main: {REFUSED}",
    ]


def test_without_a_secret_the_words_of_a_class_are_shown(data: Folder) -> None:
    """With the traceback of what it raised, for `--traceback`."""
    with pytest.raises(ApplicationFileError) as caught:
        data.load(f'{TABLE}token = "abc"\n')
    assert str(caught.value) == "app.toml:9: ext.data: the token abc has expired"
    assert "in __post_init__" in "".join(traceback.format_exception(caught.value))


def test_what_a_class_refuses_is_told_with_the_settings_that_it_saw(data: Folder) -> None:
    """Its table stands in the file, but may be fine there."""
    assert data.problems(f"{TABLE}rate = 1.5\n", "ext.data.token=abc") == [
        "app.toml:9: ext.data: the token abc has expired (with --set ext.data.token)"
    ]
    # The place says so already, where the file has no table.
    assert data.problems(ENABLED, "ext.data.token=abc") == [
        "--set ext.data.token: ext.data: the token abc has expired"
    ]
    # And what no class has refused has nothing to do with it.
    assert data.problems(f"{TABLE}limit.a = 1\n", "ext.data.limit.b=1") == [
        "app.toml:10: ext.data.limit: input should be a valid integer"
    ]


def test_a_secret_of_one_extension_hides_no_reason_of_another(
    data: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has not seen it."""
    monkeypatch.setenv("SECRET", "abc")
    data.plugins(
        "other_module",
        "@dataclass\nclass Own:\n    token: str\nother = plugin('other', Own)\n",
        other="other",
    )
    text = """
    [instance]
    enabled_extensions = ["data", "other"]
    [ext.other]
    token = {env = "SECRET"}
    [ext.data]
    token = "abc"
    """
    assert data.problems(text) == ["app.toml:12: ext.data: the token abc has expired"]


def test_a_setting_never_shows_its_value(data: Folder) -> None:
    """It may be a secret too."""
    for setting in (f"ext.data.limit={SECRET}", f"ext.data.mode={SECRET}", f"ext.date.token={SECRET}"):
        assert SECRET not in "\n".join(data.problems(TABLE, setting))


def test_what_the_code_of_a_type_raises_is_a_bad_value(folder: Folder) -> None:
    """Nested classes, validators, and annotations that cannot be read."""
    code = """
    @dataclass
    class Inner:
        x: int
        def __post_init__(self): raise KeyError("inner")
    @dataclass
    class Outer:
        inner: Inner
    class Model(BaseModel):
        x: int
        @field_validator("x")
        @classmethod
        def check(cls, value): raise TypeError("validator")
    @dataclass
    class Odd:
        x: Annotated[int, Field(pattern="x")]
    outer, model, odd = plugin("outer", Outer), plugin("model", Model), plugin("odd", Odd)
    """
    head = "from pydantic import field_validator\n"
    folder.plugins("raising_module", head + textwrap.dedent(code), outer="outer", model="model", odd="odd")
    problems = folder.problems(
        '[instance]\nenabled_extensions = ["outer", "model", "odd"]\n[ext]\nouter.inner.x = 1\nmodel.x = 1\nodd.x = 1\n'
    )
    assert problems[:2] == [
        "app.toml:10: ext.outer.inner: KeyError: 'inner'",
        "app.toml:11: ext.model: TypeError: validator",
    ]
    assert problems[2].startswith("app.toml:12: ext.odd.x: TypeError: Unable to apply constraint 'pattern'")


def test_a_field_may_have_the_name_of_a_part_of_a_schema(folder: Folder) -> None:
    """Names and callables are found in it as in any other."""
    code = """
    class Speed(IntEnum):
        FAST = 1
    class Model(BaseModel):
        default: list[Speed]
        config: Callable[..., object]
        members: Speed
    model = plugin("model", Model)
    """
    folder.plugins("schema_module", code, model="model")
    (made,) = configs(
        folder.load(
            '[instance]\nenabled_extensions = ["model"]\n[ext.model]\n'
            'default = ["FAST"]\nconfig = "os:getcwd"\nmembers = "FAST"\n'
        )
    )
    assert (made.default[0].name, made.config, made.members.name) == ("FAST", os.getcwd, "FAST")


@pytest.mark.parametrize("error", ["PydanticCustomError('own', f'{value} is wrong')", "ValueError(value)"])
def test_a_secret_in_a_validators_own_words_is_not_shown(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    """Whatever way it takes to say them; and no cause quotes the table."""
    monkeypatch.setenv("SECRET", "s3cr3t-value")
    code = f"""
    class Model(BaseModel):
        token: str
        @field_validator("token")
        @classmethod
        def check(cls, value): raise {error}
    model = plugin("model", Model)
    """
    head = "from pydantic import field_validator\nfrom pydantic_core import PydanticCustomError\n"
    folder.plugins("words_module", head + textwrap.dedent(code), model="model")
    text = '[instance]\nenabled_extensions = ["model"]\n[ext.model]\ntoken = {env = "SECRET"}\n'
    with pytest.raises(ApplicationFileError) as caught:
        folder.load(text)
    assert "the reason is not shown" in str(caught.value)
    assert "s3cr3t" not in "".join(traceback.format_exception(caught.value))
    with pytest.raises(ApplicationFileError) as caught:
        folder.load(text.replace('{env = "SECRET"}', '"shown"'))
    assert "input_value" not in "".join(traceback.format_exception(caught.value))


def test_a_secret_hides_no_reason_but_those_that_may_tell_it(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong beside it is told, unless the words quote it, as they stand or escaped."""
    monkeypatch.setenv("SECRET", "s3cr3t\nvalue")
    code = """
    class Model(BaseModel):
        headers: dict[str, str]
        address: str
        other: str
        @field_validator("address")
        @classmethod
        def has_scheme(cls, value, info):
            quoted = repr(info.data["headers"]) if value == "quoted" else value
            raise ValueError(f"no address: {quoted}")
        @field_validator("other")
        @classmethod
        def check(cls, value, info): raise ValueError(info.data["headers"]["token"])
    model = plugin("model", Model)
    """
    head = "from pydantic import field_validator\n"
    folder.plugins("beside_module", head + textwrap.dedent(code), model="model")
    text = (
        '[instance]\nenabled_extensions = ["model"]\n[ext.model]\nheaders.token = {env = "SECRET"}\n'
        'address = "localhost"\nother = ""\n'
    )
    assert folder.problems(text) == [
        "app.toml:11: ext.model.address: no address: localhost",
        f"app.toml:12: ext.model.other: {REFUSED}",
    ]
    assert (
        folder.problems(text.replace("localhost", "quoted"))[0]
        == f"app.toml:11: ext.model.address: {REFUSED}"
    )


@pytest.mark.parametrize(
    ("secret", "quoted"),
    [
        ("S3cr3t-value", "token"),  # the first letter of a reason is made small
        ("  s3cr3t value ", "token.strip()"),
        ("s3cr3t-value", "token.upper()"),
        ("s3cr3t-value", "f'<{token[:5]}…>'"),
        ('pa"w', "json.dumps(token)"),
        ("pässw", "token.encode()"),
        ("пароль", "token.encode()"),
        ("пароль", "ascii(token)"),
        ("\nab", "repr(token)"),
        ("amqp://me:pw@host", "urlsplit(token).password"),
        ("0042", "int(token)"),
        ("!?", "token"),
    ],
)
@pytest.mark.parametrize("kind", ["model", "plain"])
def test_a_secret_is_not_shown_in_other_letters_or_in_part(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, secret: str, quoted: str, kind: str
) -> None:
    """Whatever a class makes of it before it tells what is wrong with a value beside it."""
    monkeypatch.setenv("SECRET", secret)
    code = f"""
    def told(token): return str({quoted})
    class Model(BaseModel):
        token: str
        rate: int
        @field_validator("rate")
        @classmethod
        def check(cls, value, info):
            raise ValueError("too much" if value > 1 else told(info.data["token"]))
    class Wrong(ValueError):
        argument = "rate"
    @dataclass
    class Plain:
        token: str
        rate: int
        def __post_init__(self): raise Wrong("too much" if self.rate > 1 else told(self.token))
    model, plain = plugin("model", Model), plugin("plain", Plain)
    """
    head = "import json\nfrom urllib.parse import urlsplit\nfrom pydantic import field_validator\n"
    folder.plugins("telling_module", head + textwrap.dedent(code), model="model", plain="plain")
    text = f'[instance]\nenabled_extensions = ["{kind}"]\n[ext.{kind}]\ntoken = {{env = "SECRET"}}\nrate = '
    assert folder.problems(f"{text}1\n") == [f"app.toml:11: ext.{kind}.rate: {REFUSED}"]
    assert folder.problems(f"{text}2\n") == [f"app.toml:11: ext.{kind}.rate: too much"]


def test_lines_are_found_fast_in_a_long_file(folder: Folder) -> None:
    """Also behind values of many lines."""
    numbers = "".join(f"    {number},  # one of many ]\n" for number in range(5_000))
    brackets = "[[[ \n" * 5_000
    text = f'numbers = [\n{numbers}]\ntext = """\n{brackets}"""\n'
    started = time.monotonic()
    assert folder.problems(
        f'[instance]\nenabled_extensions = ["data"]\nnode_ir = 1\n[other]\n{text}wrong = 1\n'
    )[:2] == [
        "app.toml:9: instance.node_ir: unknown key; did you mean 'node_id'?",
        "app.toml:10: other: unknown key; known: application, engine, instance, ext",
    ]
    assert time.monotonic() - started < 20


def test_the_table_of_a_set_aside_extension_waits_for_its_retry(folder: Folder) -> None:
    """It is checked with the others, and handed over when the extension is tried again."""
    code = """
    from hycore import PluginEXT as Base
    @dataclass
    class Config:
        limit: int = 1
    late = plugin("late", Config)
    late.REQUIRES = ("broken",)
    """
    folder.plugins("late_module", code, late="late")
    folder.plugins("broken_module", "raise ImportError('not yet')", broken="broken")
    text = '[instance]\noptional_extensions = ["broken", "late"]\n[ext.late]\n'
    assert folder.problems(f"{text}limmit = 10\n") == [
        "app.toml:10: ext.late.limmit: unknown key; did you mean 'limit'?"
    ]
    application = folder.load(f"{text}limit = 10\n")
    folder.site.module(
        "broken_module", PLUGINS + 'broken = plugin("broken")\n' + "# longer than before\n" * 9
    )
    importlib.invalidate_caches()
    with application.create() as instance:
        assert instance.retry("broken") is True
        assert instance.require_plugin_ext("late").config.limit == 10


def test_a_name_asked_for_twice_is_told_where_it_stands(folder: Folder) -> None:
    """It is a mistake of the file."""
    folder.plugins("twice_module", 'a = plugin("a")', a="a")
    assert folder.problems('[instance]\nenabled_extensions = ["a"]\noptional_extensions = ["a"]\n') == [
        "app.toml:9: instance.optional_extensions[0]: 'a' is asked for twice: ask for it once"
    ]


def test_a_number_may_come_from_the_environment(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes from there is text."""
    monkeypatch.setenv("NODE", "42")
    assert folder.load('[instance]\nnode_id = {env = "NODE"}\n').create_info.node_id == 42


def test_models_may_go_by_the_names_of_their_fields(folder: Folder) -> None:
    """As their configuration says."""
    code = """
    class Both(BaseModel, validate_by_name=True):
        size: int = Field(alias="Size")
    class Name(BaseModel, validate_by_name=True, validate_by_alias=False):
        size: int = Field(alias="Size")
    both, name = plugin("both", Both), plugin("name", Name)
    """
    folder.plugins("names_module", code, both="both", name="name")
    text = '[instance]\nenabled_extensions = ["both", "name"]\n[ext]\n'
    assert [config.size for config in configs(folder.load(f"{text}both.size = 1\nname.size = 2\n"))] == [1, 2]
    assert [config.size for config in configs(folder.load(f"{text}both.Size = 1\nname.size = 2\n"))] == [1, 2]
    assert "unknown key" in folder.problems(f"{text}both.Size = 1\nname.Size = 2\n")[0]
