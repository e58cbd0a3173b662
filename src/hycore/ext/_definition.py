"""What a plugin class says about itself, checked when it is registered.

Layer: beside `_traits`, which it reads. Nothing of the plugin runs: classes are read through their dictionaries, and
hooks through their code objects.
"""

from __future__ import annotations

from sys import getrefcount

from hycore.ext._specifier import check_specifier
from hycore.ext._traits import PluginEXT, is_bound
from hycore.utils._record import Record, fill
from hycore.utils.error import ArgumentTypeError, PluginDefinitionError, qualified_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, NoReturn
    from uuid import UUID

    from hycore.ext._protocols import DynPluginEXT
    from hycore.utils.opaque import OpaqueList

__all__ = ["REFERENCES", "ClassLoader", "PluginRegistry", "registry_of"]

_HOOKS = {"attach_to": "(self, instance)", "initialize": "(self)", "teardown": "(self)"}

_RECORD = "the PluginRegistry"

_COROUTINE, _GENERATOR, _VARARGS = 0x80, 0x20 | 0x200, 0x04  # flags of a code object


class PluginRegistry(Record):
    """An identity record, and the recipe that constructs the plugin.

    - `uuid`, `name`, `description`: the identity.
    - `loader`: called with the `OpaqueList` of a creation; returns the plugin.
    - `requires`, `after`, `requires_engine`, `create_info`, `initialize_timeout`: what the class says in its
      attributes of these names.
    - `plugin_class`: the class that look-ups go by, or `None`.
    - `async_hooks`: the hooks that are `async def`.
    """

    __slots__ = (
        "uuid",
        "name",
        "description",
        "loader",
        "requires",
        "after",
        "requires_engine",
        "create_info",
        "initialize_timeout",
        "plugin_class",
        "async_hooks",
    )

    uuid: UUID
    name: str
    description: str
    loader: Callable[[OpaqueList], DynPluginEXT]
    requires: tuple[str, ...]
    after: tuple[str, ...]
    requires_engine: str | None
    create_info: type | None
    initialize_timeout: float | None
    plugin_class: type | None
    async_hooks: tuple[str, ...]

    def __init__(
        self,
        uuid: UUID,
        name: str,
        description: str,
        loader: Callable[[OpaqueList], DynPluginEXT],
        *,
        requires: Iterable[str] = (),
        after: Iterable[str] = (),
        requires_engine: str | None = None,
        create_info: type | None = None,
        initialize_timeout: float | None = None,
        plugin_class: type | None = None,
        async_hooks: Iterable[str] = (),
    ) -> None:
        where = _record_named(name)
        _check_identity(where, uuid, name, description)
        for argument, kind in (("create_info", create_info), ("plugin_class", plugin_class)):
            if kind is not None and not isinstance(kind, type):
                raise ArgumentTypeError(argument, "a class, or None", kind)
        if isinstance(async_hooks, str):
            raise ArgumentTypeError("async_hooks", f"a list of names, such as [{async_hooks!r}]", async_hooks)
        if not callable(loader):
            raise ArgumentTypeError(
                "loader", "a callable that takes an OpaqueList and returns the plugin", loader
            )
        fill(self, "uuid", uuid)
        fill(self, "name", name)
        fill(self, "description", description)
        fill(self, "loader", loader)
        fill(self, "requires", _names(where, "REQUIRES", name, requires))
        fill(self, "after", _names(where, "AFTER", name, after))
        fill(self, "requires_engine", _checked_specifier(where, requires_engine))
        fill(self, "create_info", create_info)
        fill(self, "initialize_timeout", _checked_timeout(where, initialize_timeout))
        fill(self, "plugin_class", plugin_class)
        fill(self, "async_hooks", tuple(async_hooks))


