"""Reading an application file, and creating what it describes.

Layer: `hypi.app`, on top of it.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, final

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, ValidationError

from hycore.base import InstanceContext, Plan
from hycore.base import api as runtime
from hycore.ext import Inventory, default_inventory
from hypi.api import Version
from hypi.app._problems import ApplicationFileError, Keys, Problem, did_you_mean, line_of, spelled
from hypi.app._values import BadValueError, build, imported, pydantic_problems

__all__ = ["Application", "load_application"]

Main = Callable[[InstanceContext, list[str]], object]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Named(_Table):
    name: StrictStr
    version: StrictStr


class _ApplicationTable(_Named):
    main: StrictStr | None = None


class _InstanceTable(_Table):
    node_id: Annotated[StrictInt, Field(ge=0, le=0xFFFF_FFFF)] = 0
    enabled_extensions: list[StrictStr] = []
    optional_extensions: list[StrictStr] = []
    groups: list[StrictStr] | None = None
    unused_ext: Literal["error", "warn", "ignore"] = "error"


class _File(_Table):
    application: _ApplicationTable
    engine: _Named
    instance: _InstanceTable = _InstanceTable()
    ext: dict[str, dict[str, Any]] = {}


@final
@dataclass(frozen=True, slots=True)
class Application:
    """What an application file describes, read, checked and planned; ready to be created any number of times.

    - `path`: the file.
    - `main`: what is called with the instance and the arguments, or `None`.
    - `create_info`: with a configuration object for each table of an extension.
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


def load_application(
    path: str | os.PathLike[str], *, settings: Iterable[str] = (), groups: Iterable[str] | None = None
) -> Application:
    """Reads an application file, imports its `main` and the extensions that it enables, and plans.

    `settings` are `KEY=VALUE` texts that override single values; the value is TOML, or else taken as a string.
    `groups` replace those of the file.

    Raises `ApplicationFileError` for what is wrong in the file or the settings, with file, key and line, and
    `PlanError` for extensions that cannot come up.
    """
    reader = _Reader(Path(path))
    reader.read()
    for setting in settings:
        reader.override(setting)
    reader.resolve()
    return reader.application(groups)


