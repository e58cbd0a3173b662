"""A record of what happens to plugins, in order.

Layer: `testing`, above `_watching`.
"""

from __future__ import annotations

from contextlib import contextmanager

from hycore.testing._watching import Call, Watch, watching
from hycore.utils.error import ArgumentTypeError, describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

    from hycore.base._lifecycle import Lifecycle

__all__ = ["LifecycleEvent", "LifecycleRecorder", "name_of", "record_lifecycle"]


class LifecycleEvent(tuple[str, str]):
    """One call of a plugin's code, as the pair of the extension's name and the phase, which it equals.

    - `plugin`, `phase`: the pair; the phase is `"import"`, `"new"`, `"attach_to"`, `"initialize"`, `"teardown"`, or
      `"defer"` for a deferred callback.
    - `instance`: which instance of those that were recorded, from 1; 0 for an import.
    - `error`: what it raised, in words, or `None`.
    """

    instance: int
    error: str | None

    def __new__(
        cls, plugin: str, phase: str, *, instance: int = 0, error: str | None = None
    ) -> LifecycleEvent:
        event = super().__new__(cls, (plugin, phase))
        event.instance = instance
        event.error = error
        return event

    @property
    def plugin(self) -> str:
        """The name of the extension."""
        return self[0]

    @property
    def phase(self) -> str:
        """What ran."""
        return self[1]

    def __getnewargs_ex__(self) -> tuple[tuple[str, str], dict[str, object]]:
        return (self[0], self[1]), {"instance": self.instance, "error": self.error}

    def __repr__(self) -> str:
        failed = f" failed: {self.error}" if self.error is not None else ""
        return f"<{self.phase} of {self.plugin}{failed}>"


class LifecycleRecorder(Watch):
    """What has happened to the plugins of every instance whose creation began while it recorded, to their ends.

    `events` are in the order in which they began.

    >>> recorder = LifecycleRecorder()
    >>> recorder.events
    []
    """

    def __init__(self) -> None:
        self.events: list[LifecycleEvent] = []
        self._running: list[tuple[Call, LifecycleEvent]] = []
        self._numbers: dict[int, int] = {0: 0}

    @property
    def failures(self) -> list[LifecycleEvent]:
        """The events that ended with an exception."""
        return [event for event in self.events if event.error is not None]

    def phases(self, plugin: type | str) -> list[str]:
        """The phases of one extension, in order.

        Raises `ArgumentTypeError` for what is neither a plugin class nor a name.
        """
        name = name_of(plugin)
        return [event.phase for event in self.events if event.plugin == name]

    def clear(self) -> None:
        """Forgets what was recorded."""
        self.events.clear()

    def __repr__(self) -> str:
        return f"<LifecycleRecorder, {len(self.events)} events, {len(self.failures)} failures>"

    def _born(self, number: int, life: Lifecycle) -> None:
        self._numbers[number] = len(self._numbers)

    def _begins(self, call: Call) -> None:
        event = LifecycleEvent(call.plugin, call.phase, instance=self._numbers[call.life])
        self._running.append((call, event))
        self.events.append(event)

    def _ends(self, call: Call, error: BaseException | None) -> None:
        for place, (running, event) in enumerate(self._running):
            if running is call:
                event.error = None if error is None else describe(error)
                del self._running[place]
                return


@contextmanager
def record_lifecycle() -> Generator[LifecycleRecorder]:
    """Records the life of every instance whose creation begins in here, whichever inventory it is created from.

    with record_lifecycle() as recorder:
        main()
    assert recorder.failures == []
    """
    recorder = LifecycleRecorder()
    with watching(recorder):
        yield recorder


def name_of(plugin: object) -> str:
    """The name of an extension that is given by its class or its name."""
    name = getattr(plugin, "NAME", None) if isinstance(plugin, type) else plugin
    if not isinstance(name, str):
        raise ArgumentTypeError("plugin", "a plugin class, or the name of an extension", plugin)
    return str.__str__(name)
