"""What an estimate of a learning coefficient holds."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from slt_bias.estimate import Estimate


@dataclass(frozen=True, kw_only=True)
class LearningCoefficient(Estimate):
    """λ̂(w*) = nβ·(E[L_n(w)] − L_n(w*)) with its interval, what it was made with, and the verdict.

    value, low, high : λ̂ and the interval of the chains, which is conditional on the data.
    standard_error : of the chains' mean.
    data_spread : √(λ̂/(2 ln n)), about how much λ̂ varies from data set to data set; no chain removes it. NaN without data.
    multiplicity : m, or None where it was not asked for or is not resolved.
    multiplicities : posterior share of m = 1, 2, …; empty where m was not asked for.
    inverse_temperature : nβ (for `reference` over a ladder, the highest).
    localization : γ.
    baseline : L_n(w*) on the whole data, nats an example.
    loss_convention : what L_n is.
    rhat, effective_sample_size : of nβ·L_n over the chains; NaN where not available.
    acceptance : mean over chains; NaN for samplers that do not reject.
    diverged_chains : how many left the finite numbers; the estimate comes from the others.
    trace : nβ·(L_n − L_n(w*)) at each draw, (chains, draws).
    checks : a row a check: check, value, standard_error, passed; what the verdict stands on.
    temperatures : inverse_temperature, value, standard_error, rhat, effective_sample_size of each rung (`reference` only).
    step_size : the sampler's, after burn-in, mean over chains.
    sampler, method, backend : how it was made.
    examples : n; None for a population loss.
    seconds : of wall time.
    notes : what was done to the model before (frozen batch statistics, …).
    """

    standard_error: float
    data_spread: float
    multiplicity: int | None
    inverse_temperature: float
    localization: float
    baseline: float
    rhat: float
    effective_sample_size: float
    acceptance: float
    diverged_chains: int
    step_size: float
    sampler: str
    method: str
    backend: str
    examples: int | None
    seconds: float
    trace: np.ndarray = field(repr=False)
    checks: pd.DataFrame = field(repr=False)
    temperatures: pd.DataFrame | None = field(default=None, repr=False)
    multiplicities: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()
    loss_convention: str = "mean negative log-likelihood, nats an example"

    @property
    def learning_coefficient(self) -> float:
        """λ̂; NaN where the status is failed."""
        return self.value
