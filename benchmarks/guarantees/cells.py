"""The cells of the table: what is simulated, and the budget that it must keep."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import product

import numpy as np
from benchmarks.guarantees import others, real
from benchmarks.guarantees.draws import EXPECT, Better, kpi, lognormal, many, proportion, ratio, up_to
from benchmarks.guarantees.measure import Hits, fired, knowing, missed, passed
from benchmarks.guarantees.world import Harm, Setting, World

Figures = Mapping[str, float | None]
Measure = Callable[[np.random.Generator, int], Figures]
Make = Callable[[], Setting]
RAMPED = ("10/25/50 %", "10 %", "1 %")
ENDS = ("10/25/50 %", "1 %")
VOLUMES = (50, 300, 3000)
SIDES: tuple[Better, Better] = ("lower", "higher")


@dataclass(frozen=True)
class Cell:
    """One line of the table.

    Attributes
    ----------
    section : heading under which it stands
    what : the line's words, one per column
    budget : the share that must not be exceeded; None where the figure is a speed and no guarantee
    measure : (generator, rollouts) -> figures; ``share`` is held against the budget
    rollouts : how many
    """

    section: str
    what: tuple[str, ...]
    budget: float | None
    measure: Measure = field(compare=False)
    rollouts: int = 2000

    @property
    def key(self) -> str:
        return " | ".join((self.section, *self.what))


def rolled_back(make: Make, truth: float, harm: float | None = None, rate: float | None = None) -> Measure:
    """False rollbacks; and of a candidate worse by ``harm``, how many are found and when, from day 0 and later."""

    def measure(rng: np.random.Generator, count: int) -> Figures:
        setting = make()
        out: dict[str, float | None] = {"share": fired(setting, rng, count, Harm(truth)).share}
        if harm is not None:
            less = max(100, count // 2)
            now, late = (fired(setting, rng, less, Harm(harm, onset)) for onset in (0, None))
            out |= {"caught": now.share, "day": now.median, "caught late": late.share}
            if rate is not None:
                out["knowing"] = knowing(setting, rng, less, harm, rate).median
        return out

    return measure


def plain(find: others.Find) -> Measure:
    """One share, and the median day."""

    def measure(rng: np.random.Generator, count: int) -> Figures:
        hits = find(rng, count)
        return {"share": hits.share, "day": hits.median}

    return measure


def passes(make: Make, truth: float, margin: str, metric: str = "m") -> Measure:
    """How often it passes at the margin; and how soon a harmless one does, as a median over all."""

    def measure(rng: np.random.Generator, count: int) -> Figures:
        setting = make()
        good = passed(setting, rng, max(100, count // 2), Harm(0.0), margin, metric)
        share = passed(setting, rng, count, Harm(truth), margin, metric).share
        return {"share": share, "caught": good.share, "day": good.median}

    return measure


def with_harmless(find: Callable[..., Hits]) -> Measure:
    """How often it happens with the harm, and how often and how soon without any."""

    def measure(rng: np.random.Generator, count: int) -> Figures:
        share, good = find(rng, count).share, find(rng, max(100, count // 2), harm=0.0)
        return {"share": share, "caught": good.share, "day": good.median}

    return measure


def family(make: Make, harm: Harm, name: str) -> Measure:
    """How often a family of criteria that is no rollback fails."""
    return plain(lambda rng, count: fired(make(), rng, count, harm, name))


def interval(make: Make, harm: float = 0.0) -> Measure:
    """How often the confidence sequence misses the truth."""
    return plain(lambda rng, count: missed(make(), rng, count, Harm(harm), harm))


def a_day(per_day: int) -> str:
    """The volume in words."""
    return f"{per_day} a day"


def harmless() -> Iterator[Cell]:
    """Proportions, both sides, with the power beside."""
    section = "Proportions, nothing different, `worse_by: 0`"
    for (rate, expect), better, per_day, ramp in product(EXPECT.items(), SIDES, VOLUMES, RAMPED):
        make = partial(proportion, World(per_day, ramp), rate, better)
        told = (f"{rate:.1%} bad", f"{better} is better", a_day(per_day), ramp)
        yield Cell(section, told, 0.05, rolled_back(make, 0.0, expect, rate))
    section = "Proportions without a history: the first 100 units scale the bets"
    for rate, per_day, ramp in product((0.5, 0.15, 0.02), VOLUMES, RAMPED):
        make = partial(proportion, World(per_day, ramp, history=False), rate)
        told = (f"{rate:.1%} bad", "lower is better", a_day(per_day), ramp)
        yield Cell(section, told, 0.05, rolled_back(make, 0.0, EXPECT[rate]))


def at_the_bound() -> Iterator[Cell]:
    """Proportions exactly at what is tolerated, and well inside it."""
    section = "Proportions, `worse_by: 5pp`, the candidate exactly 5 points worse"
    designs = [*product((0.5, 0.15, 0.02), SIDES[:1], VOLUMES, RAMPED), *product((0.5, 0.15), SIDES[1:], VOLUMES, ENDS)]
    for rate, better, per_day, ramp in designs:
        make = partial(proportion, World(per_day, ramp), rate, better, "5pp")
        told = (f"{rate:.1%} bad", f"{better} is better", a_day(per_day), ramp)
        yield Cell(section, told, 0.05, rolled_back(make, 0.05, 0.05 + EXPECT[rate]))
    section = "Proportions, the candidate well inside its bound"
    for rate, per_day in product((0.5, 0.15), VOLUMES):
        make = partial(proportion, World(per_day), rate)
        told = (f"{rate:.1%} bad", "5 points better", a_day(per_day), "`worse_by: 0`")
        yield Cell(section, told, 0.05, rolled_back(make, -0.05))
        make = partial(proportion, World(per_day), rate, "lower", "5pp")
        told = (f"{rate:.1%} bad", "nothing different", a_day(per_day), "`worse_by: 5pp`")
        yield Cell(section, told, 0.05, rolled_back(make, 0.0))
    section = "Proportions, `worse_by: 10%` of the baseline, the candidate exactly 10 % worse"
    for rate, per_day in product((0.5, 0.15, 0.02), VOLUMES):
        make = partial(proportion, World(per_day), rate, "lower", "10%")
        told = (f"{rate:.1%} bad", "lower is better", a_day(per_day), RAMPED[0])
        yield Cell(section, told, 0.05, rolled_back(make, 0.1 * rate))


def rare() -> Iterator[Cell]:
    """Counts against the split."""
    section = "Rare events, the candidate at its bound; harm is three times as many"
    for rate, per_day in product((0.02, 0.002, 0.001), VOLUMES):
        for worse_by, truth, ramps in (("0%", 0.0, RAMPED), ("10%", 0.1 * rate, ENDS)):
            for ramp in ramps:
                make = partial(proportion, World(per_day, ramp), rate, "lower", worse_by, "rare_event")
                told = (f"{rate:.1%} bad", f"`worse_by: {worse_by}`", a_day(per_day), ramp)
                yield Cell(section, told, 0.05, rolled_back(make, truth, 2 * rate))


def means() -> Iterator[Cell]:
    """Skewed amounts."""
    section = "Means of lognormal amounts, nothing different; harm is 20 % more"
    for sigma, (per_day, ramp) in product((1.0, 2.0), [*product((50, 300), RAMPED), (3000, RAMPED[0])]):
        told = (f"sigma {sigma:g}", "no bounds", a_day(per_day), ramp)
        make = partial(lognormal, World(per_day, ramp), sigma)
        yield Cell(section, told, 0.05, rolled_back(make, 0.0, 0.2), 250 if per_day > 300 else 1000)
    # Half a percent of the values lie beyond.
    for (sigma, top), per_day in product(((1.0, 8.0), (2.0, 23.4)), (50, 300)):
        told = (f"sigma {sigma:g}", f"bounds 0 to {top:g}", a_day(per_day), RAMPED[0])
        yield Cell(section, told, 0.05, rolled_back(partial(lognormal, World(per_day), sigma, top=top), 0.0, 0.2))
    section = "Means, the candidate's variance four times the baseline's, means equal"
    for sigma, per_day, ramp in product((0.5, 1.0), (50, 300), ENDS):
        told = (f"sigma {sigma:g}", "no bounds", a_day(per_day), ramp)
        yield Cell(section, told, 0.05, rolled_back(partial(lognormal, World(per_day, ramp), sigma, 4.0), 0.0))
    section = "Means and ratios, `worse_by: 10%`, the candidate exactly 10 % worse"
    for per_day in (50, 300):
        told = ("mean, sigma 1", "no bounds", a_day(per_day), RAMPED[0])
        yield Cell(section, told, 0.05, rolled_back(partial(lognormal, World(per_day), 1.0, worse_by="10%"), 0.1))
        told = ("ratio", "denominators 1 to 10", a_day(per_day), RAMPED[0])
        yield Cell(section, told, 0.05, rolled_back(partial(ratio, World(per_day), "1 to 10", "10%"), 0.1))


def ratios_and_times() -> Iterator[Cell]:
    """Ratios of sums, and mean times up to an age."""
    section = "Ratios of sums, nothing different; harm is 20 % more"
    for kind, per_day, ramp in product(("1 to 10", "skewed", "skewed, going with the rate"), (50, 300), ENDS):
        told = (f"denominators {kind}", "", a_day(per_day), ramp)
        yield Cell(section, told, 0.05, rolled_back(partial(ratio, World(per_day, ramp), kind), 0.0, 0.2))
    section = "Times to an event, hours up to 72, nothing different; harm is 10 % longer"
    for per_day, ramp in product((50, 300), ENDS):
        told = ("`mean_up_to: 72h`", "90 % in time", a_day(per_day), ramp)
        yield Cell(section, told, 0.05, rolled_back(partial(up_to, World(per_day, ramp)), 0.0, 0.1))


def worlds() -> Iterator[Cell]:
    """Baselines that move, patterns within a week and a day, and labels that stay away."""
    section = "A world that moves, nothing different; harm is 4 points"
    moving = {
        "baseline rises by 8 points": World(300, move=0.08),
        "baseline falls by 8 points": World(300, move=-0.08),
        "weekday pattern in volume and rate": World(300, weekday=True),
        "traffic stepped back from 50 to 10 %, rising by 8 points": World(300, "50, back to 10 %", move=0.08),
    }
    for rate, better, (what, world) in product((0.15, 0.5), SIDES, moving.items()):
        told = (f"{rate:.0%} bad", f"{better} is better", what, "")
        yield Cell(section, told, 0.05, rolled_back(partial(proportion, world, rate, better), 0.0, 0.04))
    section = "Afternoons twice as bad as mornings, traffic raised at noon on Mondays, nothing different"
    for split in (True, False):
        told = ("15% bad", "the day split where traffic changed, as the gate does" if split else "not split", "", "")
        yield Cell(section, told, 0.05 if split else None, plain(partial(others.intraday, split=split)))
    section = "Labels that stay away, whatever the outcome, more in one arm; harm is 4 points"
    for known, per_day in product(((0.95, 0.8), (0.8, 0.95), (0.3, 0.6)), (50, 300)):
        told = ("15% bad", f"labels of {known[0]:.0%} and {known[1]:.0%}", a_day(per_day), RAMPED[0])
        make = partial(proportion, World(per_day), 0.15, "lower", "0pp", "proportion", known)
        yield Cell(section, told, 0.05, rolled_back(make, 0.0, 0.04))


def together() -> Iterator[Cell]:
    """The KPI, and many criteria at once."""
    section = "The KPI of three outcomes of a unit, one 70 % unknown, nothing different; harm is 2 points"
    for good, per_day, ramp in product((0.85, 0.998), (50, 300), ENDS):
        make = partial(kpi, World(per_day, ramp), good=good)
        told = (f"{good:.1%} good", "", a_day(per_day), ramp)
        yield Cell(section, told, 0.05, rolled_back(make, 0.0, 0.02), 500)
    section = "Twelve criteria and nineteen segment values at once, nothing different; harm is 4 points in one metric"
    for per_day in (300, 3000):
        told = ("15% bad", "rollback", a_day(per_day), RAMPED[0])
        yield Cell(section, told, 0.05, rolled_back(partial(many, World(per_day)), 0.0, 0.04), 500)
    section = "Guardrails (a hold), the candidate exactly at the margin"
    for per_day in (300, 3000):
        told = ("nineteen segment values", "`margin: 5pp`", a_day(per_day), RAMPED[0])
        yield Cell(section, told, 0.05, family(partial(many, World(per_day)), Harm(0.05), "segment"), 500)
    for good, per_day in product((0.85, 0.998), (50, 300)):
        told = (f"KPI, {good:.1%} good", "`margin: 2pp`", a_day(per_day), RAMPED[0])
        make = partial(kpi, World(per_day), good=good)
        yield Cell(section, told, 0.05, family(make, Harm(0.02), "guardrail"), 500)


def going_on() -> Iterator[Cell]:
    """What may let a rollout go on."""
    section = "`non_inferior` passed by a candidate exactly at the margin; found: a harmless one that passes"
    for rate, (margin, truth), per_day, ramp in product(
        (0.5, 0.15, 0.02), (("5pp", 0.05), ("3pp", 0.03), ("2pp", 0.02)), VOLUMES, ("50 %", "10 %")
    ):
        told = (f"{rate:.1%} bad", f"`margin: {margin}`", a_day(per_day), ramp)
        yield Cell(section, told, 0.05, passes(partial(proportion, World(per_day, ramp), rate), truth, margin))
    for good, per_day in product((0.85, 0.998), (50, 300)):
        told = (f"KPI, {good:.1%} good", "`margin: 2pp`", a_day(per_day), "50 %")
        yield Cell(
            section, told, 0.05, passes(partial(kpi, World(per_day, "50 %"), good=good), 0.02, "2pp", "kpi"), 500
        )
    world = World(300, "50 %")
    for name, make in {
        "mean, sigma 1": partial(lognormal, world, 1.0),
        "ratio, 1 to 10": partial(ratio, world, "1 to 10"),
        "hours up to 72": partial(up_to, world),
    }.items():
        yield Cell(section, (name, "`margin: 10%`", "300 a day", "50 %"), 0.05, passes(make, 0.1, "10%"))
    section = "`non_inferior` passed by a candidate that was good first, once the whole phase is worse by the margin"
    for onset, margin in product((7, 28), ("5pp", "2pp")):
        told = ("15.0% bad", f"`margin: {margin}`", "300 a day", f"5 points beyond it from day {onset}")
        yield Cell(section, told, 0.05, plain(partial(others.late_pass, margin=margin, onset=onset)))
    section = "`within_budget` said of harm exactly at its limit, weekly looks; found: a harmless one that passes"
    for rate, per_day, ramp in product((0.15, 0.02), (50, 300), ("10 %", "50 %")):
        told = (f"{rate:.1%} bad", "3 points worse", a_day(per_day), ramp)
        yield Cell(section, told, 0.05, with_harmless(partial(others.within_budget, rate, per_day, ramp)), 500)


def intervals() -> Iterator[Cell]:
    """Coverage."""
    section = "The 95 % confidence sequence leaves out the truth at some daily look"
    for rate, per_day, ramp in product((0.15, 0.02, 0.001), VOLUMES, ENDS):
        told = (f"{rate:.1%} bad", "", a_day(per_day), ramp)
        yield Cell(section, told, 0.05, interval(partial(proportion, World(per_day, ramp), rate)), 250)
    told = ("15.0% bad", "4 points worse", "300 a day", RAMPED[0])
    yield Cell(section, told, 0.05, interval(partial(proportion, World(300), 0.15), 0.04), 250)
    for sigma in (1.0, 2.0):
        told = (f"mean, sigma {sigma:g}", "", "300 a day", RAMPED[0])
        yield Cell(section, told, 0.05, interval(partial(lognormal, World(300), sigma)), 250)


def cells() -> tuple[Cell, ...]:
    """Every cell, in the order of the page."""
    parts = (
        harmless, at_the_bound, rare, means, ratios_and_times, worlds, together, going_on, intervals,
    )  # fmt: skip
    own = (
        Cell(section, told, budget, plain(find), count)
        for section, told, budget, find, count in (*others.cells(), *real.cells())
    )
    return (*(cell for part in parts for cell in part()), *own)
