"""How long the host waits for what is not ready, and for what it does not wait."""

from __future__ import annotations

import time
import uuid
from itertools import pairwise

import pytest

from hycore import InstanceContext, PluginEXT
from hycore.base.api import ApplicationInfo, InstanceCreateInfo, VersionInfo
from hycore.ext import Inventory
from hycore.ext.hylog import LogCreateInfoEXT, LogLevelEXT, LogMessageEXT, LogPluginEXT
from hycore.utils.error import TryAgainLaterError
from inspect_host._retrying import retry_set_aside

LOG = "__EXT_hyperion_logger"


def late(name: str, failures: list[Exception]) -> tuple[type[PluginEXT], list[float]]:
    """A plugin that raises these one after the other, then comes up; and when it was tried."""
    tries: list[float] = []

    class Late(PluginEXT):
        UUID = uuid.uuid4()
        NAME = name
        DESCRIPTION = "Comes up in its own time"

        def initialize(self) -> None:
            tries.append(time.monotonic())
            if failures:
                raise failures.pop(0)

    return Late, tries


def not_yet(pause: float) -> Exception:
    return TryAgainLaterError("not yet", retry_after=pause)


def retried(seconds: float, *kinds: type[PluginEXT]) -> tuple[set[str], list[str]]:
    """What is set aside in the end, and what the host logged."""
    inventory = Inventory(group=None)
    inventory.submit(LogPluginEXT)
    for kind in kinds:
        inventory.submit(kind)
    messages: list[LogMessageEXT] = []
    info = InstanceCreateInfo(
        ApplicationInfo("test", VersionInfo(1), "Hyperion", VersionInfo(0, 1)),
        [LOG],
        ext=[LogCreateInfoEXT(level=LogLevelEXT.INFO, callback=messages.append)],
        optional_extensions=[kind.NAME for kind in kinds],
    )
    with InstanceContext.create(info, inventory=inventory) as instance:
        retry_set_aside(instance, seconds)
        asides = {aside.name for aside in instance.report().set_aside}
    logged = [
        f"{message.level.name} {message.message}"
        for message in messages
        if message.module == "inspect_host._retrying"
    ]
    return asides, logged


def test_it_is_tried_as_often_as_it_asked_for() -> None:
    """Until it is up, and no longer."""
    kind, tries = late("late", [not_yet(0.2), not_yet(0.1)])
    assert retried(30, kind) == (set(), ["INFO waits up to 30 s for late", "INFO late is up now"])
    first, second = [later - earlier for earlier, later in pairwise(tries)]
    assert first >= 0.2
    assert second >= 0.1
    assert tries[-1] - tries[0] < 20


def test_nobody_waits_unasked() -> None:
    """Neither without the option, nor for what waiting does not help."""
    hopeful, tries = late("hopeful", [not_yet(0)])
    assert retried(0, hopeful) == ({"hopeful"}, [])
    assert len(tries) == 1
    hopeless, tries = late("hopeless", [ValueError("never")])
    assert retried(30, hopeless) == ({"hopeless"}, [])
    assert len(tries) == 1


def test_it_is_tried_once_more_at_the_end() -> None:
    """Also if it asked for more time than there is."""
    kind, tries = late("late", [not_yet(600)])
    assert retried(0.2, kind)[0] == set()
    assert len(tries) == 2


def test_the_end_comes() -> None:
    """The host goes on without it, however short the pauses are."""
    kind, tries = late("late", [not_yet(0) for _ in range(1000)])
    assert retried(0.3, kind) == ({"late"}, ["INFO waits up to 0.3 s for late"])
    assert 2 <= len(tries) <= 8


def test_each_has_its_own_pace() -> None:
    """A patient one does not hold up the other, nor is it hurried."""
    quick, quick_tries = late("quick", [not_yet(0.05) for _ in range(3)])
    slow, slow_tries = late("slow", [not_yet(1)])
    assert retried(30, quick, slow)[0] == set()
    assert len(quick_tries) == 4
    assert slow_tries[1] - slow_tries[0] >= 1
    assert slow_tries[1] > quick_tries[-1]


def test_what_turns_out_hopeless_is_told() -> None:
    """With the new reason."""
    kind, tries = late("late", [not_yet(0.05), ValueError("never")])
    asides, logged = retried(30, kind)
    assert asides == {"late"}
    assert logged[1:] == ["WARN late cannot be waited for: it failed in initialize: ValueError: never"]
    assert len(tries) == 2


@pytest.mark.parametrize("seconds", [0, 30])
def test_with_nothing_set_aside_nothing_happens(seconds: float) -> None:
    """And nothing is logged."""
    kind, _ = late("there", [])
    assert retried(seconds, kind) == (set(), [])
