"""Dual averaging of step sizes in burn-in, for many chains at once."""

from __future__ import annotations

import numpy as np


class DualAveraging:
    """Nesterov's dual averaging of log ε towards a wanted acceptance (Hoffman & Gelman 2014, eqs. 6 and 7).

    log ε ← μ − (√t/γ)·1/(t + t₀)·Σ (wanted − acceptance), averaged with weights t^−κ; γ = 0.05, t₀ = 10, κ = 0.75, μ = log 10ε₀.
    The averaged step is what the chains use after burn-in.
    """

    def __init__(self, step_size: np.ndarray, wanted: float) -> None:
        self._shrink_towards = np.log(10 * step_size)
        self._log_step = np.log(step_size)
        self._averaged = np.log(step_size)
        self._shortfall = np.zeros_like(step_size)
        self._wanted = wanted
        self._time = 0

    @property
    def step_size(self) -> np.ndarray:
        """ε to try next, (k,)."""
        return np.exp(self._log_step)

    @property
    def averaged(self) -> np.ndarray:
        """ε to keep, (k,)."""
        return np.exp(self._averaged)

    def update(self, acceptance: np.ndarray) -> None:
        """Take in the acceptance probabilities (k,) of the last proposal."""
        self._time += 1
        weight = 1 / (self._time + 10)
        self._shortfall = (1 - weight) * self._shortfall + weight * (self._wanted - acceptance)
        self._log_step = self._shrink_towards - np.sqrt(self._time) / 0.05 * self._shortfall
        fresh = self._time**-0.75
        self._averaged = fresh * self._log_step + (1 - fresh) * self._averaged
