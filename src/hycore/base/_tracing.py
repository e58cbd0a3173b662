"""Where an error was raised, kept as plain values: no frame, no exception, no local variable (rule F4).

Layer: `base`, above `_cleaning`. What is taken costs little; the lines of the sources are read when it is shown.
"""

from __future__ import annotations

from hycore.base._cleaning import with_what_led_to
from hycore.utils._record import Record, fill
from hycore.utils.error import HyError, describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    Place = tuple[str, int | None, str]
    Link = tuple[str, tuple[Place, ...], str, tuple["Trace", ...]]
    Trace = tuple[Link, ...]
    """What was raised, first cause first: how it led to the next one, the places, the text, and a group's members."""

__all__ = ["Failure", "told", "trace_of", "trace_text"]

_MOST_PLACES = 30
_MOST_MEMBERS = 10
_DEEPEST = 10
_CAUSE = "The above exception was the direct cause of the following exception:"
_CONTEXT = "During handling of the above exception, another exception occurred:"


class Failure(Record):
    """Something that failed and was survived: its `text`, and the `traceback` of the code that raised, as text."""

    __slots__ = ("text", "trace")

    text: str
    trace: Trace

    def __init__(self, text: str, trace: Trace = ()) -> None:
        fill(self, "text", text)
        fill(self, "trace", trace)

    @property
    def traceback(self) -> str:
        """As Python prints it, with the frames of plugins only; empty where none of their code ran."""
        return trace_text(self.trace)

    def __str__(self) -> str:
        return self.text


def told(error: BaseException) -> Failure:
    """An error that is not raised, as it is kept."""
    text = str(error) if isinstance(error, HyError) else describe(error)
    return Failure(text, trace_of(error))


def trace_of(error: BaseException | None) -> Trace:
    """Where what lies behind an error of the runtime was raised, or any other error."""
    while isinstance(error, HyError) and error.__cause__ is not None:
        error = error.__cause__
    # What never ran code of a plugin is the most common, and to describe it costs.
    try:
        return _trace(error, set(), 0) if error is not None and _leads_anywhere(error) else ()
    except Exception:  # its class has its own cause, notes or members where Python's would be
        return ()


def _leads_anywhere(error: BaseException) -> bool:
    """Whether there is a frame left in it, or in what led to it."""
    return any(each.__traceback__ is not None for each in with_what_led_to(error))


def _trace(error: BaseException | None, seen: set[int], depth: int) -> Trace:
    links: list[Link] = []
    how = ""
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        members: tuple[Trace, ...] = ()
        if isinstance(error, BaseExceptionGroup):
            members = _members(error, seen, depth)
        notes = getattr(error, "__notes__", ())
        if not isinstance(notes, list):
            notes = []  # whatever a plugin has put there
        text = "\n".join([describe(error), *[note for note in notes if isinstance(note, str)]])
        links.append((how, _places(error.__traceback__), text, members))
        if error.__cause__ is not None:
            how, error = _CAUSE, error.__cause__
        elif not error.__suppress_context__:
            how, error = _CONTEXT, error.__context__
        else:
            break
    return tuple(links[::-1])


def _members(group: BaseExceptionGroup[BaseException], seen: set[int], depth: int) -> tuple[Trace, ...]:
    shown = group.exceptions[:_MOST_MEMBERS] if depth < _DEEPEST else ()
    members = [_trace(member, seen, depth + 1) for member in shown]
    left_out = len(group.exceptions) - len(shown)
    if left_out:
        members.append((("", (), f"[{left_out} more]", ()),))
    return tuple(members)


def _places(traceback: TracebackType | None) -> tuple[Place, ...]:
    places: list[Place] = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        file = code.co_filename
        # What Python itself takes out of a traceback when it comes from an import statement.
        if not file.startswith("<frozen importlib") and code.co_qualname != "import_module":
            places.append((file, traceback.tb_lineno, code.co_qualname))
        traceback = traceback.tb_next
    if len(places) > _MOST_PLACES:
        half = _MOST_PLACES // 2
        left_out = len(places) - 2 * half
        places[half:-half] = [("", None, f"[{left_out} more]")]
    return tuple(places)


def trace_text(trace: Trace) -> str:
    """As Python prints it; local variables are nowhere in it."""
    from linecache import checkcache, getline

    lines: list[str] = []
    for how, places, text, members in trace:
        if places:
            lines.append("Traceback (most recent call last):")
        for file, line, function in places:
            if line is None:
                lines.append(f"  {function}")
                continue
            lines.append(f'  File "{file}", line {line}, in {function}')
            checkcache(file)
            source = getline(file, line).strip()
            if source:
                lines.append(f"    {source}")
        lines += text.split("\n")
        for place, member in enumerate(members, start=1):
            shown = trace_text(member).split("\n")
            lines += [f"  {place}. {shown[0]}", *[f"     {each}".rstrip() for each in shown[1:]]]
        if how:
            lines += ["", how, ""]
    return "\n".join(lines)
