"""What was tried to get nearer to the limits: other increments, priors and grids on the same rollouts.

    python -m benchmarks.gate_contest.nearer [--rollouts N]

Prints the table of docs/decisions/0015: false rollback of a harmless candidate, and harmed as a multiple of the limit.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import lgamma

import numpy as np
from benchmarks.gate_contest.cases import Case
from benchmarks.gate_contest.draws import planned, proportion
from benchmarks.gate_contest.rollouts import Told, batches, joined, told
from benchmarks.gate_contest.rules.limits import knows_onset, knows_prior
from benchmarks.gate_contest.tried import PRIORS

from rampgate.aggregate.moments import Floats
from rampgate.estimate.contrast import Proportions
from rampgate.estimate.evidence import log_evidence, log_sum_exp
from rampgate.estimate.increments import bennett_cost, effect_grid, gaussian_cost
from rampgate.estimate.interval import no_larger
from rampgate.judge.weigh import bets_of
from rampgate.policy import Margin

BAR = float(np.log(20.0))
Cost = Callable[[Proportions, float, Floats], Floats]


def bennett(made: Proportions, margin: float, bets: Floats) -> Floats:
    """The gate's own cost of a bet."""
    return made.variance(margin)[..., None] * bennett_cost(bets, made.bound[..., None])


def bennett_of_a_sample(made: Proportions, margin: float, bets: Floats) -> Floats:
    """The same with the variance of drawing without replacement, n / (n - 1) as large."""
    n = made.n_c + made.n_b
    return bennett(made, margin, bets) * (n / np.maximum(n - 1.0, 1.0))[..., None]


def gaussian(made: Proportions, margin: float, bets: Floats) -> Floats:
    """As if the sums were normal."""
    return made.variance(margin)[..., None] * gaussian_cost(bets)


def binomials(made: Proportions, margin: float, bets: Floats) -> Floats:
    """Cumulants of two binomials at the null's rates of the day, with what estimating the rates takes away."""
    n_c, n_b = made.n_c[..., None], made.n_b[..., None]
    n = np.maximum(n_c + n_b, 2.0)
    q_b = np.clip(((made.y_c + made.y_b)[..., None] - n_c * margin) / n, max(0.0, -margin), min(1.0, 1.0 - margin))
    q_c = np.clip(q_b + margin, 0.0, 1.0)
    up, down = bets * n_b / n, bets * n_c / n
    plain = n_c * (np.log1p(q_c * np.expm1(up)) - up * q_c) + n_b * (np.log1p(q_b * np.expm1(-down)) + down * q_b)
    t_c = q_c * np.exp(up) / (1.0 + q_c * np.expm1(up))
    t_b = q_b * np.exp(-down) / (1.0 + q_b * np.expm1(-down))
    null = n_c * q_c * (1.0 - q_c) + n_b * q_b * (1.0 - q_b)
    tilted = n_c * t_c * (1.0 - t_c) + n_b * t_b * (1.0 - t_b)
    some = (null > 0) & (tilted > 0)
    ratio = np.where(some, null / np.where(tilted > 0, tilted, 1.0), 1.0)
    return np.asarray((plain + np.maximum(0.0, 0.5 * np.log(ratio))) * n / (n - 1.0))


def hypergeometric(made: Proportions, margin: float, bets: Floats) -> Floats:
    """Exact at a margin of 0: given all bad outcomes of a day, the candidate's are drawn without replacement."""
    if margin:
        return bennett_of_a_sample(made, margin, bets)
    n_c, n_b = made.n_c[..., None], made.n_b[..., None]
    # Counts come as means times units.
    k, n = np.rint(made.y_c + made.y_b)[..., None], n_c + n_b
    most = int(n.max())
    logs = np.array([lgamma(i + 1.0) for i in range(most + 1)])

    def choose(a: Floats, b: Floats) -> Floats:
        inside = (b >= 0) & (b <= a)
        at = np.where(inside, b, 0).astype(int)
        return np.where(inside, logs[a.astype(int)] - logs[at] - logs[np.where(inside, a - b, 0).astype(int)], -np.inf)

    y = np.arange(min(n_c.max(), k.max()) + 1.0)
    base = choose(n_c, y) + choose(n_b, k - y) - choose(n, k)
    centred = y - n_c * k / np.maximum(n, 1.0)
    out = np.empty(np.broadcast_shapes(bets.shape, (*made.n_c.shape, 1)))
    for i in range(bets.shape[-1]):
        out[..., i] = log_sum_exp(base + bets[..., i : i + 1] * centred)
    return out


