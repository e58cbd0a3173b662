"""The same work in several processes, for trees that take long in one."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler

from inspect_host._data import Module
from inspect_host._examine import Examined, Work, describe, examine
from inspect_host._points import Analyzer

# The workers are forked: they inherit the running analyzers, which no other way of starting a process could
# hand over. No thread may be started before (the progress bar has none).


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class WorkerDiedError(Exception):
    """A worker process ended before it had examined its files."""


def can_fork() -> bool:
    """Whether this platform has forked workers."""
    return "fork" in multiprocessing.get_all_start_methods()


def examine_in_processes(
    root: str, modules: Sequence[Module], analyzers: Sequence[Analyzer], jobs: int
) -> Work:
    """Each file as soon as it is done, in any order. Closing the iterator ends the workers."""
    context = multiprocessing.get_context("fork")
    workers: list[BaseProcess] = []
    readers: list[Connection] = []
    try:
        for number in range(min(jobs, len(modules))):
            reader, writer = context.Pipe(duplex=False)
            readers.append(reader)
            share = modules[number::jobs]
            worker: BaseProcess = context.Process(
                target=_work, args=(root, share, analyzers, writer, tuple(readers)), daemon=True
            )
            # A Ctrl-C between the fork and the worker's first line would meet the parent's handlers there.
            before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
            try:
                worker.start()
                workers.append(worker)
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
                writer.close()
        open_readers = list(readers)
        while open_readers:
            for ready in multiprocessing.connection.wait(open_readers):
                assert isinstance(ready, Connection)
                try:
                    examined: Examined | None = ready.recv()
                except (EOFError, OSError):
                    raise WorkerDiedError("a worker process died; --jobs 1 works without them") from None
                if examined is None:
                    open_readers.remove(ready)
                else:
                    yield examined
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.join()
        for reader in readers:
            reader.close()


def _work(
    root: str,
    modules: Sequence[Module],
    analyzers: Sequence[Analyzer],
    writer: Connection,
    readers: Sequence[Connection],
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it too, and ends its workers
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    for reader in readers:
        reader.close()  # or a dead parent's pipe would never break
    try:
        for module in modules:
            writer.send_bytes(_packed(examine(root, module, analyzers)))
        writer.send(None)
    except OSError:
        os._exit(1)  # the parent is gone, and with it everyone who would read a message


def _packed(examined: Examined) -> bytes | memoryview:
    try:
        packed = ForkingPickler.dumps(examined)
        ForkingPickler.loads(packed)  # an object may come out of it no more
        return packed
    except Exception as error:  # noqa: BLE001  what an object raises while it is pickled is its own affair
        failed = tuple(
            (at, f"measured what cannot be pickled: {describe(error)}") for at, _ in examined.measured
        )
        return ForkingPickler.dumps(
            Examined(examined.module, examined.lines, (), examined.failed + failed, examined.problems)
        )
