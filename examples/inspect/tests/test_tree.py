"""Finding, naming, reading and parsing files; what cannot be read is told, not raised."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from inspect_host import Finding, Module
from inspect_host._tree import UnreadableError, find_modules, read_source


def write(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("", encoding="utf-8")


def names(root: Path) -> dict[str, str]:
    return {module.path: module.name for module in find_modules(str(root))[0]}


def test_modules_are_named_as_they_are_imported(tmp_path: Path) -> None:
    """From the outermost package on, or else from the root of the tree; ordered by path."""
    write(tmp_path, "a.py", "src/pkg/__init__.py", "src/pkg/sub/m.py", "tools/t.py", "readme.txt", "a.pyi")
    modules, problems = find_modules(str(tmp_path))
    assert modules == [
        Module("a", "a.py"),
        Module("pkg", "src/pkg/__init__.py", is_package=True),
        Module("pkg.sub.m", "src/pkg/sub/m.py"),
        Module("tools.t", "tools/t.py"),
    ]
    assert problems == []


def test_a_package_or_a_part_of_one_keeps_its_full_name(tmp_path: Path) -> None:
    """Whatever part of it is the tree to inspect."""
    write(tmp_path, "pkg/__init__.py", "pkg/sub/__init__.py", "pkg/sub/m.py")
    assert names(tmp_path / "pkg") == {
        "__init__.py": "pkg",
        "sub/__init__.py": "pkg.sub",
        "sub/m.py": "pkg.sub.m",
    }
    assert names(tmp_path / "pkg" / "sub") == {"__init__.py": "pkg.sub", "m.py": "pkg.sub.m"}
    assert names(tmp_path / "pkg" / "sub" / "m.py") == {"m.py": "pkg.sub.m"}


@pytest.mark.parametrize("spelling", ["{}/", "{}//", "{}/.", "{}/../tree"])
def test_the_spelling_of_the_tree_does_not_matter(tmp_path: Path, spelling: str) -> None:
    """As a shell completes it, or as a script composes it."""
    write(tmp_path / "tree", "a.py", "pkg/__init__.py", "pkg/sub/m.py")
    modules, _ = find_modules(spelling.format(tmp_path / "tree"))
    assert {module.path: module.name for module in modules} == {
        "a.py": "a",
        "pkg/__init__.py": "pkg",
        "pkg/sub/m.py": "pkg.sub.m",
    }


def test_other_peoples_code_is_left_out(tmp_path: Path) -> None:
    """Installed packages, caches, hidden folders and virtual environments."""
    write(
        tmp_path, "a.py", "site-packages/b.py", "__pycache__/c.py", ".git/d.py", "env/pyvenv.cfg", "env/e.py"
    )
    assert names(tmp_path) == {"a.py": "a"}


def test_a_file_is_decoded_as_it_says(tmp_path: Path) -> None:
    """By its mark or its coding line, and with one kind of line end."""
    (tmp_path / "a.py").write_bytes("# coding: latin-1\r\nx = 'é'\ry = 1".encode("latin-1"))
    (tmp_path / "b.py").write_bytes(b"\xef\xbb\xbfx = 1\n")
    file, problems = read_source(str(tmp_path), Module("a", "a.py"))
    assert (file.text, file.lines, problems) == (
        "# coding: latin-1\nx = 'é'\ny = 1",
        file.text.split("\n"),
        (),
    )
    assert read_source(str(tmp_path), Module("b", "b.py"))[0].lines == ["x = 1"]
    assert read_source(str(tmp_path / "b.py"), Module("b", "b.py"))[0].lines == ["x = 1"]


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (b"x = 1\ny = (", 2, "cannot be parsed: '(' was never closed"),
        (b"x = '\x00'\n", 0, "cannot be parsed: source code"),
        (b"# coding: nothing-known\n", 0, "cannot be decoded: unknown encoding: nothing-known"),
        (b"# coding: hex\n", 0, "cannot be decoded: 'hex' is not a text encoding"),
        (b"x = 1\n\n# \xff\n", 0, "cannot be decoded: 'utf-8' codec can't decode byte 0xff"),
        (b"x = " + b"(" * 300 + b")" * 300, 1, "cannot be parsed: too many nested parentheses"),
    ],
)
def test_a_broken_file_is_a_finding(tmp_path: Path, content: bytes, line: int, message: str) -> None:
    """With its line, where Python tells one."""
    (tmp_path / "broken.py").write_bytes(content)
    with pytest.raises(UnreadableError) as caught:
        read_source(str(tmp_path), Module("broken", "broken.py"))
    finding = caught.value.finding
    assert (finding.path, finding.line) == ("broken.py", line)
    assert finding.message.startswith(message)


def test_what_is_no_readable_file_is_a_finding(tmp_path: Path) -> None:
    """A broken link is; so is a pipe, which would be waited for."""
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.py")
    found: list[Finding] = []
    for module in find_modules(str(tmp_path))[0]:
        with pytest.raises(UnreadableError) as caught:
            read_source(str(tmp_path), module)
        found.append(caught.value.finding)
    assert found == [
        Finding("gone.py", 0, "cannot be read: No such file or directory"),
        Finding("pipe.py", 0, "cannot be read: not a regular file"),
    ]


def test_a_folder_that_cannot_be_listed_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of the tree is inspected all the same."""
    write(tmp_path, "a.py", "closed/b.py")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    modules, problems = find_modules(str(tmp_path))
    assert [module.path for module in modules] == ["a.py"]
    assert problems == [Finding("closed", 0, "cannot be listed: Permission denied")]


def test_what_the_compiler_warns_about_is_told(tmp_path: Path) -> None:
    """Once, as a problem of a file that is inspected all the same, whatever the filters of the process."""
    (tmp_path / "a.py").write_text("x = 1\ny = '\\d'\n", encoding="utf-8")
    _, problems = read_source(str(tmp_path), Module("a", "a.py"))
    assert [(problem.path, problem.line) for problem in problems] == [("a.py", 2)]
    assert "Warning: invalid escape sequence" in problems[0].message
