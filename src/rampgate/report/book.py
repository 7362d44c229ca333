"""What the ledger says: where rollouts stand, and what was decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from rampgate.errors import RampgateError, UsageError
from rampgate.incident.values import SHORT
from rampgate.judge.decision import Decision, Window
from rampgate.judge.forecast import forecast
from rampgate.judge.order import Order
from rampgate.judge.state import ROLLED_BACK, RUNNING, State
from rampgate.ledger import Ledger, Record
from rampgate.report.sheet import Column, Sheet
from rampgate.report.terminal import STYLES, Weeks, indented, weeks_view
from rampgate.report.words import percent, printable, signed
from rampgate.rollout.evaluate import case_of
from rampgate.rollout.incidents import incidents
from rampgate.rollout.signed import APPROVAL, HUMAN

#: Verdicts of a HOLD that time alone does not mend.
TO_BE_MENDED = ("FAIL", "ERROR")


def _rollouts(ledger: Ledger, only: str | None) -> list[str]:
    names = ledger.rollouts()
    if only is None:
        return names
    if only not in names:
        raise UsageError(
            f"no rollout {only!r} in this ledger",
            where=ledger.where,
            remedy=f"it holds: {', '.join(names) or 'none'}",
        )
    return [only]


def status_rows(ledger: Ledger, only: str | None = None, today: date | None = None) -> list[dict[str, Any]]:
    """One JSON object per rollout: its state, its last decision, and what its incidents still want.

    Parameters
    ----------
    today : by which actions are overdue; the present day when left out
    """
    rows, day = [], today or datetime.now(UTC).date()
    for name in _rollouts(ledger, only):
        record, last = ledger.last(name, "decision"), ledger.last(name)
        if record is None or last is None:
            continue  # approved, and not looked at yet
        decision, state = record.entry()["decision"], State.from_dict(last.state())
        traffic = 0.0 if state.status == ROLLED_BACK else state.traffic or decision["phase"]["traffic"]
        rows.append(
            {
                "rollout": name,
                "attempt": state.attempt,
                "candidate": state.candidate,
                "status": state.status,
                "phase": {"index": state.phase, "of": decision["phase"]["of"], "traffic": traffic},
                "since": state.since.isoformat() if state.since else None,
                "last_decision": decision["decision"],
                "last_look": decision["look"],
                "decision_id": record.sha256,
                "reasons": decision["reasons"],
                "waiting_for": decision["waiting_for"],
                "orders": [order.to_dict() for order in state.orders],
                "forecast": _forecast(record, ledger, state),
                **_incidents(ledger, name, day),
            }
        )
    return rows


def _incidents(ledger: Ledger, rollout: str, today: date) -> dict[str, Any]:
    """The incidents that are not closed, and the actions of reviews that are overdue."""
    known = incidents(ledger, rollout)
    every = list(known.found.values())
    late = [
        {"incident": one.id, "action": number, **action.to_dict()}
        for one in every
        for number, action in enumerate(one.actions, start=1)
        if action.overdue(today)
    ]
    found = [{"incident": one.id, "title": one.title, "attempt": one.attempt, "owner": one.owner} for one in every
             if one.joined is None and not known.closed(one)]  # fmt: skip
    return {"incidents": found, "overdue": late}


def _forecast(record: Record, ledger: Ledger, state: State) -> dict[str, Any]:
    """When the rollout may finish, from what the record stored."""
    found: dict[str, Any] = {"finish": None, "phases": [], "units_per_day": None}
    try:
        made = forecast(case_of(record.entry()["inputs"], ledger), state)
    except (RampgateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        # Where the rollout stands is known all the same, and says what the candidate's traffic must be.
        return {**found, "assumes": f"nothing can be forecast: {error}"}
    decision = record.entry()["decision"]
    held = [r["code"] for r in decision["reasons"] if r["verdict"] in TO_BE_MENDED]
    mended = f"; what holds it now is mended first ({', '.join(dict.fromkeys(held))})" if held else ""
    phases = [
        {
            "index": phase.index,
            "traffic": phase.traffic,
            "leaves_at": phase.leaves_at.date().isoformat() if phase.leaves_at else None,
            "why": phase.why,
        }
        for phase in made.phases
    ]
    return {
        "finish": made.finish.date().isoformat() if made.finish else None,
        "phases": phases,
        "units_per_day": made.units_per_day,
        "assumes": made.assumes + mended,
    }


def forecast_view(row: dict[str, Any]) -> RenderableType:
    """The forecast of a running rollout: the date, what it assumes, and a line per phase."""
    found = row["forecast"]
    if row["status"] != RUNNING:
        return Group()
    if not found["phases"]:
        return indented(f"when it may finish is not known: {found['assumes']}")
    on = f"may finish on {found['finish']} at the earliest" if found["finish"] else "may not finish at this volume"
    sheet = Sheet([Column("phase", "word"), Column("traffic"), Column("until", "word"), Column("because of", "name")])
    for phase in found["phases"]:
        sheet.add(str(phase["index"]), percent(phase["traffic"]), phase["leaves_at"] or "-", phase["why"])
    return Group(indented(f"{on}, if {found['assumes']}"), Padding(sheet, (0, 0, 0, 4)))


#: Bytes that are kept before people are told; less is in nobody's way.
WORTH_SAYING = 1_000_000


def status_view(
    rows: list[dict[str, Any]],
    weeks: Mapping[str, Sequence[Window]],
    quiet: bool = False,
    kept: Mapping[str, int] | None = None,
) -> RenderableType:
    """Status for people, with what looks have kept of their sources; ``quiet`` keeps the verdicts alone."""
    parts: list[RenderableType] = []
    for row in rows:
        phase, decision = row["phase"], row["last_decision"]
        parts.append(Text.assemble((printable(row["rollout"]), "bold"), "  ", (decision.upper(), STYLES[decision])))
        if quiet:
            continue
        state, candidate = row["status"].replace("_", " "), row["candidate"]
        share = f"candidate {candidate} should have {percent(phase['traffic'])} of traffic"
        parts.append(indented(f"{state}, phase {phase['index']} of {phase['of']}: {share}"))
        parts += [indented(f"{reason['code']}: {reason['message']}") for reason in row["reasons"]]
        parts += [indented(_ordered(Order.from_dict(one)), "bold red") for one in row["orders"]]
        parts += list(_wanted(row))
        for item in row["waiting_for"]:
            when = f", expected {item['expected_at'][:10]}" if item["expected_at"] else ""
            parts.append(indented(f"waits for {item['what']}{when}"))
        windows = weeks[row["rollout"]]
        parts.append(forecast_view(row))
        if len(windows) > 1:
            parts.append(Padding(Weeks(windows, Text("weighted KPI by window:")), (0, 0, 0, 2)))
    if kept is not None and kept["bytes"] >= WORTH_SAYING and not quiet:
        size, most = kept["bytes"] / 1e6, kept["limit"] / 1e6
        parts.append(Text(f"kept of what was read, in .rampgate: {size:,.2f} MB of at most {most:,.0f} MB", "dim"))
    return Group(*parts) if parts else Text("no look at a rollout in this ledger yet")


def _wanted(row: Mapping[str, Any]) -> Iterator[RenderableType]:
    """The incidents that want a review, and the actions that are overdue."""
    for one in row["incidents"]:
        owner = f"owned by {one['owner']}" if one["owner"] else "owned by nobody yet"
        yield indented(f"incident {one['incident'][:SHORT]} is not reviewed yet: {one['title']}, {owner}", "bold red")
    for one in row["overdue"]:
        where = f"action {one['action']} of incident {one['incident'][:SHORT]}"
        yield indented(f"OVERDUE since {one['due']}: {where}, {one['owner']}: {one['what']}", "bold red")


def _ordered(order: Order) -> str:
    """A person's decision in a line."""
    done = "" if order.in_force else f" ({len(order.by)} of {order.needed}, not in force yet)"
    past = f" past {', '.join(order.past)}" if order.past else ""
    return f"decided by a person: {order.decision}{past} by {order.told}{done}"


