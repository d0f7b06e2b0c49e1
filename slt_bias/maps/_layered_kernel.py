"""Layered machines: each point's state goes from layer to layer by one table look-up."""

# mypy: allow-untyped-defs

from __future__ import annotations

import numpy as np

from slt_bias._compiled import compiled


@compiled(error_model="numpy")
def evaluate(genotypes, size, depth, out):
    """genotypes uint16 (count, size·depth), size = points → out uint64 (count, words), which comes as zeros."""
    state = np.empty(size, np.int64)
    for r in range(len(genotypes)):
        row = genotypes[r]
        for point in range(size):
            state[point] = point
        for layer in range(depth - 1):
            for point in range(size):
                state[point] = row[layer * size + state[point]]
        for point in range(size):
            bit = np.uint64(row[(depth - 1) * size + state[point]])
            out[r, point >> 6] |= bit << np.uint64(63 - (point & 63))
