"""A simulated rollout and a real one with the same numbers give the same decision, field by field."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from tests.simulation.tables import policy, table

from rampgate.aggregate.calendar import local_midnight
from rampgate.aggregate.histogram import NOWHERE
from rampgate.aggregate.marginals import Arm
from rampgate.aggregate.moments import BASELINE, CANDIDATE, Cells, Intake, Period, Tally
from rampgate.judge.batch import Batch, verdicts
from rampgate.judge.case import Case
from rampgate.judge.decide import judge
from rampgate.judge.decision import COMPLETE, GO, ROLLBACK, Decision
from rampgate.judge.health import seen
from rampgate.judge.state import State, after
from rampgate.policy import Policy
from rampgate.rollout.replay import up_to
from rampgate.simulation.baseline import Baseline, of_history, read_history
from rampgate.simulation.draw import Drawn
from rampgate.simulation.pool import Pool
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
    "quantiles": {
        "metrics": {
            "right": {"kind": "proportion", "column": "right"},
            "p80": {"kind": "quantile", "column": "minutes", "q": 0.8, "better": "lower"},
            "p20": {"kind": "quantile", "column": "minutes", "q": 0.2, "better": "higher", "matures_after": "2d"},
        },
        "kpi": {"weights": {"right": 1.0}, "margin": "9pp"},
        "guardrails": {"p80": {"margin": 9}, "p20": {"margin": "40%"}},
        "rollback": {"p80": {"worse_by": "5%", "expect": "25%"}},
        "segments": {"by": ["queue"], "guardrails": {"p80": {"margin": 12}}, "rollback": {"p80": {"worse_by": 4}},
                     "minimum_units": 30},
    },
    "paces": {
        "metrics": {
            "right": {"kind": "proportion", "column": "right"},
            "soon": {"kind": "time_to_event", "from": "time", "to": "resolved", "within": "48h", "test": "hazard"},
        },
        "kpi": {"weights": {"right": 1.0}, "margin": "9pp"},
        "guardrails": {"right": {"margin": "9pp"}},
        "rollback": {"soon": {"worse_by": 0, "expect": "30%"}, "right": {"worse_by": "5pp"}},
        "segments": {"by": ["queue"], "guardrails": {"right": {"margin": "9pp"}}, "minimum_units": 30,
                     "rollback": {"soon": {"worse_by": 0}}},
    },
    "covariates": {
        "metrics": {"score": {"kind": "mean", "column": "score", "best": 5, "worst": 1, "covariate": "before"}},
        "kpi": {"weights": {"score": 1.0}, "margin": "9pp"},
        "guardrails": {"score": {"margin": 0.3}},
        "rollback": {"score": {"worse_by": 0.1}},
        "segments": {"by": ["queue"], "guardrails": {"score": {"margin": 0.4}}, "minimum_units": 30},
    },
    "plain-thresholds": {
        "evidence": "point",
        "rollback": {"override": {"worse_by": "9pp"}, "kpi": {"worse_by": "9pp"}},
        "segments": {"by": ["queue"], "guardrails": {"override": {"margin": "12pp"}}, "minimum_units": 50,
                     "rollback": {"right": {"worse_by": "15%"}}},
    },
    "plain-thresholds-late": {
        "evidence": "point",
        "source": {"window": "5d"},
        "metrics": {
            "right": {"kind": "proportion", "column": "right", "matures_after": "3d"},
            "score": {"kind": "mean", "column": "score", "best": 5, "worst": 1},
        },
        "kpi": {"weights": {"right": 0.5, "score": 0.5}, "margin": "4pp", "floor": 0.8},
        "guardrails": {},
        "rollback": {"right": {"worse_by": "9pp"}},
        "segments": None,
    },
}  # fmt: skip
#: By how much the first metric is worse where something is.
HARM = {"rare-events": 0.08, "means-and-ratios": 0.7, "times-to-events": 0.2, "quantiles": 14.0, "paces": 0.6,
        "covariates": 0.5}  # fmt: skip


@dataclass
class Recorded(Drawn):
    """Units that are remembered by their sort, so that a real rollout can be made of them."""

    seen: dict[tuple[int, int, int], tuple[slice, np.ndarray]] = field(default_factory=dict)

    def _add(self, arm, row, period, counts, table, rows):
        super()._add(arm, row, period, counts, table, rows)
        for i, key in enumerate(zip(row.tolist(), period.tolist(), strict=True)):
            self.seen[(arm, *key)] = (rows, counts[i])

    def bins(self, name: str, key: tuple[int, int, int], group: int) -> list[tuple[int, float]]:
        """Bins of a metric and their units, in a period of a group."""
        if key not in self.seen:
            return []
        rows, counts = self.seen[key]
        bins = self.pool.bins[name][:, rows].reshape(-1)[: len(counts)].astype(int)
        mine = np.tile(self.pool.member[rows, group], len(counts) // self.pool.member[rows].shape[0])
        every, at = np.unique(bins, return_inverse=True)
        units = np.bincount(at, weights=counts * mine)
        return [(int(k), float(n)) for k, n in zip(every, units, strict=True) if n > 0 and k != NOWHERE]


def cells_of(
    baseline: Baseline, before: Cells, units: Recorded, arms: tuple[Arm, Arm], rollout: int, periods: tuple[Period, ...]
) -> Cells:
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
                    # What is beyond a threshold is counted anew, from the bins.
                    own = slice(len(baseline.components))
                    mean, low, high = (x[(*at, g, t)][own] for x in (part.mean, part.low, part.high))
                    moments = [mean, part.comoment[(*at, g, t)], low, high]
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
        tallies_of(baseline, before, units, rollout, [row[:3] for row in rows], len(past)),
    )


def tallies_of(
    baseline: Baseline, before: Cells, units: Recorded, rollout: int, rows: list[Any], past: int
) -> tuple[Tally, ...]:
    """The histograms of cells: those of the history as they were read, those of the run as units were drawn."""
    place = {(t, arm, value): r for r, (t, arm, value) in enumerate(rows)}
    groups = {() if g.column is None else (g.value,): i for i, g in enumerate(baseline.groups)}
    out = []
    for name in baseline.sorts.binned:
        old = before.tally(name)
        assert old is not None
        keys = zip(before.period.tolist(), before.arm.tolist(), before.values, strict=True)
        at = [place[key] if key[1] == BASELINE else -1 for key in keys]
        found = [(at[r], b, n) for r, b, n in zip(old.row, old.bin, old.count, strict=True) if at[r] >= 0]
        for (t, arm, value), r in place.items():
            if t >= past:
                key = (arm, rollout, t - past)
                found += [(r, b, n) for b, n in units.bins(name, key, groups[value])]
        row, bin_, count = (np.array(column) for column in zip(*sorted(found), strict=True))
        out.append(Tally(name, row, bin_, count))
    return tuple(out)


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


def drawn(kind: str, harm: float) -> tuple[Baseline, Cells, Setting, Recorded, Ways]:
    rules = policy(**KINDS[kind])
    history = read_history(rules, table(unknown=0.2 if kind == "unknown-outcomes" else 0.0))
    fixed, cells, found, end, why = history
    baseline = of_history(fixed, cells, found, end, [why])
    setting = Setting.of(baseline, PERIODS)
    metric = {"quantiles": "p80", "paces": "soon"}.get(kind, next(iter(rules.judged_metrics())))
    changes = (Change(metric, harm, pace=rules.tests_hazard(metric)),) if harm else ()
    scenario = Scenario("one", "", changes, "day")
    rng = np.random.default_rng(7)
    there, _ = intensity(scenario, ROLLOUTS, PERIODS, rng)
    units = Recorded.of(Pool.of(baseline, scenario, paired=True), scenario, there, setting.calendar.periods, rng)
    return baseline, cells, setting, units, run(setting, units, ROLLOUTS)


@pytest.mark.parametrize("harmed", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_simulated_rollout_and_a_real_one_with_the_same_numbers_give_the_same_decision(kind, harmed):
    baseline, history, setting, units, ways = drawn(kind, HARM.get(kind, 0.15) if harmed else 0.0)
    rules, periods = baseline.policy, setting.calendar.periods
    every = np.arange(ROLLOUTS)
    units.fill(every, np.maximum(ways.rolled + 1, 0), PERIODS, (0.5, 0.5))  # what no look of a rollout rests on
    arms, ages = units.arms(every, PERIODS), units.ages(every, PERIODS)
    seen_codes = set()
    for r in range(ROLLOUTS):
        real = decisions(rules, cells_of(baseline, history, units, arms, r, periods), baseline, periods)
        looks = range(min(int(ways.rolled[r]) + 1, PERIODS))
        assert len(real) == len(looks)
        for t in looks:
            phase = int(ways.phase[r, t])
            expected = _decision(ways, r, t, len(rules.phases))
            found = real[t].decision
            if phase == len(rules.phases) and expected != ROLLBACK:
                expected = found if t > ways.left[r, -1] else expected  # after the last phase was done it stays done
            assert (real[t].phase.index, found) == (phase, expected), (r, t, [x.message for x in real[t].reasons])
        seen_codes |= _compare_looks(setting, arms, ages, ways, r, real)
    assert seen_codes


def _decision(ways: Ways, r: int, t: int, last: int) -> str:
    if t == ways.rolled[r]:
        return ROLLBACK
    if t == ways.left[r, ways.phase[r, t] - 1]:
        return COMPLETE if ways.phase[r, t] == last else GO
    return "hold"


def _compare_looks(
    setting: Setting, arms: tuple[Arm, Arm], ages: dict[str, Any], ways: Ways, r: int, real: list[Decision]
) -> set[str]:
    """Every criterion's evidence, and every reason to hold, at each look of one rollout."""
    one = tuple(
        replace(a, **{f: getattr(a, f)[r : r + 1] for f in ("n", "mean", "comoment", "low", "high")}) for a in arms
    )
    rules, codes, point = setting.policy, set(), setting.policy.evidence == "point"
    for index in range(1, len(rules.phases) + 1):
        inside = [t for t in range(len(real)) if ways.phase[r, t] == index]
        if not inside:
            continue
        share = np.full((1, PERIODS), np.nan)
        for t in range(PERIODS):
            same = t > 0 and ways.phase[r, t] == ways.phase[r, t - 1]
            share[0, t] = rules.phases[ways.phase[r, t] - 1].share if same else np.nan
        data = setting.data((one[0], one[1]), PERIODS, {name: counts[:, r : r + 1] for name, counts in ages.items()})
        batch = Batch(data, setting.calendar, index, np.array([inside[0]]), share)
        found = verdicts(batch)
        e_values = {} if point else {w.criterion.id: np.exp(batch.log_e(w)[0]) for w in batch.weighed}
        for t in inside:
            for criterion in () if point else real[t].criteria:
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
