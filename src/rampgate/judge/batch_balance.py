"""Means with a covariate for many rollouts at once: from the look on at which it is told to differ they do without."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from rampgate.aggregate.marginals import Arm

if TYPE_CHECKING:
    from rampgate.judge.batch import Batch, Verdicts


def by_balance(batch: Batch, judge: Callable[[Batch], Verdicts]) -> Verdicts:
    """Judge every look by the covariates that are alike in both arms as far as that look sees.

    Parameters
    ----------
    judge : judges a batch whose means are adjusted as its data say
    """
    names = batch.data.with_covariate
    differ = np.stack([_differ(batch, name) for name in names])
    found = judge(_adjusted(batch, names))
    if not differ.any():
        return found
    parts = ["rollback", "failing", *found.holds]
    flags = {part: getattr(found, part) if part in ("rollback", "failing") else found.holds[part] for part in parts}
    flags = {part: flag.copy() for part, flag in flags.items()}
    for some in np.unique(differ.reshape(len(names), -1), axis=1).T:
        if not some.any():
            continue
        here = (differ == some[:, None, None]).all(0)
        rows = np.flatnonzero(here.any(1))
        kept = tuple(name for name, gone in zip(names, some, strict=True) if not gone)
        again = judge(_adjusted(_rows(batch, rows), kept))
        for part, flag in flags.items():
            new = getattr(again, part) if part in ("rollback", "failing") else again.holds[part]
            flag[rows] = np.where(here[rows], new, flag[rows])
    flags["missing_labels"] |= differ.any(0)
    rollback, failing = flags.pop("rollback"), flags.pop("failing")
    return replace(found, rollback=rollback, failing=failing, holds=flags)


def _differ(batch: Batch, name: str) -> np.ndarray:
    """Whether a covariate has been told to differ by each look, (rollout, look)."""
    path = batch.overall.covariate_evidence(name) >= batch.data.bar_of_covariates()
    booked = batch.calendar.booked[name]
    reached = np.maximum.accumulate(path, axis=-1)
    return np.where(booked > 0, reached[..., np.maximum(booked - 1, 0)], False)


def _adjusted(batch: Batch, names: tuple[str, ...]) -> Batch:
    return replace(batch, data=replace(batch.data, balanced=names, made={}))


def _rows(batch: Batch, rows: np.ndarray) -> Batch:
    """Some of the rollouts."""
    data = batch.data
    lives = {name: replace(one, counts=one.counts[:, rows]) for name, one in data.lives.items()}
    c, b = (_some(arm, rows) for arm in data.run)
    part = replace(data, run=(c, b), lives=lives, made={})
    return replace(batch, data=part, begin=batch.begin[rows], share=batch.share[rows])


def _some(arm: Arm, rows: np.ndarray) -> Arm:
    return replace(arm, **{name: getattr(arm, name)[rows] for name in ("n", "mean", "comoment", "low", "high")})
