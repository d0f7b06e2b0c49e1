"""Bits of truth tables in compiled code: a table is uint64 words, point p at bit p & 63 of word p >> 6."""

# mypy: allow-untyped-defs
from __future__ import annotations

import numpy as np

from slt_bias._compiled import compiled

u64 = np.uint64
ONE = u64(1)
PAIRS, FOURS, EIGHTS, SUM = u64(0x5555555555555555), u64(0x3333333333333333), u64(0x0F0F0F0F0F0F0F0F), u64(0x0101010101010101)
LOW_HALVES = (
    u64(0x5555555555555555),
    u64(0x3333333333333333),
    u64(0x0F0F0F0F0F0F0F0F),
    u64(0x00FF00FF00FF00FF),
    u64(0x0000FFFF0000FFFF),
    u64(0x00000000FFFFFFFF),
)
"""The positions p of a word with bit j of p equal to 0, for j = 0 … 5."""

jit = compiled(error_model="numpy")


@jit
def ones(word):
    """The number of ones of a word."""
    word = u64(word - u64(u64(word >> ONE) & PAIRS))
    word = u64(u64(word & FOURS) + u64(u64(word >> u64(2)) & FOURS))
    word = u64(u64(word + u64(word >> u64(4))) & EIGHTS)
    return np.int64(u64(u64(word * SUM) >> u64(56)))


@jit
def lowest(word):
    """The position of the lowest one of a word that is not 0."""
    return ones(u64(u64(word & u64(~word + ONE)) - ONE))


@jit
def flipped(table, bit, word):
    """Word number `word` of a table with the points p and p ^ 2^bit exchanged."""
    if bit >= 6:
        return table[word ^ (1 << (bit - 6))]
    low = LOW_HALVES[bit]
    shift = u64(1 << bit)
    return u64(u64(u64(table[word] >> shift) & low) | u64(u64(table[word] & low) << shift))


@jit
def zeros_of(bit, word):
    """The points of word number `word` whose bit is 0."""
    if bit >= 6:
        return u64(0) if (word >> (bit - 6)) & 1 else u64(0xFFFFFFFFFFFFFFFF)
    return LOW_HALVES[bit]


@jit
def relevant(table, inputs):
    """The inputs that the table depends on, as bits; bit j is the j-th input from the last."""
    found = 0
    for bit in range(inputs):
        for word in range(len(table)):
            if flipped(table, bit, word) != table[word]:
                found |= 1 << bit
                break
    return found
