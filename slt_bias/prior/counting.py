"""P of nested events around a function by counting draws: a pilot says how many are worth it, fresh draws are counted."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from slt_bias.estimate import Status, clopper_pearson
from slt_bias.maps.base import Map
from slt_bias.prior.events import Events
from slt_bias.prior.question import Question, with_balls
from slt_bias.prior.result import FunctionProbability

PILOT = 2**16  # draws that tell whether counting is enough
MOST_COUNTED = 10**7  # draws, where no budget is given


@dataclass(frozen=True)
class Counted:
    """How often each event held: int64 (events,), among `draws` draws that took blocks up to `next_block` of the stream."""

    held: np.ndarray
    draws: int
    next_block: int


def count(
    map: Map, events: Events, draws: int, seed: int, first_block: int = 0, workers: int = 1, deadline: float | None = None,
    halted: threading.Event | None = None,
) -> Counted:  # fmt: skip
    """Count whole blocks of the map's stream, from `first_block` on, until `draws` are drawn, the deadline has passed or
    `halted` is set.

    A block beyond the wanted number is cut. The result does not depend on the number of workers (without a deadline).
    """
    held, done, block = np.zeros(len(events.radii), np.int64), 0, first_block

    def one(job: tuple[int, int]) -> np.ndarray:
        return events.hold(map.draw_functions(seed, *job)).sum(axis=0)

    with ThreadPoolExecutor(workers if map.compiled else 1) as pool:
        for jobs in _batches(draws, map.block, first_block, 4 * workers):
            held += np.sum(list(pool.map(one, jobs)), axis=0)
            done += sum(number for _, number in jobs)
            block = jobs[-1][0] + 1
            if (deadline is not None and time.monotonic() >= deadline) or (halted is not None and halted.is_set()):
                break
    return Counted(held, done, block)


def _batches(draws: int, size: int, first: int, together: int) -> Iterator[list[tuple[int, int]]]:
    jobs = []
    for number in range(math.ceil(draws / size)):
        jobs.append((first + number, min(size, draws - number * size)))
        if len(jobs) == together:
            yield jobs
            jobs = []
    if jobs:
        yield jobs


def by_counting(question: Question, because: str, pilot: Counted | None = None) -> FunctionProbability:
    """Fresh draws after the pilot's, as many as its frequency asks for, within the budget."""
    most = MOST_COUNTED if question.budget is None else question.budget
    if pilot is None:
        pilot = draw_pilot(question)
    share = (pilot.held[-1] + 1) / (pilot.draws + 1)
    wanted = max(pilot.draws, math.ceil(1.2 / (question.relative_error**2 * share)))
    short = wanted > most - pilot.draws
    draws = max(1, min(wanted, most - pilot.draws))
    question.say(f"counting {draws:,} draws …")
    found = count(
        question.map, question.events, draws, question.seed, pilot.next_block, question.workers, question.deadline,
        question.halted,
    )  # fmt: skip
    stopped = found.draws < draws or (short and question.budget is not None)
    spent = pilot.draws + found.draws
    first = int(question.given)
    among = int(found.held[0]) if question.given else found.draws

    def one(held: int, among: int) -> FunctionProbability:
        return _proportion(held, among, found.draws, stopped, question, spent, because)

    results = [one(int(held), among) for held in found.held[first:]]
    return with_balls(question, results, one(among, found.draws) if question.given else None)


def _proportion(
    held: int, among: int, draws: int, stopped: bool, question: Question, spent: int, because: str
) -> FunctionProbability:
    """`held` of the `among` draws that fitted the given rows, of `draws` in all."""
    reasons: tuple[str, ...] = ()
    if among == 0:
        reasons = (f"the given rows were not fitted in {draws:,} draws: nothing is known; try splitting",)
    elif held == 0:
        reasons = (f"not met in {among:,} draws: only the upper limit says something; try splitting",)
    elif stopped and held * question.relative_error**2 < 1:
        reasons = ("the budget was spent before the relative error asked for was reached",)
    limits = clopper_pearson(held, among, question.confidence) if among else (0.0, 1.0)
    value, low, high = (math.log2(p) if p > 0 else -math.inf for p in (held / max(1, among), *limits))
    status: Status = "suspect" if reasons else "ok"
    return FunctionProbability(
        value=value, low=low, high=high, confidence=question.confidence, unit="bits", status=status, reasons=reasons,
        method="count", evaluations=spent, chosen_because=because,
    )  # fmt: skip


def draw_pilot(question: Question) -> Counted:
    """The first draws, which tell whether counting is enough: a tenth of a budget at most."""
    draws = PILOT if question.map.compiled else PILOT // 16
    if question.budget is not None:
        draws = max(1, min(draws, question.budget // 10))
    return count(
        question.map, question.events, draws, question.seed, 0, question.workers, question.deadline, question.halted
    )
