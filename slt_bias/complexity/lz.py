"""C_LZ: complexity from the words of the Lempel–Ziv parse (Dingle, Camargo & Louis 2018, Nat. Commun. 9, 761)."""

from __future__ import annotations

import math

import numpy as np

from slt_bias.complexity import _lz_kernel as kernel
from slt_bias.complexity.estimator import estimator
from slt_bias.complexity.words import first_point_lowest
from slt_bias.errors import InputError
from slt_bias.functions import Functions

BLOCK = 2**14  # functions unpacked at a time: their bits stay in the second-level cache


def lz_words(string: str) -> list[str]:
    """The words of the LZ76 exhaustive parse (Lempel & Ziv 1976), the plain way: a reference, not fast.

    Each word is the shortest next piece that cannot be copied from a start before it; the copy may overlap the word
    itself; the last word may be incomplete. `lz_words("0001101001000101")` is 0, 001, 10, 100, 1000, 101.
    """
    words, start = [], 0
    while start < len(string):
        end = start + 1
        # the piece occurs again from an earlier start: within everything but the last character of the piece
        while end < len(string) and string[start:end] in string[: end - 1]:
            end += 1
        words.append(string[start:end])
        start = end
    return words


@estimator("words of the LZ76 parse of the truth table and its reverse, times log2(points)/2", "LZ units")
def lz(functions: Functions) -> np.ndarray:
    """C_LZ of each function, float64 (count,), in LZ units: not bits, a random string of 128 points scores about 149.

    C_LZ(x) = log₂(N)·(w(x) + w(x reversed))/2 for N points, w the number of words of the LZ76 exhaustive parse
    (Lempel & Ziv 1976), and log₂(N) for a constant string; no points and one point give 0 (Dingle, Camargo & Louis
    2018). Called with one string it is a float, with several functions an array. Raises InputError for what is no
    truth table.
    """
    if functions.points < 2:
        return np.zeros(len(functions))
    words = word_counts(functions).mean(axis=0)
    ones = functions.ones()
    return math.log2(functions.points) * np.where((ones == 0) | (ones == functions.points), 1.0, words)


def word_counts(functions: Functions) -> np.ndarray:
    """int64 (2, count): the number of words of each truth table and of its reverse. Raises InputError where there are no points.

    The parse releases the GIL.
    """
    points = functions.points
    if points < 1:
        raise InputError("functions of no points have no words.")
    counts = np.empty((2, len(functions)), np.int64)
    for start in range(0, len(functions), BLOCK):
        packed = functions.packed[start : start + BLOCK]
        for direction, words in enumerate((first_point_lowest(packed), _backward(packed, points))):
            out = counts[direction, start : start + BLOCK]
            if points <= 128:
                kernel.count_words_128(words[:, 0].copy(), words[:, -1].copy(), points, out)
            else:
                kernel.count_words(words, points, out)
    return counts


def _backward(packed: np.ndarray, points: int) -> np.ndarray:
    """uint64 (count, ⌈points/64⌉): the last point is the lowest bit of word 0."""
    padded = np.zeros((len(packed), -(-packed.shape[1] // 8) * 8), np.uint8)
    padded[:, padded.shape[1] - packed.shape[1] :] = packed
    words = padded.view(">u8")[:, ::-1].astype(np.uint64)  # one large number, its lowest bits the packing's padding
    spare = np.uint64(-points % 8)
    if spare:
        carry = words[:, 1:] << (np.uint64(64) - spare)
        words >>= spare
        words[:, :-1] |= carry
    return words
