"""Isotonic regressions by scikit-learn, for tests/reference/scores.json.

pip install scikit-learn==1.9.1
python tests/reference/scripts/scores.py > tests/reference/scores.json
"""

from __future__ import annotations

import json
import random
import sys

import sklearn  # type: ignore[import-not-found]
from sklearn.isotonic import IsotonicRegression  # type: ignore[import-not-found]


def case(name: str, true: list[int], known: list[int]) -> dict[str, object]:
    """One regression of shares on the place of their level, weighted by known units."""
    shares = [a / b for a, b in zip(true, known, strict=True)]
    fitted = IsotonicRegression().fit_transform(list(range(len(true))), shares, sample_weight=known)
    return {"name": name, "true": true, "known": known, "fitted": [float(x) for x in fitted]}


chance = random.Random(20261125)
cases = [
    case("rising", [1, 3, 6, 9], [10, 10, 10, 10]),
    case("falling", [9, 6, 3, 1], [10, 10, 10, 10]),
    case("one dip", [2, 8, 5, 9], [10, 20, 10, 10]),
    case("ties and ends", [0, 0, 5, 5, 10, 10], [10] * 6),
]
for k in range(6):
    known = [chance.randint(1, 40) for _ in range(30)]
    cases.append(
        case(f"random {k}", [sum(chance.random() < i / 30 for _ in range(n)) for i, n in enumerate(known)], known)
    )
json.dump({"software": {"scikit-learn": sklearn.__version__}, "isotonic": cases}, sys.stdout, indent=1)
