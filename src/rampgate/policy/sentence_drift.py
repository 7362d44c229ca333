"""What the policy watches for drift, as sentences."""

from __future__ import annotations

from collections.abc import Iterator

from rampgate.policy.drift import Drift
from rampgate.policy.model import Policy
from rampgate.policy.values import percent

_NAMES = {
    "psi": "population stability index",
    "js": "Jensen-Shannon distance",
    "ks": "Kolmogorov-Smirnov distance",
    "wasserstein": "Wasserstein distance in its own unit",
    "wasserstein_scaled": "Wasserstein distance in standard deviations of the reference",
}


def drift_sentences(policy: Policy) -> Iterator[str]:
    """What is compared with what, from where on it is said, and what it does."""
    drift = policy.drift
    if drift is None:
        return
    window = policy.source.window
    latest = f"the latest complete {window if isinstance(window, str) else f'window of {window.words()}'}"
    for name, alert in drift.columns.items():
        levels = drift.levels(name)
        warned = alert.warned(levels)
        far = [f"{_NAMES[m]} {level:g} or more (said from {warned[m]:g})" for m, level in levels.items() if m in _NAMES]
        if drift.calibrated(name):
            far = ["further than the reference's own windows are from each other"]
        yield (
            f"Hold when {name} in {latest}, of either version, is away from {_reference(drift)}: "
            f"{' or '.join(far)}, and beyond chance; or when {percent(levels['missing'])} more or fewer of its values "
            "are missing."
        )
    if drift.false_alerts is not None:
        yield (
            "The distances that are not given are found in the reference, so that by chance about "
            f"{drift.false_alerts:g} windows a year of each version would alarm, over all such columns together."
        )
    if drift.rollback:
        yield "Drift of the candidate alone rolls back; drift of both versions is the world's, and holds."
    else:
        yield "Drift holds and never rolls back by itself."


def drift_defaults(policy: Policy) -> Iterator[tuple[str, str]]:
    """Keys of the section that the file leaves out, and what they are then."""
    drift = policy.drift
    if drift is None:
        return
    if "reference" not in drift.model_fields_set:
        yield "drift.reference", "the baseline's days before the start"
    for name, alert in drift.columns.items():
        if not alert.given() and drift.false_alerts is None:
            yield f"drift.columns.{name}.psi", f"{drift.levels(name)['psi']:g}"
        if "missing" not in alert.model_fields_set:
            yield f"drift.columns.{name}.missing", percent(alert.missing)


def _reference(drift: Drift) -> str:
    reference = drift.reference
    if reference is None:
        return "the baseline's days before the start"
    if reference.file is not None:
        return reference.file
    return f"the baseline's days from {reference.from_} until {reference.to}"
