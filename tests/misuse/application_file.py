"""Application files, settings, and the classes that they configure."""

from __future__ import annotations

import importlib
import os
from typing import Any

import pytest

from hypi.app import load_application
from hypi.app._schema import schema_of
from hypi.app._values import BadValueError
from misuse import MODULE, Place, Told, misuse

HEAD = """\
[application]
name = "shop"
version = "1.2.3"

[engine]
name = "Engine"
version = "0.4.0"

[instance]
"""

TABLES = """
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

import attrs
from hycore import PluginEXT

class Level(Enum):
    LOW = 10
    HIGH = 20

@attrs.define
class Retry:
    times: int = 1
    seconds: float = 0.5

@dataclass
class Config:
    limit: int
    level: Level = Level.LOW
    hosts: list[str] = field(default_factory=list)
    retry: Retry = field(default_factory=Retry)
    hook: Callable[[str], object] | None = None
    width: int | None = None

    def __post_init__(self):
        if self.limit > 100:
            raise ValueError(f"the limit is 100, and {self.limit} is beyond")

class Words(PluginEXT):
    UUID = uuid.UUID("cdb726aa-8656-586f-a5b5-ff09f37a83fb")
    NAME = "__EXT_words"
    DESCRIPTION = "Counts words"
    CREATE_INFO = Config
    def __init__(self, config): ...

class Lines(PluginEXT):
    UUID = uuid.UUID("b9adde02-3c9f-5b8e-a4d4-cf3ccca7a2e4")
    NAME = "__EXT_lines"
    DESCRIPTION = "Counts lines"

def main(instance, args): ...
def alone(): ...
async def later(instance, args): ...
def each(instance, args):
    yield
"""
WORDS = f'{HEAD}enabled_extensions = ["__EXT_words"]\n\n[ext.__EXT_words]\nlimit = 3\n'


def shop(place: Place, text: str, *settings: str) -> None:
    """Loads a file where `__EXT_words` and `__EXT_lines` are installed."""
    place.install("shop_words", TABLES, __EXT_words="@:Words", __EXT_lines="@:Lines")
    place.load(text, *settings)


@misuse
def path_as_number(place: Place) -> None:
    """The path is no path."""
    load_application(3)


@misuse
def settings_as_string(place: Place) -> None:
    """The settings are one string."""
    load_application("app.toml", settings="instance.node_id=7")


@misuse
def setting_as_tuple(place: Place) -> None:
    """A setting is a pair."""
    shop(place, WORDS, ("instance.node_id", "7"))


@misuse
def file_that_is_missing(place: Place) -> None:
    """There is no such file."""
    load_application(place.folder / "ap.toml")


@misuse
def file_that_is_a_folder(place: Place) -> None:
    """The file is a folder."""
    load_application(place.folder)


@misuse
def file_of_no_path(place: Place) -> None:
    """The path cannot be one."""
    load_application("app\0.toml")


@misuse
def file_with_a_mark(place: Place) -> None:
    """The file begins with a byte order mark."""
    shop(place, "\ufeff" + WORDS)


@misuse
def file_in_another_encoding(place: Place) -> None:
    """The file is not UTF-8."""
    (place.folder / "app.toml").write_bytes('[application]\nname = "Café"\n'.encode("latin-1"))
    load_application(place.folder / "app.toml")


@misuse
def file_with_a_slip(place: Place) -> None:
    """The file is not TOML."""
    shop(place, WORDS.replace("limit = 3", "limit: 3"))


@misuse
def file_with_an_open_string(place: Place) -> None:
    """The file ends inside of a string."""
    shop(place, WORDS + 'width = """')


@misuse
def file_with_many_brackets(place: Place) -> None:
    """The file has more brackets in each other than can be read."""
    shop(place, f"{HEAD}groups = {'[' * 3000}")


@misuse
def file_with_a_long_number(place: Place) -> None:
    """The file has a number of more digits than can be read."""
    shop(place, f"{HEAD}node_id = {'9' * 5000}")


@misuse
def setting_without_a_value(place: Place) -> None:
    """A setting has no value."""
    shop(place, WORDS, "instance.node_id")


@misuse
def setting_below_a_value(place: Place) -> None:
    """A setting names a key of a value."""
    shop(place, WORDS, "ext.__EXT_words.limit.most=3")


