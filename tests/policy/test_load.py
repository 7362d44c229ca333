from __future__ import annotations

import os
import stat
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policy.support import EXAMPLE, SMALL, edited, error_of, refusal, small

from rampgate.errors import PolicyError
from rampgate.policy import Duration, Margin, Policy, TimeToEvent, load_policy


def test_the_example_of_the_design_loads_whole():
    policy = load_policy(EXAMPLE)
    assert policy.path == EXAMPLE
    assert (policy.rollout, policy.baseline, policy.candidate) == ("triage-copilot", "v1", "v2")
    assert policy.start == date(2026, 1, 5)
    hours = policy.metrics["hours"]
    assert isinstance(hours, TimeToEvent)
    assert (hours.from_, hours.mean_up_to, hours.better) == ("opened_at", Duration(72, "h"), "lower")
    assert policy.guardrails["missed"].margin == Margin(0.1, "relative")
    assert policy.rollback["override"].expect == Margin(0.04, "points")
    assert policy.segments is not None
    assert policy.segments.by == ("queue", "urgency", "geography")
    assert [phase.traffic for phase in policy.phases] == [0.1, 0.25, 0.5, 1.0]
    assert policy.phases[2].require == ("kpi", "override")
    assert policy.phases[3].holdout == 0.02
    assert policy.approval is not None
    assert policy.approval.approvers == ("lee", "sam")


