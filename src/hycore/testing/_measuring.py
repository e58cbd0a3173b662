"""What a process holds: threads, open files, child processes, tasks, objects and memory; and whether it grows.

Growth is what is more after every round. What comes once (a cache that fills, a pool that starts) ends some day, and
then a round without growth acquits.

Layer: `testing`, a leaf within it.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
import warnings
from collections import Counter
from contextlib import contextmanager, suppress

from hycore.utils.error import TeardownError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterator
    from types import FrameType
    from typing import Any

    Scene = Callable[[], Awaitable[None]]

__all__ = [
    "Awaited",
    "Held",
    "Plain",
    "grown",
    "is_in_a_loop",
    "is_of_python",
    "is_ours",
    "kinds_left",
    "memory",
    "only_what_is_new",
    "places_left",
    "quiet",
    "unclosed",
    "unraisable",
    "without_warnings_of_unclosed",
]

_WARM_UP = 3
_TURNS = 5  # of an event loop: a cancelled task ends in one, and one that it waits for in another
# Of a round in which threads and files are counted: some dozens may be left behind before it is sure.
_HARD_CYCLES = 3
_HARD_ROUNDS = 16  # 48 cycles in all: the pools of `asyncio` and `concurrent.futures` have at most 32 threads
# At the least, and more if few instances make a round: a cache of the usual 128 entries has to fill.
_ROUNDS = 12
_INSTANCES = 300
_PATIENCE = 1.0  # seconds in all that what has been told to end may take for it


class Plain:
    """A host without an event loop."""

    async def pause(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251  nothing else is to run

    async def settle(self) -> None:
        """Lets tasks end that have been cancelled."""

    def tasks(self) -> dict[object, str]:
        return {}

    def has_company(self) -> bool:
        """Whether anything else runs, that may let go of something while this waits."""
        return len(sys._current_frames()) > 1


class Awaited(Plain):
    """A host in the event loop that runs, asyncio's or trio's."""

    def __init__(self) -> None:
        self.trio: Any = None
        trio: Any = sys.modules.get("trio")
        if trio is not None and trio.lowlevel.in_trio_run():
            self.trio = trio

    async def pause(self, seconds: float) -> None:
        if self.trio is not None:
            await self.trio.sleep(seconds)
            return
        import asyncio

        await asyncio.sleep(seconds)

    async def settle(self) -> None:
        for _ in range(_TURNS):
            await self.pause(0)

    def tasks(self) -> dict[object, str]:
        if self.trio is not None:
            return dict.fromkeys(
                range(self.trio.lowlevel.current_statistics().tasks_living), "a task of trio"
            )
        import asyncio

        # A set, which comes in another order each time.
        found = {id(task): task.get_coro() for task in asyncio.all_tasks()}
        return {key: str(getattr(coroutine, "__qualname__", coroutine)) for key, coroutine in found.items()}

    def has_company(self) -> bool:
        return len(self.tasks()) > 1 or super().has_company()


def is_in_a_loop() -> bool:
    """Whether an event loop runs here, asyncio's or trio's."""
    trio: Any = sys.modules.get("trio")
    asyncio: Any = sys.modules.get("asyncio")
    return (trio is not None and trio.lowlevel.in_trio_run()) or (
        asyncio is not None and asyncio._get_running_loop() is not None
    )


class Held:
    """What a process holds at one moment: by kind, a description of each thing by its key."""

    def __init__(self, host: Plain) -> None:
        frames = sys._current_frames()
        names = {thread.ident: thread for thread in threading.enumerate()}
        self.kinds: dict[str, dict[object, str]] = {
            "threads": {ident: _thread(names.get(ident), frame) for ident, frame in frames.items()},
            "open files": _descriptors(),
            "child processes": _children(),
            "tasks": host.tasks(),
        }

    def more_than(self, other: Held) -> dict[str, int]:
        """How much more of each kind there is; kinds of which there is not more are left out."""
        more = {kind: len(found) - len(other.kinds[kind]) for kind, found in self.kinds.items()}
        return {kind: number for kind, number in more.items() if number > 0}

    def beyond(self, other: Held, kind: str) -> list[str]:
        """What is there of a kind that was not there, in words."""
        new = {key: text for key, text in self.kinds[kind].items() if key not in other.kinds[kind]}
        return list(dict.fromkeys(new.values()))


def _thread(thread: threading.Thread | None, frame: FrameType) -> str:
    name = "a thread" if thread is None else f"{thread.name!r}{' (daemon)' if thread.daemon else ''}"
    place = _place(frame)
    return name if place is None else f"{name} in {place}"


def _place(frame: FrameType | None) -> str | None:
    """Where a thread is, in code that is not Python's own."""
    while frame is not None and is_of_python(frame.f_code.co_filename):
        frame = frame.f_back
    return None if frame is None else f"{frame.f_code.co_name} ({frame.f_code.co_filename}:{frame.f_lineno})"


