"""The fused kernel of fully connected networks for a GPU: draw, evaluate, pack; parameters never reach its memory.

A program holds `networks` networks on `point_tile` points; layers are cut into tiles of `tile` neurons, so that a width of 40
costs 48 and not 64. Each tile of weights is drawn where it is used, goes into one matrix product and is forgotten; a second
tile of points draws it again. The signs leave as 64-bit words in the byte order of `np.packbits`.

parts > 0 cuts both factors of a product into so many bfloat16 numbers, x = x₀ + x₁ + …, and sums the products x_i·w_j with
i + j < parts (1, 3 or 6 products; Henry, Tang & Heinecke 2019); parts = 0 leaves float32 to `dot` ("ieee", "tf32", "tf32x3").
"""

# mypy: ignore-errors

from __future__ import annotations

from typing import NamedTuple

import triton
import triton.language as tl

from slt_bias._normals_triton import INTERPRETED, quadruple
from slt_bias.maps._activation_triton import activate, normalised

DRAWN, RECORDED, GIVEN = tl.constexpr("drawn"), tl.constexpr("recorded"), tl.constexpr("given")


class Plan(NamedTuple):
    """What the kernel is compiled for.

    widths : from inputs to the one output. weight_at, bias_at : where each layer starts in a row of `size` parameters.
    cube : inputs are the bits of the point's number. block : draws a key. tile, input_tile : neurons and inputs at once.
    tile_at, vector_at : number of a layer's first tile of weights, and of its first vector of one draw a neuron.
    vectors : how many vectors a word of the first quadruples holds. group : quadruples of four tiles of weights.
    """

    widths: tuple[int, ...]
    weight_at: tuple[int, ...]
    bias_at: tuple[int, ...]
    size: int
    points: int
    cube: bool
    has_bias: bool
    uniform: bool
    activation: str
    layer_norm: bool
    block: int
    tile: int
    input_tile: int
    point_tile: int
    tile_at: tuple[int, ...]
    vector_at: tuple[int, ...]
    vectors: int
    group: int
    networks: int
    parts: int
    dot: str
    mode: str


@triton.jit
def _bfloat16(x):
    """x rounded to bfloat16, two numbers an instruction: after `x.to` the compiler would permute the operands of products."""
    if INTERPRETED:
        return x.to(tl.bfloat16).to(tl.float32)  # numpy has no bfloat16
    else:
        cvt: tl.constexpr = "cvt.rn.bf16x2.f32 $0, $2, $1;"
        return tl.inline_asm_elementwise(cvt, "=r,f,f", [x], dtype=tl.bfloat16, is_pure=True, pack=2)


@triton.jit
def _parts(x, PARTS: tl.constexpr):
    """x as a tuple of PARTS bfloat16 tensors, the largest first; (x,) for 0."""
    parts = (x,) if PARTS == 0 else ()
    for i in tl.static_range(PARTS):
        part = x
        if i + 1 < PARTS:  # rounded to the nearest, halves away from 0: cheaper than a conversion and back
            part = ((x.to(tl.int32, bitcast=True) + 0x8000) & -0x10000).to(tl.float32, bitcast=True)
            x -= part
        parts = parts + (_bfloat16(part),)
    return parts


@triton.jit
def _dot(h, w, total, DOT: tl.constexpr):
    """total + h·w for each network. A stack of products puts one warp on each network, a plain product shares it out."""
    if h.shape[0] == 1:
        flat = total.reshape(total.shape[1], total.shape[2])
        product = tl.dot(h.reshape(h.shape[1], h.shape[2]), w.reshape(w.shape[1], w.shape[2]), flat, input_precision=DOT)
        return product.reshape(1, total.shape[1], total.shape[2])
    else:
        return tl.dot(h, w, total, input_precision=DOT)


@triton.jit
def _add_product(total, h, w, DOT: tl.constexpr):
    """total + h·w for two tuples of parts."""
    for i in tl.static_range(len(h)):
        for j in tl.static_range(len(w)):
            if i + j < len(w):
                total = _dot(h[i], w[j], total, DOT)
    return total


