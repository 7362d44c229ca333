"""Covariates for many rollouts: from the look on at which one is told to differ, its metric does without it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from tests.simulation.test_same_decision import PERIODS, ROLLOUTS, drawn

from rampgate.judge import batch_balance
from rampgate.judge.batch import Batch, _verdicts, verdicts


def test_each_look_is_judged_by_the_covariates_that_are_alike_as_far_as_it_sees(monkeypatch):
    _, _, setting, units, ways = drawn("covariates", 0.45)
    every = np.arange(ROLLOUTS)
    units.fill(every, ways.rolled + 1, PERIODS, (0.5, 0.5))
    data = setting.data(units.arms(every, PERIODS), PERIODS)
    batch = Batch(data, setting.calendar, 2, np.zeros(ROLLOUTS, dtype=int), np.full((ROLLOUTS, PERIODS), np.nan))
    by = {kept: _verdicts(replace(batch, data=replace(data, balanced=kept, made={}))) for kept in (("score",), ())}
    differ = np.zeros((ROLLOUTS, PERIODS), dtype=bool)
    differ[0, 5:] = True
    monkeypatch.setattr(batch_balance, "_differ", lambda batch, name: differ)
    found = verdicts(batch)
    for code, flags in found.holds.items():
        wanted = np.where(differ, by[()].holds[code], by[("score",)].holds[code])
        assert (flags == (wanted | differ if code == "missing_labels" else wanted)).all(), code
    assert (found.rollback == np.where(differ, by[()].rollback, by[("score",)].rollback)).all()
    apart = [(by[()].holds[code] != flags).any() for code, flags in by[("score",)].holds.items()]
    assert any(apart) or (by[()].rollback != by[("score",)].rollback).any()  # else nothing was told apart


def test_a_covariate_of_one_arm_alone_is_told_to_differ():
    _, _, setting, units, ways = drawn("covariates", 0.0)
    every = np.arange(ROLLOUTS)
    units.fill(every, ways.rolled + 1, PERIODS, (0.5, 0.5))
    candidate, baseline = units.arms(every, PERIODS)
    at = candidate.components.index("score:covariate")
    mean, low, high = candidate.mean.copy(), candidate.low.copy(), candidate.high.copy()
    for values in (mean, low, high):
        values[0, ..., at] += 1.0 * (candidate.n[0] > 0)
    data = setting.data((replace(candidate, mean=mean, low=low, high=high), baseline), PERIODS)
    batch = Batch(data, setting.calendar, 1, np.zeros(ROLLOUTS, dtype=int), np.full((ROLLOUTS, PERIODS), np.nan))
    flags = verdicts(batch).holds["missing_labels"]
    assert flags[0, -1]
    assert not flags[1:].any()
