"""Minima of the exact loss on independent features, found from given starts by damped Newton steps, many instances at once.

A step is −Σₖ vₖ (vₖ·g)/(|κₖ| + damping), with the gradient g and the eigenvalues κₖ and eigenvectors vₖ of the Hessian
(Dauphin et al. 2014: the absolute value leads away from saddles and down towards minima). The Hessian comes from central
differences of the exact gradient. A step that does not lower the loss is taken back and the damping raised (Levenberg 1944;
Marquardt 1963), so that a start is followed downhill into its own basin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slt_bias.errors import InputError
from slt_bias.subjects.superposition.instances import check_instances, fitting
from slt_bias.subjects.superposition.population import MOST_FEATURES, pattern_gradient

DIFFERENCE = 1e-5
DAMPING = 1e-3  # at first
LEAST_DAMPING, MOST_DAMPING = 1e-8, 1e6
STIFF = 1e-6  # a curvature below this, such as that of a rotation, promises nothing
ARRIVED = 1e-13  # of the loss: where a step promises no more, the minimum is reached


@dataclass(frozen=True)
class Minima:
    """Where the steps ended, for instances (…).

    weights (…, hidden, features), bias (…, features), loss (…). slope (…) : largest entry of the gradient.
    curvatures (…, (hidden + 1) · features) : eigenvalues of the Hessian, ascending; rotations of W add zeros.
    """

    weights: np.ndarray
    bias: np.ndarray
    loss: np.ndarray
    slope: np.ndarray
    curvatures: np.ndarray


def settle(
    weights: np.ndarray,
    bias: np.ndarray,
    density: float | np.ndarray,
    importances: np.ndarray | None = None,
    steps: int = 100,
) -> Minima:
    """The minima of the relu model's exact loss below the starts (W, b); arguments as in `independent_loss`.

    Raises InputError where shapes do not fit, numbers are not finite or there are too many features.
    """
    matrices, offsets, scale = check_instances(weights, bias, importances)
    hidden, features = matrices.shape[-2:]
    if features > MOST_FEATURES:
        raise InputError(f"{features} features: exact losses are for at most {MOST_FEATURES}.")
    shares = fitting(density, offsets.shape, "density")
    if not ((shares > 0) & (shares <= 1)).all():
        raise InputError("density: a density is a probability in (0, 1]; leave a feature that is never on out.")
    shape = offsets.shape[:-1]
    points = np.concatenate([matrices.reshape(*shape, -1), offsets], -1).reshape(-1, (hidden + 1) * features)
    settings = scale.reshape(-1, features), shares.reshape(-1, features)
    points, loss, slope, curvatures = _descend(points, settings, hidden, steps)
    return Minima(
        points[:, : hidden * features].reshape(*shape, hidden, features),
        points[:, hidden * features :].reshape(*shape, features),
        loss.reshape(shape),
        slope.reshape(shape),
        curvatures.reshape(*shape, points.shape[1]),
    )


Settings = tuple[np.ndarray, np.ndarray]  # importances and densities, (instances, features)


def _descend(
    points: np.ndarray, settings: Settings, hidden: int, steps: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Points, loss, largest slope and curvatures after at most so many steps; instances that arrived are left in peace."""
    points = points.copy()
    loss, slopes = _gradient(points, settings, hidden)
    curvatures = np.zeros(points.shape)
    damping = np.full(len(points), DAMPING)
    busy = np.arange(len(points))
    for step in range(steps + 1):
        if not len(busy):
            break
        values, vectors = _hessian(points[busy], (settings[0][busy], settings[1][busy]), hidden)
        curvatures[busy] = values
        if step == steps:
            break
        slope = (vectors * slopes[busy][:, :, None]).sum(1)
        along = slope / (np.abs(values) + damping[busy, None])
        arrived = (slope**2 / np.maximum(np.abs(values), STIFF)).sum(1) <= ARRIVED * loss[busy]
        trial = points[busy]
        trial -= (vectors * along[:, None, :]).sum(2)
        trial_loss, trial_slopes = _gradient(trial, (settings[0][busy], settings[1][busy]), hidden)
        lower = (trial_loss < loss[busy]) & ~arrived
        taken = busy[lower]
        points[taken], loss[taken], slopes[taken] = trial[lower], trial_loss[lower], trial_slopes[lower]
        damping[busy] = np.where(lower, np.maximum(damping[busy] / 5, LEAST_DAMPING), damping[busy] * 5)
        busy = busy[~arrived & (damping[busy] < MOST_DAMPING)]
    return points, loss, np.abs(slopes).max(1), curvatures


def _gradient(points: np.ndarray, settings: Settings, hidden: int) -> tuple[np.ndarray, np.ndarray]:
    features = settings[0].shape[1]
    weights, bias = points[:, : hidden * features].reshape(-1, hidden, features), points[:, hidden * features :]
    loss, by_weights, by_bias = pattern_gradient(weights, bias, *settings)
    return loss, np.concatenate([by_weights.reshape(len(points), -1), by_bias], 1)


def _hessian(points: np.ndarray, settings: Settings, hidden: int) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues (instances, numbers), ascending, and eigenvectors in the last axis."""
    size = points.shape[1]
    steps = DIFFERENCE * np.concatenate([np.eye(size), -np.eye(size)])
    around = (points[:, None] + steps).reshape(-1, size)
    importances, density = (np.repeat(part, len(steps), axis=0) for part in settings)
    slopes = _gradient(around, (importances, density), hidden)[1].reshape(len(points), 2, size, size)
    rows = (slopes[:, 0] - slopes[:, 1]) / (2 * DIFFERENCE)
    values, vectors = np.linalg.eigh((rows + np.swapaxes(rows, 1, 2)) / 2)
    return values, vectors