@triton.jit
def _weights(source, std, LAYER: tl.constexpr, S: tl.constexpr, T: tl.constexpr, ROWS: tl.constexpr, PLAN: tl.constexpr):
    """Weights of a layer from input tile S to neuron tile T, (networks, ROWS, tile), 0 outside the layer.

    A group of quadruples makes four tiles, each of one word; the compiler sees that they are the same quadruples.
    """
    parameters, key, draw, row, valid = source
    fan_in: tl.constexpr = PLAN.widths[LAYER]
    inputs: tl.constexpr = (fan_in + ROWS - 1) // ROWS
    number: tl.constexpr = PLAN.tile_at[LAYER] + T * inputs + S
    r, c = tl.arange(0, ROWS)[None, :, None], tl.arange(0, PLAN.tile)[None, None, :]
    i, o = S * ROWS + r, T * PLAN.tile + c
    inside = (i < fan_in) & (o < PLAN.widths[LAYER + 1])
    place = parameters + row + (PLAN.weight_at[LAYER] + o * fan_in + i)
    if PLAN.mode == GIVEN:
        return tl.load(place, mask=inside & valid, other=0.0)
    else:
        index = PLAN.vectors * PLAN.tile + number // 4 * PLAN.group + r * PLAN.tile + c
        weights = tl.where(inside, quadruple(key, draw, index, PLAN.uniform)[number % 4] * std, 0.0)
        if PLAN.mode == RECORDED:
            tl.store(place, weights, mask=inside & valid)
        return weights


