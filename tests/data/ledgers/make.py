"""Write a ledger with the code of today, for later versions to verify: ``python -m tests.data.ledgers.make PART NAME``.

``gate``: act two of the demo, and a rollout with a metric of every kind: looks that hold, go and roll back, a policy
that is changed on the way, and a second candidate. ``people``: approvals, one with a simulation, decisions of people,
a key that is retired, a new attempt and a checkpoint. ``reviews``: incidents, their reviews, and attempts that wait for
these.

What is made before a release says so in its version: its words may still be put better, its numbers may not.
"""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tests.rollout.reviewed import written
from tests.rollout.tables import POLICY as SMALL
from tests.rollout.tables import ramp
from tests.rollout.tables import tickets as ramped

import rampgate
from rampgate import load_policy, simulate
from rampgate.demo.acts import Act, broken, play
from rampgate.demo.tickets import load
from rampgate.ledger import Ledger
from rampgate.people import new_key
from rampgate.people.project import entry
from rampgate.rollout import evaluate, signed
from rampgate.rollout.approve import approve
from rampgate.rollout.checkpoint import checkpoint
from rampgate.rollout.human import decide
from rampgate.rollout.incidents import incidents
from rampgate.rollout.reviews import assign, close, done, false_alarm, link, note, propose, submit

FOLDER = Path(__file__).parent
POLICY: dict[str, Any] = {
    "rollout": "kinds",
    "baseline": "v1",
    "candidate": "v2",
    "source": {"unit": "ticket", "time": "opened", "variant": "version"},
    "start": "2026-01-12",
    "timezone": "Europe/Oslo",
    "metrics": {
        "right": {"kind": "proportion", "column": "right"},
        "stars": {"kind": "mean", "column": "stars", "best": 5, "worst": 1},
        "cost": {"kind": "mean", "column": "cost", "better": "lower", "bounds": "reference"},
        "escalated_well": {"kind": "ratio", "numerator": "well", "denominator": "escalated"},
        "slowest": {"kind": "quantile", "column": "cost", "q": 0.9, "better": "lower"},
        "missed": {"kind": "rare_event", "column": "missed"},
        "resolved": {"kind": "time_to_event", "from": "opened", "to": "closed", "within": "24h"},
        "hours": {
            "kind": "time_to_event",
            "from": "opened",
            "to": "closed",
            "mean_up_to": "24h",
            "better": "lower",
            "test": "hazard",
        },
    },
    "kpi": {"weights": {"right": 0.7, "stars": 0.3}, "margin": "5pp", "floor": "50%"},
    "guardrails": {"stars": {"margin": 0.5}, "escalated_well": {"margin": "20pp"}, "resolved": {"margin": "10pp"}},
    "rollback": {
        "right": {"worse_by": "2pp", "expect": "5pp"},
        "cost": {"worse_by": "10%"},
        "slowest": {"worse_by": 20},
        "missed": {"worse_by": 0},
        "hours": {"worse_by": 0, "expect": "30%"},
    },
    "segments": {"by": ["queue"], "guardrails": {"right": {"margin": "10pp"}}, "minimum_units": 50},
    "harm_budget": {"right": 200},
    "phases": [
        {"traffic": "30%", "at_least": "3d", "minimum_units": 100},
        {"traffic": "50%", "at_least": "3d", "go": "within_budget"},
        {"traffic": "100%"},
    ],
}


def table(candidate: str, first: int, last: int, harm: float, seed: int) -> pd.DataFrame:
    """Tickets from one day of January 2026 to another; the baseline alone before the start."""
    chance = np.random.default_rng(seed)
    day = np.repeat(np.arange(first, last), 150)
    count = len(day)
    new = (day >= 12) & (chance.random(count) < 0.3)
    opened = pd.Timestamp("2026-01-01", tz="Europe/Oslo") + pd.to_timedelta(day - 1, "D")
    opened += pd.to_timedelta(chance.integers(0, 24 * 60, count), "min")
    escalated = chance.random(count) < 0.3
    return pd.DataFrame(
        {
            "ticket": [f"{candidate}-{i}" for i in range(count)],
            "opened": opened,
            "closed": opened + pd.to_timedelta(chance.exponential(9, count), "h"),
            "version": np.where(new, candidate, "v1"),
            "right": chance.random(count) < np.where(new, 0.85 - harm, 0.85),
            "stars": np.where(chance.random(count) < 0.2, np.nan, chance.integers(1, 6, count)),
            "cost": chance.lognormal(3, 1, count).round(2),
            "escalated": escalated,
            "well": escalated & (chance.random(count) < 0.7),
            "missed": chance.random(count) < 0.01,
            "queue": chance.choice(["network", "mail", "größe"], count),
        }
    )


def gate(place: Path, book: Ledger) -> None:
    """What the gate decides by itself."""
    list(play(Act("act-two", place / "act-two", broken, frozenset({1, 2, 3, 4})), load(), book))
    first = table("v2", 1, 25, 0.0, 1)
    for day in (13, 16, 17):
        rampgate.check(POLICY, events=first, as_of=f"2026-01-{day}", ledger=book)
    changed = {**POLICY, "guardrails": {**POLICY["guardrails"], "stars": {"margin": 0.6}}}
    for day in (20, 24):
        rampgate.check(changed, events=first, as_of=f"2026-01-{day}", ledger=book)
    both = pd.concat([first, table("v3", 25, 32, 0.4, 2)])
    for day in (27, 31):
        rampgate.check({**changed, "candidate": "v3"}, events=both, as_of=f"2026-01-{day}", ledger=book)


