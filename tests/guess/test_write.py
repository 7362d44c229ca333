"""The file: loads to what was proposed, whatever names the columns have, and is written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.guess.tables import TABLES, support
from tests.guess.test_guess import small

from rampgate.errors import UsageError
from rampgate.guess import Given, guess
from rampgate.guess.write import policy_text
from rampgate.policy import load_policy
from rampgate.save import save


@pytest.mark.parametrize("name", TABLES)
def test_the_file_loads_to_what_was_proposed(tmp_path: Path, name: str) -> None:
    write, said = TABLES[name]
    found = guess(write(tmp_path / "table.csv"), Given(**said))
    text = policy_text(found)
    assert load_policy(text) == found.policy
    assert max(len(line) for line in text.splitlines() if line.lstrip().startswith("#")) <= 110


def test_every_guess_is_marked_and_every_column_left_out_is_named() -> None:
    found = guess(support(), Given(unit="ticket_id"))
    text = policy_text(found)
    flat = " ".join(line.strip().removeprefix("# ") for line in text.splitlines())
    for note in found.notes:
        if note.guessed:
            assert f"guessed: {note.why}; {note.flag} changes it" in flat or f"by rule: {note.why}" in flat
    assert "as given with --unit" in flat
    for column, why in found.left_out:
        assert f"{column}: {why}" in flat


def test_the_table_may_lie_in_another_folder() -> None:
    found = guess(support())
    assert "events" not in policy_text(found)
    assert load_policy(policy_text(found, "../rows/t.csv")).source.events == "../rows/t.csv"


names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12).filter(str.strip)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(names, min_size=4, max_size=4, unique_by=str.casefold),
    st.lists(names, min_size=2, max_size=2, unique=True),
)
def test_any_names_can_be_written(columns: list[str], versions: list[str]) -> None:
    unit, time, variant, metric = columns
    frame = small(version=versions * 200)
    frame.columns = pd.Index([unit, time, variant, metric])
    said = Given(unit=unit, time=time, variant=variant, baseline=versions[0], candidate=versions[1], metrics=(metric,))
    found = guess(frame, said)
    policy = load_policy(policy_text(found))
    assert (policy.source.unit, policy.source.variant) == (unit, variant)
    assert (policy.baseline, policy.candidate) == tuple(versions)


# --- saving -----------------------------------------------------------------------------------


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    save("a\n", path)
    assert path.read_text() == "a\n"
    assert [path.name for path in tmp_path.iterdir()] == ["policy.yaml"]
    with pytest.raises(UsageError, match="exists and is not overwritten") as caught:
        save("b\n", path)
    assert "--force" in str(caught.value.remedy)
    path.chmod(0o600)
    save("b\n", path, force=True)
    assert path.read_text() == "b\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_failed_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(UsageError, match="No space left on device"):
        save("new", path, force=True)
    assert ([path.name for path in tmp_path.iterdir()], path.read_text()) == (["policy.yaml"], "old")


def test_where_it_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such folder"):
        save("a", tmp_path / "no" / "policy.yaml")
    with pytest.raises(UsageError, match="this is a folder"):
        save("a", tmp_path)
