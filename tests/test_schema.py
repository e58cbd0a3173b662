"""The JSON schemas of configuration and of application files agree with what the application file's reader takes."""

from __future__ import annotations

import enum
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import attrs
import pydantic
import pytest
from jsonschema import Draft202012Validator

from hycore.ext.hylog import LogCreateInfoEXT
from hypi.app._schema import application_schema, schema_of
from hypi.app._values import BadValueError, build

ROOT = Path(__file__).resolve().parents[1]


class Color(enum.Enum):
    RED = "r"
    BLUE = "b"


@attrs.define
class Box:
    size: int = 1
    inner: Box | None = None


@dataclass
class Plain:
    count: int
    color: Color = Color.RED
    names: list[str] = field(default_factory=list)
    hook: Callable[[int], int] | None = None
    mode: Literal["fast", "slow"] = "fast"
    shares: dict[str, float] = field(default_factory=dict)
    handle: object = None


@attrs.define
class Attrs:
    count: int
    box: Box = attrs.field(factory=Box)
    boxes: list[Box] = attrs.field(factory=list)


class Model(pydantic.BaseModel):
    count: Annotated[int, pydantic.Field(ge=0, alias="Count")]
    again: list[Model] = []
    either: Plain | Literal["none"] = "none"


class Both(pydantic.BaseModel, populate_by_name=True):
    count: Annotated[int, pydantic.Field(alias="Count")] = 0


class Written:
    def __init__(self, count: int, *, color: Color = Color.BLUE) -> None:
        self.count, self.color = count, color


def takes(kind: type, values: dict[str, Any]) -> bool:
    try:
        build(kind, values)
    except BadValueError:
        return False
    return True


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Plain, "count = 3"),
        (Plain, ""),
        (Plain, "count = 3\ncolor = 'BLUE'"),
        (Plain, "count = 3\ncolor = 'b'"),
        (Plain, "count = 3\ncolor = 'GREEN'"),
        (Plain, "count = 3\nnames = ['a', 'b']"),
        (Plain, "count = 3\nnames = 'a'"),
        (Plain, "count = 3\nnames = [1]"),
        (Plain, "count = 3\nhook = 'math:floor'"),
        (Plain, "count = 3\nhook = 'floor'"),
        (Plain, "count = 3\nhook = 3"),
        (Plain, "count = 3\nmode = 'slow'"),
        (Plain, "count = 3\nmode = 'slower'"),
        (Plain, "count = 3\nshares = {a = 0.5}"),
        (Plain, "count = 3\nshares = {a = 'x'}"),
        (Plain, "count = 3\ncont = 3"),
        (Plain, "count = 'x'"),
        (Attrs, "count = 3"),
        (Attrs, "count = 3\nbox = {size = 2}"),
        (Attrs, "count = 3\nbox = {siz = 2}"),
        (Attrs, "count = 3\nbox = {size = 'x'}"),
        (Attrs, "count = 3\nboxes = [{size = 2}, {inner = {size = 4}}]"),
        (Attrs, "count = 3\nboxes = [{size = 2}, {siz = 3}]"),
        (Model, "Count = 3"),
        (Model, "count = 3"),
        (Model, "Count = -3"),
        (Model, "Count = 3\nagain = [{Count = 4, again = []}]"),
        (Model, "Count = 3\nagain = [{Cont = 4}]"),
        (Model, "Count = 3\neither = 'none'"),
        (Model, "Count = 3\neither = {count = 4}"),
        (Model, "Count = 3\neither = {count = 4, coun = 3}"),
        (Both, "Count = 3"),
        (Both, "count = 3"),
        (Written, "count = 3\ncolor = 'RED'"),
        (Written, "color = 'RED'"),
        (Written, "count = 3\ncolour = 'RED'"),
        (LogCreateInfoEXT, "level = 'TRACE'\ncallback = 'builtins:print'\noutput = 'stderr'"),
        (LogCreateInfoEXT, "levle = 'TRACE'"),
        (LogCreateInfoEXT, "callback = 'print'"),
        (LogCreateInfoEXT, "output = {json = '/dev/null'}"),
        (LogCreateInfoEXT, "output = 'nowhere'"),
    ],
)
def test_what_the_reader_takes_the_schema_takes(kind: type, text: str) -> None:
    """And what it refuses is refused, as far as types can say."""
    schema = schema_of(kind)
    Draft202012Validator.check_schema(schema)
    values = tomllib.loads(text)
    assert Draft202012Validator(schema).is_valid(values) == takes(kind, values)


