"""Effects and evidence: pure functions of sufficient statistics, with leading batch axes."""

from rampgate.estimate.survival import KaplanMeier, kaplan_meier

#: Version of what the gate computes. A decision is recomputed by the version it was recorded with.
STATISTICS = 2

__all__ = ["STATISTICS", "KaplanMeier", "kaplan_meier"]
