"""A baseline described by hand, for a first launch without rows to draw from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import yaml

from rampgate.aggregate.calendar import local_midnight, periods_between
from rampgate.aggregate.marginals import OVERALL, Arm, Group
from rampgate.aggregate.moments import Floats
from rampgate.aggregate.needs import needs
from rampgate.aggregate.sorts import Sorts
from rampgate.errors import UsageError
from rampgate.policy import Mean, Policy, Quantile, Ratio
from rampgate.simulation.baseline import Baseline

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: Units that stand for a day, spread evenly over values and segments.
UNITS = 480
#: Units of a combination at least.
FEW = 4
#: Metrics of good and bad units whose every combination is written out.
CROSSED = 6
_KEYS = {"per_day", "metrics", "segments"}


def read_assumed(given: str | Path | Mapping[str, Any]) -> Mapping[str, Any]:
    """The content of a file, or what is content already.

    Raises
    ------
    UsageError : no file, or no YAML mapping
    """
    if isinstance(given, Mapping):
        return given
    try:
        content = yaml.safe_load(Path(given).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot be read: {error}", where=str(given), remedy="see docs/how-to/simulate.md") from None
    if not isinstance(content, Mapping):
        raise UsageError("is no mapping", where=str(given), remedy="write per_day and metrics, as in the how-to")
    return content


def assumed(policy: Policy, given: Mapping[str, Any]) -> Baseline:
    """The baseline as it is described: metrics independent of each other and of segments, every week alike.

    Raises
    ------
    UsageError : a key, metric or segment that is unknown, missing or impossible
    """
    for key in given:
        if key not in _KEYS:
            raise _wrong(str(key), "is no key of a baseline by hand", f"one of {', '.join(sorted(_KEYS))}")
    _refuse_untellable(policy)
    volume = _volume(given.get("per_day"))
    asked = needs(policy)
    described = given.get("metrics")
    if not isinstance(described, Mapping):
        raise _wrong("metrics", "is missing", "give each metric its value, as accuracy: 0.9")
    for name in described:
        if name not in policy.metrics:
            raise _wrong(f"metrics.{name}", "is no metric of the policy", f"one of {', '.join(policy.metrics)}")
    segments, shares = _segments(policy, given.get("segments"))
    metrics = {name: _metric(policy, name, described.get(name)) for name in policy.metrics}
    values, weight = _units(policy, metrics, tuple(component.name for component in asked.components))
    rows = [tuple(column[r % len(column)] for column in _spread(shares, len(weight))) for r in range(len(weight))]
    week = [day for day in range(7) if volume[day] > 0]
    sorts = Sorts(
        tuple(component.name for component in asked.components),
        np.repeat(np.arange(len(week)), len(weight)),
        tuple(rows) * len(week),
        np.tile(values, (len(week), 1)),
        np.concatenate([weight * volume[day] for day in week]),
        (),
        np.zeros((len(week) * len(weight), 0), dtype=np.int64),
    )
    start = policy.start or date(2026, 1, 5)
    monday = start - timedelta(days=7 + start.weekday())
    every = periods_between(
        local_midnight(monday, policy.zone), local_midnight(monday + timedelta(days=7), policy.zone),
        policy.zone, policy.source.look, (),
    )  # fmt: skip
    if policy.source.look == "week":
        sorts = replace(sorts, period=np.zeros(len(sorts.count), dtype=np.int64))
        days = every
    else:
        days = tuple(every[day] for day in week)
    groups = (OVERALL, *(Group(column, value) for column, values_ in segments.items() for value in values_))
    nothing = _nothing(sorts.components, asked.pairs, len(groups))
    note = (
        f"the baseline is as described by hand: {float(volume.sum()) / 7:,.0f} units a day, metrics independent of "
        "each other and of segments, no history, outcomes as early as the policy says"
    )
    return Baseline(policy, sorts.components, asked.pairs, groups, sorts, days, (nothing, nothing), (), start, (note,))


def _refuse_untellable(policy: Policy) -> None:
    """Refuse what a value and its deviation do not describe: rows say it."""
    for name, metric in policy.metrics.items():
        lacking = {
            "a quantile, whose threshold the history fixes": isinstance(metric, Quantile),
            "a test of the pace of events, which needs their ages": policy.tests_hazard(name),
            "a mean with a covariate, which needs what both have to do with each other": (
                isinstance(metric, Mean) and metric.covariate is not None
            ),
        }
        for what, there in lacking.items():
            if there:
                raise _wrong(
                    f"metrics.{name}", f"is {what}", "simulate from rows, or leave it out of a copy of the policy"
                )


def _wrong(where: str, what: str, remedy: str) -> UsageError:
    return UsageError(what, where=f"assume: {where}", remedy=remedy)


def _volume(given: object) -> Floats:
    """Units on each weekday."""
    if isinstance(given, (int, float)) and not isinstance(given, bool) and given > 0:
        return np.full(7, float(given))
    if isinstance(given, Mapping) and given and all(key in WEEKDAYS for key in given):
        found = np.array([float(given.get(day, 0.0)) for day in WEEKDAYS])
        if found.sum() > 0 and (found >= 0).all():
            return found
    raise _wrong("per_day", "is no volume", "write 300, or {mon: 300, tue: 280, ...}")


def _segments(policy: Policy, given: object) -> tuple[dict[str, tuple[str, ...]], list[dict[str, float]]]:
    """Values of each segment column, and their shares."""
    columns = () if policy.segments is None else policy.segments.by
    if not columns:
        return {}, []
    described = given if isinstance(given, Mapping) else {}
    shares = []
    for column in columns:
        mix = described.get(column)
        if not isinstance(mix, Mapping) or not mix or abs(sum(mix.values()) - 1.0) > 1e-6 or min(mix.values()) <= 0:
            raise _wrong(
                f"segments.{column}", "has no shares that sum to 1", f"write {column}: {{network: 0.6, mail: 0.4}}"
            )
        shares.append({str(value): float(share) for value, share in mix.items()})
    return {column: tuple(mix) for column, mix in zip(columns, shares, strict=True)}, shares


def _spread(shares: list[dict[str, float]], count: int) -> Iterator[list[str]]:
    """The value of each unit by column, each with its share; columns have nothing to do with each other."""
    for place, mix in enumerate(shares):
        ends = np.cumsum(list(mix.values()))
        order = np.random.default_rng(place).permutation(count)
        at = np.searchsorted(ends / ends[-1], (np.arange(count) + 0.5) / count)
        values = np.array(list(mix), dtype=object)[at]
        spread = np.empty(count, dtype=object)
        spread[order] = values
        yield [str(value) for value in spread]


def _metric(policy: Policy, name: str, given: object) -> dict[str, float]:
    """A metric's value, the share of units that have one, and of a magnitude its standard deviation."""
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        given = {"value": given}
    if not isinstance(given, Mapping) or "value" not in given:
        raise _wrong(f"metrics.{name}", "is missing", f"write {name}: 0.9, or {name}: {{value: 0.9, known: 0.95}}")
    metric = policy.metrics[name]
    kind = "ratio" if isinstance(metric, Ratio) else "rate" if metric.binary else "magnitude"
    allowed = {
        "rate": {"value", "known"},
        "ratio": {"value", "known", "denominator"},
        "magnitude": {"value", "known", "sd"},
    }
    for key in given:
        if key not in allowed[kind]:
            raise _wrong(
                f"metrics.{name}.{key}", f"is no key of a {kind}", f"one of {', '.join(sorted(allowed[kind]))}"
            )
    found = {key: float(value) for key, value in given.items()}
    if kind == "magnitude" and "sd" not in found:
        raise _wrong(f"metrics.{name}.sd", "is missing", "state the standard deviation of a unit's value")
    if kind != "magnitude" and not 0 <= found["value"] <= 1:
        raise _wrong(f"metrics.{name}", f"{found['value']:g} is no share", "write a share from 0 to 1")
    return {"known": 1.0, "denominator": 1.0, "sd": 0.0, **found}


