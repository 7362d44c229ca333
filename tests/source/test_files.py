"""What stands at a path is found, or refused with what, where and the remedy."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from rampgate.errors import NotJudgedYet, SourceError
from rampgate.source.files import locate


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def test_a_relative_path_starts_at_the_base(tmp_path: Path) -> None:
    path = write(tmp_path / "t" / "a.csv", "x,y\n1,2\n")
    assert locate("t/a.csv", tmp_path).paths == (path.resolve(),)
    assert locate(str(path), Path("/nowhere")).paths == (path.resolve(),)


def test_without_a_base_it_starts_at_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a.csv", "x\n1\n")
    monkeypatch.chdir(tmp_path)
    assert [path.name for path in locate("*.csv").paths] == ["a.csv"]


def test_a_pattern_matches_sorted_and_below(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "deep/c.csv"):
        write(tmp_path / name, "x\n1\n")
    assert [path.name for path in locate("*.csv", tmp_path).paths] == ["a.csv", "b.csv"]
    assert [path.name for path in locate("**/*.csv", tmp_path).paths] == ["a.csv", "b.csv", "c.csv"]


@pytest.mark.parametrize(
    ("name", "text", "header", "delimiter"),
    [
        ("a.csv", "unit,when\n1,2\n", ("unit", "when"), ","),
        ("a.csv", "unit;when, exactly\n1;2\n", ("unit", "when, exactly"), ";"),
        ("a.csv", "unit|when\n1|2\n", ("unit", "when"), "|"),
        ("a.csv", "a;x,b;x,c;x\n1,2,3\n4,5,6\n", ("a;x", "b;x", "c;x"), ","),
        ("a.csv", "a,x;b,x\n1;2\n", ("a,x", "b,x"), ";"),
        ("a.csv", "\ufeffunit,when\n1,2\n", ("unit", "when"), ","),
        ("a.csv", '\ufeff"unit";"a;b,c,d,e"\r\n1;2\r\n', ("unit", "a;b,c,d,e"), ";"),
        ("a.csv", '"two\nlines",b\n1,2\n', ("two\nlines", "b"), ","),
        ("a.csv", '"say ""so""",b\n1,2\n', ('say "so"', "b"), ","),
        ("a.csv", ",b\n0,2\n", ("column_1", "b"), ","),
        ("a.csv", "alone\n1\n", ("alone",), ","),
        ("a.csv", "no line end,b", ("no line end", "b"), ","),
        ("a.tsv", "a,b\tc\n1\t2\n", ("a,b", "c"), "\t"),
        ("a.csv.gz", "größe,ünit\n1,2\n", ("größe", "ünit"), ","),
        ("A.CSV", "a,b\n1,2\n", ("a", "b"), ","),
    ],
)
def test_header_and_delimiter(tmp_path: Path, name: str, text: str, header: tuple[str, ...], delimiter: str) -> None:
    write(tmp_path / name, text)
    found = locate(name, tmp_path)
    assert (found.kind, found.header, found.delimiter) == ("csv", header, delimiter)


def test_the_kind_of_an_unknown_suffix_is_read_from_its_first_bytes(tmp_path: Path) -> None:
    (tmp_path / "rows.dat").write_bytes(b"PAR1 and more than that PAR1")
    assert locate("rows.dat", tmp_path).kind == "parquet"
    (tmp_path / "rows.bin").write_bytes(bytes(8) + b"DUCK" + bytes(8))
    assert locate("rows.bin", tmp_path).kind == "duckdb"


def test_a_hash_names_a_table_of_a_duckdb_file_only(tmp_path: Path) -> None:
    write(tmp_path / "a.duckdb", "x")
    write(tmp_path / "b#1.csv", "x\n1\n")
    assert locate("a.duckdb#tickets", tmp_path).table == "tickets"
    assert locate("a.duckdb", tmp_path).table is None
    assert locate("b#1.csv", tmp_path).paths[0].name == "b#1.csv"


