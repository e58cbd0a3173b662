"""The engine: brings plugins up, and takes them down again, whatever fails.

Layer: `base`. It knows hooks, order and undoing, and neither instances nor how a host waits: what it yields is what a
hook or a callback returned, a driver awaits that or not, and throws in what comes of it (`_drivers`). It returns the
exception to be raised instead of raising it, so that no error is raised while another one is handled and takes it for
its context.

Ctrl-C may arrive between any two instructions that call something or jump back. What must not be lost or done twice
is therefore kept by plain stores next to the call of a hook: `up` before `teardown` and after `initialize`.
"""

from __future__ import annotations

from _thread import get_ident
from sys import getrefcount, maxsize

from hycore.base._cleaning import clean
from hycore.ext._definition import REFERENCES, ClassLoader
from hycore.ext._traits import Binding, bind, constructing, release
from hycore.utils.error import HyError, InstanceClosedError, PluginFailedError, TryAgainLaterError, describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    import weakref
    from collections.abc import Callable, Generator, Iterable, Mapping
    from types import FrameType
    from typing import Any

    from hycore.base._instance import InstanceContext
    from hycore.base._plan import Plan, SetAside
    from hycore.base._report import Times
    from hycore.base._tracing import Failure
    from hycore.ext import DynPluginEXT, PluginRegistry
    from hycore.ext._traits import Deferred
    from hycore.utils.opaque import OpaqueList

    Steps = Generator[object, None, None]
    Judge = Callable[[], HyError | None]

__all__ = ["Lifecycle", "attach_failures", "bring_up", "bring_up_more", "busy", "set_cause", "take_down"]

_NO_NAMES: frozenset[str] = frozenset()
# What `types` calls MappingProxyType; to import it would take 0.02 of a process with a first empty instance.
_NOTHING: Mapping[str, Any] = type(type.__dict__)({})

looking_on: Callable[[Lifecycle], None] | None = None
"""What tests do with each life before it begins: write down its hooks, or let one fail. There is none in a host."""

busy: dict[int, Lifecycle] = {}
"""What is being brought up or taken down now, by id: a forked child forgets it."""


