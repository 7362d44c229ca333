"""Random splits of real history: every unit goes somewhere once, and nothing differs."""

from __future__ import annotations

import numpy as np
import pytest
from tests.simulation.tables import error, policy, table, value

from rampgate.aggregate.moments import BASELINE, CANDIDATE
from rampgate.errors import UsageError
from rampgate.simulation.run import run
from rampgate.simulation.splits import splits


def test_nothing_is_called_worse_more_often_than_the_budget_says(capsys):
    found = splits(policy(), table(days=56), count=400)
    with capsys.disabled():
        print(f"\n{found.splits} splits: rolled back {value(found.false_rollback):.1%}", end="")
    assert value(found.false_rollback) <= 0.05 + 3 * error(found.false_rollback)
    assert value(found.false_hold) <= 0.15 + 3 * error(found.false_hold)  # guardrails, floor and segments, 5 % each
    assert found.days == 42
    assert value(found.passed[0]) > 0.5
    assert found.to_dict() == splits(policy(), table(days=56), count=400).to_dict()


def test_every_unit_of_a_day_goes_to_one_of_both(monkeypatch):
    seen = []

    def spy(setting, units, count):
        ways = run(setting, units, count)
        seen.append((setting, units, ways))
        return ways

    monkeypatch.setattr("rampgate.simulation.splits.run", spy)
    splits(policy(), table(days=28), count=10)
    _, units, ways = seen[0]
    n = units.sums[[CANDIDATE, BASELINE], :, :, 0, 0].sum(0)
    through = np.minimum(ways.rolled + 1, n.shape[1]).min()
    each = np.bincount(units.pool.day, units.pool.weight)
    assert n[:, :through] == pytest.approx(np.broadcast_to(each, n.shape)[:, :through])


def test_too_few_splits_are_refused():
    with pytest.raises(UsageError, match="no error"):
        splits(policy(), table(), count=1)
