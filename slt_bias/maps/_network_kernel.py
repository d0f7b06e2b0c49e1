"""The fused kernel of fully connected networks: draw, evaluate, pack, one network at a time in the first-level cache."""

# mypy: allow-untyped-defs

from __future__ import annotations

import numpy as np

from slt_bias import _normals_kernel as generator
from slt_bias._compiled import compiled
from slt_bias.maps._activation_kernel import RELU, activate, normalise, to_uniform
from slt_bias.maps._layer_kernel import TILE, cube_layer, dense, f32, jit, output_layer, pack_signs, rectified_dense

# Parts that are inlined spare the kernel the reference counts of its arrays.
inlined = compiled(error_model="numpy", fastmath={"contract", "nsz", "arcp"}, inline="always")

TILE_BITS = 7
LARGEST_TILE = 2**TILE_BITS  # points evaluated at once: two layers of activations stay in the first-level cache
APART = 64  # floats between the layers: at a multiple of 4 kB apart, loads would wait for stores to the other layer

LARGEST = f32(3.4e38)


@inlined
def _layer(weights, w, bias, b, h, x, o, fan_in, fan_out, stride, rectify):
    if rectify:
        rectified_dense(weights, w, bias, b, h, x, h, o, fan_in, fan_out, stride)
    elif fan_out == 1:
        output_layer(weights, w, bias, b, h, x, h, o, fan_in, stride)
    else:
        dense(weights, w, bias, b, h, x, h, o, fan_in, fan_out, stride)


@inlined
def _network(
    parameters, bias, widths, weight_at, bias_at, activation, layer_norm, cube, low, step, points, count, h, upper,
    jumps, packed, byte, outputs, first,
):  # fmt: skip
    """Evaluate one network on all points: its signs into packed[byte …], its outputs into outputs[first …] unless first < 0.

    Returns 1 where an output is not finite, else 0.
    cube : features of a hypercube, or 0 where `points` (features, count) holds the inputs.
    h : two layers of activations, one behind the other; offsets into it spare the kernel all slices. upper, jumps : scratch.
    """
    layers = len(widths) - 1
    tile_bits = min(cube, TILE_BITS)
    size = min(count, LARGEST_TILE)
    stride = (size + TILE - 1) // TILE * TILE
    half = len(h) // 2
    fused = activation == RELU and not layer_norm
    undefined = np.int32(0)
    start = 0
    tile = 0
    while start < count:
        valid = min(size, count - start)
        rectify = fused and layers > 1
        if cube > 0:
            cube_layer(
                parameters, weight_at[0], bias, bias_at[0], widths[1], cube, low, step, tile_bits, tile, rectify,
                upper, jumps, h, stride,
            )  # fmt: skip
        else:
            for i in range(widths[0]):
                row = h[half + i * stride : half + (i + 1) * stride]
                row[:valid] = points[i, start : start + valid]
                row[valid:] = f32(0.0)
            _layer(parameters, weight_at[0], bias, bias_at[0], h, half, 0, widths[0], widths[1], stride, rectify)
        x, o = 0, half
        for layer in range(1, layers):
            fan_in, fan_out = widths[layer], widths[layer + 1]
            if not fused:
                values = h[x : x + fan_in * stride]
                if layer_norm:
                    normalise(values, upper, jumps, fan_in, stride)
                activate(values, activation)
            rectify = fused and layer < layers - 1
            _layer(parameters, weight_at[layer], bias, bias_at[layer], h, x, o, fan_in, fan_out, stride, rectify)
            x, o = o, x
        pack_signs(h, x, valid, packed, byte + start // 8)
        for p in range(x, x + valid):
            undefined |= np.int32(not abs(h[p]) <= LARGEST)
        if first >= 0:
            outputs[first + start : first + start + valid] = h[x : x + valid]
        start += size
        tile += 1
    return undefined


@jit
def _workspace(widths, count):
    """(two layers of activations, scratch, more scratch, a bias of zeros)."""
    size = (min(count, LARGEST_TILE) + TILE - 1) // TILE * TILE
    widest = widths.max()
    return (
        generator.aligned(2 * (widest * size + APART)), generator.aligned(LARGEST_TILE), generator.aligned(LARGEST_TILE),
        np.zeros(widest, np.float32),
    )  # fmt: skip


@jit
def evaluate_rows(
    rows, has_bias, widths, weight_at, bias_at, activation, layer_norm, cube, low, step, points, count, packed, outputs
):
    """Networks of given parameters (batch, parameters); outputs is (batch, points), or (batch, 0) where not wanted.

    Returns the number of networks with an output that is not finite; so does `draw_rows`.
    """
    h, upper, jumps, zeros = _workspace(widths, count)
    flat_packed, flat_outputs = packed.reshape(-1), outputs.reshape(-1)
    undefined = 0
    for r in range(len(rows)):
        undefined += _network(
            rows[r], rows[r] if has_bias else zeros, widths, weight_at, bias_at, activation, layer_norm, cube, low, step,
            points, count, h, upper, jumps, flat_packed, r * packed.shape[1], flat_outputs, r * count if outputs.size else -1,
        )  # fmt: skip
    return undefined


@jit
def draw_rows(
    state, scale, uniform, has_bias, widths, weight_at, bias_at, activation, layer_norm, cube, low, step, points, count, packed
):
    """Draw len(packed) networks from the stream `state` and evaluate each while its parameters are in the cache."""
    h, upper, jumps, zeros = _workspace(widths, count)
    length = generator.padded(len(scale))
    words, row = generator.aligned(length).view(np.uint32), generator.aligned(length)
    lanes = generator.aligned(state.size).view(np.uint32).reshape(state.shape)
    lanes[:] = state
    bias = row if has_bias else zeros
    flat_packed = packed.reshape(-1)
    undefined = 0
    for r in range(len(packed)):
        generator.fill_words(lanes, words)
        generator.box_muller(words, row)
        if uniform:
            to_uniform(row)
        for i in range(len(scale)):
            row[i] *= scale[i]
        undefined += _network(
            row, bias, widths, weight_at, bias_at, activation, layer_norm, cube, low, step,
            points, count, h, upper, jumps, flat_packed, r * packed.shape[1], upper, -1,
        )  # fmt: skip
    return undefined
