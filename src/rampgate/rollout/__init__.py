"""The only orchestrator and the only clock: read, judge, record."""
