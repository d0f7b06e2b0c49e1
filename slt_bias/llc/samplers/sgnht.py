"""The stochastic-gradient Nosé–Hoover thermostat (Ding et al. 2014), split as BADODAB (Leimkuhler & Shang 2016).

    dw = p dt,   dp = −∇U_B(w) dt − ξp dt + √(2A) dW,   dξ = (‖p‖²/d − 1)/μ dt,   ∇U_B = nβ ∇L_B + γ(w − w*)

The thermostat ξ takes up the heat that minibatches bring in: the law of w stays exp(−U) up to O(h²), with gradient noise of any
constant size. One step h, with R ~ N(0, 1):
    B  p ← p − h ∇U_B(w)        the half-kicks that end one step and begin the next, as one; h/2 at the very first
    A  w ← w + (h/2) p          D  ξ ← ξ + (h/2)(‖p‖²/d − 1)/μ
    O  p ← e^{−ξh} p + √(A(1 − e^{−2ξh})/ξ) R
    D, A as before.
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
class SGNHT:
    """The thermostat on minibatches.

    step_size : h, a step of time, a number or one for each chain; h²/2 compares with ε/2 of SGLD.
    batch_size : examples of a minibatch; None: all, every step.
    steps_per_draw : steps from one recorded draw to the next.
    friction : A, the noise that is put in beside the gradient's own; ξ starts there. In units of 1/time.
    thermostat_mass : μ, how slowly ξ follows the temperature (μ·d in the notation of Leimkuhler & Shang).
    Raises InputError for settings out of range.
    """

    step_size: StepSize
    batch_size: int | None = None
    steps_per_draw: int = 1
    friction: float = 1.0
    thermostat_mass: float = 1.0
    name: ClassVar[str] = "sgnht"

    def __post_init__(self) -> None:
        check(self)
        for name in ("friction", "thermostat_mass"):
            if not 0 < getattr(self, name) < np.inf:
                raise InputError(f"SGNHT: {name} = {getattr(self, name)}: give a number above 0, such as 1.")

    @property
    def compiled_kind(self) -> tuple[int, tuple[float, float]]:
        """What the fused kernel calls the sampler, and its two numbers."""
        return kernel.SGNHT, (float(self.friction), float(self.thermostat_mass))

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
        """See `Sampler`. The momenta are a chain's first normals; losses and positions are those before a draw's moves."""
        return run(self, posterior, start, draws=draws, burn_in=burn_in, seed=seed, purposes=purposes, keep=keep, momenta=True,
                   thermostat=self.friction)  # fmt: skip

    def move(
        self, state: State, posterior: Posterior, gradients: np.ndarray, noise: np.ndarray, step: np.ndarray, beginning: bool,
        adapting: bool,
    ) -> None:  # fmt: skip
        """One step of all chains."""
        momenta, thermostats, half = state.seconds, state.thermostats, 0.5 * step
        momenta -= (half if beginning else step) * posterior.slope(gradients, state.positions)
        state.positions += half * momenta
        thermostats += half[:, 0] * ((momenta**2).mean(1) - 1.0) / self.thermostat_mass
        turn = thermostats * step[:, 0]
        still = turn == 0.0
        heat = np.where(still, 2.0 * step[:, 0], -np.expm1(-2.0 * turn) / np.where(still, 1.0, thermostats))
        momenta[:] = np.exp(-turn)[:, None] * momenta + np.sqrt(self.friction * heat)[:, None] * noise
        state.positions += half * momenta
        thermostats += half[:, 0] * ((momenta**2).mean(1) - 1.0) / self.thermostat_mass
