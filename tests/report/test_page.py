"""The page: self-contained, under a strict policy, the same bytes for the same ledger, and true to the decision."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.report.cases import BREAKOUT, CASES, QUICK, SCRIPT, told
from tools.make_vega import TARGET, bundle

from rampgate.ledger import Ledger
from rampgate.report.blocks import Cell, Figure, Figures, Section, Table, Text, figures_of
from rampgate.report.dossier import Dossier, dossier
from rampgate.report.page import BUNDLE, dated, page, render
from rampgate.report.palette import COLOURS, properties, themed, themed_svg
from rampgate.report.sections import hero, sections

ROOT = Path(__file__).parents[2]
LIMIT = 1_500_000


class Parts(HTMLParser):
    """Every element with its attributes, and what stands inside scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: list[tuple[str, dict[str, str | None], str]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.inside = tag
        if tag in ("script", "style"):
            self.raw.append((tag, dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside in ("script", "style"):
            tag, attrs, text = self.raw[-1]
            self.raw[-1] = (tag, attrs, text + data)
        else:
            self.words.append(data)

    inside = ""


Pages = Callable[[str], tuple[Dossier, str]]
_MADE: dict[str, str] = {}


@pytest.fixture
def pages(tell: Callable[[str], Dossier]) -> Pages:
    def made(name: str) -> tuple[Dossier, str]:
        if name not in _MADE:
            _MADE[name] = page(tell(name))
        return tell(name), _MADE[name]

    return made


def digest(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def unpacked(text: str) -> str:
    return gzip.decompress(base64.b64decode(text)).decode()


def specs_of(text: str) -> str:
    """Every specification of a page's pictures, as JSON."""
    return "".join(unpacked(body) for _, attrs, body in Parts(text).raw if attrs.get("id") == "specs")


@pytest.mark.parametrize("name", QUICK)
def test_the_policy_names_every_script_and_style_by_its_hash_and_nothing_else(pages: Pages, name: str) -> None:
    parts = Parts(pages(name)[1])
    [policy] = [str(a["content"]) for tag, a in parts.elements if a.get("http-equiv", "") == "Content-Security-Policy"]
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split(";")}
    assert rules["default-src"] == ["'none'"]
    run = [text for tag, attrs, text in parts.raw if tag == "script" and "type" not in attrs]
    # Specifications travel packed too, and may not run.
    library = [unpacked(text) for tag, attrs, text in parts.raw if attrs.get("id") == "vega"]
    assert set(rules["script-src"]) == {digest(text) for text in [*run, *library]}
    assert set(rules["style-src"]) == {digest(text) for tag, _, text in parts.raw if tag == "style"}
    assert set(rules) == {"default-src", "script-src", "style-src", "img-src", "base-uri", "form-action"}
    assert (rules["img-src"], rules["base-uri"], rules["form-action"]) == (["data:"], ["'none'"], ["'none'"])
    types = {attrs["type"] for tag, attrs, _ in parts.raw if "type" in attrs}
    assert types <= {"application/gzip"}


@pytest.mark.parametrize("name", QUICK)
def test_nothing_is_fetched_and_nothing_stands_inline(pages: Pages, name: str) -> None:
    parts = Parts(pages(name)[1])
    for tag, attrs in parts.elements:
        assert tag not in ("img", "iframe", "object", "embed", "base", "form", "audio", "video"), tag
        assert not [key for key in attrs if key.startswith("on") or key in ("style", "src", "srcset", "action")], attrs
        assert str(attrs.get("href", "#")).startswith(("#", "data:")), attrs


@pytest.mark.parametrize("name", QUICK)
def test_ids_are_unique_and_every_link_and_label_has_its_target(pages: Pages, name: str) -> None:
    parts = Parts(pages(name)[1])
    ids = [attrs["id"] for _, attrs in parts.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    wanted = [str(attrs["href"])[1:] for tag, attrs in parts.elements if tag == "a"]
    wanted += [str(attrs["aria-labelledby"]) for _, attrs in parts.elements if "aria-labelledby" in attrs]
    wanted += re.findall(r"url\(#([^)]+)\)", pages(name)[1])
    assert set(wanted) <= set(ids)


@pytest.mark.parametrize("name", QUICK)
def test_every_picture_says_what_it_shows_and_has_its_numbers(pages: Pages, name: str) -> None:
    found, text = pages(name)
    told_of = {f"{f.title}. {f.finding}" for s in sections(found) for f in figures_of(s.blocks) if f.draw is not None}
    drawn = [attrs for tag, attrs in Parts(text).elements if tag == "svg"]
    assert {attrs["aria-label"] for attrs in drawn} == told_of
    assert {attrs["role"] for attrs in drawn} <= {"img"}
    specs = json.loads(specs_of(text) or "[]")
    assert {spec["width"] for spec in specs} <= {"container"}
    places = [int(str(attrs["data-spec"])) for _, attrs in Parts(text).elements if "data-spec" in attrs]
    assert sorted(places) == list(range(len(specs)))  # each belongs to one picture
    tables = [a for tag, a in Parts(text).elements if tag == "th" and a.get("scope") not in ("row", "col")]
    assert tables == []


@pytest.mark.parametrize("name", QUICK)
def test_a_page_is_small(pages: Pages, name: str) -> None:
    assert len(pages(name)[1].encode()) < LIMIT


def test_a_year_of_days_with_forty_segments_and_twelve_metrics_is_still_small(tmp_path: Path) -> None:
    text = page(told("year", tmp_path))
    assert 1_000_000 < len(text.encode()) < LIMIT


def test_the_same_ledger_gives_the_same_bytes(pages: Pages, tmp_path: Path) -> None:
    found, text = pages("hostile")
    assert page(found) == text
    book = CASES["go"](tmp_path)
    assert page(dossier(book, "triage")) == page(dossier(Ledger.open(tmp_path / "rampgate.db"), "triage"))


def test_names_are_shown_and_never_run(pages: Pages) -> None:
    found, text = pages("hostile")
    assert found.decision.decision == "rollback"
    words = " ".join(Parts(text).words)
    assert SCRIPT in words
    assert BREAKOUT in words
    assert "1237*1213" in words
    assert str(1237 * 1213) not in words
    scripts = [body for tag, attrs, body in Parts(text).raw if tag == "script" and "type" not in attrs]
    assert len(scripts) == 1
    assert "alert" not in scripts[0]
    # A name that looks like a colour of the palette stays a name.
    assert '"segment":"#1a5fb4"' in specs_of(text)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("no_candidate", "no row of the candidate 'v2' was seen before this look"),
        ("no_period", "no period is complete since the candidate's first row"),
        ("point", "This policy compares plain thresholds (evidence: point)"),
        ("error", "are not of its kind"),
        ("hold", "5000 candidate units with known"),
        ("third_variant", "neither baseline nor candidate"),
        ("second_attempt", "Earlier attempts"),
        ("number", "minutes"),
    ],
)
def test_what_cannot_be_shown_is_said(pages: Pages, name: str, says: str) -> None:
    _, text = pages(name)
    words = html.unescape(re.sub(r"</?time>", "", text))
    assert says in words


@pytest.mark.parametrize("name", QUICK)
def test_verdict_traffic_and_first_reason_come_first(pages: Pages, name: str) -> None:
    found, text = pages(name)
    words = re.sub(r"\s+", " ", " ".join(Parts(re.sub(r"</?time>", "", text)).words))
    d = found.decision
    todo = {
        "go": "Raise",
        "hold": "Keep",
        "rollback": "Keep" if len(found.decisions) > 15 else "Take",
        "complete": "The",
    }
    # As a sentence it begins with a capital, unless it begins with a name.
    why = d.reasons[0].message[1:]
    places = [words.index(part) for part in (d.decision.upper(), todo[d.decision], why)]
    assert places == sorted(places)
    assert places[-1] < words.index("Week by week")


def test_the_numbers_of_a_page_are_the_decisions(pages: Pages) -> None:
    found, text = pages("rollback")
    d = found.decision
    assert hero(found).facts[1].value == f"{100 * d.kpi.difference:+.1f} points".replace("-", "−")  # type: ignore[operator]
    [sizes] = [s for s in sections(found) if s.title == "Sizes"]
    table = sizes.blocks[0]
    assert isinstance(table, Table)
    for row, m in zip(table.rows, d.metrics, strict=False):
        assert [c.text for c in row[1:3]] == [f"{m.n_baseline:,}", f"{m.n_candidate:,}"]
        assert [c.text for c in row[3:5]] == [f"{100 * x:.1f} %" for x in (m.baseline, m.candidate) if x is not None]
    for value in (d.policy_sha256, d.decision_id, d.previous_sha256):
        assert f"<code>{value}</code>" in text


def test_a_decision_that_is_not_recomputed_to_the_same_is_said(pages: Pages) -> None:
    import dataclasses

    found, text = pages("go")
    assert "the same decision, in every number" in text
    recorded = {**found.entry["decision"], "decision": "hold"}
    other = dataclasses.replace(found, entry={**found.entry, "decision": recorded})
    assert "the decision is not the recorded one" in page(other)
    older = dataclasses.replace(other, versions={**found.versions, "statistics": 0})
    assert "other statistics than the one that decided" in page(older)


def test_a_page_of_any_sections_needs_no_verdict_and_no_library_without_pictures() -> None:
    table = Table.of("Weeks", ("week", "#KPI"), [("1", Cell("0.5", "go", "note"))])
    text = render("Two versions", [Section("What differs", (Text("Nothing."), table, Figures(())))])
    assert "<h1>Two versions</h1>" in text
    assert 'id="what-differs"' in text
    assert len(text) < 30_000
    assert "application/gzip" not in text


def test_a_figure_without_a_picture_says_why() -> None:
    text = render("Empty", [Section("One", (Figure("KPI", "Nothing to show yet, because it is early.", None),))])
    assert "because it is early" in text
    assert "<svg" not in text


# --- the library and the colours --------------------------------------------------------


def test_the_shipped_library_is_what_the_locked_converter_makes() -> None:
    packed = TARGET.read_bytes()
    assert TARGET.name == BUNDLE
    assert packed[4:8] == b"\0\0\0\0", "made without a time stamp"
    assert gzip.decompress(packed).decode() == bundle(), "run `make vega`"


def test_the_librarys_licence_stands_in_the_notice() -> None:
    notice = (ROOT / "NOTICE").read_text("utf-8")
    assert "src/rampgate/report/vega.js.gz" in notice
    assert "Redistributions in binary form must reproduce the above copyright notice" in " ".join(notice.split())


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, relative luminance and contrast ratio."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_stand_out_from_what_they_are_on(theme: str) -> None:
    colour = {c.name: getattr(c, theme) for c in COLOURS}
    words = ("ink", "muted", "go", "hold", "rollback", "complete", "candidate")
    for name in words:
        for ground in ("paper", "panel"):
            assert contrast(colour[name], colour[ground]) >= 4.5, (name, ground)
    for name in ("go", "hold", "rollback", "complete"):
        for word in (name, "ink", "muted"):
            assert contrast(colour[word], colour[f"{name}-wash"]) >= 4.5, (word, name)
    # Lines of a picture need 3 to 1.
    assert contrast(colour["baseline"], colour["paper"]) >= 3


def test_colours_are_told_apart_and_only_paint_is_replaced() -> None:
    assert len({c.light for c in COLOURS}) == len(COLOURS)
    ink = COLOURS[0]
    assert themed_svg(f'<text fill="{ink.light}">{ink.light}</text>') == f'<text fill="var(--ink)">{ink.light}</text>'
    spec = {"mark": {"color": ink.light}, "datasets": {"a": [{"x": ink.light}]}, "list": [ink.light, 1]}
    assert themed(spec) == {
        "mark": {"color": "var(--ink)"},
        "datasets": {"a": [{"x": ink.light}]},
        "list": ["var(--ink)", 1],
    }
    assert f"--ink: {ink.dark};" in properties(dark=True)


def test_what_is_waited_for_last_is_said_with_its_date(pages: Pages) -> None:
    found, _ = pages("hold")
    d = found.decision
    tile = hero(found).facts[-1]
    latest = max(w.expected_at for w in d.waiting_for if w.expected_at is not None)
    assert len(d.waiting_for) == 2
    assert (tile.name, tile.value) == ("Waits until", f"{latest:%Y-%m-%d}")
    assert "5000" in tile.note
    unknown, _ = pages("no_candidate")
    assert hero(unknown).facts[-1].value == "not known"
    assert hero(unknown).facts[0].value == "30 %"


def test_dates_and_percentages_stay_on_one_line_and_names_are_escaped() -> None:
    text = "<b> is at 94.7 % since 2026-01-05"
    assert dated(text) == "&lt;b&gt; is at 94.7\N{NO-BREAK SPACE}% since <time>2026-01-05</time>"


def test_parts_are_read_in_the_order_in_which_people_ask(pages: Pages) -> None:
    _, text = pages("times")
    told = re.findall(r'<h2 id="[^"]*">([^<]*)</h2>', text)
    asked = ["Week by week", "Evidence of harm", "Effect so far", "Still open", "Segments", "Traffic and decisions"]
    assert told[told.index("Week by week") :][: len(asked)] == asked
