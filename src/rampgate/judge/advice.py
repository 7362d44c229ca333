"""What the rows say against the policy's choices: legal, judged as written, and better written otherwise."""

from __future__ import annotations

from rampgate.judge.case import Case
from rampgate.policy import Proportion

#: Below this rate counts against the known split see harm that a difference of shares cannot (statistics.md, 5).
RARE = 0.02
#: Known baseline units that a rate is taken from.
ENOUGH = 200


def advice(case: Case) -> list[str]:
    """One line per judged proportion whose bad outcome is rare in the baseline."""
    data, out = case.data, []
    for name in case.policy.judged_metrics():
        metric = case.policy.metrics[name]
        if not isinstance(metric, Proportion):
            continue
        known, true = (
            sum(float(arm.total(f"{name}:{role}")[0].sum()) for arm in (data.history[1], data.run[1]))
            for role in ("known", "value")
        )
        bad = true if metric.better == "lower" else known - true
        if known < ENOUGH or bad >= RARE * known:
            continue
        rewritten = (
            "write kind: rare_event"
            if metric.better == "lower"
            else "name the bad value under equals, with kind: rare_event and better: lower"
        )
        out.append(
            f"{name}: bad in {bad / known:.2%} of the baseline's units ({bad:.0f} of {known:.0f}); below {RARE:.0%} "
            f"counts see harm sooner: {rewritten}, and margins relative to the baseline"
        )
    return out
