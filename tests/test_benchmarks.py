"""The benchmarks run, and tell of every case; how long anything takes is no test's affair."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

Measured = Callable[..., tuple[str, dict[str, Any]]]

MADE = re.compile(r"(?<=-->\n).*?(?=<!-- end -->)", re.DOTALL)

ROOT = Path(__file__).resolve().parents[1]

# By what a case's name ends with: the library that must be installed for it.
PEERS = {
    **{name: name for name in ("stevedore", "pluggy", "dishka", "picologging")},
    "stevedore.named": "stevedore",
    "Rust": "an environment of its own",
}
LOOKS = ["ours", "floor", "importlib.metadata"]
CASES: dict[str, dict[str, list[str]]] = {
    "instances": {
        "empty call": [""],
        **{f"{way}, {count}": ["ours"] for way in ("close", "drop") for count in (0, 1, 10, 20)},
        **{f"first, {count}": ["ours"] for count in (10, 20)},
        **{f"hooks, {count}": ["floor"] for count in (10, 20)},
        "no extensions": ["ours", "Rust"],
        **{f"logger at {how}": ["ours", "Rust"] for how in ("TRACE", "TRACE, messages read", "ERROR")},
        "close, 20": ["ours", "pluggy", "stevedore", "dishka"],
    },
    "logging": {
        **{
            f"{state}, {what}": ["ours", "floor", "logging", "picologging"]
            for state in ("enabled", "disabled")
            for what in ("no arguments", "3 arguments")
        },
        "disabled, takes none": ["floor"],
        "disabled, takes exc= too": ["floor"],
    },
    "lookups": {
        "get_plugin_ext(T)": ["ours"],
        "get_plugin_ext(name)": ["ours"],
        "require_plugin_ext(T)": ["ours"],
        "implementations(P), second call": ["ours"],
        "dictionary": ["floor"],
        "calling": ["ours", "floor", "pluggy", "stevedore"],
    },
    "discovery": {
        "full look, 10 distributions": LOOKS,
        "full look, 20 distributions": LOOKS,
        "first look, 20 distributions": ["in a host", "ours", "importlib.metadata"],
        "find one, warm, 20 distributions": ["ours", "floor", "stevedore"],
        "find one, index read from its file, 20 distributions": ["ours"],
        "first find, warm, 20 distributions": ["ours", "stevedore"],
    },
    "imports": {
        "import hycore, and a first empty instance": ["ours"],
        "a process": ["python -I"],
        "import hypi.api": ["ours", "Rust"],
        "import pydantic.dataclasses": ["pydantic.dataclasses"],
        "import hycore": ["ours"],
        "import": ["pluggy", "stevedore.named", "dishka"],
    },
    "scale": {
        **{f"one of {count} instances": ["ours", "floor"] for count in (2, 20)},
        **{
            f"{what} one of {count} plugins": ["ours"]
            for what in ("submitting", "planning")
            for count in (2, 20)
        },
        **{f"bytes, one of {count} instances": ["ours"] for count in (2, 20)},
        "bytes, one of 20 plugins": ["ours", "floor"],
        "one of 3 threads": ["ours", "floor", "logging"],
        "one thread": ["ours", "logging"],
    },
}
GOALS: dict[str, dict[str, int]] = {
    "instances": {"≤ 120 ×": 4, "≤ 0.4 ×": 2, "≤ 0.7 ×": 1, "≤ 1.8 ×": 1},
    "logging": {"≤ 1.5 ×": 2, "≤ 1.15 ×": 1, "≥ 5 ×": 2, "≥ 1 ×": 2, "≥ 2 ×": 1},
    "lookups": {"≤ 1.2 ×": 1, "≤ 1.6 ×": 1},
    "discovery": {"≤ 1.5 ×": 1, "≥ 6 ×": 1, "≥ 15 ×": 1, "≤ 3 ×": 1, "≥ 100 ×": 1},
    "imports": {"≤ 1.5 ×": 1, "≤ 1.25 ×": 1},
    "scale": {},
}


@pytest.fixture
def measured(tmp_path: Path) -> Measured:
    """Runs the benchmarks of one subject, one round of tiny sizes; gives the table and the JSON."""

    def run(subject: str, *options: str) -> tuple[str, dict[str, Any]]:
        command = [
            sys.executable,
            "-m",
            "benchmarks",
            subject,
            "--quick",
            "--rounds=1",
            f"--output={tmp_path}",
        ]
        done = subprocess.run(
            [*command, *options], cwd=ROOT, check=False, capture_output=True, text=True, timeout=50
        )
        assert (done.returncode, done.stderr) == (0, "")
        name = f"{subject}-{sys.implementation.cache_tag}"
        assert {path.name for path in tmp_path.iterdir()} == {f"{name}.json", f"{name}.md"}
        text = (tmp_path / f"{name}.md").read_text("utf-8")
        assert text in done.stdout
        return text, json.loads((tmp_path / f"{name}.json").read_text("utf-8"))

    return run


@pytest.mark.parametrize("subject", CASES)
def test_every_case_is_measured_and_shown(subject: str, measured: Measured) -> None:
    """A table and JSON have every case; peers that are not installed are said to be so."""
    text, data = measured(subject)
    expected = {
        f"{what}: {who}" if who else what: who
        for what, everyone in CASES[subject].items()
        for who in everyone
    }
    assert set(data["samples"]) == set(expected)
    for case, who in expected.items():
        is_there = importlib.util.find_spec(PEERS.get(who, "sys")) is not None
        samples = data["samples"][case]
        assert (len(samples) == 1 and samples[0] > 0) if is_there else samples is None, case
        assert (case in data["missing"]) == (not is_there)

    rows = text.splitlines()[4:]
    assert len(rows) == len(data["comparisons"])
    for row, comparison in zip(rows, data["comparisons"], strict=True):
        assert row.startswith(f"| {comparison['what']} ")
        reasons = [data["missing"].get(comparison[side]) for side in ("ours", "other")]
        assert (comparison["ratio"] is None) == any(reasons)
        assert all(reason in row for reason in reasons if reason)
        if comparison["ratio"] is not None:
            assert_told_right(comparison, data["samples"])
    compared = {
        case
        for comparison in data["comparisons"]
        for case in (comparison["ours"], comparison["other"], *comparison["less"])
    }
    assert compared == set(expected)
    assert {goal: text.count(goal) for goal in GOALS[subject]} == GOALS[subject]
    assert data["machine"]["date"] in text
    assert data["machine"]["python"] in text


def test_the_rust_build_is_measured_by_its_own_python(measured: Measured) -> None:
    """Whatever Python is told to have it; here it is this one, and ours that is called there."""
    _, data = measured("instances", f"--rust={sys.executable}")
    samples = {case: len(taken) for case, taken in data["samples"].items() if case.endswith(": Rust")}
    assert samples == {
        f"{what}: Rust": 1
        for what in (
            "no extensions",
            "logger at TRACE",
            "logger at TRACE, messages read",
            "logger at ERROR",
        )
    }


def test_more_peers_are_asked_for(measured: Measured) -> None:
    """Each is told, measured or not."""
    _, data = measured("instances", "--all-peers")
    others = {each["other"] for each in data["comparisons"]}
    assert {f"close, 20: {name}" for name in ("svcs", "ipopo", "envisage")} <= others


def assert_told_right(comparison: dict[str, Any], samples: dict[str, list[float]]) -> None:
    """Of one round the ratio is that of its two samples; a goal is a maximum of `times`, a minimum of `faster`."""
    (ours,), (other,) = samples[comparison["ours"]], samples[comparison["other"]]
    ours -= sum(factor * samples[case][0] for case, factor in comparison["less"].items())
    is_times = comparison["kind"] == "times"
    expected = ours / other if is_times else other / ours
    assert comparison["ratio"] == dict.fromkeys(("low", "median", "high"), pytest.approx(expected))
    goal = comparison["goal"]
    assert comparison["met"] is (None if goal is None else expected <= goal if is_times else expected >= goal)


def test_an_unknown_subject_is_wrong_usage(tmp_path: Path) -> None:
    """Nothing is measured or written for a name that is none."""
    command = [sys.executable, "-m", "benchmarks", "discovry", f"--output={tmp_path}"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=50)
    assert done.returncode == 2
    assert "no such subject: discovry" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_docs_are_filled_with_what_was_measured(tmp_path: Path) -> None:
    """Every goal, all tables and both pictures; the same bytes each time, and no word between them is touched."""
    results, page = tmp_path / "results", tmp_path / "speed.md"
    run = partial(subprocess.run, cwd=ROOT, check=True, capture_output=True, text=True, timeout=50)
    subjects = ["instances", "logging", "lookups", "imports", "scale"]
    run([sys.executable, "-m", "benchmarks", *subjects, "--quick", "--rounds=2", f"--output={results}"])
    shutil.copy(ROOT / "docs/explanation/speed.md", page)

    written: list[dict[str, bytes]] = []
    for _ in range(2):
        run([sys.executable, "-m", "benchmarks.docs", f"--results={results}", f"--page={page}"])
        files = (page, *sorted((tmp_path / "speed").iterdir()))
        written.append({file.name: file.read_bytes() for file in files})
    assert written[0] == written[1]
    assert list(written[0]) == ["speed.md", "by-count.svg", "peers.svg"]

    text = page.read_text("utf-8")
    for subject in subjects:
        (file,) = results.glob(f"{subject}-*.json")
        for comparison in json.loads(file.read_text("utf-8"))["comparisons"]:
            rows = [line for line in text.splitlines() if line.startswith(f"| {comparison['what']} ")]
            assert len(rows) >= (1 if comparison["goal"] is None else 2)
    before = (ROOT / "docs/explanation/speed.md").read_text("utf-8")
    assert MADE.sub("", text) == MADE.sub("", before)
    for picture in (tmp_path / "speed").iterdir():
        assert ElementTree.parse(picture).getroot().tag == "{http://www.w3.org/2000/svg}svg"
