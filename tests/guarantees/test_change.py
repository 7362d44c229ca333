"""False alarms of the watch after the last phase, by simulation; the table is in decision 0024.

The accepted rate is one a year. The same evidence without a law for days breaks it by far, which shows that the worlds
can tell.
"""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.change import WORLDS, YEAR, World, alarms

COUNT = 20
BY_NAME = {world.name: world for world in WORLDS}


@pytest.mark.parametrize("name", ["the same, lasting (.5)", "reference of a ramp", "10 units a day: weeks"])
def test_false_alarms_are_as_rare_as_asked(name: str) -> None:
    quiet, plain = alarms(BY_NAME[name], COUNT, 1)
    rate, error = quiet.a_year()
    assert rate <= 1.0 + 3 * error
    if BY_NAME[name].days and BY_NAME[name].units >= 300:
        assert plain.a_year()[0] > 5


def test_a_change_is_found_soon_where_days_are_alike() -> None:
    world = World("small", days=0.0)
    for shift in (0.05, -0.05):
        found, _ = alarms(world, 10, 3, shift, since=28)
        late = found.day - 28 + 1
        assert np.median(late) <= 10
        assert (found.day < YEAR).all()
        assert (found.up == (shift > 0)).all()
