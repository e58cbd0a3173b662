"""What an instance is made of, and what is done before and after its plugins are brought up.

Layer: `base`, above `_lifecycle`, below `_instance`.
"""

from __future__ import annotations

from _weakref import ref  # `weakref` itself would take 0.05 of the import of hycore

from hycore.base import _ending
from hycore.base._cleaning import clean
from hycore.base._config import judge_leftovers, take_configuration
from hycore.base._lifecycle import Lifecycle
from hycore.base._plan import Plan
from hycore.base.api import InstanceCreateInfo
from hycore.log import InstanceStateEXT, hyinfo, hytrace, hywarn
from hycore.utils.error import ArgumentTypeError, ArgumentValueError, AsyncHookError, HyError, PlanError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from hycore.base._instance import InstanceContext
    from hycore.base._report import Times
    from hycore.ext import Inventory

__all__ = [
    "announce",
    "announcer_of",
    "assembled",
    "bring_up_nothing",
    "check_info",
    "check_plain",
    "check_plan",
    "check_seconds",
    "is_up",
    "judge_of",
    "prepare",
]


class InstanceRef(ref["InstanceContext"]):
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


_deref: Any = ref.__call__


def assembled(
    cls: type[InstanceContext],
    info: InstanceCreateInfo,
    inventory: Inventory | None,
    plan: Plan,
    *,
    profile: bool,
    timeout: float | None = None,
) -> InstanceContext:
    """An instance that is not up yet."""
    times: Times | None = None
    if profile:
        from hycore.base._report import Times

        times = Times()
    instance = object.__new__(cls)
    instance._application = info.application_info
    instance._node_id = info.node_id
    instance.ext = InstanceStateEXT()
    instance._life = Lifecycle(plan, times, timeout)
    instance._asynchronous = False
    instance._origin = info._origin
    instance._request = (info._without_ext(), inventory) if info.optional_extensions else None
    instance._serial = next(_ending.serials)
    instance._forks = _ending.forks
    instance._waiters = []
    instance._found = {}
    instance._implementing = {}
    instance._places = None
    instance._shown = None
    instance._state = "creating"
    return instance


def prepare(
    instance: InstanceContext, info: InstanceCreateInfo, inventory: Inventory | None
) -> HyError | None:
    """Converts the configuration, where anybody could take it; returns the error that it is."""
    if not (info.enabled_extensions or info.optional_extensions or info.ext):
        return None
    life = instance._life
    try:
        life.ext = take_configuration(info, life, inventory)
    except HyError as error:
        clean(error, life.running)
        return error
    life.lists = (life.ext,)
    if instance._request is not None:
        life.ext._remember()
    if life.registries or instance._request is not None:
        reference = InstanceRef(instance)
        reference._alive = None
        life.reference = reference
        life.warn = lambda text: hywarn(reference(), text)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    return None


def judge_of(
    instance: InstanceContext, info: InstanceCreateInfo, inventory: Inventory | None
) -> Callable[[], HyError | None]:
    def judge() -> HyError | None:
        error, warnings = judge_leftovers(info, instance._life, inventory)
        for warning in warnings:
            hywarn(instance, warning)
        return error

    return judge


def announcer_of(instance: InstanceContext) -> Callable[[], None]:
    return lambda: announce(instance)


def bring_up_nothing(
    instance: InstanceContext, info: InstanceCreateInfo, inventory: Inventory | None
) -> HyError | None:
    """The creation of an instance without plugins: there is nothing to drive."""
    failure = judge_of(instance, info, inventory)() if instance._life.ext is not None else None
    if failure is None:
        instance._life.phase = "up"
        announce(instance)
    return failure


def is_up(instance: InstanceContext, failure: BaseException | None) -> bool:
    """Whether the creation has come to its good end; what it leaves behind is put in order."""
    if failure is not None:
        return False
    life = instance._life
    if instance._request is not None:
        from hycore.base._retry import keep_configuration

        keep_configuration(life)
    _ending.live[instance._serial] = life.reference
    instance._state = "open"
    return not life.aborted


def announce(instance: InstanceContext) -> None:
    life = instance._life
    state = instance.ext
    for aside in life.aside:
        hywarn(instance, "extension {} is set aside: {}", aside.name, aside.reason)
    for failure in life.failures:
        hywarn(instance, failure.text)
    state.end_of_bring_up()
    if state.threshold > 4:  # nobody wants anything
        return
    from hycore.base._version import platform_line

    hytrace(instance, "Instance created successfully at {:#x}", id(instance))
    hyinfo(
        instance,
        "Application '{}' v{} using engine '{}' v{} (node ID: {})",
        instance.application_name,
        instance.application_version,
        instance.engine_name,
        instance.engine_version,
        instance.node_id,
    )
    names = ", ".join([f'"{registry.name}"' for registry in life.registries])
    hyinfo(instance, "Loaded {} extensions: [{}]", len(life.registries), names)
    hyinfo(instance, platform_line())


def check_info(info: InstanceCreateInfo) -> None:
    if not isinstance(info, InstanceCreateInfo):
        hint = ""
        if type(info).__module__.startswith("hypi."):
            hint = " (for hypi.api's own, call hypi.api.create_instance)"
        raise ArgumentTypeError("info", f"a hycore.base.api.InstanceCreateInfo{hint}", info)


def check_seconds(argument: str, seconds: float | None) -> None:
    if seconds is None:
        return
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise ArgumentTypeError(argument, "a number of seconds, or None", seconds)
    if not 0 < seconds < float("inf"):
        raise ArgumentValueError(argument, "a positive number of seconds", repr(seconds))


def check_plain(plan: Plan) -> None:
    """A plan for an asynchronous instance may hold what a synchronous one cannot run."""
    if plan._asynchronous:
        first = plan._asynchronous[0]
        raise PlanError([AsyncHookError(first.name, hooks=first.async_hooks)])


def check_plan(plan: Plan, info: InstanceCreateInfo) -> None:
    if not isinstance(plan, Plan):
        raise ArgumentTypeError("plan", "what InstanceContext.plan(info) returned", plan)
    version = info.application_info.engine_version
    same = (
        plan.enabled == info.enabled_extensions
        and plan.optional == info.optional_extensions
        # To compare two equal records takes a quarter of an instance without plugins.
        and (plan.engine_version is version or plan.engine_version == version)
    )
    if not same:
        raise ArgumentValueError(
            "plan",
            "made for the same extensions and engine version",
            f"for {list(plan.enabled)}, optional {list(plan.optional)}, engine {plan.engine_version}: "
            "plan again with InstanceContext.plan(info)",
        )
