"""Incidents and their reviews: pure values, derived from the records of a ledger."""
