"""Asynchronous hosts."""

from __future__ import annotations

import asyncio
import gc
import re
import threading
from typing import Any

import trio

from misuse import Place, Right, Told, kinds, misuse


@misuse
async def close_without_await(place: Place) -> None:
    """close() of an instance whose teardown must be awaited."""

    @place.define
    class Words(Right):
        async def teardown(self) -> None: ...

    instance = await place.acreate("__EXT_words")
    try:
        instance.close()
    finally:
        await instance.aclose()


@misuse
async def close_beside_another_task(place: Place) -> None:
    """close() while another task is closing."""

    @place.define
    class Words(Right):
        async def teardown(self) -> None:
            await asyncio.sleep(0.01)

    instance = await place.acreate("__EXT_words")
    closing = asyncio.create_task(instance.aclose())
    await asyncio.sleep(0)
    try:
        instance.close()
    finally:
        await closing


@misuse
async def initialize_is_too_slow(place: Place) -> None:
    """initialize takes longer than it may."""

    @place.define
    class Words(Right):
        INITIALIZE_TIMEOUT = 0.01

        async def initialize(self) -> None:
            await asyncio.sleep(60)

    await place.acreate("__EXT_words")


@misuse
def initialize_is_too_slow_under_trio(place: Place) -> None:
    """initialize takes longer than it may, under trio."""

    @place.define
    class Words(Right):
        async def initialize(self) -> None:
            await trio.sleep(60)

    async def main() -> None:
        await place.acreate("__EXT_words", initialize_timeout=0.01)

    trio.run(main)


@misuse
async def plain_initialize_is_too_slow(place: Place) -> Told:
    """A plain initialize takes longer than it may."""
    heard = place.listen()
    place.plugin("__EXT_words", INITIALIZE_TIMEOUT=1e-9)
    async with await place.acreate("__EXT_logger", "__EXT_words"):
        return Told("logged", re.sub(r"took [\d.]+ s", "took 0.25 s", heard[0]))


@misuse
def undoing_is_too_slow(place: Place) -> None:
    """What undoes after a cancellation takes longer than it may, under trio."""

    @place.define
    class Words(Right):
        async def initialize(self) -> None:
            self.defer(trio.sleep_forever)
            await trio.sleep_forever()

    told: list[BaseException] = []

    async def main() -> None:
        with trio.move_on_after(0.01):
            try:
                await place.acreate("__EXT_words", undo_timeout=0.01)
            except trio.Cancelled as cancelled:
                told.append(cancelled)
                raise

    trio.run(main)
    raise told[0]


@misuse
def scope_is_left_open(place: Place) -> None:
    """A hook opens a cancel scope and leaves it open, under trio."""

    @place.define
    class Words(Right):
        INITIALIZE_TIMEOUT = 10.0

        async def initialize(self) -> None:
            self.scope = trio.CancelScope()
            self.scope.__enter__()

    async def main() -> None:
        await place.acreate("__EXT_words")

    trio.run(main)


@misuse
async def hook_cancels_itself(place: Place) -> None:
    """A hook awaits something that is cancelled, and nobody has cancelled the host."""

    @place.define
    class Words(Right):
        async def initialize(self) -> None:
            future = asyncio.get_running_loop().create_future()
            future.cancel()
            await future

    await place.acreate("__EXT_words")


@misuse
def dropped_and_it_waits(place: Place) -> Told:
    """The last reference goes away, and teardown waits."""

    @place.define
    class Words(Right):
        async def teardown(self) -> None:
            await Suspended()

    seen = place.unraisable()
    place.world.kind = "asyncio"
    place.world.run(lambda: place.acreate("__EXT_words"))
    gc.collect()
    return Told(f"handed to sys.unraisablehook: {kinds(seen[0])}", str(seen[0]))


class Suspended:
    """Waits once, whatever the loop."""

    def __await__(self) -> Any:
        yield


@misuse
def dropped_inside_of_trio(place: Place) -> Told:
    """The last reference goes away while trio runs, and teardown is asynchronous."""

    @place.define
    class Words(Right):
        async def teardown(self) -> None: ...

    async def main() -> None:
        await place.acreate("__EXT_words")
        gc.collect()

    seen = place.unraisable()
    trio.run(main)
    return Told(f"handed to sys.unraisablehook: {kinds(seen[0])}", str(seen[0]))


def by_hand(steps: Any) -> Any:
    """Runs a coroutine under no loop that is known."""
    try:
        while True:
            steps.send(None)
    except StopIteration as stop:
        return stop.value


@misuse
def timeout_without_a_loop(place: Place) -> None:
    """A time-out where neither asyncio nor trio runs."""

    @place.define
    class Words(Right):
        async def initialize(self) -> None: ...

    by_hand(place.acreate("__EXT_words", initialize_timeout=1.0))


@misuse
def thread_without_a_loop(place: Place) -> None:
    """Imports in a thread where neither asyncio nor trio runs."""
    by_hand(place.acreate(import_in_thread=True))


@misuse
def waiting_without_a_loop(place: Place) -> None:
    """Waiting for another thread that closes, where neither asyncio nor trio runs."""
    begun, go_on = threading.Event(), threading.Event()

    def wait(plugin: object) -> None:
        begun.set()
        go_on.wait(20)

    place.plugin("__EXT_words", {"teardown": wait})
    instance = place.create("__EXT_words")
    thread = threading.Thread(target=instance.close)
    thread.start()
    begun.wait(20)
    try:
        by_hand(instance.aclose())
    finally:
        go_on.set()
        thread.join()


@misuse
async def timeout_in_words(place: Place) -> None:
    """A time-out is no number."""
    await place.acreate(initialize_timeout="30 s")


@misuse
async def timeout_of_zero(place: Place) -> None:
    """A time-out is zero."""
    await place.acreate(undo_timeout=0)
