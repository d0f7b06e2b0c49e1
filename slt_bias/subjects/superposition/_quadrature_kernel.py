"""Integrals of (x − relu(z))² − x² over one, two and three active features, exact, piece by piece. See `population`.

Over the active features of a pattern the integrand is a polynomial of degree 2 on each side of the plane where
the output's argument is 0. Integrated exactly over the first feature, it is a polynomial of degree 3 of the second between
the cuts where the plane meets an end of the first, and so on to degree 4 of the third: 2 and 3 nodes a piece are exact.
"""
# mypy: allow-untyped-defs

from __future__ import annotations

import math

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
def third(slope_1, slope_2, slope_3, offset, own_1, own_2, own_3, known, relu):
    """The integral of `second` over a third feature, and its derivatives by offset and the slopes."""
    one, two = cut(offset, slope_3, relu), cut(offset + slope_1, slope_3, relu)
    three, four = cut(offset + slope_2, slope_3, relu), cut(offset + slope_1 + slope_2, slope_3, relu)
    one, two, three, four = min(one, two), max(one, two), min(three, four), max(three, four)
    one, three, two, four = min(one, three), max(one, three), min(two, four), max(two, four)
    edges = (0.0, one, min(two, three), max(two, three), four, 1.0)
    value, by_offset, by_first, by_second, by_third = 0.0, 0.0, 0.0, 0.0, 0.0
    for piece in range(5):
        half = (edges[piece + 1] - edges[piece]) / 2
        if half <= 0:
            continue
        for node in (-1, 0, 1):
            x = edges[piece] + half + node * half * NODE_3
            weight = half * (MIDDLE_3 if node == 0 else OUTER_3)
            v, o, f, s = second(slope_1, slope_2, offset + slope_3 * x, own_1, own_2, known + own_3 * x, relu)
            value += weight * v
            by_offset += weight * o
            by_first += weight * f
            by_second += weight * s
            by_third += weight * o * x
    return value, by_offset, by_first, by_second, by_third
