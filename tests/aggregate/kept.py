"""Sources in many files, and looks at them with what was kept and without."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tests.aggregate.support import METRICS, csv_text, tickets

from rampgate.aggregate.read import Reading, read
from rampgate.aggregate.store import Store
from rampgate.errors import RampgateError
from rampgate.policy import Policy
from rampgate.source import open_engine

MONDAY = date(2026, 3, 23)
SWITCHES = (datetime(2026, 3, 27, 12, 30, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
LATE = datetime(2026, 4, 10, tzinfo=UTC)
QUANTILE = {"kind": "quantile", "column": "hours", "q": 0.9, "better": "lower"}
WITHIN = {"kind": "time_to_event", "from": "opened", "to": "closed", "within": "72h"}
KNOWN = {"kind": "proportion", "column": "overridden", "known_at": "closed", "better": "lower"}


def table(seed: int = 1, rows: int = 240, days: int = 14, first: int = 0) -> pa.Table:
    """Tickets with units that no other ``first`` has, and when they were closed."""
    plain = tickets(rows, seed, MONDAY, days).drop_columns(["unused"])
    units = pa.array([f"INC{first + i:06d}" for i in range(rows)])
    hours = pc.fill_null(plain["hours"], 200.0)
    closed = [at + timedelta(hours=h) for at, h in zip(plain["opened"].to_pylist(), hours.to_pylist(), strict=True)]
    made = plain.set_column(0, "ticket", units).append_column("closed", pa.array(closed, pa.timestamp("us", "UTC")))
    place = made.column_names.index("escalation_correct")
    return made.set_column(place, "escalation_correct", made["escalation_correct"].cast(pa.bool_()))


def by_day(whole: pa.Table) -> dict[str, pa.Table]:
    """One file for each two days."""
    days = [(at.date() - MONDAY).days // 2 for at in whole["opened"].to_pylist()]
    return {f"{d:02d}": whole.filter(pa.array([day == d for day in days])) for d in sorted(set(days))}


class Source:
    """Files in a folder, and a store beside them."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder, self.kind = folder, kind
        self.store = folder / "store"

    def write(self, name: str, rows: pa.Table) -> None:
        path = self.folder / f"{name}.{self.kind}"
        beside = path.with_suffix(".new")
        if self.kind == "parquet":
            pq.write_table(rows, beside, row_group_size=37)
        else:
            beside.write_text(csv_text(rows), "utf-8")
        beside.replace(path)

    def look(
        self, chosen: Policy, as_of: datetime = LATE, fresh: bool = False, switches: Any = (), start: Any = None
    ) -> Reading:
        engine = open_engine(f"*.{self.kind}", self.folder)
        try:
            store = None if fresh else Store(self.store)
            return read(chosen, engine, switches, as_of, start, drift={}, store=store)
        finally:
            engine.close()


def outcome(source: Source, fresh: bool, given: tuple[Policy, datetime, Any, Any]) -> Reading | str:
    try:
        return source.look(given[0], given[1], fresh, *given[2:])
    except RampgateError as error:
        return str(error)


def _told(drift: Any) -> str:
    """References to twelve digits: where bins have their middle is a sum in parallel, the same but for the last."""
    return re.sub(r"-?\d+\.\d+(e-?\d+)?", lambda number: f"{float(number[0]):.12g}", repr(drift))


def agree(kept: Reading | str, fresh: Reading | str) -> None:
    """Counts and digests are the same, moments to 1e-12 of the values that they are made of."""
    if isinstance(kept, str) or isinstance(fresh, str):
        assert kept == fresh
        return
    assert kept.intake == fresh.intake
    assert (kept.start, kept.look, kept.bounds) == (fresh.start, fresh.look, fresh.bounds)
    assert (_told(kept.drift), kept.apart) == (_told(fresh.drift), fresh.apart)
    left, right = kept.cells, fresh.cells
    for name in ("components", "pairs", "periods", "segments", "values", "digest", "clusters"):
        assert getattr(left, name) == getattr(right, name), name
    for name in ("period", "arm", "n", "low", "high", "malformed"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name), err_msg=name)
    for mine, other in zip(left.tallies, right.tallies, strict=True):
        for name in ("row", "bin", "count"):
            np.testing.assert_array_equal(getattr(mine, name), getattr(other, name))
    np.testing.assert_allclose(left.mean, right.mean, rtol=1e-12)
    reach = np.maximum(np.abs(left.low), np.abs(left.high))
    first, second = ([pair[side] for pair in left.pairs] for side in (0, 1))
    size = left.n[:, None] * reach[:, first] * reach[:, second]
    assert np.all(np.abs(left.comoment - right.comoment) <= 1e-12 * size)


