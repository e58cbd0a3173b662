"""The instance: what a host holds, looks things up in, and closes.

Layer: `base`, on top of it. The life of the plugins is `_lifecycle`'s; here stands who may end it, and when: `close`,
`with`, the last reference, the end of the process, and never a forked child.
"""

from __future__ import annotations

from hycore.base._beginning import (
    announcer_of,
    assembled,
    bring_up_nothing,
    check_info,
    check_plain,
    check_plan,
    check_seconds,
    is_up,
    judge_of,
    prepare,
)
from hycore.base._cleaning import clean, forget
from hycore.base._drivers import adrive, drive, drive_at_the_end, running_loop
from hycore.base._ending import (
    begin_to_end,
    beside,
    claim,
    closed_meanwhile,
    closers,
    closing,
    end,
    forget_if_closed,
    forget_look_ups,
    is_steady,
    retriers,
    wait_for_the_end,
    what_must_be_awaited,
    who,
)
from hycore.base._lifecycle import Lifecycle, bring_up
from hycore.base._lookups import look_up, not_found, plugins_up
from hycore.base._plan import Plan, make_plan
from hycore.base.api import InstanceCreateInfo
from hycore.log import InstanceStateEXT, hywarn
from hycore.utils._unraisable import report_unraisable
from hycore.utils.error import ArgumentTypeError, InstanceClosedError, PluginNotFoundError, RetryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType
    from typing import Any, NoReturn, Self, TypeVar, final, overload
    from uuid import UUID

    from hycore.base._ending import Who
    from hycore.base._report import Report
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


