"""Run by Alembic: the connection, and its transaction, come from `rampgate.ledger.migrations.upgrade`."""

from alembic import context

from rampgate.ledger.migrations import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
with context.begin_transaction():
    context.run_migrations()
