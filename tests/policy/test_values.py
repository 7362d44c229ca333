from __future__ import annotations

import decimal
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from rampgate.policy import Duration, Margin
from rampgate.policy.names import parse_name, parse_text
from rampgate.policy.values import (
    instant,
    parse_day,
    parse_moment,
    parse_risk,
    parse_share,
    parse_span,
    parse_weight,
    parse_window,
    percent,
)

OSLO = ZoneInfo("Europe/Oslo")


@given(st.decimals(0, 100, places=3))
def test_ten_per_cent_is_a_tenth(percents):
    assert parse_share(f"{percents}%") == float(percents / 100)


@given(st.floats(0, 1))
def test_a_share_survives_being_written_in_per_cent(share):
    assert parse_share(percent(share)) == share


def test_a_share_does_not_depend_on_the_decimal_context_of_the_caller():
    with decimal.localcontext(decimal.Context(prec=2)):
        assert parse_share("12.345%") == 0.12345
        assert percent(0.12345) == "12.345%"


@pytest.mark.parametrize(
    ("value", "what", "remedy"),
    [
        (10, "10 is more than 100%", "write 10% or 0.1"),
        ("120%", '"120%" is more than 100%', "write a share between 0% and 100%, as 10% or 0.10"),
        (-0.1, "-0.1 is negative", "write a share between 0% and 100%, as 10% or 0.10"),
        ("-5%", '"-5%" is negative', "write a share between 0% and 100%, as 10% or 0.10"),
        ("0.1", '"0.1" is not a share', "write it as 10% or 0.10"),
        ("ten", '"ten" is not a share', "write it as 10% or 0.10"),
        (True, "true is not a share", "write it as 10% or 0.10"),
        (float("nan"), "nan is not a share", "write it as 10% or 0.10"),
        (10**400, f"1{'0' * 56}... is not a share", "write it as 10% or 0.10"),
        (None, "nothing is not a share", "write it as 10% or 0.10"),
    ],
)
def test_what_is_no_share(value, what, remedy):
    assert _refusal(parse_share, value) == (what, remedy)


def test_a_weight_and_a_risk_of_zero_are_refused():
    assert _refusal(parse_weight, 0)[0] == "a weight of 0 weighs nothing"
    assert parse_weight("40%") == 0.4
    for end in (0, "100%"):
        assert "can never be kept or never be spent" in _refusal(parse_risk, end)[0]


@pytest.mark.parametrize(
    ("written", "margin", "canonical"),
    [
        ("2pp", Margin(0.02, "points"), "2pp"),
        ("2 pp", Margin(0.02, "points"), "2pp"),
        ("0.5pp", Margin(0.005, "points"), "0.5pp"),
        (".5pp", Margin(0.005, "points"), "0.5pp"),
        ("10%", Margin(0.1, "relative"), "10%"),
        (0.5, Margin(0.5, "absolute"), 0.5),
        (3, Margin(3.0, "absolute"), 3.0),
        (0, Margin(0.0, "absolute"), 0.0),
    ],
)
def test_margins(written, margin, canonical):
    parsed = Margin.parse(written)
    assert (parsed, parsed.canonical()) == (margin, canonical)
    assert parsed.relative == (margin.kind == "relative")


def test_zero_means_the_same_however_it_is_written():
    assert {Margin.parse(zero) for zero in (0, 0.0, -0.0, "0pp", "0%", "0.00pp")} == {Margin(0.0)}
    assert str(Margin.parse("0pp")) == "0"


@given(
    st.builds(
        Margin,
        st.floats(0, allow_nan=False, allow_infinity=False),
        st.sampled_from(["absolute", "points", "relative"]),
    )
)
def test_a_margin_survives_being_written(margin):
    assert Margin.parse(margin.canonical()) == margin


@pytest.mark.parametrize("value", ["7", "2 points", "", "pp", "%", True, None, [1], float("inf"), "1e400%"])
def test_what_is_no_margin(value):
    what, remedy = _refusal(Margin.parse, value)
    assert what.endswith("is not a margin")
    assert remedy == "write 2pp (points), 10% (of the baseline) or a bare number in the metric's unit"


@pytest.mark.parametrize("value", [-1, "-2pp", "-10%"])
def test_a_negative_margin_is_refused(value):
    what, remedy = _refusal(Margin.parse, value)
    assert what.endswith("is negative")
    assert remedy == "write how much worse is allowed, as 0 or more: 2pp"


@given(st.builds(Duration, st.integers(0, 5000), st.sampled_from("mhdw")))
def test_a_duration_survives_being_written(duration):
    assert Duration.parse(str(duration)) == duration


@pytest.mark.parametrize(
    ("written", "days", "length", "words"),
    [
        ("90m", None, timedelta(minutes=90), "90 minutes"),
        ("1h", None, timedelta(hours=1), "1 hour"),
        ("7d", 7, timedelta(days=7), "7 days"),
        ("2w", 14, timedelta(days=14), "2 weeks"),
        ("0d", 0, timedelta(0), "0 days"),
    ],
)
def test_durations(written, days, length, words):
    duration = Duration.parse(written)
    assert (duration.days, duration.timedelta, duration.words()) == (days, length, words)


