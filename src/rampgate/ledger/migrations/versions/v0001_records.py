"""Records and documents, both append-only."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_TRIGGERS = (
    # A replacing insert deletes without firing the triggers on delete, so inserts are guarded too.
    """
    CREATE TRIGGER records_follow BEFORE INSERT ON records
    WHEN NEW.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM records)
      OR NEW.previous_sha256 IS NOT coalesce(
           (SELECT sha256 FROM records ORDER BY sequence DESC LIMIT 1),
           '0000000000000000000000000000000000000000000000000000000000000000'
         )
      OR EXISTS (SELECT 1 FROM records WHERE key = NEW.key OR sha256 = NEW.sha256)
    BEGIN SELECT RAISE(ABORT, 'a record must follow the last one, and be new'); END
    """,
    """
    CREATE TRIGGER documents_new BEFORE INSERT ON documents
    WHEN EXISTS (SELECT 1 FROM documents WHERE sha256 = NEW.sha256)
    BEGIN SELECT RAISE(ABORT, 'documents are never replaced'); END
    """,
    """
    CREATE TRIGGER records_no_update BEFORE UPDATE ON records
    BEGIN SELECT RAISE(ABORT, 'records are never changed'); END
    """,
    """
    CREATE TRIGGER records_no_delete BEFORE DELETE ON records
    BEGIN SELECT RAISE(ABORT, 'records are never deleted'); END
    """,
    """
    CREATE TRIGGER documents_no_update BEFORE UPDATE ON documents
    BEGIN SELECT RAISE(ABORT, 'documents are never changed'); END
    """,
    """
    CREATE TRIGGER documents_no_delete BEFORE DELETE ON documents
    BEGIN SELECT RAISE(ABORT, 'documents are never deleted'); END
    """,
)


def upgrade() -> None:
    op.create_table(
        "records",
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("rollout", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("previous_sha256", sa.String(64), nullable=False),
        sa.Column("recorded_at", sa.Text, nullable=False),
        sa.UniqueConstraint("key", name="records_key"),
        sa.UniqueConstraint("sha256", name="records_sha256"),
    )
    op.create_index("records_rollout", "records", ["rollout", "sequence"])
    op.create_table(
        "documents",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    for trigger in _TRIGGERS:
        op.execute(trigger)
