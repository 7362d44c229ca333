"""A report on disk: the ending of its name says what it is, and it is there whole or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from rampgate.errors import UsageError
from rampgate.ledger import Ledger
from rampgate.policy import load_policy
from rampgate.report.dossier import Dossier, dossier
from rampgate.report.pens import Pen, pen
from rampgate.report.words import moment_of
from rampgate.save import save
from rampgate.simulation.stored import stored

ENDINGS = (".html", ".md")


def report_policy(policy: Path, out: Path, ledger: str | Path) -> list[str]:
    """Write the report of a policy's rollout; what to tell whoever asked for it.

    Raises
    ------
    UsageError : nothing is recorded of the rollout, or the file cannot be written there
    """
    check_ending(out)
    with pen() if out.suffix == ".html" else nullcontext() as drawing, ThreadPoolExecutor(1) as aside:
        rules = load_policy(policy)
        # The database waits for nobody here: what writes is loaded while it looks up and checks a year of records.
        gathered = aside.submit(dossier, Ledger.open(ledger, create=False), rules.rollout)
        _load(out)
        found = gathered.result()
        found = replace(found, simulation=stored(found.policy, policy))
        write_report(found, out, drawing)
    decision = found.decision
    lines = [f"{decision.decision.upper()}  {decision.rollout}, look of {moment_of(decision.look)}: {out}"]
    if rules.sha256() != decision.policy_sha256:
        lines.append("the policy file was changed since this decision; the report tells the policy as it was recorded")
    return lines


def _load(out: Path) -> None:
    """Import what writes a report."""
    from rampgate.report import sections  # noqa: F401

    if out.suffix == ".html":
        import altair  # noqa: F401

        from rampgate.report import page  # noqa: F401


def write_report(found: Dossier, out: Path, drawing: Pen | None = None) -> None:
    """Write a report as the ending of its name says: ``.html``, by the pen that is ``drawing``, or ``.md``."""
    check_ending(out)
    if out.suffix == ".md":
        from rampgate.report.markdown import markdown
        from rampgate.report.sections import hero, sections, title_of

        text = markdown(title_of(found), sections(found), hero(found))
    else:
        from rampgate.report.page import page

        text = page(found, drawing)
    save(text, out, force=True)


def check_ending(out: Path) -> None:
    """Refuse a name that a report cannot be written to."""
    if out.suffix not in ENDINGS:
        raise UsageError(
            f"a report is .html or .md, not {out.suffix or 'a file without an ending'}",
            where=str(out),
            remedy=f"name it {out.with_suffix('.html').name or 'report.html'}",
        )
    if out.is_dir():
        raise UsageError("this is a directory", where=str(out), remedy=f"name a file, as in {out / 'report.html'}")
    if not out.parent.is_dir():
        raise UsageError("this directory does not exist", where=str(out.parent), remedy="make the directory first")