def history_rows(ledger: Ledger, only: str | None = None) -> list[dict[str, Any]]:
    """One JSON object per decision."""
    known = _rollouts(ledger, only)
    rows = []
    for record in ledger.records(only):
        if record.rollout not in known or record.kind != "decision":
            continue
        decision = record.entry()["decision"]
        rows.append(
            {
                "sequence": record.sequence,
                "decision_id": record.sha256,
                "previous_sha256": record.previous_sha256,
                "recorded_at": record.recorded_at,
                **{key: decision[key] for key in ("rollout", "attempt", "look", "phase", "decision", "kpi", "reasons")},
            }
        )
    return rows


def people_rows(ledger: Ledger, only: str | None = None) -> list[dict[str, Any]]:
    """One JSON object per record that a person signed: approvals, and decisions against the gate."""
    known, rows = _rollouts(ledger, only), []
    for record in (one for kind in (APPROVAL, HUMAN) for one in ledger.records(only, kind)):
        if record.rollout not in known:
            continue
        said = record.entry()["statement"]
        rows.append(
            {
                "sequence": record.sequence,
                "record_id": record.sha256,
                "kind": record.kind,
                "recorded_at": record.recorded_at,
                "rollout": record.rollout,
                "attempt": record.attempt,
                "person": said["person"],
                "decision": said.get("decision"),
                "because": said.get("because"),
                "as_of": said.get("as_of"),
                "policy_sha256": said.get("policy_sha256"),
            }
        )
    return sorted(rows, key=lambda row: row["sequence"])


