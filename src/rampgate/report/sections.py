"""What a rollout's report says, part by part: the verdict first, what it rests on after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rampgate.aggregate.marginals import OVERALL
from rampgate.estimate.metric import KPI
from rampgate.judge.decision import Decision, Judged
from rampgate.judge.findings import called
from rampgate.policy import Policy, defaults, sentences, warnings
from rampgate.report import charts, pictures
from rampgate.report.after import after
from rampgate.report.blocks import (
    SHAPES,
    TONES,
    Block,
    Cell,
    Fact,
    Facts,
    Figure,
    Figures,
    Fold,
    Hero,
    Item,
    Items,
    Section,
    Table,
    Text,
)
from rampgate.report.by_score import by_score
from rampgate.report.dossier import Dossier
from rampgate.report.drawing import told_odds
from rampgate.report.drift_section import drift_section
from rampgate.report.made_of import made_of
from rampgate.report.reviewed import section as reviewed
from rampgate.report.segments import segments
from rampgate.report.simulated import section as simulated
from rampgate.report.still_open import still_open
from rampgate.report.words import approved_by, date_of, moment_of, not_checked, percent

#: Small pictures that are shown at once.
MOST_AT_ONCE = 6

TODO = {
    "go": "raise the candidate to {now} of traffic",
    "hold": "keep the candidate at {now} of traffic",
    "rollback": "take the candidate back to {now} of traffic",
    "complete": "the candidate keeps {now} of traffic",
}


def title_of(dossier: Dossier) -> str:
    """The page's title."""
    decision = dossier.decision
    return f"{decision.rollout}: {decision.decision}, look of {moment_of(decision.look)}"


def hero(dossier: Dossier) -> Hero:
    """The verdict, what to do, and why."""
    d = dossier.decision
    _, before, after = charts.traffic(dossier.decisions)[-1]
    since = f" since {date_of(d.phase.since)}" if d.phase.since else ""
    attempt = f", attempt {d.attempt}" if d.attempt > 1 else ""
    where = (
        f"{d.rollout}{attempt}, look of {moment_of(d.look)}: phase {d.phase.index} of {d.phase.of}, "
        f"{percent(d.phase.traffic)} of traffic{since}{_versions(dossier.arms)}."
    )
    todo = TODO["hold" if before == after == 0 else d.decision].format(now=percent(after))
    reasons = tuple(Item(r.message, r.code.replace("_", " "), TONES[r.verdict]) for r in d.reasons[1:])
    if left := not_checked(d.health):
        reasons = (*reasons, Item(left, "not checked", "muted"))
    because = d.reasons[0].message if d.reasons else "no reason was recorded"
    tiles = _tiles(dossier, percent(before), percent(after))
    headline = todo[0].upper() + todo[1:]
    told = _sentence(because, dossier.policy)
    return Hero(d.decision.upper(), TONES[d.decision], headline, where, told, tiles, reasons)


def _versions(arms: tuple[str, str]) -> str:
    """Which versions are compared, unless their names say no more than the words."""
    return "" if arms == ("baseline", "candidate") else f"; {arms[1]} against {arms[0]}"


def _sentence(text: str, policy: Policy) -> str:
    """A reason as a sentence; the name of a metric stays what it is."""
    named = text.split(maxsplit=1)[0] in policy.metrics
    begun = text if named else text[0].upper() + text[1:]
    return begun if begun.endswith(".") else f"{begun}."


def _tiles(dossier: Dossier, before: str, after: str) -> tuple[Fact, ...]:
    d = dossier.decision
    move = Fact("Traffic of the candidate", f"{before} → {after}", "at this look → from now on")
    stay = Fact("Traffic of the candidate", after, "as at this look")
    tiles = [stay if before == after else move, _kpi_tile(dossier)]
    strongest = _strongest(dossier)
    if strongest is not None:
        tiles.append(strongest)
    most = [m for m in d.metrics if m.group == OVERALL]
    units = f"{max((m.n_baseline for m in most), default=0):,} / {max((m.n_candidate for m in most), default=0):,}"
    count = len(dossier.trace.ends)
    over = f"over {count} {'period' if count == 1 else 'periods'}"
    tiles.append(Fact("Known units, baseline / candidate", units, over))
    if d.waiting_for:
        # What has no date comes last of all.
        last = max(d.waiting_for, key=lambda w: (w.expected_at is None, w.expected_at and w.expected_at.timestamp()))
        tiles.append(Fact("Waits until", date_of(last.expected_at) if last.expected_at else "not known", last.what))
    return tuple(tiles)


