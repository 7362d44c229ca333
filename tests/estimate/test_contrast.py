"""Within-period contrasts against SciPy and against the same formulas computed row by row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from tests.estimate.rows import moments

from rampgate.estimate.contrast import Contrast, Means, Proportions, Ratios, take
from rampgate.estimate.metric import contrast, linearise, weighted_kpi
from rampgate.policy import Margin, Policy, load_policy


def policy(**metrics: dict[str, Any]) -> Policy:
    weights = dict.fromkeys(metrics, 1 / len(metrics))
    return load_policy({"metrics": metrics, "kpi": {"weights": weights}, "phases": [{"traffic": "50%"}]})


def one(n_c: float, y_c: float, n_b: float, y_b: float) -> Proportions:
    """A single period."""
    return Proportions(np.array([n_c]), np.array([y_c]), np.array([n_b]), np.array([y_b]))


def test_proportions_at_no_margin_give_the_chi_square_of_scipy() -> None:
    c = one(120, 30, 380, 57)
    z = float(c.weight[0] * c.effect[0] / np.sqrt(c.variance(0.0)[0]))
    table = np.array([[30, 90], [57, 323]])
    assert z**2 == pytest.approx(stats.chi2_contingency(table, correction=False).statistic, rel=1e-12)


@given(st.integers(1, 50), st.integers(1, 50), st.data(), st.floats(-0.5, 0.5))
def test_variance_under_the_null_is_that_of_the_restricted_rates(
    n_c: int, n_b: int, data: st.DataObject, margin: float
) -> None:
    y_c, y_b = data.draw(st.integers(0, n_c)), data.draw(st.integers(0, n_b))
    c = one(n_c, y_c, n_b, y_b)
    n = n_c + n_b
    low, high = max(0.0, -margin), min(1.0, 1 - margin)
    q_b = min(max((y_c + y_b - n_c * margin) / n, low), high)
    q_c = q_b + margin
    h = n_c * n_b / n
    expected = h**2 * (q_c * (1 - q_c) / n_c + q_b * (1 - q_b) / n_b)
    assert float(c.variance(margin)[0]) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_swapping_the_arms_mirrors_the_effect() -> None:
    a = one(40, 10, 160, 20)
    b = one(160, 20, 40, 10)
    assert a.effect == pytest.approx(-b.effect)
    assert a.weight == pytest.approx(b.weight)
    assert a.variance(0.0) == pytest.approx(b.variance(0.0))
    assert a.variance(0.03) == pytest.approx(b.variance(-0.03))


def test_relative_margin_is_relative_to_the_metric_itself() -> None:
    metrics = policy(accuracy={"kind": "proportion", "column": "x"})
    day = ({"accuracy:value": np.array([1.0] * 90 + [0] * 10), "accuracy:known": np.ones(100)},
           {"accuracy:value": np.array([1.0] * 81 + [0] * 19), "accuracy:known": np.ones(100)})  # fmt: skip
    m = moments([day])
    at = contrast(metrics, "accuracy", m.arm(1), m.arm(0), Margin(0.1, "relative"))
    # 0.81 is exactly 10 % worse than 0.90.
    assert float(at.effect[0, 0]) == pytest.approx(0.0, abs=1e-12)


def rows(rng: np.random.Generator, n: int, shift: float = 0.0) -> dict[str, np.ndarray]:
    """Units with an accuracy, a csat that is often unknown, and an escalation ratio."""
    right = (rng.random(n) < 0.8 - shift).astype(float)
    known = (rng.random(n) < 0.3).astype(float)
    csat = (rng.integers(1, 6, n) - shift) * known
    escalated = rng.integers(0, 4, n).astype(float)
    good = rng.binomial(escalated.astype(int), 0.7 - shift).astype(float)
    ones = np.ones(n)
    return {
        "right:value": right, "right:known": ones, "csat:value": csat, "csat:known": known,
        "good:numerator": good, "good:denominator": escalated, "good:known": ones,
    }  # fmt: skip


METRICS = policy(
    right={"kind": "proportion", "column": "right"},
    csat={"kind": "mean", "column": "csat", "best": 5, "worst": 1},
    good={"kind": "ratio", "numerator": "good", "denominator": "escalated"},
)
DAYS = [(rows(np.random.default_rng(d), 200), rows(np.random.default_rng(100 + d), 30, 0.1)) for d in range(5)]


def built(name: str, margin: Margin | None = None) -> Contrast:
    m = moments(DAYS)
    return take(contrast(METRICS, name, m.arm(1), m.arm(0), margin), slice(None), 0)


def unseen(shortfalls: list[float], sizes: list[int], spread: float) -> float:
    """Variance of the bad units that an arm lacks under the null (docs/decisions/0006)."""
    return max(sum(shortfalls) / sum(sizes), 0.0) * spread


def own_variance(samples: list[np.ndarray]) -> float:
    """The larger of the accumulated within-period variance and the last period's own."""
    squares = [((x - x.mean()) ** 2).sum() for x in samples]
    accumulated = sum(squares) / sum(len(x) - 1 for x in samples)
    return float(max(accumulated, squares[-1] / (len(samples[-1]) - 1) if len(samples[-1]) >= 10 else 0.0))


