"""Moves of one neuron at a time in the last two hidden layers of a network, and of its output layer.

Each is a Crank-Nicolson move z' = √(1−s²) z + s ξ of the latents of one neuron alone, and needs a fraction of an
evaluation: a neuron of the last hidden layer changes the outputs by v'φ(a') − vφ(a); one of the layer before changes the
next pre-activations by a rank-one term. A step that only one neuron has to survive is far longer than one of the whole
network, so that the particles mix many times faster at equal cost.
"""

# mypy: allow-untyped-defs

from __future__ import annotations

import numpy as np

from slt_bias import _normals_kernel as generator
from slt_bias.maps._activation_kernel import RELU, activate, to_uniform
from slt_bias.maps._layer_kernel import TILE, dense, f32, jit, output_layer
from slt_bias.prior._score_kernel import score

# the steps s in turn: a neuron that matters survives short ones only, one that does not is drawn anew
STEPS = np.array([1.0, 0.5, 0.22, 0.1, 0.04], np.float32)


@jit
def _propose(positions, noise, proposal, keep, stir):
    for k in range(len(proposal)):
        proposal[k] = keep * positions[k] + stir * noise[k]


@jit
def _scaled(proposal, scale, uniform, first, size, row):
    """Parameters from latents first … first + size − 1 of a proposal."""
    part, scales = row[first : first + size], scale[first : first + size]
    part[:] = proposal[first : first + size]
    if uniform:
        to_uniform(part)
    for k in range(size):
        part[k] *= scales[k]


@jit
def _copy(source, target, first, size):
    target[first : first + size] = source[first : first + size]


@jit
def _outputs_after(before, weights, change, head, activation, outputs, line):
    """outputs += Σⱼ headⱼ φ(beforeⱼ + weightsⱼ · change): what a neuron's changed activation does two layers on.

    before : (neurons, points). weights, head : (neurons,), into and out of the layer. line : scratch (points,).
    """
    for j in range(before.shape[0]):
        weight, v = weights[j], head[j]
        if activation == RELU:
            for p in range(before.shape[1]):
                outputs[p] += v * max(before[j, p] + weight * change[p], f32(0.0))
        else:
            for p in range(before.shape[1]):
                line[p] = before[j, p] + weight * change[p]
            activate(line, activation)
            for p in range(before.shape[1]):
                outputs[p] += v * line[p]


@jit
def _shift(before, weights, change, activation, shown):
    """before += weights ⊗ change and shown = φ(before), in place."""
    for j in range(before.shape[0]):
        weight = weights[j]
        for p in range(before.shape[1]):
            a = before[j, p] + weight * change[p]
            before[j, p] = a
            shown[j, p] = a
    activate(shown.reshape(-1), activation)


@jit
def _subtract(value, row):
    for p in range(len(value)):
        value[p] -= row[p]


@jit
def _increase(value, row):
    for p in range(len(value)):
        value[p] += row[p]


@jit
def _exchange(outputs, new, activation, old, before, tried):
    """tried = outputs + new·activation − old·before."""
    for p in range(len(tried)):
        tried[p] = outputs[p] + (new * activation[p] - old * before[p])


@jit
def _forward(row, bias, widths, weight_at, bias_at, activation, hidden, hidden_at, before, outputs, stride):
    """All activations, the last hidden layer's pre-activations `before`, and the outputs."""
    layers = len(widths) - 1
    for layer in range(layers - 1):
        fan_in, fan_out = widths[layer], widths[layer + 1]
        o = hidden_at[layer + 1]
        dense(row, weight_at[layer], bias, bias_at[layer], hidden, hidden_at[layer], hidden, o, fan_in, fan_out, stride)
        values = hidden[o : o + fan_out * stride]
        if layer == layers - 2:
            before[:] = values
        activate(values, activation)
    last = layers - 1
    output_layer(row, weight_at[last], bias, bias_at[last], hidden, hidden_at[last], outputs, 0, widths[last], stride)


