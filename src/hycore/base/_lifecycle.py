"""The engine: brings plugins up, and takes them down again, whatever fails.

Layer: `base`. It knows hooks, order and undoing, and neither instances nor how a host waits: what it yields is what
must be awaited, and a driver runs it (`drive`, for a host that cannot await). It returns the exception to be raised
instead of raising it, so that no error is raised while another one is handled and takes it for its context.

Ctrl-C may arrive between any two instructions that call something or jump back. What must not be lost or done twice
is therefore kept by plain stores next to the call of a hook: `up` before `teardown` and after `initialize`.
"""

from __future__ import annotations

from _thread import get_ident
from itertools import islice

from hycore.base._cleaning import clean
from hycore.ext._traits import Binding, bind, constructing, release
from hycore.utils.error import HyError, InstanceClosedError, PluginFailedError, describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    import weakref
    from collections.abc import Callable, Generator
    from typing import Any

    from hycore.base._instance import InstanceContext
    from hycore.base._plan import Plan, SetAside
    from hycore.base._report import Times
    from hycore.ext import DynPluginEXT, PluginRegistry
    from hycore.ext._traits import Deferred
    from hycore.utils.opaque import OpaqueList

    Steps = Generator[object, None, None]

__all__ = ["Lifecycle", "bring_up", "drive", "take_down"]

busy: dict[int, Lifecycle] = {}
"""What is being brought up or taken down now, by id: a forked child forgets it."""


class Lifecycle:
    """The life of one instance's plugins, from the plan to the last teardown; one driver at a time runs it.

    `registries`, `plugins` and `hooks` stand side by side, in the order of the plan. `hooks` are the plugins
    themselves, or what calls them and takes the time. `phase` and `position` tell which hook runs.
    """

    __slots__ = (
        "aborted",
        "aside",
        "binding",
        "ext",
        "failures",
        "hooks",
        "inherited",
        "interrupt",
        "optional",
        "phase",
        "plan",
        "plugins",
        "position",
        "reference",
        "registries",
        "times",
        "undo_errors",
    )

    def __init__(self, plan: Plan, times: Times | None) -> None:
        from hycore.base._plan import required_by_enabled

        self.plan = plan
        self.registries: list[PluginRegistry] = list(plan.order)
        self.binding = Binding()
        self.reference: weakref.ref[InstanceContext] | None = None  # what plugins get when they are attached
        self.plugins = self.binding.plugins
        self.hooks: list[DynPluginEXT] = self.plugins if times is None else []
        self.times = times
        self.optional: frozenset[str] = frozenset()
        if plan.optional:
            names = {registry.name: registry for registry in plan.order}
            self.optional = frozenset(plan.optional) - required_by_enabled(plan.enabled, names).keys()
        self.aside: list[SetAside] = list(plan.set_aside)
        self.failures: list[str] = []  # what failed while extensions were set aside
        self.undo_errors: list[PluginFailedError] = []
        self.interrupt: BaseException | None = None
        self.ext: OpaqueList | None = None
        self.phase = "new"
        self.position = 0
        self.aborted = False
        self.inherited = False

    def forget(self) -> None:
        """In a forked child: nothing here is ever to be undone, whatever still comes up."""
        self.inherited = True
        if self.binding.undoing:  # what is up can be looked up until then
            self.binding.up = self.binding.rest = 0
        self.binding.deferred.clear()
        self.binding.pending.clear()

    def end(self) -> None:
        """Lets go of every plugin."""
        self.binding.end()
        self.plugins = []
        self.hooks = []
        self.phase = "ended"

    def outcome(self) -> tuple[list[PluginFailedError], BaseException | None]:
        """What failed while all was undone, and the Ctrl-C or the like that came meanwhile; kept here only as text."""
        failures, interrupt = self.undo_errors, self.interrupt
        self.failures += map(str, failures)
        self.undo_errors, self.interrupt = [], None
        return failures, interrupt

    @property
    def name(self) -> str:
        """The extension whose hook runs."""
        place = min(self.position, len(self.registries) - 1)
        return self.registries[place].name


