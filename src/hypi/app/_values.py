"""From what an application file says to the objects that plugins take.

Pydantic validates each value against its annotation. What TOML has no way to write is added to Pydantic's own schema
of the type, wherever it stands in it: members of enumerations and callables are found by their names, nested classes
of attrs are constructed, and a key that a table does not have is refused.

Layer: `hypi.app`, above `_problems`.
"""

from __future__ import annotations

import importlib
import inspect
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import InitVar
from typing import Any, LiteralString, NamedTuple

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic_core import InitErrorDetails, PydanticCustomError, SchemaValidator, core_schema

from hycore.utils.error import describe, qualified_name
from hypi.app._problems import Keys, did_you_mean, is_in

__all__ = [
    "BadValueError",
    "Wrong",
    "build",
    "imported",
    "known_keys",
    "parameters",
    "pydantic_problems",
    "required_parameters",
]

_MISSING = "is missing, and has no default"
_OWN_WORDS = {*typing.get_args(core_schema.ErrorType), "refused"} - {
    "assertion_error",
    "get_attribute_error",
    "import_error",
    "iteration_error",
    "mapping_type",
    "union_tag_invalid",
    "uuid_parsing",
    "value_error",
}
"""The kinds of errors whose text neither comes from the author of a class nor quotes the value."""


class Wrong(NamedTuple):
    """One value that is wrong: the way to it, and what is wrong; a foreign text may quote the value."""

    keys: Keys
    text: str
    foreign: bool = False

    def below(self, *keys: str | int) -> Wrong:
        """The same, seen from further up."""
        return self._replace(keys=(*keys, *self.keys))


class BadValueError(Exception):
    """One or more values are wrong."""

    def __init__(self, *problems: Wrong) -> None:
        super().__init__()
        self.problems = problems


def build(kind: type, values: Mapping[str, Any]) -> object:
    """Makes a configuration object of a class from the values of its table.

    The class is a dataclass, an attrs class, a Pydantic model, or any class whose `__init__` is annotated. Raises
    `BadValueError` with everything that is wrong.
    """
    if hasattr(kind, "__pydantic_core_schema__"):
        return _validated(kind, dict(values))
    hints, required, _ = parameters(kind)
    problems = [_missing((name,)) for name in required if name not in values]
    ready: dict[str, Any] = {}
    cause: BaseException | None = None
    for name, value in values.items():
        if name not in hints:
            problems.append(_unknown((name,), list(hints)))
            continue
        try:
            ready[name] = _validated(hints[name], value)
        except BadValueError as error:
            problems += [each.below(name) for each in error.problems]
            cause = cause or error.__cause__
    if problems:
        raise BadValueError(*problems) from cause
    try:
        return kind(**ready)
    except ValidationError as error:
        raise BadValueError(*pydantic_problems(error, values)) from _cause_of(error)
    except (Exception, SystemExit) as error:
        argument = getattr(error, "argument", None)
        keys: Keys = (argument,) if isinstance(argument, str) and argument in values else ()
        text = str(error) if isinstance(error, ValueError | TypeError) else describe(error)
        raise BadValueError(Wrong(keys, text or describe(error), foreign=True)) from error


def _validated(hint: Any, value: Any) -> Any:
    """A value as its type wants it; whatever the type's own code raises is a bad value."""
    validator = _validator(hint)
    try:
        return validator.validate_python(value)
    except ValidationError as error:
        raise BadValueError(*pydantic_problems(error, value)) from _cause_of(error)
    except (Exception, SystemExit) as error:
        raise BadValueError(Wrong((), describe(error), foreign=True)) from error


def _cause_of(error: ValidationError) -> BaseException | None:
    """What a validator has raised. The error of the validation itself would show the values."""
    for each in error.errors(include_url=False, include_input=False):
        cause = each.get("ctx", {}).get("error")
        if isinstance(cause, BaseException):
            return cause
    return None


def required_parameters(kind: type) -> list[str]:
    """The names without which a configuration object of this class cannot be made."""
    return parameters(kind)[1]


