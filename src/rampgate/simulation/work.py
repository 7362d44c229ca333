"""The work of a simulation in chunks, here or in processes beside; who does a chunk changes no number."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Protocol

import numpy as np

from rampgate.errors import RampgateError
from rampgate.simulation.baseline import Baseline
from rampgate.simulation.draw import Drawn
from rampgate.simulation.pool import Pool
from rampgate.simulation.run import Setting, Ways, run
from rampgate.simulation.scenario import Scenario, intensity
from rampgate.simulation.table import Counted

#: Rollouts of a chunk: enough to be worth numpy's while, few enough for a core's cache and for memory.
CHUNK = 100
#: Below this many rollouts no process is worth its start.
ALONE = 300
#: Each process has one core. Arrays of a chunk come and go: memory that glibc hands back each time has to be cleared
#: anew each time, which takes a quarter of the processor's time (`benchmarks/simulate.py` with and without).
_ALONE_ON_A_CORE = {
    **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TRIM_THRESHOLD_": str(2**31),
    "MALLOC_TOP_PAD_": str(2**26),
}


@dataclass(frozen=True)
class Job:
    """A chunk of one scenario."""

    scenario: Scenario
    place: int
    chunk: int
    rollouts: int


class Hand:
    """Does chunks of one simulation, one after the other."""

    def __init__(self, baseline: Baseline, periods: int, seed: int) -> None:
        self.baseline, self.seed = baseline, seed
        self.setting = Setting.of(baseline, periods)
        self.pools: dict[str, Pool] = {}

    def do(self, job: Job) -> Counted:
        """Draw and judge a chunk; its luck depends on the seed and its place alone."""
        if job.scenario.name not in self.pools:
            self.pools = {job.scenario.name: Pool.of(self.baseline, job.scenario)}
        pool, periods = self.pools[job.scenario.name], self.setting.calendar.periods
        luck = np.random.SeedSequence(self.seed, spawn_key=(job.place, job.chunk))
        rng = np.random.default_rng(luck)
        there, begin = intensity(job.scenario, job.rollouts, len(periods), rng)
        units = Drawn.of(pool, job.scenario, there, periods, rng)
        ways = run(self.setting, units, job.rollouts)
        harmed, on_hold = _harm(self.setting, job.scenario, units, ways)
        return Counted(ways.rolled, ways.failed, ways.left, begin, harmed, on_hold)


def _harm(setting: Setting, scenario: Scenario, units: Drawn, ways: Ways) -> tuple[np.ndarray, np.ndarray]:
    """Extra bad outcomes to be expected of each rollout, and the part of it while a failed criterion held it."""
    policy, at = setting.policy, np.arange(len(setting.calendar.periods))
    each = np.zeros(units.days.shape)
    if not scenario.both:
        for change in scenario.changes:
            if policy.metrics[change.metric].binary:
                each += units.pool.caused[change] * units.known(change)
    share = np.array([phase.share for phase in policy.phases])[ways.phase - 1]
    each = each * share * units.intensity * (at <= ways.rolled[:, None])
    return each.sum(1), (each * (at > ways.failed[:, None])).sum(1)


class Worker(Protocol):
    """Whoever does jobs."""

    def do(self, job: Job) -> Counted:
        """Draw and judge a chunk."""


class Beside:
    """A hand in a process of its own, which has one core to itself."""

    def __init__(self, baseline: Baseline, periods: int, seed: int) -> None:
        command = [sys.executable, "-P", "-c", "from rampgate.simulation.work import serve; serve()"]
        own, given = str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")
        paths = own if not given else os.pathsep.join((own, given))
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **_ALONE_ON_A_CORE, "PYTHONPATH": paths},
        )
        with suppress(OSError):  # if it has ended already, who gives it a job is told
            self._say((baseline, periods, seed))

    def do(self, job: Job) -> Counted:
        assert self.process.stdout is not None
        try:
            self._say(job)
            answer = pickle.load(self.process.stdout)
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            raise RampgateError("a process that simulates ended", remedy="run again with --workers 1") from error
        if isinstance(answer, BaseException):
            raise answer
        assert isinstance(answer, Counted)
        return answer

    def _say(self, what: Any) -> None:
        assert self.process.stdin is not None
        pickle.dump(what, self.process.stdin)
        self.process.stdin.flush()

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()


def serve() -> None:
    """What a process beside does: read who it works for, then job after job, until nobody asks any more."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    hand = Hand(*pickle.load(source))
    while True:
        try:
            job = pickle.load(source)
        except EOFError:
            return
        try:
            answer: object = hand.do(job)
        except Exception as error:  # noqa: BLE001 - raised again by whoever asked
            answer = error
        pickle.dump(answer, sink)
        sink.flush()


def work(
    baseline: Baseline,
    scenarios: Sequence[tuple[int, Scenario]],
    rollouts: int,
    periods: int,
    seed: int,
    workers: int | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Counted]:
    """What came of each scenario's rollouts, in their order.

    Parameters
    ----------
    scenarios : each with its place in the policy's list, which its luck depends on
    workers : processes; as many as there are cores when left out
    """
    sizes = [min(CHUNK, rollouts - begin) for begin in range(0, rollouts, CHUNK)]
    jobs = [Job(one, place, chunk, size) for place, one in scenarios for chunk, size in enumerate(sizes)]
    many = min(workers or _cores(), len(jobs)) if rollouts * len(scenarios) > ALONE or workers else 1
    done: list[Counted | None] = [None] * len(jobs)
    with _hands(baseline, periods, seed, many) as hands, ThreadPoolExecutor(many) as pool:
        free: SimpleQueue[Worker] = SimpleQueue()
        for hand in hands:
            free.put(hand)

        def one(at: int) -> int:
            hand = free.get()
            try:
                done[at] = hand.do(jobs[at])
            finally:
                free.put(hand)
            return at

        waiting = [pool.submit(one, at) for at in range(len(jobs))]
        try:
            for count, finished in enumerate(as_completed(waiting), start=1):
                job = jobs[finished.result()]
                say(f"{job.scenario.name}: {count * 100 // len(jobs)} % of {len(scenarios)} scenarios")
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    found = [counted for counted in done if counted is not None]
    for begin in range(0, len(jobs), len(sizes)):
        yield Counted.joined(found[begin : begin + len(sizes)])


@contextmanager
def _hands(baseline: Baseline, periods: int, seed: int, many: int) -> Iterator[list[Worker]]:
    if many <= 1 or not sys.executable:
        yield [Hand(baseline, periods, seed)]
        return
    with ExitStack() as stack:
        hands: list[Worker] = []
        for _ in range(many):
            beside = Beside(baseline, periods, seed)
            stack.callback(beside.close)
            hands.append(beside)
        yield hands


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
