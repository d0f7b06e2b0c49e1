"""Compiled: the next normals and uniforms of many chains, each from its own generator."""

# mypy: allow-untyped-defs

from __future__ import annotations

import numpy as np

from slt_bias._compiled import compiled
from slt_bias._normals_kernel import CHUNK, LANES, aligned, box_muller, fill_words, padded

jit = compiled(error_model="numpy")


@jit
def fill_normals(states, out):
    """Row c of `out` (chains, length) float64: the next normals of chain c; states (chains, 4, LANES) advance in place.

    The law of `streams.normals`: a row starts on a fresh chunk of words.
    """
    chains, length = out.shape
    size = padded(length)
    words = aligned(size).view(np.uint32)
    row = aligned(size)
    lanes = aligned(4 * LANES).view(np.uint32).reshape(4, LANES)
    for c in range(chains):
        lanes[:] = states[c]
        fill_words(lanes, words)
        states[c] = lanes
        box_muller(words, row)
        for i in range(length):
            out[c, i] = row[i]


@jit
def fill_uniforms(states, out):
    """Row c of `out` (chains, length) float64 in (0, 1), 32 random bits each; length ≤ CHUNK."""
    words = aligned(CHUNK).view(np.uint32)
    lanes = aligned(4 * LANES).view(np.uint32).reshape(4, LANES)
    for c in range(out.shape[0]):
        lanes[:] = states[c]
        fill_words(lanes, words)
        states[c] = lanes
        for i in range(out.shape[1]):
            out[c, i] = (float(words[i]) + 0.5) * 2.0**-32
