"""Matrix products of dense layers in double precision and LLVM's own vectors, with the accumulators held in registers.

Activations lie feature after feature, examples side by side in the lanes; weights are read one at a time, so that a
transposed weight costs nothing.
"""

# mypy: allow-untyped-defs

from __future__ import annotations

from functools import partial

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from slt_bias._compiled import compiled

jit = compiled(error_model="numpy", fastmath={"contract", "nsz"})

LANES = 8 if llvmlite.binding.get_host_cpu_features().get("avx512f") else 4
PAD = 8  # rows of examples are padded to a multiple of this
WIDE = 4 if LANES == 8 else 2  # vectors of examples whose accumulators are held at once: as many as the registers hold
SIDE = 5 if LANES == 8 else 3  # outputs, and inputs, whose inner products are accumulated at once
OUTS = 6 if LANES == 8 else 5  # outputs whose accumulators are held at once

VECTOR = ir.VectorType(ir.DoubleType(), LANES)
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
    value.align = 8
    return value


def _store(builder, value, base, offset):
    store = builder.store(value, builder.bitcast(builder.gep(base, [offset]), VECTOR.as_pointer()))
    store.align = 8


def _function(builder, name, result, arguments):
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(result, arguments), name)


def _data(context, builder, signature, arguments, k):
    return context.make_array(signature.args[k])(context, builder, arguments[k]).data


def _cases(builder, selector, bodies):
    """A switch: bodies maps a number to what writes its code. The function around it is never inlined: it is large."""
    builder.function.attributes.add("noinline")
    behind = builder.append_basic_block("behind")
    switch = builder.switch(selector, behind)
    for number, body in bodies.items():
        block = builder.append_basic_block(f"case{number}")
        switch.add_case(_index(number), block)
        builder.position_at_end(block)
        body()
        builder.branch(behind)
    builder.position_at_end(behind)


@intrinsic
def stay_apart(typingctx):
    """Keeps the function that calls it from being inlined: LLVM would compile it anew for every caller."""

    def generate(context, builder, signature, arguments):
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.void(), generate


def _total(builder, vectors):
    """The sum over the lanes of one vector."""
    add = _function(builder, f"llvm.vector.reduce.fadd.v{LANES}f64", ir.DoubleType(), [ir.DoubleType(), VECTOR])
    return builder.call(add, [ir.Constant(ir.DoubleType(), 0.0), vectors], fastmath=("reassoc",))


