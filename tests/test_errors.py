"""The tree of errors: facts, texts, and what survives a pickle (section 6)."""

from __future__ import annotations

import copy
import pickle
import re
from typing import Any

import pytest

from hycore.utils import error as errors
from hycore.utils.error import HyError

SAMPLES: dict[str, HyError] = {
    "HyError": HyError("a plugin's own words"),
    "ArgumentTypeError": errors.ArgumentTypeError("key", "a name", 3),
    "ArgumentValueError": errors.ArgumentValueError("level", "one of TRACE, INFO", "'LOUD'"),
    "PluginDefinitionError": errors.PluginDefinitionError("mod.Foo", "it has no NAME", 'NAME = "__EXT_foo"'),
    "DuplicatedKeyError": errors.DuplicatedKeyError("name", "__EXT_a", ["one", "two"], names=["__EXT_a"]),
    "PluginNotFoundError": errors.PluginNotFoundError("__EXT_a", known=["__EXT_b"], searched="here"),
    "PluginLoadError": errors.PluginLoadError(
        "__EXT_a", target="m:A", distribution="dist", version="1.0", reason="ImportError: no"
    ),
    "IncompatiblePluginError": errors.IncompatiblePluginError(
        "__EXT_a", requirement=">=2", engine_version="1.0.0"
    ),
    "MissingDependencyError": errors.MissingDependencyError("__EXT_a", missing="__EXT_b", known=["__EXT_b"]),
    "DependencyCycleError": errors.DependencyCycleError(["a", "b", "a"], ["REQUIRES", "AFTER"]),
    "AsyncHookError": errors.AsyncHookError("__EXT_a", hooks=["initialize"]),
    "UnknownConfigTypeError": errors.UnknownConfigTypeError(["m.A"], known=["m.B"]),
    "ConfigLoaderError": errors.ConfigLoaderError("m.A", reason="ValueError: no"),
    "MissingConfigError": errors.MissingConfigError("m.A", plugin="__EXT_a"),
    "UnconsumedConfigError": errors.UnconsumedConfigError(
        ["m.A"], takers=[["__EXT_a"]], enabled=[], hints=[[]]
    ),
    "ConfigSealedError": errors.ConfigSealedError("m.A"),
    "PluginFailedError": errors.PluginFailedError("__EXT_a", phase="initialize", reason="ValueError: no"),
    "PluginStateError": errors.PluginStateError("__EXT_a", problem="is not attached", step="attach it"),
    "PluginNotReadyError": errors.PluginNotReadyError("__EXT_a", asker="__EXT_b", phase="initialize"),
    "InstanceClosedError": errors.InstanceClosedError("extensions"),
}
SAMPLES["TryAgainLaterError"] = errors.TryAgainLaterError("the database is starting", retry_after=2)
SAMPLES["MissingPackageError"] = errors.MissingPackageError("__EXT_a", package="p", command="pip install p")
SAMPLES["RetryError"] = errors.RetryError("__EXT_a", problem="it is too early", step="try later")
SAMPLES["AsyncCloseError"] = errors.AsyncCloseError(["__EXT_a"])
SAMPLES["LoopError"] = errors.LoopError("a timeout of initialize")
SAMPLES["PlanError"] = errors.PlanError([SAMPLES["AsyncHookError"], SAMPLES["DependencyCycleError"]])
SAMPLES["TeardownError"] = errors.TeardownError(
    [errors.PluginFailedError("__EXT_a", phase="teardown", reason="ValueError: no")]
)


def test_a_hint_names_nothing_that_is_much_less_like() -> None:
    """Only what may have been meant as well."""
    known = ["__EXT_hyperion_otel", "__EXT_counter"]
    assert str(errors.PluginNotFoundError("__EXT_conter", known=known, searched="here")).endswith(
        "did you mean '__EXT_counter'?"
    )
    assert errors.closest("mall", ["mail", "hall", "otel"]) == ["mail", "hall"]


