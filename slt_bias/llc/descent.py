"""Where gradient descent ends: is w* a minimum, and do the chains still stand in its basin?"""

from __future__ import annotations

import numpy as np

from slt_bias.llc.landscapes.base import Landscape


def descend(landscape: Landscape, start: np.ndarray, steps: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """The lowest loss reached from each row of start (k, dimension), and the place, by L-BFGS (Liu & Nocedal 1989)."""
    from scipy.optimize import minimize

    lowest, places = np.empty(len(start)), np.empty_like(start)

    def value(position: np.ndarray) -> tuple[float, np.ndarray]:
        losses, gradients = landscape.gradients(position[None])
        return (float(losses[0]), gradients[0]) if np.isfinite(losses[0]) else (1e300, np.zeros_like(position))

    for row, position in enumerate(start):
        found = minimize(value, position, jac=True, method="L-BFGS-B", options={"maxiter": steps, "ftol": 1e-15, "gtol": 1e-12})
        lowest[row], places[row] = found.fun, found.x
    return lowest, places
