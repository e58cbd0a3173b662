"""The table reporter's text, word for word."""

from __future__ import annotations

import re

from inspect_host import Finding, Page, Report, Section, Table
from inspect_plugins.table import TableConfig, render_tables

REPORT = Report(
    "some/tree",
    1234,
    56789,
    (
        Section(
            "Sizes",
            "One sentence about them, long enough that it does not fit the width of a line of this page.",
            Table(
                ("Module", "Code", "Share %"),
                (("pkg.sub.module", 12345, 66.67), ("other", 7, 0.04), ("third", 1, 0.0)),
            ),
            (
                Finding("a.py", 12, "is long"),
                Finding("b.py", 0, "[bold]is[/] empty"),
                Finding("c.py", 1, "x"),
            ),
        ),
        Section("Words", "Nothing to count.", Table(("A", "B"), (("left", "text " * 20),))),
        Section("Silence", "Found nothing.", Table(("A", "B"), ())),
    ),
    (Finding("broken.py", 3, "cannot be parsed: invalid syntax"),),
)


PLAIN = """\
some/tree: 1,234 files, 56,789 lines

SIZES
One sentence about them, long enough that it does not fit the width of a line of
this page.

Module            Code  Share %
───────────────────────────────
pkg.sub.module  12,345     66.7
other                7      0.0
  ... and 1 more (--top 0 shows all)

  a.py:12  is long
  b.py  [bold]is[/] empty
  ... and 1 more (--top 0 shows all)

WORDS
Nothing to count.

A     B
────────────────────────────────────────────────────────────────────────────────
left  text text text text text text text text text text text text text text text
      text text text text text

SILENCE
Found nothing.

FILES
1 problem with reading and parsing.

  broken.py:3  cannot be parsed: invalid syntax"""


def test_plain_text_at_80_columns() -> None:
    """Numbers flush right, long text wrapped, the first rows only, no blanks at the ends of lines."""
    assert render_tables(REPORT, Page(width=80, top=2), TableConfig()) == PLAIN


def test_what_is_missing_is_told_last() -> None:
    """Each extension in words that can be read alone, and all of them whatever is shown of the rest."""
    reasons = ("__EXT_a: it is [not] there", "__EXT_b: it requires '__EXT_a', which is set aside")
    text = render_tables(Report("tree", 1, 1, (), (), reasons), Page(top=1), TableConfig())
    assert text == (
        "tree: 1 file, 1 line\n\n"
        "MISSING\n2 optional extensions are set aside.\n\n"
        "  __EXT_a: it is [not] there\n"
        "  __EXT_b: it requires '__EXT_a', which is set aside"
    )


def test_colours_change_nothing_else() -> None:
    """On a terminal the same text has colours, without them none."""
    coloured = render_tables(REPORT, Page(width=80, top=2, colour=True), TableConfig())
    assert "\x1b[" in coloured
    plain = re.sub("\x1b\\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in plain.split("\n")] == PLAIN.split("\n")


def test_all_rows_can_be_shown() -> None:
    """Then nothing more is promised."""
    text = render_tables(REPORT, Page(top=0), TableConfig())
    assert "third" in text
    assert "c.py:1  x" in text
    assert "more" not in text


def test_findings_can_be_left_out() -> None:
    """But never what could not be inspected."""
    text = render_tables(REPORT, Page(), TableConfig(findings=False))
    assert "is long" not in text
    assert "broken.py:3" in text


def test_the_width_is_that_of_the_page_within_limits() -> None:
    """A wide terminal is not filled, a tiny one breaks lines by itself."""

    def width(page: int, config: TableConfig) -> int:
        return max(map(len, render_tables(REPORT, Page(width=page), config).split("\n")))

    assert width(300, TableConfig()) == 100
    assert width(300, TableConfig(max_width=60)) == 60
    assert width(5, TableConfig()) == 40
