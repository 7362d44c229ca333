"""Whatever holds the rows: the `Engine` protocol, DuckDB, PostgreSQL, Spark, and a public fake."""

from rampgate.source.engine import Array, Column, ColumnType, Engine
from rampgate.source.memory import MemoryEngine
from rampgate.source.open import open_engine
from rampgate.source.parts import Part, Parted

__all__ = ["Array", "Column", "ColumnType", "Engine", "MemoryEngine", "Part", "Parted", "open_engine"]
