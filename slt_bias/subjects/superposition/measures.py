"""How a model represents its features: norms, superposition and dimensionality, for many instances at once.

Wᵢ is the column of feature i of W (hidden, features), Ŵᵢ = Wᵢ/‖Wᵢ‖. Source: Elhage et al. 2022, sections "Superposition as a
Phase Change" and "The Geometry of Superposition". A feature with Wᵢ = 0 has superposition 0 and dimensionality 0.
"""

from __future__ import annotations

import numpy as np

from slt_bias.errors import InputError


def norms(weights: np.ndarray) -> np.ndarray:
    """‖Wᵢ‖: weights (…, hidden, features) → (…, features)."""
    return np.linalg.norm(_matrices(weights), axis=-2)


def superposition(weights: np.ndarray) -> np.ndarray:
    """Σ_{j≠i} (Ŵᵢ·Wⱼ)², how much the other features lie in the direction of i: (…, hidden, features) → (…, features)."""
    squares = _projections(weights)
    return squares.sum(-1) - np.diagonal(squares, axis1=-2, axis2=-1)


def feature_dimensionality(weights: np.ndarray) -> np.ndarray:
    """Dᵢ = ‖Wᵢ‖²/Σⱼ(Ŵᵢ·Wⱼ)² with j = i in the sum: (…, hidden, features) → (…, features), from 0 to 1; ΣDᵢ ≤ hidden."""
    squares = _projections(weights)
    total = squares.sum(-1)
    return np.divide(np.diagonal(squares, axis1=-2, axis2=-1), total, out=np.zeros_like(total), where=total > 0)


def dimensions_per_feature(weights: np.ndarray) -> np.ndarray:
    """D* = hidden/‖W‖_F²: (…, hidden, features) → (…). Infinite where W = 0."""
    matrices = _matrices(weights)
    squares = np.square(matrices).sum((-2, -1))
    return np.divide(matrices.shape[-2], squares, out=np.full_like(squares, np.inf), where=squares > 0)


def unit_columns(weights: np.ndarray) -> np.ndarray:
    """Ŵᵢ, and 0 where Wᵢ = 0: same shape as the weights."""
    matrices = _matrices(weights)
    lengths = np.linalg.norm(matrices, axis=-2, keepdims=True)
    return np.divide(matrices, lengths, out=np.zeros_like(matrices), where=lengths > 0)


def _projections(weights: np.ndarray) -> np.ndarray:
    """(Ŵᵢ·Wⱼ)², (…, features, features)."""
    return np.square(np.swapaxes(unit_columns(weights), -1, -2) @ _matrices(weights))


def _matrices(weights: np.ndarray) -> np.ndarray:
    matrices = np.asarray(weights, np.float64)
    if matrices.ndim < 2 or not np.isfinite(matrices).all():
        raise InputError(f"weights of shape {matrices.shape}: give finite numbers of shape (…, hidden, features).")
    return matrices
