"""The errors of the runtime. A leaf: imports nothing of ours.

    HyError
    ├── ArgumentTypeError (TypeError)            a wrong type was given to a public call
    ├── ArgumentValueError (ValueError)          the type is right, the value is not
    ├── PluginDefinitionError (TypeError)        a plugin class is written wrongly
    ├── DuplicatedKeyError (ValueError)          two owners claim one name or UUID
    ├── PlanError (ExceptionGroup)               all that stands between a request and its instance
    │     holds PluginNotFoundError (LookupError), PluginLoadError (ImportError),
    │     IncompatiblePluginError (RuntimeError), MissingDependencyError (LookupError),
    │     DependencyCycleError (ValueError), AsyncHookError (TypeError), and the two above
    ├── UnknownConfigTypeError (TypeError)       a configuration object that nothing here understands
    ├── ConfigLoaderError (ValueError)           a loader could not convert a configuration object
    ├── MissingConfigError (LookupError)         a plugin needs configuration that was not given
    ├── UnconsumedConfigError (ValueError)       configuration that no plugin took
    ├── ConfigSealedError (RuntimeError)         configuration was taken after construction
    ├── PluginFailedError (RuntimeError)         a hook or a deferred callback raised
    ├── TeardownError (ExceptionGroup)           the PluginFailedErrors of one teardown
    ├── PluginStateError (RuntimeError)          a plugin used the runtime outside its life
    ├── PluginNotReadyError (RuntimeError)       an extension was looked up before its turn
    ├── TryAgainLaterError (RuntimeError)        a plugin is only not ready yet; plugins raise it
    ├── MissingPackageError (ImportError)        a plugin needs a package that is not installed; plugins raise it
    ├── RetryError (RuntimeError)                an extension cannot be tried again now
    ├── AsyncCloseError (RuntimeError)           what must be awaited was to be closed without
    ├── LoopError (RuntimeError)                 an event loop other than asyncio's and trio's
    └── InstanceClosedError (RuntimeError)       a closed instance was used

An error keeps its facts as attributes, composes its text when it is read, and ends with the next step. Facts and
text survive `pickle`; cause and traceback become a note.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from hycore.base._report import Report

__all__ = [
    "ArgumentTypeError",
    "ArgumentValueError",
    "AsyncCloseError",
    "AsyncHookError",
    "ConfigLoaderError",
    "ConfigSealedError",
    "DependencyCycleError",
    "DuplicatedKeyError",
    "HyError",
    "IncompatiblePluginError",
    "InstanceClosedError",
    "LoopError",
    "MissingConfigError",
    "MissingDependencyError",
    "MissingPackageError",
    "PlanError",
    "PluginDefinitionError",
    "PluginFailedError",
    "PluginLoadError",
    "PluginNotFoundError",
    "PluginNotReadyError",
    "PluginStateError",
    "RetryError",
    "TeardownError",
    "TryAgainLaterError",
    "UnconsumedConfigError",
    "UnknownConfigTypeError",
]


class HyError(Exception):
    """The root of all errors of the runtime; plugins may raise it too.

    `undo_errors` holds what failed while the runtime undid the work that this error ended (rule F3). `report` is the
    report of an instance that was to be created with `profile=True` and did not come up, or `None`.
    """

    undo_errors: tuple[PluginFailedError, ...] = ()
    report: Report | None = None

    def __str__(self) -> str:
        return self._compose()

    def _compose(self) -> str:
        return Exception.__str__(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self._state())

    def _state(self) -> dict[str, object]:
        """The facts and the notes, with what cannot travel (cause and traceback) as one note more."""
        import traceback

        state = dict(self.__dict__)
        lines: list[str] = []
        if self.__cause__ is not None:
            lines += ["Caused by:\n", *traceback.format_exception(self.__cause__)]
        if self.__traceback__ is not None:
            lines += ["Raised at (most recent call last):\n", *traceback.format_tb(self.__traceback__)]
        if lines:
            state["__notes__"] = [*getattr(self, "__notes__", ()), "".join(lines).rstrip()]
        return state


def _restore(kind: type[HyError], args: tuple[Any, ...], state: dict[str, object]) -> HyError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class _Group(HyError, ExceptionGroup[HyError]):
    """A `HyError` that is an `ExceptionGroup` of them."""

    exceptions: tuple[HyError, ...]  # pyright: ignore[reportIncompatibleMethodOverride]

    def __new__(cls, errors: Sequence[HyError]) -> _Group:
        return super().__new__(cls, cls.__name__, list(errors))

    def __init__(self, errors: Sequence[HyError]) -> None:
        super().__init__(type(self).__name__, list(errors))

    @property
    def message(self) -> str:
        """The text, without the number of the errors."""
        return self._compose()

    def derive(self, errors: Sequence[Any], /) -> Any:
        return type(self)(errors)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), (list(self.exceptions),), self._state())

    def _numbered(self) -> str:
        return "\n".join(
            f"  {number}. " + str(error).replace("\n", "\n     ")
            for number, error in enumerate(self.exceptions, start=1)
        )


class ArgumentTypeError(HyError, TypeError):
    """An argument of a public call has the wrong type.

    Facts: `argument`, `expected` (words), `got` (of which type it is, in words).
    """

    def __init__(self, argument: str, expected: str, value: object) -> None:
        super().__init__()
        self.argument = argument
        self.expected = expected
        self.got = _kind_of(value)

    def _compose(self) -> str:
        return f"{self.argument} must be {self.expected}, not {self.got}"


class ArgumentValueError(HyError, ValueError):
    """An argument of a public call has the right type and a wrong value.

    Facts: `argument`, `expected` (words), `got` (its `repr`, or a description).
    """

    def __init__(self, argument: str, expected: str, got: str) -> None:
        super().__init__()
        self.argument = argument
        self.expected = expected
        self.got = got

    def _compose(self) -> str:
        return f"{self.argument} must be {self.expected}, not {self.got}"


class PluginDefinitionError(HyError, TypeError):
    """A plugin class is written wrongly; nothing of it has run.

    Facts: `plugin` (module and qualified name of the class), `problem`, `line` (what to write instead).
    """

    def __init__(self, plugin: str, problem: str, line: str) -> None:
        super().__init__()
        self.plugin = plugin
        self.problem = problem
        self.line = line

    def _compose(self) -> str:
        return f"{self.plugin} is not a valid plugin: {self.problem}. Write:\n    " + self.line.replace(
            "\n", "\n    "
        )


class DuplicatedKeyError(HyError, ValueError):
    """One key, two owners.

    Facts: `kind` (`"name"`, `"UUID"`, `"request"` for a name asked for twice, `"loader"`), `key`, `owners` (as
    words), `names` (the extensions concerned).
    """

    def __init__(self, kind: str, key: str, owners: Iterable[str], *, names: Iterable[str] = ()) -> None:
        super().__init__()
        self.kind = kind
        self.key = key
        self.owners = tuple(owners)
        self.names = tuple(names)

    def _compose(self) -> str:
        owners = " and ".join(self.owners)
        if self.kind == "request":
            where = (
                f"{len(self.owners)} times in {self.owners[0]}"
                if len(set(self.owners)) == 1
                else f"in {owners}"
            )
            return f"extension {self.key!r} is asked for {where}: ask for it once"
        if self.kind == "loader":
            return f"two loaders for configuration of type {self.key}: {owners}; remove one of them"
        step = {
            "name": "uninstall or rename one of them",
            "UUID": "give one of them a fresh UUID (python -c 'import uuid; print(uuid.uuid4())')",
        }[self.kind]
        return f"two extensions claim the {self.kind} {self.key}: {owners}; {step}"


class PluginNotFoundError(HyError, LookupError):
    """No extension of that name, where it was looked for.

    Facts: `name`, `known` (the names that are there), `searched` (where, in words), `reason` (why a known
    extension is not to be had, or `None`), `step` (what to do if it is none of those that are there).
    """

    def __init__(
        self,
        name: str,
        *,
        known: Iterable[str],
        searched: str,
        reason: str | None = None,
        step: str = "install its package, or import the module of its class, which has @define_plugin",
    ) -> None:
        super().__init__()
        self.name = name
        self.known = tuple(known)
        self.searched = searched
        self.reason = reason
        self.step = step

    def _compose(self) -> str:
        if self.reason is not None:
            return f"extension {self.name!r} is not in {self.searched}: {self.reason}"
        close = closest(self.name, self.known)
        if close:
            step = "did you mean " + " or ".join(map(repr, close)) + "?"
        elif self.known:
            step = f"known: {_listed(self.known)}; if it is another one, {self.step}"
        else:
            step = f"none is known: {self.step}"
        return f"no extension is named {self.name!r}; looked in {self.searched}; {step}"


class PluginLoadError(HyError, ImportError):
    """The module of an installed extension cannot be imported, or lacks what its entry point names.

    Facts: `plugin`, `target` (the entry point's value), `distribution` and `version` (or `None`), `reason`.
    """

    def __init__(
        self, plugin: str, *, target: str, distribution: str | None, version: str | None, reason: str
    ) -> None:
        super().__init__()
        self.plugin = plugin
        self.target = target
        self.distribution = distribution
        self.version = version
        self.reason = reason

    def _compose(self) -> str:
        source = (
            f"entry point {self.plugin} = {self.target!r} of {self.distribution} {self.version}"
            if self.distribution is not None
            else f"{self.target!r}, registered in this process"
        )
        step = (
            f"mend or reinstall the distribution {self.distribution!r}, or stop asking for {self.plugin!r}"
            if self.distribution is not None
            else f"mend the module, or stop asking for {self.plugin!r}"
        )
        return f"extension {self.plugin!r} cannot be loaded ({source}): {_followed(self.reason, step)}"


class IncompatiblePluginError(HyError, RuntimeError):
    """The host's engine version does not satisfy an extension's `REQUIRES_ENGINE`.

    Facts: `plugin`, `requirement` (the specifier), `engine_version`.
    """

    def __init__(self, plugin: str, *, requirement: str, engine_version: str) -> None:
        super().__init__()
        self.plugin = plugin
        self.requirement = requirement
        self.engine_version = engine_version

    def _compose(self) -> str:
        return (
            f"extension {self.plugin!r} requires engine {self.requirement}, and this host's engine_version is "
            f"{self.engine_version}: install a release of the extension for this engine, or stop asking for it"
        )


class MissingDependencyError(HyError, LookupError):
    """An extension requires another that was not asked for.

    Facts: `plugin`, `missing` (the name it requires), `known` (the names that are there).
    """

    def __init__(self, plugin: str, *, missing: str, known: Iterable[str]) -> None:
        super().__init__()
        self.plugin = plugin
        self.missing = missing
        self.known = tuple(known)

    def _compose(self) -> str:
        text = f"extension {self.plugin!r} requires {self.missing!r}, which is not asked for"
        if self.missing in self.known:
            return f"{text}. Add it:\n    enabled_extensions=[{self.missing!r}, …]"
        close = closest(self.missing, [name for name in self.known if name != self.plugin])
        hint = f" (did its author mean {close[0]!r}?)" if close else ""
        return f"{text} and not installed{hint}. Install its package and add it:\n    enabled_extensions=[{self.missing!r}, …]"


class DependencyCycleError(HyError, ValueError):
    """Extensions that must all start before each other.

    Facts: `path` (names, the first again at the end), `needs` (for each step of the path, `"REQUIRES"` or
    `"AFTER"`).
    """

    def __init__(self, path: Iterable[str], needs: Iterable[str]) -> None:
        super().__init__()
        self.path = tuple(path)
        self.needs = tuple(needs)

    def _compose(self) -> str:
        steps = "".join(f" {need} {name!r}" for need, name in zip(self.needs, self.path[1:], strict=True))
        return (
            f"these extensions wait for each other: {self.path[0]!r}{steps}: "
            "take one REQUIRES or AFTER out of the circle, or stop asking for one of them"
        )


class AsyncHookError(HyError, TypeError):
    """An extension with asynchronous hooks was asked for in a synchronous host.

    Facts: `plugin`, `hooks` (their names).
    """

    def __init__(self, plugin: str, *, hooks: Iterable[str]) -> None:
        super().__init__()
        self.plugin = plugin
        self.hooks = tuple(hooks)

    def _compose(self) -> str:
        return (
            f"extension {self.plugin!r} has asynchronous hooks ({', '.join(self.hooks)}), and this instance is "
            "created synchronously, where nothing awaits them: await InstanceContext.acreate(info) in place of create; for an "
            "application file load_application(path, asynchronous=True) and await application.acreate(), in a host of "
            "your own; or make them plain functions"
        )


class PlanError(_Group):
    """All that stands between a request and its instance, found before any plugin was constructed.

    `exceptions` holds one `HyError` per problem, in the order in which the extensions were asked for.
    """

    def _compose(self) -> str:
        if len(self.exceptions) == 1:
            return str(self.exceptions[0])
        return f"{len(self.exceptions)} problems keep this instance from being created:\n{self._numbered()}"


class UnknownConfigTypeError(HyError, TypeError):
    """Configuration objects of types that nothing here understands.

    Facts: `types` (qualified names), `known` (those that would be understood), `hints` (for each of `types`, the
    names of extensions that are installed, come from the same package, and are not asked for).
    """

    def __init__(
        self, types: Iterable[str], *, known: Iterable[str], hints: Iterable[Iterable[str]] = ()
    ) -> None:
        super().__init__()
        self.types = tuple(types)
        self.known = tuple(known)
        self.hints = tuple(tuple(names) for names in hints)

    def _compose(self) -> str:
        lines: list[str] = []
        for number, name in enumerate(self.types):
            near = self.hints[number] if number < len(self.hints) else ()
            close = _closest_type(name, self.known)
            if near:
                lines.append(f"{name}: perhaps for {_listed(near)}: add that to enabled_extensions")
            elif close:
                lines.append(f"{name}: did you mean {close}?")
            elif name.startswith("builtins."):
                lines.append(
                    f"{name}: hand over an object of the type that an extension names as its CREATE_INFO"
                )
            else:
                lines.append(
                    f"{name}: derive it from hycore.utils.opaque.OpaqueObject, name it as a plugin's "
                    "CREATE_INFO, or give it a loader with define_py_opaque_object_loaders"
                )
        known = ", ".join(self.known) or "none"
        return (
            "no extension that is asked for understands configuration of "
            + ("this type" if len(lines) == 1 else "these types")
            + "".join(f"\n  - {line}" for line in lines)
            + f"\nKnown types: {known}"
        )


class ConfigLoaderError(HyError, ValueError):
    """A loader could not convert a configuration object; the cause says why.

    Facts: `type_name`, `reason`.
    """

    def __init__(self, type_name: str, *, reason: str) -> None:
        super().__init__()
        self.type_name = type_name
        self.reason = reason

    def _compose(self) -> str:
        return (
            f"the loader of configuration of type {self.type_name} failed: {self.reason}; correct the object, or "
            "the loader that was given to define_py_opaque_object_loaders"
        )


class MissingConfigError(HyError, LookupError):
    """An extension needs a configuration object that was not given.

    Facts: `type_name` (qualified), `plugin` (or `None` where the runtime does not know who asks), `reason` (why one
    could not be made from defaults, or `None`).
    """

    def __init__(self, type_name: str, *, plugin: str | None, reason: str | None = None) -> None:
        super().__init__()
        self.type_name = type_name
        self.plugin = plugin
        self.reason = reason

    def _compose(self) -> str:
        who = f"extension {self.plugin!r}" if self.plugin is not None else "the caller"
        why = f" (none can be made from defaults: {self.reason})" if self.reason is not None else ""
        short = self.type_name.rpartition(".")[2]
        return f"{who} needs configuration of type {self.type_name}{why}. Hand one over:\n    ext=[{short}(…), …]"


class UnconsumedConfigError(HyError, ValueError):
    """Configuration that no plugin took, judged when all plugins were constructed (rule C2).

    Facts: `leftovers` (qualified names of types, in order), `takers` (for each, the extensions that would take one,
    as far as known), `hints` (for each, the extensions that are installed, come from the same package, and are not
    asked for), `enabled` (the names that are on).
    """

    def __init__(
        self,
        leftovers: Iterable[str],
        *,
        takers: Iterable[Iterable[str]],
        enabled: Iterable[str],
        hints: Iterable[Iterable[str]],
    ) -> None:
        super().__init__()
        self.leftovers = tuple(leftovers)
        self.takers = tuple(tuple(names) for names in takers)
        self.enabled = tuple(enabled)
        self.hints = tuple(tuple(names) for names in hints)

    def _compose(self) -> str:
        lines: list[str] = []
        for type_name, takers, near in zip(self.leftovers, self.takers, self.hints, strict=True):
            on = [name for name in takers if name in self.enabled]
            off = [name for name in takers if name not in self.enabled]
            if on:
                lines.append(
                    f"{type_name}: {_listed(on)} is on and left this one: hand over one object for each extension "
                    "that takes one"
                )
            elif off:
                lines.append(f"{type_name}: {_listed(off)} would take it: add that to enabled_extensions")
            elif near:
                lines.append(f"{type_name}: perhaps for {_listed(near)}: add that to enabled_extensions")
            else:
                lines.append(f"{type_name}: no extension known here takes it: remove it from ext")
        return (
            f"no extension took {len(lines)} configuration object{'s' * (len(lines) != 1)}"
            + "".join(f"\n  - {line}" for line in lines)
            + '\nTo allow leftovers, create the instance with unused_ext="warn" or "ignore"'
        )


class ConfigSealedError(HyError, RuntimeError):
    """Configuration was asked of an `OpaqueList` after all plugins were constructed.

    Facts: `type_name`.
    """

    def __init__(self, type_name: str) -> None:
        super().__init__()
        self.type_name = type_name

    def _compose(self) -> str:
        return (
            f"configuration of type {self.type_name} was asked for after construction, when the list is sealed: "
            "take it in new(cls, ext) and keep it on the plugin"
        )


class PluginFailedError(HyError, RuntimeError):
    """A plugin's hook or deferred callback raised; `__cause__` is what it raised.

    Facts: `plugin` (the name), `phase` (`"new"`, `"attach_to"`, `"initialize"`, `"teardown"`, or `"defer"` for a
    callback), `reason` (the cause in words), `in_instance` (false if it was constructed for no instance).
    """

    def __init__(self, plugin: str, *, phase: str, reason: str, in_instance: bool = True) -> None:
        super().__init__()
        self.plugin = plugin
        self.phase = phase
        self.reason = reason
        self.in_instance = in_instance

    def _compose(self) -> str:
        if self.phase == "defer":
            return f"a callback that extension {self.plugin!r} gave to defer failed: " + _followed(
                self.reason, "what it should have undone may be left behind"
            )
        if self.phase == "teardown":
            return f"extension {self.plugin!r} failed in teardown: " + _followed(
                self.reason, "what it should have released may be left behind"
            )
        if not self.in_instance:
            return f"extension {self.plugin!r} failed in {self.phase}: {self.reason}"
        step = (
            "what had started was taken down again. Mend the extension or its configuration, or ask for it in "
            "optional_extensions to start without it"
        )
        return f"extension {self.plugin!r} failed in {self.phase}: {_followed(self.reason, step)}"


class TeardownError(_Group):
    """What failed while an instance was taken down; everything else was taken down all the same (rule T1).

    `exceptions` holds one `PluginFailedError` per failed hook or callback, in the order in which they ran.
    """

    exceptions: tuple[PluginFailedError, ...]  # pyright: ignore[reportIncompatibleVariableOverride]

    def _compose(self) -> str:
        if len(self.exceptions) == 1:
            return str(self.exceptions[0])
        return f"{len(self.exceptions)} failures while the instance was taken down:\n{self._numbered()}"


class PluginStateError(HyError, RuntimeError):
    """A plugin used the runtime at a time of its life when it cannot.

    Facts: `plugin`, `problem`, `step` (what to do instead).
    """

    def __init__(self, plugin: str, *, problem: str, step: str) -> None:
        super().__init__()
        self.plugin = plugin
        self.problem = problem
        self.step = step

    def _compose(self) -> str:
        return f"extension {self.plugin!r} {self.problem}: {self.step}"


class PluginNotReadyError(HyError, RuntimeError):
    """An extension that is asked for was looked up before its `initialize` had returned.

    Facts: `plugin` (looked up), `asker` (the extension whose hook is running, or `None`), `phase` (of the asker).
    """

    def __init__(self, plugin: str, *, asker: str | None, phase: str) -> None:
        super().__init__()
        self.plugin = plugin
        self.asker = asker
        self.phase = phase

    def _compose(self) -> str:
        text = f"extension {self.plugin!r} is enabled but not started yet"
        if self.asker is None or self.asker == self.plugin:
            return f"{text}: look it up when its initialize has returned"
        if self.phase == "attach_to":
            return (
                f"{text}: no extension is, while {self.asker!r} is attached. Look it up in initialize, and declare "
                f"on {self.asker!r}:\n    REQUIRES = ({self.plugin!r},)    # or AFTER, if it can do without"
            )
        return (
            f"{text}, and {self.asker!r} looks it up in {self.phase}. Declare on {self.asker!r}:\n"
            f"    REQUIRES = ({self.plugin!r},)    # or AFTER, if it can do without"
        )


class TryAgainLaterError(HyError, RuntimeError):
    """What a plugin raises in `initialize` when it is only not ready yet: a failure like any other, with a hint.

    Facts: `retry_after` (after how many seconds to try again), `reason` (why, in words, or `None`).
    """

    def __init__(self, reason: str | None = None, *, retry_after: float) -> None:
        super().__init__()
        if isinstance(retry_after, bool) or not isinstance(retry_after, int | float):
            raise ArgumentTypeError("retry_after", "a number of seconds", retry_after)
        if not 0 <= retry_after < float("inf"):
            raise ArgumentValueError("retry_after", "a number of seconds from 0 on", repr(retry_after))
        self.retry_after = float(retry_after)
        self.reason = reason

    def _compose(self) -> str:
        why = f"{self.reason}; " if self.reason is not None else ""
        return f"{why}try again in {self.retry_after:g} s"


class MissingPackageError(HyError, ImportError):
    """What a plugin raises in `new` when a package is not installed that only it needs.

    Facts: `plugin`, `package`, `command` (what installs it).
    """

    def __init__(self, plugin: str, *, package: str, command: str) -> None:
        super().__init__()
        self.plugin = plugin
        self.package = package
        self.command = command

    def _compose(self) -> str:
        return f"{self.plugin} needs {self.package}, which is not installed: {self.command}"


class RetryError(HyError, RuntimeError):
    """An extension cannot be tried again now.

    Facts: `plugin`, `problem`, `step` (what to do instead).
    """

    def __init__(self, plugin: str, *, problem: str, step: str) -> None:
        super().__init__()
        self.plugin = plugin
        self.problem = problem
        self.step = step

    def _compose(self) -> str:
        return f"extension {self.plugin!r} cannot be tried again now: {self.problem}; {self.step}"


class AsyncCloseError(HyError, RuntimeError):
    """`close()` was called where `aclose()` must be awaited; nothing has run.

    Facts: `plugins` (the extensions with something to await; none if another task is closing the instance).
    """

    def __init__(self, plugins: Iterable[str] = ()) -> None:
        super().__init__()
        self.plugins = tuple(plugins)

    def _compose(self) -> str:
        if not self.plugins:
            return (
                "another task of this thread is closing the instance, or tries an extension again: await "
                "instance.aclose() to wait for it"
            )
        return (
            f"{_listed(self.plugins)} must be awaited to be torn down: await instance.aclose(), or use async with, in "
            "place of close() and with"
        )


class LoopError(HyError, RuntimeError):
    """Something was asked for that needs the means of asyncio or trio, and neither is running.

    Facts: `operation`.
    """

    def __init__(self, operation: str) -> None:
        super().__init__()
        self.operation = operation

    def _compose(self) -> str:
        return (
            f"{self.operation} needs a running event loop of asyncio or trio: run the host under one of them"
        )


class InstanceClosedError(HyError, RuntimeError):
    """A closed instance was used, or an instance was closed while it was being created.

    Facts: `operation` (what was asked of it), `meanwhile` (whether it was closed while that went on).
    """

    def __init__(self, operation: str, *, meanwhile: bool = False) -> None:
        super().__init__()
        self.operation = operation
        self.meanwhile = meanwhile or operation == "create"

    def _compose(self) -> str:
        if self.operation == "create":
            return (
                "the instance was closed while it was being created, and what had started was taken down again: "
                "create a new one, and close it when create has returned"
            )
        if self.meanwhile:
            return (
                "the instance was closed while an extension was tried again, and everything was taken down: create a "
                "new one with create_instance"
            )
        return f"{self.operation} was asked of a closed instance: create a new one with create_instance"


def _followed(reason: str, step: str) -> str:
    """A reason, and what follows it; a reason that ends with code ends its line, and a question is a sentence."""
    if "\n" not in reason and not reason.endswith("?"):
        return f"{reason}; {step}"
    return reason + ("\n" if "\n" in reason else " ") + step[0].upper() + step[1:]


def _kind_of(value: object) -> str:
    if value is None:
        return "None"
    kind = type(value)
    if isinstance(value, type):
        return f"the class {value.__name__}"
    return kind.__name__ if kind.__module__ == "builtins" else f"an object of type {kind.__name__}"


def describe(error: BaseException) -> str:
    """An exception in words, `ValueError: no such port`, whatever its `__str__` does."""
    name = type(error).__name__
    try:
        text = str(error)
        if isinstance(error, SyntaxError) and error.filename is not None:
            text = f"{error.msg} ({error.filename}, line {error.lineno})"
    except Exception:
        text = "(its text cannot be read)"
    return f"{name}: {text}" if text else name


def closest(name: str, known: Iterable[str], *, most: int = 3) -> list[str]:
    """The names most like a given one, best first; none that is much less like it than the best one."""
    from difflib import SequenceMatcher, get_close_matches

    folded: dict[str, str] = {_folded(other): other for other in known}
    matches = get_close_matches(_folded(name), folded, n=most, cutoff=0.6)
    likeness = [SequenceMatcher(None, match, _folded(name)).ratio() for match in matches]
    return [folded[match] for match, each in zip(matches, likeness, strict=True) if each > likeness[0] - 0.25]


def _closest_type(name: str, known: Iterable[str]) -> str | None:
    """The type whose own name is most like a given one: whatever stands in one module begins alike."""
    by_name = {other.rpartition(".")[2]: other for other in known}
    close = closest(name.rpartition(".")[2], by_name, most=1)
    return by_name[close[0]] if close else None


def _folded(name: str) -> str:
    # What most names begin with says nothing about their likeness.
    return name.casefold().removeprefix("__ext_").removeprefix("hyperion_")


def qualified_name(kind: type | Callable[..., object]) -> str:
    """`package.module.ClassName`, the name by which a type is known across borders."""
    return f"{kind.__module__}.{kind.__qualname__}"


def _listed(names: Sequence[str], *, most: int = 8) -> str:
    shown = ", ".join(map(repr, names[:most]))
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