def test_mean_row_by_row() -> None:
    got = built("csat")
    assert isinstance(got, Means)
    own: dict[str, list[np.ndarray]] = {"c": [], "b": []}
    lack: dict[str, list[float]] = {"c": [], "b": []}
    for t, (b, c) in enumerate(DAYS):
        x_b, x_c = (d["csat:value"][d["csat:known"] == 1] for d in (b, c))
        harm = x_b.mean() - x_c.mean()
        assert float(got.effect[t]) == pytest.approx(harm, rel=1e-12)
        n_b, n_c = len(x_b), len(x_c)
        n = n_b + n_c
        h = n_b * n_c / n
        assert float(got.weight[t]) == pytest.approx(h)
        m = 0.2
        total = -(x_b.sum() + x_c.sum())
        q_b = (total - n_c * m) / n
        pooled = (((-x_c - q_b - m) ** 2).sum() + ((-x_b - q_b) ** 2).sum()) / (n - 1)
        for arm, x, q in (("c", x_c, q_b + m), ("b", x_b, q_b)):
            own[arm].append(x)
            lack[arm].append(float((q + x).sum()))
        centre = np.concatenate([x_b, x_c]).mean()
        spread = float(np.abs(np.concatenate([x_b, x_c]) - centre).max())
        assert float(got.spread[t]) == pytest.approx(spread)
        more = {a: unseen(lack[a], [len(x) for x in own[a]], spread) for a in own}
        larger = max(pooled * (1 / n_c + 1 / n_b), own_variance(own["c"]) / n_c + own_variance(own["b"]) / n_b)
        expected = h**2 * (larger + more["c"] / n_c + more["b"] / n_b)
        assert float(got.variance(m)[t]) == pytest.approx(expected, rel=1e-10)


def test_ratio_row_by_row() -> None:
    got = built("good")
    assert isinstance(got, Ratios)
    own: dict[str, list[np.ndarray]] = {"c": [], "b": []}
    lack: dict[str, list[float]] = {"c": [], "b": []}
    m = 0.05
    for t, (b, c) in enumerate(DAYS):
        (y_b, x_b), (y_c, x_c) = ((d["good:numerator"], d["good:denominator"]) for d in (b, c))
        X, n = x_b.sum() + x_c.sum(), len(x_b) + len(x_c)
        s = -(y_c.sum() * x_b.sum() - y_b.sum() * x_c.sum()) / X - m * x_c.sum() * x_b.sum() / X
        mean = X / n
        assert float(got.weight[t] * (got.effect[t] - m)) == pytest.approx(s / mean, rel=1e-10)
        R_b = (y_b.sum() + y_c.sum() + m * x_c.sum()) / X
        R_c = R_b - m
        pooled = (((y_c - R_c * x_c) ** 2).sum() + ((y_b - R_b * x_b) ** 2).sum()) / (n - 1)
        # More of this ratio is good, so an arm lacks bad units when it lies above the null.
        for arm, y, x, R in (("c", y_c, x_c, R_c), ("b", y_b, x_b, R_b)):
            own[arm].append(y - float(y.sum()) / float(x.sum()) * x)
            lack[arm].append(float((y - R * x).sum()))
        more = {a: unseen(lack[a], [len(e) for e in own[a]], float(got.spread[t])) for a in own}
        load_c, load_b = x_b.sum() ** 2 * len(x_c), x_c.sum() ** 2 * len(x_b)
        larger = max(pooled * (load_c + load_b), own_variance(own["c"]) * load_c + own_variance(own["b"]) * load_b)
        expected = (larger + more["c"] * load_c + more["b"] * load_b) / (X * mean) ** 2
        assert float(got.variance(m)[t]) == pytest.approx(expected, rel=1e-10)


