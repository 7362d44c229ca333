"""What may make the numbers mean something else than they seem to, and what no table can say of itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from rampgate.aggregate.marginals import OVERALL
from rampgate.comparison.mix import Association, association
from rampgate.comparison.values import Compared, Finding, Span
from rampgate.comparison.words import listed, percent
from rampgate.estimate.metric import KPI
from rampgate.guess.words import written_like
from rampgate.judge.case import Case
from rampgate.judge.decision import Estimate
from rampgate.judge.disagree import FAR, disagreeing, told, width
from rampgate.judge.findings import amount, called

#: Codes of warnings after which a difference need not be the version's.
DOUBT = ("uneven_mix", "uneven_labels")
#: Chance that any check calls arms uneven that were split at random.
UNEVEN = 0.001
#: Share of the units that must be of another kind: less moves a share by less than this.
APART = 0.01
#: An arm with fewer of its units on shared days is compared only in part.
PARTLY = 0.9
#: A span shorter than this has not seen every day of the week.
WEEK = 7


def warnings(case: Case, span: Span, rows: Sequence[Compared], segments: Sequence[Compared]) -> list[Finding]:
    """Everything to know before believing the numbers, gravest first."""
    overall = [row.estimate for row in rows]
    return [
        *_partly(case, span),
        *_pooled(case, overall),
        *_mix(case),
        *_labels(case),
        *_reversed(case, overall, [row.estimate for row in segments]),
        *_short(span),
        *_rows(case),
    ]


def _partly(case: Case, span: Span) -> Iterator[Finding]:
    if not span.shared_days:
        return
    names = (case.policy.baseline, case.policy.candidate)
    parts = [arm.shared / arm.units for arm in (span.baseline, span.candidate)]
    if min(parts) >= PARTLY:
        return
    said = [
        f"{arm.shared} of {arm.units} units of {name} ({percent(part)})"
        for name, arm, part in zip(names, (span.baseline, span.candidate), parts, strict=True)
    ]
    text = f"only days with both are compared, {span.shared_days} of {span.days}: {' and '.join(said)} lie on them"
    yield Finding("partly_together", text)


def _pooled(case: Case, rows: Sequence[Estimate]) -> Iterator[Finding]:
    """All units of each arm pooled over time, as dashboards show them, against the same days compared."""
    policy = case.policy
    for row in rows:
        if row.difference is None or row.raw_candidate is None or row.raw_baseline is None:
            continue
        raw = row.raw_candidate - row.raw_baseline
        outside = (row.lower is not None and raw < row.lower) or (row.upper is not None and raw > row.upper)
        opposite = raw * row.difference < 0 and abs(raw - row.difference) > FAR * width(row)
        if not (outside or opposite):
            continue
        size, within = (amount(policy, row.name, x, signed=True) for x in (raw, row.difference))
        how = "in the other direction" if raw * row.difference < 0 else "another size"
        text = (
            f"pooled over time, {called(row.name, OVERALL)} differs by {size}, on the same days by {within}: {how}. "
            "The level and the candidate's share changed together over time; believe the same days"
        )
        yield Finding("pooled_misleads", text)


def _mix(case: Case) -> Iterator[Finding]:
    """Whether the arms are made of the same kinds of units, per segment column."""
    data = case.data
    for column in case.cells.segments:
        places = [g for g, group in enumerate(data.groups) if group.column == column]
        c, b = (arm.n[places] for arm in data.run)
        found = association(b, c)
        if not _clearly(case, found):
            continue
        gap = found.candidate - found.baseline
        at = int(np.argmax(np.abs(gap)))
        text = (
            f"the arms differ in {column}: {percent(found.candidate[at])} of {case.policy.candidate} and "
            f"{percent(found.baseline[at])} of {case.policy.baseline} are {data.groups[places[at]].value} on the same "
            "days. A random split does not do that: the difference may be one of who was handled, not of the version"
        )
        yield Finding("uneven_mix", text)


def _labels(case: Case) -> Iterator[Finding]:
    """Whether outcomes are missing more often in one arm."""
    data = case.data
    for name in case.policy.metrics:
        known = [units[0] for units in data.known_by_period(name)]
        c, b = (np.stack([k, arm.n[0] - k]) for k, arm in zip(known, data.run, strict=True))
        found = association(b, c)
        if not _clearly(case, found):
            continue
        text = (
            f"{percent(found.candidate[1])} of {case.policy.candidate} and {percent(found.baseline[1])} of "
            f"{case.policy.baseline} have no known {name} on the same days: what is missing may differ from what is "
            "known"
        )
        yield Finding("uneven_labels", text)


def _clearly(case: Case, found: Association) -> bool:
    checks = len(case.cells.segments) + len(case.policy.metrics)
    return found.p < UNEVEN / checks and found.distance >= APART


def _reversed(case: Case, overall: Sequence[Estimate], segments: Sequence[Estimate]) -> Iterator[Finding]:
    """Overall one direction and every value of a segment column the other, by more than their own noise."""
    for name, column in disagreeing([*overall, *segments], case.cells.segments):
        yield Finding("segments_disagree", told(name, column))


def _short(span: Span) -> Iterator[Finding]:
    if 0 < span.shared_days < WEEK:
        days = "one day" if span.shared_days == 1 else f"{span.shared_days} days"
        yield Finding("short", f"only {days} with both: other days of the week may differ")


def _rows(case: Case) -> Iterator[Finding]:
    """Rows and values that were not used, and why."""
    intake, policy = case.intake, case.policy
    if intake.duplicate_units:
        text = (
            f"{intake.duplicate_units} rows repeat a value of {policy.source.unit!r}, such as "
            f"{intake.duplicate_example!r}; only the first row of each was used. If a row is a unit of its own, name "
            "the column that identifies it with --unit"
        )
        yield Finding("repeated_units", text)
    for value, n in intake.other_variants:
        near = written_like(value, (policy.baseline, policy.candidate))
        if near is not None:
            text = f"{n} rows of {value!r} were left out, which is written almost like {near!r}: correct the rows"
            yield Finding("excluded", text)
    missing = {"unit": intake.null_unit, "time": intake.null_time, "variant": intake.null_variant}
    parts = [f"{n} without {what}" for what, n in missing.items() if n]
    if parts:
        yield Finding("excluded", f"rows left out: {listed(parts)}")
    if intake.history:
        yield Finding("excluded", f"{intake.history} rows lie before {case.state.start} and were left out")
    for metric, count, example in intake.malformed:
        columns = listed([repr(c) for c in policy.metrics[metric].columns()])
        why = dict(intake.wrong).get(metric)
        such = f"such as {example!r}" + ("" if why is None else f" ({why})")
        text = f"{metric}: {count} values of {columns} are not of its kind, {such}, and count as unknown"
        yield Finding("malformed", text)


def limits(case: Case, span: Span, found: Sequence[Finding]) -> Iterator[str]:
    """What no table can say of itself."""
    columns = case.cells.segments
    uneven = any(finding.code == "uneven_mix" for finding in found)
    random = "Nothing in a table says whether units were assigned at random"
    if not span.shared_days:
        yield f"{random}, and without a day that has both arms their mix cannot be compared"
    elif not columns:
        yield f"{random}; with --segment COLUMN the arms are compared by their mix"
    elif uneven:
        yield f"{random}, and here they do not look so: see the warning"
    else:
        yield f"{random}; on the same days the arms do not differ clearly in {listed(columns, len(columns))}"
    yield (
        "Every row is taken as independent: where one customer or analyst has many rows and was assigned as a whole, "
        "the intervals are too narrow"
    )
    yield "Outcomes are taken as final: those of the last days may still change"
    open_ = [name for name in case.policy.metrics if _approximate(case, name)]
    if open_:
        yield f"The intervals of {listed(open_, len(open_))} are approximate: nothing bounds single values"


def _approximate(case: Case, name: str) -> bool:
    return name != KPI and not case.data.contrast(name).ranged
