"""Exact population losses of x' = relu(WᵀWx + b) and of x' = WᵀWx + b, with gradients, for many instances at once.

L = E Σⱼ Iⱼ (xⱼ − x'ⱼ)², with W of shape (…, hidden, features), b (…, features), importances I (…, features); no factor ½.

* `independent_loss`: independent features (Elhage et al. 2022), n ≤ 8: the sum over the 2ⁿ patterns of active features. For
  n ≤ 3 each is integrated by Gauss–Legendre rules between the kinks of the relu, which is exact: the integrand is piecewise
  polynomial. Beyond, patterns of three and more are sums over the corners of the cube of their values, exact too, but for
  slopes so small that the sum would cancel: these are integrated by up to 8 nodes each, around the exact rest. Measured for
  n ≤ 6: the loss is right to a relative 1e-10 and its gradient to 1e-8; to 1e-12 and 1e-10 at densities of 0.05 and less.
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

MOST_FEATURES = 8  # of the quadrature: 0.3 µs an instance for n = 2, 1.5 for 3, 5 for 4, 20 for 5, 60 for 6, 500 for 8


def independent_loss(
    weights: np.ndarray,
    bias: np.ndarray,
    density: float | np.ndarray,
    importances: np.ndarray | None = None,
    model: Literal["relu", "linear"] = "relu",
) -> np.ndarray:
    """Loss (…) on up to eight independent features; density (…, features) in (0, 1], for each instance its own if wanted."""
    return independent_gradient(weights, bias, density, importances, model)[0]


def independent_gradient(
    weights: np.ndarray,
    bias: np.ndarray,
    density: float | np.ndarray,
    importances: np.ndarray | None = None,
    model: Literal["relu", "linear"] = "relu",
) -> Gradient:
    """Loss (…) on up to eight independent features, and its gradient by W and b; arguments as in `independent_loss`."""
    weights, bias, scale = check_instances(weights, bias, importances)
    features = bias.shape[-1]
    if model not in ("relu", "linear"):
        raise InputError(f"model={model!r}: give 'relu' or 'linear'.")
    if features > MOST_FEATURES:
        raise InputError(f"{features} features: quadrature is for at most {MOST_FEATURES}: draw from the law instead.")
    shares = fitting(density, bias.shape, "density")
    if not ((shares > 0) & (shares <= 1)).all():
        raise InputError("density: a density is a probability in (0, 1]; leave a feature that is never on out.")
    count = int(np.prod(bias.shape[:-1], dtype=np.int64))
    offsets, factors, chances = (part.reshape(count, features) for part in (bias, scale, shares))
    matrices = weights.reshape(count, *weights.shape[-2:])
    loss, by_weights, by_bias = pattern_gradient(matrices, offsets, factors, chances, model == "relu")
    return loss.reshape(bias.shape[:-1]), by_weights.reshape(weights.shape), by_bias.reshape(bias.shape)


def pattern_gradient(
    weights: np.ndarray, bias: np.ndarray, scale: np.ndarray, density: np.ndarray, relu: bool = True
) -> Gradient:
    """`independent_gradient` of k instances, arguments unchecked: W (k, hidden, features), the others (k, features), float64."""
    from slt_bias.subjects.superposition import _population_kernel as kernel

    loss, by_weights, by_bias = np.empty(len(bias)), np.empty(weights.shape), np.empty(bias.shape)
    matrices, offsets, factors, shares = map(np.ascontiguousarray, (weights, bias, scale, density))
    kernel.instances(matrices, offsets, shares, factors, relu, loss, by_weights, by_bias)
    return loss, by_weights, by_bias


def linear_loss(weights: np.ndarray, bias: np.ndarray, law: Law, importances: np.ndarray | None = None) -> np.ndarray:
    """Loss (…) of the linear model under a law, any number of features."""
    return linear_gradient(weights, bias, law, importances)[0]


def linear_gradient(weights: np.ndarray, bias: np.ndarray, law: Law, importances: np.ndarray | None = None) -> Gradient:
    """Loss (…) of the linear model under a law, and its gradient by W and b: A = −2 I (R M − b μᵀ)."""
    weights, bias, scale = check_instances(weights, bias, importances)
    features = bias.shape[-1]
    if law.features != features:
        raise InputError(f"weights of {features} features and a law of {law.features}: give them the same number.")
    return moment_gradient(weights, bias, scale, law.mean(), law.second_moments())


def moment_gradient(weights: np.ndarray, bias: np.ndarray, scale: np.ndarray, mean: np.ndarray, moments: np.ndarray) -> Gradient:
    """`linear_gradient` with E x (…, features) and E x xᵀ (…, features, features) of each instance, arguments unchecked."""
    rest = np.eye(bias.shape[-1]) - np.swapaxes(weights, -1, -2) @ weights
    seen, shift = rest @ moments, (rest @ mean[..., None])[..., 0]
    loss = (scale * ((seen * rest).sum(-1) - 2 * bias * shift + bias**2)).sum(-1)
    by_gram = -2 * scale[..., None] * (seen - bias[..., None] * mean[..., None, :])
    return loss, weights @ (by_gram + np.swapaxes(by_gram, -1, -2)), 2 * scale * (bias - shift)
