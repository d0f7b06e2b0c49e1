"""The fused kernel of fully connected networks: draw, evaluate, pack, one network at a time in the first-level cache."""

from __future__ import annotations

import numpy as np

from slt_bias import _normals_kernel as generator
from slt_bias.maps._vector_kernel import TILE, activate, dense, f32, jit, normalise, pack_signs, to_uniform

LARGEST_TILE = 128


@jit
def _cube_layer(parameters, w, bias, b, fan_out, features, low, step, tile_bits, tile, h, stride):
    """The first layer on the points [tile·2ᵏ, (tile+1)·2ᵏ) of a hypercube: h[j, m + 2ᵏ] = h[j, m] + step·w[j, k]."""
    for j in range(fan_out):
        start = w + j * features
        total = f32(0.0)
        for k in range(features):
            total += parameters[start + k]
        first = bias[b + j] + low * total
        for k in range(features - tile_bits):  # the high bits are the same all over the tile
            if (tile >> (features - tile_bits - 1 - k)) & 1:
                first += step * parameters[start + k]
        row = h[j * stride : (j + 1) * stride]
        row[0] = first
        size = 1
        for k in range(tile_bits):
            jump = step * parameters[start + features - 1 - k]
            for m in range(size):
                row[m + size] = row[m] + jump
            size *= 2
        for m in range(size, stride):
            row[m] = f32(0.0)


@jit
def _network(parameters, bias, widths, weight_at, bias_at, activation, layer_norm, cube, low, step, points, count, h, g, mean, packed, z):
    """Evaluate one network on all points: its packed signs into `packed`, its outputs into z where z is not empty.

    cube : features of a hypercube, or 0 where `points` (features, count padded to TILE) holds the inputs.
    """
    layers = len(widths) - 1
    tile_bits = 0
    if cube > 0:
        tile_bits = min(cube, 7)
    size = min(count, LARGEST_TILE)
    stride = (size + TILE - 1) // TILE * TILE
    start = 0
    tile = 0
    while start < count:
        valid = min(size, count - start)
        if cube > 0:
            _cube_layer(parameters, weight_at[0], bias, bias_at[0], widths[1], cube, low, step, tile_bits, tile, h, stride)
        else:
            for i in range(widths[0]):
                g[i * stride : i * stride + valid] = points[i, start : start + valid]
                g[i * stride + valid : (i + 1) * stride] = f32(0.0)
            dense(parameters, weight_at[0], bias, bias_at[0], g, h, widths[0], widths[1], stride)
        source, target = h, g
        for layer in range(1, layers):
            fan_in, fan_out = widths[layer], widths[layer + 1]
            if layer_norm:
                normalise(source, mean[0], mean[1], fan_in, stride)
            activate(source[: fan_in * stride], activation)
            dense(parameters, weight_at[layer], bias, bias_at[layer], source, target, fan_in, fan_out, stride)
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
