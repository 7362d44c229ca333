"""The job in rampgate: differences, intervals and p-values of six metrics, by week, overall and in each segment value.

``python -m benchmarks.speed.job POLICY OUT`` writes an array (week, group, metric, 4) of difference, interval, p-value.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from rampgate.aggregate.marginals import Moments, groups_of, marginals
from rampgate.aggregate.read import read
from rampgate.estimate import Sample, two_means
from rampgate.policy import load_policy
from rampgate.source import open_engine


def samples(moments: Moments, metric: str, binary: bool) -> tuple[Sample, Sample]:
    """Candidate and baseline of one metric among units that know it, (week, group) each."""
    i, k = (moments.components.index(f"{metric}:{role}") for role in ("value", "known"))
    n = np.rint(moments.n * moments.mean[..., k])
    total = moments.n * moments.mean[..., i]
    mean = total / n
    if binary:
        squares = total * (1.0 - mean)
    else:
        # About the mean of those known, from that over all units, in which others are 0.
        about = moments.comoment[..., moments.pairs.index((i, i))] + moments.n * moments.mean[..., i] ** 2
        squares = about - n * mean**2
    made = [Sample(n[:, arm], mean[:, arm], squares[:, arm] / (n[:, arm] - 1)) for arm in (1, 0)]
    return made[0], made[1]


def compare(moments: Moments, metrics: dict[str, bool]) -> np.ndarray:
    """All comparisons, (week, group, metric, 4)."""
    arms = [samples(moments, name, binary) for name, binary in metrics.items()]
    whole = [
        Sample(*(np.stack([getattr(pair[arm], key) for pair in arms], axis=2) for key in ("n", "mean", "variance")))
        for arm in (0, 1)
    ]
    found = two_means(whole[0], whole[1])
    return np.stack([found.difference, found.lower, found.upper, found.p_value], axis=-1)


def main() -> None:
    """Read, compare, and write what was found."""
    policy = load_policy(Path(sys.argv[1]))
    assert policy.start is not None
    engine = open_engine(policy.source.events, policy.path.parent if policy.path else None)
    end = datetime.combine(policy.start, datetime.min.time(), UTC) + timedelta(weeks=12)
    cells = read(policy, engine, (), end).cells
    moments = marginals(cells, groups_of(cells), range(len(cells.periods)))
    metrics = {name: policy.metrics[name].binary for name in policy.metrics}
    began = time.process_time()
    found = compare(moments, metrics)
    seconds = time.process_time() - began
    np.save(sys.argv[2], found)
    labels = [str(group) for group in groups_of(cells)]
    print(json.dumps({"seconds": seconds, "comparisons": int(found[..., 0].size), "groups": labels}))


if __name__ == "__main__":
    main()