class _Reader:
    """One reading of one file; collects what is wrong until a step cannot go on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = ""
        self.data: dict[str, Any] = {}
        self.settings: dict[Keys, str] = {}
        self.secrets: list[str] = []
        self.problems: list[Problem] = []

    def fail(self, text: str, line: int | None = None) -> ApplicationFileError:
        where = f"{self.path}:{line}" if line is not None else str(self.path)
        return ApplicationFileError(str(self.path), [Problem(where, "", text)])

    def refuse(self, keys: Keys, text: str) -> None:
        """Notes a problem, at the line or the setting that the value comes from."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        for length in range(len(keys), 0, -1):
            setting = self.settings.get(keys[:length])
            if setting is not None:
                self.problems.append(Problem(f"--set {setting}", spelled(keys), text))
                return
        line = line_of(self.text, keys)
        where = f"{self.path}:{line}" if line is not None else str(self.path)
        self.problems.append(Problem(where, spelled(keys), text))

    def check(self) -> None:
        if self.problems:
            raise ApplicationFileError(str(self.path), self.problems)

    def read(self) -> None:
        try:
            self.text = self.path.read_bytes().decode("utf-8")
        except FileNotFoundError:
            raise self.fail("there is no such file; name the application file, such as app.toml") from None
        except OSError as error:
            raise self.fail(f"cannot be read: {error.strerror}") from None
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise self.fail("is not UTF-8, as TOML must be: save it as UTF-8", line) from None
        try:
            self.data = tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            found = re.search(r" \(at line (\d+), column (\d+)\)$", str(error))
            if found is None:
                raise self.fail(f"is not TOML: {error}", self.text.count("\n") + 1) from None
            reason = f"is not TOML: {str(error)[: found.start()]} (column {found[2]})"
            raise self.fail(reason, int(found[1])) from None

    def override(self, setting: str) -> None:
        """Puts one `KEY=VALUE` into the data."""
        key, equals, value = setting.partition("=")
        try:
            leaf: Any = tomllib.loads(f"{key.strip()} = 0") if equals and "\n" not in key else {}
        except tomllib.TOMLDecodeError:
            leaf = {}
        keys: list[str] = []
        while isinstance(leaf, dict) and len(leaf) == 1:
            (name, leaf), *_ = leaf.items()
            keys.append(name)
        if leaf != 0 or not keys:
            problem = Problem(
                f"--set {key.strip()}", "", "write it as KEY=VALUE, such as --set instance.node_id=7"
            )
            raise ApplicationFileError(str(self.path), [problem])
        try:
            parsed: Any = value if "\n" in value else tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            parsed = value
        table: Any = self.data
        for length, name in enumerate(keys[:-1], start=1):
            table = table.setdefault(name, {})
            if not isinstance(table, dict):
                text = f"{spelled(tuple(keys[:length]))} is a value, and no table"
                problem = Problem(f"--set {key.strip()}", spelled(tuple(keys)), text)
                raise ApplicationFileError(str(self.path), [problem])
        table[keys[-1]] = parsed
        # The text of a setting is shown, but not its value: that may be secret.
        self.settings[tuple(keys)] = key.strip()

    def resolve(self) -> None:
        """Replaces `{env = …}` and `{file = …}`; they stand for values, never for a table of the file itself."""
        for name, table in self.data.items():
            if not isinstance(table, dict):
                continue
            for key, value in table.items():
                if name == "ext" and isinstance(value, dict):
                    for inner, item in value.items():
                        value[inner] = self.resolved(item, (name, key, inner))
                else:
                    table[key] = self.resolved(value, (name, key))
        self.check()

    def resolved(self, value: Any, keys: Keys) -> Any:
        if isinstance(value, list):
            return [self.resolved(item, (*keys, place)) for place, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        if list(value) == ["env"] and isinstance(value["env"], str):
            found = os.environ.get(value["env"])
            if found is None:
                self.refuse(keys, f"the environment variable {value['env']!r} is not set")
                return ""
        elif list(value) == ["file"] and isinstance(value["file"], str):
            source = self.path.parent / value["file"]
            try:
                found = source.read_text("utf-8").removesuffix("\n").removesuffix("\r")
            except OSError as error:
                self.refuse(keys, f"the file {str(source)!r} cannot be read: {error.strerror}")
                return ""
            except UnicodeDecodeError:
                self.refuse(keys, f"the file {str(source)!r} is not UTF-8")
                return ""
        else:
            return {key: self.resolved(item, (*keys, key)) for key, item in value.items()}
        if len(found) > 2:
            self.secrets.append(found)
        return found

    def application(self, groups: Iterable[str] | None) -> Application:
        file = self.parsed()
        versions = [
            self.version((table, "version"), text)
            for table, text in (("application", file.application.version), ("engine", file.engine.version))
        ]
        asked = [*file.instance.enabled_extensions, *file.instance.optional_extensions]
        for name in file.ext:
            if name not in asked:
                self.refuse(
                    ("ext", name),
                    f"no extension of this name is enabled; {did_you_mean(name, asked)} "
                    f"Or add it to enabled_extensions",
                )
        main = self.imported_main(file.application.main)
        self.check()
        chosen = tuple(groups) if groups is not None else file.instance.groups
        inventory = Inventory(tuple(chosen)) if chosen is not None else default_inventory
        info = runtime.ApplicationInfo(file.application.name, versions[0], file.engine.name, versions[1])

        def create_info(ext: Iterable[object]) -> runtime.InstanceCreateInfo:
            return runtime.InstanceCreateInfo(
                info,
                file.instance.enabled_extensions,
                file.instance.node_id,
                ext,
                optional_extensions=file.instance.optional_extensions,
                unused_ext=file.instance.unused_ext,
            )

        plan = InstanceContext.plan(create_info(()), inventory=inventory)
        ext = self.configuration(plan, file.ext)
        self.check()
        return Application(self.path, main, create_info(ext), plan, inventory)

    def parsed(self) -> _File:
        try:
            return _File.model_validate(self.data)
        except ValidationError as error:
            for keys, text in pydantic_problems(error):
                self.refuse(keys, self.explained(keys, text))
        raise ApplicationFileError(str(self.path), self.problems)

    def explained(self, keys: Keys, text: str) -> str:
        """Pydantic's words, with the next step for unknown and missing keys."""
        if text == "extra inputs are not permitted":
            table: Any = _File
            for key in keys[:-1]:
                table = table.model_fields[key].annotation
            return f"unknown key; {did_you_mean(str(keys[-1]), list(table.model_fields))}"
        if text == "field required":
            example = {"main": '"package.module:main"', "version": '"1.0.0"'}.get(str(keys[-1]), '"…"')
            table_name = spelled(keys if len(keys) == 1 else keys[:-1])
            return f"is missing; add to the file:\n    [{table_name}]" + (
                f"\n    {keys[-1]} = {example}"
                if len(keys) > 1
                else '\n    name = "…"\n    version = "1.0.0"'
            )
        return text

    def version(self, keys: Keys, text: str) -> runtime.VersionInfo:
        try:
            return runtime.VersionInfo(*Version.parse(text).to_tuple())
        except ValueError as error:
            self.refuse(keys, str(error))
            return runtime.VersionInfo(0)

    def imported_main(self, text: str | None) -> Main | None:
        if text is None:
            return None
        keys = ("application", "main")
        try:
            found = imported(text)
        except BadValueError as error:
            for _, reason in error.problems:
                self.refuse(keys, reason)
            return None
        if not callable(found):
            self.refuse(
                keys, f"{text!r} is of type {type(found).__name__}: name a function main(instance, args)"
            )
            return None
        main: Main = found
        return main

    def configuration(self, plan: Plan, tables: Mapping[str, Mapping[str, Any]]) -> list[object]:
        """A configuration object for each table of an extension that comes up."""
        made: list[object] = []
        for registry in plan.order:
            values = tables.get(registry.name)
            if values is None:
                continue
            kind = registry.create_info
            if kind is None:
                self.refuse(("ext", registry.name), "this extension takes no configuration: remove the table")
                continue
            try:
                made.append(build(kind, values))
            except BadValueError as error:
                for keys, text in error.problems:
                    self.refuse(("ext", registry.name, *keys), text)
        return made
