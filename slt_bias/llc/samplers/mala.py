"""The Metropolis-adjusted Langevin algorithm (Besag 1994; Roberts & Tweedie 1996).

    w' = w − (ε/2)∇U(w) + √ε ξ,   ξ ~ N(0, 1),   U = nβ L_n + (γ/2)‖w − w*‖²
    accept with probability min(1, p(w') q(w | w') / (p(w) q(w' | w)))

The proposal is one step of full-batch SGLD, in its convention of ε; so its acceptance says how good an SGLD step is. It is also
one leapfrog step of length √ε from p = ξ, and the ratio above is exp(H − H'), H = U + ½‖p‖²: computed that way, it loses no
digits where ε is small. Exact in the limit of many draws for any ε.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from slt_bias import streams
from slt_bias.errors import InputError
from slt_bias.llc.posterior import Chains, Posterior
from slt_bias.llc.samplers.gradient_descent import StepSize
from slt_bias.llc.samplers.hmc import Walk
from slt_bias.llc.samplers.step_adaptation import DualAveraging

BEST_ACCEPTANCE = 0.574  # Roberts & Rosenthal 1998: in many dimensions the fastest


@dataclass(frozen=True)
class MALA:
    """Langevin steps on all examples, accepted or rejected.

    step_size : ε, a number or one for each chain: that of SGLD. None: 1/nβ of each chain, to begin with.
    steps_per_draw : steps from one recorded draw to the next.
    adapt : burn-in adapts ε to an acceptance of 0.574 (dual averaging); False: `step_size` as it is, in order to judge it.
    Raises InputError for settings out of range, and for adapt=False without a step size.
    """

    step_size: StepSize | None = None
    steps_per_draw: int = 1
    adapt: bool = True
    name: ClassVar[str] = "mala"

    def __post_init__(self) -> None:
        if self.step_size is None and not self.adapt:
            raise InputError("MALA: adapt=False needs a step_size, such as the one of the SGLD that is to be judged.")
        if self.step_size is not None:
            steps = np.asarray(self.step_size, float)
            if steps.ndim > 1 or not steps.size or not np.all((steps > 0) & np.isfinite(steps)):
                raise InputError(f"MALA: step_size = {self.step_size}: give a number above 0, or one for each chain.")
        if self.steps_per_draw != int(self.steps_per_draw) or self.steps_per_draw < 1:
            raise InputError(f"MALA: steps_per_draw = {self.steps_per_draw}: give a whole number, 1 or larger.")

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
        """See `Sampler`. Losses and positions are those after a draw's last step; a proposal that overflows is refused."""
        chains = posterior.chains
        first = self._first(posterior)
        walk = Walk.begin(posterior, start, seed, purposes)
        step = first
        if self.adapt and burn_in:
            adaptation = DualAveraging(first, BEST_ACCEPTANCE)
            for _ in range(burn_in * self.steps_per_draw):
                adaptation.update(walk.advance(np.sqrt(adaptation.step_size), 1, jitter=False))
            step = adaptation.averaged
        else:
            for _ in range(burn_in * self.steps_per_draw):
                walk.advance(np.sqrt(step), 1, jitter=False)
        losses = np.empty((chains, draws))
        positions = np.empty((chains, draws, start.shape[1])) if keep else None
        accepted = np.zeros(chains)
        for draw in range(draws):
            for _ in range(self.steps_per_draw):
                accepted += walk.advance(np.sqrt(step), 1, jitter=False)
            losses[:, draw] = walk.losses
            if positions is not None:
                positions[:, draw] = walk.positions
        finite = np.isfinite(walk.losses)  # a start outside the finite numbers never moves; from a finite one no chain leaves
        losses[~finite] = np.nan
        accepted /= max(draws * self.steps_per_draw, 1)
        return Chains(losses, walk.positions, accepted, step, np.where(finite, -1, 0), positions)

    def _first(self, posterior: Posterior) -> np.ndarray:
        """ε to begin with, (k,)."""
        if self.step_size is None:
            return 1 / posterior.inverse_temperature
        steps = np.asarray(self.step_size, float)
        if steps.ndim and len(steps) != posterior.chains:
            raise InputError(f"MALA: {len(steps)} step sizes for {posterior.chains} chains: give one each, or one number.")
        return np.array(np.broadcast_to(steps, posterior.chains))
