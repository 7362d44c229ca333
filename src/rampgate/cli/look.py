"""Commands that judge: ``check`` and ``replay``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rampgate.cli.app import EXIT, Events, Fresh, Json, LedgerUrl, PolicyFile, Quiet, app, ledger_of, ledger_there
from rampgate.cli.output import print_decision, print_json, print_view, progress


@app.command()
def check(
    policy: PolicyFile,
    as_of: Annotated[str | None, typer.Option(help="The moment of the look, as 2026-03-01. Default: now.")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Exit 0 for every decision, also hold.")] = False,
    ledger: LedgerUrl = None,
    events: Events = None,
    sql: Annotated[
        bool, typer.Option("--explain-sql", help="Print the queries that it would run; run and record nothing.")
    ] = False,
    dialect: Annotated[
        str | None,
        typer.Option(
            "--dialect",
            metavar="NAME",
            help="Write them for duckdb, postgres, spark, bigquery, databricks, snowflake or trino.",
        ),
    ] = None,
    fresh: Fresh = False,
) -> int:
    """One look: judge, record, print.

    Exit code: 0 go or complete, 10 hold, 20 rollback, 2 wrong arguments or policy, 1 could not judge (hold).
    """
    if sql:
        return _explained(policy, events, as_of, ledger_there(ledger, policy.parent), dialect, as_json)
    if dialect is not None:
        raise typer.BadParameter("--dialect says how --explain-sql writes")
    with progress("reading the rows and judging them", quiet):
        from rampgate.rollout.evaluate import check as look
        from rampgate.rollout.keeping import store_beside

        where, store = ledger_of(ledger, policy.parent), None if fresh else store_beside(policy)
        decision = look(policy, events, as_of, where, store)
    print_decision(decision, as_json, quiet)
    return 0 if exit_zero else EXIT[decision.decision]


def _explained(
    policy: Path, events: str | None, as_of: str | None, where: str | Path | None, dialect: str | None, as_json: bool
) -> int:
    """Print what a look would run."""
    from rampgate.ledger import Ledger
    from rampgate.rollout.explain_sql import explain_sql

    if as_json:
        raise typer.BadParameter("--explain-sql prints SQL, and --json a decision")
    book = None if where is None else Ledger.open(where, create=False)
    typer.echo(explain_sql(policy, events, as_of, book, dialect))
    return 0


@app.command()
def replay(
    policy: PolicyFile,
    start: Annotated[str | None, typer.Option("--from", help="First look.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last look.")] = None,
    aa: Annotated[
        int | None, typer.Option("--aa", metavar="N", help="Judge N random splits of the baseline's history instead.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the splits; the same seed gives the same ones.")] = 1,
    as_json: Json = False,
    quiet: Quiet = False,
    events: Events = None,
    fresh: Fresh = False,
) -> int:
    """What would have been decided at every look. Writes nothing.

    With --aa the baseline's own history is split at random, so that nothing differs: what is rolled back is false.
    """
    from rampgate.rollout.keeping import store_beside
    from rampgate.rollout.replay import Looks, looks

    if aa is not None:
        if start is not None or end is not None:
            raise typer.BadParameter("--aa splits the whole history; --from and --to belong to a replay")
        return _splits(policy, events, aa, seed, as_json, quiet)
    made = []
    with progress("reading the rows", quiet) as say:
        for decision in looks(policy, events, start, end, None if fresh else store_beside(policy)):
            made.append(decision)
            say(f"look {len(made)}, {decision.look:%Y-%m-%d}: {decision.decision}")
    decisions = Looks(made)
    if as_json:
        print_json({"looks": [d.to_dict() for d in decisions]})
        return 0
    from rampgate.report.terminal import replay_view, verdict_line

    if not decisions:
        print_view("no complete period with a candidate row to look at")
    else:
        print_view(verdict_line(decisions[-1]) if quiet else replay_view(decisions))
    return 0


def _splits(policy: Path, events: str | None, count: int, seed: int, as_json: bool, quiet: bool) -> int:
    from rampgate.simulation.splits import splits

    with progress("reading the history", quiet) as say:
        found = splits(policy, events, count, seed, say)
    if as_json:
        print_json(found.to_dict())
        return 0
    from rampgate.report.simulated_view import splits_view

    print_view(repr(found) if quiet else splits_view(found))
    return 0