def people(place: Path, book: Ledger) -> None:
    """What people sign, and what the gate makes of it."""
    keys = {name: place / f"{name}.pem" for name in ("lee", "sam")}
    toml = "".join(entry(name, new_key(path).public.__str__) for name, path in keys.items())
    (place / "rampgate.toml").write_text(toml, "utf-8")
    path, frame = place / "policy.yaml", ramped(days=40, traffic=ramp, harm=0.3, from_day=14)

    def agree(simulated: bool = False, **sections: Any) -> None:
        rules = {"author": "dana", "approvers": ["lee", "sam"], "required": 1, "expires": "900d", "past_rollback": 2}
        path.write_text(json.dumps({**SMALL, "approval": rules, **sections}), "utf-8")
        approve(path, "lee", book, keys["lee"], simulation(path) if simulated else None)

    def look(day: int) -> None:
        rampgate.check(path, events=frame, as_of=f"2026-01-{day:02}", ledger=book)

    def order(what: str, name: str, day: int) -> None:
        decide("triage", what, f"{name} knows why", name, book, keys[name], f"2026-01-{day:02}")

    agree(simulated=True)
    look(8)
    order("go", "sam", 8)
    order("hold", "lee", 9)
    look(10)
    order("resume", "sam", 10)
    path.write_text(path.read_text("utf-8").replace('"5pp"', '"9pp"'), "utf-8")
    look(11)
    agree(guardrails={"override": {"margin": "6pp"}})
    look(12)
    look(26)
    order("go", "lee", 26)
    order("go", "sam", 26)
    look(27)
    checkpoint(book, "lee", keys["lee"])
    order("rollback", "sam", 28)
    order("resume", "lee", 28)
    (place / "rampgate.toml").write_text(toml.replace('"sam"', '"sam"\nretired = 2999-01-01'), "utf-8")
    look(31)
    checkpoint(book, "sam", keys["sam"])


def reviews(place: Path, book: Ledger) -> None:
    """Incidents, what people note of them, their reviews, and attempts that wait for these."""
    keys = {name: place / f"{name}.pem" for name in ("lee", "sam")}
    toml = "".join(entry(name, new_key(path).public.__str__) for name, path in keys.items())
    (place / "rampgate.toml").write_text(toml, "utf-8")
    path, frame = place / "policy.yaml", ramped(days=40, harm=0.3)
    frame.loc[frame.opened_at >= "2026-01-17", "override"] = ramped(days=40).override
    frame.loc[(frame.opened_at >= "2026-01-17") & (frame.version == "v2"), "version"] = "v3"

    def look(day: int, candidate: str) -> None:
        path.write_text(json.dumps({**SMALL, "candidate": candidate}), "utf-8")
        rampgate.check(path, events=frame, as_of=f"2026-01-{day:02}", ledger=book)

    look(12, "v2")
    look(17, "v2")
    look(26, "v3")
    (one,) = incidents(book).found
    assign(book, one, "lee", "sam", keys["sam"])
    note(book, one, "the prompt lost a line", "lee", keys["lee"])
    link(book, one, "https://example.com/7", "lee", keys["lee"])
    submit(book, written(place, one), "lee", keys["lee"])
    propose(book, one, path, "lee", keys["lee"])
    close(book, one, "sam", keys["sam"])
    done(book, one, 1, "lee", keys["lee"])
    look(27, "v3")
    decide("triage", "rollback", "customers complain", "lee", book, keys["lee"], "2026-01-28")
    decide("triage", "resume", "mended", "sam", book, keys["sam"], "2026-01-29")
    look(31, "v3")
    second = next(name for name in incidents(book).found if name != one)
    assign(book, second, "sam", "sam", keys["sam"])
    false_alarm(book, second, "it was another system", "lee", keys["lee"])


def simulation(policy: Path) -> Path:
    """A small table of the policy's harmless scenario, as `simulate --json` writes it."""
    rates = dict.fromkeys(load_policy(policy).metrics, 0.15)
    baseline = {"per_day": 300, "metrics": rates, "segments": {"queue": {"network": 0.5, "mail": 0.5}}}
    found = simulate(load_policy(policy), rollouts=20, days=21, assume=baseline, scenario=("harmless",), workers=1)
    path = policy.with_name("simulation.json")
    path.write_text(json.dumps(found.to_dict()), "utf-8")
    return path


def main(part: str, name: str) -> None:
    """Play a part into one ledger and pack it."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "rampgate.db"
        book = Ledger.open(path)
        for room in (evaluate, signed):
            room.__dict__["__version__"] = f"{rampgate.__version__}.dev0"
        {"gate": gate, "people": people, "reviews": reviews}[part](Path(place), book)
        for record in book.records():
            said = record.entry().get("decision") or record.entry()["statement"]
            print(record.rollout, record.attempt, record.kind, said.get("decision"))
        (FOLDER / f"{name}.db.gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))


if __name__ == "__main__":
    main(*sys.argv[1:])