@pytest.mark.parametrize("kind", [Plain, Attrs, Model])
def test_any_value_may_come_from_elsewhere(kind: type) -> None:
    """From an environment variable or a file; of one of them at a time."""
    validator = Draft202012Validator(schema_of(kind))
    name = "Count" if kind is Model else "count"
    assert validator.is_valid({name: {"env": "COUNT"}})
    assert validator.is_valid({name: {"file": "count.txt"}})
    assert not validator.is_valid({name: {"env": "COUNT", "file": "count.txt"}})
    assert not validator.is_valid({name: {"env": 3}})


def test_what_no_file_can_hold_may_not_be_written() -> None:
    """An object of a class that only Python code can make."""

    class Handle:
        pass

    @dataclass
    class Config:
        handle: Any = None
        other: Handle | None = None

    Config.__annotations__["other"] = Handle | None
    schema = schema_of(Config)
    assert Draft202012Validator(schema).is_valid({"handle": 3})
    assert not Draft202012Validator(schema).is_valid({"other": 3})


def test_two_extensions_may_use_one_name_for_different_things() -> None:
    """Each table keeps its own definitions."""

    def of(hint: Any) -> type:
        class Config(pydantic.BaseModel):
            value: hint
            again: list[Config] = []

        return Config

    schema = application_schema(
        {"a": schema_of(of(int)), "b": schema_of(of(str)), "c": None}, ["a", "b", "c"]
    )
    Draft202012Validator.check_schema(schema)
    table = {"name": "x", "version": "1.0.0"}

    def is_valid(ext: dict[str, Any]) -> bool:
        return Draft202012Validator(schema).is_valid({"application": table, "engine": table, "ext": ext})

    assert is_valid(
        {"a": {"value": 3, "again": [{"value": 4}]}, "b": {"value": "x", "again": [{"value": "y"}]}}
    )
    assert not is_valid({"a": {"value": "x"}})
    assert not is_valid({"a": {"value": 3, "again": [{"value": "y"}]}})
    assert not is_valid({"b": {"value": "x", "again": [{"value": 4}]}})
    assert not is_valid({"c": {}})
    assert not is_valid({"d": {}})


@pytest.mark.parametrize(
    ("old", "new", "is_valid"),
    [
        ("[application]", "[application]", True),
        ("deferred = true", "deferrd = true", False),
        ("complex_from = 25", "complex_from = 'many'", False),
        ("complex_from = 25", "complex_from = {env = 'MANY'}", True),
        ('version = "1.0.0"', 'version = "1.0"', False),
        ("[instance]", "[instance]\nnode = 3", False),
        ("[instance]", "[instance]\nnode_id = -1", False),
        ("[instance]", "[instance]\nunused_ext = 'warn'", True),
        ('[ext."__EXT_table"]', '[ext."__EXT_tabel"]', False),
    ],
)
def test_the_schema_of_the_example_fits_its_file(
    old: str, new: str, is_valid: bool, example_schema: Any
) -> None:
    """And finds what is wrong in it."""
    text = (ROOT / "examples/inspect/app.toml").read_text("utf-8")
    assert old in text
    values = tomllib.loads(text.replace(old, new, 1))
    assert Draft202012Validator(example_schema).is_valid(values) == is_valid


@pytest.fixture(scope="module")
def example_schema() -> Any:
    import json

    done = subprocess.run(
        [sys.executable, "-P", "-m", "hypi", "schema", "examples/inspect/app.toml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=50,
    )
    schema = json.loads(done.stdout)
    Draft202012Validator.check_schema(schema)
    return schema
