"""Which columns are outcomes, of which kind, and which direction is good."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from rampgate.aggregate.typed import FALSE_WORDS, TRUE_WORDS
from rampgate.guess.profile import Profile, is_nothing
from rampgate.guess.roles import PROSE
from rampgate.guess.words import (
    AFTERWARDS,
    BURDEN,
    GAIN,
    OPINION,
    SCALE,
    SEGMENT,
    Better,
    direction,
    goodness,
    magnitude,
    tells,
    tokens,
)

#: Metrics that are taken at most.
MOST = 6
#: A metric that is known in a smaller share of the rows is left out.
_LEAST_KNOWN = 0.05
#: A share of which fewer rows than this are the other way shows nothing.
_LEAST_OTHER = 10
#: Values that a segment may have.
MOST_VALUES = 50
#: Text with so much of true and false is no segment, and with so much it is an outcome.
MOSTLY_TRUTH, NEARLY_TRUTH = 0.5, 0.9
_SCALES = ((1, 5), (0, 5), (1, 7), (1, 10), (0, 10), (0, 1), (0, 100))


@dataclass(frozen=True)
class Outcome:
    """A metric as it is proposed.

    Attributes
    ----------
    content : the metric as a policy writes it
    sure : whether a name or a word tells which direction is good; else ``better`` is only assumed
    mean, spread : of a unit's value, as far as known
    """

    name: str
    content: Mapping[str, object]
    why: str
    sure: bool
    known: float
    mean: float
    spread: float
    least: float = 0.0

    @property
    def bounded(self) -> bool:
        """Whether it can enter the KPI."""
        return self.content["kind"] == "proportion" or "best" in self.content


def outcome_of(one: Profile) -> Outcome | str:
    """The metric that a column is, or why it is none."""
    if one.known < _LEAST_KNOWN * one.rows:
        return f"known in {one.known} of {one.rows} rows only"
    if one.distinct <= 1:
        return f"it has one value, {one.low!r}"
    if one.type == "boolean" or one.binary == one.known:
        return _constant(one, one.mean) or _truth(one)
    if one.type == "text" and not one.numeric:
        return _nearly_truth(one) or _worded(one)
    return _number(one)


# --- true and false ---------------------------------------------------------------------


def truth_share(one: Profile) -> float:
    """Share of the known values of text that are words for true and false, where it has words for both."""
    counts = {value: n for value, n in one.values if value is not None and value in one.words}
    true, false = (sum(n for value, n in counts.items() if said(value, words)) for words in (TRUE_WORDS, FALSE_WORDS))
    return (true + false) / one.known if true and false else 0.0


def said(value: str, words: Collection[str]) -> bool:
    """Whether a value is one of some words, however it is written."""
    return value.strip().lower() in words


def _nearly_truth(one: Profile) -> Outcome | str | None:
    """Text that says true or false in most rows and something else in the others; None where it does not."""
    share = truth_share(one)
    if share < MOSTLY_TRUTH:
        return None
    true, false = ([v for v in one.words if said(v, words)] for words in (TRUE_WORDS, FALSE_WORDS))
    rest = [value for value in one.words if value not in (*true, *false)]
    others = f"{round((1 - share) * one.known)} of {one.known} rows hold {', '.join(map(repr, rest[:3]))}"
    others += f" and {len(rest) - 3} more" if len(rest) > 3 else ""
    say = f"say which value counts, as --metric {one.name}=={true[0]}"
    if share < NEARLY_TRUTH or len(true) > 1 or len(false) > 1:
        several = "" if share < NEARLY_TRUTH else f", and true is written {' and '.join(map(repr, true))}"
        return f"true and false, but {others}{several}: {say}"
    better = direction(one.name)
    turned = f"--metric {one.name}=={false[0]}:{'higher' if better == 'lower' else 'lower'}"
    why = f"true and false; {_told(better)}{_nothing(one)}; {others}, counted as not {true[0]!r}"
    why += f": {turned} counts them as {true[0]!r}"
    part = dict(one.values)[true[0]] / one.known
    extra = {"equals": true[0]}
    return _constant(one, part) or _share(one, extra, better or "higher", why, better is not None, part)


def _told(better: Better | None) -> str:
    if better is None:
        return "its name does not tell which is good, and true is taken to be"
    return f"by its name {'false' if better == 'lower' else 'true'} is good"


def _truth(one: Profile) -> Outcome:
    better = direction(one.name)
    share, why = one.mean, f"true and false; {_told(better)}{_nothing(one)}"
    return _share(one, {}, better or "higher", why, better is not None, share)


def _nothing(one: Profile) -> str:
    """What is done with words for nothing."""
    words = [(value, n) for value, n in one.values if value is not None and value.strip() and is_nothing(value)]
    if not words:
        return ""
    return f"; {sum(n for _, n in words)} rows say {words[0][0]!r} and are taken as not known"


def _constant(one: Profile, share: float) -> str | None:
    """Why a share is no metric: nearly every row is one way."""
    fewer = round(min(share, 1 - share) * one.known)
    least = min(_LEAST_OTHER, one.known // 20)  # a small table may still grow
    return f"nearly always the same: {fewer} of {one.known} rows differ" if fewer < least else None


def _share(one: Profile, extra: Mapping[str, object], better: Better, why: str, sure: bool, share: float) -> Outcome:
    content: dict[str, object] = {"kind": "proportion", "column": one.name, **extra}
    if better == "lower":
        content["better"] = "lower"
    spread = math.sqrt(max(share * (1 - share), 0.0))
    return Outcome(one.name, content, why, sure, one.filled, share, spread)


def _worded(one: Profile) -> Outcome | str:
    """Text: an outcome if its words are of good and bad."""
    if not one.words:
        return _too_many(one)
    judged = {value: goodness(value) for value in one.words}
    good = [value for value in one.words if judged[value] == "higher"]
    bad = [value for value in one.words if judged[value] == "lower"]
    if (not good and not bad) or (len(one.words) == 2 and 2 in (len(good), len(bad))):
        return NO_OUTCOME
    counts = dict(one.values)
    two = len(one.words) == 2
    if good and (bad or two):
        chosen, better = good[0], "higher"
        why = f"{chosen!r} is a word for good" + (f", {bad[0]!r} for bad" if bad else "")
    elif bad and two:
        chosen, better = bad[0], "lower"
        why = f"{chosen!r} is a word for bad"
    else:
        return NO_OUTCOME
    if not two:
        if len(one.words) > 5 or len(good) > 1:
            return f"{len(one.words)} values, of which several may count as good: {', '.join(one.words[:5])}"
        why += f"; all other values count as not {chosen!r}"
    elif odd := [value for value, _ in one.values if value is not None and value not in one.words]:
        return f"beside {one.words[0]!r} and {one.words[1]!r} it holds {odd[0]!r}, which would count as not {chosen!r}"
    if bad and any(value.lower() in ("open", "pending") for value in bad):
        why += "; what is open today may close later, so compare rows that had the time to"
    extra = {"equals": chosen}
    share = (counts.get(chosen) or 0) / one.known
    return _constant(one, share) or _share(one, extra, "lower" if better == "lower" else "higher", why, True, share)


NO_OUTCOME = "text that says nothing of good or bad"


def _too_many(one: Profile) -> str:
    if one.length > PROSE:
        return "free text"
    if one.distinct >= 0.85 * one.known:
        return "nearly every row has its own value: an id, or free text"
    return f"text of about {one.distinct} values"


# --- numbers ----------------------------------------------------------------------------


def _number(one: Profile) -> Outcome | str:
    if one.numbers < one.known:
        return f"{one.known - one.numbers} of its {one.known} values are no numbers"
    name = one.name
    if tells(name, OPINION) and not tells(name, ("csat", "satisf", "rating")) and not _on_scale(one):
        return "the version's own opinion of a row is no outcome"
    better = magnitude(name)
    if tells(name, SCALE) and (scale := _scale(one)) is not None:
        worst, best = (scale[1], scale[0]) if better == "lower" else scale
        content = {"kind": "mean", "column": name, "best": best, "worst": worst}
        if better == "lower":
            content["better"] = "lower"
        why = f"a score, taken to run from {scale[0]} to {scale[1]} as its values lie from {one.low} to {one.high}"
        return Outcome(name, content, why, True, one.filled, one.mean, one.spread, one.least)
    if tells(name, SEGMENT) and not tells(name, (*BURDEN, *GAIN)):
        return NO_OUTCOME
    if one.whole == one.known and one.distinct >= 0.85 * one.known and not tells(name, (*BURDEN, *GAIN)):
        return "nearly every row has its own whole number: an id"
    if better is None:
        return f"numbers whose name does not tell which is good: --metric {name}:lower or --metric {name}:higher"
    content = {"kind": "mean", "column": name}
    if better == "lower":
        content["better"] = "lower"
    why = f"numbers from {one.least:g} to {one.most:g}; by its name {'less' if better == 'lower' else 'more'} is better"
    return Outcome(name, content, why, True, one.filled, one.mean, one.spread, one.least)


def _on_scale(one: Profile) -> bool:
    """Whole marks from a small scale: people gave them, not a model."""
    return one.whole == one.known and one.most <= 10 and one.distinct <= 11


def _scale(one: Profile) -> tuple[int, int] | None:
    """The smallest usual scale that holds the values, which must reach its upper half."""
    for low, high in _SCALES[:5] if one.most > 1 or one.whole == one.known else _SCALES[5:6]:
        if low <= one.least and one.most <= high and one.whole == one.known:
            return low, high
    if one.least >= 0 and one.most <= 1:
        return 0, 1
    if one.least >= 0 and 10 < one.most <= 100:
        return 0, 100
    for low, high in ((1, 5), (0, 5), (0, 10)):
        if low <= one.least and one.most <= high:
            return low, high
    return None


def scaled(one: Outcome) -> Outcome:
    """A magnitude with a scale of its own, so that it can enter the KPI where nothing else can."""
    reach = _round_up(one.mean + 3 * one.spread)
    low = min(0.0, -_round_up(-one.least)) if one.least < 0 else 0.0
    best, worst = (low, reach) if one.content.get("better") == "lower" else (reach, low)
    content = {**one.content, "best": best, "worst": worst}
    why = f"{one.why}; a scale from {low:g} to {reach:g} (the mean and three standard deviations) puts it into the KPI"
    return Outcome(one.name, content, why, one.sure, one.known, one.mean, one.spread, one.least)


def _round_up(value: float) -> float:
    """To 1, 2 or 5 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)


