"""A comparison as a page: the answer, the numbers and the warnings of the value it is made of."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pandas as pd
import pytest
from tests.rollout.tables import tickets

import rampgate
from rampgate.errors import UsageError
from rampgate.report.comparison_page import hero, sections, write_comparison


def compared(**changes: object) -> rampgate.Comparison:
    return rampgate.compare(tickets(**changes), baseline="v1", candidate="v2")  # type: ignore[arg-type]


def words(page: str) -> str:
    """What a page says, without its scripts, styles and pictures."""
    bare = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", bare)).split())


@pytest.mark.parametrize("ending", [".html", ".md"])
@pytest.mark.parametrize(("harm", "word"), [(0.09, "WORSE"), (0.0, "NO DIFFERENCE SHOWN")])
def test_it_says_what_the_comparison_says(tmp_path: Path, ending: str, harm: float, word: str) -> None:
    found = compared(harm=harm)
    out = tmp_path / f"page{ending}"
    write_comparison(found, out)
    text = out.read_text("utf-8")
    said = words(text)
    assert word in said
    assert found.headline in said
    for row in found.metrics:
        assert row.sentence in said
    for note in found.notes:
        assert note.flag in said or not note.guessed
    assert "http" not in re.sub(r"http://www\.w3\.org/\S+|https://vega\S+", "", said)


def test_each_metric_has_a_picture_by_week_and_the_numbers_beside_it() -> None:
    found = compared(harm=0.09)
    weekly = next(section for section in sections(found) if section.title == "Week by week")
    figures = [weekly.blocks[0], *weekly.blocks[-1].figures]  # type: ignore[union-attr]
    assert [f.title for f in figures] == ["Weighted KPI", *(r.estimate.name for r in found.metrics[1:])]
    for figure in figures:
        assert figure.draw is not None
        assert len(figure.table.rows) == len(found.weeks)


def test_before_and_after_is_no_comparison(tmp_path: Path) -> None:
    before, after = tickets(days=14), tickets(days=14, start="2026-01-19", seed=2)
    before["version"], after["version"] = "v1", "v2"
    after["ticket"] = "N" + after["ticket"]
    frame = pd.concat([before, after])
    found = rampgate.compare(frame, baseline="v1", candidate="v2")
    assert hero(found).word == "CANNOT BE COMPARED"
    write_comparison(found, tmp_path / "page.html")
    assert "never ran on the same day" in words((tmp_path / "page.html").read_text("utf-8"))


def test_names_cannot_break_out_of_the_page(tmp_path: Path) -> None:
    frame = tickets(harm=0.09)
    frame["queue"] = frame["queue"].replace({"desk": "</script><script>alert(1)</script>"})
    write_comparison(rampgate.compare(frame, baseline="v1", candidate="v2"), tmp_path / "page.html")
    assert "<script>alert" not in (tmp_path / "page.html").read_text("utf-8")


def test_an_ending_that_is_no_page_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.html or \.md"):
        write_comparison(compared(), tmp_path / "page.pdf")
    assert list(tmp_path.iterdir()) == []
