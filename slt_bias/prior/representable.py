"""Functions that a map linear in its parameters cannot compute, with the linear programme that proves it.

z_p = φ_p · θ with fixed features φ_p (a perceptron: inputs and 1; a polynomial: its monomials). A function with outputs
y_p = ±1 has positive probability exactly where y_p φ_p · θ > 0 has a solution. By Farkas' lemma it has none exactly where
multipliers λ ≥ 0, not all 0, give Σ λ_p y_p φ_p = 0: they are the proof.
"""

from __future__ import annotations

import numpy as np

from slt_bias.functions.tables import Functions
from slt_bias.maps.base import Map
from slt_bias.maps.mlp import NetworkMember

TOLERANCE = 1e-9  # of the margin, and of the proof's residual, where features have length 1


def features(map: Map) -> np.ndarray | None:
    """φ, float64 (points, parameters), for a map that is linear in its parameters; None for any other."""
    if not isinstance(map, NetworkMember) or len(map.network.widths) != 2:
        return None
    network = map.network
    columns = [network.features, np.ones((len(network.features), 1))] if network.has_bias else [network.features]
    return np.concatenate(columns, axis=1)[:, network.scales > 0]


def impossible(map: Map, function: Functions) -> str:
    """Why the map cannot compute the function, or "" where it can or where the map is not linear in its parameters."""
    from scipy.optimize import linprog

    rows = features(map)
    if rows is None:
        return ""
    wanted = function.values()[0]
    lengths = np.linalg.norm(rows, axis=1)
    if wanted[lengths == 0].any():
        return "an output that is always exactly 0, which counts as 0, should be 1"
    signed = np.where(wanted, 1.0, -1.0)[lengths > 0, None] * rows[lengths > 0] / lengths[lengths > 0, None]
    count, parameters = signed.shape
    if count == 0:
        return ""
    # the least residual |Σ λ y φ|∞ over multipliers that sum to 1
    cost = np.append(np.zeros(count), 1.0)
    slack = -np.ones(parameters)
    bounds = np.concatenate([np.column_stack([signed.T, slack]), np.column_stack([-signed.T, slack])])
    solved = linprog(
        cost, A_ub=bounds, b_ub=np.zeros(2 * parameters), A_eq=[np.append(np.ones(count), 0.0)], b_eq=[1.0], method="highs"
    )
    if solved.status != 0 or solved.fun > TOLERANCE:
        return ""
    used = int((solved.x[:-1] > TOLERANCE).sum())
    proof = f"Σ λ y φ = 0 has a solution λ ≥ 0 (linear programme, residual {solved.fun:.1g})"
    return f"no weights give the outputs asked for on {used} of the points: {proof}"