@final
class InstanceContext:
    """A set of extensions that are up together, and what they share.

    `create` brings one up; it lives until `close`, the end of a `with` block, its last reference or the end of the
    process, whichever comes first.
    """

    __slots__ = (
        "__weakref__",
        "_application",
        "_asynchronous",
        "_forks",
        "_found",
        "_implementing",
        "_life",
        "_node_id",
        "_places",
        "_request",
        "_serial",
        "_shown",
        "_state",
        "_waiters",
        "ext",
    )

    ext: InstanceStateEXT
    _application: ApplicationInfo
    _asynchronous: bool
    _forks: int
    _found: dict[Any, Any]
    _implementing: dict[Any, tuple[Any, ...]]
    _life: Lifecycle
    _node_id: int
    _places: tuple[int, dict[int | str, tuple[int, str]]] | None
    _request: tuple[InstanceCreateInfo, Inventory | None] | None
    _serial: int
    _shown: Mapping[UUID, DynPluginEXT] | None
    _state: str
    _waiters: list[Callable[[], object]]

    def __init__(self, *_: object, **__: object) -> None:
        way = "create_instance(info) or InstanceContext.create(info)"
        raise ArgumentTypeError("the way to an instance", way, type(self))

    @classmethod
    def plan(
        cls, info: InstanceCreateInfo, *, inventory: Inventory | None = None, asynchronous: bool = False
    ) -> Plan:
        """What an instance for `info` would bring up; imports the modules of what is asked for, and runs no plugin.

        `asynchronous` says that it is for `acreate`, where hooks may be `async def`. Raises `PlanError` with every
        problem.
        """
        check_info(info)
        return make_plan(info, inventory, asynchronous=asynchronous)

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
        check_info(info)
        if plan is None:
            plan = make_plan(info, inventory)
        else:
            check_plan(plan, info)
            check_plain(plan)
        instance = assembled(cls, info, inventory, plan, profile=profile)
        life = instance._life
        failure: BaseException | None
        try:
            failure = prepare(instance, info, inventory)
            if failure is None and life.registries:
                failure = drive(bring_up(life, judge_of(instance, info, inventory), announcer_of(instance)))
            elif failure is None:
                failure = bring_up_nothing(instance, info, inventory)
            if is_up(instance, failure):
                # A plugin that keeps an exception keeps this frame, which must not keep the instance.
                created = [instance]
                del instance
                return created.pop()
            failure = instance._not_up(failure, drive)
        finally:
            # After Ctrl-C that hit the engine itself the drop undoes the rest.
            forget(life.running)
        # Whoever keeps the error keeps this frame.
        del instance, life
        assert failure is not None
        try:
            raise failure
        finally:
            del failure

    @classmethod
    async def acreate(
        cls,
        info: InstanceCreateInfo,
        *,
        inventory: Inventory | None = None,
        plan: Plan | None = None,
        profile: bool = False,
        initialize_timeout: float | None = None,
        undo_timeout: float | None = None,
        import_in_thread: bool = False,
    ) -> InstanceContext:
        """Brings up an instance whose hooks may be `async def`; they run in the task that awaits this, one by one.

        `initialize_timeout` is how long each `initialize` may take, in seconds, unless its class says otherwise.
        `undo_timeout` is how long each hook or callback may take that undoes after a cancellation under trio. With
        `import_in_thread` the modules of the extensions are imported in a thread, and the event loop goes on.

        Raises what `create` raises. A cancellation undoes like a failure, and is raised as itself.
        """
        check_info(info)
        check_seconds("initialize_timeout", initialize_timeout)
        check_seconds("undo_timeout", undo_timeout)
        loop = running_loop()
        if plan is not None:
            check_plan(plan, info)
        elif import_in_thread:
            made: Plan = await loop.in_thread(lambda: make_plan(info, inventory, asynchronous=True))
            plan = made
        else:
            plan = make_plan(info, inventory, asynchronous=True)
        instance = assembled(cls, info, inventory, plan, profile=profile, timeout=initialize_timeout)
        instance._asynchronous = True
        life = instance._life
        life.cancelled = loop.cancellations
        life.undo_timeout = undo_timeout
        failure: BaseException | None
        try:
            failure = prepare(instance, info, inventory)
            if failure is None and life.registries:
                steps = bring_up(life, judge_of(instance, info, inventory), announcer_of(instance))
                failure = await adrive(steps, life, loop)
            elif failure is None:
                failure = bring_up_nothing(instance, info, inventory)
            if is_up(instance, failure):
                created = [instance]
                del instance
                return created.pop()
            failure = await instance._anot_up(failure, loop)
        finally:
            forget(life.running)
        del instance, life, loop
        assert failure is not None
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
        constructed = life.binding.rest
        rest = "down" if undoing else "planned"
        reasons = {**dict(zip(life.plan.names, life.plan.reasons, strict=True)), **life.reasons}
        extensions: list[ReportedExtension] = []
        for place, registry in enumerate(life.registries):
            state = "up" if place < up else "constructed" if place < constructed else rest
            extensions.append(
                ReportedExtension(
                    registry.name,
                    uuid=str(registry.uuid),
                    description=registry.description,
                    state=state,
                    reason=reasons.get(registry.name, "optional; tried again"),
                    times=life.times.seconds(registry.name) if life.times is not None else {},
                    held=life.times.seconds_held(registry.name) if life.times is not None else {},
                    begun=dict(life.times.first.get(registry.name, ())) if life.times is not None else {},
                )
            )
        return Report(
            f"{self.application_name} {self.application_version}",
            state=self._state,
            extensions=tuple(extensions),
            set_aside=life.aside,
            ledger=tuple([entry for ext in life.lists for entry in ext.report()]),
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

            steady = is_steady(self)
            version = self._life.version
            shown = MappingProxyType({registry.uuid: plugin for registry, plugin in plugins_up(self)})
            if steady:
                self._shown = shown
                if not is_steady(self) or version != self._life.version:
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
            return self._found[key]  # once remembered, 0.05 of the time that looking up takes
        except (KeyError, TypeError):
            pass
        found, error = look_up(self, key, "get_plugin_ext")
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
        try:
            return self._found[key]
        except (KeyError, TypeError):
            pass
        found, error = look_up(self, key, "require_plugin_ext")
        if found is not None:
            return found
        if error is None:
            error = not_found(self, key)
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
            return self._implementing[point]
        except KeyError:
            pass
        except TypeError:
            raise ArgumentTypeError("point", "a protocol or a base class", point) from None
        from hycore.base._matching import Matcher

        if self._state == "closed":
            raise InstanceClosedError("implementations")
        known = self._implementing
        steady = is_steady(self)
        try:
            matches = Matcher(point)
        except ArgumentTypeError:
            del self  # whoever keeps the error keeps this frame
            raise
        found: tuple[P, ...] = tuple([plugin for _, plugin in plugins_up(self) if matches(type(plugin))])
        if steady:
            known[point] = found
        return found

    def generate_uuid(self) -> UUID:
        """A new UUID of version 6 (RFC 9562), sortable by time, whose node is `node_id`."""
        if self._state == "closed":
            raise InstanceClosedError("generate_uuid")
        from hycore.base._uuid6 import uuid6

        return uuid6(self._node_id)

    # Its life.

    def _not_up(self, failure: BaseException | None, driver: Callable[[Any], Any]) -> BaseException:
        """What is to be raised when the creation has failed, and has undone what it did."""
        if failure is not None:
            end(self)
            return failure
        # Another thread closed it between the last hook and here.
        return closed_meanwhile("create", self._close(driver))

    async def _anot_up(self, failure: BaseException | None, loop: Any) -> BaseException:
        if failure is not None:
            end(self)
            return failure
        return closed_meanwhile("create", await self._aclose(loop))

    def retry(self, name: str, *, ext: Iterable[object] | None = None) -> bool:
        """Tries an extension again that was set aside, with what was set aside for requiring it (rule R1).

        It gets the configuration that it took or claims; objects in `ext` take the place of those of their types. What
        comes up stands last in the order. Returns whether the extension is up; one that fails is set aside again, and
        `report()` tells why.

        Raises `PluginNotFoundError` for a name that was not asked for, `RetryError` if it cannot be tried now,
        `UnconsumedConfigError` and the like for `ext`, and `InstanceClosedError` if the instance was closed meanwhile.
        """
        error: BaseException | None = None
        is_up = is_mine = False
        life = self._life
        me = who(self)
        try:
            is_up = self._can_retry(name, me)
            if not is_up:
                error = drive(self._retrying(name, ext, awaits=False))
        except BaseException as caught:
            clean(caught, life.running)
            error = caught
        finally:
            is_mine = self._end_retry(me)
        if is_mine and life.aborted:
            error = closed_meanwhile("retry", self._close(drive), error)
        if is_mine:
            forget(life.running)
        if error is None:
            return is_up or self._is_there(name)
        del self, life, me, ext
        try:
            raise error
        finally:
            del error

    async def aretry(self, name: str, *, ext: Iterable[object] | None = None) -> bool:
        """Like `retry`, for extensions whose hooks may be `async def`."""
        error: BaseException | None = None
        is_up = is_mine = False
        life = self._life
        loop = running_loop()
        me = who(self)
        try:
            is_up = self._can_retry(name, me)
            if not is_up:
                life.cancelled = loop.cancellations
                error = await adrive(self._retrying(name, ext, awaits=True), life, loop)
        except GeneratorExit:
            raise
        except BaseException as caught:
            clean(caught, life.running)
            error = caught
        finally:
            is_mine = self._end_retry(me)
        if is_mine and life.aborted:
            error = closed_meanwhile("retry", await self._aclose(loop), error)
        if is_mine:
            forget(life.running)
        if error is None:
            return is_up or self._is_there(name)
        del self, life, loop, me, ext
        try:
            raise error
        finally:
            del error

    def _can_retry(self, name: str, me: Who) -> bool:
        """Takes the right to try again, or returns true for what is up already."""
        if not isinstance(name, str):
            raise ArgumentTypeError("name", "the name of an extension", name)
        if self._state in ("closing", "closed"):
            raise InstanceClosedError("retry")
        if self._is_there(name):
            return True
        asked = [*self._life.plan.enabled, *self._life.plan.optional]
        if name not in asked:
            step = "ask for it in optional_extensions"
            raise PluginNotFoundError(
                name, known=asked, searched="what this instance was asked for", step=step
            )
        if self._state != "open":
            problem, step = "the instance is still being created", "try again when it is up"
            raise RetryError(name, problem=problem, step=step)
        if retriers.setdefault(self._serial, me) is not me:
            problem, step = "another one is tried again at this moment", "try again when that has ended"
            raise RetryError(name, problem=problem, step=step)
        forget_look_ups(self)
        return self._is_there(name)  # another thread may have brought it up until then

    def _end_retry(self, me: Who) -> bool:
        """Gives the right back, if it was taken: Ctrl-C may have come before. Returns whether it was."""
        if retriers.get(self._serial) is not me:
            return False
        forget_look_ups(self)
        retriers.pop(self._serial, None)
        return True

    def _retrying(self, name: str, ext: Iterable[object] | None, *, awaits: bool) -> Any:
        from hycore.base._retry import try_again

        assert self._request is not None
        info, inventory = self._request
        return try_again(
            self._life,
            name,
            info,
            inventory,
            ext=ext,
            asynchronous=self._asynchronous,
            awaits=awaits,
            warn=lambda text: hywarn(self, text),
        )

    def _is_there(self, name: str) -> bool:
        life = self._life
        return name in [registry.name for registry in life.registries[: life.binding.up]]

    def close(self) -> None:
        """Tears everything down, in reverse order; at once, and once.

        A second closer waits until the first is done, unless it runs on the thread that is closing. While the
        instance is created it returns at once, and ends the creation.

        Raises `TeardownError` with every failure when all has run, and `AsyncCloseError` where there is something to
        await: then nothing has run.
        """
        error = what_must_be_awaited(self) or self._close(drive)
        if error is not None:
            forget_if_closed(self)
            del self
            try:
                raise error
            finally:
                del error

    async def aclose(self) -> None:
        """Like `close`, for instances whose hooks and callbacks may be `async def`.

        A cancellation fails the hook that it hits, and is raised as itself when all have run.
        """
        error: BaseException | None
        try:
            error = await self._aclose(running_loop())
        except BaseException as caught:  # while it waited for another closer
            clean(caught, self._life.running)
            error = caught
        if error is not None:
            forget_if_closed(self)
            del self
            try:
                raise error
            finally:
                del error

    def _close(self, driver: Callable[[Any], Any]) -> BaseException | None:
        """Closes, and returns what is to be raised.

        It holds wherever Ctrl-C comes: until `_state` says so nothing has begun, and from then on it is tried again.
        """
        right = claim(self)
        if right == "wait":
            wait_for_the_end(self)
        if right != "mine":
            return None
        if self._life.registries:
            error: BaseException | None = driver(closing(self))
            return error
        begin_to_end(self)
        end(self)
        return None

    async def _aclose(self, loop: Any) -> BaseException | None:
        right = claim(self)
        if right == "wait":
            wake, wait = loop.waker()
            self._waiters.append(wake)
            while self._state != "closed":
                await wait()
        if right != "mine":
            return None
        life = self._life
        life.cancelled = loop.cancellations
        error: BaseException | None = await adrive(closing(self), life, loop)
        return error

    def __enter__(self) -> Self:
        if self._state == "closed":
            raise InstanceClosedError("with")
        error = what_must_be_awaited(self)
        if error is None:
            return self
        del self
        try:
            raise error
        finally:
            del error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes. If the body raised, that goes on, and what fails here becomes its notes."""
        undone = what_must_be_awaited(self) or self._close(drive)
        if undone is not None:
            forget_if_closed(self)
        failure = beside(error, undone)
        del self, error, traceback, undone
        if failure is not None:
            try:
                raise failure
            finally:
                del failure

    async def __aenter__(self) -> Self:
        if self._state == "closed":
            raise InstanceClosedError("async with")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes. If the body raised, that goes on, and what fails here becomes its notes."""
        undone = await self._aclose(running_loop())
        if undone is not None:
            forget_if_closed(self)
        failure = beside(error, undone)
        del self, error, traceback, undone
        if failure is not None:
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
        # Nobody else has a reference, and so the right to close it, or tries something again.
        self._take_over()
        error = self._close(drive_at_the_end if self._asynchronous else drive)
        if error is not None:
            forget(self._life.running)
            del self
            report_unraisable(error)
            del error

    def _take_over(self) -> None:
        """Takes the right to close from whoever had it and does not go on: at a drop, at the end of the process."""
        retriers.pop(self._serial, None)
        closers[self._serial] = who(self)
        if self._state == "creating" or (self._state == "closing" and self._life.phase != "ended"):
            self._state = "open"
