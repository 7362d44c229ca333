"""A comparison from rows: the traps of tables that people have, and what each of them gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.rollout.tables import POLICY, tickets

from rampgate.comparison.table import compare_under
from rampgate.comparison.values import BETTER, NOT_COMPARED, NOT_SHOWN, WORSE, Comparison
from rampgate.errors import DataError, UsageError
from rampgate.policy import Policy, load_policy


def policy(**changes: Any) -> Policy:
    return load_policy({key: value for key, value in {**POLICY, **changes}.items() if value is not None})


def run(frame: Any, as_of: str | None = None, **changes: Any) -> Comparison:
    found = compare_under(policy(**changes), frame, as_of)
    json.dumps(found.to_dict(), allow_nan=False)
    return found


def codes(found: Comparison) -> list[str]:
    return [warning.code for warning in found.warnings]


def metric(found: Comparison, name: str) -> Any:
    return next(row for row in found.metrics if row.estimate.name == name)


def only(frame: pd.DataFrame, **days: tuple[int, int]) -> pd.DataFrame:
    """The rows of each version from one day (0 is the first) to before another."""
    day = (frame.opened_at - pd.Timestamp("2026-01-05")).dt.days
    keep = pd.Series(False, index=frame.index)
    for version, (first, last) in days.items():
        keep |= (frame.version == version) & (day >= first) & (day < last)
    return frame[keep]


# --- verdicts ---------------------------------------------------------------------------


def test_worse_better_and_no_difference() -> None:
    harmed, helped, same = (run(tickets(harm=h)) for h in (0.09, -0.09, 0.0))
    assert (harmed.verdict, helped.verdict, same.verdict) == (WORSE, BETTER, NOT_SHOWN)
    assert harmed.headline.startswith("v2 is worse than v1: ")
    assert "override by" in harmed.headline
    assert helped.headline.startswith("v2 is better than v1: ")
    assert any("more than noise" in line for line in harmed.details)


def test_no_difference_shown_says_what_would_have_been_seen() -> None:
    found = run(tickets())
    row = metric(found, "override").estimate
    text = f"override {100 * row.lower:+.1f} to {100 * row.upper:+.1f} points"
    assert "would have been seen" in found.headline
    assert text in found.headline
    assert all("would have been seen" in row.sentence for row in found.metrics)


def test_harm_comes_before_benefit() -> None:
    frame = tickets(days=60, harm=0.09)
    rng = np.random.default_rng(5)
    mend = (frame.version == "v2") & (rng.random(len(frame)) < 0.8)
    found = run(frame.assign(right=frame.right | mend))
    assert {metric(found, "override").verdict, metric(found, "right").verdict} == {WORSE, BETTER}
    assert found.verdict == WORSE
    assert "and better: " in found.headline


def test_all_intervals_of_a_family_hold_together() -> None:
    found = run(tickets())
    assert [row.estimate.name for row in found.metrics] == ["kpi", "override", "right"]
    assert found.family.size == 3
    assert {row.estimate.level for row in found.metrics} == {1 - 0.05 / 3}
    assert found.segments.family.size == 9
    assert {row.estimate.level for row in found.segments.rows} == {1 - 0.05 / 9}


def test_a_kpi_of_one_metric_is_not_told_twice() -> None:
    found = run(tickets(), kpi={"weights": {"right": 1.0}})
    assert [row.estimate.name for row in found.metrics] == ["override", "right"]


def test_lower_is_better_is_said() -> None:
    sentence = metric(run(tickets(harm=0.09)), "override").sentence
    assert sentence.startswith("override (lower is better) is worse: ")
    assert sentence.count(" % against ") == 1


# --- days that both arms have -----------------------------------------------------------


def test_before_and_after_is_no_comparison() -> None:
    frame = only(tickets(harm=0.3), v1=(0, 15), v2=(15, 30))
    found = run(frame)
    assert found.verdict == NOT_COMPARED
    assert found.headline == (
        "v1 and v2 never ran on the same day: what changed with time and what changed with the version cannot be told "
        "apart"
    )
    assert any("v1 ran from 2026-01-05 to 2026-01-19" in line for line in found.details)
    assert any("run both at the same time" in line for line in found.details)
    plain = frame.groupby("version").override.mean()
    row = metric(found, "override")
    assert (row.estimate.raw_baseline, row.estimate.raw_candidate) == pytest.approx((plain.v1, plain.v2))
    assert (row.verdict, row.estimate.difference, row.estimate.lower) == (NOT_COMPARED, None, None)
    assert {row.verdict for row in found.segments.rows} == {NOT_COMPARED}
    assert found.segments.family.size == 0
    assert "cannot be compared" in found.limits[0]


def test_whole_days_that_alternate_are_told_from_before_and_after() -> None:
    frame = tickets()
    day = (frame.opened_at - pd.Timestamp("2026-01-05")).dt.days
    found = run(frame.assign(version=np.where(day % 2 == 0, "v1", "v2")))
    assert found.verdict == NOT_COMPARED
    assert any("days alternate" in line for line in found.details)
    before = run(only(tickets(), v1=(0, 15), v2=(15, 30)))
    assert not any("days alternate" in line for line in before.details)


def test_partial_overlap_compares_the_common_days_alone() -> None:
    frame = only(tickets(), v1=(0, 20), v2=(12, 30))
    found, common = run(frame), run(only(frame, v1=(12, 20), v2=(12, 20)))
    assert codes(found) == ["partly_together"]
    b, c = found.span.baseline, found.span.candidate
    counts = only(frame, v1=(12, 20), v2=(12, 20)).version.value_counts()
    assert (b.shared, c.shared) == (counts.v1, counts.v2)
    assert f"{b.shared} of {b.units} units of v1" in found.warnings[0].message
    assert found.span.shared_days == 8
    for name in ("override", "right"):
        whole, part = metric(found, name).estimate, metric(common, name).estimate
        assert whole.difference == pytest.approx(part.difference, abs=1e-12)


def test_a_ramp_that_misleads_a_pooled_comparison_is_said() -> None:
    shares = np.array([0.05, 0.1, 0.25, 0.5, 0.8, 0.9])
    frame = tickets(days=42, traffic=lambda day: shares[day // 7])
    day = (frame.opened_at - pd.Timestamp("2026-01-05")).dt.days
    frame["right"] = np.random.default_rng(3).random(len(frame)) < 0.5 + day / 42 * 0.45
    found = run(frame)
    assert metric(found, "right").verdict == NOT_SHOWN
    assert "pooled_misleads" in codes(found)
    assert any("pooled over time, right differs by" in w.message for w in found.warnings)
    steady = run(tickets(days=42))
    assert "pooled_misleads" not in codes(steady)
    assert [round(week.share or 0, 1) for week in found.weeks][-1] == 0.9


# --- who was handled --------------------------------------------------------------------


def test_variants_that_follow_a_channel_are_said() -> None:
    frame = tickets()
    found = run(frame.assign(version=np.where(frame.queue == "mail", "v2", frame.version)))
    assert codes(found)[0] == "uneven_mix"
    assert "mail" in found.warnings[0].message
    assert any("need not be the version's doing" in line for line in found.details)
    assert "do not look so" in found.limits[0]
    assert found.segments.too_small == ("queue=mail",)


def test_a_column_that_no_segment_names_cannot_be_checked() -> None:
    found = run(tickets(), segments=None)
    assert "--segment" in found.limits[0]
    assert found.segments.rows == ()


def test_every_segment_against_the_whole() -> None:
    """Simpson's paradox within days: the candidate is better in each queue and gets the hard one more often."""
    rng = np.random.default_rng(11)
    frame = tickets(days=60, per_day=200)
    hard = frame.queue == "desk"
    version = np.where(rng.random(len(frame)) < np.where(hard, 0.8, 0.2), "v2", "v1")
    right = rng.random(len(frame)) < np.where(hard, 0.3, 0.9) + np.where(version == "v2", 0.08, 0.0)
    found = run(frame.assign(version=version, right=right))
    assert metric(found, "right").estimate.difference < 0
    assert {"uneven_mix", "segments_disagree"} <= set(codes(found))
    [said] = [w.message for w in found.warnings if w.code == "segments_disagree" and w.message.startswith("right ")]
    assert "queue" in said


