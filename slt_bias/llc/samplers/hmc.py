"""Hamiltonian Monte Carlo: leapfrog trajectories, accepted or rejected (Duane et al. 1987; Neal 2011).

    p ~ N(0, 1);   p ← p − (ε/2)∇U(w);   L times: w ← w + εp, p ← p − ε∇U(w) (the last by ε/2);
    accept with probability min(1, exp(H − H')),   H = U(w) + ½‖p‖²,   U = nβ L_n + (γ/2)‖w − w*‖².

Near a singularity the curvature differs by orders of magnitude from place to place: with one step a chain is stuck where it is
stiff. So two kinds of trajectories alternate. Two of three have ε·u, u uniform in (½, 1½) (a fixed length can meet the period of
a direction and stand still in it). Every third has the place's own step: with h(w) = ∇LᵀH∇L/‖∇L‖², the curvature along the
gradient, which favours the stiff directions,
    log ε ~ N(log(ε₀/√(nβh(w) + γ)), σ²),
and the acceptance takes in the density of ε at the end over that at the start, which keeps the law exact (GIST: Bou-Rabee,
Carpenter & Marsden 2024). Exact for any ε and ε₀ in the limit of many draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from slt_bias import streams
from slt_bias.errors import InputError
from slt_bias.llc.landscapes.stack import StackLandscape, in_threads
from slt_bias.llc.posterior import Chains, Posterior
from slt_bias.llc.samplers import _hamiltonian_kernel as kernel
from slt_bias.llc.samplers._chain_noise_kernel import fill_normals, fill_uniforms
from slt_bias.llc.samplers.base import states
from slt_bias.llc.samplers.step_adaptation import DualAveraging

LOCAL_EVERY = 3  # trajectories: one with the place's own step
SPREAD = 0.4  # σ of its logarithm
PROBE = 0.01  # the distance at which h is taken, in units of 1/√nβ


@dataclass(frozen=True)
class HMC:
    """Full-batch HMC.

    step_size : ε to begin with; None: 1/√(nβ) of each chain. Burn-in adapts it to `acceptance` (dual averaging).
    leapfrog_steps : L.
    acceptance : the mean acceptance probability that burn-in aims at.
    """

    step_size: float | None = None
    leapfrog_steps: int = 16
    acceptance: float = 0.8
    name: ClassVar[str] = "hmc"

    def __post_init__(self) -> None:
        if self.step_size is not None and not 0 < self.step_size < np.inf:
            raise InputError(f"HMC: step_size = {self.step_size}: give a number above 0.")
        if self.leapfrog_steps < 1:
            raise InputError(f"HMC: leapfrog_steps = {self.leapfrog_steps}: give a whole number, 1 or larger.")
        if not 0 < self.acceptance < 1:
            raise InputError(f"HMC: acceptance = {self.acceptance}: give a number between 0 and 1, such as 0.8.")

    def sample(
        self,
        posterior: Posterior,
        start: np.ndarray,
        *,
        draws: int,
        burn_in: int,
        seed: int,
        purposes: Sequence[streams.Purpose],
        keep: bool = False,
    ) -> Chains:
        """See `Sampler`: k chains of `burn_in` + `draws` trajectories, all chains advanced together."""
        walk = Walk.begin(posterior, start, seed, purposes)
        chains = posterior.chains
        first = 1 / np.sqrt(posterior.inverse_temperature) if self.step_size is None else np.full(chains, float(self.step_size))
        adaptation = DualAveraging(first, self.acceptance)
        for trajectory in range(burn_in):
            acceptance = walk.advance(adaptation.step_size, self.leapfrog_steps, local := is_local(trajectory))
            if not local:
                adaptation.update(acceptance)
        step_size = adaptation.averaged if burn_in else first
        losses = np.empty((chains, draws))
        positions = np.empty((chains, draws, start.shape[1])) if keep else None
        accepted = np.zeros(chains)
        for draw in range(draws):
            accepted += walk.advance(step_size, self.leapfrog_steps, is_local(draw))
            losses[:, draw] = walk.losses
            if positions is not None:
                positions[:, draw] = walk.positions
        finite = np.isfinite(walk.losses)  # a start outside the finite numbers never moves; from a finite one no chain leaves
        losses[~finite] = np.nan
        return Chains(losses, walk.positions, accepted / max(draws, 1), step_size, np.where(finite, -1, 0), positions)


def is_local(trajectory: int) -> bool:
    """Whether a trajectory has the place's own step; by its number, so that a run can be cut in two."""
    return trajectory % LOCAL_EVERY == LOCAL_EVERY - 1