def registry_of(kind: type) -> PluginRegistry:
    """The identity record of a plugin class; raises `PluginDefinitionError`, with the line to write."""
    if not isinstance(kind, type):
        name = type(kind).__name__ if isinstance(kind, PluginEXT) else "Foo"
        expected = f"a class that derives from PluginEXT ({name}, and not {name}(…))"
        raise ArgumentTypeError("a plugin", expected, kind)
    where = qualified_name(kind)
    if not issubclass(kind, PluginEXT):
        raise PluginDefinitionError(
            where, "it does not derive from PluginEXT", f"class {kind.__name__}(PluginEXT):"
        )
    read = _reader(kind)
    uuid, name, description = read("UUID"), read("NAME"), read("DESCRIPTION")
    _check_identity(where, uuid, name, description)
    _check_new(kind, where)
    asynchronous = [hook for hook in _HOOKS if _check_hook(kind, where, hook)]
    for provided in ("instance", "defer"):
        if read(provided) is not PluginEXT.__dict__[provided]:
            problem = f"its {provided} hides the one that the runtime provides"
            _refuse(where, problem, f"_{provided} = …    # under another name")
    abstract = sorted(getattr(kind, "__abstractmethods__", ()))
    if abstract:
        raise PluginDefinitionError(
            where, f"it is abstract: {', '.join(abstract)} has no body", f"def {abstract[0]}(self, …):"
        )
    create_info = read("CREATE_INFO")
    if create_info is not None and not isinstance(create_info, type):
        made_by = type(create_info)
        name_of_type = "MyConfig" if made_by.__module__ == "builtins" else made_by.__name__
        _refuse(
            where, f"its CREATE_INFO is {_kind(create_info)}, not a class", f"CREATE_INFO = {name_of_type}"
        )
    _check_init(kind, where, create_info)
    return PluginRegistry(
        uuid,
        name,
        description,
        ClassLoader(kind),
        requires=_names(where, "REQUIRES", name, read("REQUIRES")),
        after=_names(where, "AFTER", name, read("AFTER")),
        requires_engine=_checked_specifier(where, read("REQUIRES_ENGINE")),
        create_info=create_info,
        initialize_timeout=_checked_timeout(where, read("INITIALIZE_TIMEOUT")),
        plugin_class=kind,
        async_hooks=asynchronous,
    )


class ClassLoader:
    """Constructs plugins of one class, and checks what its `new` returns."""

    __slots__ = ("is_plain", "kind")

    def __init__(self, kind: Any) -> None:
        self.kind = kind
        read = _reader(kind)
        self.is_plain = (
            read("__getattr__") is None
            and read("__getattribute__") is object.__getattribute__
            and read("__setattr__") is object.__setattr__
            and read("_PluginEXT__binding") is PluginEXT.__dict__["_PluginEXT__binding"]
        )
        """Whether attributes of its objects are read and stored without running code of the plugin."""

    def __call__(self, ext: OpaqueList) -> DynPluginEXT:
        plugin: Any = self.kind.new(ext)
        self.check(plugin)
        return plugin  # type: ignore[no-any-return]

    def check(self, plugin: Any) -> None:
        """Raises if `new` must not return this."""
        if not issubclass(type(plugin), self.kind):
            if plugin is None:
                raise TypeError("new returned None: end it with `return cls()`, or what it constructs")
            raise TypeError(
                f"new returned an object of type {qualified_name(type(plugin))}: return one of {self.kind.__name__}"
            )
        if is_bound(plugin, plain=self.is_plain and type(plugin) is self.kind):
            raise ValueError(
                "new returned an object that belongs to an instance already: construct one each time"
            )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClassLoader) and other.kind is self.kind

    def __hash__(self) -> int:
        return hash((ClassLoader, id(self.kind)))

    def __repr__(self) -> str:
        return f"<loader of {qualified_name(self.kind)}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return ClassLoader, (self.kind,)


def _references() -> int:
    fresh = object()
    return getrefcount(fresh)


