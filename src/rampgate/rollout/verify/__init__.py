"""Whether a ledger is what it says: its chain, its tables, its states, and every decision judged again."""

from rampgate.rollout.verify.book import Verification, verify_ledger
from rampgate.rollout.verify.decision import same_decision

__all__ = ["Verification", "same_decision", "verify_ledger"]
