"""The documentation site as `make docs` has built it: whole, without dead ends, and by itself."""

from __future__ import annotations

import json
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "build/site"
FRONT = "docs/index"
PAGES = sorted(
    str(page.relative_to(ROOT).with_suffix(""))
    for pattern in ("*.md", "docs/**/*.md", "examples/*/README.md")
    for page in ROOT.glob(pattern)
    if page.name != "README.md" or page.parent != ROOT  # that one is the front page of the repository
)
LOADING = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data"}


class Shown(HTMLParser):
    """What a page links to, what it loads, its anchors, and the targets of its navigation."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.navigation: set[str] = set()
        self.in_navigation = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if "sidebar-tree" in (given.get("class") or ""):
            self.in_navigation = True
        if found := given.get("id"):
            self.anchors.add(found)
        if tag == "a" and (found := given.get("href")):
            self.links.append(found)
            if self.in_navigation:
                self.navigation.add(found)
        if found := given.get(LOADING.get(tag, "")):
            self.loaded.append(found)

    def handle_endtag(self, tag: str) -> None:
        if tag == "aside":
            self.in_navigation = False


@cache
def shown(file: Path) -> Shown:
    return Shown(file.read_text("utf-8"))


def target(page: Path, link: str) -> Path:
    """The file that a link of a page leads to."""
    path = unquote(re.sub(r"[?#].*", "", link))
    return (page.parent / path).resolve() if path else page


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_in_the_site_and_its_navigation(name: str) -> None:
    """Wherever a reader is, the page is one click away; a new one is so without being listed anywhere."""
    page = SITE / f"{name}.html"
    for other in ("docs/index", "docs/reference/contract"):
        file = SITE / f"{other}.html"
        leads_to = {
            page if link == "#" else target(file, link)
            for link in shown(file).navigation
            if link != "#" or other == name
        }
        assert page in leads_to or name == FRONT, other
    assert page.is_file()


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name: str) -> None:
    """To a file of the site, and to a place that is in it."""
    page = SITE / f"{name}.html"
    for link in shown(page).links + shown(page).loaded:
        if re.match(r"https?:|data:", link):
            continue
        found = target(page, link)
        assert found.is_file(), link
        place = link.partition("#")[2]
        if place and found.suffix == ".html":
            assert place in shown(found).anchors, link


def test_nothing_is_loaded_from_elsewhere() -> None:
    """No font, no script, no picture, no counter: what a page needs lies beside it."""
    for file in SITE.rglob("*.html"):
        for address in shown(file).loaded:
            assert not re.match(r"(?!data:)(\w+:)?//|(?!data:)\w+:", address), f"{file.name}: {address}"
    for file in SITE.rglob("*.css"):
        for address in re.findall(r"url\(([^)]*)\)|@import ([^;]*)", file.read_text("utf-8")):
            assert "//" not in "".join(address).partition("data:")[0], f"{file.name}: {address}"


def test_nothing_tells_where_it_was_built() -> None:
    """No path of the machine, and no address of a package index."""
    for file in SITE.rglob("*"):
        if file.suffix in (".html", ".js", ".css", ".svg", ".inv", ".txt", ".py"):
            text = file.read_bytes().decode("utf-8", "replace")
            for told in (str(ROOT), str(Path.home()) + "/", "pypi.org", "/simple/"):
                assert told not in text, f"{file.relative_to(SITE)}: {told}"


def test_search_knows_every_page() -> None:
    """The index of Sphinx's own search, which a browser reads; and a word leads to the page that has it."""
    text = (SITE / "searchindex.js").read_text("utf-8")
    index = json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))
    assert sorted(index["docnames"]) == PAGES
    found = index["terms"]["requires_engin"]  # a stem
    named = [index["docnames"][number] for number in ([found] if isinstance(found, int) else found)]
    assert "docs/reference/contract" in named


@pytest.mark.parametrize("name", PAGES)
def test_every_page_tells_whose_it_is(name: str) -> None:
    """The line of the licence, at the foot."""
    line = re.search(r"Copyright (.*)", (ROOT / "LICENSE").read_text("utf-8"))
    assert line is not None
    text = re.sub(r"<[^>]*>|\s+", " ", (SITE / f"{name}.html").read_text("utf-8"))
    assert f"Copyright &#169; {line[1].removeprefix('(c) ')} · MIT License" in re.sub(r"\s+", " ", text)


def test_the_root_leads_to_the_front_page() -> None:
    """Whoever opens the folder arrives."""
    assert (SITE / f"{FRONT}.html").resolve() in {
        target(SITE / "index.html", link) for link in shown(SITE / "index.html").links
    }
