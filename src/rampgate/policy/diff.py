"""What changed in meaning between two policies, and what got looser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import BaseModel

from rampgate.policy.change import Alerts
from rampgate.policy.model import Policy
from rampgate.policy.values import Duration, Margin, percent

LOOSER, STRICTER, OTHER = "looser", "stricter", "other"
#: Keys of which more lets more through, whatever section they stand in; of the others in the next, less does.
_MORE_IS_LOOSER = frozenset(
    {
        "margin",
        "worse_by",
        "traffic",
        "false_go",
        "psi",
        "js",
        "ks",
        "wasserstein",
        "wasserstein_scaled",
        "missing",
        "expires",
        "harm_budget",
        "start",
    }
)
_LESS_IS_LOOSER = frozenset(
    {
        "floor",
        "at_least",
        "holdout",
        "required",
        "past_rollback",
        "false_rollback",
        "guardrail",
        "segment",
        "sample_ratio",
        "missing_labels",
        "crossed_units",
        "false_alerts",
        "rollback",
        "values",
        "combinations",
    }
)
#: Sections and lists of which a part that is taken away no longer stops anything.
_GUARDS = ("guardrails", "rollback", "segments", "drift", "approval", "harm_budget", "phases", "by", "require", "floor")
#: Lists of which a part that is added lets more through.
_DOORS = ("approvers", "ignore")
_ORDER = {
    "go": ("non_inferior", "within_budget", "no_harm"),
    "evidence": ("sequential", "point"),
    "then": ("rollback", "hold"),
}
#: What is watched after the last phase: metrics, as above under `metrics`, but a guard.
_WATCHED = ("drift", "after", "metrics")
#: The parts of a policy on which a criterion's evidence rests beside its own rule.
_SHARED = ("source", "timezone", "start", "evidence", "baseline", "candidate", "exposure")


@dataclass(frozen=True)
class Change:
    """One key whose value differs; ``before`` or ``after`` is None where it is not there.

    ``effect`` is looser, stricter, or other where neither can be said.
    """

    key: str
    before: str | None
    after: str | None
    effect: str

    def __str__(self) -> str:
        if self.before is None:
            told = f"{self.key}: {self.after}, which was not there"
        elif self.after is None:
            told = f"{self.key}: taken out, was {self.before}"
        else:
            told = f"{self.key}: {self.before} to {self.after}"
        return told if self.effect == OTHER else f"{told} ({self.effect})"


def diff(old: Policy, new: Policy) -> tuple[Change, ...]:
    """Every key whose meaning differs; comments, order and defaults that are spelled out make no difference."""
    return tuple(_changes((), old, new))


def criteria_changed(old: Policy, new: Policy) -> tuple[str, ...]:
    """Criteria of the new policy whose rule, metric or source is not the old one's; the evidence of others goes on."""
    shared = any(getattr(old, part) != getattr(new, part) for part in _SHARED)
    if shared or old.horizon_days != new.horizon_days:
        return tuple(_rules(new))
    before, now = _rules(old), _rules(new)
    return tuple(name for name, rule in now.items() if before.get(name) != rule)


def _rules(policy: Policy) -> dict[str, Any]:
    """Each criterion, segments as one, with all that its evidence is made of."""
    weights = policy.kpi.weights

    def of(name: str) -> Any:
        metrics = policy.metrics
        return metrics[name] if name in metrics else [(part, weights[part], metrics[part]) for part in weights]

    found: dict[str, Any] = {f"rollback:{name}": (rule, of(name)) for name, rule in policy.rollback.items()}
    found |= {f"guardrail:{name}": (margin, of(name)) for name, margin in policy.margins().items()}
    if policy.kpi.floor is not None:
        found["floor:kpi"] = (policy.kpi.floor, of("kpi"))
    if policy.segments is not None:
        by, least = policy.segments.by, (policy.segments.minimum_units, policy.segments.values)
        for kind, rules in (("rollback", policy.segments.rollback), ("guardrail", policy.segments.guardrails)):
            found |= {f"{kind}:{name} by segment": (rule, by, least, of(name)) for name, rule in rules.items()}
    if policy.drift is not None:
        found["drift"] = policy.drift
    return found