_STANDARD = os.path.dirname(os.__file__) + os.sep


def is_of_python(file: str) -> bool:
    """Whether a source file is one of the standard library's."""
    if file.startswith("<frozen "):
        return True
    return file.startswith(_STANDARD) and "site-packages" not in file.removeprefix(_STANDARD)


def _descriptors() -> dict[object, str]:
    for folder in ("/proc/self/fd", "/dev/fd"):
        with suppress(OSError):
            numbers = [int(name) for name in os.listdir(folder) if name.isdigit()]
            return dict(_open(folder, numbers))
    return {}


def _open(folder: str, numbers: list[int]) -> Iterator[tuple[int, str]]:
    for number in numbers:
        try:
            os.fstat(number)  # the one that the folder was read by is closed
        except OSError:
            continue
        try:
            yield number, os.readlink(f"{folder}/{number}")
        except OSError:
            yield number, f"descriptor {number}"


def _children() -> dict[object, str]:
    """The child processes, where the system lists them."""
    found: dict[object, str] = {}
    with suppress(OSError):
        for task in os.listdir("/proc/self/task"):
            with suppress(OSError), open(f"/proc/self/task/{task}/children", encoding="ascii") as listing:
                found.update({int(pid): f"process {pid}" for pid in listing.read().split()})
    return found


async def grown(host: Plain, scene: Scene) -> dict[str, str]:
    """Which kinds of things a scene leaves behind whenever it is played, and which things, in words."""
    patience = _PATIENCE
    for _ in range(_WARM_UP):
        await scene()
    gc.collect()
    before = Held(host)
    after = before
    suspects: set[str] | None = None
    for _ in range(_HARD_ROUNDS):
        before = after
        for _ in range(_HARD_CYCLES):
            await scene()
        gc.collect()
        after = Held(host)
        while after.more_than(before) and patience > 0:
            await host.pause(0.02)
            patience -= 0.02
            gc.collect()
            after = Held(host)
        more = after.more_than(before).keys()
        suspects = set(more) if suspects is None else suspects & more
        if not suspects:
            return {}
    return {
        kind: ", ".join(after.beyond(before, kind)[:2]) for kind in after.kinds if kind in (suspects or ())
    }


def held() -> tuple[int, int]:
    """How many objects and how many blocks of memory there are."""
    for _ in range(3):  # what a finalizer lets go of, another one frees
        if not gc.collect():
            break
    objects = len(gc.get_objects())
    return objects, sys.getallocatedblocks()


