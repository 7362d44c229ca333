"""Distances by scikit-learn and statsmodels on the model of employment, for tests/reference/distances.json.

pip install scikit-learn==1.9.1 statsmodels==0.15.0 pandas
python tests/reference/scripts/distances.py tests/data/employment_ma_model/employment_ma_2015_2018.csv.gz \
    > tests/reference/distances.json
"""

from __future__ import annotations

import json
import math
import sys

import numpy as np
import pandas as pd
import sklearn  # type: ignore[import-not-found]
import statsmodels
from sklearn.metrics import mutual_info_score  # type: ignore[import-not-found]
from sklearn.preprocessing import KBinsDiscretizer  # type: ignore[import-not-found]
from statsmodels.stats.contingency_tables import Table

frame = pd.read_csv(sys.argv[1])
before, after = (frame[frame.year == year] for year in (2015, 2018))

# Of samples of one size the Jensen-Shannon divergence is the mutual information of sample and value.
categories = []
for name in ("MAR", "SCHL", "employed"):
    counts = pd.crosstab(frame.year, frame[name]).to_numpy()
    test = Table(counts, shift_zeros=False).test_nominal_association()
    divergence = mutual_info_score(None, None, contingency=counts) / math.log(2.0)
    categories.append(
        {
            "column": name,
            "counts": counts.tolist(),
            "js": math.sqrt(divergence),
            "chi_square": float(test.statistic),
            "p_value": float(test.pvalue),
        }
    )

# Ten bins of equal share; values at an end of a bin may count to either side of it, so a column without ties.
score = before.predicted_probability.to_numpy()[:, None]
bins = KBinsDiscretizer(
    n_bins=10, encode="ordinal", strategy="quantile", quantile_method="inverted_cdf", subsample=None
).fit(score)
edges = bins.bin_edges_[0]
shares = []
for part in (before, after):
    places = bins.transform(part.predicted_probability.to_numpy()[:, None])[:, 0].astype(int)
    shares.append(np.bincount(places, minlength=10) / len(part))
json.dump(
    {
        "software": {"scikit-learn": sklearn.__version__, "statsmodels": statsmodels.__version__},
        "categories": categories,
        "predicted_probability": {
            "ends": edges[1:-1].tolist(),
            "reference": shares[0].tolist(),
            "current": shares[1].tolist(),
        },
    },
    sys.stdout,
    indent=1,
)
