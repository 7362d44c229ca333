"""The schema of the ledger, as a row of Alembic revisions.

Alembic takes longer to import than a ledger to read, so it is imported only when there is
something to change; the names of the revisions stand here for everyone else.
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from rampgate.errors import LedgerError

if TYPE_CHECKING:
    from sqlalchemy import Connection

DIRECTORY = Path(__file__).parent
REVISIONS = ("0001",)
"""Every revision this version knows, oldest first."""
HEAD = REVISIONS[-1]
VERSION_TABLE = "rampgate_schema"
"""Holds the revision of the database. Its name tells a ledger from any other database."""

_one_at_a_time = Lock()  # Alembic keeps the migration that is running in module globals


def upgrade(connection: Connection) -> None:
    """Bring a database to `HEAD`, inside the transaction that the connection is in."""
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(DIRECTORY).replace("%", "%%"))
    config.attributes["connection"] = connection
    with _one_at_a_time:
        try:
            command.upgrade(config, HEAD)
        except CommandError as error:
            raise LedgerError(
                f"the ledger's tables cannot be made or brought up to date ({error})",
                where=str(DIRECTORY),
                remedy="install rampgate again: the files of its migrations are not those of this version",
            ) from error