@dataclass
class Walk:
    """The moving state of k HMC chains: positions, losses and gradients there, and their generators.

    probe : the distance at which h is taken, (k,); the same for all chains that exchange places.
    """

    posterior: Posterior
    positions: np.ndarray
    losses: np.ndarray
    gradients: np.ndarray
    probe: np.ndarray
    normal_states: np.ndarray
    uniform_states: np.ndarray

    @classmethod
    def begin(
        cls, posterior: Posterior, start: np.ndarray, seed: int, purposes: Sequence[streams.Purpose], coldest: float | None = None
    ) -> Walk:
        """Chains at `start`, each with generators of its own; coldest: the highest nβ of chains that will exchange
        places with these; None: there are none.
        """
        positions = np.array(start, float, order="C")
        posterior = replace(posterior, centres=np.ascontiguousarray(posterior.centres, float))
        losses, gradients = posterior.landscape.gradients(positions)
        probe = PROBE / np.sqrt(posterior.inverse_temperature if coldest is None else np.full(len(positions), coldest))
        generators = states("normals", seed, purposes), states("uniforms", seed, purposes)
        return cls(posterior, positions, losses, gradients, probe, *generators)

    @classmethod
    def join(cls, posterior: Posterior, walks: Sequence[Walk]) -> Walk:
        """Several walks as one."""
        names = ("positions", "losses", "gradients", "probe", "normal_states", "uniform_states")
        arrays = {name: np.concatenate([getattr(walk, name) for walk in walks]) for name in names}
        return cls(posterior=posterior, **arrays)

    def advance(self, step_size: np.ndarray, leapfrog_steps: int, local: bool = False, jitter: bool = True) -> np.ndarray:
        """One trajectory of every chain; gives the acceptance probabilities (k,). A trajectory that overflows is refused.

        step_size : ε, (k,). local : the place's own step instead. jitter : ε·u, as said above; False: ε itself.
        """
        if local:
            step_size = np.full(len(self.positions), min(0.6, 1.2 * self.positions.shape[1] ** -0.25))  # ε₀ ~ d^(−1/4)
        if isinstance(self.posterior.landscape, StackLandscape):
            return self._compiled(self.posterior.landscape, step_size, leapfrog_steps, local, jitter)
        return self.plain(step_size, leapfrog_steps, local, jitter)

    def _compiled(
        self, stack: StackLandscape, step_size: np.ndarray, leapfrog_steps: int, local: bool, jitter: bool
    ) -> np.ndarray:
        posterior, acceptance = self.posterior, np.empty(len(self.positions))
        targets = posterior.centres, posterior.inverse_temperature, posterior.localization, step_size, self.probe
        state = self.positions, self.losses, self.gradients, self.normal_states, self.uniform_states
        settings = leapfrog_steps, local, jitter, SPREAD

        def work(a: int, b: int) -> None:
            kernel.trajectories(
                stack.table, stack.frozen, stack.data, stack.criterion, stack.tile(stack.examples),
                tuple(array[a:b] for array in targets), tuple(array[a:b] for array in state), settings, acceptance[a:b],
            )  # fmt: skip

        in_threads(work, len(acceptance), stack.multiplications(stack.examples) * (leapfrog_steps + 1), stack.workers)
        return acceptance

    def plain(self, step_size: np.ndarray, leapfrog_steps: int, local: bool, jitter: bool) -> np.ndarray:
        """The same on any landscape, all chains together."""
        chains, dimension = self.positions.shape
        noise = np.empty((chains, dimension + 1))
        fill_normals(self.normal_states, noise)
        momentum, turn = noise[:, :-1].copy(), noise[:, -1]
        luck = np.empty((chains, 2))
        fill_uniforms(self.uniform_states, luck)
        posterior = self.posterior
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            if local:
                drawn = step_size * np.exp(SPREAD * turn) * self._scales(self.positions, self.gradients)
            else:
                drawn = step_size * (0.5 + luck[:, 1]) if jitter else step_size
            step = drawn[:, None]
            energy = posterior.potential(self.losses, self.positions) + 0.5 * np.einsum("kd,kd->k", momentum, momentum)
            positions, losses, gradients = self.positions.copy(), self.losses, self.gradients
            momentum -= 0.5 * step * posterior.slope(gradients, positions)
            for leap in range(leapfrog_steps):
                positions += step * momentum
                losses, gradients = posterior.landscape.gradients(positions)
                last = leap == leapfrog_steps - 1
                momentum -= (0.5 * step if last else step) * posterior.slope(gradients, positions)
            gain = energy - posterior.potential(losses, positions) - 0.5 * np.einsum("kd,kd->k", momentum, momentum)
            if local:
                back = np.log(drawn / step_size / self._scales(positions, gradients)) / SPREAD
                gain += 0.5 * (turn**2 - back**2)
            acceptance = np.exp(np.minimum(0.0, gain))
        acceptance[~np.isfinite(gain)] = 0.0
        accept = luck[:, 0] < acceptance
        self.positions[accept] = positions[accept]
        self.losses[accept] = losses[accept]
        self.gradients[accept] = gradients[accept]
        return acceptance

    def _scales(self, positions: np.ndarray, gradients: np.ndarray) -> np.ndarray:
        """1/√(nβh + γ), (k,); h = 1 where the gradient is 0."""
        length = np.sqrt(np.einsum("kd,kd->k", gradients, gradients))
        still = ~(length > 0)
        direction = gradients / np.where(still, 1.0, length)[:, None]
        _, ahead = self.posterior.landscape.gradients(positions + self.probe[:, None] * direction)
        found = np.abs(np.einsum("kd,kd->k", ahead - gradients, direction)) / self.probe
        steep = np.where(still | ~np.isfinite(found) | (found <= 0), 1.0, found)
        return 1 / np.sqrt(self.posterior.inverse_temperature * steep + self.posterior.localization)

    def exchange(self, one: np.ndarray, other: np.ndarray) -> None:
        """Swap the places of chains `one` and `other` (indices, disjoint)."""
        for array in (self.positions, self.losses, self.gradients):
            array[one], array[other] = array[other].copy(), array[one].copy()

