"""The engine for whatever the user has."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from rampgate.errors import UsageError
from rampgate.source.engine import Engine


def open_engine(source: Any, base: Path | None = None) -> Engine:
    """An engine over a path, a glob pattern or a frame; an engine is handed through.

    Parameters
    ----------
    source : str, Path, Engine, or a pandas, Polars or Arrow frame
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
    if isinstance(source, str) and source.startswith(("postgresql://", "postgres://")):
        from rampgate.source.postgres import PostgresEngine

        return PostgresEngine.open(source)
    if type(source).__module__.startswith("pyspark.") or (isinstance(source, str) and source.startswith("spark://")):
        from rampgate.source.spark import SparkEngine

        return SparkEngine.open(source)
    from rampgate.source.duckdb import DuckDBEngine

    return DuckDBEngine.open(source, base)
