"""Imports: what a program waits for before its first line.

What is compared, and how far it is alike:

- **A whole process** that imports `hycore`, creates an instance without extensions, and ends, beside `python -I` that does
  nothing: both start Python, and end it.
- **An import** is measured within a new process, without the start of Python. `hypi.api` stands beside what it is built upon.
  That of `hycore` is one with the instance: the package by itself imports nothing until a name is used.
- **The peers** bring what each is for, and little of it is alike; their rows are for whoever chooses between them. The Rust
  build imports Pydantic as ours does, and a shared library.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks._harness import Case, Comparison, Setting, Subject, missing, missing_there
from benchmarks._sampling import fresh, process

PEERS = {"pluggy": "pluggy", "stevedore": "stevedore.named", "dishka": "dishka"}
MORE_PEERS = {"svcs": "svcs", "pelix": "pelix.framework", "envisage": "envisage.api"}

_FIRST = """\
from hycore import InstanceContext
from hycore.base.api import ApplicationInfo, InstanceCreateInfo, VersionInfo

application = ApplicationInfo("benchmark", VersionInfo(1, 0, 0), "engine", VersionInfo(1, 0, 0))
instance = InstanceContext.create(InstanceCreateInfo(application))
"""


@contextmanager
def imports(setting: Setting) -> Iterator[Subject]:
    """Each in new processes."""
    first, api, core = "import hycore, and a first empty instance", "import hypi.api", "import hycore"
    cases: dict[str, Case] = {
        f"{first}: ours": process(_FIRST),
        "a process: python -I": process(""),
        f"{api}: ours": fresh("import hypi.api"),
        "import pydantic.dataclasses: pydantic.dataclasses": fresh("import pydantic.dataclasses"),
        f"{core}: ours": fresh("from hycore import InstanceContext"),
    }
    comparisons = [
        Comparison(f"a process: {first}", f"{first}: ours", "a process: python -I", "times", 1.5),
        Comparison(api, f"{api}: ours", "import pydantic.dataclasses: pydantic.dataclasses", "times", 1.25),
    ]
    rust = f"{api}: Rust"
    cases[rust] = missing_there(setting.rust, "hypi") or fresh("import hypi.api", python=setting.rust)
    comparisons.append(Comparison(api, f"{api}: ours", rust, "faster"))
    for library, module in {**PEERS, **(MORE_PEERS if setting.all_peers else {})}.items():
        case = f"import: {module}"
        cases[case] = missing(library) or fresh(f"import {module}")
        comparisons.append(Comparison(core, f"{core}: ours", case, "faster"))
    yield Subject("Each sample is a new process, whose files are in memory.", cases, comparisons)
