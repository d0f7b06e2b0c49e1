"""How the posterior answers to a change of the data: influence functions and susceptibilities, both covariances of one run.

With L_n replaced by L_n + h ΔL the posterior mean of an observable φ changes by
    d/dh E[φ] = −nβ · Cov_w(φ, ΔL)        at h = 0
(fluctuation–dissipation; Baker, Wang, Hoogland & Murfet 2025). ΔL = ℓᵢ/n gives the influence of one example (Kreer et al. 2025).
Intervals are for each entry alone, from independent chains by the jackknife.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from slt_bias.errors import InputError
from slt_bias.estimate import Status
from slt_bias.llc.observables import MOST_BYTES, Draws, observe


@dataclass(frozen=True)
class Responses:
    """First-order responses with their intervals.

    value, low, high, standard_error : (perturbations, observables), in units of the observable (nats for losses) per unit of h.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    standard_error: np.ndarray
    confidence: float
    status: Status = "ok"
    reasons: tuple[str, ...] = ()


def influence(draws: Draws, on: np.ndarray | None = None) -> Responses:
    """Bayesian influence functions (Kreer et al. 2025): −β Cov_w(ℓᵢ, φⱼ), β = nβ/n.

    Entry (i, j): by how much E[φⱼ] changes for each unit that is added to the weight of example i (from 1; −1 leaves it out), to
    first order. Example i helps φⱼ, a loss, where the entry is negative; in a run at β = 1 this is the paper's BIF.
    on : φ at the draws, (chains, draws) or (chains, draws, observables); None: the losses of the examples, which gives (n, n),
        symmetric. Raises InputError where the shape does not fit or the matrix is too large.
    """
    wanted = draws.example_losses if on is None else _observable(draws, on)
    return _responses(draws, draws.example_losses, wanted, draws.beta)


def susceptibilities(draws: Draws, perturbation: np.ndarray, observable: np.ndarray | None = None) -> Responses:
    """χ = −nβ Cov_w(φ, ΔL), the response of E[φ] to the loss L_n + h ΔL (Baker, Wang, Hoogland & Murfet 2025).

    perturbation : weights a of the examples, (n,) or (perturbations, n): ΔL = Σᵢ aᵢ ℓᵢ. `towards` makes those that shift the data
        to a part of them.
    observable : φ at the draws, (chains, draws) or (chains, draws, observables); None: L_n, in nats an example.
    Draws of `observe(…, parameters=…)` give the response of that component, the other weights held at w*.
    Raises InputError where shapes do not fit.
    """
    weights = np.atleast_2d(np.asarray(perturbation, float))
    if weights.ndim != 2 or weights.shape[1] != draws.examples or not np.isfinite(weights).all():
        raise InputError(
            f"susceptibilities: perturbation has shape {np.shape(perturbation)}: give finite weights of the {draws.examples} "
            "examples, (n,) or (perturbations, n)."
        )
    wanted = draws.losses[..., None] if observable is None else _observable(draws, observable)
    return _responses(draws, draws.example_losses @ weights.T, wanted, draws.inverse_temperature)


def towards(examples: int, rows: Sequence[int]) -> np.ndarray:
    """Weights of ΔL = mean of ℓ over `rows` − mean of ℓ over all, (examples,): the data move towards the rows, as a mixture.

    Raises InputError for rows out of range, or none.
    """
    index = np.asarray(rows)
    if index.ndim != 1 or not len(index) or index.dtype.kind not in "iu" or index.min() < 0 or index.max() >= examples:
        raise InputError(f"towards: rows: give whole numbers from 0 to {examples - 1}, at least one.")
    weights = np.full(examples, -1.0 / examples)
    np.add.at(weights, index, 1.0 / len(index))
    return weights


def component_susceptibilities(
    model: Any, loss: Any, data: Any, components: Mapping[str, Sequence[str]], perturbation: np.ndarray, **settings: Any
) -> dict[str, Responses]:
    """`susceptibilities` of L_n for each component: a posterior over its parameters alone, the others at w*.

    components : name → names of its parameters. settings : those of `observe`, such as inverse_temperature, chains, seed.
    Each value has shape (perturbations, 1). Raises InputError as `observe` does.
    """
    return {
        name: susceptibilities(observe(model, loss, data, parameters=list(names), **settings), perturbation)
        for name, names in components.items()
    }


def _observable(draws: Draws, values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, float)
    values = values[..., None] if values.ndim == 2 else values
    if values.ndim != 3 or values.shape[:2] != draws.losses.shape or not np.isfinite(values).all():
        raise InputError(
            f"an observable of shape {values.shape}: give finite values at the draws, {draws.losses.shape} or with one more axis."
        )
    return values


def _responses(draws: Draws, one: np.ndarray, other: np.ndarray, factor: float) -> Responses:
    """−factor · Cov of (chains, draws, a) with (chains, draws, b): (a, b), pseudo-values over chains left out in turn."""
    from scipy.stats import t as student

    chains, rows, columns = len(one), one.shape[2], other.shape[2]
    needed = 48.0 * rows * columns
    if needed > MOST_BYTES:
        raise InputError(f"{rows} × {columns} responses take {needed:.2g} bytes: give fewer observables or examples.")
    one, other = one - one.mean((0, 1)), other - other.mean((0, 1))
    means, others = one.mean(1), other.mean(1)

    def product(chain: int) -> np.ndarray:
        return one[chain].T @ other[chain] / one.shape[1]

    whole = sum((product(chain) for chain in range(chains)), start=np.zeros((rows, columns))) / chains
    total, squares = np.zeros_like(whole), np.zeros_like(whole)
    for chain in range(chains):
        # the means of all chains together are 0, so those without this one are −mean/(C − 1)
        without = (chains * whole - product(chain)) / (chains - 1) - np.outer(means[chain], others[chain]) / (chains - 1) ** 2
        away = (chains - 1) * (whole - without)  # the pseudo-value less the whole
        total += away
        squares += away**2
    variance = (squares - total**2 / chains) / (chains - 1)
    value = -factor * (whole + total / chains)
    error = abs(factor) * np.sqrt(np.maximum(variance, 0.0) / chains)
    half = float(student.ppf((1 + draws.confidence) / 2, chains - 1)) * error
    return Responses(value, value - half, value + half, error, draws.confidence, draws.status, draws.reasons)
