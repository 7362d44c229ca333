"""How the evidence came about: what each criterion and each estimate was worth after every period.

The same functions as the decision's, so the last point of every path is what the decision says.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from rampgate.aggregate.marginals import OVERALL, Group
from rampgate.aggregate.moments import Floats
from rampgate.estimate.metric import KPI
from rampgate.judge.case import Case
from rampgate.judge.decision import LARGEST
from rampgate.judge.numbers import rounded
from rampgate.judge.sequential import alphas, weighed_criteria
from rampgate.judge.show import Cut, estimates, names, overall_of
from rampgate.judge.weigh import Weighed, family_log_e

#: Periods of a run at which an effect is told; more would not be seen in a picture.
MOST_EFFECTS = 60


@dataclass(frozen=True)
class EvidencePath:
    """The evidence of harm of one criterion after each period.

    Attributes
    ----------
    family : the error budget it draws on: rollback, guardrail or segment
    threshold : the e-value at which it fires alone, ``1 / (alpha * weight)``
    e_values : odds against harm within the bound, (period,)
    """

    id: str
    kind: str
    metric: str
    group: Group
    family: str
    bound_text: str
    threshold: float
    e_values: tuple[float, ...]


@dataclass(frozen=True)
class FamilyPath:
    """The weighted sum of a family's evidence after each period; at ``threshold``, 1 / alpha, it fires."""

    family: str
    threshold: float
    e_values: tuple[float, ...]


@dataclass(frozen=True)
class EffectPath:
    """Difference of a metric over all periods until each of ``ends``, with its confidence sequence.

    Of a long run evenly chosen periods, the last among them: each is a confidence sequence of its own to find.
    """

    metric: str
    ends: tuple[datetime, ...]
    difference: tuple[float | None, ...]
    lower: tuple[float | None, ...]
    upper: tuple[float | None, ...]


@dataclass(frozen=True)
class Trace:
    """Paths over the periods since the start; empty before the first of them.

    Attributes
    ----------
    ends : end of each period, in the policy's zone
    evidence, families : empty with ``evidence: point``, which weighs nothing
    effects : the KPI first, then each metric, all units together
    """

    ends: tuple[datetime, ...]
    evidence: tuple[EvidencePath, ...]
    families: tuple[FamilyPath, ...]
    effects: tuple[EffectPath, ...]


def trace(case: Case) -> Trace:
    """The paths that led to the decision on a case.

    A criterion or metric that cannot be computed has no path; the decision says ERROR for it.
    """
    periods = case.data.periods if case.state.start is not None else ()
    if not periods:
        return Trace((), (), (), ())
    ends = _ends(case)
    if case.policy.evidence == "point":
        return Trace(ends, (), (), _effects(case))
    weighed = [w for w in weighed_criteria(case) if w.error is None]
    by_family = alphas(case.policy)
    members = {family: [w for w in weighed if w.criterion.family == family] for family in by_family}
    families = tuple(
        FamilyPath(family, 1.0 / alpha, _e_values(family_log_e(members[family])))
        for family, alpha in by_family.items()
        if members[family]
    )
    return Trace(ends, tuple(_evidence(w, by_family[w.criterion.family]) for w in weighed), families, _effects(case))


def _ends(case: Case) -> tuple[datetime, ...]:
    return tuple(period.end.astimezone(case.policy.zone) for period in case.data.periods)


def _evidence(w: Weighed, alpha: float) -> EvidencePath:
    c = w.criterion
    bar = 1.0 / (alpha * c.weight)
    return EvidencePath(c.id, c.kind, c.metric, c.group, c.family, str(c.margin), bar, _e_values(w.log_e))


def _e_values(log_e: Floats) -> tuple[float, ...]:
    """Evidence on the scale of the decision, where the largest number stands for all beyond it."""
    return tuple(min(float(x), LARGEST) for x in np.exp(np.minimum(log_e, 700.0)))


def _effects(case: Case) -> tuple[EffectPath, ...]:
    paths = (_effect_safely(case, name) for name in (KPI, *names(case)))
    return tuple(path for path in paths if path is not None)


def _effect_safely(case: Case, name: str) -> EffectPath | None:
    """A metric's path, or None; the decision holds the error, and the other metrics are still drawn."""
    try:
        return _effect(case, name)
    except Exception:  # noqa: BLE001 - said by the decision on the same case
        return None


def _effect(case: Case, name: str) -> EffectPath:
    """A metric over the first 1, 2, ... periods."""
    shown, count = overall_of(case, name), len(case.data.periods)
    n_c, n_b = (np.cumsum(units) for units in shown.known)
    step = -(-count // MOST_EFFECTS)
    told = np.arange((count - 1) % step, count, step)
    cuts = [Cut(OVERALL, (np.nan, np.nan), (n_b[t], n_c[t])) for t in told]
    rows = estimates(shown, cuts, np.tril(np.ones((count, count)))[told])
    ends = _ends(case)
    numbers = ([rounded(getattr(row, end)) for row in rows] for end in ("difference", "lower", "upper"))
    return EffectPath(name, tuple(ends[t] for t in told), *(tuple(values) for values in numbers))
