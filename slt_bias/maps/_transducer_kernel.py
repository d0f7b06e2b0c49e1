"""Transducers on all points at once: points with a common beginning share the way through the states."""

# mypy: allow-untyped-defs

from __future__ import annotations

import numpy as np

from slt_bias._compiled import compiled

jit = compiled(error_model="numpy")


@jit
def _set(words, r, point, bit):
    words[r, point >> 6] |= np.uint64(bit) << np.uint64(63 - (point & 63))


@jit
def read_points(genotypes, states, features, out):
    """genotypes uint16 (count, 4·states) → out uint64 (count, words), which comes as zeros."""
    half = 2 ** (features - 1)
    reached = np.zeros(half, np.int64)
    for r in range(len(genotypes)):
        row = genotypes[r]
        reached[0] = 0
        size = 1
        while size < half:
            for k in range(size - 1, -1, -1):
                state = reached[k]
                reached[2 * k] = row[2 * state]
                reached[2 * k + 1] = row[2 * state + 1]
            size *= 2
        for k in range(half):
            emit = 2 * (states + reached[k])
            _set(out, r, 2 * k, row[emit])
            _set(out, r, 2 * k + 1, row[emit + 1])


@jit
def read_tapes(genotypes, follow, emit, out):
    """Tapes uint16 (count, points), tables (states, 2) → out uint64 (count, words), which comes as zeros."""
    for r in range(len(genotypes)):
        state = np.int64(0)
        for point in range(genotypes.shape[1]):
            bit = genotypes[r, point]
            _set(out, r, point, emit[state, bit])
            state = np.int64(follow[state, bit])
