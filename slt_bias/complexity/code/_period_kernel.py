"""Compiled search for the smallest period and the shortest linear recurrence of a truth table."""

# mypy: allow-untyped-defs
from __future__ import annotations

import numpy as np

from slt_bias._compiled import compiled
from slt_bias.complexity import _bits_kernel as bits

u64 = np.uint64

jit = compiled(error_model="numpy")


@jit
def _has_period(table, points, period):
    """Whether bit i equals bit i + period wherever both are."""
    for start in range(0, points - period, 64):
        here = start >> 6
        there = (start + period) >> 6
        shift = (start + period) & 63
        ahead = u64(table[there] >> u64(shift))
        if shift and there + 1 < len(table):
            ahead = u64(ahead | u64(table[there + 1] << u64(64 - shift)))
        differs = u64(table[here] ^ ahead)
        left = points - period - start
        if left < 64:
            differs = u64(differs & u64(u64(u64(1) << u64(left)) - u64(1)))
        if differs != u64(0):
            return False
    return True


@jit
def smallest_periods(tables, points, out):
    """The smallest p ≥ 1 with f(i) = f(i + p) wherever both are points; int64 (count,) into out."""
    for row in range(len(tables)):
        period = 1
        while not _has_period(tables[row], points, period):
            period += 1
        out[row] = period


@jit
def linear_complexities(tables, points, out):
    """Length of the shortest linear feedback shift register of each table (Berlekamp 1968, Massey 1969); int64 (count,).

    current and before are connection polynomials, `before` shifted up by one each step; past holds the last bits, the
    most recent lowest.
    """
    words = points // 64 + 1
    current, before, past, kept = np.empty(words, u64), np.empty(words, u64), np.empty(words, u64), np.empty(words, u64)
    for row in range(len(tables)):
        current[:] = u64(0)
        before[:] = u64(0)
        past[:] = u64(0)
        current[0] = u64(1)
        before[0] = u64(1)
        length = 0
        for i in range(points):
            used = min(words, i // 64 + 1)
            for word in range(used - 1, 0, -1):
                past[word] = u64(u64(past[word] << u64(1)) | u64(past[word - 1] >> u64(63)))
                before[word] = u64(u64(before[word] << u64(1)) | u64(before[word - 1] >> u64(63)))
            bit = u64(u64(tables[row, i >> 6] >> u64(i & 63)) & u64(1))
            past[0] = u64(u64(past[0] << u64(1)) | bit)
            before[0] = u64(before[0] << u64(1))
            discrepancy = u64(0)
            for word in range(used):
                discrepancy = u64(discrepancy ^ u64(current[word] & past[word]))
            if bits.ones(discrepancy) & 1:
                grows = 2 * length <= i
                if grows:
                    kept[:] = current
                for word in range(words):
                    current[word] = u64(current[word] ^ before[word])
                if grows:
                    before[:] = kept
                    length = i + 1 - length
        out[row] = length
