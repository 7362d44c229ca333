"""What stands at a path: which files, of which kind, with which header. Nothing is read but the beginning."""

from __future__ import annotations

import csv
import glob
import gzip
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Literal

from rampgate.errors import NotJudgedYet, SourceError

Kind = Literal["parquet", "csv", "duckdb"]

_SUFFIXES: dict[str, Kind] = {
    ".parquet": "parquet", ".pq": "parquet",
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".csv.gz": "csv", ".tsv.gz": "csv", ".txt.gz": "csv",
    ".duckdb": "duckdb", ".ddb": "duckdb", ".db": "duckdb",
}  # fmt: skip
_KINDS = "Parquet (.parquet), CSV (.csv, .csv.gz, .tsv) and DuckDB files (.duckdb, or file.duckdb#table) are read"
_WILD = re.compile(r"[*?\[]")
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")
#: What to do with text in another encoding, such as that of a spreadsheet's plain CSV.
AS_UTF8 = "save it as UTF-8: in a spreadsheet as 'CSV UTF-8', or by `iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW`"
_SHEET = (
    "is a spreadsheet or a packed archive, which are not read, whatever its name says",
    "save the sheet as 'CSV UTF-8', or unpack the archive; in Python pass the frame of `pandas.read_excel`",
)
_WIDE_TEXT = ("is UTF-16 text, not UTF-8", "save it as 'CSV UTF-8', or by `iconv -f UTF-16 -t UTF-8 OLD > NEW`")
#: What files begin with that are often taken for a table of text: xlsx, ods and zip; xls; text of two bytes a letter.
_FOREIGN = {b"PK\x03\x04": _SHEET, b"\xd0\xcf\x11\xe0": _SHEET, b"\xff\xfe": _WIDE_TEXT, b"\xfe\xff": _WIDE_TEXT}
#: A header longer than this is no header.
_HEADER_LIMIT = 1 << 20
#: How many records show which delimiter a file has.
_RECORDS = 20


@dataclass(frozen=True)
class Located:
    """Files that exist and are not empty.

    Attributes
    ----------
    name : as the user wrote it
    kind : all files are of one kind
    paths : absolute, sorted
    table : of a DuckDB file, if one was named
    header, delimiter : of CSV files, the same in all of them
    """

    name: str
    kind: Kind
    paths: tuple[Path, ...]
    table: str | None = None
    header: tuple[str, ...] = ()
    delimiter: str = ","


def locate(events: str | Path, base: Path | None = None) -> Located:
    """Find the files that a policy's ``source.events`` means.

    Parameters
    ----------
    events : path, glob pattern, or ``file.duckdb#table``
    base : folder that a relative path starts from; the working directory if None

    Raises
    ------
    SourceError
        When there is no such file, or it is empty, unreadable or of an unknown kind.
    """
    name = str(events)
    if found := _URL.match(name):
        raise NotJudgedYet(
            f"sources like {found[0]}... are not read by this version",
            where="source.events",
            remedy=f"{_KINDS}; so are postgresql:// and spark://, and from Python frames of pandas, Polars and Arrow",
        )
    pattern, table = _split_table(name)
    paths = _find(pattern, base)
    for path in paths:
        _check(path)
    kinds = {_kind(path) for path in paths}
    if len(kinds) > 1:
        raise SourceError("the pattern matches files of different kinds", where=name, remedy="name one kind")
    kind = kinds.pop()
    if kind == "duckdb" and len(paths) > 1:
        raise SourceError("the pattern matches several DuckDB files", where=name, remedy="name one of them")
    if kind == "csv":
        header, delimiter = _common_header(name, paths)
        return Located(name, kind, paths, None, header, delimiter)
    return Located(name, kind, paths, table)


def _split_table(name: str) -> tuple[str, str | None]:
    """``file.duckdb#table`` in two; a ``#`` elsewhere is part of the path."""
    path, mark, table = name.rpartition("#")
    if mark and table and _suffix(Path(path)) in (".duckdb", ".ddb", ".db"):
        return path, table
    return name, None


def _find(pattern: str, base: Path | None) -> tuple[Path, ...]:
    path = (base or Path.cwd()) / Path(pattern).expanduser()
    try:
        if path.exists():
            return (path.resolve(),)
    except OSError as error:
        raise SourceError(f"cannot be opened ({error.strerror})", where=str(path)) from error
    # The folder is no pattern, whatever its name.
    root, wild = base or Path.cwd(), str(Path(pattern).expanduser())
    found = sorted((root / match).resolve() for match in glob.glob(wild, root_dir=root, recursive=True))  # noqa: PTH207
    if found:
        return tuple(found)
    what = "no file matches the pattern" if _WILD.search(pattern) else "there is no such file"
    raise SourceError(
        what,
        where=str(path),
        remedy="correct its name (in a policy source.events, where a relative path starts beside the policy file)",
    )


