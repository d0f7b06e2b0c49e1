"""Decision trees on 64 points at once: a node is (input AND right) OR (NOT input AND left), from the leaves up."""

# mypy: allow-untyped-defs

from __future__ import annotations

import numpy as np

from slt_bias._compiled import compiled


@compiled(error_model="numpy")
def evaluate(genotypes, inputs, out):
    """genotypes uint16 (count, 2^(depth+1) − 1), inputs uint64 (features, words) → out uint64 (count, words)."""
    leaves = (genotypes.shape[1] + 1) // 2
    values = np.empty(leaves, np.uint64)
    for r in range(len(genotypes)):
        row = genotypes[r]
        for w in range(out.shape[1]):
            for j in range(leaves):
                values[j] = np.uint64(0) - np.uint64(row[leaves - 1 + j])
            size = leaves // 2
            while size > 0:
                for j in range(size):
                    x = inputs[row[size - 1 + j], w]
                    left = values[2 * j]
                    values[j] = left ^ (x & (left ^ values[2 * j + 1]))
                size //= 2
            out[r, w] = values[0]
