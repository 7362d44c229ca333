"""Brings the pages up to what the code does now.

python -m tests.docs.refresh             # the generated reference, and the output that every page shows
python -m tests.docs.refresh PAGE...     # the generated reference, and the output of these pages
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.docs.blocks import DOCS, PageError, name_of, pages
from tests.docs.reference_cli import cli_page
from tests.docs.reference_estimate import estimate_page
from tests.docs.reference_policy import policy_page
from tests.docs.runner import run_page

#: What is made from the code.
GENERATED = {
    DOCS / "reference" / "cli.md": cli_page,
    DOCS / "reference" / "estimate.md": estimate_page,
    DOCS / "reference" / "policy.md": policy_page,
}


def refresh(chosen: list[Path]) -> None:
    """Run pages and write what came out into them."""
    with tempfile.TemporaryDirectory() as shared:
        for page in chosen:
            old = page.read_text("utf-8")
            try:
                new = run_page(page, Path(shared))
            except PageError as error:
                page.write_text(error.so_far or old, "utf-8")
                raise SystemExit(f"{error}\nthe page is refreshed up to there") from None
            page.write_text(new, "utf-8")
            print(f"{name_of(page)}: {'as it was' if new == old else 'changed'}")


if __name__ == "__main__":
    for made, text_of in GENERATED.items():
        made.write_text(text_of(), "utf-8")
    refresh([Path(name).resolve() for name in sys.argv[1:]] or pages())
