"""λ and its multiplicity m from how the volume of near-optimal parameters shrinks: V(ε) ≃ C·ε^λ·(log 1/ε)^(m−1).

V(ε) = P(L(w) − L(w*) ≤ ε) under w ~ N(w*, I/γ) (Watanabe 2009, Theorem 7.1; the localized prior of Lau et al. 2023), by
multilevel splitting over many decades of ε. No inverse temperature and no chain in w enters: an independent route to λ.

The fit, in L = log(ε₀/ε) with ε₀ where V is about ½:

    log V = const − λ L + (m − 1) log(L + c) + a e^(−κL) + b e^(−2κL)

c : the lower powers of log 1/ε, constant on [0, 6m]. a, b : the next poles of the zeta function and the curvature of the
prior, a, b ~ N(0, (2 max(1, λ))²), κ in {⅛, ¼, ½, 1}. The fit is made on the increments between levels, which are nearly
independent, with weights from the number of particles and a dispersion measured between replicates. Given (m, c, κ) it is
linear in (λ, a, b), so that the evidence is in closed form; λ and m are averaged over all (m, c, κ) (Bayesian model
averaging, P(m) ∝ 1/m² for m = 1 … d).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from slt_bias import streams
from slt_bias.errors import InputError
from slt_bias.estimate import Status
from slt_bias.splitting import Splitting, split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slt_bias.llc.landscapes.base import Landscape

DEPTH = 80.0  # ε goes down by 2^-80 from its scale, where rounding permits
LEAST_BITS = 200.0  # or until V = 2^-200
ROUNDING = 100.0  # ε stays this far above what rounding does to the loss
CORRECTION = 2.0  # prior standard deviation of a and b, times max(1, λ)
EXPONENTS = (0.125, 0.25, 0.5, 1.0)  # κ
START = 2.0  # nats of ε below ε₀ at which the fit may begin
SHORTEST = 8.0  # nats of ε below which a fit says little
LEAST_FIT = 0.02  # the window begins where the p-value of χ² is at least this


@dataclass(frozen=True, kw_only=True)
class VolumeScaling:
    """λ and m from V(ε), with intervals, and the curve.

    learning_coefficient, low, high, standard_error : λ (nats of V a nat of ε), NaN where status is "failed".
    multiplicity : the most probable m; multiplicity_low, multiplicity_high : central interval at `confidence`;
        multiplicity_probabilities : P(m) for m = 1, 2, …
    log_epsilon, log_volume, log_volume_low, log_volume_high : the curve in nats, ε falling, with its pointwise t-interval.
    window : the range (low, high) of log ε that was fitted. goodness : p-value of χ² of the best model in the window.
    status, reasons : as in `Estimate`. evaluations : parameter vectors at which the loss was computed.
    """

    learning_coefficient: float
    low: float
    high: float
    standard_error: float
    multiplicity: int
    multiplicity_low: int
    multiplicity_high: int
    multiplicity_probabilities: tuple[float, ...]
    log_epsilon: np.ndarray
    log_volume: np.ndarray
    log_volume_low: np.ndarray
    log_volume_high: np.ndarray
    window: tuple[float, float]
    goodness: float
    confidence: float
    status: Status
    reasons: tuple[str, ...]
    evaluations: int


def volume_scaling(
    model: Any,
    loss: Any,
    data: Any,
    seed: int = 0,
    localization: float = 1.0,
    parameters: Sequence[str] | None = None,
    **settings: Any,
) -> VolumeScaling:
    """λ and m of a torch module at its present parameters w*, from the volume of {L(w) − L(w*) ≤ ε}.

    model, loss, data, parameters : as in `slt_bias.llc.estimate`. localization : γ of w ~ N(w*, I/γ), a precision.
    settings : as in `volume_of`. Raises InputError for what does not fit.
    """
    from slt_bias.llc.reading import read

    reading = read(model, loss, data, parameters=parameters)
    return volume_of(reading.landscape, reading.centre, seed=seed, localization=localization, **settings)


def volume_of(
    landscape: Landscape,
    centre: np.ndarray,
    *,
    seed: int = 0,
    localization: float = 1.0,
    particles: int = 1000,
    replicates: int = 8,
    moves: int = 6,
    line_moves: int = 3,
    depth: float = DEPTH,
    confidence: float = 0.95,
    budget_evaluations: int | None = None,
    budget_seconds: float | None = None,
) -> VolumeScaling:
    """λ and m of a landscape at `centre`, shape (dimension,), float64.

    localization : γ, the precision of the Gaussian around w*. particles, replicates, moves, line_moves, budgets : as in
    `splitting.split`. depth : how many bits ε goes down from the median excess loss of that Gaussian; it ends earlier at
    V = 2⁻²⁰⁰ and at 100 times what rounding of w* does to the loss.
    Status "suspect" where parameters with a smaller loss than L(w*) were met, where the splitting is in doubt, where the
    range is short or no model fits; "failed" where no curve came about. Raises InputError for a centre that is not finite.
    """
    centre = np.ascontiguousarray(centre, np.float64)
    if centre.shape != (landscape.dimension,) or not np.all(np.isfinite(centre)):
        raise InputError(f"volume_scaling: the centre has shape {centre.shape}; give {landscape.dimension} finite parameters.")
    if not localization > 0 or not depth > 0:
        raise InputError(f"volume_scaling: localization = {localization}, depth = {depth}: give positive numbers.")
    excess = Excess(landscape, centre, localization)
    scale = excess.scale(seed)
    if not 0 < scale < math.inf:
        reason = f"the median excess loss near w* is {scale:.3g}: there is no scale to begin at; " + (
            "lower or raise the localization" if scale >= 0 else "w* is no minimum: train longer, or raise the localization"
        )
        return _failed(landscape.dimension, confidence, (reason,), excess.evaluations)
    run = split(
        excess,
        landscape.dimension,
        levels_until=max(excess.rounding(seed), scale * 2.0**-depth),
        particles=particles,
        moves=moves,
        line_moves=line_moves,
        replicates=replicates,
        seed=seed,
        purpose="volume",
        confidence=confidence,
        least_log_probability=-LEAST_BITS * math.log(2),
        budget_evaluations=budget_evaluations,
        budget_seconds=budget_seconds,
    )
    reasons = list(run.reasons)
    if excess.lowest < -excess.floor:
        reasons.insert(
            0,
            f"w* is no minimum: parameters were met whose loss is lower by {-excess.lowest:.3g}; train longer, or raise the "
            "localization",
        )
    zero = float(np.mean([np.mean(r.scores == 0) for r in run.replicates]))
    if zero > 0.5:
        reasons.append("the loss equals L(w*) exactly on a set of positive volume: λ is 0 there and no scaling is seen")
    return _fitted(run, landscape.dimension, confidence, reasons, excess.evaluations)


class Excess:
    """The score z ↦ L(w* + z/√γ) − L(w*), which remembers the lowest value met. NaN counts as +inf."""

    def __init__(self, landscape: Landscape, centre: np.ndarray, localization: float) -> None:
        self.landscape, self.centre, self.spread = landscape, centre, 1 / math.sqrt(localization)
        self.baseline = float(landscape.losses(centre[None])[0])
        if not math.isfinite(self.baseline):
            raise InputError(f"the loss at w* is {self.baseline}: give parameters with a finite loss.")
        self.lowest, self.floor, self.evaluations = 0.0, 0.0, 1

    def __call__(self, latents: np.ndarray) -> np.ndarray:
        """Excess losses (k,) of latents (k, dimension)."""
        with np.errstate(over="ignore", invalid="ignore"):
            losses = np.asarray(self.landscape.losses(self.centre + self.spread * latents), np.float64)
        excess = np.where(np.isnan(losses), np.inf, losses - self.baseline)
        self.evaluations += len(latents)
        self.lowest = min(self.lowest, float(excess.min()))
        return excess

    def scale(self, seed: int) -> float:
        """The median excess under the Gaussian around w*, from 256 draws; inf where most of them overflow."""
        return float(np.median(self(streams.normals(seed, "volume-scale", 0, (256, len(self.centre))).astype(np.float64))))

    def rounding(self, seed: int) -> float:
        """100 times the largest change of the loss when every parameter moves by up to two units in its last place."""
        units = streams.integers(seed, "volume-rounding", 0, (64, len(self.centre)), 5) - 2
        losses = np.asarray(self.landscape.losses(self.centre + units * np.spacing(np.abs(self.centre))), np.float64)
        change = float(np.nanmax(np.abs(losses - self.baseline)))
        self.evaluations += 64
        self.floor = ROUNDING * max(change, np.finfo(float).eps * abs(self.baseline))
        return max(self.floor, np.finfo(float).tiny)


@dataclass(frozen=True)
class Fit:
    """Posterior of λ over models: a mixture of normals; P(m); χ² of the best model."""

    means: np.ndarray
    deviations: np.ndarray
    weights: np.ndarray
    multiplicities: np.ndarray
    chi_square: float

    def quantile(self, share: float) -> float:
        """λ below which `share` of the mixture lies."""
        from scipy.optimize import brentq
        from scipy.special import ndtr

        low, high = (self.means - 10 * self.deviations).min(), (self.means + 10 * self.deviations).max()
        root = brentq(lambda x: float(self.weights @ ndtr((x - self.means) / self.deviations)) - share, low, high)
        return float(root)


def fit(depths: np.ndarray, increments: np.ndarray, variances: np.ndarray, dimension: int) -> Fit:
    """The posterior over (m, c, κ) and λ from increments of −log V.

    depths : L at the grid's points, (J+1,), rising. increments : −Δ log V, (J,), and their variances, (J,).
    """
    steps, weights = np.diff(depths), 1 / variances
    # the prior's curvature enters with the dimension that counts, which is about twice the mean slope
    deviation = CORRECTION * max(1.0, float(increments.sum() / steps.sum()))
    rows = []
    for m in range(1, dimension + 1):
        for c in np.linspace(0.0, 6.0 * m, 19) if m > 1 else [0.0]:
            rest = increments + (m - 1) * np.diff(np.log(depths + c)) if m > 1 else increments
            for kappa in EXPONENTS:
                design = np.stack([steps, -np.diff(np.exp(-kappa * depths)), -np.diff(np.exp(-2 * kappa * depths))])
                precision = (design * weights) @ design.T + np.diag([0.0, deviation**-2, deviation**-2])
                covariance = np.linalg.inv(precision)
                coefficients = covariance @ ((design * weights) @ rest)
                residual = rest - coefficients @ design
                chi_square = float(weights @ residual**2)
                penalty = chi_square + float(coefficients[1:] @ coefficients[1:]) / deviation**2
                penalty -= float(np.linalg.slogdet(covariance)[1])
                # the prior 1/m², spread over the values of c
                log_weight = -0.5 * penalty - 2 * math.log(m) - (math.log(19) if m > 1 else 0.0)
                rows.append((m, coefficients[0], math.sqrt(covariance[0, 0]), log_weight, chi_square))
    table = np.array(rows)
    mass = np.exp(table[:, 3] - table[:, 3].max())
    return Fit(table[:, 1], table[:, 2], mass / mass.sum(), table[:, 0].astype(int), float(table[:, 4].min()))


def _fitted(run: Splitting, dimension: int, confidence: float, reasons: list[str], evaluations: int) -> VolumeScaling:
    from scipy.special import chdtrc, stdtrit

    replicates = run.replicates
    usable = [r.levels[r.levels > 0] for r in replicates]
    if min(len(levels) for levels in usable) < 8:
        return _failed(dimension, confidence, (*reasons, "fewer than 8 levels of ε were reached: no curve to fit"), evaluations)
    first = min(math.log(levels[0]) for levels in usable)
    last = max(math.log(levels[-1]) for levels in usable)
    points = int(np.median([np.sum((np.log(x) <= first) & (np.log(x) >= last)) for x in usable]))
    if last >= first or points < 8:
        reason = "the replicates have no common range of ε: take more particles"
        return _failed(dimension, confidence, (*reasons, reason), evaluations)
    grid = np.linspace(first, last, points)
    curves = run.curves(np.exp(np.clip(grid, last + 1e-12, first - 1e-12)))
    mean = np.logaddexp.reduce(curves, 0) - math.log(len(curves))
    spread = np.exp(curves - mean).std(0, ddof=1) / math.sqrt(len(curves))
    half = float(stdtrit(len(curves) - 1, (1 + confidence) / 2)) * spread

    increments = -np.diff(curves, axis=1)
    ideal = np.expm1(increments.mean(0).clip(1e-3)) / len(replicates[0].scores)
    variances = ideal * _dispersion(increments, ideal) / len(curves)
    depths, begin = first - grid, int(np.searchsorted(first - grid, START))
    while True:
        result = fit(depths[begin:], increments[:, begin:].mean(0), variances[begin:], dimension)
        goodness = float(chdtrc(max(1, len(depths) - begin - 3), result.chi_square))
        following = begin + max(1, (len(depths) - begin) // 10)
        if goodness >= LEAST_FIT or depths[-1] - depths[following] < max(SHORTEST, 0.4 * depths[-1]):
            break
        begin = following
    if goodness < LEAST_FIT:
        reasons.append(f"no model fits the curve (p = {goodness:.2g} of χ²): the interval is too narrow; go to smaller ε")
    if depths[-1] - depths[begin] < SHORTEST:
        reasons.append(f"only {depths[-1] - depths[begin]:.2g} nats of ε could be fitted: λ and m may still drift")

    probabilities = np.bincount(result.multiplicities, result.weights, dimension + 1)[1:]
    below, tail = np.cumsum(probabilities), (1 - confidence) / 2
    if probabilities.max() < 0.5:
        reasons.append("no multiplicity has half of the probability: more particles or smaller ε would decide")
    value = float(result.weights @ result.means)
    square = float(result.weights @ (result.deviations**2 + (result.means - value) ** 2))
    return VolumeScaling(
        learning_coefficient=value,
        low=result.quantile(tail),
        high=result.quantile(1 - tail),
        standard_error=math.sqrt(square),
        multiplicity=int(probabilities.argmax()) + 1,
        multiplicity_low=int(np.searchsorted(below, tail)) + 1,
        multiplicity_high=min(dimension, int(np.searchsorted(below, 1 - tail)) + 1),
        multiplicity_probabilities=tuple(float(p) for p in probabilities),
        log_epsilon=grid,
        log_volume=mean,
        log_volume_low=mean - half,
        log_volume_high=np.minimum(mean + half, 0.0),
        window=(float(grid[-1]), float(grid[begin])),
        goodness=goodness,
        confidence=confidence,
        status="suspect" if reasons else "ok",
        reasons=tuple(reasons),
        evaluations=evaluations,
    )


def _dispersion(increments: np.ndarray, ideal: np.ndarray) -> float:
    """Variance of sums of 1, 4 and 16 neighbouring increments between replicates over that of independent particles.

    The largest of the three, at least 1: particles that have not moved apart carry their luck on to the next levels.
    """
    largest = 1.0
    for width in (1, 4, 16):
        blocks = increments.shape[1] // width
        if blocks >= 2:
            sums = increments[:, : blocks * width].reshape(len(increments), blocks, width).sum(2)
            expected = ideal[: blocks * width].reshape(blocks, width).sum(1)
            largest = max(largest, float(np.mean(sums.var(0, ddof=1) / expected)))
    return largest


def _failed(dimension: int, confidence: float, reasons: tuple[str, ...], evaluations: int) -> VolumeScaling:
    nan, empty = math.nan, np.empty(0)
    return VolumeScaling(
        learning_coefficient=nan,
        low=nan,
        high=nan,
        standard_error=nan,
        multiplicity=1,
        multiplicity_low=1,
        multiplicity_high=dimension,
        multiplicity_probabilities=(nan,) * dimension,
        log_epsilon=empty,
        log_volume=empty,
        log_volume_low=empty,
        log_volume_high=empty,
        window=(nan, nan),
        goodness=nan,
        confidence=confidence,
        status="failed",
        reasons=reasons,
        evaluations=evaluations,
    )
