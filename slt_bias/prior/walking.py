"""P of nested events around a function by multilevel splitting, with more particles where a run is not to be trusted."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from slt_bias.maps.base import Map
from slt_bias.prior.clouds import cloud_of
from slt_bias.prior.events import Events
from slt_bias.splitting import Replicate, Splitting, pool, split_clouds

REPLICATES = 4
MOST_REPLICATES = 32
WIDE_SPREAD = 0.5  # standard deviation of log p̂ (nats) above which intervals begin to undercover and more particles are taken


@dataclass(frozen=True)
class Effort:
    """particles of a replicate and moves of each after a level; budget: evaluations allowed in all."""

    particles: int
    moves: int
    budget: int


def walk(
    map: Map,
    events: Events,
    effort: Effort,
    *,
    seed: int,
    relative_error: float,
    confidence: float,
    least_log_probability: float = -math.inf,
    deadline: float | None = None,
    workers: int = 1,
    halted: threading.Event | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Splitting:
    """Split until the standard error of P over P is `relative_error`, or the budget is spent.

    Four replicates first. Where they collapse, stop early or scatter by more than WIDE_SPREAD, they are done again with
    twice the particles and, every other time, twice the moves; where they only need averaging, more of them are made. The
    replicates of one setting alone make the estimate. A round that would not fit into the budget is not begun.
    """
    left, rounds = effort.budget, 0
    particles, moves = effort.particles, effort.moves

    def run(replicates: range, budget: int) -> Splitting:
        seconds = None if deadline is None else max(0.01, deadline - time.monotonic())
        return split_clouds(
            lambda number: cloud_of(map, events, particles, moves, seed, number),
            targets=events.targets,
            replicates=replicates,
            confidence=confidence,
            least_log_probability=least_log_probability,
            budget_evaluations=budget,
            budget_seconds=seconds,
            workers=workers,
            halted=halted,
        )

    while True:
        say(f"{particles:,} particles …")
        begun = time.monotonic()
        found = run(range(REPLICATES), left)
        left -= found.evaluations
        took = time.monotonic() - begun
        rounds += 1
        factor = 2 if rounds % 2 else 4
        late = halted is not None and halted.is_set()
        late = late or (deadline is not None and time.monotonic() + factor * took > deadline)
        if not _doubtful(found) or factor * found.evaluations > left or late:
            break
        particles, moves = 2 * particles, moves * factor // 2
    replicates = list(found.replicates)
    evaluations = found.evaluations // REPLICATES
    while (more := _wanted(replicates, relative_error)) > 0:
        more = min(more, MOST_REPLICATES - len(replicates), left // max(1, evaluations))
        late = halted is not None and halted.is_set()
        late = late or (deadline is not None and time.monotonic() + took / REPLICATES * more > deadline)
        if more < REPLICATES or late:
            break
        say(f"{more} replicates more …")
        added = run(range(len(replicates), len(replicates) + more), left)
        left -= added.evaluations
        replicates += added.replicates
    return pool(tuple(replicates), confidence)


def _spread(replicates: list[Replicate]) -> float:
    """Standard deviation of log p̂ over replicates, nats; infinite where one did not arrive."""
    logs = np.array([replicate.log_probability for replicate in replicates])
    return float(logs.std(ddof=1)) if np.isfinite(logs).all() else math.inf


def _doubtful(found: Splitting) -> bool:
    if any(not replicate.reached for replicate in found.replicates):  # below the floor is an answer where none collapsed
        return bool(found.reasons)
    return found.status != "ok" or _spread(list(found.replicates)) > WIDE_SPREAD


def _wanted(replicates: list[Replicate], relative_error: float) -> int:
    """How many replicates more bring the standard error of P to `relative_error`; 0 where they cannot or need not."""
    logs = np.array([replicate.log_probability for replicate in replicates])
    if not np.isfinite(logs).all():
        return 0
    shares = np.exp(logs - logs.max())
    error = float(shares.std(ddof=1) / shares.mean())
    needed, made = math.ceil((error / relative_error) ** 2), len(replicates)
    return 0 if needed <= made else max(0, min(MOST_REPLICATES, max(needed, made + REPLICATES)) - made)
