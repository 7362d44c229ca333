from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rampgate.policy.document import read_yaml
from rampgate.policy.problem import dotted


def test_scalars_are_read_as_in_yaml_1_2():
    text = """
    - on
    - yes
    - 12:30
    - 2026-01-05
    - 1e3
    - 1.5
    - .5
    - -3
    - 0
    - 007
    - 0x1F
    - 1_000
    - .inf
    - .nan
    - true
    - "true"
    - '12'
    - 10%
    - ~
    - null
    -
    - "null"
    """
    assert read_yaml(text).content == [
        "on", "yes", "12:30", "2026-01-05", 1000.0, 1.5, 0.5, -3, 0, "007", "0x1F", "1_000", ".inf", ".nan",
        True, "true", "12", "10%", None, None, None, "null",
    ]  # fmt: skip


def test_keys_are_text_as_they_stand():
    assert read_yaml("on: 1\n2016: 2\nnull: 3\n1e3: 4").content == {"on": 1, "2016": 2, "null": 3, "1e3": 4}


def test_every_key_has_its_line():
    document = read_yaml("# comment\na:\n  b: [1,\n    2]\n\nc: {d: 3,\n  e: 4}\n")
    assert {dotted(path): line for path, line in document.lines.items()} == {
        "": 2, "a": 2, "a.b": 3, "a.b[0]": 3, "a.b[1]": 4, "c": 6, "c.d": 6, "c.e": 7,
    }  # fmt: skip


KEYS = st.text(max_size=50)  # YAML allows keys of 1,024 characters, escapes counted as they stand
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
    max_leaves=20,
)


@given(st.dictionaries(KEYS, JSON))
def test_json_is_read_as_what_it_is(content):
    # Escaped to ASCII, as json.dumps does: YAML refuses some characters that JSON allows.
    document = read_yaml(json.dumps(content))
    assert document.problems == []
    assert document.content == content


@pytest.mark.parametrize(
    ("text", "path", "what", "line"),
    [
        ("a: 1\nb: &x 2\n", "b", '"&x" marks a value for use elsewhere (a YAML anchor)', 2),
        ("a: 1\na: 2\n", "a", 'the key "a" is here twice, first in line 1', 2),
        ("a: {b: 1,\n b: 2}\n", "a.b", 'the key "b" is here twice, first in line 1', 2),
        ("a: !!str 3\n", "a", '"tag:yaml.org,2002:str" is a YAML tag', 1),
        ("a: !x 3\n", "a", '"!x" is a YAML tag', 1),
        ("a: 1\n? [b]\n: 2\n", "", "a key is not plain text", 2),
        ("a: 1\n---\nb: 2\n", "", "a second document starts here", 2),
        ("a: [1\n", "", "this is not YAML: while parsing a flow sequence, expected ',' or ']', but got "
                        "'<stream end>'", 2),
        ("a: 1\n\tb: 2\n", "", "this is not YAML: while scanning for the next token, found character '\\t' "
                               "that cannot start any token", 2),
        ("a: 1\nb: \x07\n", "", "this is not YAML: a control character (code 7) stands in the text", 2),
    ],
)  # fmt: skip
def test_what_is_refused(text, path, what, line):
    [problem] = read_yaml(text).problems
    assert (dotted(problem.path), problem.what, problem.line) == (path, what, line)
    assert problem.remedy


def test_an_alias_is_refused_and_not_expanded():
    [anchor, alias] = read_yaml("a: &x [1]\nb: *x\n").problems
    assert (alias.what, alias.line) == ('"*x" repeats a value from elsewhere (a YAML alias)', 2)
    assert anchor.line == 1
    # Nine levels of nine aliases each would be a billion values.
    bomb = "a: &a [x]\n" + "".join(
        f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert len(read_yaml(bomb).problems) == 9 + 8 * 9


def test_deep_nesting_is_refused():
    [problem] = read_yaml("a: " + "[" * 5000).problems
    assert problem.what == "this is not YAML: sections are nested deeper than 20 levels"


@given(st.text())
def test_any_text_gives_content_or_problems(text):
    document = read_yaml(text)
    assert all(problem.what and problem.remedy for problem in document.problems)
