"""The append-only ledger: what was decided, on which numbers, linked by SHA-256."""

from rampgate.ledger.chain import GENESIS, link, verify
from rampgate.ledger.export import export
from rampgate.ledger.record import Record, canonical, digest, look_key
from rampgate.ledger.store import Ledger

__all__ = ["GENESIS", "Ledger", "Record", "canonical", "digest", "export", "link", "look_key", "verify"]