def test_labels_that_are_missing_more_often_in_one_arm() -> None:
    frame = tickets()
    lost = (frame.version == "v2") & (np.random.default_rng(2).random(len(frame)) < 0.1)
    found = run(frame.assign(right=frame.right.astype(object).where(~lost)))
    assert codes(found) == ["uneven_labels"]
    assert "have no known right" in found.warnings[0].message
    even = np.random.default_rng(2).random(len(frame)) < 0.1
    assert codes(run(frame.assign(right=frame.right.astype(object).where(~even)))) == []


def test_the_worst_segment_is_named_at_a_corrected_level() -> None:
    frame = tickets(days=60)
    bad = (frame.version == "v2") & (frame.queue == "mail") & (np.random.default_rng(4).random(len(frame)) < 0.2)
    found = run(frame.assign(override=frame.override | bad))
    worst = found.segments.rows[0]
    assert (worst.estimate.name, str(worst.estimate.group), worst.verdict) == ("override", "queue=mail", WORSE)
    evidence = [row.log_odds for row in found.segments.rows]
    assert evidence == sorted(evidence, reverse=True)
    assert any("Worse by segment: override in queue=mail" in line and "since the worst of many" in line
               for line in found.details)  # fmt: skip


# --- little or broken data --------------------------------------------------------------