@triton.jit
def _vector(source, std, NUMBER: tl.constexpr, AT: tl.constexpr, T: tl.constexpr, WIDTH: tl.constexpr, PLAN: tl.constexpr):
    """Tile T of what has one number a neuron, (networks, 1, tile): the parameters AT … AT + WIDTH, 0 behind."""
    parameters, key, draw, row, valid = source
    c = tl.arange(0, PLAN.tile)[None, None, :]
    o = T * PLAN.tile + c
    place = parameters + row + (AT + o)
    if PLAN.mode == GIVEN:
        return tl.load(place, mask=(o < WIDTH) & valid, other=0.0)
    else:
        r = tl.arange(0, PLAN.vectors)[None, :, None]
        drawn = quadruple(key, draw, r * PLAN.tile + c, PLAN.uniform)[NUMBER // PLAN.vectors]
        vector = tl.sum(tl.where(r == NUMBER % PLAN.vectors, drawn, 0.0), axis=1, keep_dims=True)
        vector = tl.where(o < WIDTH, vector * std, 0.0)
        if PLAN.mode == RECORDED:
            tl.store(place, vector, mask=(o < WIDTH) & valid)
        return vector


@triton.jit
def _preactivations(h, source, stds, LAYER: tl.constexpr, T: tl.constexpr, ROWS: tl.constexpr, PLAN: tl.constexpr):
    """Tile T of a hidden layer's neurons before the activation, (networks, points, tile)."""
    total = tl.zeros((PLAN.networks, PLAN.point_tile, PLAN.tile), tl.float32)
    if PLAN.has_bias:
        bias_std = tl.load(stds + 2 * LAYER + 1)
        total += _vector(source, bias_std, PLAN.vector_at[LAYER] + T, PLAN.bias_at[LAYER], T, PLAN.widths[LAYER + 1], PLAN)
    std = tl.load(stds + 2 * LAYER)
    for s in tl.static_range(len(h)):
        weights = _weights(source, std, LAYER, s, T, ROWS, PLAN)
        total = _add_product(total, h[s], _parts(weights, PLAN.parts), PLAN.dot)
    return total


@triton.jit
def _readout(activations, source, stds, T: tl.constexpr, PLAN: tl.constexpr):
    """What tile T of the last hidden layer adds to the outputs, (networks, points, tile): their sum is yet to be taken."""
    hidden: tl.constexpr = len(PLAN.widths) - 2
    at: tl.constexpr = PLAN.weight_at[hidden]
    vector: tl.constexpr = PLAN.vector_at[hidden]
    terms = activations * _vector(source, tl.load(stds + 2 * hidden), vector + 1 + T, at, T, PLAN.widths[hidden], PLAN)
    if T == 0 and PLAN.has_bias:
        terms += _vector(source, tl.load(stds + 2 * hidden + 1), vector, PLAN.bias_at[hidden], 0, 1, PLAN)
    return terms


@triton.jit
def _layer(h, terms, source, stds, LAYER: tl.constexpr, PLAN: tl.constexpr):
    """One hidden layer: its activations in parts, tile by tile; in the last layer terms of the outputs instead."""
    last: tl.constexpr = LAYER == len(PLAN.widths) - 3
    rows: tl.constexpr = PLAN.input_tile if LAYER == 0 else PLAN.tile
    tiles: tl.constexpr = (PLAN.widths[LAYER + 1] + PLAN.tile - 1) // PLAN.tile
    ready = ()
    if PLAN.layer_norm:
        for t in tl.static_range(tiles):
            ready = ready + (_preactivations(h, source, stds, LAYER, t, rows, PLAN),)
        ready = normalised(ready, PLAN.widths[LAYER + 1], PLAN.tile)
    result = ()
    for t in tl.static_range(tiles):
        if PLAN.layer_norm:
            activations = activate(ready[t], PLAN.activation)
        else:
            activations = activate(_preactivations(h, source, stds, LAYER, t, rows, PLAN), PLAN.activation)
        if last:
            terms += _readout(activations, source, stds, t, PLAN)
        else:
            result = result + (_parts(activations, PLAN.parts),)
    return result, terms


@triton.jit
def _inputs(points, point, low, step, S: tl.constexpr, PLAN: tl.constexpr):
    """Tile S of the inputs of a tile of points, in parts of (networks, points, input_tile)."""
    features: tl.constexpr = PLAN.widths[0]
    i = S * PLAN.input_tile + tl.arange(0, PLAN.input_tile)[None, None, :]
    p = point[None, :, None]
    inside = (i < features) & (p < PLAN.points)
    if PLAN.cube:
        bit = (p >> tl.maximum(features - 1 - i, 0)) & 1
        x = tl.where(inside, low + step * bit.to(tl.float32), 0.0)
    else:
        x = tl.load(points + p * features + i, mask=inside, other=0.0)
    exact: tl.constexpr = PLAN.cube and PLAN.parts > 0  # the values of a hypercube are bfloat16 numbers
    return _parts(tl.broadcast_to(x, PLAN.networks, PLAN.point_tile, PLAN.input_tile), 1 if exact else PLAN.parts)


@triton.jit
def _pack(outputs, point, packed, number, count, PLAN: tl.constexpr):
    """Write the signs of (networks, point_tile) outputs: point p is bit p XOR 7 of its little-endian word of 64."""
    words: tl.constexpr = PLAN.point_tile // 64
    row_words: tl.constexpr = (PLAN.points + 63) // 64
    bits = ((outputs > 0.0) & (point < PLAN.points)[None, :]).to(tl.int64).reshape(PLAN.networks, words, 64)
    word = tl.sum(bits << (tl.arange(0, 64) ^ 7).to(tl.int64)[None, None, :], axis=2)
    w = tl.program_id(1) * words + tl.arange(0, words)
    place = packed + number.to(tl.int64)[:, None] * row_words + w[None, :]
    tl.store(place, word, mask=(number < count)[:, None] & (w < row_words)[None, :])


@triton.jit(do_not_specialize=["count"])
def networks(keys, stds, points, parameters, packed, undefined, count, low, step, PLAN: tl.constexpr):
    """Networks `program_id(0)·networks …` on the points of tile `program_id(1)`.

    keys : int64, one a block of draws. stds : float32 (layers, 2), of weights and biases. points : float32 (points,
    features), read unless cube. parameters : float32 (count, size), read if given, written if recorded. packed : int64
    (count, ⌈points/64⌉). undefined : int32, counts networks with an output that is not finite. low, step : a hypercube's.
    """
    number = tl.program_id(0) * PLAN.networks + tl.arange(0, PLAN.networks)
    key = tl.load(keys + tl.program_id(0) * PLAN.networks // PLAN.block)
    row = number.to(tl.int64)[:, None, None] * PLAN.size
    source = (parameters, key, (number % PLAN.block)[:, None, None], row, (number < count)[:, None, None])
    point = tl.program_id(1) * PLAN.point_tile + tl.arange(0, PLAN.point_tile)
    h = ()
    for s in tl.static_range((PLAN.widths[0] + PLAN.input_tile - 1) // PLAN.input_tile):
        h = h + (_inputs(points, point, low, step, s, PLAN),)
    terms = tl.zeros((PLAN.networks, PLAN.point_tile, PLAN.tile), tl.float32)
    for layer in tl.static_range(len(PLAN.widths) - 2):
        h, terms = _layer(h, terms, source, stds, layer, PLAN)
    outputs = tl.sum(terms, axis=2)
    bad = tl.max(((point < PLAN.points)[None, :] & ~(tl.abs(outputs) <= 3.4e38)).to(tl.int32), axis=1)
    bad = tl.sum(tl.where(number < count, bad, 0), axis=0)
    tl.atomic_add(undefined, bad, mask=bad > 0)
    _pack(outputs, point, packed, number, count, PLAN)