def _kpi_tile(dossier: Dossier) -> Fact:
    kpi, unit = dossier.decision.kpi, pictures.unit_of(dossier.policy, KPI)
    name = "Weighted KPI, candidate − baseline"
    if kpi.difference is None:
        return Fact(name, "not known yet")
    told = f"{unit.difference(kpi.difference)}{unit.name}"
    return Fact(name, told, f"{percent(kpi.level)} interval {unit.interval(kpi.lower, kpi.upper)}")


def _strongest(dossier: Dossier) -> Fact | None:
    """The evidence that came nearest to its bar, or went furthest beyond it."""
    paths = [path for path in dossier.trace.evidence if path.kind == "rollback"]
    if not paths:
        return None
    path = max(paths, key=lambda p: max(p.e_values) / p.threshold)
    name = f"Highest evidence of harm, {called(path.metric, path.group)}"
    return Fact(name, told_odds(max(path.e_values)), f"rolls back by itself at {told_odds(path.threshold)}")


def sections(dossier: Dossier) -> Iterator[Section]:
    """Every part after the verdict, each made when it is taken; ``place`` is the order in which people ask.

    What the decision alone tells comes first: its pictures are drawn while the case is restored for the others.
    """
    yield Section("Week by week", tuple(_weekly(dossier)), 0)
    yield Section("Segments", tuple(segments(dossier)), 4)
    yield Section("Traffic and decisions", tuple(_ramp(dossier)), 5)
    yield Section("Evidence of harm", tuple(_evidence(dossier)), 1)
    yield Section("Effect so far", tuple(_effects(dossier)), 2)
    parts = (*still_open(dossier), *drift_section(dossier), *after(dossier), *by_score(dossier))
    yield from (replace(part, place=3) for part in parts)
    yield Section("What the gate waits for", tuple(_waiting(dossier)), 6)
    yield from (replace(part, place=6) for part in reviewed(dossier.reviewed))
    yield Section("Sizes", tuple(_sizes(dossier)), 7)
    yield Section("Rows and their health", tuple(_health(dossier)), 8)
    yield Section("The policy", tuple(_policy(dossier.policy)), 9)
    if dossier.simulation is not None:
        yield replace(simulated(dossier.simulation), place=10)
    yield Section("How this was recorded", tuple(_record(dossier)), 11)


def _weekly(dossier: Dossier) -> Iterator[Block]:
    yield pictures.weekly(dossier, KPI, wide=True)
    if dossier.decision.windows:
        yield Text(
            "The band is the interval of the difference, drawn around the baseline. A hollow point: a partial window.",
            "muted",
        )
        yield from _side_by_side(
            [pictures.weekly(dossier, name) for name in pictures.in_order(dossier.policy)], "metrics"
        )


def _side_by_side(figures: Sequence[Figure], what: str) -> Iterator[Block]:
    """Small pictures: the first at once, the others of these when asked for."""
    yield Figures(tuple(figures[:MOST_AT_ONCE]))
    rest = figures[MOST_AT_ONCE:]
    if rest:
        yield Fold(f"{len(rest)} further {what}", (Figures(tuple(rest)),))


