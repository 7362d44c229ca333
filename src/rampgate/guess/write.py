"""The policy file that ``rampgate init`` writes: every guess marked, every default that matters explained."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from rampgate.errors import RampgateError
from rampgate.guess.values import Guess, Note
from rampgate.policy import Margin, Metric, Phase, Policy, load_policy
from rampgate.policy.values import percent

_WIDTH = 110
_PLAIN = re.compile(r"[A-Za-z_(][\w ().+/-]*")
#: Plain words that YAML readers take for something else than text.
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
#: Columns left out that are listed; the others are counted.
_MOST_LEFT_OUT = 30

_HEAD = """\
A policy for {table}, proposed by rampgate init.

What is marked "guessed" was read off the columns: see whether it is right, and change it here, or run init again with
the option that is named. What the policy means, sentence by sentence: rampgate validate FILE"""
_METRICS = """\
What is counted, per version and day. A value that is empty is unknown and counts neither way."""
_KPI = "The metrics as one number from 0 to 1, and how much worse the candidate may be at most."
_GUARDRAILS = """\
Beyond its margin a metric holds the rollout. pp are points of a share; 10% is relative to the baseline. The margins
follow the rule of the KPI's, metric by metric, and are no smaller than it."""
_ROLLBACK = """\
What ends the rollout: the largest harm that you tolerate. A default, and the number to think about; 0 rolls back on
evidence of any harm. Other metrics may stand here too, as NAME: {worse_by: 2pp}."""
_SEGMENTS = """\
The same held against each value of these columns, twice as wide as overall, as there is less of each. A value with
fewer than 200 units in a version is reported as too little data (minimum_units)."""
_PHASES = """\
What must be true to leave each phase. Whole weeks, so that every weekday counts. no_harm goes on when there is no
evidence of harm; non_inferior when the data show that the KPI is not worse by its margin."""
_TAIL = """\
Not written, so at their defaults: one look a day, and weeks as windows (source: look, window); evidence from the first
day with a candidate row (start); error budgets of 5 % (error_budget). rampgate schema lists every key."""


def policy_text(guess: Guess, events: str | None = None) -> str:
    """The file's text, which loads to the guess's policy.

    Parameters
    ----------
    guess : what was proposed
    events : the rows as seen from the file's folder; as in the policy when left out

    Raises
    ------
    RampgateError
        When the text does not load to that policy, which is a fault of this program.
    """
    policy = guess.policy
    if events is not None:
        policy = policy.model_copy(update={"source": policy.source.model_copy(update={"events": events})})
    text = "\n".join(_lines(policy, guess)) + "\n"
    if load_policy(text) != policy:
        raise RampgateError(
            "the policy that was written out does not say what was proposed",
            where=guess.policy.source.events,
            remedy="report it, with the names of the table's columns",
        )
    return text


def _lines(policy: Policy, guess: Guess) -> Iterator[str]:
    yield from _comment(_HEAD.format(table=policy.source.events or "a frame"))
    yield ""
    for key in ("rollout", "baseline", "candidate"):
        yield from _noted(guess, key)
        yield f"{key}: {_scalar(getattr(policy, key))}"
    yield ""
    yield from _source(policy, guess)
    yield from _noted(guess, "timezone")
    yield f"timezone: {_scalar(policy.timezone)}"
    yield ""
    yield from _metrics(policy, guess)
    yield ""
    yield from _criteria(policy, guess)
    yield ""
    yield from _comment(_PHASES)
    yield from _noted(guess, "phases")
    yield "phases:"
    yield from (f"  - {_phase(phase)}" for phase in policy.phases)
    yield ""
    yield from _comment(_TAIL)
    yield from _left_out(guess.left_out)


# --- sections -----------------------------------------------------------------------------


def _source(policy: Policy, guess: Guess) -> Iterator[str]:
    source = policy.source
    yield "source:"
    if source.events is not None:
        yield f"  events: {_scalar(source.events)}"
    for key in ("unit", "time", "time_format", "decimal", "variant"):
        value = getattr(source, key)
        if key not in source.model_fields_set or value is None or (key == "decimal" and value == "."):
            continue
        yield from _noted(guess, key, 2)
        listed = [_scalar(form, plain=False) for form in value] if key == "time_format" else []
        written = (listed[0] if len(listed) == 1 else f"[{', '.join(listed)}]") if listed else _scalar(value)
        yield f"  {key}: {written}"
    if source.ignore:
        yield from _noted(guess, "ignore", 2)
        yield f"  ignore: [{', '.join(_scalar(name, plain=False) for name in source.ignore)}]"


def _metrics(policy: Policy, guess: Guess) -> Iterator[str]:
    yield from _comment(_METRICS)
    yield "metrics:"
    for note in _notes(guess, "metric"):
        yield from _comment(_said(note), 2)
        yield f"  {_scalar(note.value)}: {_metric(policy.metrics[note.value])}"


