"""The job with pandas and SciPy: ``python pandas_scipy.py GLOB OUT``."""

from __future__ import annotations

import glob
import sys

import numpy as np
import pandas as pd
from plan import COLUMNS, GROUPS
from scipy import stats


def main() -> None:
    """Every week, group and metric."""
    pattern, out = sys.argv[1:]
    needed = ["variant", "ts", "queue", "urgency", "geo", *COLUMNS.values()]
    table = pd.concat([pd.read_parquet(path, columns=needed) for path in sorted(glob.glob(pattern))])  # noqa: PTH207
    table["week"] = table["ts"].dt.to_period("W").dt.start_time
    for column in COLUMNS.values():
        table[column] = table[column].astype(float)
    weeks = sorted(table["week"].unique())
    found = np.zeros((len(weeks), len(GROUPS), len(COLUMNS), 4))
    for w, week in enumerate(weeks):
        of_week = table[table["week"] == week]
        for g, group in enumerate(GROUPS):
            mine = of_week if group is None else of_week[of_week[group[0]] == group[1]]
            arms = [mine[mine["variant"] == name] for name in ("candidate", "baseline")]
            for m, column in enumerate(COLUMNS.values()):
                values = [arm[column].dropna().to_numpy() for arm in arms]
                test = stats.ttest_ind(*values, equal_var=False)
                ends = test.confidence_interval()
                found[w, g, m] = values[0].mean() - values[1].mean(), ends.low, ends.high, test.pvalue
    np.save(out, found)


if __name__ == "__main__":
    main()