@dataclass(frozen=True)
class Variant:
    """The gate with other parts."""

    name: str
    cost: Cost = bennett
    prior: str = "open-ended"
    grid: tuple[float, ...] = tuple(effect_grid().tolist())
    follow: bool = False

    def fires(self, case: Case) -> np.ndarray:
        """Days on which it has decided, (rollout, day)."""
        made = case.data.contrast("m")
        assert isinstance(made, Proportions)
        expect, m = Margin(case.facts.expect, "points"), case.facts.tolerated
        one = bets_of(case.data, "m", expect).mean(-1, keepdims=True) / effect_grid().mean()
        bets = no_larger(made, m, np.broadcast_to(one, (*made.n_c.shape, 1)) * np.array(self.grid))
        if self.follow:
            bets = bets * self._seen(made, m, case.facts.expect)[..., None]
        s = made.weight * (made.effect - np.where(made.weight > 0, m, 0.0))
        steps = np.where(made.weight[..., None] > 0, bets * s[..., None] - self.cost(made, m, bets), 0.0)
        return np.asarray(log_evidence(steps, PRIORS[self.prior](case.days))[:, 0] >= BAR)

    @staticmethod
    def _seen(made: Proportions, m: float, expect: float) -> Floats:
        """The effect of the last two weeks before each day as a multiple of what is expected, between 1/2 and 2."""
        away = np.cumsum(made.weight * (made.effect - m), axis=-1)
        weight = np.cumsum(made.weight, axis=-1)
        lag = [
            np.concatenate([np.zeros((*x.shape[:-1], d)), x[..., :-d]], axis=-1)
            for x in (away, weight)
            for d in (1, 15)
        ]
        total, units = lag[0] - lag[1], lag[2] - lag[3]
        shrunk = (total + 200.0 * expect) / (units + 200.0)
        return np.asarray(np.clip(shrunk / expect, 0.5, 2.0))


def variants() -> list[Variant]:
    """Everything that was tried."""
    wide = effect_grid()
    narrow = tuple((1.0 + 0.5 * (wide - 1.0)).tolist())
    out = [
        Variant("the gate"),
        Variant("Bennett, variance without replacement", bennett_of_a_sample),
        Variant("Gaussian increments (not proven)", gaussian),
        Variant("two binomials", binomials),
        Variant("hypergeometric, exact", hypergeometric),
        Variant("one bet, at `expect`", grid=(1.0,)),
        Variant("grid half as wide", grid=narrow),
        Variant("twenty bets", grid=tuple(effect_grid(20).tolist())),
        Variant("bets follow the last two weeks", follow=True),
    ]
    out += [Variant(f"prior: {name}", prior=name) for name in PRIORS if name != "open-ended"]
    out += [Variant(f"hypergeometric; prior: {name}", hypergeometric, name) for name in PRIORS if name != "open-ended"]
    return out


SCENARIOS = {
    "A/A": (partial(proportion, planned(300, move=0.08)), 0.0, False),
    "+4 from day 0": (partial(proportion, planned(300)), 0.04, False),
    "+8 from day 0": (partial(proportion, planned(300)), 0.08, False),
    "+4 late": (partial(proportion, planned(300)), 0.04, True),
    "+8 late": (partial(proportion, planned(300)), 0.08, True),
    "+4 late, 3,000 a day": (partial(proportion, planned(3000)), 0.04, True),
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rollouts", type=int, default=2000)
    parser.add_argument("--only", default="", help="words that a scenario must hold")
    asked_for = parser.parse_args()
    count = asked_for.rollouts
    scenarios = {name: parts for name, parts in SCENARIOS.items() if asked_for.only in name}
    rows: dict[str, list[str]] = {v.name: [] for v in variants()}
    for number, (make, harm, late) in enumerate(scenarios.values()):
        kind, rng = make(), np.random.default_rng([20261125, number])
        limit = partial(knows_prior, first=kind.onsets[0], last=kind.onsets[1]) if late else knows_onset
        asked = {"": limit, **{v.name: v.fires for v in variants()}}
        found: dict[str, list[Told]] = {name: [] for name in asked}
        for case in batches(kind, rng, count, harm, late):
            for name, rule in asked.items():
                found[name].append(told(case, rule(case), harm == 0))
        figures = {name: joined(each).figures() for name, each in found.items()}
        for name, cells in rows.items():
            share, done, least = figures[name].get("false"), figures[name].get("harmed"), figures[""].get("harmed")
            cells.append(f"{100 * share:.1f} %" if share is not None else f"{(done or 0) / (least or 1):.2f}")
    print("| variant | " + " | ".join(scenarios) + " |")
    print("|---|" + "--:|" * len(scenarios))
    for name, cells in rows.items():
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