def pydantic_problems(error: ValidationError, value: object) -> Iterator[Wrong]:
    """The problems of a validation, without the values, which may be secret; several of one key are one."""
    by_keys: dict[Keys, list[Wrong]] = {}
    for each in error.errors(include_url=False, include_input=False, include_context=False):
        text = each["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
        wrong = Wrong(
            _keys_in(value, each["loc"]), text[:1].lower() + text[1:], foreign=each["type"] not in _OWN_WORDS
        )
        if each["type"] == "missing":
            wrong = _missing((*wrong.keys, each["loc"][-1]))
        by_keys.setdefault(wrong.keys, []).append(wrong)
    for keys, wrongs in by_keys.items():
        texts = dict.fromkeys(wrong.text for wrong in wrongs)
        yield Wrong(keys, ", or ".join(texts), foreign=any(wrong.foreign for wrong in wrongs))


def imported(text: str) -> Any:
    """What `"package.module:name"` names; raises `BadValueError`."""
    module_name, colon, path = text.partition(":")
    if not colon or not module_name or not path:
        raise BadValueError(Wrong((), f"{text!r} is not of the form 'package.module:name'", foreign=True))
    try:
        found: Any = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        text = f"{module_name!r} cannot be imported: {describe(error)}"
        raise BadValueError(Wrong((), text, foreign=True)) from error
    owner = module_name
    for attribute in path.split("."):
        try:
            found = getattr(found, attribute)
        except AttributeError:
            hint = did_you_mean(attribute, [name for name in dir(found) if not name.startswith("_")])
            text = f"{owner!r} has no {attribute!r}; {hint}"
            raise BadValueError(Wrong((), text, foreign=True)) from None
        except (Exception, SystemExit) as error:
            text = f"{attribute!r} of {owner!r} cannot be had: {describe(error)}"
            raise BadValueError(Wrong((), text, foreign=True)) from error
        owner += f".{attribute}" if ":" in owner else f":{attribute}"
    return found


def _missing(keys: Keys) -> Wrong:
    return Wrong(keys, _MISSING)


def _unknown(keys: Keys, known: Sequence[str]) -> Wrong:
    return Wrong(keys, f"unknown key; {did_you_mean(str(keys[-1]), known)}")


def _keys_in(value: Any, location: Iterable[str | int]) -> Keys:
    """The part of Pydantic's way to a value that the file has: it also names the branches of unions."""
    keys: list[str | int] = []
    for key in location:
        if is_in(value, key):
            keys.append(key)
            value = value[key]
    return tuple(keys)


def parameters(kind: Any) -> tuple[dict[str, Any], list[str], dict[str, Any]]:
    """What a class is called with: the hints by name, the names that have no default, and the defaults of the others.

    A default that is made anew for each object is missing. Raises `BadValueError` for a class that cannot be called, or
    whose annotations cannot be resolved.
    """
    fields: Any = getattr(kind, "__pydantic_fields__", None)
    if fields is not None:
        names = {field.alias or name: field for name, field in fields.items()}
        return (
            {name: field.annotation for name, field in names.items()},
            [name for name, field in names.items() if field.is_required()],
            {name: field.default for name, field in names.items() if not field.is_required()},
        )
    try:
        signature = inspect.signature(kind)
    except (TypeError, ValueError) as error:
        raise BadValueError(
            Wrong((), f"{qualified_name(kind)} cannot be called: {describe(error)}")
        ) from error
    declared: dict[str, Any] = {}
    taken = [
        parameter
        for parameter in signature.parameters.values()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    ]
    for source in (kind, kind.__init__):
        try:
            declared |= typing.get_type_hints(source, include_extras=True)
        except Exception as error:
            if source is not kind and all(parameter.name in declared for parameter in taken):
                continue  # it is generated, and knows no names; the class has told all
            text = f"the annotations of {qualified_name(kind)} cannot be resolved: {describe(error)}"
            raise BadValueError(Wrong((), text)) from error
    hints = {parameter.name: _bare(declared.get(parameter.name, Any)) for parameter in taken}
    required = [parameter.name for parameter in taken if parameter.default is parameter.empty]
    defaults = {parameter.name: parameter.default for parameter in taken if parameter.name not in required}
    return hints, required, defaults


def _bare(hint: Any) -> Any:
    return hint.type if isinstance(hint, InitVar) else hint


# Pydantic's schemas, and what is added to them.


def _validator(hint: Any) -> SchemaValidator:
    try:
        try:
            adapter: TypeAdapter[Any] = TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True))
        except PydanticUserError:  # a type that brings a configuration of its own
            adapter = TypeAdapter(hint)
        schema = _extended(adapter.core_schema)
        try:
            # Else the validators that models have made for themselves stand in for what is said here about them.
            return SchemaValidator(schema, _use_prebuilt=False)
        except TypeError:  # a release of pydantic_core without such ones
            return SchemaValidator(schema)
    except (Exception, SystemExit) as error:  # no schema, or annotations that cannot be resolved
        text = str(error).partition("\n")[0]
        raise BadValueError(
            Wrong((), f"a value of type {hint!r} cannot be read from a file: {text}")
        ) from error


