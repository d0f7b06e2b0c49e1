"""Integrals over a cube of active features from the corners alone: three features and more. See `population`.

Let z = offset + Σ gᵢ xᵢ over the cube [0, 1]ᵏ, A = Πᵢ gᵢ, and let S(p) be the sum over the corners v of
(−1)^(k − |v|) relu(offset + g·v)ᵖ. Integrated over one coordinate after another,
    ∫ relu(z)^q dx = q!/((q + k)! A) S(q + k),
and derivatives of this by gᵢ and gⱼ bring factors xᵢ and xᵢ xⱼ: all that the loss and its gradient need. The sum cancels where
some gᵢ are small: they are integrated by Gauss–Legendre nodes instead, around the sum over the corners of the larger ones, or
around the piecewise rule of `_quadrature_kernel.third`. As the integrand's kink is wide against a small gᵢ, few nodes do.
"""
# mypy: allow-untyped-defs

from __future__ import annotations

import numpy as np

from slt_bias._compiled import compiled
from slt_bias.subjects.superposition._quadrature_kernel import third

NODES, RULES = np.zeros((4, 8)), np.zeros((4, 8))  # of 1, 2, 4 and 8 nodes on [0, 1]
for number in range(4):
    nodes, rule = np.polynomial.legendre.leggauss(1 << number)
    NODES[number, : 1 << number], RULES[number, : 1 << number] = (1 + nodes) / 2, rule / 2
ROUNDING = 1e-16
TOLERANCE = 1e-12  # of the rounding in the gradient, times the probability of the pattern


@compiled()
def corners(slopes, count, offset, own, known, work, out):
    """E[relu(z)² − 2 x relu(z)] over the cube of the first `count` slopes, its derivatives by offset and slopes in `out`.

    x is the feature `own` of the cube, or the constant `known` where own < 0. work : (6, 2ⁿ) numbers to work in.
    """
    heights, signs, first, second, both = work[0], work[1], work[2], work[3], work[4]
    heights[0], signs[0] = offset, 1.0 if count % 2 == 0 else -1.0
    size = 1
    for i in range(count):
        for v in range(size):
            heights[size + v] = heights[v] + slopes[i]
            signs[size + v] = -signs[v]
        size *= 2
    first[:count], second[:count], both[:count] = 0.0, 0.0, 0.0
    low, middle, high = 0.0, 0.0, 0.0  # S(k), S(k + 1), S(k + 2)
    for v in range(size):
        height = heights[v]
        if height <= 0:
            continue
        power = signs[v]
        for _ in range(count):
            power *= height
        low += power
        middle += power * height
        high += power * height * height
        with_own = own >= 0 and v >> own & 1
        for i in range(count):
            if v >> i & 1:
                first[i] += power
                second[i] += power * height
                if with_own:
                    both[i] += power
    scale = 1.0
    for i in range(count):
        scale /= (i + 1) * slopes[i]
    one, two = count + 1, count + 2
    zeroth, unit, square = scale * low, scale / one * middle, 2 * scale / (one * two) * high
    third_scale = scale / (one * two)
    if own < 0:
        out[0] = square - 2 * known * unit
        out[1] = 2 * unit - 2 * known * zeroth
        for i in range(count):
            by_unit = third_scale * (two * second[i] - high / slopes[i])
            by_zeroth = scale / one * (one * first[i] - middle / slopes[i])
            out[2 + i] = 2 * by_unit - 2 * known * by_zeroth
        return
    slope = slopes[own]
    out[0] = square - 2 * third_scale * (two * second[own] - high / slope)
    out[1] = 2 * unit - 2 * scale / one * (one * first[own] - middle / slope)
    for i in range(count):
        by_unit = third_scale * (two * second[i] - high / slopes[i])
        if i == own:
            pair = two * one * first[i] - 2 * two * second[i] / slope + 2 * high / (slope * slope)
        else:
            pair = two * one * both[i] - two * second[i] / slope - two * second[own] / slopes[i] + high / (slope * slopes[i])
        out[2 + i] = 2 * by_unit - 2 * third_scale * pair