class Lifecycle:
    """The life of one instance's plugins, from the plan to the last teardown; one driver at a time runs it.

    `registries`, `plugins` and `hooks` stand side by side, in the order of the plan. `hooks` are the plugins
    themselves, or what calls them and takes the time. `phase` and `position` tell which hook runs; while a phase goes
    over all of them, the position is read from `cursor`, the iterator that its loop runs over.
    """

    __slots__ = (
        "aborted",
        "aside",
        "binding",
        "cancelled",
        "cursor",
        "ext",
        "failures",
        "hooks",
        "inherited",
        "interrupt",
        "kept_ext",
        "left",
        "lists",
        "optional",
        "phase",
        "plan",
        "plugins",
        "reasons",
        "reference",
        "registries",
        "running",
        "times",
        "timeout",
        "undo_errors",
        "undo_timeout",
        "version",
        "warn",
        "_position",
    )

    def __init__(self, plan: Plan, times: Times | None, timeout: float | None = None) -> None:
        self.plan = plan
        self.registries: list[PluginRegistry] = list(plan.order)
        self.binding = Binding()
        self.reference: weakref.ref[InstanceContext] | None = None  # what plugins get when they are attached
        self.plugins = self.binding.plugins
        self.times = times
        self.timeout = timeout
        self.undo_timeout: float | None = None
        self.warn: Callable[[str], None] | None = None
        self.hooks: list[DynPluginEXT] = self.plugins
        if times is not None or timeout is not None or plan._timed:
            self.hooks = []
        self.optional: frozenset[str] = _NO_NAMES
        if plan.optional:
            from hycore.base._plan import required_by_enabled

            names = {registry.name: registry for registry in plan.order}
            self.optional = frozenset(plan.optional) - required_by_enabled(plan.enabled, names).keys()
        # What most instances never need is empty, and shared until there is something: without seven new lists and
        # dictionaries, one without plugins takes 0.96 of the time.
        self.aside: tuple[SetAside, ...] = plan.set_aside
        self.reasons: Mapping[str, str] = _NOTHING  # of what was tried again, and is not in the plan
        self.failures: tuple[Failure, ...] = ()  # what failed while extensions were set aside
        self.undo_errors: tuple[PluginFailedError, ...] = ()
        self.interrupt: BaseException | None = None
        self.cancelled: tuple[type[BaseException], ...] = ()  # what the host's loop cancels with
        self.ext: OpaqueList | None = None
        self.lists: tuple[OpaqueList, ...] = ()  # all that configuration was handed over in, for the ledger
        # By set-aside extension: what it gets when it is tried again.
        self.kept_ext: Mapping[str, list[object]] = _NOTHING
        # What nobody took, and one that is set aside may claim when it is tried again.
        self.left: tuple[object, ...] = ()
        self.phase = "new"
        self.cursor: Any = None
        self._position = 0
        self.version = 0  # grows whenever extensions come or go, and is odd while they do
        self.aborted = False
        self.inherited = False
        self.running: list[FrameType] = []  # our frames that an error may lead back to
        if looking_on is not None:
            looking_on(self)

    def timeout_of(self, registry: PluginRegistry) -> float | None:
        """How long an `initialize` may take, in seconds."""
        own = registry.initialize_timeout
        return own if own is not None else self.timeout

    def forget(self) -> None:
        """In a forked child: nothing here is ever to be undone, whatever still comes up."""
        self.inherited = True
        if self.binding.undoing:  # what is up can be looked up until then
            self.binding.up = self.binding.left = 0
        self.binding.deferred.clear()
        self.binding.pending.clear()

    def end(self) -> None:
        """Lets go of every plugin."""
        self.binding.end()
        self.plugins = []
        self.hooks = []
        self.cursor = None
        self.kept_ext = _NOTHING
        self.left = ()
        self.phase = "ended"

    def outcome(self) -> tuple[tuple[PluginFailedError, ...], BaseException | None]:
        """What failed while all was undone, and the Ctrl-C or the like that came meanwhile; kept here only as text."""
        failures, interrupt = self.undo_errors, self.interrupt
        if failures:
            self.failures += _told(failures)
        self.undo_errors, self.interrupt = (), None
        return failures, interrupt

    def awaited_at_the_end(self) -> list[str]:
        """The extensions that are up and have an asynchronous teardown or callback."""
        return [
            registry.name
            for registry, plugin in zip(self.registries, self.plugins, strict=False)
            if "teardown" in registry.async_hooks
            or any(_is_asynchronous(entry[0]) for entry in self.binding.deferred.get(id(plugin), ()))
        ]

    @property
    def position(self) -> int:
        """The place of the extension whose hook runs."""
        if self.phase == "teardown":
            return self.binding.up
        cursor = self.cursor
        if cursor is None:
            return self._position
        return len(self.registries) - int(cursor.__length_hint__()) - 1

    @position.setter
    def position(self, place: int) -> None:
        self.cursor = None
        self._position = place

    def going_over(self, things: list[Any]) -> Any:
        """An iterator over what stands side by side, from `position` on, which from now on tells the position."""
        # A counter in its place takes 0.1 of the bare hooks, of 100 plugins and of 10,000.
        cursor: Any = iter(things)
        cursor.__setstate__(self._position)
        self.cursor = cursor
        return cursor

    @property
    def name(self) -> str:
        """The extension whose hook runs."""
        registries = list(self.registries)  # other threads ask too
        return registries[min(self.position, len(registries) - 1)].name


def bring_up(life: Lifecycle, judge: Judge, announce: Callable[[], None]) -> Any:
    """Constructs, attaches and initializes all plugins; undoes everything if one fails (rules C1 to F3).

    `judge` is called between construction and attachment, and returns the error that leftover configuration is;
    `announce` is called when all plugins are up.

    Yields what must be awaited, and returns the exception to raise, or `None`.
    """
    ended = yield from _ended_or_up(life, judge, announce, 0)
    # A plugin that keeps an exception keeps the frames that called it.
    del judge, announce
    if ended is not None:
        ended = yield from _undone(life, ended, None)
    busy.pop(id(life), None)
    return ended


def bring_up_more(life: Lifecycle, registries: Iterable[PluginRegistry], judge: Judge) -> Any:
    """Brings up what was set aside, behind what is up, and undoes only that if it ends otherwise (rule R1).

    Each of them may fail, and is then set aside again. Yields and returns what `bring_up` does.
    """
    start = len(life.registries)
    added = list(registries)
    life.version += 1
    life.registries += added
    life.version += 1
    life.optional |= {registry.name for registry in added}
    ended = yield from _ended_or_up(life, judge, _nothing, start)
    del judge
    if ended is not None:
        ended = yield from _undone(life, ended, start)
    busy.pop(id(life), None)
    return ended


