"""Rules of the repository that no linter knows."""

from __future__ import annotations

import ast
import csv
import gzip
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "rampgate"
PYTHON_FILES = sorted(path for folder in ("src", "tests", "tools") for path in (ROOT / folder).rglob("*.py"))
LOCKS = [ROOT / "requirements" / "run.txt", ROOT / "requirements" / "dev.txt"]


def _pinned(lock: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9-]+)==(\S+)", lock.read_text("utf-8"), re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


def _requirement_names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=!~\[; ]", line, maxsplit=1)[0].lower() for line in requirements}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_locks_hold_versions_and_hashes_and_nothing_else(lock):
    line_of_a_lock = re.compile(r"[a-z0-9-]+==[0-9][^\s/:]*( ; [^/:]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?")
    lines = lock.read_text("utf-8").splitlines()
    assert len(lines) > 100
    assert [line for line in lines if not line_of_a_lock.fullmatch(line)] == []


def test_locks_cover_what_the_project_declares():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    run = _requirement_names(project["project"]["dependencies"] + project["dependency-groups"]["build"])
    assert run <= set(_pinned(LOCKS[0]))
    assert run | _requirement_names(project["dependency-groups"]["dev"]) <= set(_pinned(LOCKS[1]))


def test_tests_run_with_the_versions_that_users_get():
    run, dev = (_pinned(lock) for lock in LOCKS)
    assert run.items() <= dev.items()


def test_nothing_that_git_ignores_is_tracked():
    git = ["git", "-C", str(ROOT), "ls-files"]
    listed = subprocess.run(git, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is no clone: " + listed.stderr.strip())
    assert len(listed.stdout.splitlines()) > 100
    ignored = subprocess.run([*git, "-ci", "--exclude-standard"], capture_output=True, text=True, check=True)
    assert ignored.stdout.splitlines() == []


def test_no_python_file_passes_500_lines():
    assert len(PYTHON_FILES) > 10
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in PYTHON_FILES}
    assert {str(path.relative_to(ROOT)): n for path, n in lengths.items() if n > 500} == {}


def test_contributing_names_every_room_and_no_other():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    rows = set(re.findall(r"^\| `([a-z_]+(?:/|\.py))` \|", text, re.MULTILINE))
    folders = {f"{path.name}/" for path in PACKAGE.iterdir() if any(path.rglob("*.py"))}
    files = {path.name for path in PACKAGE.glob("*.py") if path.name != "__init__.py"}
    assert rows == folders | files


def test_every_package_folder_is_a_package():
    # A folder without __init__.py is left out of the import contracts without a word.
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert {str(path.relative_to(ROOT)) for path in folders if not (path / "__init__.py").exists()} == set()


CLOCKS = {"now", "utcnow", "today", "fromtimestamp", "utcfromtimestamp"}
SIDE_EFFECTS = {"open", "print", "input", "exec", "eval"}


def _impurities(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in CLOCKS:
            yield node.lineno, f"clock: .{node.attr}"
        # Generator as a type is fine; anything called on np.random makes or uses random state.
        elif isinstance(node, ast.Call) and ".random." in ast.unparse(node.func):
            yield node.lineno, f"chance: {ast.unparse(node.func)}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SIDE_EFFECTS:
            yield node.lineno, f"input or output: {node.func.id}"


def test_estimate_and_judge_have_no_clock_no_chance_and_no_files():
    files = [path for room in ("estimate", "judge") for path in (PACKAGE / room).rglob("*.py")]
    assert files
    found = {
        f"{path.relative_to(ROOT)}:{line}": what
        for path in files
        for line, what in _impurities(ast.parse(path.read_text("utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize(
    "text", ["datetime.now(UTC)", "date.today()", "np.random.default_rng()", "open('x')", "print(1)"]
)
def test_an_impurity_is_seen(text):
    assert list(_impurities(ast.parse(text)))


def test_demo_data_are_whole_and_carry_their_licence():
    data = PACKAGE / "demo" / "data"
    packed = (data / "incidents.csv.gz").read_bytes()
    assert packed[4:8] == b"\0\0\0\0", "made without a time stamp"
    rows = list(csv.DictReader(gzip.decompress(packed).decode("utf-8").splitlines()))
    assert len(rows) == len({row["number"] for row in rows}) == 11_774
    assert ",".join(rows[0]) == (
        "number,opened_at,resolved_at,made_sla,reassignment_count,reopen_count,"
        "priority,urgency,contact_type,category,assignment_group"
    )
    assert "CC BY 4.0" in (data / "README.md").read_text("utf-8")


def test_data_of_tests_carry_their_licence():
    folders = [path for path in (ROOT / "tests" / "data").iterdir() if path.is_dir()]
    assert len(folders) >= 3
    for folder in folders:
        assert "**Licence.**" in (folder / "README.md").read_text("utf-8"), folder.name


SKIPPING_TESTS = """
import pytest

def test_skipped():
    pytest.skip("no such thing here")

@pytest.mark.skip(reason="never here")
def test_marked(): ...

@pytest.mark.xfail(reason="known")
def test_expected_to_fail():
    assert False
"""


@pytest.mark.parametrize(
    ("no_skip", "outcome", "code"),
    [("", "3 skipped, 1 xfailed", 0), ("1", "1 failed, 1 xfailed, 2 errors", 1)],
)
def test_a_skip_is_a_failure_where_none_is_allowed(tmp_path, no_skip, outcome, code):
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_it.py").write_text(SKIPPING_TESTS)
    (tmp_path / "test_module.py").write_text("import pytest\npytest.importorskip('no_such_module')\n")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-rfEs",
            "--continue-on-collection-errors",
            "-p",
            "no:cacheprovider",
            str(tmp_path),
        ],
        cwd=tmp_path,
        env={**os.environ, "RAMPGATE_NO_SKIP": no_skip, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome in done.stdout
    assert "no such thing here" in done.stdout
    assert "no_such_module" in done.stdout
    assert done.returncode == code
