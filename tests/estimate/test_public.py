"""What `rampgate.estimate` offers: its names, its examples, what it refuses and how it shows itself."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

import rampgate.estimate as public
from rampgate.errors import UsageError
from rampgate.estimate import (
    ConfidenceSequence,
    Sample,
    confidence_sequence,
    cuped,
    evidence,
    goodness_of_fit,
    log_edges,
    log_rank,
    log_rank_counts,
    mantel_haenszel,
    quantile,
    rare_evidence,
    ratio,
    sample_ratio,
    two_means,
    two_proportions,
)

MODULES = [importlib.import_module(f"rampgate.estimate.{m.name}") for m in pkgutil.iter_modules(public.__path__)]
FUNCTIONS = [name for name in public.__all__ if inspect.isfunction(getattr(public, name))]


def test_a_name_is_what_it_says_after_every_module_was_imported() -> None:
    """A module imported later would take the place of a function of its name: give such a module another name."""
    assert [name for name in public.__all__ if inspect.ismodule(getattr(public, name))] == []
    assert len(FUNCTIONS) > 10


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__)
def test_examples_run(module) -> None:
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_tells_what_it_takes_gives_and_refuses(name: str) -> None:
    text = inspect.getdoc(getattr(public, name)) or ""
    for section in ("Parameters", "Raises", "Examples"):
        assert f"\n{section}\n---" in text, section
    for parameter in inspect.signature(getattr(public, name)).parameters:
        assert parameter in text.split("Parameters")[1].split("Raises")[0], parameter


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda: two_proportions(5, 4, 1, 10), r"5 events_c of 4 units_c"),
        (lambda: two_proportions(-1, 4, 1, 10), "negative"),
        (lambda: two_proportions(0, 0, 1, 10), "no units"),
        (lambda: two_proportions(1, 4, float("nan"), 10), "NaN"),
        (lambda: two_proportions([1, 2], [4, 4], [1, 2, 3], [4, 4, 4]), "not of the same length"),
        (lambda: two_proportions(1, 4, 1, 4, level=95), "not between 0 and 1"),
        (lambda: two_means([], [1.0]), "not one per unit"),
        (lambda: two_means([1.0, float("inf")], [1.0]), "infinite"),
        (lambda: two_means(Sample(0, 1, 1), Sample(3, 1, 1)), "no unit"),
        (lambda: two_means(Sample(3, 1, -1), Sample(3, 1, 1)), "negative"),
        (lambda: two_means(["x"], [1.0]), "not all numbers"),
        (lambda: ratio([1, 2], [1], [1], [1]), "2 numerators and 1 denominators"),
        (lambda: ratio([1], [0], [1], [1]), "sum to 0"),
        (lambda: cuped([1, 2], [1], [1], [1]), "2 outcomes and 1 covariates"),
        (lambda: mantel_haenszel([1], [2], [0], [0]), "no stratum"),
        (lambda: log_rank([1], [1], [1], [1], strata_c=[1]), "only one arm"),
        (lambda: log_rank([1], [1], [1], [1], strata_c=[1], strata_b=[1, 2]), "2 strata of 1 units"),
        (lambda: log_rank_counts([3], [2], [1], [2]), "3 events_c of 2 at_risk_c"),
        (lambda: evidence(1, 2, 1, 2), "no axis of periods"),
        (lambda: evidence([1], [2], [1], [2], worse_by=2.0), "worse_by"),
        (lambda: evidence([1], [2], [1], [2], expect=0.0), "expect"),
        (lambda: evidence([1], [2], [1], [2], better="more"), "neither"),  # type: ignore[arg-type]
        (lambda: evidence([1], [2], [1], [2], days=[]), "0 days of 1 periods"),
        (lambda: rare_evidence([1], [2], [1], [2], worse_by=-1.0), "leaves no rate"),
        (lambda: sample_ratio([0], [0], 0.5), "no unit"),
        (lambda: sample_ratio([1], [1], 1.0), "not between 0 and 1"),
        (lambda: goodness_of_fit([1], [1]), "two arms"),
        (lambda: goodness_of_fit([1, 2], [1, 0]), "positive weights"),
        (lambda: log_edges(0, 1), "no range"),
        (lambda: quantile([1, 1], [1, 2], 0.5), "do not ascend or not enclose"),
        (lambda: quantile([0, 0], [1, 2, 3], 0.5), "no unit"),
        (lambda: quantile([1, 1], [1, 2, 3], 1.5), "not between 0 and 1"),
    ],
)
def test_bad_input_is_refused(call, what) -> None:
    with pytest.raises(UsageError, match=what):
        call()


def test_arrays_are_compared_one_by_one() -> None:
    many = two_proportions([30, 3], [120, 10], [57, 1], [380, 12])
    single = two_proportions(3, 10, 1, 12)
    assert many.difference.shape == (2,)
    for name in ("difference", "lower", "upper", "p_value", "relative", "relative_lower", "relative_upper"):
        assert getattr(many, name)[1] == pytest.approx(getattr(single, name))
    assert "shape (2,)" in repr(many)
    strata = mantel_haenszel([[1, 2], [3, 4]], [[9, 9], [9, 9]], [[1, 1], [1, 1]], [[9, 9], [9, 9]])
    assert strata.difference.shape == (2,)
    batch = confidence_sequence([[1, 2], [3, 4]], [[9, 9], [9, 9]], [[1, 1], [1, 1]], [[9, 9], [9, 9]])
    one = confidence_sequence([3, 4], [9, 9], [1, 1], [9, 9])
    assert batch.lower[1] == pytest.approx(one.lower)
    assert "shape (2, 2)" in repr(batch)


def test_better_higher_is_the_mirror() -> None:
    y_c, y_b, n = np.array([3, 5, 4]), np.array([9, 8, 7]), np.full(3, 20)
    worse = evidence(y_c, n, y_b, n, better="higher", expect=0.1)
    same = evidence(n - y_c, n, n - y_b, n, expect=0.1)
    assert worse.log_e == pytest.approx(same.log_e)
    assert worse.p_value[-1] <= 1


def test_p_value_never_rises_and_survives_overflow() -> None:
    sure = evidence(np.full(60, 5000), np.full(60, 10_000), np.full(60, 0), np.full(60, 10_000), expect=0.3)
    assert (np.diff(sure.p_value) <= 0).all()
    assert sure.e_value[-1] == np.inf
    assert np.isfinite(sure.log_e).all()


@pytest.mark.parametrize(
    "value",
    [
        two_proportions(30, 120, 57, 380),
        two_means([1.0, 2.0], [1.0, 3.0]),
        log_rank([1, 2], [1, 1], [1, 3], [1, 0]),
        evidence([1], [2], [1], [2]),
        sample_ratio([1], [2], 0.5),
        confidence_sequence([1], [2], [1], [2]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_result_is_one_line_and_html_in_a_notebook(value) -> None:
    bundle = value._repr_mimebundle_()
    assert "\n" not in bundle["text/plain"]
    assert bundle["text/html"].startswith("<div")
    assert bundle["text/html"].count("<table") == 1


def test_a_sequence_without_data_says_so() -> None:
    nothing = confidence_sequence([0, 1], [0, 2], [1, 1], [2, 2])
    assert isinstance(nothing, ConfidenceSequence)
    assert np.isnan(nothing.lower).tolist() == [True, False]


#: What the types forbid and a notebook does not.
WRONG: dict[str, Any] = {
    "interval": "Wald",
    "level": "95%",
    "points": "2pp",
    "history": 5,
    "days": ["2026-01-05"],
    "day": "2",
}


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda: two_proportions(0, 5, 0, 9, interval=WRONG["interval"]), "'Wald' is neither"),
        (lambda: two_proportions(1, 5, 2, 9, level=WRONG["level"]), "'95%' is not a number"),
        (lambda: two_proportions(1, 5, 2, 9, level=float("nan")), "nan is not finite"),
        (lambda: evidence([1], [2], [1], [2], worse_by=WRONG["points"]), "'2pp' is not a number"),
        (lambda: evidence([1], [2], [1], [2], expect=WRONG["points"]), "'2pp' is not a number"),
        (lambda: evidence([1], [2], [1], [2], history=WRONG["history"]), "5 is not a pair"),
        (lambda: evidence([1], [2], [1], [2], days=WRONG["days"]), "'2026-01-05' is no day"),
        (lambda: evidence([1], [2], [1], [2], days=WRONG["day"]), "'2' is no day"),
        (lambda: rare_evidence([1], [2], [1], [2], worse_by=float("inf")), "inf is not finite"),
        (lambda: rare_evidence([1], [2], [1], [2], worse_by=1e300), "no limit"),
        (lambda: two_means([1e-300, 2e-300], [1e-300, 3e-300]), "beyond the range"),
        (lambda: two_means([1e200, 2e200], [1e200, 3e200]), "beyond the range"),
        (lambda: cuped([1e200, 2e200], [1, 3], [1, 5], [1, 2]), "beyond the range"),
    ],
)
def test_what_is_meant_otherwise_is_refused_with_words(call, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        call()


def test_days_may_be_of_numpy_or_pandas() -> None:
    counts = ([3, 9], [20, 30], [5, 4], [60, 50])
    dates = [date(2026, 1, 5), date(2026, 2, 9)]
    stamps = np.array(dates, dtype="datetime64[ns]")
    plain = evidence(*counts, days=dates).log_e
    assert evidence(*counts, days=stamps).log_e.tolist() == plain.tolist()
    series: Any = pd.Series(stamps)
    assert evidence(*counts, days=series).log_e.tolist() == plain.tolist()
