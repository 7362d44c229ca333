"""Charts draw the decision's own numbers, and are what Vega-Lite's schema allows."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import altair as alt
import pytest

from rampgate.aggregate.marginals import OVERALL, Group
from rampgate.judge.decision import Estimate
from rampgate.judge.trace import EvidencePath
from rampgate.report import charts
from rampgate.report.dossier import Dossier
from rampgate.report.drawing import Bound, Unit, drawable, live_spec, svg_of, thinned, time_axis

SHARE = Unit(share=True)
#: Drawn numbers keep six significant digits.
DRAWN = 1e-5


@pytest.fixture
def found(tell: Callable[[str], Dossier]) -> Dossier:
    return tell("rollback")


def rows(chart: alt.LayerChart) -> Iterator[dict[str, Any]]:
    """Every row that a chart draws; the chart is valid."""
    for values in chart.to_dict(validate=True)["datasets"].values():
        yield from values


def at(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat() + "Z"


@pytest.mark.parametrize("metric", ["kpi", "right", "override"])
def test_weekly_draws_both_arms_of_every_window(found: Dossier, metric: str) -> None:
    windows = found.decision.windows
    drawn = list(rows(charts.weekly(windows, metric, ("v1", "v2"), SHARE)))
    assert len(windows) == 3
    for window in windows:
        e = window.kpi if metric == "kpi" else next(m for m in window.metrics if m.name == metric)
        here = {row["arm"]: row for row in drawn if row["at"] == at(window.start) and "arm" in row}
        assert e.baseline is not None
        assert e.candidate is not None
        assert e.lower is not None
        assert here["v1"]["value"] == pytest.approx(100 * e.baseline, rel=DRAWN)
        assert here["v2"]["value"] == pytest.approx(100 * e.candidate, rel=DRAWN)
        assert here["v2"]["low"] == pytest.approx(max(0, 100 * (e.baseline + e.lower)), rel=DRAWN)
        assert {row["complete"] for row in here.values()} == {window.complete}
    marked = [row["at"] for row in drawn if row.get("note") == "partial"]
    assert marked == [at(w.start) for w in windows if not w.complete]
    assert len(marked) == 1


def test_evidence_draws_the_path_its_bar_and_its_onset(found: Dossier) -> None:
    path = next(p for p in found.trace.evidence if p.id == "rollback:override")
    judged = next(c for c in found.decision.criteria if c.id == path.id)
    onset = datetime.fromisoformat(str(judged.onset)).replace(tzinfo=UTC)
    chart = charts.evidence(found.trace.ends, path, onset)
    drawn = list(rows(chart))
    line = {row["at"]: row["e"] for row in drawn if "e" in row}
    assert line == {
        at(end): pytest.approx(e, rel=DRAWN) for end, e in zip(found.trace.ends, path.e_values, strict=True)
    }
    # Two rollback criteria share a budget of 5 %: each fires alone at 1 / (0.05 / 2), less what segments may hold.
    assert [row["bar"] for row in drawn if "bar" in row] == [pytest.approx(40)]
    assert [row["text"] for row in drawn if row.get("at") == at(onset) and "text" in row] == [
        f"onset {onset.day} {onset:%b}"
    ]
    crossed = next(t for t, e in enumerate(path.e_values) if e >= path.threshold)
    assert judged.verdict == "FAIL"
    crosses = [layer for layer in chart.to_dict()["layer"] if layer["mark"].get("shape") == "cross"]
    [name] = [layer["data"]["name"] for layer in crosses]
    assert [row["at"] for row in chart.to_dict()["datasets"][name]] == [at(found.trace.ends[crossed])]


def test_evidence_beyond_any_picture_stays_on_its_edge_and_is_read_in_full() -> None:
    ends = [datetime(2026, 1, day, tzinfo=UTC) for day in range(2, 6)]
    path = EvidencePath("rollback:x", "rollback", "x", OVERALL, "rollback", "1pp", 20.0, (1.0, 0.0, 1e80, 1e300))
    drawn = list(rows(charts.evidence(ends, path)))
    assert {row["e"] for row in drawn if "e" in row} == {1.0, charts.LEAST_DRAWN, charts.MOST_DRAWN}
    assert {row["odds"] for row in drawn if "odds" in row} == {"1 to 1", "0 to 1", "more than 100,000 to 1"}
    assert "<svg" in svg_of(charts.evidence(ends, path))


def test_a_long_path_keeps_its_height_its_crossing_and_its_end() -> None:
    count = 1000
    ends = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=t) for t in range(count)]
    values = [1.0] * count
    values[333], values[335] = 25.0, 30.0
    path = EvidencePath("rollback:x", "rollback", "x", OVERALL, "rollback", "1pp", 20.0, tuple(values))
    spec = charts.evidence(ends, path).to_dict()
    line = spec["datasets"]["rows0"]
    assert len(line) <= charts.MOST_POINTS + 2
    assert {at(ends[333]), at(ends[335]), at(ends[-1])} <= {row["at"] for row in line}


@pytest.mark.parametrize("metric", ["kpi", "right", "override"])
def test_effect_draws_the_difference_so_far_and_its_bounds(found: Dossier, metric: str) -> None:
    path = next(p for p in found.trace.effects if p.metric == metric)
    bounds = [Bound(-0.01, "rolls back beyond 1pp", "rollback"), Bound(-0.05, "holds beyond 5pp", "guardrail")]
    drawn = list(rows(charts.effect(found.trace.ends, path, SHARE, bounds)))
    line = {row["at"]: row for row in drawn if "low" in row}
    for t, end in enumerate(found.trace.ends):
        for key, values in (("value", path.difference), ("low", path.lower), ("high", path.upper)):
            value = values[t]
            assert value is not None
            assert line[at(end)][key] == pytest.approx(100 * value, rel=DRAWN)
    assert [row["bound"] for row in drawn if "bound" in row] == [-1.0, -5.0]


def test_the_ramp_goes_where_every_decision_sent_it(found: Dossier) -> None:
    drawn = list(rows(charts.ramp(found.decisions)))
    looks = [row for row in drawn if "decision" in row]
    assert [row["decision"] for row in looks] == [d.decision for d in found.decisions]
    steps = [row["traffic"] for row in drawn if "decision" not in row]
    # 30 % from the start, then what each look leads to: the policy's phases, and nothing after the rollback.
    expected = {
        "hold": lambda d: d.phase.traffic,
        "complete": lambda d: d.phase.traffic,
        "go": lambda d: d.phase.next_traffic,
        "rollback": lambda d: 0.0,
    }
    assert steps == [30.0, *(100 * expected[d.decision](d) for d in found.decisions)]
    # A look stands where the look before left the traffic; what was rolled back stays at 0.
    assert [row["traffic"] for row in looks] == steps[:-1]
    assert steps[-5:] == [0.0] * 5
    assert set(steps) >= {30.0, 50.0}


def test_a_forest_has_a_line_for_each_value_and_marks_what_failed() -> None:
    def row(value: str, difference: float) -> Estimate:
        ends = (difference - 0.1, difference + 0.1)
        return Estimate("override", Group("queue", value), 0.2, 0.2 + difference, difference, *ends, 0.95, 70, 60)

    given = [row("mail", 0.3), row("desk", 0.01)]
    drawn = list(rows(charts.forest(given, SHARE, [Bound(0.1, "", "guardrail")], frozenset({"queue=mail"}))))
    lines = {r["segment"]: r for r in drawn if "segment" in r}
    assert list(lines) == ["mail", "desk"]
    assert (lines["mail"]["failed"], lines["desk"]["failed"]) == (True, False)
    assert (lines["mail"]["low"], lines["mail"]["value"], lines["mail"]["high"]) == (20, 30, 40)
    assert lines["desk"]["units"] == "70 / 60"
    assert [r["bound"] for r in drawn if "bound" in r] == [10.0]


def test_a_picture_is_the_same_bytes_wherever_and_whenever_it_is_drawn(
    found: Dossier, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = found.trace.effects[0]
    here = svg_of(charts.effect(found.trace.ends, path, SHARE))
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    assert svg_of(charts.effect(found.trace.ends, path, SHARE)) == here
    assert "near" in str(live_spec(charts.effect(found.trace.ends, path, SHARE)))


def test_numbers_that_are_no_shares_are_told_in_their_own_unit() -> None:
    assert (SHARE.difference(-0.0004), SHARE.difference(0.0004)) == ("0.0", "0.0")
    assert SHARE.interval(-0.0006, 0.0004) == "−0.1 to 0.0"
    plain = Unit(share=False)
    assert (plain.level(61.234), plain.difference(-1.5), plain.scale, plain.name) == ("61.23", "−1.5", 1.0, "")
    assert (SHARE.level(0.1234), SHARE.difference(-0.015), SHARE.name) == ("12.3 %", "−1.5", " points")
    assert SHARE.interval(None, 0.1) == "- to +10.0"
    assert SHARE.interval(None, None) == SHARE.level(None) == SHARE.difference(None) == "-"


@pytest.mark.parametrize(("count", "most"), [(1, 8), (8, 8), (9, 8), (100, 8), (1000, 60), (0, 8)])
def test_thinning_keeps_the_last_and_no_more_than_asked(count: int, most: int) -> None:
    kept = thinned(range(count), most)
    assert len(kept) <= most
    assert list(kept[-1:]) == list(range(count))[-1:]
    assert len({b - a for a, b in pairwise(kept)}) <= 1


@pytest.mark.parametrize("most", [5, 8])
@pytest.mark.parametrize("days", [1, 2, 6, 9, 40, 100, 182, 183, 300, 364, 800, 4000])
def test_days_named_on_an_axis_are_few_even_and_within_it(days: int, most: int) -> None:
    first = datetime(2025, 1, 6, tzinfo=UTC)
    moments = [first, first + timedelta(days=days)]
    axis = time_axis(alt.X("at:T"), moments, most=most).to_dict()["axis"]
    named = [datetime.fromisoformat(text) for text in axis["values"]]
    assert 1 <= len(named) <= most
    assert all(moments[0] <= day <= moments[1] for day in named)
    steps = [(b - a).days for a, b in pairwise(named)]
    assert not steps or max(steps) - min(steps) <= 4  # months differ
    if days > 182:
        assert {day.day for day in named} == {1}
        assert "%Y" in axis["labelExpr"]


def test_names_in_a_drawing_are_left_as_they_are() -> None:
    """What is taken away from tags may stand in a name."""
    name = 'a role="x"'
    row = Estimate("override", Group("queue", name), 0.2, 0.3, 0.1, 0.0, 0.2, 0.95, 70, 60)
    svg = svg_of(charts.forest([row], SHARE, [], frozenset()))
    assert name in html.unescape(svg)
    assert "role=" not in re.sub(r">[^<]*<", "><", svg)


def test_characters_that_end_a_drawing_are_replaced() -> None:
    """The drawing library ends the whole process when it meets one; nothing could catch that."""
    spec = {"mark": "point", "values": [{"a\x1b": "x\x1b[31m\x00y", "b": ["\ud800", "plain é ✚ 😀\n"], "n": 1.5}]}
    found = drawable(spec)
    assert found["values"] == [{"a\ufffd": "x\ufffd[31m\ufffdy", "b": ["\ufffd", "plain é ✚ 😀\n"], "n": 1.5}]
