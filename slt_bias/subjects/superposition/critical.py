"""The k-gons, critical points of the one-hot model with two hidden dimensions (Chen et al. 2023, arXiv 2310.06301).

k features of norm l form a regular k-gon with a common bias b ≤ 0; the others are dead, Wⱼ = 0, and σ of them have the positive
bias 1/2c, the rest a bias ≤ 0. With q₁, q₂ of `one_hot`
    L = (1/c) [c/3 − 2k q₁(l², b) + k Σⱼ q₂(l² cos 2πj/k, b)] − σ/(4c²).
For k ≤ 4 no cosine but the own is positive, so that l = 1, b = 0 and L = (c − k)/(3c) − σ/(4c²); for k ≥ 5 (l, b) is found by
Newton's method. Where σ > 0 the gradient by a dead Wⱼ is bⱼ Σᵢ Wᵢ/c, which is 0 in a regular polygon of two or more features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slt_bias.errors import InputError
from slt_bias.subjects.superposition.laws import check_features
from slt_bias.subjects.superposition.one_hot import one_hot_gradient, positive_moments


@dataclass(frozen=True, eq=False)
class Polygon:
    """A critical point: its name such as "5+" (a pentagon and one positive bias), loss (no factor ½), and the point itself.

    vertices : k; positive : σ; norm : l; bias : b of the vertices; weights : (2, features); biases : (features,).
    """

    name: str
    vertices: int
    positive: int
    loss: float
    norm: float
    bias: float
    weights: np.ndarray
    biases: np.ndarray


def polygons(features: int) -> tuple[Polygon, ...]:
    """All k-gons with σ positive biases, 2 ≤ k ≤ c and 0 ≤ σ ≤ c − k, by ascending loss, where (l, b) with l > 0, b ≤ 0 exists.

    Raises InputError for fewer than 2 features.
    """
    count = check_features(features)
    if count < 2:
        raise InputError(f"features={count}: a polygon needs at least 2.")
    found = []
    for vertices in range(2, count + 1):
        shape = (1.0, 0.0) if vertices <= 4 else _size(vertices)
        if shape is None:
            continue
        for positive in range(count - vertices + 1):
            found.append(_polygon(count, vertices, positive, *shape))
    return tuple(sorted(found, key=lambda point: point.loss))


def _polygon(features: int, vertices: int, positive: int, norm: float, bias: float) -> Polygon:
    angles = 2 * np.pi * np.arange(vertices) / vertices
    weights, biases = np.zeros((2, features)), np.zeros(features)
    weights[:, :vertices] = norm * np.array([np.cos(angles), np.sin(angles)])
    biases[:vertices] = bias
    biases[vertices : vertices + positive] = 1 / (2 * features)
    loss = float(one_hot_gradient(weights, biases)[0])
    return Polygon(f"{vertices}{'+' * positive}", vertices, positive, loss, norm, bias, weights, biases)


def _size(vertices: int) -> tuple[float, float] | None:
    """(l, b) of the k-gon of lowest loss, by Newton's method on (g, b) = (l², b); None where there is none."""
    cosines = np.cos(2 * np.pi * np.arange(vertices) / vertices)
    point = _start(cosines)
    for _ in range(100):
        value, slope = _loss(point, cosines)
        step = 1e-6
        columns = [(_loss(point + d, cosines)[1] - _loss(point - d, cosines)[1]) / (2 * step) for d in step * np.eye(2)]
        hessian = (np.array(columns) + np.array(columns).T) / 2
        if np.linalg.eigvalsh(hessian)[0] <= 0:
            return None
        move = np.linalg.solve(hessian, -slope)
        size = 1.0
        while size > 1e-10 and _loss(point + size * move, cosines)[0] > value:
            size /= 2
        point = point + size * move
        if np.abs(move).max() < 1e-11:
            break
    if np.abs(_loss(point, cosines)[1]).max() > 1e-9 or point[0] <= 0 or point[1] > 0:
        return None
    return float(np.sqrt(point[0])), float(point[1])


def _start(cosines: np.ndarray) -> np.ndarray:
    """The best point of a grid over g = l² in (0, 6) and b in (−4, 0]."""
    gram, bias = (part.ravel() for part in np.meshgrid(np.linspace(0.2, 6, 59), np.linspace(-4, 0, 41), indexing="ij"))
    values = [_loss(np.array(pair), cosines)[0] for pair in zip(gram, bias, strict=True)]
    best = int(np.argmin(values))
    return np.array([gram[best], bias[best]])


def _loss(point: np.ndarray, cosines: np.ndarray) -> tuple[float, np.ndarray]:
    """−2 q₁(g, b) + Σⱼ q₂(g cos, b) and its gradient by (g, b); cosines[0] = 1 is the vertex itself."""
    slope, bias = point[0] * cosines, point[1]
    m0, m1, m2 = positive_moments(slope, np.asarray(bias))
    q0, q1, q2 = slope * m1 + bias * m0, slope * m2 + bias * m1, slope**2 * m2 + 2 * slope * bias * m1 + bias**2 * m0
    by_gram, by_bias = -2 * m2[0] + 2 * (q1 * cosines).sum(), -2 * m1[0] + 2 * q0.sum()
    return float(-2 * q1[0] + q2.sum()), np.array([by_gram, by_bias])
