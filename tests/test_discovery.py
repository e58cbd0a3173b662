"""The reader of installed entry points against `importlib.metadata`, on ordinary and on odd environments (section 3)."""

from __future__ import annotations

import contextlib
import gc
import importlib.metadata
import os
import shutil
import subprocess
import sys
import sysconfig
import types
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hycore.ext import Inventory
from hycore.ext._discovery import look

GROUP = "zoo.plugins"
Row = tuple[str, str, str, str | None]


@contextlib.contextmanager
def on_path(*roots: Any) -> Iterator[None]:
    before = list(sys.path)
    sys.path[:] = roots
    try:
        yield
    finally:
        sys.path[:] = before


def forget() -> None:
    """What `importlib.invalidate_caches()` does for metadata, on 3.13 and newer."""
    importlib.metadata.MetadataPathFinder().invalidate_caches()


def row(entry: Any) -> Row:
    return entry.group, entry.name, entry.value, str(entry.dist._path)


def theirs(group: str = GROUP) -> list[Row]:
    """What the standard library answers."""
    forget()
    return [row(entry) for entry in importlib.metadata.entry_points(group=group)]


def theirs_without_the_broken(group: str = GROUP) -> tuple[list[Row], set[str]]:
    """What the standard library would answer, were not one broken distribution the end of it; and the broken ones."""
    forget()
    rows: list[Row] = []
    broken: set[str] = set()
    seen: set[str] = set()
    for distribution in importlib.metadata.distributions():
        try:
            name = distribution._normalized_name  # type: ignore[attr-defined]
            if name not in seen:
                seen.add(name)
                rows += [row(entry) for entry in distribution.entry_points if entry.group == group]
        except Exception:
            broken.add(str(distribution._path))  # type: ignore[attr-defined]
    return rows, broken


def ours(group: str = GROUP) -> list[Row]:
    entries = Inventory(group=group).entries()
    return [(str(entry.group), entry.name, entry.target, entry.origin) for entry in entries]


def told(group: str = GROUP) -> set[str]:
    return {problem.source for problem in look((group,)).problems}


def add(
    folder: Path,
    child: str,
    entry_points: str | bytes | None = None,
    *,
    metadata: str | bytes | None = None,
    file: str = "METADATA",
) -> Path:
    """Makes a metadata folder; its entry point is named after it where nothing else is given."""
    info = folder / child
    info.mkdir(parents=True)
    name, _, version = child.rpartition(".")[0].partition("-")
    texts = {
        file: f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" if metadata is None else metadata,
        "entry_points.txt": f"[{GROUP}]\n{child} = m:C\n" if entry_points is None else entry_points,
    }
    for each, text in texts.items():
        (info / each).write_bytes(text.encode() if isinstance(text, str) else text)
    return info


def archive(path: Path, *children: str) -> None:
    with zipfile.ZipFile(path, "w") as file:
        for child in children:
            file.writestr(f"{child}/entry_points.txt", f"[{GROUP}]\n{child} = m:C\n")
            file.writestr(f"{child}/METADATA", "Metadata-Version: 2.1\nName: zipped\nVersion: 1.5\n")


