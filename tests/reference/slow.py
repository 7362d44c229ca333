"""The evidence once more, slowly: plain sums and products of the definition in 60 digits, no logarithms, no arrays.

Written from statistics' formulas and not from the code under test: the sum over onsets is taken directly, and nothing
is shared but the numbers that go in.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, getcontext
from statistics import NormalDist

getcontext().prec = 60
Number = Decimal
Counts = Sequence[int]


def number(x: float) -> Number:
    """The float, exactly."""
    return Decimal(x)


def bets(expect: float, rate: tuple[int, int], size: int = 10) -> list[Number]:
    """Quantiles of N(mu, (mu/2)^2) above 0, mu the effect over the variance at that effect."""
    y, n = number(rate[0]), number(rate[1])
    variance = (y * (n - y) / n + Decimal("0.25")) / (n + 1)
    mu = number(expect) / (variance + number(expect))
    below = NormalDist().cdf(-2.0)
    return [mu * (1 + number(NormalDist().inv_cdf(below + (g + 0.5) / size * (1 - below))) / 2) for g in range(size)]


def clipped(x: Number, low: Number, high: Number) -> Number:
    return min(max(x, low), high)


KEPT = Decimal("0.0001")


def bounded_factor(table: tuple[int, int, int, int], m: Number, bet: Number, direction: int = 1) -> Number:
    """exp(lambda s - v (exp(lambda c) - 1 - lambda c) / c^2) of one period against the margin m."""
    y_c, n_c, y_b, n_b = (Decimal(x) for x in table)
    if not n_c or not n_b:
        return Decimal(1)
    n = n_c + n_b
    h = n_c * n_b / n
    s = direction * h * (y_c / n_c - y_b / n_b - m)
    q_b = clipped((y_c + y_b - n_c * m) / n, max(Decimal(0), -m), min(Decimal(1), 1 - m))
    q_c = q_b + m
    v = h * h * (q_c * (1 - q_c) / n_c + q_b * (1 - q_b) / n_b)
    c = max(n_b, n_c) / n
    # A ten-thousandth is not bet.
    won = (bet * s - v * ((bet * c).exp() - 1 - bet * c) / (c * c)).exp()
    return max(won, KEPT) / (1 + KEPT)


def split_factor(k_c: int, k: int, p: Number, psi: Number) -> Number:
    """Likelihood ratio of k_c of k when each unit's odds to be the candidate's are psi times as high."""
    shifted = p * psi / (1 - p + p * psi)
    return (shifted / p) ** k_c * ((1 - shifted) / (1 - p)) ** (k - k_c)


def over_onsets(factors: Sequence[Sequence[Number]]) -> Number:
    """E at the last of daily periods: over all weekly onsets, prior times the mean over bets of the product since."""
    total, left = Decimal(0), Decimal(1)
    for week, begin in enumerate(range(0, len(factors), 7)):
        prior = Decimal("0.5") if week == 0 else Decimal(4) / ((week + 7) * (week + 8))
        products = [Decimal(1)] * len(factors[0])
        for row in factors[begin:]:
            products = [product * factor for product, factor in zip(products, row, strict=True)]
        total += prior * sum(products, Decimal(0)) / len(products)
        left -= prior
    return total + left


def without_onsets(factors: Sequence[Sequence[Number]]) -> Number:
    """E at the last period of the process that starts at the first."""
    products = [Decimal(1)] * len(factors[0])
    for row in factors:
        products = [product * factor for product, factor in zip(products, row, strict=True)]
    return sum(products, Decimal(0)) / len(products)
