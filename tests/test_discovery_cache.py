"""The cache of discovery is an index and never a source, and its files are believed only with good reason (section 3).

Whether the index was used can be seen by its one documented limit: a second claim of a name, made by editing an installed
distribution in place, is not noticed.
"""

from __future__ import annotations

import errno
import gc
import importlib.metadata
import os
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hycore.ext import Inventory
from hycore.ext import _index as index_module
from hycore.utils.error import DuplicatedKeyError, PluginNotFoundError

GROUP = "zoo.plugins"
HOUR = 3600 * 10**9

Answer = list[tuple[str, str, str]]


def look_back(seconds: int = 3600) -> Callable[[], int]:
    """A clock by which what was made just now is old: nothing here waits for two seconds to pass."""
    now = time.time_ns
    return lambda: now() + seconds * 10**9


class Place:
    """Folders on `sys.path`, with nothing else on it, and a home for the cache."""

    def __init__(self, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.base = base
        self.home = base / "home"
        self.home.mkdir()
        self.site = base / "site"
        self.site.mkdir()
        self.ticks = 0
        monkeypatch.setenv("HY_HOME", str(self.home))
        monkeypatch.delenv("HY_NO_CACHE", raising=False)
        monkeypatch.setattr(sys, "path", [str(self.site)])

    def tick(self, *folders: Path) -> None:
        """As if time had passed: with the clock of `look_back` the times of a folder alone tell that it changed."""
        self.ticks += 1
        for folder in folders or (self.site,):
            os.utime(folder, ns=(HOUR + self.ticks, HOUR + self.ticks))

    def add(self, name: str, *entries: str, version: str = "1", folder: Path | None = None) -> Path:
        info = (folder or self.site) / f"{name}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        self.write(info, *entries)
        self.tick(info.parent)
        return info

    def write(self, info: Path, *entries: str) -> None:
        lines = [entry if "=" in entry else f"{entry} = {info.name.partition('-')[0]}:C" for entry in entries]
        (info / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines, ""]))

    def find(self, name: str, group: Any = GROUP) -> Answer | None:
        """What `find` answers: one claim, all of a clash, or none."""
        return answer(Inventory(group), name)

    def files(self) -> list[Path]:
        return sorted((self.home / "cache").glob("*"))

    def prove_used(self, expected: bool = True) -> None:
        """Adds a claim of `a` that an index does not know, to see whether there is one that is believed."""
        info = self.site / "other-1.dist-info"
        self.write(info, "b", "a")
        found = self.find("a")
        self.write(info, "b")
        assert found is not None
        assert (len(found) == 1) is expected


def answer(inventory: Inventory, name: str) -> Answer | None:
    try:
        entry = inventory.find(name)
    except PluginNotFoundError:
        return None
    except DuplicatedKeyError as error:
        return [("clash", name, owner) for owner in error.owners]
    return [(entry.target, str(entry.version), str(entry.origin))]


def truth(name: str) -> Answer | None:
    """The same answer from a list, which never uses an index."""
    entries = {entry.target: entry for entry in reversed(Inventory(GROUP).entries()) if entry.name == name}
    if len(entries) > 1:
        return [("clash", name, entry.owner) for entry in reversed(entries.values())]
    return [(entry.target, str(entry.version), str(entry.origin)) for entry in entries.values()] or None


