"""From moments to contrasts: what each metric kind, and the weighted KPI, hands to the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rampgate.aggregate.marginals import Arm, not_less_than_rounding
from rampgate.aggregate.moments import Floats
from rampgate.estimate.contrast import Contrast, Means, Proportions, Ratios, divide
from rampgate.estimate.covariate import adjusted_mean, reach_of
from rampgate.policy import Margin, Policy

KPI = "kpi"


def parts_of(policy: Policy, name: str) -> tuple[str, ...]:
    """The metrics that something is about: a metric itself; of the KPI, and of its floor, those that it is made of."""
    return (name,) if name in policy.metrics else tuple(policy.kpi.weights)


def contrast(
    policy: Policy,
    name: str,
    c: Arm,
    b: Arm,
    margin: Margin | None = None,
    direction: int = 1,
    slope: Floats | None = None,
) -> Contrast:
    """The within-period contrast of a metric or of the KPI, harm positive.

    Parameters
    ----------
    policy : the policy that defines the metric
    name : a metric's name or ``"kpi"``
    c, b : moments of candidate and baseline, (..., group, period)
    margin : when relative, the contrast is ``A_c - (1 +/- margin) A_b``; else ``A_c - A_b``; of a quantile the share
        beyond its threshold, moved by the margin for the candidate
    direction : 1 for evidence of harm, -1 for evidence of none: which of two edges a moved threshold is taken at
    slope : what a unit of the covariate changes of a mean, (..., group, period), where the metric has one
    """
    relative = margin.value if margin is not None and margin.relative else 0.0
    if name == KPI:
        return _kpi_contrast(policy, c, b, 1.0 - relative)
    metric = policy.metrics[name]
    sign = 1 if metric.better == "lower" else -1
    ratio = 1.0 + sign * relative
    if relative:
        _refuse_negative(name, metric.kind, b)
    if metric.binary:
        return _proportion(name, c, b, ratio, sign)
    if slope is not None:
        return adjusted_mean(name, c, b, slope, (ratio, sign), metric.range)
    if metric.kind in ("mean", "time_to_event"):
        return _mean(name, c, b, ratio, sign, metric.range)
    if metric.kind == "ratio":
        return _ratio(name, c, b, ratio, sign)
    return _quantile(name, c, b, margin, direction)


def _refuse_negative(name: str, kind: str, b: Arm) -> None:
    """A tenth more of a negative number is less: a relative margin would tolerate the wrong side."""
    top = {"ratio": "numerator", "mean": "value", "time_to_event": "value"}.get(kind)
    if top is not None and (b.total(f"{name}:{top}").sum(-1) < 0).any():
        raise ValueError(
            f"the baseline's {name} is negative, and a margin in % of it means nothing: write it in its own unit"
        )


def _quantile(name: str, c: Arm, b: Arm, margin: Margin | None, direction: int) -> Proportions:
    """Shares beyond the threshold, of units that are tested: the bad outcome whichever direction is good."""
    side = "far" if direction > 0 else "near"
    moved = "at" if margin is None else f"{side}:{margin}"
    known, base = f"{name}:tested", f"{name}:at"
    return Proportions(c.total(known), c.total(f"{name}:{moved}"), b.total(known), b.total(base))


def _proportion(name: str, c: Arm, b: Arm, ratio: float, sign: int) -> Proportions:
    known, value = f"{name}:known", f"{name}:value"
    return Proportions(c.total(known), c.total(value), b.total(known), b.total(value), ratio, sign)


def _mean(name: str, c: Arm, b: Arm, ratio: float, sign: int, ends: tuple[float, float] | None) -> Means:
    """The contrast of a mean, of values that cannot lie beyond ``ends`` where these are given."""
    known, value = f"{name}:known", f"{name}:value"
    n_c, n_b = c.total(known), b.total(known)
    m_c, m_b = divide(c.total(value), n_c), divide(b.total(value), n_b)

    def squares(arm: Arm, mean: Floats) -> Floats:
        """Sum over known units of (x - mean)^2, from the co-moments of x or 0 and known."""
        own, cross, mask = arm.products(value, value), arm.products(value, known), arm.products(known, known)
        return not_less_than_rounding(own - 2 * mean * cross + mean**2 * mask, own + mean**2 * mask)

    pooled = divide(n_c * m_c + n_b * m_b, n_c + n_b)
    spread = np.maximum(_known_reach(c, name, pooled), _known_reach(b, name, pooled))
    exact = ends is not None
    if ends is not None:
        spread = reach_of(np.asarray(ends[0]), np.asarray(ends[1]), pooled)
    ss_c, ss_b = squares(c, m_c), squares(b, m_b)
    return Means(n_c, n_b, sign * m_c, sign * m_b, ss_c, ss_b, spread, ratio, sign, exact, exact)


def _known_reach(arm: Arm, name: str, centre: Floats) -> Floats:
    """The largest distance of a known value from a centre; 0 in an arm where none is known."""
    i = arm.components.index(f"{name}:value")
    return np.where(arm.total(f"{name}:known") > 0, reach_of(arm.low[..., i], arm.high[..., i], centre), 0.0)


def _ratio(name: str, c: Arm, b: Arm, ratio: float, sign: int) -> Ratios:
    known, num, den = f"{name}:known", f"{name}:numerator", f"{name}:denominator"
    x_c, x_b, y_c, y_b = c.total(den), b.total(den), c.total(num), b.total(num)
    rate = divide(y_c + y_b, x_c + x_b)
    spread = np.maximum(_residual_reach(c, num, den, rate), _residual_reach(b, num, den, rate))
    return Ratios(
        c.total(known), b.total(known), x_c, x_b, y_c, y_b,
        c.products(den, den), c.products(num, den), c.products(num, num),
        b.products(den, den), b.products(num, den), b.products(num, num),
        spread, ratio, sign,
    )  # fmt: skip


def _residual_reach(arm: Arm, top: str, bottom: str, rate: Floats) -> Floats:
    """The largest |y - rate x| that units within the arm's extremes can have."""
    y, x = arm.components.index(top), arm.components.index(bottom)
    corners = [
        np.abs(y_end - rate * x_end)
        for y_end in (arm.low[..., y], arm.high[..., y])
        for x_end in (arm.low[..., x], arm.high[..., x])
    ]
    return np.asarray(np.max(corners, axis=0))


