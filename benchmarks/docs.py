"""`python -m benchmarks.docs`: what was measured last, put into the docs; what is there by hand stays.

A page marks a place with `<!-- bench NAME -->` and its end with `<!-- end -->`.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from pathlib import Path

from benchmarks import _plots
from benchmarks._report import Record, conditions, table
from benchmarks._results import FOLDER, Results, goals_table, met_and_missed, read_results

_FOLDER = Path(__file__).parent
PAGE = Path("docs/explanation/speed.md")
SUBJECTS = ("instances", "logging", "lookups", "imports", "scale")
_PEERS = {
    "instances": ("through_hypi", "pluggy", "stevedore", "dishka", "svcs", "ipopo", "envisage"),
    "logging": ("loggers",),
}
_PLACE = re.compile(r"<!-- bench (\w+) -->\n.*?<!-- end -->", re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.docs", description=__doc__)
    parser.add_argument("--results", type=Path, default=FOLDER, help=f"the folder of the runs ({FOLDER})")
    parser.add_argument("--page", type=Path, default=PAGE, help=f"what is filled in ({PAGE})")
    options = parser.parse_args()
    results = read_results(options.results)
    missing = [name for name in SUBJECTS if not all(name in records for records in results.values())]
    if missing or not results:
        sys.exit(f"Not measured under every Python: {', '.join(missing or SUBJECTS)}. Run make bench first.")
    fill(options.page, results)


def fill(page: Path, results: Results) -> None:
    """Writes the marked places of a page anew, and the pictures into the folder beside it."""
    python = best_of(results)
    parts = {
        "goals": f"{measured_on(results)}\n\n{goals_table(results)}\n\n{met_and_missed(results)}",
        **{name: f"{alike(name)}\n\n{full(results[python][name])}" for name in SUBJECTS},
    }
    text = page.read_text("utf-8")
    page.write_text(_PLACE.sub(lambda place: _filled(place[1], parts[place[1]]), text), "utf-8")
    pictures = page.with_suffix("")
    pictures.mkdir(exist_ok=True)
    (pictures / "by-count.svg").write_text(_plots.by_count(results), "utf-8")
    (pictures / "peers.svg").write_text(_plots.beside_peers(results[python]), "utf-8")
    print(f"Written: {page}, and the pictures in {pictures}")


def best_of(results: Results) -> str:
    """The Python under which the fewest peers are missing; of those the newest."""
    return min(
        reversed(results), key=lambda python: sum([len(each["missing"]) for each in results[python].values()])
    )


def measured_on(results: Results) -> str:
    """When, where and how often, for each Python; and the peers."""
    lines = [f"- {each}" for records in results.values() for each in _conditions(records)]
    peers: dict[str, str] = {}
    for records in results.values():
        for record in records.values():
            peers |= record["machine"]["peers"]
    told = ", ".join(f"{name} {version}" for name, version in sorted(peers.items()))
    return "\n".join([*lines, f"- Peers: the Rust build `hypi` 0.1.2, {told}."])


def alike(subject: str) -> str:
    """What the modules of a subject say of how far the comparison goes."""
    texts = [
        _docstring(f"{subject}.py"),
        *[_docstring(f"peers/{name}.py") for name in _PEERS.get(subject, ())],
    ]
    return "\n".join([_bullets(text) if "\n- " in text else _as_bullet(text) for text in texts])


def full(record: Record) -> str:
    """The whole table."""
    return f"Under {record['machine']['python']}. {record['conditions']}\n\n{table(record)}"


def _conditions(records: dict[str, Record]) -> list[str]:
    """One line for all subjects; a line for each if they were measured on several days, or unevenly."""
    alike = {(each["machine"]["date"], each["rounds"]) for each in records.values()}
    if len(alike) > 1:
        return [f"{name}: {conditions(record)}" for name, record in records.items()]
    first, *_, last = records.values()
    whole = {**first["machine"], "load after": last["machine"]["load after"]}
    return [conditions({**first, "machine": whole})]


def _docstring(file: str) -> str:
    """Read, not imported: the peer need not be installed."""
    return ast.get_docstring(ast.parse((_FOLDER / file).read_text("utf-8"))) or ""


def _bullets(text: str) -> str:
    return text[text.index("\n- ") + 1 :]


def _as_bullet(text: str) -> str:
    """Of `name: what it does here.`, and a paragraph of what is not alike."""
    first, second = text.split("\n\n")
    name, _, what = first.partition(": ")
    return "\n  ".join(f"- **{name}**: {what}\n{second}".splitlines())


def _filled(name: str, part: str) -> str:
    return f"<!-- bench {name} -->\n\n{part}\n\n<!-- end -->"


if __name__ == "__main__":
    main()
