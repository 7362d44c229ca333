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
    ages = [age for part in parts_of(policy, name) if (age := policy.metrics[part].maturity) is not None]
    # Calendar days are 23 or 25 hours where clocks change; a unit's own age is counted in hours. The longer one counts.
    return np.array(
        [all(max(age.after(p.end, policy.zone), p.end + age.timedelta) <= look for age in ages) for p in periods],
        dtype=bool,
    )
