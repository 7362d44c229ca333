"""Which periods are old enough to be booked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from rampgate.aggregate.moments import Period
from rampgate.estimate.metric import parts_of
from rampgate.policy import Policy


def is_ripe(policy: Policy, name: str, periods: Sequence[Period], look: datetime) -> np.ndarray:
    """Whether each period is old enough at a look for a metric to be booked, (period,); for the KPI, all of its parts.

    A period enters whole and once, at the age at which the policy calls its outcomes final: what is booked as it
    becomes known compares the quick outcomes of one arm with the slow ones of the other.
    """
    return np.array([ripe_at(policy, name, p.end) <= look for p in periods], dtype=bool)


def ripe_at(policy: Policy, name: str, end: datetime) -> datetime:
    """When a period that ends at ``end`` is old enough."""
    ages = [age for part in parts_of(policy, name) if (age := policy.metrics[part].maturity) is not None]
    # Calendar days are 23 or 25 hours where clocks change; a unit's own age is counted in hours. The longer one counts.
    return max([end, *(max(age.after(end, policy.zone), end + age.timedelta) for age in ages)])
