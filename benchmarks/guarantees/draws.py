"""What units are like: the draws behind the settings of the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from benchmarks.guarantees.world import Draw, Harm, Setting, World, amounts, binary, rules

from rampgate.aggregate.marginals import OVERALL, Group, Moments
from rampgate.aggregate.moments import Floats, Ints
from rampgate.policy import Policy

Better = Literal["higher", "lower"]
#: What must be caught beyond the harm tolerated, by the rate of a bad outcome.
EXPECT = {0.5: 0.04, 0.15: 0.04, 0.02: 0.01, 0.001: 0.001}


def _bad(rng: np.random.Generator, n: Ints, rate: Floats, harm: Floats) -> Floats:
    """Bad outcomes by arm, (rollout, day, arm); harm is added to the candidate's rate."""
    return np.stack([rng.binomial(n[..., a], np.clip(rate + a * harm, 0.0, 1.0)) for a in (0, 1)], axis=-1).astype(
        float
    )


def proportion(
    world: World, rate: float, better: Better = "lower", worse_by: str = "0pp", kind: str = "proportion",
    known: tuple[float, float] = (1.0, 1.0),
) -> Setting:  # fmt: skip
    """Outcomes of which a share ``rate`` is bad; ``known`` is the share whose label arrives, by arm."""

    def draw(rng: np.random.Generator, count: int, harm: Harm) -> Moments:
        n = world.units(rng, count)
        labelled = np.stack([rng.binomial(n[..., a], known[a]) for a in (0, 1)], axis=-1) if known != (1.0, 1.0) else n
        bad = _bad(rng, labelled, rate + world.shift(), harm.by_day(rng, world, count))
        k = labelled.astype(float)
        return binary(n, {"m": (k, bad if better == "lower" else k - bad)})

    size = "20%" if worse_by.endswith("%") else f"{100 * EXPECT.get(rate, 0.04):g}pp"
    rollback = {"worse_by": worse_by} if kind == "rare_event" else {"worse_by": worse_by, "expect": size}
    return Setting(rules({"kind": kind, "better": better}, rollback={"m": rollback}), world, draw)


