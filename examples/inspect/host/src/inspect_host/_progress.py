"""The progress bar: on a terminal only, on standard error, and gone when the work is done."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Iterable
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

T = TypeVar("T")

REFRESH = 0.1
"""Seconds between two drawings."""


def with_progress(items: Iterable[T], total: int, what: str) -> Generator[T, None, None]:
    """Yields the items, and shows how many of `total` there were if standard error is a terminal."""
    if not sys.stderr.isatty():
        yield from items
        return
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        auto_refresh=False,  # no thread: the workers are forked after this
        transient=True,
        expand=True,
    )
    with progress:
        task = progress.add_task(what, total=total)
        drawn = 0.0
        for item in items:
            yield item
            progress.advance(task)
            now = time.monotonic()
            if now - drawn >= REFRESH:
                progress.refresh()
                drawn = now
