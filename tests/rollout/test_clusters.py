"""Whole looks at tables in which analysts, and not tickets, were given a version."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

import rampgate
from rampgate.errors import PolicyError
from rampgate.judge.decision import Decision, Health
from rampgate.ledger import Ledger, canonical
from rampgate.policy import load_policy
from rampgate.rollout.evaluate import recompute

START = date(2026, 1, 5)


def policy(**changes: Any) -> dict[str, Any]:
    return {
        "source": {"unit": "id", "time": "at", "variant": "version", "cluster": "analyst"},
        "start": "2026-01-05",
        "metrics": {
            "right": {"kind": "proportion", "column": "right"},
            "override": {"kind": "proportion", "column": "override", "better": "lower"},
            "hours": {"kind": "mean", "column": "hours", "better": "lower", "bounds": [0, 9], "best": 0, "worst": 9},
            "good": {"kind": "ratio", "numerator": "top", "denominator": "bottom"},
            "missed": {"kind": "rare_event", "column": "override"},
        },
        "kpi": {"weights": {"right": 0.6, "override": 0.4}, "margin": "5pp"},
        "guardrails": {
            "override": {"margin": "5pp"}, "hours": {"margin": 0.5}, "good": {"margin": "5pp"},
            "missed": {"margin": "50%"},
        },
        "rollback": {"override": {"worse_by": "1pp", "expect": "4pp"}, "kpi": {"worse_by": "1pp"}},
        "phases": [
            {"traffic": "25%", "at_least": "7d", "minimum_units": 50},
            {"traffic": "50%", "at_least": "7d", "go": "non_inferior"},
            {"traffic": "100%"},
        ],
        "exposure": [{"from": "2026-01-05", "traffic": "25%"}],
    } | changes  # fmt: skip


def tickets(
    days: int = 14, analysts: int = 40, share: float = 0.25, spread: float = 0.05, harm: float = 0.0, seed: int = 1,
    cross: int = 0,
) -> pl.DataFrame:  # fmt: skip
    """Ten tickets a day of each analyst; a quarter of the analysts have the candidate, two weeks of history before."""
    rng = np.random.default_rng(seed)
    rate = rng.normal(0.2, spread, analysts).clip(0.02, 0.9)
    has = np.arange(analysts) < round(share * analysts)
    rows = []
    for d in range(-14, days):
        for k in range(analysts):
            for i in range(10):
                candidate = bool(has[k]) and d >= 0
                if k < cross and d >= 5 and i < 5:
                    candidate = False
                bad = rng.random() < rate[k] + (harm if candidate else 0.0)
                rows.append(
                    {
                        "id": f"{d}-{k}-{i}", "at": START + timedelta(days=d), "version":
                        "candidate" if candidate else "baseline", "analyst": f"a{k:02d}", "override": bad,
                        "right": bool(rng.random() < 0.9), "hours": float(rng.gamma(2.0, 1.0)),
                        "bottom": int(rng.integers(1, 4)), "top": 1, "queue": "ab"[i % 2],
                    }
                )  # fmt: skip
    return pl.DataFrame(rows)


def look(frame: Any, days: int = 14, ledger: Any = None, **changes: Any) -> Decision:
    return rampgate.check(policy(**changes), frame, as_of=START + timedelta(days=days), ledger=ledger)


def found(decision: Decision, code: str) -> list[Health]:
    return [h for h in decision.health if h.code == code]


@pytest.fixture(scope="module")
def quiet() -> pl.DataFrame:
    return tickets()


def test_a_harmless_candidate_goes_on_and_is_recomputed(quiet, tmp_path) -> None:
    from rampgate.ledger import Ledger

    book = Ledger.open(tmp_path / "book.db")
    decision = look(quiet, ledger=book, segments={"by": ["queue"], "guardrails": {"kpi": {"margin": "9pp"}}})
    assert decision.decision == "go", decision.reasons
    assert all(c.verdict in ("PASS", "INCONCLUSIVE") for c in decision.criteria), decision.criteria
    record = book.last("rollout")
    assert record is not None
    assert recompute(record, book).content() == decision.content()
    [crossed] = found(decision, "crossed_units")
    assert crossed.verdict == "PASS"
    assert crossed.message.startswith("0 of 40 clusters met both versions within one phase; a share of ")
    [ratio] = found(decision, "sample_ratio")
    assert "10 of 40 clusters are the candidate's, where about 10 should be" in ratio.message


def test_an_interval_by_cluster_is_wider(quiet) -> None:
    by_cluster, by_unit = look(quiet), look(quiet, source={"unit": "id", "time": "at", "variant": "version"})

    def width(decision: Decision, name: str) -> float:
        [row] = [m for m in decision.metrics if m.name == name and m.group.column is None]
        assert row.lower is not None
        assert row.upper is not None
        return row.upper - row.lower

    assert width(by_cluster, "override") > 1.2 * width(by_unit, "override")
    # Where clusters do not differ, what is lost is the correction for few of them.
    assert 0.99 * width(by_unit, "right") < width(by_cluster, "right") < 1.5 * width(by_unit, "right")


def test_plain_harm_is_rolled_back_with_its_onset() -> None:
    decision = look(tickets(harm=0.25))
    assert decision.decision == "rollback"
    assert decision.reasons[0].metric == "override"
    assert "since 2026-01-0" in decision.reasons[0].message


def test_four_clusters_are_no_data_and_never_a_rollback() -> None:
    decision = look(tickets(share=0.1, harm=0.4), exposure=[{"from": "2026-01-05", "traffic": "10%"}], phases=[
        {"traffic": "10%"}, {"traffic": "100%"}])  # fmt: skip
    assert decision.decision == "hold"
    assert {c.verdict for c in decision.criteria} == {"NO_DATA"}
    [reason] = [r for r in decision.reasons if r.code == "too_little_data" and r.metric == "override"][:1]
    few = "too few clusters: 4 with known outcomes in the smaller arm, and 5 are needed in each"
    assert reason.message == f"override cannot be compared yet: {few}"


def test_clusters_in_both_arms_hold() -> None:
    decision = look(tickets(cross=6))
    [crossed] = found(decision, "crossed_units")
    assert crossed.verdict == "FAIL"
    assert crossed.message.startswith("6 of 40 clusters met both versions within one phase, more than 1%, evidence")
    assert decision.decision == "hold"
    # After a change of traffic it is no crossing.
    moved = look(
        tickets(cross=10).with_columns(
            version=pl.when(pl.col("at") >= START + timedelta(days=5)).then(pl.lit("baseline")).otherwise("version")
        ),
        exposure=[{"from": "2026-01-05", "traffic": "25%"}, {"from": "2026-01-10", "traffic": "50%"}],
    )
    assert found(moved, "crossed_units")[0].verdict == "PASS"


def test_a_row_without_a_cluster_is_excluded_and_counted(quiet) -> None:
    at = pl.col("id").str.ends_with("-3")
    for gap in (None, ""):
        gone = quiet.with_columns(analyst=pl.when(at & (pl.col("at") >= START)).then(pl.lit(gap)).otherwise("analyst"))
        decision = look(gone)
        [excluded] = [h for h in found(decision, "too_little_data") if "excluded" in h.message]
        assert excluded.verdict == "FAIL"
        assert excluded.message.startswith("560 of 5600 rows excluded (10.0%): 560 without cluster; more than 1%")


def test_units_that_repeat_and_cross_without_a_cluster(quiet) -> None:
    """The analyst given as the unit: the remedy is named, and those in both arms are counted."""
    source = {"unit": "analyst", "time": "at", "variant": "version"}
    decision = look(tickets(cross=6), source=source)
    [repeated] = found(decision, "duplicate_units")
    assert "name this column under source.cluster" in repeated.message
    [crossed] = found(decision, "crossed_units")
    assert crossed.message.startswith("6 of 40 units met both versions within one phase")
    assert crossed.verdict == "FAIL"
    assert found(look(quiet, source=source), "crossed_units")[0].message.startswith("0 of 40 units met both")


def test_a_cluster_that_is_another_column_is_refused() -> None:
    with pytest.raises(PolicyError, match=r'column "id" is already the unit'):
        load_policy(policy(source={"unit": "id", "time": "at", "variant": "version", "cluster": "id"}))


def test_missing_labels_are_held_against_clusters() -> None:
    """Two of the candidate's ten analysts leave out a metric: plain by ticket, and no evidence by analyst."""
    frame = tickets().with_columns(
        right=pl.when(pl.col("analyst").is_in(["a00", "a01"]) & (pl.col("at") >= START)).then(None).otherwise("right")
    )
    [by_cluster] = [
        h for h in found(look(frame), "missing_labels") if "alike" in h.message or "unknown in" in h.message
    ]
    by_unit = look(frame, source={"unit": "id", "time": "at", "variant": "version"})
    assert by_cluster.verdict == "PASS"
    assert any(h.verdict == "FAIL" for h in found(by_unit, "missing_labels"))


def test_before_the_first_period_too_few_clusters_is_what_is_said_and_no_error() -> None:
    segments = {"by": ["queue"], "rollback": {"override": {"worse_by": "5pp"}}}
    decision = look(tickets(days=2), days=0, segments=segments)
    assert decision.decision == "hold"
    assert {criterion.verdict for criterion in decision.criteria} == {"NO_DATA"}
    assert [reason for reason in decision.reasons if reason.verdict == "ERROR"] == []


def test_clusters_and_histograms_are_read_and_recorded_together(tmp_path: Any) -> None:
    """Times to events bring bins, clusters another key of the cells; a record holds both, and judges again the same."""
    frame = tickets().with_columns(done=pl.col("at").cast(pl.Datetime) + pl.duration(hours=pl.col("hours") * 4))
    metrics = {
        **policy()["metrics"],
        "solved": {"kind": "time_to_event", "from": "at", "to": "done", "within": "12h"},
    }
    book = Ledger.open(tmp_path / "rampgate.db")
    decision = look(frame, ledger=book, metrics=metrics)
    record = book.last(decision.rollout)
    assert record is not None
    assert decision.open
    assert canonical(recompute(record, book).content()) == canonical(record.entry()["decision"])