def test_a_file_a_text_and_a_mapping_give_equal_policies(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(SMALL)
    from_file, from_text = load_policy(str(path)), load_policy(SMALL)
    assert from_file == from_text == load_policy(from_text.canonical()) == load_policy(from_file)
    assert (from_file.path, from_text.path) == (path, None)
    assert load_policy("{" + SMALL.splitlines()[0] + ", " + _flow(SMALL)) == from_text


def _flow(text: str) -> str:
    """The rest of the small policy as one line of flow YAML."""
    content = load_policy(text).canonical()
    del content["baseline"]
    return repr(content)[1:].replace("'", '"')


def test_windows_line_ends_and_a_byte_order_mark_are_read(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert load_policy(path) == load_policy(SMALL)


# --- bad files --------------------------------------------------------------------------


def test_unknown_key(tmp_path):
    text = edited(("  weights:", "  wieghts: 1\n  weights:"))
    assert error_of(text, tmp_path) == (
        'policy.yaml:8: kpi.wieghts: unknown key "wieghts"\n  remedy: did you mean "weights"?'
    )


def test_unknown_key_like_no_other(tmp_path):
    text = edited(("kpi:\n", "kpi:\n  zzz: 1\n"))
    assert error_of(text, tmp_path) == (
        'policy.yaml:8: kpi.zzz: unknown key "zzz"\n  remedy: the keys here are: weights, margin, floor'
    )


def test_unknown_key_of_a_metric_and_at_the_top(tmp_path):
    text = edited(("column: correct", "column: correct, colum: red")) + "rolback: {kpi: {worse_by: 1pp}}\n"
    assert error_of(text, tmp_path) == (
        "policy.yaml: 2 errors\n"
        '  policy.yaml:4: metrics.accuracy.colum: unknown key "colum"\n'
        '    remedy: did you mean "column"?\n'
        '  policy.yaml:13: rolback: unknown key "rolback"\n'
        '    remedy: did you mean "rollback"?'
    )


def test_weights_that_do_not_sum_to_1(tmp_path):
    assert error_of(edited(("0.40", "0.50")), tmp_path) == (
        "policy.yaml:8: kpi.weights: the weights sum to 1.1, not to 1\n"
        "  remedy: in the same proportion: accuracy: 0.454545, override: 0.227273, sla_hit: 0.318182"
    )


def test_a_kpi_metric_that_does_not_exist(tmp_path):
    assert error_of(edited(("sla_hit: 0.35", "sla_hits: 0.35")), tmp_path) == (
        'policy.yaml:8: kpi.weights.sla_hits: there is no metric "sla_hits"\n  remedy: did you mean "sla_hit"?'
    )


def test_falling_traffic(tmp_path):
    assert error_of(edited(("traffic: 25%", "traffic: 5%")), tmp_path) == (
        "policy.yaml:11: phases[1].traffic: 5% after 10%: traffic must rise from phase to phase\n"
        "  remedy: put the phases in the order of their traffic"
    )


@pytest.mark.parametrize(
    ("traffic", "what", "remedy"),
    [
        ("120%", '"120%" is more than 100%', "write a share between 0% and 100%, as 10% or 0.10"),
        ("1.2", "1.2 is more than 100%", "write 1.2% or 0.012"),
        ("50", "50 is more than 100%", "write 50% or 0.5"),
    ],
)
def test_traffic_over_100_per_cent(tmp_path, traffic, what, remedy):
    text = edited(("traffic: 100%", f"traffic: {traffic}"))
    assert error_of(text, tmp_path) == f"policy.yaml:12: phases[2].traffic: {what}\n  remedy: {remedy}"


@pytest.mark.parametrize(
    ("edit", "key"),
    [
        (("traffic: 10%, at_least: 7d", "traffic: 10%, at_least: -7d"), "phases[0].at_least"),
        (("column: correct", "column: correct, matures_after: -7d"), "metrics.accuracy.matures_after"),
    ],
)
def test_negative_durations(tmp_path, edit, key):
    line = 10 if key.startswith("phases") else 4
    assert error_of(edited(edit), tmp_path) == (
        f'policy.yaml:{line}: {key}: "-7d" is a negative duration\n  remedy: write a duration of 0d or more, as 7d'
    )


def test_a_policy_that_is_not_yaml(tmp_path):
    assert error_of(edited(("0.25}", "0.25")), tmp_path) == (
        "policy.yaml:9: this is not YAML: while parsing a flow mapping, expected ',' or '}', but got ':'\n"
        "  remedy: check the indentation (spaces only), brackets and quotes around this line"
    )


def test_a_policy_that_is_some_other_text(tmp_path):
    assert error_of("ticket_id,opened_at\n1,2026-01-05\n", tmp_path) == (
        'policy.yaml:1: the policy is no mapping of keys to values, but "ticket_id,opened_at 1,2026-01-05"\n'
        "  remedy: a policy gives at least metrics, kpi: weights and phases"
    )


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing but a comment\n", "---\n", "~", "{}"])
def test_an_empty_file(tmp_path, text):
    assert error_of(text, tmp_path) == (
        "policy.yaml: the policy is empty\n  remedy: a policy gives at least metrics, kpi: weights and phases"
    )


def test_a_duplicate_key(tmp_path):
    text = edited(("candidate: v2\n", "candidate: v2\nbaseline: v0\n"))
    assert error_of(text, tmp_path) == (
        'policy.yaml:3: baseline: the key "baseline" is here twice, first in line 1\n  remedy: remove one of them'
    )


def test_an_alias(tmp_path):
    text = edited(
        (
            "at_least: 7d}\n  - {traffic: 25%, at_least: 7d",
            "at_least: &week 7d}\n  - {traffic: 25%, at_least: *week",
        )
    )
    assert error_of(text, tmp_path) == (
        "policy.yaml: 2 errors, and contradictions are looked for once these are right\n"
        '  policy.yaml:10: phases[0].at_least: "&week" marks a value for use elsewhere (a YAML anchor)\n'
        "    remedy: remove the mark, and write the value out where it is used\n"
        '  policy.yaml:11: phases[1].at_least: "*week" repeats a value from elsewhere (a YAML alias)\n'
        "    remedy: write the value out"
    )


def test_a_section_left_empty_is_no_default(tmp_path):
    assert error_of(edited(("phases:\n", "approval:\nphases:\n")), tmp_path) == (
        "policy.yaml:9: approval: nothing is given\n  remedy: give it a value, or leave the key out"
    )


def test_all_errors_of_a_file_are_said_at_once(tmp_path):
    text = edited(
        ("candidate: v2", "candidate: v1\ncolour: red"),
        ("0.40", "0.50"),
        ("traffic: 25%", "traffic: 5%"),
        ("baseline: v1\n", "baseline: v1\ntimezone: Europe/Olso\n"),
    )
    assert error_of(text, tmp_path) == (
        "policy.yaml: 5 errors\n"
        '  policy.yaml:2: timezone: there is no time zone "Europe/Olso"\n'
        '    remedy: did you mean "Europe/Oslo"?\n'
        '  policy.yaml:3: candidate: baseline and candidate are both "v1"\n'
        "    remedy: give the two values of the variant column that are compared\n"
        '  policy.yaml:4: colour: unknown key "colour"\n'
        f"    remedy: the keys here are: {', '.join(Policy.model_fields)}\n"
        "  policy.yaml:10: kpi.weights: the weights sum to 1.1, not to 1\n"
        "    remedy: in the same proportion: accuracy: 0.454545, override: 0.227273, sla_hit: 0.318182\n"
        "  policy.yaml:13: phases[1].traffic: 5% after 10%: traffic must rise from phase to phase\n"
        "    remedy: put the phases in the order of their traffic"
    )


@pytest.mark.parametrize(
    ("edit", "text"),
    [
        (
            ("kind: proportion, column: correct", "kind: propotion, column: correct"),
            'policy.yaml:4: metrics.accuracy.kind: "propotion" is not a kind of metric\n'
            '  remedy: did you mean "proportion"?',
        ),
        (
            ("kind: proportion, column: correct", "column: correct"),
            'policy.yaml:4: metrics.accuracy: "kind" is missing\n'
            "  remedy: add one of these: proportion, mean, "
            "ratio, time_to_event, quantile, share_above, rare_event",
        ),
        (
            (", column: correct", ""),
            'policy.yaml:4: metrics.accuracy: "column" is missing\n'
            '  remedy: add "column": Column of true and '
            "false (or 1 and 0), or any column with `equals`.",
        ),
        (
            ("better: lower", "better: less"),
            'policy.yaml:6: metrics.override.better: "less" is not one of higher, lower\n'
            "  remedy: write one of these: higher, lower",
        ),
        (
            ("{traffic: 10%, at_least: 7d}", "{traffic: 10%, minimum_units: 1.5}"),
            "policy.yaml:10: phases[0].minimum_units: expected a whole number, found the number 1.5\n"
            "  remedy: write it without quotes, as 500",
        ),
        (
            ("{traffic: 10%, at_least: 7d}", "{traffic: 10%, minimum_units: -1}"),
            "policy.yaml:10: phases[0].minimum_units: -1 is out of range\n  remedy: write a number at least 0",
        ),
        (
            ("  weights: {accuracy: 0.40, sla_hit: 0.35, override: 0.25}\n", "  accuracy\n"),
            'policy.yaml:7: kpi: expected a mapping, found "accuracy"\n  remedy: write it as {key: value}',
        ),
        (
            ("candidate: v2", 'candidate: "\\ud800"'),
            "policy.yaml:2: candidate: '\\ud800' is not a name\n  remedy: write a name with letters or digits in it",
        ),
        (
            ("candidate: v2", "candidate: 1.10"),
            "policy.yaml:2: candidate: 1.1 was read as a number, whose spelling is lost\n"
            '  remedy: write it in quotes, as "1.1"',
        ),
    ],
)
def test_wrong_values(tmp_path, edit, text):
    assert error_of(edited(edit), tmp_path) == text


# --- files that cannot be read ----------------------------------------------------------


def test_a_missing_file_names_its_neighbours(tmp_path):
    (tmp_path / "polcy.yaml").write_text(SMALL)
    with pytest.raises(PolicyError) as caught:
        load_policy(tmp_path / "policy.yaml")
    assert str(caught.value) == (
        f"{tmp_path / 'policy.yaml'}: there is no such policy file\n  remedy: beside it are: polcy.yaml"
    )
    with pytest.raises(PolicyError, match=r"there is no directory nowhere either; check the path"):
        load_policy(Path("nowhere/policy.yaml"))
    (tmp_path / "polcy.yaml").unlink()
    with pytest.raises(PolicyError, match=r"remedy: check the path$"):
        load_policy(tmp_path / "policy.yaml")


def test_a_directory_and_bytes_that_are_no_text(tmp_path):
    with pytest.raises(PolicyError, match=r"this is a directory\n  remedy: give the policy file in it"):
        load_policy(tmp_path)
    (tmp_path / "policy.parquet").write_bytes(b"PAR1\xff\xfe")
    with pytest.raises(PolicyError, match=r"this is not text in UTF-8 \(byte 5 of the file\)"):
        load_policy(tmp_path / "policy.parquet")


def test_a_path_that_cannot_be_one():
    with pytest.raises(PolicyError, match="the policy cannot be read"):
        load_policy("policy\0.yaml")
    with pytest.raises(PolicyError, match="a policy cannot be loaded from the number 3"):
        load_policy(3)  # type: ignore[arg-type]


def test_a_file_without_permission(tmp_path, monkeypatch):
    path = tmp_path / "policy.yaml"
    path.write_text(SMALL)
    path.chmod(stat.S_IWUSR)
    if os.geteuid() == 0:  # the superuser reads everything, so the system's answer is put in its mouth

        def refused(_: Path) -> bytes:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "read_bytes", refused)
    with pytest.raises(PolicyError, match=r"the policy cannot be read: Permission denied\n  remedy: check the path"):
        load_policy(path)


# --- mappings ---------------------------------------------------------------------------


def test_errors_of_a_mapping_name_the_path():
    assert refusal(kpi={"weights": {"accuracy": 0.9}}) == (
        "kpi.weights: the weights sum to 0.9, not to 1\n  remedy: in the same proportion: accuracy: 1"
    )
    assert refusal(phases=[{"traffic": 0.1}, {"traffic": 2}]).startswith("phases[1].traffic: 2 is more than 100%")
    assert refusal(phases=[]) == "phases: is empty\n  remedy: give it at least one entry"
    assert refusal(approval=None).startswith("approval: nothing is given")
    assert refusal(metrics={1: {"kind": "mean", "column": "x"}}).startswith("policy: 2 errors")


def test_a_mapping_that_holds_itself_is_refused():
    endless = small()
    endless["metrics"]["accuracy"]["column"] = endless
    with pytest.raises(PolicyError, match="nested deeper than 20 levels"):
        load_policy(endless)


def test_the_callers_mapping_is_not_kept():
    content = small(guardrails={"accuracy": {"margin": "2pp"}})
    policy = load_policy(content)
    before = policy.sha256()
    content["guardrails"]["accuracy"]["margin"] = "9pp"
    content["phases"].clear()
    assert policy.sha256() == before


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*Policy.model_fields, "other"]), JUNK, max_size=4))
def test_any_mapping_gives_a_policy_or_an_error_with_a_remedy(sections):
    policy, message = _outcome(small(**sections))
    if policy is None:
        assert "remedy: " in message
    else:
        assert load_policy(policy.canonical()) == policy


