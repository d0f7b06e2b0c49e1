"""Compiled count of the words of the LZ76 parse (the plain version is `lz.lz_words`), bit-parallel.

Text positions are bits, position 0 the lowest of word 0. For the word that started at position s, `E` is the set of
positions where each earlier start that still matches will read next; at i = s that is all of 0 … s−1, and reading
character c = x[i] makes it ((E and positions of c) << 1). Copies may run beyond s, for positions above s are filled
already. An empty set ends the word with the character just read. (The shift-and of Baeza-Yates & Gonnet 1992, with
the set of starts in place of a pattern.)

Every integer operation is wrapped in np.uint64: one silent promotion to float64 and the vector code is gone.
"""

# mypy: allow-untyped-defs
from __future__ import annotations

import numpy as np

from slt_bias._compiled import compiled

LANES = 64  # strings parsed side by side: all their state stays in the first-level cache

u64 = np.uint64
ZERO, ONE, TOP, ALL = u64(0), u64(1), u64(63), u64(0xFFFFFFFFFFFFFFFF)

jit = compiled(error_model="numpy")


@jit
def _first_word(x, length, E, words):
    """The first min(length, 64) characters of each string: all sets fit in one word."""
    E[:] = ZERO
    words[:] = ZERO
    for i in range(min(length, 64)):
        shift = u64(i)
        every = u64(ALL >> u64(TOP - shift))  # positions 0 … i: where the next word may copy from
        for lane in range(len(x)):
            text = x[lane]
            positions = u64(text ^ u64(u64(u64(text >> shift) & ONE) - ONE))
            match = u64(E[lane] & positions)
            ended = match == ZERO
            words[lane] = u64(words[lane] + u64(ended))
            E[lane] = every if ended else u64(match << ONE)


@jit
def _second_word(low, high, length, E, E_high, words):
    """Characters 64 … length−1 of strings of at most 128, going on from `_first_word`."""
    E_high[:] = ZERO
    for i in range(64, length):
        shift = u64(i - 64)
        every = u64(ALL >> u64(TOP - shift))
        for lane in range(len(low)):
            flip = u64(u64(u64(high[lane] >> shift) & ONE) - ONE)
            match = u64(E[lane] & u64(low[lane] ^ flip))
            match_high = u64(E_high[lane] & u64(high[lane] ^ flip))
            ended = u64(match | match_high) == ZERO
            words[lane] = u64(words[lane] + u64(ended))
            E[lane] = ALL if ended else u64(match << ONE)
            E_high[lane] = every if ended else u64(u64(match_high << ONE) | u64(match >> TOP))


@jit
def count_words_128(low, high, length, out):
    """Words of strings of 1 … 128 characters; low, high : uint64 (count,), out : int64 (count,)."""
    x, y = np.empty(LANES, u64), np.empty(LANES, u64)
    E, E_high, words = np.empty(LANES, u64), np.empty(LANES, u64), np.empty(LANES, u64)
    for start in range(0, len(low), LANES):
        size = min(LANES, len(low) - start)
        x[:size] = low[start : start + size]
        y[:size] = high[start : start + size]
        x[size:] = ZERO
        y[size:] = ZERO
        _first_word(x, length, E, words)
        if length > 64:
            _second_word(x, y, length, E, E_high, words)
        for lane in range(size):
            # a fresh set holds position 0 and a shifted one never does: then the last word is incomplete, and counts
            out[start + lane] = np.int64(words[lane]) + (np.int64(1) - np.int64(u64(E[lane] & ONE)))


@jit
def count_words(text, length, out):
    """Words of strings of any length ≥ 1; text : uint64 (count, ⌈length/64⌉), out : int64 (count,)."""
    E, match = np.empty(text.shape[1], u64), np.empty(text.shape[1], u64)
    for row in range(len(text)):
        x = text[row]
        E[:] = ZERO
        words = 0
        open_word = False
        for i in range(length):
            active = i // 64 + 1  # sets never hold a position above i − 1, so a shift carries nothing out of these words
            flip = u64(u64(u64(x[i // 64] >> u64(i % 64)) & ONE) - ONE)
            some = ZERO
            for w in range(active):
                match[w] = u64(E[w] & u64(x[w] ^ flip))
                some = u64(some | match[w])
            open_word = some != ZERO
            if open_word:
                E[0] = u64(match[0] << ONE)
                for w in range(1, active):
                    E[w] = u64(u64(match[w] << ONE) | u64(match[w - 1] >> TOP))
            else:
                words += 1
                E[: active - 1] = ALL
                E[active - 1] = u64(ALL >> u64(63 - i % 64))
        out[row] = words + (1 if open_word else 0)
