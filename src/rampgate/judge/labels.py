"""Whether outcomes are known alike in both arms, of units old enough to have one, and whether labels come late.

A metric is the mean of those whose outcome is known. If the unknown ones are others in one arm than in the other, the
comparison means something else than it says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rampgate.aggregate.moments import BASELINE, CANDIDATE, Floats
from rampgate.estimate.clustered import by_cluster
from rampgate.estimate.contrast import Contrast, Proportions
from rampgate.estimate.evidence import log_sum_exp
from rampgate.estimate.interval import confidence_sequence, process
from rampgate.estimate.reference import scale
from rampgate.judge.case import Case, Data
from rampgate.judge.decision import FAIL, INCONCLUSIVE, PASS, Health
from rampgate.judge.findings import odds
from rampgate.judge.weigh import bets
from rampgate.policy import Margin

CODE = "missing_labels"
#: The difference in missing labels that is to be caught.
EXPECT = Margin(0.02, "points")
#: Share of labels that may come late where no age is declared.
TOLERATED = 0.01


@dataclass(frozen=True)
class Missing:
    """Units whose outcome is unknown, of those that are old enough, all units together.

    ``difference`` is candidate minus baseline with its confidence sequence; ``log_e`` the evidence that it is not 0
    after each period.
    """

    metric: str
    shares: tuple[float, float]
    interval: tuple[float, float]
    log_e: Floats


def _contrast(data: Data, name: str, history: bool = False) -> Proportions:
    """Unknown outcomes, candidate against baseline, (..., 1, period)."""
    ripe = data.ripe[name][1 if history else 0]
    units, missing = [], []
    for arm in data.history if history else data.run:
        n = arm.n[..., :1, :] * ripe
        units.append(n)
        missing.append(n - arm.total(f"{name}:known")[..., :1, :] * ripe)
    return Proportions(units[0], np.rint(missing[0]), units[1], np.rint(missing[1]))


def _by_cluster(data: Data, name: str, base: Proportions, history: bool = False, mirrored: bool = False) -> Contrast:
    """The contrast by cluster, where the policy names what was assigned."""
    if data.clusters is None:
        return base
    when = 1 if history else 0
    clusters = data.clusters[when]
    units = clusters.n * data.ripe[name][when][clusters.period]
    missing = np.rint((clusters.n - clusters.total(f"{name}:known")) * data.ripe[name][when][clusters.period])
    arms = (BASELINE, CANDIDATE) if mirrored else (CANDIDATE, BASELINE)
    y_c, x_c, y_b, x_b = (clusters.by_period(v, 0, arm)[None] for arm in arms for v in (missing, units))
    return by_cluster(base, y_c, x_c, y_b, x_b)


def _bets(data: Data, name: str, run: Contrast) -> Floats:
    past = _by_cluster(data, name, _contrast(data, name, history=True), history=True)
    return bets(scale(past, run, 1.0), EXPECT, 1.0)


def missing_evidence(data: Data, name: str) -> Floats:
    """Log-evidence that outcomes are not unknown alike in both arms, after each period, (..., period)."""
    run = _contrast(data, name)
    if not run.y_c.any() and not run.y_b.any():
        return np.zeros((*run.n_c.shape[:-2], run.n_c.shape[-1]))
    forth = _by_cluster(data, name, run)
    lambdas = _bets(data, name, forth)
    back = _by_cluster(data, name, Proportions(run.n_b, run.y_b, run.n_c, run.y_c), mirrored=True)
    more, fewer = (process(side, 0.0, lambdas).evidence(data.prior)[..., 0, :] for side in (forth, back))
    return np.asarray(log_sum_exp(np.stack([more, fewer], axis=-1)) - np.log(2.0))


def all_missing(each: Sequence[Floats]) -> Floats:
    """The evidence of all metrics together."""
    return np.asarray(log_sum_exp(np.stack(each, axis=-1)) - np.log(len(each)))


def _missing(case: Case, name: str, alpha: float) -> Missing:
    data = case.data
    run = _contrast(data, name)
    forth = _by_cluster(data, name, run)
    lower, upper = confidence_sequence(forth, _bets(data, name, forth), alpha, 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = run.y_b.sum() / run.n_b.sum(), run.y_c.sum() / run.n_c.sum()
    return Missing(name, shares, (float(lower[0]), float(upper[0])), missing_evidence(data, name))


def missing_labels(case: Case) -> list[Health]:
    """Unknown outcomes by arm, over all metrics that are judged, at one budget."""
    data, alpha = case.data, case.policy.error_budget.missing_labels
    names = case.policy.judged_metrics()
    if case.state.start is None or not data.periods:
        return []
    found = [_missing(case, name, alpha / len(names)) for name in names]
    compared = [m for m in found if np.isfinite(m.shares).all()]
    if not compared:
        ages = {name: age for name in names if (age := case.policy.metrics[name].maturity) is not None}
        waits = ", ".join(f"{name} at {age}" for name, age in ages.items())
        why = f": no unit of both arms is old enough yet ({waits})" if waits else ": no unit in both arms yet"
        return [Health(CODE, INCONCLUSIVE, f"missing labels not compared{why}")]
    bar = np.log(1.0 / alpha)
    total = all_missing([m.log_e for m in found])
    if (total >= bar).any():
        when = int(np.argmax(total >= bar))
        worst = max(found, key=lambda m: float(m.log_e[when]))
        alone = [m for m in found if m is worst or (m.log_e - np.log(len(found)) >= bar).any()]
        return [_failed(case, m) for m in alone]
    seen = ", ".join(f"{m.metric} {_points(max(abs(end) for end in m.interval))}" for m in compared)
    text = f"labels are missing alike in both arms; a difference above these would have been seen: {seen}"
    return [Health(CODE, PASS, text)]


def _points(share: float) -> str:
    return f"{100 * share:.2g} points"


def _failed(case: Case, m: Missing) -> Health:
    age = case.policy.metrics[m.metric].maturity
    of = f"units of age {age} or more" if age is not None else "units"
    baseline, candidate = m.shares
    text = (
        f"{m.metric} is unknown in {candidate:.1%} of the candidate's {of} and in {baseline:.1%} of the baseline's, "
        f"evidence {odds(float(m.log_e.max()))}"
    )
    remedy = "find why labels are lost in one arm" + (
        "" if age is not None else "; if they come late, say matures_after"
    )
    return Health(CODE, FAIL, f"{text}: what is known no longer compares like with like; {remedy}")


def covariates(case: Case) -> list[Health]:
    """Whether what is called known before exposure is alike in both arms."""
    data, out = case.data, []
    if case.state.start is None or not data.periods:
        return []
    for name in data.with_covariate:
        arms, column = data.run_of(name), getattr(case.policy.metrics[name], "covariate", "")
        known, covered, total = (
            [float(arm.total(f"{name}:{role}")[0].sum()) for arm in arms] for role in ("known", "covered", "covariate")
        )
        if not min(covered):
            out.append(Health(CODE, INCONCLUSIVE, f"the covariate {column} of {name} not compared: no unit of one arm"))
            continue
        (share_c, share_b), (mean_c, mean_b) = (np.divide(a, b) for a, b in ((covered, known), (total, covered)))
        text = (
            f"the covariate {column} of {name} is known in {share_c:.1%} of the candidate's units and {share_b:.1%} of "
            f"the baseline's, its mean {mean_c:.4g} and {mean_b:.4g}"
        )
        if data.unbalanced(name):
            odd = odds(float(data.covariate_evidence(name).max()))
            remedy = "take it from before exposure, for both arms alike, or leave covariate out"
            text = f"{text}: not alike, evidence {odd}, so {name} is judged without it; {remedy}"
            out.append(Health(CODE, FAIL, text))
        else:
            out.append(Health(CODE, PASS, f"{text}: no evidence that these differ but by chance"))
    return out


def _late(data: Data, name: str) -> tuple[float, float]:
    """Labels of a metric that came late, and those that are known, over both arms."""
    arms = data.run_of(name)
    late, known = (float(sum(arm.total(f"{name}:{role}")[0].sum() for arm in arms)) for role in ("late", "known"))
    return late, known


def undeclared(case: Case) -> dict[str, str]:
    """Metrics whose labels come late and that declare no age at which they are final, and why they are not judged.

    What is known of such a metric is what was known soon. Where good outcomes are known sooner than bad ones in one
    arm, and later in the other, a comparison of these says anything.
    """
    data = case.data
    out = {}
    for name in case.policy.judged_metrics():
        metric = case.policy.metrics[name]
        if metric.known_at is None or metric.maturity is not None or f"{name}:late" not in data.run[0].components:
            continue
        late, known = _late(data, name)
        if case.state.start is not None and late > TOLERATED * (late + known):
            out[name] = (
                f"{late / (late + known):.0%} of its labels come late, and those known soon need not be like the rest: "
                f"write matures_after under metrics.{name}"
            )
    return out


def late_labels(case: Case) -> list[Health]:
    """Labels that came after their own period, of metrics that declare no age at which they are final."""
    data, out = case.data, []
    if case.state.start is None:
        return []
    for name in case.policy.judged_metrics():
        metric = case.policy.metrics[name]
        if f"{name}:late" not in data.run[0].components:
            continue
        late, known = _late(data, name)
        if late <= TOLERATED * (late + known):
            continue
        share = f"{late:.0f} of {late + known:.0f} labels of {name} ({late / (late + known):.0%})"
        if metric.known_at is None:
            text = (
                f"of {late + known:.0f} units {late:.0f} began their clock of {name} too late to be through it in time"
            )
            fix = f"write matures_after under metrics.{name}: its limit and the longest time until the clock begins"
            out.append(Health(CODE, FAIL, f"{text}: {fix}", int(late)))
        elif metric.maturity is None:
            text = f"{share} came after the {case.policy.source.look} of their unit, or have no {metric.known_at}"
            remedy = f"write matures_after: 72h (the age by which labels are there) under metrics.{name}"
            out.append(
                Health(CODE, FAIL, f"{text}, and no age is declared at which they are final: {remedy}", int(late))
            )
        else:
            text = f"{share} came after {metric.maturity} and count as missing"
            out.append(Health(CODE, PASS, f"{text}; a longer matures_after would count them", int(late)))
    return out
