"""From a table of tickets to a recorded decision."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pytest
from tests.rollout.tables import POLICY, ramp, tickets, write_policy

import rampgate
from rampgate.errors import ColumnError, DataError, LedgerError, NotJudgedYet, RampgateError, UsageError
from rampgate.ledger import Ledger, canonical, verify
from rampgate.rollout.evaluate import decision_of, recompute


@pytest.fixture
def book(tmp_path: Path) -> Ledger:
    return Ledger.open(tmp_path / "rampgate.db")


def test_a_frame_and_no_ledger(tmp_path: Path) -> None:
    policy = rampgate.load_policy(POLICY)
    decision = rampgate.check(policy, events=tickets(), as_of="2026-01-20", ledger=None)
    assert decision.decision == "go"
    assert decision.phase.traffic == 0.30
    assert decision.decision_id is None
    assert decision.to_dict()["kpi"]["level"] == 0.95
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow", "csv", "csv.gz", "parquet"])
def test_every_kind_of_table_gives_the_same_decision(kind: str, tmp_path: Path) -> None:
    frame = tickets()
    expected = rampgate.check(POLICY, events=frame, as_of="2026-01-20")
    path = tmp_path / f"tickets.{kind}"
    events: object
    if kind == "pandas":
        events = frame
    elif kind == "polars":
        events = pl.from_pandas(frame)
    elif kind == "arrow":
        import pyarrow as pa

        events = pa.Table.from_pandas(frame)
    else:
        if kind == "parquet":
            frame.to_parquet(path)
        else:
            frame.to_csv(path, index=False)
        events = path
    got = rampgate.check(POLICY, events=events, as_of="2026-01-20")
    assert got.to_dict() == expected.to_dict()


def test_the_same_question_gives_the_same_record(book: Ledger) -> None:
    frame = tickets()
    first = rampgate.check(POLICY, events=frame, as_of="2026-01-20", ledger=book)
    again = rampgate.check(POLICY, events=frame.sample(frac=1, random_state=2), as_of="2026-01-20", ledger=book)
    assert first.decision == "go"
    assert again.to_dict() == first.to_dict()
    assert len(list(book.records())) == 1


def test_a_later_hour_of_the_same_look_is_the_same_question(book: Ledger) -> None:
    frame = tickets()
    first = rampgate.check(POLICY, events=frame, as_of="2026-01-20T09:00", ledger=book)
    again = rampgate.check(POLICY, events=frame, as_of="2026-01-20T15:00", ledger=book)
    assert first.decision == "go"
    assert again.decision_id == first.decision_id


def test_changed_rows_give_a_new_record(book: Ledger) -> None:
    frame = tickets()
    first = rampgate.check(POLICY, events=frame, as_of="2026-01-20", ledger=book)
    frame.loc[5, "right"] = not frame.loc[5, "right"]
    again = rampgate.check(POLICY, events=frame, as_of="2026-01-20", ledger=book)
    assert again.decision_id != first.decision_id
    assert again.previous_sha256 == first.decision_id
    # The look is judged in the phase that the first record led to.
    assert (first.phase.index, again.phase.index) == (1, 2)
    assert again.decision == "hold"


def test_the_phase_moves_by_go_and_evidence_covers_all_periods(book: Ledger) -> None:
    frame = tickets(days=40, traffic=ramp)
    looks = [rampgate.check(POLICY, events=frame, as_of=date(2026, 1, d), ledger=book) for d in range(6, 25)]
    gone = [d for d in looks if d.decision == "go"]
    assert [d.phase.index for d in gone] == [1, 2]
    assert gone[0].as_of.date() == date(2026, 1, 12)
    skipping = rampgate.check(POLICY, events=frame, as_of="2026-01-12", ledger=None)
    by_id = {c.id: c.e_value for c in gone[0].criteria}
    assert {c.id: c.e_value for c in skipping.criteria} == by_id


def test_each_decision_is_recomputed_from_its_record_to_the_same_bytes(book: Ledger) -> None:
    frame = tickets(days=40, harm=0.2, from_day=16)
    for day in range(6, 32):
        decision = rampgate.check(POLICY, events=frame, as_of=date(2026, 1, day), ledger=book)
        if decision.decision == "rollback":
            break
    kinds = set()
    for record in book.records():
        kinds.add(record.entry()["decision"]["decision"])
        assert canonical(recompute(record, book).content()) == canonical(record.entry()["decision"])
        assert decision_of(record).to_dict()["decision_id"] == record.sha256
    assert kinds >= {"go", "hold", "rollback"}
    assert verify(book.records()) == len(list(book.records()))


def test_rollback_lasts_until_the_candidate_changes(book: Ledger) -> None:
    frame = tickets(harm=0.3)
    gone = rampgate.check(POLICY, events=frame, as_of="2026-01-20", ledger=book)
    assert gone.decision == "rollback"
    after = rampgate.check(POLICY, events=frame[frame.version == "v1"], as_of="2026-01-25", ledger=book)
    assert after.decision == "rollback"
    changed = {**POLICY, "candidate": "v3"}
    fresh = tickets(days=20, start="2026-02-02").replace({"version": {"v2": "v3"}})
    fresh["ticket"] = "N" + fresh["ticket"]
    both = pd.concat([frame, fresh])
    new = rampgate.check(changed, events=both, as_of="2026-02-04", ledger=book)
    assert (new.attempt, new.phase.index, new.decision) == (2, 1, "hold")
    # The first day of the new candidate may still have rows of the old one; evidence begins on the day after.
    assert new.phase.since == datetime(2026, 2, 3, tzinfo=UTC)


def test_as_of_before_the_last_decision_points_to_replay(book: Ledger) -> None:
    frame = tickets()
    rampgate.check(POLICY, events=frame, as_of="2026-01-20", ledger=book)
    with pytest.raises(UsageError, match="replay"):
        rampgate.check(POLICY, events=frame, as_of="2026-01-15", ledger=book)


def test_a_policy_with_fewer_phases_than_the_rollout_has_reached(book: Ledger) -> None:
    frame = tickets(days=40, traffic=ramp)
    for day in (12, 22, 24):
        rampgate.check(POLICY, events=frame, as_of=date(2026, 1, day), ledger=book)
    shorter = {**POLICY, "phases": POLICY["phases"][:2]}
    held = rampgate.check(shorter, events=frame, as_of="2026-01-25", ledger=book)
    assert held.decision == "hold"
    assert any("has reached phase 3, and the policy has 2" in r.message for r in held.reasons)
    bad = frame.assign(override=frame.override | (frame.version == "v2"))
    gone = rampgate.check(shorter, events=bad, as_of="2026-01-26", ledger=book)
    assert gone.decision == "rollback"


def test_a_phase_of_other_traffic_than_the_one_that_was_reached_holds(book: Ledger) -> None:
    frame = tickets(days=40)
    for day in (12, 13):
        rampgate.check(POLICY, events=frame, as_of=date(2026, 1, day), ledger=book)
    skipped = {**POLICY, "phases": [POLICY["phases"][0], {"traffic": "100%"}]}
    decision = rampgate.check(skipped, events=frame, as_of="2026-01-14", ledger=book)
    assert decision.decision == "hold"
    assert any("was 50 % of traffic at the look before, and is 100 %" in r.message for r in decision.reasons)


def test_an_old_go_is_no_answer_after_a_rollback(book: Ledger) -> None:
    """Rows change and change back: what was decided before the rollback is not given back."""
    good = tickets()
    bad = good.assign(override=good.override | (good.version == "v2"))
    looks = [
        rampgate.check(POLICY, events=frame, as_of=f"2026-01-20T0{hour}:00", ledger=book)
        for hour, frame in ((1, good), (2, bad), (3, good), (4, good))
    ]
    assert [d.decision for d in looks] == ["go", "rollback", "rollback", "rollback"]
    assert looks[2].decision_id == looks[3].decision_id


def test_a_new_attempt_starts_its_phase_anew_whatever_start_says(book: Ledger) -> None:
    first = {**POLICY, "start": "2026-01-05"}
    old = tickets(days=20, harm=0.3)
    assert rampgate.check(first, events=old, as_of="2026-01-20", ledger=book).decision == "rollback"
    fresh = tickets(days=30, start="2026-01-25").replace({"version": {"v2": "v3"}})
    fresh["ticket"] = "N" + fresh["ticket"]
    both = pd.concat([old, fresh])
    decision = rampgate.check({**first, "candidate": "v3"}, events=both, as_of="2026-01-29", ledger=book)
    assert (decision.attempt, decision.decision) == (2, "hold")
    assert "minimum_duration" in {r.code for r in decision.reasons}


def test_an_idle_candidate_does_not_go_on() -> None:
    frame = tickets(days=20)
    idle = frame[(frame.version == "v1") | (frame.opened_at < "2026-01-08")]
    decision = rampgate.check(POLICY, events=idle, as_of="2026-01-12")
    assert decision.decision == "hold"
    assert any("no candidate unit since 2026-01-07" in r.message for r in decision.reasons)


def test_labels_that_stop_in_one_arm_hold() -> None:
    frame = tickets(days=20)
    frame["override"] = frame.override.astype(object).where((frame.version == "v1") | (frame.opened_at < "2026-01-09"))
    decision = rampgate.check(POLICY, events=frame, as_of="2026-01-12")
    assert decision.decision == "hold"
    assert "missing_labels" in {r.code for r in decision.reasons}


def test_labels_that_come_after_a_look_hold(book: Ledger) -> None:
    frame = tickets(days=20)
    early = frame.astype({"override": object})
    early.loc[(early.index % 3 == 0) & (early.version == "v2"), "override"] = None
    rampgate.check(POLICY, events=early, as_of="2026-01-08", ledger=book)
    decision = rampgate.check(POLICY, events=frame, as_of="2026-01-12", ledger=book)
    assert decision.decision == "hold"
    assert any("came after an earlier look" in r.message for r in decision.reasons)


def test_a_metric_taken_out_of_the_policy_is_not_lost(book: Ledger) -> None:
    frame = tickets(days=20)
    more = {**POLICY, "metrics": {**POLICY["metrics"], "spare": {"kind": "proportion", "column": "right"}}}
    rampgate.check(more, events=frame, as_of="2026-01-08", ledger=book)
    decision = rampgate.check(POLICY, events=frame, as_of="2026-01-12", ledger=book)
    assert decision.decision == "go"


@pytest.mark.parametrize(
    ("zone", "as_of", "start"),
    [("Africa/Cairo", "2026-04-24", "2026-04-10"), ("Europe/Berlin", "2026-03-29T02:30", "2026-03-15")],
)
def test_hours_that_clocks_skip_are_recomputed_to_the_same_bytes(
    book: Ledger, zone: str, as_of: str, start: str
) -> None:
    frame = tickets(days=20, start=start)
    rampgate.check({**POLICY, "timezone": zone}, events=frame, as_of=as_of, ledger=book)
    [record] = book.records()
    assert canonical(recompute(record, book).content()) == canonical(record.entry()["decision"])


@pytest.mark.parametrize("kind", ["kpi of a rate", "mean"])
def test_harm_is_seen_where_nothing_varied_at_first(kind: str) -> None:
    """A quiet first day, or a quiet history, is no reason never to bet."""
    frame = tickets(days=14, per_day=300)
    rng = np.random.default_rng(3)
    late = frame.opened_at >= "2026-01-06"
    hit = rng.random(len(frame)) < np.where(frame.version == "v2", 0.5, 0.001)
    frame["cost"] = np.where(late & hit, 20.0, 0.0)
    frame["fine"] = frame.cost == 0
    fine = {"kind": "proportion", "column": "fine"}
    cost = {"kind": "mean", "column": "cost", "better": "lower"}
    rules: dict[str, object] = {**POLICY, "guardrails": {}, "segments": {"by": ["queue"]}}
    rules["metrics"] = {"fine": fine} if kind != "mean" else {"fine": fine, "cost": cost}
    rules["kpi"] = {"weights": {"fine": 1.0}, "margin": "5pp"}
    rules["rollback"] = {"kpi": {"worse_by": 0}} if kind != "mean" else {"cost": {"worse_by": 0}}
    assert rampgate.check(rules, events=frame, as_of="2026-01-19").decision == "rollback"


def test_rows_of_an_earlier_look_that_vanish_hold(book: Ledger) -> None:
    frame = tickets()
    rampgate.check(POLICY, events=frame, as_of="2026-01-08", ledger=book)
    thinner = frame[~((frame.version == "v2") & (frame.index < 300))]
    decision = rampgate.check(POLICY, events=thinner, as_of="2026-01-20", ledger=book)
    assert decision.decision == "hold"
    assert any("earlier looks rested on" in r.message for r in decision.reasons)


def test_before_the_first_candidate_row_is_an_error_or_a_hold(tmp_path: Path) -> None:
    frame = tickets(days=20)
    later = frame[(frame.version == "v1") | (frame.opened_at >= "2026-01-15")]
    decision = rampgate.check(POLICY, events=later, as_of="2026-01-12")
    assert decision.decision == "hold"
    assert {r.code for r in decision.reasons} >= {"too_little_data"}
    with pytest.raises(DataError, match="no row of the candidate"):
        rampgate.check(POLICY, events=frame[frame.version == "v1"], as_of="2026-01-12")


def test_history_is_reference_and_never_evidence() -> None:
    before = tickets(days=30, traffic=0.0, start="2025-12-06")
    before["ticket"] = "H" + before["ticket"]
    frame = pd.concat([before, tickets()])
    with_history = rampgate.check(POLICY, events=frame, as_of="2026-01-20")
    without = rampgate.check(POLICY, events=tickets(), as_of="2026-01-20")
    assert with_history.phase.since == without.phase.since
    sizes = [(m.n_baseline, m.n_candidate) for m in with_history.metrics]
    assert sizes == [(m.n_baseline, m.n_candidate) for m in without.metrics]


def test_a_switch_within_a_day_splits_the_period(book: Ledger) -> None:
    """Go at noon: the morning belongs to the old phase, the afternoon to the new one."""
    frame = tickets(days=20)
    first = rampgate.check(POLICY, events=frame, as_of="2026-01-12T12:00", ledger=book)
    assert first.decision == "go"
    rampgate.check(POLICY, events=frame, as_of="2026-01-14", ledger=book)
    record = book.last("triage")
    assert record is not None
    pages = [json.loads(book.document(p["document"])) for p in record.entry()["inputs"]["periods"]]
    split = [(p["day"], p["stage"], p["start"][11:16]) for p in pages if p["day"] == "2026-01-12"]
    assert split == [("2026-01-12", 0, "00:00"), ("2026-01-12", 1, "12:00")]


def test_exposure_sets_the_first_phase() -> None:
    steered = {**POLICY, "exposure": [{"from": "2026-01-05", "traffic": 0.3}, {"from": "2026-01-12", "traffic": 0.5}]}
    frame = tickets(traffic=ramp)
    decision = rampgate.check(steered, events=frame, as_of="2026-01-16")
    assert decision.phase.index == 2
    assert decision.phase.since == datetime(2026, 1, 12, tzinfo=UTC)
    odd = {**POLICY, "exposure": [{"from": "2026-01-05", "traffic": 0.2}]}
    with pytest.raises(UsageError, match="no phase has that traffic"):
        rampgate.check(odd, events=frame, as_of="2026-01-16")


def test_a_section_that_is_not_judged_is_refused() -> None:
    clustered = {**POLICY, "source": {**POLICY["source"], "cluster": "queue"}, "harm_budget": {"override": 10}}
    with pytest.raises(NotJudgedYet, match=r"source\.cluster"):
        rampgate.check(clustered, events=tickets())


def test_harm_is_seen_through_sick_data() -> None:
    """Duplicates, a third variant and garbage in another metric hold, and do not hide a rollback."""
    frame = tickets(harm=0.3)
    sick = pd.concat([frame, frame.iloc[:50]]).astype({"right": object})
    sick.iloc[0, sick.columns.get_loc("version")] = "v9"
    sick.iloc[3, sick.columns.get_loc("right")] = "banana"
    decision = rampgate.check(POLICY, events=sick, as_of="2026-01-20")
    assert decision.decision == "rollback"
    assert {"duplicate_units", "error"} <= {r.code for r in decision.reasons}
    good = rampgate.check(POLICY, events=pd.concat([tickets(), tickets().iloc[:5]]), as_of="2026-01-20")
    assert good.decision == "hold"


def test_errors_leave_the_ledger_as_it_was(book: Ledger, tmp_path: Path) -> None:
    frame = tickets()
    rampgate.check(POLICY, events=frame, as_of="2026-01-10", ledger=book)
    before = [r.sha256 for r in book.records()]
    wrong: list[tuple[object, type[RampgateError]]] = [
        (frame.drop(columns=["override"]), ColumnError),
        (frame.assign(opened_at="yesterday"), DataError),
        (tmp_path / "nothing.csv", RampgateError),
    ]
    for events, error in wrong:
        with pytest.raises(error):
            rampgate.check(POLICY, events=events, as_of="2026-01-20", ledger=book)
    assert [r.sha256 for r in book.records()] == before


def test_a_ledger_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "rampgate.db"
    file.write_text("this is no database, and it is longer than a header of one hundred bytes " * 4)
    with pytest.raises(LedgerError):
        rampgate.check(POLICY, events=tickets(), as_of="2026-01-20", ledger=file)


def test_replay_carries_the_state_along_and_writes_nothing(tmp_path: Path) -> None:
    looks = rampgate.replay(POLICY, events=tickets(days=40))
    assert [d.decision for d in looks].count("go") == 2
    assert looks[-1].decision == "complete"
    assert [d.look for d in looks] == sorted(d.look for d in looks)
    assert list(tmp_path.iterdir()) == []


def test_replay_equals_checking_day_by_day(book: Ledger) -> None:
    """A whole history in one read gives, look by look, what the ledger's looks gave."""
    frame = tickets(days=30, harm=0.12, from_day=10, traffic=ramp)
    replayed = rampgate.replay(POLICY, events=frame)
    for expected in replayed:
        got = rampgate.check(POLICY, events=frame, as_of=expected.look.date(), ledger=book)
        left, right = got.content(), expected.content()
        left.pop("health"), right.pop("health")  # rows after the look are counted by the check alone
        assert left == right
    assert replayed[-1].decision == "rollback"


