"""What nobody thinks of when writing a policy: harm beyond all measure, nothing to divide by, odd covariates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import rampgate
from rampgate.judge.decision import Decision

START = "2026-01-05"
SHOWN: list[dict[str, Any]] = [
    {"traffic": "30%", "at_least": "7d", "go": "non_inferior", "require": ["m"]},
    {"traffic": "100%"},
]


class Table:
    """28 days before and after the start, 200 units a day, three tenths of them the candidate's."""

    def __init__(self, seed: int = 1) -> None:
        self.chance = np.random.default_rng(seed)
        day = np.repeat(np.arange(-28, 28), 200)
        self.candidate = (day >= 0) & (self.chance.random(len(day)) < 0.3)
        self.noise = self.chance.normal(0.0, 1.0, len(day))
        time = (
            pd.Timestamp(START)
            + pd.to_timedelta(day, "D")
            + pd.to_timedelta(self.chance.integers(0, 1440, len(day)), "min")
        )
        self.frame = pd.DataFrame(
            {
                "unit": np.arange(len(day)),
                "time": time,
                "variant": np.where(self.candidate, "v2", "v1"),
                "ok": self.chance.random(len(day)) < 0.9,
            }
        )

    def look(self, metric: dict[str, Any], history: bool = True, **sections: Any) -> Decision:
        frame = self.frame if history else self.frame[self.frame.time >= START]
        policy = {
            "baseline": "v1", "candidate": "v2", "start": START,
            "metrics": {"ok": {"kind": "proportion", "column": "ok"}, "m": {"better": "lower", **metric}},
            "kpi": {"weights": {"ok": 1}, "margin": "10pp"},
            "phases": [{"traffic": "30%"}, {"traffic": "100%"}],
            "exposure": [{"from": START, "traffic": "30%"}], **sections,
        }  # fmt: skip
        return rampgate.check(policy, events=frame, as_of="2026-02-02", ledger=None)


def verdict(decision: Decision, name: str) -> str:
    return next(c.verdict for c in decision.criteria if c.id == name)


MEAN: dict[str, Any] = {"kind": "mean", "column": "x"}
NO_HARM: dict[str, Any] = {"rollback": {"m": {"worse_by": 0}}}


@pytest.mark.parametrize("margin", [None, 1, 50])
@pytest.mark.parametrize("harm", [3.0, 100.0, 1e4, 1e6])
@pytest.mark.parametrize("history", [True, False])
def test_harm_beyond_all_measure_is_found(harm: float, margin: float | None, history: bool) -> None:
    """Harm of a hundred standard deviations is not less than one of three."""
    table = Table()
    table.frame["x"] = 100.0 + table.noise + harm * table.candidate
    rails = {} if margin is None else {"guardrails": {"m": {"margin": margin}}}
    assert table.look(MEAN, history, **NO_HARM, **rails).decision == "rollback"


@pytest.mark.parametrize("onset", [14, 20, 24, 26])
def test_it_is_found_also_when_it_begins_late(onset: int) -> None:
    table = Table()
    late = table.frame.time >= pd.Timestamp(START) + pd.Timedelta(days=onset)
    table.frame["x"] = 100.0 + table.noise + 1e4 * (table.candidate & late)
    assert table.look(MEAN, **NO_HARM).decision == "rollback"


def test_a_ratio_a_thousand_times_as_high_is_found() -> None:
    table = Table()
    table.frame["d"] = table.chance.integers(1, 10, len(table.frame))
    table.frame["y"] = table.frame.d * np.exp(table.noise) * np.where(table.candidate, 1000.0, 1.0)
    assert table.look({"kind": "ratio", "numerator": "y", "denominator": "d"}, **NO_HARM).decision == "rollback"


@pytest.mark.parametrize("margin", [0.5, 5, 20, 1000])
def test_a_margin_of_many_standard_deviations_can_be_shown(margin: float) -> None:
    table = Table()
    table.frame["x"] = 100.0 + table.noise
    decision = table.look(MEAN, guardrails={"m": {"margin": margin}}, phases=SHOWN)
    assert verdict(decision, "guardrail:m") == "PASS"


@pytest.mark.parametrize("factor", [1e-9, 1e-7, 1.0, 1e9])
def test_magnitude_does_not_matter(factor: float) -> None:
    table = Table()
    table.frame["x"] = np.exp(table.noise) * np.where(table.candidate, 3.0, 1.0) * factor
    decision = table.look(MEAN, **NO_HARM, guardrails={"m": {"margin": "10%"}})
    assert decision.decision == "rollback"
    if factor != 1.0:
        plain = Table()
        plain.frame["x"] = table.frame.x / factor
        same = plain.look(MEAN, **NO_HARM, guardrails={"m": {"margin": "10%"}})
        assert [c.verdict for c in same.criteria] == [c.verdict for c in decision.criteria]
        mine, other = (next(c.e_value for c in d.criteria if c.id == "rollback:m") for d in (decision, same))
        assert mine is not None
        assert mine == pytest.approx(other, rel=1e-6)


