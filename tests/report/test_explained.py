"""Decisions in plain sentences: every reason has the right one, and every number is that of the record."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from tests.cli.test_cli import CODES
from tests.judge.build import Units, case, intake, midnight, policy, state, units
from tests.judge.test_change import SWITCH, WATCH, moved_by, rollout

import rampgate.judge
from rampgate.aggregate.marginals import OVERALL
from rampgate.judge.case import Case
from rampgate.judge.decide import judge
from rampgate.judge.decision import Decision, Reason
from rampgate.judge.reviews import OpenReview
from rampgate.judge.state import ROLLED_BACK, State
from rampgate.policy import Margin
from rampgate.report.explained import Explanation, explain, told
from rampgate.report.explained.reasons import MEANINGS, sentence

HARM = {"right": (0.85, 0.85), "override": (0.15, 0.40)}
BY_QUEUE = {"by": ["queue"], "guardrails": {"override": {"margin": "5pp"}}, "minimum_units": 50}
QUEUES = ("network", "mail", "desk")


def _network_only(day: np.ndarray, queue: np.ndarray) -> np.ndarray:
    return np.where(queue == "network", 0.4, -0.05)


def _no_labels_of_late() -> Units:
    made = units(traffic=0.5)
    late = (made.arm == 1) & (made.day >= 5)
    return replace(made, metrics={**made.metrics, "override": np.where(late, np.nan, made.metrics["override"])})


def _floor() -> Case:
    rules = policy(
        evidence="point", kpi={"weights": {"right": 0.6, "override": 0.4}, "margin": "50pp", "floor": 0.95},
        guardrails=None, rollback={"right": {"worse_by": "50pp"}},
    )  # fmt: skip
    return case(units(traffic=0.5), rules=rules)


LENIENT = {"right": {"worse_by": "40pp"}}
#: One case for each code that the judge gives as a reason today.
EXAMPLES: dict[str, Callable[[], Case]] = {
    "rollback": lambda: case(units(traffic=0.5, rates=HARM)),
    "guardrail": lambda: case(units(traffic=0.5, rates=HARM), rules=policy(rollback=LENIENT)),
    "segment": lambda: case(
        units(days=20, traffic=0.5, queues=QUEUES, harm=_network_only), 20,
        policy(rollback=LENIENT, guardrails=None, segments=BY_QUEUE),
    ),
    "missing_labels": lambda: case(_no_labels_of_late(), 10),
    "stale": lambda: case(units(), newest=midnight(2)),
    "duplicate_units": lambda: case(units(), duplicate_units=7, duplicate_example="T1"),
    "too_little_data": lambda: case(units(), null_unit=500),
    "minimum_duration": lambda: case(units(days=3), 3),
    "minimum_units": lambda: case(
        units(), rules=policy(phases=[{"traffic": "10%", "minimum_units": 900}, {"traffic": "100%"}])
    ),
    "inconclusive": lambda: case(units(days=10, traffic=0.1), at=state(2, 3)),
    "not_approved": lambda: case(units(), at=state(traffic=0.2)),
    "decided_by_person": lambda: case(units(), at=state(policy_sha256="0" * 64, traffic=0.1)),
    "error": lambda: case(units(), other_variants=(("v9", 12),)),
    "sample_ratio": lambda: case(
        units(days=20, traffic=0.3), 20, at=state(policy_sha256=policy().sha256(), traffic=0.1)
    ),
    "volume": lambda: case(units(days=16).where((units(days=16).day < 10) | (units(days=16).day >= 15)), 16),
    "crossed_units": lambda: case(units(), crossed=((midnight(0), 1000, 200),)),
    "floor": _floor,
    "budget": lambda: case(
        units(), rules=policy(harm_budget={"override": 1}, phases=[{"traffic": "10%", "go": "within_budget"},
                                                                   {"traffic": "50%"}])
    ),
    "open_review": lambda: replace(
        case(units()), reviews=(OpenReview("3f" * 32, 1, "2026-01-12T00:00:00+00:00", "override worse than tolerated"),)
    ),
    "drift": lambda: rollout(SWITCH + 28, WATCH, moved_by(0.08, SWITCH + 14)),
    "all_clear": lambda: case(units()),
}  # fmt: skip
#: Other situations that a reader may ask about.
OTHERS: dict[str, Callable[[], Case]] = {
    "shown": lambda: case(units(days=40, traffic=0.5), 40, at=state(2, 3)),
    "complete": lambda: case(units(days=40, traffic=0.5), 40, at=state(3, 30)),
    "rolled back before": lambda: case(units(), at=state(status=ROLLED_BACK, rolled_back_at=midnight(5))),
    "small segments": lambda: case(
        units(queues=QUEUES), rules=policy(segments={**BY_QUEUE, "minimum_units": 5000})
    ),
    "no candidate": lambda: case(units(days=3), 3, at=State(candidate="candidate")),
    "no row": lambda: case(units(days=1, per_day=1).where(np.array([False])), 0, at=State(candidate="candidate")),
    "no known label": lambda: case(
        replace(made := units(), metrics={**made.metrics, "override": np.full(len(made.day), np.nan)})
    ),
    "plain thresholds": lambda: case(units(traffic=0.5), rules=policy(evidence="point")),
    "plain thresholds, harm": lambda: case(
        units(days=20, traffic=0.5, queues=QUEUES, harm=_network_only), 20,
        policy(evidence="point", segments=BY_QUEUE, rollback={"override": {"worse_by": "1pp"}}),
    ),
    "plain thresholds, no window": lambda: case(units(days=3), 3, policy(evidence="point")),
    "no words": lambda: case(units(traffic=0.5, rates=HARM), rules=policy(rollback={"override": {"worse_by": 0}})),
    "relative": lambda: case(
        units(traffic=0.5), rules=policy(guardrails={"override": {"margin": "10%"}}, rollback=LENIENT)
    ),
}  # fmt: skip


def explained(made: Case) -> tuple[Decision, Explanation]:
    """The decision as it comes back from a record, and its explanation."""
    decision = Decision.from_dict(judge(made).to_dict())
    return decision, explain(decision, made)


def text(found: Explanation, title: str | None = None) -> str:
    return " ".join(" ".join(s.sentences) for s in found.sections if title in (None, s.title))


# --- reasons ----------------------------------------------------------------------------


def test_every_code_of_the_contract_has_a_sentence_of_its_own() -> None:
    assert set(MEANINGS) == CODES
    assert len(set(MEANINGS.values())) == len(CODES)


def test_every_code_that_the_judge_writes_has_an_example() -> None:
    """The judge's source names no code that the tests below leave out."""
    files = Path(str(rampgate.judge.__file__)).parent.glob("*.py")
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8")))]
    literals = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert literals & CODES == EXAMPLES.keys()