def test_every_error_has_a_sample() -> None:
    """A new one is added here, and so to all tests below."""
    assert SAMPLES.keys() == set(errors.__all__)


@pytest.mark.parametrize("name", errors.__all__)
def test_each_derives_from_the_built_in_that_the_tree_tells(name: str) -> None:
    """The module's docstring draws the tree."""
    assert errors.__doc__ is not None
    if name == "HyError":
        return
    row = re.search(rf"\b{name}(?: \((\w+)\))", errors.__doc__)
    assert row is not None, f"{name} is not in the tree"
    bases: dict[str, Any] = vars(__builtins__) if not isinstance(__builtins__, dict) else __builtins__
    kind = type(SAMPLES[name])
    assert issubclass(kind, HyError)
    assert issubclass(kind, bases[row[1]])


def facts(error: BaseException) -> dict[str, object]:
    return {key: value for key, value in vars(error).items() if key != "__notes__"}


@pytest.mark.parametrize("name", errors.__all__)
@pytest.mark.parametrize("way", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy])
def test_text_and_facts_survive(name: str, way: Any) -> None:
    """In another process an error still says what to do."""
    error = SAMPLES[name]
    again = way(error)
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert facts(again) == facts(error) or isinstance(error, ExceptionGroup)
    if isinstance(error, ExceptionGroup):
        assert [str(each) for each in again.exceptions] == [str(each) for each in error.exceptions]


def test_cause_traceback_notes_and_undo_errors_travel_as_text() -> None:
    """What cannot be pickled is a note more."""

    class Local(Exception):
        """Cannot be pickled."""

    error = errors.PluginFailedError("a", phase="initialize", reason="Local: no")
    error.add_note("while undoing: b")
    error.undo_errors = (errors.PluginFailedError("b", phase="teardown", reason="ValueError: stuck"),)
    try:
        raise error from Local("no")
    except errors.PluginFailedError as caught:
        again = pickle.loads(pickle.dumps(caught))
    assert again.__cause__ is None
    first, second = again.__notes__
    assert first == "while undoing: b"
    assert "Local: no" in second and "test_errors.py" in second
    assert [str(each) for each in again.undo_errors] == [str(each) for each in error.undo_errors]


def test_groups_can_be_split_and_handled_by_type() -> None:
    """`except*` and `subgroup` give groups of the same class, whose text is that of what is left."""
    plan = SAMPLES["PlanError"]
    assert isinstance(plan, errors.PlanError)
    part = plan.subgroup(errors.AsyncHookError)
    assert type(part) is errors.PlanError
    assert str(part) == str(SAMPLES["AsyncHookError"])
    seen: list[str] = []
    try:
        raise plan
    except* errors.DependencyCycleError as group:
        seen += [type(each).__name__ for each in group.exceptions]
    except* errors.AsyncHookError as group:
        seen += [type(each).__name__ for each in group.exceptions]
    assert seen == ["DependencyCycleError", "AsyncHookError"]


def test_a_plan_of_several_problems_is_a_page_to_work_from() -> None:
    """Numbered, each with its next step."""
    problems = [SAMPLES[name] for name in ("PluginNotFoundError", "MissingDependencyError")]
    assert str(errors.PlanError(problems)) == (
        "2 problems keep this instance from being created:\n"
        "  1. no extension is named '__EXT_a'; looked in here; known: '__EXT_b'; if it is another one, "
        "install its package, or import the module of its class, which has @define_plugin\n"
        "  2. extension '__EXT_a' requires '__EXT_b', which is not asked for. Add it:\n"
        "         enabled_extensions=['__EXT_b', …]"
    )


def test_describing_an_error_never_fails() -> None:
    """Whatever a plugin's exception does in its `__str__`."""

    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert errors.describe(Mute()) == "Mute: (its text cannot be read)"
    assert errors.describe(ValueError()) == "ValueError"
    assert errors.describe(ValueError("no")) == "ValueError: no"
