"""Values in a notebook: what they show, that nothing in it is markup from outside, and that a real kernel shows it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from tests.docs.blocks import ROOT
from tests.judge.build import case, midnight, policy, state, units
from tests.rollout.tables import POLICY, tickets

import rampgate
from rampgate.comparison.table import compare_under
from rampgate.comparison.values import Comparison
from rampgate.guess import Note
from rampgate.judge.decide import judge
from rampgate.judge.decision import Decision
from rampgate.policy import Policy, load_policy
from rampgate.report.notebook_charts import DECISIONS, kpi_by_window, ramp
from rampgate.report.words import interval, not_checked, number, signed
from rampgate.rollout.replay import Looks
from rampgate.shown import Shown, register, renderer_of

SVG = "{http://www.w3.org/2000/svg}"
VOID = {"br", "hr", "img", "input", "meta"}


class Read(HTMLParser):
    """Tags and text of a fragment, and whether every tag is closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.cells: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        self.open += [] if tag in VOID else [tag]
        self.cells += [""] if tag in ("td", "th") else []

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1] += data


def html(value: Shown) -> str:
    bundle = value._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert "\n" not in bundle["text/plain"]
    assert len(bundle["text/plain"]) < 200
    return bundle["text/html"]


def read(value: Shown) -> Read:
    found = Read(html(value))
    assert found.open == []
    return found


def long() -> Decision:
    return judge(case(units(days=20), 20))


def some_looks() -> Looks:
    return Looks([judge(case(units(days=3), 3)), judge(case(units())), judge(case(units(days=10), at=state(2, 3)))])


def test_a_decision_shows_verdict_reasons_table_and_chart() -> None:
    decision = long()
    found = read(decision)
    text = " ".join(found.words)
    assert decision.decision.upper() in found.words
    for reason in decision.reasons:
        assert reason.message in text
    for m in decision.metrics:
        for cell in (number(m.baseline), signed(m.difference), interval(m.lower, m.upper)):
            assert cell in found.cells
    assert not_checked(decision.health)
    assert f"not checked: {not_checked(decision.health)}" in text
    assert found.tags.count("svg") == 1
    assert "style" not in found.tags
    assert "script" not in found.tags


def test_a_replay_shows_the_ramp_and_the_looks_that_say_something_new() -> None:
    found = read(some_looks())
    assert found.tags.count("svg") == 2, "the ramp, and the two weeks of the last look"
    assert found.cells.count("GO") == 1
    assert found.cells.count("HOLD") == 2
    again = judge(case(units(days=4), 4))
    assert read(Looks([judge(case(units(days=3), 3)), again])).cells.count("HOLD") == 1
    assert "no look" in html(Looks())


def test_a_policy_shows_its_phases_and_sentences() -> None:
    found = read(policy())
    assert {"10 %", "50 %", "100 %"} <= set(found.cells)
    assert any(said.startswith("Roll back when") for said in found.words)


def compared(**changes: Any) -> Comparison:
    frame = tickets(days=60, harm=0.09)
    return replace(compare_under(load_policy({**POLICY, **changes}), frame), notes=(NOTE,))


NOTE = Note("unit", "ticket", "another value in every row", "--unit", True)


def test_a_comparison_shows_verdict_warnings_tables_and_chart() -> None:
    value = compared()
    found = read(value)
    text = " ".join(found.words)
    assert "WORSE" in found.words
    for line in (value.headline, *value.details, *value.limits, "unit: ticket", "(--unit)"):
        assert line in text
    for row in (*value.metrics, *value.segments.rows[:8]):
        for cell in (number(row.estimate.baseline), signed(row.estimate.difference), row.verdict):
            assert cell in found.cells
        assert f"{row.units[0]:,} / {row.units[1]:,}" in found.cells
    assert found.cells.count("2026-01-12") == 1, "a row for each week"
    assert found.tags.count("svg") == 1
    assert not {"style", "script"} & set(found.tags)