@compiled()
def cube(slopes, count, exact, offset, own, known, relu, work, out):
    """As `corners` with exact = True, else for three slopes by the piecewise rule; at once where z has one sign."""
    low, high, middle, spread = offset, offset, offset, 0.0
    for i in range(count):
        low += min(slopes[i], 0.0)
        high += max(slopes[i], 0.0)
        middle += slopes[i] / 2
        spread += slopes[i] * slopes[i] / 12
    if relu and high <= 0:
        out[: count + 2] = 0.0
    elif low >= 0 or not relu:
        x = known if own < 0 else 0.5
        out[0] = middle * middle + spread - 2 * x * middle
        out[1] = 2 * middle - 2 * x
        for i in range(count):
            out[2 + i] = middle + slopes[i] / 6 - x
        if own >= 0:
            out[0] -= slopes[own] / 6
            out[2 + own] -= 1 / 6
    elif exact:
        corners(slopes, count, offset, own, known, work, out)
    else:
        at = (1.0 if own == 0 else 0.0, 1.0 if own == 1 else 0.0, 1.0 if own == 2 else 0.0)
        out[0], out[1], out[2], out[3], out[4] = third(
            slopes[0], slopes[1], slopes[2], offset, at[0], at[1], at[2], known, relu
        )


@compiled()
def inner_count(slopes, count, offset, own, chance):
    """Of how many slopes, sorted by size, the corners are summed: of as many as rounding allows; 0: not even of three.

    The sums of the gradient round by about ROUNDING · heightᵏ⁺² / ((k + 2)! A · the smallest slope · the slope of x itself).
    """
    high = offset
    for i in range(count):
        high += max(slopes[i], 0.0)
    if high <= 0:
        return count
    for inner in range(count, 2, -1):
        numerator = ROUNDING * chance * high * high
        denominator = TOLERANCE * (inner + 1) * (inner + 2) * abs(slopes[inner - 1])
        denominator *= abs(slopes[own]) if 0 <= own < inner else min(high, 1.0)
        for i in range(inner):
            numerator *= high
            denominator *= (i + 1) * abs(slopes[i])
        if numerator < denominator:
            return inner
    return 0


@compiled()
def pattern(slopes, count, offset, own, chance, relu, work, out):
    """E[(x_j − x'_j)²] − E[x_j²] given which features are on, three or more, their slopes sorted by size, largest first.

    out[0], out[1], out[2 + i] : it, its derivative by the offset and by slope i. own : where feature j is, −1 where it is off.
    """
    inner = count
    if relu:
        inner = inner_count(slopes, count, offset, own, chance)
    exact = inner > 0
    if not exact:
        inner = 3
    outer = count - inner
    if outer == 0:
        cube(slopes, count, exact, offset, own, 0.0, relu, work, out)
        return
    part, rules, total = work[5], work[6], 1
    for i in range(inner, count):
        kind = rule_for(slopes[i], slopes[inner - 1])
        rules[i] = kind
        total <<= kind
    out[: count + 2] = 0.0
    for code in range(total):
        shift, weight, known, rest = offset, 1.0, 0.0, code
        for i in range(inner, count):
            kind = int(rules[i])
            node, rest = rest & ((1 << kind) - 1), rest >> kind
            shift += slopes[i] * NODES[kind, node]
            weight *= RULES[kind, node]
            if i == own:
                known = NODES[kind, node]
        cube(slopes, inner, exact, shift, own if own < inner else -1, known, relu, work, part)
        for i in range(inner + 2):
            out[i] += weight * part[i]
        rest = code
        for i in range(inner, count):
            kind = int(rules[i])
            out[2 + i] += weight * part[1] * NODES[kind, rest & ((1 << kind) - 1)]
            rest >>= kind


@compiled()
def rule_for(slope, inner):
    """Which rule integrates a slope around larger ones: its 2ᵏ nodes miss powers (slope/inner)⁴ and, from one node, squares."""
    ratio = abs(slope / inner) if inner != 0 else 0.0
    if ratio < 1e-6:
        return 0
    if ratio < 1e-3:
        return 1
    return 2 if ratio < 0.05 else 3
