"""Who runs the engine: a host that cannot wait, one that awaits, and the end of an instance where nobody awaits.

Layer: `base`, above `_lifecycle`. The engine yields what hooks and callbacks return; only here is decided what becomes
of it. What is no awaitable is ignored.
"""

from __future__ import annotations

import sys

from hycore.utils.error import LoopError, describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hycore.base._lifecycle import Lifecycle

__all__ = ["adrive", "drive", "drive_at_the_end", "is_awaitable", "running_loop"]


def drive(steps: Any) -> Any:
    """Runs the engine where nothing can be awaited, and returns what it returns.

    A hook that returns an awaitable has failed; the awaitable is closed.
    """
    return _driven(steps, _refused)


def drive_at_the_end(steps: Any) -> Any:
    """Runs the engine where nobody awaits any more: when the last reference has gone, or the process ends.

    What must be awaited is run to its first real wait, and then closed: that hook has failed.
    """
    return _driven(steps, _run_to_its_wait)


class _CoroutineClosed(BaseException):
    """Stands for a `GeneratorExit` in the engine: Python closes generators with that one instead of throwing it."""


async def adrive(steps: Any, life: Lifecycle, loop: Any) -> Any:
    """Runs the engine in the task that awaits, and returns what it returns."""
    raised: BaseException | None = None
    closing = False
    try:
        while True:
            waiting = steps.send(None) if raised is None else steps.throw(raised)
            raised = None
            if not is_awaitable(waiting):
                continue
            if closing:
                raised = _run_to_its_wait(waiting)
                continue
            requests = loop.cancel_requests()
            try:
                await _awaited(waiting, life, loop)
            except GeneratorExit:
                # The coroutine is being closed: nothing can be awaited in it any more.
                closing = True
                raised = _CoroutineClosed()
            except BaseException as error:
                raised = loop.judged(error, requests)
            del waiting
    except StopIteration as stop:
        if closing:
            raise GeneratorExit from None
        return stop.value
    finally:
        del raised


def _driven(steps: Any, handle: Any) -> Any:
    raised: BaseException | None = None
    try:
        while True:
            waiting = steps.send(None) if raised is None else steps.throw(raised)
            raised = handle(waiting) if is_awaitable(waiting) else None
            del waiting
    except StopIteration as stop:
        return stop.value
    finally:
        del raised


def _awaited(waiting: Any, life: Lifecycle, loop: Any) -> Any:
    """What is awaited for an awaitable: it itself, or, where the rules ask for it, a scope of the loop round it."""
    if life.phase == "initialize" and not life.binding.undoing:
        registry = life.registries[life.position]
        seconds = life.timeout_of(registry)
        if seconds is not None:
            return loop.within(waiting, seconds, registry.name)
    elif life.phase in ("teardown", "defer") and loop.is_cancelled():
        return loop.shielded(waiting, life.undo_timeout, life.name)
    return waiting


def is_awaitable(thing: object) -> bool:
    """Whether a host could await this; no code of its own runs."""
    if thing is None:
        return False
    if any("__await__" in vars(base) for base in type(thing).__mro__):
        return True
    from types import GeneratorType

    return type(thing) is GeneratorType and bool(
        thing.gi_code.co_flags & 0x100
    )  # marked by `types.coroutine`


def _refused(waiting: Any) -> BaseException:
    """Ends an awaitable that nothing awaits; returns the failure of the hook that returned it."""
    for way_to_end in ("close", "cancel"):
        end: Any = getattr(waiting, way_to_end, None)
        if end is not None:
            try:
                ended = end()
                if is_awaitable(ended):  # of a pool, for instance, whose `close` is asynchronous
                    ended.close()
            except Exception as error:
                return TypeError(
                    f"it returned an awaitable, which nothing awaits here, and which could not be ended: {describe(error)}"
                )
            break
    return TypeError(
        f"it returned an awaitable ({kind_of(waiting)}), and this instance is synchronous, where nothing awaits it: "
        "await InstanceContext.acreate(info) in place of create"
    )


def kind_of(waiting: Any) -> str:
    """The name of an awaitable's type; where times are taken, of what is timed."""
    return type(getattr(waiting, "timed", waiting)).__name__


def _run_to_its_wait(waiting: Any) -> BaseException | None:
    """Runs an awaitable as far as it goes without waiting; returns what it raised, or the failure to wait."""
    trio: Any = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_run():
        # A nursery that it opens would be one of whatever task runs at this moment, and outlive it there.
        _refused(waiting)
        return RuntimeError("nothing awaits it any more: end the instance with await instance.aclose()")
    try:
        kind: Any = type(waiting)
        steps = kind.__await__(waiting) if hasattr(kind, "__await__") else waiting
        next(steps)
    except StopIteration:
        return None
    except GeneratorExit:
        return _CoroutineClosed()
    except BaseException as error:
        return error
    try:
        close = getattr(steps, "close", None)
        if close is not None:
            close()
    except Exception as error:
        return error
    return RuntimeError(
        "it waits, and nothing awaits it any more: end the instance with await instance.aclose()"
    )


# The loops of asynchronous hosts.


def running_loop() -> Any:
    """The means of the loop that runs here; a library of ours for each, used only while that loop is running."""
    trio: Any = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_run():
        from hycore.base._on_trio import Trio

        return Trio(trio)
    asyncio: Any = sys.modules.get("asyncio")
    if asyncio is not None and asyncio._get_running_loop() is not None:
        from hycore.base._on_asyncio import Asyncio

        return Asyncio(asyncio)
    return _NO_LOOP


class NoLoop:
    """A loop that is not known here, or none: hooks are awaited, and nothing else can be had."""

    cancellations: tuple[type[BaseException], ...] = ()

    def task(self) -> object:
        """What tells one task from another; `None` where there are none."""
        return None

    def is_cancelled(self) -> bool:
        """Whether what is awaited now would be cancelled at once."""
        return False

    def cancel_requests(self) -> int:
        """How often the task has been asked to end."""
        return 0

    def judged(self, error: BaseException, requests: int) -> BaseException:
        """What an exception means that a hook has raised, which began after so many requests."""
        return error

    def within(self, waiting: Any, seconds: float, name: str) -> Any:
        """Here there is no way to wait for so long and no longer."""
        _refused(waiting)
        raise LoopError("a timeout of initialize")

    async def in_thread(self, function: Any) -> Any:
        """Here there is no way to wait for a thread."""
        raise LoopError("import_in_thread=True")

    def waker(self) -> tuple[Any, Any]:
        """Here there is no way to be woken."""
        raise LoopError("waiting for somebody else who closes the instance")


_NO_LOOP = NoLoop()
