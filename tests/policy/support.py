"""What the tests of the policy share: two policies, and small edits of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rampgate.errors import PolicyError
from rampgate.policy import Policy, load_policy

EXAMPLE = Path(__file__).with_name("example.yaml")

# Line numbers are part of what is tested: the first line is line 1.
SMALL = """\
baseline: v1
candidate: v2
metrics:
  accuracy: {kind: proportion, column: correct}
  sla_hit: {kind: proportion, column: sla_met}
  override: {kind: proportion, column: overridden, better: lower}
kpi:
  weights: {accuracy: 0.40, sla_hit: 0.35, override: 0.25}
phases:
  - {traffic: 10%, at_least: 7d}
  - {traffic: 25%, at_least: 7d}
  - {traffic: 100%}
"""


def edited(*edits: tuple[str, str], text: str = SMALL) -> str:
    """`text` with replacements, each of which must find its place."""
    for old, new in edits:
        assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
        text = text.replace(old, new)
    return text


def error_of(text: str, folder: Path) -> str:
    """What the user reads when a file says `text`; the folder is left out."""
    path = folder / "policy.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(PolicyError) as caught:
        load_policy(path)
    assert caught.value.exit_code == 2
    return str(caught.value).replace(f"{folder}/", "")


def small(**sections: Any) -> dict[str, Any]:
    """A policy as a mapping, with sections replaced or added."""
    return {
        "metrics": {"accuracy": {"kind": "proportion", "column": "correct"}},
        "kpi": {"weights": {"accuracy": 1}},
        "phases": [{"traffic": "10%"}, {"traffic": "50%"}, {"traffic": "100%"}],
        **sections,
    }


def load(**sections: Any) -> Policy:
    return load_policy(small(**sections))


def refusal(**sections: Any) -> str:
    with pytest.raises(PolicyError) as caught:
        load(**sections)
    return str(caught.value)
