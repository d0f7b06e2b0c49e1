"""Which k-gon a trained instance of the one-hot model is: by its energy level, and by its geometry.

Source: Chen et al. 2023, arXiv 2310.06301: training runs stay at, and jump between, the levels of the k-gons. A run is at a
level where |L − level| < 10⁻³, and is named where its geometry is that of a k-gon of this level as well, once permutation,
rotation and reflection are taken out. Everything is compared in numbers that these do not change: norms, biases, the angles
between neighbouring vertices, and the arguments of the relu of the features that are off.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from slt_bias.errors import InputError
from slt_bias.subjects.superposition.critical import Polygon
from slt_bias.subjects.superposition.instances import check_instances
from slt_bias.subjects.superposition.one_hot import one_hot_loss

NONE = "none"
LEVEL = 1e-3  # of the loss
SHAPE = 0.1  # norms relative to the k-gon's, biases, and angles in radians
VERTEX = 0.7  # of the k-gon's norm: features that are on and longer than this are vertices


def energy_levels(losses: np.ndarray, points: Sequence[Polygon], tolerance: float = LEVEL) -> np.ndarray:
    """The name of the nearest level, or "none" where |L − level| ≥ tolerance: losses (…) → str (…).

    Raises InputError for losses that are not finite, or no points.
    """
    values = np.asarray(losses, np.float64)
    if not np.isfinite(values).all():
        raise InputError(f"losses of shape {values.shape} have NaN or infinite entries: give finite numbers.")
    levels, names = np.array([point.loss for point in _some(points)]), np.array([point.name for point in points])
    away = np.abs(values[..., None] - levels)
    return np.where(away.min(-1) < tolerance, names[away.argmin(-1)], NONE)


def classify(
    weights: np.ndarray, bias: np.ndarray, points: Sequence[Polygon], tolerance: float = LEVEL, shape: float = SHAPE
) -> np.ndarray:
    """Names of instances by level and geometry together: weights (…, 2, features), bias (…, features) → str (…).

    tolerance : of the loss. shape : of norms (relative), biases and angles (radians). Of several k-gons that fit, the one of
    the nearest level; "none" where none fits. For k = 2, 3 without a positive bias the k-gon is a family, as vertices turn
    freely while no two are closer than a right angle: all its members have its name.
    Raises InputError where shapes do not fit, or for points of another number of features.
    """
    matrices, offsets, _ = check_instances(weights, bias)
    features = offsets.shape[-1]
    if matrices.shape[-2] != 2 or any(len(point.biases) != features for point in _some(points)):
        raise InputError(f"weights of shape {matrices.shape}: give (…, 2, features), and the k-gons of as many features.")
    leading = offsets.shape[:-1]
    matrices, offsets = matrices.reshape(-1, 2, features), offsets.reshape(-1, features)
    losses = one_hot_loss(matrices, offsets)
    names = np.full(len(losses), NONE, np.array([NONE, *(point.name for point in points)]).dtype)
    nearest = np.full(len(losses), tolerance)
    for point in points:
        away = np.abs(losses - point.loss)
        rows = np.flatnonzero(away < nearest)
        rows = rows[_fits(matrices[rows], offsets[rows], point, shape)]
        names[rows], nearest[rows] = point.name, away[rows]
    return names.reshape(leading)


def _fits(weights: np.ndarray, bias: np.ndarray, point: Polygon, tolerance: float) -> np.ndarray:
    """Whether each instance has the shape of the k-gon, (k,)."""
    lengths = np.linalg.norm(weights, axis=1)
    small = 1 / (4 * bias.shape[1])  # half of a positive bias
    arguments = np.maximum(bias, (np.swapaxes(weights, 1, 2) @ weights + bias[:, None, :]).max(1))
    on, long = arguments > small, lengths > VERTEX * point.norm
    vertex, positive = on & long, on & ~long
    good: np.ndarray = (vertex.sum(1) == point.vertices) & (positive.sum(1) == point.positive)
    rows = np.flatnonzero(good)
    weights, bias, lengths, vertex, positive = weights[rows], bias[rows], lengths[rows], vertex[rows], positive[rows]
    fits = (~vertex | (np.abs(lengths / point.norm - 1) < tolerance)).all(1)
    fits &= (~vertex | (np.abs(bias - point.bias) < tolerance)).all(1)
    fits &= (~positive | ((np.abs(bias - 2 * small) < min(small, tolerance)) & (lengths < 2 * tolerance))).all(1)
    angles = np.where(vertex, np.arctan2(weights[:, 1], weights[:, 0]), np.inf)
    angles = np.sort(angles, axis=1)[:, : point.vertices]
    gaps = np.diff(angles, axis=1, append=angles[:, :1] + 2 * np.pi)
    if point.vertices <= 3 and not point.positive:
        fits &= (gaps > np.pi / 2 - tolerance).all(1)
    else:
        fits &= (np.abs(gaps - 2 * np.pi / point.vertices) < tolerance).all(1)
    good[rows] = fits
    return good


def _some(points: Sequence[Polygon]) -> Sequence[Polygon]:
    if not len(points):
        raise InputError("points is empty: give polygons(features).")
    return points
