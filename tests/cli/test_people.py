"""``key new``, ``approve`` and ``diff`` from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Run
from tests.rollout.tables import write_policy

from rampgate import simulate
from rampgate.policy import Policy, load_policy
from rampgate.simulation.table import Simulation


def approved(folder: Path, **changes: Any) -> Path:
    return write_policy(folder, approval={"author": "dana", "approvers": ["lee", "sam"]}, **changes)


@pytest.fixture
def keys(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RAMPGATE_KEYS", str(folder / "keys"))
    return folder / "keys"


def test_a_key_an_entry_and_an_approval(run: Run, folder: Path, keys: Path) -> None:
    policy = approved(folder)
    code, out, err = run("approve", policy, "--as", "lee")
    assert (code, out) == (2, "")
    assert "no rampgate.toml says whose signature counts: there is none in this folder" in err
    assert not (folder / "rampgate.db").exists()
    code, out, err = run("key", "new", "--as", "lee")
    assert code == 0
    assert out.startswith('[[people]]\nname = "lee"\nkey = "ed25519:')
    assert str(keys / "lee.pem") in err
    assert "PRIVATE" not in out + err
    (folder / "rampgate.toml").write_text(out)
    code, _, err = run("key", "new", "--as", "lee")
    assert code == 2
    assert "there is a key already" in err
    code, out, _ = run("approve", policy, "--as", "lee")
    assert code == 0
    assert out.startswith("APPROVED  triage\n")
    assert "no simulation is bound to it" in " ".join(out.split())
    assert "Roll back when the evidence says that override is more than 1 point worse" in " ".join(out.split())
    assert run("check", policy, "--as-of", "2026-01-12")[0] == 0
    code, out, _ = run("approve", policy, "--as", "lee", "--json")
    assert json.loads(out)["approved"] is True
    code, out, _ = run("approve", policy, "--as", "eve", "--json")
    assert (code, json.loads(out)["decision"]) == (2, "hold")
    assert run("verify", "--ledger", folder / "rampgate.db")[0] == 0


def test_the_simulation_beside_the_policy_is_shown_and_signed(run: Run, folder: Path, keys: Path) -> None:
    policy = approved(folder)
    (folder / "rampgate.toml").write_text(run("key", "new", "--as", "lee")[1])
    found = simulated(load_policy(policy)).to_dict()
    (folder / "policy.simulation.json").write_text(json.dumps(found))
    code, out, _ = run("approve", policy, "--as", "lee")
    text = " ".join(out.split())
    assert code == 0
    assert "no simulation is bound" not in text
    assert "What it does, in 20 simulated rollouts of each kind" in text
    assert "the candidate is like the baseline: 0.0 % (" in text
    # An edited one is not signed, and not passed over.
    (folder / "policy.simulation.json").write_text(json.dumps({**found, "rollouts": 5000}))
    code, _, err = run("approve", policy, "--as", "lee")
    assert code == 2
    assert "this simulation was altered after it was written" in " ".join(err.split())
    (folder / "policy.simulation.json").write_text("{}")
    assert run("approve", policy, "--as", "lee")[0] == 2
    # One of another policy is not this one's.
    (folder / "policy.simulation.json").write_text(json.dumps({**found, "policy_sha256": "0" * 64}))
    assert "no simulation is bound" in " ".join(run("approve", policy, "--as", "lee")[1].split())


def simulated(policy: Policy) -> Simulation:
    """A small table of the policy's harmless scenario."""
    baseline = {"per_day": 300, "metrics": dict.fromkeys(policy.metrics, 0.15), "segments": {"queue": {"a": 1.0}}}
    return simulate(policy, rollouts=20, days=21, assume=baseline, scenario=("harmless",), workers=1)


def test_an_approval_of_a_change_shows_what_got_looser(run: Run, folder: Path, keys: Path) -> None:
    for name in ("lee", "sam"):
        with (folder / "rampgate.toml").open("a") as file:
            file.write(run("key", "new", "--as", name)[1])
    run("approve", approved(folder), "--as", "lee")
    (folder / "before.yaml").write_text((folder / "policy.yaml").read_text())
    policy = approved(folder, guardrails={"override": {"margin": "6pp"}})
    code, out, _ = run("diff", folder / "before.yaml", policy)
    assert (code, out.strip()) == (0, "guardrails.override.margin: 5pp to 6pp (looser)")
    told = json.loads(run("diff", folder / "before.yaml", policy, "--json")[1])
    assert (told["looser"], told["changes"][0]["effect"]) == (True, "looser")
    assert run("diff", policy, policy)[1].strip() == "nothing differs in meaning"
    assert run("diff", policy, folder / "none.yaml")[0] == 2
    out = run("approve", policy, "--as", "sam")[1]
    assert "What differs from the policy approved before" in out
    assert "guardrails.override.margin: 5pp to 6pp (looser)" in out


def test_a_name_that_is_none_makes_no_key(run: Run, folder: Path, keys: Path) -> None:
    assert run("key", "new", "--as", "a|b")[0] == 2
    assert not keys.exists()


def test_a_ledger_elsewhere_finds_the_people_of_the_present_folder(
    run: Run, folder: Path, keys: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ledger = tmp_path_factory.mktemp("ledgers") / "rampgate.db"
    (folder / "rampgate.toml").write_text(run("key", "new", "--as", "lee")[1])
    monkeypatch.chdir(folder)
    assert run("check", "policy.yaml", "--as-of", "2026-01-08", "--ledger", ledger)[0] == 10
    hold = ["decide", "triage", "hold", "--because", "why", "--as", "lee", "--as-of", "2026-01-09"]
    assert run(*hold, "--ledger", ledger)[0] == 0
    assert run("verify", "--ledger", ledger)[0] == 0
