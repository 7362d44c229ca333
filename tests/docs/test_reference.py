"""The reference says what the code does: every command, option, key, code and JSON key, and no other."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from tests.docs.blocks import DOCS, name_of
from tests.docs.codes import _codes, emitted
from tests.docs.reference_cli import Command, commands
from tests.docs.reference_estimate import GROUPS
from tests.docs.reference_policy import EVERY_KEY, SCHEMA, schema_paths, written_paths
from tests.docs.refresh import GENERATED
from tests.docs.runner import demo, inside, rampgate, sections
from tests.judge.test_change import SWITCH, WATCH, moved_by, rollout
from tests.rollout.reviewed import written

from rampgate.estimate import __all__ as estimates
from rampgate.judge.by_score import ByScore
from rampgate.judge.decide import judge
from rampgate.ledger import Ledger
from rampgate.people import new_key
from rampgate.people.project import entry
from rampgate.policy import load_policy
from rampgate.report.book import status_rows

JSON = (DOCS / "reference" / "json.md").read_text("utf-8")


@pytest.mark.parametrize("page", GENERATED, ids=name_of)
def test_a_generated_page_is_what_the_code_gives(page: Path) -> None:
    assert page.read_text("utf-8") == GENERATED[page](), "python -m tests.docs.refresh"


# --- commands ---------------------------------------------------------------------------


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.words)
def test_a_command_and_its_parameters_have_help(command: Command) -> None:
    assert command.made.help
    assert command.made.help.split("\n")[0].endswith(".")
    assert [param.name for param in command.params if not param.help] == []


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.words)
def test_a_command_is_used_in_the_tutorial_or_a_how_to(command: Command) -> None:
    assert command.pages()


# --- policy -----------------------------------------------------------------------------


def test_every_key_of_a_policy_has_a_description() -> None:
    for name, section in {"the policy": SCHEMA, **SCHEMA["$defs"]}.items():
        assert section.get("description"), name
        for key, rule in section["properties"].items():
            assert rule.get("description") or "$ref" in rule, f"{name}: {key}"


def test_the_examples_hold_every_key_and_load() -> None:
    assert written_paths() == schema_paths()
    first, *others = EVERY_KEY.read_text("utf-8").split("---\n")
    load_policy(first)
    for other in others:
        text = first
        for key, section in sections(other).items():
            text = text.replace(sections(first)[key], section)
        assert text != first
        load_policy(text)


# --- JSON -------------------------------------------------------------------------------


def rows(title: str) -> dict[str, str]:
    """Key and meaning of the table below a heading."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", JSON, re.MULTILINE | re.DOTALL)
    assert found, title
    return dict(re.findall(r"^\| `([^`]+)` \| (.*) \|$", found[1], re.MULTILINE))


#: Objects whose keys are data.
BY_NAME = (
    "segment", "columns.metrics", "columns.weights", "windows[].units_compared",
    "[].noise", "[].thresholds", "[].warnings", "[].mix",
)  # fmt: skip


def paths(value: Any, path: str = "") -> Iterator[str]:
    """Paths of all keys of a JSON value; those of a segment, and names of metrics, are data."""
    if isinstance(value, dict) and not path.endswith(BY_NAME):
        for key, inner in value.items():
            full = f"{path}.{key}" if path else key
            yield full
            yield from paths(inner, full)
    elif isinstance(value, list):
        for inner in value:
            yield from paths(inner, f"{path}[]")


def spelled_out(told: dict[str, str]) -> set[str]:
    """The documented paths, with those that a row hands on (``as `kpi` ``, ``each with the keys above``).

    ``as `metrics` `` means those of the same table if it has them, else, or with ``of a decision``, a decision's.
    """
    out = set(told)
    for path, meaning in told.items():
        same = re.match(r"as `(\w+)`( of a decision)?", meaning)
        if same:
            others = told if same[1] in told and not same[2] else DECISION
            out |= {path + one.removeprefix(same[1]) for one in others if re.match(rf"{same[1]}(\.|\[\])", one)}
        if meaning.endswith("each with the keys above"):
            out |= {f"{path}[].{one}" for one in spelled_out(DECISION)}
    return out


DECISION = rows("A decision: `rampgate check`, `rampgate show`")


ACTS = next(line for line in re.findall(r"^## (.*)$", JSON, re.MULTILINE) if "`rampgate incident note`" in line)


