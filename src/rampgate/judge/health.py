"""The health of the data, judged before the outcomes. A failed check holds; it never passes in silence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np

from rampgate.aggregate.moments import BASELINE, CANDIDATE
from rampgate.judge.case import Case
from rampgate.judge.decision import ERROR, FAIL, NO_DATA, PASS, Health
from rampgate.judge.state import Seen

#: Share of rows that may be excluded, and of known units that may vanish between looks.
TOLERATED = 0.01
#: Without a row for this long before the look the source is taken to have stopped.
STALE_DAYS = 3


def health(case: Case) -> tuple[Health, ...]:
    """All checks, passed or not, in a fixed order."""
    checks = [_excluded(case), _variants(case), _duplicates(case), _future(case), _fresh(case)]
    return (*checks, *_malformed(case), *_vanished(case))


def _excluded(case: Case) -> Health:
    intake = case.intake
    parts = {"unit": intake.null_unit, "time": intake.null_time, "variant": intake.null_variant}
    count = sum(parts.values())
    if not count:
        return Health("too_little_data", PASS, "no row was excluded for a missing unit, time or variant")
    names = ", ".join(f"{n} without {what}" for what, n in parts.items() if n)
    # Rows without a time may belong to the history; they are counted here, on the safe side.
    share = count / (intake.used + count)
    text = f"{count} of {intake.used + count} rows excluded ({share:.1%}): {names}"
    if share > TOLERATED:
        return Health("too_little_data", FAIL, f"{text}; more than {TOLERATED:.0%}: repair the source", count)
    return Health("too_little_data", PASS, text, count)


def _variants(case: Case) -> Health:
    others = case.intake.other_variants
    if not others:
        return Health("error", PASS, "no third variant")
    count = sum(n for _, n in others)
    names = ", ".join(f"{name!r} ({n} rows)" for name, n in others[:5])
    remedy = "leave them out of the source (a view with a filter), or name the variants in the policy"
    text = f"column {case.policy.source.variant!r} has values that are neither baseline nor candidate: {names}"
    return Health("error", ERROR, f"{text}; {remedy}", count)


def _duplicates(case: Case) -> Health:
    count = case.intake.duplicate_units
    if not count:
        return Health("duplicate_units", PASS, "every unit has one row")
    text = (
        f"{count} rows repeat a unit of column {case.policy.source.unit!r}, such as {case.intake.duplicate_example!r}"
    )
    return Health(
        "duplicate_units", FAIL, f"{text}; only the first row of each was used: deduplicate the source", count
    )


def _future(case: Case) -> Health:
    count = case.intake.after_as_of
    if not count:
        return Health("volume", PASS, "no row lies after the last complete period")
    return Health(
        "volume", PASS, f"{count} rows at or after {case.look:%Y-%m-%d %H:%M} are ignored at this look", count
    )


def _fresh(case: Case) -> Health:
    newest = case.intake.newest
    if newest is None:
        return Health("stale", NO_DATA, "the source has no usable row before this look")
    if case.look - newest > timedelta(days=STALE_DAYS):
        text = f"the newest row is of {newest:%Y-%m-%d %H:%M} UTC, more than {STALE_DAYS} days before this look"
        return Health("stale", FAIL, f"{text}: see whether the source is still written")
    return Health("stale", PASS, f"the newest row is of {newest:%Y-%m-%d %H:%M} UTC")


def _malformed(case: Case) -> list[Health]:
    """Values that are no numbers: their metric is not judged on what is left of it."""
    out = []
    for metric, count, example in case.intake.malformed:
        columns = ", ".join(repr(c) for c in case.policy.metrics[metric].columns())
        text = f"metric {metric}: {count} values of column {columns} are not of its kind, such as {example!r}"
        equals = (
            f"write equals: {example} to count such values, "
            if case.policy.metrics[metric].kind == "proportion"
            else ""
        )
        out.append(Health("error", ERROR, f"{text}: {equals}repair the column, or choose another kind", count))
    return out


def seen_units(case: Case, through: datetime) -> dict[str, float]:
    """Known units per arm and metric, and units per segment value, over the run's periods that end by ``through``."""
    cells, start = case.cells, case.state.start
    if start is None or not len(cells.n):
        return {}
    kept = np.array([p.day >= start and p.end <= through for p in cells.periods], dtype=bool)[cells.period]
    known = [(i, name) for i, name in enumerate(cells.components) if name.endswith(":known")]
    columns = list(zip(*cells.values, strict=True)) if cells.segments else []
    counts: dict[str, float] = {}
    for arm, word in ((BASELINE, "baseline"), (CANDIDATE, "candidate")):
        rows = np.flatnonzero(kept & (cells.arm == arm))
        n = cells.n[rows]
        counts[f"{word} units"] = float(n.sum())
        counts |= {f"{word} {name}": float(np.round((n * cells.mean[rows, i]).sum())) for i, name in known}
        for column, values in zip(cells.segments, columns, strict=True):
            found, place = np.unique(np.array(values, dtype=str)[rows], return_inverse=True)
            sums = np.bincount(place, weights=n, minlength=len(found))
            counts |= {f"{word} {column}={v}": float(total) for v, total in zip(found, sums, strict=True)}
    return counts


def lost_units(case: Case) -> Mapping[str, float]:
    """Units that an earlier look rested on and that are gone now, by name."""
    seen = case.state.seen
    if seen is None:
        return {}
    now = seen_units(case, seen.through)
    gone = {name: then - now.get(name, 0.0) for name, then in seen.units.items()}
    return {name: count for name, count in gone.items() if count > 0}


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
        code = "missing_labels" if name.endswith(":known") else "error"
        text = f"{count:.0f} of {then:.0f} {name.replace(':known', ' labels')} that earlier looks rested on are gone"
        out.append(
            Health(
                code,
                FAIL,
                f"{text}: restore them, or begin a new attempt with another candidate name",
                int(count),
            )
        )
    return out


def seen(case: Case) -> Seen:
    """What the next look will be held to: today's units, and what is already missing."""
    units = seen_units(case, case.look)
    for name, count in lost_units(case).items():
        units[name] = units.get(name, 0.0) + count
    return Seen(case.look, units)
