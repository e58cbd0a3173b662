"""`python -m benchmarks.goals`: every goal, and how it stands, of what was measured last."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks._results import FOLDER, goals_table, met_and_missed, read_results


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.goals", description=__doc__)
    parser.add_argument("--results", type=Path, default=FOLDER, help=f"the folder of the runs ({FOLDER})")
    folder: Path = parser.parse_args().results
    results = read_results(folder)
    if not results:
        sys.exit(f"Nothing is measured in {folder}. Run make bench first.")
    text = f"{goals_table(results)}\n\n{met_and_missed(results)}\n"
    (folder / "goals.md").write_text(text, "utf-8")
    print(text)


if __name__ == "__main__":
    main()