def _evidence(dossier: Dossier) -> Iterator[Block]:
    if dossier.policy.evidence == "point":
        yield Text(
            "This policy compares plain thresholds (evidence: point): nothing is weighed, and noise can trip them."
        )
    elif not dossier.trace.ends:
        yield Text(f"Nothing to show yet, because {pictures.nothing_yet(dossier)}.")
    else:
        overall, by_segment = pictures.evidence(dossier)
        yield Text(
            "Odds against \"the harm is within its bound\", after each period, on a log scale; 1 says nothing. A "
            "criterion counts when its line reaches the dashed bar, and the chance that a candidate within its bounds "
            "ever gets there is below the error budget, however often the gate looks.",
            "muted",
        )  # fmt: skip
        yield from _side_by_side(overall, "criteria")
        if by_segment:
            yield Text("Segments, strongest evidence first")
            yield Figures(tuple(by_segment))
        yield Fold("Each error budget as a whole", (pictures.families(dossier),))
    yield _criteria(dossier.decision)


def _criteria(decision: Decision) -> Block:
    def row(c: Judged) -> tuple[str | Cell, ...]:
        e = "-" if c.e_value is None else told_odds(c.e_value)
        p = "-" if c.p_value is None else f"{c.p_value:.2g}"
        return (c.id, c.bound_text, e, p, c.onset or "", Cell(c.verdict, TONES[c.verdict], c.message or ""))

    heads = ("criterion", "#bound", "#evidence now", "#p, over all looks", "onset", "verdict")
    overall = [c for c in decision.criteria if c.group == OVERALL or c.verdict in ("FAIL", "ERROR")]
    rest = [c for c in decision.criteria if c not in overall]
    table = Table.of("Criteria, and what is said of each", heads, [row(c) for c in overall])
    if not rest:
        return table
    return Fold(
        f"All {len(decision.criteria)} criteria",
        (table, Table.of("Criteria of segments without a finding", heads, [row(c) for c in rest])),
    )


def _effects(dossier: Dossier) -> Iterator[Block]:
    figures = pictures.effects(dossier)
    if not figures:
        yield Text(f"Nothing to show yet, because {pictures.nothing_yet(dossier)}.")
        return
    yield Text(
        "Candidate minus baseline within each period, over all periods so far, with the interval that holds at every "
        "look. Dashed: beyond it a rollback criterion is broken; dotted: beyond it a guardrail holds.",
        "muted",
    )
    yield from _side_by_side(figures, "metrics")
    yield from made_of(dossier)


# --- the ramp, and what comes next ------------------------------------------------------


def _ramp(dossier: Dossier) -> Iterator[Block]:
    yield pictures.ramp(dossier.decisions)
    if dossier.attempts:
        heads = ("attempt", "candidate", "first look", "last look", "#looks", "ended with", "first reason")
        rows = [
            (
                str(a.number),
                a.candidate,
                date_of(a.first),
                date_of(a.last),
                str(a.looks),
                Cell(f"{SHAPES[a.decision]} {a.decision}", TONES[a.decision]),
                a.why,
            )
            for a in dossier.attempts
        ]
        yield Table.of("Earlier attempts", heads, rows)
    if dossier.people:
        signed = ("since", "who", "what", "why", "#attempt")
        yield Table.of("What people signed", signed, [_signed(row) for row in dossier.people])


def _signed(row: Mapping[str, Any]) -> tuple[str | Cell, ...]:
    what = row["decision"]
    said = Cell(f"policy {row['policy_sha256'][:12]}") if what is None else Cell(what, TONES.get(what, ""))
    when = row["recorded_at"][:10] if what is None else row["as_of"][:10]
    return (when, row["person"], said, row["because"] or "approval", str(row["attempt"]))


def _waiting(dossier: Dossier) -> Iterator[Block]:
    d = dossier.decision
    if not d.waiting_for:
        yield Text(_no_wait(d))
        return
    rows = [(w.what, date_of(w.expected_at) if w.expected_at else Cell("not known", "hold")) for w in d.waiting_for]
    yield Table.of("What is missing, and when it should be there at today's volume", ("waits for", "expected"), rows)


def _no_wait(decision: Decision) -> str:
    return {
        "go": "Nothing: this phase is done.",
        "complete": "Nothing: the last phase is reached. Every later look is still judged and can still roll back.",
        "rollback": "Nothing that time brings: to try again, give the changed version a new name under candidate.",
        "hold": "Nothing that time alone brings: the reasons above have to be put right.",
    }[decision.decision]


# --- what it rests on -------------------------------------------------------------------


