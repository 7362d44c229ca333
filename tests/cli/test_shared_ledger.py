"""A ledger on a server, from the command line: the roles of the how-to, every command, and where it is named."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.cli.conftest import Run
from tests.docs.blocks import DOCS
from tests.ledger.support import contents, raw

import rampgate
from rampgate.ledger import Ledger


@pytest.fixture
def urls(postgres_database: str) -> Iterator[dict[str, str]]:
    """The ledger's URL for each role that the how-to makes, by its statements; the owner has made the tables."""
    page = (DOCS / "how-to" / "shared-ledger.md").read_text()
    (statements,) = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    with psycopg.connect(postgres_database, autocommit=True) as admin:
        admin.execute(statements.encode())
        made = {
            name: f"{postgres_database.replace('postgres@', f'{name}@')}?schema=gate"
            for name in ("gate_owner", "gate", "gate_reader")
        }
        try:
            Ledger.open(made["gate_owner"])
            yield made
        finally:
            for name in made:
                admin.execute(f"DROP OWNED BY {name} CASCADE".encode())
            for name in made:
                admin.execute(f"DROP ROLE {name}".encode())


def test_every_command_on_a_server(
    run: Run, folder: Path, urls: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    policy, gate, reader = folder / "policy.yaml", urls["gate"], urls["gate_reader"]
    (folder / "rampgate.toml").write_text(f'ledger = "{gate}"\n')
    assert run("check", policy, "--as-of", "2026-01-08")[0] == 10
    code, out, _ = run("check", policy, "--as-of", "2026-01-12", "--json")
    assert code == 0
    identity = json.loads(out)["decision_id"]
    assert not (folder / "rampgate.db").exists()
    before = _contents(gate)

    monkeypatch.chdir(folder)
    assert "GO" in run("status")[1]
    for command in (("status",), ("history",), ("show", identity), ("explain",), ("verify",), ("export",)):
        code, out, err = run(*command, "--ledger", reader)
        assert (code, err) == (0, ""), command
        assert out
    assert run("verify", "--ledger", reader)[1].startswith("WHOLE: 2 records\n")
    assert run("report", policy, "--out", folder / "report.md", "--ledger", reader)[0] == 0
    code, out, err = run("check", policy, "--as-of", "2026-01-14", "--ledger", reader)
    assert (code, out) == (1, "")
    assert "this role may not do this in the ledger" in err
    assert _contents(gate) == before

    # The same looks in a file: the same decisions, and each is an older copy of itself to the other.
    other = folder / "other.db"
    for day in ("2026-01-08", "2026-01-12"):
        assert run("check", policy, "--as-of", day, "--ledger", other)[0] in {0, 10}
    theirs, ours = (Ledger.open(where, create=False) for where in (reader, other))
    decided = [[r.entry()["decision"] for r in book.records()] for book in (theirs, ours)]
    assert decided[0] == decided[1]
    run("export", "--out", folder / "copy.jsonl", "--ledger", reader)
    assert run("verify", "--ledger", reader, "--against", gate)[0] == 0
    assert run("verify", "--ledger", reader, "--against", folder / "copy.jsonl")[0] == 0
    assert rampgate.check(policy, as_of="2026-01-14", ledger=gate).decision == "hold"
    assert run("verify", "--ledger", other, "--against", gate)[0] == 1


def _contents(url: str) -> list[list[tuple[object, ...]]]:
    plain = url.partition("?")[0]
    return contents(f"{plain}?options=-csearch_path%3Dgate")


def test_guards_that_the_owner_took_off_are_told(run: Run, folder: Path, urls: dict[str, str]) -> None:
    run("check", folder / "policy.yaml", "--as-of", "2026-01-08", "--ledger", urls["gate"])
    owner = urls["gate_owner"].partition("?")[0]
    raw(owner, "ALTER TABLE gate.records DISABLE TRIGGER records_no_update")
    code, out, _ = run("verify", "--ledger", urls["gate_reader"])
    assert code == 1
    assert out.startswith("NOT WHOLE: the ledger differs\n")
    assert "records_no_update is gone or another one" in " ".join(out.split())
    assert out.endswith("the chain of 1 record is whole\n")


@pytest.mark.parametrize("where", ["postgresql://gate:secret@127.0.0.1:1/x", "postgresql://gate:se@cret@db/x"])
def test_no_password_is_printed(run: Run, folder: Path, where: str) -> None:
    for command in (("check", folder / "policy.yaml"), ("status",), ("verify", "--against", where)):
        code, out, err = run(*command, "--ledger", where)
        assert code in {1, 2}
        assert out == ""
        assert "cret" not in err
        assert "remedy: " in err
    code, out, err = run("status", "--json", "--ledger", where)
    assert "cret" not in out + err
    assert json.loads(out)["error"]


def test_the_ledger_that_a_project_names(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "book").mkdir()
    (folder / "rampgate.toml").write_text('ledger = "book/gate.db"\n')
    below = folder / "below"
    below.mkdir()
    for name in ("policy.yaml", "tickets.csv"):
        (below / name).write_bytes((folder / name).read_bytes())
    assert run("check", below / "policy.yaml", "--as-of", "2026-01-08")[0] == 10
    assert (folder / "book" / "gate.db").exists()
    assert run("check", below / "policy.yaml", "--as-of", "2026-01-08", "--ledger", below / "own.db")[0] == 10
    monkeypatch.chdir(below)
    assert "HOLD" in run("status")[1]
    (folder / "rampgate.toml").write_text('ledger = "postgresql://gate:secret@db/x"\n')
    code, _, err = run("status")
    assert code == 2
    assert "holds a password" in err
    assert "secret" not in err
