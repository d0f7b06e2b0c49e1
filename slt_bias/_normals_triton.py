"""Random numbers inside a Triton kernel: Philox 4×32 by counter, then Box–Muller; nothing is stored.

Philox 4×32 with ten rounds (Salmon, Moraes, Dror & Shaw 2011) turns (key, counter) into four words. The key is that of a
block of the random stream, the counter (quadruple within a draw, draw within the block): a number depends on these alone,
whatever the launch.
"""

# mypy: ignore-errors

from __future__ import annotations

import triton
import triton.language as tl

ROUNDS = tl.constexpr(10)
INTERPRETED = tl.constexpr(triton.knobs.runtime.interpret)


@triton.jit
def words(key, draw, index):
    """Four uint32 words: Philox 4×32 of the counter (index, draw, 0, 0), int32 tensors that broadcast, with a 64-bit key.

    One wide product a multiplication: the high and the low half of 64 bits.
    """
    c0, c1 = index.to(tl.uint32, bitcast=True), draw.to(tl.uint32, bitcast=True)
    c2, c3 = c1 * 0, c1 * 0
    k0, k1 = (key & 0xFFFFFFFF).to(tl.uint32), (key >> 32).to(tl.uint32)
    for _ in tl.static_range(ROUNDS):
        first, second = c0.to(tl.uint64) * 0xD2511F53, c2.to(tl.uint64) * 0xCD9E8D57
        c0, c2 = (second >> 32).to(tl.uint32) ^ c1 ^ k0, (first >> 32).to(tl.uint32) ^ c3 ^ k1
        c1, c3 = second.to(tl.uint32), first.to(tl.uint32)
        k0 = tl.add(k0, 0x9E3779B9, sanitize_overflow=False)
        k1 = tl.add(k1, 0xBB67AE85, sanitize_overflow=False)
    return c0, c1, c2, c3


@triton.jit
def _log2(x):
    """log₂ x to 2⁻²² absolutely: the processor's own instruction, where `tl.log2` would be a polynomial of 20."""
    if INTERPRETED:
        return tl.log2(x)
    else:
        return tl.inline_asm_elementwise("lg2.approx.ftz.f32 $0, $1;", "=f,f", [x], dtype=tl.float32, is_pure=True, pack=1)


@triton.jit
def normal_pair(first, second):
    """Two standard normals from two uint32 words (Box & Muller 1958), float32, |z| ≤ 6.8.

    r = √(−2 ln u), u = (w₁ + ½)/2³²; the angle is w₂ as a signed number, on ±π/4, and the two lowest bits of w₂ turn it to
    the other three quarters: they exchange the pair and negate the cosine. Polynomials as in `_normals_kernel.box_muller`.
    """
    u = (first.to(tl.float32) + 0.5) * 2.3283064365386963e-10
    radius = tl.sqrt(tl.maximum(_log2(u) * -1.3862943611198906, 0.0))
    a = second.to(tl.int32, bitcast=True).to(tl.float32) * 3.657291e-10
    q = a * a
    s = ((-1.950402197e-04 * q + 8.332036875e-03) * q - 1.666665070e-01) * q + 9.999999969e-01
    s = s * (a * radius)
    c = ((-1.358590847e-03 * q + 4.165502688e-02) * q - 4.999985670e-01) * q + 9.999999724e-01
    c = c * tl.where((second & 2) != 0, -radius, radius)
    exchange = (second & 1) != 0
    return tl.where(exchange, s, c), tl.where(exchange, c, s)


@triton.jit
def uniform(word):
    """A uniform number of mean 0 and variance 1, on ±√3, from a uint32 word."""
    return word.to(tl.int32, bitcast=True).to(tl.float32) * 8.065491e-10 + 4.0327455e-10


@triton.jit
def quadruple(key, draw, index, UNIFORM: tl.constexpr):
    """Four draws of mean 0 and variance 1, normal or uniform.

    key : 64 bits. draw, index : int32 tensors that broadcast against each other, the counter's first two words.
    """
    a, b, c, d = words(key, draw, index)
    if UNIFORM:
        return uniform(a), uniform(b), uniform(c), uniform(d)
    else:
        p, q = normal_pair(a, b)
        r, s = normal_pair(c, d)
        return p, q, r, s