@pytest.fixture
def with_archives() -> Iterator[None]:
    """The standard library leaves the zip files that it reads to the collector, which warns of them."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.metadata.MetadataPathFinder().invalidate_caches()
        gc.collect()


# The real environment.


def test_every_group_of_this_environment_is_the_same() -> None:
    """Entries, order, winners, name, version and origin."""
    groups = {
        entry.group
        for distribution in importlib.metadata.distributions()
        for entry in distribution.entry_points
    }
    assert "hycore.plugins" in groups and "console_scripts" in groups
    for group in groups:
        assert ours(group) == theirs(group)
        spelled = [(each.distribution, each.version) for each in Inventory(group=group).entries()]
        entries = importlib.metadata.entry_points(group=group)
        assert spelled == [(each.dist.metadata["Name"], each.dist.version) for each in entries if each.dist]


def test_with_the_packages_of_the_base_installation_it_is_the_same_too() -> None:
    """Whatever is installed beside the Python that this environment was made of."""
    base = Path(sys.base_prefix) / Path(sysconfig.get_path("purelib")).relative_to(sys.prefix)
    done = subprocess.run(
        [sys.executable, "-P", str(Path(__file__).with_name("compare_discovery.py"))],
        env={**os.environ, "PYTHONPATH": str(base)},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert done.returncode == 0, done.stdout
    assert "all the same, by the fast way" in done.stdout


def test_the_fast_way_is_taken_under_pytest() -> None:
    """Its finder on `sys.meta_path` has no distributions."""
    assert any(type(finder).__module__.startswith("_pytest.") for finder in sys.meta_path)
    assert look(("hycore.plugins",)).is_plain


PROBE = """
import sys
from hycore.ext import Inventory
from hycore.ext._discovery import look
rows = [(e.name, e.target, e.distribution, e.version, e.origin) for e in Inventory("zoo.plugins").entries()]
found = [(e.name, e.target, e.distribution, e.version, e.origin) for e in [Inventory("zoo.plugins").find("flat")]]
assert look(("zoo.plugins",)).is_plain
assert SLOW or not {"importlib.metadata", "re", "pathlib", "typing"} & set(sys.modules)
finders = [getattr(f, "__name__", type(f).__name__) for f in sys.meta_path]
import importlib.metadata
entries = importlib.metadata.entry_points(group="zoo.plugins")
assert rows == [(e.name, e.value, e.dist.metadata["Name"], e.dist.version, str(e.dist._path)) for e in entries]
print(sorted(r[0] for r in rows), found[0][0], finders)
"""


def test_the_fast_way_is_taken_beside_setuptools_and_editable_installs(tmp_path: Path) -> None:
    """In a fresh environment: the finders that both leave behind have no distributions."""
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True, timeout=50)
    site = next(venv.glob("lib/python*/site-packages"))
    source = Path(importlib.metadata.distribution("setuptools").locate_file(""))  # type: ignore[arg-type]
    for pattern in ("setuptools", "setuptools-*", "_distutils_hack", "distutils-precedence.pth", "hycore"):
        for path in source.glob(pattern):
            (site / path.name).symlink_to(path)
    # The two kinds of editable installs: a path in a `.pth` file, and a finder.
    for name, place in (("flat", "flat"), ("src_layout", "src_layout/src")):
        (tmp_path / place / name).mkdir(parents=True)
        (tmp_path / place / name / "__init__.py").write_text("")
        (tmp_path / name / "pyproject.toml").write_text(
            f'[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
            f'[project]\nname = "{name}"\nversion = "1"\n[project.entry-points."{GROUP}"]\n{name} = "{name}:C"\n'
        )
    install = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--python",
        venv / "bin" / "python",
    ]
    install += ["install", "--quiet", "--no-index", "--no-build-isolation", "--no-deps"]
    subprocess.run([*install, "-e", tmp_path / "flat", "-e", tmp_path / "src_layout"], check=True, timeout=50)
    done = subprocess.run(
        [venv / "bin" / "python", "-c", f"SLOW = True\n{PROBE}"],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        cwd=tmp_path,
    )
    assert done.stderr == ""
    assert done.stdout.startswith("['flat', 'src_layout'] flat ")
    assert "DistutilsMetaFinder" in done.stdout
    assert "_EditableFinder" in done.stdout


def test_nothing_slow_is_imported(tmp_path: Path) -> None:
    """Neither by a list nor by `find`, also where name and version come from old metadata."""
    add(tmp_path, "flat-1.dist-info", f"[{GROUP}]\nflat = m:C\n")
    add(tmp_path, "old-1.egg-info", f"[{GROUP}]\nold = m:C\n", file="PKG-INFO")
    script = (
        "import sys\n"
        f"sys.path[:] = {[str(tmp_path), str(Path(importlib.metadata.__file__).parents[2])]!r} + sys.path[-1:]\n"
        f"sys.path.append({next(path for path in sys.path if path.endswith('site-packages'))!r})\n"
        f"SLOW = False\n{PROBE}"
    )
    command = [sys.executable, "-I", "-S", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert (done.stdout[:24], done.stderr) == ("['flat', 'old'] flat ['B", "")


# The zoo: each function makes odd things in a folder, and returns the path if it is another.


def names(folder: Path) -> None:
    for child in (
        "Foo.Bar-1.dist-info",
        "foo__bar-2.dist-info",
        "foo-1.dist-info",
        "FOO-2.dist-info",
        "-1.dist-info",
        ".dist-info",
        "...dist-info",
        "_-1.dist-info",
        "a.b_-.c-1.dist-info",
        "UPPER-1.DIST-INFO",
        "upper-2.dist-info",
        "Mixed-1.Egg-Info",
        "plain.dist-info",
        "dist-info",
        "x-dist-info",
        "ends.dist-info.bak",
        "é-1.dist-info",
        "É-2.dist-info",
        "e\u0301-1.dist-info",
        "\u212a-1.dist-info",
        "k-1.dist-info",
        "\u0391\u03a3.\u0392-1.dist-info",
        "\u0391\u03a3-2.dist-info",
        "\u03b1\u03c2-3.dist-info",
        "İ-1.dist-info",
        "tab\t-1.dist-info",
        "line\n-1.dist-info",
    ):
        add(folder, child, metadata=f"Name: named {len(child)}\nVersion: 1\n")


def surrogates(folder: Path) -> None:
    try:
        os.mkdir(os.path.join(os.fsencode(folder), b"\xff-1.dist-info"))
    except OSError:
        pytest.skip("this file system has names in UTF-8 only")
    (folder / os.fsdecode(b"\xff-1.dist-info") / "entry_points.txt").write_text(f"[{GROUP}]\na = m:C\n")


def eggs(folder: Path) -> list[str]:
    root = folder / "My_Egg-1.0-py3.11.egg"
    add(root, "EGG-INFO", f"[{GROUP}]\negg = m:C\n", metadata="Name: My-Egg\nVersion: 1.0\n", file="PKG-INFO")
    add(root, "inner-1.dist-info")
    add(folder, "develop.egg-info", metadata="Name: develop\nVersion: 3\n", file="PKG-INFO")
    add(folder, "my_egg-2-py3.11.egg-info", metadata="Name: my.egg\nVersion: 2\n", file="PKG-INFO")
    (folder / "flat-1-py3.11.egg-info").write_text("Name: flat\nVersion: 1\n")
    (folder / "develop.egg-link").write_text(f"{folder}\n.")
    (folder / "easy-install.pth").write_text(f"{root}\n")
    add(folder / "not", "EGG-INFO")
    return [str(root), str(folder), str(root) + "/", str(folder / "not")]


def archives(folder: Path) -> list[str]:
    archive(folder / "a-1-py3-none-any.whl", "zipped-1.dist-info", "both-1.dist-info")
    archive(folder / "b.zip", "Both-2.dist-info", "second-1.dist-info")
    archive(folder / "Egg-1.egg", "EGG-INFO")
    (folder / "no.zip").write_text("not a zip file")
    add(folder / "own", "zipped-3.dist-info")
    files = ["a-1-py3-none-any.whl", "own", "b.zip", "Egg-1.egg", "no.zip", "missing.zip", "b.zip/inner"]
    return [str(folder / file) for file in files]


def odd_files(folder: Path) -> None:
    (folder / "folder-1.dist-info" / "entry_points.txt").mkdir(parents=True)
    (folder / "bare-1.dist-info").mkdir()
    (folder / "file-1.dist-info").write_text("not a folder")
    (folder / "dangling-1.dist-info").symlink_to(folder / "nowhere")
    add(folder, "dangling-2.dist-info")
    real = add(folder, "real-1.dist-info")
    add(folder.parent / "elsewhere", "linked-1.dist-info")
    (folder / "linked-1.dist-info").symlink_to(folder.parent / "elsewhere" / "linked-1.dist-info")
    (folder / "entry-1.dist-info").mkdir()
    (folder / "entry-1.dist-info" / "entry_points.txt").symlink_to(real / "entry_points.txt")
    (folder / "null-1.dist-info").mkdir()
    (folder / "null-1.dist-info" / "entry_points.txt").symlink_to("/dev/null")
    add(folder, "empty-1.dist-info", "")
    add(folder, "large-1.dist-info", f"# {'x' * 50_000}\n[{GROUP}]\nlarge = m:C\n# {'x' * 50_000}\n")


def metadata(folder: Path) -> None:
    for number, text in enumerate(METADATA):
        add(folder, f"m{number}-0.{number}.dist-info", metadata=text)
    add(folder, "empty-1.dist-info", metadata="")
    (folder / "empty-1.dist-info" / "PKG-INFO").write_text("Name: from PKG-INFO\nVersion: 1\n")


METADATA = [
    "Name: Plain\nVersion: 1\n",
    "Name: last\nVersion: 1",
    "Name: crlf\r\nVersion: 2\r\n\r\nbody",
    "name:lower\nVERSION:\t 3 \nSummary: x\n",
    "Version: 4\nName: folded\n  twice\nSummary: x\n",
    "Summary: a\n  b\nVersion: 5\nName: after a folded one\n",
    "Name: 6\nVersion: 6\n continued",
    "Name: twice\nVersion: 7\nName: not this\n",
    "Description: " + "long " * 2000 + "\nName: far\nVersion: 8\n",
    "".join([f"Classifier: {number}\n" for number in range(30)]) + "Name: late\nVersion: 9\n",
    "Name: Ünï\nVersion: 10\n",
    "Name: control\x0b\x1c\x85\u2028\nVersion: 11\n",
    "From me\nName: unix\nVersion: 12\n",
    "Name : blank\nName: behind\nVersion: 13\n",
    "Name: a\rVersion: 14\rSummary: old Macs\r",
    "\ufeffName: bom\nVersion: 15\nName: x\n",
    "Name: surrounded  \nVersion:   16   \n",
    "X-" + "x" * 4080 + ": y\nName: cut\nVersion: 17\n",
    "Name: cut " + "x" * 4075 + "yz\nVersion: 18\n",
]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.usefixtures("with_archives")
@pytest.mark.parametrize("make", [names, surrogates, eggs, archives, odd_files, metadata])
def test_the_zoo_is_the_same(tmp_path: Path, make: Callable[[Path], list[str] | None]) -> None:
    """The same entries in the same order, and what the standard library stumbles over is left out and told."""
    folder = tmp_path / "zoo"
    folder.mkdir()
    roots = make(folder) or [str(folder)]
    with on_path(*roots, *roots[:1]):
        expected, broken = theirs_without_the_broken()
        assert ours() == expected
        assert broken <= told()
        with contextlib.suppress(Exception):
            assert ours() == theirs()
        for entry in Inventory(GROUP).entries():
            if entry.origin is not None and Path(entry.origin).exists():
                message = importlib.metadata.Distribution.at(entry.origin).metadata
                assert entry.distribution == message["Name"] if "Name" in message else entry.distribution
                assert entry.version == message["Version"] if "Version" in message else entry.version
    assert expected


def test_odd_entries_of_the_path_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty, relative, doubled, missing ones, and what is no string."""
    monkeypatch.chdir(tmp_path)
    add(tmp_path, "here-1.dist-info")
    add(tmp_path / "sub", "sub-1.dist-info")
    add(tmp_path / "sub" / "in", "here-2.dist-info")
    (tmp_path / "file").write_text("")
    roots = [
        "",
        ".",
        "./",
        "sub",
        "./sub",
        "sub/",
        ".//sub/./in",
        "sub/../sub",
        "/",
        "missing",
        "file",
        "file/x",
    ]
    roots += [f"{tmp_path}", f"{tmp_path}//sub", "sur\udc80"]
    for each in roots:
        with on_path(each):
            assert ours() == theirs()
    for turned in (roots, roots[::-1], [*roots, *roots]):
        with on_path(*turned):
            assert ours() == theirs()
    with on_path(tmp_path / "sub", str(tmp_path)):
        assert ours() == theirs()
        assert len(ours()) == 2