REFERENCES = _references()
"""How many references `sys.getrefcount` counts of an object that one variable of a function holds, and nobody else.

An object that belongs to an instance has one more, in its list. To read the empty slot of a new object instead makes
Python format an `AttributeError` and drop it, which takes two thirds of what all four hooks do, and more from 3.12 on.
"""


def _record_named(name: object) -> str:
    return f"{_RECORD} {name!r}" if isinstance(name, str) else _RECORD


def _reader(kind: type) -> Callable[[str], Any]:
    """Reads a class attribute where it is declared, past descriptors and metaclasses."""

    def read(name: str) -> Any:
        for base in kind.__mro__:
            if name in vars(base):
                return vars(base)[name]
        return None

    return read


def _check_identity(where: str, uuid: object, name: object, description: object) -> None:
    if uuid is None:
        _refuse(where, "it has no UUID", _uuid_line())
    from uuid import UUID

    if isinstance(uuid, str):
        try:
            line = f'UUID = uuid.UUID("{UUID(uuid)}")'
        except ValueError:
            line = _uuid_line()
        _refuse(where, "its UUID is a string", line)
    if not isinstance(uuid, UUID):
        _refuse(where, f"its UUID is {_kind(uuid)}, not a uuid.UUID", _uuid_line())
    if uuid.int == 0:
        _refuse(where, "its UUID is all zeros", _uuid_line())
    for attribute, value, example in (
        ("NAME", name, '"__EXT_foo"'),
        ("DESCRIPTION", description, '"What it provides, in one line"'),
    ):
        if value is None:
            _refuse(where, f"it has no {attribute}", f"{attribute} = {example}")
        if not isinstance(value, str):
            _refuse(where, f"its {attribute} is {_kind(value)}, not a string", f"{attribute} = {example}")
        if not value.strip():
            _refuse(where, f"its {attribute} is empty", f"{attribute} = {example}")
        if attribute == "NAME" and value != value.strip():
            _refuse(where, f"its NAME {value!r} has space around it", f"NAME = {value.strip()!r}")


def _uuid_line() -> str:
    from uuid import uuid4

    return f'UUID = uuid.UUID("{uuid4()}")'


def _check_new(kind: type, where: str) -> None:
    new = _reader(kind)("new")
    line = f'@classmethod\ndef new(cls, ext: OpaqueList) -> "{kind.__name__}":'
    if isinstance(new, classmethod):
        taken = 2
    elif isinstance(new, staticmethod):
        taken = 1
    else:
        _refuse(where, "its new is not a classmethod", line)
    code = _code_of(new.__func__)
    if code is not None:
        if code.co_flags & _COROUTINE:
            _refuse(where, "its new is asynchronous; what must be awaited belongs into initialize", line)
        if not _takes(new.__func__, code, taken):
            static = "is a staticmethod and " if isinstance(new, staticmethod) else ""
            _refuse(where, f"its new {static}has the parameters {_parameters(code)}", line)


def _check_init(kind: type, where: str, create_info: type | None) -> None:
    """Whether the default `new` can call the class, as far as its `__init__` tells."""
    read = _reader(kind)
    is_plain = read("__new__") is object.__new__ and type(kind).__call__ is type.__call__
    code = _code_of(read("__init__"))
    if code is None or not is_plain or read("new") is not PluginEXT.__dict__["new"]:
        return
    if not _takes(read("__init__"), code, 1 if create_info is None else 2):
        line = (
            "CREATE_INFO = …    # the type of what it takes, or give its parameters defaults"
            if create_info is None
            else f"def __init__(self, create_info: {create_info.__name__}) -> None:"
        )
        _refuse(where, f"its __init__ has the parameters {_parameters(code)}", line)