def test_one_unit_in_each_arm() -> None:
    frame = tickets(days=1)
    pair = pd.concat([frame[frame.version == v].head(1) for v in ("v1", "v2")])
    found = run(pair)
    assert found.verdict == NOT_SHOWN
    assert {"short"} <= set(codes(found))
    assert found.segments.rows == ()


def test_one_day_is_compared_and_said_to_be_one() -> None:
    found = run(tickets(days=1, per_day=4000, harm=0.2))
    assert found.verdict == WORSE
    assert codes(found) == ["short"]
    assert "only one day" in found.warnings[0].message


def test_a_metric_without_any_value() -> None:
    found = run(tickets().assign(right=None))
    assert metric(found, "right").verdict == NOT_COMPARED
    assert "no known value in either arm" in metric(found, "right").sentence
    assert metric(found, "override").verdict == NOT_SHOWN
    assert found.verdict == NOT_SHOWN


def test_a_metric_without_a_value_in_one_arm() -> None:
    frame = tickets()
    blank = frame.right.astype(object).where(frame.version == "v1")
    found = run(frame.assign(right=blank))
    assert "no known value in the candidate" in metric(found, "right").sentence
    assert "uneven_labels" in codes(found)


def test_nothing_known_at_all() -> None:
    found = run(tickets().assign(right=None, override=None))
    assert found.verdict == NOT_COMPARED
    assert "no metric has known values of both" in found.headline


def test_rows_of_a_misspelt_version_are_warned_of_and_those_of_a_third_are_counted() -> None:
    frame = tickets()
    frame.loc[frame.index[::20], "version"] = "V2 "
    frame.loc[frame.index[1::20], "version"] = "v3"
    [warning] = run(frame).warnings
    count = int((frame.version == "V2 ").sum())
    assert warning.code == "excluded"
    assert warning.message == (
        f"{count} rows of 'V2 ' were left out, which is written almost like 'v2': correct the rows"
    )


def test_an_arm_without_a_usable_row() -> None:
    frame = tickets()
    frame["ticket"] = frame.ticket.where(frame.version == "v1")
    found = run(frame)
    assert found.verdict == NOT_COMPARED
    assert "no usable row of v2" in found.headline
    assert codes(found) == ["excluded"]
    assert found.intake.null_unit == int((frame.version == "v2").sum())


def test_an_arm_that_begins_after_as_of() -> None:
    found = run(only(tickets(), v1=(0, 30), v2=(10, 30)), as_of="2026-01-12")
    assert "no usable row of v2 before 2026-01-12" in found.headline


@pytest.mark.parametrize(("what", "name"), [("baseline", "v0"), ("candidate", "V2")])
def test_an_unknown_version_names_those_that_are_there(what: str, name: str) -> None:
    with pytest.raises(UsageError) as raised:
        run(tickets(), **{what: name})
    assert f"--{what}" in str(raised.value)
    assert "'v1' (4208 rows), 'v2' (1792 rows)" in str(raised.value)
    assert raised.value.exit_code == 2


def test_no_rows_and_no_times() -> None:
    with pytest.raises(DataError, match="no values"):
        run(tickets().head(0))
    with pytest.raises(DataError, match="no row of either variant has a time"):
        run(tickets().assign(opened_at=pd.NaT))


def test_rows_that_are_left_out_are_counted() -> None:
    frame = tickets()
    frame.loc[3, "version"] = "v9"
    frame.loc[4, "opened_at"] = pd.NaT
    frame = pd.concat([frame, frame.iloc[10:14]])
    found = run(frame.assign(right=frame.right.astype(object).where(frame.ticket != "T000020", "banana")))
    rows = found.to_dict()["rows"]
    assert rows["other_variants"] == [{"variant": "v9", "rows": 1}]
    assert (rows["without_time"], rows["repeated_units"]) == (1, 4)
    assert rows["used"] == len(frame) - 6
    assert set(codes(found)) == {"repeated_units", "excluded", "malformed"}
    assert any("--unit" in w.message for w in found.warnings)
    assert any("'banana'" in w.message for w in found.warnings)


