"""The command line. Thin: it parses, calls, prints, and turns errors into exit codes."""

from __future__ import annotations

import gc
import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.exceptions import TyperException

if TYPE_CHECKING:
    from rampgate.judge.decision import Decision

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
Events = Annotated[str | None, typer.Option("--events", help="Rows to use instead of the policy's source.events.")]
LedgerUrl = Annotated[
    str | None,
    typer.Option("--ledger", help="Path or URL of the ledger. Default: rampgate.db beside the policy."),
]
BookUrl = Annotated[
    str | None, typer.Option("--ledger", help="Path or URL of the ledger. Default: rampgate.db in the present folder.")
]
RolloutName = Annotated[str | None, typer.Argument(metavar="[ROLLOUT]", help="Only this rollout.")]


@app.command()
def check(
    policy: PolicyFile,
    as_of: Annotated[str | None, typer.Option(help="The moment of the look, as 2026-03-01. Default: now.")] = None,
    as_json: Json = False,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Exit 0 for every decision, also hold.")] = False,
    ledger: LedgerUrl = None,
    events: Events = None,
) -> int:
    """One look: judge, record, print.

    Exit code: 0 go or complete, 10 hold, 20 rollback, 2 wrong arguments or policy, 1 could not judge (hold).
    """
    from rampgate.rollout.evaluate import check as look

    decision = look(policy, events, as_of, ledger or policy.parent / LEDGER_NAME)
    _print_decision(decision, as_json)
    return 0 if exit_zero else EXIT[decision.decision]


@app.command()
def replay(
    policy: PolicyFile,
    start: Annotated[str | None, typer.Option("--from", help="First look.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last look.")] = None,
    as_json: Json = False,
    events: Events = None,
) -> int:
    """What would have been decided at every look. Writes nothing."""
    from rampgate.rollout.replay import replay as run

    decisions = run(policy, events, start, end)
    if as_json:
        _print_json({"looks": [d.to_dict() for d in decisions]})
        return 0
    from rampgate.report.terminal import console, replay_view

    console().print(replay_view(decisions) if decisions else "no complete period with a candidate row to look at")
    return 0


@app.command()
def validate(policy: PolicyFile, as_json: Json = False, events: Events = None) -> int:
    """Check a policy and its source; print it as sentences.

    Exit code: 0 valid, 2 when the policy is wrong or the source does not fit it, 1 when the source cannot be read.
    """
    from rampgate.report.sentences import validation, validation_view

    found = validation(policy, events)
    if as_json:
        _print_json(found)
    else:
        from rampgate.report.terminal import console

        console().print(validation_view(found))
    return 0 if found["ok"] else 2


@app.command()
def schema() -> int:
    """Print the policy's JSON Schema, for editors."""
    from rampgate.policy import schema as policy_schema

    _print_json(policy_schema())
    return 0


@app.command()
def status(rollout: RolloutName = None, as_json: Json = False, ledger: BookUrl = None) -> int:
    """Where rollouts stand: phase, traffic, last decision, what they wait for."""
    from rampgate.report.book import status_rows, status_view

    rows = status_rows(_open(ledger), rollout)
    if as_json:
        _print_json({"rollouts": rows})
        return 0
    from rampgate.report.terminal import console

    console().print(status_view(rows))
    return 0


@app.command()
def history(rollout: RolloutName = None, as_json: Json = False, ledger: BookUrl = None) -> int:
    """Every decision in the ledger, oldest first."""
    from rampgate.report.book import history_rows, history_view

    rows = history_rows(_open(ledger), rollout)
    if as_json:
        _print_json({"decisions": rows})
        return 0
    from rampgate.report.terminal import console

    console().print(history_view(rows))
    return 0


@app.command()
def show(
    decision: Annotated[str, typer.Argument(metavar="ID", help="The decision's id, or its first digits.")],
    as_json: Json = False,
    ledger: BookUrl = None,
) -> int:
    """One recorded decision, whole."""
    from rampgate.rollout.evaluate import decision_of

    _print_decision(decision_of(_open(ledger).get(decision)), as_json)
    return 0


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the ledger and policies.")] = Path("rampgate-demo"),
) -> int:
    """The whole story on real tickets: go, hold, rollback."""
    from rampgate.demo.story import tell

    tell(out)
    return 0


@app.callback(invoke_without_command=True)
def _main(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        from rampgate import __version__

        typer.echo(__version__)
        raise typer.Exit


def _open(where: str | None) -> Any:
    from rampgate.ledger import Ledger

    return Ledger.open(where or LEDGER_NAME, create=False)


def _print_decision(decision: Decision, as_json: bool) -> None:
    try:
        if as_json:
            _print_json(decision.to_dict())
        else:
            from rampgate.report.terminal import console, decision_view

            console().print(decision_view(decision))
        sys.stdout.flush()
    except (OSError, SystemExit):  # rich ends the program when a pipe is closed
        # The decision stands, and its exit code with it, whoever stopped reading.
        sys.stderr.write("could not print the decision: the output was closed\n")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, allow_nan=False))


def main() -> None:
    """Run the command line; every error ends in an exit code and, with ``--json``, in one JSON object."""
    gc.set_threshold(
        50_000
    )  # queries are trees of thousands of small objects; looking for cycles in them costs a tenth
    as_json = "--json" in sys.argv[1:]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no ellipsis must not cost a verdict
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except TyperException as error:
        # Typer's own errors print their usage line; they carry an exit code of 2.
        _fail(str(error), int(getattr(error, "exit_code", 2)), as_json, getattr(error, "show", None))
    except typer.Abort:
        _fail("interrupted; nothing was recorded by this command", 1, as_json)
    except Exception as error:  # noqa: BLE001 - the last resort: exit 1, which a pipeline treats as hold
        _fail_with(error, as_json)


def _fail_with(error: Exception, as_json: bool) -> NoReturn:
    from rampgate.errors import RampgateError

    if isinstance(error, RampgateError):
        _fail(str(error), error.exit_code, as_json)
    if os.environ.get("RAMPGATE_TRACEBACK"):
        raise error
    text = f"could not judge, treat this as hold: {type(error).__name__}: {error}"
    _fail(f"{text}\n  remedy: set RAMPGATE_TRACEBACK=1 to see where, and report it", 1, as_json)


def _fail(message: str, code: int, as_json: bool, show: Callable[[], None] | None = None) -> NoReturn:
    if as_json:
        _print_json(_error_object(message, code))
    elif show is not None:
        show()
    else:
        typer.echo(f"error: {message}", err=True)
    sys.exit(code)


def _error_object(message: str, code: int) -> dict[str, Any]:
    """The keys of a decision, with nothing decided: whoever reads ``decision`` reads hold."""
    empty: dict[str, Any] = dict.fromkeys(
        ("rollout", "attempt", "as_of", "policy_sha256", "phase", "kpi", "decision_id", "previous_sha256")
    )
    lists: dict[str, Any] = {key: [] for key in ("metrics", "criteria", "windows", "drift", "health", "waiting_for")}
    reason = {"code": "error", "verdict": "ERROR", "metric": None, "segment": None, "message": message}
    return {**empty, **lists, "decision": "hold", "reasons": [reason], "error": message, "exit_code": code}