@pytest.fixture
def with_archives() -> Iterator[None]:
    """The standard library leaves the zip files that it reads to the collector, which warns of them."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.metadata.MetadataPathFinder().invalidate_caches()
        gc.collect()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(tmp_path, monkeypatch)


@pytest.fixture
def warm(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """With two distributions, and an index of them in the cache."""
    monkeypatch.setattr(time, "time_ns", look_back())
    place.add("one", "a")
    place.add("other", "b")
    assert place.find("a") == truth("a")
    assert len(place.files()) == 1
    return place


# What is believed.


def test_the_index_is_used(warm: Place) -> None:
    """Otherwise all that follows would prove nothing."""
    warm.prove_used()
    assert warm.find("b") == truth("b")
    assert warm.find("c") is None


def test_lists_never_use_it(warm: Place) -> None:
    """`names`, `entries` and `problems` answer for the disk as it is: also for what `find` does not notice."""
    warm.write(warm.site / "other-1.dist-info", "a", "new")
    inventory = Inventory(GROUP)
    assert len(inventory.entries()) == 3
    assert inventory.names() == ("a", "new")
    (warm.site / "other-1.dist-info" / "entry_points.txt").write_bytes(b"\xff")
    assert len(inventory.problems()) == 1


def test_what_it_points_at_is_read_again(warm: Place) -> None:
    """Target, version and every claim of the same distribution: rewritten in place, within one tick of the clock."""
    info = warm.site / "one-1.dist-info"
    for entries in (["a = x:C"], ["a = y:C"], ["b"], ["a = x:C", "a = y:C"], [], ["a"]):
        warm.write(info, *entries)
        assert warm.find("a") == truth("a")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: One\nVersion: 1.post1\n")
    assert warm.find("a") == truth("a") == [("one:C", "1.post1", str(info))]
    (info / "entry_points.txt").write_bytes(b"\xff")
    assert warm.find("a") is truth("a") is None
    (info / "entry_points.txt").unlink()
    assert warm.find("a") is None


def test_a_name_that_it_lacks_is_looked_for_on_the_disk(warm: Place) -> None:
    """So that "not found" is always true, and then it is known."""
    warm.write(warm.site / "one-1.dist-info", "a", "new")
    assert warm.find("new") == truth("new") != None  # noqa: E711
    warm.write(warm.site / "other-1.dist-info", "new")
    assert warm.find("new") != truth("new"), "the index has it now"


def test_a_folder_with_distributions_must_not_change(warm: Place) -> None:
    """Added, removed, upgraded, exchanged, put in front of others."""
    warm.add("third", "a")
    assert warm.find("a") == truth("a") and len(warm.find("a") or ()) == 2
    shutil.rmtree(warm.site / "third-1.dist-info")
    warm.tick()
    assert warm.find("a") == truth("a") and len(warm.find("a") or ()) == 1
    (warm.site / "one-1.dist-info").rename(warm.site / "one-2.dist-info")
    warm.tick()
    assert warm.find("a") == truth("a") == [("one:C", "1", str(warm.site / "one-2.dist-info"))]
    shutil.copytree(warm.site, warm.base / "copy")
    warm.write(warm.base / "copy" / "one-2.dist-info", "a = copied:C")
    warm.site.rename(warm.base / "gone")
    (warm.base / "copy").rename(warm.site)
    assert warm.find("a") == truth("a") == [("copied:C", "1", str(warm.site / "one-2.dist-info"))]
    shutil.rmtree(warm.site)
    assert warm.find("a") is None


def test_the_path_must_not_change(warm: Place) -> None:
    """Its order decides who wins; each path has an index of its own."""
    second = warm.base / "second"
    warm.add("one", "a = second:C", folder=second)
    for path in ([warm.site, second], [second, warm.site], [second], [warm.site], [warm.base, warm.site]):
        sys.path[:] = map(str, path)
        for _ in range(2):
            assert warm.find("a") == truth("a")
    assert len(warm.files()) == 5
    for path in ([warm.site, second], [second, warm.site]):
        sys.path[:] = map(str, path)
        assert warm.find("a") == truth("a")


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.usefixtures("with_archives")
def test_a_folder_without_distributions_may_change_if_it_holds_none(warm: Place) -> None:
    """The folder of a script does, all the time; and one that does not exist may come to be."""
    script, later = warm.base / "script", warm.base / "later"
    script.mkdir()
    sys.path[:] = [str(script), str(later), "", str(warm.site)]
    assert warm.find("a") == truth("a")
    warm.prove_used()
    (script / "module.py").write_text("")
    warm.prove_used()
    later.mkdir()
    warm.prove_used()
    warm.add("one", "a = shadow:C", folder=script)
    assert warm.find("a") == truth("a") == [("shadow:C", "1", str(script / "one-1.dist-info"))]
    shutil.rmtree(script)
    assert warm.find("a") == truth("a")
    (warm.base / "later").rmdir()
    archive = shutil.make_archive(str(later), "zip", warm.site)
    Path(archive).rename(later)
    assert warm.find("a") == truth("a")


def test_a_relative_folder_is_that_of_the_moment(warm: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty entry of the path is the current folder, whichever that is."""
    elsewhere = warm.base / "elsewhere"
    warm.add("mine", "a", folder=elsewhere)
    sys.path[:] = ["", str(warm.site)]
    for folder in (warm.base, elsewhere, warm.base, warm.home, elsewhere):
        monkeypatch.chdir(folder)
        assert warm.find("a") == truth("a")
    monkeypatch.chdir(warm.base)
    assert warm.find("a") == truth("a")
    warm.prove_used()