def _amount(
    world: World,
    policy: Policy,
    columns: Callable[[np.random.Generator, np.ndarray], dict[str, Floats]],
    stretch: Callable[[Floats], Floats] = lambda factor: factor,
) -> Draw:
    """Draws of a setting whose units are drawn one by one; harm is a factor on the mean of the candidate's values.

    ``stretch`` says by what a value must be multiplied for that, where values are cut afterwards.
    """

    def draw(rng: np.random.Generator, count: int, harm: Harm) -> Moments:
        n = world.units(rng, count)
        arm = np.repeat(np.tile([False, True], n.size // 2), n.ravel())
        drawn = columns(rng, arm)
        factor = np.ones(n.shape)
        factor[..., 1] += harm.by_day(rng, world, count)
        if world.move:
            factor *= 1.0 + world.shift()[:, None]
        top = "m:value" if "m:value" in drawn else "m:numerator"
        drawn[top] = drawn[top] * np.repeat(stretch(factor).ravel(), n.ravel())
        limit = policy.metrics["m"].range
        if limit is not None:
            drawn[top] = np.clip(drawn[top], *limit)
        return amounts(n, drawn)

    return draw


def lognormal(
    world: World, sigma: float = 1.0, spread: float = 1.0, worse_by: str = "0%", top: float | None = None
) -> Setting:
    """Amounts of mean 1; the candidate's variance is ``spread`` times the baseline's; cut at ``top``."""
    own = float(np.sqrt(np.log1p(spread * np.expm1(sigma**2))))
    bounds = {} if top is None else {"bounds": [0, top]}
    metric = {"kind": "mean", "better": "lower", "best": 0, "worst": 10, **bounds}
    policy = rules(metric, rollback={"m": {"worse_by": worse_by, "expect": "20%"}})

    def columns(rng: np.random.Generator, arm: np.ndarray) -> dict[str, Floats]:
        s = np.where(arm, own, sigma)
        return {"m:value": np.exp(s * rng.standard_normal(len(arm)) - s**2 / 2), "m:known": np.ones(len(arm))}

    return Setting(policy, world, _amount(world, policy, columns))


def _longer(factor: Floats, scale: float) -> Floats:
    """How much longer exponential hours must be for their mean up to 72 to be ``factor`` times as long."""
    wanted = factor * scale * -np.expm1(-72.0 / scale)
    low, high = np.full(wanted.shape, 1e-3), np.full(wanted.shape, 50.0)
    for _ in range(60):
        middle = 0.5 * (low + high)
        short = middle * scale * -np.expm1(-72.0 / (middle * scale)) < wanted
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return low


def up_to(world: World, worse_by: str = "0%") -> Setting:
    """Hours to the event, at most 72, of which 90 % come in time."""
    metric = {"kind": "time_to_event", "from": "begun", "to": "done", "mean_up_to": "72h", "better": "lower",
              "best": 0, "worst": 72}  # fmt: skip
    policy = rules(metric, rollback={"m": {"worse_by": worse_by, "expect": "10%"}})
    scale = 72.0 / np.log(10.0)

    def columns(rng: np.random.Generator, arm: np.ndarray) -> dict[str, Floats]:
        return {"m:value": rng.exponential(scale, len(arm)), "m:known": np.ones(len(arm))}

    return Setting(policy, world, _amount(world, policy, columns, lambda factor: _longer(factor, scale)))


def ratio(world: World, denominators: str, worse_by: str = "0%") -> Setting:
    """Minutes per message; messages are even from 1 to 10, or skewed, also so that those with many are quicker."""
    metric = {"kind": "ratio", "numerator": "y", "denominator": "x", "better": "lower", "best": 0, "worst": 10}
    policy = rules(metric, rollback={"m": {"worse_by": worse_by, "expect": "20%"}})

    def columns(rng: np.random.Generator, arm: np.ndarray) -> dict[str, Floats]:
        x = rng.integers(1, 11, len(arm)) if denominators == "1 to 10" else np.ceil(rng.lognormal(1.0, 1.0, len(arm)))
        each = x ** (-0.5) if denominators == "skewed, going with the rate" else np.ones(len(arm))
        y = x * each * rng.lognormal(-0.5, 1.0, len(arm))
        return {"m:numerator": y, "m:denominator": x.astype(float), "m:known": np.ones(len(arm))}

    return Setting(policy, world, _amount(world, policy, columns))


def kpi(world: World, missing: float = 0.7, good: float = 0.85) -> Setting:
    """A KPI of three outcomes of the same unit, of which one is mostly unknown; harm falls on the first."""
    metrics = {
        "m": {"kind": "proportion"},
        "b": {"kind": "proportion", "column": "b", "better": "lower"},
        "c": {"kind": "proportion", "column": "c"},
    }
    weights = {"m": 0.4, "b": 0.35, "c": 0.25}
    policy = rules(
        metrics["m"], metrics={"b": metrics["b"], "c": metrics["c"], "m": {"column": "m", **metrics["m"]}},
        kpi={"weights": weights, "margin": "2pp"}, rollback={"kpi": {"worse_by": 0, "expect": "2pp"}},
    )  # fmt: skip

    def draw(rng: np.random.Generator, count: int, harm: Harm) -> Moments:
        n = world.units(rng, count)
        flat = n.ravel()
        # The KPI falls by the harm when the first outcome falls by the harm over its weight.
        fall = np.zeros(n.shape)
        fall[..., 1] = harm.by_day(rng, world, count) / weights["m"]
        rate = np.clip(good + world.shift()[:, None] - fall, 0.0, 1.0)
        chance = np.repeat(rate.ravel(), flat)
        # Where the outcome would be bad without the harm, the other two are worse as well.
        luck = rng.random(len(chance))
        m, before = (luck < chance).astype(float), luck < np.repeat((rate + fall).ravel(), flat)
        b = (rng.random(len(m)) < np.where(before, 0.15, 0.4) * (1.0 - good) / 0.15).astype(float)
        told = (rng.random(len(m)) >= missing).astype(float)
        c = told * (rng.random(len(m)) < np.where(before, 0.9, 0.6))
        every = np.ones(len(m))
        return amounts(
            n, {"m:value": m, "m:known": every, "b:value": b, "b:known": every, "c:value": c, "c:known": told}
        )

    return Setting(policy, world, draw)


def many(world: World, metrics: int = 12, values: int = 19, rate: float = 0.15) -> Setting:
    """Independent metrics with a criterion each, one of them also in every segment value."""
    names = [f"m{i}" for i in range(metrics)]
    groups = (OVERALL, *(Group("queue", f"q{i}") for i in range(values)))
    rule = {"worse_by": 0, "expect": "4pp"}
    policy = rules(
        {}, metrics={name: {"kind": "proportion", "column": name, "better": "lower"} for name in names},
        kpi={"weights": {"m0": 1.0}}, rollback=dict.fromkeys(names, rule),
        segments={"by": ["queue"], "rollback": {"m0": rule}, "guardrails": {"m0": {"margin": "5pp"}}},
    )  # fmt: skip

    def draw(rng: np.random.Generator, count: int, harm: Harm) -> Moments:
        n = rng.multinomial(world.units(rng, count), np.ones(values) / values)
        bad = np.stack([rng.binomial(n, rate) for _ in names], axis=-1).astype(float)
        worse = harm.by_day(rng, world, count)
        if harm.size:
            bad[:, :, 1, :, 0] = rng.binomial(n[:, :, 1], np.clip(rate + worse, 0, 1)[..., None])
        units = np.concatenate([n.sum(-1, keepdims=True), n], axis=-1).astype(float)
        y = np.concatenate([bad.sum(-2, keepdims=True), bad], axis=-2)
        safe = np.where(units > 0, units, 1.0)[..., None]
        share = y / safe
        mean = np.stack([share, np.broadcast_to((units > 0)[..., None], share.shape)], axis=-1)
        mean = mean.reshape(*share.shape[:-1], 2 * metrics)
        first = share[..., 0] * (1.0 - share[..., 0]) * units
        pairs = ((0, 0), (0, 1), (1, 1))
        comoment = np.stack([first, np.zeros_like(first), np.zeros_like(first)], axis=-1)
        names_of = tuple(f"{name}:{role}" for name in names for role in ("value", "known"))
        return Moments(names_of, pairs, units, mean, comoment, np.zeros_like(mean), np.ones_like(mean))

    return Setting(policy, world, draw, groups)
