"""The health of the data, judged before the outcomes. A failed check holds; it never passes in silence."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from datetime import datetime

import numpy as np

from rampgate.aggregate.moments import BASELINE, CANDIDATE, OTHERS
from rampgate.judge.case import Case
from rampgate.judge.crossed import crossed_units
from rampgate.judge.decision import ERROR, FAIL, INCONCLUSIVE, PASS, Health
from rampgate.judge.labels import covariates, late_labels, missing_labels
from rampgate.judge.ripe import is_ripe
from rampgate.judge.silent import silent
from rampgate.judge.split import sample_ratio
from rampgate.judge.state import Seen
from rampgate.judge.volume import empty_days, fresh, volume

#: Share of rows that may be excluded, and of known units that may vanish between looks.
TOLERATED = 0.01
#: What arrives after its unit: labels, and events; and how its count over the last periods is called.
_LABELS, _RECENT = (":known", ":event"), " lately"
LATELY = 7
#: Fewer than this many late labels are a correction.
FEW = 3
#: Between the name of what is counted and the age at which it is.
_AGE = " after "
#: In its place for events that ``test: hazard`` books step by step of age, as its looks rest on them sooner.
_STEPS = f"{_AGE}each step of age"


def health(case: Case) -> tuple[Health, ...]:
    """All checks, passed or not, in a fixed order."""
    checks = [_excluded(case), _variants(case), _duplicates(case), _future(case), volume(case), fresh(case)]
    labels = (*missing_labels(case), *late_labels(case), *covariates(case))
    return (
        *checks,
        *crossed_units(case),
        *sample_ratio(case),
        *labels,
        *empty_days(case),
        *silent(case),
        *_malformed(case),
        *_bounds(case),
        *_merged(case),
        *_vanished(case),
        *_after_a_look(case),
    )


def _excluded(case: Case) -> Health:
    intake = case.intake
    parts = {
        "unit": intake.null_unit, "time": intake.null_time, "variant": intake.null_variant,
        "cluster": intake.null_cluster,
    }  # fmt: skip
    count = sum(parts.values())
    if not count:
        named = "unit, time or variant" if case.policy.source.cluster is None else "unit, time, variant or cluster"
        return Health("too_little_data", PASS, f"no row was excluded for a missing {named}")
    names = ", ".join(f"{n} without {what}" for what, n in parts.items() if n)
    # Rows without a time may belong to the history; they are counted here, on the safe side.
    share = count / (intake.used + count)
    text = f"{count} of {intake.used + count} rows excluded ({share:.1%}): {names}"
    if share > TOLERATED:
        return Health("too_little_data", FAIL, f"{text}; more than {TOLERATED:.0%}: repair the source", count)
    lost, of = _lost_by_candidate(case)
    if lost > max(FEW, TOLERATED * of):
        text += f"; {lost} of them may be the candidate's, {lost / of:.1%} of its rows"
        return Health("too_little_data", FAIL, f"{text}; more than {TOLERATED:.0%}: repair the source", count)
    return Health("too_little_data", PASS, text, count)


def _lost_by_candidate(case: Case) -> tuple[int, int]:
    """Excluded rows that are the candidate's or may be, and all of its rows with them.

    At 1 % of traffic the candidate could lose every row within 1 % of all.
    """
    lost = case.intake.missing_candidate + case.intake.null_variant
    return lost, lost + int(case.data.run[0].n[0].sum())


def _bounds(case: Case) -> list[Health]:
    """What was taken from the reference is said, since the policy does not."""
    return [
        Health("error", PASS, f"{column} is cut to {low:g} to {high:g}, as the baseline's values before the start say")
        for column, (low, high) in case.state.bounds.items()
    ]


def _merged(case: Case) -> list[Health]:
    """Segment columns of more values than are told apart, and those that are not judged at all."""
    cells, rules, out = case.cells, case.policy.segments, []
    start = case.state.start
    since = np.array([start is None or p.day >= start for p in cells.periods], dtype=bool)[cells.period]
    for column, count in case.intake.merged:
        if rules is None or column not in cells.segments:
            text = f"segments by {column} are not judged: with its {count:,} values there are too many combinations"
            remedy = "raise segments.combinations, or leave columns out of segments.by"
            out.append(Health("error", ERROR, f"{text}: {remedy}", count))
            continue
        values, codes = cells.coded[cells.segments.index(column)]
        own = codes == (values.index(OTHERS) if OTHERS in values else -1)
        share = cells.n[own & since].sum() / max(1.0, cells.n[since].sum())
        text = f"{count:,} values of {column} not checked: they have {share:.1%} of the units and are judged as one"
        remedy = f"raise segments.values, which is {rules.values}, to tell more apart"
        out.append(Health("too_little_data", INCONCLUSIVE, f"{text}, {OTHERS}; {remedy}", count))
    return out


def _variants(case: Case) -> Health:
    ignored = case.policy.source.ignore
    others = [(name, n) for name, n in case.intake.other_variants if name not in ignored]
    left = sum(n for name, n in case.intake.other_variants if name in ignored)
    if not others:
        text = f"{left} rows of other versions left out, as the policy says" if left else "no third variant"
        return Health("error", PASS, text, left)
    count = sum(n for _, n in others)
    names = ", ".join(f"{name!r} ({n} rows)" for name, n in others[:5])
    listed = ", ".join(_in_yaml(name) for name, _ in others[:5])
    remedy = f"to leave them out, write ignore: [{listed}] under source; else name the variants in the policy"
    text = f"column {case.policy.source.variant!r} has values that are neither baseline nor candidate: {names}"
    return Health("error", ERROR, f"{text}; {remedy}", count)


def _in_yaml(name: str) -> str:
    """A name as YAML reads it back: quoted unless it can be nothing but this text."""
    plain = re.fullmatch(r"[A-Za-z][\w.-]*( [\w.-]+)*", name, re.ASCII)
    words = ("y", "n", "yes", "no", "on", "off", "true", "false", "null")
    return name if plain and name.lower() not in words else json.dumps(name, ensure_ascii=False)


def _duplicates(case: Case) -> Health:
    count = case.intake.duplicate_units
    if not count:
        return Health("duplicate_units", PASS, "every unit has one row")
    text = (
        f"{count} rows repeat a unit of column {case.policy.source.unit!r}, such as {case.intake.duplicate_example!r}"
    )
    remedy = "deduplicate the source"
    if case.policy.source.cluster is None:
        own = "give each decision its own id as unit and name this column under source.cluster"
        remedy += f", or, where a unit has several decisions, {own}"
    return Health("duplicate_units", FAIL, f"{text}; only the first row of each was used: {remedy}", count)


def _future(case: Case) -> Health:
    count = case.intake.after_as_of
    if not count:
        return Health("volume", PASS, "no row lies after the last complete period")
    return Health(
        "volume", PASS, f"{count} rows at or after {case.look:%Y-%m-%d %H:%M} are ignored at this look", count
    )


def _malformed(case: Case) -> list[Health]:
    """Values that are no numbers: their metric is not judged on what is left of it."""
    out = []
    wrong = dict(case.intake.wrong)
    for metric, count, example in case.intake.malformed:
        if metric in wrong:
            text = f"metric {metric}: {count} units have no value, such as one with {example!r}: {wrong[metric]}"
            out.append(Health("error", ERROR, f"{text}; repair the column, or leave these rows out", count))
            continue
        columns = ", ".join(repr(c) for c in case.policy.metrics[metric].columns())
        text = f"metric {metric}: {count} values of column {columns} are not of its kind, such as {example!r}"
        equals = (
            f"write equals: {example} to count such values, "
            if case.policy.metrics[metric].kind == "proportion"
            else ""
        )
        comma = (
            "where the comma is a decimal mark write decimal: ',' under source, "
            if re.fullmatch(r"[-+]?[0-9]+,[0-9]+", example.strip()) and case.policy.source.decimal == "."
            else ""
        )
        out.append(Health("error", ERROR, f"{text}: {comma}{equals}repair the column, or choose another kind", count))
    return out


def seen_units(case: Case, through: datetime) -> dict[str, float]:
    """Known units per arm and metric, and units per segment value, over the run's periods that end by ``through``.

    The history counts too: bets are scaled by it.
    """
    cells, start = case.cells, case.state.start
    if start is None or not len(cells.n):
        return {}
    past = np.array([p.day < start for p in cells.periods], dtype=bool)[cells.period]
    counts = {"history units": float(cells.n[past & (cells.arm == BASELINE)].sum())}
    kept = np.array([p.day >= start and p.end <= through for p in cells.periods], dtype=bool)[cells.period]
    by_then = np.array([p.end <= through for p in cells.periods], dtype=bool)
    known = [
        (i, name, ripe & by_then)  # of a metric without an age the last periods are those by then, and none after
        for i, (name, ripe) in ((i, _booked_name(case, c, through)) for i, c in enumerate(cells.components)
                                if c.endswith(_LABELS))
    ]  # fmt: skip
    for arm, word in ((BASELINE, "baseline"), (CANDIDATE, "candidate")):
        rows = np.flatnonzero(kept & (cells.arm == arm))
        n = cells.n[rows]
        counts[f"{word} units"] = float(n.sum())
        for i, name, ripe in known:
            booked = n * cells.mean[rows, i] * ripe[cells.period[rows]]
            counts[f"{word} {name}"] = float(np.round(booked.sum()))
            counts[f"{word} {name}{_RECENT}"] = float(np.round(booked[_latest(cells.period[rows], ripe)].sum()))
        for column, (values, codes) in zip(cells.segments, cells.coded, strict=True):
            sums = np.bincount(codes[rows], weights=n, minlength=len(values))
            here = np.unique(codes[rows])
            counts |= {f"{word} {column}={values[v]}": float(sums[v]) for v in here}
    return counts | _seen_steps(case, through)


def _seen_steps(case: Case, through: datetime) -> dict[str, float]:
    """Events per arm in the steps of age that ``test: hazard`` had booked by then: all, and of the last periods."""
    counts: dict[str, float] = {}
    looks = sum(period.end <= through for period in case.data.periods)
    for name, lives in case.data.lives.items():
        if not case.policy.tests_hazard(name):
            continue
        booked = lives.booked < looks
        events = np.where(booked, lives.counts[:, 0, :, :-1], 0.0).sum(-1)
        latest = np.flatnonzero(booked.any(-1))[-LATELY:]
        for arm, word in ((BASELINE, "baseline"), (CANDIDATE, "candidate")):
            counts[f"{word} {name}:event{_STEPS}"] = float(events[arm].sum())
            counts[f"{word} {name}:event{_STEPS}{_RECENT}"] = float(events[arm, latest].sum())
    return counts


def _booked_name(case: Case, component: str, through: datetime) -> tuple[str, np.ndarray]:
    """What the labels of a metric are counted under, and which periods were old enough for them.

    The age is part of the name: a policy that changes it counts other labels, and has lost none.
    """
    metric = component.rpartition(":")[0]
    age = case.policy.metrics[metric].maturity
    ripe = is_ripe(case.policy, metric, case.cells.periods, through)
    return (component if age is None else f"{component}{_AGE}{age}"), ripe


def _latest(period: np.ndarray, ripe: np.ndarray) -> np.ndarray:
    """Which rows are of the last periods that are old enough: labels come late to these."""
    last = np.flatnonzero(ripe)[-LATELY:]
    return np.isin(period, last)


def _component(what: str) -> str:
    return what.removesuffix(_RECENT).partition(_AGE)[0]


def lost_units(case: Case) -> Mapping[str, float]:
    """Units that an earlier look rested on and that are gone now, by name.

    What the policy no longer names cannot be counted any more, and is not lost.
    """
    seen = case.state.seen
    if seen is None:
        return {}
    now = seen_units(case, seen.through)
    gone = {name: then - now.get(name, 0.0) for name, then in seen.units.items() if _counted(case, name)}
    return {name: count for name, count in gone.items() if count > 0}


def _counted(case: Case, name: str) -> bool:
    """Whether the present policy still counts a name of ``seen_units``."""
    what = name.partition(" ")[2]
    component = _component(what)
    if component.endswith(_LABELS):
        if component not in case.cells.components:
            return False
        if what.removesuffix(_RECENT).endswith(_STEPS):
            return case.policy.tests_hazard(component.rpartition(":")[0])
        return what.removesuffix(_RECENT) == _booked_name(case, component, case.look)[0]
    if any(what == f"{column}={OTHERS}" for column in case.state.apart):
        return False  # fewer are among them where the policy tells more apart
    return "=" not in what or any(what.startswith(f"{column}=") for column in case.cells.segments)


def _floor(case: Case, name: str) -> float:
    """Counts below this are too small to be missed: segment values move with every corrected row."""
    segments = case.policy.segments
    return float(segments.minimum_units) if "=" in name and segments is not None else 0.0


def _vanished(case: Case) -> list[Health]:
    seen = case.state.seen
    if seen is None:
        return []
    out = []
    for name, count in sorted(lost_units(case).items()):
        then = seen.units[name]
        if then < _floor(case, name) or count <= TOLERATED * then:
            continue
        if name.endswith(_RECENT):
            continue  # they are among the others
        code = "missing_labels" if _component(name).endswith(_LABELS) else "error"
        told = name.replace(":known", " labels").replace(":event", " events")
        text = f"{count:.0f} of {then:.0f} {told} that earlier looks rested on are gone"
        remedy = "restore them, or begin a new attempt with another candidate name"
        out.append(Health(code, FAIL, f"{text}: {remedy}", int(count)))
    return out


def _after_a_look(case: Case) -> list[Health]:
    """Labels and events of earlier periods that came after a look had rested on those periods.

    They are held against the labels of the last periods: what comes late belongs to these, and among all labels since
    the launch it would soon be few.
    """
    seen = case.state.seen
    if seen is None:
        return []
    now, out = seen_units(case, seen.through), []
    for name, then in sorted(seen.units.items()):
        word, _, what = name.partition(" ")
        component = _component(what)
        if what.endswith(_RECENT) or not component.endswith(_LABELS) or not _counted(case, name):
            continue
        rows = now.get(f"{word} units", 0.0) - seen.units.get(f"{word} units", 0.0)
        late = now.get(name, 0.0) - then - max(0.0, rows)
        if late >= FEW and late > TOLERATED * seen.units.get(f"{name}{_RECENT}", then):
            metric, _, role = component.rpartition(":")
            noun = "labels" if role == "known" else "events"
            text = f"{late:.0f} {word} {noun} of {metric} came after an earlier look had rested on their days"
            why = f"{noun} that come late, or later in one arm, mislead"
            remedy = f"write a longer matures_after under metrics.{metric}"
            if what.endswith(_STEPS):
                remedy = "look when all events until the look are written; test: hazard rests on each step of age"
            out.append(Health("missing_labels", FAIL, f"{text}: {why}: {remedy}", int(late)))
    return out


def forgotten(case: Case, failed: Collection[str]) -> list[str]:
    """Criteria that failed at the look before, no longer do, and of whose rows some are gone."""
    if not any(lost_units(case).values()):
        return []
    return [name for name in case.state.failed if name not in failed]


def seen(case: Case) -> Seen:
    """What the next look will be held to: today's units, and what is already missing."""
    units = seen_units(case, case.look)
    for name, count in lost_units(case).items():
        units[name] = units.get(name, 0.0) + count
    return Seen(case.look, units)
