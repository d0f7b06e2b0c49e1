"""The phases of an extra feature, by theory: which closed candidate has the lowest exact loss at a density and an importance.

Elhage et al. 2022, "Superposition as a Phase Change": n features in m = n − 1 dimensions, all of one density d; the last one,
the extra, has importance r, the others 1. A candidate fixes which weights are 0; the norms and biases that it leaves free are
those of the lowest loss. Each candidate falls into parts in orthogonal subspaces, whose losses add up:
* a feature with a dimension of its own: ‖W‖ = 1, b = 0, loss 0;
* a feature that is not represented: b = d/2, loss I (d/3 − d²/4);
* an antipodal pair [a −c] of importances I and J: four free numbers, found by `newton.settle` on the exact loss.

The phase of a solution is read off the extra feature: not represented where ‖W‖ ≤ 1/2; else a dimension of its own where its
superposition Σ_{j≠i} (Ŵᵢ·Wⱼ)² ≤ 1/4, that is, where the others reach at most 1/2 along it; else superposition. For n = 2 this
rule goes over into itself where the two features are exchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from slt_bias.errors import InputError
from slt_bias.subjects.superposition.instances import numbers
from slt_bias.subjects.superposition.newton import settle

PHASES = ("not represented", "own dimension", "superposition")
LEAST_NORM = 0.5  # of a feature that counts as represented
LEAST_SUPERPOSITION = 0.25
STARTS = ((1.0, -1.0), (1.0, -0.6), (0.6, -1.0))  # dense pairs have unequal norms, even of equal importances
TIE = 1e-9  # relative difference of losses that counts as none: a pair whose second norm goes to 0 is no pair


class Candidate(NamedTuple):
    """A name and the pattern of W, (hidden, features)."""

    name: str
    weights: np.ndarray


def candidates(features: int) -> tuple[Candidate, ...]:
    """The candidates of Elhage et al. 2022 for 2 features in 1 dimension and 3 in 2; the last feature is the extra one."""
    if features == 2:
        return (
            Candidate("not represented", np.array([[1.0, 0.0]])),
            Candidate("own dimension", np.array([[0.0, 1.0]])),
            Candidate("antipodal pair", np.array([[1.0, -1.0]])),
        )
    if features == 3:
        return (
            Candidate("not represented", np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])),
            Candidate("own dimension, other not represented", np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])),
            Candidate("own dimension, others antipodal", np.array([[1.0, -1.0, 0.0], [0.0, 0.0, 1.0]])),
            Candidate("antipodal to another", np.array([[1.0, 0.0, 0.0], [0.0, 1.0, -1.0]])),
        )
    raise InputError(f"features={features!r}: candidates are known for 2 features in 1 dimension and 3 features in 2.")


@dataclass(frozen=True)
class TheoreticalPhase:
    """The best candidate at each density and importance (…), in the order of `candidates`.

    losses (candidates, …); best (…): its number; loss (…).
    norm, superposition (…): of the extra feature in the best candidate; phase (…): number in PHASES.
    """

    losses: np.ndarray
    best: np.ndarray
    loss: np.ndarray
    norm: np.ndarray
    superposition: np.ndarray
    phase: np.ndarray


def theoretical_phase(features: int, density: float | np.ndarray, importance: float | np.ndarray) -> TheoreticalPhase:
    """The best candidate for 2 or 3 features at densities and importances of the extra feature, which are broadcast to (…).

    Of candidates with the same loss the first is named. Raises InputError.
    """
    candidates(features)
    shares, extra = numbers(density, "density"), numbers(importance, "importance")
    if not ((shares > 0) & (shares <= 1)).all():
        raise InputError("density: a density is a probability in (0, 1].")
    if not (extra > 0).all():
        raise InputError("importance: give numbers above 0.")
    try:
        shares, extra = np.broadcast_arrays(shares, extra)
    except ValueError:
        raise InputError(f"density {shares.shape} and importance {extra.shape}: give shapes that fit together.") from None
    absent = shares / 3 - shares**2 / 4
    pair_loss, own, others = antipodal_pair(shares, 1.0, extra)
    one, zero = np.ones(shares.shape), np.zeros(shares.shape)
    found = [(extra * absent, zero, zero), (absent, one, zero)]
    if features == 3:
        found.append((antipodal_pair(shares, 1.0, 1.0)[0], one, zero))
    found.append((pair_loss, own, others))
    losses, norms, others = (np.stack(part) for part in zip(*found, strict=True))
    best = np.asarray((losses <= losses.min(0) * (1 + TIE)).argmax(0))
    loss, norm, other = (np.take_along_axis(part, best[None], 0)[0] for part in (losses, norms, others))
    return TheoreticalPhase(losses, best, loss, norm, other, phase_of(norm, other))


def phase_of(norm: np.ndarray, superposition: np.ndarray) -> np.ndarray:
    """Numbers in PHASES from the extra feature's ‖W‖ and Σ (Ŵ·Wⱼ)²."""
    return np.where(norm <= LEAST_NORM, 0, np.where(superposition <= LEAST_SUPERPOSITION, 1, 2))


def antipodal_pair(
    density: float | np.ndarray, importance: float | np.ndarray, extra: float | np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The best W = [a −c] with its biases for two features of these importances: loss, c and a², each broadcast to (…).

    Where a pair is no local minimum, one of the norms goes to 0: then c or a² is 0 and the loss that of a single feature.
    """
    shares, first, second = np.broadcast_arrays(*(np.asarray(part, np.float64) for part in (density, importance, extra)))
    scale = np.stack([first, second], -1)
    starts = [settle(np.array([pair]), np.zeros(2), shares[..., None], scale) for pair in STARTS]
    losses = np.stack([minima.loss for minima in starts])
    norms = np.abs(np.stack([minima.weights[..., 0, :] for minima in starts]))
    best = losses.argmin(0)[None]
    first_norm, second_norm = np.take_along_axis(norms, best[..., None], 0)[0].reshape(-1, 2).T
    return (
        np.take_along_axis(losses, best, 0)[0],
        second_norm.reshape(shares.shape),
        first_norm.reshape(shares.shape) ** 2,
    )
