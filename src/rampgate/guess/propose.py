"""The proposal itself: profile the table, settle the roles, judge the columns that are left, build the policy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from sqlglot import exp

from rampgate.aggregate.typed import column, text_of
from rampgate.errors import Unclear, UsageError
from rampgate.guess.given import check_given, given_metric
from rampgate.guess.outcomes import (
    MOST_VALUES,
    NO_OUTCOME,
    Outcome,
    choose,
    is_afterwards,
    outcome_of,
    scaled,
    segment_score,
)
from rampgate.guess.plan import Volume, guardrail, kpi_points, phases, volume, weights
from rampgate.guess.profile import Profile, known_where, profile, tallies
from rampgate.guess.roles import Arms, find_arms, find_unit, some
from rampgate.guess.times import Timing, find_time
from rampgate.guess.values import Given, Guess, Note
from rampgate.guess.words import HANDLER, tells
from rampgate.policy import KPI, Source, load_policy
from rampgate.policy.place import without_password
from rampgate.source import Column, Engine, open_engine

_NOTHING_GIVEN = Given()
#: Segment columns that are taken at most.
_MOST_SEGMENTS = 3
_WHY_NAME = {False: "the name of the file", True: "the default"}
_Left = list[tuple[str, str]]


def guess(events: str | Path | Any, given: Given = _NOTHING_GIVEN, rollout: str | None = None) -> Guess:
    """Propose a policy for a table.

    Parameters
    ----------
    events : path, pattern, ``file.duckdb#table``, frame of pandas, Polars or Arrow, or an open engine
    given : what the user said; the rest is guessed
    rollout : name of the rollout; made of the file's name if left out

    Raises
    ------
    UsageError
        When something cannot be guessed safely, or what was given does not fit; it names the flag.
    SourceError, DataError
        When the table cannot be read, or has no rows.
    """
    engine = open_engine(events)
    try:
        return _guess(engine, events, given, rollout)
    finally:
        if engine is not events:
            engine.close()


@dataclass(frozen=True)
class _Table:
    engine: Engine
    columns: Mapping[str, Profile]
    given: Given
    source: Source
    arms: Arms


def _guess(engine: Engine, events: object, given: Given, rollout: str | None) -> Guess:
    columns, decimal = _profiles(engine, given)
    check_given(given, columns, engine.name)
    timing = find_time(engine, columns, given, [name for name in (given.unit, given.variant) if name])
    unit = find_unit(engine, columns, given, {timing.name, *timing.others})
    path = without_password(str(events)) if isinstance(events, (str, Path)) else None
    settled: dict[str, Any] = {"unit": unit.value, "time": timing.name, "decimal": decimal.value}
    if timing.time_format is not None:
        settled["time_format"] = list(timing.time_format)
    arms = find_arms(engine, columns, given, Source(**settled))
    settled["variant"] = arms.column
    settled["ignore"] = tuple(name for name, _ in arms.others)
    table = _Table(engine, columns, given, Source(**settled), arms)
    metrics, segments, left = _judged(table, timing)
    seen = volume(engine, table.source, (arms.baseline, arms.candidate), engine.columns())
    if not seen.rows:
        raise UsageError(
            f"no row of {arms.baseline!r} or {arms.candidate!r} has a time that can be read in column {timing.name!r}",
            where=engine.name,
            remedy="name another column with --time, or say how it writes times with --time-format",
        )
    name = _rollout(rollout, path)
    content, notes = _plan(table, name, metrics, segments, seen)
    if path is not None:
        content["source"] = {"events": path, **content["source"]}
    head = (
        Note("rollout", name, "as given" if rollout else _WHY_NAME[path is None], "--name", rollout is None),
        unit,
        *timing.notes,
        *([decimal] if decimal.value == "," or not decimal.guessed else []),
        _zone(given),
        *arms.notes,
    )
    return Guess(load_policy(content), (*head, *notes), tuple(left))


def _rollout(name: str | None, path: str | None) -> str:
    """A name for the rollout, of letters that can stand in ids."""
    if name is not None:
        return name
    stem = "" if path is None else Path(path.rpartition("#")[0] or path).name.partition(".")[0]
    if path is not None and "://" in path:
        held = re.split(r"[=/.]", unquote(path).partition("&")[0].replace('"', ""))
        stem = next((one for one in reversed(held) if one not in ("", "*", "parquet")), "")
    if path is not None and re.search(r"[*?\[]", stem):
        stem = Path(path).parent.name
    return re.sub(r"[^\w-]+", "-", stem).strip("-") or "rollout"


def _zone(given: Given) -> Note:
    if given.timezone is not None:
        return Note("timezone", given.timezone, "as given", "--timezone", False)
    why = "the default; times without an offset are taken as UTC, and days begin at its midnight"
    return Note("timezone", "UTC", why, "--timezone", True)


# --- numbers ----------------------------------------------------------------------------


def _profiles(engine: Engine, given: Given) -> tuple[dict[str, Profile], Note]:
    """All columns, with their numbers read by the decimal mark that is given, or that the values prove."""
    if given.decimal is not None:
        return profile(engine, given.decimal), Note("decimal", given.decimal, "as given", "--decimal", False)
    columns = profile(engine)
    commas = [one for one in columns.values() if one.proof and one.commas + one.numbers >= one.known]
    points = [one for one in columns.values() if one.type == "text" and one.numeric and one.whole < one.known]
    again = profile(engine, ",") if commas and not points else {}
    proven = [one for one in commas if one.name in again and again[one.name].numeric]
    if not proven:
        return columns, Note("decimal", ".", "the default", "--decimal", True)
    holding = f"{some(one.name for one in proven)} {'holds' if len(proven) == 1 else 'hold'}"
    why = f"{holding} numbers such as {_comma(proven[0])}"
    return again, Note("decimal", ",", why, "--decimal", True)


def _comma(one: Profile) -> str:
    return next((text for text in (one.high, one.low) if "," in text), one.high)


# --- metrics and segments ----------------------------------------------------------------


def _judged(table: _Table, timing: Timing) -> tuple[list[Outcome], list[Note], _Left]:
    """Metrics, segments, and what is neither with the reason."""
    source = table.source
    rest = [one for name, one in table.columns.items() if name not in (source.unit, source.time, source.variant)]
    left: _Left = []
    found: list[Outcome] = []
    perhaps: list[Profile] = []
    leaks = _leaks(table, rest)
    for one in rest:
        reason = _unfit(one, timing, leaks)
        if reason is None:
            outcome = outcome_of(one)
            if isinstance(outcome, Outcome):
                found.append(outcome)
                reason = unclear(outcome)
            else:
                reason = outcome
                if _may_split(one, outcome):
                    perhaps.append(one)
        left.append((one.name, reason))
    metrics, rejected = _metrics(table, found, left)
    segments, unsplit = _segments(table, perhaps)
    used = {str(column_) for one in metrics for key, column_ in one.content.items() if key in _COLUMNS}
    used |= {note.value for note in segments}
    reasons = dict(left) | dict(rejected) | dict(unsplit)
    return metrics, segments, [(name, why) for name, why in reasons.items() if name not in used]


_COLUMNS = ("column", "numerator", "denominator")


def unclear(outcome: Outcome) -> str:
    """Why an outcome is not taken, until it is."""
    return f"not named with --metric ({outcome.why})"


def _unfit(one: Profile, timing: Timing, leaks: Mapping[str, str]) -> str | None:
    """Why a column is neither metric nor segment, whatever it holds."""
    if one.type == "other":
        return "of a type that cannot be used"
    if not one.known:
        return "it has no value at all"
    if one.name in timing.others:
        return f"a second time, beside {timing.name}"
    return leaks.get(one.name)


def _may_split(one: Profile, reason: str) -> bool:
    """Whether a column that is no outcome may be a segment."""
    return reason == NO_OUTCOME or (bool(one.words) and segment_score(one) > 0)


def _leaks(table: _Table, rest: list[Profile]) -> dict[str, str]:
    """Columns that tell the arms apart by themselves, or are filled in one arm only."""
    if not table.arms.rows[1]:
        return {}
    few = [Column(one.name, one.type) for one in rest if one.words]
    many = [Column(one.name, one.type) for one in rest if not one.words and one.known and one.type != "other"]
    kind = table.columns[table.arms.column].type
    arms = [
        exp.EQ(this=text_of(column(table.arms.column), kind), expression=exp.Literal.string(arm))
        for arm in (table.arms.baseline, table.arms.candidate)
    ]
    out = {}
    first, second = (tallies(table.engine, few, arm) for arm in arms)
    for one in few:
        here, there = ({value for value, _ in side[one.name]} for side in (first, second))
        if not here & there and len(here | there) > 1:
            out[one.name] = f"it tells the versions apart: no value is in both {some(_said(here, there))}"
    filled = [known_where(table.engine, many, arm) for arm in arms]
    for one in many:
        counts = [side[one.name] for side in filled]
        if 0 in counts and max(counts) > 0:
            known = table.arms.baseline if counts[0] else table.arms.candidate
            out[one.name] = f"it is known for {known!r} alone, so there is nothing to compare"
    return out


def _said(*sides: set[str | None]) -> list[str]:
    return [next((value for value in sorted(map(str, side))), "") for side in sides]


def _metrics(table: _Table, found: list[Outcome], unfit: _Left) -> tuple[list[Outcome], _Left]:
    if table.given.metrics:
        metrics = [given_metric(text, table.columns, table.engine.name) for text in table.given.metrics]
        left: _Left = []
    else:
        metrics, left = choose(found)
    if not metrics:
        raise Unclear(
            "metrics",
            "no column is an outcome: none of true and false, of words for good and bad, or of numbers whose name "
            f"tells which direction is good{_nearest(unfit)}",
            where=table.engine.name,
            remedy="name one with --metric, as --metric solved, --metric hours:lower or --metric sla==met",
        )
    if not any(one.bounded for one in metrics):
        metrics = [scaled(one) if one.content["kind"] == "mean" else one for one in metrics]
    return _distinctly_named(metrics), left


def _nearest(unfit: _Left) -> str:
    """Why columns that look like outcomes are none."""
    near = [f"{name!r}: {why}" for name, why in unfit if why != NO_OUTCOME]
    return f" ({'; '.join(near[:3])})" if near else ""


def _distinctly_named(metrics: list[Outcome]) -> list[Outcome]:
    """Names that a policy takes, each once."""
    out: list[Outcome] = []
    for one in metrics:
        name = re.sub(r"[:|]", "-", "".join(c if c.isprintable() else " " for c in one.name)).strip()[:90] or "metric"
        taken = {other.name for other in out} | {KPI}
        at = next(i for i in range(1, len(metrics) + 3) if (name if i == 1 else f"{name}_{i}") not in taken)
        out.append(replace(one, name=name if at == 1 else f"{name}_{at}"))
    return out


def _segments(table: _Table, perhaps: list[Profile]) -> tuple[list[Note], _Left]:
    if table.given.segments is not None:
        notes = [Note("segment", name, "as given", "--segment", False) for name in table.given.segments]
        return notes, [(one.name, "not named with --segment") for one in perhaps]
    left: _Left = []
    scored: list[tuple[float, Profile]] = []
    for one in perhaps:
        if is_afterwards(one):
            left.append((one.name, "known only after the version has done its work, so it is no segment"))
        elif tells(one.name, HANDLER):
            left.append((one.name, "who handles a row may depend on the version, so it is no segment"))
        elif score := segment_score(one):
            scored.append((score, one))
        elif one.words:
            left.append((one.name, _no_segment(one)))
    scored.sort(key=lambda pair: -pair[0])
    left += [
        (one.name, f"a segment too, beyond the {_MOST_SEGMENTS} that are taken") for _, one in scored[_MOST_SEGMENTS:]
    ]
    return [
        Note("segment", one.name, f"text of {len(one.words)} values, such as {some(one.words, 2)}", "--segment", True)
        for _, one in scored[:_MOST_SEGMENTS]
    ], left


def _no_segment(one: Profile) -> str:
    if one.values[0][1] > 0.95 * one.known:
        return f"nearly all rows have the value {one.words[0]!r}"
    if len(one.words) > MOST_VALUES:
        return f"{len(one.words)} values, more than the {MOST_VALUES} that a segment may have here"
    return f"{len(one.words)} values that say nothing of a segment"


# --- the policy -------------------------------------------------------------------------


def _plan(
    table: _Table, name: str, metrics: list[Outcome], segments: list[Note], seen: Volume
) -> tuple[dict[str, Any], list[Note]]:
    """The policy's content and the notes on it."""
    source = table.source.model_dump(mode="json", exclude_defaults=True)
    # Of ratios nothing says whether they stay within 0 and 1: they are the KPI only where they are all there is.
    in_kpi = [one for one in metrics if one.bounded] or metrics
    shares = weights([one.name for one in in_kpi])
    points = kpi_points(in_kpi, list(shares.values()), seen.per_day)
    rails = {one.name: margin for one in metrics if (margin := guardrail(one, seen.per_day, points)) is not None}
    steps, why = phases(seen.per_day)
    content: dict[str, Any] = {
        "rollout": name,
        "baseline": table.arms.baseline,
        "candidate": table.arms.candidate,
        "source": {"unit": table.source.unit, "time": table.source.time, "variant": table.source.variant, **source},
        "metrics": {one.name: dict(one.content) for one in metrics},
        "kpi": {"weights": shares, "margin": f"{points}pp"},
        "guardrails": {key: {"margin": margin} for key, margin in rails.items()},
        "rollback": {KPI: {"worse_by": "1pp"}},
        "phases": steps,
    }
    if table.given.timezone is not None:
        content["timezone"] = table.given.timezone
    if segments:
        content["segments"] = {
            "by": [note.value for note in segments],
            "guardrails": {KPI: {"margin": f"{max(2 * points, 5)}pp"}},
        }
    said = bool(table.given.metrics)
    outside = [one.name for one in metrics if one not in in_kpi]
    equal = "equal, as nothing says which outcome matters most"
    if outside:
        equal += f"; no part of it: {some(outside)}, as nothing bounds a unit's value"
    margin = (
        "the smallest of 1, 2, 3, 5, 10 and 20 points that two weeks at 50 % of traffic can be expected to show at "
        f"{seen.words()}"
    )
    notes = [
        *(Note("metric", one.name, one.why, "--metric", not said) for one in metrics),
        Note("weights", ", ".join(f"{key}: {w:g}" for key, w in shares.items()), equal, "", True),
        Note("margin", f"{points}pp", margin, "", True),
        *segments,
        Note("phases", " -> ".join(str(step["traffic"]) for step in steps), f"{why}, at {seen.words()}", "", True),
    ]
    return content, notes
