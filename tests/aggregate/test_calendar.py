"""Days and weeks begin where clocks say; periods tile time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rampgate.aggregate.calendar import (
    Look,
    last_boundary,
    local_day,
    midnight,
    offsets,
    period_at,
    periods_between,
    snapped,
)

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "America/Sao_Paulo",
        "Asia/Kathmandu",
        "Africa/Cairo",
        "America/Havana",
    ]
).map(ZoneInfo)
INSTANTS = st.datetimes(datetime(2010, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
LOOKS: st.SearchStrategy[Look] = st.sampled_from(["day", "week"])


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


def test_midnights() -> None:
    assert midnight(date(2026, 1, 5), BERLIN) == utc(2026, 1, 4, 23)
    assert midnight(date(2026, 7, 5), BERLIN) == utc(2026, 7, 4, 22)


def test_midnight_that_clocks_skip_is_the_moment_of_the_skip() -> None:
    """In São Paulo clocks went from 0:00 to 1:00 on 4 November 2018, at 3:00 UTC."""
    zone = ZoneInfo("America/Sao_Paulo")
    assert midnight(date(2018, 11, 4), zone) == utc(2018, 11, 4, 3)
    assert local_day(utc(2018, 11, 4, 2, 59, 59), zone) == date(2018, 11, 3)
    assert local_day(utc(2018, 11, 4, 3), zone) == date(2018, 11, 4)


def test_midnight_that_clocks_repeat_is_the_first() -> None:
    """In Havana clocks went from 1:00 back to 0:00 on 1 November 2026, at 5:00 UTC."""
    zone = ZoneInfo("America/Havana")
    assert midnight(date(2026, 11, 1), zone) == utc(2026, 11, 1, 4)


@given(instant=INSTANTS, zone=ZONES)
def test_an_instant_lies_in_its_local_day(instant: datetime, zone: ZoneInfo) -> None:
    day = local_day(instant, zone)
    assert midnight(day, zone) <= instant < midnight(day + timedelta(days=1), zone)


@given(
    start=INSTANTS, zone=ZONES, look=LOOKS, hours=st.integers(0, 24 * 60),
    switches=st.lists(st.integers(-48, 24 * 60), max_size=4),
)  # fmt: skip
def test_periods_tile_time(start: datetime, zone: ZoneInfo, look: Look, hours: int, switches: list[int]) -> None:
    cuts = sorted(start + timedelta(hours=h) for h in switches)
    begin = midnight(local_day(start, zone), zone)
    before = last_boundary(begin + timedelta(hours=hours), zone, look, cuts)
    periods = periods_between(begin, before, zone, look, cuts)
    for period in periods:
        assert period.start < period.end
        assert period.stage == sum(cut <= period.start for cut in cuts)
        assert not any(period.start < cut < period.end for cut in cuts)
        assert period_at(period.start, zone, look, cuts, begin) == period
        assert period_at(period.end - timedelta(microseconds=1), zone, look, cuts, begin) == period
        assert period.day >= local_day(begin, zone)
    assert all(a.end == b.start for a, b in pairwise(periods))
    assert list(periods) == sorted(periods)
    if periods:
        assert periods[0].start == begin
        assert periods[-1].end == before


@given(as_of=INSTANTS, zone=ZONES, look=LOOKS, hours=st.lists(st.integers(-400, 100), max_size=3))
def test_the_last_boundary_is_past_and_close(as_of: datetime, zone: ZoneInfo, look: Look, hours: list[int]) -> None:
    cuts = [as_of + timedelta(hours=h) for h in hours]
    boundary = last_boundary(as_of, zone, look, cuts)
    assert boundary <= as_of
    assert period_at(boundary, zone, look, cuts, None).end > as_of


def test_a_switch_at_noon_ends_a_period_that_may_be_looked_at() -> None:
    noon = utc(2026, 1, 5, 12)
    assert last_boundary(utc(2026, 1, 5, 18), ZoneInfo("UTC"), "day", [noon]) == noon
    first, second = periods_between(utc(2026, 1, 5), utc(2026, 1, 6), ZoneInfo("UTC"), "day", [noon])
    assert (first.day, first.stage, first.end) == (date(2026, 1, 5), 0, noon)
    assert (second.day, second.stage, second.start) == (date(2026, 1, 5), 1, noon)


def test_a_week_in_which_the_rollout_starts_is_two_periods() -> None:
    zone, start = ZoneInfo("UTC"), utc(2026, 1, 7)
    history = period_at(utc(2026, 1, 6), zone, "week", [], start)
    run = period_at(utc(2026, 1, 8), zone, "week", [], start)
    assert (history.day, history.start, history.end) == (date(2026, 1, 5), utc(2026, 1, 5), start)
    assert (run.day, run.start, run.end) == (date(2026, 1, 7), start, utc(2026, 1, 12))


@pytest.mark.parametrize(
    ("instant", "moved"),
    [(utc(2026, 1, 5, 12), utc(2026, 1, 5, 23)), (utc(2026, 1, 4, 23), utc(2026, 1, 4, 23))],
)
def test_instants_move_on_to_midnight(instant: datetime, moved: datetime) -> None:
    assert snapped([instant], BERLIN) == (moved,)


def test_offsets_of_a_year() -> None:
    """In 2026 clocks in Berlin change on 29 March and 25 October at 1:00 UTC."""
    found = offsets(BERLIN, utc(2026, 1, 1), utc(2027, 1, 1))
    assert found == ((utc(2026, 1, 1), 3600), (utc(2026, 3, 29, 1), 7200), (utc(2026, 10, 25, 1), 3600))


@given(zone=ZONES, first=INSTANTS, days=st.integers(0, 900), part=st.floats(0, 1))
def test_offsets_hold_until_the_next(zone: ZoneInfo, first: datetime, days: int, part: float) -> None:
    last = first + timedelta(days=days)
    instant = first + (last - first) * part
    holding = [seconds for begin, seconds in offsets(zone, first, last) if begin <= instant]
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None
    assert holding[-1] == offset.total_seconds()
