"""Which looks are one incident, and what people can make of it in any order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.incident.looks import act, known, look, review

from rampgate.errors import UsageError
from rampgate.incident.derive import Incidents
from rampgate.incident.values import Incident


def of(*looks: Any) -> Incidents:
    found = known()
    for one in looks:
        found.looked(one)
    return found


def told(found: Incidents) -> list[tuple[list[str], int]]:
    """The criteria and the number of fires of each incident."""
    return [([c.id for c in one.failed], len(one.fires)) for one in found.found.values()]


def test_a_look_at_which_nothing_fails_opens_nothing() -> None:
    assert told(of(look(1), look(2, decision="go"))) == []


def test_a_failed_guardrail_opens_an_incident_and_goes_on_in_it() -> None:
    name = "guardrail:override"
    found = of(look(1, name), look(2, name, before=(name,)), look(3, name, before=(name,)))
    assert told(found) == [([name], 3)]
    (one,) = found.found.values()
    assert (one.opened, one.rolled_back, one.state) == ("2026-01-01T00:00:00+00:00", None, "open")


def test_a_segment_and_all_units_of_a_metric_are_one_cause_and_another_metric_is_another() -> None:
    mail, all_units, other = "guardrail:override@queue=mail", "rollback:override", "guardrail:missed"
    found = of(look(1, mail), look(2, mail, all_units, other, before=(mail,)))
    assert told(found) == [([mail, all_units], 2), ([other], 1)]
    first, second = found.found.values()
    assert first.rolled_back is not None
    assert (first.leading and first.leading.id, second.rolled_back) == (all_units, None)


@pytest.mark.parametrize(
    ("first", "then", "count"),
    [
        ("guardrail:override", "rollback:kpi", 1),  # the KPI is made of it
        ("rollback:kpi", "rollback:override", 1),
        ("guardrail:missed", "rollback:kpi", 2),  # and not of this
        ("rollback:kpi", "guardrail:missed", 2),
        ("floor:kpi", "rollback:kpi", 1),
    ],
)
def test_the_kpi_has_the_cause_of_what_it_is_made_of(first: str, then: str, count: int) -> None:
    assert len(of(look(1, first), look(2, first, then, before=(first,))).found) == count


def test_what_fails_together_is_one_incident_of_the_metric_and_the_kpi_joins_it() -> None:
    found = of(look(1, "rollback:kpi", "rollback:override"))
    assert told(found) == [(["rollback:override", "rollback:kpi"], 1)]


def test_another_attempt_has_incidents_of_its_own() -> None:
    found = of(look(1, "rollback:override"), look(2, "rollback:override", attempt=2))
    assert len(found.found) == 2
    assert [one.attempt for one in found.unreviewed("triage", 2)] == [1]
    assert [one.attempt for one in found.unreviewed("triage", 3)] == [1, 2]
    assert found.unreviewed("triage", 1) == []
    assert found.unreviewed("another", 3) == []


def test_what_goes_on_failing_after_its_incident_is_closed_is_no_new_one_and_what_fails_anew_is() -> None:
    name = "guardrail:override"
    found = of(look(1, name))
    (one,) = found.found
    found.acted(one, act("assign", "dana", owner="lee"))
    found.acted(one, act("false_alarm", "sam", because="the survey was broken"))
    found.looked(look(2, name, before=(name,)))
    assert told(found) == [([name], 2)]
    found.looked(look(3))
    found.looked(look(4, name))
    assert told(found) == [([name], 2), ([name], 1)]


def test_a_person_s_rollback_opens_an_incident_or_joins_the_open_one() -> None:
    found = of(look(1))
    found.ordered(look(2, decision="rollback"), "kim")
    assert [(one.title, one.rolled_back is not None) for one in found.found.values()] == [("rolled back by kim", True)]
    found = of(look(1, "guardrail:override"))
    found.ordered(look(2, decision="rollback"), "kim")
    (one,) = found.found.values()
    assert (len(one.fires), one.rolled_back and one.rolled_back.person) == (2, "kim")


def test_a_rollout_that_stays_rolled_back_opens_nothing() -> None:
    found = of(look(1, "rollback:override"))
    found.looked(look(2, "rollback:override", before=("rollback:override",), stood="rolled_back"))
    found.looked(look(3, decision="rollback", stood="rolled_back"))
    assert told(found) == [(["rollback:override"], 2)]


def test_an_incident_that_is_joined_is_closed_with_the_other() -> None:
    found = of(look(1, "rollback:override", "guardrail:missed"))
    first, second = found.found
    found.acted(second, act("join", "kim", to=first))
    assert [one.id for one in found.unreviewed("triage", 2)] == [first]
    for what in ("assign", "submit", "close", "false_alarm"):
        with pytest.raises(UsageError, match="was joined to"):
            found.acted(second, act(what, "sam", because="x", review=None, **review()))
    with pytest.raises(UsageError, match="was joined to"):
        found.acted(first, act("join", "kim", to=second))
    found.acted(first, act("assign", "dana", owner="lee"))
    found.acted(first, act("false_alarm", "sam", because="noise"))
    assert found.unreviewed("triage", 2) == []
    assert found.closed(found.get(second))


def test_naming_somebody_is_not_their_word() -> None:
    found = of(look(1, "rollback:override"))
    (name,) = found.found
    alone = act("false_alarm", "lee", because="noise")
    found.acted(name, act("note", "dana", text="seen"))
    found.acted(name, act("assign", "lee", owner="sam"))
    with pytest.raises(UsageError, match="lee named sam as the owner, who has recorded nothing here yet"):
        found.acted(name, alone)
    found.acted(name, act("note", "sam", text="it is noise"))
    found.acted(name, alone)
    assert found.get(name).false_alarm


PEOPLE = st.sampled_from(["dana", "lee", "sam"])
ACTS = st.one_of(
    st.builds(lambda who: act("note", who, text="seen"), PEOPLE),
    st.builds(lambda who, owner: act("assign", who, owner=owner), PEOPLE, PEOPLE),
    st.builds(
        lambda who, owner, causes, actions, due: act("submit", who, **review(owner, causes, actions, due)),
        PEOPLE, PEOPLE, st.integers(0, 1), st.integers(0, 2), st.sampled_from(["2026-03-01", "2026-01-31"]),
    ),
    st.builds(lambda who: act("close", who, because=""), PEOPLE),
    st.builds(lambda who, why: act("false_alarm", who, because=why), PEOPLE, st.sampled_from(["", "noise"])),
    st.builds(lambda who, number: act("done", who, action=number, because=""), PEOPLE, st.integers(-1, 3)),
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(ACTS, max_size=12))
def test_no_order_of_acts_closes_an_incident_without_cause_action_and_another_reviewer(acts: list[Any]) -> None:
    found = of(look(1, "rollback:override"))
    (name,) = found.found
    for one in acts:
        before = found.get(name)
        if one.act == "close" and before.review is not None:
            one = act("close", one.person, because="", review=before.review.record)
        elif one.act == "close":
            one = act("close", one.person, because="", review=None)
        try:
            found.acted(name, one)
        except UsageError:
            assert found.get(name) == before
            continue
        _holds(before, found.get(name))


def _holds(before: Incident, after: Incident) -> None:
    """What is true of an incident whatever people did to it."""
    if after.ended is None:
        return
    if before.ended is not None:
        assert (after.ended, after.state) == (before.ended, "closed")  # nothing opens or closes it twice
        return
    assert before.owner is not None
    assert after.ended.person != before.owner
    assert len({one.person for one in after.acts}) > 1  # nobody closes it alone, whomever they name
    if after.false_alarm:
        assert after.ended.says["because"]
        return
    assert after.review is not None
    assert after.review.says["causes"]
    assert after.actions
    assert after.ended.person not in {after.review.says["owner"], after.review.person}


def test_actions_are_done_by_number_and_those_of_another_review_begin_anew() -> None:
    found = of(look(1, "rollback:override"))
    (name,) = found.found
    found.acted(name, act("submit", "lee", **review(actions=2)))
    found.acted(name, act("done", "kim", action=2, because=""))
    assert [one.done is not None for one in found.get(name).actions] == [False, True]
    with pytest.raises(UsageError, match="done already"):
        found.acted(name, act("done", "kim", action=2, because=""))
    for number in (0, 3):
        with pytest.raises(UsageError, match=f"none with number {number}"):
            found.acted(name, act("done", "kim", action=number, because=""))
    found.acted(name, act("submit", "lee", **review(actions=1)))
    assert [one.done for one in found.get(name).actions] == [None]


def test_a_review_that_was_submitted_again_is_read_again_before_it_is_closed() -> None:
    found = of(look(1, "rollback:override"))
    (name,) = found.found
    first = act("submit", "lee", **review())
    found.acted(name, first)
    found.acted(name, act("submit", "lee", **review(actions=2)))
    with pytest.raises(UsageError, match="submitted again meanwhile"):
        found.acted(name, act("close", "sam", because="", review=first.record))
