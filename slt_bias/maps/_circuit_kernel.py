"""Circuits on 64 points at once: a gate is the sum of the minterms that its operation's number holds."""

# mypy: allow-untyped-defs

from __future__ import annotations

import numpy as np

from slt_bias._compiled import compiled


@compiled(error_model="numpy")
def evaluate(genotypes, operations, inputs, out):
    """genotypes uint16 (count, 3·gates), inputs uint64 (features, words) → out uint64 (count, words)."""
    features = len(inputs)
    gates = genotypes.shape[1] // 3
    values = np.empty(features + gates, np.uint64)
    masks = np.empty((len(operations), 4), np.uint64)
    for k in range(len(operations)):
        for bit in range(4):
            masks[k, bit] = np.uint64(0) - np.uint64((operations[k] >> bit) & 1)
    for w in range(out.shape[1]):
        values[:features] = inputs[:, w]
        for r in range(len(genotypes)):
            row = genotypes[r]
            for k in range(gates):
                mask = masks[row[3 * k]]
                a, b = values[row[3 * k + 1]], values[row[3 * k + 2]]
                low = mask[0] ^ (b & (mask[0] ^ mask[1]))  # where a is 0
                high = mask[2] ^ (b & (mask[2] ^ mask[3]))
                values[features + k] = low ^ (a & (low ^ high))
            out[r, w] = values[features + gates - 1]
