"""E[φ(u)φ(v)] for (u, v) normal with mean 0: what one wide hidden layer does to a covariance.

With a = E[u²], b = E[v²], c = E[uv] and cos θ = c/√(ab):

    linear     c
    step       (π − θ)/2π                                   (Cho & Saul 2009, equation 6, order 0)
    relu       √(ab)·(sin θ + (π − θ) cos θ)/2π             (Cho & Saul 2009, equation 6, order 1)
    erf        (2/π)·arcsin(2c/√((1+2a)(1+2b)))             (Williams 1997, equation 11)
    gaussian   1/√((1+a)(1+b) − c²)                         (φ(u) = exp(−u²/2): a Gaussian integral)
    sin        e^(−(a+b)/2)·sinh c
    gelu       u·Φ(u)·v·Φ(v) is u·v on the quadrant s, t > 0 with s = u + noise, t = v + noise of variance 1
    any other  the trapezium rule in two dimensions: for φ analytic in a strip around the real line its error falls
               exponentially with the number of nodes (Trefethen & Weideman 2014)
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from slt_bias.errors import InputError

Activation = Callable[[np.ndarray], np.ndarray]

CUT = 7.5  # standard deviations; beyond lies a part of 6·10⁻¹⁴
MOST_NODES = 4096  # in each dimension
AGREEMENT = 1e-9  # of two step lengths, relative to the larger variance of φ


def expected_products(activation: str, covariance: np.ndarray) -> np.ndarray:
    """E[φ(z)φ(z)ᵀ] of z ~ N(0, covariance), float64 (points, points); `activation` as in `slt_bias.maps.network.ACTIVATIONS`.

    The numerical ones are accurate to 10⁻⁸ of the larger variance. Raises InputError for an activation without a kernel and
    where the variance is too large for the numerical rule.
    """
    variance = covariance.diagonal()
    a, b = variance[:, None], variance[None, :]
    if activation == "linear":
        return covariance.copy()
    if activation == "erf":
        return 2 / math.pi * np.arcsin(2 * covariance / np.sqrt((1 + 2 * a) * (1 + 2 * b)))
    if activation == "gaussian":
        return 1 / np.sqrt(1 + a + b + _gap(covariance) * (a * b > 0))
    if activation == "sin":  # −½·e^(c − (a+b)/2)·(e^(−2c) − 1): nothing overflows
        c = np.abs(covariance)
        return -0.5 * np.sign(covariance) * np.exp(c - (a + b) / 2) * np.expm1(-2 * c)
    if activation == "gelu":
        return _gelu(covariance)
    if activation in ("relu", "step"):
        return _rectifier(covariance, activation)
    if activation == "tanh":
        return numerical_products(np.tanh, covariance)
    raise InputError(f"activation={activation} has no kernel here: slt_bias.prior.kernels.numerical_products takes any function.")


def numerical_products(activation: Activation, covariance: np.ndarray) -> np.ndarray:
    """E[φ(z)φ(z)ᵀ] by the trapezium rule for any φ that is analytic around the real line and grows no faster than a power.

    Equal entries (a, b, c) are computed once: a hypercube has few. Raises InputError where halving the step does not settle it.
    """
    variance = covariance.diagonal()
    rows, columns = np.triu_indices(len(covariance))
    low, high = np.minimum(variance[rows], variance[columns]), np.maximum(variance[rows], variance[columns])
    triples, inverse = np.unique(np.stack([low, high, covariance[rows, columns]], axis=1), axis=0, return_inverse=True)
    values = np.array([_trapezium(activation, *triple) for triple in triples])
    out = np.empty_like(covariance)
    out[rows, columns] = out[columns, rows] = values[inverse.ravel()]
    return out


def _trapezium(activation: Activation, a: float, b: float, c: float) -> float:
    """One entry: u = √a·x and v = (c/√a)·x + √(b − c²/a)·y with x, y independent standard normals."""
    if b == 0:
        return float(activation(np.zeros(1))[0]) ** 2
    slope, rest = (c / math.sqrt(a), math.sqrt(max(b - c * c / a, 0.0))) if a > 0 else (0.0, math.sqrt(b))
    nodes, before = 64, math.inf
    while nodes <= MOST_NODES:
        x, step = np.linspace(-CUT, CUT, nodes + 1, retstep=True)
        weights = np.exp(-0.5 * x * x) * (step / math.sqrt(2 * math.pi))
        u = activation(math.sqrt(a) * x)
        if rest > 0:
            mean = np.concatenate([activation(slope * part[:, None] + rest * x) @ weights for part in np.array_split(x, 16)])
        else:
            mean = activation(slope * x)
        here, size = float(weights @ (u * mean)), float(weights @ activation(math.sqrt(b) * x) ** 2)
        if abs(here - before) <= AGREEMENT * size:
            return here
        nodes, before = 2 * nodes, here
    raise InputError(
        f"the kernel of a variance of {b:.3g} needs more than {MOST_NODES} nodes: give smaller standard deviations, or an "
        "activation with a closed form (relu, erf, gelu, sin, gaussian, step, linear)."
    )


def _gap(covariance: np.ndarray) -> np.ndarray:
    """ab − c², at least 0; exactly 0 on the diagonal."""
    spread = np.sqrt(covariance.diagonal())
    gap = (spread[:, None] * spread - covariance) * (spread[:, None] * spread + covariance)
    np.fill_diagonal(gap, 0.0)
    return np.maximum(gap, 0.0)


def _rectifier(covariance: np.ndarray, activation: str) -> np.ndarray:
    """The arc-cosine kernels; 0 where a variance is 0, as φ(0) = 0."""
    spread = np.sqrt(covariance.diagonal())
    product = spread[:, None] * spread
    sine = np.sqrt(_gap(covariance))
    angle = math.pi - np.arctan2(sine, covariance)  # π − θ; arctan2 keeps the digits of small angles
    if activation == "step":
        return np.where(product > 0, angle / (2 * math.pi), 0.0)
    return (sine + angle * covariance) / (2 * math.pi)


def _gelu(covariance: np.ndarray) -> np.ndarray:
    """E[uΦ(u)vΦ(v)] = E[u·v; s > 0, t > 0], with u, v given (s, t) and the second moments of a quadrant in closed form."""
    variance = covariance.diagonal()
    a, b, c = np.broadcast_arrays(variance[:, None], variance[None, :], covariance)
    small = np.stack([np.stack([a, c], axis=-1), np.stack([c, b], axis=-1)], axis=-2)
    gain = np.linalg.solve(small + np.eye(2), small)  # the transpose of K(K+1)⁻¹, which is symmetric but for rounding
    s, t = np.sqrt(1 + a), np.sqrt(1 + b)
    rho = c / (s * t)
    root = np.sqrt((1 - rho) * (1 + rho))
    quadrant = np.arctan2(root, -rho) / (2 * math.pi)
    edge = root / (2 * math.pi)
    moments = np.empty_like(small)  # E[(s, t)(s, t)ᵀ; s > 0, t > 0]
    moments[..., 0, 0], moments[..., 1, 1] = s * s * (quadrant + rho * edge), t * t * (quadrant + rho * edge)
    moments[..., 0, 1] = moments[..., 1, 0] = s * t * (rho * quadrant + edge)
    return gain[..., 0, 1] * quadrant + np.einsum("...i,...ij,...j->...", gain[..., :, 0], moments, gain[..., :, 1])