def take_down(life: Lifecycle, start: int | None = None) -> Steps:
    """Undoes what is up or constructed, in reverse order, whatever fails (rules T1 to T3); from a place on, or all.

    Yields what must be awaited; `life.outcome()` tells what failed. Called again after an interrupt that hit the engine
    itself, it goes on.
    """
    life.binding.undoing = True
    if life.inherited:
        life.forget()
    busy[id(life)] = life
    while True:
        try:
            yield from _undo(life, start or 0)
            if start is None:
                life.end()
        except BaseException as error:
            caught = error
        else:
            break
        if _is_failure(caught) or isinstance(caught, life.cancelled) or life.interrupt is not None:
            # A cancellation fails the hook that it hits, and is raised when all is undone; of others the first is.
            life.undo_errors += (_failure(life, caught),)
        else:
            clean(caught, life.running)
        if not _is_failure(caught):
            life.interrupt = life.interrupt or caught
        del caught
    busy.pop(id(life), None)


def _undone(life: Lifecycle, ended: BaseException, start: int | None) -> Any:
    """Undoes everything, or what stands from a place on; returns what is to be raised, with what failed meanwhile."""
    done = False
    while not done:
        try:
            yield from take_down(life, start)
            done = True
        except BaseException as error:  # Ctrl-C that hit the engine itself
            clean(error, life.running)
            life.interrupt = life.interrupt or error
    if start is not None:
        _take_out(life, frozenset(range(start, len(life.registries))))
        life.binding.undoing = False
        life.phase = "up"
    if start is None:  # while extensions were set aside
        _add_notes(ended, [f"before that, {text}" for text in life.failures])
    failures, interrupt = life.outcome()
    attach_failures(ended, failures)
    known = not isinstance(ended, Exception) and isinstance(interrupt, life.cancelled)
    if interrupt is None or interrupt is ended or known:
        return ended
    set_cause(interrupt, ended)
    return interrupt


def _nothing() -> None: ...


def _ended_or_up(life: Lifecycle, judge: Judge, announce: Callable[[], None], start: int) -> Any:
    """Runs all phases; returns what ends the creation, with nothing undone yet, or `None`."""
    busy[id(life)] = life
    ended: BaseException | None = None
    try:
        ended = yield from _started(life, judge, announce, start)
    except BaseException as error:
        ended = error
    del judge, announce
    if ended is not None:
        clean(ended, life.running)
    return ended


def _started(life: Lifecycle, judge: Judge, announce: Callable[[], None], start: int) -> Any:
    """Runs phase after phase; returns the exception that ends the creation, with nothing undone yet, or `None`."""
    for phase, run in _PHASES:
        life.phase = phase
        life.position = start
        while True:
            caught: BaseException | None = None
            try:
                steps = run(life)
                if steps is not None:
                    yield from steps
            except BaseException as error:
                caught = error
            if caught is None:
                break
            ended = yield from _judged(life, caught)
            del caught
            if ended is not None:
                return ended
        if life.aborted:
            return InstanceClosedError("create")
        if phase == "new":
            refused = judge()
            if refused is not None:
                return refused
    life.phase = "up"
    life.cursor = None
    announce()
    del judge, announce
    return InstanceClosedError("create") if life.aborted else None


def _construct(life: Lifecycle) -> None:
    """C1: `new` for each, which is never asynchronous."""
    ext = life.ext
    assert ext is not None
    binding = life.binding
    plugins = life.plugins
    times = life.times
    hooks = life.hooks if life.hooks is not plugins else None
    thread = get_ident()
    outer = constructing.get(thread)
    constructing[thread] = binding
    try:
        for registry in life.going_over(life.registries):
            ext._taker = registry.name
            loader = registry.loader
            if type(loader) is ClassLoader and loader.is_plain and times is None:
                # As in the other branch, without the calls in between: they take 0.4 of the bare hooks of 100 plugins.
                kind = loader.kind
                plugin = kind.new(ext)
                if type(plugin) is kind and getrefcount(plugin) <= REFERENCES:
                    plugin._PluginEXT__binding = binding
                else:
                    loader.check(plugin)
                    bind(plugin, binding)
            else:
                plugin = loader(ext) if times is None else times.construct(registry, ext)
                bind(plugin, binding)
            if binding.pending:
                binding.deferred[id(plugin)] = binding.pending
                binding.pending = []
            plugins.append(plugin)
            if hooks is not None:
                hooks.append(_watched(life, registry, plugin))
            if life.aborted:
                return
    finally:
        if outer is None:
            constructing.pop(thread, None)
        else:
            constructing[thread] = outer