@pytest.mark.parametrize("history", [True, False])
def test_arms_without_any_variation_differ_by_what_lies_between_them(history: bool) -> None:
    table = Table()
    table.frame["x"] = np.where(table.candidate, 2.0, 1.0)
    assert table.look(MEAN, history, **NO_HARM).decision == "rollback"
    table.frame["x"] = 1.0
    assert table.look(MEAN, history, **NO_HARM).decision == "go"


def test_a_ratio_without_anything_to_divide_by_is_not_known() -> None:
    table = Table()
    table.frame["asked"] = np.where(table.candidate, 0.0, 1.0)
    table.frame["solved"] = table.frame.asked * (table.chance.random(len(table.frame)) < 0.9)
    ratio = {"kind": "ratio", "numerator": "solved", "denominator": "asked", "better": "higher"}
    kpi = {"weights": {"m": 1}, "margin": "10pp", "floor": "75%"}
    phase: dict[str, Any] = {**SHOWN[0], "require": ["kpi"]}
    decision = table.look(ratio, kpi=kpi, phases=[phase, SHOWN[1]])
    assert decision.decision == "hold"
    assert {verdict(decision, name) for name in ("guardrail:kpi", "floor:kpi")} == {"NO_DATA"}
    table.frame["asked"] = table.frame["solved"] = 0.0
    nothing = table.look(ratio, guardrails={"m": {"margin": "10pp"}})
    assert (nothing.decision, verdict(nothing, "guardrail:m")) == ("hold", "NO_DATA")


def test_a_margin_in_percent_of_a_negative_level_is_refused_and_stops_nothing_else() -> None:
    table = Table()
    table.frame["x"] = table.noise - 5.0
    decision = table.look(MEAN, rollback={"m": {"worse_by": "10%"}})
    assert (decision.decision, verdict(decision, "rollback:m")) == ("hold", "ERROR")
    assert any("write it in its own unit" in r.message for r in decision.reasons)
    table.frame["ok"] = np.where(table.candidate, table.chance.random(len(table.frame)) < 0.5, table.frame.ok)
    assert table.look(MEAN, rollback={"m": {"worse_by": "10%"}, "ok": {"worse_by": 0}}).decision == "rollback"


# --- covariates -----------------------------------------------------------------------------------


def covered(table: Table, covariate: np.ndarray, harm: float = 0.0, **sections: Any) -> Decision:
    table.frame["x"] = table.before / 5.0 + table.noise / 2.0 + harm * table.candidate  # type: ignore[attr-defined]
    table.frame["c"] = covariate
    every: dict[str, Any] = {**NO_HARM, **sections}
    return table.look({**MEAN, "covariate": "c"}, **every)


@pytest.fixture
def before() -> tuple[Table, np.ndarray]:
    table = Table()
    known = table.chance.normal(20.0, 5.0, len(table.frame))
    table.before = known  # type: ignore[attr-defined]
    return table, known


@pytest.mark.parametrize("how", ["missing in one arm", "filled in for one arm", "one more in one arm"])
def test_a_covariate_that_differs_between_the_arms_decides_nothing(how: str, before: tuple[Table, np.ndarray]) -> None:
    table, known = before
    covariate = {
        "missing in one arm": np.where(table.candidate & (known > 20), np.nan, known),
        "filled in for one arm": np.where(table.candidate, 7.0, known),
        "one more in one arm": known - 1.0 * table.candidate,
    }[how]
    decision = covered(table, covariate)
    assert decision.decision == "hold"
    [reason] = [r for r in decision.reasons if r.code == "missing_labels"]
    assert "so m is judged without it" in reason.message
    # Harm is found all the same, and a candidate that is worse is not shown to be fine.
    hides = np.where(table.candidate & (known < 20), np.nan, known) if how == "missing in one arm" else covariate
    rails = {"guardrails": {"m": {"margin": 0.2}}, "phases": SHOWN}
    assert covered(table, hides, 0.3, **rails).decision == "rollback"


def test_an_even_covariate_is_used(before: tuple[Table, np.ndarray]) -> None:
    table, known = before
    lost = table.chance.random(len(known)) < 0.2
    decision = covered(table, np.where(lost, np.nan, known))
    assert decision.decision == "go"
    assert any(h.verdict == "PASS" and "covariate c of m" in h.message for h in decision.health)


# --- labels that come late ------------------------------------------------------------------------


def late(table: Table, **metric: Any) -> Decision:
    bad = table.chance.random(len(table.frame)) < 0.2
    table.frame["bad"] = bad
    hours = np.where(~bad & table.candidate, 40, 1)
    table.frame["told"] = table.frame.time + pd.to_timedelta(hours, "h")
    return table.look({"kind": "proportion", "column": "bad", "known_at": "told", **metric}, **NO_HARM)


def test_labels_that_come_late_hold_and_do_not_roll_back() -> None:
    """The candidate's good outcomes are told later: what is known at the end of the day is mostly bad."""
    decision = late(Table())
    assert (decision.decision, verdict(decision, "rollback:m")) == ("hold", "NO_DATA")
    assert any("write matures_after under metrics.m" in r.message for r in decision.reasons)
    assert late(Table(), matures_after="72h").decision == "go"
