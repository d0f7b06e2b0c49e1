"""Average sensitivity: how many inputs, on average, change the output when they are flipped."""

from __future__ import annotations

import numpy as np

from slt_bias.complexity.estimator import estimator
from slt_bias.complexity.words import cube, inputs_of, is_hypercube
from slt_bias.functions import Functions


@estimator("inputs whose flip changes the output, on average over the points (total influence)", "inputs", reaches=is_hypercube)
def sensitivity(functions: Functions) -> np.ndarray:
    """Average sensitivity of each function, float64 (count,), 0 … n inputs; hypercubes only, else InputError.

    I(f) = Σᵢ Pr[f(x) ≠ f(x with input i flipped)], x uniform on the 2ⁿ points: the total influence (Kahn, Kalai &
    Linial 1988), equal to Σ_S |S| f̂(S)². 0 for a constant, 1 for a projection, n for parity; n/2 on average over all
    functions. No code length: parity is the most sensitive function and among the simplest.
    """
    inputs = inputs_of(functions, "sensitivity")
    table = cube(functions, inputs)
    changed = np.zeros(len(functions), np.int64)
    for axis in range(1, inputs + 1):
        differs = np.take(table, 0, axis=axis) != np.take(table, 1, axis=axis)
        changed += differs.reshape(len(functions), -1).sum(axis=1)
    return 2 * changed / functions.points
