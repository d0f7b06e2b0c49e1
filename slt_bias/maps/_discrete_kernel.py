"""Compiled drawing of rows of bounded whole numbers."""

# mypy: allow-untyped-defs

from __future__ import annotations

import numpy as np

from slt_bias import _normals_kernel as generator
from slt_bias._compiled import compiled

jit = compiled(error_model="numpy")


@jit
def _bounded(word, bound):
    """32 random bits to 0 … bound − 1."""
    return np.uint16((np.uint64(word) * np.uint64(bound)) >> np.uint64(32))


@jit
def draw_rows(state, bounds, out):
    """Fill uint16 (rows, components); every row starts on a fresh chunk of words, so rows do not depend on their number."""
    components = len(bounds)
    words = np.empty(generator.padded(components), np.uint32)
    lanes = state.copy()
    for r in range(len(out)):
        generator.fill_words(lanes, words)
        for k in range(components):
            out[r, k] = _bounded(words[k], bounds[k])


@jit
def redraw_one(state, bounds, rows):
    """In each of the uint16 (rows, components), draw one component anew, in place.

    Where it lies takes 64 random bits: 32 would be too coarse for a million components.
    """
    words = np.empty(generator.padded(3), np.uint32)
    lanes = state.copy()
    components = np.uint64(len(bounds))
    for r in range(len(rows)):
        generator.fill_words(lanes, words)
        low = (np.uint64(words[1]) * components) >> np.uint64(32)
        k = np.int64((np.uint64(words[0]) * components + low) >> np.uint64(32))
        rows[r, k] = _bounded(words[2], bounds[k])
