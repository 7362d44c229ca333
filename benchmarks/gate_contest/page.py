"""docs/contest.md from the results."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.gate_contest.chart import draw
from benchmarks.gate_contest.rollouts import GATE, HORIZON, ONSET, PRIOR, times_error_of
from benchmarks.gate_contest.scenarios import HARMLESS, LATE, NOW, PLAN, Scenario
from benchmarks.gate_contest.words import CAPTION, FALSE, INTRODUCTION, NOTES, SUMMARY, WEEKS
from benchmarks.guarantees.page import error

DOCS = Path(__file__).parents[2] / "docs"
PICTURE = "assets/contest.svg"
DRAWN = f"{LATE} | +4 points, `worse_by: 0pp`"
BUDGET = 0.05
Results = Mapping[str, Mapping[str, Any]]
Found = Sequence[tuple[Scenario, Mapping[str, Any]]]


def write(scenarios: Sequence[Scenario], results: Results) -> None:
    """Write the page and its picture."""
    there = [(s, results[s.key]) for s in scenarios if s.key in results]
    keeping = kept(there)
    if DRAWN in results:
        (DOCS / PICTURE).write_text(draw(results[DRAWN]["rules"], keeping, PRIOR, (ONSET, PRIOR)), "utf-8")
    (DOCS / "contest.md").write_text("\n".join(_lines(scenarios, there, keeping)) + "\n", "utf-8")


def over(share: float, count: int) -> bool:
    """Whether a share of false rollbacks is above 5 % by more than three Monte-Carlo errors.

    Of rules whose true share is 5 %, two errors would call one in four above it somewhere in so many scenarios.
    """
    return share > BUDGET + 3 * float(np.sqrt(BUDGET * (1 - BUDGET) / count))


def kept(there: Found) -> frozenset[str]:
    """Rules that keep 5 % in every harmless scenario; limits are none."""
    harmless = [found for s, found in there if s.part == HARMLESS]
    names = [name for name in (harmless[0]["rules"] if harmless else ()) if name not in (ONSET, PRIOR)]
    return frozenset(
        name for name in names if not any(over(f["rules"][name]["false"], f["rollouts"]) for f in harmless)
    )


def _of(there: Found, part: str) -> list[tuple[Scenario, Mapping[str, Any]]]:
    return [pair for pair in there if pair[0].part == part]


def _lines(scenarios: Sequence[Scenario], there: Found, keeping: frozenset[str]) -> Iterator[str]:
    total = sum(found["rollouts"] for _, found in there)
    minutes = sum(found["seconds"] for _, found in there) / 60
    yield from ("# The contest of gates", "", INTRODUCTION, "")
    yield (
        f"{len(there)} scenarios of {len(scenarios)}, {total:,} rollouts, each judged by every rule. Written by "
        f"`make contest` in {minutes:.0f} minutes of one core ({platform.machine()}, Python "
        f"{platform.python_version()}, NumPy {np.__version__})."
    )
    yield from ("", *_answer(there, keeping), "", *_picture(there), "", NOTES, "")
    yield from ("## False rollbacks", "", FALSE, "")
    yield from _harmless(_of(there, HARMLESS), keeping)
    for part in (NOW, LATE):
        yield from ("", f"## Summary: {part}", "", SUMMARY[part], "")
        yield from _summary(_of(there, part), keeping, ONSET if part == NOW else PRIOR)
    yield from ("", "## Weeks to 100 %", "", WEEKS, "", *_weeks(_of(there, PLAN)))
    for part, limits in ((NOW, (ONSET,)), (LATE, (ONSET, PRIOR))):
        for scenario, one in _of(there, part):
            yield from ("", f"## {scenario.name}, {part}", "", *_harmful(one, keeping, limits))


def _answer(there: Found, keeping: frozenset[str]) -> Iterator[str]:
    """The aim, in figures."""
    for part, limit, rule, aim in ((NOW, ONSET, GATE, 1.3), (LATE, PRIOR, HORIZON, 1.25), (LATE, PRIOR, GATE, 1.5)):
        found = [pair for pair in _of(there, part) if pair[0].name.startswith("+") and "segment" not in pair[0].name]
        times = [f["rules"][rule]["harmed"] / f["rules"][limit]["harmed"] for _, f in found]
        if times:
            within = sum(round(t, 2) <= aim for t in times)
            told = [_multiple(f["rules"], rule, limit) for _, f in found]
            least, most = told[int(np.argmin(times))], told[int(np.argmax(times))]
            yield (
                f"- {part.capitalize()}, proportions of everybody: {rule} does {least} to {most} "
                f"times the harm of the test that {limit.removeprefix('limit: ')}. The aim of at most {aim:g} is kept "
                f"in {within} of {len(times)} scenarios."
            )
    for part in (NOW, LATE):
        found = list(_of(there, part))
        won = [s.name for s, f in found if _best(f["rules"], keeping) not in (GATE, HORIZON)]
        if found:
            yield (
                f"- {part.capitalize()}, among rules that keep 5 % in every harmless scenario: rampgate does the "
                f"least harm in {len(found) - len(won)} of {len(found)} scenarios"
                + (f"; a peer does in: {'; '.join(won)}." if won else ".")
            )
        yield from _rivals(there, found, part, keeping)


def _rivals(there: Found, found: Found, part: str, keeping: frozenset[str]) -> Iterator[str]:
    """Rules that do less harm in most scenarios and are nearly in budget, never above 10 %."""
    harmless = [f for _, f in _of(there, HARMLESS)]
    for name in _names(there, limits=False):
        worst = max((f["rules"][name]["false"] for f in harmless), default=1.0)
        pairs = [(f["rules"][name]["harmed"], f["rules"][GATE]["harmed"]) for _, f in found]
        less = sum(own is not None and own < gate for own, gate in pairs)
        if name not in keeping and worst <= 0.1 and less > len(pairs) / 2:
            yield (
                f"- {part.capitalize()}: *{name}* does less harm than rampgate's defaults in {less} of {len(pairs)} "
                f"scenarios, with false rollbacks of up to {_percent(worst)}."
            )


def _picture(there: Found) -> Iterator[str]:
    if any(scenario.key == DRAWN for scenario, _ in there):
        yield f"![Harm done by each rule, as a multiple of the limit that knows the onset's prior]({PICTURE})"
        yield from ("", CAPTION)


def _best(rules: Mapping[str, Any], keeping: frozenset[str]) -> str:
    return min(keeping, key=lambda name: rules[name]["harmed"] if rules[name]["harmed"] is not None else np.inf)


def _names(there: Found, limits: bool) -> list[str]:
    every = list(there[0][1]["rules"]) if there else []
    return [n for n in every if limits or n not in (ONSET, PRIOR)]


def _harmless(there: Found, keeping: frozenset[str]) -> Iterator[str]:
    for number, (scenario, _) in enumerate(there, start=1):
        yield f"{number}. {scenario.name}"
    yield ""
    yield "| rule | " + " | ".join(str(n + 1) for n in range(len(there))) + " | keeps 5 % |"
    yield "|---|" + "--:|" * len(there) + "---|"
    for name in _names(there, limits=True):
        shares = [(f["rules"][name]["false"], f["rollouts"]) for _, f in there]
        cells = [f"**{_percent(s)}**" if over(s, n) else _percent(s) for s, n in shares]
        yield f"| {name} | " + " | ".join(cells) + f" | {'yes' if name in keeping else ''} |"
    most = [max((f["rules"][n]["false"] for n in keeping), default=0.0) for _, f in there]
    errors = [f"±{100 * error(s, f['rollouts']):.1f}" for s, (_, f) in zip(most, there, strict=True)]
    yield "| *error at the largest that keeps 5 %* | " + " | ".join(errors) + " | |"


def _summary(there: Found, keeping: frozenset[str], limit: str) -> Iterator[str]:
    for number, (scenario, _) in enumerate(there, start=1):
        yield f"{number}. {scenario.name}"
    yield ""
    yield "| rule | " + " | ".join(str(n + 1) for n in range(len(there))) + " | keeps 5 % |"
    yield "|---|" + "--:|" * len(there) + "---|"
    best = [_best(f["rules"], keeping) for _, f in there]
    for name in _names(there, limits=False):
        cells = []
        for (_, f), first in zip(there, best, strict=True):
            told = _times(f["rules"], name, limit)
            cells.append(f"**{told}**" if name == first else told)
        yield f"| {name} | " + " | ".join(cells) + f" | {'yes' if name in keeping else ''} |"
    yield ""
    yield "**Bold**: the least harm among rules that keep 5 % everywhere."


def _times(rules: Mapping[str, Any], name: str, limit: str) -> str:
    own = rules[name]
    if own["harmed"] is None or own["before"] > 0.5:
        return "-"
    missed = 1 - own["caught"]
    return _multiple(rules, name, limit) + (f" ({_percent(missed, 0)})" if missed > 0.05 else "")


def _multiple(rules: Mapping[str, Any], name: str, limit: str) -> str:
    """The harm of a rule as a multiple of a limit's, with the Monte-Carlo error of that on the same rollouts."""
    spread = rules[name].get(times_error_of(limit))
    times = f"{rules[name]['harmed'] / rules[limit]['harmed']:.2f}"
    return times if name == limit or spread is None else f"{times}±{spread:.2f}"


