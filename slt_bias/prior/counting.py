"""P of nested events around a function by counting draws: a pilot says how many are worth it, fresh draws are counted."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from slt_bias.maps.base import Map
from slt_bias.prior.events import Events


@dataclass(frozen=True)
class Counted:
    """How often each event held: int64 (events,), among `draws` draws that took blocks up to `next_block` of the stream."""

    held: np.ndarray
    draws: int
    next_block: int


def count(
    map: Map, events: Events, draws: int, seed: int, first_block: int = 0, workers: int = 1, deadline: float | None = None
) -> Counted:
    """Count whole blocks of the map's stream, from `first_block` on, until `draws` are drawn or the deadline has passed.

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
            if deadline is not None and time.monotonic() >= deadline:
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
