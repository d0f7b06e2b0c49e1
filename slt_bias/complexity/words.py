"""Truth tables as 64-bit words, and the hypercube that a number of points is: what the compiled kernels work on."""

from __future__ import annotations

import numpy as np

from slt_bias.errors import InputError
from slt_bias.functions import Functions

REVERSED_BITS = np.packbits(np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1), axis=1, bitorder="little")[:, 0]


def first_point_lowest(packed: np.ndarray) -> np.ndarray:
    """uint64 (count, ⌈points/64⌉) of packed tables: the first point is the lowest bit of word 0, the padding is 0."""
    padded = np.zeros((len(packed), -(-packed.shape[1] // 8) * 8), np.uint8)
    np.take(REVERSED_BITS, packed, out=padded[:, : packed.shape[1]])
    return padded.view("<u8").astype(np.uint64, copy=False)


def is_hypercube(points: int) -> bool:
    """Whether that many points are those of a hypercube: 1, 2, 4, 8, …"""
    return points > 0 and points & (points - 1) == 0


def inputs_of(functions: Functions, estimator: str) -> int:
    """The number n of inputs of functions on 2ⁿ points. Raises InputError, in the name of the estimator, for other points."""
    if not is_hypercube(functions.points):
        raise InputError(
            f"{estimator}: {functions.points} points are no hypercube's, which has 2, 4, 8, 16, … points; use lz, ctw or code."
        )
    return functions.points.bit_length() - 1


def cube(functions: Functions, inputs: int) -> np.ndarray:
    """bool (count, 2, …, 2): a truth table with an axis an input, axis 1 the first (most significant) input."""
    return functions.values().reshape(len(functions), *[2] * inputs)