def _harmful(found: Mapping[str, Any], keeping: frozenset[str], limits: Sequence[str]) -> Iterator[str]:
    rules = found["rules"]
    late = PRIOR in limits
    head = ["rule", *(["fired before"] if late else []), "caught", "delay", "harmed", "missed", "x onset"]
    head += [*(["x prior"] if late else []), "keeps 5 %"]
    yield "| " + " | ".join(head) + " |"
    yield "|---|" + "--:|" * (len(head) - 2) + "---|"
    for name, own in rules.items():
        row = [name, *([_percent(own["before"])] if late else [])]
        if own["harmed"] is None:
            row += ["-"] * (len(head) - len(row) - 1)
        else:
            row += [_percent(own["caught"]), "-" if own["delay"] is None else f"{own['delay']:.0f}"]
            row += [f"{own['harmed']:.1f} ± {own['error']:.1f}", _percent(1 - own["caught"])]
            row += [_multiple(rules, name, limit) for limit in limits]
        yield "| " + " | ".join([*row, "yes" if name in keeping else ""]) + " |"


def _weeks(there: Found) -> Iterator[str]:
    yield "| rule | weeks | there within twelve |"
    yield "|---|--:|--:|"
    for _, found in there:
        for name, own in found["rules"].items():
            weeks = "never" if own["weeks"] is None else f"{own['weeks']:.1f}"
            spread = 100 * error(own["there"], found["rollouts"])
            yield f"| {name} | {weeks} | {_percent(own['there'])} ± {spread:.1f} |"


def _percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f} %"
