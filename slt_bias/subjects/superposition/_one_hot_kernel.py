"""Loss, gradient and Hessian of the relu model on one-hot inputs, instance after instance in cache. See `one_hot`.

An instance's numbers depend on its own row alone: the same bits whatever the number of instances.
"""

# mypy: allow-untyped-defs

from __future__ import annotations

import numpy as np

from slt_bias._compiled import compiled

jit = compiled(error_model="numpy", fastmath={"contract", "nsz"})


@jit
def moments(slope, offset, m0, m1, m2):
    """∫ tᵖ dt over the t in [0, 1] with slope·t + offset > 0, for p = 0, 1, 2: no branch, so that it becomes vector code."""
    for k in range(len(slope)):
        g, b = slope[k], offset[k]
        root = min(max(-b / g, 0.0), 1.0)
        root = root if g != 0.0 else (0.0 if b > 0.0 else 1.0)
        low = root if g >= 0.0 else 0.0
        high = 1.0 if g >= 0.0 else root
        m0[k] = high - low
        m1[k] = 0.5 * (high * high - low * low)
        m2[k] = (high * high * high - low * low * low) * (1.0 / 3.0)


@jit
def pairs(w, b, slope, offset):
    """Gram matrix and bias for each pair (input i, output j), at i·features + j."""
    hidden, features = w.shape
    for i in range(features):
        for j in range(i + 1):
            total = 0.0
            for h in range(hidden):
                total += w[h, i] * w[h, j]
            slope[i * features + j] = total
            slope[j * features + i] = total
        for j in range(features):
            offset[i * features + j] = b[j]


@jit
def gradients(weights, bias, importances, losses, by_weights, by_bias):
    """Fill losses (k,), by_weights (k, hidden, features) and by_bias (k, features).

    weights (k, hidden, features), bias and importances (k, features): float64, C-contiguous, not checked.
    """
    count, hidden, features = weights.shape
    size = features * features
    slope, offset = np.empty(size), np.empty(size)
    m0, m1, m2 = np.empty(size), np.empty(size), np.empty(size)
    for k in range(count):
        w, share = weights[k], importances[k]
        pairs(w, bias[k], slope, offset)
        moments(slope, offset, m0, m1, m2)
        for p in range(size):  # from here on m0: ∂L/∂b, slope: ∂L/∂g, offset: q₂, of the pair and without the importance
            g, b, a1 = slope[p], offset[p], m1[p]
            q0 = g * a1 + b * m0[p]
            q1 = g * m2[p] + b * a1
            m0[p] = 2.0 * q0
            slope[p] = 2.0 * q1
            offset[p] = g * q1 + b * q0
        total = 0.0
        for j in range(features):
            own = j * features + j
            part = 1.0 / 3.0 - slope[own]
            m0[own] -= 2.0 * m1[own]
            slope[own] -= 2.0 * m2[own]
            down = 0.0
            for i in range(features):
                part += offset[i * features + j]
                down += m0[i * features + j]
            total += share[j] * part
            by_bias[k, j] = share[j] * down / features
        losses[k] = total / features
        for h in range(hidden):
            for j in range(features):
                by_weights[k, h, j] = 0.0
        for i in range(features):
            for j in range(features):
                both = (share[j] * slope[i * features + j] + share[i] * slope[j * features + i]) / features
                for h in range(hidden):
                    by_weights[k, h, j] += w[h, i] * both


