"""`python -m benchmarks`: measures, prints the tables, and writes them and the JSON into a folder."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks._harness import MakeSubject, Setting, measure
from benchmarks._report import heading, load, machine, record, table
from benchmarks.discovery import discovery
from benchmarks.imports import imports
from benchmarks.instances import instances
from benchmarks.logging import logging
from benchmarks.lookups import lookups
from benchmarks.scale import scale

SUBJECTS: dict[str, MakeSubject] = {
    "instances": instances,
    "logging": logging,
    "lookups": lookups,
    "discovery": discovery,
    "imports": imports,
    "scale": scale,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "subjects", nargs="*", metavar="SUBJECT", help=f"of {', '.join(SUBJECTS)}; all if none"
    )
    parser.add_argument("--rounds", type=int, default=50, help="how often each case is measured (50)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that everything runs")
    parser.add_argument("--all-peers", action="store_true", help="the peers of `make bench-all`, too")
    parser.add_argument("--rust", metavar="PYTHON", help="of the environment that has the Rust build `hypi`")
    parser.add_argument("--output", type=Path, default=Path("build/bench"), help="the folder (build/bench)")
    options = parser.parse_args()
    unknown = [name for name in options.subjects if name not in SUBJECTS]
    if unknown or options.rounds < 1:
        parser.error(f"no such subject: {', '.join(unknown)}" if unknown else "--rounds must be 1 or more")
    setting = Setting(quick=options.quick, all_peers=options.all_peers, rust=options.rust)
    for name in options.subjects or SUBJECTS:
        run(name, setting, options.rounds, options.output)


def run(name: str, setting: Setting, rounds: int, output: Path) -> None:
    """Measures one subject; its files are named after it and this Python, so that several stand side by side."""
    about = {**machine(), "load before": load()}
    with SUBJECTS[name](setting) as subject:
        samples = measure(subject, rounds, lambda done: tell(name, done, rounds))
    about["load after"] = load()
    data = record(name, about, subject, samples, rounds)
    text = f"{heading(data)}\n\n{table(data)}\n"
    print(text)
    output.mkdir(parents=True, exist_ok=True)
    file = output / f"{name}-{sys.implementation.cache_tag}.json"
    file.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", "utf-8")
    file.with_suffix(".md").write_text(text, "utf-8")
    print(f"Written: {file} and {file.with_suffix('.md').name}")


def tell(name: str, done: int, rounds: int) -> None:
    """Says on one line of a terminal how far it is."""
    if sys.stderr.isatty():
        end = "\n\n" if done == rounds else ""
        print(f"\r{name}: round {done} of {rounds}", end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
