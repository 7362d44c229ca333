"""Every notebook says what its source says, runs from top to bottom, and shows what a run gives."""

from __future__ import annotations

import re
import struct
import time
import zlib
from base64 import b64decode
from pathlib import Path

import nbformat
import pytest
from tools import notebook

LESSONS = notebook.sources()
#: It runs in a third of this on two free cores; a machine that runs the other tests beside it takes longer.
SECONDS = 180
LARGEST = 1_000_000


@pytest.fixture(scope="module", params=LESSONS, ids=lambda path: path.stem)
def lesson(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def outputs(book: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [output for cell in book.cells for output in cell.get("outputs", [])]


def pictures(book: nbformat.NotebookNode) -> list[bytes]:
    return [b64decode(output.data["image/png"]) for output in outputs(book) if "image/png" in output.get("data", {})]


def test_the_lesson_is_there() -> None:
    assert [str(path.relative_to(notebook.FOLDER)) for path in LESSONS] == ["math-foundations/12_eval_in_production.py"]


def test_the_pair_says_the_same(lesson: Path) -> None:
    stored = notebook.stored(lesson)
    assert notebook.cells(stored) == notebook.cells(notebook.read(lesson))
    nbformat.validate(stored)


def test_the_stored_file_is_small_and_holds_nothing_of_a_moment(lesson: Path) -> None:
    text = lesson.with_suffix(".ipynb").read_text("utf-8")
    assert len(text.encode()) < LARGEST
    stored = notebook.stored(lesson)
    assert [cell.id for cell in stored.cells] == [f"cell-{i:03d}" for i in range(1, len(stored.cells) + 1)]
    assert all(cell.metadata == {} for cell in stored.cells)
    assert stored.metadata["language_info"] == {"name": "python"}
    assert re.findall(r"/(?:home|root|tmp|Users)/\S*|ipykernel_\d+|0x[0-9a-f]{6,}", text) == []


def test_no_cell_failed_or_warned(lesson: Path) -> None:
    kinds = {(output.output_type, output.get("name", "")) for output in outputs(notebook.stored(lesson))}
    assert kinds <= {("display_data", ""), ("execute_result", ""), ("stream", "stdout")}


def test_every_plot_is_a_picture_with_something_on_it(lesson: Path) -> None:
    stored = pictures(notebook.stored(lesson))
    assert len(stored) >= 10
    for png in stored:
        width, height = struct.unpack(">II", png[16:24])
        assert min(width, height) > 150
        assert len(png) > 5_000
        assert zlib.crc32(png[-8:-4]) == struct.unpack(">I", png[-4:])[0]


def test_a_run_gives_what_is_stored(lesson: Path, record_property) -> None:
    # The notebook's own assertions compare hand and package; an assertion that fails stops the run.
    began = time.monotonic()
    run = notebook.run(lesson)
    seconds = time.monotonic() - began
    record_property("figure", f"notebook {lesson.stem}: run from top to bottom in {seconds:.0f} s")
    assert seconds < SECONDS
    stored = notebook.stored(lesson)
    for fresh, kept in zip(notebook.texts(run), notebook.texts(stored), strict=True):
        assert fresh == kept
    assert len(pictures(run)) == len(pictures(stored))


def test_every_question_has_its_answer(lesson: Path) -> None:
    text = "\n".join(source for kind, source in notebook.cells(notebook.read(lesson)) if kind == "markdown")
    assert text.count("<details>") == text.count("</details>") == text.count("<summary>Answer") >= 8
    assert re.findall(r"\*\*Question (\d+)\.", text) == [str(i) for i in range(1, 11)]
    tasks, solutions = text.split("## Exercises")[1].split("## Solutions")
    assert re.findall(r"^\*\*([A-Z])\.\*\*", tasks, re.MULTILINE) == list("ABCDE")
    assert re.findall(r"^\*\*([A-Z])\.\*\*", solutions, re.MULTILINE) == list("ABCDE")


def test_only_the_public_package_is_used(lesson: Path) -> None:
    code = "\n".join(source for kind, source in notebook.cells(notebook.read(lesson)) if kind == "code")
    names = set(re.findall(r"\brampgate\.(\w+)", code))
    assert names == {"check", "replay", "load_policy", "demo"}
    assert re.findall(r"from rampgate\S* import .*", code) == ["from rampgate.demo.tickets import load"]


def test_packing_keeps_the_pixels() -> None:
    import altair as alt
    import vl_convert

    chart = alt.Chart(alt.Data(values=[{"a": 1, "b": 2}])).mark_bar().encode(x="a:Q", y="b:O")
    png = vl_convert.vegalite_to_png(chart.to_json())
    packed = notebook.packed(png)
    assert len(packed) < len(png)
    assert packed[:33] == png[:33]  # signature and header
    assert pixels(packed) == pixels(png)


def pixels(png: bytes) -> bytes:
    """The image data, found without a parser: a single stream behind the first IDAT mark."""
    parts, at = [], png.index(b"IDAT")
    while png[at : at + 4] == b"IDAT":
        (size,) = struct.unpack(">I", png[at - 4 : at])
        parts.append(png[at + 4 : at + 4 + size])
        at += size + 12
    return zlib.decompress(b"".join(parts))


def test_printed_text_is_in_one_piece() -> None:
    stream = [nbformat.v4.new_output("stream", name="stdout", text=text) for text in ("a\n", "b\n")]
    other = nbformat.v4.new_output("stream", name="stderr", text="c\n")
    assert [output.text for output in notebook.joined([*stream, other, stream[0].copy()])] == ["a\nb\n", "c\n", "a\n"]


def test_a_machine_without_fonts_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vl_convert.svg_to_png", lambda svg: b"the same picture, whatever the text")
    assert notebook.no_letters()
    monkeypatch.setattr("vl_convert.svg_to_png", lambda svg: svg.encode())
    assert not notebook.no_letters()
