"""Which columns are outcomes: true and false, nearly so, and what is done with the values that are neither."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.rollout.tables import tickets

import rampgate
from rampgate.guess import Given, Guess, guess
from rampgate.policy import Proportion


def _values(found: Guess, role: str) -> list[str]:
    return [note.value for note in found.notes if note.role == role]


def answered(*answers: str, others: float = 0.05) -> pd.DataFrame:
    """Tickets whose outcome is one of some words, the third and later ones in a share of the rows."""
    more = len(answers) - 2
    chances = [0.8 - others / 2, 0.2 - others / 2, *[others / more] * more]
    solved = np.random.default_rng(3).choice(answers, 6000, p=chances)
    return tickets().drop(columns="right").assign(solved=solved)


@pytest.mark.parametrize("words", [("yes", "no", "maybe"), ("1", "0", "later", "unsure"), ("True", "False", "partly")])
def test_nearly_true_and_false_is_an_outcome_and_says_where_the_others_count(words: tuple[str, ...]) -> None:
    frame = answered(*words)
    found = guess(frame)
    assert found.policy.metrics["solved"].model_dump(exclude_defaults=True) == {
        "kind": "proportion", "column": "solved", "equals": words[0],
    }  # fmt: skip
    assert _values(found, "segment") == ["queue"]
    why = next(note.why for note in found.notes if note.value == "solved")
    others = int((~frame.solved.isin(words[:2])).sum())
    assert f"{others} of 6000 rows hold " in why
    assert f"counted as not '{words[0]}'" in why
    [flag] = [part for part in why.split() if part.startswith("solved==")]
    turned = guess(frame, Given(metrics=(flag,))).policy.metrics["solved"]
    assert isinstance(turned, Proportion)
    assert (turned.equals, turned.better) == (words[1], "lower")


@pytest.mark.parametrize("word", ["unknown", "n/a", "#N/A", "None"])
def test_words_for_nothing_beside_true_and_false_are_not_known(word: str) -> None:
    frame = answered("yes", "no", word)
    found = guess(frame)
    assert "equals" not in found.policy.metrics["solved"].model_dump(exclude_defaults=True)
    why = next(note.why for note in found.notes if note.value == "solved")
    assert f"{(frame.solved == word).sum()} rows say '{word}' and are taken as not known" in why
    row = next(m for m in rampgate.compare(frame).metrics if m.estimate.name == "solved").estimate
    assert row.n_baseline + row.n_candidate == (frame.solved != word).sum()


@pytest.mark.parametrize(("words", "others"), [(("yes", "no", "maybe"), 0.3), (("yes", "no", "Yes", "maybe"), 0.08)])
def test_what_is_true_and_false_in_part_is_neither_guessed_nor_a_segment(words: tuple[str, ...], others: float) -> None:
    found = guess(answered(*words, others=others))
    assert _values(found, "metric") == ["override"]
    assert _values(found, "segment") == ["queue"]
    assert "say which value counts, as --metric solved==" in dict(found.left_out)["solved"]
