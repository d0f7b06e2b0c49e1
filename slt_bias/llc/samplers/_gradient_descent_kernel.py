"""Whole chains of the stochastic-gradient samplers on a stack of layers in one compiled call, chain after chain in cache.

The moves are those of sgld.py, rmsprop_sgld.py and sgnht.py, in the order of their plain versions: equal to rounding.
"""

# mypy: allow-untyped-defs

from __future__ import annotations

import math

import numpy as np

from slt_bias._compiled import compiled
from slt_bias._normals_kernel import LANES, aligned, box_muller, fill_words, padded
from slt_bias.llc.landscapes._stack_kernel import aligned_doubles, fill, mean_gradient, padded_rows, workspace

jit = compiled(error_model="numpy", fastmath={"contract", "nsz"})
any_order = compiled(error_model="numpy", fastmath={"contract", "nsz", "reassoc"})

SGLD, RMSPROP_SGLD, SGNHT = range(3)


@jit
def shuffle(words, order, batch):
    """order[:batch] becomes a uniformly random subset: a partial Fisher–Yates shuffle of what stands in `order`.

    Place i < batch changes with place i + ⌊words[i]·(n − i)/2³²⌋ (Lemire 2019; bias below n·2⁻³²), i = 0, 1, ….
    """
    left = np.uint64(len(order))
    for i in range(np.uint64(batch)):
        j = i + (np.uint64(words[i]) * left >> np.uint64(32))
        order[i], order[j] = order[j], order[i]
        left -= np.uint64(1)


@jit
def copy_lanes(target, source):
    """A generator's state, copied."""
    for k in range(4):
        for i in range(LANES):
            target[k, i] = source[k, i]


@jit
def draw_batches(states, orders, batch):
    """The next minibatch of each chain, orders[c, :batch]; states (chains, 4, LANES) of kind "integers" advance in place.

    Each minibatch takes padded(batch) words, so that it starts on a fresh chunk; those behind `batch` are not used.
    """
    words = aligned(padded(batch)).view(np.uint32)
    lanes = aligned(4 * LANES).view(np.uint32).reshape(4, LANES)
    for c in range(len(orders)):
        copy_lanes(lanes, states[c])
        fill_words(lanes, words)
        copy_lanes(states[c], lanes)
        shuffle(words, orders[c], batch)


@any_order
def mean_of(values, rows, batch):
    """Mean of values[rows[i]], i < batch."""
    total = 0.0
    for i in range(batch):
        total += values[np.uint64(rows[i])]
    return total / batch


@any_order
def is_finite(values):
    """No inf, no NaN."""
    total = 0.0
    for i in range(len(values)):
        total += values[i] * 0.0
    return total == 0.0


@any_order
def squared_length(values):
    """Σ valuesᵢ²."""
    total = 0.0
    for i in range(len(values)):
        total += values[i] * values[i]
    return total


@jit
def langevin_move(position, centre, gradient, noise, inverse_temperature, localization, step):
    """See sgld.py."""
    half, spread = 0.5 * step, math.sqrt(step)
    for i in range(len(position)):
        slope = inverse_temperature * gradient[i] + localization * (position[i] - centre[i])
        position[i] += spread * noise[i] - half * slope


@jit
def preconditioned_move(position, centre, gradient, noise, inverse_temperature, localization, step, square, keep_share, damping):
    """See rmsprop_sgld.py; the running mean V of the squared gradient keeps the share `keep_share` of itself."""
    half = 0.5 * step
    for i in range(len(position)):
        square[i] = keep_share * square[i] + (1.0 - keep_share) * (gradient[i] * gradient[i])
        scale = 1.0 / (damping + math.sqrt(square[i]))
        slope = inverse_temperature * gradient[i] + localization * (position[i] - centre[i])
        position[i] += math.sqrt(step * scale) * noise[i] - half * scale * slope


@jit
def thermostat_move(position, centre, gradient, noise, inverse_temperature, localization, step, momentum, kick, thermostat,
                    friction, mass):  # fmt: skip
    """See sgnht.py; gives the new thermostat."""
    size, half = len(position), 0.5 * step
    for i in range(size):
        slope = inverse_temperature * gradient[i] + localization * (position[i] - centre[i])
        momentum[i] -= kick * slope
        position[i] += half * momentum[i]
    thermostat += half * (squared_length(momentum) / size - 1.0) / mass
    turn = thermostat * step
    spread = 2.0 * step if turn == 0.0 else -math.expm1(-2.0 * turn) / thermostat
    decay, spread = math.exp(-turn), math.sqrt(friction * spread)
    for i in range(size):
        momentum[i] = decay * momentum[i] + spread * noise[i]
        position[i] += half * momentum[i]
    return thermostat + half * (squared_length(momentum) / size - 1.0) / mass


