"""The list of mutations fits the code: each can be made, and no rule is without one. `make mutations` runs them."""

from __future__ import annotations

import re
import runpy
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).resolve().parent
MUTATIONS: list[Any] = runpy.run_path(str(TESTS / "mutate.py"))["mutations"]()


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mutation_can_be_made(mutation: Any) -> None:
    """Its old text is in its file exactly once, what it makes of it is Python, and the tests that it names are there."""
    assert mutation.new in mutation.applied()


def test_names_are_unique() -> None:
    """And there are thirty at least."""
    names = [mutation.name for mutation in MUTATIONS]
    assert [name for name, times in Counter(names).items() if times > 1] == []
    assert len(names) >= 30


def test_every_rule_is_broken_at_least_once() -> None:
    """Those of the contract, and the parts that it leaves to other pages."""
    contract = (TESTS.parent / "docs/reference/contract.md").read_text("utf-8")
    rules = re.findall(r"^### ([A-Z]\d)$", contract, re.MULTILINE)
    assert len(rules) == 24
    parts = {
        "async",
        "opaque",
        "log",
        "discovery",
        "look-up",
        "report",
        "profile",
        "new",
        "reload",
        "kit",
        "pluggy",
        "application file",
    }
    assert {mutation.rule for mutation in MUTATIONS} == {*rules, *parts}
