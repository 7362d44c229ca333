"""Numbers as people say them: shares as so many of 100, differences as more or fewer, evidence as a bet."""

from __future__ import annotations

import re

from rampgate.judge.decision import Estimate
from rampgate.policy import KPI, Duration, Margin, Policy

_POINTS = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)pp\b")
_DURATION = re.compile(r"(?<![\w.])\d+[mhdw]\b")


def out_of(*shares: float | None) -> int:
    """The round number that shares are told of: 100, or more where they are so small that 100 says little."""
    largest = max((abs(share) for share in shares if share is not None), default=1.0)
    for number in (100, 1_000, 10_000, 100_000):
        if largest * number >= 1.95:
            return number
    return 1_000_000 if largest > 0 else 100


def is_share(policy: Policy, metric: str) -> bool:
    """Whether a metric counts some units of all units."""
    return metric != KPI and policy.metrics[metric].kind == "proportion"


def is_lower_better(policy: Policy, metric: str) -> bool:
    """Whether more of a metric is harm."""
    return metric != KPI and policy.metrics[metric].better == "lower"


def named(metric: str) -> str:
    """A metric in a sentence."""
    return "the weighted KPI" if metric == KPI else metric


def level(policy: Policy, metric: str, value: float, of: int) -> str:
    """A value of one version: ``14.2 of 100``, ``85.9 points`` of the KPI, else the number."""
    if is_share(policy, metric):
        return f"{value * of:.1f} of {of:,}"
    if metric == KPI:
        return f"{100 * value:.1f} points"
    return f"{value:.4g}"


def size(policy: Policy, metric: str, value: float, of: int | None = None) -> str:
    """A difference without its direction."""
    if is_share(policy, metric):
        of = out_of(value) if of is None else of
        return f"{abs(value) * of:.1f} of {of:,}"
    if metric == KPI:
        return f"{100 * abs(value):.1f} points"
    return f"{abs(value):.3g}"


def harm(policy: Policy, metric: str, value: float) -> str:
    """The harm of a criterion that fired: a size, or with ``test: hazard`` a share of the pace of events."""
    if policy.tests_hazard(metric):
        return f"{100 * value:.0f} % in the pace of its events"
    return size(policy, metric, value)


def direction(policy: Policy, metric: str, difference: float) -> str:
    """More or fewer of what is counted, else higher or lower."""
    if is_share(policy, metric):
        return "more" if difference > 0 else "fewer"
    return "higher" if difference > 0 else "lower"


def signed_size(policy: Policy, metric: str, difference: float, of: int) -> str:
    """A difference with its direction: ``1.3 of 100 more``."""
    text = size(policy, metric, difference, of)
    return text if _is_nothing(text) else f"{text} {direction(policy, metric, difference)}"


def verdict_on(policy: Policy, metric: str, difference: float, of: int) -> str:
    """Whether a difference is good or bad, as a clause."""
    if _is_nothing(size(policy, metric, difference, of)):
        return "no difference to speak of"
    good = (difference < 0) == is_lower_better(policy, metric)
    return "which is for the better" if good else "which is for the worse"


def bound(policy: Policy, metric: str, margin: Margin) -> str:
    """A bound of the policy as a size: ``5 of 100``."""
    if margin.relative:
        return f"{100 * margin.value:.4g} % of the baseline's value"
    if is_share(policy, metric):
        of = 100 if margin.value >= 0.01 else out_of(margin.value)
        return f"{margin.value * of:.4g} of {of:,}"
    if metric == KPI or margin.kind == "points":
        points = f"{100 * margin.value:.4g}"
        return f"{points} point" if points == "1" else f"{points} points"
    return f"{margin.value:.4g}"


def harm_left(policy: Policy, row: Estimate) -> float | None:
    """The largest harm that the interval leaves open; None where it leaves every harm open."""
    end = row.upper if is_lower_better(policy, row.name) else row.lower
    return None if end is None else max(0.0, end if is_lower_better(policy, row.name) else -end)


def bet(value: float) -> str:
    """An e-value as what a stake of 1 has become."""
    if value >= 1e5:
        return "more than 100,000"
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def plain(message: str) -> str:
    """A recorded message as a sentence, without the policy file's shorthand: ``3pp`` is 3 points, ``7d`` 7 days."""
    text = _POINTS.sub(lambda found: f"{found[1]} point" + ("" if found[1] == "1" else "s"), message)
    text = text.replace(", ...", " and others")
    text = _DURATION.sub(lambda found: Duration.parse(found[0]).words(), text)
    return text.rstrip(". ") + "."


def listed(words: list[str]) -> str:
    """``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def counted(number: float, noun: str) -> str:
    """``1 unit``, ``2,928 units``."""
    return f"{number:,.0f} {noun}" + ("" if round(number) == 1 else "s")


def _is_nothing(text: str) -> bool:
    return re.match(r"-?0(\.0+)?( |$)", text) is not None