@jit
def run_chains(kind, settings, layers, frozen, data, loss, tile, batch, targets, baseline, state, first, last, burn_in,
               steps_per_draw, losses, kept, diverged):  # fmt: skip
    """Draws first … last − 1 of all chains, burn-in counted; everything of the state goes on in place.

    settings : the sampler's two numbers. batch : 0 = all examples, no gather.
    targets : centres (k, d), nβ (k,), γ (k,), step sizes (k,).
    baseline : example losses (u, n) at the different centres, the row of each chain (k,), their means (u,).
    state : positions (k, d), momenta or squares (k, d), thermostats (k,), generators of the normals and of the minibatches,
        orders of the examples (k, n).
    losses : (k, draws). kept : (k, draws, d), or (k, 0, d) for none. diverged : (k,), −1 as long as finite.
    """
    centres, inverse_temperature, localization, step_size = targets
    base, which, base_mean = baseline
    positions, seconds, thermostats, normal_states, integer_states, orders = state
    dimension = positions.shape[1]
    work, places = workspace(layers, data[4], tile)
    weights = aligned_doubles(dimension + len(frozen))
    fill(weights[dimension:], frozen)
    position = weights[:dimension]
    gradient = aligned_doubles(len(weights))
    second, centre = aligned_doubles(dimension), aligned_doubles(dimension)
    values = aligned_doubles(padded_rows(batch if batch > 0 else data[5]))
    normal_words, noise = aligned(padded(dimension)).view(np.uint32), aligned(padded(dimension))
    integer_words = aligned(padded(max(batch, 1))).view(np.uint32)
    normal_lanes = aligned(4 * LANES).view(np.uint32).reshape(4, LANES)
    integer_lanes = aligned(4 * LANES).view(np.uint32).reshape(4, LANES)
    for c in range(len(positions)):
        if diverged[c] >= 0:
            continue
        fill(position, positions[c])
        fill(second, seconds[c])
        fill(centre, centres[c])
        copy_lanes(normal_lanes, normal_states[c])
        copy_lanes(integer_lanes, integer_states[c])
        order = orders[c]
        beta, gamma, step = inverse_temperature[c], localization[c], step_size[c]
        for draw in range(first, last):
            recorded = 0.0
            for k in range(steps_per_draw):
                if batch > 0:
                    fill_words(integer_lanes, integer_words)
                    shuffle(integer_words, order, batch)
                value = mean_gradient(layers, weights, data, order, batch, loss, tile, work, places, batch >= 0,
                                      gradient, values)  # fmt: skip
                if batch > 0:
                    value += base_mean[which[c]] - mean_of(base[which[c]], order, batch)
                recorded += value
                if k == steps_per_draw - 1 and draw >= burn_in and kept.shape[1] > 0:
                    fill(kept[c, draw - burn_in], position)
                fill_words(normal_lanes, normal_words)
                box_muller(normal_words, noise)
                beginning = draw == 0 and k == 0
                if kind == SGLD:
                    langevin_move(position, centre, gradient, noise, beta, gamma, step)
                elif kind == RMSPROP_SGLD:
                    share = 0.0 if beginning else (settings[0] if 2 * draw < burn_in else 1.0)
                    preconditioned_move(position, centre, gradient, noise, beta, gamma, step, second, share, settings[1])
                else:
                    kick = 0.5 * step if beginning else step
                    thermostats[c] = thermostat_move(position, centre, gradient, noise, beta, gamma, step, second, kick,
                                                     thermostats[c], settings[0], settings[1])  # fmt: skip
                if not (math.isfinite(value) and is_finite(position)):
                    diverged[c] = max(draw - burn_in, 0)
                    break
            if diverged[c] >= 0:
                for later in range(diverged[c], losses.shape[1]):
                    losses[c, later] = np.nan
                for later in range(diverged[c], kept.shape[1]):
                    for i in range(dimension):
                        kept[c, later, i] = np.nan
                for i in range(dimension):
                    position[i] = np.nan
                break
            if draw >= burn_in:
                losses[c, draw - burn_in] = recorded / steps_per_draw
        fill(positions[c], position)
        fill(seconds[c], second)
        copy_lanes(normal_states[c], normal_lanes)
        copy_lanes(integer_states[c], integer_lanes)
