"""Compiled search for small whole weights of a threshold function (explained in `threshold`)."""

# mypy: allow-untyped-defs
from __future__ import annotations

import numpy as np

from slt_bias._compiled import compiled
from slt_bias.complexity import _bits_kernel as bits

u64 = np.uint64
LARGEST = 31  # of the absolute weights
PASSES = 30  # over all points, of the perceptron rule

jit = compiled(error_model="numpy")


@jit
def _is_one(table, point):
    return (table[point >> 6] >> u64(point & 63)) & u64(1) != u64(0)


@jit
def _unate(table, inputs):
    """Whether no input raises the output at one point and lowers it at another: every threshold function is so."""
    for bit in range(inputs):
        raises, lowers = u64(0), u64(0)
        for word in range(len(table)):
            low = bits.zeros_of(bit, word)
            here, there = table[word], bits.flipped(table, bit, word)
            raises = u64(raises | u64(u64(there & u64(~here)) & low))
            lowers = u64(lowers | u64(u64(here & u64(~there)) & low))
        if raises != u64(0) and lowers != u64(0):
            return False
    return True


@jit
def _separates(table, inputs, weights, sums):
    """(whether the weighted sums of ones are all above those of zeros, the lowest of the ones); sums is filled."""
    lowest, highest = 1 << 40, -(1 << 40)
    sums[0] = 0
    for bit in range(inputs):
        for point in range(1 << bit):
            sums[point | (1 << bit)] = sums[point] + weights[bit]
    for point in range(1 << inputs):
        if _is_one(table, point):
            lowest = min(lowest, sums[point])
        else:
            highest = max(highest, sums[point])
        if lowest <= highest:
            return False, 0
    return True, lowest


@jit
def _smallest(table, inputs, direction, most, weights, sums):
    """Fill weights with the direction scaled to the least largest weight ≤ most that works: (that, threshold), or 0."""
    length = 0
    for bit in range(inputs):
        length = max(length, abs(direction[bit]))
    if length == 0:
        return 0, 0
    for scale in range(1, min(most, length) + 1):
        for bit in range(inputs):
            rounded = (2 * abs(direction[bit]) * scale + length) // (2 * length)
            weights[bit] = rounded if direction[bit] > 0 else -rounded
        works, threshold = _separates(table, inputs, weights, sums)
        if works:
            return scale, threshold
    return 0, 0


@jit
def _perceptron(table, inputs, direction):
    """Whole weights by the perceptron rule (Rosenblatt 1958); returns whether they separate."""
    direction[:] = 0
    threshold = 0
    for _ in range(PASSES):
        mistakes = 0
        for point in range(1 << inputs):
            total = -threshold
            for bit in range(inputs):
                if (point >> bit) & 1:
                    total += direction[bit]
            one = _is_one(table, point)
            if (total > 0) == one and total != 0:
                continue
            mistakes += 1
            change = 1 if one else -1
            threshold -= change
            for bit in range(inputs):
                if (point >> bit) & 1:
                    direction[bit] += change
        if mistakes == 0:
            return True
    return False


@jit
def fit(table, inputs, direction, other, weights, sums):
    """Fill weights, int64 (inputs,), weight of the last input first; returns (largest absolute weight or 0, threshold).

    The output is 1 where the sum of the weights of the inputs that are 1 is at least the threshold.
    """
    if not _unate(table, inputs):
        return 0, 0
    for bit in range(inputs):  # the Chow parameters
        ones, above = 0, 0
        for word in range(len(table)):
            ones += bits.ones(table[word])
            above += bits.ones(u64(table[word] & u64(~bits.zeros_of(bit, word))))
        direction[bit] = 2 * above - ones
    scale, threshold = _smallest(table, inputs, direction, LARGEST, weights, sums)
    if scale == 1:
        return scale, threshold
    if not _perceptron(table, inputs, direction):
        return scale, threshold
    better, lower = _smallest(table, inputs, direction, scale - 1 if scale else LARGEST, other, sums)
    if better:
        weights[:] = other
        return better, lower
    return scale, threshold


@jit
def fit_all(tables, inputs, weights, largest, thresholds):
    """`fit` of each table; weights : int64 (count, inputs), largest and thresholds : int64 (count,)."""
    direction, other = np.empty(inputs, np.int64), np.empty(inputs, np.int64)
    sums = np.empty(1 << inputs, np.int64)
    for row in range(len(tables)):
        largest[row], thresholds[row] = fit(tables[row], inputs, direction, other, weights[row], sums)
