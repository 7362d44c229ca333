"""The gate's own evaluation: what is counted, and the exact interval against SciPy."""

from __future__ import annotations

from typing import Any

import pytest
from scipy.stats import binomtest
from tests.incident.looks import act, known, look, review

from rampgate.estimate.distributions import share_interval
from rampgate.incident.harmed import Harmed
from rampgate.incident.onset import Since
from rampgate.incident.stats import Attempt, Case, Predicted, Stats, case_of
from rampgate.incident.values import Incident


@pytest.mark.parametrize("of", [1, 2, 7, 40, 1000])
@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.999])
def test_the_interval_of_a_share_is_scipy_s_exact_one(of: int, level: float) -> None:
    for count in sorted({0, 1, of // 3, of // 2, of - 1, of}):
        found = binomtest(count, of).proportion_ci(level, "exact")
        # SciPy inverts the beta distribution by another method; both stop at the last bits.
        assert share_interval(count, of, level) == pytest.approx((found.low, found.high), rel=1e-9, abs=1e-12)


def test_nothing_seen_says_nothing() -> None:
    assert share_interval(0, 0) == (0.0, 1.0)


def incident(attempt: int, *acts: Any, day: int = 20, failed: str = "rollback:override") -> Incident:
    found = known()
    found.looked(look(day, failed, attempt=attempt))
    (name,) = found.found
    for one in acts:
        found.acted(name, one)
    return found.get(name)


def case(one: Incident, onset: str | None = None, harmed: float | None = None, predicted: Any = None) -> Case:
    since = None if onset is None else Since("x", onset, onset, onset, 0.9, 0)
    amounts = [] if harmed is None else [_harmed(harmed)]
    return case_of(one, one, since, amounts, predicted)


def _harmed(amount: float) -> Harmed:
    return Harmed("override", None, "launch", "2026-01-05", 100, amount, amount / 2, amount * 2, 0.95, True)


FALSE = act("assign", "dana", owner="lee"), act("false_alarm", "sam", because="noise")


def reviewed(attempt: int, **more: Any) -> Incident:
    submitted = act("submit", "lee", **review())
    return incident(attempt, submitted, act("close", "sam", because="", review=submitted.record), **more)


def test_days_are_counted_from_the_onset_with_its_ends() -> None:
    since = Since("rollback:override", "2026-01-16", "2026-01-14", "2026-01-18", 0.9, 4)
    found = case_of(incident(1), incident(1), since, [_harmed(40.0)], None)
    assert (found.detect, found.roll_back, found.answer) == ((4, 2, 6), (4, 2, 6), 0)
    assert (found.harmed, found.lower, found.upper) == (40.0, 20.0, 80.0)
    assert found.judged == "not_judged"


def test_what_reviews_have_judged_is_counted_and_false_alarms_are_no_harm() -> None:
    cases = [
        case(reviewed(1), "2026-01-16", 40.0, Predicted("override-expect-start", 60.0, 9.0)),
        case(incident(2, *FALSE), "2026-01-01", 500.0),
        case(incident(3), "2026-01-10", 20.0),
        case(incident(4, failed="guardrail:override@queue=mail")),
    ]
    whole, metric, mail = Stats.of(cases, []).rows
    assert (whole.incidents, whole.harm, whole.false_alarms, whole.not_judged) == (4, 1, 1, 2)
    assert (whole.days_to_detect, whole.days_to_rollback, whole.harmed) == (7.0, 7.0, 60.0)
    assert (whole.compared, whole.compared_harmed, whole.predicted) == (1, 40.0, 60.0)
    assert (metric.metric, metric.incidents) == ("override", 4)
    assert (mail.segment, mail.incidents, mail.days_to_detect) == ({"queue": "mail"}, 1, None)


def test_the_share_of_false_rollbacks_is_that_of_attempts_taken_for_good() -> None:
    cases = [case(reviewed(1)), case(incident(2, *FALSE)), case(incident(3))]
    attempts = [Attempt("triage", number, "rolled_back", 0.05, rolled_back=True) for number in (1, 2, 3)]
    attempts += [Attempt("triage", number, "complete", 0.05) for number in range(4, 13)]
    attempts += [Attempt("triage", 13, "running", 0.05), Attempt("triage", 14, "rolled_back", 0.05)]
    found = Stats.of(cases, attempts).false_rollbacks
    assert (found.good, found.false, found.harmed, found.not_judged) == (10, 1, 1, 1)
    assert found.share == 0.1
    assert found.highest == pytest.approx(2 / 11)
    # SciPy 1.16: binomtest(1, 10).proportion_ci(0.95, "exact")
    assert (found.lower, found.upper) == pytest.approx((0.00252857854446, 0.44501611702819))
    assert found.budgets == (0.05,)


@pytest.mark.parametrize("status", ["rolled_back", "running", "complete"])
def test_a_rollback_that_people_went_past_is_counted_as_one(status: str) -> None:
    attempts = [Attempt("triage", 1, status, 0.05, rolled_back=True)]
    found = Stats.of([case(incident(1, *FALSE))], attempts).false_rollbacks
    assert (found.good, found.false, found.harmed, found.not_judged) == (1, 1, 0, 0)
    found = Stats.of([case(reviewed(1))], attempts).false_rollbacks
    assert (found.good, found.false, found.harmed, found.not_judged) == (0, 0, 1, 0)
    found = Stats.of([], attempts).false_rollbacks
    assert (found.good, found.false, found.harmed, found.not_judged) == (0, 0, 0, 1)


def test_without_an_attempt_that_ended_there_is_no_share() -> None:
    found = Stats.of([], [Attempt("triage", 1, "running", 0.05)]).false_rollbacks
    assert (found.share, found.highest, found.lower, found.upper) == (None, None, 0.0, 1.0)
