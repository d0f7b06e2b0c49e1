"""Gaussian orthants: log P(sᵢxᵢ > 0 for all i) of x ~ N(0, Σ), far below what draws can show.

Up to three dimensions in closed form: 1/2; angle/2π; solid angle/4π. Above by separation of variables (Genz 1992) with
minimax tilting (Botev 2017, J. R. Stat. Soc. B 79, 125): see `slt_bias.prior.separation`.
"""

from __future__ import annotations

import math

import numpy as np

from slt_bias import streams
from slt_bias.errors import InputError
from slt_bias.estimate import Estimate, Status

CLOSED_FORM = 3  # dimensions
SHIFTS = 16  # independent replicates of the quasi-random points: 15 degrees of freedom
LEAST_EIGENVALUE = 1e-10  # of the correlation matrix; below it rounding of Σ itself shows in the answer
MOST_DRAWS = 2**20
MOST_DIMENSIONS = 1024


def log_orthants(
    covariances: np.ndarray, signs: np.ndarray, *, draws: int = 4096, seed: int = 0, purpose: streams.Purpose = "orthants"
) -> tuple[np.ndarray, np.ndarray]:
    """log P(sᵢxᵢ > 0 for all i) of x ~ N(0, Σ) for a batch of covariances, in nats, and its standard error.

    covariances : (batch, d, d) or (d, d). signs : ±1, (d,) or (batch, d). draws : quasi-random points for each, rounded up to
    16 shifts of a power of two. Returns two float64 arrays (batch,): the logarithm of the mean of P over the shifts, and the
    standard error of that mean over the mean (the relative error of P); 0 in up to three dimensions, which are exact but for
    rounding. Raises InputError for what is no covariance, and for a singular one: where the smallest eigenvalue of the
    correlation matrix is below 10⁻¹⁰ the orthant is a cone of fewer dimensions, which belongs to splitting.
    """
    scaled = _correlations(covariances)
    pattern = _signs(signs, scaled.shape[:2])
    _refuse_singular(scaled)
    scaled = scaled * pattern[:, :, None] * pattern[:, None, :]
    if scaled.shape[1] <= CLOSED_FORM:
        return _closed_form(scaled), np.zeros(len(scaled))
    return _means(_replicates(scaled, draws, seed, purpose))


def orthant(
    covariance: np.ndarray,
    signs: np.ndarray,
    *,
    relative_error: float = 0.01,
    seed: int = 0,
    confidence: float = 0.95,
    purpose: streams.Purpose = "orthant",
) -> Estimate:
    """log P(sᵢxᵢ > 0 for all i) of x ~ N(0, Σ) in nats, with a t-interval over 16 independent shifts.

    covariance : (d, d). signs : ±1, (d,). relative_error : the standard error of P over P that is aimed at; where 2²⁰ points do
    not reach it the status is "suspect". The interval is widened by what rounding of Σ can do, 4·d·2⁻⁵²/least eigenvalue.
    Raises InputError as `log_orthants`, and for a relative_error or confidence outside of (0, 1).
    """
    for name, number in (("relative_error", relative_error), ("confidence", confidence)):
        if not 0 < number < 1:
            raise InputError(f"{name} = {number}: give a number between 0 and 1.")
    scaled = _correlations(covariance)
    if len(scaled) != 1:
        raise InputError(f"{len(scaled)} covariances: orthant takes one, log_orthants a batch.")
    pattern = _signs(signs, scaled.shape[:2])
    least = _refuse_singular(scaled)
    scaled = scaled * pattern[:, :, None] * pattern[:, None, :]
    size = scaled.shape[1]
    rounding = 4 * size * np.finfo(float).eps / least
    exact = size <= CLOSED_FORM
    value, error = (float(_closed_form(scaled)[0]), 0.0) if exact else _within(scaled, relative_error, seed, purpose)
    if value == -math.inf:
        doubts: tuple[str, ...] = ("not one quasi-random point fell into the orthant",)
        low, high = -math.inf, 0.0
    else:
        from scipy.stats import t

        half = rounding + float(t.ppf((1 + confidence) / 2, SHIFTS - 1)) * error
        low, high = value - half, min(value + half, 0.0)
        reached = error <= relative_error
        doubts = () if reached else (f"relative error {error:.2g} after {MOST_DRAWS} points, {relative_error:g} was aimed at",)
    status: Status = "suspect" if doubts else "ok"
    return Estimate(value=value, low=low, high=high, confidence=confidence, unit="nats", status=status, reasons=doubts)


def _within(scaled: np.ndarray, relative_error: float, seed: int, purpose: streams.Purpose) -> tuple[float, float]:
    """(log P, relative standard error), with four times the points, and fresh shifts, until the error is small enough."""
    draws = 4096
    while True:
        log_p, error = _means(_replicates(scaled, draws, seed, [purpose, draws]))
        if error[0] <= relative_error or draws >= MOST_DRAWS:
            return float(log_p[0]), float(error[0])
        draws *= 4


