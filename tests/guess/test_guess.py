"""From tables to proposals: what is chosen, why, and what is asked instead of guessed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from tests.guess.tables import TABLES, european, support

from rampgate.errors import DataError, SourceError, Unclear, UsageError
from rampgate.guess import Given, Guess, guess
from rampgate.policy import load_policy, not_judged
from rampgate.rollout.evaluate import check
from rampgate.source import open_engine


def value(found: Guess, role: str) -> Any:
    """The value of a role, or the values where it may have several."""
    values = [note.value for note in found.notes if note.role == role]
    return values if role in ("metric", "segment") else values[0] if values else None


def left(found: Guess) -> dict[str, str]:
    return dict(found.left_out)


def refused(events: Any, **given: Any) -> UsageError:
    with pytest.raises(UsageError) as caught:
        guess(events, Given(**given))
    return caught.value


# --- a table with everything -----------------------------------------------------------------


def test_every_column_of_a_table_is_accounted_for() -> None:
    frame = support()
    found = guess(frame)
    assert [value(found, role) for role in ("unit", "time", "variant", "baseline", "candidate")] == [
        "ticket_id", "opened_at", "model_version", "v1", "v2",
    ]  # fmt: skip
    assert value(found, "metric") == ["correct", "overridden", "sla", "csat", "handling_hours"]
    assert value(found, "segment") == ["queue", "priority"]
    used = {"ticket_id", "opened_at", "model_version", *value(found, "metric"), *value(found, "segment")}
    assert {*left(found)} | used == set(frame.columns)
    assert not {*left(found)} & used


def test_metrics_are_of_the_kinds_that_are_judged() -> None:
    policy = guess(support()).policy
    assert {name: metric.model_dump(exclude_defaults=True) for name, metric in policy.metrics.items()} == {
        "correct": {"kind": "proportion", "column": "correct"},
        "overridden": {"kind": "proportion", "column": "overridden", "better": "lower"},
        "sla": {"kind": "proportion", "column": "sla", "equals": "MET"},
        "csat": {"kind": "mean", "column": "csat", "best": 5, "worst": 1},
        "handling_hours": {"kind": "mean", "column": "handling_hours", "better": "lower"},
    }
    assert policy.kpi.weights == {"correct": 0.25, "overridden": 0.25, "sla": 0.25, "csat": 0.25}
    assert not_judged(policy) == []
    assert policy.source.events is None


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        ("row", "an id"),
        ("closed_at", "a second time, beside opened_at"),
        ("model_name", "it tells the versions apart"),
        ("confidence", "the version's own opinion"),
        ("is_vip", "its name does not tell which is good: --metric is_vip or --metric is_vip:lower"),
        ("agent", "who handles a row may depend on the version"),
        ("site", "one value, 'Oslo'"),
        ("summary", "free text"),
        ("nothing", "no value at all"),
    ],
)
def test_what_is_left_out_has_its_reason(column: str, reason: str) -> None:
    assert reason in left(guess(support()))[column]


def test_notes_say_what_was_guessed_and_which_flag_changes_it() -> None:
    found = guess(support(), Given(unit="ticket_id"), "triage")
    notes = {note.role: note for note in found.notes}
    assert (notes["unit"].guessed, notes["unit"].flag) == (False, "--unit")
    assert (notes["time"].guessed, notes["time"].flag) == (True, "--time")
    assert notes["time"].why == "its name says when a row began, beside closed_at"
    assert (notes["rollout"].value, notes["rollout"].guessed) == ("triage", False)
    assert all(note.why and note.flag for note in found.notes if note.role not in ("weights", "margin", "phases"))


@pytest.mark.parametrize("how", ["pandas", "polars", "arrow", "objects", "engine"])
def test_any_kind_of_frame_gives_the_same(how: str) -> None:
    frame = support(days=8).drop(columns="nothing")
    table: Any = frame
    if how == "polars":
        table = pl.from_pandas(frame)
    elif how == "arrow":
        table = pa.Table.from_pandas(frame)
    elif how == "objects":
        table = frame.astype({"correct": object, "queue": object})
    elif how == "engine":
        table = open_engine(frame)
    assert guess(table).policy == guess(frame).policy


def test_a_spreadsheet_of_europe_gives_the_same_but_for_its_forms() -> None:
    frame = support()
    found, plain = guess(european(frame)), guess(frame)
    assert found.policy.source.time_format == ("%d/%m/%Y %H:%M",)
    assert found.policy.source.decimal == ","
    assert found.policy.metrics == plain.policy.metrics
    assert found.policy.guardrails == plain.policy.guardrails
    assert value(found, "decimal") == ","


@pytest.mark.parametrize("name", TABLES)
def test_the_proposal_can_be_judged(tmp_path: Path, name: str) -> None:
    """As it stands, by the gate itself; before a launch there is nothing to judge."""
    write, given = TABLES[name]
    path = write(tmp_path / "table.csv")
    found = guess(path, Given(**given))
    assert found.policy.source.events == str(path)
    assert load_policy(found.policy.canonical()).sha256() == found.policy.sha256()
    if name == "baseline only":
        with pytest.raises(DataError, match="no row of the candidate 'v2'"):
            check(found.policy, as_of="2026-01-20")
        return
    last = {"demo": "2016-04-11", "boston": "2015-02-01", "boston, day first": "2015-02-01"}
    decision = check(found.policy, as_of=last.get(name, "2026-01-20"))
    assert not [
        h
        for h in decision.health
        if h.verdict in ("FAIL", "ERROR", "NO_DATA") and h.code not in ("stale", "missing_labels")
    ]
    assert {m.name for m in decision.metrics} >= {"kpi", *found.policy.judged_metrics()}


def test_boston_is_the_same_in_another_form(tmp_path: Path) -> None:
    """The city's table, and the same with semicolons, a byte-order mark and day-first times: one decision."""
    decisions = []
    for name in ("boston", "boston, day first"):
        write, given = TABLES[name]
        found = guess(write(tmp_path / f"{name}.csv"), Given(**given), "boston")
        decisions.append(check(found.policy, as_of="2015-03-01"))
    first, second = ([(m.name, m.baseline, m.candidate, m.n_baseline) for m in d.metrics] for d in decisions)
    assert first == second
    assert decisions[0].decision == decisions[1].decision


