"""The door: what a policy does, before anything is launched."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rampgate.errors import NotJudgedYet, UsageError
from rampgate.judge.criteria import criteria
from rampgate.policy import Policy, Quantile, load_policy, refuse_not_judged
from rampgate.simulation.advice import advice
from rampgate.simulation.assumed import assumed, read_assumed
from rampgate.simulation.baseline import Baseline, days_of, from_source
from rampgate.simulation.scenario import chosen, scenarios
from rampgate.simulation.table import Simulation, outcome
from rampgate.simulation.work import work

#: Days after which a simulated rollout is looked at no more.
DAYS = 84
#: Rollouts of a scenario where none are named: so many in all, fewer of a policy with many criteria.
ALL, FEWEST, MOST = 12_000, 30, 2000
#: Criteria up to which a rollout costs about the same; and how many one costs that asks for the pace at every age.
PLAIN, AGED = 60, 25


def simulate(
    policy: Policy | str | Path | Mapping[str, Any],
    events: Any = None,
    rollouts: int | None = None,
    seed: int = 1,
    *,
    scenario: Sequence[str] = (),
    assume: str | Path | Mapping[str, Any] | None = None,
    days: int = DAYS,
    workers: int | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Simulation:
    """How often a policy cries wolf, how long it sleeps, and what is harmed before it wakes, on one's own baseline.

    Parameters
    ----------
    policy : a policy, its file, or its content
    events : frame, path or engine; the policy's ``source.events`` when left out
    rollouts : of each scenario; when left out as many as take about a minute in all
    seed : the same seed gives the same table, however many processes work
    scenario : names of those that are wanted; all when left out
    assume : the baseline described by hand, as a file or its content, instead of rows
    days : until the horizon
    workers : processes; one per core when left out
    say : told what is being done

    Returns
    -------
    Simulation

    Raises
    ------
    NotJudgedYet : the policy uses something that is judged and cannot be simulated yet
    UsageError : a scenario that does not exist, or too few rollouts or days
    DataError : too little history to draw from
    """
    policy = load_policy(policy)
    refuse_not_judged(policy)
    refuse_not_simulated(policy)
    _refuse_numbers(policy, rollouts, days)
    if assume is not None and events is not None:
        raise UsageError("rows and a baseline by hand exclude each other", where="assume", remedy="give one of them")
    say("reading the baseline")
    baseline = from_source(policy, events) if assume is None else assumed(policy, read_assumed(assume))
    every, full = scenarios(baseline)
    wanted = chosen(every, tuple(scenario))
    count, periods = rollouts or usual(baseline, len(wanted)), days // days_of(policy)
    places = [(every.index(one), one) for one in wanted]
    made = work(baseline, places, count, periods, seed, workers, say)
    found = tuple(
        outcome(baseline.policy, one, counted, periods, days_of(policy))
        for one, counted in zip(wanted, made, strict=True)
    )
    say("what would mend it")
    return Simulation(
        policy.rollout,
        policy.sha256(),
        count,
        seed,
        periods * days_of(policy),
        baseline.per_day,
        tuple(phase.traffic for phase in policy.phases),
        (*baseline.notes, *full, *_left_out(policy), f"each rollout is looked at for {periods * days_of(policy)} days"),
        found,
        advice(baseline, found, periods, seed, count),
    )


def usual(baseline: Baseline, count: int) -> int:
    """Rollouts per scenario where none are named; by the policy's size, so that every machine makes the same table."""
    policy = baseline.policy
    rules = criteria(policy, dict.fromkeys(baseline.groups[1:], 0.0))
    cost = sum(AGED if policy.tests_hazard(rule.metric) else 1 for rule in rules)
    each = ALL * min(1.0, PLAIN / cost) / count
    return int(min(MOST, max(FEWEST, each // 10 * 10)))


def _left_out(policy: Policy) -> tuple[str, ...]:
    """What holds a real rollout and no simulated one: what is measured of columns that are not drawn."""
    if policy.drift is None:
        return ()
    return ("drift is not simulated: what it holds in truth is not among the holds here",)


def _refuse_numbers(policy: Policy, rollouts: int | None, days: int) -> None:
    if rollouts is not None and rollouts < 2:
        raise UsageError(f"{rollouts} rollouts have no error", where="rollouts", remedy="ask for 1000 or more")
    if days < 2 * days_of(policy):
        raise UsageError(f"{days} days have no second look", where="days", remedy="ask for 84, or for one look more")


def refuse_not_simulated(policy: Policy) -> None:
    """Refuse what is judged and cannot be drawn yet, rather than leave it out.

    Raises
    ------
    NotJudgedYet : names all of it
    """
    found = []
    if policy.source.cluster is not None:
        found.append("source.cluster")
    if policy.evidence == "point":
        quantiles = [name for name in policy.judged_metrics() if isinstance(policy.metrics[name], Quantile)]
        found += [f"metrics.{name} (a quantile beside evidence: point)" for name in quantiles]
    if found:
        remedy = (
            "take it out of a copy of the policy to simulate the rest; `rampgate replay` judges all of it on history"
        )
        raise NotJudgedYet(f"cannot be simulated yet: {', '.join(found)}", where=policy.origin.name, remedy=remedy)
