"""The instance: what a host holds, looks things up in, and closes.

Layer: `base`, on top of it. The life of the plugins is `_lifecycle`'s; here stands who may end it, and when: `close`,
`with`, the last reference, the end of the process, and never a forked child.
"""

from __future__ import annotations

import atexit
import os
import sys
import weakref
from _thread import allocate_lock, get_ident
from itertools import count

from hycore.base._cleaning import clean, forget_frames
from hycore.base._lifecycle import Lifecycle, attach_failures, bring_up, busy, drive, take_down
from hycore.base._plan import Plan, make_plan
from hycore.base.api import InstanceCreateInfo
from hycore.ext._traits import constructing
from hycore.log import InstanceStateEXT, hyinfo, hytrace, hywarn
from hycore.utils._unraisable import report_unraisable
from hycore.utils.error import (
    ArgumentTypeError,
    ArgumentValueError,
    HyError,
    InstanceClosedError,
    PluginNotFoundError,
    PluginNotReadyError,
    TeardownError,
    qualified_name,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import LockType
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Any, NoReturn, Self, TypeVar, final, overload
    from uuid import UUID

    from hycore.base._report import Report, Times
    from hycore.base.api import ApplicationInfo, VersionInfo
    from hycore.ext import DynPluginEXT, Inventory, PluginEXT

    T = TypeVar("T", bound=PluginEXT)
    P = TypeVar("P")
else:

    def final(kind):
        return kind

    def overload(function):
        return function


__all__ = ["InstanceContext"]

# The instances that are up, oldest first: what the end of the process closes. One without plugins has nothing to tear
# down then, and so no reference here.
_live: dict[int, weakref.ref[InstanceContext] | None] = {}
_serials = count()

# Which thread has the right to close an instance: the first that asks. `setdefault` is atomic, so that `__del__` and
# signal handlers meet no lock; and what it did stays done when Ctrl-C comes right behind it.
_closers: dict[int, int] = {}

# How long the end of the process waits for another thread that is closing an instance, in seconds.
_PATIENCE = 10

# How many forks lie between this process and the first one.
_forks = 0


class InstanceRef(weakref.ref["InstanceContext"]):
    """A weak reference that stays alive in every hook.

    The garbage collector clears weak references before it ends what they point to; for that time the instance holds
    itself here.
    """

    __slots__ = ("_alive",)

    _alive: InstanceContext | None

    def __call__(self) -> InstanceContext | None:
        """The instance, or `None` when it has gone."""
        found = _deref(self)
        return found if found is not None else self._alive


_deref: Any = weakref.ref.__call__


@final
class InstanceContext:
    """A set of extensions that are up together, and what they share.

    `create` brings one up; it lives until `close`, the end of a `with` block, its last reference or the end of the
    process, whichever comes first.
    """

    __slots__ = (
        "__weakref__",
        "_application",
        "_forks",
        "_found",
        "_implementing",
        "_life",
        "_node_id",
        "_places",
        "_serial",
        "_shown",
        "_state",
        "_waiters",
        "ext",
    )

    ext: InstanceStateEXT
    _application: ApplicationInfo
    _forks: int
    _found: dict[Any, Any]
    _implementing: dict[Any, Any]
    _life: Lifecycle
    _node_id: int
    _places: tuple[int, dict[int | str, int]] | None
    _serial: int
    _shown: Mapping[UUID, DynPluginEXT] | None
    _state: str
    _waiters: list[LockType]

    def __init__(self, *_: object, **__: object) -> None:
        way = "create_instance(info) or InstanceContext.create(info)"
        raise ArgumentTypeError("the way to an instance", way, type(self))

    @classmethod
    def plan(cls, info: InstanceCreateInfo, *, inventory: Inventory | None = None) -> Plan:
        """What an instance for `info` would bring up; imports the modules of what is asked for, and runs no plugin.

        Raises `PlanError` with every problem.
        """
        _check_info(info)
        return make_plan(info, inventory)

    @classmethod
    def create(
        cls,
        info: InstanceCreateInfo,
        *,
        inventory: Inventory | None = None,
        plan: Plan | None = None,
        profile: bool = False,
    ) -> InstanceContext:
        """Brings up an instance, entirely or not at all.

        With a `plan` for the same request it does not look at the disk again. With `profile` the report has times.

        Raises `PlanError` with every problem of planning; `UnknownConfigTypeError`, `ConfigLoaderError` or
        `UnconsumedConfigError` for configuration; `PluginFailedError` for a hook; `InstanceClosedError` if the
        instance was closed meanwhile. Whatever is raised, what had started is undone.
        """
        _check_info(info)
        if plan is None:
            plan = make_plan(info, inventory)
        else:
            _check_plan(plan, info)
        times: Times | None = None
        if profile:
            from hycore.base._report import Times

            times = Times()
        instance = _assembled(cls, info, plan, times)
        try:
            failure = instance._bring_up(info, inventory)
        except BaseException:  # Ctrl-C that hit the engine itself: the drop undoes the rest
            forget_frames()
            raise
        if failure is None:
            forget_frames()
            # A plugin that keeps an exception keeps this frame, which must not keep the instance.
            created = [instance]
            del instance
            return created.pop()
        # Whoever keeps the error keeps this frame.
        del instance
        forget_frames()
        try:
            raise failure
        finally:
            del failure

    # What it is.

    @property
    def version(self) -> str:
        """The version of the runtime."""
        from hycore.base._version import runtime_version

        return runtime_version()

    @property
    def application_name(self) -> str:
        """The name of the application."""
        return self._application.application_name

    @property
    def application_version(self) -> VersionInfo:
        """The version of the application."""
        return self._application.application_version

    @property
    def engine_name(self) -> str:
        """The name of the engine."""
        return self._application.engine_name

    @property
    def engine_version(self) -> VersionInfo:
        """The version of the engine, which extensions may require."""
        return self._application.engine_version

    @property
    def node_id(self) -> int:
        """The node that generated UUIDs carry."""
        return self._node_id

    @property
    def closed(self) -> bool:
        """Whether the last teardown has run."""
        return self._state == "closed"

    def __repr__(self) -> str:
        state = "being created" if self._state == "creating" else self._state
        return (
            f"<InstanceContext {self.application_name!r} {self.application_version}, {state}, "
            f"{self._life.binding.up} of {len(self._life.registries)} extensions up>"
        )

    def _repr_html_(self) -> str:
        return self.report()._repr_html_()

    def __reduce__(self) -> NoReturn:
        raise ArgumentTypeError(
            "what is copied or pickled", "the create info, from which to create another", self
        )

    def report(self) -> Report:
        """Order, reasons, configuration by type, failures and, with `profile=True`, times; at any time."""
        from hycore.base._report import Report, ReportedExtension

        life = self._life
        up = life.binding.up
        undoing = life.binding.undoing
        constructed = life.binding.rest if undoing else len(life.plugins)
        rest = "down" if undoing else "planned"
        reasons = dict(zip(life.plan.names, life.plan.reasons, strict=True))
        extensions: list[ReportedExtension] = []
        for place, registry in enumerate(life.registries):
            state = "up" if place < up else "constructed" if place < constructed else rest
            extensions.append(
                ReportedExtension(
                    registry.name,
                    uuid=str(registry.uuid),
                    description=registry.description,
                    state=state,
                    reason=reasons[registry.name],
                    times=life.times.seconds(registry.name) if life.times is not None else {},
                )
            )
        return Report(
            f"{self.application_name} {self.application_version}",
            state=self._state,
            extensions=tuple(extensions),
            set_aside=tuple(life.aside),
            ledger=life.ext.report() if life.ext is not None else (),
            failures=(*life.failures, *map(str, life.undo_errors)),
        )

    # What is in it.

    @property
    def extensions(self) -> Mapping[UUID, DynPluginEXT]:
        """The plugins that are up, by UUID, in order; a picture of this moment."""
        if self._state == "closed":
            raise InstanceClosedError("extensions")
        shown = self._shown
        if shown is None:
            from types import MappingProxyType

            steady = self._state == "open"
            shown = MappingProxyType({registry.uuid: plugin for registry, plugin in self._up()})
            if steady:
                self._shown = shown
                if self._state != "open":
                    self._shown = None
        return shown

    @overload
    def get_plugin_ext(self, key: type[T]) -> T | None: ...
    @overload
    def get_plugin_ext(self, key: str) -> DynPluginEXT | None: ...
    def get_plugin_ext(self, key: type | str) -> Any:
        """The plugin of exactly this class or of this name, if it is up, or `None`.

        Raises `PluginNotReadyError` while the instance is created and it has not started yet, and
        `InstanceClosedError` when the instance is closed.
        """
        try:
            return self._found[key]
        except (KeyError, TypeError):
            pass
        found, error = self._look_up(key, "get_plugin_ext")
        if error is None:
            return found
        # Whoever keeps the error keeps this frame.
        del self
        try:
            raise error
        finally:
            del error

    @overload
    def require_plugin_ext(self, key: type[T]) -> T: ...
    @overload
    def require_plugin_ext(self, key: str) -> DynPluginEXT: ...
    def require_plugin_ext(self, key: type | str) -> Any:
        """The plugin of exactly this class or of this name.

        Raises `PluginNotFoundError` if it is not there, and otherwise like `get_plugin_ext`.
        """
        found, error = self._look_up(key, "require_plugin_ext")
        if found is not None:
            return found
        if error is None:
            error = self._not_found(key)
        del self
        try:
            raise error
        finally:
            del error

    def implementations(self, point: Callable[..., P]) -> tuple[P, ...]:
        """Every plugin that is up and satisfies a protocol or a base class, in order: an extension point.

        A plugin that inherits from `point` matches; otherwise every member of `point` must be found on the plugin's
        class, or be annotated there. No code of a plugin runs.

        Raises `ArgumentTypeError` for what is no class, and for one that asks for nothing that not every plugin has.
        """
        try:
            implementing: tuple[P, ...] = self._implementing[point]
            return implementing
        except KeyError:
            pass
        except TypeError:
            raise ArgumentTypeError("point", "a protocol or a base class", point) from None
        from hycore.base._matching import Matcher

        if self._state == "closed":
            raise InstanceClosedError("implementations")
        known = self._implementing
        steady = self._state == "open"
        matches = Matcher(point)
        found: tuple[P, ...] = tuple([plugin for _, plugin in self._up() if matches(type(plugin))])
        if steady:
            known[point] = found
        return found

    def generate_uuid(self) -> UUID:
        """A new UUID of version 6 (RFC 9562), sortable by time, whose node is `node_id`."""
        if self._state == "closed":
            raise InstanceClosedError("generate_uuid")
        from hycore.base._uuid6 import uuid6

        return uuid6(self._node_id)

    def _up(self) -> list[tuple[Any, Any]]:
        """The identity records and the plugins of what is up, at one moment."""
        life = self._life
        plugins = life.plugins
        registries = life.registries
        return list(zip(registries, plugins, strict=False))[: life.binding.up]

    def _look_up(self, key: type | str, operation: str) -> tuple[Any, HyError | None]:
        """The plugin if it is up, or what is to be raised."""
        if self._state == "closed":
            return None, InstanceClosedError(operation)
        if not isinstance(key, str | type):
            return None, ArgumentTypeError("key", "a plugin class or a name", key)
        found = self._found
        life = self._life
        plugins = life.plugins
        place = self._place(key)
        if place is None:
            return None, None
        if place < life.binding.up:
            plugin = plugins[place]
            if self._state == "open":
                try:
                    found[key] = plugin
                except TypeError:  # a class that cannot be hashed
                    return plugin, None
                if self._state != "open":  # plugins go one by one, and nothing may be remembered
                    found.clear()
            return plugin, None
        if self._state == "creating" and not life.binding.undoing:
            # Not only its own hooks run meanwhile: the host's threads, or a log callback, may ask as well.
            asker = life.name if life.position < len(life.registries) else None
            return None, PluginNotReadyError(life.registries[place].name, asker=asker, phase=life.phase)
        return None, None

    def _place(self, key: type | str) -> int | None:
        registries = self._life.registries
        places = self._places
        if places is None or places[0] != len(registries):
            index: dict[int | str, int] = {}  # classes by id: they may have an `__eq__` of their own
            plugins = self._life.plugins
            for place, registry in enumerate(registries):
                index[registry.name] = place
                kind = registry.plugin_class
                if kind is None and place < len(plugins):
                    kind = type(plugins[place])
                if kind is not None:
                    index.setdefault(id(kind), place)
            self._places = places = (len(registries), index)
        return places[1].get(key if isinstance(key, str) else id(key))

    def _not_found(self, key: type | str) -> PluginNotFoundError:
        name = key if isinstance(key, str) else getattr(key, "NAME", None)
        if not isinstance(name, str):
            name = qualified_name(key) if isinstance(key, type) else str(key)
        known = [registry.name for registry in self._life.registries]
        reason: str | None = None
        for aside in self._life.aside:
            if aside.name == name:
                reason = f"it was set aside: {aside.reason}"
        if reason is None and name in known:
            reason = (
                "it has been torn down already"
                if self._place(key) is not None
                else ("the extension of that name is of another class")
            )
        if reason is None and isinstance(key, type):
            reason = (
                "it is not asked for: add it to enabled_extensions"
                if isinstance(getattr(key, "NAME", None), str)
                else "it is not the class of a plugin"
            )
        return PluginNotFoundError(name, known=known, searched="this instance", reason=reason)

    # Its life.

    def _bring_up(self, info: InstanceCreateInfo, inventory: Inventory | None) -> BaseException | None:
        """Runs the creation, and returns what is to be raised."""
        from hycore.base._config import judge_leftovers, take_configuration

        life = self._life
        failure: BaseException | None
        try:
            life.ext = take_configuration(info, life, inventory)
        except HyError as error:
            clean(error)
            self._end()
            return error
        reference: InstanceRef | None = None
        if life.registries:
            reference = InstanceRef(self)
            reference._alive = None
            life.reference = reference

        def judge() -> HyError | None:
            error, warnings = judge_leftovers(info, life, inventory)
            for warning in warnings:
                hywarn(self, warning)
            return error

        if life.registries:
            failure = drive(bring_up(life, judge, self._announce))
        else:
            failure = judge()
            if failure is None:
                self._announce()
        judge = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
        if failure is None:
            _live[self._serial] = reference
            self._state = "open"
            if not life.aborted:
                del self
                return None
            # Another thread closed it between the last hook and here.
            failure = InstanceClosedError("create")
            undoing = self._close()
            if isinstance(undoing, TeardownError):
                attach_failures(failure, list(undoing.exceptions))
            elif undoing is not None:
                undoing.__cause__ = failure
                return undoing
            return failure
        self._end()
        return failure

    def _announce(self) -> None:
        life = self._life
        state = self.ext
        for aside in life.aside:
            hywarn(self, "extension {} is set aside: {}", aside.name, aside.reason)
        for failure in life.failures:
            hywarn(self, failure)
        state.end_of_bring_up()
        if state.log_callback is None:
            return
        from hycore.base._version import platform_line

        hytrace(self, "Instance created successfully at {:#x}", id(self))
        hyinfo(
            self,
            "Application '{}' v{} using engine '{}' v{} (node ID: {})",
            self.application_name,
            self.application_version,
            self.engine_name,
            self.engine_version,
            self.node_id,
        )
        names = ", ".join([f'"{registry.name}"' for registry in life.registries])
        hyinfo(self, "Loaded {} extensions: [{}]", len(life.registries), names)
        hyinfo(self, platform_line())

    def close(self) -> None:
        """Tears everything down, in reverse order; at once, and once.

        A second closer waits until the first is done, unless it runs on the thread that is closing. While the
        instance is created it returns at once, and ends the creation.

        Raises `TeardownError` with every failure when all has run.
        """
        error = self._close()
        if error is not None:
            del self
            forget_frames()
            try:
                raise error
            finally:
                del error

    def _close(self) -> BaseException | None:
        """Closes, and returns what is to be raised.

        It holds wherever Ctrl-C comes: until `_state` says so nothing has begun, and from then on it is tried again.
        """
        if self._state == "closed":
            return None
        if self._forks != _forks:
            self._forget()
            return None
        if self._state == "creating":
            self._life.aborted = True
            if self._state == "creating":
                return None
        thread = get_ident()
        try:
            is_mine = _closers.setdefault(self._serial, thread) == thread
            if is_mine and self._state != "open":  # a hook of this very teardown asks, or it has just ended
                return None
            if is_mine:
                self._state = "closing"
        except BaseException:
            if self._state == "open" and _closers.get(self._serial) == thread:
                _closers.pop(self._serial)
            raise
        if not is_mine:
            self._wait()
            return None
        interrupt: BaseException | None = None
        while self._state != "closed":
            try:
                self._tear_down()
            except BaseException as error:
                clean(error)
                interrupt = error
        failures, later = self._life.outcome()
        interrupt = interrupt or later
        if interrupt is not None:
            attach_failures(interrupt, failures)
            return interrupt
        return TeardownError(failures) if failures else None

    def _tear_down(self) -> None:
        """Runs the teardowns; called again after a Ctrl-C that hit no hook, it goes on."""
        life = self._life
        self._found = {}
        self._implementing = {}
        self._shown = None
        reference: Any = life.binding.reference
        if reference is not None:
            reference._alive = self
        if not life.binding.undoing:
            life.binding.undoing = True
            if self.ext.log_callback is not None:
                hytrace(self, "Tearing down InstanceContext at {:#x}", id(self))
        if life.phase != "ended":
            drive(take_down(life))
        if reference is not None:
            reference._alive = None
        self._end()

    def _end(self) -> None:
        """Says that it is over, to whoever asks and whoever waits."""
        if self._life.phase != "ended":
            self._life.end()
        self.ext.end()
        self._found = {}
        self._implementing = {}
        self._shown = None
        self._state = "closed"
        _live.pop(self._serial, None)
        _closers.pop(self._serial, None)
        for lock in self._waiters:
            lock.release()

    def _wait(self, seconds: int = sys.maxsize) -> None:
        """Waits until another thread has closed it, for so many seconds at the most."""
        lock: LockType = allocate_lock()
        lock.acquire()
        self._waiters.append(lock)
        while self._state != "closed" and seconds > 0:
            lock.acquire(timeout=1.0)  # seconds; should Ctrl-C keep the other thread from releasing it
            seconds -= 1

    def _forget(self) -> None:
        """Closes an instance that a forked child has inherited: it is the parent's to tear down."""
        self._life.forget()
        self._end()

    def __enter__(self) -> Self:
        if self._state == "closed":
            raise InstanceClosedError("with")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes. If the body raised, that goes on, and what fails here becomes its notes."""
        failure = self._close()
        if failure is None:
            return
        if error is not None and isinstance(failure, TeardownError):
            attach_failures(error, list(failure.exceptions))
            del self, failure, error, traceback
            forget_frames()
            return
        if error is not None:
            failure.__cause__ = error
        del self, error, traceback
        forget_frames()
        try:
            raise failure
        finally:
            del failure

    def __del__(self) -> None:
        try:
            state = self._state
        except AttributeError:  # it was never assembled
            return
        if state == "closed":
            return
        # Nobody else has a reference, and so the right to close it.
        _closers[self._serial] = get_ident()
        if state == "creating" or (state == "closing" and self._life.phase != "ended"):
            self._state = "open"  # Ctrl-C hit the creation, or the closing, outside of every hook
        error = self._close()
        if error is not None:
            del self
            forget_frames()
            report_unraisable(error)
            del error


def _assembled(
    cls: type[InstanceContext], info: InstanceCreateInfo, plan: Plan, times: Times | None
) -> InstanceContext:
    """An instance that is not up yet."""
    instance = object.__new__(cls)
    instance._application = info.application_info
    instance._node_id = info.node_id
    instance.ext = InstanceStateEXT()
    instance._life = Lifecycle(plan, times)
    instance._serial = next(_serials)
    instance._forks = _forks
    instance._waiters = []
    instance._found = {}
    instance._implementing = {}
    instance._places = None
    instance._shown = None
    instance._state = "creating"
    return instance


def _check_info(info: InstanceCreateInfo) -> None:
    if not isinstance(info, InstanceCreateInfo):
        hint = ""
        if type(info).__module__.startswith("hypi."):
            hint = " (for hypi.api's own, call hypi.api.create_instance)"
        raise ArgumentTypeError("info", f"a hycore.base.api.InstanceCreateInfo{hint}", info)


def _check_plan(plan: Plan, info: InstanceCreateInfo) -> None:
    if not isinstance(plan, Plan):
        raise ArgumentTypeError("plan", "what InstanceContext.plan(info) returned", plan)
    same = (
        plan.enabled == info.enabled_extensions
        and plan.optional == info.optional_extensions
        and plan.engine_version == info.application_info.engine_version
    )
    if not same:
        raise ArgumentValueError(
            "plan",
            "made for the same extensions and engine version",
            f"one for {list(plan.enabled)}, optional {list(plan.optional)}, engine {plan.engine_version}: "
            "plan again with InstanceContext.plan(info)",
        )


def _close_all() -> None:
    """At the end of the process: closes what is left, newest first, but what another thread is closing."""
    thread = get_ident()
    while _live:
        try:
            serial, reference = _live.popitem()
        except KeyError:
            return
        instance = reference() if reference is not None else None
        if instance is None:
            continue
        if _closers.setdefault(serial, thread) != thread:
            instance._wait(_PATIENCE)
            continue
        error = instance._close()
        del instance
        if error is not None:
            forget_frames()
            report_unraisable(error)


def _after_fork() -> None:
    """In a forked child: what is up belongs to the parent, and what runs now stops undoing."""
    global _forks
    _forks += 1
    _live.clear()
    _closers.clear()
    for life in list(busy.values()):
        life.forget()
    busy.clear()
    for thread in [other for other in constructing if other != get_ident()]:
        del constructing[thread]


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