@pytest.mark.parametrize("odd", [None, b"x", 3, ["unhashable"], "nul\0", "not utf-8 \ud800"])
def test_an_entry_of_the_path_that_is_no_path_is_left_out_and_told(tmp_path: Path, odd: object) -> None:
    """Where the standard library may raise."""
    add(tmp_path, "a-1.dist-info")
    with on_path(odd, str(tmp_path)):
        assert [each[1] for each in ours()] == ["a-1.dist-info"]
        if odd != b"x":
            assert told() == {f"{odd!r} on sys.path"}


@pytest.mark.parametrize("holds", [True, False])
def test_the_first_distribution_of_a_name_counts(tmp_path: Path, holds: bool) -> None:
    """Also if it has no entry points, or is broken."""
    first = tmp_path / "first"
    add(first, "Foo_Bar-1.dist-info", f"[{GROUP}]\nnew = m:C\n" if holds else "[other]\nx = m:C\n")
    add(first, "broken-1.dist-info", b"\xff")
    add(tmp_path / "second", "foo.bar-2.dist-info")
    add(tmp_path / "second", "broken-2.dist-info")
    with on_path(str(first), str(tmp_path / "second")):
        assert [each[1] for each in ours()] == (["new"] if holds else [])
        assert told() == {str(first / "broken-1.dist-info")}


