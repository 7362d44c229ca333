"""Commands that a person signs: ``key new``, ``approve``, ``decide`` and ``resume``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rampgate.cli.app import BookUrl, Json, KeyFile, LedgerUrl, Person, PolicyFile, app, ledger_of
from rampgate.cli.book import open_book
from rampgate.cli.output import print_json, print_view, progress

Because = Annotated[str, typer.Option("--because", metavar="TEXT", help="Why; every later report shows it.")]
Since = Annotated[str | None, typer.Option("--as-of", help="Since when, as 2026-03-01. Default: now.")]
ThisRollout = Annotated[str, typer.Argument(metavar="ROLLOUT", help="The rollout's name.")]

keys = typer.Typer(help="Keys with which people sign.", no_args_is_help=True)
app.add_typer(keys, name="key")


@keys.callback()
def _keys() -> None:
    pass


@keys.command("new")
def new(
    person: Annotated[str, typer.Option("--as", metavar="NAME", help="Whose key it is.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="File of the key. Default: as --key of the commands that sign.")
    ] = None,
) -> int:
    """Make an Ed25519 key for a person; print the entry for rampgate.toml.

    The key stays in a file that only you can read, encrypted when RAMPGATE_KEY_PASSPHRASE is set. Add the entry to
    rampgate.toml: `rampgate key new --as NAME >> rampgate.toml`.
    """
    from rampgate.people import key_file, new_key
    from rampgate.people.project import entry

    path = out or key_file(person)
    told = entry(person, lambda: new_key(path).public)
    typer.echo(told)
    typer.echo(f"the key of {person} is in {path}; whoever has this file can sign as {person}", err=True)
    return 0


@app.command()
def approve(
    policy: PolicyFile,
    person: Person,
    key: KeyFile = None,
    simulation: Annotated[
        Path | None, typer.Option("--simulation", help="Signed too; the one that `simulate` kept when left out.")
    ] = None,
    as_json: Json = False,
    ledger: LedgerUrl = None,
) -> int:
    """Approve a policy: your name, the time and the simulation are bound to its SHA-256, signed and recorded.

    Exit code: 0 recorded, 2 when you may not approve it, 1 when the ledger cannot be written.
    """
    with progress("signing"):
        from rampgate.policy import load_policy
        from rampgate.rollout.approve import approve as agree
        from rampgate.simulation.stored import of_policy, stored

        loaded = load_policy(policy)
        file = of_policy(loaded, policy) if simulation is None else simulation
        found = agree(policy, person, ledger_of(ledger, policy.parent), key, file)
        kept = stored(loaded, policy) if simulation is None else None
    if as_json:
        print_json(found.to_dict())
    else:
        from rampgate.report.agreed import agreed_view

        print_view(agreed_view(found, kept))
    return 0


@app.command()
def decide(
    rollout: ThisRollout,
    decision: Annotated[str, typer.Argument(metavar="hold|rollback|go", help="What you decide.")],
    because: Because,
    person: Person,
    key: KeyFile = None,
    as_of: Since = None,
    as_json: Json = False,
    ledger: BookUrl = None,
) -> int:
    """Decide otherwise than the gate, by name and with a reason: to hold, to roll back, or to go on past its HOLD.

    To go on past a rollback takes as many people as the policy's approval states. The gate goes on judging: what you
    went past is shown at every later look. Exit code: 0 recorded, 2 when this cannot be decided, or not by you.
    """
    return _decide(rollout, decision, because, person, key, as_of, as_json, ledger)


@app.command()
def resume(
    rollout: ThisRollout,
    because: Because,
    person: Person,
    key: KeyFile = None,
    as_of: Since = None,
    as_json: Json = False,
    ledger: BookUrl = None,
) -> int:
    """After a rollback begin a new attempt of the same candidate; after a person's hold let the gate decide again.

    The attempt has fresh evidence and begins in phase 1 on the day after. Exit code: as of decide.
    """
    return _decide(rollout, "resume", because, person, key, as_of, as_json, ledger)


def _decide(
    rollout: str,
    decision: str,
    because: str,
    person: str,
    key: Path | None,
    as_of: str | None,
    as_json: bool,
    ledger: str | None,
) -> int:
    with progress("signing"):
        from rampgate.rollout.human import decide as record

        found = record(rollout, decision, because, person, open_book(ledger), key, as_of)
    if as_json:
        print_json(found.to_dict())
    else:
        from rampgate.report.agreed import decided_view

        print_view(decided_view(found))
    return 0
