"""A linear threshold function with small whole weights: 1 where Σ wᵢxᵢ ≥ t.

The code: the largest |wᵢ| in gamma code, all weights as one number, t by fixed width among the sums that make a
difference. The weights are looked for in two directions, scaled to a largest weight of 1, 2, …, 31 and rounded: the
Chow parameters (Chow 1961), which determine a threshold function, and the solution of the perceptron rule. A threshold
function for which neither works has no code here.
"""

from __future__ import annotations

import numpy as np

from slt_bias.complexity.code import _threshold_kernel as kernel
from slt_bias.complexity.code.family import NEVER, Family, gamma_lengths, single
from slt_bias.complexity.code.reader import Reader, fixed, gamma, width
from slt_bias.complexity.words import first_point_lowest
from slt_bias.errors import InputError
from slt_bias.functions import Functions

LARGEST_INPUTS = 10


def _fit(functions: Functions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(weights, first input first; the largest, 0 where none were found; thresholds), int64."""
    inputs = functions.points.bit_length() - 1
    weights = np.zeros((len(functions), inputs), np.int64)
    largest, thresholds = np.zeros(len(functions), np.int64), np.zeros(len(functions), np.int64)
    kernel.fit_all(first_point_lowest(functions.packed), inputs, weights, largest, thresholds)
    return weights[:, ::-1], largest, thresholds


def _lengths(functions: Functions) -> np.ndarray:
    inputs = functions.points.bit_length() - 1
    if inputs > LARGEST_INPUTS:
        return np.full(len(functions), NEVER)
    weights, largest, _ = _fit(functions)
    numbers = np.array([width((2 * k + 1) ** inputs) for k in range(kernel.LARGEST + 1)])
    sums = np.array([width(k) for k in range(1, inputs * kernel.LARGEST + 1)])
    total = np.maximum(np.abs(weights).sum(axis=1), 1)
    return np.where(largest > 0, gamma_lengths(np.maximum(largest, 1)) + numbers[largest] + sums[total - 1], NEVER)


def _encode(table: np.ndarray) -> str:
    (weights,), (largest,), (threshold,) = (part.tolist() for part in _fit(single(table)))
    base, number = 2 * largest + 1, 0
    for weight in weights:
        number = number * base + weight + largest
    least = sum(weight for weight in weights if weight < 0)
    place = fixed(threshold - least - 1, width(sum(map(abs, weights))))
    return gamma(largest) + fixed(number, width(base ** len(weights))) + place


def _decode(reader: Reader, points: int) -> np.ndarray:
    inputs = points.bit_length() - 1
    largest = reader.gamma(2**16, "the largest weight")
    base = 2 * largest + 1
    number = reader.below(base**inputs, "the number of the weights")
    weights = []
    for _ in range(inputs):
        number, digit = divmod(number, base)
        weights.append(digit - largest)  # the last input first
    total = sum(map(abs, weights))
    if not total:
        raise InputError("the code is of no function: all weights are 0.")
    threshold = reader.below(total, "the threshold") + sum(weight for weight in weights if weight < 0) + 1
    ones = np.arange(points)[:, None] >> np.arange(inputs) & 1
    return ones @ np.array(weights) >= threshold


THRESHOLD = Family(
    "threshold",
    f"small whole weights and a threshold, up to {LARGEST_INPUTS} inputs",
    _lengths,
    _encode,
    _decode,
    hypercube=True,
)
