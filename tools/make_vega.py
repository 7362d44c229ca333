"""Write the Vega bundle of pages, as the locked vl-convert makes it: ``make vega``."""

from __future__ import annotations

import gzip
from pathlib import Path

import vl_convert

TARGET = Path(__file__).parents[1] / "src" / "rampgate" / "report" / "vega.js.gz"


def bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed in one script.

    Raises
    ------
    ValueError : the script holds a text that would end it inside a page
    """
    made = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # the stub knows no default
    for text in ("</script", "<!--", "<script"):
        if text in made.lower():
            raise ValueError(f"the bundle holds {text!r} and cannot stand inside a page")
    return made


if __name__ == "__main__":
    TARGET.write_bytes(gzip.compress(bundle().encode(), mtime=0))
