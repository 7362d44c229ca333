"""The ledger's tables: made where there are none, brought up to date, and told from those of something else."""

from __future__ import annotations

import sqlalchemy as sa

from rampgate.errors import LedgerError, NewerLedger
from rampgate.ledger import migrations
from rampgate.ledger.database import Database, missing

_VERSION = sa.Table(migrations.VERSION_TABLE, sa.MetaData(), sa.Column("version_num", sa.String(32)))
_NEW = ""  # the revision of a database that holds nothing yet


def ensure_tables(database: Database, *, create: bool) -> None:
    """Bring a database to the schema of this version; where ``create`` is false, an empty one is refused.

    Raises
    ------
    LedgerError
        It is empty and shall not be made a ledger, holds something else, or cannot be changed.
    NewerLedger
        A newer version of rampgate made it.
    """
    with database.transaction(write=False) as connection:
        revision = _revision(database, connection)
    if revision == migrations.HEAD:
        return
    if revision == _NEW and not create:
        raise missing(database.name, database.empty)
    with database.transaction(write=True) as connection:
        # Looked at again under the write lock: another process may have been faster.
        if _revision(database, connection) != migrations.HEAD:
            migrations.upgrade(connection)


def _revision(database: Database, connection: sa.Connection) -> str:
    tables = database.tables(connection)
    if not tables:
        return _NEW
    if migrations.VERSION_TABLE not in tables:
        raise LedgerError(
            f"this is a database of something else; it has the table {tables[0]}",
            where=database.name,
            remedy=f"{database.elsewhere}; this one was left alone",
        )
    revision = str(connection.scalar(sa.select(_VERSION.c.version_num)))
    if revision not in migrations.REVISIONS:
        raise NewerLedger(
            f"the ledger was made by a newer version of rampgate (schema {revision}, "
            f"this version knows up to {migrations.HEAD})",
            where=database.name,
            remedy="upgrade rampgate; the ledger was left alone",
        )
    return revision