def _check(path: Path) -> None:
    if path.is_dir():
        raise SourceError("is a folder", where=str(path), remedy=f"name the files, as {path.name}/*.parquet")
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise SourceError(f"cannot be opened ({error.strerror})", where=str(path)) from error
    if size == 0:
        raise SourceError("the file is empty (0 bytes)", where=str(path), remedy="write it again")
    for begin, (what, remedy) in _FOREIGN.items():
        if start.startswith(begin):
            raise SourceError(what, where=str(path), remedy=remedy)


def _suffix(path: Path) -> str:
    """The suffix in small letters, two of them if the last is ``.gz``."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return "".join(suffixes[-2:]) if suffixes[-1:] == [".gz"] else "".join(suffixes[-1:])


def _kind(path: Path) -> Kind:
    """By suffix, or else by the first bytes."""
    known = _SUFFIXES.get(_suffix(path))
    if known is not None:
        return known
    with path.open("rb") as file:
        start = file.read(12)
    if start[:4] == b"PAR1":
        return "parquet"
    if start[8:12] == b"DUCK":
        return "duckdb"
    raise SourceError("is of no kind that is read", where=str(path), remedy=_KINDS)


def _common_header(name: str, paths: Sequence[Path]) -> tuple[tuple[str, ...], str]:
    first = _header(paths[0])
    for path in paths[1:]:
        if _header(path) != first:
            raise SourceError(
                f"its header or delimiter differs from that of {paths[0].name}",
                where=str(path),
                remedy=f"give all files of {name} the same columns in the same order",
            )
    return first


def _header(path: Path) -> tuple[tuple[str, ...], str]:
    """The column names and the delimiter of a CSV file."""
    text = _first_record(path)
    delimiter = "\t" if _suffix(path).startswith(".tsv") else _delimiter(path, text)
    fields = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
    if not any(field.strip() for field in fields):
        raise SourceError(
            "the first line names no columns",
            where=f"{path}:1",
            remedy="the file must begin with a header",
        )
    # A frame's index is often written as a first column without a name.
    names = tuple(field.strip() or f"column_{place}" for place, field in enumerate(fields, 1))
    refuse_repeated(names, str(path))
    return names, delimiter


def refuse_repeated(names: Sequence[str], where: str) -> None:
    """Refuse names that differ at most in case: SQL engines take them for one."""
    counts = Counter(name.casefold() for name in names)
    again = [name for name in names if counts[name.casefold()] > 1]
    if again:
        raise SourceError(
            f"column names are repeated: {', '.join(repr(name) for name in again)}",
            where=where,
            remedy="give each column its own name; upper and lower case count as the same",
        )


def _first_record(path: Path) -> str:
    """The first record of a file, which may go over several lines if it is quoted."""
    try:
        with _opened(path) as file:
            text = ""
            while len(text) < _HEADER_LIMIT and (line := file.readline(_HEADER_LIMIT)):
                text += line
                if text.count('"') % 2 == 0:
                    return text
    except UnicodeDecodeError as error:
        raise SourceError("is not UTF-8 text", where=str(path), remedy=AS_UTF8) from error
    except (EOFError, gzip.BadGzipFile) as error:
        raise SourceError(
            f"cannot be unpacked ({error})", where=str(path), remedy="the file is cut short or no gzip file"
        ) from error
    except OSError as error:
        raise SourceError(f"cannot be read ({error})", where=str(path)) from error
    if not text:
        raise SourceError("the file is empty (0 bytes unpacked)", where=str(path), remedy="write it again")
    raise SourceError("the header's quotes do not end", where=f"{path}:1", remedy="is this a CSV file?")


def _opened(path: Path) -> IO[str]:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _delimiter(path: Path, header: str) -> str:
    """The separator that cuts the first records into as many fields as the header.

    If several do, the one that cuts it into most; of equals not the comma, which names may hold.
    """
    bare = re.sub(r'"[^"]*"', "", header)
    present = [mark for mark in ";\t|," if mark in bare]
    if len(present) > 1:
        present = [mark for mark in present if _is_even(path, mark)] or present
    return max(present, key=bare.count, default=",")


def _is_even(path: Path, delimiter: str) -> bool:
    """Whether the first records all have as many fields as the header."""
    with _opened(path) as file:
        records = csv.reader(file, delimiter=delimiter)
        try:
            return len({len(record) for record in islice(records, _RECORDS) if record}) == 1
        except (csv.Error, UnicodeDecodeError, EOFError, OSError):
            return False  # whoever reads the rows says what is wrong with them
