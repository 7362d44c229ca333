"""What the words in the names and values of columns tell."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

Better = Literal["higher", "lower"]

_TOKENS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_A-Za-z]+")


def _stems(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Stems: a token that begins with one of them. A final "$" asks for the whole token.
UNIT = _stems(
    """
    id$ ids$ uuid guid key$ number no$ nr$ num$ ref$ reference code$ ticket case$ incident claim order$ request
    """
)
INDEX = _stems("index idx row column unnamed level")
OPENING = _stems(
    """
    open creat start receiv submit report request arriv begin began log$ logged occur expos assign enter intake
    """
)
ANY_TIME = _stems("time timestamp date datetime dt$ ts$ at$ when$ day$ epoch")
LATER = _stems(
    """
    clos resolv solv updat modif chang due target end$ ended finish complet deadline expir last latest delet return
    paid review survey respon answer label close exit birth first
    """
)
VARIANT = _stems(
    """
    variant variation arm$ treatment version release candidate experiment cohort bucket ab$ abtest canary
    """
)
PERHAPS_VARIANT = _stems("model algorithm engine build prompt pipeline copilot assistant")

SEGMENT = _stems(
    """
    queue categ team$ department dept region geo country countri city neighb district area$ channel source product
    service$ urgency priorit sever impact lang segment tier plan$ type topic reason site location market platform
    device os$ browser office skill line$ lob$ bu$ unit business customer class kind subject group
    """
)
#: What is known, or chosen, only after the version has handled the row.
AFTERWARDS = _stems("status state$ resolut clos outcome result dispos verdict feedback")
HANDLER = _stems("assign agent analyst owner resolver handler operator reviewer")
OPINION = _stems("confiden probab logit threshold predict score$ embedding")

LOWER = _stems(
    """
    overrid overrul escalat reopen error err$ errors miss missed overdue fail breach complain defect reassign
    handoff handover retry retri bounc churn refund cancel abandon reject harm unsafe toxic halluc timeout crash
    rework wrong incorrect inaccur bad$ violat late$ lateness appeal disput dropped lost expired invalid unresolv
    fraud misrout misclass negative dissatisf unhappy stale delay unanswer unsolv corrected correction rollback
    incident bug$ bugs$ fallback transferr
    """
)
HIGHER = _stems(
    """
    correct right$ accura met$ made$ ontime resolv resolut solv success succe pass$ passed ok$ csat satisf rating
    stars$ star$ helpful accept approv deflect contain$ contained complet conver retain sla$ quality precision
    recall$ kept good valid won$ hit$ answered fcr$ nps$ useful agree agreed match adopt deliver fulfil compli happy
    positive
    """
)
#: Magnitudes of which less is better, and more.
BURDEN = _stems(
    """
    hour hours hrs$ minute mins$ min$ second seconds secs$ sec$ ms$ millis day$ days$ weeks$ duration latency
    elapsed time$ wait age$ ttr$ mttr$ aht$ cost spend expens token effort touches hops$ attempts count$ handling
    runtime
    """
)
GAIN = _stems(
    """
    revenue saving saved sales throughput value$ profit income score rating csat satisf quality nps$ stars$
    """
)
SCALE = _stems("csat score rating satisf stars$ star$ quality nps$ grade mark$ helpful")
_FIRST_LOWER = _stems(
    """
    missed failed late wrong incorrect bad unsafe overdue rejected abandoned false lost invalid delayed
    """
)
_NEGATIONS = _stems("not no non un without free zero never")

GOOD_VALUES = _stems(
    """
    ontime met made hit pass passed success successful succeeded ok okay good correct right accurate accepted
    approved resolved solved closed complete completed done kept within compliant satisfied happy positive valid
    answered converted won delivered fulfilled agreed agree match matched helpful insla withinsla notescalated
    contained intime useful retained solved fixed
    """
)
BAD_VALUES = _stems(
    """
    overdue missed miss unmet notmet late fail failed failure error bad incorrect wrong inaccurate rejected declined
    denied unresolved unsolved open pending incomplete breached breach violated outside noncompliant dissatisfied
    unhappy negative invalid unanswered lost undelivered unfulfilled disagreed disagree mismatch unhelpful escalated
    reopened overridden abandoned cancelled canceled timeout outofsla notresolved delayed churned
    """
)
#: Values that say which arm a row is in, baseline first.
ARMS = (
    ("baseline", "candidate"), ("baseline", "treatment"), ("control", "treatment"), ("control", "variant"),
    ("control", "test"), ("control", "experiment"), ("champion", "challenger"), ("old", "new"), ("current", "new"),
    ("before", "after"), ("a", "b"), ("stable", "canary"), ("blue", "green"), ("human", "ai"), ("manual", "ai"),
    ("human", "copilot"), ("off", "on"), ("false", "true"), ("0", "1"), ("no", "yes"), ("n", "y"), ("legacy", "new"),
    ("prod", "canary"), ("production", "canary"), ("control", "candidate"), ("agent", "copilot"),
)  # fmt: skip
_VERSION = re.compile(r"(?P<stem>.*?)[vV]?(?P<digits>\d+(?:[.]\d+)*)(?P<rest>[^\d]*)")


def tokens(name: str) -> tuple[str, ...]:
    """The words of a name in lower case: ``sla_met``, ``slaMet`` and ``SLA met`` are the same."""
    return tuple(word.lower() for word in _TOKENS.findall(name))


def _begins(word: str, stems: Iterable[str]) -> bool:
    return any(word == stem[:-1] if stem.endswith("$") else word.startswith(stem) for stem in stems)


def tells(name: str, stems: Iterable[str]) -> bool:
    """Whether one of a name's words begins with one of the stems."""
    stems = tuple(stems)
    return any(_begins(word, stems) for word in tokens(name))


