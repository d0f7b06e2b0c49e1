"""One Hamiltonian trajectory of each chain on a stack of layers, chain after chain in cache: equal to hmc.py to rounding."""

# mypy: allow-untyped-defs

from __future__ import annotations

import math

import numpy as np

from slt_bias._compiled import compiled
from slt_bias._normals_kernel import LANES, aligned, box_muller, fill_words, padded
from slt_bias.llc.landscapes._stack_kernel import aligned_doubles, mean_gradient, padded_rows, workspace
from slt_bias.llc.samplers._gradient_descent_kernel import squared_length

jit = compiled(error_model="numpy", fastmath={"contract", "nsz"})
any_order = compiled(error_model="numpy", fastmath={"contract", "nsz", "reassoc"})


@any_order
def squared_distance(position, centre):
    """‖w − w*‖²."""
    total = 0.0
    for i in range(len(position)):
        away = position[i] - centre[i]
        total += away * away
    return total


@jit
def kick(momentum, gradient, position, centre, inverse_temperature, localization, step):
    """p ← p − step·∇U."""
    for i in range(len(momentum)):
        momentum[i] -= step * (inverse_temperature * gradient[i] + localization * (position[i] - centre[i]))


@jit
def steepness(gradient, ahead, probe):
    """|∇Lᵀ∇²L∇L|/‖∇L‖², from the gradient here and at w + probe·∇L/‖∇L‖; 1 where the gradient is 0."""
    length = math.sqrt(squared_length(gradient))
    total = 0.0
    for i in range(len(gradient)):
        total += (ahead[i] - gradient[i]) * gradient[i]
    found = abs(total) / (probe * length) if length > 0.0 else 1.0
    return found if found > 0.0 and math.isfinite(found) else 1.0


@jit
def local_scale(layers, weights, data, loss, tile, work, places, gradient, full_ahead, values, nobody, probe, beta, gamma):
    """1/√(nβh + γ) at the position that the first of `weights` are; they are left moved."""
    dimension = len(gradient)
    length = math.sqrt(squared_length(gradient))
    if length > 0.0:
        for i in range(dimension):
            weights[i] += probe * gradient[i] / length
        mean_gradient(layers, weights, data, nobody, 0, loss, tile, work, places, True, full_ahead, values)
    return 1.0 / math.sqrt(beta * steepness(gradient, full_ahead[:dimension], probe) + gamma)


@jit
def trajectories(layers, frozen, data, loss, tile, targets, state, settings, acceptance):
    """Advance all chains by one trajectory.

    targets : centres (k, d), nβ (k,), γ (k,), steps (k,), probes (k,). state : positions (k, d), losses (k,), gradients (k, d),
    generators of the normals and of the uniforms. settings : leapfrog steps, local, jitter, spread. acceptance : (k,), filled.
    """
    centres, inverse_temperature, localization, step_size, probes = targets
    positions, losses, gradients, normal_states, uniform_states = state
    leapfrog_steps, local, jitter, spread = settings
    dimension = positions.shape[1]
    work, places = workspace(layers, data[4], tile)
    weights = aligned_doubles(dimension + len(frozen))
    weights[dimension:] = frozen
    position = weights[:dimension]
    full_gradient, full_ahead = aligned_doubles(len(weights)), aligned_doubles(len(weights))
    gradient = full_gradient[:dimension]
    momentum, centre, end = aligned_doubles(dimension), aligned_doubles(dimension), aligned_doubles(dimension)
    values = aligned_doubles(padded_rows(data[5]))
    nobody = np.zeros(1, np.int32)
    size = padded(dimension + 1)
    words, noise = aligned(size).view(np.uint32), aligned(size)
    luck = aligned(LANES).view(np.uint32)
    lanes = aligned(4 * LANES).view(np.uint32).reshape(4, LANES)
    for c in range(len(positions)):
        lanes[:] = normal_states[c]
        fill_words(lanes, words)
        normal_states[c] = lanes
        box_muller(words, noise)
        lanes[:] = uniform_states[c]
        fill_words(lanes, luck)
        uniform_states[c] = lanes
        beta, gamma, probe = inverse_temperature[c], localization[c], probes[c]
        position[:] = positions[c]
        centre[:] = centres[c]
        gradient[:] = gradients[c]
        for i in range(dimension):
            momentum[i] = noise[i]
        step = step_size[c]
        if local:
            step *= math.exp(spread * noise[dimension]) * local_scale(
                layers, weights, data, loss, tile, work, places, gradient, full_ahead, values, nobody, probe, beta, gamma
            )
            position[:] = positions[c]
        elif jitter:
            step *= 0.5 + (float(luck[1]) + 0.5) * 2.0**-32
        energy = beta * losses[c] + 0.5 * gamma * squared_distance(position, centre) + 0.5 * squared_length(momentum)
        kick(momentum, gradient, position, centre, beta, gamma, 0.5 * step)
        value = losses[c]
        for leap in range(leapfrog_steps):
            for i in range(dimension):
                position[i] += step * momentum[i]
            value = mean_gradient(layers, weights, data, nobody, 0, loss, tile, work, places, True, full_gradient, values)
            kick(momentum, gradient, position, centre, beta, gamma, 0.5 * step if leap == leapfrog_steps - 1 else step)
        gain = energy - beta * value - 0.5 * gamma * squared_distance(position, centre) - 0.5 * squared_length(momentum)
        acceptance[c] = 0.0
        if not math.isfinite(gain):
            continue
        end[:] = position
        if local:
            scale = local_scale(
                layers, weights, data, loss, tile, work, places, gradient, full_ahead, values, nobody, probe, beta, gamma
            )
            back = math.log(step / step_size[c] / scale) / spread
            gain += 0.5 * (noise[dimension] * noise[dimension] - back * back)
        acceptance[c] = math.exp(min(0.0, gain))
        if (float(luck[0]) + 0.5) * 2.0**-32 < acceptance[c]:
            positions[c] = end
            losses[c] = value
            gradients[c] = gradient
