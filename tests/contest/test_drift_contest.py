"""The drift contest: its measures against values by hand, and our detector on series small enough for the tests."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from benchmarks.drift_contest import __main__ as contest
from benchmarks.drift_contest.ours import Series
from benchmarks.drift_contest.page import PAGE, nab_table, tcpd_table
from benchmarks.drift_contest.score import by_dataset, f1, in_windows
from benchmarks.drift_contest.series import Labelled, nab, surrogates, tcpd


def test_f1_is_that_of_the_paper() -> None:
    """By hand: two annotators, {0, 100} and {0, 100, 200}; found 0, 103 and 300."""
    # Precision 2 of 3 against the union {0, 100, 200}; recall 2 of 2 and 2 of 3.
    precision, recall = 2 / 3, (1 + 2 / 3) / 2
    assert f1([[100], [100, 200]], [103, 300]) == pytest.approx(2 * precision * recall / (precision + recall))
    assert f1([[], []], []) == 1.0
    # Silence where there is one change: precision 1, recall 1/2.
    assert f1([[100]], []) == pytest.approx(2 / 3)
    # Two alarms at one change count once.
    assert f1([[100]], [98, 102]) == pytest.approx(2 * (2 / 3) / (1 + 2 / 3))


def test_alarms_are_counted_in_windows_and_outside() -> None:
    one = Labelled("one", np.zeros(200), windows=((50, 59), (120, 129)))
    found = in_windows([one], {"one": [(10, 10), (40, 40), (52, 50), (55, 55), (150, 150)]})
    # The alarm at 10 lies in the probationary part, 15 % of 200 steps.
    assert (found.hit, found.windows, found.outside, found.steps) == (1, 2, 2, 170 - 20)
    assert found.delay == pytest.approx(2 / 9)
    assert found.f1 == pytest.approx(2 * 1 / (2 + 1 + 2))


def test_the_series_are_all_there() -> None:
    series = nab()
    assert (len(series), sum(len(one.windows) for one in series)) == (24, 43)
    assert all(len(one.values) <= 200 for one in series)
    assert all(first <= last < len(one.values) for one in series for first, last in one.windows)
    others = tcpd()
    assert len({one.name for one in others}) == 10
    assert all(np.isfinite(one.values).all() for one in others)
    quiet = surrogates(others, 1)
    assert [len(one.values) for one in quiet] == [len(one.values) for one in others]


@pytest.mark.parametrize("name", ["gdp_japan", "rail_lines", "uk_coal_employ", "global_co2"])
def test_our_detector_on_short_series(name: str) -> None:
    """The published F1 of each is what the code gives now."""
    [one] = [one for one in tcpd() if one.name == name]
    recorded = results()["tcpd"][contest.OURS]
    alarms = Series(one.values).alarms(float(recorded["parameter"]))
    assert by_dataset([one], [alarms])[name] == pytest.approx(recorded["f1"][name])


def results() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((contest.HERE / "results.json").read_text("utf-8"))
    return found


def test_the_page_shows_the_results() -> None:
    text = PAGE.read_text("utf-8")
    for lines in (nab_table(results()["nab"]), tcpd_table(results()["tcpd"])):
        assert "\n".join(lines) in text


def test_all_detectors_are_held_to_one_rate() -> None:
    """The most sensitive parameter of each within one false alarm in a thousand quiet steps."""
    for rows in results().values():
        assert {contest.OURS, "ADWIN", "KSWIN"} <= rows.keys()
        for name, row in rows.items():
            if name != contest.UNTUNED:
                assert row["false_rate"] <= contest.RATE, name
