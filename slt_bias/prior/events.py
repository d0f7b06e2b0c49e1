"""Sets of functions around a chosen one, as events {score ≤ target} that splitting can walk into.

An event asks for given outputs on some of the points and forgives a number of errors. With z the outputs on all points,
y = ±1 what is asked, S the points that are asked about and r the errors forgiven,

    score = (Σ_{p∈S} max(0, −y_p z_p) without its r largest terms) / mean |z|,

which is 0 exactly when at most r of the outputs in S are wrong, and does not change when the outputs are scaled. An output
of exactly 0 counts as 0, so it is right where 0 is asked for and costs WRONG_ZERO where 1 is; where all outputs are 0
(every unit dead), each wrong one costs 1. Wrong outputs cost at most `points` times their share of Σ|z|, wrong zeros little
more, so that a score is below 2 · points: several events, each inside the one before, share one score,
2 · points · (events after the first that does not hold) + score of that one.

Of the scores tried on networks of 40 x 40, replicates scattered least with this one: dividing by the root mean square favours
outputs with a few large values, a smooth count of errors or squares of z left particles in blind alleys, and an integer
count sticks on ties.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slt_bias.errors import InputError
from slt_bias.functions.tables import Functions


@dataclass(frozen=True, eq=False)
class Events:
    """Nested events around one function, from the widest to the narrowest.

    function : one truth table. signs : float32 (events, points), +1 where an event wants 1, −1 where 0, 0 where anything.
    radii : int64 (events,), how many errors each forgives.
    """

    function: Functions
    signs: np.ndarray
    radii: np.ndarray

    @property
    def targets(self) -> tuple[float, ...]:
        """The score at which each event holds, falling to 0."""
        count = len(self.radii)
        return tuple((count - 1 - event) * 2.0 * self.function.points for event in range(count))

    def scores(self, outputs: np.ndarray) -> np.ndarray:
        """Scores of real outputs (count, points), float64 (count,); +inf where an output is not finite."""
        from slt_bias.prior._score_kernel import scores

        rows = np.ascontiguousarray(outputs, np.float32)
        out = np.empty(len(rows))
        scores(rows, self.signs, self.radii, out)
        return out

    def hold(self, packed: np.ndarray) -> np.ndarray:
        """Which events hold for packed functions (count, bytes): bool (count, events)."""
        wrong = packed ^ self.function.packed
        asked = np.packbits(self.signs != 0, axis=1)
        errors = np.bitwise_count(wrong[:, None, :] & asked[None]).sum(axis=2, dtype=np.int64)
        return np.logical_and.accumulate(errors <= self.radii, axis=1)

    def errors(self, packed: np.ndarray) -> np.ndarray:
        """A score for maps without real outputs: errors beyond those forgiven, stacked like `scores`, float64 (count,)."""
        wrong = packed ^ self.function.packed
        asked = np.packbits(self.signs != 0, axis=1)
        excess = np.bitwise_count(wrong[:, None, :] & asked[None]).sum(axis=2, dtype=np.int64) - self.radii
        failing = excess > 0
        first = failing.argmax(axis=1)
        after = len(self.radii) - 1 - first
        own = excess[np.arange(len(packed)), first]
        return np.where(failing.any(axis=1), after * 2.0 * self.function.points + own, 0.0)


def around(function: Functions, radii: tuple[int, ...] = (0,), given: np.ndarray | None = None) -> Events:
    """The Hamming balls of given radii around a function, inside the event that the rows `given` are right.

    radii : falling. given : bool (points,) or None; rows that are fitted without error in every event.
    Raises InputError for radii that are negative or not falling.
    """
    if len(function) != 1:
        raise InputError(f"asked for {len(function)} functions where one was meant.")
    if any(radius < 0 or radius >= function.points for radius in radii) or any(np.diff(radii) >= 0):
        raise InputError(f"errors = {radii}: give numbers of points, 0 or larger and fewer than all {function.points}.")
    signs = np.where(function.values()[0], 1, -1).astype(np.float32)
    rows = [signs] * len(radii)
    errors = list(radii)
    if given is not None:
        rows.insert(0, np.where(given, signs, 0).astype(np.float32))
        errors.insert(0, 0)
    return Events(function, np.array(rows), np.array(errors, np.int64))
