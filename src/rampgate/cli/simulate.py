"""``simulate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rampgate.cli.app import Events, Json, PolicyFile, Quiet, app
from rampgate.cli.output import print_json, print_view, progress


@app.command()
def simulate(
    policy: PolicyFile,
    rollouts: Annotated[
        int | None, typer.Option("--rollouts", help="Rollouts of each scenario. Default: as many as take a minute.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same table.")] = 1,
    scenario: Annotated[
        list[str] | None, typer.Option("--scenario", metavar="NAME", help="Only this one. May be repeated.")
    ] = None,
    assume: Annotated[
        Path | None, typer.Option("--assume", metavar="FILE", help="The baseline described by hand, instead of rows.")
    ] = None,
    days: Annotated[int, typer.Option("--days", help="Days after which a rollout is looked at no more.")] = 84,
    workers: Annotated[int | None, typer.Option("--workers", help="Processes. Default: one per core.")] = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="Write it as a page too, as .html or .md.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep/--no-keep", help="Keep it beside the policy, for approvers.")] = True,
    as_json: Json = False,
    quiet: Quiet = False,
    events: Events = None,
) -> int:
    """How often the policy cries wolf, how long it sleeps, and what is harmed meanwhile, on your own baseline.

    Rollouts are drawn from the baseline's history and judged by the gate itself. What is found is kept beside the
    policy, unless scenarios were chosen. Exit code: 0 simulated, 2 wrong arguments or policy, 1 too little history.
    """
    from time import monotonic

    from rampgate.simulation.simulate import simulate as run
    from rampgate.simulation.stored import store

    if report is not None:
        from rampgate.report.write import check_ending

        check_ending(report)
    began = monotonic()
    with progress("reading the baseline", quiet) as say:
        found = run(
            policy, events, rollouts, seed, scenario=scenario or (), assume=assume, days=days, workers=workers, say=say
        )
        kept = store(found, policy) if keep and not scenario else None
        if report is not None:
            from rampgate.report.simulated import write_simulation

            write_simulation(found, report)
    if as_json:
        print_json(found.to_dict())
        return 0
    from rampgate.report.simulated_view import longer, simulation_view

    print_view(simulation_view(found, quiet))
    if not quiet:
        print_view(longer(found, monotonic() - began))
        for path in (kept, report):
            if path is not None:
                print_view(f"written: {path}")
    return 0
