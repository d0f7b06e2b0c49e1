"""Compiled building blocks of the fused network kernels: a register-tiled dense layer and single-precision activations.

The dense layer is written in LLVM's own vectors because no loop that numba compiles keeps the accumulators in registers:
it reaches the rate of a large matrix product on layers of 40 neurons. The activations are plain loops that LLVM
vectorises; their polynomials are accurate to a few units in the last place.
"""

from __future__ import annotations

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

f32 = np.float32
FAST = {"contract", "nsz", "arcp"}
jit = njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST, boundscheck=False)

LANES = 16 if llvmlite.binding.get_host_cpu_features().get("avx512f") else 8
TILE = 16  # points of a layer's row are padded to a multiple of this
ROWS = 4  # neurons whose accumulators are held in registers at once


def _make_micro(rows, lanes, vectors):
    """An intrinsic: out[j, p] = bias[j] + Σᵢ weights[j, i]·inputs[i, p] for `rows` neurons and lanes·vectors points."""

    @intrinsic
    def micro(typingctx, weights, w, inner, bias, b, inputs, x, stride, out, o):
        signature = types.void(weights, w, inner, bias, b, inputs, x, stride, out, o)

        def generate(context, builder, signature, arguments):
            def data(k):
                return context.make_array(signature.args[k])(context, builder, arguments[k]).data

            weights, bias, inputs, out = data(0), data(3), data(5), data(8)
            w, inner, b, x, stride, o = (arguments[k] for k in (1, 2, 4, 6, 7, 9))
            vector = ir.VectorType(ir.FloatType(), lanes)
            zero_lane = ir.Constant(ir.IntType(32), 0)
            undefined = ir.Constant(vector, ir.Undefined)
            all_zero = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
            fma = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(vector, [vector] * 3), f"llvm.fma.v{lanes}f32"
            )

            def index(n):
                return ir.Constant(ir.IntType(64), n)

            def splat(scalar):
                return builder.shuffle_vector(builder.insert_element(undefined, scalar, zero_lane), undefined, all_zero)

            def vector_at(base, offset):
                return builder.bitcast(builder.gep(base, [offset]), vector.as_pointer())

            sums = [[cgutils.alloca_once(builder, vector) for _ in range(vectors)] for _ in range(rows)]
            for j in range(rows):
                start = splat(builder.load(builder.gep(bias, [builder.add(b, index(j))])))
                for v in range(vectors):
                    builder.store(start, sums[j][v])
            row = [builder.add(w, builder.mul(index(j), inner)) for j in range(rows)]
            with cgutils.for_range(builder, inner) as loop:
                base = builder.add(x, builder.mul(loop.index, stride))
                points = []
                for v in range(vectors):
                    load = builder.load(vector_at(inputs, builder.add(base, index(v * lanes))))
                    load.align = 4
                    points.append(load)
                for j in range(rows):
                    weight = splat(builder.load(builder.gep(weights, [builder.add(row[j], loop.index)])))
                    for v in range(vectors):
                        builder.store(builder.call(fma, [weight, points[v], builder.load(sums[j][v])]), sums[j][v])
            for j in range(rows):
                base = builder.add(o, builder.mul(index(j), stride))
                for v in range(vectors):
                    store = builder.store(
                        builder.load(sums[j][v]), vector_at(out, builder.add(base, index(v * lanes)))
                    )
                    store.align = 4
            return context.get_dummy_value()

        return signature, generate

    return micro


