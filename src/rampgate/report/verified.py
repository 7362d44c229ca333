"""What ``verify`` found, for people."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from rampgate.people import PROJECT
from rampgate.report.explained.told import counted
from rampgate.report.terminal import indented
from rampgate.rollout.verify import Verification


def verified_view(found: Verification, quiet: bool = False) -> RenderableType:
    """Whole or not, and what was done to find out; ``quiet`` keeps the first line."""
    if found.problem is not None:
        at = f"record {found.first_bad} differs" if found.first_bad is not None else "the ledger differs"
        said = [Text(f"NOT WHOLE: {at}", "bold red"), indented(found.problem)]
        if found.first_bad is None:
            said.append(indented(f"the chain of {counted(found.records, 'record')} is whole"))
        else:
            said.append(indented(f"{counted(found.records, 'record')} before it hold; from there on it proves nothing"))
        return said[0] if quiet else Group(*said)
    parts: list[RenderableType] = [Text(f"WHOLE: {counted(found.records, 'record')}", "bold green")]
    if found.unheld:
        parts = [Text(f"NOT CHECKED: whose {counted(found.unheld, 'signature')} these are", "bold red")]
    if quiet:
        return parts[0]
    if found.unheld:
        parts.append(indented("each was held against the key that its record names, and anybody can make one"))
        parts.append(indented(f"remedy: lay the project's {PROJECT} beside the ledger, or run this where it is"))
        parts.append(indented(f"apart from that {counted(found.records, 'record')} are whole"))
    parts.append(indented(f"{counted(found.recomputed, 'decision')} judged again, to the same bytes"))
    if found.reworded:
        parts.append(indented(f"{found.reworded} of them in the words of another version; every number is the same"))
    if found.older:
        text = f"{counted(found.older, 'decision')} of earlier statistics: their chain, states and documents hold"
        parts.append(indented(f"{text}; their numbers are judged again by the version that made them"))
    if found.checkpoints:
        parts.append(indented(f"it agrees with {counted(found.checkpoints, 'checkpoint')}"))
    if found.compared:
        parts.append(indented(f"it agrees with {counted(found.compared, 'record')} of other copies"))
    parts.append(Text(f"head {found.head}", "dim"))
    return Group(*parts)
