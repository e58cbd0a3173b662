"""What was measured, for people and for programs: a Markdown table, and the same with every sample as JSON."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks._harness import Comparison, Spread, Subject

Record = dict[str, Any]
"""What a JSON file holds."""

# The distributions whose versions are told.
_PEERS = (
    *("pluggy", "stevedore", "dishka", "svcs", "ipopo", "envisage"),
    *("picologging", "loguru", "structlog", "pydantic"),
)
_MET = {True: "yes", False: "no", None: ""}
_COLUMNS = ("what", "ours", "compared with", "its own", "ratio", "quartiles", "goal", "met")


def machine() -> dict[str, object]:
    """Where and when."""
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "peers": {name: version for name in _PEERS if (version := _version(name)) is not None},
    }


def load() -> float | None:
    """How many processes wanted to run in the last minute: more than there are cores, and the quartiles grow wide."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def record(
    name: str,
    about: Mapping[str, object],
    subject: Subject,
    samples: Mapping[str, Sequence[float]],
    rounds: int,
) -> Record:
    """All that was measured of a subject, as plain values; what was not is `null`, and has its reason."""
    return {
        "subject": name,
        "machine": dict(about),
        "conditions": subject.conditions,
        "rounds": rounds,
        "samples": {case: samples.get(case) for case in subject.cases},
        "missing": {name: case for name, case in subject.cases.items() if isinstance(case, str)},
        "comparisons": [_compared(each, subject, samples) for each in subject.comparisons],
    }


def heading(record: Record) -> str:
    """What it was measured on."""
    return f"{conditions(record)} {record['conditions']}"


def conditions(record: Record) -> str:
    """Where, when, and how often."""
    about = record["machine"]
    return (
        f"{about['date']}, {about['python']}, {about['system']}, {about['processor']}, {about['cores']} cores, "
        f"load {about['load before']} to {about['load after']}, {record['rounds']} interleaved rounds."
    )


def table(record: Record) -> str:
    """A line for each comparison; whoever reads it without Markdown finds its columns aligned."""
    return aligned([_COLUMNS, *map(_row, record["comparisons"])])


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, whose first row is its head."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    lines.insert(1, "| " + " | ".join(["-" * width for width in widths]) + " |")
    return "\n".join(lines)


def number(value: float) -> str:
    """A ratio, in about three digits."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def goal_of(comparison: Record) -> str:
    """As the tables show it."""
    if comparison["goal"] is None:
        return ""
    return f"{'≤' if comparison['kind'] == 'times' else '≥'} {comparison['goal']:g} ×"


def amount(value: float | None, unit: str) -> str:
    """A time or a size, with its unit."""
    if value is None:
        return ""
    if unit == "bytes":
        return f"{value:,.0f} B"
    if value >= 1e-3:
        return f"{value * 1e3:.3g} ms"
    return f"{value * 1e6:.3g} µs" if value >= 1e-6 else f"{value * 1e9:.3g} ns"


def _row(comparison: Record) -> tuple[str, ...]:
    what, other, goal, unit = comparison["what"], comparison["label"], goal_of(comparison), comparison["unit"]
    ours, its_own = [amount(comparison["medians"][side], unit) for side in ("ours", "other")]
    ratio = comparison["ratio"]
    if ratio is None:
        return (what, ours, other, its_own, comparison["reason"], "", goal, "")
    times = f"{number(ratio['median'])} {'×' if comparison['kind'] == 'times' else '× as fast'}"
    spread = f"{number(ratio['low'])} – {number(ratio['high'])}"
    return (what, ours, other, its_own, times, spread, goal, _MET[comparison["met"]])


def _compared(comparison: Comparison, subject: Subject, samples: Mapping[str, Sequence[float]]) -> Record:
    ratio = comparison.ratio(samples)
    both = {"ours": comparison.net(samples), "other": samples.get(comparison.other)}
    cases = [subject.cases[name] for name in (comparison.ours, comparison.other)]
    return {
        "what": comparison.what,
        "ours": comparison.ours,
        "other": comparison.other,
        "label": comparison.other_label,
        "less": dict(comparison.less),
        "unit": comparison.unit,
        "medians": {side: Spread.of(taken).median if taken else None for side, taken in both.items()},
        "kind": comparison.kind,
        "goal": comparison.goal,
        "ratio": None if ratio is None else {"low": ratio.low, "median": ratio.median, "high": ratio.high},
        "met": None if ratio is None else comparison.is_met(ratio),
        "reason": " and ".join(sorted({case for case in cases if isinstance(case, str)})) or None,
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown processor"
