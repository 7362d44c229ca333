"""What may be recorded of an incident where it stands. The same rules hold for who records and for `verify`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

from rampgate.errors import UsageError
from rampgate.incident.values import (
    ASSIGN,
    CLOSE,
    DONE,
    FALSE_ALARM,
    JOIN,
    KINDS,
    LINK,
    NOTE,
    PROPOSE,
    SHORT,
    SUBMIT,
    Act,
    Incident,
)

if TYPE_CHECKING:
    from rampgate.incident.derive import Incidents


def refuse(incident: Incident, act: Act, known: Incidents) -> None:
    """Refuse what may not be recorded now.

    Parameters
    ----------
    incident : as it stands
    known : all incidents, for one that is joined to another

    Raises
    ------
    UsageError
    """
    if act.act == JOIN:
        _join(incident, act, known)
        return
    if act.act not in _RULES:
        raise UsageError(f"nobody can {act.act!r} an incident", where=incident.short)
    _RULES[act.act](incident, act)


def _refuse_closed(incident: Incident) -> None:
    ended = incident.ended
    if ended is not None:
        how = "as a false alarm " if incident.false_alarm else ""
        raise UsageError(
            f"incident {incident.short} was closed {how}by {ended.person} on {ended.at[:10]}",
            where=incident.short,
            remedy="a note or a link can still be added; what happens anew opens an incident of its own",
        )


def _refuse_joined(incident: Incident) -> None:
    if incident.joined is not None:
        to = incident.joined[:SHORT]
        raise UsageError(
            f"incident {incident.short} was joined to {to}, whose review is its own",
            where=incident.short,
            remedy=f"give {to} instead",
        )


def _anything(incident: Incident, act: Act) -> None:
    """Notes, links and proposals are good at any time: what was learned later is worth as much."""


def _assign(incident: Incident, act: Act) -> None:
    _refuse_closed(incident)
    _refuse_joined(incident)
    if not str(act.says["owner"]).strip():
        raise UsageError("no owner is named", where="OWNER", remedy="give a name")


def _join(incident: Incident, act: Act, known: Incidents) -> None:
    _refuse_closed(incident)
    _refuse_joined(incident)
    other = known.get(str(act.says["to"]))
    if other.rollout != incident.rollout:
        what = f"incident {other.short} is one of another rollout, {other.rollout}"
        raise UsageError(what, where="--joins", remedy="link to it by a note instead")
    if known.root(other).id == incident.id:
        raise UsageError(f"{other.short} was joined to {incident.short}", where="--joins", remedy="leave it so")
    if known.closed(other):
        what = f"incident {other.short} is closed, and one that is open cannot be joined to it"
        raise UsageError(what, where="--joins", remedy="review this one by itself")


def _submit(incident: Incident, act: Act) -> None:
    _refuse_closed(incident)
    _refuse_joined(incident)
    says = act.says
    if not says["causes"] or not says["actions"] or not str(says["owner"]).strip():
        raise UsageError("a review needs an owner, a cause and an action", where=incident.short)
    for one in says["actions"]:
        if one["kind"] not in KINDS or not one["owner"] or not one["what"]:
            raise UsageError("an action needs what is done, an owner and a kind", where=incident.short)
        if date.fromisoformat(one["due"]) < date.fromisoformat(act.at[:10]):
            raise UsageError(f"the due date {one['due']} is past", where=incident.short, remedy="give a later day")


def _close(incident: Incident, act: Act) -> None:
    _refuse_closed(incident)
    _refuse_joined(incident)
    review = incident.review
    if review is None:
        raise UsageError(
            f"no review of incident {incident.short} was submitted",
            where=incident.short,
            remedy=f"write one with `rampgate review new {incident.short}`, then `rampgate review submit`; "
            "what was no incident is closed with `rampgate review false-alarm`",
        )
    if act.says["review"] != review.record:
        what = f"the review of incident {incident.short} was submitted again meanwhile"
        raise UsageError(what, where=incident.short, remedy="read it anew, then close it")
    owners = {incident.owner, review.says["owner"], review.person}
    if act.person in owners:
        raise UsageError(
            f"{act.person} owns this review or submitted it, and cannot be its reviewer",
            where="--as",
            remedy="let somebody else read and close it",
        )


def _false_alarm(incident: Incident, act: Act) -> None:
    _refuse_closed(incident)
    _refuse_joined(incident)
    if not str(act.says["because"]).strip():
        raise UsageError("no reason is given", where="--because", remedy="say why it was no harm; reports show it")
    if incident.owner is None:
        raise UsageError(
            f"incident {incident.short} has no owner, and a false alarm takes two people to say so",
            where=incident.short,
            remedy=f"name the owner with `rampgate incident assign {incident.short} OWNER`; somebody else closes it",
        )
    if act.person in {incident.owner, None if incident.review is None else incident.review.person}:
        raise UsageError(
            f"{act.person} owns this incident, and cannot be the one who closes it",
            where="--as",
            remedy="let somebody else look at it and close it",
        )
    if _named_by(incident) == act.person and incident.owner not in {one.person for one in incident.acts}:
        raise UsageError(
            f"{act.person} named {incident.owner} as the owner, who has recorded nothing here yet; a false alarm takes "
            "two people to say so",
            where="--as",
            remedy=f"let {incident.owner} add a note with `rampgate incident note {incident.short}`, or somebody else "
            "close it",
        )


def _named_by(incident: Incident) -> str | None:
    """Who named the owner: an owner who was only named has agreed to nothing."""
    named = incident.last(ASSIGN, SUBMIT)
    return None if named is None else named.person


def _done(incident: Incident, act: Act) -> None:
    number, actions = act.says["action"], incident.actions
    if not 1 <= number <= len(actions):
        what = f"the review of incident {incident.short} has {len(actions)} actions, and none with number {number}"
        raise UsageError(what, where="NUMBER", remedy=f"see `rampgate incident show {incident.short}`")
    if actions[number - 1].done is not None:
        raise UsageError(f"action {number} is done already", where="NUMBER", remedy="nothing is left to record")


_RULES: dict[str, Callable[[Incident, Act], None]] = {
    NOTE: _anything,
    LINK: _anything,
    PROPOSE: _anything,
    ASSIGN: _assign,
    SUBMIT: _submit,
    CLOSE: _close,
    FALSE_ALARM: _false_alarm,
    DONE: _done,
}