def _replicates(scaled: np.ndarray, draws: int, seed: int, purpose: streams.Purpose) -> np.ndarray:
    """log P under each shift, (batch, SHIFTS), of correlation matrices whose signs are all +."""
    from slt_bias.prior.separation import log_cones

    if draws < 1 or draws > 2**30:
        raise InputError(f"draws = {draws}: give a number of quasi-random points between 1 and 2**30.")
    points = 1 << max(0, math.ceil(math.log2(draws / SHIFTS)))
    rows = np.linalg.cholesky(scaled)
    return log_cones(rows, np.ones(rows.shape[1]), points=points, shifts=SHIFTS, seed=seed, purpose=purpose)[0]


def _means(replicates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The logarithm of the mean of exp(replicates) along the last axis, and the relative standard error of that mean."""
    most = replicates.max(axis=-1, keepdims=True)
    scaled = np.exp(replicates - np.where(np.isfinite(most), most, 0.0))
    mean = scaled.mean(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = scaled.std(axis=-1, ddof=1) / mean / math.sqrt(replicates.shape[-1])
        return np.log(mean) + most[..., 0], np.where(mean > 0, error, np.inf)


def _closed_form(correlations: np.ndarray) -> np.ndarray:
    """log P(all x > 0) in 1, 2 or 3 dimensions, (batch, d, d) → (batch,), without cancellation where the cone is narrow.

    d = 2: 1/4 + arcsin ρ/2π = atan2(√(1−ρ²), −ρ)/2π. d = 3: 1/8 + Σ arcsin ρ/4π is the solid angle over 4π of the cone whose
    edges are the columns of L⁻¹ (Σ = LLᵀ); tan(angle/2) = det(a, b, c)/(1 + a·b + b·c + c·a) (Van Oosterom & Strackee 1983).
    """
    size = correlations.shape[1]
    if size == 1:
        return np.full(len(correlations), math.log(0.5))
    if size == 2:
        rho = correlations[:, 0, 1]
        return np.log(np.arctan2(np.sqrt((1 - rho) * (1 + rho)), -rho) / (2 * math.pi))
    a, b, c = correlations[:, 0, 1], correlations[:, 0, 2], correlations[:, 1, 2]
    minors = [np.sqrt((1 - rho) * (1 + rho)) for rho in (a, b, c)]
    determinant = np.prod(np.linalg.cholesky(correlations).diagonal(axis1=1, axis2=2), axis=1) ** 2
    first, second, third = minors
    edges = first * second * third + (b * c - a) * first + (a * c - b) * second + (a * b - c) * third
    return np.log(np.arctan2(determinant, edges) / (2 * math.pi))


def _correlations(covariances: np.ndarray) -> np.ndarray:
    """(batch, d, d) correlation matrices of covariances. Raises InputError for what is none."""
    try:
        given = np.asarray(covariances, np.float64)
    except (TypeError, ValueError):
        raise InputError("a covariance is a square array of numbers.") from None
    if given.ndim == 2:
        given = given[None]
    if given.ndim != 3 or given.shape[1] != given.shape[2] or given.shape[1] == 0:
        raise InputError(f"covariances of shape {np.shape(covariances)}: need (d, d) or (batch, d, d) with d at least 1.")
    if given.shape[1] > MOST_DIMENSIONS:
        raise InputError(f"a covariance of {given.shape[1]} dimensions: at most {MOST_DIMENSIONS} fit.")
    if not np.isfinite(given).all():
        raise InputError("a covariance holds values that are not finite.")
    if not (given.diagonal(axis1=1, axis2=2) > 0).all():
        raise InputError("a covariance has a variance that is not above 0: leave out points whose output is always 0.")
    spread = np.sqrt(given.diagonal(axis1=1, axis2=2))
    scaled = given / spread[:, :, None] / spread[:, None, :]
    if np.abs(scaled - scaled.transpose(0, 2, 1)).max(initial=0) > 1e-12:
        raise InputError("a covariance is not symmetric.")
    scaled = (scaled + scaled.transpose(0, 2, 1)) / 2
    np.einsum("bii->bi", scaled)[:] = 1
    return scaled


def _signs(signs: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """float64 (batch, d) of ±1. Raises InputError."""
    given = np.asarray(signs)
    if given.dtype.kind not in "iuf" or not np.isin(given, (-1, 1)).all():
        raise InputError("signs: give +1 or -1 for each dimension (a function's bit 0 is -1).")
    if given.shape not in (shape, shape[1:]):
        raise InputError(f"signs of shape {given.shape} do not fit {shape[0]} covariance(s) of {shape[1]} dimensions.")
    return np.broadcast_to(given.astype(np.float64), shape)


def _refuse_singular(correlations: np.ndarray) -> float:
    """The smallest eigenvalue of all. Raises InputError where it is below the tolerance."""
    if not len(correlations):
        return 1.0
    least = np.linalg.eigvalsh(correlations)[:, 0]
    worst = int(np.argmin(least))
    if least[worst] < LEAST_EIGENVALUE:
        raise InputError(
            f"covariance {worst} of {len(least)} is singular: the smallest eigenvalue of its correlation matrix is "
            f"{least[worst]:.2g}, below {LEAST_EIGENVALUE:g}; its orthant is a cone of fewer dimensions: use splitting."
        )
    return float(least[worst])