_wide_rows = _make_micro(ROWS, LANES, 32 // LANES)
_wide_row = _make_micro(1, LANES, 32 // LANES)
_rows = _make_micro(ROWS, LANES, 16 // LANES)
_row = _make_micro(1, LANES, 16 // LANES)


@jit
def dense(weights, w, bias, b, inputs, out, fan_in, fan_out, stride):
    """out[j, p] = bias[b + j] + Σᵢ weights[w + j·fan_in + i]·inputs[i, p]; all flat float32, rows of `stride` points.

    stride is a multiple of TILE.
    """
    p = 0
    while p < stride:
        wide = p + 32 <= stride
        j = 0
        while j + ROWS <= fan_out:
            if wide:
                _wide_rows(weights, w + j * fan_in, fan_in, bias, b + j, inputs, p, stride, out, j * stride + p)
            else:
                _rows(weights, w + j * fan_in, fan_in, bias, b + j, inputs, p, stride, out, j * stride + p)
            j += ROWS
        while j < fan_out:
            if wide:
                _wide_row(weights, w + j * fan_in, fan_in, bias, b + j, inputs, p, stride, out, j * stride + p)
            else:
                _row(weights, w + j * fan_in, fan_in, bias, b + j, inputs, p, stride, out, j * stride + p)
            j += 1
        p += 32 if wide else 16


@njit(inline="always")
def _exp(x):
    """eˣ, Cephes expf; x is clamped to ±87."""
    x = min(max(x, f32(-87.0)), f32(87.0))
    k = np.floor(x * f32(1.44269504) + f32(0.5))
    r = x - k * f32(0.693359375)
    r = r + k * f32(2.12194440e-4)
    p = f32(1.9875691500e-4)
    p = p * r + f32(1.3981999507e-3)
    p = p * r + f32(8.3334519073e-3)
    p = p * r + f32(4.1665795894e-2)
    p = p * r + f32(1.6666665459e-1)
    p = p * r + f32(5.0000001201e-1)
    p = p * r * r + r + f32(1.0)
    return p * f32(np.int32(np.int32(np.int32(k) + np.int32(127)) << np.int32(23)).view(np.float32))


@njit(inline="always")
def _erf(x):
    """erf(x): a rational function of degree 13/8 on [−4, 4], where |erf| is 1 to 1.5·10⁻⁸."""
    x = min(max(x, f32(-4.0)), f32(4.0))
    q = x * x
    p = f32(-2.72614225801306e-10)
    p = p * q + f32(2.77068142495902e-08)
    p = p * q + f32(-2.10102402082508e-06)
    p = p * q + f32(-5.69250639462346e-05)
    p = p * q + f32(-7.34990630326855e-04)
    p = p * q + f32(-2.95459980854025e-03)
    p = p * q + f32(-1.60960333262415e-02)
    d = f32(-1.45660718464996e-05)
    d = d * q + f32(-2.13374055278905e-04)
    d = d * q + f32(-1.68282697438203e-03)
    d = d * q + f32(-7.37332916720468e-03)
    d = d * q + f32(-1.42647390514189e-02)
    return x * p / d


@njit(inline="always")
def _tanh(x):
    """tanh(x): a rational function of degree 13/6 on ±7.9, where |tanh| is 1 to single precision."""
    x = min(max(x, f32(-7.90531110763549805)), f32(7.90531110763549805))
    q = x * x
    p = f32(-2.76076847742355e-16)
    p = p * q + f32(2.00018790482477e-13)
    p = p * q + f32(-8.60467152213735e-11)
    p = p * q + f32(5.12229709037114e-08)
    p = p * q + f32(1.48572235717979e-05)
    p = p * q + f32(6.37261928875436e-04)
    p = p * q + f32(4.89352455891786e-03)
    d = f32(1.19825839466702e-06)
    d = d * q + f32(1.18534705686654e-04)
    d = d * q + f32(2.26843463243900e-03)
    d = d * q + f32(4.89352518554385e-03)
    return x * p / d


@njit(inline="always")
def _sin(x):
    """sin(x): reduced by multiples of π in two steps, then Taylor-minimax of degree 11 on ±π/2."""
    k = np.floor(x * f32(0.318309886) + f32(0.5))
    r = x - k * f32(3.140625)
    r = r - k * f32(9.67653589793e-4)
    q = r * r
    s = f32(-2.3889859e-8)
    s = s * q + f32(2.7525562e-6)
    s = s * q + f32(-1.9840874e-4)
    s = s * q + f32(8.3333310e-3)
    s = s * q + f32(-1.6666667e-1)
    s = s * q * r + r
    odd = k - f32(2.0) * np.floor(k * f32(0.5))
    return s * (f32(1.0) - f32(2.0) * odd)


RELU, TANH, ERF, GELU, SIN, GAUSSIAN, STEP, LINEAR = range(8)
CODES = {"relu": RELU, "tanh": TANH, "erf": ERF, "gelu": GELU, "sin": SIN, "gaussian": GAUSSIAN, "step": STEP, "linear": LINEAR}


@jit
def activate(h, activation):
    """Apply an activation in place to a flat float32 array."""
    if activation == RELU:
        for i in range(len(h)):
            h[i] = max(h[i], f32(0.0))
    elif activation == TANH:
        for i in range(len(h)):
            h[i] = _tanh(h[i])
    elif activation == ERF:
        for i in range(len(h)):
            h[i] = _erf(h[i])
    elif activation == GELU:
        for i in range(len(h)):
            h[i] = f32(0.5) * h[i] * (f32(1.0) + _erf(h[i] * f32(0.70710678)))
    elif activation == SIN:
        for i in range(len(h)):
            h[i] = _sin(h[i])
    elif activation == GAUSSIAN:
        for i in range(len(h)):
            h[i] = _exp(f32(-0.5) * h[i] * h[i])
    elif activation == STEP:
        for i in range(len(h)):
            h[i] = f32(1.0) if h[i] > f32(0.0) else f32(0.0)


@jit
def to_uniform(z):
    """Standard normals to uniforms of mean 0 and variance 1, in place: √3·erf(z/√2)."""
    for i in range(len(z)):
        z[i] = f32(1.7320508) * _erf(z[i] * f32(0.70710678))


@jit
def normalise(h, mean, variance, neurons, stride):
    """Layer norm without gain: each point's pre-activations to mean 0 and variance 1 over the neurons, in place."""
    mean[:stride] = f32(0.0)
    variance[:stride] = f32(0.0)
    for j in range(neurons):
        row = h[j * stride : (j + 1) * stride]
        for p in range(stride):
            mean[p] += row[p]
    for p in range(stride):
        mean[p] = mean[p] / f32(neurons)
    for j in range(neurons):
        row = h[j * stride : (j + 1) * stride]
        for p in range(stride):
            row[p] -= mean[p]
            variance[p] += row[p] * row[p]
    for p in range(stride):
        variance[p] = f32(1.0) / np.sqrt(variance[p] / f32(neurons) + f32(1e-5))
    for j in range(neurons):
        row = h[j * stride : (j + 1) * stride]
        for p in range(stride):
            row[p] *= variance[p]


@jit
def pack_signs(z, points, packed, start):
    """Bits z[p] > 0 into packed[start // 8 …], first point = highest bit; start is a multiple of 8."""
    byte = start // 8
    for p in range(0, points, 8):
        value = np.uint32(0)
        for k in range(min(8, points - p)):
            if z[p + k] > f32(0.0):
                value = np.uint32(value | np.uint32(np.uint32(128) >> np.uint32(k)))
        packed[byte] = np.uint8(value)
        byte += 1
