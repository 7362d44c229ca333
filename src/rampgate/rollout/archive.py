"""A case as the ledger keeps it: enough to judge it again, to the same bytes, without the rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import numpy as np

from rampgate.aggregate.moments import Cells, Intake, Period
from rampgate.judge.case import Case
from rampgate.judge.state import State
from rampgate.ledger import canonical, digest
from rampgate.policy import Policy


def period_document(cells: Cells, period: int) -> bytes:
    """One period's cells as canonical JSON."""
    p = cells.periods[period]
    rows = [
        [
            int(cells.arm[r]),
            list(cells.values[r]),
            float(cells.n[r]),
            cells.mean[r].tolist(),
            cells.comoment[r].tolist(),
            cells.low[r].tolist(),
            cells.high[r].tolist(),
            cells.malformed[r].tolist(),
            cells.digest[r],
            *_cluster(cells, r),
        ]
        for r in np.flatnonzero(cells.period == period)
    ]
    head = {
        "day": p.day.isoformat(),
        "stage": p.stage,
        "start": p.start.isoformat(),
        "end": p.end.isoformat(),
    }
    return canonical({**head, "rows": rows})


def _cluster(cells: Cells, row: Any) -> list[str]:
    """What was assigned as a whole; nothing where the policy names none, whose records stay what they were."""
    return [cells.clusters[row]] if cells.clusters else []


def period_digest(cells: Cells, rows: np.ndarray) -> str:
    """Identity of the rows of the source that a period was made of; sums differ in their last bits, this does not."""
    lines = [
        "|".join([f"{cells.arm[r]}|{cells.values[r]}|{cells.n[r]:.0f}|{cells.digest[r]}", *_cluster(cells, r)])
        for r in rows
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _fingerprint(cells: Cells, rows: np.ndarray) -> str:
    """Identity of a period's numbers to the last bit, cheaper than writing them out."""
    made = hashlib.sha256(period_digest(cells, rows).encode())
    for values in (cells.n, cells.mean, cells.comoment, cells.low, cells.high, cells.malformed):
        made.update(np.ascontiguousarray(values[rows]).tobytes())
    return made.hexdigest()


def _rows_by_period(cells: Cells) -> list[np.ndarray]:
    return [np.flatnonzero(cells.period == t) for t in range(len(cells.periods))]


def source_digest(cells: Cells, intake: Intake) -> str:
    """Identity of everything that was read for a look."""
    days = [f"{p.day}|{p.stage}" for p in cells.periods]
    periods = [period_digest(cells, rows) for rows in _rows_by_period(cells)]
    return hashlib.sha256("\n".join([*days, *periods, repr(_intake(intake))]).encode()).hexdigest()


def _intake(intake: Intake) -> dict[str, Any]:
    data = asdict(intake)
    data["newest"] = intake.newest.isoformat() if intake.newest else None
    data["other_variants"] = [list(item) for item in intake.other_variants]
    data["malformed"] = [list(item) for item in intake.malformed]
    data["crossed"] = [[start.isoformat(), *counts] for start, *counts in intake.crossed]
    for name in ("null_cluster", "crossed"):  # not there in records that have none of it
        if not data[name]:
            del data[name]
    # Rows beyond the look do not belong to it: the same look asked tomorrow is the same look.
    del data["after_as_of"], data["rows"]
    return data


def inputs(case: Case, before: Mapping[str, Any] | None = None) -> tuple[dict[str, Any], dict[str, bytes]]:
    """A case as the record's ``inputs`` and the documents they refer to by SHA-256.

    Parameters
    ----------
    case : what was judged
    before : ``inputs`` of the record before; periods whose numbers are the same are not written again
    """
    cells = case.cells
    known = {p["fingerprint"]: p["document"] for p in before["periods"]} if before is not None else {}
    pages: list[dict[str, str]] = []
    documents: dict[str, bytes] = {}
    for t, rows in enumerate(_rows_by_period(cells)):
        mark = f"{cells.periods[t].start.isoformat()} {_fingerprint(cells, rows)}"
        if mark not in known:
            page = period_document(cells, t)
            documents[digest(page)] = page
            known[mark] = digest(page)
        pages.append({"fingerprint": mark, "document": known[mark]})
    policy = canonical(case.policy.canonical())
    documents[digest(policy)] = policy
    intake = {**_intake(case.intake), "after_as_of": case.intake.after_as_of, "rows": case.intake.rows}
    body = {
        "policy": digest(policy),
        "components": list(cells.components),
        "pairs": [list(pair) for pair in cells.pairs],
        "segments": list(cells.segments),
        "periods": pages,
        "intake": intake,
        "state": case.state.to_dict(),
        "as_of": case.as_of.isoformat(),
        "look": case.look.isoformat(),
    }
    return body, documents


def restore(body: Mapping[str, Any], read: Any) -> Case:
    """The case of a record.

    Parameters
    ----------
    body : the record's ``inputs``
    read : SHA-256 -> bytes of a document
    """
    policy = Policy.from_canonical(json.loads(read(body["policy"])))
    pages = [json.loads(read(page["document"])) for page in body["periods"]]
    cells = cells_of(body["components"], body["pairs"], body["segments"], pages)
    intake = dict(body["intake"])
    intake["newest"] = datetime.fromisoformat(intake["newest"]) if intake["newest"] else None
    intake["other_variants"] = tuple((name, n) for name, n in intake["other_variants"])
    intake["crossed"] = tuple(
        (datetime.fromisoformat(start), seen, both) for start, seen, both in intake.get("crossed", ())
    )
    intake["malformed"] = tuple((name, n, example) for name, n, example in intake["malformed"])
    as_of = datetime.fromisoformat(body["as_of"]).astimezone(policy.zone)
    look = datetime.fromisoformat(body["look"]).astimezone(policy.zone)
    return Case(policy, cells, Intake(**intake), State.from_dict(body["state"]), as_of, look)


def cells_of(
    components: Sequence[str],
    pairs: Iterable[Sequence[int]],
    segments: Sequence[str],
    pages: Sequence[Mapping[str, Any]],
) -> Cells:
    """Cells from the documents of their periods."""
    periods = tuple(
        Period(
            date.fromisoformat(page["day"]),
            page["stage"],
            datetime.fromisoformat(page["start"]),
            datetime.fromisoformat(page["end"]),
        )
        for page in pages
    )
    rows = [(t, row) for t, page in enumerate(pages) for row in page["rows"]]
    linked = tuple((int(i), int(j)) for i, j in pairs)

    def matrix(at: int, width: int) -> np.ndarray:
        return np.array([row[at] for _, row in rows], dtype=float).reshape(len(rows), width)

    k, p = len(components), len(linked)
    bad = [row[7] for _, row in rows]
    return Cells(
        tuple(components),
        linked,
        periods,
        tuple(segments),
        np.array([t for t, _ in rows], dtype=np.int64),
        np.array([row[0] for _, row in rows], dtype=np.int64),
        tuple(tuple(row[1]) for _, row in rows),
        np.array([row[2] for _, row in rows], dtype=float),
        matrix(3, k),
        matrix(4, p),
        matrix(5, k),
        matrix(6, k),
        np.array(bad, dtype=np.int64).reshape(len(rows), len(bad[0]) if bad else 0),
        tuple(row[8] for _, row in rows),
        tuple(row[9] for _, row in rows if len(row) > 9),
    )