@pytest.mark.parametrize(
    "text",
    [
        b"\xff\xfe",
        "[other]\nno entry point\n",
        f"[{GROUP}]\na = m:C\n[other]\nno entry point\n",
        f"[{GROUP}]\nb\n",
    ],
)
def test_a_broken_text_costs_its_distribution_only(tmp_path: Path, text: str | bytes) -> None:
    """It is left out and told; what lies in it under another group may be broken as well."""
    add(tmp_path, "broken-1.dist-info", text)
    add(tmp_path, "fine-1.dist-info")
    with on_path(str(tmp_path)):
        assert [each[1] for each in ours()] == ["fine-1.dist-info"]
        with pytest.raises((UnicodeDecodeError, TypeError)):
            theirs()
        if not isinstance(text, str) or GROUP in text:
            assert told() == {str(tmp_path / "broken-1.dist-info")}


def test_what_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link to itself, a FIFO and a device end nothing and keep nobody waiting; the forbidden is as good as not there."""
    add(tmp_path, "forbidden-1.dist-info")
    for name in ("loop", "fifo", "zero"):
        (tmp_path / f"{name}-1.dist-info").mkdir()
    (tmp_path / "loop-1.dist-info" / "entry_points.txt").symlink_to("entry_points.txt")
    os.mkfifo(tmp_path / "fifo-1.dist-info" / "entry_points.txt")
    (tmp_path / "zero-1.dist-info" / "entry_points.txt").symlink_to("/dev/zero")
    forbidden = tmp_path / "forbidden-1.dist-info" / "entry_points.txt"
    forbidden.chmod(0)
    add(tmp_path, "fine-1.dist-info")
    with on_path(str(tmp_path)):
        can_read_all = os.access(forbidden, os.R_OK)
        readable = ["fine-1.dist-info", "forbidden-1.dist-info"] if can_read_all else ["fine-1.dist-info"]
        assert sorted(each[1] for each in ours()) == readable
        expected = {"loop", "fifo", "zero"} | (set() if can_read_all else {"forbidden"})
        assert told() == {str(tmp_path / f"{name}-1.dist-info") for name in expected}

    def forbid(path: Any, *arguments: Any) -> Any:
        raise PermissionError(13, "Permission denied", path)

    with on_path(str(tmp_path)), monkeypatch.context() as patch:
        patch.setattr(os, "listdir", forbid)
        assert ours() == theirs() == []
        assert told() == {f"{str(tmp_path)!r} on sys.path"}


def test_without_readable_metadata_the_entry_points_are_there(tmp_path: Path) -> None:
    """As in the standard library; name and version are then those of the folder, and that is told."""
    for child, text in (
        ("none-1.5.dist-info", None),
        ("latin-2.dist-info", b"Summary: \xe9"),
        ("x.dist-info", b""),
    ):
        info = add(tmp_path, child, metadata=text or "")
        if text is None:
            (info / "METADATA").unlink()
    with on_path(str(tmp_path)):
        assert ours() == theirs()
        spelled = {(each.distribution, each.version) for each in Inventory(GROUP).entries()}
        assert spelled == {("none", "1.5"), ("latin", "2"), ("x", "unknown")}
        assert len(told()) == 3


# Finders.


class Finder:
    """A finder with distributions of its own."""

    def __init__(self, *found: Any) -> None:
        self.found = found

    def find_spec(self, *arguments: Any) -> None:
        return None

    def find_distributions(self, context: Any) -> Iterator[Any]:
        for each in self.found:
            if isinstance(each, Exception):
                raise each
            yield each


class Made(importlib.metadata.Distribution):
    """A distribution that is nowhere on the disk."""

    def read_text(self, filename: str) -> str | None:  # type: ignore[override]
        return {
            "METADATA": "Name: Made-Up\nVersion: 7\n",
            "entry_points.txt": f"[{GROUP}]\nmade = m:C\n",
        }.get(filename)

    def locate_file(self, path: Any) -> Any:
        return Path(path)


def test_a_finder_with_distributions_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may stand before or behind the standard one, or instead of it."""
    add(tmp_path, "made_up-1.dist-info")
    add(tmp_path, "other-1.dist-info")
    before = list(sys.meta_path)
    with on_path(str(tmp_path)):
        for finders in ([Finder(Made()), *before], [*before, Finder(Made())], [Finder(Made())], []):
            monkeypatch.setattr(sys, "meta_path", finders)
            forget()
            expected = [(each.name, each.value) for each in importlib.metadata.entry_points(group=GROUP)]
            assert [(each.name, each.target) for each in Inventory(GROUP).entries()] == expected
        monkeypatch.setattr(sys, "meta_path", [Finder(Made())])
        (entry,) = Inventory(GROUP).entries()
        assert (entry.distribution, entry.version, entry.origin) == ("Made-Up", "7", None)
        monkeypatch.setattr(sys, "meta_path", [Finder(Made()), *before])
        assert Inventory(GROUP).find("made") == entry


