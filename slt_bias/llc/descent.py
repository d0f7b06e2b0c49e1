"""Where gradient descent ends: is w* a minimum, and do the chains still stand in its basin?

Limited-memory BFGS (Liu & Nocedal 1989) from many places at once: every place has its own memory and line search, and each
call of the landscape serves one trial of all of them. A step t along p is taken where it lowers the loss enough and flattens it,
    L(w + tp) ≤ L(w) + 10⁻⁴ t ∇L(w)·p   and   ∇L(w + tp)·p ≥ 0.9 ∇L(w)·p,
found by doubling and halving, which serves losses with kinks as well (Lewis & Overton 2013).
"""

from __future__ import annotations

import numpy as np

from slt_bias.llc.landscapes.base import Landscape

MEMORY = 10  # pairs of steps and changes of the gradient
TRIALS = 20  # of a line search
SMALLEST_GAIN = 1e-15  # of max(|L|, 1): a step or a promise below this ends the descent
SMALLEST_GRADIENT = 1e-12
NUMBERS = 2**25  # in the memories of one block of places


def descend(landscape: Landscape, start: np.ndarray, steps: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """The lowest loss reached from each row of start (k, dimension) in so many steps, and the place: (k,), (k, dimension).

    inf where the loss at the start is not finite. A row's result does not depend on the others.
    """
    lowest, places = np.empty(len(start)), np.array(start, float, order="C")
    block = max(1, NUMBERS // (2 * MEMORY * max(1, start.shape[1])))
    for first in range(0, len(start), block):
        some = slice(first, first + block)
        with np.errstate(over="ignore", invalid="ignore"):
            descent = _Descents(landscape, places[some], steps)
            while len(descent.active):
                descent.advance()
        lowest[some], places[some] = descent.losses, descent.places
    return lowest, places


class _Descents:
    """The state of k descents; `active` are the numbers of those that go on."""

    def __init__(self, landscape: Landscape, places: np.ndarray, steps: int) -> None:
        k, dimension = places.shape
        self.landscape, self.places, self.left = landscape, places, np.full(k, steps)
        self.losses, self.gradients = landscape.gradients(places)
        self.directions, self.slopes = np.zeros((k, dimension)), np.zeros(k)
        self.step, self.low, self.high, self.trials = np.ones(k), np.zeros(k), np.full(k, np.inf), np.zeros(k, int)
        # a ring of pairs, the newest at `newest`; an empty one is 0 and does nothing
        self.moves, self.changes = np.zeros((k, MEMORY, dimension)), np.zeros((k, MEMORY, dimension))
        self.inverses, self.scales = np.zeros((k, MEMORY)), np.zeros(k)
        self.newest = np.full(k, MEMORY - 1)
        good = np.isfinite(self.losses) & np.isfinite(self.gradients).all(1)
        self.losses[~np.isfinite(self.losses)] = np.inf
        self.active = np.flatnonzero(good)
        self.active = self.active[self._turn(self.active)]

    def advance(self) -> None:
        """One trial of every active line search."""
        rows = self.active
        step, slope = self.step[rows], self.slopes[rows]
        places = self.places[rows] + step[:, None] * self.directions[rows]
        losses, gradients = self.landscape.gradients(places)
        lower = (losses <= self.losses[rows] + 1e-4 * step * slope) & np.isfinite(gradients).all(1)
        flatter = _dot(gradients, self.directions[rows]) >= 0.9 * slope
        self.trials[rows] += 1
        last = self.trials[rows] == TRIALS
        taken = lower & (flatter | last)
        lost = ~lower & last
        self.high[rows[~lower]] = step[~lower]
        self.low[rows[lower]] = step[lower]
        high = self.high[rows]
        self.step[rows] = np.where(np.isinf(high), 2 * step, 0.5 * (self.low[rows] + high))
        settled = rows[(self.trials[rows] == TRIALS - 1) & (self.low[rows] > 0)]
        self.step[settled] = self.low[settled]  # the last trial: a step that is known to lower the loss
        going = np.ones(len(rows), bool)
        going[taken] = self._take(rows[taken], places[taken], losses[taken], gradients[taken])
        going[lost] = self._forget(rows[lost])
        self.active = rows[going]

    def _take(self, rows: np.ndarray, places: np.ndarray, losses: np.ndarray, gradients: np.ndarray) -> np.ndarray:
        """Go there, remember the pair, and turn; which go on, (rows,)."""
        moves, changes = places - self.places[rows], gradients - self.gradients[rows]
        curvature, size = _dot(moves, changes), _dot(changes, changes)
        fit = curvature > np.finfo(float).eps * size
        kept = rows[fit]
        self.newest[kept] = slot = (self.newest[kept] + 1) % MEMORY
        self.moves[kept, slot], self.changes[kept, slot] = moves[fit], changes[fit]
        self.inverses[kept, slot] = 1 / curvature[fit]
        self.scales[kept] = curvature[fit] / size[fit]
        gain = self.losses[rows] - losses
        self.places[rows], self.losses[rows], self.gradients[rows] = places, losses, gradients
        self.left[rows] -= 1
        going = (gain > SMALLEST_GAIN * np.maximum(np.abs(losses), 1.0)) & (self.left[rows] > 0)
        going[going] = self._turn(rows[going])
        return going

    def _forget(self, rows: np.ndarray) -> np.ndarray:
        """A line search found nothing: once more along the gradient, and the end where that was it."""
        again = self.scales[rows] > 0
        for array in (self.moves, self.changes, self.inverses, self.scales):
            array[rows] = 0.0
        again[again] = self._turn(rows[again])
        return again

    def _turn(self, rows: np.ndarray) -> np.ndarray:
        """New directions −H∇L by the two loops over the memory, and fresh line searches; which of the rows go on."""
        along = self.gradients[rows].copy()
        shares = []
        for back in range(MEMORY):
            slot = (self.newest[rows] - back) % MEMORY
            shares.append(self.inverses[rows, slot] * _dot(self.moves[rows, slot], along))
            along -= shares[-1][:, None] * self.changes[rows, slot]
        fresh = self.scales[rows] == 0
        along *= np.where(fresh, 1.0, self.scales[rows])[:, None]
        for back in reversed(range(MEMORY)):
            slot = (self.newest[rows] - back) % MEMORY
            share = self.inverses[rows, slot] * _dot(self.changes[rows, slot], along)
            along += (shares[back] - share)[:, None] * self.moves[rows, slot]
        self.directions[rows] = -along
        self.slopes[rows] = slopes = -_dot(along, self.gradients[rows])
        length = np.sqrt(-np.minimum(slopes, -1e-300))
        self.step[rows] = np.where(fresh, np.minimum(1.0, 1.0 / length), 1.0)
        self.low[rows], self.high[rows], self.trials[rows] = 0.0, np.inf, 0
        promised = -slopes > SMALLEST_GAIN * np.maximum(np.abs(self.losses[rows]), 1.0)
        return promised & (np.abs(self.gradients[rows]).max(1) > SMALLEST_GRADIENT)


def _dot(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Row by row, (k,)."""
    return np.einsum("kd,kd->k", one, other)