def weighted_kpi(policy: Policy, values: Mapping[str, Floats]) -> Floats:
    """``K = sum_j w_j u_j(g_j)`` of metric values; by hand 0.40 x 0.90 + 0.35 x 0.80 + 0.25 x (1 - 0.20) = 0.84.

    Parameters
    ----------
    values : metric name -> value, arrays of any one shape
    """
    total: Floats = np.zeros(())
    for name, weight in policy.kpi.weights.items():
        intercept, slope = _utility(policy, name)
        total = total + weight * (intercept + slope * np.asarray(values[name], dtype=float))
    return total


@dataclass(frozen=True)
class Linearised:
    """The KPI about the period's mean over both arms: ``K = level + gradient . (mean_arm - mean)``.

    ``level`` is (..., group, period), ``gradient`` and ``centre`` (..., group, period, component),
    ``spread`` bounds |gradient . (x - mean)| of a unit.
    """

    level: Floats
    gradient: Floats
    centre: Floats
    spread: Floats


def _utility(policy: Policy, name: str) -> tuple[float, float]:
    """Intercept and slope of u_j."""
    metric = policy.metrics[name]
    if metric.best is not None and metric.worst is not None:
        slope = 1.0 / (metric.best - metric.worst)
        return -metric.worst * slope, slope
    return (1.0, -1.0) if metric.better == "lower" else (0.0, 1.0)


def linearise(policy: Policy, c: Arm, b: Arm) -> Linearised:
    """Level and gradient of ``K = sum_j w_j u_j(g_j)`` in every period.

    A metric that nobody has a value of in a period contributes nothing to the gradient there, and its level is
    that of the periods before.
    """
    n = c.n + b.n
    centre = divide((c.n[..., None] * c.mean + b.n[..., None] * b.mean), n[..., None])
    gradient, level, spread = np.zeros_like(centre), np.zeros(n.shape), np.zeros(n.shape)
    for name, weight in policy.kpi.weights.items():
        top, bottom = ("numerator", "denominator") if policy.metrics[name].kind == "ratio" else ("value", "known")
        i, j = c.components.index(f"{name}:{top}"), c.components.index(f"{name}:{bottom}")
        share = centre[..., j]
        value = divide(centre[..., i], share)
        intercept, slope = _utility(policy, name)
        step = weight * slope * np.where(share > 0, divide(np.ones_like(share), share), 0.0)
        gradient[..., i] += step
        gradient[..., j] -= step * value
        level += weight * (intercept + slope * _filled(value, n * share))
        held = policy.metrics[name].range
        if held is not None:  # of every unit there could be, not only of those seen
            reach = reach_of(np.asarray(held[0]), np.asarray(held[1]), value)
        elif top == "value":  # a unit whose value is unknown deviates by nothing
            reach = np.maximum(_known_reach(c, name, value), _known_reach(b, name, value))
        else:
            reach = np.maximum(*(_residual_reach(a, f"{name}:{top}", f"{name}:{bottom}", value) for a in (c, b)))
        spread += np.abs(step) * reach
    return Linearised(level, gradient, centre, spread)


def _filled(value: Floats, weight: Floats) -> Floats:
    """Values of periods without data replaced by the weighted mean of those before, so that no past one changes."""
    return np.where(weight > 0, value, divide(np.cumsum(weight * value, -1), np.cumsum(weight, -1)))


def _kpi_contrast(policy: Policy, c: Arm, b: Arm, ratio: float) -> Means:
    at = linearise(policy, c, b)

    def arm(side: Arm) -> Floats:
        shift = (at.gradient * (side.mean - at.centre)).sum(-1)
        return -(at.level + np.where(side.n > 0, shift, 0.0))

    ss_c, ss_b = c.quadratic(at.gradient), b.quadratic(at.gradient)
    ranged = all(policy.metrics[name].range is not None for name in policy.kpi.weights)
    return Means(c.n, b.n, arm(c), arm(b), ss_c, ss_b, at.spread, ratio, -1, ranged)


def known_units(policy: Policy, name: str, arm: Arm) -> Floats:
    """Units whose value of the metric is known, (..., group, period); for the KPI the least known of its metrics."""
    if name == KPI:
        return np.asarray(np.min([known_units(policy, metric, arm) for metric in parts_of(policy, name)], axis=0))
    known = arm.total(f"{name}:known")
    if policy.metrics[name].kind == "ratio":
        # Without anything to divide by there is no ratio, however many units there are.
        return np.where(arm.total(f"{name}:denominator") > 0, known, 0.0)
    return known
