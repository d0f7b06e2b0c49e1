"""Exact population loss of x' = relu(WᵀWx + b) on one-hot inputs x = μ eᵢ, i uniform of c, μ uniform on [0, 1], many at once.

Source: Chen et al. 2023, arXiv 2310.06301. With G = WᵀW and importances I, no factor ½:
    L = (1/c) [Σᵢ Iᵢ/3 − 2 Σᵢ Iᵢ q₁(Gᵢᵢ, bᵢ) + Σᵢⱼ Iⱼ q₂(Gᵢⱼ, bⱼ)],
    q₁(g, b) = ∫₀¹ t relu(gt + b) dt,  q₂(g, b) = ∫₀¹ relu(gt + b)² dt.
W has shape (…, hidden, features), b and I (…, features). Raises InputError where shapes do not fit or numbers are not finite.

With mₚ = ∫ tᵖ over the t in [0, 1] with gt + b > 0:
    q₁ = g m₂ + b m₁,  ∂q₂/∂g = 2 q₁,  ∂q₂/∂b = 2 (g m₁ + b m₀),  ∂q₁/∂g = m₂,  ∂q₁/∂b = m₁;
    second derivatives by gg, gb, bb: 2 (m₂, m₁, m₀) of q₂; (r³, r², r)/g of q₁ where r = −b/g lies in (0, 1), else 0.
L is twice differentiable except where a pair has Gᵢⱼ = bⱼ = 0, and once except where that is a feature's own, Wⱼ = 0 = bⱼ.
"""

from __future__ import annotations

import numpy as np

from slt_bias.subjects.superposition.instances import Gradient, check_instances


def one_hot_loss(weights: np.ndarray, bias: np.ndarray, importances: np.ndarray | None = None) -> np.ndarray:
    """Loss of the relu model on one-hot inputs, shape (…); arguments as in the module's docstring."""
    return one_hot_gradient(weights, bias, importances)[0]


def one_hot_gradient(weights: np.ndarray, bias: np.ndarray, importances: np.ndarray | None = None) -> Gradient:
    """Loss (…) of the relu model on one-hot inputs, and its gradient by W and b."""
    matrices, offsets, shares, shape = _rows(weights, bias, importances)
    loss, by_weights, by_bias = fast_gradient(matrices, offsets, shares)
    return loss.reshape(shape), by_weights.reshape(*shape, *matrices.shape[1:]), by_bias.reshape(*shape, offsets.shape[1])


def fast_gradient(weights: np.ndarray, bias: np.ndarray, importances: np.ndarray, out: Gradient | None = None) -> Gradient:
    """`one_hot_gradient` for inner loops: nothing is checked, and the arrays of `out` are filled where it is given.

    weights (instances, hidden, features), bias and importances (instances, features): float64, C-contiguous.
    """
    from slt_bias.subjects.superposition import _one_hot_kernel as kernel

    loss, by_weights, by_bias = out or (np.empty(len(bias)), np.empty_like(weights), np.empty_like(bias))
    kernel.gradients(weights, bias, importances, loss, by_weights, by_bias)
    return loss, by_weights, by_bias


def one_hot_hessian(weights: np.ndarray, bias: np.ndarray, importances: np.ndarray | None = None) -> np.ndarray:
    """Hessian of the loss by (W row by row, then b): (…, d, d) with d = (hidden + 1)·features.

    Where a pair has Gᵢⱼ = bⱼ = 0 there is none: the number returned is that of the side where the output is off.
    """
    from slt_bias.subjects.superposition import _one_hot_kernel as kernel

    matrices, offsets, shares, shape = _rows(weights, bias, importances)
    dimension = (matrices.shape[1] + 1) * matrices.shape[2]
    out = np.empty((len(offsets), dimension, dimension))
    kernel.hessians(matrices, offsets, shares, out)
    return out.reshape(*shape, dimension, dimension)


def positive_moments(slope: np.ndarray, offset: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """∫ tᵖ dt over the t in [0, 1] with slope·t + offset > 0, for p = 0, 1, 2; the kernel has the same without a branch."""
    slope, offset = np.broadcast_arrays(slope, offset)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        root = np.where(slope == 0, 0.0, np.clip(-offset / slope, 0, 1))
    low = np.where(slope > 0, root, 0.0)
    high = np.where(slope < 0, root, np.where((slope == 0) & (offset <= 0), 0.0, 1.0))
    return high - low, (high**2 - low**2) / 2, (high**3 - low**3) / 3


def _rows(
    weights: np.ndarray, bias: np.ndarray, importances: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[int, ...]]:
    """Checked, with one leading axis, C-contiguous; and the shape of the leading axes."""
    matrices, offsets, shares = check_instances(weights, bias, importances)
    hidden, features = matrices.shape[-2:]
    rows = [np.ascontiguousarray(part).reshape(-1, features) for part in (offsets, shares)]
    return np.ascontiguousarray(matrices).reshape(-1, hidden, features), rows[0], rows[1], offsets.shape[:-1]
