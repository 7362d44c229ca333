"""A case as the ledger keeps it: enough to judge it again, to the same bytes, without the rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import numpy as np
from pydantic_core import from_json

from rampgate.aggregate.moments import Cells, Intake, Period, Tally
from rampgate.judge.case import Case
from rampgate.judge.mandate import Mandate
from rampgate.judge.order import Unheeded
from rampgate.judge.reviews import OpenReview
from rampgate.judge.state import State
from rampgate.ledger import canonical, digest, look_key
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
            *([[_counts(tally, int(r)) for tally in cells.tallies]] if cells.tallies else []),
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


def _counts(tally: Tally, row: int) -> list[list[int]]:
    """Bins and units of one row of the cells."""
    begin, end = np.searchsorted(tally.row, (row, row + 1))
    return [[int(k), int(n)] for k, n in zip(tally.bin[begin:end], tally.count[begin:end], strict=True)]


def _cluster(cells: Cells, row: Any) -> list[str]:
    """What was assigned as a whole; nothing where the policy names none, whose records stay what they were."""
    return [cells.clusters[row]] if cells.clusters else []


def period_digest(cells: Cells, rows: np.ndarray) -> str:
    """Identity of the rows of the source that a period was made of; sums differ in their last bits, this does not."""
    lines = [
        "|".join([f"{arm}|{cells.values[r]}|{n:.0f}|{cells.digest[r]}", *_cluster(cells, r)])
        for r, arm, n in zip(rows.tolist(), cells.arm[rows].tolist(), cells.n[rows].tolist(), strict=True)
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _fingerprint(cells: Cells, period: int, rows: np.ndarray) -> str:
    """Identity of a period and its numbers to the last bit, cheaper than writing them out."""
    p = cells.periods[period]
    # Another attempt, or another exposure, may number the stages anew and keep all numbers.
    made = hashlib.sha256(f"{p.day}|{p.stage}|{p.end.isoformat()}|{period_digest(cells, rows)}".encode())
    for values in (cells.n, cells.mean, cells.comoment, cells.low, cells.high, cells.malformed):
        made.update(np.ascontiguousarray(values[rows]).tobytes())
    for tally in cells.tallies:
        mine = tally.of(rows, len(cells.n))
        made.update(b"".join(values.tobytes() for values in (mine.row, mine.bin, mine.count)))
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
    data["wrong"] = [list(item) for item in intake.wrong]
    data["merged"] = [list(item) for item in intake.merged]
    for name in (
        "null_cluster",
        "crossed",
        "missing_candidate",
        "wrong",
        "merged",
    ):  # not there in records that have none of it
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
        mark = f"{cells.periods[t].start.isoformat()} {_fingerprint(cells, t, rows)}"
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
    if cells.tallies:
        body["tallies"] = [tally.metric for tally in cells.tallies]
    if case.mandate is not None:
        body["mandate"] = case.mandate.to_dict()
    if case.changed is not None:
        body["changed"] = list(case.changed)
    if case.unheeded:
        body["unheeded"] = [vars(one) for one in case.unheeded]
    if case.reviews is not None:  # an empty list says that nothing was left; records from before it say nothing
        body["reviews"] = [one.to_dict() for one in case.reviews]
    return body, documents


def question(case: Case, source: str) -> str:
    """The key of a look: the same question about the same rows, with the same approvals and reviews, has the same key.

    Parameters
    ----------
    source : digest of everything that was read
    """
    asked = case.policy.sha256() if case.mandate is None else case.mandate.given
    key = look_key(case.policy.rollout, case.state.attempt, case.look.isoformat(), asked, source)
    if case.mandate is not None:
        key = f"{key}|{digest(canonical(case.mandate.to_dict()))}"
    if case.unheeded:
        key = f"{key}|{digest(canonical([vars(one) for one in case.unheeded]))}"
    return f"{key}|{digest(canonical([one.to_dict() for one in case.reviews]))}" if case.reviews else key


def named(body: Mapping[str, Any]) -> list[str]:
    """The SHA-256 of every document that a record's ``inputs`` refer to."""
    given = [body["mandate"]["given"]] if "mandate" in body else []
    given += [keys] if (keys := body.get("people", {}).get("keys")) is not None else []
    return [*dict.fromkeys((body["policy"], *given)), *(page["document"] for page in body["periods"])]


