"""The proof that a host survives the failure of any of its plugins in any phase.

Layer: `testing`, above `_faults`.
"""

from __future__ import annotations

import gc
import time
from contextlib import suppress

from hycore.ext._inventory import checked_inventory
from hycore.testing._errors import Finding, HostConformanceError, RunningLoopError
from hycore.testing._faults import Fault
from hycore.testing._measuring import Held, Plain, is_in_a_loop, unraisable
from hycore.testing._watching import PHASES, Call, Watch, watching
from hycore.utils.error import ArgumentTypeError, PluginFailedError, PluginLoadError, describe, qualified_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from hycore.base._lifecycle import Lifecycle
    from hycore.ext import Inventory
    from hycore.utils.error import TeardownError

__all__ = ["assert_host_survives"]

_PATIENCE = 1.0  # seconds for what has been told to end
_LITTLE_PATIENCE = 0.1  # the same in a host that has once left something behind


def assert_host_survives(
    host: Callable[[], object], *, inventory: Inventory | None = None
) -> tuple[tuple[str, str], ...]:
    """Proves that a host survives the failure of any of its plugins in any phase; returns what was tried, in pairs.

    `host` runs the host once, from the creation of its instances to their end: a function, or a coroutine function,
    which is run by asyncio. It is called once undisturbed, to see which phases of which plugins there are; then once for
    each of these, with just that one failing. `inventory` is the one that the host uses, if it is not the default
    one: what it keeps is forgotten before each run, so that imports come again.

    It survives a failure if

    - it handles it and returns, or raises something that tells which plugin failed in which phase (the error of the
      runtime, or one that is caused by it), or ends with `SystemExit`;
    - afterwards none of its instances is up, and no thread, open file or child process is left;
    - no failure in a teardown is lost, as it is where an instance ends with its last reference.

    Raises `HostConformanceError` with every finding at once; what the host raises undisturbed; and `ArgumentTypeError`
    for what cannot be called.
    """
    __tracebackhide__ = True  # pytest shows the line of the test, and the findings
    if not callable(host):
        raise ArgumentTypeError("host", "a function that runs the host, main and not main()", host)
    proof = _Proof(host, checked_inventory(inventory))
    proof.prove()
    if proof.findings:
        name = getattr(host, "__qualname__", None) or repr(host)
        raise HostConformanceError(name, proof.findings.values())
    return tuple(proof.tried)


class _Proof:
    def __init__(self, host: Callable[[], object], inventory: Inventory) -> None:
        self.host = host
        self.inventory = inventory
        self.findings: dict[tuple[str, str], Finding] = {}
        self.tried: list[tuple[str, str]] = []
        self.patience = _PATIENCE

    def prove(self) -> None:
        seen = self.run_undisturbed()
        for plugin, phase in sorted(seen, key=lambda pair: PHASES.index(pair[1])):
            self.tried.append((plugin, phase))
            self.run_with(plugin, phase)

    def tell(self, when: str, problem: str, step: str) -> None:
        self.findings.setdefault((when, problem), Finding(when, problem, step))

    def run_undisturbed(self) -> list[tuple[str, str]]:
        """Runs the host once, and returns which phases of which plugins came."""
        run = _Run()
        self.inventory.refresh()
        with watching(run), unraisable(run.lose):
            _play(self.host)
            gc.collect()  # a cycle that an instance stands in
        seen = list(run.seen)
        when = "nothing fails"
        if not run.lives:
            self.tell(
                when,
                "no instance is created in this process",
                "hand over a function that runs the host once, here: assert_host_survives(lambda: main(['run']))",
            )
        self.judge_instances(run, when)
        return seen

    def run_with(self, plugin: str, phase: str) -> None:
        when = f"{phase} of {plugin!r} fails"
        left = self.run_disturbed(plugin, phase, when)
        # What is started once, by the first failure of all, is not left behind each time.
        if left and (left := self.run_disturbed(plugin, phase, when)):
            self.patience = _LITTLE_PATIENCE
            self.tell(
                when,
                f"left are {'; '.join(f'{kind}: {texts}' for kind, texts in sorted(left.items()))}",
                "end in a finally block, or when a with block ends, what was started before the instance was created",
            )

    def run_disturbed(self, plugin: str, phase: str, when: str) -> dict[str, str]:
        """Runs the host with one failure; returns what is left, by kind."""
        run = _Run()
        fault = Fault(plugin, phase, None)
        self.inventory.refresh()
        before = Held(_HOST)
        problem: str | None = None
        with watching(run), watching(fault), unraisable(run.lose):
            try:
                _play(self.host)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                # Whoever keeps the error keeps the frames that the host's instance stands in.
                problem = _judged(error, plugin, phase)
            gc.collect()
        fault._disarm()
        if fault.count == 0:
            self.tell(
                when,
                "it came when nothing failed, and does not come in a second run",
                "let each run do the same, from a function that sets up all that it needs",
            )
        if problem is not None:
            self.tell(
                when,
                f"the host raises {problem}",
                "let the error of the runtime pass, or raise your own one from it: raise StartError(…) from error",
            )
        for lost in run.lost:
            self.tell(
                when,
                f"nobody is told: {lost}",
                "end the instance by with, or close(): when its last reference goes, nothing can be raised",
            )
        self.judge_instances(run, when)
        return self.left_after(before)

    def left_after(self, before: Held) -> dict[str, str]:
        """What is there that was not, by kind, when it has had time to end."""
        deadline = time.monotonic() + self.patience
        while True:
            after = Held(_HOST)
            left = {kind: ", ".join(after.beyond(before, kind)[:2]) for kind in after.more_than(before)}
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(0.02)

    def judge_instances(self, run: _Run, when: str) -> None:
        for life in run.lives:
            if life.phase != "ended":
                up = [repr(registry.name) for registry in life.registries[: life.binding.up]]
                self.tell(
                    when,
                    f"an instance is left up, with {', '.join(up) or 'no extension'}",
                    "with create_instance(info) as instance: …    # or close() in a finally block",
                )
                _end(life)


