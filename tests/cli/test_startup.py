"""What commands import: the libraries that they need and no other. Nothing here is timed; benchmarks/speed is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

#: Libraries of `check`, with what they import themselves; see docs/performance.md.
NEEDED = {
    "typer", "annotated_doc", "shellingham",
    "numpy", "duckdb", "_duckdb", "sqlglot", "sqlglotc", "mypy_extensions", "yaml", "_yaml",
    "pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection",
    "sqlalchemy", "greenlet",
}  # fmt: skip
RUN = """
import json, sys
from rampgate.cli import main
try:
    main()
except SystemExit as stop:
    code = stop.code
print(json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules} - set(sys.stdlib_module_names))]))
"""


def imported(*args: object) -> tuple[int, set[str]]:
    """The exit code of a command, and the libraries that it imports besides those of every start of Python."""
    always = subprocess.run(
        [sys.executable, "-c", "import json, sys; print(json.dumps(sorted(sys.modules)))"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    done = subprocess.run([sys.executable, "-c", RUN, *map(str, args)], check=True, capture_output=True, text=True)
    code, names = json.loads(done.stdout.splitlines()[-1])
    used = set(names) - {name.partition(".")[0] for name in json.loads(always.stdout)} - {"rampgate"}
    # What compiled libraries and Python's own build settings register is no library.
    return code, {name for name in used if not name.startswith(("_cython", "cython_runtime", "_sysconfigdata"))}


@pytest.fixture
def begun(folder: Path) -> Path:
    """A policy whose ledger is there already; to make one takes Alembic."""
    assert "alembic" in imported("check", folder / "policy.yaml", "--as-of", "2026-01-08", "--json")[1]
    return folder


@pytest.mark.parametrize("again", [False, True], ids=["judged", "nothing to read"])
def test_check_imports_what_it_needs(begun: Path, again: bool) -> None:
    asked = ("check", begun / "policy.yaml", "--as-of", "2026-01-12", "--json")
    if again:
        imported(*asked)
    code, names = imported(*asked)
    assert code == 0
    assert {"duckdb", "numpy", "pydantic", "sqlalchemy", "sqlglot", "typer"} <= names
    assert names - NEEDED == set()


def test_a_verdict_for_people_imports_rich_besides(begun: Path) -> None:
    code, names = imported("check", begun / "policy.yaml", "--as-of", "2026-01-12")
    assert code == 0
    assert names - NEEDED <= {"rich", "pygments", "markdown_it", "mdurl"}


def test_help_imports_the_command_line_alone() -> None:
    _, names = imported("--help")
    assert names <= {"typer", "annotated_doc", "shellingham", "typing_extensions", "rich"}
