"""What the README promises beyond what its page shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.docs.blocks import ROOT, blocks
from tests.docs.runner import shell
from tests.docs.tables import lay

README = (ROOT / "README.md").read_text("utf-8")
FILES = {block.name: block.text for block in blocks(README, "README.md") if block.what == "file"}
PYTHON = [block.text for block in blocks(README, "README.md") if (block.what, block.kind) == ("run", "python")]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    lay("tickets.csv", tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_python_decides_as_the_command_does_and_writes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [snippet] = PYTHON
    exec(compile(snippet, "README.md", "exec"), {})
    assert capsys.readouterr().out.startswith("go 0.1 ")
    assert not (folder / "rampgate.db").exists()


@pytest.mark.parametrize(("as_of", "code", "says"), [("2026-01-08", 0, "hold"), ("2026-01-12", 0, "go")])
def test_the_cron_recipe(folder: Path, shared: Path, as_of: str, code: int, says: str) -> None:
    script = FILES["gate.sh"].replace("policy.yaml --json", f"policy.yaml --as-of {as_of} --json")
    assert shell(script, shared) == (code, f"{says}\n")
    (folder / "policy.yaml").write_text("nonsense: [")
    assert shell(script, shared) == (1, "could not judge: hold\n")
