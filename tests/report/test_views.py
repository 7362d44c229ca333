"""Every view at 80 and at 60 columns, with names as long as they come: no line is longer, no number is torn or cut."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console, RenderableType
from tests.judge.build import case, policy, state, units
from tests.rollout.tables import POLICY, tickets

from rampgate.demo.acts import Look
from rampgate.demo.story import looks_table as demo_table
from rampgate.judge.decide import judge
from rampgate.judge.decision import Decision
from rampgate.ledger import Ledger
from rampgate.report.book import forecast_view, history_rows, history_view, last_windows, status_rows, status_view
from rampgate.report.explained import explain_record, explained_view, find
from rampgate.report.pooled import Pooled
from rampgate.report.sentences import validation, validation_view
from rampgate.report.terminal import console, decision_view, looks_table, replay_view, verdict_line
from rampgate.report.words import interval, number, percent, signed
from rampgate.rollout.evaluate import check
from rampgate.rollout.replay import Looks

LONG = "share_of_tickets_that_an_analyst_had_to_override_within_a_day"
QUEUE = "network and telephony of the northern region, second line, outside office hours"
WORD = "Donaudampfschifffahrtsgesellschaftskapitänskajütenschlüsselanhänger" * 2
NAME = "a rollout with a name that nobody would want to type more than once in their life"


def content() -> dict:
    return {
        **POLICY,
        "rollout": NAME,
        "metrics": {"right": POLICY["metrics"]["right"], LONG: POLICY["metrics"]["override"]},
        "kpi": {"weights": {"right": 0.6, LONG: 0.4}, "margin": "5pp"},
        "guardrails": {LONG: {"margin": "5pp"}},
        "rollback": {LONG: {"worse_by": "1pp", "expect": "4pp"}, "kpi": {"worse_by": "1pp"}},
        "segments": {"by": ["queue"], "guardrails": {LONG: {"margin": "10pp"}}, "minimum_units": 50},
    }


@cache
def folder() -> Path:
    """A ledger with two looks of a rollout that goes on and one that rolls back."""
    import tempfile

    at = Path(tempfile.mkdtemp())
    frame = tickets(days=30, per_day=300)
    frame["queue"] = frame["queue"].map({"network": QUEUE, "mail": WORD, "desk": "desk"})
    frame.to_csv(at / "tickets.csv", index=False)
    rules = content() | {"source": {**POLICY["source"], "events": "tickets.csv"}}
    (at / "policy.yaml").write_text(json.dumps(rules))
    for day in ("2026-01-08", "2026-01-12", "2026-01-22"):
        check(at / "policy.yaml", as_of=day, ledger=at / "rampgate.db")
    other = at / "other.yaml"
    other.write_text(json.dumps(rules | {"rollout": "short"}))
    frame.loc[(frame.version == "v2") & (frame.queue == QUEUE), "override"] = True
    check(other, events=frame, as_of="2026-01-22", ledger=at / "rampgate.db")
    return at


@cache
def harmful() -> Decision:
    rules = policy(segments={"by": ["queue"], "guardrails": {"override": {"margin": "10pp"}}, "minimum_units": 50})
    rates = {"right": (0.85, 0.6), "override": (0.15, 0.4)}
    made = units(days=20, traffic=0.5, queues=(QUEUE, WORD, "desk"), rates=rates, per_day=60_000)
    return judge(case(made, 20, rules))


@cache
def recorded() -> Decision:
    book = Ledger.open(folder() / "rampgate.db")
    from rampgate.rollout.evaluate import decision_of

    last = book.last("short")
    assert last is not None
    return decision_of(last)


@cache
def held() -> Decision:
    return judge(case(units(days=10, traffic=0.1), at=state(2, 3)))


@cache
def demo_looks() -> list[Decision]:
    rules = policy(
        metrics={
            "met_sla": {"kind": "proportion", "column": "a"},
            "override": {"kind": "proportion", "column": "b", "better": "lower"},
        },
        kpi={"weights": {"met_sla": 1}, "margin": "5pp"},
    )
    rates = {"met_sla": (0.85, 0.85), "override": (0.15, 0.15)}
    return [judge(case(units(days=d, rates=rates), d, rules)) for d in (5, 10)]


def last_id(book: Ledger) -> str:
    last = book.last("short")
    assert last is not None
    return last.sha256


def _book(view: Callable[[Ledger], RenderableType]) -> Callable[[], RenderableType]:
    return lambda: view(Ledger.open(folder() / "rampgate.db"))


VIEWS: dict[str, Callable[[], RenderableType]] = {
    "check, harmful": lambda: decision_view(harmful()),
    "check, held": lambda: decision_view(held()),
    "show": lambda: decision_view(recorded()),
    "quiet": lambda: verdict_line(recorded()),
    "replay": lambda: replay_view(Looks([held(), harmful(), recorded()])),
    "looks": lambda: looks_table([held(), recorded()]),
    "status": _book(lambda book: status_view(status_rows(book), last_windows(book))),
    "status, quiet": _book(lambda book: status_view(status_rows(book), last_windows(book), quiet=True)),
    "forecast": _book(lambda book: forecast_view(status_rows(book)[0])),
    "history": _book(lambda book: history_view(history_rows(book), last_windows(book))),
    "history, one": _book(lambda book: history_view(history_rows(book, NAME), last_windows(book, NAME))),
    "explain": _book(lambda book: explained_view(explain_record(find(book, last_id(book)), book.document))),
    "validate": lambda: validation_view(validation(folder() / "policy.yaml")),
    "demo": lambda: demo_table([Look(d, Pooled(-0.25, -20.0, 0.0)) for d in demo_looks()]),
}


def rendered(view: RenderableType, width: int, encoding: str = "utf-8") -> list[str]:
    """What a pipe of this width and encoding would get."""
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding=encoding, errors="strict")
    made = Console(file=out, width=width, highlight=False, markup=False, emoji=False)
    made.print(view)
    out.flush()
    return raw.getvalue().decode(encoding).splitlines()


@pytest.mark.parametrize("width", [80, 60])
@pytest.mark.parametrize("name", VIEWS)
def test_no_line_is_longer_and_nothing_is_cut(name: str, width: int) -> None:
    lines = rendered(VIEWS[name](), width)
    assert lines
    too_long = [line for line in lines if len(line) > width]
    assert too_long == []
    # An ellipsis is how rich cuts; names are wrapped here, and numbers kept whole.
    assert [line for line in lines if "…" in line] == []
    assert not any(ord(c) < 32 for line in lines for c in line)


def numbers_of(decision: Decision) -> list[str]:
    """Every number of the tables of a decision, as it is written."""
    rows = [m for m in decision.metrics if m.group.column is None] + [w.kpi for w in decision.windows]
    out = []
    for row in rows:
        out += [number(row.baseline), number(row.candidate), signed(row.difference)]
        # Its two ends and the word between them are one cell, which is not torn either.
        out.append(interval(row.lower, row.upper))
    out += [f"{m.n_baseline}/{m.n_candidate}" for m in decision.metrics if m.group.column is None]
    return [text for text in out if text != "-"]


@pytest.mark.parametrize("width", [80, 60, 40])
def test_every_number_of_a_decision_stands_on_one_line(width: int) -> None:
    for decision in (harmful(), recorded()):
        lines = rendered(decision_view(decision), width)
        wanted = numbers_of(decision)
        assert len(wanted) > 20
        torn = [text for text in wanted if not any(_whole(text, line) for line in lines)]
        assert torn == []


def _whole(text: str, line: str) -> bool:
    return re.search(rf"(?<![\d.+-]){re.escape(text)}(?![\d.])", line) is not None


@pytest.mark.parametrize("width", [80, 60])
def test_long_names_are_all_there(width: int) -> None:
    text = re.sub(r"\s", "", "".join(rendered(decision_view(recorded()), width)))
    assert LONG in text
    assert re.sub(r"\s", "", QUEUE) in text


@pytest.mark.parametrize("width", [80, 60])
def test_the_looks_of_a_replay_keep_date_traffic_and_difference(width: int) -> None:
    looks = [held(), recorded()]
    lines = rendered(looks_table(looks), width)
    for look in looks:
        [line] = [line for line in lines if f"{look.look:%Y-%m-%d}" in line]
        assert percent(look.phase.traffic) in line
        assert look.decision.upper() in " ".join(lines)


def test_blocks_are_left_out_where_the_output_has_none() -> None:
    view = decision_view(harmful())
    assert any("█" in line for line in rendered(view, 80))
    plain = judge(case(units(days=20), 20))
    assert rendered(decision_view(plain), 80, "ascii")
    assert not any("█" in line for line in rendered(decision_view(plain), 80, "ascii"))


def test_blocks_follow_the_weeks() -> None:
    """The candidate's KPI falls by half in its second week: low block there, and a gap where an arm is missing."""

    def harm(day: np.ndarray, _: np.ndarray) -> np.ndarray:
        return np.where((day >= 7) & (day < 14), 0.8, 0.0)

    made = units(days=21, per_day=2000, traffic=0.5, harm=harm)
    lines = rendered(decision_view(judge(case(made.where((made.arm == 0) | (made.day < 14)), 21))), 80)
    [line] = [line for line in lines if line.startswith("candidate  ")]
    assert re.match(r"candidate  [▇█]▁   ", line), line