def restore(body: Mapping[str, Any], read: Any) -> Case:
    """The case of a record.

    Parameters
    ----------
    body : the record's ``inputs``
    read : SHA-256 -> bytes of a document
    """
    policy = policy_of(body, read)
    # One page after the other: the numbers of a year held as Python's own take longer to look after than to read.
    # Pydantic reads them in two thirds of the time of `json`, to the same bits.
    pages = (from_json(read(page["document"])) for page in body["periods"])
    cells = cells_of(body["components"], body["pairs"], body["segments"], pages, body.get("tallies", ()))
    as_of = datetime.fromisoformat(body["as_of"]).astimezone(policy.zone)
    look = datetime.fromisoformat(body["look"]).astimezone(policy.zone)
    mandate = Mandate.from_dict(body["mandate"]) if "mandate" in body else None
    changed = tuple(body["changed"]) if "changed" in body else None
    unheeded = tuple(Unheeded(**one) for one in body.get("unheeded", ()))
    reviews = tuple(map(OpenReview.from_dict, body["reviews"])) if "reviews" in body else None
    more: dict[str, Any] = {"mandate": mandate, "changed": changed, "unheeded": unheeded, "reviews": reviews}
    return Case(policy, cells, intake_of(body), State.from_dict(body["state"]), as_of, look, **more)


def policy_of(body: Mapping[str, Any], read: Any) -> Policy:
    """The policy of a record; parameters as for `restore`."""
    return Policy.from_canonical(json.loads(read(body["policy"])))


def intake_of(body: Mapping[str, Any]) -> Intake:
    """What happened to the rows of a record, from its ``inputs``."""
    intake = dict(body["intake"])
    intake["newest"] = datetime.fromisoformat(intake["newest"]) if intake["newest"] else None
    intake["other_variants"] = tuple((name, n) for name, n in intake["other_variants"])
    intake["crossed"] = tuple(
        (datetime.fromisoformat(start), seen, both) for start, seen, both in intake.get("crossed", ())
    )
    intake["malformed"] = tuple((name, n, example) for name, n, example in intake["malformed"])
    intake["wrong"] = tuple((name, why) for name, why in intake.get("wrong", ()))
    intake["merged"] = tuple((name, count) for name, count in intake.get("merged", ()))
    return Intake(**intake)


def cells_of(
    components: Sequence[str],
    pairs: Iterable[Sequence[int]],
    segments: Sequence[str],
    pages: Iterable[Mapping[str, Any]],
    tallies: Sequence[str] = (),
) -> Cells:
    """Cells from the documents of their periods."""
    linked = tuple((int(i), int(j)) for i, j in pairs)
    periods: list[Period] = []
    period: list[int] = []
    values: list[tuple[str, ...]] = []
    digests: list[str] = []
    counts: list[Sequence[Sequence[Sequence[int]]]] = []
    clusters: list[str] = []
    k, p = len(components), len(linked)
    blocks = [tuple(np.zeros(shape) for shape in ((0,), (0,), (0, k), (0, p), (0, k), (0, k)))]
    bad: list[np.ndarray] = []
    for t, page in enumerate(pages):
        moments = (datetime.fromisoformat(page[key]) for key in ("start", "end"))
        periods.append(Period(date.fromisoformat(page["day"]), page["stage"], *moments))
        rows = page["rows"]
        period += [t] * len(rows)
        values += [tuple(row[1]) for row in rows]
        bad += [np.array([row[7] for row in rows], dtype=np.int64)] if rows else []
        digests += [row[8] for row in rows]
        counts += [row[9] for row in rows] if tallies else []
        # The cluster stands last, where the policy named one.
        clusters += [row[-1] for row in rows if len(row) > (10 if tallies else 9)]
        numbers = (np.array([row[at] for row in rows], dtype=float) for at in (0, 2, 3, 4, 5, 6))
        blocks.append(tuple(x.reshape(len(rows), *like.shape[1:]) for x, like in zip(numbers, blocks[0], strict=True)))
    arm, n, mean, comoment, low, high = (np.concatenate(column) for column in zip(*blocks, strict=True))
    return Cells(
        tuple(components),
        linked,
        tuple(periods),
        tuple(segments),
        np.array(period, dtype=np.int64),
        arm.astype(np.int64),
        tuple(values),
        n,
        mean,
        comoment,
        low,
        high,
        np.concatenate(bad) if bad else np.zeros((0, 0), dtype=np.int64),
        tuple(digests),
        tuple(_tally(metric, [bins[h] for bins in counts]) for h, metric in enumerate(tallies)),
        tuple(clusters),
    )


def _tally(metric: str, rows: Sequence[Sequence[Sequence[int]]]) -> Tally:
    """A histogram from the bins and units of each row."""
    flat = np.array([(r, k, n) for r, bins in enumerate(rows) for k, n in bins], dtype=np.int64).reshape(-1, 3)
    return Tally(metric, flat[:, 0], flat[:, 1], flat[:, 2].astype(float))
