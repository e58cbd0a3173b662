"""Reading an application file, and creating what it describes.

Layer: `hypi.app`, on top of it.
"""

from __future__ import annotations

import inspect
import os
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, final

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, ValidationError, field_validator

from hycore.base import InstanceContext, Plan
from hycore.base import api as runtime
from hycore.ext import Inventory, PluginEXT, PluginRegistry, default_inventory
from hycore.utils.error import ArgumentTypeError, DuplicatedKeyError, HyError, PlanError, PluginLoadError
from hycore.utils.opaque import AddressedObject
from hypi.api import Version
from hypi.app._problems import ApplicationFileError, Keys, Lines, Problem, did_you_mean, is_in, spelled
from hypi.app._values import BadValueError, build, imported, pydantic_problems, required_parameters

__all__ = [
    "TABLES",
    "Application",
    "about",
    "around",
    "asked_for",
    "groups_of",
    "load_application",
    "modules_of",
    "needs_table",
]

Main = Callable[[InstanceContext, list[str]], object]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Named(_Table):
    name: StrictStr
    version: Annotated[
        StrictStr,
        Field(
            description='Three numbers, such as "1.0.0"',
            json_schema_extra={"pattern": r"^[0-9]+\.[0-9]+\.[0-9]+$"},
        ),
    ]


class _ApplicationTable(_Named):
    main: Annotated[
        StrictStr | None,
        Field(description='A function main(instance, args), as "package.module:name"'),
    ] = None


class _InstanceTable(_Table):
    node_id: Annotated[StrictInt, Field(ge=0, le=0xFFFF_FFFF, description="Goes into each UUID")] = 0
    enabled_extensions: Annotated[list[StrictStr], Field(description="All of these must come up")] = []
    optional_extensions: Annotated[list[StrictStr], Field(description="These may be missing or fail")] = []
    groups: Annotated[
        list[StrictStr] | None,
        Field(
            description="The groups of entry points to look for extensions in: hycore.plugins, if not given"
        ),
    ] = None
    unused_ext: Annotated[
        Literal["error", "warn", "ignore"],
        Field(description="What to do about configuration that nobody took"),
    ] = "error"

    @field_validator("node_id", mode="before")
    @classmethod
    def _of_text(cls, value: object) -> object:
        """What comes from the environment, or from a file, is text."""
        return int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() else value


TABLES: dict[str, type[_Table]] = {
    "application": _ApplicationTable,
    "engine": _Named,
    "instance": _InstanceTable,
}
_LISTS = ("enabled_extensions", "optional_extensions")
_EXAMPLES = {"name": '"…"', "version": '"1.0.0"'}

Kind = TypeVar("Kind", bound=_Table)


@final
@dataclass(frozen=True, slots=True)
class Application:
    """What an application file describes, read, checked and planned; ready to be created any number of times.

    - `path`: the file.
    - `main`: what is called with the instance and the arguments, or `None`.
    - `create_info`: with a configuration object for each table of an extension, addressed to that extension.
    - `plan`, `inventory`: which extensions come up, and where they were found.
    """

    path: Path
    main: Main | None
    create_info: runtime.InstanceCreateInfo
    plan: Plan
    inventory: Inventory

    def create(self, *, profile: bool = False) -> InstanceContext:
        """Brings up an instance; `InstanceContext.create` tells what is raised."""
        return InstanceContext.create(
            self.create_info, inventory=self.inventory, plan=self.plan, profile=profile
        )

    async def acreate(
        self,
        *,
        profile: bool = False,
        initialize_timeout: float | None = None,
        undo_timeout: float | None = None,
    ) -> InstanceContext:
        """Brings up an instance whose hooks may be `async def`; `InstanceContext.acreate` tells of the arguments.

        An application with such hooks must be loaded with `asynchronous=True`.
        """
        return await InstanceContext.acreate(
            self.create_info,
            inventory=self.inventory,
            plan=self.plan,
            profile=profile,
            initialize_timeout=initialize_timeout,
            undo_timeout=undo_timeout,
        )