def bring_up(life: Lifecycle, judge: Callable[[], HyError | None], announce: Callable[[], None]) -> Any:
    """Constructs, attaches and initializes all plugins; undoes everything if one fails (rules C1 to F3).

    `judge` is called between construction and attachment, and returns the error that leftover configuration is;
    `announce` is called when all plugins are up.

    Yields what must be awaited, and returns the exception to raise, or `None`.
    """
    busy[id(life)] = life
    caught: BaseException | None = None
    ended: BaseException | None = None
    try:
        ended = yield from _started(life, judge, announce)
    except BaseException as error:
        caught = error
    # A plugin that keeps an exception keeps the frames that called it.
    del judge, announce
    if caught is not None:
        clean(caught)
        ended = caught
    while ended is not None and life.phase != "ended":
        try:
            yield from take_down(life)
        except BaseException as error:  # Ctrl-C that hit the engine itself
            clean(error)
            life.interrupt = life.interrupt or error
    if ended is not None:
        failures, interrupt = life.outcome()
        attach_failures(ended, failures)
        if interrupt is not None and interrupt is not ended:
            interrupt.__cause__ = ended
            ended = interrupt
    busy.pop(id(life), None)
    return ended


def take_down(life: Lifecycle) -> Steps:
    """Undoes what is up or constructed, in reverse order, whatever fails (rules T1 to T3).

    Yields what must be awaited; `life.outcome()` tells what failed. Called again after an interrupt that hit the engine itself, it goes on.
    """
    life.binding.undoing = True
    if life.inherited:
        life.forget()
    busy[id(life)] = life
    while life.phase != "ended":
        try:
            yield from _undo(life)
            life.end()
        except BaseException as error:
            caught = error
        else:
            break
        if _is_failure(caught):
            life.undo_errors.append(_failure(life, caught))
        else:
            clean(caught)
            life.interrupt = life.interrupt or caught
        del caught
    busy.pop(id(life), None)


def drive(steps: Any) -> Any:
    """Runs the engine where nothing can be awaited, and returns what it returns.

    A hook that returns an awaitable has failed; the awaitable is closed.
    """
    try:
        waiting = next(steps)
        while True:
            if _is_awaitable(waiting):
                refused = _refused(waiting)
                del waiting
                waiting = steps.throw(refused)
            else:
                waiting = next(steps)
    except StopIteration as stop:
        return stop.value


def _started(life: Lifecycle, judge: Callable[[], HyError | None], announce: Callable[[], None]) -> Any:
    """Runs phase after phase; returns the exception that ends the creation, with nothing undone yet, or `None`."""
    for phase, steps in (("new", _construct), ("attach_to", _attach), ("initialize", _initialize)):
        life.phase = phase
        life.position = 0
        while True:
            caught: BaseException | None = None
            try:
                yield from steps(life)
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
    announce()
    del judge, announce
    return InstanceClosedError("create") if life.aborted else None


def _construct(life: Lifecycle) -> Steps:
    """C1: `new` for each."""
    ext = life.ext
    assert ext is not None
    binding = life.binding
    plugins = life.plugins
    times = life.times
    thread = get_ident()
    outer = constructing.get(thread)
    constructing[thread] = binding
    try:
        for registry in islice(life.registries, life.position, None):
            ext._set_taker(registry.name)
            plugin = registry.loader(ext) if times is None else times.construct(registry, ext)
            bind(plugin, binding)
            if binding.pending:
                binding.deferred[id(plugin)] = binding.pending
                binding.pending = []
            plugins.append(plugin)
            if times is not None:
                life.hooks.append(times.watch(registry, plugin))
            binding.rest = life.position = life.position + 1
            if life.aborted:
                return
    finally:
        if outer is None:
            constructing.pop(thread, None)
        else:
            constructing[thread] = outer
    return
    yield  # a generator like its siblings, though `new` is never asynchronous


