"""Evidence and confidence sequences against the definition in 60 digits (`slow.py`), and against exact enumeration."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest
from tests.reference.slow import bets, bounded_factor, number, over_onsets, split_factor, without_onsets

from rampgate.estimate import confidence_sequence, evidence, rare_evidence, sample_ratio

#: Doubles carry 16 digits; sums of some twenty terms of size 10 in an exponent leave 13 of them.
CLOSE = 1e-11
HISTORY = (450, 3000)


def tables(harm: float, rate: float = 0.15, periods: int = 24) -> list[tuple[int, int, int, int]]:
    """A ramp of 10, 25 and 50 % in which some days lack an arm."""
    rng = np.random.default_rng(11)
    out = []
    for t in range(periods):
        n_c = int(rng.binomial(60, (0.1, 0.25, 0.5)[min(t // 8, 2)])) if t != 3 else 0
        n_b = 60 - n_c if t != 5 else 0
        out.append((int(rng.binomial(n_c, rate + harm)), n_c, int(rng.binomial(n_b, rate)), n_b))
    return out


@pytest.mark.parametrize("harm", [0.0, 0.1])
@pytest.mark.parametrize("margin", [0.0, 0.03, -0.02])
def test_evidence_of_harm(harm: float, margin: float) -> None:
    days = tables(harm)
    found = evidence(*zip(*days, strict=True), worse_by=margin, expect=0.05, history=HISTORY).log_e
    lambdas = bets(0.05, HISTORY)
    factors = [[bounded_factor(day, number(margin), bet) for bet in lambdas] for day in days]
    for t in (0, 4, 7, 15, 23):
        assert found[t] == pytest.approx(float(over_onsets(factors[: t + 1]).ln()), abs=CLOSE)


def test_both_ends_of_the_confidence_sequence_are_where_its_evidence_reaches_40() -> None:
    days = tables(0.05)
    found = confidence_sequence(*zip(*days, strict=True), expect=0.05, history=HISTORY)
    lambdas = bets(0.05, HISTORY)
    for t in (9, 23):
        for end, direction in ((found.lower[t], 1), (found.upper[t], -1)):
            factors = [
                [bounded_factor(day, number(float(end)), bet, direction) for bet in lambdas] for day in days[: t + 1]
            ]
            # The ends are sought to 1e-8 in the evidence's logarithm, and lie on the inside.
            assert float(without_onsets(factors).ln()) == pytest.approx(math.log(40), abs=1e-6)


@pytest.mark.parametrize("lost", [1.0, 0.85])
def test_sample_ratio(lost: float) -> None:
    rng = np.random.default_rng(4)
    shares = [0.1] * 7 + [0.25] * 7 + [0.5] * 7
    k_c = [int(rng.binomial(300, p * lost)) for p in shares]
    found = sample_ratio(k_c, [300 - x for x in k_c], shares)
    grid = [number(math.exp(sign * step)) for sign in (-1, 1) for step in (0.05, 0.1, 0.2, 0.4, 0.8)]
    factors = [[split_factor(x, 300, number(p), psi) for psi in grid] for x, p in zip(k_c, shares, strict=True)]
    slow = [over_onsets(factors[: t + 1]) for t in range(21)]
    assert found.log_e == pytest.approx([float(e.ln()) for e in slow], abs=CLOSE)
    assert found.p_value[-1] == pytest.approx(float(1 / max(Decimal(1), *slow)), rel=1e-9)


def test_rare_events() -> None:
    y_c, n_c, y_b, n_b = [2, 0, 3, 1, 0], [50, 60, 150, 150, 0], [0, 1, 0, 0, 2], [450, 440, 350, 350, 500]
    found = rare_evidence(y_c, n_c, y_b, n_b, worse_by=0.5)
    share = [Decimal(3) * c / (Decimal(3) * c + 2 * b) for c, b in zip(n_c, n_b, strict=True)]
    grid = [number(psi) for psi in (1.25, 1.5, 2.0, 3.0, 5.0, 8.0)]
    factors = [
        [split_factor(c, c + b, p, psi) if p else Decimal(1) for psi in grid]
        for c, b, p in zip(y_c, y_b, share, strict=True)
    ]
    assert found.log_e[-1] == pytest.approx(float(over_onsets(factors).ln()), abs=CLOSE)
