"""What names and values tell: which direction is good, what is an arm."""

from __future__ import annotations

import pytest

from rampgate.guess.words import arms, direction, goodness, magnitude, next_version, say_arms, tokens, written_like


@pytest.mark.parametrize(
    "name",
    [
        "overridden", "was_overridden", "escalated", "isEscalated", "reopened", "error", "has_errors", "missed_sla",
        "sla_missed", "SLA breached", "overdue", "failed_resolution", "resolution_failed", "complaint", "reassigned",
        "not_resolved", "no_contact_resolution", "unresolved", "incorrect", "late_response", "refunded", "wrong_queue",
    ],
)  # fmt: skip
def test_less_is_better(name: str) -> None:
    assert direction(name) == "lower"


@pytest.mark.parametrize(
    "name",
    [
        "correct", "is_correct", "met_sla", "sla_met", "made_sla", "on_time", "onTime", "resolved", "resolved_at_once",
        "success", "solved", "accepted", "escalation_correct", "error_free", "not_escalated", "complaint_solved", "SLA",
    ],
)  # fmt: skip
def test_more_is_better(name: str) -> None:
    assert direction(name) == "higher"


@pytest.mark.parametrize("name", ["active", "is_vip", "knowledge", "weekend", "x", "", "größe", "flag_7"])
def test_nothing_is_told(name: str) -> None:
    assert direction(name) is None


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("handling_hours", "lower"), ("latency_ms", "lower"), ("cost", "lower"), ("reassignment_count", "lower"),
        ("resolution_time", "lower"), ("hours_saved", "higher"), ("revenue", "higher"), ("csat", "higher"),
        ("n_events", None), ("latitude", None), ("humidity", None),
    ],
)  # fmt: skip
def test_magnitudes(name: str, better: str | None) -> None:
    assert magnitude(name) == better


@pytest.mark.parametrize(
    ("value", "better"),
    [
        ("ONTIME", "higher"), ("On time", "higher"), ("OVERDUE", "lower"), ("met", "higher"), ("Missed", "lower"),
        ("Resolved", "higher"), ("open", "lower"), ("Not met", "lower"), ("network", None), ("", None), ("42", None),
    ],
)  # fmt: skip
def test_values(value: str, better: str | None) -> None:
    assert goodness(value) == better


@pytest.mark.parametrize(
    ("values", "pair"),
    [
        (["candidate", "baseline"], ("baseline", "candidate")),
        (["Treatment", "Control"], ("Control", "Treatment")),
        (["v2", "v1"], ("v1", "v2")),
        (["v10", "v9"], ("v9", "v10")),
        (["2.1.0", "2.0.9"], ("2.0.9", "2.1.0")),
        (["B", "A"], ("A", "B")),
        (["true", "false"], ("false", "true")),
        (["gpt-5", "gpt-4"], ("gpt-4", "gpt-5")),
        (["haiku", "sonnet"], None),
        (["v1", "v2", "v3"], None),
        (["v1"], None),
    ],
)
def test_which_is_the_baseline(values: list[str], pair: tuple[str, str] | None) -> None:
    assert arms(values) == pair


def test_which_values_are_arms_whatever_the_column_is_called() -> None:
    assert say_arms(["control", "treatment"])
    assert say_arms(["v2", "v1"])
    for values in (["yes", "no"], ["0", "1"], ["a", "b"], ["Level 1", "Level 2"], ["1", "2"], ["desk", "mail"]):
        assert not say_arms(values)


def test_a_name_for_what_comes_next() -> None:
    assert [next_version(v) for v in ("v1", "model-9", "2.0", "baseline", "candidate")] == [
        "v2", "model-10", "2.1", "candidate", "candidate-2",
    ]  # fmt: skip


def test_words_of_a_name() -> None:
    assert tokens("slaMet_2 in-time") == ("sla", "met", "2", "in", "time")
    assert tokens("SLAMet") == ("sla", "met") or tokens("SLAMet") == ("slam", "et")


@pytest.mark.parametrize(
    "name",
    ["harmless", "escalation_avoided", "out_of_sla", "revenue_lost", "fraud_detected", "bug_fixed", "customer_age",
     "hour_of_day", "day_of_week", "days_without_incident", "tickets_per_hour"],
)  # fmt: skip
def test_names_that_may_mean_their_opposite_say_nothing(name: str) -> None:
    assert direction(name) is None
    assert magnitude(name) is None


@pytest.mark.parametrize(
    ("value", "near"), [("V2", "v2"), ("v2 ", "v2"), ("v2", None), ("v3", None), ("v_2", None), ("v1.1", None)]
)
def test_a_slip_of_writing_is_capitals_or_blanks(value: str, near: str | None) -> None:
    assert written_like(value, ("v11", "v2")) == near
