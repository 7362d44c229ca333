"""The triggers of revision 0001, which refuse whatever would change the ledger; and what they are compared with later.

A revision that was released is never edited: one that changes a trigger adds its own below.
"""

from __future__ import annotations

SQLITE = {
    # A replacing insert deletes without firing the triggers on delete, so inserts are guarded too.
    "records_follow": """
    CREATE TRIGGER records_follow BEFORE INSERT ON records
    WHEN NEW.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM records)
      OR NEW.previous_sha256 IS NOT coalesce(
           (SELECT sha256 FROM records ORDER BY sequence DESC LIMIT 1),
           '0000000000000000000000000000000000000000000000000000000000000000'
         )
      OR EXISTS (SELECT 1 FROM records WHERE key = NEW.key OR sha256 = NEW.sha256)
    BEGIN SELECT RAISE(ABORT, 'a record must follow the last one, and be new'); END
    """,
    "documents_new": """
    CREATE TRIGGER documents_new BEFORE INSERT ON documents
    WHEN EXISTS (SELECT 1 FROM documents WHERE sha256 = NEW.sha256)
    BEGIN SELECT RAISE(ABORT, 'documents are never replaced'); END
    """,
    "records_no_update": """
    CREATE TRIGGER records_no_update BEFORE UPDATE ON records
    BEGIN SELECT RAISE(ABORT, 'records are never changed'); END
    """,
    "records_no_delete": """
    CREATE TRIGGER records_no_delete BEFORE DELETE ON records
    BEGIN SELECT RAISE(ABORT, 'records are never deleted'); END
    """,
    "documents_no_update": """
    CREATE TRIGGER documents_no_update BEFORE UPDATE ON documents
    BEGIN SELECT RAISE(ABORT, 'documents are never changed'); END
    """,
    "documents_no_delete": """
    CREATE TRIGGER documents_no_delete BEFORE DELETE ON documents
    BEGIN SELECT RAISE(ABORT, 'documents are never deleted'); END
    """,
}

# The tables are named by where the trigger fires, and nothing is looked for on a search path: who inserts cannot put
# a table of their own in front of the ledger's.
POSTGRESQL_FUNCTIONS = {
    "rampgate_refuse": """
    BEGIN
      RAISE EXCEPTION USING MESSAGE = TG_ARGV[0], ERRCODE = 'restrict_violation';
    END
    """,
    "rampgate_follow": """
    DECLARE
      last bigint;
      head text;
      mine text;
      known boolean;
    BEGIN
      mine = format('%I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME);
      EXECUTE 'SELECT sequence, sha256 FROM ' || mine || ' ORDER BY sequence DESC LIMIT 1' INTO last, head;
      EXECUTE 'SELECT EXISTS (SELECT 1 FROM ' || mine || ' WHERE key = $1 OR sha256 = $2)'
        INTO known USING NEW.key, NEW.sha256;
      IF known
        OR NEW.sequence IS DISTINCT FROM coalesce(last, 0) + 1
        OR NEW.previous_sha256 IS DISTINCT FROM coalesce(head, repeat('0', 64))
      THEN
        RAISE EXCEPTION USING MESSAGE = TG_ARGV[0], ERRCODE = 'restrict_violation';
      END IF;
      RETURN NEW;
    END
    """,
    "rampgate_new": """
    DECLARE
      known boolean;
    BEGIN
      EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I.%I WHERE sha256 = $1)', TG_TABLE_SCHEMA, TG_TABLE_NAME)
        INTO known USING NEW.sha256;
      IF known THEN
        RAISE EXCEPTION USING MESSAGE = TG_ARGV[0], ERRCODE = 'restrict_violation';
      END IF;
      RETURN NEW;
    END
    """,
}


def _trigger(name: str, event: str, table: str, each: str, function: str, message: str) -> str:
    # As the server says it again, so that the two can be compared.
    return f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH {each} EXECUTE FUNCTION {function}('{message}')"


POSTGRESQL = {
    name: (table, function, _trigger(name, event, table, each, function, message))
    for name, event, table, each, function, message in (
        (
            "records_follow",
            "INSERT",
            "records",
            "ROW",
            "rampgate_follow",
            "a record must follow the last one, and be new",
        ),
        ("documents_new", "INSERT", "documents", "ROW", "rampgate_new", "documents are never replaced"),
        ("records_no_update", "UPDATE", "records", "ROW", "rampgate_refuse", "records are never changed"),
        ("records_no_delete", "DELETE", "records", "ROW", "rampgate_refuse", "records are never deleted"),
        ("records_no_truncate", "TRUNCATE", "records", "STATEMENT", "rampgate_refuse", "records are never deleted"),
        ("documents_no_update", "UPDATE", "documents", "ROW", "rampgate_refuse", "documents are never changed"),
        ("documents_no_delete", "DELETE", "documents", "ROW", "rampgate_refuse", "documents are never deleted"),
        (
            "documents_no_truncate",
            "TRUNCATE",
            "documents",
            "STATEMENT",
            "rampgate_refuse",
            "documents are never deleted",
        ),
    )
}
"""By the trigger's name: its table, its function, and what makes it."""


def statements(dialect: str) -> list[str]:
    """Return what makes the triggers in a database of this dialect."""
    if dialect == "sqlite":
        return list(SQLITE.values())
    made = [
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $${body}$$"
        for name, body in POSTGRESQL_FUNCTIONS.items()
    ]
    for name, (table, _, trigger) in POSTGRESQL.items():
        # ALWAYS: also in sessions that say they are a replica, where other triggers rest.
        made += [trigger, f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}"]
    return made


def same(text: str) -> str:
    """Return a statement without what its layout adds."""
    return " ".join(text.split())