def test_a_finder_that_fails_costs_what_it_had_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing of the others."""
    add(tmp_path, "a-1.dist-info")
    finder = Finder(Made(), types.SimpleNamespace(), ValueError("no"), Made())
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    with on_path(str(tmp_path)):
        assert [each[1] for each in ours()] == ["made", "a-1.dist-info"]
        assert told() == {
            "the distribution (its name cannot be read), without a folder",
            f"{finder!r} on sys.meta_path",
        }


def test_a_finder_without_distributions_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only its being asked for them is to be seen."""

    class Bare:
        def find_spec(self, *arguments: Any) -> None:
            return None

    class Empty(Bare):
        find_distributions = None

    add(tmp_path, "a-1.dist-info")
    monkeypatch.setattr(sys, "meta_path", [Bare(), Empty(), *sys.meta_path])
    with on_path(str(tmp_path)):
        assert ours() == theirs()
        assert look((GROUP,)).is_plain


# Laws.

LINES = st.sampled_from(
    [
        f"[{GROUP}]",
        f"[[{GROUP}]]",
        f"[ {GROUP} ]",
        f"  [{GROUP}]\t",
        f"[{GROUP}",
        "[other]",
        "[]",
        "[",
        "]",
        "[a = b]",
        "a = m:C",
        "a=m:C [x, y]",
        " a b = m : C ",
        "= m:C",
        "a =",
        "=",
        "a = b = c",
        "no",
        "# a = m:C",
        "a = m:C # not a comment",
        "; a = b",
        "\ufeff",
        f"\ufeff[{GROUP}]",
        "\u3000a\u3000=\u3000m:C\u3000",
        "x\x1c=y",
        "a\0 = m:C",
    ]
)
ENDS = st.sampled_from(["\n", "\r\n", "\r", "\n\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", " "])
TEXTS = st.lists(st.tuples(LINES | st.text(max_size=8), ENDS), max_size=9).map(
    lambda lines: "".join([line + end for line, end in lines])
)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("one")
    add(folder, "one-1.dist-info")
    return folder


