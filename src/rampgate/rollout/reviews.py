"""What people do about incidents: notes, owners and evidence, and the review until it is closed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from rampgate.errors import UsageError
from rampgate.incident.review import Review, Wrong, parse, refusal
from rampgate.incident.settings import find_settings
from rampgate.incident.values import (
    ASSIGN,
    CLOSE,
    DONE,
    FALSE_ALARM,
    JOIN,
    LINK,
    NOTE,
    PROPOSE,
    SUBMIT,
    Incident,
)
from rampgate.ledger import Ledger, canonical, digest
from rampgate.people import find_people
from rampgate.policy import load_policy
from rampgate.rollout.incidents import Recorded, find, incidents, known_owner, record_act


def note(
    ledger: Ledger, incident: str, text: str, person: str, key: Path | None = None, state: str | None = None
) -> Recorded:
    """Write a note on an incident; ``state`` is one of the project's own between open and in review.

    Raises
    ------
    UsageError
        As `record_act`; the note says nothing; there is no such state, or none that a note can give.
    """
    said = " ".join(text.split())
    if not said:
        raise UsageError("the note says nothing", where="TEXT", remedy="write what was seen, tried or learned")
    settings = find_settings(ledger.folder)
    if state is not None and state not in settings.by_hand:
        others = ", ".join(settings.by_hand) or "none"
        raise UsageError(
            f"{state!r} is no state that a note can give; of those there are {others}",
            where="--state",
            remedy='name it in rampgate.toml, as [review] states = ["open", "traced", "in review", "closed"]',
        )
    return record_act(ledger, incident, NOTE, {"text": said, "state": state}, person, key)


def assign(ledger: Ledger, incident: str, owner: str, person: str, key: Path | None = None) -> Recorded:
    """Name who owns an incident, and writes its review.

    Raises
    ------
    UsageError
        As `record_act`; the project does not know the owner.
    """
    return record_act(ledger, incident, ASSIGN, {"owner": known_owner(owner, "OWNER", ledger)}, person, key)


def link(ledger: Ledger, incident: str, target: str, person: str, key: Path | None = None, text: str = "") -> Recorded:
    """Add evidence to an incident: an address, or a file by its SHA-256, which stays where it is.

    Raises
    ------
    UsageError
        As `record_act`; the file cannot be read.
    """
    sha256: str | None = None
    if "://" not in target:
        try:
            sha256 = digest(Path(target).read_bytes())
        except OSError as error:
            raise UsageError(
                f"the file cannot be read ({error.strerror})",
                where=target,
                remedy="name a file, or an https:// address",
            ) from None
    says = {"target": target, "sha256": sha256, "text": " ".join(text.split())}
    return record_act(ledger, incident, LINK, says, person, key)


def join(ledger: Ledger, incident: str, to: str, person: str, key: Path | None = None) -> Recorded:
    """Say that an incident is part of another one, with whose review it is closed.

    Raises
    ------
    UsageError
        As `record_act`; it cannot be joined to that one.
    """
    other = find(incidents(ledger), to)
    return record_act(ledger, incident, JOIN, {"to": other.id}, person, key)


def submit(ledger: Ledger, path: Path, person: str, key: Path | None = None) -> Recorded:
    """Read a review from its file, check it, and record it with its digest.

    Raises
    ------
    UsageError
        As `record_act`; something is missing in the file or wrong, every such place with its line.
    """
    raw = _read(path)
    text = raw.decode("utf-8-sig")
    review = parse(text, str(path), find_settings(ledger.folder).headings)
    one = find(incidents(ledger), review.incident)
    _refuse_wrong(review, one, ledger, path)
    # A line of JSON, as every document is: a ledger is exported line by line.
    document = canonical({"markdown": raw.decode("utf-8")})
    says = {
        "document": digest(document),
        "sha256": digest(raw),
        "file": path.name,
        "owner": review.owner,
        "causes": list(review.causes),
        "actions": [action.to_dict() for action in review.actions],
        "sections": dict(review.sections),
    }
    return record_act(ledger, one.id, SUBMIT, says, person, key, {digest(document): document})


def _read(path: Path) -> bytes:
    remedy = "name the file that `rampgate review new` wrote"
    try:
        raw = path.read_bytes()
        raw.decode("utf-8")
    except OSError as error:
        raise UsageError(f"the review cannot be read ({error.strerror})", where=str(path), remedy=remedy) from None
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise UsageError(
            f"line {line} is no UTF-8 text", where=str(path), remedy="save the file as UTF-8 in your editor"
        ) from None
    return raw


def _refuse_wrong(review: Review, incident: Incident, ledger: Ledger, path: Path) -> None:
    """Refuse what the project and the day know better: an unknown owner, and what was due before today."""
    people, today, wrong = find_people(ledger.folder) or find_people(Path()), datetime.now(UTC).date(), []
    if people is not None:
        owners = [(review.owner_line, review.owner), *((one.line, one.owner) for one in review.actions)]
        remedy = f"the people are {', '.join(people.names) or 'none yet'}, as {people.where} has them"
        wrong += [
            Wrong(line, f"nobody called {name!r} is among the people of this project", remedy)
            for line, name in owners
            if name not in people.names
        ]
    wrong += [
        Wrong(one.line, f"the due date {one.due} is past", "give a day from today on")
        for one in review.actions
        if one.due < today
    ]
    assigned = incident.last(ASSIGN)
    if assigned is not None and assigned.says["owner"] != review.owner and incident.review is None:
        what = f"the incident was assigned to {assigned.says['owner']}, and this names {review.owner} as its owner"
        remedy = f"write {assigned.says['owner']}, or `rampgate incident assign {incident.short} {review.owner}` first"
        wrong.append(Wrong(review.owner_line, what, remedy))
    if wrong:
        raise refusal(wrong, str(path))


def close(ledger: Ledger, incident: str, person: str, key: Path | None = None, because: str = "") -> Recorded:
    """Agree to the review that was submitted: the incident is closed, by somebody who does not own it.

    Raises
    ------
    UsageError
        As `record_act`; no review was submitted, or it is this person's own.
    """
    found = find(incidents(ledger), incident)
    submitted = None if found.review is None else found.review.record
    says = {"because": " ".join(because.split()), "review": submitted}
    return record_act(ledger, found.id, CLOSE, says, person, key)


def false_alarm(ledger: Ledger, incident: str, because: str, person: str, key: Path | None = None) -> Recorded:
    """Close an incident that was none, by somebody who does not own it.

    Raises
    ------
    UsageError
        As `record_act`; no reason is given, nobody owns it, or this person does.
    """
    return record_act(ledger, incident, FALSE_ALARM, {"because": " ".join(because.split())}, person, key)


def done(ledger: Ledger, incident: str, number: int, person: str, key: Path | None = None, text: str = "") -> Recorded:
    """Say that an action of a review is done.

    Raises
    ------
    UsageError
        As `record_act`; there is no such action, or it is done already.
    """
    return record_act(ledger, incident, DONE, {"action": number, "because": " ".join(text.split())}, person, key)


def propose(ledger: Ledger, incident: str, policy: Path, person: str, key: Path | None = None) -> Recorded:
    """Say which policy a review led to; it still has to be approved as any other.

    Raises
    ------
    UsageError
        As `record_act`; the policy is another rollout's.
    PolicyError
        It is not valid.
    """
    rules = load_policy(policy)
    found = find(incidents(ledger), incident)
    if rules.rollout != found.rollout:
        what = f"this is a policy of rollout {rules.rollout}, and the incident is one of {found.rollout}"
        raise UsageError(what, where=str(policy), remedy="name the policy of that rollout")
    documents = {rules.sha256(): rules.canonical_json()}
    says = {"policy_sha256": rules.sha256(), "file": policy.name}
    return record_act(ledger, found.id, PROPOSE, says, person, key, documents)


def text_of(ledger: Ledger, incident: Incident) -> str:
    """The review of an incident, as it was submitted last.

    Raises
    ------
    UsageError
        None was.
    """
    if incident.review is None:
        what, remedy = (
            f"no review of incident {incident.short} was submitted yet",
            "draft one with `rampgate review new`",
        )
        raise UsageError(what, where=incident.short, remedy=remedy)
    return str(json.loads(ledger.document(incident.review.says["document"]))["markdown"])