# --- the time that is compared ----------------------------------------------------------


def test_the_last_day_counts_as_far_as_it_goes() -> None:
    frame = tickets()
    early = frame[frame.opened_at < "2026-02-03 09:00"]
    found = run(early)
    assert (str(found.span.start), str(found.span.last_day)) == ("2026-01-05", "2026-02-03")
    assert found.intake.used == len(early)
    assert found.intake.after_as_of == 0


def test_as_of_takes_whole_days_before_it() -> None:
    frame = tickets()
    by_time, by_day = run(frame, as_of="2026-01-20T15:00"), run(frame, as_of="2026-01-20")
    assert by_time.metrics == by_day.metrics
    assert str(by_day.span.last_day) == "2026-01-19"
    assert by_day.intake.after_as_of == int((frame.opened_at >= "2026-01-20").sum())
    later = run(frame, as_of="2031-01-01")
    assert later.metrics == run(frame).metrics


def test_as_of_before_the_first_row_is_refused() -> None:
    with pytest.raises(UsageError, match="2026-01-05"):
        run(tickets(), as_of="2026-01-05")


def test_days_are_those_of_the_zone() -> None:
    """A version that changes at local midnight never shares a day, in that zone."""
    frame = tickets()
    local = frame.opened_at.dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo").dt.date
    frame["version"] = np.where(local < pd.Timestamp("2026-01-20").date(), "v1", "v2")
    assert run(frame, timezone="Asia/Tokyo").span.shared_days == 0
    assert run(frame).span.shared_days == 1


def test_a_weekly_policy_is_compared_by_day() -> None:
    weekly = {**POLICY["source"], "look": "week"}
    assert run(tickets(), source=weekly).metrics == run(tickets()).metrics


def test_a_stray_time_long_ago_costs_its_row_and_no_more() -> None:
    frame = tickets()
    frame.loc[0, "opened_at"] = pd.Timestamp("1970-01-01")
    found = run(frame)
    assert found.intake.history == 1
    assert "excluded" in codes(found)
    assert len(found.weeks) == 5
    clean = run(frame.iloc[1:])
    difference = metric(clean, "override").estimate.difference
    assert metric(found, "override").estimate.difference == pytest.approx(difference, abs=1e-12)


def test_weeks_without_rows_are_left_out() -> None:
    frame = tickets()
    frame.loc[0, "opened_at"] = pd.Timestamp("2020-01-01")
    found, clean = run(frame), run(frame.iloc[1:])
    assert [str(week.window.start.date()) for week in found.weeks][:2] == ["2019-12-30", "2026-01-05"]
    # The bets of intervals are scaled with the first units, of which the stray one is one; nothing else moves.
    assert [w.units for w in found.weeks[1:]] == [w.units for w in clean.weeks]
    differences = [[w.window.kpi.difference for w in weeks] for weeks in (found.weeks[1:], clean.weeks)]
    assert differences[0] == pytest.approx(differences[1], abs=1e-12)


def test_years_are_shown_in_longer_windows() -> None:
    found = run(tickets(days=7 * 105, per_day=8))
    assert len(found.weeks) == 25
    assert {(week.window.end - week.window.start).days for week in found.weeks} == {30}
    assert len(run(tickets(days=7 * 104, per_day=8)).weeks) == 104


def test_a_stray_time_far_ahead_is_refused_with_the_way_out() -> None:
    frame = tickets()
    frame["opened_at"] = frame.opened_at.astype("datetime64[s]")
    frame.loc[0, "opened_at"] = pd.Timestamp("9999-12-31")
    with pytest.raises(DataError, match="--as-of"):
        run(frame)
    found = run(frame, as_of="2026-03-01")
    assert found.intake.after_as_of == 1
    assert found.verdict == NOT_SHOWN


def test_a_file_and_a_frame_give_the_same(tmp_path: Path) -> None:
    frame = tickets()
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    from_frame = run(frame).to_dict()
    for name in ("t.csv", "t.parquet"):
        found = run(tmp_path / name).to_dict()
        assert found.pop("source").endswith(name)
        assert found == {k: v for k, v in from_frame.items() if k != "source"}
