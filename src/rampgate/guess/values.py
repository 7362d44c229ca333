"""What the user said, what was guessed, and what it comes to."""

from __future__ import annotations

from dataclasses import dataclass

from rampgate.policy import Policy


@dataclass(frozen=True)
class Given:
    """What the user said; None or () where nothing was said.

    Attributes
    ----------
    unit, time, variant : column names
    baseline, candidate : values of the variant column
    metrics : each ``COLUMN``, ``NAME=COLUMN``, ``NAME=COLUMN==VALUE`` (the share of rows with that value) or
        ``NAME=TOP/BOTTOM`` (sum over sum), the name being optional before a single column. ``:lower`` or ``:higher``
        at the end says which direction is good, ``:1..5`` the worst and the best value. A text that is a column's
        name as it stands is that column
    segments : column names; () for none, None to have them guessed
    timezone : IANA name
    time_format : a form as ``source.time_format`` in a policy takes it; several with ``|`` between them
    decimal : ``.`` or ``,``
    """

    unit: str | None = None
    time: str | None = None
    variant: str | None = None
    baseline: str | None = None
    candidate: str | None = None
    metrics: tuple[str, ...] = ()
    segments: tuple[str, ...] | None = None
    timezone: str | None = None
    time_format: str | None = None
    decimal: str | None = None


@dataclass(frozen=True)
class Note:
    """One guess, or one given fact.

    Attributes
    ----------
    role : ``unit``, ``time``, ``time_format``, ``decimal``, ``timezone``, ``variant``, ``baseline``, ``candidate``,
        ``misspelt``, ``ignore``, ``metric``, ``segment``, ``weights``, ``margin``, ``phases`` or ``rollout``;
        ``misspelt``, ``metric`` and ``segment`` once for each of them
    value : what was chosen
    why : the reason, as a phrase that follows a colon
    flag : the command-line flag that changes it, as ``--unit``; empty where only the policy file can
    guessed : whether it was guessed; else the user said it
    """

    role: str
    value: str
    why: str
    flag: str
    guessed: bool


@dataclass(frozen=True)
class Guess:
    """A proposed policy, and every guess in it.

    Attributes
    ----------
    policy : valid; ``source.events`` is what the user wrote, None for a frame
    notes : in the order of the policy file
    left_out : columns that are neither metric nor segment nor anything else, each with the reason
    """

    policy: Policy
    notes: tuple[Note, ...]
    left_out: tuple[tuple[str, str], ...]
