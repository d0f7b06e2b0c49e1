"""Population loss and gradient of one instance, and of many: the sum over the patterns of active features. See `population`."""
# mypy: allow-untyped-defs

from __future__ import annotations

import numpy as np

from slt_bias._compiled import compiled
from slt_bias.subjects.superposition._corners_kernel import pattern
from slt_bias.subjects.superposition._quadrature_kernel import first, second, third


@compiled()
def workspace(features):
    """Room for `instance` to work in: numbers and whole numbers."""
    return np.empty((11, max(1 << features, features + 2))), np.empty(features, np.int64)


@compiled()
def one_output(gram_row, offset, density, j, relu, slopes, room):
    """E[(x_j − x'_j)²] − E[x_j²] and its derivative by the offset; those by the row of WᵀW are added to `slopes`."""
    features = len(density)
    work, active = room
    value, by_offset = 0.0, 0.0
    for number in range(1 << features):
        chance, count = 1.0, 0
        for i in range(features):
            if number >> i & 1:
                chance *= density[i]
                active[count] = i
                count += 1
            else:
                chance *= 1 - density[i]
        if chance == 0:
            continue
        if count == 0:
            kept = offset if offset > 0 or not relu else 0.0
            value += chance * kept * kept
            by_offset += chance * 2 * kept
        elif count == 1:
            p = active[0]
            v, o, f = first(gram_row[p], offset, 1.0 if p == j else 0.0, 0.0, relu)
            value += chance * v
            by_offset += chance * o
            slopes[p] += chance * f
        elif count == 2:
            p, q = active[0], active[1]
            own_1, own_2 = 1.0 if p == j else 0.0, 1.0 if q == j else 0.0
            v, o, f, s = second(gram_row[p], gram_row[q], offset, own_1, own_2, 0.0, relu)
            value += chance * v
            by_offset += chance * o
            slopes[p] += chance * f
            slopes[q] += chance * s
        elif features == 3:
            own = (1.0 if j == 0 else 0.0, 1.0 if j == 1 else 0.0, 1.0 if j == 2 else 0.0)
            v, o, f, s, t = third(gram_row[0], gram_row[1], gram_row[2], offset, own[0], own[1], own[2], 0.0, relu)
            value += chance * v
            by_offset += chance * o
            slopes[0] += chance * f
            slopes[1] += chance * s
            slopes[2] += chance * t
        else:
            own = sort(gram_row, active, count, j)
            steep, out = work[7], work[8]
            for i in range(count):
                steep[i] = gram_row[active[i]]
            pattern(steep, count, offset, own, chance, relu, work, out)
            value += chance * out[0]
            by_offset += chance * out[1]
            for i in range(count):
                slopes[active[i]] += chance * out[2 + i]
    return value, by_offset


@compiled()
def sort(row, active, count, j):
    """Sort the first `count` of `active` by the size of their entries in `row`, largest first; returns where j is, or −1."""
    for i in range(1, count):
        for k in range(i, 0, -1):
            if abs(row[active[k]]) <= abs(row[active[k - 1]]):
                break
            active[k], active[k - 1] = active[k - 1], active[k]
    for i in range(count):
        if active[i] == j:
            return i
    return -1


@compiled()
def instance(weights, bias, density, importances, relu, room, by_weights, by_bias):
    """The loss of one instance, weights (hidden, features); by_weights, by_bias : filled with the gradient."""
    hidden, features = weights.shape
    row, slopes = room[0][9], room[0][10]
    by_weights[:] = 0
    total = 0.0
    for j in range(features):
        for i in range(features):
            row[i] = 0.0
            for h in range(hidden):
                row[i] += weights[h, i] * weights[h, j]
        slopes[:features] = 0
        value, by_offset = one_output(row, bias[j], density, j, relu, slopes, room)
        total += importances[j] * (density[j] / 3 + value)
        by_bias[j] = importances[j] * by_offset
        for i in range(features):
            for h in range(hidden):
                by_weights[h, i] += importances[j] * slopes[i] * weights[h, j]
                by_weights[h, j] += importances[j] * slopes[i] * weights[h, i]
    return total


@compiled()
def instances(weights, bias, density, importances, relu, losses, by_weights, by_bias):
    """`instance` for each of many: all arrays float64 with a first axis of instances, the last three filled."""
    room = workspace(bias.shape[1])
    for k in range(len(bias)):
        losses[k] = instance(weights[k], bias[k], density[k], importances[k], relu, room, by_weights[k], by_bias[k])
