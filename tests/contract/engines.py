"""Tables put where each engine keeps its rows, and decisions compared."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from psycopg import sql

from rampgate.aggregate.moments import Cells

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Hold = Callable[[pa.Table], Any]
#: Spark's tests run in one process, where its cluster is.
ENGINES = ("duckdb", "postgres", pytest.param("spark", marks=pytest.mark.xdist_group("spark")))
_PLACES = count()


def postgres_type(kind: pa.DataType) -> str:
    """The type of a column of PostgreSQL that holds the values of one of Arrow."""
    if pa.types.is_timestamp(kind):
        return "timestamptz" if kind.tz else "timestamp"
    if pa.types.is_decimal(kind):
        return f"numeric({kind.precision},{kind.scale})"
    names = {
        "string": "text", "large_string": "text", "bool": "boolean", "double": "double precision", "float": "real",
        "int64": "bigint", "int32": "integer", "int8": "smallint", "date32[day]": "date", "null": "text",
    }  # fmt: skip
    return names[str(kind)]


def into_postgres(url: str, rows: pa.Table, name: str = "tickets", schema: str = "public") -> str:
    """Make a table of the rows; its URL."""
    place = sql.Identifier(schema, name)
    columns = [
        sql.SQL("{} {}").format(sql.Identifier(field.name), sql.SQL(postgres_type(field.type))) for field in rows.schema
    ]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
        connection.execute(sql.SQL("CREATE TABLE {} ({})").format(place, sql.SQL(", ").join(columns)))
        with connection.cursor() as cursor, cursor.copy(sql.SQL("COPY {} FROM STDIN").format(place)) as copy:
            copy.set_types([postgres_type(field.type).partition("(")[0] for field in rows.schema])
            for record in zip(*(column.to_pylist() for column in rows.columns), strict=True):
                copy.write_row(record)
    quoted = '"' + name.replace('"', '""') + '"'
    return f"{url}?table={schema}.{_percent(quoted)}"


def _percent(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")


def into_parquet(folder: Path, rows: pa.Table) -> Path:
    """A file of the rows, in several groups so that several tasks read it."""
    path = folder / f"rows-{next(_PLACES)}.parquet"
    pq.write_table(rows, path, row_group_size=max(1, len(rows) // 3))
    return path


@contextmanager
def held(engine: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[Hold]:
    """Puts tables where an engine reads them, and gives what ``events=`` takes."""
    if engine == "duckdb":
        yield lambda rows: into_parquet(folder, rows)
    elif engine == "postgres":
        url: str = request.getfixturevalue("postgres_database")
        yield lambda rows: into_postgres(url, rows, f"tickets {next(_PLACES)}")
    else:
        spark: SparkSession = request.getfixturevalue("spark")
        yield lambda rows: spark.read.parquet(str(into_parquet(folder, rows)))


def alike(found: Any, wanted: Any, where: str = "") -> None:
    """Assert that two decisions are one: words and counts exactly, other numbers to 1e-8 of their size.

    Moments agree to 1e-9; bounds of intervals are roots that are sought to about as many digits, and recorded with ten.
    """
    if isinstance(wanted, dict):
        assert found.keys() == wanted.keys(), where
        for key, value in wanted.items():
            alike(found[key], value, f"{where}.{key}")
    elif isinstance(wanted, (list, tuple)):
        assert len(found) == len(wanted), where
        for place, value in enumerate(wanted):
            alike(found[place], value, f"{where}[{place}]")
    elif isinstance(wanted, float) and not math.isfinite(wanted):
        assert str(found) == str(wanted), where
    elif isinstance(wanted, float):
        assert found == pytest.approx(wanted, rel=1e-8, abs=1e-12), where
    else:
        assert found == wanted, where


def same_cells(found: Cells, wanted: Cells) -> None:
    """Assert that cells are the same: counts exactly, moments to 1e-9 of the values that they are made of."""
    for name in ("components", "pairs", "periods", "segments", "values", "clusters"):
        assert getattr(found, name) == getattr(wanted, name), name
    for name in ("period", "arm", "n", "malformed", "low", "high"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), err_msg=name)
    np.testing.assert_allclose(found.mean, wanted.mean, rtol=1e-9)
    spread = np.sqrt(np.abs(_own(wanted)) / wanted.n[:, None]) + np.abs(wanted.mean)
    first, second = ([pair[side] for pair in wanted.pairs] for side in (0, 1))
    size = wanted.n[:, None] * spread[:, first] * spread[:, second]
    assert np.all(np.abs(found.comoment - wanted.comoment) <= 1e-9 * size)
    for mine, theirs in zip(found.tallies, wanted.tallies, strict=True):
        for name in ("row", "bin", "count"):
            np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name), err_msg=name)


def _own(cells: Cells) -> np.ndarray:
    """The co-moment of each component with itself, 0 where it is not kept."""
    out = np.zeros((len(cells.n), len(cells.components)))
    for place, (i, j) in enumerate(cells.pairs):
        if i == j:
            out[:, i] = cells.comoment[:, place]
    return out