@misuse
def setting_of_an_extension_that_is_off(place: Place) -> None:
    """A setting configures an extension that is not enabled."""
    shop(place, WORDS, "ext.__EXT_word.limit=3")


@misuse
def tables_in_tables(place: Place) -> None:
    """The file has more tables in each other than can be read."""
    shop(place, WORDS + "width" + ".a" * 5000 + " = 3\n")


@misuse
def nothing_in_the_file(place: Place) -> None:
    """The file is empty."""
    shop(place, "")


@misuse
def no_version(place: Place) -> None:
    """A key is missing."""
    shop(place, WORDS.replace('version = "0.4.0"\n', ""))


@misuse
def unknown_table(place: Place) -> None:
    """A table has a slip in its name."""
    shop(place, WORDS + "[extt]\n")


@misuse
def unknown_key(place: Place) -> None:
    """A key has a slip in its name."""
    shop(place, WORDS.replace("enabled_extensions", "enabled_extension"))


@misuse
def unknown_key_like_no_other(place: Place) -> None:
    """A key is like no other."""
    shop(place, WORDS.replace("[instance]\n", "[instance]\ncolour = 3\n"))


@misuse
def version_of_two_numbers(place: Place) -> None:
    """A version has two numbers."""
    shop(place, WORDS.replace("1.2.3", "1.2"))


@misuse
def version_beyond(place: Place) -> None:
    """A version has a number beyond 65535."""
    shop(place, WORDS.replace("1.2.3", "1.2.65536"))


@misuse
def version_from_elsewhere(place: Place) -> None:
    """A version of the environment is none."""
    place.patch.setenv("SHOP_VERSION", "latest")
    shop(place, WORDS.replace('"1.2.3"', '{env = "SHOP_VERSION"}'))


@misuse
def list_as_string(place: Place) -> None:
    """The extensions are one string."""
    shop(place, WORDS.replace('["__EXT_words"]', '"__EXT_words"'))


@misuse
def list_as_number(place: Place) -> None:
    """The extensions are a number."""
    shop(place, WORDS.replace('["__EXT_words"]', "3"))


@misuse
def node_beyond(place: Place) -> None:
    """A number is beyond what fits."""
    shop(place, WORDS.replace("[instance]\n", "[instance]\nnode_id = 4294967296\n"))


@misuse
def unused_ext_of_another_word(place: Place) -> None:
    """A choice is none of those that there are."""
    shop(place, WORDS.replace("[instance]\n", '[instance]\nunused_ext = "raise"\n'))


@misuse
def application_as_value(place: Place) -> None:
    """application is a value."""
    shop(place, f"application = 3\n{WORDS.partition('1.2.3')[2][2:]}")


@misuse
def instance_as_array(place: Place) -> None:
    """instance is an array of tables."""
    shop(place, WORDS.replace("[instance]", "[[instance]]"))


@misuse
def ext_as_value(place: Place) -> None:
    """ext is a value."""
    shop(place, f"ext = 3\n{HEAD}")


@misuse
def table_as_value(place: Place) -> None:
    """The table of an extension is a value."""
    shop(place, f"ext.__EXT_words = 3\n{HEAD}optional_extensions = ['__EXT_words']")


@misuse
def table_of_an_extension_that_is_off(place: Place) -> None:
    """The table of an extension that is installed and not enabled."""
    shop(place, WORDS.replace('["__EXT_words"]', '["__EXT_lines"]'))


@misuse
def table_with_a_slip(place: Place) -> None:
    """The table of an extension has a slip in its name."""
    shop(place, WORDS.replace("[ext.__EXT_words]", "[ext.__EXT_word]"))


@misuse
def table_where_nothing_is_on(place: Place) -> None:
    """The table of an extension where none is enabled."""
    shop(place, f"{HEAD}\n[ext.__EXT_database]\n")


@misuse
def table_of_no_configuration(place: Place) -> None:
    """The table of an extension that takes no configuration."""
    shop(place, f'{HEAD}enabled_extensions = ["__EXT_lines"]\n\n[ext.__EXT_lines]\nlimit = 3\n')


@misuse
def no_table(place: Place) -> None:
    """The table of an extension is missing."""
    shop(place, WORDS.partition("[ext")[0])


@misuse
def no_value(place: Place) -> None:
    """A value of an extension is missing."""
    shop(place, WORDS.replace("limit = 3", ""))


