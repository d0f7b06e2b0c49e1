"""Multilevel splitting: probabilities far below one over the number of draws, of events {score(z) ≤ level} of normals z.

P(score ≤ target) = ∏ₖ P(score ≤ ℓₖ | score ≤ ℓₖ₋₁), with levels ℓ₁ > ℓ₂ > … each of which about half of the particles pass
(Au & Beck 2001, subset simulation; Botev & Kroese 2012; Cérou, Del Moral, Furon & Guyader 2012). A level is the score of
the particle at the quantile, and *all* particles that tie with it or lie above are dropped: the product of the shares that
remain is then unbiased for any score, tied ones included (Bréhier et al. 2016). Dropped particles are replaced by copies
of the others, then all of them move by steps that keep the standard normal law within {score ≤ ℓ}:

- z' = √(1−s²) z + s ξ (preconditioned Crank-Nicolson; Cotter et al. 2013), with s steered to 25 % accepted moves;
- slices along lines (elliptical slice sampling in one direction; Murray, Adams & MacKay 2010), along a coordinate or along
  the difference of two particles of the other half: no step size, so that they work where every particle needs its own.

`split` does this for a score of normals; `split_clouds` for anything whose particles can move within {score ≤ ℓ}: genotypes
of whole numbers, or networks whose moves are compiled. Logarithms are natural throughout (nats).
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from slt_bias import streams
from slt_bias._splitting_moves import NormalCloud
from slt_bias.errors import InputError
from slt_bias.estimate import Estimate, Status, clopper_pearson

Score = Callable[[np.ndarray], np.ndarray]

PATIENCE = 20  # how often all particles move on where not one of them is below the others
MOST_LEVELS = 20_000
FEW_ANCESTORS = 3.0  # effective number below which a run is called collapsed
DISAGREEMENT = 4.0  # spread of log p̂ over replicates, in units of that of independent particles


class Cloud(Protocol):
    """The particles of one replicate and what moves them."""

    positions: np.ndarray
    scores: np.ndarray
    evaluations: int

    def take(self, source: np.ndarray) -> None:
        """Particle i becomes a copy of particle source[i]."""

    def integers(self, count: int, bound: int) -> np.ndarray:
        """Fresh random integers on 0 … bound − 1, shape (count,)."""

    def move(self, level: float, spent: Callable[[], str]) -> float:
        """Move all particles within {score ≤ level} by steps that keep their law; returns the share of accepted steps.

        Stops early where `spent` returns a text.
        """


@dataclass(frozen=True, kw_only=True)
class Replicate:
    """One run of splitting, from fresh draws down to the target.

    levels : ℓₖ, falling, shape (K,). log_probabilities : log p̂(score ≤ ℓₖ), shape (K,).
    acceptance : share of accepted Crank-Nicolson moves after each level, shape (K,); NaN where none was made.
    ancestors : how many of the first draws have descendants among the particles after each level, shape (K,).
    effective_ancestors : 1/Σᵢ shareᵢ² at the end, share by number of descendants (Lee & Whiteley 2018): its inverse is
        about the relative variance of p̂.
    log_probability : log p̂(score ≤ target); −inf where the target was not reached.
    reached : whether it was. stopped : "" or why the run ended before.
    evaluations : calls of the score, in particles.
    particles, scores : where the last particles stand, (particles, dimension) and (particles,).
    """

    levels: np.ndarray
    log_probabilities: np.ndarray
    acceptance: np.ndarray
    ancestors: np.ndarray
    effective_ancestors: float
    log_probability: float
    reached: bool
    stopped: str
    evaluations: int
    particles: np.ndarray
    scores: np.ndarray

    def until(self, level: float) -> Replicate:
        """This run as if `level`, one of its targets, had been the last one."""
        at = np.flatnonzero(self.levels == level)
        if len(at) == 0:
            return self
        end = int(at[0]) + 1
        return replace(
            self,
            levels=self.levels[:end],
            log_probabilities=self.log_probabilities[:end],
            acceptance=self.acceptance[:end],
            ancestors=self.ancestors[:end],
            log_probability=float(self.log_probabilities[end - 1]),
            reached=True,
            stopped="",
        )

    @property
    def ideal_variance(self) -> float:
        """Variance of log p̂ if the particles of every level were independent: Σₖ (1−pₖ)/(pₖ·particles)."""
        shares = np.exp(np.diff(self.log_probabilities, prepend=0.0))
        return float(((1 - shares) / shares).sum() / len(self.scores))


@dataclass(frozen=True, kw_only=True)
class Splitting(Estimate):
    """log P(score ≤ target) in nats, its interval, and the replicates that it rests on.

    The value is the logarithm of the mean of p̂ over replicates, not the mean of the logarithms: the former is unbiased
    for P. The interval is log p̄ ± t·s/√R with R−1 degrees of freedom, s the larger of the standard deviations of p̂/p̄ and of
    log p̂: p̂ is skewed, and few replicates that lack its rare large values would make the former alone too small;
    low = −inf where a replicate did not reach the target, and high is then a bound from the last levels reached.
    """

    replicates: tuple[Replicate, ...]

    @property
    def evaluations(self) -> int:
        """Calls of the score, in particles, over all replicates."""
        return sum(replicate.evaluations for replicate in self.replicates)

    @property
    def particles(self) -> np.ndarray:
        """The last particles of all replicates, (replicates · particles, dimension)."""
        return np.concatenate([replicate.particles for replicate in self.replicates])

    def until(self, level: float) -> Splitting:
        """log P(score ≤ level) from the same runs, where `level` was one of their targets."""
        return pool(tuple(replicate.until(level) for replicate in self.replicates), self.confidence)

    def curves(self, levels: np.ndarray) -> np.ndarray:
        """log p̂(score ≤ level) of every replicate at common levels > 0: shape (replicates, levels).

        Linear between a replicate's own levels in log level, where volumes are nearly straight; NaN outside of them.
        """
        grid = np.log(np.asarray(levels, np.float64))
        rows = []
        for replicate in self.replicates:
            usable = replicate.levels > 0
            x, y = np.log(replicate.levels[usable])[::-1], replicate.log_probabilities[usable][::-1]
            inside = np.full(len(grid), np.nan) if len(x) == 0 else np.interp(grid, x, y, left=np.nan, right=np.nan)
            rows.append(inside)
        return np.array(rows)


def split(
    score: Score,
    dimension: int,
    *,
    levels_until: float = 0.0,
    levels: np.ndarray | None = None,
    particles: int = 1000,
    moves: int = 10,
    line_moves: int = 0,
    quantile: float = 0.5,
    replicates: int = 4,
    seed: int = 0,
    purpose: streams.Purpose = "splitting",
    confidence: float = 0.95,
    least_log_probability: float = -math.inf,
    budget_evaluations: int | None = None,
    budget_seconds: float | None = None,
) -> Splitting:
    """Estimate log P(score(z) ≤ levels_until) for z ~ N(0, I), and log P at the levels above it.

    score : latents (k, dimension) float64 → (k,); NaN counts as +inf.
    levels_until : the target. levels : fixed levels, falling, ending in the target, in place of those found on the way; the
        same for all replicates.
    particles, moves, line_moves : a replicate's particles, and after each level how many Crank-Nicolson moves and slices
        along lines each of them makes. quantile : the share of particles that passes a level.
    replicates : independent runs, at least 4; replicate r depends on (seed, purpose, r) and the settings above alone.
    least_log_probability : a replicate that comes below it ends there, as if the target were that level.
    budget_evaluations (calls of the score in particles), budget_seconds : shared equally by the replicates. When spent,
        what was reached is returned, with status "suspect"; a budget of seconds ends where the machine's speed says.

    The status is also suspect where no particle comes below a level, where the particles descend from few first draws, or
    where replicates disagree by far more than independent particles would. Raises InputError for settings that do not fit.
    """
    _check(dimension, particles, moves, line_moves)

    def cloud(number: int) -> NormalCloud:
        return NormalCloud(score, dimension, particles, moves, line_moves, seed, [purpose, "replicate", number])

    return split_clouds(
        cloud,
        targets=(levels_until,),
        levels=levels,
        quantile=quantile,
        replicates=range(replicates),
        confidence=confidence,
        least_log_probability=least_log_probability,
        budget_evaluations=budget_evaluations,
        budget_seconds=budget_seconds,
    )


def split_clouds(
    cloud: Callable[[int], Cloud],
    *,
    targets: tuple[float, ...] = (0.0,),
    levels: np.ndarray | None = None,
    quantile: float = 0.5,
    replicates: range = range(4),
    confidence: float = 0.95,
    least_log_probability: float = -math.inf,
    budget_evaluations: int | None = None,
    budget_seconds: float | None = None,
    workers: int = 1,
    halted: threading.Event | None = None,
) -> Splitting:
    """`split` for any kind of particles.

    cloud : makes the particles of a replicate from its number, drawn from their law; what it makes depends on that alone.
    targets : falling; each is a level of every replicate, and the last one ends it, so that `Splitting.until` can tell the
        probability of each. replicates : their numbers. workers : threads that replicates are shared out to. halted : once
        set, runs end where they are, as when a budget is spent.
    The rest as for `split`; so are the errors.
    """
    _check_run(len(replicates), quantile, targets, levels, confidence)
    plan = None if levels is None else np.asarray(levels, np.float64)
    goals = tuple(map(float, targets)) if plan is None else (float(plan[-1]),)
    share = None if budget_evaluations is None else budget_evaluations // len(replicates)
    begun, waves = time.monotonic(), -(-len(replicates) // workers)
    halt = threading.Event() if halted is None else halted

    def one(place: int) -> Replicate:
        deadline = None if budget_seconds is None else begun + budget_seconds * (place // workers + 1) / waves
        return _Run(cloud(replicates[place]), goals, plan, quantile, least_log_probability, share, deadline, halt).go()

    if workers == 1:
        runs = [one(place) for place in range(len(replicates))]
    else:
        with ThreadPoolExecutor(workers) as pool_of_threads:
            try:
                runs = list(pool_of_threads.map(one, range(len(replicates))))
            except BaseException:  # after Ctrl-C the threads end at their next move
                halt.set()
                raise
    return pool(tuple(runs), confidence)


class _Run:
    """The levels of one replicate."""

    def __init__(
        self,
        cloud: Cloud,
        targets: tuple[float, ...],
        plan: np.ndarray | None,
        quantile: float,
        floor: float,
        budget: int | None,
        deadline: float | None,
        halt: threading.Event,
    ) -> None:
        self.halt = halt
        self.cloud, self.targets, self.plan = cloud, targets, plan
        self.size = len(cloud.scores)
        self.kept = max(1, min(self.size - 1, round(quantile * self.size)))
        self.floor, self.budget, self.deadline = floor, budget, deadline
        self.ancestor = np.arange(self.size)
        self.log_probability = 0.0
        self.history: list[tuple[float, float, float, int]] = []

    def go(self) -> Replicate:
        """Down to the target, or until something stops the run."""
        stopped, reached, stalled = "", False, 0
        while True:
            level = self._next_level()
            passing = self.cloud.scores <= level
            count = int(passing.sum())
            if count == 0:
                stalled += 1
                stopped = self._spent() or (f"no particle came below {level:.6g}" if stalled > PATIENCE else "")
                if stopped:
                    break
                self.cloud.move(self.history[-1][0] if self.history else math.inf, self._spent)
                continue
            stalled = 0
            self.log_probability += math.log(count / self.size)
            self._copy(np.flatnonzero(passing))
            reached = level <= self.targets[-1]
            stopped = "" if reached or self.log_probability <= self.floor else self._spent()
            if reached or stopped or self.log_probability <= self.floor or len(self.history) >= MOST_LEVELS:
                self._record(level, math.nan)
                break
            self._record(level, self.cloud.move(level, self._spent))
        if not reached and not stopped and self.log_probability > self.floor:
            stopped = f"{MOST_LEVELS} levels did not lead to the target"
        return self._replicate(reached, stopped)

    def _next_level(self) -> float:
        """The planned level; else just below the score that `kept` particles do not pass; not beyond the next target."""
        if self.plan is not None:
            return float(self.plan[len(self.history)])
        last = self.history[-1][0] if self.history else math.inf
        target = next(target for target in self.targets if target < last)
        ordered = np.sort(self.cloud.scores)
        worst = ordered[self.kept]
        if not ordered[0] < worst:  # more than half are tied at the best score: the next best that drops somebody
            above = ordered[ordered > ordered[0]]
            worst = above[0] if len(above) else ordered[0]
        return max(target, float(np.nextafter(worst, -np.inf)))

    def _copy(self, passing: np.ndarray) -> None:
        """Every particle that did not pass becomes a copy of one that did, drawn uniformly."""
        size = self.size
        if len(passing) == size:
            return
        source = np.arange(size)
        dropped = np.ones(size, bool)
        dropped[passing] = False
        source[dropped] = passing[self.cloud.integers(size - len(passing), len(passing))]
        self.cloud.take(source)
        self.ancestor = self.ancestor[source]

    def _spent(self) -> str:
        if self.halt.is_set():
            return "the run was interrupted"
        if self.budget is not None and self.cloud.evaluations >= self.budget:
            return f"the budget of {self.budget} evaluations a replicate was spent"
        if self.deadline is not None and time.monotonic() >= self.deadline:
            return "the budget of seconds was spent"
        return ""

    def _record(self, level: float, acceptance: float) -> None:
        self.history.append((level, self.log_probability, acceptance, len(np.unique(self.ancestor))))

    def _replicate(self, reached: bool, stopped: str) -> Replicate:
        history = np.array(self.history, np.float64).reshape(-1, 4)
        shares = np.bincount(self.ancestor) / self.size
        return Replicate(
            levels=history[:, 0],
            log_probabilities=history[:, 1],
            acceptance=history[:, 2],
            ancestors=history[:, 3].astype(int),
            effective_ancestors=float(1 / (shares**2).sum()),
            log_probability=self.log_probability if reached else -math.inf,
            reached=reached,
            stopped=stopped,
            evaluations=self.cloud.evaluations,
            particles=self.cloud.positions,
            scores=self.cloud.scores,
        )


def pool(replicates: tuple[Replicate, ...], confidence: float) -> Splitting:
    """The mean of p̂ over replicates, its t-interval and the verdict."""
    low, value, high = _interval(replicates, confidence)
    reasons = _doubts(replicates)
    status: Status = "suspect" if reasons else "ok"
    return Splitting(
        value=value, low=low, high=high, confidence=confidence, unit="nats", status=status, reasons=reasons, replicates=replicates
    )


def _interval(replicates: tuple[Replicate, ...], confidence: float) -> tuple[float, float, float]:
    from scipy.special import stdtrit

    count = len(replicates)
    factor = float(stdtrit(count - 1, (1 + confidence) / 2)) / math.sqrt(count)
    # a replicate that ended early bounds P by the probability of its last level
    bounds = np.array([r.log_probability if r.reached else (r.log_probabilities[-1:].sum()) for r in replicates])
    logs = np.array([r.log_probability for r in replicates])
    top, _, spread = _mean(bounds)
    spread = max(spread, float(bounds.std(ddof=1)))
    high = min(0.0, top + factor * spread)
    if not all(r.reached for r in replicates):
        return -math.inf, _mean(logs)[0], high
    if spread == 0:  # all alike, as with P = 1: the binomial bounds of the first draws
        draws = sum(len(r.scores) for r in replicates)
        bottom, ceiling = clopper_pearson(round(draws * math.exp(top)), draws, confidence)
        return (math.log(bottom) if bottom > 0 else -math.inf), top, max(top, math.log(ceiling))
    return top - factor * spread, top, high


def _mean(logs: np.ndarray) -> tuple[float, np.ndarray, float]:
    """log mean of exp(logs), the values over that mean, and their standard deviation."""
    largest = logs.max()
    if largest == -math.inf:
        return -math.inf, np.ones(len(logs)), 0.0
    scaled = np.exp(logs - largest)
    relative = scaled / scaled.mean()
    return float(largest + math.log(scaled.mean())), relative, float(relative.std(ddof=1))


def _doubts(replicates: tuple[Replicate, ...]) -> tuple[str, ...]:
    from scipy.special import chdtri

    reasons = []
    for reason in sorted({r.stopped for r in replicates if r.stopped}):
        number = sum(r.stopped == reason for r in replicates)
        reasons.append(f"{number} of {len(replicates)} replicates ended before the target: {reason}")
    inverse = float(np.mean([1 / r.effective_ancestors for r in replicates]))
    if inverse * FEW_ANCESTORS > 1:
        reasons.append(
            f"the last particles descend from effectively {1 / inverse:.2g} first draws, after {len(replicates[0].levels)} "
            "levels: a part of the region may be lost; take more particles"
        )
    if all(r.reached for r in replicates):
        ends = np.array([r.log_probability for r in replicates])
        observed, ideal = float(ends.var(ddof=1)), float(np.mean([r.ideal_variance for r in replicates]))
        unlikely = float(chdtri(len(ends) - 1, 1e-3)) / (len(ends) - 1)
        if observed > unlikely * DISAGREEMENT**2 * ideal > 0:
            reasons.append(
                f"replicates disagree: log p has a standard deviation of {math.sqrt(observed):.2g}, independent particles would "
                f"give {math.sqrt(ideal):.2g}; take more moves or more particles"
            )
    return tuple(reasons)


def _check(dimension: int, particles: int, moves: int, line_moves: int) -> None:
    if dimension < 1 or particles < 10:
        raise InputError(
            f"splitting: dimension = {dimension}, particles = {particles}: need a dimension of at least 1 and 10 particles."
        )
    if moves < 0 or line_moves < 0 or moves + line_moves == 0:
        raise InputError(f"splitting: moves = {moves}, line_moves = {line_moves}: the particles must move at least once a level.")


def _check_run(
    replicates: int, quantile: float, targets: tuple[float, ...], levels: np.ndarray | None, confidence: float
) -> None:
    if replicates < 4:
        raise InputError(f"splitting: replicates = {replicates}: need at least 4.")
    if not 0 < quantile < 1 or not 0 < confidence < 1:
        raise InputError(f"splitting: quantile = {quantile}, confidence = {confidence}: give numbers between 0 and 1.")
    if len(targets) == 0 or not np.all(np.isfinite(targets)) or not np.all(np.diff(targets) < 0):
        raise InputError(f"splitting: levels_until = {', '.join(map(str, targets))}: give finite targets, each below the last.")
    if levels is not None and (len(levels) == 0 or not np.all(np.diff(levels) < 0) or not np.all(np.isfinite(levels))):
        raise InputError("splitting: levels must be finite and fall from one to the next, with the target last.")
