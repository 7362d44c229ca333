"""Effects and evidence: pure functions of sufficient statistics, with leading batch axes.

The names listed here are for use alone, in a notebook; the gate uses the same contrasts, increments and intervals.
`evidence` is the function, also where the module of that name was imported.
"""

from rampgate.estimate.anytime import (
    ChiSquare,
    ConfidenceSequence,
    Evidence,
    SampleRatio,
    confidence_sequence,
    evidence,
    goodness_of_fit,
    rare_evidence,
    sample_ratio,
)
from rampgate.estimate.detect import Change, detect_change
from rampgate.estimate.difference import Difference
from rampgate.estimate.expected import Expected, expected_share
from rampgate.estimate.fixed import Adjusted, Sample, cuped, ratio, two_means, two_proportions
from rampgate.estimate.histogram import Quantile, log_edges, quantile
from rampgate.estimate.strata import LogRank, log_rank, log_rank_counts, mantel_haenszel
from rampgate.estimate.survival import KaplanMeier, kaplan_meier

#: Version of what the gate computes. A decision is recomputed by the version it was recorded with.
STATISTICS = 5

__all__ = [
    "STATISTICS",
    "Adjusted",
    "Change",
    "ChiSquare",
    "ConfidenceSequence",
    "Difference",
    "Evidence",
    "Expected",
    "KaplanMeier",
    "LogRank",
    "Quantile",
    "Sample",
    "SampleRatio",
    "confidence_sequence",
    "cuped",
    "detect_change",
    "evidence",
    "expected_share",
    "goodness_of_fit",
    "kaplan_meier",
    "log_edges",
    "log_rank",
    "log_rank_counts",
    "mantel_haenszel",
    "quantile",
    "rare_evidence",
    "ratio",
    "sample_ratio",
    "two_means",
    "two_proportions",
]