def simulated(folder: Path, ask: Callable[..., Any], policy: str) -> str:
    """A simulation of the demo's policy, with a harm that its incident can be compared with."""
    path = folder / "simulation.json"
    path.write_text(json.dumps(ask("simulate", policy, "--rollouts", "5", "--days", "14", "--no-keep")), "utf-8")
    return str(path)


@pytest.fixture(scope="module")
def printed(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the commands print with ``--json``, by the heading that describes it."""
    folder = tmp_path_factory.mktemp("json")
    policy, ledger = "rampgate-demo/act-two/policy.yaml", ["--ledger", "rampgate-demo/rampgate.db"]
    with inside(folder):
        demo(shared, folder)

        def ask(*words: str) -> Any:
            return json.loads(rampgate(["rampgate", *words, "--json"])[1])

        # Something to say under each heading: a third version, and columns that are not used.
        table = Path("rampgate-demo/act-one/tickets.csv").read_text("utf-8").splitlines()
        Path("table.csv").write_text("\n".join([*table, "X1,2016-03-10T12:00:00,shadow,true,false,false,,"]), "utf-8")
        two = ["--baseline", "baseline", "--candidate", "candidate", "--metric", "met_sla"]
        running = ["--ledger", "running.db"]
        ask("check", policy, "--as-of", "2016-03-07", *running)
        # Beside the policy, where what was read is kept as well; of a file that was written this moment nothing is.
        with mock.patch("rampgate.source.parts.SETTLED_AFTER", -1.0):
            ask("check", policy, "--as-of", "2016-03-07")
        kept = ask("status", "--ledger", "rampgate-demo/act-two/rampgate.db")["store"]
        accepted = Path(policy).with_name("accepted.yaml")
        accepted.write_text(f"{Path(policy).read_text('utf-8')}\nharm_budget: {{met_sla: 50}}\n", "utf-8")
        counted = ask("check", str(accepted), "--as-of", "2016-03-07", "--ledger", "accepted.db")["budgets"]
        mandated = Path(policy).with_name("mandated.yaml")
        rules = "approval: {author: dana, approvers: [lee, sam], required: 2}"
        mandated.write_text(f"{Path(policy).read_text('utf-8')}\n{rules}\n", "utf-8")
        own = new_key(folder / "lee.pem")
        mandated.with_name("rampgate.toml").write_text(entry("lee", lambda: own.public), "utf-8")
        ask("approve", str(mandated), "--as", "lee", "--key", str(folder / "lee.pem"), "--ledger", "mandated.db")
        looser = mandated.with_name("looser.yaml")
        looser.write_text(mandated.read_text("utf-8").replace("required: 2", "required: 1"), "utf-8")
        ask("approve", str(looser), "--as", "lee", "--key", str(folder / "lee.pem"), "--ledger", "mandated.db")
        looser.write_text(looser.read_text("utf-8") + "harm_budget: {met_sla: 50}\n", "utf-8")
        agreed = ask("approve", str(looser), "--as", "lee", "--key", str(folder / "lee.pem"), "--ledger", "mandated.db")
        approval = ask("check", str(looser), "--as-of", "2016-03-07", "--ledger", "mandated.db")["approval"]
        (folder / "rampgate.toml").write_text(entry("lee", lambda: own.public), "utf-8")
        sign = ["--because", "so", "--as", "lee", "--key", str(folder / "lee.pem"), "--ledger", "running.db"]
        watched = Path(policy).with_name("watched.yaml")
        days = "{from: 2016-02-29, to: 2016-03-07}"
        section = f"drift: {{reference: {days}, columns: {{met_sla: {{}}}}}}"
        watched.write_text(f"{Path(policy).read_text('utf-8')}\n{section}\n", "utf-8")
        moved = ask("check", str(watched), "--as-of", "2016-03-14", "--ledger", "watched.db")["drift"]
        decided = ask("decide", "act-two", "hold", *sign, "--as-of", "2016-03-07")
        held = next(d for d in ask("history", "act-two", *ledger)["decisions"] if d["decision"] == "hold")
        reviewed = [*ledger, "--as", "lee", "--key", str(folder / "lee.pem")]
        file = written(folder, ask("incident", "list", *ledger)["incidents"][0]["incident"])
        acted = ask("review", "submit", str(file), *reviewed)
        ask("review", "propose", "last", str(accepted), *reviewed)
        late = status_rows(Ledger.open("rampgate-demo/rampgate.db"), today=date(2199, 1, 1))
        return {
            "`rampgate incident list`": ask("incident", "list", *ledger),
            "`rampgate incident show`": ask("incident", "show", "last", *ledger),
            ACTS: acted,
            "`rampgate incident stats`": ask(
                "incident", "stats", *ledger, "--simulation", str(simulated(folder, ask, policy))
            ),
            "`rampgate review new`": ask("review", "new", "last", "--out", "new.md", *ledger),
            "`rampgate review show`": ask("review", "show", "last", *ledger),
            "A decision: `rampgate check`, `rampgate show`": {
                **ask("show", held["decision_id"], *ledger),
                "budgets": counted,
                "drift": moved,
                "approval": approval,
                "after": judge(rollout(SWITCH + 28, WATCH, moved_by(0.08, SWITCH + 14))).to_dict()["after"],
                "by_score": [ByScore("right", "candidate", 400, 0, None).to_dict()],
            },
            "Errors": ask("check", "no-such-file.yaml"),
            "`rampgate replay`": ask("replay", policy, "--to", "2016-03-02"),
            "`rampgate replay --aa`": ask("replay", policy, "--aa", "5"),
            "`rampgate simulate`": ask("simulate", policy, "--rollouts", "5", "--days", "14", "--no-keep"),
            "`rampgate status`": {"rollouts": [*ask("status", *running)["rollouts"], *late], "store": kept},
            "`rampgate history`": ask("history", *running),
            "`rampgate decide`, `rampgate resume`": decided,
            "`rampgate explain`": ask("explain", held["decision_id"], *ledger),
            "`rampgate compare`": ask("compare", "table.csv", *two),
            "`rampgate validate`": ask("validate", policy),
            "`rampgate diff`": ask("diff", policy, str(accepted)),
            "`rampgate approve`": agreed,
            "`rampgate drift`": ask("drift", str(watched), "--as-of", "2016-03-14", "--ledger", "watched.db"),
            "`rampgate checkpoint`": ask("checkpoint", *sign[2:]),
            "`rampgate verify`": ask("verify", *running),
        }


@pytest.mark.parametrize("title", re.findall(r"^## (.*`rampgate.*|Errors)$", JSON, re.MULTILINE))
def test_the_keys_of_the_json_are_those_documented(title: str, printed: dict[str, Any]) -> None:
    found, told = set(paths(printed[title])), rows(title)
    assert set(told) <= found
    # An error has the keys of a decision too.
    assert found <= spelled_out(told) | (spelled_out(DECISION) if title == "Errors" else set())


def test_every_command_with_json_has_its_heading() -> None:
    headings = " ".join(re.findall(r"^## (.*)$", JSON, re.MULTILINE))
    with_json = [c.words for c in commands() if any("--json" in param.opts for param in c.params)]
    assert len(with_json) > 4
    assert [words for words in with_json if f"`{words}`" not in headings] == []


# --- codes ------------------------------------------------------------------------------


def test_the_codes_documented_are_those_that_can_be_emitted() -> None:
    assert set(rows("Reason codes")) == emitted()


def test_on_hold_says_what_to_do_about_every_code_that_can_hold() -> None:
    text = (DOCS / "how-to" / "on-hold.md").read_text("utf-8")
    told = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    assert told == emitted() - {"all_clear", "rollback"}


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("return Reason('a', FAIL, m)", {"a"}),
        ("return Health(code='a', verdict=FAIL)", {"a"}),
        ("code = 'a' if x else 'b'\n  return Reason(code, FAIL, m)", {"a", "b"}),
        ("return Reason(other.code, FAIL, m)", set()),
        ("return {'code': 'a', 'verdict': 'ERROR'}", {"a"}),
    ],
)
def test_codes_are_read_from_the_source(text: str, codes: set[str]) -> None:
    assert set(_codes(ast.parse(f"def f(x):\n  {text}\n"), "f.py")) == codes


def test_a_code_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(LookupError):
        list(_codes(ast.parse("def f(x):\n  return Reason(x + 'a', FAIL, m)\n"), "f.py"))


# --- estimates --------------------------------------------------------------------------


def test_every_public_estimate_is_on_its_page() -> None:
    named = [name for names in GROUPS.values() for name in names]
    assert sorted([*named, "STATISTICS"]) == sorted(estimates)
