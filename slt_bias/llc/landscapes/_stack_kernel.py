"""Losses and gradients of a stack of dense layers, compiled: one parameter vector after another, in tiles of examples.

A tile's activations stay in the first cache: features × examples, examples padded to PAD by repeating the first one (its
gradient is set to 0, so that padding neither adds anything nor brings in a NaN that no example has).
"""

# mypy: allow-untyped-defs

from __future__ import annotations

import numpy as np

from slt_bias._compiled import compiled
from slt_bias.llc.landscapes._activation_kernel import IDENTITY, activate, exponential, times_slope
from slt_bias.llc.landscapes._product_kernel import PAD, gather, outer, product, row_sums, stay_apart

jit = compiled(error_model="numpy", fastmath={"contract", "nsz"})
inline = compiled(error_model="numpy", fastmath={"contract", "nsz"}, inline="always")  # compiled once, with its one caller
any_order = compiled(error_model="numpy", fastmath={"contract", "nsz", "reassoc"})

# columns of the table of layers
WEIGHT, BIAS, INPUTS, OUTPUTS, ACTIVATION, OUT_STRIDE, IN_STRIDE, BEFORE = range(8)
SQUARED_ERROR, CROSS_ENTROPY = range(2)


@jit
def aligned_doubles(size):
    """An uninitialised float64 array that starts on a cache line."""
    room = np.empty(size + 8, np.float64)
    start = (8 - (room.ctypes.data // 8) % 8) % 8
    return room[start : start + size]


@jit
def padded_rows(rows):
    """The number of rows with padding."""
    return (rows + PAD - 1) // PAD * PAD


@jit
def fill(target, values):
    """target[i] = values[i] for all of target: numba takes seconds to compile the assignment of a slice."""
    for i in range(len(target)):
        target[i] = values[i]


@jit
def workspace(layers, features, tile):
    """Scratch of one thread, and where in it stand: the tile's examples (at 0), activations, slopes, two deltas."""
    units, widest = np.int64(0), np.int64(2)
    for k in range(len(layers)):
        units += layers[k, OUTPUTS]
        widest = max(widest, layers[k, OUTPUTS], layers[k, INPUTS])
    activations = features * tile
    slopes = activations + units * tile
    delta = slopes + units * tile
    other = delta + widest * tile
    return aligned_doubles(other + widest * tile), (activations, slopes, delta, other)


@jit
def squared_errors(work, at, d, source, s, s_stride, outs, points, padded, weights, factor, values, v):
    """values[v + p] = Σⱼ weightsⱼ (output − target)²ⱼ, delta = 2·factor·weightsⱼ·(output − target)ⱼ, 0 in the padding.

    Outputs stand in work from `at` on, the deltas from d on, targets in source from s on.
    """
    size, base = np.uint64(padded), np.uint64(v)  # unsigned: no index counts from the end, and the loops become vector code
    for p in range(size):
        values[base + p] = 0.0
    for j in range(outs):
        weight = weights[j]
        slope = 2.0 * factor * weight
        a, y, c = np.uint64(at + j * padded), np.uint64(s + j * s_stride), np.uint64(d + j * padded)
        for p in range(size):
            away = work[a + p] - source[y + p]
            work[c + p] = slope * away
            values[base + p] += weight * away * away
        for p in range(np.uint64(points), size):
            work[c + p] = 0.0


@jit
def cross_entropies(work, at, d, sums, source, s, outs, points, padded, factor, values, v):
    """values[v + p] = log Σⱼ exp(outputⱼ) − output_y, delta = factor·(softmaxⱼ − 1[j = y]), 0 in the padding.

    Outputs stand in work from `at` on, the deltas from d on, the classes y in source from s on;
    `sums` : place of two rows of scratch.
    """
    size, stride, base, counted = np.uint64(padded), np.uint64(padded), np.uint64(v), np.uint64(points)
    a, y, c = np.uint64(at), np.uint64(s), np.uint64(d)
    largest, total = np.uint64(sums), np.uint64(sums + padded)
    for p in range(size):
        work[largest + p] = work[a + p]
        work[total + p] = 0.0
        values[base + p] = 0.0
    for j in range(np.uint64(1), np.uint64(outs)):
        row = a + j * stride
        for p in range(size):
            logit, before = work[row + p], work[largest + p]
            work[largest + p] = logit if logit > before else before
    for j in range(np.uint64(outs)):
        row, change, label = a + j * stride, c + j * stride, np.float64(j)
        for p in range(size):
            logit = work[row + p] - work[largest + p]
            exponent = exponential(logit)
            work[total + p] += exponent
            work[change + p] = exponent
            picked = values[base + p]
            values[base + p] = logit if source[y + p] == label else picked
    for p in range(size):
        values[base + p] = np.log(work[total + p]) - values[base + p]
        work[total + p] = (factor if p < counted else 0.0) / work[total + p]
    for j in range(np.uint64(outs)):
        change, label = c + j * stride, np.float64(j)
        for p in range(size):
            slope = work[change + p] * work[total + p]
            one = factor if source[y + p] == label else 0.0
            work[change + p] = slope - (one if p < counted else 0.0)


@inline
def tile_pass(layers, weights, source, s, s_stride, points, padded, loss, work, places, factor, gradient, values, v):
    """Examples source[s …] of one tile: their losses into values[v …]; where factor > 0, gradient += factor·Σₚ ∇ℓₚ.

    loss : (kind, weights of the outputs, first feature of the target).
    """
    activations, slopes, delta, other = places
    no_bias = np.int64(-1)  # typed: numba would compile the callee once more for every literal
    count = len(layers)
    for k in range(count):
        out = activations + layers[k, BEFORE] * padded
        outs, ins, w, b = layers[k, OUTPUTS], layers[k, INPUTS], layers[k, WEIGHT], layers[k, BIAS]
        if k == 0:
            product(weights, w, layers[k, OUT_STRIDE], layers[k, IN_STRIDE], ins, outs, b, source, s, s_stride, work, out,
                    padded, padded)  # fmt: skip
        else:
            product(weights, w, layers[k, OUT_STRIDE], layers[k, IN_STRIDE], ins, outs, b, work, out - ins * padded, padded,
                    work, out, padded, padded)  # fmt: skip
        if layers[k, ACTIVATION] != IDENTITY:
            activate(layers[k, ACTIVATION], work, out, outs * padded, slopes - activations)
    outs = layers[count - 1, OUTPUTS]
    out = activations + layers[count - 1, BEFORE] * padded
    target = s + loss[2] * s_stride
    if loss[0] == SQUARED_ERROR:
        squared_errors(work, out, delta, source, target, s_stride, outs, points, padded, loss[1], factor, values, v)
    else:
        cross_entropies(work, out, delta, other, source, target, outs, points, padded, factor, values, v)
    if factor == 0.0:
        return
    for k in range(count - 1, -1, -1):
        out = activations + layers[k, BEFORE] * padded
        outs, ins, w = layers[k, OUTPUTS], layers[k, INPUTS], layers[k, WEIGHT]
        if layers[k, ACTIVATION] != IDENTITY:
            times_slope(layers[k, ACTIVATION], work, delta, out, outs * padded, slopes - activations)
        if layers[k, BIAS] >= 0:
            row_sums(work, delta, padded, outs, padded, gradient, layers[k, BIAS])
        if k == 0:
            outer(work, delta, padded, source, s, s_stride, outs, ins, padded, gradient, w, layers[k, OUT_STRIDE],
                  layers[k, IN_STRIDE])  # fmt: skip
        else:
            outer(work, delta, padded, work, out - ins * padded, padded, outs, ins, padded, gradient, w,
                  layers[k, OUT_STRIDE], layers[k, IN_STRIDE])  # fmt: skip
            product(weights, w, layers[k, IN_STRIDE], layers[k, OUT_STRIDE], outs, ins, no_bias, work, delta, padded, work, other,
                    padded, padded)  # fmt: skip
            delta, other = other, delta


@jit
def mean_gradient(layers, weights, data, rows, batch, loss, tile, work, places, with_gradient, gradient, values):
    """The mean loss of a minibatch, or of all examples where batch is 0; with_gradient: `gradient` becomes its gradient.

    data : (features × padded examples, flat; its row length; examples × padded features, flat; its row length; features;
    examples).
    rows : indices of the minibatch's examples. values : each example's loss, at least padded_rows(batch) of them.
    """
    stay_apart()  # type: ignore[call-arg]
    columns, stride, table, width, features, examples = data
    size = batch if batch > 0 else examples
    factor = 1.0 / size if with_gradient else 0.0
    if with_gradient:
        for i in range(len(gradient)):
            gradient[i] = 0.0
    source = work if batch > 0 else columns
    first = np.int64(0)  # typed: see `tile_pass`
    while first < size:
        points = min(tile, size - first)
        padded = padded_rows(points)
        if batch > 0:
            gather(table, width, features, rows, first, points, padded, work)
        start, line = (np.int64(0), padded) if batch > 0 else (first, stride)
        tile_pass(layers, weights, source, start, line, points, padded, loss, work, places, factor, gradient, values, first)
        first += points
    return sum_of(values, size) / size


@any_order
def sum_of(values, size):
    """Σ values[:size]."""
    total = 0.0
    for p in range(size):
        total += values[p]
    return total


@jit
def evaluate(layers, frozen, parameters, data, rows, batch, loss, tile, losses, gradients, single):
    """Mean losses of each row of `parameters`; its gradients (k, d) and example losses (k, n) where these have columns.

    frozen : the constants behind the sampled parameters. Other arguments: see `mean_gradient`.
    """
    work, places = workspace(layers, data[4], tile)
    dimension = parameters.shape[1]
    weights = aligned_doubles(dimension + len(frozen))
    fill(weights[dimension:], frozen)
    gradient = aligned_doubles(len(weights))
    values = aligned_doubles(padded_rows(batch if batch > 0 else data[5]))
    wanted = gradients.shape[1] > 0
    for k in range(len(parameters)):
        fill(weights[:dimension], parameters[k])
        losses[k] = mean_gradient(layers, weights, data, rows[k], batch, loss, tile, work, places, wanted, gradient, values)
        fill(gradients[k], gradient)
        fill(single[k], values)