# --- which of them -------------------------------------------------------------------------


def choose(found: Sequence[Outcome]) -> tuple[list[Outcome], list[tuple[str, str]]]:
    """The metrics that are taken, and those that are not, with the reason.

    What does not tell which direction is good is taken only where nothing does.
    """
    sure = [one for one in found if one.sure]
    left = []
    if sure:
        left = [(one.name, unsure_reason(one)) for one in found if not one.sure]
    ranked = sorted(sure or found, key=lambda one: (not one.bounded, -round(one.known, 1)))
    taken = ranked[:MOST]
    left += [(one.name, f"an outcome too, beyond the {MOST} that are taken") for one in ranked[MOST:]]
    order = [one.name for one in found]
    taken.sort(key=lambda one: order.index(one.name))
    return taken, left


def unsure_reason(one: Outcome) -> str:
    """Why a column of true and false is not taken."""
    return f"true and false, and its name does not tell which is good: --metric {one.name} or --metric {one.name}:lower"


# --- segments -------------------------------------------------------------------------------


def segment_score(one: Profile) -> float:
    """How useful a column is as a segment; 0 if it is none."""
    if not 2 <= len(one.words) <= MOST_VALUES or one.type not in ("text", "integer", "boolean"):
        return 0.0
    if one.type == "text" and truth_share(one) >= MOSTLY_TRUTH:
        return 0.0
    if (one.type != "text" or one.numeric) and not tells(one.name, SEGMENT):
        return 0.0
    counts = [n for value, n in one.values if value in one.words]
    even = 1 - counts[0] / one.known
    if even < 0.05:
        return 0.0
    entropy = -sum(n / one.known * math.log(n / one.known) for n in counts)
    few = 1.0 if len(counts) <= 12 else 0.7
    return (2.0 * tells(one.name, SEGMENT) + min(entropy, 2.0) / 2) * one.filled * few


def is_afterwards(one: Profile) -> bool:
    """Whether a column is known only after the version has done its work, so that it is no segment."""
    if tokens(one.name) == ("state",) and one.distinct > 8:
        return False  # of a country
    return tells(one.name, AFTERWARDS)
