"""What an import pulls in is on a list here, and a new module fails: `import hycore`, a first instance, `import hypi.api`.

The time of a start is the time of its imports, and one line (`import inspect`) can bring dozens. What not every host needs
is imported where it is used, inside a function.
"""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

IMPORT_HYCORE = """
import hycore
for name in hycore.__all__:
    getattr(hycore, name)
"""
FIRST_INSTANCE = """
from hycore.base.api import ApplicationInfo, InstanceCreateInfo, VersionInfo
info = InstanceCreateInfo(ApplicationInfo("a", VersionInfo(1), "e", VersionInfo(1)))
with hycore.InstanceContext.create(info) as instance:
    hycore.hyinfo(instance, "text")
"""
IMPORT_HYPI_API = """
import hypi.api
for name in hypi.api.__all__:
    getattr(hypi.api, name)
"""

# A line for each module; behind it the versions of Python, if it is not there in all of them. Parts of others that begin
# with an underscore are their own affair, and left out: they change with a patch.
WITH_HYCORE = """
__future__
atexit
hycore
hycore.base
hycore.base._beginning
hycore.base._cleaning
hycore.base._config
hycore.base._drivers
hycore.base._ending
hycore.base._instance
hycore.base._lifecycle
hycore.base._lookups
hycore.base._plan
hycore.base.api
hycore.ext
hycore.ext._definition
hycore.ext._discovery
hycore.ext._entry_points
hycore.ext._inventory
hycore.ext._loader
hycore.ext._specifier
hycore.ext._traits
hycore.log
hycore.log._emit
hycore.log._message
hycore.log._state
hycore.log._text
hycore.utils
hycore.utils._record
hycore.utils._unraisable
hycore.utils.error
hycore.utils.opaque
itertools
"""
WITH_A_FIRST_INSTANCE = """
"""
WITH_HYPI_API = """
array 3.11 3.12
bz2
calendar 3.11 3.12
csv 3.11 3.12
email
email.base64mime 3.11 3.12
email.charset 3.11 3.12
email.encoders 3.11 3.12
email.errors 3.11 3.12
email.header 3.11 3.12
email.iterators 3.11 3.12
email.message 3.11 3.12
email.quoprimime 3.11 3.12
email.utils 3.11 3.12
hycore.log._level
hycore.base._origin
hycore.magic
hypi
hypi._intact
hypi._pydantic
hypi.api
hypi.api._create_info
hypi.api._instance
hypi.api.ext
hypi.api.ext.hylog
importlib.abc
importlib.metadata
importlib.resources
importlib.resources.abc
importlib.util
json 3.13
json.decoder 3.13
json.encoder 3.13
json.scanner 3.13
locale 3.11 3.12
lzma
pydantic.main
pydantic.type_adapter
quopri 3.11 3.12
select 3.11 3.12
selectors 3.11 3.12
shutil
socket 3.11 3.12
string 3.11 3.12
tempfile
threading 3.11
zipfile
zlib
"""

STEPS = {
    "import hycore": ("", IMPORT_HYCORE, WITH_HYCORE),
    "a first empty instance": (IMPORT_HYCORE, FIRST_INSTANCE, WITH_A_FIRST_INSTANCE),
    "import hypi.api": (IMPORT_HYCORE + "import pydantic.dataclasses", IMPORT_HYPI_API, WITH_HYPI_API),
}

SCRIPT = """
import sys
import site  # what it imports itself every process has
sys.path += {path!r}
{before}

class Importers:
    def __init__(self):
        self.chains = {{}}

    def find_spec(self, name, path=None, target=None):
        chain = []
        frame = sys._getframe(1)
        while frame is not None and not any(each.startswith(("hycore", "hypi")) for each in chain):
            module = frame.f_globals["__name__"]
            if module not in ("__main__", "importlib", "_frozen_importlib", "_frozen_importlib_external"):
                chain.append(f"{{module}}:{{frame.f_lineno}}")
            frame = frame.f_back
        self.chains.setdefault(name, chain)

importers = Importers()
known = set(sys.modules)
sys.meta_path.insert(0, importers)
{code}
sys.meta_path.remove(importers)
more = sorted(set(sys.modules) - known)
import json
print(json.dumps({{name: importers.chains.get(name, []) for name in more}}))
"""


def pulled_in(before: str, code: str) -> dict[str, str]:
    """The modules that come with some code, and the line that imports each: of ours, and those in between."""
    specs = [importlib.util.find_spec(name) for name in ("hycore", "pydantic")]
    path = dict.fromkeys([str(Path(str(spec.origin)).parents[1]) for spec in specs if spec is not None])
    script = SCRIPT.format(path=[*path], before=before, code=code)
    # -S: a `.pth` file of the environment may import anything.
    command = [sys.executable, "-I", "-S", "-c", script]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=50)
    assert (done.returncode, done.stderr) == (0, "")
    return {
        name: " < ".join([name, *chain]) for name, chain in json.loads(done.stdout).items() if is_listed(name)
    }


def is_listed(name: str) -> bool:
    parts = name.split(".")
    return parts[0] in ("hycore", "hypi", "__future__") or not any(part.startswith("_") for part in parts)


def listed(text: str, version: str) -> list[str]:
    """The modules of a list that belong to a version of Python."""
    lines = [line.split() for line in text.splitlines() if line]
    return [name for name, *versions in lines if not versions or version in versions]


@pytest.mark.parametrize("step", STEPS)
def test_what_is_pulled_in_is_listed(step: str) -> None:
    """Exactly: a module that is new fails, and so does one that is gone, which shall stay away."""
    before, code, text = STEPS[step]
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    found = pulled_in(before, code)
    expected = listed(text, version)
    problems = [f"new: {chain}" for name, chain in found.items() if name not in expected]
    problems += [f"gone: {name}" for name in expected if name not in found]
    advice = [
        f"What comes with {step} on Python {version} is not what {Path(__file__).name} lists:",
        *problems,
        "Import what is new inside the function that needs it (behind < are the lines that import it); what every host",
        "needs goes on the list. Take what is gone off the list, so that it stays away.",
    ]
    assert problems == [], "\n".join(advice)


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("text", [WITH_HYCORE, WITH_A_FIRST_INSTANCE], ids=["hycore", "instance"])
def test_the_slow_parts_of_the_standard_library_are_not_listed(text: str, version: str) -> None:
    """`import hycore` and a first empty instance need none of them, and so nobody may list them."""
    slow = ["typing", "uuid", "enum", "dataclasses", "inspect", "json", "pathlib", "importlib.metadata"]
    slow += ["logging", "threading", "re", "pydantic"]
    assert [name for name in listed(text, version) if name in slow] == []


def test_a_new_module_is_told_with_the_lines_that_import_it() -> None:
    """From the innermost to the first that is ours, or to the start."""
    found = pulled_in("", "import inspect")
    assert found["inspect"] == "inspect"
    assert re.fullmatch(r"dis < inspect:\d+", found["dis"])
    ours = "exec('\\nimport inspect', {'__name__': 'hycore.made'})"
    found = pulled_in("", ours)
    assert found["inspect"] == "inspect < hycore.made:2"
    assert re.fullmatch(r"dis < inspect:\d+ < hycore.made:2", found["dis"])
