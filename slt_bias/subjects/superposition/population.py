"""Exact population losses of x' = relu(WᵀWx + b) and of x' = WᵀWx + b, with gradients, for many instances at once.

L = E Σⱼ Iⱼ (xⱼ − x'ⱼ)², with W of shape (…, hidden, features), b (…, features), importances I (…, features); no factor ½.

* `one_hot_loss`: x = μ eᵢ, i uniform of c, μ uniform on [0, 1] (Chen et al. 2023, arXiv 2310.06301). With G = WᵀW
    L = (1/c) [Σᵢ Iᵢ/3 − 2 Σᵢ Iᵢ q₁(Gᵢᵢ, bᵢ) + Σᵢⱼ Iⱼ q₂(Gᵢⱼ, bⱼ)],
    q₁(g, b) = ∫₀¹ t relu(gt + b) dt,  q₂(g, b) = ∫₀¹ relu(gt + b)² dt.
* `independent_loss`: independent features (Elhage et al. 2022), n ≤ 3: the sum over the 2ⁿ patterns of active features, each
  integrated by Gauss–Legendre rules between the kinks of the relu, which is exact: the integrand is piecewise polynomial.
* `linear_loss`: the linear model under any law: with R = I − WᵀW, μ = E x and M = E x xᵀ
    L = Σⱼ Iⱼ [(R M Rᵀ)ⱼⱼ − 2 bⱼ (R μ)ⱼ + bⱼ²].

The gradients follow from A = ∂L/∂G, where Gⱼᵢ is the factor of xᵢ in output j: ∂L/∂W = W (A + Aᵀ).
Each `…_gradient` returns (loss, ∂L/∂W, ∂L/∂b). Raises InputError where shapes do not fit or numbers are not finite.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from slt_bias.errors import InputError
from slt_bias.subjects.superposition.laws import Law

MOST_FEATURES = 3  # of the quadrature
Gradient = tuple[np.ndarray, np.ndarray, np.ndarray]


def one_hot_loss(weights: np.ndarray, bias: np.ndarray, importances: np.ndarray | None = None) -> np.ndarray:
    """Loss of the relu model on one-hot inputs, shape (…); arguments as in the module's docstring."""
    return one_hot_gradient(weights, bias, importances)[0]


def one_hot_gradient(weights: np.ndarray, bias: np.ndarray, importances: np.ndarray | None = None) -> Gradient:
    """Loss (…) of the relu model on one-hot inputs, and its gradient by W and b.

    ∂q₂/∂g = 2 q₁, ∂q₂/∂b = 2 ∫ relu(gt + b) dt, ∂q₁/∂g = ∫ t², ∂q₁/∂b = ∫ t over the t with gt + b > 0.
    """
    weights, bias, scale = check_instances(weights, bias, importances)
    features = bias.shape[-1]
    gram = np.swapaxes(weights, -1, -2) @ weights
    offset = bias[..., None, :]  # output j in the last axis: gram[i, j] is the factor of x_i in output j
    m0, m1, m2 = positive_moments(gram, offset)
    q0, q1, q2 = gram * m1 + offset * m0, gram * m2 + offset * m1, gram**2 * m2 + 2 * gram * offset * m1 + offset**2 * m0
    own = np.diagonal(q1, axis1=-2, axis2=-1)
    loss = (scale * (1 / 3 - 2 * own + q2.sum(-2))).sum(-1) / features
    by_gram, by_bias = 2 * q1, 2 * q0.sum(-2)
    index = np.arange(features)
    by_gram[..., index, index] -= 2 * m2[..., index, index]
    by_bias -= 2 * m1[..., index, index]
    by_gram *= scale[..., None, :] / features
    return loss, weights @ (by_gram + np.swapaxes(by_gram, -1, -2)), by_bias * scale / features


