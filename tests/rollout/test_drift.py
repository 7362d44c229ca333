"""Drift from a table of tickets to a decision and its record."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.rollout.tables import POLICY, tickets

import rampgate
from rampgate.errors import ColumnError, DataError, PolicyError, SourceError, UsageError
from rampgate.judge.drift_words import too_few
from rampgate.ledger import Ledger, canonical, verify
from rampgate.rollout.drift import drift_of
from rampgate.rollout.evaluate import recompute
from rampgate.rollout.verify import verify_ledger

START = "2026-01-05"


def scored(weeks: int = 3, history: int = 3, per_day: int = 200, seed: int = 1, **moved: Any) -> pd.DataFrame:
    """Tickets with a score: ``history`` weeks of the baseline alone, then both arms.

    ``world`` is added to every score from the start on, ``candidate`` to the candidate's.
    """
    rng = np.random.default_rng(seed)
    days = 7 * (history + weeks)
    frame = tickets(
        days, per_day, traffic=0.3, seed=seed, start=str(date.fromordinal(date(2026, 1, 5).toordinal() - 7 * history))
    )
    past = frame.opened_at < START
    frame.loc[past, "version"] = "v1"
    score = rng.normal(0, 1, len(frame))
    frame["score"] = score + ~past * moved.get("world", 0.0) + (frame.version == "v2") * moved.get("candidate", 0.0)
    frame["channel"] = rng.choice(["mail", "phone", "chat"], len(frame), p=[0.6, 0.3, 0.1])
    return frame


def watching(**section: Any) -> dict[str, Any]:
    return {**POLICY, "drift": {"columns": {"score": {}}, **section}}


def look(frame: pd.DataFrame, policy: dict[str, Any], as_of: str = "2026-01-19", ledger: Ledger | None = None) -> Any:
    return rampgate.check(policy, events=frame, as_of=as_of, ledger=ledger)


def said(decision: Any, code: str = "drift") -> list[tuple[str, str]]:
    return [(reason.verdict, reason.message) for reason in decision.reasons if reason.code == code]


@pytest.fixture
def book(tmp_path: Path) -> Ledger:
    return Ledger.open(tmp_path / "rampgate.db")


def test_the_date_of_the_history_is_monday() -> None:
    assert scored(1, 3).opened_at.min().date() == date(2025, 12, 15)


def test_where_nothing_moved_the_rollout_goes_on() -> None:
    decision = look(scored(), watching(columns={"score": {}, "channel": {}, "override": {}}))
    assert decision.decision == "go"
    assert said(decision) == []
    rows = {(row.column, row.variant): row for row in decision.drift}
    assert {v for _, v in rows} == {"v1", "v2"}
    assert {row.kind for row in rows.values()} == {"numeric", "categorical"}
    assert all(row.verdict == "PASS" and row.window == "2026-W03" for row in rows.values())


def test_when_the_world_moves_the_rollout_holds_and_says_whose_it_is() -> None:
    decision = look(scored(world=1.0), watching())
    assert decision.decision == "hold"
    [(verdict, message)] = said(decision)
    assert verdict == "FAIL"
    assert "in both versions: the world has moved" in message
    assert {row.whose for row in decision.drift} == {"both"}
    [wait] = [w for w in decision.waiting_for if "near its reference" in w.what]
    assert wait.expected_at is not None
    assert wait.expected_at.date() == date(2026, 1, 26)


def test_when_the_candidate_moves_it_is_the_candidates() -> None:
    decision = look(scored(candidate=1.0), watching())
    assert decision.decision == "hold"
    assert "in the candidate alone" in said(decision)[0][1]
    rows = {row.variant: row for row in decision.drift}
    assert (rows["v2"].verdict, rows["v2"].whose, rows["v1"].verdict) == ("FAIL", "candidate", "PASS")


@pytest.mark.parametrize(("moved", "expected"), [({"candidate": 1.0}, "rollback"), ({"world": 1.0}, "hold")])
def test_it_rolls_back_only_where_the_policy_says_so_and_the_candidate_alone_moved(moved, expected) -> None:
    assert look(scored(**moved), watching(rollback=True)).decision == expected


def test_an_arm_that_is_too_small_to_tell_is_said_and_does_not_hold() -> None:
    frame = scored(per_day=200)
    rng = np.random.default_rng(2)
    few = (frame.version == "v2") & (rng.random(len(frame)) < 0.95)
    frame.loc[few, "version"] = "v1"
    policy = {
        **watching(columns={"score": {"psi": 0.05}}),
        "phases": [{"traffic": "1.5%", "minimum_units": 0}, {"traffic": 1}],
    }
    decision = look(frame, policy)
    small = next(row for row in decision.drift if row.variant == "v2")
    assert small.units < 60
    assert small.verdict == "INCONCLUSIVE"
    assert [verdict for verdict, _ in said(decision)] == ["INCONCLUSIVE"]
    assert "too few units to say" in said(decision)[0][1]
    assert decision.decision == "go"


def test_before_the_first_complete_window_nothing_is_known() -> None:
    decision = look(scored(), watching(), as_of="2026-01-09")
    assert (decision.decision, decision.drift) == ("hold", ())
    assert said(decision) == [("NO_DATA", "no complete window yet in which score could have moved")]
    [wait] = [w for w in decision.waiting_for if w.what == "the first complete window"]
    assert wait.expected_at is not None
    assert wait.expected_at.date() == date(2026, 1, 12)


def test_a_partial_window_is_not_used() -> None:
    frame = scored()
    late = frame.opened_at >= "2026-01-19"
    frame.loc[late, "score"] += 3.0
    assert [row.window for row in look(frame, watching(), as_of="2026-01-22").drift] == ["2026-W03"] * 2
    assert look(frame, watching(), as_of="2026-01-26").drift[0].verdict == "FAIL"


def test_a_window_that_is_near_again_no_longer_holds() -> None:
    frame = scored(4)
    bad = (frame.opened_at >= "2026-01-12") & (frame.opened_at < "2026-01-19")
    frame.loc[bad, "score"] += 2.0
    assert look(frame, watching(), as_of="2026-01-19").decision == "hold"
    assert look(frame, watching(), as_of="2026-01-26").decision == "go"


def test_without_history_there_is_no_reference_and_the_remedy_is_said() -> None:
    decision = look(scored(history=0), watching())
    assert decision.decision == "hold"
    [(verdict, message)] = said(decision)
    assert verdict == "NO_DATA"
    assert "no row of the baseline before the start" in message
    assert "under drift.reference" in message


@pytest.mark.parametrize("rows", [3, 8, 20, 40])
@pytest.mark.parametrize("world", [0.0, 1.0])
def test_a_reference_too_small_to_tell_anything_by_holds(rows, world) -> None:
    frame = scored(world=world)
    past = frame.opened_at < START
    few = pd.concat([frame[past].sample(rows, random_state=1), frame[~past]])
    decision = look(few, watching())
    assert decision.decision == "hold"
    [(verdict, message)] = said(decision)
    if verdict != "FAIL":
        assert verdict == "NO_DATA"
        assert f"the reference of score has too few units ({rows})" in message
        assert {row.verdict for row in decision.drift} == {"NO_DATA"}
    assert verdict == "NO_DATA" or world


def test_the_smaller_side_is_named_where_chance_may_be_why() -> None:
    row = replace(look(scored(), watching()).drift[0], over=("psi",))
    assert "and v2 has too few units to say (40)" in too_few(replace(row, units=40, reference_units=5000))
    assert "and its reference has too few units to say (40)" in too_few(replace(row, units=5000, reference_units=40))


@pytest.mark.parametrize("column", ["score", "channel"])
def test_a_column_that_is_all_null_in_a_window_is_no_data(column) -> None:
    frame = scored()
    frame.loc[frame.opened_at >= "2026-01-12", column] = None
    decision = look(frame, watching(columns={column: {}}))
    assert decision.decision == "hold"
    assert said(decision)[0][0] == "NO_DATA"


def test_more_missing_values_hold() -> None:
    frame = scored()
    rng = np.random.default_rng(3)
    frame.loc[(frame.opened_at >= START) & (rng.random(len(frame)) < 0.2), "score"] = np.nan
    decision = look(frame, watching())
    assert decision.decision == "hold"
    assert "share of missing values away by 0.2" in said(decision)[0][1]


def _losing(seed: int, candidate: float, baseline: float) -> pd.DataFrame:
    """A large candidate beside a small baseline, both of which lose values in the last week."""
    frame = scored(2, per_day=300, seed=seed)
    rng = np.random.default_rng(seed)
    since = frame.opened_at >= START
    frame.loc[since, "version"] = np.where(rng.random(since.sum()) < 0.98, "v2", "v1")
    share = np.where(frame.version == "v2", candidate, baseline)
    frame.loc[(frame.opened_at >= "2026-01-12") & (rng.random(len(frame)) < share), "score"] = np.nan
    return frame


@pytest.mark.parametrize("seed", [4, 12])
def test_values_that_both_versions_lose_alike_do_not_roll_back(seed) -> None:
    """With seed 12 chance leaves the small version below the threshold, or within its own noise."""
    policy = {**watching(rollback=True), "phases": [{"traffic": "98%"}, {"traffic": "100%"}]}
    alike = look(_losing(seed, 0.14, 0.14), policy)
    assert alike.decision == "hold"
    assert {row.whose for row in alike.drift if row.verdict == "FAIL"} == {"both"}
    assert look(_losing(seed, 0.5, 0.0), policy).decision == "rollback"


def test_infinities_are_missing_values() -> None:
    frame = scored()
    frame.loc[frame.opened_at >= START, "score"] = np.inf
    decision = look(frame, watching())
    assert said(decision)[0][0] == "NO_DATA"
    assert {row.missing for row in decision.drift} == {1.0}


def test_days_are_a_reference_too_and_are_not_used_before_they_are_over() -> None:
    frame = scored(world=1.0)
    early = watching(reference={"from": "2025-12-15", "to": "2026-01-05"})
    assert look(frame, early).decision == "hold"
    late = watching(reference={"from": "2026-01-05", "to": "2026-02-02"})
    assert said(look(frame, late)) == [("NO_DATA", "the reference of score is not over before 2026-02-02")]
    within = watching(reference={"from": "2026-01-05", "to": "2026-01-12"})
    assert look(frame, within).decision == "go"


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_is_a_reference_too(kind, tmp_path: Path) -> None:
    frame = scored(world=1.0)
    path = tmp_path / f"past.{kind}"
    rows = pd.DataFrame({"score": np.random.default_rng(6).normal(1.0, 1, 3000)})
    rows.to_csv(path, index=False) if kind == "csv" else rows.to_parquet(path)
    assert look(frame, watching(reference=str(path))).decision == "go"
    rows = rows.rename(columns={"score": "other"})
    rows.to_csv(path, index=False) if kind == "csv" else rows.to_parquet(path)
    with pytest.raises(ColumnError, match=r"no column 'score' \(drift.columns.score\)"):
        look(frame, watching(reference=str(path)))
    with pytest.raises(SourceError):
        look(frame, watching(reference=str(tmp_path / "gone.csv")))


def test_wrong_columns_are_refused_with_the_key() -> None:
    with pytest.raises(ColumnError, match=r"no column 'skore' \(drift.columns.skore\)(.|\n)*did you mean 'score'"):
        look(scored(), watching(columns={"skore": {}}))
    with pytest.raises(PolicyError, match="holds categories, which have no order"):
        look(scored(), watching(columns={"channel": {"ks": 0.1}}))
    with pytest.raises(ColumnError, match=r"'seen_at' holds times, not numbers \(drift.columns.seen_at\)"):
        look(scored().assign(seen_at=lambda f: f.opened_at), watching(columns={"seen_at": {}}))


def test_a_metric_is_watched_by_its_name_and_only_when_it_is_old_enough() -> None:
    metrics = {**POLICY["metrics"], "good": {"kind": "proportion", "column": "right", "matures_after": "7d"}}
    policy = {**watching(columns={"good": {}}), "metrics": metrics}
    decision = look(scored(), policy)
    assert {row.window for row in decision.drift} == {"2026-W02"}


def test_a_rate_of_false_alarms_needs_a_reference_that_is_long_enough() -> None:
    policy = watching(false_alerts="1 per year", columns={"score": {}, "channel": {}})
    with pytest.raises(PolicyError) as caught:
        look(scored(), policy)
    assert "the reference has 3 whole windows, and 1 false alarms a year need 52" in str(caught.value)
    assert "a reference of 364 days or more" in str(caught.value)
    often = watching(false_alerts="1 per month", columns={"score": {}, "channel": {}})
    frame = scored(history=5, per_day=120)
    decision = look(frame, often)
    level = {row.column: row.thresholds["psi"] for row in decision.drift if row.variant == "v2"}
    assert level.keys() == {"score", "channel"}
    assert all(0 < value < 0.2 for value in level.values())
    assert look(scored(history=5, per_day=120, world=0.5), often).decision == "hold"


# --- the record --------------------------------------------------------------------------


def test_every_decision_is_recomputed_from_its_record_to_the_same_bytes(book: Ledger) -> None:
    frame = scored(4, candidate=0.4)
    policy = watching(columns={"score": {"ks": 0.1, "psi": 0.2}, "channel": {}})
    for as_of in ("2026-01-07", "2026-01-13", "2026-01-19", "2026-01-27"):
        look(frame, policy, as_of, book)
    records = list(book.records())
    assert len(records) == 4
    for record in records:
        assert canonical(recompute(record, book).content()) == canonical(record.entry()["decision"])
    assert verify(book.records()) == 4
    assert verify_ledger(book).ok


def test_rows_that_come_later_cannot_move_the_reference(book: Ledger) -> None:
    frame, policy = scored(world=0.7), watching()
    first = look(frame, policy, "2026-01-13", book)
    assert first.decision == "hold"
    added = scored(seed=9)
    added = added[added.opened_at < START].assign(ticket=lambda f: "late" + f.ticket, score=lambda f: f.score + 5.0)
    later = look(pd.concat([added, frame]), policy, "2026-01-19", book)
    alone = look(frame, policy, "2026-01-19")
    assert [row.psi for row in later.drift] == [row.psi for row in alone.drift]


@pytest.mark.parametrize("without", ["rows", "values"])
def test_history_that_is_loaded_after_the_first_look_is_the_reference(book: Ledger, without: str) -> None:
    frame, policy = scored(), watching()
    past = frame.opened_at < START
    early = frame[~past] if without == "rows" else frame.assign(score=frame.score.mask(past))
    assert said(look(early, policy, "2026-01-19", book))[0][0] == "NO_DATA"
    decision = look(frame, policy, "2026-01-26", book)
    assert (decision.decision, said(decision)) == ("go", [])
    assert [row.psi for row in decision.drift] == [row.psi for row in look(frame, policy, "2026-01-26").drift]
    moved = scored(4, world=1.0)
    moved.loc[moved.opened_at < START, "score"] += 1.0
    later = look(moved, policy, "2026-02-02", book)
    assert later.decision == "hold"  # and then it stays
    assert verify_ledger(book).ok


def _fixed(book: Ledger) -> dict[str, Any]:
    last = book.last("triage")
    assert last is not None
    return dict(last.state()["drift"]["score"])


def test_another_segment_splits_the_reference_and_moves_neither_bins_nor_counts(book: Ledger) -> None:
    frame = scored(4, world=1.0)
    policy = watching()
    look(frame, policy, "2026-01-19", book)
    before = _fixed(book)
    past = frame.opened_at < START
    frame.loc[past, "score"] += 1.0  # the history is filled in again, and looks like what came of it
    wider = {**policy, "segments": {**policy["segments"], "by": ["queue", "channel"]}}
    decision = look(frame, wider, "2026-01-26", book)
    after = _fixed(book)
    assert decision.decision == "hold"
    assert said(decision)[0][0] == "FAIL"
    assert set(after["segments"]) == {"queue", "channel"}
    assert after["segments"]["queue"] == before["segments"]["queue"]
    assert {key for key in after if after[key] != before[key]} == {"segments", "split"}
    assert verify_ledger(book).ok


def test_changed_values_of_a_watched_column_are_other_rows(book: Ledger) -> None:
    frame, policy = scored(), watching()
    first = look(frame, policy, "2026-01-19", book)
    frame.loc[len(frame) - 3000, "score"] += 0.5
    again = look(frame, policy, "2026-01-19", book)
    assert again.decision_id != first.decision_id


def test_a_policy_that_asks_for_another_reference_gets_it(book: Ledger) -> None:
    frame = scored(4, world=1.0)
    assert look(frame, watching(), "2026-01-19", book).decision == "hold"
    other = watching(reference={"from": "2026-01-05", "to": "2026-01-12"})
    assert look(frame, other, "2026-01-20", book).decision == "go"
    assert verify_ledger(book).ok


def test_without_the_section_nothing_is_recorded_of_it(book: Ledger) -> None:
    look(scored(), POLICY, "2026-01-19", book)
    [record] = book.records()
    assert "drift" not in record.state()
    assert "tallies" not in record.entry()["inputs"]
    assert record.entry()["decision"]["drift"] == []


def test_replay_sees_what_the_looks_would_have_seen() -> None:
    frame, policy = scored(3, candidate=1.0), watching()
    looks = rampgate.replay(policy, events=frame)
    by_day = {one.look.date(): one for one in looks}
    assert said(by_day[date(2026, 1, 9)])[0][0] == "NO_DATA"
    seen, alone = by_day[date(2026, 1, 19)], look(frame, policy, "2026-01-19")
    assert [row.to_dict() for row in seen.drift] == [row.to_dict() for row in alone.drift]


def test_harm_rolls_back_whatever_becomes_of_drift(monkeypatch) -> None:
    """What cannot be computed holds; the rollback criteria stand."""
    from rampgate.judge import decide

    def broken(case: object) -> None:
        raise ArithmeticError("no")

    monkeypatch.setattr(decide, "drift", broken)
    decision = look(scored(), watching())
    assert decision.decision == "hold"
    assert [r.message for r in decision.reasons if r.code == "error"] == [
        "drift could not be computed: ArithmeticError: no"
    ]
    harmed = tickets(30, harm=0.3)
    assert look(harmed, watching(columns={"override": {}}), "2026-01-26").decision == "rollback"


# --- by window ---------------------------------------------------------------------------


def test_the_table_has_every_complete_window_of_both_versions(tmp_path: Path) -> None:
    frame = scored(3, candidate=1.0)
    found = drift_of(watching(), events=frame, as_of="2026-01-28")
    assert [(row.window, row.variant) for row in found.rows] == [
        (window, version) for window in ("2026-W02", "2026-W03", "2026-W04") for version in ("v2", "v1")
    ]
    assert found.acts
    assert found["score"].window == "2026-W04"
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["columns"][0]["column"] == "score"


def test_days_make_windows_too() -> None:
    policy = {**watching(), "source": {**POLICY["source"], "window": "5d"}}
    found = drift_of(policy, events=scored(2), as_of="2026-01-19")
    assert [row.window for row in found.rows[::2]] == ["2026-01-05", "2026-01-10"]


def test_the_table_needs_something_to_watch_and_a_window() -> None:
    with pytest.raises(UsageError, match="watches no column"):
        drift_of(POLICY, events=scored())
    with pytest.raises(DataError, match="no window since the start is complete"):
        drift_of(watching(), events=scored(), as_of="2026-01-08")


def test_on_real_incidents_the_service_level_moves_in_both_versions() -> None:
    """Six weeks of a company's tickets: within the SLA .44, .04, .34, .61, .72, .76 (tests/data/servicenow...)."""
    frame = pd.read_csv(files("rampgate") / "demo" / "data" / "incidents.csv.gz")
    at = pd.to_datetime(frame["opened_at"])
    rng = np.random.default_rng(7)
    frame["version"] = np.where((at >= "2016-03-07") & (rng.random(len(frame)) < 0.5), "new", "old")
    policy = {
        "rollout": "sla", "baseline": "old", "candidate": "new", "start": "2016-03-07",
        "source": {"unit": "number", "time": "opened_at", "variant": "version"},
        "metrics": {"sla": {"kind": "proportion", "column": "made_sla"}},
        "kpi": {"weights": {"sla": 1}},
        "segments": {"by": ["priority"]},
        "drift": {"columns": {"sla": {}, "contact_type": {}}},
        "phases": [{"traffic": "50%"}, {"traffic": 1}],
        "exposure": [{"from": "2016-03-07", "traffic": "50%"}],
    }  # fmt: skip
    decision = rampgate.check(policy, events=frame, as_of="2016-03-14")
    assert decision.decision == "hold"
    rows = {(row.column, row.variant): row for row in decision.drift}
    for version in ("old", "new"):
        moved = rows["sla", version]
        assert (moved.window, moved.verdict, moved.whose) == ("2016-W10", "FAIL", "both")
        shares = {label: (was, now) for label, was, now in moved.bins}
        was, now = next(pair for label, pair in shares.items() if label.lower() == "true")
        # The weekly shares of weekly_reference.csv: 0.441 and 0.042 over both arms.
        assert was == pytest.approx(0.441, abs=5e-4)
        assert now == pytest.approx(0.042, abs=0.015)
        part = moved.mix["priority"]
        assert part is not None
        assert moved.psi is not None
        assert abs(part) < 0.1 * moved.psi  # other priorities are not why
        assert rows["contact_type", version].verdict == "PASS"
    assert not any(one.decision == "rollback" for one in rampgate.replay(policy, events=frame))
