"""The demo as it is told in the terminal."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from rich.console import Group
from rich.text import Text

from rampgate.demo.acts import BROKEN_CATEGORIES, BROKEN_SHARE, Act, Look, broken, play, unchanged
from rampgate.demo.tickets import Ticket, load
from rampgate.errors import UsageError
from rampgate.incident.settings import Settings
from rampgate.ledger import Ledger
from rampgate.report.dossier import dossier
from rampgate.report.incidents import list_view, rows
from rampgate.report.review import draft
from rampgate.report.sheet import Column, Sheet
from rampgate.report.terminal import STYLES, console, decision_view, verdict_line
from rampgate.report.words import date_of, percent, signed
from rampgate.report.write import write_report
from rampgate.rollout.incidents import incidents
from rampgate.save import save

#: The rollouts of the demo.
ACTS = {"act-one", "act-two"}

INTRO = """\
11,774 real incidents of one company, 29 February to 10 April 2016 (UCI data set
498, CC BY 4.0). Each is given to the baseline or the candidate by a hash of its
number, at the traffic of the phase that the gate has really reached."""

ACT_ONE = """\
Act one. Nothing differs between the arms: the candidate is the baseline. The
log's own level moves: 44 % of SLAs met, then 4 %, then 76 %. Beside the gate
stands what a dashboard does: all tickets of each arm, pooled, and a z-test
("-" where it finds no difference). The gate looks every day, and in the first
and the last phase on Mondays only: a look that is skipped costs nothing."""

ACT_TWO = """\
Act two. The same log with a regression put into the candidate, from the 50 %
phase on: in {categories} it misses the SLA in {share} of
the cases in which it would have met it. Nothing else is changed. From then on
the gate looks every day."""


#: What shows a text while something takes its time, and gives a function that replaces it.
Progress = Callable[[str], AbstractContextManager[Callable[[str], None]]]


@contextmanager
def _silent(_text: str) -> Iterator[Callable[[str], None]]:
    yield lambda _: None


def tell(out: Path, progress: Progress = _silent, quiet: bool = False) -> None:
    """Play both acts into a folder; leave its ledger for ``status`` and others, a report, and the draft of a review.

    Parameters
    ----------
    progress : shows what is going on while an act is played
    quiet : print the verdict of each act and nothing else
    """
    ledger_file, page, review = out / "rampgate.db", out / "report.html", out / "review.md"
    _clear(ledger_file, page, review)
    out.mkdir(parents=True, exist_ok=True)
    screen, tickets = console(quiet=quiet), load()
    ledger = Ledger.open(ledger_file)
    screen.print(f"{INTRO}\n\n{ACT_ONE}\n")
    one = _act(progress, Act("act-one", out / "act-one", unchanged, frozenset({1, 4})), tickets, ledger)
    screen.print(Group(looks_table(one), _moral(one)))
    names = " and ".join(BROKEN_CATEGORIES)
    screen.print("\n" + ACT_TWO.format(categories=names, share=percent(BROKEN_SHARE)) + "\n")
    two = _act(progress, Act("act-two", out / "act-two", broken, frozenset({1, 2, 4})), tickets, ledger)
    screen.print(looks_table(two))
    screen.print(Text("\nThe decision that ended it\n", "bold"))
    screen.print(decision_view(two[-1].decision))
    screen.print(_left(ledger, review))
    write_report(dossier(ledger, "act-two"), page)
    screen.print(_farewell(out, two), soft_wrap=True)  # commands are copied: no line of theirs is broken
    if quiet:
        console().print(Group(*(verdict_line(looks[-1].decision) for looks in (one, two))))


def _left(ledger: Ledger, review: Path) -> Group:
    """What the rollback leaves: its incident, and the draft of the review in a file."""
    known = incidents(ledger, "act-two")
    for one in known.found.values():
        save(draft(ledger, one, Settings()).text, review, force=True)
    head = Text("\nWhat it leaves: an incident, opened by the record, and its review to be written\n", "bold")
    return Group(head, list_view(rows(known, Settings()), every=False))


def _clear(ledger_file: Path, *pages: Path) -> None:
    """Remove the ledger of an earlier demo, and of nothing else."""
    if not ledger_file.exists():
        for page in pages:
            if page.exists():
                what = "this file is not the demo's, and is not overwritten"
                raise UsageError(what, where=str(page), remedy="give another folder with --out")
        return
    if not set(Ledger.open(ledger_file, create=False).rollouts()) <= ACTS:
        remedy = "give another folder with --out"
        raise UsageError("this ledger is not the demo's, and is not overwritten", where=str(ledger_file), remedy=remedy)
    ledger_file.unlink()


def _act(progress: Progress, act: Act, tickets: Sequence[Ticket], ledger: Ledger) -> list[Look]:
    """Play an act and say how far it is."""
    looks: list[Look] = []
    with progress(f"{act.name}: the gate looks") as say:
        for look in play(act, tickets, ledger):
            looks.append(look)
            say(f"{act.name}: look {len(looks)}, {date_of(look.decision.look)}")
    return looks


def looks_table(looks: Sequence[Look]) -> Sheet:
    """Every look that decided something, began to say something new, or ended a week."""
    words = [Column(name, "word") for name in ("look", "traffic", "gate")]
    numbers = [Column(name) for name in ("SLA, by day", "pooled")]
    table = Sheet([*words, Column("why", "name"), *numbers, Column("z-test", "word")])
    before = ""
    for i, look in enumerate(looks):
        d = look.decision
        code = d.reasons[0].code
        said = f"{d.decision} {code}"
        weekly = d.look.weekday() == 0
        if said == before and not weekly and i != len(looks) - 1:
            continue
        before = said
        sla = next(m for m in d.metrics if m.name == "met_sla")
        table.add(
            date_of(d.look),
            percent(d.phase.traffic),
            Text(d.decision.upper(), STYLES[d.decision]),
            code,
            signed(sla.difference),
            signed(look.pooled.difference) if look.pooled else "-",
            _verdict(look),
        )
    return table


def _verdict(look: Look) -> Text:
    verdict = look.pooled.verdict().replace("no difference", "-") if look.pooled else "-"
    return Text(verdict, {"worse": "red", "better": "green"}.get(verdict, "dim"))


def _moral(looks: Sequence[Look]) -> str:
    worse = sum(look.pooled is not None and look.pooled.verdict() == "worse" for look in looks)
    better = sum(look.pooled is not None and look.pooled.verdict() == "better" for look in looks)
    last = looks[-1].decision
    return (
        f"\nOver {len(looks)} looks the pooled test called the candidate worse {worse} times "
        f"and better {better} times. The gate went on from phase to phase and ends {last.decision}; "
        f"it compares within days."
    )


def _farewell(out: Path, looks: Sequence[Look]) -> str:
    identity = str(looks[-1].decision.decision_id)[:8]
    # Not everybody has the command on the path; this run had it somewhere.
    program = "rampgate" if shutil.which("rampgate") else os.path.relpath(sys.argv[0])
    ledger = f"--ledger {out / 'rampgate.db'}"
    return (
        f"\nThe same on one page, with pictures, for people who were not there: {out / 'report.html'}\n"
        f"What is to be written down by people, filled in from the record: {out / 'review.md'}\n"
        f"\nEvery look is in {out / 'rampgate.db'}. Look again:\n"
        f"  {program} status {ledger}\n  {program} history act-two {ledger}\n  {program} show {identity} {ledger}\n"
        f"  {program} explain {identity} {ledger}\n  {program} incident show last {ledger}\n"
        f"  {program} report {out / 'act-two' / 'policy.yaml'} {ledger} --out report.md\n"
        f"  {program} replay {out / 'act-two' / 'policy.yaml'}"
    )
