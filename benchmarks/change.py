"""False alarms a year of the watch after the last phase, and how soon it tells of a change: docs/decisions/0024.

    python -m benchmarks.change [--rollouts 200] [--holdout]

Each rollout is a reference and a year that is watched, day by day. "Naive" is the gate's own bounded evidence, summed
over onsets, against the reference's rates taken for known: what change detection is without a law for days.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np

from rampgate.aggregate.moments import Floats, Ints
from rampgate.estimate import evidence
from rampgate.estimate.change import Detector, Rows, step_days
from rampgate.estimate.increments import bennett_cost, effect_grid

YEAR, CHUNK = 364, 20
#: Weekdays as parts of the pattern's height, Monday first.
PATTERN = np.array([-1.0, -0.5, 0.0, 0.3, 0.2, 1.0, 0.0])


@dataclass(frozen=True)
class World:
    """Days of a rate: units a day, its level, height of the weekday pattern, and what a day itself brings.

    ``days`` is the standard deviation of that, ``lasts`` its correlation with the next day's, ``tails`` its degrees of
    freedom where it has heavier tails than a normal one, ``ramp`` whether the last four weeks of the reference have
    a candidate at 10 % beside the baseline, whose units alone came before.
    """

    name: str
    units: int = 300
    rate: float = 0.15
    weekdays: float = 0.05
    days: float = 0.03
    lasts: float = 0.0
    tails: int | None = None
    reference: int = 84
    ramp: bool = False


WORLDS = (
    World("days differ by chance alone", weekdays=0.0, days=0.0),
    World("a weekday pattern of 10 points", days=0.0),
    World("days differ by 3 points"),
    World("the same, heavy tails (t5)", tails=5),
    World("the same, lasting (.5)", lasts=0.5),
    World("the same, lasting (.8)", lasts=0.8),
    World("the same, lasting (.95)", lasts=0.95),
    World("reference of 28 days", lasts=0.5, reference=28),
    World("reference of a year", lasts=0.5, reference=364),
    World("35 units a day", units=35, lasts=0.5),
    World("5,000 units a day", units=5000, lasts=0.5),
    World("rate 50 %", rate=0.5, lasts=0.5),
    World("rate 2 %, 300 units", rate=0.02, weekdays=0.0, days=0.0),
    World("rate .5 %, 300 units: weeks", rate=0.005, weekdays=0.0, days=0.0, reference=364),
    World("10 units a day: weeks", units=10, weekdays=0.0, days=0.0, reference=364),
    World("reference of a ramp", lasts=0.5, ramp=True),
)


def brought(rng: np.random.Generator, world: World, shape: tuple[int, int]) -> Floats:
    """What days bring, standard deviation 1, (rollout, day)."""
    if world.tails is None:
        news = rng.standard_normal(shape)
    else:
        news = rng.standard_t(world.tails, shape) / np.sqrt(world.tails / (world.tails - 2))
    out = news.copy()
    for t in range(1, shape[1]):
        out[:, t] = world.lasts * out[:, t - 1] + np.sqrt(1 - world.lasts**2) * news[:, t]
    return out


def drawn(rng: np.random.Generator, world: World, rollouts: int, shift: float = 0.0, since: int = 0) -> Floats:
    """Chance of the event on each day, (rollout, day), moved by ``shift`` from a day of the watch on."""
    count = world.reference + YEAR
    level = world.rate + world.weekdays * PATTERN[np.arange(count) % 7]
    moved = shift * (np.arange(count) >= world.reference + since)
    return np.clip(level + moved + world.days * brought(rng, world, (rollouts, count)), 0.0, 1.0)


def layout(world: World) -> tuple[Rows, int, Ints]:
    """The rows of a world, the days of a step, and the day that each row begins with."""
    ends = min(world.rate, 1 - world.rate) * world.units
    length = step_days(np.full(world.reference, ends), 5.0)
    assert length is not None
    step = np.arange(0, world.reference + YEAR, length)
    units = np.full(len(step), float(world.units * length))
    arm, at = np.ones(len(step), dtype=int), step
    if world.ramp:
        ramp = np.flatnonzero((step >= world.reference - 28) & (step < world.reference))
        units[ramp] *= 0.9
        arm[: ramp[-1] + 1] = 0
        order = np.argsort(np.concatenate([step, step[ramp]]), kind="stable")
        at = np.concatenate([step, step[ramp]])[order]
        units = np.concatenate([units, units[ramp] / 9])[order]
        arm = np.concatenate([arm, np.ones(len(ramp), dtype=int)])[order]
    level = at % 7 if length == 1 else np.zeros_like(at)
    return Rows(units, at // length, level, arm, at >= world.reference), length, at


def values(rng: np.random.Generator, chance: Floats, rows: Rows, length: int, at: Ints) -> Floats:
    """Shares that are seen, (rollout, row); the candidate lies 2 points beside the baseline in a ramp."""
    mean = np.stack([chance[:, t : t + length].mean(1) for t in at], axis=1)
    beside = 0.02 * rows.arm if len(np.unique(rows.arm)) > 1 else 0.0
    return rng.binomial(rows.units.round().astype(int), np.clip(mean + beside, 0.0, 1.0)) / rows.units.round()


def naive(x: Floats, rows: Rows) -> Floats:
    """Log of the e-detector of bounded increments, both sides, with the reference's rates taken for known."""
    reference = ~rows.watched
    rate = np.zeros_like(x)
    for level in np.unique(rows.level):
        rate[:, rows.level == level] = x[:, reference & (rows.level == level)].mean(1, keepdims=True)
    x, rate, n = x[:, rows.watched], np.clip(rate[:, rows.watched], 1e-3, 1.0), rows.units[rows.watched]
    bets = effect_grid() * 0.04 / (rate * (1 - rate))[..., None]
    cost = bennett_cost(bets, np.ones(1)) * (n * rate * (1 - rate))[..., None]
    gain = bets * (n * (x - rate))[..., None]
    inc = np.concatenate([gain - cost, -gain - cost], axis=-1)
    log_r, path = np.full(inc[:, 0].shape, -np.inf), []
    for t in range(inc.shape[1]):
        log_r = np.logaddexp(0.0, log_r) + inc[:, t]
        path.append(np.logaddexp.reduce(log_r, -1) - np.log(inc.shape[-1]))
    return np.stack(path, axis=1)