def test_a_split_that_is_not_the_traffic_holds_and_names_the_remedy(book: Ledger) -> None:
    frame = tickets(days=20, traffic=0.2)
    first = rampgate.check(POLICY, events=frame, as_of="2026-01-08", ledger=book)
    assert next(h.message for h in first.health if h.code == "sample_ratio").startswith("split not checked")
    held = rampgate.check(POLICY, events=frame, as_of="2026-01-12", ledger=book)
    assert (held.decision, held.reasons[0].code) == ("hold", "sample_ratio")
    assert "where about 360 should be" in held.reasons[0].message
    assert "exposure" in held.reasons[0].message
    told = {**POLICY, "exposure": [{"from": "2026-01-05", "traffic": "30%"}]}
    stated = rampgate.check(told, events=frame, as_of="2026-01-12", ledger=None)
    assert stated.reasons[0].code == "sample_ratio"
    replayed = rampgate.replay(POLICY, events=frame)
    assert {h.verdict for d in replayed for h in d.health if h.code == "sample_ratio"} == {"INCONCLUSIVE"}


def test_replay_between_two_dates() -> None:
    looks = rampgate.replay(POLICY, events=tickets(), start="2026-01-10", end="2026-01-14")
    assert [d.look.day for d in looks] == [10, 11, 12, 13, 14]


