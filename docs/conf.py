"""The documentation site, which `make docs` builds into `build/site`: Sphinx, MyST and Furo.

The pages are plain Markdown. Sphinx reads them where they lie in the repository, so that every relative link leads to
the same place here and there; what only Sphinx knows (navigation, captions of files) is added while it reads.
"""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[1]
FRONT = "docs/index"

# What stands in the navigation, in this order: a page is there because of where it lies. One that is named comes first.
SECTIONS = {
    "Tutorials": ("docs/tutorials/write-a-plugin.md", "docs/tutorials/*.md"),
    "How to": ("docs/how-to/*.md",),
    "Reference": ("docs/reference/contract.md", "docs/reference/*.md"),
    "Explanation": ("docs/explanation/*.md",),
    "Examples": ("examples/*/README.md",),
    "The project": ("CHANGELOG.md", "CONTRIBUTING.md"),
}

COLOURS = {
    "color-brand-visited": "var(--color-brand-content)",
    "color-sidebar-link-text--top-level": "var(--color-foreground-secondary)",
    "font-stack": 'system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif',  # what the reader's system has
}


def pages(patterns: tuple[str, ...]) -> list[Path]:
    """The pages of a section, each once: in the order of the patterns, and of their titles."""
    found = [page for each in patterns for page in sorted(ROOT.glob(each), key=title_of)]
    return list(dict.fromkeys(found))


def title_of(page: Path) -> str:
    """The title as it stands in the navigation, where the section says "How to" already."""
    title = page.read_text("utf-8").partition("\n")[0].removeprefix("# ").removeprefix("How to ")
    return title[0].upper() + title[1:].replace("`", "")


def navigation() -> str:
    blocks: list[str] = []
    for caption, patterns in SECTIONS.items():
        entries = [f"{title_of(page)} </{name_of(page)}>" for page in pages(patterns)]
        blocks.append(
            "\n".join(["", "```{toctree}", ":hidden:", f":caption: {caption}", "", *entries, "```", ""])
        )
    return "".join(blocks)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).with_suffix("").as_posix()


def read(app: Sphinx, name: str, content: list[str]) -> None:
    """Adds the navigation to the front page, and shows what a file of an example is called."""
    content[0] = re.sub(
        r'^```(\w+) title="([^"]+)"$', r"```{code-block} \1\n:caption: \2", content[0], flags=re.MULTILINE
    )
    if name == FRONT:
        content[0] += navigation()


def setup(app: Sphinx) -> None:
    app.connect("source-read", read)


project = "Hyperion"
project_copyright = " ".join(
    re.findall(r"^Copyright \(c\) (.+)$", (ROOT / "LICENSE").read_text("utf-8"), re.MULTILINE)
)
project_copyright += " · MIT License"
extensions = ["myst_parser"]
root_doc = FRONT
include_patterns = [f"{FRONT}.md", *(pattern for patterns in SECTIONS.values() for pattern in patterns)]
exclude_patterns = [  # not looked into
    each.name for each in ROOT.iterdir() if each.is_dir() and each.name not in ("docs", "examples")
]
nitpicky = True
myst_heading_anchors = 6  # as on GitHub, for links to a part of a page
myst_links_external_new_tab = False

html_theme = "furo"
html_title = "Hyperion"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = html_logo = "_static/hyperion.svg"
html_theme_options = {
    "light_css_variables": COLOURS | {"color-brand-primary": "#a35a00", "color-brand-content": "#8f4f00"},
    "dark_css_variables": COLOURS | {"color-brand-primary": "#f0a94e", "color-brand-content": "#f0b566"},
}
html_additional_pages = {"index": "to-the-front.html"}
templates_path = ["_templates"]
html_copy_source = False
html_show_sourcelink = False
html_use_index = False  # of what Sphinx collects from sources; the page of every public name is ours
pygments_style = "friendly"
pygments_dark_style = "monokai"
