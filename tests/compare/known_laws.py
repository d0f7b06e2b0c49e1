"""Samples of known laws, and what is true of them."""

from __future__ import annotations

import numpy as np

from slt_bias.functions import Functions
from slt_bias.prior import FunctionCounts
from slt_bias.prior.tally import Tally


def all_functions(inputs: int) -> Functions:
    """All 2^(2^inputs) functions, in the order of their truth tables."""
    points = 2**inputs
    return Functions.from_values((np.arange(2**points)[:, None] >> np.arange(points - 1, -1, -1)) & 1)


def draw(functions: Functions, law: np.ndarray, samples: int, seed: int, spec: str = "law:inputs=4") -> FunctionCounts:
    """Counts of `samples` draws of a law over functions, float64 (functions,)."""
    count = np.random.default_rng(seed).multinomial(samples, law / law.sum())
    return counts_of(functions, count, samples, seed, spec)


def counts_of(functions: Functions, count: np.ndarray, samples: int, seed: int, spec: str) -> FunctionCounts:
    tally = Tally(functions.points)
    tally.add(functions.packed[count > 0], count[count > 0])
    seen, count = tally.sorted()
    return FunctionCounts(seen, count, samples, spec, {seed: np.array([[0, samples]])})
