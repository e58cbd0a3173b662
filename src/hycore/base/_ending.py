"""Who may end an instance, and when: `close`, `with`, the last reference, the end of the process, and never a forked child.

Layer: `base`, above `_lifecycle`, below `_instance`. How plugins are taken down is `_lifecycle`'s.
"""

from __future__ import annotations

import atexit
import os
import sys
from _thread import allocate_lock, get_ident
from itertools import count

from hycore.base._cleaning import clean, forget
from hycore.base._drivers import drive, drive_at_the_end, running_loop
from hycore.base._lifecycle import attach_failures, busy, set_cause, take_down
from hycore.ext._traits import constructing
from hycore.log import hytrace
from hycore.utils._unraisable import report_unraisable
from hycore.utils.error import AsyncCloseError, InstanceClosedError, TeardownError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import weakref
    from _thread import LockType
    from typing import Any

    from hycore.base._beginning import InstanceRef
    from hycore.base._instance import InstanceContext

    Who = tuple[int, int | None]

__all__ = [
    "begin_to_end",
    "beside",
    "claim",
    "closed_meanwhile",
    "closers",
    "closing",
    "end",
    "forget_if_closed",
    "forget_look_ups",
    "forks",
    "is_steady",
    "live",
    "retriers",
    "serials",
    "wait_for_the_end",
    "what_must_be_awaited",
    "who",
]

# The instances that are up, oldest first: what the end of the process closes. One without plugins has nothing to tear
# down then, and so no reference here.
live: dict[int, weakref.ref[InstanceContext] | None] = {}
serials = count()

# Who has the right to close an instance: the first that asks, a thread and in an asynchronous host a task of it.
# `setdefault` is atomic, so that `__del__` and signal handlers meet no lock; and what it did stays done when Ctrl-C comes
# right behind it.
closers: dict[int, Who] = {}

# Who tries something of an instance again: one at a time.
retriers: dict[int, Who] = {}

# How long the end of the process waits for another thread that is closing an instance, in seconds.
_PATIENCE = 10

# How many forks lie between this process and the first one.
forks = 0


def who(instance: InstanceContext) -> Who:
    """The thread that runs and, where an event loop runs, the task; by its id, for a task may hold the instance."""
    task = running_loop().task()
    return get_ident(), id(task) if task is not None else None


def claim(instance: InstanceContext) -> str:
    """Asks for the right to close: `"mine"`, `"wait"` for another closer, or `"done"`, now or by those at work."""
    if instance._state == "closed":
        return "done"
    if instance._forks != forks:
        _forget(instance)
        return "done"
    if instance._state == "creating":
        instance._life.aborted = True
        if instance._state == "creating":
            return "done"
    me = who(instance)
    retrier = retriers.get(instance._serial)
    if retrier is not None:
        instance._life.aborted = True
        if instance._serial in retriers:  # who tries again closes when that has ended
            return "done" if retrier == me else "wait"
    try:
        is_mine = closers.setdefault(instance._serial, me) == me
        if is_mine and instance._state != "open":  # a hook of this very teardown asks, or it has just ended
            return "done"
        if is_mine:
            instance._state = "closing"
    except BaseException:
        if instance._state == "open" and closers.get(instance._serial) == me:
            closers.pop(instance._serial)
        raise
    return "mine" if is_mine else "wait"


def what_must_be_awaited(instance: InstanceContext) -> AsyncCloseError | None:
    """The error that it is to call `close` where `aclose` must be awaited."""
    if instance._state == "closed" or instance._forks != forks:
        return None
    for workers in (closers, retriers):
        worker = workers.get(instance._serial)
        if worker is not None and worker[1] is not None:
            me = who(instance)
            # Another task of this thread, which to wait for would hold up.
            if worker != me and worker[0] == me[0]:
                return AsyncCloseError()
    if instance._asynchronous and instance._state == "open" and instance._serial not in retriers:
        awaited = instance._life.awaited_at_the_end()
        return AsyncCloseError(awaited) if awaited else None
    return None


def closing(instance: InstanceContext) -> Any:
    """Runs the teardowns, and after a Ctrl-C that hit no hook goes on; returns what is to be raised."""
    life = instance._life
    interrupt: BaseException | None = None
    while instance._state != "closed":
        try:
            reference = begin_to_end(instance)
            if life.phase != "ended":
                yield from take_down(life)
            if reference is not None:
                reference._alive = None
            end(instance)
        except BaseException as error:
            clean(error, life.running)
            interrupt = error
    failures, later = life.outcome()
    interrupt = interrupt or later
    if interrupt is not None:
        attach_failures(interrupt, failures)
        return interrupt
    return TeardownError(failures) if failures else None


