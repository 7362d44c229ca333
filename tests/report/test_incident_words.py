"""What is said of an incident's facts."""

from __future__ import annotations

from rampgate.incident.facts import Facts, Moved
from rampgate.report.incident_words import moved


def test_what_did_not_move_is_not_among_what_else_moved() -> None:
    found = (
        Moved("volume", "PASS", "no row lies after the last complete period"),
        Moved("mix", "PASS", "queue: no value's share of the units moved by 5 points"),
        Moved("mix", "INCONCLUSIVE", "team=a: 10.0 % of the units before, 30.0 % since"),
        Moved("drift", "FAIL", "score moved"),
    )
    facts = Facts("2026-01-17", (), None, (), (), (), found)
    assert list(moved(facts)) == ["mix: team=a: 10.0 % of the units before, 30.0 % since", "drift: score moved"]