POLICIES: dict[str, dict[str, Any]] = {
    "plain": {},
    "another metric": {"metrics": {**METRICS, "hours": {**METRICS["hours"], "best": 1}}},
    "another segment": {"segments": {"by": ["queue", "escalated"], "guardrails": {"override": {"margin": "5pp"}}}},
    "Berlin": {"timezone": "Europe/Berlin"},
    "weeks": {"source": {"unit": "ticket", "time": "opened", "variant": "version", "look": "week"}},
    "from a Wednesday": {"start": "2026-03-25"},
    "weeks from a Wednesday in New York": {
        "source": {"unit": "ticket", "time": "opened", "variant": "version", "look": "week"},
        "start": "2026-03-25",
        "timezone": "America/New_York",
    },
    "clusters": {
        "source": {"unit": "ticket", "time": "opened", "variant": "version", "cluster": "queue"},
        "segments": None,
    },
    "bins, times and late labels": {"metrics": {**METRICS, "slow": QUANTILE, "within": WITHIN, "override": KNOWN}},
    "another candidate": {"candidate": "v3"},
    "drift": {
        "start": "2026-03-27",
        "drift": {
            "reference": {"from": "2026-03-23", "to": "2026-03-27"},
            "columns": {"hours": {"psi": 0.2}, "queue": {"psi": 0.2}},
        },
    },
    "few segment values": {
        "segments": {"by": ["queue", "escalated"], "values": 2, "guardrails": {"override": {"margin": "5pp"}}}
    },
}  # fmt: skip


def _null(rows: pa.Table, name: str) -> pa.Table:
    place = rows.column_names.index(name)
    first = pa.array([None, *rows[name].to_pylist()[1:]], rows.schema.field(name).type)
    return rows.set_column(place, name, first)


def _changed(rows: pa.Table) -> pa.Table:
    return rows.set_column(1, "opened", pc.add(rows["opened"], pa.scalar(timedelta(hours=7))))


def _named(rows: pa.Table, version: str) -> pa.Table:
    return rows.set_column(2, "version", pa.array([version] * len(rows)))


#: What may happen to the rows of one file; some of it makes them wrong, which both looks must say alike.
EDITS: dict[str, Callable[[pa.Table], pa.Table]] = {
    "late rows": lambda rows: pa.concat_tables([rows, table(9, 20, first=900_000)]),
    "rows of next month": lambda rows: pa.concat_tables([rows, _changed(table(8, 5, 60, first=800_000))]),
    "fewer rows": lambda rows: rows.slice(1),
    "no rows": lambda rows: rows.slice(0, 0),
    "an outcome corrected": lambda rows: rows.set_column(
        rows.column_names.index("overridden"), "overridden", pc.invert(rows["overridden"])
    ),
    "times moved": _changed,
    "a unit twice in a file": lambda rows: pa.concat_tables([rows, rows.slice(0, 1)]),
    "no unit": lambda rows: _null(rows, "ticket"),
    "no time": lambda rows: _null(rows, "opened"),
    "no version": lambda rows: _null(rows, "version"),
    "another version": lambda rows: pa.concat_tables([rows, _named(table(7, 3, first=700_000), "v3")]),
    "units of another file": lambda rows: pa.concat_tables([rows, table(1).slice(0, 2)]),
    "an extreme value": lambda rows: rows.set_column(
        rows.column_names.index("hours"), "hours", pa.array([1e6] * len(rows), pa.float64())
    ),
}