def test_a_comparison_without_a_common_day_shows_plain_values_and_says_so() -> None:
    frame = tickets()
    frame["version"] = np.where(frame.opened_at < "2026-01-20", "v1", "v2")
    found = read(compare_under(load_policy(POLICY), frame))
    assert "CANNOT BE COMPARED" in found.words
    assert "Plain values" in found.words
    assert "none" in found.cells
    assert f"{(frame.version == 'v1').sum():,} / {(frame.version == 'v2').sum():,}" in found.cells
    one_day = read(compare_under(load_policy(POLICY), tickets(days=1)))
    assert "svg" not in one_day.tags
    assert "only one day" in " ".join(one_day.words)


EVIL = '<script>alert("x")</script>'


def test_markup_from_outside_is_text() -> None:
    rules = policy(
        rollout=EVIL,
        candidate=f"{EVIL}'\"&amp;",
        segments={"by": ["queue"], "guardrails": {"override": {"margin": "1pp"}}},
    )
    made = units(days=20, traffic=0.5, queues=(EVIL, "mail"), rates={"right": (0.8, 0.8), "override": (0.1, 0.7)})
    decision = judge(case(made, 20, rules))
    assert any(EVIL in reason.message for reason in decision.reasons)
    frame = tickets().replace({"version": {"v2": EVIL}, "queue": {"mail": EVIL}})
    split = compare_under(load_policy({**POLICY, "candidate": EVIL}), frame)
    for value in (decision, rules, Looks([decision]), replace(split, notes=(replace(NOTE, value=EVIL),))):
        found = read(value)
        assert "script" not in found.tags
        assert EVIL in " ".join(found.words)


def test_everything_is_in_the_fragment_and_legible_on_both_grounds() -> None:
    """Nothing is fetched; text takes the page's colour; what has a colour keeps 3 to 1 on white and on #111."""
    for value in (long(), policy(), some_looks(), compared()):
        found = html(value)
        assert "http://" not in found.replace("http://www.w3.org/", "")
        assert "https://" not in found
        assert "color:inherit" in found
        assert 'fill="white"' not in found
    for colour in ("#7d7d7d", "#8a8a8a", "#2f86d6", *DECISIONS.values()):
        assert min(contrast(colour, "#ffffff"), contrast(colour, "#111111")) >= 3.0, colour