@intrinsic
def _product_block(typingctx, outs, vectors, weights, w, out_stride, in_stride, inner, b, source, s, s_stride, out, o, o_stride):
    """`product` for `outs` ≤ OUTS outputs and `vectors` (1, 2 or 4) vectors of examples."""
    signature = types.void(outs, vectors, weights, w, out_stride, in_stride, inner, b, source, s, s_stride, out, o, o_stride)

    def generate(context, builder, signature, arguments):
        weights, source, out = (_data(context, builder, signature, arguments, k) for k in (2, 8, 11))
        outs, vectors, w, out_stride, in_stride, inner, b = (arguments[k] for k in (0, 1, 3, 4, 5, 6, 7))
        s, s_stride, o, o_stride = (arguments[k] for k in (9, 10, 12, 13))
        fma = _function(builder, f"llvm.fma.v{LANES}f64", VECTOR, [VECTOR] * 3)
        biased = builder.icmp_signed(">=", b, _index(0))
        base = builder.select(biased, b, _index(0))

        def write(rows, count):
            sums = [[cgutils.alloca_once(builder, VECTOR) for _ in range(count)] for _ in range(rows)]
            for j in range(rows):
                bias = _splat(builder, builder.load(builder.gep(weights, [builder.add(base, _index(j))])))
                for v in range(count):
                    builder.store(builder.select(biased, bias, ZEROS), sums[j][v])
            row = [builder.add(w, builder.mul(_index(j), out_stride)) for j in range(rows)]
            with cgutils.for_range(builder, inner) as loop:
                at = builder.add(s, builder.mul(loop.index, s_stride))
                values = [_load(builder, source, builder.add(at, _index(v * LANES))) for v in range(count)]
                step = builder.mul(loop.index, in_stride)
                for j in range(rows):
                    weight = _splat(builder, builder.load(builder.gep(weights, [builder.add(row[j], step)])))
                    for v in range(count):
                        builder.store(builder.call(fma, [weight, values[v], builder.load(sums[j][v])]), sums[j][v])
            for j in range(rows):
                at = builder.add(o, builder.mul(_index(j), o_stride))
                for v in range(count):
                    _store(builder, builder.load(sums[j][v]), out, builder.add(at, _index(v * LANES)))

        sizes = [(rows, count) for rows in range(1, OUTS + 1) for count in (1, 2, WIDE)]
        selector = builder.add(builder.mul(outs, _index(8)), vectors)
        _cases(builder, selector, {8 * rows + count: partial(write, rows, count) for rows, count in sizes})
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def _outer_block(typingctx, outs, ins, delta, d, d_stride, source, s, s_stride, points, gradient, w, out_stride, in_stride):
    """`outer` for outs ≤ SIDE outputs and ins ≤ SIDE inputs."""
    signature = types.void(outs, ins, delta, d, d_stride, source, s, s_stride, points, gradient, w, out_stride, in_stride)

    def generate(context, builder, signature, arguments):
        delta, source, gradient = (_data(context, builder, signature, arguments, k) for k in (2, 5, 9))
        outs, ins, d, d_stride, s, s_stride = (arguments[k] for k in (0, 1, 3, 4, 6, 7))
        points, w, out_stride, in_stride = (arguments[k] for k in (8, 10, 11, 12))
        fma = _function(builder, f"llvm.fma.v{LANES}f64", VECTOR, [VECTOR] * 3)
        steps = builder.sdiv(points, _index(LANES))

        def write(rows, columns):
            sums = [[cgutils.alloca_once(builder, VECTOR) for _ in range(columns)] for _ in range(rows)]
            for cell in [cell for row in sums for cell in row]:
                builder.store(ZEROS, cell)
            left = [builder.add(d, builder.mul(_index(j), d_stride)) for j in range(rows)]
            right = [builder.add(s, builder.mul(_index(i), s_stride)) for i in range(columns)]
            with cgutils.for_range(builder, steps) as loop:
                step = builder.mul(loop.index, _index(LANES))
                a = [_load(builder, delta, builder.add(at, step)) for at in left]
                for i in range(columns):
                    x = _load(builder, source, builder.add(right[i], step))
                    for j in range(rows):
                        builder.store(builder.call(fma, [a[j], x, builder.load(sums[j][i])]), sums[j][i])
            for j in range(rows):
                for i in range(columns):
                    at = builder.add(w, builder.mul(_index(j), out_stride))
                    place = builder.gep(gradient, [builder.add(at, builder.mul(_index(i), in_stride))])
                    builder.store(builder.fadd(builder.load(place), _total(builder, builder.load(sums[j][i]))), place)

        sizes = [(rows, columns) for rows in range(1, SIDE + 1) for columns in range(1, SIDE + 1)]
        selector = builder.add(builder.mul(outs, _index(8)), ins)
        _cases(builder, selector, {8 * rows + columns: partial(write, rows, columns) for rows, columns in sizes})
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def _row_total(typingctx, source, s, points):
    """Σₚ source[s + p]."""
    signature = types.float64(source, s, points)

    def generate(context, builder, signature, arguments):
        source = _data(context, builder, signature, arguments, 0)
        total = cgutils.alloca_once_value(builder, ZEROS)
        with cgutils.for_range(builder, builder.sdiv(arguments[2], _index(LANES))) as loop:
            at = builder.add(arguments[1], builder.mul(loop.index, _index(LANES)))
            builder.store(builder.fadd(builder.load(total), _load(builder, source, at)), total)
        return _total(builder, builder.load(total))

    return signature, generate


@jit
def product(weights, w, out_stride, in_stride, inner, outs, b, source, s, s_stride, out, o, o_stride, points):
    """out[j, p] = weights[b + j] + Σᵢ W[j, i]·source[i, p]; W[j, i] = weights[w + j·out_stride + i·in_stride]; b < 0: no bias.

    source[i, p] = source[s + i·s_stride + p], out likewise; points is a multiple of PAD.
    """
    blocks = (outs + OUTS - 1) // OUTS
    p = 0
    while p < points:
        left = (points - p) // LANES
        vectors = WIDE if left >= WIDE else (2 if left >= 2 else 1)
        j = 0
        for block in range(blocks):
            rows = (outs - j + blocks - block - 1) // (blocks - block)
            bias = b + j if b >= 0 else -1
            at, to = w + j * out_stride, o + j * o_stride + p
            _product_block(  # type: ignore[call-arg]
                rows, vectors, weights, at, out_stride, in_stride, inner, bias, source, s + p, s_stride, out, to, o_stride
            )
            j += rows
        p += vectors * LANES