@misuse
def name_asked_for_twice(place: Place) -> None:
    """An extension is asked for twice."""
    shop(place, WORDS.replace('"__EXT_words"]', '"__EXT_words", "__EXT_words"]'))


@misuse
def unknown_extension(place: Place) -> None:
    """An extension is not installed."""
    shop(place, WORDS.replace('"__EXT_words"]', '"__EXT_words", "__EXT_line"]'))


@misuse
def value_of_another_type(place: Place) -> None:
    """A value has another type."""
    shop(place, WORDS.replace("limit = 3", 'limit = "three"'))


@misuse
def value_that_the_class_refuses(place: Place) -> None:
    """A value is refused by the class of the configuration."""
    shop(place, WORDS.replace("limit = 3", "limit = 300"))


@misuse
def member_that_is_missing(place: Place) -> None:
    """A value is no member of its enumeration."""
    shop(place, WORDS + 'level = "MIDDLE"\n')


@misuse
def nested_key(place: Place) -> None:
    """A key of a table in a table has a slip in its name."""
    shop(place, WORDS + "retry = {time = 3}\n")


@misuse
def logger_too_loud(place: Place) -> None:
    """The logger has a level that there is not."""
    text = f'{HEAD}enabled_extensions = ["__EXT_hyperion_logger"]\n\n[ext.__EXT_hyperion_logger]\nlevel = "LOUD"\n'
    place.load(text, group="hycore.plugins")


@misuse
def environment_without_it(place: Place) -> None:
    """A variable of the environment is not set."""
    shop(place, WORDS.replace("limit = 3", 'limit = {env = "SHOP_LIMIT"}'))


@misuse
def environment_with_a_secret(place: Place) -> None:
    """A value of the environment is refused by the class of the configuration."""
    place.patch.setenv("SHOP_LIMIT", "300")
    shop(place, WORDS.replace("limit = 3", 'limit = {env = "SHOP_LIMIT"}'))


@misuse
def value_file_that_is_missing(place: Place) -> None:
    """A file with a value is not there."""
    shop(place, WORDS.replace("limit = 3", 'limit = {file = "limit.txt"}'))


@misuse
def value_file_in_another_encoding(place: Place) -> None:
    """A file with a value is not UTF-8."""
    (place.folder / "limit.txt").write_bytes(b"\xff")
    shop(place, WORDS.replace("limit = 3", 'limit = {file = "limit.txt"}'))


@misuse
def value_file_that_is_a_pipe(place: Place) -> None:
    """A file with a value is a pipe."""
    os.mkfifo(place.folder / "limit.txt")
    shop(place, WORDS.replace("limit = 3", 'limit = {file = "limit.txt"}'))


@misuse
def value_file_of_no_path(place: Place) -> None:
    """A file with a value has a path that cannot be."""
    shop(place, WORDS.replace("limit = 3", r'limit = {file = "limit\u0000.txt"}'))


def with_main(place: Place, main: str) -> None:
    shop(place, WORDS.replace('"1.2.3"\n', f'"1.2.3"\nmain = "{main}"\n'))


@misuse
def main_without_a_function(place: Place) -> None:
    """main names a module, and no function."""
    with_main(place, "shop_words")


@misuse
def main_of_no_module(place: Place) -> None:
    """main names a module that is not there."""
    with_main(place, "shop_wrods:main")


@misuse
def main_with_a_slip(place: Place) -> None:
    """main has a slip in its name."""
    with_main(place, "shop_words:mian")


@misuse
def main_of_a_class(place: Place) -> None:
    """main names something of a class that is not there."""
    with_main(place, "shop_words:Level.MIDDLE")


@misuse
def main_that_is_a_value(place: Place) -> None:
    """main is no function."""
    with_main(place, "shop_words:__name__")


@misuse
def main_that_takes_nothing(place: Place) -> None:
    """main takes nothing."""
    with_main(place, "shop_words:alone")


@misuse
def main_that_waits(place: Place) -> None:
    """main is asynchronous."""
    with_main(place, "shop_words:later")


@misuse
def main_with_a_yield(place: Place) -> None:
    """main is a generator."""
    with_main(place, "shop_words:each")