@pytest.mark.parametrize(
    ("name", "content", "what", "where", "remedy"),
    [
        ("a.csv", b"", "empty (0 bytes)", "a.csv", "write it again"),
        ("a.parquet", b"", "empty (0 bytes)", "a.parquet", "write it again"),
        ("a.csv.gz", gzip.compress(b"", mtime=0), "empty", "a.csv.gz", "write it again"),
        ("a.csv.gz", gzip.compress(b"a,b\n" * 9, mtime=0)[:14], "cannot be unpacked", "a.csv.gz", "cut short"),
        ("a.csv.gz", b"a,b\n1,2\n", "cannot be unpacked", "a.csv.gz", "no gzip file"),
        ("a.csv", "a,é\n".encode("latin-1"), "not UTF-8", "a.csv", "save it as UTF-8"),
        ("a.csv", b"\n1,2\n", "names no columns", "a.csv:1", "begin with a header"),
        ("a.csv", b"a,b,A\n1,2,3\n", "repeated: 'a', 'A'", "a.csv", "its own name"),
        ("a.csv", b'"a,b\n1,2\n', "quotes do not end", "a.csv:1", "CSV"),
        ("a.json", b"[{}]", "no kind that is read", "a.json", "Parquet (.parquet), CSV"),
        ("a.xlsx", b"PK\x03\x04", "a spreadsheet", "a.xlsx", "pandas.read_excel"),
        ("a.csv", b"PK\x03\x04", "a spreadsheet", "a.csv", "CSV UTF-8"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1", "a spreadsheet", "a.xls", "CSV UTF-8"),
        ("a.csv", "a,b\n1,2\n".encode("utf-16"), "is UTF-16 text", "a.csv", "iconv -f UTF-16"),
    ],
)
def test_what_cannot_be_read_is_refused(
    tmp_path: Path, name: str, content: bytes, what: str, where: str, remedy: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError) as caught:
        locate(name, tmp_path)
    assert what in caught.value.what
    assert caught.value.where is not None
    assert caught.value.where.endswith(where)
    assert caught.value.remedy is not None
    assert remedy in caught.value.remedy
    assert caught.value.exit_code == 1


@pytest.mark.parametrize(
    ("name", "what"), [("tickets.csv", "there is no such file"), ("tick*.csv", "no file matches the pattern")]
)
def test_a_missing_file_says_what_was_looked_for(tmp_path: Path, name: str, what: str) -> None:
    with pytest.raises(SourceError, match=what) as caught:
        locate(name, tmp_path)
    assert caught.value.where == str(tmp_path / name)
    assert "beside the policy file" in str(caught.value)


def test_a_folder_is_refused_with_the_pattern_to_write(tmp_path: Path) -> None:
    write(tmp_path / "t" / "a.parquet", "x")
    with pytest.raises(SourceError, match=r"t/\*.parquet"):
        locate("t", tmp_path)


def test_files_of_one_pattern_must_be_alike(tmp_path: Path) -> None:
    write(tmp_path / "one" / "a.csv", "a,b\n1,2\n")
    write(tmp_path / "one" / "b.csv", "b,a\n1,2\n")
    with pytest.raises(SourceError, match=r"b\.csv: its header or delimiter differs from that of a\.csv"):
        locate("one/*.csv", tmp_path)
    write(tmp_path / "two" / "a.csv", "a\n1\n")
    write(tmp_path / "two" / "b.parquet", "x")
    with pytest.raises(SourceError, match="different kinds"):
        locate("two/*", tmp_path)
    write(tmp_path / "three" / "a.duckdb", "x")
    write(tmp_path / "three" / "b.duckdb", "x")
    with pytest.raises(SourceError, match="several DuckDB files"):
        locate("three/*", tmp_path)


def test_a_database_that_is_not_read_yet_is_said_so() -> None:
    with pytest.raises(NotJudgedYet, match="postgresql://") as caught:
        locate("postgresql://host/tickets")
    assert caught.value.exit_code == 2
