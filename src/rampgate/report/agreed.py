"""What people approved and decided, and what differs between policies, for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from rampgate.ledger import Record
from rampgate.policy import sentences
from rampgate.policy.diff import LOOSER, STRICTER, Change
from rampgate.report.terminal import STYLES, indented
from rampgate.report.words import percent, printable
from rampgate.rollout.approve import Agreed
from rampgate.rollout.human import Decided
from rampgate.simulation.table import Outcome, Simulation

_STYLES = {LOOSER: "bold red", STRICTER: "green"}


def agreed_view(found: Agreed, simulation: Simulation | None = None) -> RenderableType:
    """What was approved, by whom, and whether that is enough; and what the policy does before a launch, if known."""
    policy, rules = found.policy, found.policy.approval
    by = ", ".join(one.person for one in found.by)
    head = "APPROVED" if found.problem is None else "NOT APPROVED YET"
    parts: list[RenderableType] = [
        Text.assemble(
            (head, "bold green" if found.problem is None else "bold yellow"), f"  {printable(policy.rollout)}"
        ),
        indented(f"{len(found.by)} of {rules.required if rules else 0} approvals: {by}"),
    ]
    if found.problem is not None:
        parts.append(indented(found.problem))
    bound = f"simulation {found.simulation[:12]}" if found.simulation else "no simulation is bound to it"
    parts.append(indented(f"policy sha256 {policy.sha256()}; {bound}"))
    if simulation is not None:
        parts.append(Text(f"\nWhat it does, in {simulation.rollouts} simulated rollouts of each kind", "bold"))
        parts += [indented(line) for line in (*map(_simulated, simulation.scenarios), *simulation.advice)]
    if found.changes is not None:
        parts += [Text("\nWhat differs from the policy approved before", "bold"), changes_view(found.changes)]
    parts.append(Text("\nWhat was approved", "bold"))
    parts += [indented(line) for line in sentences(policy)]
    parts.append(Text(f"\nrecord {found.record[:12]}", "dim"))
    return Group(*parts)


def _simulated(one: Outcome) -> str:
    """One scenario in a sentence."""
    figure, what = (one.false_rollback, "rolled back") if one.missed.estimate is None else (one.missed, "missed")
    if figure.estimate is None or figure.error is None:
        return f"{one.says}: not known"
    share = f"{100 * figure.estimate:.1f} % (± {100 * figure.error:.1f}) are {what}"
    days = one.days_to_rollback[0].estimate if what == "missed" else None
    weeks = one.weeks_to_full if one.name == "harmless" else None
    more = f", half of all are rolled back by day {days:.0f}" if days is not None else ""
    return f"{one.says}: {share}{more}" + (
        f", half of all are at the last phase after {weeks:.1f} weeks" if weeks else ""
    )


def decided_view(found: Decided) -> RenderableType:
    """What a person decided, whether it is in force, and where the rollout stands."""
    order, state = found.order, found.state
    of, style = f"  {printable(found.rollout)}", STYLES.get(order.decision, "bold")
    head = Text.assemble(("NOT IN FORCE YET", "bold yellow"), of)
    if order.in_force:
        head = Text.assemble((order.decision.upper(), style), f"{of}, by {printable(order.told)}")
    parts: list[RenderableType] = [head]
    if not order.in_force:
        parts.append(indented(f"{len(order.by)} of {order.needed} agreed to go on past the rollback: {order.told}"))
    if order.past:
        parts.append(indented(f"{'gone past' if order.in_force else 'it would go past'}: {', '.join(order.past)}"))
    if order.decision == "resume" and state.start is not None and not state.phases:
        parts.append(indented(f"attempt {state.attempt} of candidate {state.candidate} begins on {state.start}"))
    else:
        traffic = percent(0.0 if state.status == "rolled_back" else state.traffic or 0.0)
        where = f"{state.status.replace('_', ' ')}, phase {state.phase} of {found.phases}"
        parts.append(indented(f"{where}: candidate {state.candidate} should have {traffic} of traffic"))
    parts.append(Text(f"\nrecord {found.record[:12]}", "dim"))
    return Group(*parts)


def changes_view(changes: Sequence[Change]) -> RenderableType:
    """One line per change; what got looser first, and marked."""
    if not changes:
        return indented("nothing differs in meaning")
    order = sorted(changes, key=lambda change: (change.effect != LOOSER, change.effect != STRICTER))
    return Group(*(indented(str(change), _STYLES.get(change.effect, "")) for change in order))


def signed(record: Record) -> dict[str, Any]:
    """A record that a person signed, as JSON."""
    entry = record.entry()
    own = {"record_id": record.sha256, "previous_sha256": record.previous_sha256, "kind": record.kind}
    return {**own, "attempt": record.attempt, **entry["statement"], "signature": entry["signature"]}


def signed_view(record: Record) -> RenderableType:
    """The same for people: a line per key."""
    told = signed(record)
    head = Text(f"{told['what']}, {told['rollout']}", "bold")
    return Group(head, *(indented(f"{key}: {value}") for key, value in told.items() if key not in ("what", "rollout")))
