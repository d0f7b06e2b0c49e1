"""Crank-Nicolson moves of fully connected networks: propose, evaluate, score and decide while one network is in the cache."""

# mypy: allow-untyped-defs

from __future__ import annotations

import numpy as np

from slt_bias import _normals_kernel as generator
from slt_bias.maps._activation_kernel import to_uniform
from slt_bias.maps._layer_kernel import f32, jit
from slt_bias.maps._network_kernel import _network, _workspace
from slt_bias.prior._score_kernel import score


@jit
def evaluate_normals(
    positions, scores, scale, uniform, signs, radii, has_bias, widths, weight_at, bias_at, activation, layer_norm,
    cube, low, step, points, count,
):  # fmt: skip
    """Scores of latents (particles, latents)."""
    h, upper, jumps, zeros = _workspace(widths, count)
    length = generator.padded(len(scale))
    row = generator.aligned(length)
    row[:] = f32(0.0)
    outputs = generator.aligned(count)
    packed = np.empty((count + 7) // 8, np.uint8)
    largest = np.zeros(max(1, radii.max()))
    bias = row if has_bias else zeros
    for r in range(len(positions)):
        for i in range(len(scale)):
            row[i] = positions[r, i]
        if uniform:
            to_uniform(row)
        for i in range(len(scale)):
            row[i] *= scale[i]
        undefined = _network(
            row, bias, widths, weight_at, bias_at, activation, layer_norm, cube, low, step, points, count, h, upper, jumps,
            packed, 0, outputs, 0,
        )  # fmt: skip
        scores[r] = np.inf if undefined else score(outputs, signs, radii, largest)


@jit
def move(
    state, positions, scores, level, moves, keep, stir, scale, uniform, signs, radii, has_bias, widths, weight_at,
    bias_at, activation, layer_norm, cube, low, step, points, count,
):  # fmt: skip
    """`moves` moves z' = keep·z + stir·ξ of every particle, each kept where score(z') ≤ level. Returns how many were kept.

    positions : float32 (particles, latents), changed in place like scores (particles,). ξ comes from the stream `state`,
    particle after particle.
    """
    h, upper, jumps, zeros = _workspace(widths, count)
    size = len(scale)
    length = generator.padded(size)
    words, noise = generator.aligned(length).view(np.uint32), generator.aligned(length)
    proposal, row = generator.aligned(length), generator.aligned(length)
    row[:] = f32(0.0)
    lanes = generator.aligned(state.size).view(np.uint32).reshape(state.shape)
    lanes[:] = state
    outputs = generator.aligned(count)
    packed = np.empty((count + 7) // 8, np.uint8)
    largest = np.zeros(max(1, radii.max()))
    bias = row if has_bias else zeros
    accepted = 0
    for r in range(len(positions)):
        position = positions[r]
        for _ in range(moves):
            generator.fill_words(lanes, words)
            generator.box_muller(words, noise)
            for i in range(size):
                proposal[i] = keep * position[i] + stir * noise[i]
            if uniform:
                row[:size] = proposal[:size]
                to_uniform(row)
                for i in range(size):
                    row[i] *= scale[i]
            else:
                for i in range(size):
                    row[i] = proposal[i] * scale[i]
            undefined = _network(
                row, bias, widths, weight_at, bias_at, activation, layer_norm, cube, low, step, points, count, h, upper,
                jumps, packed, 0, outputs, 0,
            )  # fmt: skip
            if undefined:
                continue
            found = score(outputs, signs, radii, largest)
            if found <= level:
                accepted += 1
                scores[r] = found
                position[:] = proposal[:size]
    return accepted