@jit
def outer(delta, d, d_stride, source, s, s_stride, outs, inner, points, gradient, w, out_stride, in_stride):
    """gradient[w + j·out_stride + i·in_stride] += Σₚ delta[d + j·d_stride + p]·source[s + i·s_stride + p]."""
    out_blocks, in_blocks = (outs + SIDE - 1) // SIDE, (inner + SIDE - 1) // SIDE
    j = 0
    for out_block in range(out_blocks):
        rows = (outs - j + out_blocks - out_block - 1) // (out_blocks - out_block)
        i = 0
        for in_block in range(in_blocks):
            columns = (inner - i + in_blocks - in_block - 1) // (in_blocks - in_block)
            a, b, at = d + j * d_stride, s + i * s_stride, w + j * out_stride + i * in_stride
            _outer_block(  # type: ignore[call-arg]
                rows, columns, delta, a, d_stride, source, b, s_stride, points, gradient, at, out_stride, in_stride
            )
            i += columns
        j += rows


@jit
def row_sums(delta, d, d_stride, outs, points, gradient, b):
    """gradient[b + j] += Σₚ delta[d + j·d_stride + p]."""
    for j in range(outs):
        gradient[b + j] += _row_total(delta, d + j * d_stride, points)  # type: ignore[call-arg]


def _exchanged(builder, vectors):
    """The transpose of LANES vectors of LANES numbers, by exchanging halves at distances 1, 2, 4."""
    step = 1
    while step < LANES:
        after = list(vectors)
        for k in range(LANES):
            if not k & step:
                first = [i if not i & step else LANES + i - step for i in range(LANES)]
                second = [i + step if not i & step else LANES + i for i in range(LANES)]
                for place, mask in ((k, first), (k + step, second)):
                    lanes = ir.Constant(ir.VectorType(ir.IntType(32), LANES), mask)
                    after[place] = builder.shuffle_vector(vectors[k], vectors[k + step], lanes)
        vectors, step = after, 2 * step
    return vectors


@intrinsic
def _gather_block(typingctx, count, table, feature, width, rows, first, points, padded, out):
    """`gather` for features feature … feature + count − 1, count ≤ LANES."""
    signature = types.void(count, table, feature, width, rows, first, points, padded, out)

    def generate(context, builder, signature, arguments):
        table, rows, out = (_data(context, builder, signature, arguments, k) for k in (1, 4, 8))
        count, feature, width, first, points, padded = (arguments[k] for k in (0, 2, 3, 5, 6, 7))

        def write(features):
            with cgutils.for_range(builder, builder.sdiv(padded, _index(LANES))) as loop:
                p = builder.mul(loop.index, _index(LANES))
                vectors = []
                for k in range(LANES):
                    example = builder.add(p, _index(k))
                    example = builder.select(builder.icmp_signed("<", example, points), example, _index(0))
                    row = builder.load(builder.gep(rows, [builder.add(first, example)]))
                    at = builder.mul(builder.sext(row, ir.IntType(64)), width)
                    vectors.append(_load(builder, table, builder.add(at, feature)))
                for f, vector in enumerate(_exchanged(builder, vectors)[:features]):
                    at = builder.mul(builder.add(feature, _index(f)), padded)
                    _store(builder, vector, out, builder.add(at, p))

        _cases(builder, count, {features: partial(write, features) for features in range(1, LANES + 1)})
        return context.get_dummy_value()

    return signature, generate


@jit
def gather(table, width, features, rows, first, points, padded, out):
    """out[f·padded + p] = table[rows[first + p]·width + f], with the first of these examples where p ≥ points.

    table : examples × width, flat, width a multiple of PAD. rows : int32.
    """
    f = 0
    while f < features:
        count = min(LANES, features - f)
        _gather_block(count, table, f, width, rows, first, points, padded, out)  # type: ignore[call-arg]
        f += LANES