@pytest.mark.parametrize("code", EXAMPLES)
def test_each_reason_is_told_with_its_meaning_and_its_numbers(code: str) -> None:
    decision, found = explained(EXAMPLES[code]())
    reasons = [r for r in decision.reasons if r.code == code]
    assert reasons
    why = text(found, "Why this verdict and no other")
    assert MEANINGS[code] in why
    if code in ("rollback", "guardrail", "segment", "all_clear"):
        return  # told by their numbers, below
    for reason in reasons:
        numbers = re.findall(r"\d[\d.,-]*\d|\d", reason.message)
        assert all(number in why for number in numbers), reason.message


def test_a_floor_is_told_as_a_floor() -> None:
    decision, found = explained(_floor())
    assert decision.reasons[0].code == "floor"
    why = text(found, "Why this verdict and no other")
    assert MEANINGS["floor"] in why
    assert MEANINGS["guardrail"] not in why
    assert "below the floor of 0.95" in why


def test_a_code_of_a_later_version_is_told_as_unknown() -> None:
    made = EXAMPLES["all_clear"]()
    reason = Reason("solar_flare", "FAIL", "too much of it since 2026-01-07")
    decision = replace(judge(made), decision="hold", reasons=(reason,))
    assert "no words for (solar_flare): too much of it since 2026-01-07." in sentence(reason)
    assert "solar_flare" in text(explain(decision, made), "Why this verdict and no other")


def test_a_decision_of_a_later_version_is_told_as_it_stands() -> None:
    made = EXAMPLES["all_clear"]()
    decision = replace(judge(made), decision="paused")
    assert "The gate said paused." in text(explain(decision, made))


