"""Whether a ledger's database has its tables, columns and indexes, and nothing beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from rampgate.ledger.migrations import VERSION_TABLE, guards


def strange(connection: sa.Connection, tables: Sequence[sa.Table]) -> list[str]:
    """What of the tables is gone, added or another one, in words; the guards themselves are `Database.unguarded`.

    A file is the ledger's alone, so tables, views and triggers of others are told; a server may hold what it wants
    beside the ledger's tables. What somebody added to those is told of both: a trigger can swallow what is written, and
    an index can refuse it.

    Parameters
    ----------
    tables : as the migrations make them
    """
    seen = sa.inspect(connection)
    said = [line for table in tables for line in _differing(seen, table)]
    there = [table for table in tables if seen.has_table(table.name)]
    indexes = {("index", str(index.name)) for table in there for index in table.indexes}
    if connection.dialect.name == "sqlite":
        found, triggers = _in_file(connection), {*guards.SQLITE}
    else:
        found, triggers = _on_server(connection, there), {*guards.POSTGRESQL}
    mine = indexes | {("trigger", name) for name in triggers}
    mine |= {("table", VERSION_TABLE), *(("table", table.name) for table in tables)}
    said += [f"the {kind} {name} is not there" for kind, name in sorted(indexes - {*found})]
    return said + [
        f"there is {'an' if kind == 'index' else 'a'} {kind} {name} that no version of rampgate made"
        for kind, name in found
        if (kind, name) not in mine
    ]


def _in_file(connection: sa.Connection) -> list[tuple[str, str]]:
    """Kind and name of all that is in a file of SQLite."""
    # GLOB: in LIKE an underscore is any character.
    query = "SELECT type, name FROM sqlite_master WHERE name NOT GLOB 'sqlite_*' ORDER BY name"
    return [(kind, name) for kind, name in connection.exec_driver_sql(query)]


def _on_server(connection: sa.Connection, tables: Sequence[sa.Table]) -> list[tuple[str, str]]:
    """Kind and name of what belongs to the ledger's own tables on PostgreSQL."""
    rows = [row for table in tables for row in connection.execute(_BELONGS, {"name": table.name})]
    return [(str(kind), str(name)) for kind, name in rows]


#: Triggers, rules, and indexes that belong to no constraint, of a table as the search path finds it.
_BELONGS = sa.text("""
    SELECT 'trigger', tgname FROM pg_trigger WHERE tgrelid = CAST(:name AS regclass) AND NOT tgisinternal
    UNION ALL SELECT 'rule', rulename FROM pg_rewrite WHERE ev_class = CAST(:name AS regclass)
    UNION ALL SELECT 'index', r.relname FROM pg_index i JOIN pg_class r ON r.oid = i.indexrelid
      WHERE i.indrelid = CAST(:name AS regclass)
        AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u'))
    ORDER BY 1, 2
""")


def _differing(seen: sa.Inspector, table: sa.Table) -> Iterator[str]:
    """What differs of one table."""
    if not seen.has_table(table.name):
        yield f"the table {table.name} is not there"
        return
    wanted, found = {column.name for column in table.columns}, {c["name"] for c in seen.get_columns(table.name)}
    yield from (f"the table {table.name} has no column {name}" for name in sorted(wanted - found))
    yield from (f"the table {table.name} has a column {name} of somebody else" for name in sorted(found - wanted))
