"""Run the notebooks from top to bottom and write them with their outputs.

::

    python tools/notebook.py [--check]

Each ``.py`` in ``notebooks/`` (jupytext's percent format) is the source; the ``.ipynb`` beside it is made from it. The
same source gives the same file: cells are numbered, and times, counters of the machine and versions are left out.
``--check`` writes nothing and fails where the committed file says something else.
"""

from __future__ import annotations

import argparse
import os
import struct
import sys
import tempfile
import zlib
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "notebooks"
SECONDS_PER_CELL = 300
FORMAT: Any = nbformat  # its functions carry no types


def sources() -> list[Path]:
    """The notebooks' sources."""
    return sorted(FOLDER.rglob("*.py"))


def read(source: Path) -> nbformat.NotebookNode:
    """A notebook without outputs, from its source."""
    book: nbformat.NotebookNode = FORMAT.from_dict(jupytext.read(source))
    for number, cell in enumerate(book.cells, start=1):
        cell["id"] = f"cell-{number:03d}"
        cell["metadata"] = {}  # the source's line spacing, which jupytext notes here, is no part of a notebook
    kept = ("jupytext", "kernelspec")
    book["metadata"] = {key: book.metadata[key] for key in kept} | {"language_info": {"name": "python"}}
    book["nbformat"], book["nbformat_minor"] = 4, 5
    return book


def run(source: Path) -> nbformat.NotebookNode:
    """The notebook of a source with its outputs, run in a kernel of its own."""
    book = read(source)
    with tempfile.TemporaryDirectory() as home:
        client = NotebookClient(
            book,
            timeout=SECONDS_PER_CELL,
            kernel_name="python3",
            record_timing=False,
            resources={"metadata": {"path": str(source.parent)}},
        )
        # No history is kept, nobody's settings matter, and the package is that of this checkout.
        own = {"IPYTHONDIR": home, "PYTHONPATH": str(ROOT / "src")}
        client.execute(env={**os.environ, **own})
    # The kernel tells its version of Python; the notebook is one for all.
    book.metadata["language_info"] = {"name": "python"}
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.outputs = joined(cell.outputs)
            for output in cell.outputs:
                if "image/png" in output.get("data", {}):
                    output.data["image/png"] = b64encode(packed(b64decode(output.data["image/png"]))).decode()
    return book


def joined(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Printed text in one piece: how a kernel cuts it depends on the time of day."""
    out: list[nbformat.NotebookNode] = []
    for output in outputs:
        if out and output.output_type == "stream" and out[-1].get("name") == output.name:
            out[-1]["text"] += output.text
        else:
            out.append(output)
    return out


def packed(png: bytes) -> bytes:
    """The same picture in a third of the bytes: its pixels are compressed again, as hard as it goes."""
    head, chunks, at = png[:8], [], 8
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        chunks.append((png[at + 4 : at + 8], png[at + 8 : at + 8 + size]))
        at += size + 12
    pixels = zlib.decompress(b"".join(data for kind, data in chunks if kind == b"IDAT"))
    first = [kind for kind, _ in chunks].index(b"IDAT")
    kept = [chunk for chunk in chunks if chunk[0] != b"IDAT"]
    kept.insert(first, (b"IDAT", zlib.compress(pixels, 9)))
    return head + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in kept
    )


def as_text(book: nbformat.NotebookNode) -> str:
    """The notebook as it is written to a file."""
    return f"{FORMAT.writes(book)}\n"


def stored(source: Path) -> nbformat.NotebookNode:
    """The notebook as it was committed."""
    book: nbformat.NotebookNode = FORMAT.read(source.with_suffix(".ipynb"), as_version=nbformat.NO_CONVERT)
    return book


def cells(book: nbformat.NotebookNode) -> list[tuple[str, str]]:
    """What a notebook says: kind and source of each cell."""
    return [(cell.cell_type, cell.source) for cell in book.cells]


def texts(book: nbformat.NotebookNode) -> list[tuple[str, list[Any]]]:
    """The outputs of each cell without pictures, whose bytes depend on the fonts of a machine."""
    return [(cell.id, [_text(output) for output in cell.get("outputs", [])]) for cell in book.cells]


def _text(output: nbformat.NotebookNode) -> Any:
    if "data" not in output:
        return dict(output)
    return {kind: "a picture" if kind.startswith("image/") else text for kind, text in output.data.items()}


def no_letters() -> bool:
    """Whether this machine draws no text at all, as one without fonts does."""
    import vl_convert

    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><text y="15" font-family="{}">{}</text></svg>'
    fonts = "Liberation Sans, Arial, DejaVu Sans, sans-serif"
    drawn = vl_convert.svg_to_png(svg.format(fonts, "Ag"))
    return bool(drawn == vl_convert.svg_to_png(svg.format(fonts, "")))


def main() -> int:
    """Run every notebook; write it, or compare it with what is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where something differs")
    check = parser.parse_args().check
    if no_letters():
        print(
            "error: this machine has no fonts, so plots would have no text\n  install some (Debian: fonts-liberation)"
        )
        return 1
    code = 0
    for source in sources():
        target = source.with_suffix(".ipynb")
        book = run(source)
        same = target.exists() and target.read_text("utf-8") == as_text(book)
        if not same and not check:
            target.write_text(as_text(book), "utf-8")
        word = "as it was" if same else "differs" if check else "written"
        print(f"{target.relative_to(ROOT)}: {word}, {len(as_text(book)) / 1e6:.2f} MB")
        code |= check and not same
    return code


if __name__ == "__main__":
    sys.exit(main())
