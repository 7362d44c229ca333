"""Whether a ledger's database has its tables, columns and indexes, and nothing beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from rampgate.ledger.migrations import VERSION_TABLE


def strange(connection: sa.Connection, tables: Sequence[sa.Table]) -> list[str]:
    """What of the tables is gone, added or another one, in words; their triggers are `Database.unguarded`.

    A file is the ledger's alone, so tables, views and triggers of others are told; a server may hold what it wants.

    Parameters
    ----------
    tables : as the migrations make them
    """
    seen = sa.inspect(connection)
    said = [line for table in tables for line in _differing(seen, table)]
    if connection.dialect.name == "sqlite":
        mine = {VERSION_TABLE, *(table.name for table in tables)}
        query = "SELECT type, name, tbl_name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
        for kind, name, of in connection.exec_driver_sql(query):
            if of not in mine or kind == "view":
                said.append(f"there is a {kind} {name} that no version of rampgate made")
    return said


def _differing(seen: sa.Inspector, table: sa.Table) -> Iterator[str]:
    """What differs of one table."""
    if not seen.has_table(table.name):
        yield f"the table {table.name} is not there"
        return
    wanted, found = {column.name for column in table.columns}, {c["name"] for c in seen.get_columns(table.name)}
    yield from (f"the table {table.name} has no column {name}" for name in sorted(wanted - found))
    yield from (f"the table {table.name} has a column {name} of somebody else" for name in sorted(found - wanted))
    indexes = {index["name"] for index in seen.get_indexes(table.name)}
    yield from (f"the index {index.name} is not there" for index in table.indexes if index.name not in indexes)
