"""The k-gons, critical points of the one-hot model with two hidden dimensions (Chen et al. 2023, arXiv 2310.06301).

k features of norm l form a regular k-gon with a common bias b ≤ 0; the others have Wⱼ = 0. σ of those have the positive bias
1/2c, the rest is off, with a bias below 0, for which −1 stands here (at Wⱼ = 0 = bⱼ the loss has a kink and falls with bⱼ).
With q₁, q₂ of `one_hot`
    L = (1/c) [c/3 − 2k q₁(l², b) + k Σⱼ q₂(l² cos 2πj/k, b)] − σ/(4c²).
For k ≤ 4 no cosine but the own is positive, so that l = 1, b = 0 and L = (c − k)/(3c) − σ/(4c²); for k ≥ 5 (l, b) is found by
Newton's method. Where σ > 0 the gradient by such a Wⱼ is bⱼ Σᵢ Wᵢ/c, which is 0 in a regular polygon of two or more features.
These are not all critical points: see `critical_search`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slt_bias.errors import InputError
from slt_bias.subjects.superposition.laws import check_features
from slt_bias.subjects.superposition.one_hot import one_hot_gradient, one_hot_hessian, positive_moments

OFF = -1.0  # the bias that stands for all those of a feature that is off


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


def exact_learning_coefficient(point: Polygon) -> float | None:
    """λ of a k-gon, or None where it is a saddle: there losses nearby are lower, and λ has no meaning.

    k ≥ 5: L is twice differentiable there. Where the Hessian is not negative its kernel is the rotation and the three free
    directions of each feature that is off, along which L stays the same, so that λ = rank/2 (Morse & Bott).

    k ≤ 4, no positive bias: L has a kink, but L − L* is a sum of terms ≥ 0, at least and at most constants times the square of
    the distance to the zero set: norm and bias of each vertex are fixed (2k directions). In a cross the angles are fixed too,
    up to rotation (3 more), as each closer pair costs its inner product squared; three or two vertices turn freely. Wⱼ of a
    feature that is off costs (Wⱼ·Wᵢ)₊², which fixes it (2 directions) where vertices lie all around, k ≥ 3, and leaves it free
    in a cone where k ≤ 2. λ is half of all fixed directions: 2 at k = 2, c at k = 3, (11 + 2(c − 4))/2 at k = 4.

    k = 4 and σ positive biases: each fixes its feature's bias too, and the quadratic form stays above 0 (checked numerically for
    c ≤ 8), so that λ grows by σ/2. k = 2, 3 with σ > 0: saddles, as turning a vertex gains in the first order of the positive Wⱼ.
    """
    features = len(point.biases)
    if point.vertices >= 5:
        eigenvalues = np.linalg.eigvalsh(one_hot_hessian(point.weights, point.biases))
        return None if eigenvalues[0] < -1e-8 else float((eigenvalues > 1e-8).sum() / 2)
    if point.vertices == 4:
        return (11 + 2 * (features - 4) + point.positive) / 2
    if point.positive:
        return None
    return float(features if point.vertices == 3 else point.vertices)


def _polygon(features: int, vertices: int, positive: int, norm: float, bias: float) -> Polygon:
    angles = 2 * np.pi * np.arange(vertices) / vertices
    weights, biases = np.zeros((2, features)), np.full(features, OFF)
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
    pairs = np.stack(np.meshgrid(np.linspace(0.2, 6, 59), np.linspace(-4, 0, 41), indexing="ij"), -1).reshape(-1, 2)
    best: np.ndarray = pairs[np.argmin(_loss(pairs, cosines)[0])]
    return best


def _loss(point: np.ndarray, cosines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """−2 q₁(g, b) + Σⱼ q₂(g cos, b), shape (…), and its gradient by (g, b), (…, 2); point (…, 2).

    cosines[0] = 1 is the vertex itself.
    """
    slope, bias = point[..., :1] * cosines, point[..., 1:]
    m0, m1, m2 = positive_moments(slope, bias)
    q0, q1, q2 = slope * m1 + bias * m0, slope * m2 + bias * m1, slope**2 * m2 + 2 * slope * bias * m1 + bias**2 * m0
    by_gram, by_bias = -2 * m2[..., 0] + 2 * (q1 * cosines).sum(-1), -2 * m1[..., 0] + 2 * q0.sum(-1)
    return -2 * q1[..., 0] + q2.sum(-1), np.stack([by_gram, by_bias], -1)
