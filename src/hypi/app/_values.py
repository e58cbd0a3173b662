"""From what an application file says to the objects that plugins take.

Layer: `hypi.app`, above `_problems`.
"""

from __future__ import annotations

import importlib
import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import is_dataclass
from enum import Enum
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from hycore.utils.error import describe, qualified_name
from hypi.app._problems import Keys, did_you_mean

__all__ = ["BadValueError", "build", "imported", "pydantic_problems"]


class BadValueError(Exception):
    """One or more values are wrong: pairs of the way to each, and what is wrong with it."""

    def __init__(self, *problems: tuple[Keys, str]) -> None:
        super().__init__()
        self.problems = problems


def build(kind: type, values: Mapping[str, Any]) -> object:
    """Makes a configuration object of a class from the values of its table.

    The class is a dataclass, an attrs class, a Pydantic model, or any class whose `__init__` is annotated. Raises
    `BadValueError` with everything that is wrong.
    """
    hints, required = _parameters(kind)
    problems: list[tuple[Keys, str]] = [
        ((), f"{name!r} is missing, and has no default") for name in required if name not in values
    ]
    ready: dict[str, Any] = {}
    validates_itself = hasattr(kind, "__pydantic_validator__")
    for name, value in values.items():
        if name not in hints:
            problems.append(((name,), f"unknown key; {did_you_mean(name, list(hints))}"))
            continue
        hint = hints[name]
        problems += _unknown_keys(hint, value, (name,))
        try:
            value = _prepared(hint, value, (name,))
            ready[name] = value if validates_itself else _validated(hint, value)
        except ValidationError as error:
            problems += [((name, *keys), text) for keys, text in pydantic_problems(error)]
        except BadValueError as error:
            problems += error.problems
    if problems:
        raise BadValueError(*problems)
    try:
        return kind(**ready)
    except ValidationError as error:
        raise BadValueError(*pydantic_problems(error)) from None
    except Exception as error:
        argument = getattr(error, "argument", None)
        keys: Keys = (argument,) if isinstance(argument, str) and argument in values else ()
        text = str(error) if isinstance(error, ValueError | TypeError) else describe(error)
        raise BadValueError((keys, text or describe(error))) from None


def pydantic_problems(error: ValidationError) -> Iterator[tuple[Keys, str]]:
    """The problems of a validation, without the values, which may be secret."""
    for each in error.errors(include_url=False, include_input=False, include_context=False):
        text = each["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
        # Pydantic adds the branch of a union to the way; only what the file has leads to a line.
        yield each["loc"], text[:1].lower() + text[1:]


def imported(text: str) -> Any:
    """What `"package.module:name"` names; raises `BadValueError`."""
    module_name, colon, path = text.partition(":")
    if not colon or not module_name or not path:
        raise BadValueError(((), f"{text!r} is not of the form 'package.module:name'"))
    try:
        found: Any = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        raise BadValueError(((), f"{module_name!r} cannot be imported: {describe(error)}")) from error
    for attribute in path.split("."):
        try:
            found = getattr(found, attribute)
        except AttributeError:
            hint = did_you_mean(attribute, [name for name in dir(found) if not name.startswith("_")])
            raise BadValueError(((), f"{module_name!r} has no {attribute!r}; {hint}")) from None
    return found


def _parameters(kind: type) -> tuple[dict[str, Any], list[str]]:
    """The hints of what a class is called with, by name, and the names that have no default."""
    if issubclass(kind, BaseModel):
        fields = kind.model_fields
        hints = {field.alias or name: field.annotation for name, field in fields.items()}
        return hints, [field.alias or name for name, field in fields.items() if field.is_required()]
    try:
        signature = inspect.signature(kind)
    except (TypeError, ValueError) as error:
        raise BadValueError(((), f"{qualified_name(kind)} cannot be called: {describe(error)}")) from error
    declared: dict[str, Any] = {}
    for source in (kind, kind.__init__):
        try:
            declared |= typing.get_type_hints(source, include_extras=True)
        except Exception as error:
            text = f"the annotations of {qualified_name(kind)} cannot be resolved: {describe(error)}"
            raise BadValueError(((), text)) from error
    taken = [
        parameter
        for parameter in signature.parameters.values()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    ]
    hints = {parameter.name: declared.get(parameter.name, Any) for parameter in taken}
    return hints, [parameter.name for parameter in taken if parameter.default is parameter.empty]


def _validated(hint: Any, value: Any) -> Any:
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True))
    except PydanticUserError:  # a type that brings a configuration of its own
        adapter = TypeAdapter(hint)
    return adapter.validate_python(value)


def _choices(hint: Any) -> tuple[Any, ...]:
    """The members of a union; a type alone is its own only member."""
    if typing.get_origin(hint) is typing.Annotated:
        hint = typing.get_args(hint)[0]
    return typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)


def _prepared(hint: Any, value: Any, keys: Keys) -> Any:
    """Resolves what TOML has no way to write: members of enumerations, and callables, by their names."""
    for choice in _choices(hint):
        origin, arguments = typing.get_origin(choice), typing.get_args(choice)
        if isinstance(value, str):
            if isinstance(choice, type) and issubclass(choice, Enum):
                member = choice.__members__.get(value) or choice.__members__.get(value.upper())
                if member is not None:
                    return member
            elif origin in (Callable, type) or choice in (Callable, typing.Callable, type):
                if ":" not in value and [other for other in _choices(hint) if other is str]:
                    continue
                try:
                    found = imported(value)
                except BadValueError as error:
                    raise BadValueError(*((keys, text) for _, text in error.problems)) from error
                if not callable(found):
                    raise BadValueError(
                        (keys, f"{value!r} is of type {type(found).__name__}, and not callable")
                    )
                return found
        elif isinstance(value, list) and isinstance(origin, type) and issubclass(origin, list | tuple | set):
            inner = arguments[0] if arguments else Any
            return [_prepared(inner, item, (*keys, place)) for place, item in enumerate(value)]
        elif isinstance(value, dict) and isinstance(origin, type) and issubclass(origin, Mapping):
            inner = arguments[1] if len(arguments) == 2 else Any
            return {key: _prepared(inner, item, (*keys, key)) for key, item in value.items()}
    return value


def _unknown_keys(hint: Any, value: Any, keys: Keys) -> Iterator[tuple[Keys, str]]:
    """Keys in nested tables that the type does not have; Pydantic lets those of plain dataclasses pass."""
    for choice in _choices(hint):
        arguments = typing.get_args(choice)
        if (
            isinstance(value, dict)
            and isinstance(choice, type)
            and (is_dataclass(choice) or issubclass(choice, BaseModel))
        ):
            inner, _ = _parameters(choice)
            for name, item in value.items():
                if name in inner:
                    yield from _unknown_keys(inner[name], item, (*keys, name))
                else:
                    yield (*keys, name), f"unknown key; {did_you_mean(name, list(inner))}"
        elif isinstance(value, list) and arguments:
            for place, item in enumerate(value):
                yield from _unknown_keys(arguments[0], item, (*keys, place))
        elif isinstance(value, dict) and len(arguments) == 2:
            for name, item in value.items():
                yield from _unknown_keys(arguments[1], item, (*keys, name))
