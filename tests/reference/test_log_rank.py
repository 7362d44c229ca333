"""The log-rank score against R's survdiff (survival 3.5-3, R 4.2.2): tests/reference/scripts/log_rank.R prints it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rampgate.estimate.hazard import log_rank_score

LUNG = Path(__file__).parents[1] / "data" / "survival" / "lung.csv"


def counts(step: float | None, by_age: bool) -> list[np.ndarray]:
    """At risk and events of both sexes by stratum of age and time; the second sex is the candidate."""
    time, event, sex, age = np.loadtxt(LUNG, delimiter=",", skiprows=1, unpack=True)
    when = time if step is None else np.ceil(time / step)
    old = age >= 63 if by_age else np.zeros(len(age), dtype=bool)
    out: list[list[int]] = [[], [], [], []]
    for side in (False, True):
        for t in np.unique(when):
            for place, arm in enumerate((2, 1)):
                mine = (sex == arm) & (old == side)
                out[place].append(int((mine & (when >= t)).sum()))
                out[2 + place].append(int((mine & (when == t) & (event == 1)).sum()))
    return [np.array(x, dtype=float) for x in out]


@pytest.mark.parametrize(
    ("step", "by_age", "score", "variance", "chi2"),
    [
        (None, False, -20.4182609704, 40.3714339796, 10.3267419549),
        (30.0, False, -20.4938662419, 37.6294211780, 11.1614407130),
        (30.0, True, -19.8997360484, 36.6701584123, 10.7989578431),
    ],
)
def test_scores_are_those_of_survdiff(
    step: float | None, by_age: bool, score: float, variance: float, chi2: float
) -> None:
    s, v = (x.sum() for x in log_rank_score(*counts(step, by_age)))
    # R prints ten digits after the point.
    assert s == pytest.approx(score, abs=1e-9)
    assert v == pytest.approx(variance, abs=1e-9)
    assert s * s / v == pytest.approx(chi2, abs=1e-9)
