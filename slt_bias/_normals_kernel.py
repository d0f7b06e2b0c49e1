"""Compiled generator: 32 interleaved xoshiro128++ lanes, and Box–Muller over contiguous slices.

Two plain loops over contiguous 1-d arrays, so that LLVM turns each into vector code. Every integer
operation is wrapped in np.uint32: one silent promotion to 64 bits and the lanes are gone.
"""

# mypy: allow-untyped-defs

from __future__ import annotations

import numpy as np
from numba import njit

LANES = 32
CHUNK = LANES  # a row's words: Box–Muller turns the first half and the second half into as many normals

u32 = np.uint32
f32 = np.float32

jit = njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "nsz", "arcp"}, boundscheck=False)


@jit
def fill_words(state, words):
    """Advance all lanes and write len(words) 32-bit words; len(words) is a multiple of LANES.

    state : uint32 (4, LANES), changed in place. xoshiro128++ 1.0 (Blackman & Vigna 2021), one generator a lane.
    """
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    for start in range(0, len(words), LANES):
        out = words[start : start + LANES]
        for lane in range(LANES):
            a, b, c, d = s0[lane], s1[lane], s2[lane], s3[lane]
            total = u32(a + d)
            out[lane] = u32(u32(u32(total << u32(7)) | u32(total >> u32(25))) + a)
            shifted = u32(b << u32(9))
            c = u32(c ^ a)
            d = u32(d ^ b)
            s1[lane] = u32(b ^ c)
            s0[lane] = u32(a ^ d)
            s2[lane] = u32(c ^ shifted)
            s3[lane] = u32(u32(d << u32(11)) | u32(d >> u32(21)))


@jit
def box_muller(words, out):
    """Standard normals from uniform words (Box & Muller 1958), float32; len(out) = len(words), even.

    r = √(−2 ln u), u = (w₁ + ½)/2³²; out = r·cos 2πt and r·sin 2πt, t = w₂/2³² − ½. The largest |z| is √(2·33·ln 2) = 6.8.
    The logarithm: mantissa by the bit trick, then a polynomial; sine and cosine: those of the half angle, doubled.
    """
    half = len(words) // 2
    first = words[:half]
    second = words[half:]
    cosine = out[:half]
    sine = out[half:]
    for i in range(half):
        u = f32(f32(first[i]) + f32(0.5)) * f32(2.0**-32)
        bits = np.int32(f32(u).view(np.int32))
        shifted = np.int32(bits - np.int32(0x3F3504F3))
        exponent = np.int32(shifted >> np.int32(23))
        m = f32(np.int32(bits - np.int32(exponent << np.int32(23))).view(np.float32)) - f32(1.0)
        # ln(1 + m) on [√½ − 1, √2 − 1], Cephes logf
        z = m * m
        p = f32(7.0376836292e-2)
        p = p * m + f32(-1.1514610310e-1)
        p = p * m + f32(1.1676998740e-1)
        p = p * m + f32(-1.2420140846e-1)
        p = p * m + f32(1.4249322787e-1)
        p = p * m + f32(-1.6668057665e-1)
        p = p * m + f32(2.0000714765e-1)
        p = p * m + f32(-2.4999993993e-1)
        p = p * m + f32(3.3333331174e-1)
        logarithm = m + (p * m * z - f32(0.5) * z) + f32(exponent) * f32(0.6931471805599453)
        radius = np.sqrt(max(f32(-2.0) * logarithm, f32(0.0)))
        # a = πt in [−π/2, π/2): sin 2a = 2 sin a cos a, cos 2a = 1 − 2 sin² a
        a = f32(np.int32(second[i])) * f32(np.pi * 2.0**-32)
        q = a * a
        s = f32(-2.3889859e-8)
        s = s * q + f32(2.7525562e-6)
        s = s * q + f32(-1.9840874e-4)
        s = s * q + f32(8.3333310e-3)
        s = s * q + f32(-1.6666667e-1)
        s = s * q * a + a
        c = f32(-2.6051615e-7)
        c = c * q + f32(2.4760495e-5)
        c = c * q + f32(-1.3888378e-3)
        c = c * q + f32(4.1666638e-2)
        c = c * q + f32(-0.5)
        c = c * q + f32(1.0)
        cosine[i] = radius * (f32(1.0) - f32(2.0) * s * s)
        sine[i] = radius * (f32(2.0) * s * c)


@jit
def padded(length):
    """The number of words behind `length` normals: rows start on a fresh chunk."""
    return (length + CHUNK - 1) // CHUNK * CHUNK


@jit
def fill_rows(state, out):
    """Fill a (rows, length) float32 array with normals; every row starts on a fresh chunk of words."""
    rows, length = out.shape
    size = padded(length)
    words = np.empty(size, np.uint32)
    row = np.empty(size, np.float32)
    for r in range(rows):
        fill_words(state, words)
        box_muller(words, row)
        out[r] = row[:length]