def load_application(
    path: str | os.PathLike[str],
    *,
    settings: Iterable[str] = (),
    groups: Iterable[str] | None = None,
    asynchronous: bool = False,
) -> Application:
    """Reads an application file, imports its `main` and the extensions that it enables, and plans.

    `settings` are `KEY=VALUE` texts that override single values; the value is TOML, or else taken as a string.
    `groups` replace those of the file. `asynchronous` says that `acreate` will be called, so that hooks may be
    `async def`. What `main` and the extensions need must be importable: `hyperion run` puts the
    folder of the file on `sys.path`, this function does not.

    Raises `ApplicationFileError` for what is wrong in the file or the settings, all of it, with file, key and line;
    and `PlanError` if only extensions keep the application from starting.
    """
    if not isinstance(path, str | os.PathLike):
        raise ArgumentTypeError("path", "the path of an application file", path)
    for argument, texts in (("settings", settings), ("groups", groups)):
        if isinstance(texts, str):
            raise ArgumentTypeError(argument, f"a list of strings, such as [{texts!r}]", texts)
    reader = _Reader(Path(path))
    reader.read()
    for setting in settings:
        if not isinstance(setting, str):
            raise ArgumentTypeError("each setting", "a string such as 'instance.node_id=7'", setting)
        reader.override(setting)
    reader.resolve_all()
    return reader.application(groups, asynchronous=asynchronous)


around: Callable[[Keys, str], AbstractContextManager[None]] | None = None
"""What tools put around the code of others that runs while a file is read: where it is asked for, and words for it."""


def asked_for(
    path: str | os.PathLike[str], groups: Iterable[str] | None = None
) -> tuple[list[str], list[str], Inventory]:
    """The extensions that a file enables, the optional ones, and where to find them, whatever else may be wrong in it.

    Raises `ApplicationFileError` if that much cannot be read.
    """
    reader, instance = _instance_of(path)
    reader.imported_main(reader.named_main())  # it may register extensions
    enabled = list(dict.fromkeys(instance.enabled_extensions))
    optional = [name for name in dict.fromkeys(instance.optional_extensions) if name not in enabled]
    return enabled, optional, _inventory(tuple(groups) if groups is not None else instance.groups)


def groups_of(path: str | os.PathLike[str]) -> list[str] | None:
    """The groups of entry points that a file names, or `None`; raises `ApplicationFileError` if it cannot be read."""
    return _instance_of(path)[1].groups


def modules_of(
    path: str | os.PathLike[str], *, settings: Iterable[str] = (), groups: Iterable[str] | None = None
) -> list[str]:
    """The modules of a file's main and of the installed extensions that it asks for, by name; imports none of them.

    Raises `ApplicationFileError` if that much cannot be read.
    """
    reader, instance = _instance_of(path, settings)
    claims = _inventory(tuple(groups) if groups is not None else instance.groups).snapshot().by_name
    asked = [*instance.enabled_extensions, *instance.optional_extensions]
    targets = [reader.named_main() or "", *[entry.target for name in asked for entry in claims.get(name, ())]]
    modules = [target.partition(":")[0].strip() for target in targets]
    return list(dict.fromkeys(filter(None, modules)))


def _instance_of(
    path: str | os.PathLike[str], settings: Iterable[str] = ()
) -> tuple[_Reader, _InstanceTable]:
    reader = _Reader(Path(path))
    reader.read()
    for setting in settings:
        reader.override(setting)
    reader.resolve_all()
    return reader, reader.table("instance", _InstanceTable) or reader.what_is_right_of_instance()


def needs_table(registry: PluginRegistry) -> bool:
    """Whether an extension cannot make its configuration from defaults."""
    return bool(_required(registry))


def _required(registry: PluginRegistry) -> list[str]:
    """What a file must say for the default `new` of an extension to have its configuration."""
    kind = registry.create_info
    new: Any = getattr(registry.plugin_class, "new", None)
    if kind is None or getattr(new, "__func__", None) is not PluginEXT.__dict__["new"].__func__:
        return []
    try:
        return required_parameters(kind)
    except BadValueError:
        return []


