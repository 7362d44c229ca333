"""The facts of an incident in sentences and rows, the same in the terminal, in the review and on the page."""

from __future__ import annotations

from collections.abc import Iterator

from rampgate.incident.facts import Facts, Made
from rampgate.incident.harmed import Harmed
from rampgate.incident.values import Incident
from rampgate.judge.decision import PASS
from rampgate.report.words import percent, signed

SINCE = {"launch": "since launch", "phase": "in its phase", "onset": "since the onset", "hold": "while held"}
#: Parts of the KPI's difference that are told, beside the metrics.
MOST_PARTS = 3


def since_when(facts: Facts) -> str:
    """The onset with its uncertainty."""
    onset = facts.onset
    if onset is None:
        return "since when is not known: no evidence is weighed day by day"
    if onset.lower == onset.upper:
        return f"since {onset.day} (estimated, weight {percent(onset.level)} on that day)"
    return f"since {onset.day} (estimated; between {onset.lower} and {onset.upper} with weight {percent(onset.level)})"


def exposed(facts: Facts) -> str:
    """Candidate units, in all and in parts."""
    parts = [f"{one.units:,} {SINCE[one.since]} ({one.day})" for one in facts.exposed]
    return f"candidate units exposed: {', '.join(parts)}" if parts else "no unit was exposed"


def harm_rows(facts: Facts) -> Iterator[tuple[str, str, str, str, str]]:
    """What was harmed: where, since when, of how many units, how many, and the interval."""
    for one in facts.harmed:
        yield where(one), SINCE[one.since], f"{one.units:,}", count(one.estimate), _ends(one)


def where(one: Harmed | Made) -> str:
    """A metric and its segment."""
    name = "the KPI" if one.metric == "kpi" else one.metric
    return name if one.segment is None else f"{name} in {', '.join(f'{k}={v}' for k, v in one.segment.items())}"


def count(value: float | None) -> str:
    """A number of units, or an amount."""
    return "-" if value is None else f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _ends(one: Harmed) -> str:
    return f"{count(one.lower)} to {count(one.upper)}"


def made_of(facts: Facts) -> Iterator[str]:
    """What the KPI's difference since the onset is made of: metrics, then segment values."""
    whole = next((one for one in facts.made_of if one.kind == "whole"), None)
    if whole is None:
        return
    yield f"the KPI differs by {signed(whole.amount)}"
    metrics = [one for one in facts.made_of if one.kind == "metric"]
    yield "by metric: " + ", ".join(f"{one.metric} {signed(one.amount)}{_share(one)}" for one in metrics)
    columns = dict.fromkeys(next(iter(one.segment)) for one in facts.made_of if one.segment is not None)
    for column in columns:
        mine = [one for one in facts.made_of if one.segment is not None and column in one.segment]
        inside = [one for one in mine if one.kind == "within"][:MOST_PARTS]
        told = [
            f"{one.metric} in {one.segment[column]} {signed(one.amount)}{_share(one)}" for one in inside if one.segment
        ]
        mix = [f"another mix {signed(one.amount)}{_share(one)}" for one in mine if one.kind == "mix"]
        yield f"by {column}: {', '.join((*told, *mix))}"


def _share(one: Made) -> str:
    return "" if one.share is None else f" ({100 * one.share:.0f} %)"


def moved(facts: Facts) -> Iterator[str]:
    """What else moved, and what could not be compared; what did not move is in the facts alone."""
    for one in facts.moved:
        if one.verdict != PASS:
            yield f"{one.what}: {one.message}"


def summary(incident: Incident, facts: Facts | None) -> str:
    """A sentence or two that the record can write by itself."""
    back = incident.rolled_back
    ended = "The gate held the rollout."
    if back is not None:
        by = f" by {back.person}" if back.person is not None else ""
        ended = f"The rollout was rolled back{by} on {back.look[:10]}."
    first = f"{incident.title[0].upper()}{incident.title[1:]}" if incident.leading is None else incident.title
    began = f" {since_when(facts)}" if facts is not None and facts.onset is not None else ""
    told = f"Attempt {incident.attempt} of candidate {incident.candidate}: {first}{began}."
    return f"{told} It fired first on {incident.opened[:10]}. {ended}"