@pytest.mark.parametrize("name", [*EXAMPLES, *OTHERS])
def test_every_section_says_something_without_jargon(name: str) -> None:
    decision, found = explained((EXAMPLES | OTHERS)[name]())
    assert [s.title for s in found.sections] == [
        "What was decided", "What was compared", "What was found", "How sure this is",
        "Why this verdict and no other", "What happens next", "What was left out",
    ]  # fmt: skip
    for section in found.sections:
        assert section.sentences, section.title
        for said in section.sentences:
            assert said[-1] == ".", said
            assert ".." not in said
            assert "None" not in said
            assert "nan" not in said.split()
    said = text(found)
    jargon = (
        r"\be-value|p-value|confidence|non.inferior|null hypothesis|guardrail|sequential|martingale|\d ?pp\b|\b\dd\b"
    )
    assert re.findall(jargon, said, re.IGNORECASE) == []
    assert decision.rollout in said


# --- numbers ----------------------------------------------------------------------------


def test_shares_are_told_of_a_hundred() -> None:
    decision, found = explained(EXAMPLES["all_clear"]())
    row = next(m for m in decision.metrics if m.name == "override" and m.group == OVERALL)
    assert row.candidate is not None
    assert row.baseline is not None
    assert row.lower is not None
    assert row.upper is not None
    told_so = text(found, "What was found")
    assert (
        f"The candidate has {100 * row.candidate:.1f} of 100, the baseline {100 * row.baseline:.1f} of 100" in told_so
    )
    assert f"between {-100 * row.lower:.1f} of 100 fewer and {100 * row.upper:.1f} of 100 more" in told_so
    assert f"{100 * row.upper:.1f} of 100 in override" in text(found, "How sure this is")
    assert "it must go back when it is worse by more than 1 of 100" in told_so
    assert "it may not go on when it is worse by more than 5 of 100" in told_so


def test_units_are_counted_by_hand() -> None:
    made = units()
    _, found = explained(case(made))
    counted = [int((made.arm == arm).sum()) for arm in (1, 0)]
    assert f"{counted[0]:,} units of the candidate and {counted[1]:,} of the baseline" in text(found)
    assert "2026-01-05" in text(found, "What was compared")
    assert "10 % of traffic" in text(found, "What was compared")


def test_a_rollback_says_since_when_how_much_and_where_it_is_worst() -> None:
    """As the record's own message says it, in the words of the terminal."""

    def late(day: np.ndarray, queue: np.ndarray) -> np.ndarray:
        return np.where((day >= 14) & (queue == "network"), 0.6, 0.0)

    made = units(days=35, traffic=0.5, queues=QUEUES, harm=late, seed=4)
    decision, found = explained(
        case(made, 35, policy(segments={**BY_QUEUE, "guardrails": {"override": {"margin": 0.1}}}))
    )
    assert decision.decision == "rollback"
    failed = next(c for c in decision.criteria if c.id == "rollback:override")
    parts = re.search(
        r"worse by ([\d.]+) points since (\S+) .*worst in (\S+) \(worse by ([\d.]+) points\)", str(failed.message)
    )
    assert parts is not None
    size, since, where, there = parts.groups()
    assert "2026-01-17" <= since <= "2026-01-22"
    why = text(found, "Why this verdict and no other")
    assert f"override is worse by {size} of 100 since {since}, and 1 of 100 is tolerated" in why
    assert f"It is worst in {where}, by {there} of 100" in why
    assert f"The reason: override is worse by {size} of 100 since {since}." in text(found, "What was decided")
    assert f"beginning with what changed around {since} and what is particular to {where}" in text(found)
    assert "0 % of traffic" in text(found, "What happens next")


def test_a_look_after_a_rollback_says_that_it_has_ended_and_names_no_new_breach() -> None:
    _, found = explained(case(units(), at=state(status="rolled_back", rolled_back_at=midnight(9))))
    said = text(found)
    assert "The rollout has ended, and does not begin again by itself: rolled back on 2026-01-14; to try" in said
    assert "A limit whose breach ends the rollout is broken" not in said


def test_a_kpi_of_one_metric_is_not_called_several() -> None:
    one = policy(kpi={"weights": {"right": 1}, "margin": "5pp"})
    assert "The weighted KPI, here of one metric alone, is 1 x right." in text(explained(case(units(), rules=one))[1])
    assert "The weighted KPI, several metrics in one number, is " in text(explained(case(units()))[1])


def test_plain_thresholds_say_which_window_and_where() -> None:
    decision, found = explained(OTHERS["plain thresholds, harm"]())
    assert decision.decision == "rollback"
    assert "the latest complete window, 2026-01-12 until 2026-01-19" in text(found, "What was compared")
    assert "plain thresholds" in text(found, "How sure this is")
    assert "stake" not in text(found)
    assert "It is worst in queue=network" in text(found, "Why this verdict and no other")


