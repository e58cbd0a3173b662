"""What an error may keep alive: the frames of the plugin's own code, and nothing of ours (rule F4).

Layer: `base`, a leaf within it.
"""

from __future__ import annotations

from _thread import get_ident

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType, TracebackType

__all__ = ["clean", "forget_frames"]

_left_open: dict[int, list[FrameType]] = {}  # by thread


def clean(error: BaseException) -> None:
    """Takes the runtime's frames out of an error's tracebacks, those of its causes and of a group's members too.

    A frame that stays leads back to its callers, ours among them: the variables of those that have ended are cleared,
    here or, for those that still run, by `forget_frames`.
    """
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        if current.__traceback__ is not None:
            current.__traceback__ = _cleaned(current.__traceback__)
        waiting += [current.__cause__, current.__context__]
        if isinstance(current, BaseExceptionGroup):
            waiting += current.exceptions


def forget_frames() -> None:
    """Clears the variables of our frames that were still running when an error was cleaned, and have ended now."""
    for frame in _left_open.pop(get_ident(), ()):
        try:
            frame.clear()
        except RuntimeError:  # a frame further out, which keeps no plugin
            continue


def _cleaned(traceback: TracebackType) -> TracebackType | None:
    kept: list[TracebackType] = []
    current: TracebackType | None = traceback
    while current is not None:
        if not _is_ours(current.tb_frame):
            kept.append(current)
        else:
            _clear(current.tb_frame)
        current = current.tb_next
    following: TracebackType | None = None
    for entry in reversed(kept):
        entry.tb_next = following
        following = entry
        caller = entry.tb_frame.f_back
        while caller is not None and _is_ours(caller):
            _clear(caller)
            caller = caller.f_back
    return following


def _clear(frame: FrameType) -> None:
    try:
        frame.clear()
    except RuntimeError:  # it still runs
        _left_open.setdefault(get_ident(), []).append(frame)


def _is_ours(frame: FrameType) -> bool:
    name = frame.f_globals.get("__name__")
    if not isinstance(name, str):
        return False
    package, _, rest = name.partition(".")
    return package == "hypi" or (package == "hycore" and not rest.startswith(("ext.hylog", "testing")))
