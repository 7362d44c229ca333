"""URLs of servers: how they are named, and that none is repeated."""

from __future__ import annotations

import sys
import traceback

import pytest

from rampgate.errors import LedgerError, UsageError
from rampgate.ledger import Ledger
from rampgate.ledger.conninfo import Address


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://db/ledger", "postgresql://db/ledger"),
        ("postgres://dana:secret@db:5433/ledger", "postgresql://dana@db:5433/ledger"),
        ("postgresql+psycopg://dana@db/ledger?schema=gate", "postgresql://dana@db/ledger?schema=gate"),
        ("postgresql://db/ledger?user=dana&password=secret&schema=a%20b", "postgresql://dana@db/ledger?schema=a%20b"),
        ("postgresql://a:1,b:2/ledger?sslpassword=secret&connect_timeout=3", "postgresql://a:1,b:2/ledger"),
        ("postgresql:///ledger?host=/run/postgresql", "postgresql:///ledger?host=/run/postgresql"),
        ("postgresql://dana:12?secret@db/ledger", "postgresql://dana@db/ledger"),
        ("postgresql://d%40na:s%40ecret%2F@db/l%20x", "postgresql://d%40na@db/l%20x"),
    ],
)
def test_a_url_is_named_without_its_password(url: str, name: str) -> None:
    address = Address.of(url)
    assert address.name == name
    assert "secret" not in repr(address)
    assert "ecret" in str(address.parameters.get("password", "ecret"))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://dana:se@cret@db/ledger",
        "postgresql://dana:se/cret@db/ledger",
        "postgresql://dana:cret%zz@db/ledger",
        "postgresql://db:cret/ledger",
        "postgresql://db/ledger?cret=1",
        "postgresql://db/ledger?schema=cret&schema=cret",
        "postgresql://db/ledger?schema=",
    ],
)
def test_a_url_that_cannot_be_read_is_not_repeated(url: str) -> None:
    with pytest.raises(UsageError, match="the ledger's URL cannot be read\n  remedy: write postgresql://") as caught:
        Ledger.open(url)
    assert "cret" not in "".join(traceback.format_exception(caught.value)).replace(repr(url), "")


def test_without_the_driver_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(LedgerError, match=r"needs psycopg 3(.|\n)*remedy: pip install 'rampgate\[postgres\]'"):
        Ledger.open("postgresql://db/ledger")
