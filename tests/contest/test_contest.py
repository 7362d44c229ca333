"""A few cells of the contest: what the page says must still be so, beyond what chance allows."""

from __future__ import annotations

from functools import cache

import numpy as np
from benchmarks.gate_contest.draws import Kind, planned, proportion, real
from benchmarks.gate_contest.rollouts import GATE, HORIZON, ONSET, PRIOR, Told, batches, contest, rules

CS, Z, ARGO = (
    "asymptotic confidence sequence (GrowthBook)",
    "z-test every week",
    "candidate's limit, 4th failure (Argo Rollouts)",
)
COUNT = 300
ERROR = float(np.sqrt(0.05 * 0.95 / COUNT))


@cache
def figures(moving: bool, harm: float, late: bool) -> dict[str, dict[str, float | None]]:
    kind = proportion(planned(300, move=0.08 if moving else 0.0))
    return contest(kind, np.random.default_rng(5), COUNT, harm, late, not harm, rules())


def value(found: dict[str, dict[str, float | None]], rule: str, what: str) -> float:
    number = found[rule][what]
    assert number is not None
    return number


def test_the_gate_keeps_its_budget_where_pooled_rules_do_not(record_property) -> None:
    found = figures(True, 0.0, False)
    false = {rule: value(found, rule, "false") for rule in found}
    record_property("figure", f"baseline rising by 8 points, {COUNT} harmless rollouts: {GATE} {false[GATE]:.1%}")
    assert max(false[GATE], false[HORIZON], false[ONSET]) <= 0.05 + 2 * ERROR
    assert false[f"{CS}, enrolled"] <= 0.05 + 2 * ERROR
    assert false[f"{CS}, ramp"] > 0.4
    assert false[f"{Z}, ramp"] > 0.8
    assert false[f"{Z}, within days"] > 0.1
    assert false[ARGO] == 1.0


def test_the_gate_is_near_the_limits(record_property) -> None:
    now, late = figures(False, 0.04, False), figures(False, 0.04, True)
    ratio = {
        "from day 0": value(now, GATE, "harmed") / value(now, ONSET, "harmed"),
        "late": value(late, GATE, "harmed") / value(late, PRIOR, "harmed"),
        "late, declared horizon": value(late, HORIZON, "harmed") / value(late, PRIOR, "harmed"),
    }
    record_property("figure", ", ".join(f"{name}: {times:.2f} x the limit's harm" for name, times in ratio.items()))
    # The aims 1.3, 1.5 and 1.25 and about three Monte-Carlo errors of a ratio of so few rollouts.
    assert ratio["from day 0"] < 1.4
    assert ratio["late"] < 1.6
    assert ratio["late, declared horizon"] < min(1.35, ratio["late"])
    assert value(late, ONSET, "harmed") < value(late, PRIOR, "harmed")
    assert value(late, GATE, "harmed") < value(late, f"{CS}, enrolled", "harmed")
    assert value(late, ARGO, "before") > 0.5


def test_the_error_of_a_multiple_is_that_of_a_paired_bootstrap() -> None:
    """Two rules on the same rollouts, each with its own share stopped before harm began."""
    rng = np.random.default_rng(3)
    count, days = 2000, 84
    begin, harm = rng.integers(14, 64, count), rng.gamma(2.0, 30.0, count)
    stops = [
        np.where(rng.random(count) < early, begin - 1, begin + rng.integers(1, 20, count)) for early in (0.03, 0.1)
    ]
    own, limit = (
        Told(stop, begin, harm * times * rng.gamma(20.0, 0.05, count), days, False)
        for stop, times in zip(stops, (1.3, 1.0), strict=True)
    )

    def multiple(rows: np.ndarray) -> float:
        means = [one.harm[rows][(one.stop >= one.begin)[rows]].mean() for one in (own, limit)]
        return float(means[0] / means[1])

    again = [multiple(rng.integers(0, count, count)) for _ in range(1500)]
    found = own.times_error(limit)
    assert found is not None
    assert abs(found / np.std(again) - 1) < 0.08  # the bootstrap's own error is 0.02, in 1,500 draws
    assert found < 0.5 * multiple(np.arange(count)) * float(harm.std() / harm.mean() * np.sqrt(2 / count))  # paired


def first_case(kind: Kind, harm: float) -> tuple[np.ndarray, np.ndarray]:
    case = next(iter(batches(kind, np.random.default_rng(1), 200, harm, late=False)))
    return case.seen.n, case.seen.total


def test_harm_is_what_is_stated_and_the_control_is_as_large_as_the_candidate() -> None:
    for kind in (proportion(planned(3000)), real("Boston 311")):
        harmless, harmed = (first_case(kind, harm)[1][:, 2].sum() for harm in (0.0, 0.04))
        n, _ = first_case(kind, 0.04)
        assert 0.98 < n[:, 1].sum() / n[:, 2].sum() < 1.02
        assert abs((harmed - harmless) / n[:, 2].sum() - 0.04) < 0.003
        assert n.min() >= 0
