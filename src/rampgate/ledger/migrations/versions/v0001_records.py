"""Records and documents, both append-only."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from rampgate.ledger.migrations import guards

revision = "0001"
down_revision = None

# On PostgreSQL a language's collation would order hexadecimal digits and names by its own rules, and change with the
# server's libraries beneath an index.
TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
SHA256 = sa.String(64).with_variant(postgresql.VARCHAR(64, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "records",
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("rollout", TEXT, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("sha256", SHA256, nullable=False),
        sa.Column("previous_sha256", SHA256, nullable=False),
        sa.Column("recorded_at", TEXT, nullable=False),
        sa.UniqueConstraint("key", name="records_key"),
        sa.UniqueConstraint("sha256", name="records_sha256"),
    )
    op.create_index("records_rollout", "records", ["rollout", "sequence"])
    op.create_table(
        "documents",
        sa.Column("sha256", SHA256, primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    for statement in guards.statements(op.get_bind().dialect.name):
        op.execute(statement)