@jit
def hessians(weights, bias, importances, out):
    """Fill out (k, d, d), the Hessian by (W row by row, b), d = (hidden + 1)·features; the rest as in `gradients`."""
    count, hidden, features = weights.shape
    size = features * features
    slope, offset = np.empty(size), np.empty(size)
    m0, m1, m2 = np.empty(size), np.empty(size), np.empty(size)
    where, along = np.empty(2 * hidden, np.int64), np.empty(2 * hidden)
    for k in range(count):
        w, matrix = weights[k], out[k]
        matrix[:] = 0.0
        pairs(w, bias[k], slope, offset)
        moments(slope, offset, m0, m1, m2)
        for i in range(features):
            for j in range(features):
                p = i * features + j
                g, b = slope[p], offset[p]
                # by g; by g twice; by g and b; by b twice
                first, gg, gb, bb = 2.0 * (g * m2[p] + b * m1[p]), 2.0 * m2[p], 2.0 * m1[p], 2.0 * m0[p]
                if i == j:
                    first -= 2.0 * m2[p]
                    root = -b / g if g > 0.0 else 0.0
                    if 0.0 < root < 1.0:  # ∂m₂/∂g, ∂m₂/∂b = ∂m₁/∂g and ∂m₁/∂b of −2 q₁
                        gg -= 2.0 * root * root * root / g
                        gb -= 2.0 * root * root / g
                        bb -= 2.0 * root / g
                scale = importances[k, j] / features
                first, gg, gb, bb = first * scale, gg * scale, gb * scale, bb * scale
                last = hidden * features + j
                for h in range(hidden):
                    one, other = h * features + i, h * features + j
                    matrix[one, other] += first
                    matrix[other, one] += first
                    where[h], along[h] = one, w[h, j]
                    where[hidden + h], along[hidden + h] = other, w[h, i]
                for x in range(2 * hidden):
                    for y in range(2 * hidden):
                        matrix[where[x], where[y]] += gg * along[x] * along[y]
                    matrix[where[x], last] += gb * along[x]
                    matrix[last, where[x]] += gb * along[x]
                matrix[last, last] += bb


@jit
def count_below(values, first, end, bound):
    """The first place in values[first:end], ascending, whose value is not below the bound."""
    while first < end:
        middle = (first + end) >> 1
        if values[middle] < bound:
            first = middle + 1
        else:
            end = middle
    return first


@jit
def sample_gradients(weights, bias, values, sums, squares, edges, losses, by_weights, by_bias):
    """`gradients` with n drawn examples in the place of the law: ∫ tᵖ dt becomes a sum over those with gt + b > 0, over n/c.

    values : t of all examples, those of feature i at edges[i] … edges[i + 1] − 1, ascending. sums, squares : of t and t² over
    all places before, n + 1 of them: the sum over a range of t costs two look-ups, not a pass over the examples.
    """
    count, hidden, features = weights.shape
    examples = len(values)
    slope = np.empty((features, features))
    for k in range(count):
        w, b = weights[k], bias[k]
        total = squares[examples]
        for j in range(features):
            by_bias[k, j] = 0.0
        for i in range(features):
            for j in range(features):
                g = 0.0
                for h in range(hidden):
                    g += w[h, i] * w[h, j]
                first, last, own = edges[i], edges[i + 1], b[j]
                if g > 0.0:
                    if own < 0.0:
                        first = count_below(values, first, last, -own / g)
                elif own <= 0.0:
                    last = first
                elif g < 0.0:
                    last = count_below(values, first, last, -own / g)
                m0, m1, m2 = float(last - first), sums[last] - sums[first], squares[last] - squares[first]
                q0, q1 = g * m1 + own * m0, g * m2 + own * m1
                total += g * q1 + own * q0
                by_bias[k, j] += 2.0 * q0
                slope[i, j] = 2.0 * q1
                if i == j:
                    total -= 2.0 * q1
                    by_bias[k, j] -= 2.0 * m1
                    slope[i, j] -= 2.0 * m2
        losses[k] = total / examples
        for j in range(features):
            by_bias[k, j] /= examples
        for h in range(hidden):
            for j in range(features):
                by_weights[k, h, j] = 0.0
        for i in range(features):
            for j in range(features):
                both = (slope[i, j] + slope[j, i]) / examples
                for h in range(hidden):
                    by_weights[k, h, j] += w[h, i] * both
