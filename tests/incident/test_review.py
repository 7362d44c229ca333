"""A review as people edit it: what is read all the same, and what is refused with its line."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rampgate.errors import UsageError
from rampgate.incident.review import parse
from rampgate.incident.settings import HEADINGS

HEAD = "# Review\n\n- Incident: 6348c17e57d2\n- Owner: lee\n"
SECTIONS = {
    "Summary": "It was worse.",
    "Impact": "144 tickets.",
    "Timeline": "| when | what |\n|---|---|\n| 2026-01-05 | it began |",
    "Root causes": "- the prompt lost a line\n- no test reads *that* queue",
    "Contributing factors": "nothing",
    "What went well": "It was found in a week.",
    "Where we got lucky": "Only two queues.",
    "Actions": "| what | owner | kind | due |\n|---|---|---|---|\n| test the queue | kim | prevent | 2026-05-01 |",
}


def text(**changes: str | None) -> str:
    said = {**SECTIONS, **{name.replace("_", " "): body for name, body in changes.items()}}
    return HEAD + "".join(f"\n## {name}\n\n{body}\n" for name, body in said.items() if body is not None)


def errors(given: str) -> list[tuple[int, str]]:
    """The lines that are named, and what is wrong there."""
    with pytest.raises(UsageError) as wrong:
        parse(given, "review.md")
    return [(int(line), what) for line, what in re.findall(r"review\.md:(\d+): (.*)", str(wrong.value))]


def test_what_is_read() -> None:
    found = parse(text(), "review.md")
    assert (found.incident, found.owner, found.owner_line) == ("6348c17e57d2", "lee", 4)
    assert found.causes == ("the prompt lost a line", "no test reads that queue")
    assert [one.to_dict() for one in found.actions] == [
        {"what": "test the queue", "owner": "kim", "kind": "prevent", "due": "2026-05-01"}
    ]
    assert found.sections.keys() == HEADINGS.keys()
    assert found.sections["impact"] == "144 tickets."


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.replace("\n", "\r\n"),
        lambda t: "\ufeff" + t,
        lambda t: t.replace("## ", "### "),
        lambda t: t.replace("## Root causes", "## 4. ROOT CAUSES:"),
        lambda t: t.replace("## Root causes", "## **Root causes**"),
        lambda t: t.replace("## Impact\n", "Impact\n------\n"),
        lambda t: t.replace("- Owner: lee", "**Owner:** lee  "),
        lambda t: t.replace("- Incident: 6348c17e57d2\n- Owner: lee", "| Incident | `6348c17e57d2` |\n| Owner | lee |"),
        lambda t: (
            t.replace("| what | owner | kind | due |", "| Action | due date | Ticket | Owner | Type |")
            .replace("|---|---|---|---|\n| test", "|:--|--:|---|---|---|\n| test")
            .replace("| kim | prevent | 2026-05-01 |", "| 2026-05-01 | T-7 | kim | Prevent |")
        ),
        lambda t: t.replace(
            "|---|---|---|---|\n| test the queue |", "|---|---|---|---|\n| | | | |\n|   test the queue |"
        ),
        lambda t: t + "\n## Lessons for the next one\n\nRead it.\n",
        lambda t: t.replace("## Timeline", "## Glossary of ours\n\n- a word\n\n## Timeline"),
        lambda t: t.replace("## Impact", "```\n## Root causes\n```\n\n## Impact"),
        lambda t: t.replace("## Summary\n", "## Summary\n\n<!-- ## Actions\n\n| a | -->\n"),
        lambda t: t.rstrip("\n"),
    ],
)
def test_what_people_do_to_a_file_does_not_matter(change: object) -> None:
    assert callable(change)
    changed = change(text())
    assert changed != text()
    found, plain = parse(changed, "review.md"), parse(text(), "review.md")
    assert (found.incident, found.owner, found.causes) == (plain.incident, plain.owner, plain.causes)
    assert [one.to_dict() for one in found.actions] == [one.to_dict() for one in plain.actions]


@given(st.permutations(list(SECTIONS)), st.integers(2, 4))
@settings(max_examples=60)
def test_sections_may_stand_in_any_order(order: list[str], level: int) -> None:
    changed = HEAD + "".join(f"\n{'#' * level} {name}\n\n{SECTIONS[name]}\n" for name in order)
    found, plain = parse(changed, "review.md"), parse(text(), "review.md")
    assert (found.causes, dict(found.sections)) == (plain.causes, dict(plain.sections))


@pytest.mark.parametrize("name", list(SECTIONS))
def test_a_missing_section_is_named(name: str) -> None:
    given = text(**{name: None})
    assert errors(given) == [(len(given.rstrip().split("\n")), f"the section {name!r} is missing")]


@pytest.mark.parametrize("name", [name for name in SECTIONS if name != "Actions"])
@pytest.mark.parametrize("body", ["", "<!-- to be written -->", "-", "&nbsp;"])
def test_an_empty_section_is_named_with_its_line(name: str, body: str) -> None:
    given = text(**{name: body})
    assert errors(given) == [(given.split("\n").index(f"## {name}") + 1, f"the section {name!r} says nothing")]


HEADS = "| what | owner | kind | due |\n|---|---|---|---|\n"


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ("We will see.", [(0, "there is no table of actions")]),
        ("| what | kind |\n|---|---|\n| x | prevent |", [(2, "the table of actions has no column owner and no due")]),
        (HEADS, [(2, "the review has no action")]),
        (HEADS + "| | | | |", [(4, "the review has no action")]),
        (HEADS + "| x | kim | prevent | tomorrow |", [(4, "'tomorrow' is no day")]),
        (HEADS + "| x | kim | prevent | |", [(4, "this action has no due date")]),
        (HEADS + "| x | kim | avenge | 2026-05-01 |", [(4, "'avenge' is no kind of action")]),
        (HEADS + "| x | kim |", [(4, "this action has no kind"), (4, "this action has no due date")]),
        (
            HEADS
            + "| x | kim | detect | 2026-05-01 |\n| | kim | prevent | 2026-05-01 |\n| x | | prevent | 2026-05-01 |",
            [(5, "this action does not say what is done"), (6, "this action has no owner")],
        ),
    ],
)
def test_an_action_that_lacks_something_is_named_with_its_line(body: str, wrong: list[tuple[int, str]]) -> None:
    given = text(Actions=body)
    heading = given.split("\n").index("## Actions") + 1
    assert errors(given) == [(heading + at, what) for at, what in wrong]


def test_everything_that_is_wrong_is_told_at_once() -> None:
    told = [what for _, what in errors("# A note\n\n## Summary\n\nNothing.\n")]
    assert told[:2] == ["the line `Incident: ID` is missing", "the review has no owner"]
    assert len(told) == 2 + len(SECTIONS) - 1


def test_a_section_that_is_there_twice_is_named() -> None:
    given = text() + "\n## Impact\n\nmore\n"
    assert errors(given) == [(given.split("\n").index("more") - 1, "the section 'Impact' is there twice")]


@given(st.text(max_size=300))
@settings(max_examples=200)
def test_no_text_breaks_the_reader(given: str) -> None:
    with pytest.raises(UsageError):
        parse(given, "review.md")


@given(st.text(alphabet="#|-` \n<>!abcdue2026", max_size=120), st.integers(0, 600))
@settings(max_examples=200)
def test_no_edit_breaks_the_reader(noise: str, at: int) -> None:
    given, told = text(), ""
    try:
        found = parse(given[:at] + noise + given[at:], "review.md")
    except UsageError as error:
        told = str(error)
    else:
        assert found.causes
        assert found.actions
        assert found.owner
    assert not told or re.search(r"review\.md:\d+: ", told)


def test_a_project_may_call_its_sections_otherwise() -> None:
    named = {**HEADINGS, "luck": "Where chance helped"}
    changed = text().replace("Where we got lucky", "Where chance helped")
    assert parse(changed, "review.md", named).sections["luck"] == "Only two queues."