def test_bets_are_told_with_the_bar_that_they_must_reach() -> None:
    rules = policy(error_budget={"false_rollback": "2%"})
    decision, found = explained(case(units(), rules=rules))
    sure = text(found, "How sure this is")
    assert "together reach 50; for a good candidate they ever do in at most 2 of 100 rollouts" in sure
    for criterion in decision.criteria:
        assert criterion.e_value is not None
        assert told.bet(criterion.e_value) in sure


def test_a_hold_says_until_when_and_a_go_what_comes_next() -> None:
    _, held = explained(EXAMPLES["minimum_duration"]())
    assert "expected on 2026-01-12" in text(held, "What happens next")
    assert "7 days" in text(held, "What happens next")
    assert "Leave the candidate at 10 % of traffic" in text(held, "What happens next")
    _, gone = explained(EXAMPLES["all_clear"]())
    assert "Give the candidate 50 % of traffic now." in text(gone, "What happens next")
    assert "Phase 2, 50% of traffic" in text(gone, "What happens next")
    assert "does not mean that there is none" in text(gone)


def test_what_only_people_can_mend_is_said() -> None:
    assert "Time alone mends nothing of this: duplicate units" in text(explained(EXAMPLES["duplicate_units"]())[1])
    assert "stays broken for this candidate" in text(explained(EXAMPLES["guardrail"]())[1])
    assert "judged anew" not in text(explained(EXAMPLES["guardrail"]())[1])


def test_segments_that_are_too_small_are_left_out_and_not_a_reason() -> None:
    decision, found = explained(OTHERS["small segments"]())
    assert decision.decision == "go"
    assert "3 of 3 values of queue" in text(found, "What was left out")
    assert "values of queue" not in text(found, "Why this verdict and no other")


def test_rows_from_before_the_start_are_counted_as_no_evidence() -> None:
    made = case(units())
    read = intake(units(), 10, history=1234)
    assert "1,234 rows from before 2026-01-05" in text(explained(replace(made, intake=read))[1], "What was left out")


def test_a_first_look_says_that_there_is_nothing_to_compare() -> None:
    _, found = explained(OTHERS["no candidate"]())
    assert "Not one unit of the candidate" in text(found, "What was compared")
    assert found.decision.decision == "hold"


def test_as_of_and_look_are_not_confused() -> None:
    made = case(units())
    late = replace(made, as_of=made.look + timedelta(hours=9))
    assert "before 2026-01-15" in text(explained(late)[1], "What was compared")


# --- how numbers are told ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("shares", "of"),
    [((0.142, 0.129), 100), ((0.02, 0.0), 100), ((0.019, 0.01), 1_000), ((0.0004, 0.0001), 10_000), ((None, 0.5), 100)],
)
def test_small_shares_are_told_of_more(shares: tuple[float | None, ...], of: int) -> None:
    assert told.out_of(*shares) == of


@pytest.mark.parametrize(
    ("margin", "says"),
    [("1pp", "1 of 100"), ("0.5pp", "5 of 1,000"), ("10%", "10 % of the baseline's value"), ("0.05", "5 of 100")],
)
def test_bounds_are_told_in_their_unit(margin: str, says: str) -> None:
    parsed = Margin.parse(margin if margin[-1] in "p%" else float(margin))
    assert told.bound(policy(), "override", parsed) == says


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ("shown within 3pp of it", "shown within 3 points of it."),
        ("beyond the 1pp tolerated", "beyond the 1 point tolerated."),
        ("lasts at least 7d: until 2026-01-12 00:00", "lasts at least 7 days: until 2026-01-12 00:00."),
        ("T100d and app are names", "T100d and app are names."),
        ("a, b, c, ...", "a, b, c and others."),
    ],
)
def test_messages_lose_their_shorthand(message: str, says: str) -> None:
    assert told.plain(message) == says


@pytest.mark.parametrize(
    ("value", "says"), [(0.0, "0"), (0.553, "0.55"), (9.87, "9.9"), (101.2, "101"), (3062.0, "3,062")]
)
def test_bets_have_no_more_digits_than_they_mean(value: float, says: str) -> None:
    assert told.bet(value) == says
    assert told.bet(1e300) == "more than 100,000"
