from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from tests.ledger.support import SOURCE, Where, add, contents, environment, everything, raw, run_child

from rampgate.errors import LedgerError
from rampgate.ledger import Ledger, migrations, store, verify


def test_the_revisions_named_are_those_in_the_files() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations.DIRECTORY))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [migrations.HEAD]
    assert tuple(reversed([script.revision for script in scripts.walk_revisions()])) == migrations.REVISIONS


def test_the_migrated_schema_is_the_one_the_store_uses(ledger: Ledger) -> None:
    with ledger._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": migrations.VERSION_TABLE})
        assert compare_metadata(context, store._METADATA) == []


def test_a_ledger_of_a_newer_version_is_left_alone(where: Where, ledger: Ledger) -> None:
    add(ledger)
    raw(where, f"UPDATE {migrations.VERSION_TABLE} SET version_num = '9999'")
    data = everything(where)
    for create in (True, False):
        with pytest.raises(LedgerError, match=r"newer version of rampgate \(schema 9999") as caught:
            Ledger.open(where, create=create)
        assert "remedy: upgrade rampgate" in str(caught.value)
    assert everything(where) == data


NEXT = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "0002", "0001"
def upgrade():
    op.create_table("later", sa.Column("number", sa.Integer))
    {more}
"""


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pretend to be a version with one revision more, kept in a directory with a difficult name."""
    directory = tmp_path / "100% new" / "migrations"
    shutil.copytree(migrations.DIRECTORY, directory, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(migrations, "DIRECTORY", directory)
    monkeypatch.setattr(migrations, "REVISIONS", ("0001", "0002"))
    monkeypatch.setattr(migrations, "HEAD", "0002")
    return directory / "versions" / "v0002_later.py"


def test_an_older_ledger_is_brought_up_to_date(where: Where, ledger: Ledger, next_version: Path) -> None:
    record = add(ledger, look="1")
    next_version.write_text(NEXT.format(more="pass"))
    newer = Ledger.open(where, create=False)
    assert raw(where, f"SELECT version_num FROM {migrations.VERSION_TABLE}") == [("0002",)]
    assert raw(where, "SELECT count(*) FROM later") == [(0,)]
    assert newer.last("triage") == record
    add(newer, look="2")
    assert verify(newer.records()) == 2


def test_a_migration_that_fails_leaves_the_older_ledger(where: Where, ledger: Ledger, next_version: Path) -> None:
    add(ledger, look="1")
    before, data = contents(where), everything(where)
    next_version.write_text(NEXT.format(more='op.execute("INSERT INTO absent VALUES (1)")'))
    with pytest.raises(LedgerError, match=r"no such table: absent|relation \"absent\" does not exist"):
        Ledger.open(where)
    assert everything(where) == data
    assert contents(where) == before


def test_an_installation_without_its_migrations_says_so(where: Where, ledger: Ledger, next_version: Path) -> None:
    add(ledger)
    data = everything(where)
    assert not next_version.exists()
    with pytest.raises(LedgerError, match=r"cannot be made or brought up to date .* '0002'") as caught:
        Ledger.open(where)
    assert "remedy: install rampgate again" in str(caught.value)
    assert everything(where) == data


MODULES = """
import json, sys
from rampgate.ledger import Ledger
from tests.ledger.support import add
ledger = Ledger.open(sys.argv[1])
add(ledger, look=sys.argv[2])
list(ledger.records())
print(json.dumps(sorted(sys.modules)))
"""


def test_alembic_is_imported_only_when_there_is_something_to_migrate(tmp_path: Path) -> None:
    path = tmp_path / "rampgate.db"
    assert "alembic" in run_child(MODULES, path, "1")
    modules = run_child(MODULES, path, "2")
    assert "sqlalchemy" in modules
    for heavy in ("alembic", "mako", "pandas", "polars", "pyarrow"):
        assert heavy not in modules, heavy


def test_the_package_alone_is_enough_to_make_a_ledger(tmp_path: Path) -> None:
    """As after an installation: the Python files of the package somewhere else, and nothing besides."""
    site = tmp_path / "100% site-packages"
    for source in SOURCE.glob("rampgate/**/*.py"):
        target = site / source.relative_to(SOURCE)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    code = "import sys; from rampgate.ledger import Ledger, store\nLedger.open(sys.argv[1]); print(store.__file__)\n"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(tmp_path / "rampgate.db")],
        env=environment(site),
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.startswith(str(site))
    assert add(Ledger.open(tmp_path / "rampgate.db", create=False)).sequence == 1


def test_every_directory_of_migrations_is_a_package() -> None:
    for directory in (migrations.DIRECTORY, migrations.DIRECTORY / "versions"):
        assert (directory / "__init__.py").is_file()