@settings(max_examples=150)
@given(TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary(max_size=20))
@example(b"\xef\xbb\xbf[" + GROUP.encode() + b"]\na = m:C\n")
def test_law_any_text_is_read_alike(one: Path, text: bytes) -> None:
    """Comments, byte order marks, extras, odd white space and ends of lines included."""
    (one / "one-1.dist-info" / "entry_points.txt").write_bytes(text)
    with on_path(str(one)):
        for group in (GROUP, ""):
            expected, broken = theirs_without_the_broken(group)
            assert ours(group) == expected
            assert told(group) <= broken


@settings(max_examples=150)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Name", "name", "Version", "VERSION", "Summary", " ", "\t", "From ", "", "X Y"]),
            st.sampled_from([":", ": ", ":\t ", ""]),
            st.sampled_from(["", "a", "1.0", " b ", "ü", "\x0c", "x" * 4090]),
            st.sampled_from(["\n", "\r\n", "\n", "\r"]),
        ),
        max_size=6,
    ).map(lambda lines: "".join(["".join(line) for line in lines]))
)
def test_law_name_and_version_are_spelled_as_the_metadata_does(one: Path, text: str) -> None:
    """As the parser of the standard library reads its headers, however few of them are read here."""
    info = one / "one-1.dist-info"
    (info / "entry_points.txt").write_text(f"[{GROUP}]\na = m:C\n")
    (info / "METADATA").write_bytes(text.encode())
    with on_path(str(one)):
        (entry,) = Inventory(GROUP).entries()
    message: Any = importlib.metadata.Distribution.at(info).metadata if text else {}
    assert entry.distribution == (message.get("Name", "") or "one")
    assert entry.version == (message.get("Version", "") or "1")