def _extended(schema: Any, config: Any = None) -> Any:
    """The schema, with names for enumerations and callables, attrs classes, and no unknown keys.

    `config` is that of the class around.
    """
    if isinstance(schema, list | tuple):
        return type(schema)(_extended(each, config) for each in schema)
    if not isinstance(schema, dict):
        return schema
    own = schema.get("config", config)
    # Metadata may hold anything, and so may the members of enumerations and literals.
    left = ("config", "metadata", "serialization", "members", "expected", "default")
    parts = {key: part if key in left else _extended(part, own) for key, part in schema.items()}
    kind = schema.get("type")
    if kind in ("model-fields", "typed-dict"):  # the names of fields are no keys of a schema
        parts["fields"] = {name: _extended(field, own) for name, field in schema["fields"].items()}
    if kind == "tagged-union":
        parts["choices"] = {tag: _extended(choice, own) for tag, choice in schema["choices"].items()}
    if kind == "enum":
        return _wrapped(parts, _member_by_name(schema["cls"]))
    if kind in ("callable", "is-subclass"):
        return _wrapped(
            parts, _by_name("function" if kind == "callable" else "class of the kind that is needed")
        )
    if kind == "is-instance" and hasattr(schema["cls"], "__attrs_attrs__"):
        return _wrapped(parts, _constructed(schema["cls"]))
    if kind in ("model-fields", "dataclass-args", "typed-dict"):
        extra = schema.get("extra_behavior") or (own or {}).get("extra_fields_behavior")
        known = known_keys(schema["fields"], own or {})
        if extra != "allow" and known is not None:
            return _wrapped({**parts, "extra_behavior": "forbid"}, _without_unknown(known))
    return parts


Handler = Callable[[Any], Any]


def _wrapped(schema: Any, function: Callable[[Any, Handler], Any]) -> Any:
    wrapped = {"type": "function-wrap", "function": {"type": "no-info", "function": function}}
    if "ref" in schema:  # what refers to the schema shall refer to all of it
        wrapped["ref"] = schema["ref"]
        schema = {key: part for key, part in schema.items() if key != "ref"}
    return {**wrapped, "schema": schema}


def _member_by_name(kind: Any) -> Callable[[Any, Handler], Any]:
    members: Mapping[str, Any] = kind.__members__

    def validate(value: Any, handler: Handler) -> Any:
        if isinstance(value, str):
            for name in (value, value.upper()):
                if name in members:
                    return members[name]
        try:
            return handler(value)
        except ValidationError:
            raise PydanticCustomError("enum", f"must be one of {', '.join(members)}") from None  # pyright: ignore[reportArgumentType]

    return validate


def _by_name(needed: str) -> Callable[[Any, Handler], Any]:
    def validate(value: Any, handler: Handler) -> Any:
        if not isinstance(value, str):
            return handler(value)
        try:
            found = imported(value)
        except BadValueError as error:
            raise _as_validation_error(error) from error
        try:
            return handler(found)
        except ValidationError:
            text = f"{value!r} is of type {type(found).__name__}: name a {needed}"
            raise PydanticCustomError("foreign", text) from None  # pyright: ignore[reportArgumentType]

    return validate


def _constructed(kind: type) -> Callable[[Any, Handler], Any]:
    def validate(value: Any, handler: Handler) -> Any:
        if not isinstance(value, dict):
            return handler(value)
        try:
            return build(kind, value)
        except BadValueError as error:
            raise _as_validation_error(error) from error

    return validate


def _without_unknown(known: list[str]) -> Callable[[Any, Handler], Any]:
    """Tells the closest known name of a key that a table does not have, beside what else is wrong in it."""

    def validate(value: Any, handler: Handler) -> Any:
        if not isinstance(value, dict):
            return handler(value)
        problems = [_unknown((key,), known) for key in value if key not in known]
        if not problems:
            return handler(value)
        try:
            handler({key: item for key, item in value.items() if key in known})
        except ValidationError as error:
            problems += pydantic_problems(error, value)
        raise _as_validation_error(BadValueError(*problems))

    return validate


def known_keys(fields: Any, config: Mapping[str, Any]) -> list[str] | None:
    """What the keys of a table may be, or `None` where that is more than a list of names."""
    named = dict(fields) if isinstance(fields, dict) else {field["name"]: field for field in fields}
    by_name = config.get("validate_by_name") or config.get("populate_by_name")
    if config.get("validate_by_alias") is False:
        return list(named)
    keys = [field.get("validation_alias", name) for name, field in named.items()]
    if not all(isinstance(key, str) for key in keys):
        return None
    return list(dict.fromkeys([*keys, *named])) if by_name else keys


def _kind_of(wrong: Wrong) -> LiteralString:
    if wrong.text == _MISSING:
        return "missing"
    return "foreign" if wrong.foreign else "refused"


def _as_validation_error(error: BadValueError) -> ValidationError:
    return ValidationError.from_exception_data(
        "table",
        [
            InitErrorDetails(
                type=PydanticCustomError(_kind_of(wrong), wrong.text),  # pyright: ignore[reportArgumentType]
                loc=wrong.keys,
                input=None,
            )
            for wrong in error.problems
        ],
    )
