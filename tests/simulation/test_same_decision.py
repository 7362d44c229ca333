"""A simulated rollout and a real one with the same numbers give the same decision, field by field."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from tests.simulation.tables import policy, table

from rampgate.aggregate.calendar import local_midnight
from rampgate.aggregate.marginals import Arm
from rampgate.aggregate.moments import BASELINE, CANDIDATE, Cells, Intake, Period
from rampgate.judge.batch import Batch, verdicts
from rampgate.judge.case import Case
from rampgate.judge.decide import judge
from rampgate.judge.decision import COMPLETE, GO, ROLLBACK, Decision
from rampgate.judge.health import seen
from rampgate.judge.state import State, after
from rampgate.policy import Policy
from rampgate.rollout.replay import up_to
from rampgate.simulation.baseline import Baseline, from_source
from rampgate.simulation.draw import Drawn, Pool
from rampgate.simulation.run import Setting, Ways, run
from rampgate.simulation.scenario import Change, Scenario, intensity

PERIODS, ROLLOUTS = 24, 2
KINDS: dict[str, Any] = {
    "proportions": {},
    "labels-that-come-late": {
        "metrics": {
            "right": {"kind": "proportion", "column": "right", "matures_after": "72h"},
            "override": {"kind": "proportion", "column": "override", "better": "lower"},
        }
    },
    "rare-events": {
        "metrics": {
            "right": {"kind": "proportion", "column": "right"},
            "missed": {"kind": "rare_event", "column": "missed"},
        },
        "kpi": {"weights": {"right": 1.0}, "margin": "6pp"},
        "guardrails": {"missed": {"margin": "50%"}},
        "rollback": {"missed": {"worse_by": "10%"}, "kpi": {"worse_by": "2pp"}},
        "segments": None,
    },
    "means-and-ratios": {
        "metrics": {
            "score": {"kind": "mean", "column": "score", "best": 5, "worst": 1},
            "answered": {"kind": "ratio", "numerator": "answered", "denominator": "asked"},
        },
        "kpi": {"weights": {"score": 0.5, "answered": 0.5}, "margin": "6pp"},
        "guardrails": {"score": {"margin": 0.4}, "answered": {"margin": 0.1}},
        "rollback": {"score": {"worse_by": 0.1}, "answered": {"worse_by": "2%"}},
        "segments": {"by": ["queue"], "guardrails": {"kpi": {"margin": "8pp"}}, "minimum_units": 30},
    },
    "times-to-events": {
        "metrics": {
            "soon": {"kind": "time_to_event", "from": "time", "to": "resolved", "within": "24h"},
            "hours": {"kind": "time_to_event", "from": "time", "to": "resolved", "mean_up_to": "48h",
                      "better": "lower", "best": 0, "worst": 48},
        },
        "kpi": {"weights": {"soon": 0.5, "hours": 0.5}, "margin": "9pp"},
        "guardrails": {"soon": {"margin": "9pp"}},
        "rollback": {"hours": {"worse_by": 2}},
        "segments": None,
    },
    "within-budget": {
        "harm_budget": {"override": 60},
        "phases": [
            {"traffic": "20%", "at_least": "4d", "minimum_units": 60, "go": "within_budget"},
            {"traffic": "50%", "at_least": "4d", "go": "within_budget"},
            {"traffic": "100%", "holdout": "10%"},
        ],
    },
    "unknown-outcomes": {"start": None},
    "weekly-looks": {
        "source": {"look": "week"},
        "timezone": "Europe/Berlin",  # its clocks change within the run
        "metrics": {
            "right": {"kind": "proportion", "column": "right", "matures_after": "9d"},
            "override": {"kind": "proportion", "column": "override", "better": "lower"},
        },
    },
    "to-full-traffic": {"phases": [{"traffic": "20%"}, {"traffic": "100%"}]},
}  # fmt: skip


def cells_of(baseline: Baseline, arms: tuple[Arm, Arm], rollout: int, periods: tuple[Period, ...]) -> Cells:
    """The numbers of one simulated rollout as cells, by segment value, behind the history."""
    groups = [g for g, group in enumerate(baseline.groups) if group.column is not None] or [0]
    rows: list[tuple[int, int, tuple[str, ...], float, Any]] = []
    past = tuple(period for period, _ in baseline.before)
    sources = [(BASELINE, baseline.history[1], 0), *((arm, part, len(past)) for arm, part in
               ((CANDIDATE, arms[0]), (BASELINE, arms[1])))]  # fmt: skip
    for arm, part, offset in sources:
        at = (rollout,) if part.n.ndim == 3 else ()
        for t in range(part.n.shape[-1]):
            for g in groups:
                if part.n[(*at, g, t)] > 0:
                    value = baseline.groups[g].value
                    moments = [x[(*at, g, t)] for x in (part.mean, part.comoment, part.low, part.high)]
                    rows.append((t + offset, arm, () if value is None else (value,), part.n[(*at, g, t)], moments))
    rows.sort(key=lambda row: row[:3])
    mean, comoment, low, high = (np.array([row[4][i] for row in rows]) for i in range(4))
    return Cells(
        baseline.components,
        baseline.pairs,
        (*past, *periods),
        () if baseline.policy.segments is None else baseline.policy.segments.by,
        np.array([row[0] for row in rows]),
        np.array([row[1] for row in rows]),
        tuple(row[2] for row in rows),
        np.array([row[3] for row in rows]),
        mean,
        comoment,
        low,
        high,
        np.zeros((len(rows), len(baseline.policy.metrics)), dtype=np.int64),
        tuple("0" for _ in rows),
    )


def decisions(rules: Policy, cells: Cells, baseline: Baseline, periods: tuple[Period, ...]) -> list[Decision]:
    """What the judge decides at each look, the state carried along as by recorded looks."""
    launch = local_midnight(baseline.start, rules.zone)
    state = State(candidate=rules.candidate, start=baseline.start, phases=((1, launch),))
    out = []
    for period in periods:
        look = period.end.astimezone(rules.zone)
        n = int(cells.n.sum())
        intake = Intake(n, n, 0, 0, 0, 0, 0, (), 0, None, (), period.end - timedelta(hours=1))
        case = Case(rules, up_to(cells, look), intake, state, look, look)
        out.append(judge(case))
        state = after(state, out[-1], seen(case))
        if out[-1].decision == ROLLBACK:
            break
    return out


def drawn(kind: str, harm: float) -> tuple[Baseline, Setting, Drawn, Ways]:
    rules = policy(**KINDS[kind])
    baseline = from_source(rules, table(unknown=0.2 if kind == "unknown-outcomes" else 0.0))
    setting = Setting.of(baseline, PERIODS)
    metric = next(iter(rules.judged_metrics()))
    scenario = Scenario("one", "", (Change(metric, harm),) if harm else (), "day")
    rng = np.random.default_rng(7)
    there, _ = intensity(scenario, ROLLOUTS, PERIODS, rng)
    units = Drawn.of(Pool.of(baseline, scenario, paired=True), scenario, there, setting.calendar.periods, rng)
    return baseline, setting, units, run(setting, units, ROLLOUTS)


@pytest.mark.parametrize("harmed", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_simulated_rollout_and_a_real_one_with_the_same_numbers_give_the_same_decision(kind, harmed):
    harm = {"rare-events": 0.08, "means-and-ratios": 0.7, "times-to-events": 0.2}.get(kind, 0.15)
    baseline, setting, units, ways = drawn(kind, harm if harmed else 0.0)
    rules, periods = baseline.policy, setting.calendar.periods
    every = np.arange(ROLLOUTS)
    units.fill(every, np.maximum(ways.rolled + 1, 0), PERIODS, (0.5, 0.5))  # what no look of a rollout rests on
    arms = units.arms(every, PERIODS)
    seen_codes = set()
    for r in range(ROLLOUTS):
        real = decisions(rules, cells_of(baseline, arms, r, periods), baseline, periods)
        looks = range(min(int(ways.rolled[r]) + 1, PERIODS))
        assert len(real) == len(looks)
        for t in looks:
            phase = int(ways.phase[r, t])
            expected = _decision(ways, r, t, len(rules.phases))
            found = real[t].decision
            if phase == len(rules.phases) and expected != ROLLBACK:
                expected = found if t > ways.left[r, -1] else expected  # after the last phase was done it stays done
            assert (real[t].phase.index, found) == (phase, expected), (r, t, [x.message for x in real[t].reasons])
        seen_codes |= _compare_looks(setting, arms, ways, r, real)
    assert seen_codes


def _decision(ways: Ways, r: int, t: int, last: int) -> str:
    if t == ways.rolled[r]:
        return ROLLBACK
    if t == ways.left[r, ways.phase[r, t] - 1]:
        return COMPLETE if ways.phase[r, t] == last else GO
    return "hold"


def _compare_looks(setting: Setting, arms: tuple[Arm, Arm], ways: Ways, r: int, real: list[Decision]) -> set[str]:
    """Every criterion's evidence, and every reason to hold, at each look of one rollout."""
    one = tuple(
        replace(a, **{f: getattr(a, f)[r : r + 1] for f in ("n", "mean", "comoment", "low", "high")}) for a in arms
    )
    rules, codes = setting.policy, set()
    for index in range(1, len(rules.phases) + 1):
        inside = [t for t in range(len(real)) if ways.phase[r, t] == index]
        if not inside:
            continue
        share = np.full((1, PERIODS), np.nan)
        for t in range(PERIODS):
            same = t > 0 and ways.phase[r, t] == ways.phase[r, t - 1]
            share[0, t] = rules.phases[ways.phase[r, t] - 1].share if same else np.nan
        data = setting.data((one[0], one[1]), PERIODS)
        batch = Batch(data, setting.calendar, index, np.array([inside[0]]), share)
        found = verdicts(batch)
        e_values = {w.criterion.id: np.exp(batch.log_e(w)[0]) for w in batch.weighed}
        for t in inside:
            for criterion in real[t].criteria:
                assert criterion.e_value == pytest.approx(e_values[criterion.id][t], rel=1e-7), (criterion.id, t)
            failed = {c.kind for c in real[t].criteria if c.verdict == "FAIL" and c.group.column is None}
            assert ("rollback" in {c.kind for c in real[t].criteria if c.verdict == "FAIL"}) == found.rollback[0, t]
            assert ("guardrail" in failed) == found.holds["guardrail"][0, t]
            told = {x.code for x in real[t].reasons if x.code != "too_little_data" or x.metric is not None}
            for code in ("floor", "segment", "sample_ratio", "missing_labels", "volume", "stale",
                         "minimum_duration", "minimum_units", "too_little_data"):  # fmt: skip
                wanted = code in told and not (code == "floor" and "floor" not in failed)
                flags = found.holds.get(code)  # full traffic leaves no arm to fall silent
                assert bool(flags is not None and flags[0, t]) == wanted, (code, t, told)
            codes |= told
            others = [flags[0, t] for code, flags in found.holds.items() if code not in ("inconclusive", "budget")]
            for code in {"inconclusive", "budget"} & set(found.holds):
                if not any(others) and not found.rollback[0, t]:
                    wanted = bool({code, "floor"} & told) if code == "inconclusive" else code in told
                    assert bool(found.holds[code][0, t]) == wanted, (code, t, told)
    return codes
