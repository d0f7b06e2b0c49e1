"""The rank of a string among all of its length with as many ones (Cover 1973), exact in whole numbers."""

from __future__ import annotations

import functools
import math

import numpy as np

from slt_bias.complexity.code.reader import Reader, fixed
from slt_bias.errors import InputError


@functools.lru_cache(maxsize=64)
def rank_widths(points: int) -> np.ndarray:
    """⌈log₂ (points choose k)⌉ for k = 0 … points, int64, read-only: the bits of a rank."""
    half = []
    choose = 1
    for k in range(points // 2 + 1):
        half.append((choose - 1).bit_length())
        choose = choose * (points - k) // (k + 1)
    table = np.array([half[min(k, points - k)] for k in range(points + 1)], np.int64)
    table.setflags(write=False)
    return table


def encode_rank(bits: np.ndarray) -> str:
    """The rank of a string, bool (points,), among those with as many ones in lexicographic order, with fixed width."""
    left, ones, rank = len(bits), int(bits.sum()), 0
    size = int(rank_widths(left)[ones])
    choose = math.comb(left, ones)  # strings that still fit
    for bit in bits.tolist():
        with_zero = choose * (left - ones) // left
        if bit:
            rank += with_zero
            choose -= with_zero
            ones -= 1
        else:
            choose = with_zero
        left -= 1
    return fixed(rank, size)


def decode_rank(reader: Reader, points: int, ones: int) -> np.ndarray:
    """The string, bool (points,), with that many ones whose rank comes next. Raises InputError for no rank."""
    rank, choose = reader.fixed(int(rank_widths(points)[ones])), math.comb(points, ones)
    if rank >= choose:
        raise InputError(f"the code is of no function: rank {rank} among {choose} strings.")
    out = np.zeros(points, bool)
    for place in range(points):
        if not ones:
            break
        left = points - place
        with_zero = choose * (left - ones) // left
        if rank >= with_zero:
            out[place] = True
            rank -= with_zero
            choose -= with_zero
            ones -= 1
        else:
            choose = with_zero
    return out
