"""Exact population loss and gradient for up to three independent features, by piecewise Gauss–Legendre. See `population`.

Over the active features of a pattern the integrand is a polynomial of degree 2 on each side of the plane where
the output's argument is 0. Integrated exactly over the first feature, it is a polynomial of degree 3 of the second between
the cuts where the plane meets an end of the first, and so on to degree 4 of the third: 2 and 3 nodes a piece are exact.
"""
# mypy: allow-untyped-defs

from __future__ import annotations

import math

import numpy as np

from slt_bias._compiled import compiled

NODE_2 = 1 / math.sqrt(3)
NODE_3, OUTER_3, MIDDLE_3 = math.sqrt(3 / 5), 5 / 9, 8 / 9


@compiled()
def first(slope, offset, own, known, relu):
    """∫₀¹ [relu(slope t + offset) − x]² − x² dt with x = own t + known, own 0 or 1, and its derivatives by offset and slope."""
    low, high = 0.0, 1.0
    if relu:
        if slope > 0:
            low = min(max(-offset / slope, 0.0), 1.0)
        elif slope < 0:
            high = min(max(-offset / slope, 0.0), 1.0)
        elif offset <= 0:
            high = 0.0
    m0, m1, m2 = high - low, (high**2 - low**2) / 2, (high**3 - low**3) / 3
    a, c = slope - own, offset - known
    value = a * a * m2 + 2 * a * c * m1 + c * c * m0 - (own * m2 + 2 * own * known * m1 + known * known * m0)
    return value, 2 * (a * m1 + c * m0), 2 * (a * m2 + c * m1)


@compiled()
def cut(offset, slope, relu):
    """Where offset + slope t = 0, moved into [0, 1]."""
    if slope == 0 or not relu:
        return 0.0
    return min(max(-offset / slope, 0.0), 1.0)


@compiled()
def second(slope_1, slope_2, offset, own_1, own_2, known, relu):
    """The integral of `first` over a second feature, and its derivatives by offset, slope_1 and slope_2."""
    one, two = cut(offset, slope_2, relu), cut(offset + slope_1, slope_2, relu)
    edges = (0.0, min(one, two), max(one, two), 1.0)
    value, by_offset, by_first, by_second = 0.0, 0.0, 0.0, 0.0
    for piece in range(3):
        half = (edges[piece + 1] - edges[piece]) / 2
        if half <= 0:
            continue
        middle = edges[piece] + half
        for sign in (-1.0, 1.0):
            x = middle + sign * half * NODE_2
            v, o, f = first(slope_1, offset + slope_2 * x, own_1, known + own_2 * x, relu)
            value += half * v
            by_offset += half * o
            by_first += half * f
            by_second += half * o * x
    return value, by_offset, by_first, by_second


@compiled()
def third(slope_1, slope_2, slope_3, offset, own_1, own_2, own_3, edges, relu):
    """The integral of `second` over a third feature; edges : six numbers to work in."""
    edges[0], edges[5] = 0.0, 1.0
    edges[1] = cut(offset, slope_3, relu)
    edges[2] = cut(offset + slope_1, slope_3, relu)
    edges[3] = cut(offset + slope_2, slope_3, relu)
    edges[4] = cut(offset + slope_1 + slope_2, slope_3, relu)
    edges.sort()
    value, by_offset, by_first, by_second, by_third = 0.0, 0.0, 0.0, 0.0, 0.0
    for piece in range(5):
        half = (edges[piece + 1] - edges[piece]) / 2
        if half <= 0:
            continue
        for node in (-1, 0, 1):
            x = edges[piece] + half + node * half * NODE_3
            weight = half * (MIDDLE_3 if node == 0 else OUTER_3)
            v, o, f, s = second(slope_1, slope_2, offset + slope_3 * x, own_1, own_2, own_3 * x, relu)
            value += weight * v
            by_offset += weight * o
            by_first += weight * f
            by_second += weight * s
            by_third += weight * o * x
    return value, by_offset, by_first, by_second, by_third


@compiled()
def one_output(gram_row, offset, density, j, edges, slopes, relu):
    """E[(x_j − x'_j)²] − E[x_j²] and its derivative by the offset; those by the row of WᵀW are added to `slopes`."""
    features = len(density)
    active = np.zeros(3, np.int64)
    value, by_offset = 0.0, 0.0
    for pattern in range(1 << features):
        chance, count = 1.0, 0
        for i in range(features):
            if pattern >> i & 1:
                chance *= density[i]
                active[count] = i
                count += 1
            else:
                chance *= 1 - density[i]
        if chance == 0:
            continue
        p, q, r = active
        own_1, own_2, own_3 = 1.0 if p == j else 0.0, 1.0 if q == j else 0.0, 1.0 if r == j else 0.0
        if count == 0:
            kept = offset if offset > 0 or not relu else 0.0
            value += chance * kept * kept
            by_offset += chance * 2 * kept
        elif count == 1:
            v, o, f = first(gram_row[p], offset, own_1, 0.0, relu)
            value += chance * v
            by_offset += chance * o
            slopes[p] += chance * f
        elif count == 2:
            v, o, f, s = second(gram_row[p], gram_row[q], offset, own_1, own_2, 0.0, relu)
            value += chance * v
            by_offset += chance * o
            slopes[p] += chance * f
            slopes[q] += chance * s
        else:
            v, o, f, s, t = third(gram_row[p], gram_row[q], gram_row[r], offset, own_1, own_2, own_3, edges, relu)
            value += chance * v
            by_offset += chance * o
            slopes[p] += chance * f
            slopes[q] += chance * s
            slopes[r] += chance * t
    return value, by_offset


@compiled()
def losses(gram, bias, density, importances, relu, out, by_gram, by_bias):
    """For each instance k: out[k], by_gram[k, j, i] = ∂L/∂(factor of xᵢ in output j), by_bias[k]; all arrays float64."""
    features = bias.shape[1]
    edges, slopes = np.empty(6), np.empty(features)
    for k in range(len(bias)):
        total = 0.0
        for j in range(features):
            slopes[:] = 0
            value, by_offset = one_output(gram[k, j], bias[k, j], density[k], j, edges, slopes, relu)
            total += importances[k, j] * (density[k, j] / 3 + value)
            by_bias[k, j] = importances[k, j] * by_offset
            for i in range(features):
                by_gram[k, j, i] = importances[k, j] * slopes[i]
        out[k] = total