def test_policy_files_resolve_their_events_beside_them(tmp_path: Path) -> None:
    path = write_policy(tmp_path)
    tickets().to_csv(tmp_path / "tickets.csv", index=False)
    assert rampgate.check(path, as_of="2026-01-20").decision == "go"


# --- the moment of a look -----------------------------------------------------------------


@pytest.mark.parametrize(("look", "zone", "day"), [
    ("day", "UTC", "2026-02-04"), ("week", "UTC", "2026-02-02"), ("day", "Pacific/Auckland", "2026-02-05"),
])  # fmt: skip
def test_a_table_that_ends_names_the_look_right_after_it(look: str, zone: str, day: str, book: Ledger) -> None:
    """The remedy is tried: the look that it names is not stale, and has every row."""
    policy = {**POLICY, "timezone": zone, "source": {**POLICY["source"], "look": look}}
    frame = tickets()  # its newest row is of 2026-02-03, 23:59
    late = rampgate.check(policy, events=frame, as_of="2026-03-20", ledger=book)
    [said] = [reason.message for reason in late.reasons if reason.code == "stale"]
    assert f"the newest row is of {frame.opened_at.max():%Y-%m-%d %H:%M} UTC" in said
    assert f"`--as-of {day}`" in said
    assert "rampgate replay" in said
    assert "--ledger" in said
    with pytest.raises(UsageError, match="before the last decision"):
        rampgate.check(policy, events=frame, as_of=day, ledger=book)
    right_after = rampgate.check(policy, events=frame, as_of=day)
    assert "stale" not in [reason.code for reason in right_after.reasons]
    ignored = [check.count for check in right_after.health if "are ignored at this look" in check.message]
    assert ignored == ([2 * 200] if look == "week" else []), "every row, but for a week that was too short"


