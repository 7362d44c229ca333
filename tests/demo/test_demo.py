"""The story of the demo, as its ledger tells it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.rollout.tables import POLICY, tickets

import rampgate
from rampgate.demo.acts import BROKEN_CATEGORIES, HASH, broken
from rampgate.demo.story import tell
from rampgate.demo.tickets import assign, load, share
from rampgate.errors import UsageError
from rampgate.incident.review import parse
from rampgate.judge.decision import Decision
from rampgate.ledger import Ledger, canonical, verify
from rampgate.report.pooled import pooled
from rampgate.rollout.evaluate import decision_of, recompute
from rampgate.rollout.incidents import incidents
from rampgate.rollout.told import facts_of


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    folder = tmp_path_factory.mktemp("demo")
    tell(folder)
    return Ledger.open(folder / "rampgate.db", create=False)


def decisions(book: Ledger, act: str) -> list[Decision]:
    return [decision_of(record) for record in book.records(act)]


def test_act_one_goes_on_phase_by_phase_to_the_end(book: Ledger) -> None:
    looks = decisions(book, "act-one")
    assert [d.phase.traffic for d in looks if d.decision == "go"] == [0.10, 0.25, 0.50]
    assert looks[-1].decision == "complete"
    assert {d.decision for d in looks} == {"go", "hold", "complete"}


def test_a_pooled_comparison_is_fooled_in_both_directions(book: Ledger) -> None:
    verdicts = [p.verdict() for d in decisions(book, "act-one") if (p := pooled(d, "met_sla"))]
    assert verdicts.index("worse") < verdicts.index("better")


def test_act_two_holds_then_rolls_back_naming_metric_onset_and_segment(book: Ledger) -> None:
    looks = decisions(book, "act-two")
    last = looks[-1]
    assert last.decision == "rollback"
    held = [d for d in looks if d.decision == "hold" and "segment" in {r.code for r in d.reasons}]
    assert held
    assert held[0].as_of < last.as_of
    reason = last.reasons[0]
    assert (reason.code, reason.metric) == ("rollback", "met_sla")
    assert any(category in reason.message for category in BROKEN_CATEGORIES)
    # The regression begins with the 50 % phase; the onset is found within the week.
    since = last.phase.since
    onset = next(c.onset for c in last.criteria if c.id == "rollback:met_sla")
    assert since is not None
    assert onset is not None
    assert 0 <= (last.as_of.fromisoformat(onset) - since.replace(tzinfo=None)).days <= 7


def test_the_ledger_verifies_and_every_decision_can_be_recomputed(book: Ledger) -> None:
    records = list(book.records())
    assert verify(records) == len(records)
    for record in records[::5]:
        assert canonical(recompute(record, book).content()) == canonical(record.entry()["decision"])


def test_the_demo_leaves_the_rollback_on_one_page(book: Ledger) -> None:
    page = (book.path.parent / "report.html").read_text("utf-8")
    last = decisions(book, "act-two")[-1]
    assert f"<code>{last.decision_id}</code>" in page
    assert "Take the candidate back to 0 % of traffic" in page


def test_the_demo_ends_with_its_incident_and_the_draft_of_its_review(book: Ledger) -> None:
    (one,) = incidents(book).found.values()
    last = decisions(book, "act-two")[-1]
    assert (one.rollout, one.state, one.rolled_back and one.rolled_back.record) == ("act-two", "open", last.decision_id)
    draft = (book.path.parent / "review.md").read_text("utf-8")
    assert one.id in draft
    with pytest.raises(UsageError, match="the section 'Root causes' says nothing"):
        parse(draft, "review.md")
    page = (book.path.parent / "report.html").read_text("utf-8")
    assert "Incidents and reviews" in page
    assert one.short in page


def test_the_harm_that_the_incident_tells_is_that_which_was_done(book: Ledger) -> None:
    """The demo knows which tickets it broke; the gate has only seen the table."""
    (one,) = incidents(book).found.values()
    facts = facts_of(book, one)
    assert facts is not None
    last = decisions(book, "act-two")[-1]
    begin, end, held = str(last.phase.since)[:10], str(last.look)[:10], one.opened[:10]
    given = [a for t in load() if begin <= t.day.isoformat() < end for a in assign([t], 0.5, HASH)]
    done = [a.day.isoformat() for a in given if broken(a, 3).met_sla != a.met_sla]
    told = {h.since: h for h in facts.harmed if h.metric == "met_sla" and h.segment is None}
    for since, truth in (("phase", len(done)), ("hold", sum(day >= held for day in done))):
        found = told[since]
        assert found.lower is not None
        assert found.upper is not None
        assert found.lower <= truth <= found.upper
    assert facts.onset is not None
    assert facts.onset.lower <= begin <= facts.onset.upper
    assert next(e.units for e in facts.exposed if e.since == "phase") == sum(a.variant == "candidate" for a in given)


def test_the_demo_overwrites_no_page_but_its_own(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("mine")
    with pytest.raises(UsageError, match="not the demo's"):
        tell(tmp_path)
    assert (tmp_path / "report.html").read_text() == "mine"


def test_tickets_are_those_of_the_log_and_their_share_is_stable() -> None:
    assert len(load()) == 11774
    # printf %s "rampgate demo:INC0000045" | sha256sum | cut -c1-16
    assert share("rampgate demo:INC0000045") == 0x8D85C6C78935051D / 2**64
    assert 0.09 < sum(share(f"rampgate demo:{t.number}") < 0.1 for t in load()) / 11774 < 0.11


def test_the_demo_clears_its_own_ledger_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rampgate.demo.story.load", lambda: load()[:300])
    tell(tmp_path)
    tell(tmp_path)
    assert len(list(Ledger.open(tmp_path / "rampgate.db").records())) == 2
    rampgate.check(POLICY, events=tickets(), as_of="2026-01-08", ledger=tmp_path / "rampgate.db")
    with pytest.raises(UsageError, match="not overwritten"):
        tell(tmp_path)