CHILDREN = st.builds(
    "".join,
    st.tuples(
        st.text(st.sampled_from("aAbK\u212a.-_-.é\u03a3"), max_size=4),
        st.sampled_from(["-1", "-2", "", "-", "-1-py3.11"]),
        st.sampled_from([".dist-info", ".dist-info", ".egg-info", ".DIST-INFO", "-info", ".dist-info.x"]),
    ),
)


@settings(max_examples=60)
@given(st.lists(st.tuples(CHILDREN, st.integers(0, 2), st.sampled_from(["full", "no name", "bare", "file"]))))
def test_law_any_folders_are_read_alike(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[str, int, str]]
) -> None:
    """The same winners among those that shadow each other, in the same order."""
    base = tmp_path_factory.mktemp("any")
    folders = [base / "first", base / "second.egg", base / "third"]
    for child, place, kind in drawn:
        if (folders[place] / child).exists():
            continue
        if kind == "bare":
            (folders[place] / child).mkdir(parents=True)
        elif kind == "file":
            folders[place].mkdir(exist_ok=True)
            (folders[place] / child).write_text("Name: a\nVersion: 1\n")
        else:
            add(folders[place], child, metadata=None if kind == "full" else "Summary: x\n")
    with on_path(*map(str, folders)):
        expected, broken = theirs_without_the_broken()
        assert ours() == expected
        assert broken <= told()
    shutil.rmtree(base)
