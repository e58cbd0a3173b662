"""JSON schemas (draft 2020-12) of configuration and of application files, for editors.

They describe what `_values` reads, so they know the names of enumerations, callables as `"package.module:name"`, and that
any value may come from elsewhere: `{env = "NAME"}`, `{file = "PATH"}`.

Layer: `hypi.app`, above `_application`; it shares the view that `_values` has of a class.
"""

from __future__ import annotations

import enum
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ConfigDict, Field, TypeAdapter, create_model
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from hycore.utils.error import describe
from hypi.app._application import TABLES
from hypi.app._values import BadValueError, Wrong, known_keys, parameters

__all__ = ["application_schema", "schema_of"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ELSEWHERE = {
    "title": "A value from elsewhere",
    "description": 'The text of an environment variable, {env = "NAME"}, or of a file, {file = "PATH"}',
    "type": "object",
    "properties": {"env": {"type": "string"}, "file": {"type": "string"}},
    "additionalProperties": False,
    "minProperties": 1,
    "maxProperties": 1,
}
_CALLABLE = {
    "description": 'What is called, as "package.module:name"',
    "type": "string",
    "pattern": "^[^:]+:[^:]+$",
    "format": "callable",
}
_UNWRITABLE = {"not": {}, "description": "Cannot be written in a file, only handed over by Python code"}


def schema_of(kind: type) -> dict[str, Any]:
    """The schema of the table that becomes an object of this class.

    Raises `BadValueError` for a class that cannot be called, or whose annotations cannot be resolved.
    """
    try:
        schema = _Generator().generate(_core_schema(kind))
    except BadValueError:
        raise
    except (
        Exception,
        SystemExit,
    ) as error:  # of the class's own code, or a type that Pydantic has no schema for
        raise BadValueError(Wrong((), f"it has no schema: {describe(error)}")) from error
    return _finished(schema)


def application_schema(
    extensions: Mapping[str, dict[str, Any] | None], installed: Iterable[str], *, needed: Sequence[str] = ()
) -> Any:
    """The schema of an application file with the tables of these extensions.

    `extensions` gives the schema of each one's configuration, or `None` for one that takes none; `installed` are the
    names that an editor may offer; `needed` are the extensions whose tables must be there.
    """
    tables: dict[str, Any] = {}
    for name, kind in TABLES.items():
        tables[name] = _with_elsewhere(kind.model_json_schema())
        tables[name].pop("title")
    # Any name may be written; those that are known are offered.
    names = {"anyOf": [{"enum": sorted(installed)}, {"type": "string"}, {"$ref": "#/$defs/elsewhere"}]}
    for key in ("enabled_extensions", "optional_extensions"):
        tables["instance"]["properties"][key]["anyOf"][0].update(items=names, uniqueItems=True)
    definitions: dict[str, Any] = {"elsewhere": _ELSEWHERE}
    ext: dict[str, Any] = {}
    for number, (name, schema) in enumerate(extensions.items()):
        if schema is None:
            ext[name] = {"not": {}, "description": "This extension takes no configuration"}
            continue
        own = {key: part for key, part in schema.get("$defs", {}).items() if key != "elsewhere"}
        # Two extensions may use one name for different things.
        table = _renamed(schema, {key: f"{key}-{number}" for key in own})
        definitions |= {key: part for key, part in table.pop("$defs", {}).items() if key != "elsewhere"}
        table.pop("$schema", None)
        ext[name] = table
    required = [
        name
        for name, kind in TABLES.items()
        if any(field.is_required() for field in kind.model_fields.values())
    ]
    tables["ext"] = {
        "description": "The configuration of each extension",
        "type": "object",
        "properties": ext,
        "required": list(needed),
        "additionalProperties": False,
    }
    if needed:
        required.append("ext")
    return {
        "$schema": _DIALECT,
        "title": "An application of extensions",
        "type": "object",
        "properties": tables,
        "required": required,
        "additionalProperties": False,
        "$defs": definitions,
    }


def _core_schema(kind: Any) -> Any:
    if hasattr(kind, "__pydantic_core_schema__"):
        return TypeAdapter(kind).core_schema
    hints, required, defaults = parameters(kind)
    fields: dict[str, Any] = {
        # The names of a model's own fields are restricted, their aliases are not.
        f"field{place}": (
            hint,
            Field(alias=name) if name in required else Field(default=defaults[name], alias=name),
        )
        for place, (name, hint) in enumerate(hints.items())
    }
    config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
    return TypeAdapter(create_model(kind.__name__, __config__=config, **fields)).core_schema


class _Generator(GenerateJsonSchema):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}
        self._open: list[type] = []  # the classes of attrs that are being described

    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        members: Mapping[str, enum.Enum] = schema["cls"].__members__
        values = [member.value for member in members.values() if isinstance(member.value, str | int | float)]
        return {"title": schema["cls"].__name__, "enum": list(dict.fromkeys([*members, *values]))}

    def callable_schema(self, schema: core_schema.CallableSchema) -> JsonSchemaValue:
        return dict(_CALLABLE)

    def is_subclass_schema(self, schema: core_schema.IsSubclassSchema) -> JsonSchemaValue:
        return dict(_CALLABLE)

    def is_instance_schema(self, schema: core_schema.IsInstanceSchema) -> JsonSchemaValue:
        kind: Any = schema["cls"]
        if not hasattr(kind, "__attrs_attrs__"):
            return dict(_UNWRITABLE)
        if kind in self._open:  # it may hold another of its kind
            return {"title": kind.__name__, "type": "object"}
        self._open.append(kind)
        try:
            return self.generate_inner(_core_schema(kind))
        finally:
            self._open.pop()

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> JsonSchemaValue:
        return dict(_UNWRITABLE)

    def encode_default(self, dft: Any) -> Any:
        return dft.name if isinstance(dft, enum.Enum) else super().encode_default(dft)

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        return _with_known_keys(super().model_schema(schema), schema)

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        return _with_known_keys(super().dataclass_schema(schema), schema)