def positive_moments(slope: np.ndarray, offset: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """∫ tᵖ dt over the t in [0, 1] with slope·t + offset > 0, for p = 0, 1, 2."""
    slope, offset = np.broadcast_arrays(slope, offset)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        root = np.where(slope == 0, 0.0, np.clip(-offset / slope, 0, 1))
    low = np.where(slope > 0, root, 0.0)
    high = np.where(slope < 0, root, np.where((slope == 0) & (offset <= 0), 0.0, 1.0))
    return high - low, (high**2 - low**2) / 2, (high**3 - low**3) / 3


def independent_loss(
    weights: np.ndarray,
    bias: np.ndarray,
    density: float | np.ndarray,
    importances: np.ndarray | None = None,
    model: Literal["relu", "linear"] = "relu",
) -> np.ndarray:
    """Loss (…) on up to three independent features; density (…, features) in (0, 1], for each instance its own if wanted."""
    return independent_gradient(weights, bias, density, importances, model)[0]


def independent_gradient(
    weights: np.ndarray,
    bias: np.ndarray,
    density: float | np.ndarray,
    importances: np.ndarray | None = None,
    model: Literal["relu", "linear"] = "relu",
) -> Gradient:
    """Loss (…) on up to three independent features, and its gradient by W and b; arguments as in `independent_loss`."""
    from slt_bias.subjects.superposition import _quadrature_kernel as kernel

    weights, bias, scale = check_instances(weights, bias, importances)
    features = bias.shape[-1]
    if model not in ("relu", "linear"):
        raise InputError(f"model={model!r}: give 'relu' or 'linear'.")
    if features > MOST_FEATURES:
        raise InputError(f"{features} features: quadrature is for at most {MOST_FEATURES}: draw from the law instead.")
    shares = _fitting(density, bias.shape, "density")
    if not ((shares > 0) & (shares <= 1)).all():
        raise InputError("density: a density is a probability in (0, 1]; leave a feature that is never on out.")
    gram = np.swapaxes(weights, -1, -2) @ weights
    count = int(np.prod(bias.shape[:-1], dtype=np.int64))
    loss, by_gram, by_bias = np.empty(count), np.empty((count, features, features)), np.empty((count, features))
    offset, chance, factor = (np.array(part, order="C").reshape(count, features) for part in (bias, shares, scale))
    rows = np.array(gram, order="C").reshape(by_gram.shape)
    kernel.losses(rows, offset, chance, factor, model == "relu", loss, by_gram, by_bias)
    by_gram = by_gram.reshape(gram.shape)
    slopes = weights @ (by_gram + np.swapaxes(by_gram, -1, -2))
    return loss.reshape(bias.shape[:-1]), slopes, by_bias.reshape(bias.shape)


def linear_loss(weights: np.ndarray, bias: np.ndarray, law: Law, importances: np.ndarray | None = None) -> np.ndarray:
    """Loss (…) of the linear model under a law, any number of features."""
    return linear_gradient(weights, bias, law, importances)[0]


def linear_gradient(weights: np.ndarray, bias: np.ndarray, law: Law, importances: np.ndarray | None = None) -> Gradient:
    """Loss (…) of the linear model under a law, and its gradient by W and b: A = −2 I (R M − b μᵀ)."""
    weights, bias, scale = check_instances(weights, bias, importances)
    features = bias.shape[-1]
    if law.features != features:
        raise InputError(f"weights of {features} features and a law of {law.features}: give them the same number.")
    mean, moments = law.mean(), law.second_moments()
    rest = np.eye(features) - np.swapaxes(weights, -1, -2) @ weights
    seen, shift = rest @ moments, rest @ mean
    loss = (scale * ((seen * rest).sum(-1) - 2 * bias * shift + bias**2)).sum(-1)
    by_gram = -2 * scale[..., None] * (seen - bias[..., None] * mean)
    return loss, weights @ (by_gram + np.swapaxes(by_gram, -1, -2)), 2 * scale * (bias - shift)


def check_instances(
    weights: np.ndarray, bias: np.ndarray, importances: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """W (…, m, n), b (…, n) and importances (…, n), float64, of common leading axes. Raises InputError."""
    matrices, offsets = _numbers(weights, "weights"), _numbers(bias, "bias")
    if matrices.ndim < 2 or 0 in matrices.shape[-2:]:
        raise InputError(f"weights of shape {matrices.shape}: give shape (…, hidden, features).")
    hidden, features = matrices.shape[-2:]
    if hidden > features:
        raise InputError(f"weights of shape {matrices.shape}: {hidden} hidden for {features} features: give at most as many.")
    if not offsets.ndim or offsets.shape[-1] != features:
        raise InputError(f"bias of shape {offsets.shape}: give one number for each of the {features} features.")
    scale = np.ones(features) if importances is None else _numbers(importances, "importances")
    if not (scale > 0).all():
        raise InputError("importances: give numbers above 0.")
    if not scale.ndim or scale.shape[-1] != features:
        raise InputError(f"importances of shape {scale.shape}: give one number for each of the {features} features.")
    try:
        shape = np.broadcast_shapes(matrices.shape[:-2], offsets.shape[:-1], scale.shape[:-1])
    except ValueError:
        raise InputError(
            f"weights {matrices.shape}, bias {offsets.shape}, importances {scale.shape}: give the same number of instances."
        ) from None
    wanted = (*shape, features)
    matrices = np.broadcast_to(matrices, (*shape, hidden, features))
    return matrices, np.broadcast_to(offsets, wanted), np.broadcast_to(scale, wanted)


def _fitting(values: float | np.ndarray, shape: tuple[int, ...], name: str) -> np.ndarray:
    numbers = _numbers(values, name)
    try:
        return np.broadcast_to(numbers, shape)
    except ValueError:
        raise InputError(f"{name} of shape {numbers.shape}: give one number, or shape {shape}.") from None


def _numbers(values: float | np.ndarray, name: str) -> np.ndarray:
    try:
        numbers = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name}: give an array of numbers.") from None
    if not np.isfinite(numbers).all():
        raise InputError(f"{name} of shape {numbers.shape} has NaN or infinite entries: give finite numbers.")
    return numbers