def _check_hook(kind: type, where: str, hook: str) -> bool:
    """Checks one hook, and returns whether it is asynchronous."""
    function = _reader(kind)(hook)
    line = f"def {hook}{_HOOKS[hook]} -> None:"
    if isinstance(function, classmethod | staticmethod | property) or not (
        callable(function) or hasattr(type(function), "__get__")
    ):
        _refuse(where, f"its {hook} is {_kind(function)}, not a method", line)
    code = _code_of(function)
    if code is None:
        return False
    if not _takes(function, code, 2 if hook == "attach_to" else 1):
        _refuse(where, f"its {hook} has the parameters {_parameters(code)}", line)
    if code.co_flags & _GENERATOR:
        _refuse(where, f"its {hook} is a generator, whose code would never run: it has a yield", line)
    return bool(code.co_flags & _COROUTINE)


def _code_of(function: Any) -> Any:
    """The code object of a plain function; `None` for what cannot be read: decorated by hand, or written in C."""
    from types import FunctionType

    return (
        function.__code__ if type(function) is FunctionType and not hasattr(function, "__wrapped__") else None
    )


def _takes(function: Any, code: Any, given: int) -> bool:
    """Whether a function can be called with this many positional arguments."""
    least = code.co_argcount - len(function.__defaults__ or ())
    if code.co_kwonlyargcount > len(function.__kwdefaults__ or ()):
        return False
    return least <= given and (given <= code.co_argcount or bool(code.co_flags & _VARARGS))


def _parameters(code: Any) -> str:
    return f"({', '.join(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])})"


def _names(where: str, attribute: str, name: str, value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        _refuse(where, f"its {attribute} is a plain string", f"{attribute} = ({str(value)!r},)")
    if value is None:
        return ()
    if not isinstance(value, tuple | list | set | frozenset):
        _refuse(
            where, f"its {attribute} is {_kind(value)}, not a tuple of names", f'{attribute} = ("__EXT_foo",)'
        )
    names = tuple(value)
    for each in names:
        if not isinstance(each, str):
            known = getattr(each, "NAME", None) if isinstance(each, type) else None
            what = f"something {_kind(each)}" if _kind(each).startswith("of") else _kind(each)
            example = known if isinstance(known, str) else "__EXT_foo"
            _refuse(
                where,
                f"its {attribute} has {what} in it, and not its name",
                f"{attribute} = ({example!r},)",
            )
        if each == name:
            others = tuple(other for other in names if other != name)
            _refuse(where, f"its {attribute} names itself", f"{attribute} = {others!r}")
    plain = [str.__str__(each) for each in names]
    return tuple(dict.fromkeys(sorted(plain) if isinstance(value, set | frozenset) else plain))


def _checked_specifier(where: str, value: Any) -> str | None:
    if value is None:
        return None
    line = 'REQUIRES_ENGINE = ">=0.1,<0.3"'
    if not isinstance(value, str):
        _refuse(where, f"its REQUIRES_ENGINE is {_kind(value)}, not a string", line)
    try:
        check_specifier(value)
    except ValueError as error:
        _refuse(where, f"its REQUIRES_ENGINE {value!r} is not a version specifier: {error}", line)
    return value


def _checked_timeout(where: str, value: Any) -> float | None:
    if value is None:
        return None
    line = "INITIALIZE_TIMEOUT = 30.0"
    if isinstance(value, bool) or not isinstance(value, int | float):
        _refuse(where, f"its INITIALIZE_TIMEOUT is {_kind(value)}, not a number of seconds", line)
    if not 0 < value < float("inf"):
        _refuse(where, f"its INITIALIZE_TIMEOUT is {value}, not a positive number of seconds", line)
    return float(value)


def _kind(value: object) -> str:
    if value is None:
        return "None"
    return f"the class {value.__name__}" if isinstance(value, type) else f"of type {type(value).__name__}"


def _refuse(where: str, problem: str, line: str) -> NoReturn:
    if where.startswith(_RECORD):
        attribute, _, value = line.partition(" = ")
        line = f"PluginRegistry(…, {attribute.lower()}={value})"
    raise PluginDefinitionError(where, problem, line) from None
