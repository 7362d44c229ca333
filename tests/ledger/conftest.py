"""Every test that asks for ``where`` or ``ledger`` runs on each kind of database: the ledger's contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from tests.ledger.support import Where
from tests.postgres import database

from rampgate.ledger import Ledger


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a ledger without records: quicker to copy than to make."""
    path = tmp_path_factory.mktemp("template") / "rampgate.db"
    Ledger.open(path)
    return path.read_bytes()


@pytest.fixture(scope="session")
def empty_postgresql(postgres_server: str) -> Iterator[str]:
    """The URL of such a ledger on a server."""
    with database(postgres_server) as url:
        Ledger.open(url)
        yield url


@pytest.fixture
def path(tmp_path: Path, empty_ledger: bytes) -> Path:
    path = tmp_path / "rampgate.db"
    path.write_bytes(empty_ledger)
    return path


Fresh = Callable[[], AbstractContextManager[Where]]


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Fresh:
    """Makes ledgers without records, each of which is gone at the end of its block."""
    if request.param == "postgresql":
        server, template = (request.getfixturevalue(name) for name in ("postgres_server", "empty_postgresql"))
        return lambda: database(server, template)

    data = request.getfixturevalue("empty_ledger")

    @contextmanager
    def file() -> Iterator[Where]:
        path = tmp_path / "rampgate.db"
        path.write_bytes(data)
        yield path

    return file


@pytest.fixture
def where(fresh: Fresh) -> Iterator[Where]:
    with fresh() as where:
        yield where


@pytest.fixture
def ledger(where: Where) -> Ledger:
    return Ledger.open(where, create=False)


@pytest.fixture(params=["sqlite", "postgresql"])
def nowhere(request: pytest.FixtureRequest, tmp_path: Path) -> Where:
    """Where a ledger may be made."""
    if request.param == "sqlite":
        return tmp_path / "rampgate.db"
    return str(request.getfixturevalue("postgres_database"))