def _with_known_keys(described: JsonSchemaValue, schema: Any) -> JsonSchemaValue:
    """Refuses unknown keys, as the reader does, where the names of the fields are all that it knows."""
    inner = schema
    while inner["type"] not in ("model-fields", "dataclass-args"):
        if "schema" not in inner:
            return described
        inner = inner["schema"]
    if "properties" in described and "additionalProperties" not in described:
        known = known_keys(inner["fields"], schema.get("config", {}))
        described["additionalProperties"] = known is None or set(known) != set(described["properties"])
    return described


def _finished(schema: dict[str, Any]) -> dict[str, Any]:
    schema = _with_elsewhere(schema)
    definitions = {**schema.pop("$defs", {}), "elsewhere": _ELSEWHERE}
    return {"$schema": _DIALECT, **schema, "$defs": definitions}


def _with_elsewhere(schema: Any) -> Any:
    """The schema, in which each value below the table itself may come from elsewhere; TOML has no null."""
    if not isinstance(schema, dict):
        return schema
    result: dict[str, Any] = {}
    for key, part in schema.items():
        if key in ("properties", "patternProperties"):
            result[key] = {name: _or_elsewhere(each) for name, each in part.items()}
        elif key == "$defs":
            result[key] = {name: _with_elsewhere(each) for name, each in part.items()}
        elif key in ("items", "additionalProperties"):
            result[key] = _or_elsewhere(part)
        elif key == "prefixItems":
            result[key] = [_or_elsewhere(each) for each in part]
        elif key in ("anyOf", "oneOf", "allOf"):
            result[key] = [_with_elsewhere(each) for each in part if each != {"type": "null"}]
            if len(result[key]) == 1:
                result |= result.pop(key)[0]
        elif key != "default" or _may_be_shown(part):
            result[key] = part
    return result


def _may_be_shown(default: Any) -> bool:
    """Whether a default can be written in JSON, and does not come from the environment, where secrets are."""
    if default is None or (isinstance(default, str) and default and default in os.environ.values()):
        return False
    try:
        json.dumps(default, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def _or_elsewhere(schema: Any) -> Any:
    if not isinstance(schema, dict) or "not" in schema:
        return schema
    inner = _with_elsewhere(schema)
    outer = {key: inner.pop(key) for key in ("title", "description", "default") if key in inner}
    choices = inner["anyOf"] if list(inner) == ["anyOf"] else [inner]
    return {**outer, "anyOf": [*choices, {"$ref": "#/$defs/elsewhere"}]}


def _renamed(schema: Any, names: Mapping[str, str]) -> Any:
    """The schema with other names for its definitions."""
    if isinstance(schema, list):
        return [_renamed(each, names) for each in schema]
    if isinstance(schema, str) and schema.startswith("#/$defs/"):  # also those of a discriminator
        name = schema.removeprefix("#/$defs/")
        return f"#/$defs/{names.get(name, name)}"
    if not isinstance(schema, dict):
        return schema
    result = {key: _renamed(part, names) for key, part in schema.items() if key != "$defs"}
    if "$defs" in schema:
        definitions = schema["$defs"].items()
        result["$defs"] = {names.get(key, key): _renamed(part, names) for key, part in definitions}
    return result
