from __future__ import annotations

from pathlib import Path

import pytest

from rampgate.ledger import Ledger


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a ledger without records: quicker to copy than to make."""
    path = tmp_path_factory.mktemp("template") / "rampgate.db"
    Ledger.open(path)
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path, empty_ledger: bytes) -> Path:
    path = tmp_path / "rampgate.db"
    path.write_bytes(empty_ledger)
    return path


@pytest.fixture
def ledger(path: Path) -> Ledger:
    return Ledger.open(path, create=False)
