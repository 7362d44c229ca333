"""Effects and evidence: pure functions of sufficient statistics, with leading batch axes."""

#: Version of what the gate computes. A decision is recomputed by the version it was recorded with.
STATISTICS = 2