def _changes(path: tuple[str, ...], old: Any, new: Any) -> Iterator[Change]:
    if old == new:
        return
    before, now = _parts(old), _parts(new)
    if before is None or now is None or (isinstance(old, BaseModel) and type(old) is not type(new)):
        yield Change(_dotted(path), _text(old), _text(new), _effect(path, old, new))
        return
    for name in dict.fromkeys([*before, *now]):
        yield from _changes((*path, name), before.get(name), now.get(name))


def _parts(value: Any) -> dict[str, Any] | None:
    """The named parts of a section, mapping or list of sections; None of a single value or of none."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        return {field.alias or name: getattr(value, name) for name, field in fields.items()}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple) and value and all(isinstance(item, BaseModel) for item in value):
        return {f"[{index}]": item for index, item in enumerate(value)}
    return None


def _effect(path: tuple[str, ...], old: Any, new: Any) -> str:
    key = path[-1]
    if path[:2] == ("drift", "reference") or path[:3] == ("drift", "after", "reference"):
        # What drift is measured from: another one may take in what has drifted, and nobody can say that it does not.
        return LOOSER
    if path[0] in ("metrics", "source", "kpi") and key not in ("margin", "floor", "ignore"):
        return OTHER
    if key in _ORDER and old is not None and new is not None:
        order = _ORDER[key]
        return LOOSER if order.index(new) > order.index(old) else STRICTER
    if isinstance(old, tuple) and isinstance(new, tuple) and (key in (*_GUARDS, *_DOORS) or path == _WATCHED):
        gone, come = set(old) - set(new), set(new) - set(old)
        return LOOSER if (come if key in _DOORS else gone) else STRICTER
    if old is None or new is None:
        return _appeared(path, old is None)
    more = _more(old, new)
    if more is None or path[0] == "exposure":
        # Another unit, or another author: nobody can say that it is not looser.
        return LOOSER if key in (_MORE_IS_LOOSER | {"author"}) else OTHER
    if key in _MORE_IS_LOOSER or path[-2:-1] == ("harm_budget",) or path == ("segments", "minimum_units"):
        return LOOSER if more else STRICTER
    return (STRICTER if more else LOOSER) if key in (*_LESS_IS_LOOSER, "minimum_units") else OTHER


def _appeared(path: tuple[str, ...], new: bool) -> str:
    """Something is there that was not, or no longer."""
    key = path[-1]
    if key in ("expires", "harm_budget"):
        return STRICTER if new else LOOSER
    if path[-2:-1] == ("phases",):
        return STRICTER if new else LOOSER
    if any(step in _GUARDS for step in path) and key != "expect":
        return STRICTER if new else LOOSER
    if key == "start":
        return LOOSER
    return OTHER


def _more(old: Any, new: Any) -> bool | None:
    """Whether a number, margin or duration grew; None where they cannot be compared."""
    if isinstance(old, Margin) and isinstance(new, Margin):
        comparable = old.relative == new.relative or 0 in (old.value, new.value)
        return new.value > old.value if comparable else None
    if isinstance(old, Duration) and isinstance(new, Duration):
        return new.timedelta > old.timedelta
    if isinstance(old, date) and isinstance(new, date):
        return new > old
    if isinstance(old, Alerts) and isinstance(new, Alerts):
        return new.a_year > old.a_year
    numbers = isinstance(old, (int, float)) and isinstance(new, (int, float))
    return bool(new > old) if numbers else None


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, BaseModel):
        parts = ((name, _text(part)) for name, part in (_parts(value) or {}).items())
        return ", ".join(f"{name}: {text}" for name, text in parts if text is not None)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {{{_text(part)}}}" for name, part in value.items()) + "}"
    if isinstance(value, tuple):
        return f"[{', '.join(str(_text(item)) for item in value)}]"
    return percent(value) if isinstance(value, float) and 0 < value < 1 else str(value)


def _dotted(path: tuple[str, ...]) -> str:
    return "".join(step if step.startswith("[") else f".{step}" for step in path).removeprefix(".")
