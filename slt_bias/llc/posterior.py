"""The localised tempered posterior, one for each chain, and what a run of chains leaves behind."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from slt_bias.llc.landscapes.base import Landscape


@dataclass(frozen=True)
class Posterior:
    """p(w) ∝ exp(−nβ L_n(w) − (γ/2)‖w − w*‖²) for each of k chains (Lau et al. 2023, arXiv 2308.12108, eq. 9).

    centres : w*, shape (k, dimension).
    inverse_temperature : nβ, shape (k,).
    localization : γ, shape (k,).
    """

    landscape: Landscape
    centres: np.ndarray
    inverse_temperature: np.ndarray
    localization: np.ndarray

    @property
    def chains(self) -> int:
        """k."""
        return len(self.centres)

    def potential(self, losses: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """U = nβ L_n + (γ/2)‖w − w*‖², shape (k,)."""
        away = positions - self.centres
        return self.inverse_temperature * losses + 0.5 * self.localization * np.einsum("kd,kd->k", away, away)

    def slope(self, gradients: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """∇U = nβ ∇L_n + γ (w − w*), shape (k, dimension)."""
        return self.inverse_temperature[:, None] * gradients + self.localization[:, None] * (positions - self.centres)

    def select(self, chains: np.ndarray) -> Posterior:
        """The same for some of the chains, by index or mask."""
        return Posterior(
            self.landscape, self.centres[chains], self.inverse_temperature[chains], self.localization[chains]
        )


@dataclass(frozen=True)
class Chains:
    """What a run leaves behind; divergence is data, not an exception.

    losses : L_n at each draw, shape (k, draws), nats an example; NaN from the draw at which a chain diverged. Samplers with
        minibatches give L_B(w) − L_B(w*) + L_n(w*), averaged over the steps of a draw: unbiased for a fixed w, and without the
        noise that w and w* share.
    last : positions after the last draw, (k, dimension).
    acceptance : mean acceptance probability over the draws, (k,); NaN where nothing is accepted or rejected.
    step_size : the step each chain used after burn-in, (k,).
    diverged : number of the draw at which the chain left the finite numbers, −1 where it never did, (k,).
    positions : (k, draws, dimension) where asked, else None.
    """

    losses: np.ndarray
    last: np.ndarray
    acceptance: np.ndarray
    step_size: np.ndarray
    diverged: np.ndarray
    positions: np.ndarray | None = None

    @classmethod
    def joined(cls, parts: list[Chains], places: np.ndarray) -> Chains:
        """Several runs as one: chain i of all, part after part, goes to place `places`[i]."""
        names = [field.name for field in fields(cls) if getattr(parts[0], field.name) is not None]
        order = np.argsort(places)
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts])[order] for name in names})

    def chosen(self, which: np.ndarray) -> Chains:
        """The chains `which`, indices."""
        names = [field.name for field in fields(self) if getattr(self, field.name) is not None]
        return Chains(**{name: getattr(self, name)[which] for name in names})

    def replaced(self, which: np.ndarray, by: Chains) -> Chains:
        """The same with the chains `which`, indices, taken from another run."""
        names = [field.name for field in fields(self) if getattr(self, field.name) is not None]
        arrays = {name: getattr(self, name).copy() for name in names}
        for name, array in arrays.items():
            array[which] = getattr(by, name)
        return Chains(**arrays)
