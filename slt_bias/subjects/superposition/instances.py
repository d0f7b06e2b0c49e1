"""Weights, biases and settings of many instances of the toy model: their shapes, checked once."""

from __future__ import annotations

import numpy as np

from slt_bias.errors import InputError

Gradient = tuple[np.ndarray, np.ndarray, np.ndarray]  # loss, ∂L/∂W, ∂L/∂b


def check_instances(
    weights: np.ndarray, bias: np.ndarray, importances: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """W (…, m, n), b (…, n) and importances (…, n), float64, of common leading axes. Raises InputError."""
    matrices, offsets = numbers(weights, "weights"), numbers(bias, "bias")
    if matrices.ndim < 2 or 0 in matrices.shape[-2:]:
        raise InputError(f"weights of shape {matrices.shape}: give shape (…, hidden, features).")
    hidden, features = matrices.shape[-2:]
    if hidden > features:
        raise InputError(f"weights of shape {matrices.shape}: {hidden} hidden for {features} features: give at most as many.")
    if not offsets.ndim or offsets.shape[-1] != features:
        raise InputError(f"bias of shape {offsets.shape}: give one number for each of the {features} features.")
    scale = np.ones(features) if importances is None else numbers(importances, "importances")
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


def fitting(values: float | np.ndarray, shape: tuple[int, ...], name: str) -> np.ndarray:
    """The values broadcast to a shape. Raises InputError."""
    given = numbers(values, name)
    try:
        return np.broadcast_to(given, shape)
    except ValueError:
        raise InputError(f"{name} of shape {given.shape}: give one number, or shape {shape}.") from None


def numbers(values: float | np.ndarray, name: str) -> np.ndarray:
    """Finite numbers, float64. Raises InputError."""
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name}: give an array of numbers.") from None
    if not np.isfinite(array).all():
        raise InputError(f"{name} of shape {array.shape} has NaN or infinite entries: give finite numbers.")
    return array
