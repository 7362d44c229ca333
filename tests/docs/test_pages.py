"""Every snippet of README and docs is run, and every output that they show is what comes out."""

from __future__ import annotations

import re
from difflib import unified_diff
from pathlib import Path

import pytest
from tests.docs.blocks import DOCS, PageError, blocks, name_of, pages
from tests.docs.runner import run_page


def test_there_are_pages() -> None:
    names = {name_of(page) for page in pages()}
    assert {"README.md", "docs/index.md", "docs/tutorial.md"} <= names
    assert len(names) > 20


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_a_page_does_and_shows_what_it_says(page: Path, shared: Path) -> None:
    old, new = page.read_text("utf-8"), run_page(page, shared)
    changed = "\n".join(
        unified_diff(old.splitlines(), new.splitlines(), "the page", "what comes out", lineterm="", n=1)
    )
    assert not changed, f"{changed}\n\npython -m tests.docs.refresh {name_of(page)}"


def write(folder: Path, text: str) -> Path:
    page = folder / "page.md"
    page.write_text(text, "utf-8")
    return page


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run a page made of a text."""
    monkeypatch.setattr("tests.docs.runner.name_of", lambda page: page.name)
    (tmp_path / "shared").mkdir()
    return lambda text: run_page(write(tmp_path, text), tmp_path / "shared")


VERSION = "<!-- run -->\n\n```bash\nrampgate --version\n```\n\n<!-- output -->\n\n```text\n{shown}```\n"


@pytest.mark.parametrize("kind", ["bash", "python", "yaml", "text", ""])
def test_a_block_without_a_mark_is_refused(kind: str) -> None:
    with pytest.raises(PageError, match=r"page.md:3: this .* is neither run nor marked"):
        list(blocks(f"# Title\n\n```{kind}\nx\n```\n", "page.md"))


@pytest.mark.parametrize(
    ("mark", "says"),
    [
        ("not run", "say why"),
        ("run: x", "not understood"),
        ("run color=1", "knows no color"),
        ("file", "not understood"),
    ],
)
def test_a_mark_that_is_not_understood_is_refused(mark: str, says: str) -> None:
    with pytest.raises(PageError, match=says):
        list(blocks(f"<!-- {mark} -->\n\n```bash\nx\n```\n", "page.md"))


def test_an_indented_block_is_refused() -> None:
    with pytest.raises(PageError, match="indented"):
        list(blocks("- item\n\n    ```bash\n    x\n    ```\n", "page.md"))


def test_an_old_output_is_replaced(ran) -> None:
    from rampgate import __version__

    new = VERSION.format(shown=f"{__version__}\n")
    assert ran(VERSION.format(shown="0.0.0\n")) == new
    assert ran(new) == new


@pytest.mark.parametrize("command", ["rampgate no-such-command", "false", "true | false"])
def test_a_command_that_fails_is_an_error(ran, command: str) -> None:
    with pytest.raises(PageError, match="exits with"):
        ran(f"<!-- run -->\n\n```bash\n{command}\n```\n")


def test_the_exit_code_that_a_page_states_is_that_of_its_last_command(ran) -> None:
    script = "\n\n```bash\nrampgate --version\nrampgate no-such-command\n```\n"
    assert ran(f"<!-- run exit=2 -->{script}")
    with pytest.raises(PageError, match="exits with 2"):
        ran(f"<!-- run exit=10 -->{script}")


def test_output_is_cut_by_the_beginnings_of_lines(ran) -> None:
    page = (
        "<!-- run -->\n\n```bash\nprintf 'a\\nb 1\\nc\\nb 2\\nd\\ne\\n' | cat\n```\n\n"
        '<!-- output after="b 1" from="b" to="e" lines=1 -->\n\n```text\nb 2\n```\n'
    )
    assert ran(page) == page
    with pytest.raises(PageError, match="no line of the output begins"):
        ran(page.replace('from="b"', 'from="z"'))


def test_ids_are_those_of_the_run(ran) -> None:
    script = "<!-- run -->\n\n```bash\n{}\n```\n\n<!-- output -->\n\n```text\n{}\n```\n\n"
    page = script.format("printf 'id %s\\n' 00ff00ff | cat", "id deadbeef")
    # The reader types the id that he was shown; the page's own stands for it.
    page += script.format("echo deadbeef", "deadbeef")
    assert ran(page) == page


def test_a_change_replaces_a_section(ran) -> None:
    page = (
        "<!-- file: a.yaml -->\n\n```yaml\none: 1  # first\ntwo:\n  x: 2\nthree: 3\n```\n\n"
        "<!-- change: a.yaml -->\n\n```yaml\ntwo: {y: 4}\nfour: 4\n```\n\n"
        "<!-- run -->\n\n```bash\ncat a.yaml\n```\n\n"
        "<!-- output -->\n\n```text\none: 1  # first\ntwo: {y: 4}\nthree: 3\nfour: 4\n```\n"
    )
    assert ran(page) == page


def test_every_decision_is_listed_by_its_title() -> None:
    folder = DOCS / "decisions"
    pages = [page for page in folder.glob("*.md") if page.name != "README.md"]
    titles = {page.name: page.read_text("utf-8").split("\n", 1)[0].removeprefix("# ") for page in pages}
    text = " ".join((folder / "README.md").read_text("utf-8").split())
    listed = re.findall(r"(\d+\.) \[([^]]+)\]\(([\w-]+\.md)\)", text)
    assert {name: f"{number} {title}" for number, title, name in listed} == titles


def test_every_page_of_the_docs_has_one_title() -> None:
    for page in DOCS.rglob("*.md"):
        text = page.read_text("utf-8")
        fenced = False
        titles = 0
        for line in text.splitlines():
            fenced ^= line.startswith("```")
            titles += not fenced and line.startswith("# ")
        assert titles == 1, name_of(page)
