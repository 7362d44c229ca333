"""The two acts: the same six weeks, first with nothing wrong, then with a stated regression."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby
from pathlib import Path

from rampgate.demo.tickets import Ticket, append, assign, share
from rampgate.judge.decision import Decision
from rampgate.ledger import Ledger
from rampgate.policy import load_policy
from rampgate.report.pooled import Pooled, pooled
from rampgate.rollout.evaluate import check
from rampgate.source import open_engine

POLICY = """\
rollout: {rollout}
baseline: baseline
candidate: candidate
source: {{events: tickets.csv, unit: number, time: opened_at, variant: variant}}
metrics:
  met_sla:    {{kind: proportion, column: met_sla}}
  reassigned: {{kind: proportion, column: reassigned, better: lower}}
  reopened:   {{kind: proportion, column: reopened, better: lower}}
kpi:
  weights: {{met_sla: 0.5, reassigned: 0.3, reopened: 0.2}}
  margin: 5pp
guardrails:
  met_sla: {{margin: 7pp}}
rollback:
  met_sla: {{worse_by: 2pp, expect: 5pp}}
  kpi:     {{worse_by: 2pp, expect: 5pp}}
segments:
  by: [category]
  guardrails: {{met_sla: {{margin: 10pp}}}}
  minimum_units: 50
phases:
  - {{traffic: 10%, at_least: 7d, minimum_units: 100}}
  - {{traffic: 25%, at_least: 7d, minimum_units: 300}}
  - {{traffic: 50%, at_least: 7d, go: non_inferior, require: [kpi]}}
  - {{traffic: 100%}}
"""

#: Act two, from the 50 % phase on: the candidate misses the SLA of these tickets in this share of the cases it
#: would have met it.
BROKEN_CATEGORIES = ("Category 26", "Category 42")
BROKEN_SHARE = 0.8
HASH = "rampgate demo"


@dataclass(frozen=True)
class Act:
    """One telling of the log.

    ``change`` is what is done to a ticket in a phase; in the ``weekly`` phases the gate looks on Mondays only.
    """

    name: str
    folder: Path
    change: Callable[[Ticket, int], Ticket]
    weekly: frozenset[int]


@dataclass(frozen=True)
class Look:
    """What the gate decided, and what a pooled comparison would say at the same moment."""

    decision: Decision
    pooled: Pooled | None


def unchanged(ticket: Ticket, _phase: int) -> Ticket:
    """Act one: the candidate is the baseline."""
    return ticket


def broken(ticket: Ticket, phase: int) -> Ticket:
    """Act two: from the third phase on the candidate misses SLAs in two categories."""
    hit = phase >= 3 and ticket.variant == "candidate" and ticket.category in BROKEN_CATEGORIES
    return replace(ticket, met_sla=False) if hit and share(f"broken:{ticket.number}") < BROKEN_SHARE else ticket


def play(act: Act, tickets: Sequence[Ticket], ledger: Ledger) -> Iterator[Look]:
    """Day by day: the day's tickets are assigned at the traffic the gate has reached, then the gate looks."""
    act.folder.mkdir(parents=True, exist_ok=True)
    rows, file = act.folder / "tickets.csv", act.folder / "policy.yaml"
    file.write_text(POLICY.format(rollout=act.name), encoding="utf-8")
    rows.unlink(missing_ok=True)
    policy = load_policy(file)
    phase, engine, last = 1, None, tickets[-1].day
    for day, opened in groupby(tickets, key=lambda t: t.day):
        traffic = policy.phases[phase - 1].traffic
        append(rows, [act.change(t, phase) for t in assign(opened, traffic, HASH)])
        if phase in act.weekly and day.weekday() != 6 and day != last:
            continue  # a skipped look costs nothing: the next one covers its days
        engine = engine or open_engine(rows)  # a view of the file: it sees what is appended later
        decision = check(policy, events=engine, as_of=day + timedelta(days=1), ledger=ledger)
        yield Look(decision, pooled(decision, "met_sla"))
        if decision.decision == "rollback":
            return
        phase += decision.decision == "go"
