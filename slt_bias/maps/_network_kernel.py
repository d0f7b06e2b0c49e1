"""The fused kernel of fully connected networks: draw, evaluate, pack, one network at a time in the first-level cache."""

# mypy: allow-untyped-defs

from __future__ import annotations

import numpy as np

from slt_bias import _normals_kernel as generator
from slt_bias.maps._activation_kernel import RELU, activate, normalise, to_uniform
from slt_bias.maps._layer_kernel import TILE, cube_layer, dense, f32, jit, output_layer, pack_signs, rectified_dense

LARGEST_TILE = 128


@jit
def _layer(weights, w, bias, b, inputs, out, fan_in, fan_out, stride, rectify):
    if rectify:
        rectified_dense(weights, w, bias, b, inputs, out, fan_in, fan_out, stride)
    elif fan_out == 1:
        output_layer(weights, w, bias, b, inputs, out, fan_in, stride)
    else:
        dense(weights, w, bias, b, inputs, out, fan_in, fan_out, stride)


@jit
def _network(
    parameters, bias, widths, weight_at, bias_at, activation, layer_norm, cube, low, step, points, count, h, g, mean, packed, z
):
    """Evaluate one network on all points: its packed signs into `packed`, its outputs into z where z is not empty.

    cube : features of a hypercube, or 0 where `points` (features, count) holds the inputs.
    h, g : two layers' activations; mean : (2, points) of scratch.
    """
    layers = len(widths) - 1
    tile_bits = min(cube, 7)
    size = min(count, LARGEST_TILE)
    stride = (size + TILE - 1) // TILE * TILE
    fused = activation == RELU and not layer_norm
    start = 0
    tile = 0
    while start < count:
        valid = min(size, count - start)
        rectify = fused and layers > 1
        if cube > 0:
            cube_layer(
                parameters, weight_at[0], bias, bias_at[0], widths[1], cube, low, step, tile_bits, tile, rectify,
                mean[0], mean[1], h, stride,
            )  # fmt: skip
        else:
            for i in range(widths[0]):
                g[i * stride : i * stride + valid] = points[i, start : start + valid]
                g[i * stride + valid : (i + 1) * stride] = f32(0.0)
            _layer(parameters, weight_at[0], bias, bias_at[0], g, h, widths[0], widths[1], stride, rectify)
        source, target = h, g
        for layer in range(1, layers):
            fan_in, fan_out = widths[layer], widths[layer + 1]
            if layer_norm:
                normalise(source, mean[0], mean[1], fan_in, stride)
            if not fused:
                activate(source[: fan_in * stride], activation)
            rectify = fused and layer < layers - 1
            _layer(parameters, weight_at[layer], bias, bias_at[layer], source, target, fan_in, fan_out, stride, rectify)
            source, target = target, source
        pack_signs(source, valid, packed, start)
        if len(z) > 0:
            z[start : start + valid] = source[:valid]
        start += size
        tile += 1


@jit
def evaluate_rows(
    rows, has_bias, widths, weight_at, bias_at, activation, layer_norm, cube, low, step, points, count, packed, outputs
):
    """Networks of given parameters (batch, parameters); outputs is (batch, points), or (batch, 0) where not wanted."""
    size = (min(count, LARGEST_TILE) + TILE - 1) // TILE * TILE
    widest = widths.max()
    h, g = np.empty(widest * size, np.float32), np.empty(widest * size, np.float32)
    mean = np.empty((2, size), np.float32)
    zeros = np.zeros(widest, np.float32)
    for r in range(len(rows)):
        _network(
            rows[r], rows[r] if has_bias else zeros, widths, weight_at, bias_at, activation, layer_norm,
            cube, low, step, points, count, h, g, mean, packed[r], outputs[r],
        )  # fmt: skip


@jit
def draw_rows(
    state, scale, uniform, has_bias, widths, weight_at, bias_at, activation, layer_norm, cube, low, step, points, count, packed
):
    """Draw len(packed) networks from the stream `state` and evaluate each while its parameters are in the cache."""
    size = (min(count, LARGEST_TILE) + TILE - 1) // TILE * TILE
    widest = widths.max()
    h, g = np.empty(widest * size, np.float32), np.empty(widest * size, np.float32)
    mean = np.empty((2, size), np.float32)
    zeros = np.zeros(widest, np.float32)
    outputs = np.empty(0, np.float32)
    length = generator.padded(len(scale))
    words = np.empty(length, np.uint32)
    row = np.empty(length, np.float32)
    for r in range(len(packed)):
        generator.fill_words(state, words)
        generator.box_muller(words, row)
        if uniform:
            to_uniform(row)
        for i in range(len(scale)):
            row[i] *= scale[i]
        _network(
            row, row if has_bias else zeros, widths, weight_at, bias_at, activation, layer_norm,
            cube, low, step, points, count, h, g, mean, packed[r], outputs,
        )  # fmt: skip
