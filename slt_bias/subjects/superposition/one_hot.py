"""Exact population loss of x' = relu(WᵀWx + b) on one-hot inputs x = μ eᵢ, i uniform of c, μ uniform on [0, 1], many at once.

Source: Chen et al. 2023, arXiv 2310.06301. With G = WᵀW and importances I, no factor ½:
    L = (1/c) [Σᵢ Iᵢ/3 − 2 Σᵢ Iᵢ q₁(Gᵢᵢ, bᵢ) + Σᵢⱼ Iⱼ q₂(Gᵢⱼ, bⱼ)],
    q₁(g, b) = ∫₀¹ t relu(gt + b) dt,  q₂(g, b) = ∫₀¹ relu(gt + b)² dt.
W has shape (…, hidden, features), b and I (…, features). Raises InputError where shapes do not fit or numbers are not finite.
"""

from __future__ import annotations

import numpy as np

from slt_bias.subjects.superposition.instances import Gradient, check_instances


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