@misuse
def attribute_that_raises(place: Place) -> None:
    """main names something that raises when it is read."""
    code = (
        "class Shop:\n    def __getattr__(self, name):\n        raise ValueError('closed')\nshop = Shop()\n"
    )
    place.install("odd_shop", code)
    with_main(place, "odd_shop:shop.main")


@misuse
def hook_that_is_a_value(place: Place) -> None:
    """A callable of an extension cannot be called."""
    shop(place, WORDS + 'hook = "shop_words:__name__"\n')


UNREADABLE = """
class Unreadable:
    @classmethod
    def __get_pydantic_core_schema__(cls, source, handler):
        raise ValueError("words are no values")
"""


def odd(place: Place, code: str) -> None:
    """Loads a file for an extension whose `CREATE_INFO` is `Config` of this code."""
    words = MODULE.replace("class Words", f"{code}\nclass Words") + "Words.CREATE_INFO = Config\n"
    place.install("odd_words", words, __EXT_words="@:Words")
    place.load(WORDS)


@misuse
def class_of_an_unknown_annotation(place: Place) -> None:
    """The configuration of an extension has an annotation that is not defined."""
    odd(place, "class Config:\n    def __init__(self, limit: 'Number'): ...")


@misuse
def class_without_a_signature(place: Place) -> None:
    """The configuration of an extension cannot be called."""
    odd(place, "class Config:\n    __signature__ = 3\n")


@misuse
def class_of_an_unreadable_type(place: Place) -> None:
    """The configuration of an extension has a type that no file can hold."""
    odd(place, f"{UNREADABLE}\nclass Config:\n    def __init__(self, limit: Unreadable): ...")


@misuse
def type_that_raises(place: Place) -> None:
    """The type of a value raises something odd."""
    code = """
from typing import Annotated
from pydantic import AfterValidator
def odd(limit):
    raise KeyError("words")
class Config:
    def __init__(self, limit: Annotated[int, AfterValidator(odd)]): ...
"""
    odd(place, code)


@misuse
def class_that_validates(place: Place) -> None:
    """The configuration of an extension validates a value with Pydantic."""
    code = """
from pydantic import BaseModel
class Limit(BaseModel):
    words: int
class Config:
    def __init__(self, limit: object):
        Limit(words="three")
"""
    odd(place, code)


@misuse
def nested_class(place: Place) -> None:
    """Two things are wrong with a nested class of attrs."""
    shop(place, WORDS.replace("limit = 3", 'limit = 3\nretry = {times = "three", second = 3}'))


@misuse
def nested_model(place: Place) -> None:
    """Two things are wrong with a nested model of Pydantic."""
    code = """
from pydantic import BaseModel
class Limit(BaseModel):
    words: int
class Config:
    def __init__(self, limit: Limit): ...
"""
    words = MODULE.replace("class Words", f"{code}\nclass Words") + "Words.CREATE_INFO = Config\n"
    place.install("odd_words", words, __EXT_words="@:Words")
    place.load(WORDS.replace("limit = 3", 'limit = {words = "three", word = 3}'))


@misuse
def class_that_raises(place: Place) -> None:
    """The configuration of an extension raises something odd."""
    odd(place, "class Config:\n    def __init__(self, limit: int): raise KeyError('words')")


@misuse
def class_that_raises_without_words(place: Place) -> None:
    """The configuration of an extension raises without a word."""
    odd(place, "class Config:\n    def __init__(self, limit: int): raise ValueError")


@misuse
def everything_at_once(place: Place) -> None:
    """Seven things are wrong with one file."""
    text = """\
[application]
name = "shop"
version = "1.2"
main = "shop_words:mian"

[engine]
naem = "Engine"
version = "0.4.0"

[instance]
enabled_extensions = ["__EXT_words", "__EXT_line"]

[ext.__EXT_words]
limit = "three"
levl = "LOW"

[ext.__EXT_lines]
"""
    shop(place, text, "instance.node_id=seven")


@misuse
def schema_of_an_unreadable_type(place: Place) -> Told:
    """A schema is asked for of a type that no file can hold."""
    place.install(
        "odd_words", f"{UNREADABLE}\nclass Config:\n    def __init__(self, limit: Unreadable): ...\n"
    )
    config: Any = importlib.import_module("odd_words").Config
    with pytest.raises(BadValueError) as caught:
        schema_of(config)
    return Told("told by hyperion schema", "\n".join(wrong.text for wrong in caught.value.problems))