async def memory(host: Plain, scene: Scene, cycles: int) -> tuple[int, int]:
    """How many objects and blocks more there are after each round of so many cycles, at the least; 0 for neither."""
    most_objects, most_blocks = max(1, cycles // 2), max(20, cycles // 2)
    for _ in range(_WARM_UP):
        await scene()
    least: tuple[int, int] | None = None
    await host.settle()
    before = held()
    for _ in range(max(_ROUNDS, _INSTANCES // cycles)):
        for _ in range(cycles):
            await scene()
        await host.settle()
        after = held()
        objects, blocks = after[0] - before[0], after[1] - before[1]
        least = (objects, blocks) if least is None else (min(objects, least[0]), min(blocks, least[1]))
        if least[0] < most_objects and least[1] < most_blocks:
            return 0, 0
        before = after
    assert least is not None
    objects, blocks = least
    return objects if objects >= most_objects else 0, blocks if blocks >= most_blocks else 0


async def kinds_left(scene: Scene, cycles: int) -> list[str]:
    """Of which types a scene leaves objects behind, and how many after so many times; most first.

    Python's own types and ours say little about where they come from: they are told where there are no others.
    """
    held()
    before = _types()
    for _ in range(cycles):
        await scene()
    held()
    left = _types()
    left.subtract(before)
    kept = [(name, number) for name, number in left.most_common() if number >= max(1, cycles // 2)]
    telling = [each for each in kept if "." in each[0] and not each[0].startswith("hycore.")]
    return [f"{number} of {name}" for name, number in (telling or kept)[:3]]


async def places_left(scene: Scene, cycles: int) -> list[str]:
    """The lines that allocate what a scene leaves behind, as `FILE:LINE`; most first."""
    import tracemalloc

    is_mine = not tracemalloc.is_tracing()
    if is_mine:
        tracemalloc.start()
    try:
        await scene()
        held()
        before = tracemalloc.take_snapshot()
        for _ in range(cycles):
            await scene()
        held()
        after = tracemalloc.take_snapshot()
    finally:
        if is_mine:
            tracemalloc.stop()
    places = [
        f"{each.traceback[0].filename}:{each.traceback[0].lineno}"
        for each in after.compare_to(before, "lineno")
        if each.count_diff >= max(1, cycles // 2) and not is_ours(each.traceback[0].filename)
    ]
    return places[:3]


_OURS = os.path.dirname(os.path.dirname(__file__)) + os.sep


def is_ours(file: str) -> bool:
    """Whether a source file is one of the runtime's, or of what traces memory."""
    return file.startswith(_OURS) or os.path.basename(file) in ("tracemalloc.py", "linecache.py")


def _types() -> Counter[str]:
    found: Counter[str] = Counter()
    for thing in gc.get_objects():
        kind = type(thing)
        found[
            kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        ] += 1
    return found


@contextmanager
def only_what_is_new() -> Generator[None]:
    """Keeps what is there already out of collections and counts: in a run of tests these would take seconds."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def quiet() -> Generator[None]:
    """What tests keep of each log record and warning does not count as growth: here both are dropped."""
    import logging

    root = logging.getLogger()
    handlers = root.handlers[:]
    silence = logging.NullHandler()
    root.handlers[:] = [silence]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        root.handlers[:] = [*handlers, *[each for each in root.handlers if each is not silence]]


@contextmanager
def unraisable(tell: Callable[[TeardownError], object]) -> Generator[None]:
    """Hands over what fails while an instance ends with its last reference, where nobody can be told."""
    outer = sys.unraisablehook

    def hook(lost: sys.UnraisableHookArgs) -> None:
        if isinstance(lost.exc_value, TeardownError):
            tell(lost.exc_value)
        else:
            outer(lost)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = outer


@contextmanager
def unclosed() -> Generator[list[str]]:
    """Collects the texts of warnings that something was left unclosed, or never awaited; nobody else gets these."""
    texts: list[str] = []
    gc.collect()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        warnings.filterwarnings("always", _NEVER_AWAITED, RuntimeWarning)
        yield texts
        gc.collect()
    texts += [
        str(each.message)
        for each in caught
        if issubclass(each.category, ResourceWarning) or "was never awaited" in str(each.message)
    ]


@contextmanager
def without_warnings_of_unclosed() -> Generator[None]:
    """What `unclosed` has collected in one scene is not told again by the others."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        warnings.filterwarnings("ignore", _NEVER_AWAITED, RuntimeWarning)
        yield
        gc.collect()


_NEVER_AWAITED = "coroutine .* was never awaited"
