"""What an asynchronous instance needs of trio; imported only while trio runs.

Layer: `base`, a leaf within it.
"""

from __future__ import annotations

from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

__all__ = ["Trio"]


class Trio:
    """The means of the running loop; the same everywhere as those of asyncio."""

    def __init__(self, trio: Any) -> None:
        self.trio = trio
        self.cancellations: tuple[type[BaseException], ...] = (trio.Cancelled,)

    def task(self) -> object:
        """What tells one task from another; `None` between tasks, where a drop or a signal may come."""
        try:
            return self.trio.lowlevel.current_task()
        except RuntimeError:
            return None

    def cancel_requests(self) -> int:
        """How often the task has been asked to end: trio cancels scopes, and tells it by its own exception."""
        return 0

    def judged(self, error: BaseException, requests: int) -> BaseException:
        """What an exception means that a hook has raised: trio lets none take the place of a cancellation."""
        return error

    def is_cancelled(self) -> bool:
        """Whether what is awaited now would be cancelled at once, as it is until the cancelled scope is left."""
        deadline: float = self.trio.current_effective_deadline()
        return deadline == -float("inf")

    async def within(self, waiting: Awaitable[object], seconds: float, name: str) -> None:
        """Awaits, for so many seconds at the most; raises `TimeoutError`."""
        scope = self.trio.CancelScope(deadline=self.trio.current_time() + seconds)
        await self._in_scope(waiting, scope, name)
        if scope.cancelled_caught:
            raise TimeoutError(
                f"initialize of {name!r} took longer than {seconds} s: give it more time with INITIALIZE_TIMEOUT, or "
                "initialize_timeout"
            )

    async def shielded(self, waiting: Awaitable[object], seconds: float | None, name: str) -> None:
        """Awaits although the task is cancelled, for so many seconds at the most; raises `TimeoutError`."""
        deadline = float("inf") if seconds is None else self.trio.current_time() + seconds
        scope = self.trio.CancelScope(deadline=deadline, shield=True)
        await self._in_scope(waiting, scope, name)
        if scope.cancelled_caught:
            raise TimeoutError(f"undoing {name!r} took longer than {seconds} s (undo_timeout)")

    async def _in_scope(self, waiting: Awaitable[object], scope: Any, name: str) -> None:
        returned = False
        try:
            with scope:
                await waiting
                returned = True
        except RuntimeError as error:
            if not returned:
                raise
            raise RuntimeError(
                f"{name!r} has opened or closed a cancel scope or a nursery across one of the runtime's: take the "
                "host's nursery as configuration for what lives longer than a hook"
            ) from error

    async def in_thread(self, function: Callable[[], Any]) -> Any:
        """Calls a function in a thread."""
        return await self.trio.to_thread.run_sync(function)

    def waker(self) -> tuple[Callable[[], None], Callable[[], Awaitable[object]]]:
        """What wakes this task from any thread, and what it waits with."""
        token = self.trio.lowlevel.current_trio_token()
        event = self.trio.Event()

        def wake() -> None:
            with suppress(self.trio.RunFinishedError):  # and nobody waits in it
                token.run_sync_soon(event.set)

        return wake, event.wait
