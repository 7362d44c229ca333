"""How a policy says that times and numbers are written: what is taken, refused, hashed and said."""

from __future__ import annotations

import pytest
from tests.policy.support import SMALL, edited, load, refusal, small

from rampgate.policy import defaults, load_policy, sentences
from rampgate.policy.time_format import example, parse_time_format, time_kind


def source(**keys):
    return load(source=keys)


@pytest.mark.parametrize(
    "form",
    [
        "%d/%m/%Y %H:%M", "%m/%d/%Y", "%d.%m.%y", "%d-%b-%Y", "%d %B %Y", "%m/%d/%Y %I:%M:%S %p", "%Y%m%d",
        "%Y/%m/%d %H:%M:%S.%f", "%d/%m/%Y %H:%M %z", "%Y-%m-%dT%H:%MZ", "epoch_s", "epoch_ms", "epoch_us",
    ],
)  # fmt: skip
def test_a_form_is_taken_and_survives_the_record(form):
    policy = source(time_format=form)
    assert policy.source.time_format == (form,)
    assert policy.canonical()["source"] == {"time_format": form}
    assert type(policy).from_canonical(policy.canonical()) == policy


def test_several_forms_are_kept_in_their_order():
    forms = ["%d/%m/%Y", "%d/%m/%Y %H:%M"]
    policy = source(time_format=forms)
    assert policy.source.time_format == tuple(forms)
    assert policy.canonical()["source"] == {"time_format": forms}
    assert type(policy).from_canonical(policy.canonical()).sha256() == policy.sha256()
    text = edited(("candidate: v2\n", 'candidate: v2\nsource: {time_format: ["%d/%m/%Y", "%d/%m/%Y %H:%M"]}\n'))
    assert load_policy(text).source == policy.source


@pytest.mark.parametrize(
    ("form", "what"),
    [
        ("%d/%m", "says no year"),
        ("%d/%Y", "says no month"),
        ("%m/%Y", "says no day"),
        ("%d/%m/%Y %m", "says two months"),
        ("%d/%m/%y %Y", "says two years"),
        ("%d/%b/%m/%Y", "says two months"),
        ("%-d/%m/%Y", "%- is no part of a form of time"),
        ("%x", "%x is no part"),
        ("%d/%m/%Y %I:%M", "has one of %I and %p"),
        ("%d/%m/%Y %H:%M %p", "has one of %I and %p"),
        ("%d/%m/%Y %S", "has %S without %M"),
        ("%d/%m/%Y %z", "has %z without %H"),
        ("%d/%m/%Y ", "is not a form of time"),
        ("%d/%m/%Y %", "is not a form of time"),
        ("dd/mm/yyyy", "says no year"),
        ("epoch", "says no year"),
        ("", "is not a form of time"),
        (5, "5 is not a form of time"),
        ([], "there is no form of time"),
        (["%d/%m/%Y", 5], "5 is not a form of time"),
    ],
)
def test_what_is_no_form_is_refused_with_the_remedy(form, what):
    text = refusal(source={"time_format": form})
    assert what in text
    assert "source.time_format" in text
    assert "remedy: write" in text


@pytest.mark.parametrize(
    "forms",
    [
        ["%d/%m/%Y", "%m/%d/%Y"],
        ["%d/%m/%y", "%y/%m/%d"],
        ["%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"],
        ["%d.%m.%Y", "%d.%m.%Y"],
    ],
)
def test_forms_that_would_read_one_text_in_two_ways_are_refused(forms):
    assert "read the same text as different times" in refusal(source={"time_format": forms})


def test_decimal():
    assert source(decimal=",").canonical()["source"] == {"decimal": ","}
    assert "source" not in source(decimal=".").canonical()
    assert '";" is not one of ., ,' in refusal(source={"decimal": ";"})


def test_policies_that_do_not_name_them_keep_their_hash():
    """The hash of a policy written before there were these keys."""
    assert load_policy(SMALL).sha256() == "667c29fdce39bfac0d93b77c33645233bded2c11458977ac0399105f1eae5cb1"
    assert load(source={"decimal": "."}).sha256() == load().sha256()


def test_they_are_said_in_words():
    said = sentences(source(time_format=["%d/%m/%Y", "%d/%m/%Y %H:%M"], decimal=","))
    assert said[0] == (
        "Times in time are written %d/%m/%Y (03/02/2026 is 3 February 2026) or %d/%m/%Y %H:%M (03/02/2026 14:05 is "
        "3 February 2026); a column of times needs no form."
    )
    assert said[1].startswith("Numbers in columns of text have a decimal comma: 1.234,5 is")
    assert "source.time_format: ISO 8601 (default)" in defaults(load_policy(small()))


@pytest.mark.parametrize(
    ("form", "text", "kind"),
    [
        ("%d/%m/%Y %H:%M", "03/02/2026 14:05", "naive"),
        ("%m/%d/%Y %I:%M %p", "02/03/2026 02:05 PM", "naive"),
        ("%d %B %y", "03 February 26", "day"),
        ("%d-%b-%Y", "03-Feb-2026", "day"),
        ("%d/%m/%Y %H:%M:%S.%f %z", "03/02/2026 14:05:09.500000 +01:00", "zoned"),
        ("epoch_s", "1770127509", "zoned"),
        ("epoch_ms", "1770127509000", "zoned"),
    ],
)
def test_examples_and_kinds(form, text, kind):
    """1770127509: GNU date, ``date -u -d '2026-02-03 14:05:09' +%s``."""
    assert parse_time_format(form) == (form,)
    assert (example(form), time_kind(form)) == (text, kind)
