"""What an asynchronous instance needs of asyncio; imported only while asyncio runs.

Layer: `base`, a leaf within it.
"""

from __future__ import annotations

from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

__all__ = ["Asyncio"]


class Asyncio:
    """The means of the running loop; the same everywhere as those of trio."""

    def __init__(self, asyncio: Any) -> None:
        self.asyncio = asyncio
        self.cancellations: tuple[type[BaseException], ...] = (asyncio.CancelledError,)

    def task(self) -> object:
        """What tells one task from another."""
        return self._task()

    def cancel_requests(self) -> int:
        """How often the task has been asked to end."""
        task = self._task()
        requests: int = task.cancelling() if task is not None else 0
        return requests

    def judged(self, error: BaseException, requests: int) -> BaseException:
        """What an exception means that a hook has raised, which began after so many requests.

        A failure instead of a cancellation hides that one; a cancellation that nobody has asked for is a failure.
        """
        now = self.cancel_requests()
        if isinstance(error, Exception) and now > requests:
            cancelled: BaseException = self.asyncio.CancelledError()
            cancelled.__cause__ = error
            return cancelled
        if isinstance(error, self.cancellations) and now == 0:
            failure = RuntimeError(
                "something that it awaits was cancelled, and nobody has cancelled the host: catch CancelledError there"
            )
            failure.__cause__ = error
            return failure
        return error

    def _task(self) -> Any:
        try:
            return self.asyncio.current_task()
        except RuntimeError:  # in a child that was forked inside of the loop
            return None

    def is_cancelled(self) -> bool:
        """Whether what is awaited now would be cancelled at once: asyncio cancels one wait, and not the next."""
        return False

    async def within(self, waiting: Awaitable[object], seconds: float, name: str) -> None:
        """Awaits, for so many seconds at the most; raises `TimeoutError`."""
        timeout = self.asyncio.timeout(seconds)
        try:
            async with timeout:
                await waiting
        except TimeoutError as error:
            if timeout.expired():
                raise TimeoutError(
                    f"initialize of {name!r} took longer than {seconds} s: give it more time with INITIALIZE_TIMEOUT, or "
                    "initialize_timeout"
                ) from error
            raise

    async def in_thread(self, function: Callable[[], Any]) -> Any:
        """Calls a function in a thread."""
        return await self.asyncio.to_thread(function)

    def waker(self) -> tuple[Callable[[], None], Callable[[], Awaitable[object]]]:
        """What wakes this task from any thread, and what it waits with."""
        loop = self.asyncio.get_running_loop()
        event = self.asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop has ended, and nobody waits in it
                loop.call_soon_threadsafe(event.set)

        return wake, event.wait
