"""How often the days that an incident tells as the beginning hold the true one: ``python -m benchmarks.onsets 200``.

Rollouts with 200 tickets a day at 30 % traffic; the share of bad outcomes is 15 % and in the candidate higher by HARM
from a day drawn at random on. Each is judged day by day up to its rollback, where the incident is told. Prints a row
per HARM.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
from tests.rollout.tables import POLICY, tickets

from rampgate.aggregate.read import read
from rampgate.incident.onset import Since, since
from rampgate.judge.case import Case
from rampgate.judge.decide import judge
from rampgate.judge.moved import moved
from rampgate.judge.state import ROLLED_BACK, State
from rampgate.policy import load_policy
from rampgate.rollout.looks import first_phase, look_at, next_look, parse_moment
from rampgate.rollout.replay import up_to
from rampgate.source import open_engine

DAYS, LATEST, START = 42, 21, date(2026, 1, 5)
RULES = {
    **{key: part for key, part in POLICY.items() if key != "segments"},
    "phases": [{"traffic": "30%", "at_least": "300d"}, {"traffic": "50%"}],
    "start": START.isoformat(),
}


def told(harm: float, day: int, seed: int) -> Since | None:
    """The onset that the rollback tells; None where there was no rollback, or one before the harm."""
    policy = load_policy(RULES)
    engine = open_engine(tickets(days=DAYS, harm=harm, from_day=day, seed=seed))
    end = look_at(policy, parse_moment(START + timedelta(days=DAYS), policy.zone))
    cells, intake, first, _, bounds, *_ = read(policy, engine, (), end)
    state, look = (
        State(candidate="v2", start=first, bounds=bounds),
        parse_moment(START + timedelta(days=1), policy.zone),
    )
    while look <= end:
        if not state.phases:
            state = replace(state, phases=(first_phase(policy, START, look),))
        case = Case(
            policy, up_to(cells, look), replace(intake, after_as_of=0, newest=look), state, look, look, steered=False
        )
        decision = judge(case)
        state = moved(case, decision)
        if state.status == ROLLED_BACK:
            failed = [c.id for c in decision.criteria if c.kind == "rollback" and c.verdict == "FAIL"]
            found = since(case, "rollback:override" if "rollback:override" in failed else failed[0])
            return found if (look.date() - START).days > day else None
        look = next_look(policy, look)
    return None


def main(rollouts: int) -> None:
    """A row for each harm."""
    print("harm  rolled back  within the days told    +-  days told  off by (median)")
    for harm in (0.06, 0.1, 0.2):
        rng, hits, widths, off = np.random.default_rng(1), 0, list[int](), list[int]()
        for seed in range(rollouts):
            day = int(rng.integers(0, LATEST))
            found = told(harm, day, seed + 1)
            if found is None:
                continue
            lower, upper, likely = map(date.fromisoformat, (found.lower, found.upper, found.day))
            true = START + timedelta(days=day)
            hits += lower <= true <= upper
            widths.append((upper - lower).days + 1)
            off.append(abs((likely - true).days))
        n = len(widths)
        share = hits / n
        error = float(np.sqrt((hits + 1) / (n + 2) * (1 - (hits + 1) / (n + 2)) / n))
        told_days = f"{np.median(widths):11.0f}{np.median(off):17.0f}"
        print(f"{100 * harm:3.0f} %{n:13}{100 * share:20.1f} % {100 * error:5.1f}{told_days}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
