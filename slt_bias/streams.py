"""Random numbers: every draw in the package comes from here.

A draw depends on (seed, purpose, block) and on nothing else: not on the number of workers, not on what was drawn
before. The key is the first 128 bits of blake2b of the canonical JSON of (kind, seed, purpose, block); numpy's
SeedSequence (O'Neill's seed_seq mixing) expands it to the state of 32 interleaved xoshiro128++ lanes
(Blackman & Vigna 2021).
"""

from __future__ import annotations

import hashlib
import json
import math
import operator
from collections.abc import Sequence

import numpy as np

from slt_bias import _normals_kernel as kernel
from slt_bias.errors import InputError

Purpose = str | int | Sequence["Purpose"]


def key(kind: str, seed: int, purpose: Purpose, block: int) -> int:
    """The 128-bit key of a stream. Raises InputError for a seed or block that is no integer ≥ 0."""
    numbers = []
    for name, number in (("seed", seed), ("block", block)):
        try:
            numbers.append(operator.index(number))
        except TypeError:
            raise InputError(f"{name} = {number!r}: give a whole number, 0 or larger.") from None
        if numbers[-1] < 0:
            raise InputError(f"{name} = {number}: give a whole number, 0 or larger.")
    text = json.dumps([kind, numbers[0], purpose, numbers[1]], sort_keys=True, separators=(",", ":"))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=64).digest()[:16], "big")


def state(kind: str, seed: int, purpose: Purpose, block: int) -> np.ndarray:
    """The generator's state, uint32 (4, LANES), at the start of a stream: what compiled kernels take."""
    words = np.random.SeedSequence(key(kind, seed, purpose, block)).generate_state(4 * kernel.LANES, np.uint32)
    return words.reshape(4, kernel.LANES)


def normals(seed: int, purpose: Purpose, block: int, shape: tuple[int, ...]) -> np.ndarray:
    """Independent standard normals, float32, |z| ≤ 6.8 (Box & Muller 1958).

    Rows (the last axis) are drawn one after another and each starts on a fresh chunk of words: the first k rows are
    the same whatever the number of rows. Compiled kernels that draw row by row get the same bits.
    """
    out = np.empty((math.prod(shape[:-1]), shape[-1]), np.float32)
    kernel.fill_rows(state("normals", seed, purpose, block), out)
    return out.reshape(shape)


def _words(kind: str, seed: int, purpose: Purpose, block: int, size: int) -> np.ndarray:
    words = np.empty(-(-size // kernel.LANES) * kernel.LANES, np.uint32)
    kernel.fill_words(state(kind, seed, purpose, block), words)
    return words[:size]


def uniforms(seed: int, purpose: Purpose, block: int, shape: tuple[int, ...]) -> np.ndarray:
    """Independent uniforms on (0, 1), float64, with 52 random bits each; neither end occurs."""
    words = _words("uniforms", seed, purpose, block, 2 * math.prod(shape)).astype(np.uint64).reshape(-1, 2)
    mantissa = (words[:, 0] << np.uint64(20)) | (words[:, 1] >> np.uint64(12))
    return ((mantissa + 0.5) * 2.0**-52).reshape(shape)


def integers(seed: int, purpose: Purpose, block: int, shape: tuple[int, ...], bound: int = 2**32) -> np.ndarray:
    """Independent integers on 0 … bound − 1, int64; bound ≤ 2³².

    64 random bits times the bound, the high part kept (Lemire 2019): the bias is below bound·2⁻⁶⁴.
    """
    if not 1 <= bound <= 2**32:
        raise InputError(f"bound = {bound}: give a whole number between 1 and 2**32.")
    words = _words("integers", seed, purpose, block, 2 * math.prod(shape)).astype(np.uint64).reshape(-1, 2)
    low = words[:, 1] * np.uint64(bound) >> np.uint64(32)
    return ((words[:, 0] * np.uint64(bound) + low) >> np.uint64(32)).astype(np.int64).reshape(shape)
