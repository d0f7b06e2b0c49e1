"""Compiled hash table from packed truth tables to int64 counts: open addressing, linear probing, rows of 64-bit words."""

# mypy: allow-untyped-defs

from __future__ import annotations

import numpy as np

from slt_bias._compiled import compiled

u64 = np.uint64
jit = compiled()


@jit
def _hash(row):
    """A 64-bit mix of a row of words (the finaliser of splitmix64, chained)."""
    h = u64(0x9E3779B97F4A7C15)
    for word in row:
        h = u64((h ^ word) * u64(0xBF58476D1CE4E5B9))
        h = u64((h ^ (h >> u64(27))) * u64(0x94D049BB133111EB))
        h = u64(h ^ (h >> u64(31)))
    return h


@jit
def add(slots, keys, counts, used, rows, weights):
    """Add `weights` to the counts of `rows`; returns the number of keys in use.

    slots : int64 (a power of two,), index into keys or −1; keys : uint64 (capacity, words); the caller sees to it that
    used + len(rows) ≤ capacity and that slots stay at most half full.
    """
    mask = u64(len(slots) - 1)
    words = rows.shape[1]
    for r in range(len(rows)):
        at = _hash(rows[r]) & mask
        while True:
            index = slots[at]
            if index < 0:
                slots[at] = used
                for w in range(words):
                    keys[used, w] = rows[r, w]
                counts[used] = weights[r]
                used += 1
                break
            same = True
            for w in range(words):
                if keys[index, w] != rows[r, w]:
                    same = False
                    break
            if same:
                counts[index] += weights[r]
                break
            at = (at + u64(1)) & mask
    return used


@jit
def rebuild(slots, keys, used):
    """Fill an empty (all −1) larger slot array from the keys."""
    mask = u64(len(slots) - 1)
    for index in range(used):
        at = _hash(keys[index]) & mask
        while slots[at] >= 0:
            at = (at + u64(1)) & mask
        slots[at] = index