def contrast(a: str, b: str) -> float:
    """WCAG 2.2, contrast ratio."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_charts_are_svg_with_a_mark_for_every_value() -> None:
    windows = long().windows
    drawn = ElementTree.fromstring(kpi_by_window(windows))
    assert drawn.tag == f"{SVG}svg"
    labels = [node.get("aria-label", "") for node in drawn.iter()]
    for w in windows:
        for arm, value in (("baseline", w.kpi.baseline), ("candidate", w.kpi.candidate)):
            start = f"from: {w.start:%Y-%m-%d}; weighted KPI: "
            [number] = {float(x[len(start) :].split(";")[0]) for x in labels if x.startswith(start) and arm in x}
            assert number == pytest.approx(value, rel=1e-9)
    decided = [node.get("aria-label", "") for node in ElementTree.fromstring(ramp(some_looks())).iter()]
    assert sum("decision: hold" in label for label in decided) >= 2
    assert sum("decision: go" in label for label in decided) >= 1
    assert kpi_by_window(()) == ramp(()) == ""


def test_two_charts_share_no_id() -> None:
    """In one page an id of the first would serve the second, and clip it to the wrong size."""
    ids = []
    for drawn in (kpi_by_window(long().windows), ramp(some_looks())):
        here = {node.get("id") for node in ElementTree.fromstring(drawn).iter()} - {None}
        used = {part.split(")")[0] for part in drawn.split("url(#")[1:]}
        assert used <= here
        ids.append(here)
    assert not ids[0] & ids[1]


def test_a_short_line_stands_for_each_where_there_is_no_notebook() -> None:
    assert repr(judge(case(units()))) == "<Decision go: rollout, look of 2026-01-15 00:00, phase 1 of 3>"
    assert repr(policy()) == "<Policy rollout: candidate against baseline, phases of 10%, 50%, 100%>"
    assert repr(some_looks()) == "<Looks: 3 from 2026-01-08 to 2026-01-15, the last one hold>"
    assert repr(Looks()) == "<Looks: none>"
    assert repr(compared()) == "<Comparison worse: v2 against v1, 60 of 60 days with both>"


def test_looks_are_a_tuple() -> None:
    looks = rampgate.replay(load_policy(POLICY), events=tickets(days=9))
    assert isinstance(looks, tuple)
    assert isinstance(looks, Looks)
    assert looks[-1].look == midnight(9)
    assert looks == tuple(looks)


def test_only_what_is_asked_for_is_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_: object) -> str:
        raise AssertionError("rendered")

    monkeypatch.setattr("rampgate.report.notebook.decision", never)
    decision = judge(case(units()))
    assert decision._repr_mimebundle_(include={"text/plain"}).keys() == {"text/plain"}
    assert decision._repr_mimebundle_(exclude={"text/html"}).keys() == {"text/plain"}


def test_a_subclass_is_shown_as_its_base_and_a_stranger_as_text() -> None:
    class Mine(Policy):
        pass

    class Stranger(Shown):
        pass

    assert renderer_of(Mine) is renderer_of(Policy)
    assert Stranger()._repr_mimebundle_().keys() == {"text/plain"}
    register(f"{Stranger.__module__}:{Stranger.__qualname__}", "tests.report.test_notebook:shout")
    assert Stranger()._repr_mimebundle_()["text/html"] == "<b>!</b>"


def shout(_: object) -> str:
    return "<b>!</b>"


def test_values_load_no_renderer() -> None:
    code = (
        "import sys, rampgate\nfrom rampgate import Comparison, Decision, Policy, compare, replay\n"
        "print([m for m in ('rampgate.report', 'altair', 'vl_convert', 'rich') if m in sys.modules])"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


NOTEBOOK = """
import json, sys
import nbformat
from nbclient import NotebookClient
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager

class Here(KernelSpecManager):
    def get_kernel_spec(self, name):
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="here", language="python", resource_dir="")

from jupyter_client.manager import AsyncKernelManager
cells = json.loads(sys.argv[1])
book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
manager = AsyncKernelManager(kernel_name="here", kernel_spec_manager=Here())
NotebookClient(book, km=manager, timeout=120).execute()
print(json.dumps([cell.outputs for cell in book.cells]))
"""


def test_a_kernel_shows_them(tmp_path: Path) -> None:
    tickets(days=20).to_csv(tmp_path / "tickets.csv", index=False)
    source = {**POLICY["source"], "events": "tickets.csv"}
    (tmp_path / "policy.yaml").write_text(json.dumps({**POLICY, "source": source}))
    cells = [
        "import rampgate\npolicy = rampgate.load_policy('policy.yaml')\npolicy",
        "rampgate.check(policy, as_of='2026-01-19')",
        "rampgate.replay(policy)",
        "rampgate.compare('tickets.csv', baseline='v1', candidate='v2')",
    ]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "IPYTHONDIR": str(tmp_path), "JUPYTER_PLATFORM_DIRS": "1"}
    command = [sys.executable, "-c", NOTEBOOK, json.dumps(cells)]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    outputs = json.loads(done.stdout.splitlines()[-1])
    shown = [output["data"] for [output] in outputs]
    assert [data["text/plain"].split()[0] for data in shown] == ["<Policy", "<Decision", "<Looks:", "<Comparison"]
    parts = ("Roll back when", "GO", "Decisions on the ramp", "Overall, on the same days")
    for data, part in zip(shown, parts, strict=True):
        assert data["text/html"].startswith('<div class="rampgate"')
        assert part in data["text/html"]
    assert all("<svg" in data["text/html"] for data in shown[1:])