@dataclass(frozen=True)
class Found:
    """Alarms of a batch: the first of each rollout in days, and whether it was upwards; YEAR without one."""

    day: Floats
    up: np.ndarray

    def a_year(self) -> tuple[float, float]:
        """Alarms in a year of watching until the first, and its Monte-Carlo error."""
        alarms, watched = (self.day < YEAR).sum(), np.minimum(self.day + 1, YEAR).sum()
        return float(alarms / watched * 365.25), float(np.sqrt(max(alarms, 1)) / watched * 365.25)


def first(log_r: Floats, length: int, since: int = 0) -> Floats:
    """Day of the first alarm from a day on, (rollout,)."""
    over = log_r >= np.log(365.25 / length)
    over[:, : since // length] = False
    return np.where(over.any(1), (over.argmax(1) + 1) * length - 1, YEAR)


def alarms(world: World, rollouts: int, seed: int, shift: float = 0.0, since: int = 0) -> tuple[Found, Found]:
    """First alarms of the watch and of the naive detector."""
    rng = np.random.default_rng(seed)
    rows, length, at = layout(world)
    detector = Detector.of(rows)
    day, up, plain = [], [], []
    for begin in range(0, rollouts, CHUNK):
        x = values(rng, drawn(rng, world, min(CHUNK, rollouts - begin), shift, since), rows, length, at)
        watch = detector.watch(x)
        days = first(watch.log_r, length, since)
        day.append(days)
        for one, when in enumerate(days):
            row = min(int(when) // length, watch.log_e.shape[-1] - 1)
            likeliest = int(np.argmax(watch.log_e[one, row]))
            up.append(watch.shift(row, likeliest)[one] > 0)
        plain.append(first(naive(x, rows), length, since))
    return Found(np.concatenate(day), np.array(up)), Found(np.concatenate(plain), np.array(up))


def holdouts(count: int) -> None:
    """How soon the gate's own evidence tells of 5 points where a holdout is left; days differ by 3 points for both."""
    print("| units a day | held out | median days to +5 points | found in 90 days |\n|---|---|---|---|")
    for units, held in ((300, 0.02), (300, 0.05), (300, 0.1), (3000, 0.02)):
        rng = np.random.default_rng(1)
        chance = drawn(rng, World("held out"), count)[:, -YEAR:]
        n_b = rng.binomial(units, held, chance.shape)
        harm = 0.05 * (np.arange(YEAR) >= 56)
        y_c, y_b = rng.binomial(units - n_b, np.clip(chance + harm, 0.0, 1.0)), rng.binomial(n_b, chance)
        found = evidence(y_c, units - n_b, y_b, n_b, expect=0.04, history=(4500, 30000))
        over = found.log_e >= np.log(20)
        over[:, :56] = False
        late = np.where(over.any(1), over.argmax(1) - 56 + 1, YEAR)
        print(f"| {units:,} | {held:.0%} | {np.median(late):.0f} | {(late <= 90).mean():.0%} |", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rollouts", type=int, default=200)
    parser.add_argument("--holdout", action="store_true", help="what a holdout tells instead")
    given = parser.parse_args()
    if given.holdout:
        holdouts(given.rollouts)
        return
    count = given.rollouts
    print(f"One false alarm a year is accepted; {count} rollouts of a reference and a year each.")
    print("| days | false alarms a year | upwards | naive | median days to +5 points | found in 90 days |")
    print("|---|---|---|---|---|---|")
    for world in WORLDS:
        quiet, plain = alarms(world, count, 1)
        (rate, error), (other, _) = quiet.a_year(), plain.a_year()
        up = quiet.up[quiet.day < YEAR].mean() if (quiet.day < YEAR).any() else np.nan
        moved = alarms(world, count // 2, 2, 0.05, since=56)[0].day - 56 + 1
        found = float((moved <= 90).mean())
        print(
            f"| {world.name} | {rate:.2f} +/- {error:.2f} | {up:.0%} | {other:.1f} | "
            f"{np.median(moved):.0f} | {found:.0%} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