def _units(
    policy: Policy, metrics: Mapping[str, dict[str, float]], components: tuple[str, ...]
) -> tuple[Floats, Floats]:
    """Values of the units that stand for a day, and what part of the day each is."""
    rates = [n for n, m in policy.metrics.items() if m.binary]
    # The rarest are crossed, so that none of their units is lost; the others take turns.
    rates.sort(key=lambda n: min(metrics[n]["value"], 1.0 - metrics[n]["value"]))
    crossed = rates[:CROSSED]
    patterns = list(product((0, 1), repeat=len(crossed)))
    chances = [
        float(
            np.prod(
                [metrics[n]["value"] if bit else 1.0 - metrics[n]["value"] for n, bit in zip(crossed, p, strict=True)]
            )
        )
        for p in patterns
    ]
    # Frequent patterns get more units, so that none weighs much.
    each = [max(FEW, round(UNITS * chance)) if chance > 0 else 0 for chance in chances]
    count = sum(each)
    weight = np.repeat([chance / max(n, 1) for chance, n in zip(chances, each, strict=True)], each)
    values = {name: np.zeros(count) for name in components}
    bits = np.repeat(np.array(patterns, dtype=float).reshape(len(patterns), -1), each, axis=0)
    for place, name in enumerate(crossed):
        values[f"{name}:value"] = bits[:, place].copy()
    rng = np.random.default_rng(0)
    for name, metric in policy.metrics.items():
        said = metrics[name]
        known = (_levels(weight, rng) < said["known"]).astype(float)
        values[f"{name}:known"] = known
        if isinstance(metric, Ratio):
            below = (_levels(weight * known, rng) < said["denominator"]) * known
            values[f"{name}:denominator"] = below
            values[f"{name}:numerator"] = below * (_levels(weight * below, rng) < said["value"])
        elif not metric.binary:
            values[f"{name}:value"] = known * _magnitude(metric.range, said, _levels(weight * known, rng))
        elif name not in crossed:
            values[f"{name}:value"] = (_levels(weight * known, rng) < said["value"]).astype(float)
        if metric.binary:
            values[f"{name}:value"] = values[f"{name}:value"] * known
        if f"{name}:event" in values:
            limit = metric.range[1] if metric.range is not None else np.inf
            came = values[f"{name}:value"] > 0.5 if metric.binary else values[f"{name}:value"] < limit
            values[f"{name}:event"] = came * known
    return np.stack([values[name] for name in components], axis=1), weight


def _levels(weight: Floats, rng: np.random.Generator) -> Floats:
    """Each unit's place in a random order of all that weigh something, from 0 to 1."""
    order = rng.permutation(len(weight))
    out = np.empty(len(weight))
    out[order] = weight[order].cumsum() - 0.5 * weight[order]
    return out / max(float(weight.sum()), 1e-300)


def _magnitude(ends: tuple[float, float] | None, said: Mapping[str, float], level: Floats) -> Floats:
    """Values of a normal distribution, cut at the metric's range."""
    normal = NormalDist(said["value"], max(said["sd"], 1e-12))
    values = np.array([normal.inv_cdf(min(max(float(u), 1e-9), 1.0 - 1e-9)) for u in level])
    return values if ends is None else np.clip(values, *ends)


def _nothing(components: tuple[str, ...], pairs: tuple[tuple[int, int], ...], groups: int) -> Arm:
    """No history at all, (group, 0)."""
    some, products = np.zeros((groups, 0, len(components))), np.zeros((groups, 0, len(pairs)))
    return Arm(components, pairs, np.zeros((groups, 0)), some, products, some, some)