def _criteria(policy: Policy, guess: Guess) -> Iterator[str]:
    yield from _comment(_KPI)
    yield "kpi:"
    yield from _noted(guess, "weights", 2)
    order = [note.value for note in _notes(guess, "metric") if note.value in policy.kpi.weights]
    yield f"  weights: {_flow((name, f'{policy.kpi.weights[name]:g}') for name in order)}"
    yield from _noted(guess, "margin", 2)
    yield f"  margin: {_margin(policy.kpi.margin)}"
    if policy.guardrails:
        yield from _comment(_GUARDRAILS)
        yield "guardrails:"
        yield from (f"  {_scalar(n)}: {{margin: {_margin(rail.margin)}}}" for n, rail in policy.guardrails.items())
    yield from _comment(_ROLLBACK)
    yield "rollback:"
    yield from (f"  {_scalar(n)}: {{worse_by: {_margin(rule.worse_by)}}}" for n, rule in policy.rollback.items())
    segments = policy.segments
    if segments is not None:
        yield from _comment(_SEGMENTS)
        yield "segments:"
        for note in _notes(guess, "segment"):
            yield from _comment(f"{note.value}: {_said(note)}", 2)
        yield f"  by: [{', '.join(_scalar(name) for name in segments.by)}]"
        rails = _flow((n, f"{{margin: {_margin(rail.margin)}}}") for n, rail in segments.guardrails.items())
        yield f"  guardrails: {rails}"


def _metric(metric: Metric) -> str:
    written = metric.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    order = ("kind", "column", "numerator", "denominator", "equals", "better", "best", "worst")
    return _flow((key, _scalar(written[key])) for key in order if key in written)


def _phase(phase: Phase) -> str:
    fields: list[tuple[str, str]] = [("traffic", percent(phase.traffic))]
    written = phase.model_fields_set
    if "at_least" in written:
        fields.append(("at_least", str(phase.at_least)))
    if "minimum_units" in written:
        fields.append(("minimum_units", str(phase.minimum_units)))
    if "go" in written:
        fields.append(("go", phase.go))
    if phase.require:
        fields.append(("require", f"[{', '.join(_scalar(name) for name in phase.require)}]"))
    return _flow(fields)


def _left_out(left_out: Sequence[tuple[str, str]]) -> Iterator[str]:
    if not left_out:
        return
    yield ""
    yield from _comment("Columns that this policy does not use:")
    for name, why in left_out[:_MOST_LEFT_OUT]:
        yield from _comment(f"  {name}: {why}", after="    ")
    if len(left_out) > _MOST_LEFT_OUT:
        yield from _comment(f"  and {len(left_out) - _MOST_LEFT_OUT} more")


# --- comments -----------------------------------------------------------------------------


def _notes(guess: Guess, role: str) -> list[Note]:
    return [note for note in guess.notes if note.role == role]


def _noted(guess: Guess, role: str, indent: int = 0) -> Iterator[str]:
    for note in _notes(guess, role):
        yield from _comment(_said(note), indent)


def _said(note: Note) -> str:
    """Why, and what changes it."""
    if not note.guessed:
        return f"{note.why} with {note.flag}" if note.why == "as given" else note.why
    return f"guessed: {note.why}; {note.flag} changes it" if note.flag else f"by rule: {note.why}"


def _comment(text: str, indent: int = 0, after: str = "") -> Iterator[str]:
    """Text as comment lines; whatever stands in a name, a comment stays one."""
    margin = " " * indent + "# "
    for paragraph in text.split("\n\n"):
        plain = "".join(letter if letter.isprintable() else " " for letter in paragraph)
        yield from textwrap.wrap(
            plain, _WIDTH, initial_indent=margin, subsequent_indent=margin + after, break_long_words=False
        ) or [margin.rstrip()]


# --- values -------------------------------------------------------------------------------


def _flow(items: Iterable[tuple[str, str]]) -> str:
    return f"{{{', '.join(f'{_scalar(key)}: {value}' for key, value in items)}}}"


def _margin(margin: Margin) -> str:
    return str(margin)


def _scalar(value: object, plain: bool = True) -> str:
    """A value as YAML reads it back; text in quotes unless it can only be text."""
    if not isinstance(value, str):
        return json.dumps(value)
    if plain and _PLAIN.fullmatch(value) and value == value.strip() and value.lower() not in _WORDS and value.isascii():
        return value
    text = json.dumps(value, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in text)


def _escaped(letter: str) -> str:
    """A character that YAML takes only in this form."""
    return f"\\u{ord(letter):04x}" if ord(letter) < 0x10000 else f"\\U{ord(letter):08x}"
