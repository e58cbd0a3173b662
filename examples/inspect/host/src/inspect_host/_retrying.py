"""Waiting for optional extensions that are not ready yet."""

from __future__ import annotations

import time

from hycore import InstanceContext, hydebug, hyinfo, hywarn

LEAST_PAUSE = 0.05
"""Seconds between two tries of an extension that asks for less."""


def retry_set_aside(instance: InstanceContext, seconds: float) -> None:
    """Tries the extensions again that asked for it, each as often as it asked for, and once more at the end.

    It returns when none is left that waiting would help, or after `seconds`.
    """
    end = time.monotonic() + seconds
    pauses = _asked_for(instance)
    if not seconds or not pauses:
        return
    hyinfo(instance, "waits up to {:g} s for {}", seconds, ", ".join(pauses))
    due: dict[str, float] = {}
    while pauses and (now := time.monotonic()) < end:
        for name, pause in pauses.items():
            due[name] = min(end, due.get(name, now + pause))
        wake = min(due[name] for name in pauses)
        time.sleep(max(0.0, wake - now))
        for name in pauses:
            if due[name] <= wake:
                del due[name]
                _retry(instance, name)
        pauses = _asked_for(instance)


def _asked_for(instance: InstanceContext) -> dict[str, float]:
    """The extensions that asked to be tried again, and after how many seconds."""
    return {
        aside.name: max(LEAST_PAUSE, aside.retry_after)
        for aside in instance.report().set_aside
        if aside.retry_after is not None
    }


def _retry(instance: InstanceContext, name: str) -> None:
    if instance.retry(name):
        hyinfo(instance, "{} is up now", name)
        return
    for aside in instance.report().set_aside:
        if aside.name != name:
            continue
        if aside.retry_after is None:
            hywarn(instance, "{} cannot be waited for: {}", name, aside.reason)
        else:
            hydebug(instance, "{} is not ready yet", name)
