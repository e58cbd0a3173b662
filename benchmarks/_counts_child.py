"""Counts one case, in a process of its own.

`counts.py` starts it for each case anew, with a fixed hash seed, without `site` and with nothing else in its
environment: what other cases leave behind is not there, nor what somebody has installed or set.

- **calls**: those of Python functions of ours, and those that our code makes, of Python and C functions alike. What
  others do in turn is theirs, and differs from one patch version of Python to the next.
- **opcodes**: the instructions of bytecode that our functions execute.
- **allocations**: the blocks of memory that the run asks Python's allocator for. What Python takes from its free lists
  (of tuples, lists, dictionaries, floats) is not among them, once it is there.
- **bytes**: how many more there are at the highest moment of the run than before it.

The collector is off, and the case has run so often that Python has learnt what it learns. Of allocations and bytes the
least of some runs counts: dictionaries in which things come and go are made anew now and then.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hycore
import hypi
from benchmarks._counts_cases import CASES, Case

_OURS = tuple([f"{os.path.dirname(str(package.__file__))}{os.sep}" for package in (hycore, hypi)])

# After 30 instances of a class Python has settled how much room the attributes of one need (SHARED_KEYS_MAX_SIZE).
_UNCOUNTED_RUNS = 32
_RUNS = 8  # of which the least counts: more than it takes for a dictionary of eight places to be made anew

Counter = Callable[[Callable[[], object]], int]


def counted(folder: str, name: str) -> dict[str, int]:
    """The counts of one case; `folder` is for what it writes."""
    gc.collect()
    gc.disable()
    case = CASES[name](Path(folder))
    warm(case, _UNCOUNTED_RUNS)
    return {what: least(case, *COUNTERS[what]) for what in case.counts}


def warm(case: Case, times: int) -> None:
    """Runs a case uncounted."""

    def work() -> None:
        for _ in range(times):
            case.before()
            case.run()

    case.inside(work)


def least(case: Case, count: Counter, runs: int) -> int:
    """The least of some runs, without what counting itself adds."""

    def work() -> int:
        found: list[int] = []
        for _ in range(runs):
            case.before()
            found.append(_counted_from_nothing(count, case.run))
        return min(found) - _counted_from_nothing(count, _nothing)

    result: int = case.inside(work)
    return result


def _counted_from_nothing(count: Counter, run: Callable[[], object]) -> int:
    gc.collect()  # which empties the free lists too
    return count(run)


def _nothing() -> None: ...


def _is_ours(code: Any) -> bool:
    return bool(code.co_filename.startswith(_OURS))


def calls(run: Callable[[], object]) -> int:
    total = 0

    def profile(frame: Any, event: str, _: object) -> None:
        nonlocal total
        if event == "c_call":
            total += _is_ours(frame.f_code)
        elif event == "call":
            caller = frame.f_back
            total += _is_ours(frame.f_code) or (caller is not None and _is_ours(caller.f_code))

    sys.setprofile(profile)
    try:
        run()
    finally:
        sys.setprofile(None)
    return total


if sys.version_info >= (3, 12):

    def opcodes(run: Callable[[], object]) -> int:
        monitoring = sys.monitoring
        event = monitoring.events.INSTRUCTION
        tool = monitoring.PROFILER_ID
        total = 0

        def on_instruction(code: Any, _: int) -> object:
            nonlocal total
            if not _is_ours(code):
                return monitoring.DISABLE
            total += 1
            return None

        monitoring.use_tool_id(tool, "counts")
        monitoring.register_callback(tool, event, on_instruction)
        monitoring.set_events(tool, event)
        try:
            run()
        finally:
            monitoring.set_events(tool, monitoring.events.NO_EVENTS)
            monitoring.register_callback(tool, event, None)
            monitoring.free_tool_id(tool)
        return total

else:

    def opcodes(run: Callable[[], object]) -> int:
        total = 0

        def on_event(frame: Any, event: str, _: object) -> Any:
            nonlocal total
            total += event == "opcode"
            return on_event

        def on_call(frame: Any, _event: str, _: object) -> Any:
            if not _is_ours(frame.f_code):
                return None
            frame.f_trace_opcodes = True
            frame.f_trace_lines = False
            return on_event

        sys.settrace(on_call)
        try:
            run()
        finally:
            sys.settrace(None)
        return total


class _Allocator(ctypes.Structure):
    """PyMemAllocatorEx, as https://docs.python.org/3/c-api/memory.html has it."""

    _fields_ = [(name, ctypes.c_void_p) for name in ("context", "malloc", "calloc", "realloc", "free")]


class _Keeping:
    """While it is on, no block of memory is given back: the blocks that there are more afterwards have been asked for."""

    _DOMAINS = (1, 2)  # PYMEM_DOMAIN_MEM, PYMEM_DOMAIN_OBJ

    def __init__(self) -> None:
        api = ctypes.pythonapi
        self._set = api.PyMem_SetAllocator
        self._before: list[tuple[Any, Any]] = []
        self._keeping: list[tuple[Any, Any]] = []
        self._allocators: list[_Allocator] = []
        nothing = ctypes.cast(api.Py_IsInitialized, ctypes.c_void_p).value  # a function that does nothing
        for domain in self._DOMAINS:
            before = _Allocator()
            api.PyMem_GetAllocator(domain, ctypes.byref(before))
            keeping = _Allocator.from_buffer_copy(before)
            keeping.free = nothing
            self._allocators += [before, keeping]
            self._before.append((ctypes.c_int(domain), ctypes.byref(before)))
            self._keeping.append((ctypes.c_int(domain), ctypes.byref(keeping)))

    def count(self, run: Callable[[], object]) -> int:
        set_allocator = self._set
        blocks = sys.getallocatedblocks
        (memory, objects), (memory_before, objects_before) = self._keeping, self._before
        set_allocator(*memory)
        set_allocator(*objects)
        try:
            before = blocks()
            run()
            return blocks() - before
        finally:
            set_allocator(*memory_before)
            set_allocator(*objects_before)


def bytes_at_most(run: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        run()
        _, most = tracemalloc.get_traced_memory()
        return most - before
    finally:
        tracemalloc.stop()


COUNTERS: dict[str, tuple[Counter, int]] = {
    "calls": (calls, 1),
    "opcodes": (opcodes, 1),
    "allocations": (_Keeping().count, _RUNS),
    "bytes": (bytes_at_most, _RUNS),
}