def _told(row: dict[str, Any]) -> tuple[str, Text, str]:
    """What a person did, in the columns of the history: when, what, why."""
    if row["kind"] == APPROVAL:
        return row["recorded_at"][:10], Text("APPROVAL"), f"{row['person']}: policy {row['policy_sha256'][:8]}"
    what = row["decision"]
    style = STYLES.get(what, "bold")
    return row["as_of"][:10], Text(f"{what.upper()} by person", style), f"{row['person']}: {row['because']}"


def history_view(
    rows: list[dict[str, Any]], weeks: Mapping[str, Sequence[Window]], people: Sequence[dict[str, Any]] = ()
) -> RenderableType:
    """History for people: one line per record, and the KPI of both arms as of each rollout's last decision."""
    several = len({row["rollout"] for row in (*rows, *people)}) > 1
    again = any(row["attempt"] > 1 for row in rows)
    shown = [Column("id", "word")]
    shown += [Column("rollout", "name")] if several else []
    shown += [Column("try")] if again else []
    shown += [Column("look", "word"), Column("traffic"), Column("decision", "word"), Column("KPI diff.")]
    sheet = Sheet([*shown, Column("first reason", "name")])
    for row in sorted((*rows, *people), key=lambda row: row["sequence"]):
        names = [*([row["rollout"]] if several else []), *([str(row["attempt"])] if again else [])]
        if "record_id" in row:
            when, what, why = _told(row)
            sheet.add(row["record_id"][:8], *names, when, "", what, "", why)
            continue
        decision = row["decision"]
        sheet.add(
            row["decision_id"][:8],
            *names,
            row["look"][:10],
            percent(row["phase"]["traffic"]),
            Text(decision.upper(), STYLES[decision]),
            signed(row["kpi"]["difference"]),
            row["reasons"][0]["code"] if row["reasons"] else "",
        )
    if not rows and not people:
        return Text("no decision in this ledger")
    lines = [weeks_view(windows, f" of {name}" if several else "") for name, windows in weeks.items()]
    return Group(sheet, *lines)


def last_windows(ledger: Ledger, only: str | None = None) -> dict[str, tuple[Window, ...]]:
    """The windows of each rollout's last decision."""
    records = {name: ledger.last(name, "decision") for name in _rollouts(ledger, only)}
    return {
        name: Decision.from_dict(record.entry()["decision"]).windows
        for name, record in records.items()
        if record is not None
    }
