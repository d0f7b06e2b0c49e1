"""SGLD with a diagonal preconditioner from the size of the gradients (Li, Chen, Carlson & Carin 2016, arXiv 1512.07666).

    V ← αV + (1 − α)(∇L_B)²,   G = 1/(λ + √V)
    Δw = −(ε/2) G (nβ ∇L_B(w) + γ(w − w*)) + N(0, εG)

V starts as the first squared gradient, follows α during burn-in and is held fixed afterwards: with a fixed G the drift Γ that a
moving one needs vanishes, and the stationary law is that of SGLD. So give it a burn-in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from slt_bias import streams
from slt_bias.errors import InputError
from slt_bias.llc.posterior import Chains, Posterior
from slt_bias.llc.samplers import _gradient_descent_kernel as kernel
from slt_bias.llc.samplers.gradient_descent import State, StepSize, check, run


@dataclass(frozen=True)
class RMSpropSGLD:
    """Preconditioned Langevin dynamics on minibatches.

    step_size : ε, a number or one for each chain; a direction's own step is εG.
    batch_size : examples of a minibatch; None: all, every step.
    steps_per_draw : steps from one recorded draw to the next.
    averaging : α, the memory of V.
    damping : λ, in units of the gradient of L_n; the largest G is 1/λ.
    Raises InputError for settings out of range.
    """

    step_size: StepSize
    batch_size: int | None = None
    steps_per_draw: int = 1
    averaging: float = 0.99
    damping: float = 0.1
    name: ClassVar[str] = "rmsprop-sgld"

    def __post_init__(self) -> None:
        check(self)
        if not 0 <= self.averaging < 1:
            raise InputError(f"RMSpropSGLD: averaging = {self.averaging}: give a number from 0 to below 1, such as 0.99.")
        if not 0 < self.damping < np.inf:
            raise InputError(f"RMSpropSGLD: damping = {self.damping}: give a number above 0, such as 0.1.")

    @property
    def compiled_kind(self) -> tuple[int, tuple[float, float]]:
        """What the fused kernel calls the sampler, and its two numbers."""
        return kernel.RMSPROP_SGLD, (float(self.averaging), float(self.damping))

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
        """See `Sampler`. Losses and positions are those before a draw's moves (before its last one, for positions)."""
        return run(self, posterior, start, draws=draws, burn_in=burn_in, seed=seed, purposes=purposes, keep=keep)

    def move(
        self, state: State, posterior: Posterior, gradients: np.ndarray, noise: np.ndarray, step: np.ndarray, beginning: bool,
        adapting: bool,
    ) -> None:  # fmt: skip
        """One step of all chains."""
        memory = 0.0 if beginning else (self.averaging if adapting else 1.0)
        state.seconds[:] = memory * state.seconds + (1.0 - memory) * gradients**2
        scale = 1.0 / (self.damping + np.sqrt(state.seconds))
        drift = 0.5 * step * scale * posterior.slope(gradients, state.positions)
        state.positions += np.sqrt(step * scale) * noise - drift
