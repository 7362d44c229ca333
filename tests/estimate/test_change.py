"""The watch over days against its definition, written down a second time, and its laws."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rampgate.errors import UsageError
from rampgate.estimate import detect_change
from rampgate.estimate.change import MODELS, SIZES, Detector, Rows, changed_within, step_days, steps_needed

# A level has a variance of 1e4 beforehand where the definition has an infinite one, and the reference's mean of it is
# off by a standard deviation or so.
TOLERANCE = 5e-3


def rows(count: int, reference: int, seed: int = 1, ramp: int = 0) -> Rows:
    """Days with a weekday level; the last ``ramp`` of the reference have both arms."""
    rng = np.random.default_rng(seed)
    day = np.arange(count)
    both = np.repeat(day, np.where((day >= reference - ramp) & (day < reference), 2, 1))
    arm = np.where(both < reference - ramp, 0, 1)
    arm[1:][(both[1:] == both[:-1])] = 1
    arm[:-1][(both[1:] == both[:-1])] = 0
    return Rows(rng.uniform(50, 400, len(both)), both, both % 7, arm, both >= reference)


def held(found: Rows, x: np.ndarray) -> np.ndarray:
    """Residuals, each from a fit without its row, of which none counts as more than 3 standard deviations."""
    design = np.array([found.level == level for level in np.unique(found.level)], dtype=float).T
    if len(np.unique(found.arm)) > 1:
        design = np.column_stack([design, found.arm])
    reference = np.flatnonzero(~found.watched)
    size = np.sqrt(1 + np.exp(np.log(found.units[reference]).mean()) / found.units)
    alone = np.empty_like(x)
    for row in range(len(x)):
        others = reference[reference != row]
        fit, *_ = np.linalg.lstsq(design[others], x[others], rcond=None)
        alone[row] = (x[row] - design[row] @ fit) / size[row]
    most = 3.0 * np.sqrt((alone[reference] ** 2).mean())
    return np.asarray(np.clip(alone, -most, most) * size)


def by_definition(found: Rows, x: np.ndarray) -> float:
    """Log of the sum of likelihood ratios after the last row: of contrasts that no level moves, by dense algebra."""
    design = [(found.level == level).astype(float) for level in np.unique(found.level)]
    design += [found.arm.astype(float)] if len(np.unique(found.arm)) > 1 else []
    left, size, _ = np.linalg.svd(np.array(design).T, full_matrices=True)
    free = left[:, int((size > 1e-9).sum()) :]
    y = free.T @ x
    noise = np.exp(np.log(found.units[~found.watched]).mean()) / found.units
    gap = np.abs(found.step[:, None] - found.step)
    null, ratios = [], []
    for rho, between in MODELS:
        lasting = np.where(gap == 0, 1.0, rho**gap if rho else 0.0)
        cov = free.T @ (np.diag(noise) + between * lasting) @ free
        likelihood = -0.5 * np.linalg.slogdet(cov)[1] - len(y) / 2 * np.log(y @ np.linalg.solve(cov, y))
        null.append(likelihood)
        each = []
        for v in np.flatnonzero(found.watched):
            step = free.T @ (np.arange(len(x)) >= v).astype(float)
            for prior in SIZES:
                moved = cov + prior * (1 + between) * np.outer(step, step)
                told = -0.5 * np.linalg.slogdet(moved)[1] - len(y) / 2 * np.log(y @ np.linalg.solve(moved, y))
                each.append(told - likelihood)
        ratios.append(np.logaddexp.reduce(each) - np.log(len(SIZES)))
    weights = np.array(null) - np.logaddexp.reduce(null)
    return float(np.logaddexp.reduce(weights + np.array(ratios)))


@pytest.mark.parametrize("ramp", [0, 14])
def test_the_sum_of_likelihood_ratios_is_its_definition(ramp: int) -> None:
    found = rows(60, 42, ramp=ramp)
    rng = np.random.default_rng(2)
    for shift in (0.0, 0.08):
        x = 0.8 + 0.03 * rng.standard_normal(len(found.units)) + 0.1 * (found.level == 3) - shift * (found.step >= 50)
        assert Detector.of(found).watch(x).log_r[-1] == pytest.approx(
            by_definition(found, held(found, x)), abs=TOLERANCE
        )


def path(x: np.ndarray, found: Rows) -> np.ndarray:
    return Detector.of(found).watch(x).log_r


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 999), st.floats(0.01, 100), st.lists(st.floats(-9, 9), min_size=7, max_size=7))
def test_neither_the_levels_nor_the_unit_matter(seed: int, scale: float, levels: list[float]) -> None:
    found = rows(56, 42, ramp=14)
    x = np.random.default_rng(seed).standard_normal(len(found.units))
    moved = scale * (x + np.array(levels)[found.level] + 3.0 * found.arm)
    np.testing.assert_allclose(path(moved, found), path(x, found), atol=TOLERANCE)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 999), st.integers(43, 55))
def test_later_days_change_nothing_before_them(seed: int, cut: int) -> None:
    found = rows(56, 42)
    x = np.random.default_rng(seed).standard_normal(56)
    short = Rows(*(getattr(found, name)[:cut] for name in ("units", "step", "level", "arm", "watched")))
    np.testing.assert_allclose(path(x[:cut], short), path(x, found)[: cut - 42], atol=1e-9)


def test_one_day_beyond_all_others_is_no_alarm() -> None:
    found = rows(70, 42)
    x = np.random.default_rng(5).standard_normal(70)
    x[55] = 1e6
    assert path(x, found).max() < np.log(365)


def test_up_and_down_are_alike_and_told_apart() -> None:
    found = rows(70, 42)
    x = np.random.default_rng(3).standard_normal(70) + 4.0 * (found.step >= 56)
    up, down = Detector.of(found).watch(x), Detector.of(found).watch(-x)
    np.testing.assert_allclose(up.log_r, down.log_r)
    assert up.onset(27).shift == pytest.approx(-down.onset(27).shift)
    assert up.onset(27).first <= 14 <= up.onset(27).last


def test_a_reference_that_changes_is_told_and_a_short_one_not_asked() -> None:
    rng = np.random.default_rng(6)
    found = rows(120, 84)
    quiet = rng.standard_normal(120)
    assert changed_within(found, quiet, 365.25) is None
    told = changed_within(found, quiet + 5.0 * (found.step >= 60), 365.25)
    assert told is not None
    assert 60 <= told <= 68
    assert changed_within(rows(90, 42), quiet[:90] + 5.0 * (np.arange(90) >= 30), 365.25) is None


def test_a_batch_is_its_rollouts() -> None:
    found = rows(56, 42)
    x = np.random.default_rng(4).standard_normal((3, 56))
    np.testing.assert_allclose(path(x, found), np.stack([path(one, found) for one in x]), atol=1e-9)


@pytest.mark.filterwarnings("error")
def test_days_without_scatter_are_no_exception() -> None:
    found = rows(50, 42)
    assert np.isfinite(path(np.full(50, 0.3), found)[0])
    assert not np.isnan(path(np.where(found.step >= 45, 1.0, 0.0), found)).any()


def test_steps_hold_enough() -> None:
    assert step_days(np.full(9, 5.0), 5.0) == 1
    assert step_days(np.full(9, 1.0), 5.0) == 7
    assert step_days(np.full(9, 0.2), 5.0) == 28
    assert step_days(np.full(9, 0.1), 5.0) is None
    assert step_days(np.zeros(0), 5.0) is None


def test_rarer_alarms_need_more_days() -> None:
    assert [steps_needed(alarms) for alarms in (52, 365.25, 3652.5)] == [20, 20, 28]


# --- alone ------------------------------------------------------------------------------


def shares(days: int = 120, change: int = 90) -> np.ndarray:
    rate = np.where(np.arange(days) >= change, 0.21, 0.15)
    return np.random.default_rng(1).binomial(300, rate) / 300


def test_a_change_is_told_with_its_onset() -> None:
    days = [date(2026, 1, 5) + timedelta(days=t) for t in range(120)]
    found = detect_change(shares(), np.full(120, 300), reference=56, days=days)
    assert found.alarm is not None
    assert found.onset is not None
    assert 34 <= found.alarm <= 41
    assert found.onset.first <= 34 <= found.onset.last
    assert found.onset.shift == pytest.approx(0.06, abs=0.03)
    assert "alarm at" in repr(found)


def test_nothing_is_told_of_nothing() -> None:
    found = detect_change(shares(change=999), reference=56)
    assert found.alarm is None
    assert "none" in repr(found)


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"reference": 15}, "15 days are too few"),
        ({"reference": 25, "days": [date(2026, 1, 5) + timedelta(days=t) for t in range(120)]}, "too few"),
        ({"reference": 56, "days": [date(2026, 1, 5)] * 120}, "out of order"),
        ({"reference": 56, "units": np.zeros(120)}, "units above 0"),
        ({"reference": 56, "false_alarms": 0}, "a year"),
        ({"values": np.full(120, 0.2), "reference": 56}, "do not differ"),
        ({"values": np.full((2, 120), 0.2), "reference": 56}, "one value per day"),
    ],
)
def test_what_cannot_be_watched_is_refused(given_: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        detect_change(**{"values": shares(), **given_})