def _attach(life: Lifecycle) -> Steps:
    """A1: `attach_to` for each."""
    reference = life.binding.reference = life.reference
    assert reference is not None
    for plugin in life.going_over(life.hooks):
        waiting = plugin.attach_to(reference)
        if waiting is not None:
            yield waiting
        if life.aborted:
            return


def _initialize(life: Lifecycle) -> Steps:
    """I1: `initialize` for each."""
    binding = life.binding
    for plugin in life.going_over(life.hooks):
        waiting = plugin.initialize()
        if waiting is not None:
            yield waiting
        binding.up += 1
        if life.aborted:
            return


_PHASES: tuple[tuple[str, Callable[[Lifecycle], Steps | None]], ...] = (
    ("new", _construct),
    ("attach_to", _attach),
    ("initialize", _initialize),
)


def _undo(life: Lifecycle, start: int) -> Steps:
    """Undoes from where it stands; called again after a failure, it goes on behind what failed."""
    binding = life.binding
    if binding.pending:
        yield from _run_deferred(life, binding.pending, len(life.plugins))
    if binding.up < len(life.plugins):
        yield from _undo_constructed(life, start)
    binding.left = start
    hooks = life.hooks
    deferred = binding.deferred
    life.phase = "teardown"
    while binding.up > start:  # read anew each time: a forked child forgets what is up
        place = binding.up = binding.up - 1
        waiting = hooks[place].teardown()
        if waiting is not None:
            yield waiting
        if deferred:
            yield from _run_deferred_of(life, place)
            life.phase = "teardown"


def _undo_constructed(life: Lifecycle, start: int) -> Steps:
    """Goes on with a plugin whose undoing has begun, and undoes those that are not up."""
    binding = life.binding
    place = binding.rest
    if start <= place < len(life.plugins):
        yield from _run_deferred_of(life, place)
    binding.left = place
    while binding.left > max(binding.up, start):
        binding.left -= 1
        yield from _run_deferred_of(life, binding.left)


def _run_deferred_of(life: Lifecycle, position: int) -> Steps:
    plugin = id(life.plugins[position])
    entries = life.binding.deferred.get(plugin)
    if entries is not None:
        yield from _run_deferred(life, entries, position)
        life.binding.deferred.pop(plugin, None)


def _run_deferred(life: Lifecycle, entries: list[Deferred], position: int) -> Steps:
    """T3: last in, first out; a callback leaves the list before it is called, with no call in between."""
    while entries:
        life.phase = "defer"
        life.position = position
        callback, arguments, keywords = entries[-1]
        del entries[-1]
        waiting = callback(*arguments, **keywords)
        if waiting is not None:
            yield waiting
        del callback, arguments, keywords, waiting


def _judged(life: Lifecycle, caught: BaseException) -> Any:
    """Decides what a hook's exception means; returns what ends the creation, or `None` to go on without the plugin."""
    if not _is_failure(caught):
        clean(caught, life.running)
        return caught
    failure = _failure(life, caught)
    if life.aborted:
        closed = InstanceClosedError("create")
        closed.add_note(f"meanwhile, {failure}")
        return closed
    if failure.plugin in life.optional:
        return (yield from _set_aside(life, failure))
    return failure


