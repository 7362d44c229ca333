"""rampgate: whether an AI system that is being rolled out in phases may go on, must wait, or must go back.

The everyday names are imported when they are first used, so that ``rampgate --help`` does not wait for an engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rampgate.shown import register

__version__ = "0.1.0"

if TYPE_CHECKING:
    from rampgate import demo as demo
    from rampgate import errors as errors
    from rampgate import estimate as estimate
    from rampgate import ledger as ledger
    from rampgate import policy as policy
    from rampgate.comparison.drifted import drift
    from rampgate.comparison.table import compare
    from rampgate.comparison.values import Comparison
    from rampgate.errors import RampgateError
    from rampgate.judge.decision import Decision
    from rampgate.judge.drifted import DriftTable
    from rampgate.ledger import Ledger
    from rampgate.policy import Policy, load_policy
    from rampgate.rollout.evaluate import check
    from rampgate.rollout.replay import replay
    from rampgate.simulation.simulate import simulate
    from rampgate.simulation.table import Simulation

_HOMES = {
    "Comparison": "rampgate.comparison.values",
    "Decision": "rampgate.judge.decision",
    "DriftTable": "rampgate.judge.drifted",
    "Ledger": "rampgate.ledger",
    "Policy": "rampgate.policy",
    "RampgateError": "rampgate.errors",
    "Simulation": "rampgate.simulation.table",
    "check": "rampgate.rollout.evaluate",
    "compare": "rampgate.comparison.table",
    "drift": "rampgate.comparison.drifted",
    "load_policy": "rampgate.policy",
    "replay": "rampgate.rollout.replay",
    "simulate": "rampgate.simulation.simulate",
}

#: Rooms that users reach for by name, imported as late: ``rampgate.estimate.two_proportions``.
_ROOMS = ("demo", "errors", "estimate", "ledger", "policy")

# How a notebook shows them; the renderers are loaded when one asks.
for _kind, _renderer in {
    "rampgate.comparison.values:Comparison": "rampgate.report.notebook_compared:comparison",
    "rampgate.estimate.anytime:ConfidenceSequence": "rampgate.report.notebook:estimate",
    "rampgate.estimate.anytime:Evidence": "rampgate.report.notebook:estimate",
    "rampgate.estimate.difference:Difference": "rampgate.report.notebook:estimate",
    "rampgate.estimate.strata:LogRank": "rampgate.report.notebook:estimate",
    "rampgate.judge.decision:Decision": "rampgate.report.notebook:decision",
    "rampgate.judge.drifted:DriftTable": "rampgate.report.drift_view:notebook",
    "rampgate.policy.model:Policy": "rampgate.report.notebook:policy",
    "rampgate.rollout.replay:Looks": "rampgate.report.notebook:looks",
    "rampgate.simulation.table:Simulation": "rampgate.report.simulated_view:notebook",
}.items():
    register(_kind, _renderer)

__all__ = [
    "Comparison",
    "Decision",
    "DriftTable",
    "Ledger",
    "Policy",
    "RampgateError",
    "Simulation",
    "__version__",
    "check",
    "compare",
    "drift",
    "load_policy",
    "replay",
    "simulate",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _ROOMS:
        return import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted((*__all__, *_ROOMS))
