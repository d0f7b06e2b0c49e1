"""The rounds of a Feistel network over two halves of any size."""

# mypy: allow-untyped-defs

from __future__ import annotations

import numpy as np

from slt_bias._compiled import compiled

jit = compiled(error_model="numpy")


@jit
def _mix(word):
    """The finaliser of splitmix64 (Steele, Lea & Flood 2014), a bijection of 64 bits."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


@jit
def _xor_mixture(source, target, size, key):
    """Xor the first `size` bits of target with a keyed mixture of all words of source."""
    hashed = key
    for w in range(len(source)):
        hashed = _mix(hashed ^ source[w]) + np.uint64(0x9E3779B97F4A7C15)
    for w in range(len(target)):
        stream = _mix(hashed + np.uint64(w) * np.uint64(0x9E3779B97F4A7C15))
        room = size - 64 * w
        if room < 64:
            stream &= ~np.uint64(0) << np.uint64(64 - room)
        target[w] ^= stream


@jit
def rounds(left, right, left_size, right_size, keys, forward):
    """All rounds in place on uint64 (count, words); backward undoes forward."""
    for r in range(len(left)):
        for k in range(len(keys)):
            number = k if forward else len(keys) - 1 - k
            if number % 2 == 0:
                _xor_mixture(right[r], left[r], left_size, keys[number])
            else:
                _xor_mixture(left[r], right[r], right_size, keys[number])
