"""The same report as Markdown: tables that GitHub reads, names that stay names."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from tests.report.cases import QUICK

from rampgate.report.blocks import Cell, Fact, Facts, Fold, Item, Items, Section, Spark, Table, Text, figures_of
from rampgate.report.dossier import Dossier
from rampgate.report.markdown import blocks_of, escaped, markdown
from rampgate.report.sections import hero, sections, title_of
from rampgate.report.words import not_checked

Tell = Callable[[str], Dossier]


@pytest.mark.parametrize("name", QUICK)
def test_every_case_is_told_with_every_section_picture_and_reason(name: str, tell: Tell) -> None:
    found = tell(name)
    text = markdown(title_of(found), sections(found), hero(found))
    lines = text.splitlines()
    for section in sections(found):
        assert f"## {section.title}" in lines
        for figure in figures_of(section.blocks):
            assert f"### {escaped(figure.title)}" in lines
            assert escaped(figure.finding) in lines
    for reason in found.decision.reasons:
        assert escaped(reason.message) in text
    unchecked = not_checked(found.decision.health)
    top = text.partition(f"## {next(sections(found)).title}")[0]
    assert (f"not checked**: {escaped(unchecked)}" in top) == bool(unchecked)
    assert found.decision.decision.upper() in lines[2]


@pytest.mark.parametrize("name", QUICK)
def test_every_table_has_as_many_cells_in_every_row(name: str, tell: Tell) -> None:
    found = tell(name)
    text = markdown(title_of(found), sections(found), hero(found))
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert len(tables) > 2
    for table in tables:
        rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in table.strip().splitlines()]
        assert len({len(row) for row in rows}) == 1, table[:200]
        assert all(re.fullmatch(r" -{3}:? ", cell) for cell in rows[1])


def test_no_name_becomes_markup(tell: Tell) -> None:
    found = tell("hostile")
    text = markdown(title_of(found), sections(found), hero(found))
    outside = re.sub(r"^    .*$|`[0-9a-f]+`", "", text, flags=re.MULTILINE)
    assert "<script" not in outside
    assert "<img" not in outside
    assert "&lt;script&gt;" in outside


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a|b", r"a\|b"),
        ("*x* _y_ `z`", r"\*x\* \_y\_ \`z\`"),
        ("<b>&amp;", "&lt;b&gt;&amp;amp;"),
        ("[link](http://x)", "\\[link\\](http&#8203;://x)"),
        ("two\nlines", "two lines"),
        ("# heading", r"\# heading"),
        ("1. item", r"1\. item"),
        ("- item", r"\- item"),
        ("@team", "&#64;team"),
        ("−5.5 to +1.0", "−5.5 to +1.0"),
    ],
)
def test_escaping(name: str, shown: str) -> None:
    assert escaped(name) == shown


def test_a_row_of_blocks_goes_from_the_least_to_the_greatest() -> None:
    assert blocks_of(Spark("x", (0.0, 1.0, None, 7.0))) == "▁▂ █"
    assert blocks_of(Spark("x", (None, None))) == ""
    assert blocks_of(Spark("x", (3.0, 3.0))) == "▅▅"
    long = blocks_of(Spark("x", tuple(float(i) for i in range(1000))))
    assert (len(long), long[0], long[-1]) == (60, "▁", "█")


def test_every_kind_of_block() -> None:
    blocks = (
        Text("words"),
        Items((Item("said", "label"), Item("plain"))),
        Facts((Fact("name", "ab", "note"), Fact("hash", "ff", code=True))),
        Fold("more", (Table.of("T", ("a", "#b"), [("x", Cell("1", note="n"))]),)),
    )
    assert markdown("Title", [Section("One", blocks)]) == (
        "# Title\n\n## One\n\nwords\n\n- **label**: said\n- plain\n\n- name: ab (note)\n- hash: `ff`\n\n"
        "### more\n\n*T*\n\n| a | b |\n| --- | ---: |\n| x | 1 (n) |\n"
    )