def test_nothing_is_kept_while_a_folder_is_young(place: Place) -> None:
    """Within two seconds it may change again without a sign: so within one tick of the clock nothing is missed."""
    info = place.add("one", "a")
    os.utime(place.site)
    assert place.find("a") == truth("a")
    assert place.files() == []
    for number in range(20):
        place.add("two", "a", version=str(number))
        os.utime(place.site)
        assert len(place.find("a") or ()) == 2
        shutil.rmtree(place.site / f"two-{number}.dist-info")
        assert len(place.find("a") or ()) == 1
    assert place.find("a") == [("one:C", "1", str(info))]


def test_a_young_folder_without_distributions_is_looked_at_each_time(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps no index from being made, but is not believed to stay empty; later it is."""
    place.add("one", "a")
    place.add("other", "b")
    young = place.base / "young"
    young.mkdir()
    sys.path[:] = [str(young), str(place.site)]
    when = young.stat().st_ctime_ns
    real = os.stat

    def older(path: Any, *arguments: Any, **options: Any) -> Any:
        """The inode's time cannot be set back: of this folder, it is shown so."""
        status = real(path, *arguments, **options)
        if str(path) != str(place.site):
            return status
        return os.stat_result(status[:10], {"st_mtime_ns": HOUR, "st_ctime_ns": HOUR})

    monkeypatch.setattr(os, "stat", older)
    assert place.find("a") == truth("a")
    assert "\n?=\n" in place.files()[0].read_text()
    place.prove_used()
    place.add("one", "a = shadow:C", folder=young)
    os.utime(young, ns=(when, when))
    assert place.find("a") == truth("a") == [("shadow:C", "1", str(young / "one-1.dist-info"))]
    shutil.rmtree(young / "one-1.dist-info")
    monkeypatch.setattr(time, "time_ns", look_back())
    place.prove_used()
    assert "\n-=\n" in place.files()[0].read_text()


def test_a_clash_with_what_is_registered_is_found(warm: Place, worlds: Any) -> None:
    """A registered name needs no look at the disk where an index tells that nobody else claims it."""
    world = worlds()
    world.inventory = Inventory(GROUP)
    world.plugin("a")
    kind = world.plugin("c")
    assert len(answer(world.inventory, "a") or ()) == 2
    assert world.inventory.find("c").load().plugin_class is kind
    warm.add("third", "c")
    assert len(answer(world.inventory, "c") or ()) == 2


def test_a_plan_reads_what_it_asks_for(warm: Place, worlds: Any) -> None:
    """Its clashes and missing names are those of the disk."""
    from hycore.utils.error import PlanError

    warm.add("clash", "b")
    assert warm.find("a") == truth("a")
    world = worlds()
    world.inventory = Inventory(GROUP)
    with pytest.raises(PlanError) as caught:
        world.plan(["b", "a", "missing"])
    clash, load, missing = caught.value.exceptions
    assert isinstance(clash, DuplicatedKeyError) and len(clash.owners) == 2
    assert "entry point a = 'one:C' of one 1" in str(load)
    assert isinstance(missing, PluginNotFoundError) and sorted(missing.known) == ["a", "b"]


# What is not believed.


def text_of(place: Place) -> bytes:
    return place.files()[0].read_bytes()


def reseal(data: bytes) -> bytes:
    """With the right checksum, as a liar would."""
    head, _, rest = data.partition(b"\n")
    body = rest.partition(b"\n")[2]
    return b"".join([head, b"\n", index_module._checksum(body), body])


TAMPERINGS: dict[str, Callable[[Path], object]] = {
    "empty": lambda file: file.write_bytes(b""),
    "truncated": lambda file: file.write_bytes(file.read_bytes()[:-9]),
    "longer": lambda file: file.write_bytes(file.read_bytes() + b"x\t0\tx.dist-info\n"),
    "random": lambda file: file.write_bytes(os.urandom(2000)),
    "another Python": lambda file: file.write_bytes(
        reseal(file.read_bytes().replace(b"cpython-", b"cpython-9", 1))
    ),
    "another group": lambda file: file.write_bytes(reseal(file.read_bytes().replace(GROUP.encode(), b"g"))),
    "another path": lambda file: file.write_bytes(reseal(file.read_bytes().replace(b"site", b"sits"))),
    "no signs": lambda file: file.write_bytes(reseal(file.read_bytes().replace(b"\n=\n", b"\n\n"))),
    "no text": lambda file: file.write_bytes(reseal(file.read_bytes().replace(b"\n=\n", b"\n\xff\n"))),
    "nothing sealed": lambda file: file.write_bytes(reseal(file.read_bytes().partition(b"\n=")[0] + b"\n")),
    "too large": lambda file: file.write_bytes(reseal(file.read_bytes() + b"x" * 2**20)),
    "writable by the group": lambda file: file.chmod(0o620),
    "writable by all": lambda file: file.chmod(0o602),
    "a folder writable by all": lambda file: file.parent.chmod(0o777),
    "a link": lambda file: file.symlink_to(file.rename(file.with_name("elsewhere"))),
    "a FIFO": lambda file: (file.unlink(), os.mkfifo(file)),
    "a folder": lambda file: (file.unlink(), file.mkdir()),
    "a link to itself": lambda file: (file.unlink(), file.symlink_to(file)),
    "gone": lambda file: file.unlink(),
    "the whole folder gone": lambda file: shutil.rmtree(file.parent),
    "a file for a folder": lambda file: (shutil.rmtree(file.parent), file.parent.write_text("")),
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_a_file_that_is_not_as_it_should_be_is_not_believed(warm: Place, tampering: str) -> None:
    """Nor is it an error; and where the folder is safe, it is made anew."""
    TAMPERINGS[tampering](warm.files()[0])
    warm.prove_used(False)
    assert warm.find("a") == truth("a")
    if tampering not in ("a folder writable by all", "a file for a folder", "a folder"):
        warm.prove_used()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("whose", ["file", "folder"])
def test_what_belongs_to_someone_else_is_not_believed(warm: Place, whose: str) -> None:
    """Whoever may read it."""
    file = warm.files()[0]
    os.chown(file if whose == "file" else file.parent, 65534, 65534)
    before = file.stat()
    warm.prove_used(False)
    if whose == "folder":
        assert file.stat() == before and warm.files() == [file]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be under sudo")
@pytest.mark.parametrize("name", ["HOME", "XDG_CACHE_HOME", "HY_HOME"])
def test_nothing_is_written_into_the_home_of_another(
    warm: Place, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Under `sudo` the home may still be the user's, and a file of root's in it would be in his way for ever."""
    home = warm.base / "user"
    home.mkdir()
    os.chown(home, 65534, 65534)
    for each in ("HY_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(each, raising=False)
    for where in (home, home / "new"):
        monkeypatch.setenv(name, str(where))
        assert warm.find("a") == truth("a")
        assert list(home.rglob("*")) == []


def fails(number: int) -> Callable[..., Any]:
    def fail(*arguments: Any, **options: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("call", ["mkdir", "write", "replace", "listdir of the cache", "open to write"])
@pytest.mark.parametrize("number", [errno.EROFS, errno.ENOSPC, errno.EACCES, errno.EDQUOT])
def test_what_cannot_be_written_is_not_kept(
    warm: Place, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    """A read-only or full disk is no error, and leaves no half a file behind."""
    shutil.rmtree(warm.home / "cache")
    if call == "open to write":
        opened = os.open
        monkeypatch.setattr(
            os,
            "open",
            lambda path, flags, *more: (fails(number) if flags & os.O_CREAT else opened)(path, flags, *more),
        )
    elif call == "listdir of the cache":
        listed = os.listdir
        monkeypatch.setattr(
            os, "listdir", lambda path: (fails(number) if str(path).endswith("cache") else listed)(path)
        )
    else:
        monkeypatch.setattr(os, call, fails(number))
    assert warm.find("a") == truth("a")
    assert len(warm.files()) == (call == "listdir of the cache")


def test_a_write_in_pieces_is_whole(warm: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system may write less than it is given."""
    whole = text_of(warm)
    warm.files()[0].unlink()
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:7]))
    assert warm.find("a") == truth("a")
    assert text_of(warm) == whole


