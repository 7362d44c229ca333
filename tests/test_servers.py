"""The servers that tests start are there, and are of the tests' own."""

from __future__ import annotations

import psycopg


def test_postgres_answers_from_an_empty_database_of_this_machine(postgres_database):
    with psycopg.connect(postgres_database) as connection:
        row = connection.execute(
            "SELECT count(*), current_setting('listen_addresses') FROM pg_tables WHERE schemaname = 'public'"
        ).fetchone()
        assert row == (0, "127.0.0.1")
