"""The engine for whatever the user has."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from rampgate.errors import NotJudgedYet, UsageError
from rampgate.policy.place import without_password
from rampgate.source.emit import WRITTEN
from rampgate.source.engine import Engine


def open_engine(source: Any, base: Path | None = None) -> Engine:
    """An engine over a path, a glob pattern, a URL or a frame; an engine is handed through.

    Parameters
    ----------
    source : str, Path, Engine, or a pandas, Polars, Arrow or Spark frame
    base : Path, optional
        Folder that a relative path starts from, which is the policy's; the working directory if left out.
    """
    if source is None:
        raise UsageError(
            "no rows to judge",
            where="source.events",
            remedy="name a file under source.events in the policy, or pass events= in Python",
        )
    # By its type: to ask a lazy frame for attributes that it lacks makes it warn.
    if hasattr(type(source), "row_hash"):
        return cast(Engine, source)
    if (found := warehouse(source)) is not None:
        raise NotJudgedYet(
            f"rows in {found[0]} are not read by this version",
            where=without_password(str(source)),
            remedy="`rampgate check POLICY --explain-sql` writes the SQL for it, untested against the service",
        )
    if isinstance(source, str) and source.startswith(("postgresql://", "postgres://")):
        from rampgate.source.postgres import PostgresEngine

        return PostgresEngine.open(source)
    if type(source).__module__.startswith("pyspark.") or (isinstance(source, str) and source.startswith("spark://")):
        from rampgate.source.spark import SparkEngine

        return SparkEngine.open(source)
    from rampgate.source.duckdb import DuckDBEngine

    return DuckDBEngine.open(source, base)


def warehouse(source: Any) -> tuple[str, str] | None:
    """The dialect and the table that a URL of a warehouse means which SQL is only written for; None for others."""
    if not isinstance(source, str) or source.partition("://")[0] not in WRITTEN:
        return None
    parts = urlsplit(source)
    named = parse_qs(parts.query).get("table")
    # BigQuery has no host: its projects stand in that place.
    path = parts.path if parts.scheme != "bigquery" else f"{parts.netloc}/{parts.path.strip('/')}"
    return parts.scheme, named[0] if named else path.strip("/").replace("/", ".") or "events"
