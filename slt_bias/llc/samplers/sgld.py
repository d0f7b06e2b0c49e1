"""Stochastic-gradient Langevin dynamics (Welling & Teh 2011), localised (Lau et al. 2023, arXiv 2308.12108).

    Δw = −(ε/2)(nβ ∇L_B(w) + γ(w − w*)) + N(0, ε)

On a Gaussian whose log-density has curvature H the stationary variance is 1/(H(1 − εH/4)): the bias of a finite step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from slt_bias import streams
from slt_bias.llc.posterior import Chains, Posterior
from slt_bias.llc.samplers import _gradient_descent_kernel as kernel
from slt_bias.llc.samplers.gradient_descent import State, StepSize, check, run


@dataclass(frozen=True)
class SGLD:
    """Langevin dynamics on minibatches.

    step_size : ε, a number or one for each chain.
    batch_size : examples of a minibatch; None: all, every step.
    steps_per_draw : steps from one recorded draw to the next.
    Raises InputError for a step size or a count that is not above 0.
    """

    step_size: StepSize
    batch_size: int | None = None
    steps_per_draw: int = 1
    name: ClassVar[str] = "sgld"

    def __post_init__(self) -> None:
        check(self)

    @property
    def compiled_kind(self) -> tuple[int, tuple[float, float]]:
        """What the fused kernel calls the sampler, and its two numbers."""
        return kernel.SGLD, (0.0, 0.0)

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
        state.positions += np.sqrt(step) * noise - 0.5 * step * posterior.slope(gradients, state.positions)