# Where it is.


def test_where_the_cache_is(warm: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """In `HY_HOME`, or in the platform's folder for caches; a relative `XDG_CACHE_HOME` does not count."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(warm.base / "me"))
    (warm.base / "me").mkdir()
    cases = [({"HY_HOME": str(warm.base / "h")}, "h/cache")]
    if sys.platform == "darwin":
        cases += [({"HY_HOME": ""}, "me/Library/Caches/hyperion")]
    else:
        cases += [
            ({"HY_HOME": ""}, "me/.cache/hyperion"),
            ({"HY_HOME": "", "XDG_CACHE_HOME": "relative"}, "me/.cache/hyperion"),
            ({"HY_HOME": "", "XDG_CACHE_HOME": str(warm.base / "xdg")}, "xdg/hyperion"),
        ]
    for variables, expected in cases:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        shutil.rmtree(warm.base / expected, ignore_errors=True)
        assert warm.find("a") == truth("a")
        assert len(list((warm.base / expected).iterdir())) == 1
        assert (warm.base / expected).stat().st_mode & 0o777 == 0o700
    monkeypatch.chdir(warm.base)
    for name, expected in (("new", "new/cache"), ("deep/er", "deep/er/cache"), (".", "cache")):
        monkeypatch.setenv("HY_HOME", name)
        assert warm.find("a") == truth("a")
        assert len(list((warm.base / expected).iterdir())) == 1


@pytest.mark.parametrize(
    "variables", [{"HY_NO_CACHE": "1"}, {"HY_HOME": "", "XDG_CACHE_HOME": "", "HOME": ""}]
)
def test_there_may_be_no_cache(
    warm: Place, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    """Turned off, or without a home: nothing is read and nothing is written."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    before = warm.files()[0].stat()
    warm.prove_used(False)
    assert warm.files()[0].stat().st_mtime_ns == before.st_mtime_ns
    monkeypatch.setenv("HY_HOME", str(warm.home))
    monkeypatch.setenv("HY_NO_CACHE", "0")
    warm.prove_used()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.usefixtures("with_archives")
def test_there_is_none_where_the_standard_library_is_asked(
    warm: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Zip files, folders whose distribution their name does not tell, finders with distributions of their own."""

    class Finder:
        def find_spec(self, *arguments: Any) -> None:
            return None

        def find_distributions(self, context: Any) -> list[Any]:
            return []

    with monkeypatch.context() as patch:
        patch.setattr(sys, "meta_path", [*sys.meta_path, Finder()])
        warm.prove_used(False)
    shutil.rmtree(warm.home / "cache")
    archive = shutil.make_archive(str(warm.base / "a"), "zip", warm.base / "home")
    odd = warm.base / "odd"
    warm.add("odd", "x", folder=odd).rename(odd / "ODD.DIST-INFO")
    for path in ([archive, str(warm.site)], [str(odd), str(warm.site)], [warm.site], ["\n", str(warm.site)]):
        sys.path[:] = path  # type: ignore[assignment]
        assert warm.find("a") == truth("a")
    sys.path[:] = [str(warm.site)]
    assert answer(Inventory((GROUP, "tab\t")), "a") == truth("a")
    warm.write(warm.site / "one-1.dist-info", "a", "with\ta tab")
    assert warm.find("with\ta tab") == truth("with\ta tab") != None  # noqa: E711
    assert warm.find("a\t0") is None
    assert warm.files() == []


def test_what_is_too_large_is_not_kept(warm: Place) -> None:
    """Ten thousand names of a hundred letters, say."""
    warm.files()[0].unlink()
    warm.add("large", *[f"{'x' * 100}{number}" for number in range(10_000)])
    assert warm.find("a") == truth("a")
    assert warm.files() == []


def test_the_number_of_files_is_bounded(warm: Place) -> None:
    """The oldest go; what is not ours stays."""
    stranger = warm.home / "cache" / "stranger"
    stranger.write_text("")
    (first,) = [file for file in warm.files() if file != stranger]
    os.utime(first, (1, 1))
    for number in range(20):
        assert warm.find("a", (GROUP, f"group {number}")) == truth("a")
    assert len(warm.files()) == 17
    assert stranger.exists() and not first.exists()


def test_eight_processes_write_at_once(warm: Place) -> None:
    """None fails, none answers wrongly, and nothing half-written is left."""
    script = f"""
import os, sys, time
sys.path.insert(0, {str(Path(index_module.__file__).parents[2])!r})
from hycore.ext import Inventory, _index
now = time.time_ns
time.time_ns = lambda: now() + 3600 * 10**9
sys.path[:] = [{str(warm.site)!r}]
for number in range(60):
    groups = ({GROUP!r}, "g%d" % (number % 3))
    assert Inventory(groups).find("a").target == "one:C"
    assert Inventory(groups).find("b").target == "other:C"
    for file in os.scandir({str(warm.home / "cache")!r}):
        if number % 4 == 0:
            try:
                os.unlink(file)
            except FileNotFoundError:
                pass
"""
    command = [sys.executable, "-I", "-S", "-c", script]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(8)]
    assert [process.communicate(timeout=50)[1] for process in processes] == [""] * 8
    assert len(warm.files()) <= 4
    warm.prove_used(bool([file for file in warm.files() if warm.find("a")]))


# Laws.

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sampled_from("pqr"), st.integers(0, 1), st.sets(st.sampled_from("abc"))),
        st.tuples(st.just("remove"), st.sampled_from("pqr"), st.integers(0, 1), st.none()),
        st.tuples(st.just("drop"), st.sampled_from("pqr"), st.integers(0, 1), st.sampled_from("abc")),
        st.tuples(st.just("retarget"), st.sampled_from("pqr"), st.integers(0, 1), st.sampled_from("abc")),
        st.tuples(st.just("turn the path"), st.none(), st.none(), st.none()),
        st.tuples(st.just("touch"), st.none(), st.integers(0, 1), st.none()),
        st.tuples(st.just("break"), st.sampled_from("pqr"), st.integers(0, 1), st.none()),
    ),
    max_size=12,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_law_no_answer_that_the_disk_does_not_give(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, steps: list[Any]
) -> None:
    """Whatever is installed, removed, upgraded, rewritten in place or broken between two questions."""
    monkeypatch.setattr(time, "time_ns", look_back())
    place = Place(tmp_path_factory.mktemp("law"), monkeypatch)
    folders = [place.site, place.base / "second"]
    folders[1].mkdir()
    sys.path[:] = map(str, folders)
    inventory = Inventory(GROUP)  # it keeps its index from one question to the next
    for number, (step, name, where, what) in enumerate(steps):
        info = folders[where] / f"{name}-1.dist-info" if name is not None else None
        if step == "turn the path":
            sys.path.reverse()
        elif step == "touch":
            place.tick(folders[where])
        elif step == "add" and not info.exists():
            place.add(name, *[f"{each} = {name}{where}:C" for each in what], folder=folders[where])
        elif info is not None and info.exists() and step == "remove":
            shutil.rmtree(info)
            place.tick(folders[where])
        elif info is not None and info.exists() and step == "break":
            (info / "entry_points.txt").write_bytes(b"\xff")
        elif info is not None and info.exists() and b"\xff" not in (info / "entry_points.txt").read_bytes():
            text = (info / "entry_points.txt").read_text()
            kept = [line for line in text.splitlines() if not line.startswith(f"{what} =")]
            if step == "retarget" and len(kept) < len(text.splitlines()):
                kept.append(f"{what} = target{number}:C")
            (info / "entry_points.txt").write_text("\n".join(kept))
        for each in "abc":
            assert place.find(each) == truth(each)
            assert answer(inventory, each) == truth(each)


def test_an_inventory_keeps_its_index_as_long_as_it_holds(warm: Place) -> None:
    """Without reading the file again; what it points at is read each time; `refresh` and HY_NO_CACHE drop it."""
    inventory = Inventory(GROUP)
    assert answer(inventory, "a") == truth("a")
    warm.files()[0].unlink()
    other = warm.site / "other-1.dist-info"
    warm.write(other, "b", "a")
    assert answer(inventory, "a") != truth("a")  # the one known limit, by which the index can be seen at work
    inventory.refresh()
    assert answer(inventory, "a") == truth("a")

    warm.write(other, "b")
    assert answer(inventory, "a") == answer(inventory, "a") == truth("a")
    warm.write(warm.site / "one-1.dist-info", "a = elsewhere:C")
    assert answer(inventory, "a") == truth("a") != None  # noqa: E711
    (warm.site / "one-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: one\nVersion: 7\n")
    assert answer(inventory, "a") == truth("a")
    warm.write(warm.site / "one-1.dist-info", "c")
    assert answer(inventory, "a") is None is truth("a")


def test_an_inventory_learns_what_its_own_look_at_the_disk_has_found(warm: Place) -> None:
    """A name that is not there makes it look; the index of then is the one that it uses from then on."""
    inventory = Inventory(GROUP)
    assert answer(inventory, "a") == answer(inventory, "a") == truth("a")
    warm.write(warm.site / "other-1.dist-info", "b", "a")
    assert answer(inventory, "a") != truth("a")
    assert answer(inventory, "nothing of this name") is None
    assert answer(inventory, "a") == truth("a")


def test_one_look_at_the_inventory_is_of_one_moment(warm: Place) -> None:
    """What another one reads later changes nothing in it."""
    warm.write(warm.site / "one-1.dist-info", "a = old:C", "c = old:C")
    warm.tick()
    inventory = Inventory(GROUP)
    assert inventory.find("a") and inventory.find("c")
    first = inventory.snapshot()
    assert first.find("a").target == "old:C"
    warm.write(warm.site / "one-1.dist-info", "a = new:C", "c = new:C")
    second = inventory.snapshot()
    assert second.find("a").target == "new:C"
    assert first.find("c").target == "old:C"


def test_a_kept_index_is_not_used_without_the_cache(warm: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the moment on in which HY_NO_CACHE is set, or HY_HOME moves it."""
    inventory = Inventory(GROUP)
    assert answer(inventory, "a") == answer(inventory, "a") == truth("a")
    warm.write(warm.site / "other-1.dist-info", "b", "a")
    assert answer(inventory, "a") != truth("a")
    with monkeypatch.context() as patch:
        patch.setenv("HY_NO_CACHE", "1")
        assert answer(inventory, "a") == truth("a")
    with monkeypatch.context() as patch:
        patch.setenv("HY_HOME", str(warm.base / "moved"))
        assert answer(inventory, "a") == truth("a")


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A place with an index, for many examples."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time_ns", look_back())
        place = Place(tmp_path_factory.mktemp("fuzzed"), patch)
        place.add("one", "a")
        place.add("other", "b")
        place.add("third", "b")
        assert place.find("a") is not None
        yield place, place.files()[0], text_of(place)


@settings(max_examples=150)
@given(st.binary(max_size=12), st.floats(0, 1), st.integers(0, 40))
def test_law_a_damaged_file_is_not_believed(fuzzed: Any, piece: bytes, where: float, length: int) -> None:
    """Any piece of it replaced, cut out or put in."""
    place, file, whole = fuzzed
    start = int(where * len(whole))
    file.write_bytes(whole[:start] + piece + whole[start + length :])
    for name in ("a", "b", "c"):
        assert place.find(name) == truth(name)


LIES = st.lists(
    st.sampled_from(
        [
            "a",
            "b",
            "c",
            "one-1.dist-info",
            "other-1.dist-info",
            "third-1.dist-info",
            "../site/one-1.dist-info",
            "..",
            "0",
            "1",
            "-1",
            "99999",
            "\u0661",
            "x",
        ]
    )
    | st.text(max_size=5),
    max_size=9,
).map("\t".join)


@settings(max_examples=150)
@given(st.sampled_from(["=", "-", "?", "", "==", "x"]), st.lists(LIES, max_size=4), st.booleans())
def test_law_even_a_lie_leads_to_nothing_that_is_not_installed(
    fuzzed: Any, signs: str, lies: list[str], keep: bool
) -> None:
    """A file that is forged with care can hide a clash, but every claim is read from the installed file, or not made."""
    place, file, whole = fuzzed
    head, names = whole.split(b"\n\n")
    head = head.replace(b"\n=\n", f"\n{signs}\n".encode())
    forged = "\n".join(lies).encode("utf-8", "surrogatepass")
    file.write_bytes(reseal(b"".join([head, b"\n\n", forged, b"\n", names if keep else b""])))
    installed = [
        (entry.target, str(entry.version), str(entry.origin)) for entry in Inventory(GROUP).entries()
    ]
    for name in ("a", "b", "c"):
        found = place.find(name)
        assert (found is None) == (truth(name) is None)
        assert found is None or found == truth(name) or all(each in installed for each in found)
