"""What an error may keep alive: the frames of the plugin's own code, and nothing of ours (rule F4).

Layer: `base`, a leaf within it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType, TracebackType

__all__ = ["clean", "forget", "with_what_led_to"]


def clean(error: BaseException, running: list[FrameType]) -> None:
    """Takes the runtime's frames out of an error's tracebacks, those of its causes and of a group's members too.

    A frame that stays leads back to its callers, ours among them. The variables of those that have ended are cleared
    here; those that still run are added to `running`, for `forget`.
    """
    for each in with_what_led_to(error):
        if each.__traceback__ is not None:
            # Its own class is not asked: it may be frozen.
            BaseException.with_traceback(each, _cleaned(each.__traceback__, running))


def with_what_led_to(error: BaseException) -> Iterator[BaseException]:
    """An error, its causes and contexts, and the members of groups among them; each once."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        waiting += [current.__cause__, current.__context__]
        if isinstance(current, BaseExceptionGroup):
            waiting += current.exceptions


def forget(running: list[FrameType]) -> None:
    """Clears the variables of frames that were still running when an error was cleaned, and have ended now.

    To be called when whoever drove the engine has come to its end: to clear a generator that waits would close it.
    """
    while running:
        try:
            running.pop().clear()
        except RuntimeError:  # a frame further out, of another instance, which runs on
            continue


def _cleaned(traceback: TracebackType, running: list[FrameType]) -> TracebackType | None:
    kept: list[TracebackType] = []
    current: TracebackType | None = traceback
    while current is not None:
        if not _is_ours(current.tb_frame):
            kept.append(current)
        else:
            _clear(current.tb_frame, running)
        current = current.tb_next
    following: TracebackType | None = None
    for entry in reversed(kept):
        entry.tb_next = following
        following = entry
        caller = entry.tb_frame.f_back
        while caller is not None and _is_ours(caller):
            _clear(caller, running)
            caller = caller.f_back
    return following


def _clear(frame: FrameType, running: list[FrameType]) -> None:
    try:
        frame.clear()
    except RuntimeError:  # it still runs
        running.append(frame)


def _is_ours(frame: FrameType) -> bool:
    name = frame.f_globals.get("__name__")
    if not isinstance(name, str):
        return False
    package, _, rest = name.partition(".")
    return package == "hypi" or (package == "hycore" and not rest.startswith(("ext.hylog", "testing")))
