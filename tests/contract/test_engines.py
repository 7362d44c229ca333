"""Same policy, same rows, same decision, whatever engine holds them; they are held against DuckDB over Arrow."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sqlglot import exp
from tests.aggregate.support import METRICS, look, only, policy, rows, tickets
from tests.contract.engines import Hold, alike, same_cells
from tests.rollout.test_every_kind import BY_UNIT
from tests.rollout.test_every_kind import METRICS as EVERY
from tests.rollout.test_every_kind import table as every

import rampgate
from rampgate.source import open_engine

AS_OF = "2026-01-26"


def of_every_kind(cluster: bool) -> dict[str, Any]:
    """A policy with a metric of every kind, judged by unit or by cluster."""
    source = {"unit": "ticket", "time": "opened", "variant": "version"}
    metrics = {name: rule for name, rule in EVERY.items() if not (cluster and name in BY_UNIT)}
    points = ("ok", "known", "solved", "good", "above")
    return {
        "baseline": "v1",
        "candidate": "v2",
        "start": "2026-01-05",
        "timezone": "America/St_Johns",
        "source": {**source, "cluster": "person"} if cluster else source,
        "metrics": metrics,
        "kpi": {"weights": {"ok": 0.5, "mean": 0.2, "good": 0.3}, "margin": "10pp"},
        "rollback": {name: {"worse_by": 0} for name in (*metrics, "kpi")},
        "guardrails": {name: {"margin": "5pp" if name in points else "10%"} for name in metrics if name != "pace"},
        "segments": {"by": ["queue"], "guardrails": {"kpi": {"margin": "5pp"}}, "minimum_units": 20},
        "phases": [{"traffic": "10%"}, {"traffic": "33%"}, {"traffic": "100%"}],
        "exposure": [{"from": "2026-01-05", "traffic": "10%"}, {"from": "2026-01-12", "traffic": "33%"}],
    }  # fmt: skip


@pytest.mark.parametrize("cluster", [False, True])
def test_every_kind_of_metric(hold: Hold, cluster: bool) -> None:
    given = pa.Table.from_pandas(every(100, 40, 1.0), preserve_index=False)
    for name in ("opened", "closed", "labelled"):  # pandas has nanoseconds, which Spark does not read
        given = _with(given, name, given[name].cast(pa.timestamp("us"), safe=False))
    chosen = of_every_kind(cluster)
    wanted = rampgate.check(chosen, events=given, as_of=AS_OF, ledger=None)
    found = rampgate.check(chosen, events=hold(given), as_of=AS_OF, ledger=None)
    assert not [reason for reason in wanted.reasons if reason.code == "error"]
    alike(found.to_dict(), wanted.to_dict())


CHANGED = datetime(2026, 3, 30, 9, 17, tzinfo=UTC)


def naive(table: pa.Table) -> pa.Table:
    return _with(table, "opened", table["opened"].cast(pa.timestamp("us")))


def days(table: pa.Table) -> pa.Table:
    return _with(table, "opened", table["opened"].cast(pa.date32()))


def written(table: pa.Table) -> pa.Table:
    return _with(table, "opened", pa.array([at.isoformat() for at in table["opened"].to_pylist()]))


def in_words(table: pa.Table) -> pa.Table:
    for name, words in (("correct", ("no", "Yes")), ("overridden", ("0", "1")), ("escalated", ("f", "T"))):
        said = [None if value is None else words[value] for value in table[name].to_pylist()]
        table = _with(table, name, pa.array(said))
    hours = ["n/a" if value is None else f" {value!r} " for value in table["hours"].to_pylist()]
    return _with(table, "hours", pa.array(hours))


def as_numbers(table: pa.Table) -> pa.Table:
    table = _with(table, "correct", table["correct"].cast(pa.int32()))
    table = _with(table, "overridden", table["overridden"].cast(pa.int32()).cast(pa.float64()))
    return _with(table, "hours", table["hours"].cast(pa.decimal128(18, 3)))


def twice(table: pa.Table) -> pa.Table:
    """A fifth of the units come again, some of them at the same moment with other values."""
    again = table.slice(0, len(table) // 5)
    moved = [at + timedelta(hours=i % 3) for i, at in enumerate(again["opened"].to_pylist())]
    again = _with(again, "opened", pa.array(moved, again.schema.field("opened").type))
    return pa.concat_tables([table, _with(again, "correct", pa.array([True] * len(again)))])


def _with(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


FORMS = {"timestamps": lambda table: table, "naive": naive, "days": days, "written": written, "words": in_words,
         "numbers": as_numbers, "repeated": twice}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_cells_over_a_change_of_clocks(hold: Hold, form: str) -> None:
    """Two weeks around the night of 29 March 2026, cut where traffic changed, whatever types the columns have."""
    given = FORMS[form](tickets(900).drop_columns(["unused"]))
    chosen = policy(timezone="Europe/Berlin", metrics={**METRICS, "p90": EVERY["p90"] | {"column": "hours"}})
    wanted, found = look(given, chosen, switches=[CHANGED]), look(hold(given), chosen, switches=[CHANGED])
    same_cells(found.cells, wanted.cells)
    assert found.intake == wanted.intake
    assert len(set(found.cells.digest)) == len(found.cells.digest)


def test_weeks_over_new_year_and_zones_that_skip_midnight(hold: Hold) -> None:
    """Weeks of two years; in Cairo clocks went from 00:00 to 01:00 on 24 April 2026, in Havana 00:00 came twice."""
    given = tickets(700, start=date(2025, 12, 15), days=40).drop_columns(["unused"])
    weekly = {"unit": "ticket", "time": "opened", "variant": "version", "look": "week"}
    rows_of = hold(given)
    for zone in ("UTC", "Pacific/Apia", "America/St_Johns"):
        chosen = policy(timezone=zone, source=weekly)
        same_cells(look(rows_of, chosen).cells, look(given, chosen).cells)
    arrived = rows([
        {"correct": True, "opened": datetime(2026, 4, 20, tzinfo=UTC) + timedelta(hours=7 * i),
         "labelled": (date(2026, 4, 20) + timedelta(days=i // 3)).isoformat()} for i in range(40)
    ])  # fmt: skip
    late = {"right": {"kind": "proportion", "column": "correct", "known_at": "labelled", "matures_after": "3d"}}
    for zone in ("Africa/Cairo", "America/Havana"):
        chosen = policy(timezone=zone, metrics=late, kpi={"weights": {"right": 1}}, segments=None)
        same_cells(look(hold(arrived), chosen).cells, look(arrived, chosen).cells)


NAN, INF = float("nan"), float("inf")


def test_nothing_infinity_and_large_numbers(hold: Hold) -> None:
    """NaN is unknown, infinity and beyond is no value, and 1e12 with a spread of 1 keeps its spread.

    How an example of a number beyond is written is the engine's: -1e+300 or -1.0E300.
    """
    rng = np.random.default_rng(1)
    odd = [None, NAN, INF, -INF, 1e151, -1e300, -0.0, 1e-320, 0.0, 12.5]
    records = [
        {"x": odd[i // 2 % 20] if i // 2 % 20 < 10 else float(i), "y": 1e12 + value, "z": 1e12 * value}
        for i, value in enumerate(rng.normal(0, 1, 600))
    ]
    given = rows(records)
    plain = {"kind": "mean", "better": "lower"}
    chosen = policy(
        metrics={**{name: {**plain, "column": name} for name in ("x", "y", "z")}, "q": {**EVERY["p90"], "column": "x"},
                 "ok": {"kind": "share_above", "column": "y", "above": 1e12}},
        kpi={"weights": {"ok": 1}}, segments=None,
    )  # fmt: skip
    wanted, found = look(given, chosen), look(hold(given), chosen)
    same_cells(found.cells, wanted.cells)
    counts, wanted_counts = ([item[:2] for item in one.intake.malformed] for one in (found, wanted))
    assert counts == wanted_counts == [("q", 120), ("x", 120)]
    spread = found.cells.comoment[:, found.cells.pairs.index((_place(found, "y"), _place(found, "y")))]
    np.testing.assert_allclose(spread, wanted.cells.comoment[:, wanted.cells.pairs.index((_place(wanted, "y"),) * 2)],
                               rtol=1e-9)  # fmt: skip


def _place(reading: Any, metric: str) -> int:
    return int(reading.cells.components.index(f"{metric}:value"))


NASTY = (
    "'; DROP TABLE tickets; --", '"; DROP TABLE tickets; --', "\\", "\\'", "`", "a\nb", "a\tb", "%s", "{}", "$1",
    "naïve 名前 🙂", " spaced ", "NULL", "''", "(unknown)", "_", "%", "\\N", "/* */", "select",
)  # fmt: skip


def test_names_and_values_that_look_like_sql(hold: Hold) -> None:
    """They are columns' names, versions, segments and what an outcome must equal; and the table is there afterwards."""
    unit, outcome, segment, version = "Ticket \"ID'; --", "naïve `名前` \\", "order by", 'Version\\"'
    records = [
        {unit: f"{NASTY[i % 20]}{i}", outcome: NASTY[i // 3 % 20], segment: NASTY[i % 7 * 2], version: NASTY[i % 2],
         "opened": datetime(2026, 1, 5, i % 24, tzinfo=UTC)} for i in range(240)
    ]  # fmt: skip
    given = pa.table({name: [record[name] for record in records] for name in records[0]})
    source = {"unit": unit, "time": "opened", "variant": version}
    held = hold(given)
    for wanted in (NASTY[0], NASTY[2], NASTY[10]):
        chosen = policy(
            baseline=NASTY[0], candidate=NASTY[1], source=source, segments={"by": [segment]},
            metrics={"m": {"kind": "proportion", "column": outcome, "equals": wanted}}, kpi={"weights": {"m": 1}},
        )  # fmt: skip
        same_cells(look(held, chosen).cells, look(given, chosen).cells)


def test_what_is_refused_is_refused_in_the_same_words(hold: Hold) -> None:
    """Examples that messages name are the same ones: texts are compared by their bytes."""
    texts = ["Zebra", "apple", "éclair", "1", "0", "Äpfel", "zebra", "10", "9"] * 4
    given = rows([{"x": text} for text in texts])
    wanted, found = look(given, only()), look(hold(given), only())
    assert found.intake == wanted.intake
    assert found.intake.malformed[0][2] == "10"
    for at in (["2026-01-05", "2026-02-30"], ["2026-01-05 12:00", "2026-01-05T12:00:00+01:00"], ["soon", "Later"]):
        broken = rows([{"x": 1, "opened": at[i % 2]} for i in range(4)])
        errors = []
        for source in (broken, hold(broken)):
            with pytest.raises(rampgate.RampgateError) as caught:
                look(source, only())
            errors.append(caught.value)
        assert (errors[0].what, errors[0].remedy) == (errors[1].what, errors[1].remedy)


def test_shares_of_the_values_lie_below_their_quantiles(hold: Hold) -> None:
    """Values that occur: the smallest one at or below which a share of the known ones lies, as R's type 1."""
    values = [5.0, None, 1.0, 2.5, 2.5, 9.0, -3.0, 7.0]
    engine = open_engine(hold(pa.table({"x": pa.array(values)})))
    shares = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
    x = exp.column("x", quoted=True)
    try:
        found = engine.query(exp.Select().select(exp.alias_(engine.quantiles(x, shares), "q")).from_(engine.relation()))
    finally:
        engine.close()
    known = sorted(value for value in values if value is not None)
    wanted = np.quantile(known, shares, method="inverted_cdf")
    assert [float(value) for value in found["q"][0]] == wanted.tolist()


def test_values_that_are_told_apart(hold: Hold) -> None:
    given = tickets(900).drop_columns(["unused"])
    names = pa.array([f"größe {i % 7} '{i % 23}'" for i in range(len(given))])
    given = given.append_column("customer", names)
    chosen = policy(
        segments={"by": ["customer", "queue"], "guardrails": {"override": {"margin": "5pp"}}, "values": 5},
        start="2026-03-25",
    )
    wanted, found = (look(events, chosen) for events in (given, hold(given)))
    assert len(wanted.apart["customer"]) == 5
    assert found.apart == wanted.apart
    assert found.intake == wanted.intake
    same_cells(found.cells, wanted.cells)
