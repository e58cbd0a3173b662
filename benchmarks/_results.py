"""What runs have left in their folder, read again: by Python, then by subject."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks._report import Record, aligned, goal_of, number

FOLDER = Path("build/bench")

Results = dict[str, dict[str, Record]]


def read_results(folder: Path = FOLDER) -> Results:
    """The records of all runs, Pythons in order."""
    found: Results = {}
    for file in folder.glob("*.json"):
        record = json.loads(file.read_text("utf-8"))
        found.setdefault(record["machine"]["python"].rpartition(" ")[2], {})[record["subject"]] = record
    return {python: found[python] for python in sorted(found, key=_parts)}


def goals_table(results: Results) -> str:
    """A line for each goal, a column for each Python; what is missed is bold, and says by how much."""
    lines: dict[tuple[str, str, str], dict[str, str]] = {}
    for python, records in results.items():
        for comparison in comparisons_of(records):
            if comparison["goal"] is not None:
                key = comparison["what"], comparison["label"], goal_of(comparison)
                lines.setdefault(key, {})[python] = _cell(comparison)
    head = ("what", "compared with", "goal", *results)
    return aligned(
        [head, *[(*key, *[cells.get(each, "") for each in results]) for key, cells in lines.items()]]
    )


def comparisons_of(records: dict[str, Record]) -> list[Record]:
    """Those of all subjects, in the order in which subjects are run."""
    from benchmarks.__main__ import SUBJECTS

    return [each for name in SUBJECTS if name in records for each in records[name]["comparisons"]]


def met_and_missed(results: Results) -> str:
    """How many goals are met, by Python."""
    counts: list[str] = []
    for python, records in results.items():
        met = [each["met"] for each in comparisons_of(records) if each["met"] is not None]
        counts.append(f"{sum(met)} of {len(met)} under {python}")
    return f"Goals met: {', '.join(counts)}."


def _cell(comparison: Record) -> str:
    ratio, goal = comparison["ratio"], comparison["goal"]
    if ratio is None:
        return str(comparison["reason"])
    text = f"{number(ratio['median'])} ×"
    if comparison["met"]:
        return text
    is_times = comparison["kind"] == "times"
    beside = ratio["median"] / goal
    if is_times and beside >= 2:
        return f"**{text}** ({number(beside)} × the goal)"
    return f"**{text}** ({abs(beside - 1) * 100:.0f} % {'over' if is_times else 'short'})"


def _parts(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdigit()]