def _attach(life: Lifecycle) -> Steps:
    """A1: `attach_to` for each."""
    reference = life.binding.reference = life.reference
    assert reference is not None
    for plugin in islice(life.hooks, life.position, None):
        waiting = plugin.attach_to(reference)
        if waiting is not None:
            yield waiting
        life.position += 1
        if life.aborted:
            return


def _initialize(life: Lifecycle) -> Steps:
    """I1: `initialize` for each."""
    binding = life.binding
    for plugin in islice(life.hooks, life.position, None):
        waiting = plugin.initialize()
        if waiting is not None:
            yield waiting
        binding.up = life.position = life.position + 1
        if life.aborted:
            return


def _undo(life: Lifecycle) -> Steps:
    """Undoes from where it stands; called again after a failure, it goes on behind what failed."""
    binding = life.binding
    yield from _run_deferred(life, binding.pending, len(life.plugins))
    if binding.rest < len(life.plugins):
        yield from _run_deferred_of(life, binding.rest)
    while binding.rest > binding.up:
        binding.rest -= 1
        yield from _run_deferred_of(life, binding.rest)
    hooks = life.hooks
    deferred = binding.deferred
    life.phase = "teardown"
    while binding.up:
        life.position = binding.rest = binding.up = binding.up - 1
        waiting = hooks[life.position].teardown()
        if waiting is not None:
            yield waiting
        if deferred:
            yield from _run_deferred_of(life, life.position)
            life.phase = "teardown"


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
        clean(caught)
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

    position = life.position
    phase = life.phase
    gone = {failure.plugin}
    reason = f"it failed in {failure.phase}: {failure.reason}"
    life.aside.append(SetAside(failure.plugin, type(failure).__name__, reason, life.registries[position]))
    places = [position]
    for place in range(position + 1, len(life.registries)):
        registry = life.registries[place]
        lost = [name for name in registry.requires if name in gone]
        if lost:
            gone.add(registry.name)
            places.append(place)
            reason = f"it requires {lost[0]!r}, which is set aside"
            life.aside.append(SetAside(registry.name, "MissingDependencyError", reason, registry))
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
            if _is_failure(caught):
                life.failures.append(str(_failure(life, caught)))
            else:
                clean(caught)
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
    rest = len(plugins)
    life.registries[:] = registries
    life.plugins[:] = plugins
    life.hooks[:] = hooks
    life.binding.rest = rest
    life.binding.outcast.clear()
    del gone


def _is_failure(error: BaseException) -> bool:
    """F1: a plugin's own failure, in contrast to Ctrl-C, cancellation and the like, which pass."""
    return isinstance(error, Exception | SystemExit)


def _failure(life: Lifecycle, caught: BaseException) -> PluginFailedError:
    if isinstance(caught.__cause__, StopIteration) and str(caught) == "generator raised StopIteration":
        caught = caught.__cause__  # what the hook raised; Python lets it not leave a generator
    clean(caught)
    failure = PluginFailedError(life.name, phase=life.phase, reason=describe(caught))
    failure.__cause__ = caught
    return failure


def attach_failures(error: BaseException, failures: list[PluginFailedError]) -> None:
    """F3: what failed while undoing never hides what is raised; it becomes its notes and its `undo_errors`."""
    for failure in failures:
        error.add_note(f"while undoing: {failure}")
    if failures and isinstance(error, HyError):
        error.undo_errors = (*error.undo_errors, *failures)


def _is_awaitable(thing: object) -> bool:
    """Whether a host could await this; no code of its own runs."""
    if any("__await__" in vars(base) for base in type(thing).__mro__):
        return True
    from types import GeneratorType

    return type(thing) is GeneratorType and bool(
        thing.gi_code.co_flags & 0x100
    )  # marked by `types.coroutine`


def _refused(waiting: Any) -> TypeError:
    for way_to_end in ("close", "cancel"):
        end: Any = getattr(waiting, way_to_end, None)
        if end is not None:
            try:
                end()
            except Exception as error:
                return TypeError(f"it returned an awaitable, which could not be ended: {describe(error)}")
            break
    return TypeError(
        f"it returned an awaitable ({type(waiting).__name__}), and this instance is synchronous: nothing awaits it"
    )