def _set_aside(life: Lifecycle, failure: PluginFailedError) -> Any:
    """P1: an optional extension that fails is set aside, with everything that requires it."""
    from hycore.base._plan import SetAside
    from hycore.base._tracing import told, trace_of

    position = life.position
    phase = life.phase
    gone = {failure.plugin}
    cause = failure.__cause__
    life.aside += (
        SetAside(
            failure.plugin,
            type(failure).__name__,
            f"it failed in {failure.phase}: {failure.reason}",
            life.registries[position],
            retry_after=cause.retry_after if isinstance(cause, TryAgainLaterError) else None,
            trace=trace_of(failure),
        ),
    )
    places = [position]
    for place in range(position + 1, len(life.registries)):
        registry = life.registries[place]
        lost = [name for name in registry.requires if name in gone]
        if lost:
            gone.add(registry.name)
            places.append(place)
            life.aside += (SetAside.for_want_of(lost[0], registry),)
    interrupt: BaseException | None = None
    for place in reversed(places):
        if place < len(life.plugins):
            plugin = id(life.plugins[place])
            life.binding.outcast.add(plugin)
            entries = life.binding.deferred.get(plugin, [])
        else:
            entries = life.binding.pending if place == position else []
        while entries:
            try:
                yield from _run_deferred(life, entries, place)
            except BaseException as error:
                caught = error
            else:
                break
            if _is_failure(caught) or isinstance(caught, life.cancelled):
                life.failures += (told(_failure(life, caught)),)
            else:
                clean(caught, life.running)
            if not _is_failure(caught):
                interrupt = interrupt or caught
            del caught
    for place in places:
        if place < len(life.plugins):
            life.binding.deferred.pop(id(life.plugins[place]), None)
            release(life.plugins[place])
    _take_out(life, frozenset(places))
    life.phase = phase
    life.position = position
    if life.aborted and interrupt is None:
        return InstanceClosedError("create")
    return interrupt


def _take_out(life: Lifecycle, places: frozenset[int]) -> None:
    """Takes extensions out of all that stands side by side; Ctrl-C finds either all of them there, or none."""
    registries = [registry for place, registry in enumerate(life.registries) if place not in places]
    plugins = [plugin for place, plugin in enumerate(life.plugins) if place not in places]
    hooks = [hook for place, hook in enumerate(life.hooks) if place not in places]
    gone = [*life.plugins, *life.hooks]  # freed when all is done: that may run code of theirs
    life.version += 1
    life.registries[:] = registries
    life.plugins[:] = plugins
    life.hooks[:] = hooks
    life.binding.left = maxsize
    life.version += 1
    life.binding.outcast.clear()
    del gone


def _watched(life: Lifecycle, registry: PluginRegistry, plugin: DynPluginEXT) -> Any:
    """What the engine calls in a plugin's place: it takes times, and warns of a plain `initialize` that is slow."""
    from hycore.base._report import Watched

    return Watched(registry.name, plugin, times=life.times, timeout=life.timeout_of(registry), warn=life.warn)


def _is_asynchronous(callback: Any) -> bool:
    """Whether a callback is an `async def`, as far as it can be told without calling it."""
    while hasattr(type(callback), "func") and type(callback).__module__ == "functools":
        callback = callback.func
    function = getattr(callback, "__func__", callback)
    if not hasattr(function, "__code__"):
        function = type(callback).__call__  # an object that can be called
    return bool(getattr(getattr(function, "__code__", None), "co_flags", 0) & 0x80)


def _told(failures: Iterable[PluginFailedError]) -> tuple[Failure, ...]:
    from hycore.base._tracing import told

    return tuple([told(failure) for failure in failures])


def _is_failure(error: BaseException) -> bool:
    """F1: a plugin's own failure, in contrast to Ctrl-C, cancellation and the like, which pass."""
    if isinstance(error, BaseExceptionGroup):
        return error.split((Exception, SystemExit))[1] is None
    return isinstance(error, Exception | SystemExit)


def _failure(life: Lifecycle, caught: BaseException) -> PluginFailedError:
    if isinstance(caught.__cause__, StopIteration) and str(caught).endswith(" raised StopIteration"):
        caught = caught.__cause__  # what the hook raised; Python lets it not leave a generator
    clean(caught, life.running)
    failure = PluginFailedError(life.name, phase=life.phase, reason=describe(caught))
    failure.__cause__ = caught
    return failure


def attach_failures(error: BaseException, failures: Iterable[PluginFailedError]) -> None:
    """F3: what failed while undoing never hides what is raised; it becomes its notes and its `undo_errors`."""
    failures = tuple(failures)
    _add_notes(error, [f"while undoing: {failure}" for failure in failures])
    if failures and isinstance(error, HyError):
        error.undo_errors = (*error.undo_errors, *failures)


# An exception's own class is not asked: it may be the host's or a plugin's, and frozen.


def _add_notes(error: BaseException, notes: list[str]) -> None:
    if notes:
        BaseException.__setattr__(error, "__notes__", [*getattr(error, "__notes__", ()), *notes])


def set_cause(error: BaseException, cause: BaseException) -> None:
    """What `raise error from cause` does."""
    BaseException.__setattr__(error, "__cause__", cause)
