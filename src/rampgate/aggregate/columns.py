"""Whether a policy fits the columns of a source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from rampgate.errors import ColumnError
from rampgate.policy import Policy, Proportion, TimeToEvent
from rampgate.source import Column, ColumnType

_TIMES = ("date", "timestamp", "timestamptz", "text")
_WRITTEN_TIMES = (*_TIMES, "integer", "number", "decimal")
_NUMBERS = ("boolean", "integer", "number", "decimal", "text")
_TEXTS = (*_NUMBERS, "date", "timestamp", "timestamptz")
_WORDS: dict[ColumnType, str] = {
    "boolean": "true and false", "integer": "whole numbers", "number": "numbers", "decimal": "numbers",
    "text": "text", "date": "dates", "timestamp": "times", "timestamptz": "times",
    "other": "values of a type that cannot be used",
}  # fmt: skip


def check_columns(policy: Policy, columns: Sequence[Column], source: str) -> dict[str, ColumnType]:
    """Types of the columns by name, if the policy fits them.

    Raises
    ------
    ColumnError
        Naming every column that is missing or of a wrong type, where the policy asks for it.
    """
    types: dict[str, ColumnType] = {column.name: column.type for column in columns}
    faults = [
        fault
        for key, name, wanted in _wanted(policy)
        if (fault := _fault(policy, key, name, wanted, types)) is not None
    ]
    if faults:
        remedies = list(dict.fromkeys(remedy for _, remedy in faults if remedy))
        if len(remedies) < len(faults):
            remedies.append(f"the columns are: {_listed(types)}")
        raise ColumnError("; ".join(what for what, _ in faults), where=source, remedy="; ".join(remedies))
    return types


_Key = tuple[str | int, ...]


def _wanted(policy: Policy) -> Iterator[tuple[_Key, str, Sequence[str]]]:
    """Key of the policy, column, and the types that fit."""
    yield ("source", "unit"), policy.source.unit, _TEXTS
    any_time = _TIMES if policy.source.time_format is None else _WRITTEN_TIMES
    yield ("source", "time"), policy.source.time, any_time
    yield ("source", "variant"), policy.source.variant, _TEXTS
    if policy.source.cluster is not None:
        yield ("source", "cluster"), policy.source.cluster, _TEXTS
    for name, metric in policy.metrics.items():
        times = {metric.known_at, *((metric.from_, metric.to) if isinstance(metric, TimeToEvent) else ())}
        fits = _TEXTS if getattr(metric, "equals", None) is not None else _NUMBERS
        for column in metric.columns():
            yield ("metrics", name), column, any_time if column in times else fits
        if isinstance(metric, Proportion) and metric.score is not None:
            yield ("metrics", name, "score"), metric.score, _NUMBERS
    if policy.segments is not None:
        for place, column in enumerate(policy.segments.by):
            yield ("segments", "by", place), column, _TEXTS
    if policy.drift is not None:
        for name, alert in policy.drift.columns.items():
            yield (
                ("drift", "columns", name),
                policy.watched_column(name),
                _TEXTS if alert.kind == "categorical" else _NUMBERS,
            )


def _fault(
    policy: Policy, key: _Key, name: str, wanted: Sequence[str], types: dict[str, ColumnType]
) -> tuple[str, str | None] | None:
    """What is wrong with one column, and the remedy if there is a better one than to list the columns."""
    line = policy.origin.line(key)
    asks = ".".join(str(step) for step in key if isinstance(step, str)) + (f", line {line}" if line else "")
    if name not in types:
        close = _closest(name, list(types))
        return f"there is no column {name!r} ({asks})", f"did you mean {close!r}?" if close else None
    kind = types[name]
    if kind in wanted:
        return None
    if wanted is _TIMES or wanted is _WRITTEN_TIMES:
        remedy = "give it as a timestamp or as a date"
        if kind in _WRITTEN_TIMES:
            remedy += "; if it counts since 1970, write time_format: epoch_s (or epoch_ms, epoch_us) under source"
        return f"column {name!r} holds {_WORDS[kind]}, not times ({asks})", remedy
    need = "numbers" if wanted is _NUMBERS else "plain values"
    return f"column {name!r} holds {_WORDS[kind]}, not {need} ({asks})", "name another column, or convert it"


def _closest(name: str, known: Sequence[str]) -> str | None:
    folded = {column.casefold(): column for column in known}
    close = get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def _listed(types: dict[str, ColumnType], most: int = 30) -> str:
    names = list(types)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
