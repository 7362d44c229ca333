"""The questions of ``init`` in a terminal: each guess is shown, Enter accepts it, anything else is checked at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import typer

from rampgate.errors import Unclear, UsageError
from rampgate.guess import Given, Guess, guess
from rampgate.guess.given import spoken

_ASKED = ("unit", "time", "time_format", "decimal", "timezone", "variant", "baseline", "candidate")
_QUESTIONS = {
    "unit": "column that identifies a row",
    "time": "column of the time at which a row was opened",
    "time_format": "how times are written",
    "decimal": "decimal mark",
    "timezone": "time zone",
    "variant": "column of the version",
    "baseline": "version in use",
    "candidate": "new version",
    "metrics": "outcomes, with commas between",
    "segments": "columns to split by, with commas between, or none",
}
_NONE = "none"


def interview(events: Any, given: Given, rollout: str | None) -> Guess:
    """Guess, ask, and guess again until every answer fits."""
    found, given = _clear(events, given, rollout)
    for role in _ASKED:
        if getattr(given, role) is None and (shown := _shown(found, role)) is not None:
            found, given = _settle(events, given, rollout, found, role, *shown)
    if not given.metrics:
        default = ", ".join(spoken(name, found.policy.metrics[name]) for name in _names(found, "metric"))
        found, given = _settle(events, given, rollout, found, "metrics", default, _whys(found, "metric"))
    if given.segments is None:
        default = ", ".join(_names(found, "segment")) or _NONE
        found, given = _settle(events, given, rollout, found, "segments", default, _whys(found, "segment"))
    return found


def _clear(events: Any, given: Given, rollout: str | None) -> tuple[Guess, Given]:
    """Ask for what cannot be guessed until something can."""
    while True:
        try:
            return guess(events, given, rollout), given
        except Unclear as unclear:
            _say(f"\n{unclear.what}")
            if unclear.choices:
                _say(f"  perhaps: {', '.join(unclear.choices)}")
            given = _given(given, unclear.role, _prompt(unclear.role, None))


def _settle(
    events: Any, given: Given, rollout: str | None, found: Guess, role: str, default: str, why: str
) -> tuple[Guess, Given]:
    """One question; what does not fit is said and asked again."""
    while True:
        _say(f"\n{why}")
        answer = _prompt(role, default)
        if answer == default:
            return found, given
        try:
            changed = _given(given, role, answer)
            return _clear(events, changed, rollout)
        except UsageError as error:
            _say(f"error: {error}")


def _given(given: Given, role: str, answer: str) -> Given:
    if role == "metrics":
        return replace(given, metrics=_listed(answer))
    if role == "segments":
        return replace(given, segments=() if answer.strip().lower() == _NONE else _listed(answer))
    if role == "variant":  # the versions of another column are none of this one
        return replace(given, variant=answer, baseline=None, candidate=None)
    if role == "time":
        return replace(given, time=answer, time_format=None)
    changes: dict[str, Any] = {role: answer}
    return replace(given, **changes)


def _listed(answer: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in answer.split(",") if part.strip())


def _shown(found: Guess, role: str) -> tuple[str, str] | None:
    """Value and reason of a guess, None where there was nothing to guess."""
    for note in found.notes:
        if note.role == role and note.guessed:
            return note.value, note.why
    return None


def _names(found: Guess, role: str) -> list[str]:
    return [note.value for note in found.notes if note.role == role]


def _whys(found: Guess, role: str) -> str:
    lines = [f"{note.value}: {note.why}" for note in found.notes if note.role == role]
    return "\n".join(lines) or "no column splits the rows usefully"


def _prompt(role: str, default: str | None) -> str:
    answer: str = typer.prompt(_QUESTIONS[role], default=default, err=True)
    return answer.strip() if default is None or answer != default else answer


def _say(text: str) -> None:
    typer.echo(text, err=True)
