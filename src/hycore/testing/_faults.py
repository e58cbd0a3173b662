"""Faults on demand: "fail phase X of plugin Y", in whichever host.

Layer: `testing`, above `_recorder`.
"""

from __future__ import annotations

from contextlib import contextmanager

from hycore.testing._errors import FaultNotReachedError, InjectedFaultError
from hycore.testing._recorder import name_of
from hycore.testing._watching import PHASES, Call, Watch, watching
from hycore.utils.error import ArgumentTypeError, ArgumentValueError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["Fault", "checked_phase", "inject_fault"]

UNDOING = ("teardown", "defer")


class Fault(Watch):
    """A fault that waits for its moment.

    Facts: `plugin` (the extension's name), `phase`, `count` (how often it has struck).
    """

    def __init__(self, plugin: str, phase: str, error: BaseException | type[BaseException] | None) -> None:
        self.plugin = plugin
        self.phase = phase
        self.count = 0
        self._error = error
        self._armed = True
        self._seen: dict[tuple[str, str], None] = {}

    def __repr__(self) -> str:
        return f"<Fault in {self.phase} of {self.plugin}, has struck {self.count} times>"

    def _disturb(self, call: Call, *, done: bool) -> None:
        self._seen[call.plugin, call.phase] = None
        # What undoes is let run first: what it leaves behind would not be the host's doing.
        if not self._armed or done != (self.phase in UNDOING):
            return
        if call.plugin == self.plugin and call.phase == self.phase:
            raise InjectedFaultError(self.plugin, self.phase) if self._error is None else self._error

    def _ends(self, call: Call, error: BaseException | None) -> None:
        # What undoes may have failed by itself: that is a failure like the one that was to come.
        if self._armed and error is not None and (call.plugin, call.phase) == (self.plugin, self.phase):
            self.count += 1

    def _disarm(self) -> None:
        self._armed = False


@contextmanager
def inject_fault(
    plugin: type | str, phase: str, *, error: BaseException | type[BaseException] | None = None
) -> Generator[Fault]:
    """Lets one phase of one plugin fail, in every instance whose creation begins in here, from whichever inventory.

    `phase` is `"import"`, `"new"`, `"attach_to"`, `"initialize"`, `"teardown"` or `"defer"` (each callback that the
    plugin gave to `defer`). The plugin's own code does not run in a phase that brings it up; in `teardown` and `defer` it
    runs, and then fails. An import fails only where an installed extension is loaded: what is registered in the
    process has been imported. `error` is raised in place of an `InjectedFaultError`.

        with inject_fault(FooPlugin, "initialize", error=OSError("no such device")):
            assert main() == 1

    Raises `FaultNotReachedError` at the end if the phase never came.
    """
    name = name_of(plugin)
    fault = Fault(name, checked_phase(phase), _checked(error))
    try:
        with watching(fault):
            yield fault
    finally:
        fault._disarm()
    if fault.count == 0:
        raise FaultNotReachedError(name, phase, seen=tuple(fault._seen))


def checked_phase(phase: str) -> str:
    if phase not in PHASES:
        raise ArgumentValueError("phase", "one of " + ", ".join(map(repr, PHASES)), repr(phase))
    return phase


def _checked(error: object) -> BaseException | type[BaseException] | None:
    is_kind = isinstance(error, type) and issubclass(error, BaseException)
    if error is None or is_kind or isinstance(error, BaseException):
        return error  # type: ignore[return-value]  # pyright: ignore[reportReturnType]
    raise ArgumentTypeError("error", "an exception, such as OSError('no such device')", error)