def forget_if_closed(instance: InstanceContext) -> None:
    """After an error: the frames of whoever has closed it to the end are not needed any more."""
    if instance._state == "closed":
        forget(instance._life.running)


def begin_to_end(instance: InstanceContext) -> InstanceRef | None:
    life = instance._life
    forget_look_ups(instance)
    reference: Any = life.binding.reference
    if reference is not None:
        reference._alive = instance
    if not life.binding.undoing:
        life.binding.undoing = True
        if instance.ext.threshold <= 4:  # somebody wants something
            hytrace(instance, "Tearing down InstanceContext at {:#x}", id(instance))
    return reference  # type: ignore[no-any-return]


def end(instance: InstanceContext) -> None:
    """Says that it is over, to whoever asks and whoever waits."""
    if instance._life.phase != "ended":
        instance._life.end()
    instance.ext.end()
    forget_look_ups(instance)
    instance._state = "closed"
    live.pop(instance._serial, None)
    closers.pop(instance._serial, None)
    for wake in instance._waiters:
        wake()


def is_steady(instance: InstanceContext) -> bool:
    """Whether what is up stays up for now, so that look-ups may be remembered."""
    return instance._state == "open" and instance._serial not in retriers


def forget_look_ups(instance: InstanceContext) -> None:
    instance._found = {}
    instance._implementing = {}
    instance._shown = None


def wait_for_the_end(instance: InstanceContext, seconds: int = sys.maxsize) -> None:
    """Waits until another thread has closed it, for so many seconds at the most."""
    lock: LockType = allocate_lock()
    lock.acquire()
    instance._waiters.append(lock.release)
    while instance._state != "closed" and seconds > 0:
        lock.acquire(timeout=1.0)  # seconds; should Ctrl-C keep the other thread from releasing it
        seconds -= 1


def _forget(instance: InstanceContext) -> None:
    """Closes an instance that a forked child has inherited: it is the parent's to tear down."""
    instance._life.forget()
    end(instance)


def _is_anothers(instance: InstanceContext) -> bool:
    worker = closers.get(instance._serial) or retriers.get(instance._serial)
    return worker is not None and worker[0] != get_ident()


def closed_meanwhile(
    operation: str, undoing: BaseException | None, error: BaseException | None = None
) -> BaseException:
    """What a creation or a retry raises that was ended by a `close` of somebody else.

    `undoing` is what failed while it was closed, `error` what had ended it anyway: Ctrl-C and cancellation pass.
    """
    failure: BaseException = InstanceClosedError(operation, meanwhile=True)
    if error is not None and not isinstance(error, Exception):
        failure = error
    elif isinstance(error, InstanceClosedError):
        for note in getattr(error, "__notes__", ()):
            failure.add_note(note)
    elif error is not None:
        failure.add_note(f"meanwhile, {error}")
    if isinstance(undoing, TeardownError):
        attach_failures(failure, list(undoing.exceptions))
    elif undoing is not None:
        set_cause(undoing, failure)
        return undoing
    return failure


def beside(error: BaseException | None, failure: BaseException | None) -> BaseException | None:
    """What is to be raised at the end of a `with` block that may have raised itself."""
    if error is None or failure is None:
        return failure
    if isinstance(failure, TeardownError):
        attach_failures(error, list(failure.exceptions))
        return None
    set_cause(failure, error)
    return failure


def _close_all() -> None:
    """At the end of the process: closes what is left, newest first, and waits a while for who is closing already."""
    while live:
        try:
            _, reference = live.popitem()
        except KeyError:
            return
        instance = reference() if reference is not None else None
        if instance is None:
            continue
        if _is_anothers(instance):
            wait_for_the_end(instance, _PATIENCE)
            continue
        # A task of this thread that closes it, or tries something again, goes on no more.
        instance._take_over()
        error = instance._close(drive_at_the_end if instance._asynchronous else drive)
        if error is not None:
            forget(instance._life.running)
        del instance
        if error is not None:
            report_unraisable(error)


def _after_fork() -> None:
    """In a forked child: what is up belongs to the parent, and what runs now stops undoing."""
    global forks
    forks += 1
    live.clear()
    closers.clear()
    retriers.clear()
    for life in list(busy.values()):
        life.forget()
    busy.clear()
    for thread in [other for other in constructing if other != get_ident()]:
        del constructing[thread]


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