@pytest.mark.parametrize("bad", ["[red]", "[/nothing]", ":warning:", "\x1b[31mred", "a\nb", "\x07", "\u202etxet"])
def test_names_from_the_data_are_printed_as_they_are(bad: str) -> None:
    rules = policy(segments={"by": ["queue"], "guardrails": {"override": {"margin": "10pp"}}, "minimum_units": 50})
    made = units(days=20, traffic=0.5, queues=(bad, "mail"), rates={"right": (0.8, 0.8), "override": (0.1, 0.7)})
    decision = judge(case(made, 20, rules))
    out = io.StringIO()
    screen = console()
    screen.file = out
    screen.print(decision_view(decision))
    text = out.getvalue()
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    shown = {"\x1b[31mred": r"\x1b[31mred", "a\nb": r"a\nb", "\x07": r"\x07", "\u202etxet": r"\u202etxet"}.get(bad, bad)
    assert f"queue={shown}" in text


def test_weeks_end_with_the_last_one_that_fits() -> None:
    decision = judge(case(units(days=70, per_day=50), 70))
    assert len(decision.windows) == 10
    lines = rendered(decision_view(decision), 38)
    [line] = [line for line in lines if line.startswith("baseline   ")]
    assert len(line) <= 38
    assert decision.windows[-1].end - decision.windows[-1].start == timedelta(days=7)
