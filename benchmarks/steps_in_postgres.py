"""What it gives PostgreSQL to take each step of a query once: ``python -m benchmarks.steps_in_postgres``.

A subquery without OFFSET is merged into the one around it, and what it works out is worked out again wherever it is
named. A look at 50,000 rows, whose times and numbers are text or have their types, the steps kept apart and merged,
in turn. Starts a server of its own, as the tests do.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import psycopg
import pyarrow as pa
from tests.aggregate.support import LATE, policy, tickets
from tests.contract.engines import into_postgres
from tests.postgres import server

from rampgate.aggregate.read import read
from rampgate.source.postgres import PostgresEngine

ROWS, ROUNDS = 50_000, 3


class Merged(PostgresEngine):
    """Without what keeps the steps apart."""

    def sql(self, select: Any, **how: Any) -> str:
        """The same query without ``OFFSET 0``."""
        return super().sql(select, **how).replace(" OFFSET 0", "")


class Apart(PostgresEngine):
    """With every step kept apart, whether it reads text or not."""

    def sql(self, select: Any, **how: Any) -> str:
        """The same query with ``OFFSET 0`` at the end of each step."""
        text = super().sql(select, **how)
        return text if " OFFSET 0" in text else text.replace(') AS "typed"', ' OFFSET 0) AS "typed"')


def in_text(table: pa.Table) -> pa.Table:
    """Times and numbers as text."""
    for name in ("opened", "hours"):
        values = table[name].to_pylist()
        said = pa.array([None if value is None else str(value) for value in values])
        table = table.set_column(table.column_names.index(name), name, said)
    return table


def seconds(kind: type[PostgresEngine], url: str) -> float:
    """One look."""
    with kind.open(url) as engine:
        begun = time.perf_counter()
        read(policy(timezone="Europe/Berlin"), engine, (), LATE)
        return time.perf_counter() - begun


def main() -> None:
    """Print the table."""
    rows = tickets(ROWS, days=60).drop_columns(["unused"])
    with server() as url:
        places = {"text": into_postgres(url, in_text(rows), "text"), "typed": into_postgres(url, rows, "typed")}
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        for name, place in places.items():
            rounds = [(seconds(Apart, place), seconds(Merged, place)) for _ in range(ROUNDS)]
            apart, merged = (statistics.median(times) for times in zip(*rounds, strict=True))
            ratio = statistics.median(b / a for a, b in rounds)
            print(f"{name:6} apart {apart:6.2f} s   merged {merged:6.2f} s   merged / apart {ratio:.2f}")


if __name__ == "__main__":
    main()
