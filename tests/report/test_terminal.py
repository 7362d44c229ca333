"""What the terminal shows fits 80 columns, needs no colour, and hides no number."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
from rich.console import Console, RenderableType
from tests.judge.build import case, policy, units

from rampgate.judge.decide import judge
from rampgate.judge.decision import Decision
from rampgate.report.pooled import pooled
from rampgate.report.terminal import decision_view, looks_table


def text(view: RenderableType, width: int = 80) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, no_color=True).print(view)
    return out.getvalue().splitlines()


def harmful() -> Decision:
    queues = ("network and telephony of the northern region", "mail", "desk")
    rules = policy(segments={"by": ["queue"], "guardrails": {"override": {"margin": "10pp"}}, "minimum_units": 50})
    rates = {"right": (0.85, 0.6), "override": (0.15, 0.4)}
    return judge(case(units(days=20, traffic=0.5, queues=queues, rates=rates, per_day=30_000 // 20), 20, rules))


def test_a_decision_fits_80_columns_and_cuts_no_number() -> None:
    lines = text(decision_view(harmful()))
    assert max(map(len, lines)) <= 80
    for line in lines:
        # Only names may be cut; a cut number would end in an ellipsis after a digit.
        assert not any(a.isdigit() and b == "…" for a, b in pairwise(line)), line
    assert lines[0].startswith("ROLLBACK")


def test_the_verdict_is_told_without_colour() -> None:
    lines = text(decision_view(harmful()))
    assert any("FAIL" in line for line in lines)
    assert not any("\x1b[" in line for line in lines)


def test_looks_fit_80_columns() -> None:
    good = judge(case(units()))
    lines = text(looks_table([good, harmful()]))
    assert max(map(len, lines)) <= 80
    assert "GO" in lines[1]
    assert "ROLLBACK" in lines[2]


def test_pooled_comparison_against_scipy() -> None:
    from scipy import stats

    decision = judge(case(units(traffic=0.3)))
    row = next(m for m in decision.metrics if m.name == "override")
    assert row.raw_baseline is not None
    assert row.raw_candidate is not None
    yes = [round(row.n_baseline * row.raw_baseline), round(row.n_candidate * row.raw_candidate)]
    table = np.array([yes, [row.n_baseline - yes[0], row.n_candidate - yes[1]]])
    found = pooled(decision, "override")
    assert found is not None
    assert np.isclose(found.p, stats.chi2_contingency(table, correction=False).pvalue, rtol=1e-9)
    assert decision.look - decision.as_of == timedelta(0)


def test_what_could_not_be_checked_is_one_line_and_no_reason() -> None:
    decision = judge(case(units(days=3), 3))
    lines = text(decision_view(decision))
    at = next(i for i, line in enumerate(lines) if line.startswith("not checked"))
    said = " ".join(" ".join(lines[at:]).split())
    assert "split: " in said
    assert "`exposure`" in said
    assert "volume: two weeks are needed" in said
    assert not any("not checked" in reason.message for reason in decision.reasons)
    checked = replace(decision, health=tuple(h for h in decision.health if h.verdict != "INCONCLUSIVE"))
    assert not any(line.startswith("not checked") for line in text(decision_view(checked)))
