"""The application that commands register with, and the options that several of them share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Decide, with evidence, whether a rollout in phases may go on, must wait, or must go back.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

EXIT = {"go": 0, "complete": 0, "hold": 10, "rollback": 20}
LEDGER_NAME = "rampgate.db"

PolicyFile = Annotated[Path, typer.Argument(metavar="POLICY", help="The policy file.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the verdict alone; show no progress.")]
Events = Annotated[str | None, typer.Option("--events", help="Rows to use instead of the policy's source.events.")]
Fresh = Annotated[
    bool, typer.Option("--fresh", help="Read every row, whatever earlier looks have kept beside the policy.")
]
LedgerUrl = Annotated[
    str | None,
    typer.Option(
        "--ledger",
        help="Path or URL of the ledger. Default: what rampgate.toml says, else rampgate.db beside the policy.",
    ),
]
BookUrl = Annotated[
    str | None,
    typer.Option(
        "--ledger",
        help="Path or URL of the ledger. Default: what rampgate.toml says, else rampgate.db in the present folder.",
    ),
]
Person = Annotated[str, typer.Option("--as", metavar="NAME", help="Who you are, as rampgate.toml names you.")]
KeyFile = Annotated[
    Path | None,
    typer.Option("--key", help="Your key. Default: ~/.config/rampgate/keys/NAME.pem, or in $RAMPGATE_KEYS."),
]
RolloutName = Annotated[str | None, typer.Argument(metavar="[ROLLOUT]", help="Only this rollout.")]


def ledger_of(given: str | None, folder: Path) -> str | Path:
    """The ledger that ``--ledger`` names, else the project's, else the file in a folder."""
    from rampgate.people import find_ledger

    return given or find_ledger(folder) or folder / LEDGER_NAME


def ledger_there(given: str | None, folder: Path) -> str | Path | None:
    """The same for a command that writes nothing: None where nobody names one and there is no file yet."""
    where = ledger_of(given, folder)
    return where if given is not None or isinstance(where, str) or where.exists() else None


@app.callback(invoke_without_command=True)
def _main(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        from rampgate import __version__

        typer.echo(__version__)
        raise typer.Exit
