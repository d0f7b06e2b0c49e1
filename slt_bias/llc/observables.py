"""What one run of kept draws says beside λ: WBIC, WAIC and the singular fluctuation.

The draws are of p(w) ∝ exp(−nβ L_n(w) − (γ/2)‖w − w*‖²) with the loss of every example at every draw, so that every posterior
mean and covariance of example losses can be taken afterwards. The prior of all of them is the localising Gaussian N(w*, 1/γ).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from slt_bias.errors import InputError, ResultError
from slt_bias.estimate import Estimate, Status
from slt_bias.llc import diagnostics
from slt_bias.llc.calibration import calibrate_at
from slt_bias.llc.fast import key_of
from slt_bias.llc.posterior import Posterior
from slt_bias.llc.reading import read
from slt_bias.llc.samplers.base import Sampler
from slt_bias.llc.samplers.hmc import HMC
from slt_bias.llc.temperature import check_size, inverse_temperature_of, localization_of

if TYPE_CHECKING:
    from torch import Tensor, nn

MOST_BYTES = 2e9  # of example losses and positions
LARGEST_CORRECTED = 2000  # parameters up to which HMC samples, on all examples; above: the calibrated thermostat
BLOCK = 256  # positions whose example losses are computed at once
HIGHEST_RHAT = 1.05
FEWEST_CHAINS = 4


@dataclass(frozen=True)
class Draws:
    """Kept draws of independent chains.

    losses : L_n, (chains, draws), nats an example.
    example_losses : ℓᵢ, (chains, draws, examples), nats.
    positions : w, (chains, draws, dimension).
    centre_losses : ℓᵢ(w*), (examples,).
    inverse_temperature, localization : nβ and γ. confidence : of the intervals that are made from the draws.
    rhat, effective_sample_size : of L_n. status, reasons : the verdict on the draws, which every number from them inherits.
    """

    losses: np.ndarray
    example_losses: np.ndarray
    positions: np.ndarray
    centre_losses: np.ndarray
    inverse_temperature: float
    localization: float
    confidence: float
    sampler: str
    rhat: float
    effective_sample_size: float
    status: Status = "ok"
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def examples(self) -> int:
        """n."""
        return len(self.centre_losses)

    @property
    def beta(self) -> float:
        """β, the inverse temperature of one example: nβ/n."""
        return self.inverse_temperature / self.examples


def observe(
    model: nn.Module,
    loss: Any,
    data: tuple[Tensor, ...],
    *,
    inverse_temperature: float | None = None,
    localization: float | None = None,
    chains: int = 8,
    draws: int = 500,
    burn_in: int | None = None,
    parameters: Sequence[str] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Draws:
    """Sample the localised posterior at the model's weights w* and keep the loss of every example at every draw.

    inverse_temperature : nβ; None: n/ln n, the one of WBIC; WAIC and the usual ν need nβ = n. localization : γ; None: 1.
    burn_in : draws thrown away; None: half as many as are kept. parameters : names of those that are sampled; None: all.
    Up to 2,000 parameters by HMC, above by the thermostat that `calibrate` chooses.
    Raises InputError as `estimate` does; for a population loss, which has no examples; for fewer than 4 chains; and where what
    is kept would take more than 2 GB. Raises ResultError where fewer than 4 chains stayed finite.
    """
    problem = read(model, loss, data, parameters)
    landscape, count = problem.landscape, problem.landscape.examples
    if count is None:
        raise InputError("observe: a population loss (data=None) has no losses of single examples: give data.")
    burn_in = draws // 2 if burn_in is None else burn_in
    check_size(chains, draws, burn_in, confidence)
    if chains < FEWEST_CHAINS:
        raise InputError(f"observe: chains = {chains}: intervals come from independent chains, give at least {FEWEST_CHAINS}.")
    needed = 8.0 * chains * draws * (count + landscape.dimension)
    if needed > MOST_BYTES:
        raise InputError(
            f"observe: {chains} chains × {draws} draws × ({count} example losses + {landscape.dimension} parameters) take "
            f"{needed:.2g} bytes, more than {MOST_BYTES:.2g}: give at most draws={int(draws * MOST_BYTES / needed)}."
        )
    temperature, gamma = inverse_temperature_of(inverse_temperature, count), localization_of(localization)
    key, centres = key_of(problem.centre), np.tile(problem.centre, (chains, 1))
    sampler: Sampler = HMC()
    if landscape.dimension > LARGEST_CORRECTED:
        sampler = calibrate_at(landscape, centres[:1], temperature, gamma, seed=seed, keys=[key]).sampler
    posterior = Posterior(landscape, centres, np.full(chains, temperature), np.full(chains, gamma))
    purposes: list[Any] = [["observe", key, chain] for chain in range(chains)]
    run = sampler.sample(posterior, centres, draws=draws, burn_in=burn_in, seed=seed, purposes=purposes, keep=True)
    good = run.diverged < 0
    if good.sum() < FEWEST_CHAINS:
        raise ResultError(
            f"observe: {int((~good).sum())} of {chains} chains left the finite numbers: give a larger localization, a smaller nβ."
        )
    assert run.positions is not None
    positions = run.positions[good]
    flat = positions.reshape(-1, landscape.dimension)
    each = np.empty((len(flat), count))
    for first in range(0, len(flat), BLOCK):
        each[first : first + BLOCK] = landscape.example_losses(flat[first : first + BLOCK])
    each = each.reshape(*positions.shape[:2], count)
    losses = each.mean(2)
    rhat = diagnostics.rhat(losses)
    reasons = []
    if not good.all():
        reasons.append(f"{int((~good).sum())} of {chains} chains left the finite numbers and are left out.")
    if not rhat < HIGHEST_RHAT:
        reasons.append(f"R-hat of the loss is {rhat:.3g}, above {HIGHEST_RHAT}: the chains disagree; more draws, more burn_in.")
    return Draws(
        losses, each, positions, landscape.example_losses(problem.centre[None])[0], temperature, gamma, confidence,
        repr(sampler), rhat, diagnostics.effective_sample_size(losses), "suspect" if reasons else "ok", tuple(reasons),
        problem.notes,
    )  # fmt: skip


def wbic(draws: Draws) -> Estimate:
    """The widely applicable Bayesian information criterion, n·E_β[L_n] at β = 1/ln n (Watanabe 2013, eq. 19), in nats.

    It is −ln of the marginal likelihood up to O(√ln n), with the prior N(w*, 1/γ).
    Raises InputError for draws at another temperature than nβ = n/ln n.
    """
    count = draws.examples
    _need(draws, count / math.log(count) if count > 1 else math.nan, "wbic", "n/ln n")
    value, _, low, high = diagnostics.mean_interval(count * draws.losses, draws.confidence)
    return Estimate(
        value=value, low=low, high=high, confidence=draws.confidence, unit="nats", status=draws.status, reasons=draws.reasons
    )


def waic(draws: Draws) -> Estimate:
    """The widely applicable information criterion (Watanabe 2010, eqs. 14–17), in nats an example.

        W = T + V/n,   T = −(1/n) Σᵢ ln E_w[exp(−ℓᵢ)],   V = Σᵢ Var_w(ℓᵢ)

    the training loss of the Bayesian prediction and the functional variance, at β = 1. Losses must be negative log-likelihoods
    with their constant left out alike in what is compared. Raises InputError for draws at another temperature than nβ = n.
    """
    _need(draws, float(draws.examples), "waic", "n")
    each = draws.example_losses
    lowest = each.min((0, 1))
    likelihoods = np.exp(lowest - each).mean(1)  # (chains, n)
    first, second = _moments(draws)

    def criterion(chosen: np.ndarray) -> float:
        training = (lowest - np.log(likelihoods[chosen].mean(0))).mean()
        return float(training + (second[chosen].mean(0) - first[chosen].mean(0) ** 2).mean())

    return _jackknife(draws, criterion)


def singular_fluctuation(draws: Draws) -> Estimate:
    """ν = (β/2) Σᵢ Var_w(ℓᵢ), of these data (Watanabe 2009, def. 6.3; its mean over data sets is the ν of the theory), in nats.

    β = nβ/n. At a regular minimum of a true model, ν tends to d/2 as n grows.
    """
    first, second = _moments(draws)

    def fluctuation(chosen: np.ndarray) -> float:
        return float(0.5 * draws.beta * (second[chosen].mean(0) - first[chosen].mean(0) ** 2).sum())

    return _jackknife(draws, fluctuation)


def _need(draws: Draws, wanted: float, name: str, text: str) -> None:
    if not math.isclose(draws.inverse_temperature, wanted, rel_tol=1e-6):
        raise InputError(
            f"{name}: the draws are at nβ = {draws.inverse_temperature:.6g}; it is defined at nβ = {text}: "
            f"observe(…, inverse_temperature={wanted:.8g})."
        )


def _moments(draws: Draws) -> tuple[np.ndarray, np.ndarray]:
    """Means of ℓᵢ − c and (ℓᵢ − c)² in each chain, (chains, n); c: the mean of all draws, for the digits' sake."""
    away = draws.example_losses - draws.example_losses.mean((0, 1))
    return away.mean(1), (away**2).mean(1)


def _jackknife(draws: Draws, statistic: Any) -> Estimate:
    """A function of posterior means, from independent chains: delete one chain at a time (Quenouille 1956; Tukey 1958).

    The mean of the pseudo-values C·θ − (C − 1)·θ₋c is free of the bias of order 1/C that a function of means has; their spread
    gives the interval, Student's t with C − 1 degrees of freedom.
    """
    from scipy.stats import t as student

    chains = len(draws.losses)
    everyone = np.arange(chains)
    whole = statistic(everyone)
    pseudo = np.array([chains * whole - (chains - 1) * statistic(np.delete(everyone, chain)) for chain in everyone])
    value = float(pseudo.mean())
    half = float(student.ppf((1 + draws.confidence) / 2, chains - 1) * pseudo.std(ddof=1) / math.sqrt(chains))
    return Estimate(
        value=value, low=value - half, high=value + half, confidence=draws.confidence, unit="nats", status=draws.status,
        reasons=draws.reasons,
    )  # fmt: skip
