"""Units that are not through yet, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from rampgate.judge.decision import Decision, StillOpen
from rampgate.report.explained import told
from rampgate.report.words import hours


def still_open(decision: Decision) -> Iterator[str]:
    """How far both arms are with each event that takes time; nothing where there is no such metric."""
    rows: dict[str, list[StillOpen]] = {}
    for row in decision.open:
        rows.setdefault(row.metric, []).append(row)
    for metric, (baseline, candidate) in rows.items():
        past = sum(row.past_limit for row in (baseline, candidate))
        text = (
            f"Of {metric} {told.counted(candidate.open, 'unit')} of the candidate and {baseline.open:,} of the "
            f"baseline are still open, and {past:,} are past the limit, which is a miss"
        )
        if candidate.share is None or baseline.share is None:
            yield f"{text}; how fast they come through cannot be told yet."
            continue
        yield (
            f"{text}. By the age of {hours(candidate.age)} {100 * candidate.share:.1f} of 100 of the candidate's have "
            f"had the event, and {100 * baseline.share:.1f} of the baseline's; that is shown, and nothing is judged by "
            "it, for it mixes good and bad days."
        )