_HOST = Plain()


class _Run(Watch):
    """One run of a host: its lives, what came, and what failed where nobody could be told."""

    def __init__(self) -> None:
        self.lives: list[Lifecycle] = []
        self.seen: dict[tuple[str, str], None] = {}
        self.lost: list[str] = []

    def _born(self, number: int, life: Lifecycle) -> None:
        self.lives.append(life)

    def _begins(self, call: Call) -> None:
        self.seen[call.plugin, call.phase] = None

    def lose(self, error: TeardownError) -> None:
        self.lost.append(str(error))


def _play(host: Callable[[], object]) -> None:
    """Calls the host; what it returns to be awaited, asyncio runs."""
    result = host()
    if not hasattr(result, "__await__"):
        return
    awaited: Any = result
    if is_in_a_loop():
        close = getattr(awaited, "close", None)
        if close is not None:
            close()
        raise RunningLoopError(
            "assert_host_survives, for an asynchronous host,", "call it outside of the loop"
        )
    import asyncio

    async def main() -> None:
        await awaited

    asyncio.run(main())


def _judged(error: BaseException, plugin: str, phase: str) -> str | None:
    """What is wrong with what a host has raised, in words; `None` if it tells of the failure."""
    if isinstance(error, SystemExit):
        return None
    if _tells(error, plugin, phase, implicit=False):
        return None
    if _tells(error, plugin, phase, implicit=True):
        # Raised in an `except` or `finally` block: on purpose, but for what Python raises for a mistake.
        if not isinstance(error, NameError | AttributeError | TypeError):
            return None
        return f"{describe(error)}, a mistake of its own, while it handles the failure"
    kind = type(error)
    name = kind.__name__ if kind.__module__ == "builtins" else qualified_name(kind)
    return f"{name}, which does not tell of the failure: {describe(error)}"


def _tells(error: BaseException, plugin: str, phase: str, *, implicit: bool) -> bool:
    """Whether an error, one of a group, or one that it was raised from tells which plugin failed in which phase."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        if isinstance(current, PluginFailedError) and (current.plugin, current.phase) == (plugin, phase):
            return True
        if phase == "import" and isinstance(current, PluginLoadError) and current.plugin == plugin:
            return True
        waiting += [current.__cause__, *getattr(current, "undo_errors", ())]
        if implicit and not current.__suppress_context__:  # nobody sees what `from None` has hidden
            waiting.append(current.__context__)
        if isinstance(current, BaseExceptionGroup):
            waiting += current.exceptions
    return False


def _end(life: Lifecycle) -> None:
    """Ends what a host has left up."""
    instance: Any = life.reference() if life.reference is not None else None
    with suppress(Exception):
        if instance._asynchronous:
            import asyncio

            asyncio.run(instance.aclose())
        else:
            instance.close()
