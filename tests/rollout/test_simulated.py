"""What an approver signs with a policy: a simulation of that policy, whole, and as it was written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.rollout.people import approved, project
from tests.rollout.test_approvals import look, whole

from rampgate import load_policy
from rampgate.errors import UsageError
from rampgate.ledger import Ledger, canonical, digest
from rampgate.rollout.approve import approve
from rampgate.rollout.simulated import read_simulation
from rampgate.simulation.table import Figure, Outcome, Simulation

NONE = Figure(None, None)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return project(tmp_path, monkeypatch)


@pytest.fixture
def book(tmp_path: Path) -> Ledger:
    return Ledger.open(tmp_path / "rampgate.db")


def table(policy: Path) -> dict[str, Any]:
    """A simulation as `simulate --json` prints it."""
    share, two = Figure(0.02, 0.014), (NONE, NONE)
    curves = ((0.0, 0.02), (0.0, 0.0))
    one = Outcome(
        "harmless",
        "the candidate is like the baseline",
        True,
        None,
        share,
        NONE,
        share,
        two,
        NONE,
        NONE,
        (share,),
        (),
        two,
        curves,
    )
    sha256 = load_policy(policy).sha256()
    return Simulation("triage", sha256, 100, 1, 84, 300.0, (0.3, 0.5), ("the baseline",), (one,), ()).to_dict()


def signed_again(told: dict[str, Any]) -> dict[str, Any]:
    """With the SHA-256 of what it says now."""
    rest = {key: value for key, value in told.items() if key != "sha256"}
    return {**rest, "sha256": digest(canonical(rest))}


def write(folder: Path, told: Any) -> Path:
    path = folder / "simulation.json"
    path.write_text(told if isinstance(told, str) else json.dumps(told, indent=1))
    return path


def test_a_simulation_is_bound_when_there_is_one(folder: Path, book: Ledger) -> None:
    policy = approved(folder, {"required": 1})
    agreed = approve(policy, "lee", book, simulation=write(folder, table(policy)))
    assert agreed.simulation is not None
    assert json.loads(book.document(agreed.simulation)) == table(policy)
    shown = look(policy, book).to_dict()["approval"]
    assert shown["by"][0]["simulation"] == agreed.simulation
    assert whole(book)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"scenarios": []}, "this simulation is empty"),
        ({"rollouts": 0}, "this simulation is empty"),
        ({"policy_sha256": "0" * 64}, "of another policy"),
        ({"rollout": "other"}, "of another policy"),
        ({"scenarios": [{"name": "harmless"}]}, "a scenario has no name, words or figures"),
        ({"scenarios": ["harmless"]}, "a scenario has no name, words or figures"),
        ({"seed": "1"}, "something else stands under seed"),
        ({"advice": None}, "something else stands under advice"),
    ],
)
def test_what_is_no_simulation_of_this_policy_is_not_signed(
    folder: Path, book: Ledger, change: dict[str, Any], says: str
) -> None:
    policy = approved(folder, {"required": 1})
    with pytest.raises(UsageError, match=says):
        approve(policy, "lee", book, simulation=write(folder, signed_again({**table(policy), **change})))
    assert list(book.records()) == []


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "{}", '{"scenarios": [], "note": "perfect"}', "[" * 100_000])
def test_a_file_that_is_none_is_not_signed(folder: Path, book: Ledger, text: str) -> None:
    policy = approved(folder, {"required": 1})
    with pytest.raises(UsageError, match="simulation"):
        approve(policy, "lee", book, simulation=write(folder, text))
    assert list(book.records()) == []


@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_simulation_that_was_edited_anywhere_is_not_signed(data: st.DataObject, folder: Path) -> None:
    policy = load_policy(approved(folder))
    told = table(folder / "policy.yaml")
    held: Any = told
    while isinstance(held, (dict, list)) and held:
        at: Any = data.draw(st.sampled_from(sorted(held)) if isinstance(held, dict) else st.integers(0, len(held) - 1))
        place, held = held, held[at]
    place[at] = data.draw(st.sampled_from([None, "x", 0.5, 7, [], {}, True]).filter(lambda new: new != held))
    with pytest.raises(UsageError, match="simulation"):
        read_simulation(write(folder, told), policy)
