"""Evidence of several ages at once, against a look that recombines all of it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rampgate.estimate.evidence import log_sum_exp
from rampgate.judge.batch import at_looks, ever

BAR = 1.0


@given(
    seed=st.integers(0, 10_000),
    ages=st.lists(st.integers(0, 4), min_size=1, max_size=4),
    periods=st.integers(1, 12),
)
def test_evidence_of_several_ages_is_combined_as_each_look_would(seed, ages, periods):
    rng = np.random.default_rng(seed)
    paths = [rng.normal(0.0, 1.0, (3, periods)).cumsum(-1) for _ in ages]
    booked = [np.maximum(np.arange(1, periods + 1) - age, 0) for age in ages]

    def combine(each):
        return log_sum_exp(np.stack(each, axis=-1)) - np.log(len(each))

    found = ever(paths, booked, combine, BAR)
    for look in range(periods):
        # What a look has: each path as far as it is booked, and where it stood then since.
        seen = []
        for path, ends in zip(paths, booked, strict=True):
            own = np.zeros((3, look + 1))
            end = int(ends[look])
            own[:, :end] = path[:, :end]
            if end:
                own[:, end:] = path[:, end - 1 : end]
            seen.append(own)
        assert (found[:, look] >= (combine(seen) >= BAR).any(-1)).all()
        if look == 0 or not found[:, look - 1].any():
            assert (found[:, look] == (combine(seen) >= BAR).any(-1)).all()


def test_a_path_is_read_at_what_is_booked():
    path = np.array([[1.0, 2.0, 3.0]])
    assert at_looks(path, np.array([1, 2, 3])) is path
    assert at_looks(path, np.array([0, 0, 2])).tolist() == [[0.0, 0.0, 2.0]]
