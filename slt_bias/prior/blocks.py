"""Which blocks of the random stream a count holds: rows (first block, stop, draws) of int64, sorted and disjoint."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

import numpy as np


def record(rows: Iterable[Sequence[int]], block: int) -> np.ndarray:
    """Sort (first, stop, draws) rows and join neighbours that are whole blocks of `block` draws."""
    joined: list[list[int]] = []
    for first, stop, draws in sorted(tuple(int(x) for x in row) for row in rows):
        last = joined[-1] if joined else None
        if last and last[1] == first and last[2] == (last[1] - last[0]) * block and draws == (stop - first) * block:
            last[1], last[2] = stop, last[2] + draws
        else:
            joined.append([first, stop, draws])
    return np.array(joined, np.int64).reshape(-1, 3)


def overlap(one: np.ndarray, other: np.ndarray) -> int | None:
    """The first block that both records hold, or None."""
    rows = sorted([tuple(row) for row in one.tolist()] + [tuple(row) for row in other.tolist()])
    for left, right in itertools.pairwise(rows):
        if right[0] < left[1]:
            return int(right[0])
    return None


def missing(samples: int, block: int, done: np.ndarray) -> Iterator[tuple[int, int]]:
    """(block, draws) pairs that `samples` draws need beyond `done`, in order; lazily, for 10¹² draws are 10⁸ blocks."""
    at = 0
    blocks = -(-samples // block)
    for first, stop, _ in done.tolist():
        yield from ((k, min(block, samples - k * block)) for k in range(at, min(first, blocks)))
        at = stop
    yield from ((k, min(block, samples - k * block)) for k in range(at, blocks))
