"""A ledger as JSON Lines: each line is the canonical bytes of a record, or of a document that a later record names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rampgate.errors import LedgerError, UsageError
from rampgate.ledger.store import Ledger

_SHA256 = re.compile(r"[0-9a-f]{64}")


def export(book: Ledger) -> Iterator[bytes]:
    """Yield the lines of a ledger, each with its line break.

    The SHA-256 of a line without its break is that of the record or document. A document stands before the first
    record that names it.

    Raises
    ------
    LedgerError
        A record or document is not what was recorded.
    """
    written: set[str] = set()
    for record in book.records():
        new = {text for text in _texts(record.entry()) if _SHA256.fullmatch(text)} - written
        for sha256, body in sorted(book.documents(book.has_documents(new)).items()):
            if b"\n" in body:
                raise LedgerError("a document has more than one line", where=f"document {sha256}")
            written.add(sha256)
            yield body + b"\n"
        yield record.body + b"\n"


def write(book: Ledger, out: Path) -> None:
    """Write the lines to a file, which is there whole or not at all.

    Raises
    ------
    UsageError
        The file cannot be written.
    LedgerError
        As `export`.
    """
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.writelines(export(book))
        part.replace(out)
    except OSError as error:
        raise UsageError(
            f"the file cannot be written ({error.strerror})", where=str(out), remedy="name another file with --out"
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
