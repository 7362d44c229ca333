"""Distances against SciPy, against each other, and against what they promise of noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as some
from scipy.spatial.distance import jensenshannon
from scipy.special import kolmogorov
from scipy.stats import chi2_contingency, wasserstein_distance

from rampgate.estimate.distances import (
    alarm,
    chi_square,
    hellinger,
    jensen_shannon,
    jensen_shannon_noise,
    kolmogorov_smirnov,
    kolmogorov_smirnov_noise,
    kolmogorov_smirnov_p,
    mix_part,
    psi,
    psi_expected,
    psi_interval,
    psi_noise,
    wasserstein,
    wasserstein_noise,
)

counts = some.arrays(float, 6, elements=st.integers(1, 500).map(float))


@given(counts, counts)
def test_psi_is_both_divergences_of_kullback_and_leibler(a, b):
    from scipy.stats import entropy

    assert psi(a, b) == pytest.approx(entropy(a, b) + entropy(b, a), rel=1e-9, abs=1e-12)


@given(counts, counts)
def test_jensen_shannon_is_scipys(a, b):
    # Where nothing differs SciPy's sum may be below 0 for rounding, and its root no number.
    assert jensen_shannon(a, b) == pytest.approx(np.nan_to_num(jensenshannon(a, b, base=2)), abs=1e-7)


@given(counts, counts)
def test_chi_square_is_scipys(a, b):
    expected = chi2_contingency([a, b], correction=False)
    found = chi_square(a, b)
    assert found.statistic == pytest.approx(expected.statistic, rel=1e-9, abs=1e-9)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-7, abs=1e-12)


@given(counts, counts, st.lists(st.floats(-1e6, 1e6), min_size=6, max_size=6, unique=True).map(sorted))
def test_wasserstein_of_values_with_a_bin_each_is_scipys(a, b, values):
    expected = wasserstein_distance(values, values, a, b)
    assert wasserstein(a, b, np.array(values)) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@given(counts, counts)
def test_distances_are_alike_both_ways_and_0_to_itself(a, b):
    for distance in (psi, jensen_shannon, kolmogorov_smirnov, hellinger):
        assert distance(a, b) == pytest.approx(distance(b, a), abs=1e-12)
        assert distance(a, 3 * a) == pytest.approx(0.0, abs=1e-7)


@given(counts, counts)
def test_merging_bins_never_makes_it_farther(a, b):
    def few(x: np.ndarray) -> np.ndarray:
        return np.asarray(x.reshape(3, 2).sum(1))

    for distance in (psi, jensen_shannon, kolmogorov_smirnov):
        assert distance(few(a), few(b)) <= distance(a, b) + 1e-9


def test_leading_axes_are_batches():
    rng = np.random.default_rng(1)
    a, b = rng.integers(1, 50, (2, 4, 3, 7)).astype(float)
    for distance in (psi, jensen_shannon, kolmogorov_smirnov, hellinger, psi_expected):
        each = [[float(distance(a[i, j], b[i, j])) for j in range(3)] for i in range(4)]
        assert distance(a, b) == pytest.approx(np.array(each))


def test_a_bin_that_is_empty_on_one_side_counts_as_half_a_unit():
    a, b = np.array([50.0, 50.0, 0.0]), np.array([49.0, 50.0, 1.0])
    p, q = np.array([50, 50, 0.5]) / 100.5, np.array([49, 50, 1]) / 100
    assert psi(a, b) == pytest.approx(float(((q - p) * np.log(q / p)).sum()))
    assert psi(np.array([5.0, 0.0]), np.array([9.0, 0.0])) == 0.0


def test_without_a_unit_nothing_is_known():
    a, none = np.array([3.0, 4.0]), np.zeros(2)
    for one, other in ((a, none), (none, a), (none, none)):
        for distance in (psi, jensen_shannon, kolmogorov_smirnov, psi_expected):
            assert math.isnan(float(distance(one, other)))
        assert math.isnan(chi_square(one, other).p_value)
        assert np.isnan(psi_interval(one, other)).all()


@pytest.mark.parametrize(("n", "m"), [(5000, 5000), (5000, 40), (300, 700)])
def test_the_p_value_of_kolmogorov_and_smirnov_is_the_limit_law(n, m):
    for distance in (0.0, 0.01, 0.03, 0.05, 0.1, 0.3, 1.0):
        expected = kolmogorov(distance * math.sqrt(n * m / (n + m)))
        assert kolmogorov_smirnov_p(distance, n, m) == pytest.approx(expected, abs=1e-9)


# --- what noise makes of them: simulated, each with its Monte-Carlo error in the bound ---

ROUNDS = 20_000
#: Two standard errors of a share of 1 % among ROUNDS.
ERROR = 2 * math.sqrt(0.01 * 0.99 / ROUNDS)


def drawn(p, n, m, q=None, seed=5):
    rng = np.random.default_rng(seed)
    shares = np.array(p) / np.sum(p)
    other = shares if q is None else np.array(q) / np.sum(q)
    return rng.multinomial(n, shares, ROUNDS).astype(float), rng.multinomial(m, other, ROUNDS).astype(float)


@pytest.mark.parametrize(("n", "m"), [(5000, 200), (2000, 2000), (300, 300)])
def test_noise_alone_passes_its_bound_as_rarely_as_it_says(n, m):
    a, b = drawn(np.ones(10), n, m)
    assert psi(a, b).mean() == pytest.approx(float(psi_expected(a, b).mean()), rel=0.06)
    passed = {
        "psi": psi(a, b) > psi_noise(a, b, 100),
        "js": jensen_shannon(a, b) > jensen_shannon_noise(a, b, 100),
        "ks": kolmogorov_smirnov(a, b) > kolmogorov_smirnov_noise(a, b, 100),
        "wasserstein": wasserstein(a, b, np.arange(10.0)) > wasserstein_noise(a, b, np.arange(10.0), 100),
    }
    # The divergence's chi-square is a little too light where bins are small; the other two are bounds.
    most = {"psi": 0.011, "js": 0.017, "ks": 0.01, "wasserstein": 0.01}
    for name, times in passed.items():
        assert times.mean() <= most[name] + ERROR, name
    assert passed["psi"].mean() > 0.004  # and it is no bound that nothing ever passes


@pytest.mark.parametrize("tilt", [0.1, 0.3, 0.6, 1.0])
@pytest.mark.parametrize(("n", "m"), [(5000, 200), (5000, 1000), (20_000, 20_000)])
def test_the_interval_covers_what_the_samples_were_drawn_from(tilt, n, m):
    q = np.exp(tilt * np.linspace(-1, 1, 10))
    truth = psi(np.ones(10) * 1e9, q * 1e9)
    a, b = drawn(np.ones(10), n, m, q)
    found = psi_interval(a, b)
    covered = ((found.lower <= truth) & (truth <= found.upper)).mean()
    assert covered >= 0.95 - 2 * math.sqrt(0.95 * 0.05 / ROUNDS)


# --- what a change is made of ------------------------------------------------------------


@given(some.arrays(float, (3, 4), elements=st.integers(1, 99).map(float)), st.integers(1, 50))
def test_another_mix_of_the_same_segments_is_all_mix(table, times):
    current = table * np.array([1.0, times, 2.0])[:, None]
    whole = psi(table.sum(0), current.sum(0))
    assert mix_part(table, current) == pytest.approx(float(whole), abs=1e-9)


@given(some.arrays(float, (3, 4), elements=st.integers(1, 99).map(float)), st.permutations(range(4)))
def test_change_within_segments_of_the_same_weight_is_no_mix(table, order):
    assert mix_part(table, table[:, list(order)]) == pytest.approx(0.0, abs=1e-9)


def test_a_segment_that_was_not_there_is_mix():
    table = np.array([[10.0, 20.0], [0.0, 0.0]])
    current = np.array([[10.0, 20.0], [30.0, 1.0]])
    assert mix_part(table, current) == pytest.approx(float(psi(table.sum(0), current.sum(0))))


# --- thresholds from the reference's own windows -----------------------------------------


def history(rng, windows, columns, units, wobble):
    """Windows that differ by more than counting does: each has shares of its own."""
    out = []
    for _ in range(columns):
        logits = rng.normal(0, wobble, (windows, 10))
        shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        out.append(np.array([rng.multinomial(u, s) for u, s in zip(units, shares, strict=True)], dtype=float))
    return out


@pytest.mark.parametrize("wobble", [0.0, 0.15])
@pytest.mark.parametrize("small", [False, True])
def test_a_new_window_alarms_as_rarely_as_asked(wobble, small):
    # 103 windows support 1 alarm a year of weekly windows at k = 2 of 104; the next one is compared with all of them.
    rng, rate, rounds = np.random.default_rng(3), 1 / 52, 600
    alarms = 0
    for _ in range(rounds):
        units = rng.integers(500, 1500, 104)
        if small:
            units[-1] = 150
        every = history(rng, 104, 3, units, wobble)
        found = alarm([counts[:-1] for counts in every], rate)
        for c, counts in enumerate(every):
            before, now = counts[:-1].sum(0), counts[-1]
            if psi(before, now) >= found.level(c, before, now):
                alarms += 1
                break
    error = math.sqrt(rate * (1 - rate) / rounds)
    print(f"wobble {wobble}, small {small}: {alarms / rounds:.4f} +- {error:.4f}, asked {rate:.4f}")
    assert alarms / rounds <= rate + 2 * error


def test_a_moved_window_alarms():
    rng = np.random.default_rng(4)
    [counts] = history(rng, 60, 1, np.full(60, 1000), 0.1)
    found = alarm([counts], 1 / 52)
    tilted = np.exp(np.linspace(-1, 1, 10))
    moved = rng.multinomial(1000, tilted / tilted.sum()).astype(float)
    assert psi(counts.sum(0), moved) > found.level(0, counts.sum(0), moved)
