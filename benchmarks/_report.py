"""What was measured, for people and for programs: a Markdown table, and the same with every sample as JSON."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks._harness import Comparison, Spread, Subject

_COLUMNS = ("what", "ours", "compared with", "its own", "ratio", "quartiles", "goal", "met")


def machine() -> dict[str, object]:
    """Where and when."""
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
    }


def load() -> float | None:
    """How many processes wanted to run in the last minute: more than there are cores, and the quartiles grow wide."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def table(subject: Subject, samples: Mapping[str, Sequence[float]]) -> str:
    """A line for each comparison; whoever reads it without Markdown finds its columns aligned."""
    rows = [_COLUMNS, *[_row(each, subject, samples) for each in subject.comparisons]]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    lines.insert(1, "| " + " | ".join(["-" * width for width in widths]) + " |")
    return "\n".join(lines)


def heading(about: Mapping[str, object], subject: Subject, rounds: int) -> str:
    """What the table was measured on."""
    return (
        f"{about['date']}, {about['python']}, {about['system']}, {about['processor']}, {about['cores']} cores, "
        f"load {about['load before']} to {about['load after']}, {rounds} interleaved rounds. {subject.conditions}"
    )


def record(
    name: str,
    about: Mapping[str, object],
    subject: Subject,
    samples: Mapping[str, Sequence[float]],
    rounds: int,
) -> dict[str, Any]:
    """All of it, as plain values; what was not measured is `null`."""
    return {
        "subject": name,
        "machine": dict(about),
        "conditions": subject.conditions,
        "rounds": rounds,
        "samples": {case: samples.get(case) for case in subject.cases},
        "missing": {name: case for name, case in subject.cases.items() if isinstance(case, str)},
        "comparisons": [_plain(each, samples) for each in subject.comparisons],
    }


def _row(comparison: Comparison, subject: Subject, samples: Mapping[str, Sequence[float]]) -> tuple[str, ...]:
    other = comparison.other_label
    sign = "≤" if comparison.kind == "times" else "≥"
    goal = "" if comparison.goal is None else f"{sign} {comparison.goal:g} ×"
    ratio = comparison.ratio(samples)
    both = [comparison.net(samples), samples.get(comparison.other)]
    times = [_amount(each, comparison.unit) for each in both]
    if ratio is None:
        return (comparison.what, times[0], other, times[1], _reason(comparison, subject), "", goal, "")
    met = {True: "yes", False: "no", None: ""}[comparison.is_met(ratio)]
    unit = "×" if comparison.kind == "times" else "× as fast"
    spread = f"{_number(ratio.low)} – {_number(ratio.high)}"
    return (comparison.what, times[0], other, times[1], f"{_number(ratio.median)} {unit}", spread, goal, met)


def _reason(comparison: Comparison, subject: Subject) -> str:
    cases = [subject.cases[name] for name in (comparison.ours, comparison.other)]
    return " and ".join(sorted({case for case in cases if isinstance(case, str)}))


def _plain(comparison: Comparison, samples: Mapping[str, Sequence[float]]) -> dict[str, object]:
    ratio = comparison.ratio(samples)
    return {
        "what": comparison.what,
        "ours": comparison.ours,
        "other": comparison.other,
        "label": comparison.other_label,
        "less": dict(comparison.less),
        "unit": comparison.unit,
        "kind": comparison.kind,
        "goal": comparison.goal,
        "ratio": None if ratio is None else {"low": ratio.low, "median": ratio.median, "high": ratio.high},
        "met": None if ratio is None else comparison.is_met(ratio),
    }


def _amount(samples: Sequence[float] | None, unit: str) -> str:
    if not samples:
        return ""
    seconds = median = Spread.of(samples).median
    if unit == "bytes":
        return f"{median:,.0f} B"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.3g} ms"
    return f"{seconds * 1e6:.3g} µs" if seconds >= 1e-6 else f"{seconds * 1e9:.3g} ns"


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown processor"
