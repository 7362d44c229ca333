"""A recorded decision in plain sentences, for a reader who knows no statistics. Made from the record alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from rampgate.aggregate.marginals import OVERALL
from rampgate.errors import UsageError
from rampgate.judge.case import Case
from rampgate.judge.decision import COMPLETE, FAIL, GO, HOLD, ROLLBACK, Decision
from rampgate.ledger import Ledger, Record
from rampgate.policy import Policy
from rampgate.report.explained import told
from rampgate.report.explained.compared import compared, left_out
from rampgate.report.explained.found import found, sure
from rampgate.report.explained.next_steps import next_steps
from rampgate.report.explained.still_open import still_open
from rampgate.report.explained.why import broken, why
from rampgate.report.explained.worst import worst_of
from rampgate.report.terminal import indented, verdict_line
from rampgate.report.words import printable
from rampgate.rollout.archive import restore
from rampgate.rollout.evaluate import decision_of

LAST = "last"
HEADLINES = {
    GO: "The candidate may go on to the next phase.",
    COMPLETE: "The rollout is complete: the candidate has passed its last phase.",
    HOLD: "The candidate stays where it is: it may not go on, and need not go back.",
    ROLLBACK: "The candidate must go back: it should get no more traffic.",
}


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """A decision in sentences."""

    decision: Decision
    sections: tuple[Section, ...]

    def to_dict(self) -> dict[str, Any]:
        d = self.decision
        return {
            "decision_id": d.decision_id,
            "rollout": d.rollout,
            "look": d.look.isoformat(timespec="seconds"),
            "decision": d.decision,
            "sections": [{"title": s.title, "sentences": list(s.sentences)} for s in self.sections],
        }


def find(ledger: Ledger, identity: str | None) -> Record:
    """The decision with an id or its first digits; the last one for ``last`` or None, if there is one rollout."""
    if identity not in (None, LAST):
        record = ledger.get(str(identity))
        if record.kind != "decision":
            remedy = "`rampgate show` prints it; `rampgate history` lists the decisions"
            raise UsageError(
                f"this record is of kind {record.kind}, not a decision", where=str(identity), remedy=remedy
            )
        return record
    names = ledger.rollouts()
    if len(names) != 1:
        what = f"this ledger holds {len(names)} rollouts: {', '.join(names)}" if names else "this ledger is empty"
        remedy = "give the decision's id, as `rampgate history` lists it" if names else "run `rampgate check` first"
        raise UsageError(what, where=ledger.where, remedy=remedy)
    last = [record for record in ledger.records(names[0]) if record.kind == "decision"]
    if not last:
        raise UsageError("this ledger holds no decision", where=ledger.where, remedy="run `rampgate check` first")
    return last[-1]


def explain_record(record: Record, read: Callable[[str], bytes]) -> Explanation:
    """The explanation of a record.

    Parameters
    ----------
    record : a decision
    read : SHA-256 -> bytes of a document of its ledger
    """
    return explain(decision_of(record), restore(record.entry()["inputs"], read))


def explain(decision: Decision, case: Case) -> Explanation:
    """A decision in sentences, with the numbers."""
    worst = {c.id: worst_of(case, c) for c in decision.criteria if c.verdict == FAIL and c.group == OVERALL}
    parts = {
        "What was decided": _headline(decision, case.policy),
        "What was compared": compared(decision, case),
        "What was found": (*found(decision, case.policy), *still_open(decision)),
        "How sure this is": sure(decision, case.policy),
        "Why this verdict and no other": why(decision, case, worst),
        "What happens next": next_steps(decision, case, worst),
        "What was left out": left_out(decision, case),
    }
    return Explanation(decision, tuple(Section(title, tuple(said)) for title, said in parts.items()))


def explained_view(explanation: Explanation) -> RenderableType:
    """The explanation for people."""
    parts: list[RenderableType] = [verdict_line(explanation.decision)]
    for section in explanation.sections:
        parts.append(Text(f"\n{section.title}", "bold"))
        parts += [indented(printable(said)) for said in section.sentences]
    if explanation.decision.decision_id:
        parts.append(Text(f"\ndecision {explanation.decision.decision_id[:12]}", "dim"))
    return Group(*parts)


def _headline(decision: Decision, policy: Policy) -> Iterator[str]:
    yield HEADLINES.get(decision.decision, f"The gate said {decision.decision}.")
    first = next((c for c in broken(decision) if c.effect_since_onset is not None), None)
    if first is not None and (decision.decision == ROLLBACK) == (first.kind == "rollback"):
        where = "" if first.group == OVERALL else f" in {first.group}"
        amount = told.harm(policy, first.metric, first.effect_since_onset or 0.0)
        yield f"The reason: {told.named(first.metric)}{where} is worse by {amount} since {first.onset}."