@jit
def sweep(
    state, number, positions, scores, level, scale, uniform, signs, radii, has_bias, widths, weight_at, bias_at, activation,
    points, count,
):  # fmt: skip
    """One sweep over the neurons of every particle within {score ≤ level}; returns (moves made, moves kept).

    positions : float32 (particles, latents), scores (particles,): changed in place. points : float32 (features, count).
    ξ comes from the stream `state`, particle after particle. number : of the sweep, so that each neuron takes every step in turn.
    """
    layers = len(widths) - 1
    last, near, far = layers - 1, layers - 2, layers - 3
    stride = (count + TILE - 1) // TILE * TILE
    hidden_at = np.zeros(layers + 1, np.int64)
    for layer in range(layers):
        hidden_at[layer + 1] = hidden_at[layer] + widths[layer] * stride
    hidden = generator.aligned(hidden_at[layers] + stride)
    hidden[:] = f32(0.0)
    hidden[hidden_at[layers] :] = f32(1.0)  # what the output's bias sees
    for i in range(widths[0]):
        hidden[i * stride : i * stride + count] = points[i]
    width = widths[last]
    before = generator.aligned(width * stride)
    outputs, tried, change, line = (
        generator.aligned(stride), generator.aligned(stride), generator.aligned(stride), generator.aligned(stride),
    )  # fmt: skip
    grid, shown = before.reshape(width, stride), hidden[hidden_at[last] : hidden_at[layers]].reshape(width, stride)
    size = len(scale)
    row, other = generator.aligned(generator.padded(size)), generator.aligned(generator.padded(size))
    position, proposal = generator.aligned(size), generator.aligned(size)
    head = row[weight_at[last] : weight_at[last] + width]
    extra = 1 if has_bias else 0
    far_size = widths[far] + extra if far >= 0 else 0
    near_size = widths[near] + extra + 1 if near >= 0 else 0
    needed = (widths[near] * far_size if far >= 0 else 0) + width * near_size + width + extra
    length = generator.padded(needed)
    words, noise = generator.aligned(length).view(np.uint32), generator.aligned(length)
    lanes = generator.aligned(state.size).view(np.uint32).reshape(state.shape)
    lanes[:] = state
    zeros = np.zeros(widths.max(), np.float32)
    bias, other_bias = (row, other) if has_bias else (zeros, zeros)
    largest = np.zeros(max(1, radii.max()))
    keep = np.sqrt((f32(1.0) - STEPS) * (f32(1.0) + STEPS))
    turn, made, taken = number, 0, 0
    for r in range(len(positions)):
        position[:] = positions[r]
        _scaled(position, scale, uniform, 0, size, row)
        _forward(row, bias, widths, weight_at, bias_at, activation, hidden, hidden_at, before, outputs, stride)
        generator.fill_words(lanes, words)
        generator.box_muller(words, noise)
        at = 0
        if far >= 0:
            fan = widths[far]
            for i in range(widths[near]):
                w, b = weight_at[far] + i * fan, bias_at[far] + i
                turn = (turn + 1) % len(STEPS)
                _propose(position[w : w + fan], noise[at : at + fan], proposal[w : w + fan], keep[turn], STEPS[turn])
                _scaled(proposal, scale, uniform, w, fan, other)
                at += fan
                if has_bias:
                    _propose(position[b : b + 1], noise[at : at + 1], proposal[b : b + 1], keep[turn], STEPS[turn])
                    _scaled(proposal, scale, uniform, b, 1, other)
                    at += 1
                output_layer(other, w, other_bias, b if has_bias else 0, hidden, hidden_at[far], change, 0, fan, stride)
                activate(change, activation)
                h = hidden_at[near] + i * stride
                _subtract(change, hidden[h : h + stride])
                column = row[weight_at[near] + i : weight_at[near] + width * widths[near] : widths[near]]
                tried[:] = row[bias_at[last]] if has_bias else f32(0.0)
                _outputs_after(grid, column, change, head, activation, tried, line)
                value = score(tried[:count], signs, radii, largest)
                made += 1
                if value <= level:
                    taken += 1
                    _copy(proposal, position, w, fan)
                    _copy(other, row, w, fan)
                    if has_bias:
                        _copy(proposal, position, b, 1)
                        _copy(other, row, b, 1)
                    _increase(hidden[h : h + stride], change)
                    outputs[:] = tried
                    _shift(grid, column, change, activation, shown)
        fan = widths[near]
        for j in range(width if near >= 0 else 0):
            turn = (turn + 1) % len(STEPS)
            w, b, v = weight_at[near] + j * fan, bias_at[near] + j, weight_at[last] + j
            _propose(position[w : w + fan], noise[at : at + fan], proposal[w : w + fan], keep[turn], STEPS[turn])
            _scaled(proposal, scale, uniform, w, fan, other)
            at += fan
            if has_bias:
                _propose(position[b : b + 1], noise[at : at + 1], proposal[b : b + 1], keep[turn], STEPS[turn])
                _scaled(proposal, scale, uniform, b, 1, other)
                at += 1
            _propose(position[v : v + 1], noise[at : at + 1], proposal[v : v + 1], keep[turn], STEPS[turn])
            _scaled(proposal, scale, uniform, v, 1, other)
            at += 1
            output_layer(other, w, other_bias, b if has_bias else 0, hidden, hidden_at[near], line, 0, fan, stride)
            h = hidden_at[last] + j * stride
            change[:] = line
            activate(change, activation)
            old, new = row[v], other[v]
            _exchange(outputs, new, change, old, hidden[h : h + stride], tried)
            value = score(tried[:count], signs, radii, largest)
            made += 1
            if value <= level:
                taken += 1
                _copy(proposal, position, w, fan)
                _copy(other, row, w, fan)
                if has_bias:
                    _copy(proposal, position, b, 1)
                    _copy(other, row, b, 1)
                _copy(proposal, position, v, 1)
                _copy(other, row, v, 1)
                before[j * stride : (j + 1) * stride] = line
                hidden[h : h + stride] = change
                outputs[:] = tried
        for j in range(width + extra):
            turn = (turn + 1) % len(STEPS)
            k = weight_at[last] + j if j < width else bias_at[last]
            _propose(position[k : k + 1], noise[at : at + 1], proposal[k : k + 1], keep[turn], STEPS[turn])
            _scaled(proposal, scale, uniform, k, 1, other)
            at += 1
            h = hidden_at[last] + j * stride if j < width else hidden_at[layers]
            _exchange(outputs, other[k], hidden[h : h + stride], row[k], hidden[h : h + stride], tried)
            value = score(tried[:count], signs, radii, largest)
            made += 1
            if value <= level:
                taken += 1
                _copy(proposal, position, k, 1)
                _copy(other, row, k, 1)
                outputs[:] = tried
        # sums that were carried along are a rounding error off: what counts is the network evaluated afresh
        _scaled(position, scale, uniform, 0, size, row)
        _forward(row, bias, widths, weight_at, bias_at, activation, hidden, hidden_at, before, outputs, stride)
        value = score(outputs[:count], signs, radii, largest)
        if value <= level:
            positions[r] = position
            scores[r] = value
    return made, taken
