"""Compiled generator: 32 interleaved xoshiro128++ lanes in LLVM's own vectors, then Box–Muller.

Box–Muller is a plain loop over contiguous 1-d slices that LLVM turns into vector code; every integer operation in it is
wrapped in np.int32: one silent promotion to 64 bits and the lanes are gone.
"""

# mypy: allow-untyped-defs

from __future__ import annotations

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from slt_bias._compiled import compiled

LANES = 32
CHUNK = LANES  # a row's words: Box–Muller turns the first half and the second half into as many normals
VECTOR_LANES = 16 if llvmlite.binding.get_host_cpu_features().get("avx512f") else 8

f32 = np.float32

jit = compiled(error_model="numpy", fastmath={"contract", "nsz", "arcp"})


@jit
def aligned(size):
    """An uninitialised float32 array that starts on a cache line: vectors that cross lines cost up to twice the time."""
    room = np.empty(size + 16, np.float32)
    start = (16 - (room.ctypes.data // 4) % 16) % 16
    return room[start : start + size]


@intrinsic
def _advance(typingctx, state, words, steps):
    """`steps` steps of all lanes, LANES words a step; the state stays in registers meanwhile.

    xoshiro128++ 1.0 (Blackman & Vigna 2021): out = rotl(s₀ + s₃, 7) + s₀; t = s₁ << 9; s₂ ^= s₀; s₃ ^= s₁; s₁ ^= s₂;
    s₀ ^= s₃; s₂ ^= t; s₃ = rotl(s₃, 11).
    """
    signature = types.void(state, words, steps)

    def generate(context, builder, signature, arguments):
        state, words = (context.make_array(signature.args[k])(context, builder, arguments[k]).data for k in (0, 1))
        vector = ir.VectorType(ir.IntType(32), VECTOR_LANES)
        parts = LANES // VECTOR_LANES
        index, constant = ir.IntType(64), lambda n: ir.Constant(vector, [n] * VECTOR_LANES)

        def place(base, offset):
            return builder.bitcast(builder.gep(base, [offset]), vector.as_pointer())

        def rotate(value, by):
            return builder.or_(builder.shl(value, constant(by)), builder.lshr(value, constant(32 - by)))

        def at(word, part):
            return place(state, ir.Constant(index, word * LANES + part * VECTOR_LANES))

        lanes = [[cgutils.alloca_once(builder, vector) for _ in range(4)] for _ in range(parts)]
        for part in range(parts):
            for word in range(4):
                value = builder.load(at(word, part))
                value.align = 4
                builder.store(value, lanes[part][word])
        with cgutils.for_range(builder, arguments[2]) as loop:
            first = builder.mul(loop.index, ir.Constant(index, LANES))
            for part in range(parts):
                a, b, c, d = (builder.load(lane) for lane in lanes[part])
                out = builder.add(rotate(builder.add(a, d), 7), a)
                store = builder.store(out, place(words, builder.add(first, ir.Constant(index, part * VECTOR_LANES))))
                store.align = 4
                shifted = builder.shl(b, constant(9))
                c, d = builder.xor(c, a), builder.xor(d, b)
                after = (builder.xor(a, d), builder.xor(b, c), builder.xor(c, shifted), rotate(d, 11))
                for lane, value in zip(lanes[part], after, strict=True):
                    builder.store(value, lane)
        for part in range(parts):
            for word in range(4):
                builder.store(builder.load(lanes[part][word]), at(word, part)).align = 4
        return context.get_dummy_value()

    return signature, generate


@jit
def fill_words(state, words):
    """Advance all lanes and write len(words) 32-bit words; len(words) is a multiple of LANES.

    state : uint32 (4, LANES), changed in place.
    """
    _advance(state, words, len(words) // LANES)  # type: ignore[call-arg]


@jit
def box_muller(words, out):
    """Standard normals from uniform words (Box & Muller 1958), float32; len(out) = len(words), even.

    r = √(−2 ln u), u = (w₁ + ½)/2³²; out = ±r·cos a and ±r·sin a, or the two exchanged: the three highest bits of w₂ are the
    two signs and the exchange, a = (w + ½)·(π/4)/2²⁹ the other 29. The largest |z| is √(2·33·ln 2) = 6.8.
    Minimax polynomials: ln(1 + m)/m to 1.7·10⁻⁷ with the mantissa by the bit trick, sine and cosine to 3·10⁻⁸.
    """
    half = len(words) // 2
    first = words[:half]
    second = words[half:]
    cosine = out[:half]
    sine = out[half:]
    for i in range(half):
        u = f32(f32(first[i]) + f32(0.5)) * f32(2.0**-32)
        bits = np.int32(f32(u).view(np.int32))
        exponent = np.int32(np.int32(bits - np.int32(0x3F3504F3)) >> np.int32(23))
        m = f32(np.int32(bits - np.int32(exponent << np.int32(23))).view(np.float32)) - f32(1.0)
        p = f32(-1.037858331e-01)
        p = p * m + f32(1.633809300e-01)
        p = p * m + f32(-1.721244619e-01)
        p = p * m + f32(1.988424274e-01)
        p = p * m + f32(-2.497155931e-01)
        p = p * m + f32(3.333560765e-01)
        p = p * m + f32(-5.000034429e-01)
        p = p * m + f32(9.999999179e-01)
        logarithm = p * m + f32(exponent) * f32(0.6931471805599453)
        radius = np.sqrt(max(f32(-2.0) * logarithm, f32(0.0)))
        word = np.int32(second[i])
        a = f32(np.int32(word & np.int32(0x1FFFFFFF))) * f32(np.pi / 4 * 2.0**-29) + f32(np.pi / 8 * 2.0**-29)
        q = a * a
        s = f32(-1.950402197e-04)
        s = s * q + f32(8.332036875e-03)
        s = s * q + f32(-1.666665070e-01)
        s = s * q + f32(9.999999969e-01)
        s = s * a * radius
        c = f32(-1.358590847e-03)
        c = c * q + f32(4.165502688e-02)
        c = c * q + f32(-4.999985670e-01)
        c = c * q + f32(9.999999724e-01)
        c = c * radius
        exchange = np.int32(word & np.int32(0x20000000)) != np.int32(0)
        x = f32(s if exchange else c)
        y = f32(c if exchange else s)
        highest = np.int32(-0x80000000)
        cosine[i] = np.int32(x.view(np.int32) ^ np.int32(word & highest)).view(np.float32)
        sine[i] = np.int32(y.view(np.int32) ^ np.int32(np.int32(word << np.int32(1)) & highest)).view(np.float32)


@jit
def padded(length):
    """The number of words behind `length` normals: rows start on a fresh chunk."""
    return (length + CHUNK - 1) // CHUNK * CHUNK


@jit
def fill_rows(state, out):
    """Fill a (rows, length) float32 array with normals and advance the state; every row starts on a fresh chunk of words."""
    rows, length = out.shape
    size = padded(length)
    words = aligned(size).view(np.uint32)
    row = aligned(size)
    lanes = aligned(4 * LANES).view(np.uint32).reshape(4, LANES)
    lanes[:] = state
    for r in range(rows):
        fill_words(lanes, words)
        box_muller(words, row)
        out[r] = row[:length]
    state[:] = lanes
