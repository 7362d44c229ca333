"""Numbers of tests/reference/python.json, from statsmodels and lifelines, which the tests do not need.

python tests/reference/scripts/python.py tests/data/survival/lung.csv > tests/reference/python.json
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from typing import Any

TABLES = ((30, 120, 57, 380), (3, 10, 1, 12), (5000, 100_000, 4800, 100_000), (0, 50, 4, 60), (50, 50, 55, 60))


def proportions() -> list[dict[str, Any]]:
    """Newcombe's interval for the difference, and Katz's for the ratio where both arms have events and failures."""
    from statsmodels.stats.proportion import confint_proportions_2indep

    out = []
    for y_c, n_c, y_b, n_b in TABLES:
        newcombe = confint_proportions_2indep(y_c, n_c, y_b, n_b, method="newcomb", compare="diff")
        found: dict[str, Any] = {"table": [y_c, n_c, y_b, n_b], "newcombe": [float(x) for x in newcombe]}
        if min(y_c, y_b, n_c - y_c, n_b - y_b) > 0:
            katz = confint_proportions_2indep(y_c, n_c, y_b, n_b, method="log", compare="ratio")
            found["katz"] = [float(x) for x in katz]
        out.append(found)
    return out


def means(path: str) -> dict[str, Any]:
    """Least squares with an arm and a covariate, and Welch's interval."""
    import pandas as pd
    import statsmodels.formula.api as formula
    from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

    lung = pd.read_csv(path)
    fit = formula.ols("time ~ C(sex) + age", lung).fit()
    two = CompareMeans(DescrStatsW(lung[lung.sex == 2].age), DescrStatsW(lung[lung.sex == 1].age))
    low, high = two.tconfint_diff(usevar="unequal")
    return {"least_squares": float(fit.params.iloc[1]), "welch": [float(low), float(high)]}


def survival(path: str) -> dict[str, Any]:
    """Kaplan-Meier, restricted means and log-rank tests of both sexes."""
    import pandas as pd
    from lifelines import KaplanMeierFitter
    from lifelines.statistics import logrank_test
    from lifelines.utils import restricted_mean_survival_time

    lung = pd.read_csv(path)
    arms = [lung[lung.sex == sex] for sex in (1, 2)]
    fits = [KaplanMeierFitter().fit(arm.time, arm.event) for arm in arms]
    test = logrank_test(arms[0].time, arms[1].time, arms[0].event, arms[1].event)
    return {
        "times": [180, 365, 540],
        "survival": [[float(x) for x in fit.survival_function_at_times([180, 365, 540])] for fit in fits],
        "restricted_mean": [float(restricted_mean_survival_time(fit, t=365)) for fit in fits],
        "log_rank": [float(test.test_statistic), float(test.p_value)],
    }


if __name__ == "__main__":
    software = {name: version(name) for name in ("statsmodels", "lifelines", "scipy")}
    made = {"software": software, "proportions": proportions(), "means": means(sys.argv[1])}
    print(json.dumps({**made, "survival": survival(sys.argv[1])}, indent=1))