def _sizes(dossier: Dossier) -> Iterator[Block]:
    rows = []
    for m in dossier.decision.metrics:
        if m.group != OVERALL:
            continue
        unit = pictures.unit_of(dossier.policy, m.name)
        rows.append(
            (
                pictures.title_of(m.name),
                f"{m.n_baseline:,}",
                f"{m.n_candidate:,}",
                unit.level(m.baseline),
                unit.level(m.candidate),
                f"{unit.difference(m.difference)}{unit.name}",
                unit.interval(m.lower, m.upper),
                unit.level(m.raw_baseline),
                unit.level(m.raw_candidate),
            )
        )
    units = ("#known units, baseline", "#known units, candidate")
    values = ("#baseline", "#candidate", "#difference", "#interval", "#pooled baseline", "#pooled candidate")
    heads = ("metric", *units, *values)
    if not rows:
        yield Text(f"Nothing to show yet, because {pictures.nothing_yet(dossier) or 'nothing could be estimated'}.")
        return
    yield Table.of("Units and values of both arms since the start", heads, rows)
    yield Text(
        "Values are weighted like their difference, period by period; pooled values mix the periods, and a ramp "
        "misleads them.",
        "muted",
    )


def _health(dossier: Dossier) -> Iterator[Block]:
    i = dossier.intake
    others = sum(n for _, n in i.other_variants)
    rows = [
        ("rows read", i.rows, ""),
        ("used", i.used, ""),
        ("of them history, before the candidate", i.history, ""),
        ("at or after this look, ignored", i.after_as_of, ""),
        ("without a unit", i.null_unit, ""),
        ("without a time", i.null_time, ""),
        ("without a variant", i.null_variant, ""),
        *([("of those without unit or time, the candidate's", i.missing_candidate, "")] if i.missing_candidate else []),
        ("of a third variant", others, ", ".join(name for name, _ in i.other_variants[:5])),
        ("repeating a unit", i.duplicate_units, f"such as {i.duplicate_example}" if i.duplicate_example else ""),
        *((f"values of {name} that are not of its kind", n, f"such as {example}") for name, n, example in i.malformed),
    ]
    yield Table.of(
        "Rows on their way in", ("rows", "#count", "note"), [(what, f"{n:,}", note) for what, n, note in rows]
    )
    checks = [(h.message, Cell(h.verdict, TONES[h.verdict])) for h in dossier.decision.health]
    yield Table.of("Health of the data", ("check", "verdict"), checks)


def _policy(policy: Policy) -> Iterator[Block]:
    yield Items(tuple(Item(text) for text in sentences(policy)))
    noted = warnings(policy)
    if noted:
        yield Items(tuple(Item(text, "warning", "hold") for text in noted))
    spoken = defaults(policy)
    if spoken:
        yield Fold(
            f"{len(spoken)} defaults that the file does not spell out", (Items(tuple(Item(text) for text in spoken)),)
        )


def _record(dossier: Dossier) -> Iterator[Block]:
    d = dossier.decision
    if dossier.same:
        again = "judged again from the ledger for this page: the same decision, in every number"
    elif dossier.other_statistics:
        again = "this version has other statistics than the one that decided; pictures over time are this version's"
    else:
        again = (
            "judged again from the ledger for this page, the decision is not the recorded one: "
            "the ledger or this version is damaged"
        )
    yield Text(again[0].upper() + again[1:] + ".", "" if dossier.same else "rollback")
    yield Facts(
        (
            Fact("decision", d.decision_id or "", code=True),
            Fact("previous record", d.previous_sha256 or "", code=True),
            Fact("policy (sha256)", d.policy_sha256, code=True),
            *((Fact("approval", agreed),) if (agreed := approved_by(d.approval)) else ()),
            Fact("source (digest)", dossier.source, code=True),
            Fact("judged as of", d.as_of.isoformat(timespec="minutes")),
            Fact("recorded at", dossier.recorded_at),
            *(Fact(f"version of {name}", str(version)) for name, version in dossier.versions.items()),
            Fact("time zone", dossier.policy.timezone),
        )
    )