@final
@dataclass(frozen=True, slots=True)
class _FileOrigin:
    """Where an application file, or what overrides it, asks for extensions."""

    places: Mapping[str, tuple[str, str]]

    def place_of(self, field: str) -> tuple[str, str]:
        """What gives the list, and where it stands."""
        return self.places[field]


class _Reader:
    """One reading of one file; collects what is wrong."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = Lines("")
        self.data: dict[str, Any] = {}
        self.settings: dict[Keys, str] = {}
        self.hidden: dict[Keys, str] = {}  # the values that come from elsewhere, and may be secret
        self.unresolved: set[Keys] = set()  # those that are not there
        self.problems: list[Problem] = []
        self.refused: list[Keys] = []  # where they are
        self.causes: list[BaseException] = []

    def fail(self, text: str, line: int | None = None) -> ApplicationFileError:
        where = f"{self.path}:{line}" if line is not None else str(self.path)
        return ApplicationFileError(str(self.path), [Problem(where, "", text)])

    def refuse(self, keys: Keys, text: str) -> None:
        """Notes a problem, at the line or the setting that the value comes from."""
        self.refused.append(keys)
        if keys not in self.unresolved:
            self.problems.append(Problem(self.place(keys), spelled(keys), text))

    def place(self, keys: Keys) -> str:
        for length in range(len(keys), 0, -1):
            if keys[:length] in self.settings:
                return f"--set {self.settings[keys[:length]]}"
        if self.lines.exactly(keys) is None:
            for setting, shown in self.settings.items():
                if setting[: len(keys)] == keys:
                    return f"--set {shown}"
        line = self.lines.find(keys)
        return f"{self.path}:{line}" if line is not None else str(self.path)

    def refuse_values(self, around: Keys, error: BadValueError) -> None:
        """Notes what is wrong with values; a text that may quote one that came from elsewhere is not shown."""
        hidden = {place: value for place, value in self.hidden.items() if place[: len(around)] == around}
        parts = _parts(*[form for value in hidden.values() for form in _forms(value)])
        for wrong in error.problems:
            keys, text = (*around, *wrong.keys), wrong.text
            if wrong.foreign and (
                not parts.isdisjoint(_parts(text))
                or any(_may_quote(text, keys, *each) for each in hidden.items())
            ):
                text = (
                    "is refused; the reason is not shown, since values here come from {env = …} or {file = …}"
                )
            below = [
                shown for setting, shown in self.settings.items() if setting[: len(keys)] == keys != setting
            ]
            if wrong.foreign and below and not self.place(keys).startswith("--set "):
                text += f" (with {', '.join(f'--set {shown}' for shown in below)})"
            self.refuse(keys, text)
        if not hidden and error.__cause__ is not None:
            self.causes.append(error.__cause__)

    def read(self) -> None:
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            raise self.fail("there is no such file; name the application file, such as app.toml") from None
        except OSError as error:
            raise self.fail(f"cannot be read: {error.strerror}") from None
        except ValueError as error:  # a path that cannot be
            raise self.fail(f"cannot be read: {error}") from None
        if raw.startswith(b"\xef\xbb\xbf"):
            raise self.fail("begins with a byte order mark, which TOML has not: save it as plain UTF-8", 1)
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise self.fail("is not UTF-8, as TOML must be: save it as UTF-8", line) from None
        try:
            self.data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            last = text.rstrip().count("\n") + 1
            found = re.search(r" \(at line (\d+), column (\d+)\)$", str(error))
            if found is None:
                reason = str(error).removesuffix(" (at end of document)")
                raise self.fail(f"is not TOML: {reason}", last) from None
            reason = f"is not TOML: {str(error)[: found.start()]} (column {found[2]})"
            raise self.fail(reason, int(found[1])) from None
        except RecursionError:  # 3,000 brackets
            raise self.fail("has arrays in arrays deeper than can be read") from None
        except ValueError as error:  # a number of 5,000 digits
            raise self.fail(f"is not TOML that can be read: {error}") from None
        self.lines = Lines(text)

    def override(self, setting: str) -> None:
        """Puts one `KEY=VALUE` into the data."""
        keys, value = _split(setting)
        if not keys:
            shown = setting.partition("=")[0].strip()
            problem = Problem(f"--set {shown}", "", "write it as KEY=VALUE, such as --set instance.node_id=7")
            raise ApplicationFileError(str(self.path), [problem])
        shown = spelled(keys)
        table: Any = self.data
        for length, name in enumerate(keys[:-1], start=1):
            table = table.setdefault(name, {})
            if not isinstance(table, dict):
                text = f"{spelled(keys[:length])} is a value, and no table: set that one"
                raise ApplicationFileError(str(self.path), [Problem(f"--set {shown}", shown, text)])
        try:
            parsed = tomllib.loads(f"value = {value}")
        except (ValueError, RecursionError):
            parsed = {}
        table[keys[-1]] = parsed["value"] if list(parsed) == ["value"] else value
        # The key of a setting is shown, but not its value: that may be secret.
        self.settings[keys] = shown

    def resolve_all(self) -> None:
        try:
            self.resolve()
        except RecursionError:
            raise self.fail("has tables in tables deeper than can be read") from None

    def resolve(self) -> None:
        """Replaces `{env = …}` and `{file = …}`; they stand for values, never for a table of the file itself."""
        for name, table in self.data.items():
            if not isinstance(table, dict):
                continue
            for key, value in list(table.items()):
                if name == "ext" and isinstance(value, dict):
                    self.resolve_in(value, (name, key))
                else:
                    self.replace(table, key, (name,))

    def resolve_in(self, values: Any, around: Keys) -> None:
        for key in list(values) if isinstance(values, dict) else range(len(values)):
            self.replace(values, key, around)

    def replace(self, values: Any, key: Any, around: Keys) -> None:
        value, keys = values[key], (*around, key)
        text: str | None = None
        if isinstance(value, dict) and list(value) == ["env"] and isinstance(value["env"], str):
            text = self.from_environment(value["env"], keys)
        elif isinstance(value, dict) and list(value) == ["file"] and isinstance(value["file"], str):
            text = self.from_file(value["file"], keys)
        else:
            if isinstance(value, dict | list):
                self.resolve_in(value, keys)
            return
        self.hidden[keys] = text or ""
        if text is None:
            # What else is wrong in the table is told too, but not that this is missing.
            self.unresolved.add(keys)
        if text is not None or isinstance(values, list):
            values[key] = text or ""
        else:
            del values[key]

    def from_environment(self, name: str, keys: Keys) -> str | None:
        found = os.environ.get(name)
        if found is None:
            self.refuse(keys, f"the environment variable {name!r} is not set")
        return found

    def from_file(self, name: str, keys: Keys) -> str | None:
        source = self.path.parent / name
        try:
            if source.exists() and not (source.is_file() or source.is_dir()):  # a pipe would be waited for
                self.refuse(keys, f"the file {str(source)!r} is no regular file")
                return None
            return source.read_text("utf-8").removesuffix("\n").removesuffix("\r")
        except OSError as error:
            self.refuse(keys, f"the file {str(source)!r} cannot be read: {error.strerror}")
        except UnicodeDecodeError:
            self.refuse(keys, f"the file {str(source)!r} is not UTF-8: save it as UTF-8")
        except ValueError as error:  # a path that cannot be
            self.refuse(keys, f"the file {name!r} cannot be read: {error}")
        return None

    def application(self, groups: Iterable[str] | None, *, asynchronous: bool) -> Application:
        for name in self.data:
            if name not in (*TABLES, "ext"):
                self.refuse((name,), f"unknown key; {did_you_mean(name, [*TABLES, 'ext'])}")
        application = self.table("application", _ApplicationTable)
        engine = self.table("engine", _Named)
        instance = self.table("instance", _InstanceTable) or self.what_is_right_of_instance()
        tables = self.extension_tables()
        versions = [
            self.version((name, "version"), table.version if table is not None else None)
            for name, table in (("application", application), ("engine", engine))
        ]
        main = self.imported_main(application.main if application is not None else None)
        inventory = _inventory(tuple(groups) if groups is not None else instance.groups)
        info = runtime.ApplicationInfo(
            application.name if application is not None else "",
            versions[0],
            engine.name if engine is not None else "",
            versions[1],
        )

        def create_info(ext: Iterable[object]) -> runtime.InstanceCreateInfo:
            return runtime.InstanceCreateInfo(
                info,
                instance.enabled_extensions,
                instance.node_id,
                ext,
                optional_extensions=instance.optional_extensions,
                unused_ext=instance.unused_ext,
            )._written_at(origin)

        origin = _FileOrigin({field: self.origin_of(field) for field in _LISTS})
        asked = [*instance.enabled_extensions, *instance.optional_extensions]
        self.refuse_repeated(instance)
        self.refuse_tables_not_asked_for(tables, asked, inventory)
        plan: Plan | None = None
        unplanned: PlanError | None = None
        try:
            plan = InstanceContext.plan(create_info(()), inventory=inventory, asynchronous=asynchronous)
            # What is set aside may be tried again, and gets its configuration then.
            registries = [*plan.order, *[aside.registry for aside in plan.set_aside if aside.registry]]
        except PlanError as error:
            unplanned = error
            # What could not be imported is not imported again.
            broken = {each.plugin for each in error.exceptions if isinstance(each, PluginLoadError)}
            registries = _loadable([name for name in asked if name not in broken], inventory)
        ext = self.configuration(registries, tables, instance.enabled_extensions)
        if self.problems:
            raise self.error(unplanned)
        if unplanned is not None:
            for name in _named(unplanned, asked):
                where = self.place(self.place_of(name, instance))
                unplanned.add_note(f"{name} is asked for at {where}")
            raise unplanned
        assert plan is not None
        return Application(self.path, main, create_info(ext), plan, inventory)

    def error(self, unplanned: PlanError | None = None) -> ApplicationFileError:
        problems = sorted(self.problems, key=_line)
        if unplanned is not None:
            where = self.place(("instance", "enabled_extensions"))
            problems += [
                Problem(where, "", str(each))
                for each in unplanned.exceptions
                if not (isinstance(each, DuplicatedKeyError) and each.kind == "request")  # told already
            ]
        error = ApplicationFileError(str(self.path), problems)
        error.__cause__ = self.causes[0] if self.causes else None
        return error

    def table(self, name: str, kind: type[Kind]) -> Kind | None:
        """A table of the file, or `None` if something in it is wrong, and noted."""
        values = self.data.get(name)
        if values is None and name == "instance":
            return kind()
        if values is None:
            text = f'is missing; add to the file:\n    [{name}]\n    name = "…"\n    version = "1.0.0"'
            self.refuse((name,), text)
            return None
        if not isinstance(values, dict):
            self.refuse((name,), f"must be a table: write [{name}] above its keys")
            return None
        try:
            return kind.model_validate(values)
        except ValidationError as error:
            for keys, text, _ in pydantic_problems(error, values):
                shown = {} if (name, *keys) in self.hidden else values
                self.refuse((name, *keys), _explained(kind, name, keys, text, shown))
        return None

    def what_is_right_of_instance(self) -> _InstanceTable:
        """The table without the keys that are wrong: so that the rest is looked at too."""
        wrong = {keys[1] for keys in self.refused if keys[0] == "instance" and len(keys) > 1}
        values = self.data.get("instance", {})
        if not isinstance(values, dict):
            raise self.error()
        right = {key: value for key, value in values.items() if key not in wrong}
        for key in ("enabled_extensions", "optional_extensions"):
            if key not in wrong:
                continue
            if not isinstance(values[key], list):  # what is asked for is not known
                raise self.error()
            right[key] = [name for name in values[key] if isinstance(name, str)]
        return _InstanceTable.model_validate(right)

    def extension_tables(self) -> dict[str, Any]:
        tables = self.data.get("ext", {})
        if not isinstance(tables, dict):
            self.refuse(("ext",), 'must be a table: write [ext."NAME"] for each extension')
            return {}
        for name, values in tables.items():
            if not isinstance(values, dict):
                self.refuse(("ext", name), f'must be a table: write [ext."{name}"] above its keys')
        return {name: values for name, values in tables.items() if isinstance(values, dict)}

    def version(self, keys: Keys, text: str | None) -> runtime.VersionInfo:
        if text is not None:
            try:
                return runtime.VersionInfo(*Version.parse(text).to_tuple())
            except ValueError as error:
                shown = (
                    "is not a version of three numbers, such as '1.2.3'"
                    if keys in self.hidden
                    else str(error)
                )
                self.refuse(keys, shown)
        return runtime.VersionInfo(0)

    def named_main(self) -> str | None:
        """What the file names as its main, whatever else may be wrong."""
        table = self.data.get("application")
        main = table.get("main") if isinstance(table, dict) else None
        return main if isinstance(main, str) else None

    def imported_main(self, text: str | None) -> Main | None:
        if text is None:
            return None
        keys = ("application", "main")
        try:
            with _around(keys, "its import"):
                found = imported(text)
        except BadValueError as error:
            self.refuse_values(keys, error)
            return None
        problem: str | None = None
        name = getattr(found, "__name__", "main")
        if not callable(found):
            problem = f"{text!r} is of type {type(found).__name__}: name a function main(instance, args)"
        elif _gives_way(found) or _gives_way(type(found).__call__):
            problem = f"{text!r} is asynchronous, or a generator: name a function that calls asyncio.run(...)"
        else:
            try:
                inspect.signature(found).bind(None, [])
            except TypeError:
                problem = (
                    f"{text!r} cannot be called with (instance, args): write def {name}(instance, args):"
                )
            except ValueError:  # written in C: what it takes is not known
                pass
        if problem is not None:
            self.refuse(keys, problem)
            return None
        main: Main = found
        return main

    def refuse_repeated(self, instance: _InstanceTable) -> None:
        seen: set[str] = set()
        for field in _LISTS:
            for place, name in enumerate(getattr(instance, field)):
                if name in seen:
                    self.refuse(("instance", field, place), f"{name!r} is asked for twice: ask for it once")
                seen.add(name)

    def origin_of(self, field: str) -> tuple[str, str]:
        """What gives a list of extensions, and where that stands; for reports."""
        line = self.lines.only(field)
        if line is not None and not self.settings:
            return "application file", f"{self.path}:{line}"
        if not is_in(self.data.get("instance"), field):
            return "application file", str(self.path)
        where = self.place(("instance", field))
        return "setting" if where.startswith("--set ") else "application file", where

    def place_of(self, name: str, instance: _InstanceTable) -> Keys:
        for field in _LISTS:
            names: list[str] = getattr(instance, field)
            if name in names:
                return ("instance", field, names.index(name))
        return ("instance",)

    def refuse_tables_not_asked_for(
        self, tables: Mapping[str, Any], asked: list[str], inventory: Inventory
    ) -> None:
        for name in tables:
            if name in asked:
                continue
            if name in inventory.names():
                text = "is not enabled: add it to enabled_extensions, or remove the table"
            else:
                text = (
                    f"no extension of this name is enabled; {did_you_mean(name, asked)}"
                    if asked
                    else "no extension is enabled: add it to enabled_extensions, or remove the table"
                )
            self.refuse(("ext", name), text)

    def configuration(
        self,
        registries: Iterable[PluginRegistry],
        tables: Mapping[str, Mapping[str, Any]],
        enabled: list[str],
    ) -> list[object]:
        """A configuration object for each table of an extension that comes up."""
        made: list[object] = []
        for registry in registries:
            values, kind, keys = tables.get(registry.name), registry.create_info, ("ext", registry.name)
            if values is None:
                if kind is not None and registry.name in enabled:
                    self.refuse_no_table(registry)
                continue
            if kind is None:
                self.refuse(keys, "this extension takes no configuration: remove the table")
                continue
            try:
                with _around(keys, "making its configuration"):
                    made.append(AddressedObject(registry.name, build(kind, values)))
            except BadValueError as error:
                self.refuse_values(keys, error)
        return made

    def refuse_no_table(self, registry: PluginRegistry) -> None:
        """What the default `new` of a plugin cannot make from defaults must stand in the file."""
        required = _required(registry)
        if required:
            lines = "".join(f"\n    {name} = …" for name in required)
            text = f'is missing; add to the file:\n    [ext."{registry.name}"]{lines}'
            self.refuse(("ext", registry.name), text)


def _around(keys: Keys, words: str) -> AbstractContextManager[None]:
    return nullcontext() if around is None else around(keys, words)


def _may_quote(text: str, keys: Keys, place: Keys, value: str) -> bool:
    """Whether a text about a value may have a hidden one in it: it is about that, or about what is in or round it."""
    length = min(len(keys), len(place))
    return keys[:length] == place[:length] or (value != "" and value in text)


def _forms(value: str) -> tuple[str, ...]:
    """A value as it stands, and as it is escaped in a text or in bytes."""
    return value, ascii(value), repr(value.encode(errors="backslashreplace"))


def _parts(*texts: str) -> set[str]:
    """The words of texts, and each four characters in a row of one: who quotes may cut, escape, or write in another way."""
    parts: set[str] = set()
    for word in re.findall(r"[^\W_]+", " ".join(texts).casefold()):
        parts |= {word, word.lstrip("0"), *[word[at : at + 4] for at in range(len(word) - 3)]}
    return parts - {""}


def _gives_way(function: object) -> bool:
    return (
        inspect.iscoroutinefunction(function)
        or inspect.isgeneratorfunction(function)
        or inspect.isasyncgenfunction(function)
    )


def _named(error: PlanError, asked: Iterable[str]) -> list[str]:
    """The extensions asked for that the problems of a plan are about."""
    named = {name for each in error.exceptions for name in about(each)}
    return [name for name in dict.fromkeys(asked) if name in named]


def about(problem: BaseException) -> tuple[str, ...]:
    """The extensions that one problem of a plan is about."""
    names: tuple[str, ...] = getattr(problem, "names", ())
    name: str | None = getattr(problem, "plugin", getattr(problem, "name", None))
    return (*names, name) if name is not None else names


def _line(problem: Problem) -> int:
    """Where a problem stands in the file; what stands nowhere in it comes last."""
    line = problem.where.rpartition(":")[2]
    return int(line) if line.isdecimal() and not problem.where.startswith("--set") else sys.maxsize


def _split(setting: str) -> tuple[tuple[str, ...], str]:
    """The key and the value of a `KEY=VALUE`; no key if it is none. A quoted part of the key may hold a `=`."""
    place = setting.find("=")
    while place >= 0 and "\n" not in setting[:place]:
        try:
            leaf: Any = tomllib.loads(f"{setting[:place]} = 0")
        except tomllib.TOMLDecodeError:
            place = setting.find("=", place + 1)
            continue
        keys: list[str] = []
        while isinstance(leaf, dict) and len(leaf) == 1:
            ((name, leaf),) = leaf.items()
            keys.append(name)
        return (tuple(keys) if leaf == 0 else ()), setting[place + 1 :]
    return (), ""


def _explained(kind: type[_Table], name: str, keys: Keys, text: str, values: Any) -> str:
    """Pydantic's words, with the next step for unknown and missing keys and for lists."""
    if text == "extra inputs are not permitted":
        return f"unknown key; {did_you_mean(str(keys[-1]), list(kind.model_fields))}"
    if text.startswith("is missing"):
        return f"is missing; add to the file:\n    [{name}]\n    {keys[-1]} = {_EXAMPLES[str(keys[-1])]}"
    if text == "input should be a valid list":
        value = values.get(keys[-1])
        return f'must be a list: write ["{value}"]' if isinstance(value, str) else text
    return text


def _inventory(groups: Iterable[str] | None) -> Inventory:
    """The default one, or one of these groups; with what this process has registered, by `main` for instance."""
    if groups is None:
        return default_inventory
    inventory = Inventory(tuple(groups))
    for registry in default_inventory.registered():
        inventory.submit(registry)
    return inventory


def _loadable(names: Iterable[str], inventory: Inventory) -> list[PluginRegistry]:
    """Those that can be had, for a look at their configuration where there is no plan."""
    found: list[PluginRegistry] = []
    snapshot = inventory.snapshot()
    for name in dict.fromkeys(names):
        try:
            found.append(snapshot.find(name).load())
        except HyError:
            continue
    return found
