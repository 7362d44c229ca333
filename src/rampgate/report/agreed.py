"""Approvals and what differs between policies, for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from rampgate.policy import sentences
from rampgate.policy.diff import LOOSER, STRICTER, Change
from rampgate.report.terminal import indented
from rampgate.report.words import printable
from rampgate.rollout.approve import Agreed

_STYLES = {LOOSER: "bold red", STRICTER: "green"}


def agreed_view(found: Agreed) -> RenderableType:
    """What was approved, by whom, and whether that is enough."""
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
    if found.changes is not None:
        parts += [Text("\nWhat differs from the policy approved before", "bold"), changes_view(found.changes)]
    parts.append(Text("\nWhat was approved", "bold"))
    parts += [indented(line) for line in sentences(policy)]
    parts.append(Text(f"\nrecord {found.record[:12]}", "dim"))
    return Group(*parts)


def changes_view(changes: Sequence[Change]) -> RenderableType:
    """One line per change; what got looser first, and marked."""
    if not changes:
        return indented("nothing differs in meaning")
    order = sorted(changes, key=lambda change: (change.effect != LOOSER, change.effect != STRICTER))
    return Group(*(indented(str(change), _STYLES.get(change.effect, "")) for change in order))