def direction(name: str) -> Better | None:
    """Which direction of something that is true or false is good, by its name; None if it does not tell.

    The last telling word decides (``escalation_correct``), unless the name begins with a bad one
    (``missed_sla``); a negation turns it round.
    """
    words = tokens(name)
    if _turned(words):
        return None
    found: Better | None = None
    if words and words[0] in _FIRST_LOWER:
        found = "lower"
    else:
        if "on" in words and "time" in words:
            found = "higher"
        for word in words:
            if _begins(word, LOWER):
                found = "lower"
            elif _begins(word, HIGHER) and not (word == "sla" and found):
                found = "higher"
    if found and set(words) & set(_NEGATIONS):
        return "higher" if found == "lower" else "lower"
    return found


def magnitude(name: str) -> Better | None:
    """Which direction of a number is good, by its name."""
    words = tokens(name)
    if _turned(words) or words[-1:] == ("age",) or {"of", "day"} <= set(words) or {"of", "week"} <= set(words):
        return None
    if tells(name, GAIN):
        return "higher"
    if tells(name, BURDEN):
        return "lower"
    return direction(name)


#: Words that turn another round, or may: what they stand beside says no direction for certain.
_TURNERS = _stems(
    """
    avoid prevent detect caught fixed recover corrected correction harmless without until between less per up out lost
    loss dis
    """
)


def _turned(words: tuple[str, ...]) -> bool:
    """Whether a name holds a word that may turn its direction round (``escalation_avoided``)."""
    return any(word.startswith(turner) if len(turner) > 4 else word == turner for word in words for turner in _TURNERS)


def goodness(value: str) -> Better | None:
    """Whether a value is a word for something good (more of it is better) or bad."""
    word = re.sub(r"[^a-z]", "", value.lower())
    if word in GOOD_VALUES:
        return "higher"
    return "lower" if word in BAD_VALUES else None


def arms(values: Iterable[str]) -> tuple[str, str] | None:
    """Two values as (baseline, candidate) if their words tell: control and treatment, v1 and v2."""
    pair = list(values)
    if len(pair) != 2:
        return None
    words = {re.sub(r"[^a-z0-9]", "", value.lower()): value for value in pair}
    for first, second in ARMS:
        if {first, second} == set(words):
            return words[first], words[second]
    numbers = [_version(value) for value in pair]
    if numbers[0] and numbers[1] and numbers[0][0] == numbers[1][0] and numbers[0][1] != numbers[1][1]:
        return (pair[0], pair[1]) if numbers[0][1] < numbers[1][1] else (pair[1], pair[0])
    return None


_SAY_NOTHING = (
    {"a", "b"},
    {"false", "true"},
    {"0", "1"},
    {"no", "yes"},
    {"n", "y"},
    {"off", "on"},
    {"before", "after"},
)


def say_arms(values: Iterable[str]) -> bool:
    """Whether two values are arms whatever their column is called: control and treatment, v1 and v2."""
    pair = list(values)
    words = {re.sub(r"[^a-z0-9]", "", value.lower()) for value in pair}
    if arms(pair) is None or words in _SAY_NOTHING:
        return False
    return words in [set(pair_) for pair_ in ARMS] or all(re.match(r"[vV]\d", value) for value in pair)


def _version(value: str) -> tuple[str, tuple[int, ...]] | None:
    found = _VERSION.fullmatch(value.strip())
    if found is None:
        return None
    return found["stem"].lower() + found["rest"].lower(), tuple(int(n) for n in found["digits"].split("."))


def next_version(value: str) -> str:
    """A name for what comes after a version: ``v2`` after ``v1``, else ``candidate``."""
    found = re.fullmatch(r"(.*?)(\d{1,9})", value)
    if found and value.lower() != "candidate":
        return f"{found[1]}{int(found[2]) + 1}"
    return "candidate" if value.lower() != "candidate" else "candidate-2"


def written_like(value: str, names: Iterable[str]) -> str | None:
    """The name that differs from ``value`` in capitals and blanks alone."""
    return next((name for name in names if name != value and _bare(name) == _bare(value)), None)


def _bare(text: str) -> str:
    return "".join(text.split()).casefold()
