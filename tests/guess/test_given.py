"""What a user says of metrics and segments, in the forms that ``Given`` documents."""

from __future__ import annotations

from typing import Any

import pytest
from tests.guess.tables import support
from tests.guess.test_guess import left, refused, value

from rampgate.guess import Given, guess
from rampgate.guess.given import spoken

FRAME = support(days=8)


def metrics(*texts: str) -> dict[str, Any]:
    policy = guess(FRAME, Given(metrics=texts)).policy
    return {name: metric.model_dump(exclude_defaults=True) for name, metric in policy.metrics.items()}


@pytest.mark.parametrize(
    ("text", "name", "content"),
    [
        ("correct", "correct", {"kind": "proportion", "column": "correct"}),
        ("correct:lower", "correct", {"kind": "proportion", "column": "correct", "better": "lower"}),
        ("right=correct", "right", {"kind": "proportion", "column": "correct"}),
        ("overridden", "overridden", {"kind": "proportion", "column": "overridden", "better": "lower"}),
        ("overridden:higher", "overridden", {"kind": "proportion", "column": "overridden"}),
        ("sla", "sla", {"kind": "proportion", "column": "sla", "equals": "MET"}),
        ("sla==MISSED:lower", "sla", {"kind": "proportion", "column": "sla", "equals": "MISSED", "better": "lower"}),
        ("desk=queue==desk", "desk", {"kind": "proportion", "column": "queue", "equals": "desk"}),
        ("p1=priority==1 - High", "p1", {"kind": "proportion", "column": "priority", "equals": "1 - High"}),
        ("csat", "csat", {"kind": "mean", "column": "csat", "best": 5, "worst": 1}),
        ("csat:0..10", "csat", {"kind": "mean", "column": "csat", "best": 10, "worst": 0}),
        ("handling_hours:72..0", "handling_hours",
         {"kind": "mean", "column": "handling_hours", "best": 0, "worst": 72, "better": "lower"}),
        ("h=handling_hours:higher", "h", {"kind": "mean", "column": "handling_hours"}),
        ("r=csat/handling_hours", "r", {"kind": "ratio", "numerator": "csat", "denominator": "handling_hours"}),
        ("csat/handling_hours:lower", "csat_per_handling_hours",
         {"kind": "ratio", "numerator": "csat", "denominator": "handling_hours", "better": "lower"}),
        ("confidence", "confidence", {"kind": "mean", "column": "confidence"}),
    ],
)  # fmt: skip
def test_a_metric_as_it_is_said(text: str, name: str, content: dict[str, Any]) -> None:
    found = metrics(text, "correct") if name != "correct" else metrics(text)
    # What nothing else can carry is given a scale, so that the KPI has a part.
    assert found[name] == content


@pytest.mark.parametrize(
    "text", ["correct", "overridden:higher", "sla", "csat", "handling_hours", "x=csat/handling_hours"]
)
def test_what_is_spoken_is_read_back(text: str) -> None:
    found = guess(FRAME, Given(metrics=(text, "correct") if text != "correct" else (text,))).policy.metrics
    again = guess(FRAME, Given(metrics=tuple(spoken(name, metric) for name, metric in found.items()))).policy.metrics
    assert again == found


def test_a_column_whose_name_looks_like_more() -> None:
    frame = FRAME.rename(columns={"correct": "a=b", "overridden": "c/d:lower"})
    policy = guess(frame, Given(metrics=("a=b", "c/d:lower"))).policy
    assert [m.columns() for m in policy.metrics.values()] == [("a=b",), ("c/d:lower",)]


def test_magnitudes_alone_are_given_a_scale() -> None:
    found = guess(FRAME, Given(metrics=("handling_hours",)))
    metric = found.policy.metrics["handling_hours"]
    hours = FRAME["handling_hours"]
    reach = hours.mean() + 3 * hours.std(ddof=0)
    assert (metric.best, metric.worst) == (0, 50)
    assert 20 < reach <= 50
    assert "the mean and three standard deviations" in next(n.why for n in found.notes if n.role == "metric")


def test_a_ratio_alone_is_the_kpi() -> None:
    policy = guess(FRAME, Given(metrics=("r=csat/handling_hours",))).policy
    assert policy.kpi.weights == {"r": 1}


def test_what_is_not_named_is_left_out_with_what_it_is() -> None:
    found = guess(FRAME, Given(metrics=("correct",), segments=("site",)))
    assert (value(found, "metric"), value(found, "segment")) == (["correct"], ["site"])
    assert left(found)["csat"].startswith("not named with --metric (a score")
    assert left(found)["queue"] == "not named with --segment"
    assert value(guess(FRAME, Given(segments=())), "segment") == []
    assert guess(FRAME, Given(segments=())).policy.segments is None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("corect", "there is no column 'corect' (--metric)"),
        ("x=", "'x=' names no column"),
        ("queue", "column 'queue' is no metric as it stands: text that says nothing of good or bad; its values are"),
        ("queue==kitchen", "no row of column 'queue' is 'kitchen'"),
        ("summary", "column 'summary' is no metric as it stands"),
        ("csat:5..5", "the scale 5..5 contradicts itself"),
        ("csat:5..1:higher", "the scale 5..1 contradicts higher"),
        ("correct:good", "there is no column 'correct:good'"),
        ("r=csat/zzz", "there is no column 'zzz' (--metric)"),
    ],
)
def test_a_metric_that_is_none(text: str, what: str) -> None:
    assert what in refused(FRAME, metrics=(text,)).what
