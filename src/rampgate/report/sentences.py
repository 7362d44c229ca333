"""What ``validate`` says of a policy: its criteria as sentences, its defaults, and whether the source fits it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from rampgate.errors import NotStarted
from rampgate.judge.advice import advice
from rampgate.judge.case import Case
from rampgate.judge.decision import ERROR, FAIL, NO_DATA
from rampgate.judge.drift import problems as drift_problems
from rampgate.judge.drift import smallest
from rampgate.judge.health import health
from rampgate.judge.state import State
from rampgate.policy import Policy, defaults, load_policy, refuse_not_judged, sentences, warnings
from rampgate.report.terminal import indented
from rampgate.rollout.approvals import without_key
from rampgate.rollout.evaluate import read_case
from rampgate.rollout.looks import parse_moment
from rampgate.rollout.rows import events_engine
from rampgate.simulation.quick import quick


def validation(path: Path, events: Any = None, simulated: bool = False) -> dict[str, Any]:
    """Load, lint and compare with the source; errors are raised, the rest is returned as JSON.

    A policy without ``source.events`` is checked without its columns, and the result says so.

    Parameters
    ----------
    simulated : whether it is tried what the policy would catch, and whether its phases open, at today's volume
    """
    policy = load_policy(path)
    refuse_not_judged(policy)
    case, name = _case(policy, events)
    problems = (
        []
        if case is None
        else [h.message for h in health(case) if h.verdict in (FAIL, ERROR, NO_DATA) and h.code != "stale"]
    )
    problems += [] if case is None else drift_problems(case)
    tried = None
    if simulated and case is not None and not problems:
        tried = quick(policy, events)
        problems += tried.never
    doubtful = () if tried is None else tried.doubtful
    return {
        "ok": not problems,
        "problems": problems,
        "policy_sha256": policy.sha256(),
        "sentences": sentences(policy),
        "defaults": defaults(policy),
        "warnings": [
            *warnings(policy),
            *without_key(policy),
            *([] if case is None else [*advice(case), *smallest(case)]),
            *doubtful,
        ],
        "simulation": None if tried is None else tried.to_dict(),
        "source": None if case is None else _source(name, case),
    }


def _case(policy: Policy, events: Any) -> tuple[Case | None, str]:
    """What a first look taken now would read, and from where; None when there is nothing to read."""
    if events is None and policy.source.events is None:
        return None, ""
    engine = events_engine(policy, events)
    try:
        moment, state = parse_moment(None, policy.zone), State(candidate=policy.candidate)
        try:
            return read_case(policy, engine, state, moment), engine.name
        except NotStarted:  # a policy is validated before its launch: every row is history, as if it were today
            case = read_case(policy.model_copy(update={"start": moment.date()}), engine, state, moment)
            return replace(case, policy=policy, state=replace(state, drift=case.state.drift)), engine.name
    finally:
        engine.close()


def _source(name: str, case: Case) -> dict[str, Any]:
    intake, start = case.intake, case.state.start
    return {
        "name": name,
        "rows": intake.rows,
        "used": intake.used,
        "history": intake.history,
        "start": start.isoformat() if start else None,
        "newest": intake.newest.isoformat() if intake.newest else None,
    }


def validation_view(found: dict[str, Any], quiet: bool = False) -> RenderableType:
    """The same for people: what is wrong first, and nothing else where ``quiet``."""
    parts: list[RenderableType] = [Text("the policy is valid", "bold green")]
    if found["problems"]:
        what = "a phase would hardly ever open" if found["simulation"] else "every look at this source would hold"
        parts = [Text(f"the policy is well-formed, and {what}", "bold red")]
        parts += [indented(line) for line in found["problems"]]
    if quiet:
        return Group(*parts)
    parts.append(Text(f"sha256 {found['policy_sha256']}", "dim"))
    for title, key in (("What it says", "sentences"), ("Defaults", "defaults"), ("Warnings", "warnings")):
        if found[key]:
            parts.append(Text(f"\n{title}", "bold"))
            parts += [indented(line) for line in found[key]]
    tried = found["simulation"]
    if tried is not None:
        parts.append(Text("\nWhat it would catch (simulated; more by rampgate simulate)", "bold"))
        parts += [indented(line) for line in tried["catches"]]
        if tried["why"] is not None:
            parts.append(indented(f"not simulated: {tried['why']}"))
    source = found["source"]
    parts.append(Text("\nSource", "bold"))
    if source is None:
        parts.append(indented("none named: columns are checked at the first look"))
    else:
        history = f" and {source['history']} are history" if source["history"] else ""
        parts.append(indented(f"{source['name']}: {source['used']} of {source['rows']} rows can be used{history}"))
        parts.append(indented(f"evidence starts on {source['start'] or 'the day of the first candidate row'}"))
    return Group(*parts)