def test_a_stale_look_after_others_points_to_replay_alone(book: Ledger) -> None:
    frame = tickets()
    rampgate.check(POLICY, events=frame, as_of="2026-02-06", ledger=book)
    late = rampgate.check(POLICY, events=frame, as_of="2026-03-20", ledger=book)
    [said] = [reason.message for reason in late.reasons if reason.code == "stale"]
    assert "rampgate replay" in said
    assert "--as-of" not in said


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/Los_Angeles"])
def test_a_look_in_the_future_is_refused_and_nothing_is_recorded(zone: str, book: Ledger) -> None:
    policy, frame = {**POLICY, "timezone": zone}, tickets()
    here = ZoneInfo(zone)
    today = datetime.now(here).date()
    tomorrow = today + timedelta(days=1)
    for moment in (tomorrow, f"{tomorrow}T00:30", datetime.now(UTC) + timedelta(hours=1)):
        for ledger in (book, None):
            with pytest.raises(UsageError, match="in the future") as raised:
                rampgate.check(policy, events=frame, as_of=moment, ledger=ledger)
            assert raised.value.exit_code == 2
            assert zone in str(raised.value)
    assert book.last("triage") is None
    # Today has begun where the policy's clocks are, whatever day it is elsewhere; and clocks differ by minutes.
    for moment in (today, datetime.now(UTC) + timedelta(minutes=2)):
        assert rampgate.check(policy, events=frame, as_of=moment).reasons[0].code == "stale"