# --- unit, time, variant -----------------------------------------------------------------------


def small(n: int = 400, **columns: Any) -> pd.DataFrame:
    """A table that lacks nothing; columns replace its own, None drops one."""
    own: dict[str, Any] = {
        "ticket_id": [f"T{i}" for i in range(n)],
        "opened_at": pd.Timestamp("2026-01-05") + pd.to_timedelta(np.arange(n), unit="h"),
        "version": ["v1", "v2"] * (n // 2),
        "solved": [i % 7 > 2 for i in range(n)],
    }
    return pd.DataFrame({key: column for key, column in {**own, **columns}.items() if column is not None})


def test_a_unit_that_nearly_never_repeats_is_taken_and_said() -> None:
    ids = [f"T{i}" for i in range(398)] + ["T1", "T2"]
    note = next(n for n in guess(small(ticket_id=ids)).notes if n.role == "unit")
    assert note.why == "398 different values in 400 rows; of rows that repeat one, only the first counts"


def test_no_unit() -> None:
    error = refused(small(ticket_id=["a", "b"] * 200))
    assert isinstance(error, Unclear)
    assert error.role == "unit"
    assert "no column identifies a row: none has a different value in each of the 400 rows" in error.what
    assert "--unit" in str(error.remedy)
    assert value(guess(small(ticket_id=["a", "b"] * 200), Given(unit="ticket_id")), "unit") == "ticket_id"


def test_two_units() -> None:
    error = refused(
        small(ticket_id=None, alarm_ref=[f"A{i}" for i in range(400)], case_ref=[f"C{i}" for i in range(400)])
    )
    assert error.what == "2 columns may identify a row: 'alarm_ref', 'case_ref'"
    assert "--unit" in str(error.remedy)


def test_a_measurement_is_no_unit() -> None:
    found = guess(small(hours=np.linspace(0.5, 99.25, 400)))
    assert value(found, "unit") == "ticket_id"
    assert "hours" in value(found, "metric")


@pytest.mark.parametrize(
    ("columns", "chosen"),
    [
        ({"opened_at": None, "created": 0, "updated": 5}, "created"),
        ({"opened_at": None, "closed": 5, "day": 0}, "day"),
        ({"opened_at": None, "sys_created_on": 0, "due_date": 9, "opened": 1}, "sys_created_on"),
        ({"opened_at": None, "first_at": 1, "t0": 0, "t1": 2}, "t0"),
    ],
)
def test_the_time_is_that_of_the_beginning(columns: dict[str, Any], chosen: str) -> None:
    start = pd.Timestamp("2026-01-05") + pd.to_timedelta(np.arange(400), unit="h")
    times: dict[str, Any] = {
        key: start + pd.Timedelta(hours=late) if late is not None else None for key, late in columns.items()
    }
    assert value(guess(small(**times)), "time") == chosen


def test_two_times_of_which_neither_comes_first() -> None:
    start = pd.Timestamp("2026-01-05") + pd.to_timedelta(np.arange(400), unit="h")
    back = pd.to_timedelta(np.tile([-1, 1], 200), unit="h")
    error = refused(small(opened_at=None, seen_here=start, seen_there=start + back))
    assert error.what == "2 columns may be the time of a row: 'seen_here', 'seen_there'"
    assert "--time" in str(error.remedy)


def test_no_time() -> None:
    error = refused(small(opened_at=None))
    assert (error.what, error.remedy) == ("no column holds times", "name it with --time")


@pytest.mark.parametrize(
    ("values", "baseline", "why"),
    [
        (["treatment", "control"], "control", "by what the two are called (200 rows)"),
        (["gpt-5", "gpt-4"], "gpt-4", "by what the two are called (200 rows)"),
        (["blue", "green", "blue", "blue"], "blue", "by what the two are called (300 rows)"),
        (["kiwi", "plum", "plum", "plum"], "plum", "it has more rows (300 rows)"),
    ],
)
def test_which_version_is_the_baseline(values: list[str], baseline: str, why: str) -> None:
    found = guess(small(version=values * (400 // len(values))))
    note = next(n for n in found.notes if n.role == "baseline")
    assert (note.value, note.why) == (baseline, why)


def test_the_version_that_was_there_first_is_the_baseline() -> None:
    versions = ["plum"] * 100 + ["kiwi", "plum", "kiwi"] * 100
    note = next(n for n in guess(small(version=versions)).notes if n.role == "baseline")
    assert (note.value, note.why) == ("plum", "it was there first (200 rows)")


@pytest.mark.parametrize("values", [[False, True], [0, 1], ["no", "yes"]])
def test_a_version_of_true_and_false(values: list[Any]) -> None:
    found = guess(small(version=None, is_candidate=values * 200))
    assert value(found, "variant") == "is_candidate"
    assert [value(found, "baseline"), value(found, "candidate")] == [str(v).lower() for v in values]
    check(found.policy, small(version=None, is_candidate=values * 200), "2026-01-20")


def test_three_versions_are_not_guessed() -> None:
    error = refused(small(n=300, version=["v1", "v2", "v3"] * 100))
    assert error.what == "column 'version' holds 3 versions: 'v1' (100 rows), 'v2' (100 rows), 'v3' (100 rows)"
    assert "--baseline and --candidate" in str(error.remedy)
    found = guess(small(n=300, version=["v1", "v2", "v3"] * 100), Given(baseline="v1", candidate="v3"))
    assert value(found, "candidate") == "v3"
    error = refused(small(n=300, version=["v1", "v2", "v3"] * 100), baseline="v1")
    assert isinstance(error, Unclear)
    assert (error.role, error.choices) == ("candidate", ("v2", "v3"))


def test_no_version() -> None:
    error = refused(small(version=None, colour=["red", "blue"] * 200))
    assert error.what.startswith("no column says by its name or its values which version handled a row")
    assert "; columns of two values: 'solved', 'colour'" in error.what
    assert "--variant, or two values of it with --baseline and --candidate" in str(error.remedy)
    assert (
        value(guess(small(version=None, colour=["red", "blue"] * 200), Given(variant="colour")), "variant") == "colour"
    )


def test_a_version_that_is_written_otherwise_is_suggested() -> None:
    error = refused(small(version=["Call centre", "Mobile App"] * 200), baseline="call center", candidate="Mobile App")
    assert error.what.endswith("; did you mean 'Call centre'?")
    error = refused(small(version=["Call centre", "Mobile App"] * 200), baseline="zzz", candidate="Mobile App")
    assert "did you mean" not in error.what


@pytest.mark.parametrize("slip", ["V2", "v2 ", " V 2"])
def test_a_version_that_differs_by_a_slip_of_writing_is_not_ignored(slip: str) -> None:
    frame = small(n=400, version=["v1", "v2", slip, "v3"] * 100)
    found = guess(frame, Given(baseline="v1", candidate="v2"))
    assert found.policy.source.ignore == ("v3",)
    [note] = [note for note in found.notes if note.role == "misspelt"]
    assert note.value == repr(slip)
    assert note.why == "100 rows; written almost like 'v2': correct the rows, else every look holds"


def test_no_outcome_says_why_of_what_looks_like_one() -> None:
    assert "('solved': it has one value, 'yes')" in refused(small(solved="yes")).what


def test_two_columns_of_versions() -> None:
    error = refused(small(release=["x", "y"] * 200, version=["p", "q"] * 200))
    assert error.what == "2 columns may say the version that handled a row: 'version', 'release'"


@pytest.mark.parametrize("given", [{}, {"candidate": "v9"}, {"baseline": "v1"}, {"baseline": "v1", "candidate": "v9"}])
def test_before_the_launch(given: dict[str, Any]) -> None:
    found = guess(small(version=["v1"] * 400), Given(**given))
    assert (found.policy.baseline, found.policy.candidate) == ("v1", given.get("candidate", "v2"))
    note = next(n for n in found.notes if n.role == "candidate")
    assert note.guessed == ("candidate" not in given)
    if note.guessed:
        assert "placeholder" in note.why


@pytest.mark.parametrize(
    ("given", "what", "remedy"),
    [
        ({"unit": "ticketid"}, "there is no column 'ticketid' (--unit)", "did you mean 'ticket_id'?"),
        ({"time": "zzz"}, "there is no column 'zzz' (--time)", "the columns are: ticket_id, opened_at,"),
        ({"segments": ("Version2",)}, "there is no column 'Version2' (--segment)", "did you mean 'version'?"),
        ({"metrics": ("solve",)}, "there is no column 'solve' (--metric)", "did you mean 'solved'?"),
        ({"baseline": "v1", "candidate": "v1"}, "baseline and candidate are both 'v1'", "name two values"),
        ({"candidate": "v7"}, "no column of few values holds 'v7'", "version (v1, v2)"),
        ({"variant": "version", "candidate": "v7"}, "has no row of the candidate 'v7'", "'v1' (200 rows)"),
        ({"variant": "ticket_id", "unit": "ticket_id"}, "column 'ticket_id' is named twice", ""),
        ({"variant": "ticket_id", "unit": "version"}, "different values", "--variant"),
        ({"time": "solved"}, "column 'solved' holds no times, but values such as 'false'", "--time-format"),
        ({"time": "ticket_id", "unit": "solved"}, "holds no times, but values such as 'T0'", "name another column"),
        ({"time": "ticket_id", "unit": "opened_at", "time_format": "%Y%m%d"}, "has a time that can be read", "--time"),
        ({"timezone": "Oslo"}, "there is no time zone 'Oslo'", "Europe/Oslo"),
        ({"decimal": ";"}, "';' is no decimal mark", "write . or ,"),
        ({"time_format": "%d/%m"}, "says no year", "%d/%m/%Y"),
    ],
)  # fmt: skip
def test_what_was_said_and_does_not_fit(given: dict[str, Any], what: str, remedy: str) -> None:
    error = refused(small(), **given)
    assert what in error.what
    assert remedy in str(error.remedy)
    assert error.exit_code == 2


# --- tables that say little ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind", "what"),
    [
        ("a\n1\n2\n", Unclear, "no column holds times"),
        ("a,b,c\n", DataError, "the source has columns and no rows"),
        ("a,b,c\n,,\n,,\n", Unclear, "no column holds times"),
        ("id,opened,version,x\n1,2026-01-05,v1,a\n", Unclear, "no column is an outcome"),
        ("id,opened,version,ok\n1,yesterday,v1,yes\n2,today,v2,no\n", Unclear, "no column holds times"),
    ],
)
def test_nasty_tables(tmp_path: Path, text: str, kind: type[Exception], what: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(kind, match=what):
        guess(tmp_path / "t.csv")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no such file"):
        guess(tmp_path / "t.csv")


def test_three_hundred_columns() -> None:
    chance = np.random.default_rng(1)
    more: dict[str, Any] = {f"x{i}": chance.integers(0, 9, 400) for i in range(150)}
    more |= {f"y{i}": chance.choice(["p", "q", "r"], 400) for i in range(146)}
    found = guess(small(**more))
    assert value(found, "metric") == ["solved"]
    assert len(value(found, "segment")) == 3
    assert len(found.left_out) == 293


def test_names_that_are_hard_to_write() -> None:
    frame = small().rename(columns={"solved": 'solved: "yes" | no', "version": "the, version", "ticket_id": "ticket #"})
    found = guess(frame)
    assert list(found.policy.metrics) == ['solved- "yes" - no']
    assert found.policy.metrics['solved- "yes" - no'].columns() == ('solved: "yes" | no',)
    check(found.policy, frame, "2026-01-20")
