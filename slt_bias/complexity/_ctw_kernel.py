"""Compiled context-tree weighting and the length of its arithmetic code (plain versions: `code.context_tree`).

Floating point, yet the same on every machine: IEEE doubles are only added, multiplied and divided, each operation
rounded by itself, so that encoder and decoder, compiled or plain, see the same probabilities.
"""

# mypy: allow-untyped-defs
from __future__ import annotations

import numpy as np

from slt_bias._compiled import compiled

PRECISION = 22  # bits of a probability
REGISTER = 40  # bits of the coder's interval: REGISTER + PRECISION stays below 63
SMALLEST_RATIO, LARGEST_RATIO = 2.0**-200, 2.0**200

jit = compiled(error_model="numpy")


@jit
def _start(zeros, ones, ratio):
    zeros[:] = 0.0
    ones[:] = 0.0
    ratio[:] = 1.0


@jit
def _probability_of_one(zeros, ones, ratio, context, depth, chances):
    """The tree's weighted probability that the next bit is 1; chances[d] keeps that of the subtree at depth d.

    A node is 1 followed by its context's bits, the most recent first; ratio is P_e of the node over the product of its
    children's P_w.
    """
    node = (1 << depth) | (context & ((1 << depth) - 1))
    chance = (ones[node] + 0.5) / (zeros[node] + ones[node] + 1.0)
    chances[depth] = chance
    for level in range(depth - 1, -1, -1):
        node = (1 << level) | (context & ((1 << level) - 1))
        own = (ones[node] + 0.5) / (zeros[node] + ones[node] + 1.0)
        chance = (ratio[node] * own + chance) / (ratio[node] + 1.0)
        chances[level] = chance
    return chance


@jit
def _update(zeros, ones, ratio, context, depth, chances, bit):
    for level in range(depth + 1):
        node = (1 << level) | (context & ((1 << level) - 1))
        count = ones[node] if bit else zeros[node]
        own = (count + 0.5) / (zeros[node] + ones[node] + 1.0)
        if level < depth:
            below = chances[level + 1] if bit else 1.0 - chances[level + 1]
            ratio[node] = min(max(ratio[node] * own / below, SMALLEST_RATIO), LARGEST_RATIO)
        if bit:
            ones[node] += 1.0
        else:
            zeros[node] += 1.0


@jit
def code_lengths(words, points, depth, ideal, bits):
    """−log₂ P_w of each string, float64, into ideal, and the bits of its arithmetic code, int64, into bits.

    words : uint64 (count, ⌈points/64⌉), first point lowest.
    """
    nodes = 2 << depth
    zeros, ones, ratio = np.empty(nodes), np.empty(nodes), np.empty(nodes)
    chances = np.empty(depth + 1)
    half, quarter = 1 << (REGISTER - 1), 1 << (REGISTER - 2)
    for row in range(len(words)):
        _start(zeros, ones, ratio)
        context = np.int64(0)
        product, total = 1.0, 0.0
        low, high = np.int64(0), np.int64(2 * half - 1)
        shifts, pending = 0, 0
        for i in range(points):
            bit = np.int64((words[row, i >> 6] >> np.uint64(i & 63)) & np.uint64(1))
            one = _probability_of_one(zeros, ones, ratio, context, depth, chances)
            product *= one if bit else 1.0 - one
            if product < 1e-100:
                total -= np.log2(product)
                product = 1.0
            share = np.int64((1.0 - one) * ((1 << PRECISION) - 2)) + 1
            split = low + (((high - low + 1) * share) >> PRECISION)
            if bit:
                low = split
            else:
                high = split - 1
            while True:
                if high < half:
                    pending = 0
                elif low >= half:
                    pending = 0
                    low -= half
                    high -= half
                elif low >= quarter and high < 3 * quarter:
                    pending += 1
                    low -= quarter
                    high -= quarter
                else:
                    break
                low *= 2
                high = 2 * high + 1
                shifts += 1
            _update(zeros, ones, ratio, context, depth, chances, bit)
            context = (context << 1) | bit
        ideal[row] = total - np.log2(product)
        if low == 0 and high == 2 * half - 1 and pending == 0:
            bits[row] = shifts
        elif low == 0 or high == 2 * half - 1:
            bits[row] = shifts + 1
        else:
            bits[row] = shifts + 2
