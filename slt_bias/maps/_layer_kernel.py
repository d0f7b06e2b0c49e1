"""Dense layers in LLVM's own vectors: register-tiled, with the rectifier in the store, at the rate of a matrix product.

No loop that numba compiles keeps the accumulators in registers; these intrinsics write the inner loops out.
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

f32 = np.float32
jit = compiled(error_model="numpy", fastmath={"contract", "nsz", "arcp"})

LANES = 16 if llvmlite.binding.get_host_cpu_features().get("avx512f") else 8
TILE = 16  # points of a layer's row are padded to a multiple of this
ROWS = 4  # neurons whose accumulators are held in registers at once
WIDE = 64 if LANES == 16 else TILE  # points whose accumulators are: as many as the registers hold
LOW_BITS = 4  # the bits of a hypercube's points within one TILE

VECTOR = ir.VectorType(ir.FloatType(), LANES)
UNDEFINED = ir.Constant(VECTOR, ir.Undefined)
ZEROS = ir.Constant(VECTOR, [0.0] * LANES)
FIRST_LANE = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)


def _index(n):
    return ir.Constant(ir.IntType(64), n)


def _splat(builder, scalar):
    one = builder.insert_element(UNDEFINED, scalar, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(one, UNDEFINED, FIRST_LANE)


def _load(builder, base, offset):
    value = builder.load(builder.bitcast(builder.gep(base, [offset]), VECTOR.as_pointer()))
    value.align = 4
    return value


def _store(builder, value, base, offset):
    store = builder.store(value, builder.bitcast(builder.gep(base, [offset]), VECTOR.as_pointer()))
    store.align = 4


def _function(builder, name, result, arguments):
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(result, arguments), name)


def _rectify(builder, value, rectify):
    """max(value, 0) where `rectify`, a compile-time choice."""
    if not rectify:
        return value
    return builder.select(builder.fcmp_ordered(">", value, ZEROS), value, ZEROS)


def _data(context, builder, signature, arguments, k):
    return context.make_array(signature.args[k])(context, builder, arguments[k]).data


def _make_micro(rows, points, rectify):
    """out[j, p] = φ(bias[j] + Σᵢ weights[j, i]·inputs[i, p]) for `rows` neurons and `points` points; φ = id or max(·, 0)."""
    vectors = points // LANES

    @intrinsic
    def micro(typingctx, weights, w, inner, bias, b, inputs, x, stride, out, o):
        signature = types.void(weights, w, inner, bias, b, inputs, x, stride, out, o)

        def generate(context, builder, signature, arguments):
            weights, bias, inputs, out = (_data(context, builder, signature, arguments, k) for k in (0, 3, 5, 8))
            w, inner, b, x, stride, o = (arguments[k] for k in (1, 2, 4, 6, 7, 9))
            fma = _function(builder, f"llvm.fma.v{LANES}f32", VECTOR, [VECTOR] * 3)
            sums = [[cgutils.alloca_once(builder, VECTOR) for _ in range(vectors)] for _ in range(rows)]
            for j in range(rows):
                start = _splat(builder, builder.load(builder.gep(bias, [builder.add(b, _index(j))])))
                for v in range(vectors):
                    builder.store(start, sums[j][v])
            row = [builder.add(w, builder.mul(_index(j), inner)) for j in range(rows)]
            with cgutils.for_range(builder, inner) as loop:
                base = builder.add(x, builder.mul(loop.index, stride))
                values = [_load(builder, inputs, builder.add(base, _index(v * LANES))) for v in range(vectors)]
                for j in range(rows):
                    weight = _splat(builder, builder.load(builder.gep(weights, [builder.add(row[j], loop.index)])))
                    for v in range(vectors):
                        builder.store(builder.call(fma, [weight, values[v], builder.load(sums[j][v])]), sums[j][v])
            for j in range(rows):
                base = builder.add(o, builder.mul(_index(j), stride))
                for v in range(vectors):
                    value = _rectify(builder, builder.load(sums[j][v]), rectify)
                    _store(builder, value, out, builder.add(base, _index(v * LANES)))
            return context.get_dummy_value()

        return signature, generate

    return micro


def _make_cube_row(rectify):
    """One neuron on 2^high·16 points of a hypercube: φ(upper[m] + Σₖ jumps[k]·bitₖ(p)) at point 16m + p."""

    @intrinsic
    def cube_row(typingctx, upper, count, jumps, out, o):
        signature = types.void(upper, count, jumps, out, o)

        def generate(context, builder, signature, arguments):
            upper, jumps, out = (_data(context, builder, signature, arguments, k) for k in (0, 2, 3))
            count, o = arguments[1], arguments[4]
            lower = []
            for v in range(TILE // LANES):
                total = ZEROS
                for k in range(LOW_BITS):
                    bits = ir.Constant(VECTOR, [float((v * LANES + p) >> k & 1) for p in range(LANES)])
                    jump = _splat(builder, builder.load(builder.gep(jumps, [_index(k)])))
                    total = builder.fadd(total, builder.fmul(jump, bits))
                lower.append(total)
            with cgutils.for_range(builder, count) as loop:
                start = _splat(builder, builder.load(builder.gep(upper, [loop.index])))
                base = builder.add(o, builder.mul(loop.index, _index(TILE)))
                for v in range(TILE // LANES):
                    value = _rectify(builder, builder.fadd(start, lower[v]), rectify)
                    _store(builder, value, out, builder.add(base, _index(v * LANES)))
            return context.get_dummy_value()

        return signature, generate

    return cube_row


@intrinsic
def _sign_bytes(typingctx, z, p, packed, at):
    """Two bytes of the signs z > 0 of 16 points, the first point the highest bit of the first byte."""
    signature = types.void(z, p, packed, at)

    def generate(context, builder, signature, arguments):
        z, packed = (_data(context, builder, signature, arguments, k) for k in (0, 2))
        for v in range(TILE // LANES):
            width = ir.IntType(LANES)
            positive = builder.fcmp_ordered(">", _load(builder, z, builder.add(arguments[1], _index(v * LANES))), ZEROS)
            mask = builder.bitcast(positive, width)
            mask = builder.call(_function(builder, f"llvm.bitreverse.i{LANES}", width, [width]), [mask])
            for byte in range(LANES // 8):
                shift = ir.Constant(width, LANES - 8 - 8 * byte)
                value = builder.trunc(builder.lshr(mask, shift), ir.IntType(8)) if LANES > 8 else mask
                place = builder.add(arguments[3], _index(v * LANES // 8 + byte))
                builder.store(value, builder.gep(packed, [place]))
        return context.get_dummy_value()

    return signature, generate


_rows_wide, _row_wide = _make_micro(ROWS, WIDE, False), _make_micro(1, WIDE, False)
_rows_tile, _row_tile = _make_micro(ROWS, TILE, False), _make_micro(1, TILE, False)
_row_at_once = _make_micro(1, 128, False)
_rectified_rows_wide, _rectified_row_wide = _make_micro(ROWS, WIDE, True), _make_micro(1, WIDE, True)
_rectified_rows_tile, _rectified_row_tile = _make_micro(ROWS, TILE, True), _make_micro(1, TILE, True)
_cube_row, _rectified_cube_row = _make_cube_row(False), _make_cube_row(True)


def _make_dense(rows_wide, row_wide, rows_tile, row_tile):
    @jit
    def dense(weights, w, bias, b, inputs, x, out, o, fan_in, fan_out, stride):
        """out[j, p] = φ(bias[b + j] + Σᵢ weights[w + j·fan_in + i]·inputs[i, p]); flat float32, rows of `stride` points.

        inputs begin at x and out at o; stride is a multiple of TILE.
        """
        p = 0
        while p + WIDE <= stride:
            j = 0
            while j + ROWS <= fan_out:
                rows_wide(weights, w + j * fan_in, fan_in, bias, b + j, inputs, x + p, stride, out, o + j * stride + p)
                j += ROWS
            while j < fan_out:
                row_wide(weights, w + j * fan_in, fan_in, bias, b + j, inputs, x + p, stride, out, o + j * stride + p)
                j += 1
            p += WIDE
        while p < stride:
            j = 0
            while j + ROWS <= fan_out:
                rows_tile(weights, w + j * fan_in, fan_in, bias, b + j, inputs, x + p, stride, out, o + j * stride + p)
                j += ROWS
            while j < fan_out:
                row_tile(weights, w + j * fan_in, fan_in, bias, b + j, inputs, x + p, stride, out, o + j * stride + p)
                j += 1
            p += TILE

    return dense


dense = _make_dense(_rows_wide, _row_wide, _rows_tile, _row_tile)
rectified_dense = _make_dense(_rectified_rows_wide, _rectified_row_wide, _rectified_rows_tile, _rectified_row_tile)


@jit
def output_layer(weights, w, bias, b, inputs, x, out, o, fan_in, stride):
    """The one output neuron: `dense` with fan_out = 1, on 128 points at once where there are so many."""
    if stride == 128:
        _row_at_once(weights, w, fan_in, bias, b, inputs, x, stride, out, o)
    else:
        dense(weights, w, bias, b, inputs, x, out, o, fan_in, 1, stride)


@jit
def cube_layer(weights, w, bias, b, fan_out, features, low, step, tile_bits, tile, rectify, upper, jumps, out, stride):
    """The first layer on points [tile·2^tile_bits, (tile + 1)·2^tile_bits) of a hypercube with values low, low + step.

    The upper bits of a tile by doubling, upper[m + 2ᵏ] = upper[m] + step·w; the lower four in one vector.
    Rows of fewer than 16 points are computed as 16, the rest of no meaning.
    """
    low_bits = min(tile_bits, LOW_BITS)
    jumps[low_bits:LOW_BITS] = f32(0.0)  # bits that the points do not have: 0 times what stood there could be NaN
    for j in range(fan_out):
        start = w + j * features
        first = bias[b + j]
        if low != f32(0.0):
            total = f32(0.0)
            for k in range(features):
                total += weights[start + k]
            first += low * total
        for k in range(features - tile_bits):  # these bits are the same all over the tile
            if (tile >> (features - tile_bits - 1 - k)) & 1:
                first += step * weights[start + k]
        for k in range(low_bits):
            jumps[k] = step * weights[start + features - 1 - k]
        upper[0] = first
        size = 1
        for k in range(low_bits, tile_bits):
            jump = step * weights[start + features - 1 - k]
            for m in range(size):
                upper[m + size] = upper[m] + jump
            size *= 2
        if rectify:
            _rectified_cube_row(upper, size, jumps, out, j * stride)
        else:
            _cube_row(upper, size, jumps, out, j * stride)


@jit
def pack_signs(z, at, points, packed, byte):
    """Bits z[at + p] > 0 into packed[byte …], the first point the highest bit."""
    p = 0
    while p + TILE <= points:
        _sign_bytes(z, at + p, packed, byte)  # type: ignore[call-arg]
        p += TILE
        byte += 2
    while p < points:
        value = np.uint32(0)
        for k in range(min(8, points - p)):
            if z[at + p + k] > f32(0.0):
                value = np.uint32(value | np.uint32(np.uint32(128) >> np.uint32(k)))
        packed[byte] = np.uint8(value)
        byte += 1
        p += 8
