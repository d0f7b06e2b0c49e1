"""The Hessian of L_n at w*, by differences of gradients, and the regular part of λ̂ that follows from it."""

from __future__ import annotations

import numpy as np

from slt_bias.llc.landscapes.base import Landscape

LARGEST = 600  # parameters up to which the whole Hessian is computed


def hessian(landscape: Landscape, centre: np.ndarray) -> np.ndarray:
    """∇²L_n(w*), (dimension, dimension), symmetric.

    Central differences of the gradient with a step of 10⁻⁴ (1 + |w|): good to about 10⁻⁷ of the largest eigenvalue.
    """
    steps = 1e-4 * (1 + np.abs(centre))
    moves = np.diag(steps)
    _, ahead = landscape.gradients(centre + moves)
    _, behind = landscape.gradients(centre - moves)
    matrix = (ahead - behind) / (2 * steps[:, None])
    return (matrix + matrix.T) / 2


def hessian_eigenvalues(landscape: Landscape, centre: np.ndarray) -> np.ndarray | None:
    """Eigenvalues of `hessian`, rising, (dimension,); None above 600 parameters."""
    return None if len(centre) > LARGEST else np.linalg.eigvalsh(hessian(landscape, centre))


def regular_part(eigenvalues: np.ndarray, inverse_temperature: float, localization: float) -> float:
    """λ̂ of the quadratic form alone: Σ ½ nβh/(nβh + γ) over the eigenvalues h > 0.

    At a regular minimum nβ·E[L_n − L_n(w*)] is this sum; d/2 where localisation is weak.
    """
    scaled = inverse_temperature * np.maximum(eigenvalues, 0.0)
    return float(np.sum(0.5 * scaled / (scaled + localization)))
