"""What a newer version of rampgate recorded: read by none that is older, and never continued by it."""

from __future__ import annotations

from rampgate.errors import NewerLedger
from rampgate.estimate import STATISTICS
from rampgate.ledger import Record
from rampgate.rollout.signed import SIGNED

#: Kinds of records that this version knows.
KINDS = frozenset({"decision", *SIGNED})


def refuse_newer(record: Record) -> None:
    """Refuse a kind of record, or statistics, that this version does not have.

    Raises
    ------
    NewerLedger
    """
    where, remedy = f"record {record.sequence}", "upgrade rampgate; the ledger was left alone"
    if record.kind not in KINDS:
        what = f"the record is a {record.kind}, which this version does not know: a newer one wrote it"
        raise NewerLedger(what, where=where, remedy=remedy)
    statistics = record.entry()["versions"].get("statistics", 0)
    if statistics > STATISTICS:
        raise NewerLedger(
            f"the record was made by a newer version of rampgate (statistics {statistics}, this version has "
            f"{STATISTICS})",
            where=where,
            remedy=remedy,
        )
