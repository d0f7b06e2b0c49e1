"""Activations and their slopes in double precision, as loops that LLVM turns into vector code; 1e-13 from libm."""

# mypy: allow-untyped-defs

from __future__ import annotations

import numpy as np

from slt_bias._compiled import compiled

jit = compiled(error_model="numpy", fastmath={"contract", "nsz"})
inline = compiled(error_model="numpy", fastmath={"contract", "nsz"}, inline="always")

IDENTITY, RELU, TANH, GELU, SIGMOID = range(5)
CODES = {"identity": IDENTITY, "relu": RELU, "tanh": TANH, "gelu": GELU, "sigmoid": SIGMOID}


@inline
def exponential(x):
    """exp(x) for x ≤ 0, below −708 as at −708; NaN stays NaN. Taylor to degree 12 on |r| ≤ ln 2/2, 2^k by its bits."""
    x = -708.0 if x < -708.0 else x
    shifted = x * 1.4426950408889634 + 6755399441055744.0  # 1.5·2⁵²: the whole part stands in the lowest bits
    k = shifted - 6755399441055744.0
    r = x - k * 0.693147180369123816490
    r = r - k * 1.90821492927058770002e-10
    p = 1.0 / 479001600.0
    p = p * r + 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 1.0 / 2.0
    p = p * r + 1.0 / 1.0
    p = p * r + 1.0 / 1.0
    bits = np.int64(np.float64(shifted).view(np.int64) << np.int64(52))
    return p * np.int64(bits + np.int64(0x3FF0000000000000)).view(np.float64)


@inline
def scaled_erfc(z):
    """exp(z²)·erfc(z) for z ≥ 0: t times a polynomial in 2t − 1, t = 2/(2 + z), fitted at Chebyshev points to 1e-14."""
    t = 2.0 / (2.0 + z)
    y = 2.0 * t - 1.0
    p = -4.64337301884770936e-09
    p = p * y + -1.34302904979627717e-08
    p = p * y + 6.44830400097528518e-08
    p = p * y + 5.44101720288251043e-08
    p = p * y + -3.67915624288483100e-07
    p = p * y + 1.51889155571539184e-07
    p = p * y + 1.06915876327098139e-06
    p = p * y + -1.95725686582552297e-06
    p = p * y + -6.01202933895784678e-07
    p = p * y + 8.13859223123028939e-06
    p = p * y + -1.08334050594879563e-05
    p = p * y + -1.71040606919011855e-05
    p = p * y + 7.22316267786119560e-05
    p = p * y + -1.71784965235358560e-05
    p = p * y + -3.31536142280349671e-04
    p = p * y + 4.18646953210577964e-04
    p = p * y + 1.54530597034813937e-03
    p = p * y + -3.23959244427504027e-03
    p = p * y + -1.07553309416899886e-02
    p = p * y + 1.82211157499926266e-02
    p = p * y + 1.39736046277959297e-01
    p = p * y + 3.43580342206944667e-01
    p = p * y + 5.10791352621012384e-01
    return p * t


@jit
def activate(kind, values, at, size, slopes):
    """values[at : at + size] become φ of themselves; `slopes` places behind each stands φ', where it takes more than φ."""
    z = values[at : at + size]
    if kind == RELU:
        for i in range(size):
            z[i] = 0.0 if z[i] < 0.0 else z[i]
    elif kind == TANH:
        for i in range(size):
            u = exponential(-2.0 * abs(z[i]))
            z[i] = np.copysign((1.0 - u) / (1.0 + u), z[i])
    elif kind == SIGMOID:
        for i in range(size):
            u = exponential(-abs(z[i]))
            z[i] = (1.0 if z[i] >= 0.0 else u) / (1.0 + u)
    elif kind == GELU:
        slope = values[at + slopes : at + slopes + size]
        for i in range(size):
            half = 0.5 * z[i] * z[i]
            density = exponential(-half)
            tail = 0.5 * density * scaled_erfc(abs(z[i]) * 0.7071067811865476)
            below = 1.0 - tail if z[i] >= 0.0 else tail
            slope[i] = below + z[i] * density * 0.3989422804014327
            z[i] = z[i] * below


@jit
def times_slope(kind, values, d, at, size, slopes):
    """values[d + i] *= φ' at the place whose φ is values[at + i]; `slopes` as in `activate`."""
    change = values[d : d + size]
    a = values[at : at + size]
    if kind == RELU:
        for i in range(size):
            slope = change[i]
            change[i] = slope if a[i] > 0.0 else 0.0
    elif kind == TANH:
        for i in range(size):
            change[i] *= 1.0 - a[i] * a[i]
    elif kind == SIGMOID:
        for i in range(size):
            change[i] *= a[i] * (1.0 - a[i])
    elif kind == GELU:
        slope = values[at + slopes : at + slopes + size]
        for i in range(size):
            change[i] *= slope[i]
