"""Exact population losses of x' = relu(WᵀWx + b) and of x' = WᵀWx + b, with gradients, for many instances at once.

L = E Σⱼ Iⱼ (xⱼ − x'ⱼ)², with W of shape (…, hidden, features), b (…, features), importances I (…, features); no factor ½.

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
from slt_bias.subjects.superposition.instances import Gradient, check_instances, fitting
from slt_bias.subjects.superposition.laws import Law

MOST_FEATURES = 3  # of the quadrature


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
    shares = fitting(density, bias.shape, "density")
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