def _outcome(content: dict[str, Any]) -> tuple[Policy | None, str]:
    try:
        return load_policy(content), ""
    except PolicyError as error:
        return None, str(error)


@given(st.sampled_from(["metrics", "kpi", "phases", "source", "segments", "rollback", "drift"]), st.data())
def test_any_value_of_any_known_key_gives_a_policy_or_an_error(section, data):
    keys = ["kind", "column", "weights", "margin", "traffic", "go", "require", "by", "columns", "q", "from",
            "accuracy", "kpi", "worse_by", "within", "best", "window", "numerator"]  # fmt: skip
    kinds = st.sampled_from(["proportion", "mean", "ratio", "time_to_event", "quantile", "rare_event"])
    values = JUNK | kinds | st.sampled_from(["2pp", "10%", "7d", "week"])
    part = st.dictionaries(st.sampled_from(keys), values | st.dictionaries(st.sampled_from(keys), values))
    content = data.draw(part | st.lists(part, max_size=3) | st.dictionaries(st.sampled_from(keys), part))
    policy, message = _outcome(small(**{section: content}))
    assert policy is not None or "remedy: " in message


def test_loading_a_policy_needs_no_engine_and_no_numbers():
    heavy = {"numpy", "pandas", "duckdb", "sqlalchemy", "sqlglot", "typer"}
    code = (
        "import sys; from rampgate.policy import load_policy; load_policy(sys.argv[1]);"
        f"sys.exit(str({heavy} & set(sys.modules) or ''))"
    )
    source = str(Path(load_policy.__code__.co_filename).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code, str(EXAMPLE)],
        env={**os.environ, "PYTHONPATH": source},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.strip() == ""