@pytest.mark.parametrize(
    ("value", "what", "remedy"),
    [
        ("-7d", '"-7d" is a negative duration', "write a duration of 0d or more, as 7d"),
        ("7", '"7" is not a duration', "write a whole number with m, h, d or w: 90m, 72h, 7d, 2w"),
        (7, "7 is not a duration", "write a whole number with m, h, d or w: 90m, 72h, 7d, 2w"),
        ("1.5d", '"1.5d" is not a duration', "write a whole number with m, h, d or w: 90m, 72h, 7d, 2w"),
        ("7 days", '"7 days" is not a duration', "write a whole number with m, h, d or w: 90m, 72h, 7d, 2w"),
        ("36526d", '"36526d" is longer than a century', "write a duration that can be waited for, as 7d"),
        (
            "9" * 5000 + "d",
            '"' + "9" * 56 + "... is longer than a century",
            "write a duration that can be waited for, as 7d",
        ),
    ],
)
def test_what_is_no_duration(value, what, remedy):
    assert _refusal(Duration.parse, value) == (what, remedy)


def test_a_day_is_a_calendar_day_where_clocks_change():
    # Clocks went forward in Oslo on 29 March 2026: that day has 23 hours.
    start = datetime(2026, 3, 28, 23, tzinfo=UTC)  # local midnight
    assert Duration.parse("1d").after(start, OSLO) == start + timedelta(hours=23)
    assert Duration.parse("24h").after(start, OSLO) == start + timedelta(hours=24)
    assert Duration.parse("1w").after(start, OSLO) == start + timedelta(hours=7 * 24 - 1)
    assert Duration.parse("1d").after(start.astimezone(OSLO), OSLO).tzinfo is UTC


@given(st.dates(date(2000, 1, 1), date(2040, 1, 1)), st.integers(0, 60))
def test_days_after_local_midnight_end_at_local_midnight(day, days):
    start = datetime.combine(day, time(), OSLO)
    end = Duration(days, "d").after(start, OSLO).astimezone(OSLO)
    assert (end.hour, end.minute) == (0, 0)
    assert end.date() - start.date() == timedelta(days=days)


def test_a_start_without_a_time_zone_is_refused():
    with pytest.raises(ValueError, match="must carry a time zone"):
        Duration(7, "d").after(datetime(2026, 1, 5), ZoneInfo("UTC"))  # noqa: DTZ001


def test_spans_and_windows():
    assert parse_span("72h") == Duration(72, "h")
    assert _refusal(parse_span, "0h")[0] == '"0h" is no time at all'
    assert parse_window("week") == "week"
    assert parse_window("30d") == Duration(30, "d")
    for value in ("2w", "0d", "month", 7, ""):
        assert _refusal(parse_window, value)[1] == "write week (ISO weeks) or a number of days, as 30d"


def test_days_and_moments():
    assert parse_day("2026-01-05") == parse_day(date(2026, 1, 5)) == date(2026, 1, 5)
    for value in ("2026-1-5", "20260105", "2026-02-30", "monday", 20260105, datetime(2026, 1, 5, tzinfo=UTC)):
        assert _refusal(parse_day, value)[1] == "write it as 2026-01-05"
    assert instant(parse_moment("2026-01-05"), OSLO) == datetime(2026, 1, 4, 23, tzinfo=UTC)
    assert instant(parse_moment("2026-01-05T12:00"), OSLO) == datetime(2026, 1, 5, 11, tzinfo=UTC)
    assert instant(parse_moment("2026-01-05T12:00Z"), OSLO) == datetime(2026, 1, 5, 12, tzinfo=UTC)
    noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
    assert parse_moment(noon) == noon
    assert _refusal(parse_moment, "2026-01-05T25:00")[0] == '"2026-01-05T25:00" is not a time'


def test_numbers_and_booleans_are_names_where_names_are_asked_for():
    assert [parse_text(value) for value in (2, True, False, "v 2")] == ["2", "true", "false", "v 2"]


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        (1.1, 'write it in quotes, as "1.1"'),
        ("", "write a name with letters or digits in it"),
        ("  ", "write a name with letters or digits in it"),
        ("a\0", "write a name with letters or digits in it"),
        ("\ud800", "write a name with letters or digits in it"),
        (["a"], "write one name"),
        (None, "write one name"),
    ],
)
def test_what_is_no_name(value, remedy):
    assert _refusal(parse_text, value)[1] == remedy


@pytest.mark.parametrize("value", ["a:b", "a|b", " a", "a\n", "a\tb", "a" * 101])
def test_own_names_are_kept_to_what_ids_can_hold(value):
    assert "without" in _refusal(parse_name, value)[1]
    assert parse_name("p95 hours (é)") == "p95 hours (é)"


def _refusal(parse: Any, value: Any) -> tuple[str, str]:
    with pytest.raises(PydanticCustomError) as caught:
        parse(value)
    context = caught.value.context
    assert context is not None
    return context["what"], context["remedy"]