def test_kpi_row_by_row() -> None:
    got = built("kpi")
    assert isinstance(got, Means)
    for t, (b, c) in enumerate(DAYS):
        both = {name: np.concatenate([b[name], c[name]]) for name in b}
        share = both["csat:known"].mean()
        mu = float(both["csat:value"].sum()) / float(both["csat:known"].sum())
        X = both["good:denominator"].mean()
        R = float(both["good:numerator"].sum()) / float(both["good:denominator"].sum())
        # The influence of a unit on K, by hand.
        z_b, z_c = (
            (d["right:value"] - both["right:value"].mean()) / 3
            + (d["csat:value"] - mu * d["csat:known"]) / share / 4 / 3
            + (d["good:numerator"] - R * d["good:denominator"]) / X / 3
            for d in (b, c)
        )
        assert float(got.effect[t]) == pytest.approx(z_b.mean() - z_c.mean(), rel=1e-10)
        assert z_b.sum() + z_c.sum() == pytest.approx(0, abs=1e-9)
        if t == 0:
            n_b, n_c = len(z_b), len(z_c)
            n, h = n_b + n_c, n_b * n_c / (n_b + n_c)
            pooled = ((z_b**2).sum() + (z_c**2).sum()) / (n - 1)
            larger = max(pooled * (1 / n_b + 1 / n_c), z_c.var(ddof=1) / n_c + z_b.var(ddof=1) / n_b)
            spread = float(got.spread[0])
            more = [unseen([float(z.sum())], [len(z)], spread) / len(z) for z in (z_b, z_c)]
            assert float(got.variance(0.0)[t]) == pytest.approx(h**2 * (larger + sum(more)), rel=1e-10)
        assert float(got.spread[t]) >= max(np.abs(z_b).max(), np.abs(z_c).max())


def test_a_metric_nobody_has_leaves_the_rest_of_the_kpi() -> None:
    blank = [
        tuple({**arm, "csat:value": 0 * arm["csat:value"], "csat:known": 0 * arm["csat:known"]} for arm in DAYS[0])
    ]
    m = moments([*blank, DAYS[1]])  # type: ignore[list-item]
    got = linearise(METRICS, m.arm(1), m.arm(0))
    at = m.components.index("csat:value")
    assert got.gradient[0, 0, at] == 0
    assert got.gradient[0, 1, at] != 0
    assert np.isfinite(got.level).all()


def test_the_hand_example() -> None:
    example = load_policy(
        {
            "metrics": {
                "accuracy": {"kind": "proportion", "column": "a"},
                "sla_hit": {"kind": "proportion", "column": "s"},
                "override": {"kind": "proportion", "column": "o", "better": "lower"},
            },
            "kpi": {"weights": {"accuracy": 0.40, "sla_hit": 0.35, "override": 0.25}},
            "phases": [{"traffic": "10%"}],
        }
    )
    # By hand: 0.40 x 0.90 + 0.35 x 0.80 + 0.25 x (1 - 0.20) = 0.36 + 0.28 + 0.20 = 0.84
    values = {"accuracy": np.array(0.90), "sla_hit": np.array(0.80), "override": np.array(0.20)}
    assert float(weighted_kpi(example, values)) == pytest.approx(0.84, abs=1e-12)


@pytest.mark.parametrize("name", ["right", "csat", "good", "kpi"])
def test_an_arm_without_units_weighs_nothing(name: str) -> None:
    empty = {key: values[:0] for key, values in DAYS[0][0].items()}
    m = moments([(DAYS[0][0], empty), (empty, DAYS[0][1]), DAYS[1]])
    got = take(contrast(METRICS, name, m.arm(1), m.arm(0)), slice(None), 0)
    assert got.weight[:2].tolist() == [0.0, 0.0]
    for value in (got.weight, got.effect, got.bound, got.variance(0.01)):
        assert np.isfinite(value).all()
    assert got.variance(0.01)[:2].tolist() == [0.0, 0.0]


def test_identical_constant_arms_have_no_variance_and_no_nan() -> None:
    day = {"right:value": np.ones(20), "right:known": np.ones(20)}
    only = policy(right={"kind": "proportion", "column": "right"})
    m = moments([(day, day)])
    for name in ("right", "kpi"):
        at = contrast(only, name, m.arm(1), m.arm(0))
        assert float(at.effect[0, 0]) == 0.0
        assert float(at.variance(0.0)[0, 0]) == pytest.approx(0.0, abs=1e-15)


KINDS: list[Callable[[], Contrast]] = [lambda: built("right"), lambda: built("csat"), lambda: built("good")]


@pytest.mark.parametrize("make", KINDS)
def test_levels_subtract_to_the_effect(make: Callable[[], Contrast]) -> None:
    at = make()
    c, b = at.levels()
    assert at.sign * (c - b) == pytest.approx(at.effect, abs=1e-12)
