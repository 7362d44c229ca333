"""Draws charts in a process of its own: a specification per line comes in, a picture per line goes out.

Run by `pens`, by its path: it must not wait for the rest of rampgate to be imported.
"""

from __future__ import annotations

import json
import sys

import vl_convert


def main() -> None:
    """Get ready, then draw until nothing more comes."""
    vl_convert.vegalite_to_svg({"data": {"values": []}, "mark": "point"}, vl_version=sys.argv[1])
    for line in sys.stdin.buffer:
        svg = vl_convert.vegalite_to_svg(line.decode(), vl_version=sys.argv[1])
        sys.stdout.buffer.write(json.dumps(svg).encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
