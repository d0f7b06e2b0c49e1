"""Expectation propagation for Gaussian orthants: log P(sᵢxᵢ > 0) of x ~ N(0, Σ), approximately, at any number of points.

Each condition sᵢxᵢ > 0 is replaced by an unnormalised Gaussian in xᵢ, chosen so that exchanging it for the condition leaves
the first two moments of xᵢ as they are (Minka 2001; Rasmussen & Williams 2006, algorithm 3.5; for orthants Cunningham, Hennig
& Lacoste-Julien 2011). The mass of the Gaussian that results stands for P. There is no error bar: the approximation is good
where few conditions overlap, and off by whole bits where many nearly dependent ones do.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from slt_bias.errors import InputError
from slt_bias.estimate import Status
from slt_bias.functions.tables import Functions
from slt_bias.prior.gaussian_process import covariance, signs_of
from slt_bias.prior.result import FunctionProbability

if TYPE_CHECKING:
    from slt_bias.maps.base import Map

MOST_POINTS = 1024
MOST_SWEEPS = 200
SETTLED = 1e-8  # change of log P in one sweep, nats
FAR = 50.0  # standard deviations from which the variance of a cut-off normal comes from its series
APPROXIMATE = "expectation propagation is an approximation without an error bar: hold it against splitting before relying on it"


def expectation_propagation(map: Map, function: str | Functions) -> FunctionProbability:
    """log₂P(f) in bits of the Gaussian process of `gaussian_process.covariance`, by expectation propagation.

    function : one, as in `slt_bias.functions.parsing.parse`. The status is always "suspect" with low = −inf and high = 0, as no
    error bar exists; "failed" where the iteration does not settle, as for functions that the map cannot compute. Singular
    covariances are allowed. Raises InputError for what is no function and for more than 1,024 points, SpecError for a map
    without a Gaussian process.
    """
    matrix = covariance(map)
    signs = signs_of(map, function)
    if len(signs) > MOST_POINTS:
        raise InputError(f"{len(signs)} points: expectation propagation goes up to {MOST_POINTS}; use splitting.")
    live = matrix.diagonal() > 0  # elsewhere the output is always 0, and so is the function
    if (signs[~live] > 0).any():
        return _result(-math.inf, 0.0, "suspect", "the output is always 0 at a point where this function is 1")
    log_p, settled = approximate_log_orthant(matrix[np.ix_(live, live)], signs[live]) if live.any() else (0.0, True)
    if not settled:
        reason = f"expectation propagation did not settle in {MOST_SWEEPS} sweeps: use splitting"
        return _result(math.nan, math.nan, "failed", reason)
    return _result(log_p / math.log(2), 0.0, "suspect", APPROXIMATE)


def _result(value: float, high: float, status: Status, reason: str) -> FunctionProbability:
    low = math.nan if status == "failed" else -math.inf
    return FunctionProbability(
        value=value, low=low, high=high, unit="bits", status=status, reasons=(reason,), method="expectation-propagation"
    )


def approximate_log_orthant(covariance: np.ndarray, signs: np.ndarray) -> tuple[float, bool]:
    """(log P(sᵢxᵢ > 0) of x ~ N(0, Σ) in nats by expectation propagation, whether the iteration settled).

    covariance : (d, d), positive semi-definite with positive variances. signs : ±1, (d,). In up to one dimension it is exact,
    and so it is where Σ is diagonal. Raises InputError for shapes that do not fit or values that are not finite.
    """
    matrix, pattern = np.asarray(covariance, np.float64), np.asarray(signs, np.float64)
    if matrix.ndim != 2 or matrix.shape != (len(pattern), len(pattern)) or not np.isin(pattern, (-1, 1)).all():
        raise InputError(f"a covariance of shape {matrix.shape} with signs of shape {pattern.shape}: need (d, d) and ±1 of (d,).")
    if not np.isfinite(matrix).all() or not (matrix.diagonal() > 0).all():
        raise InputError("a covariance needs finite values and variances above 0.")
    spread = np.sqrt(matrix.diagonal()) * pattern  # signs and scales do not change the problem: all conditions read x > 0
    prior = matrix / spread[:, None] / spread
    size = len(prior)
    precision, shift = np.zeros(size), np.zeros(size)  # of the Gaussian that stands for each condition, in natural form
    posterior, mean = prior.copy(), np.zeros(size)
    before = math.inf
    for _ in range(MOST_SWEEPS):
        log_mass, rest_precision, rest_shift = np.zeros(size), np.zeros(size), np.zeros(size)
        for i in range(size):
            rest = 1 / posterior[i, i] - precision[i]
            if not rest > 0:
                return math.nan, False
            rest_precision[i], rest_shift[i] = rest, mean[i] / posterior[i, i] - shift[i]
            log_mass[i], new_mean, new_variance = _cut(rest_shift[i] / rest, 1 / rest)
            change = max(1 / new_variance - rest, 0.0) - precision[i]
            turn = new_mean / new_variance - rest_shift[i] - shift[i]
            precision[i] += change
            shift[i] += turn
            column = posterior[:, i].copy()
            scale = 1 / (1 + change * column[i])
            mean += column * (scale * (turn - change * mean[i]))
            posterior -= np.outer(column * (change * scale), column)
        posterior, mean, log_determinant = _posterior(prior, precision, shift)
        here = _log_mass(log_mass, precision, shift, rest_precision, rest_shift, posterior, log_determinant)
        if not math.isfinite(here):
            return math.nan, False
        if abs(here - before) < SETTLED * max(1.0, abs(here)):
            return min(here, 0.0), True
        before = here
    return math.nan, False


def _cut(mean: float, variance: float) -> tuple[float, float, float]:
    """(log mass, mean, variance) of N(mean, variance) cut off below 0 (Rasmussen & Williams 2006, equations 3.56-3.58)."""
    from scipy.special import erfcx, log_ndtr

    spread = math.sqrt(variance)
    x = -mean / spread
    if x < -30:  # nothing is cut off
        return 0.0, mean, variance
    rate = math.sqrt(2 / math.pi) / float(erfcx(x * math.sqrt(0.5)))
    left = 1 - rate * (rate - x) if x < FAR else (1 - 6 / x**2 + 50 / x**4) / x**2
    return float(log_ndtr(-x)), spread * (rate - x), variance * max(left, 1e-300)


def _posterior(prior: np.ndarray, precision: np.ndarray, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Covariance and mean of prior times sites, and log|1 + √S·Σ·√S|, afresh (Rasmussen & Williams 2006, equation 3.68)."""
    root = np.sqrt(precision)
    factor = np.linalg.cholesky(np.eye(len(prior)) + root[:, None] * prior * root)
    half = np.linalg.solve(factor, root[:, None] * prior)
    posterior = prior - half.T @ half
    return posterior, posterior @ shift, 2 * float(np.log(factor.diagonal()).sum())


def _log_mass(
    log_mass: np.ndarray,
    precision: np.ndarray,
    shift: np.ndarray,
    rest_precision: np.ndarray,
    rest_shift: np.ndarray,
    posterior: np.ndarray,
    log_determinant: float,
) -> float:
    """log Z of the approximation (Rasmussen & Williams 2006, equations 3.65, 3.73 and 3.74)."""
    both = rest_precision + precision
    first = log_mass.sum() + 0.5 * np.log1p(precision / rest_precision).sum() - 0.5 * log_determinant
    second = 0.5 * (shift @ posterior @ shift - (shift**2 / both).sum())
    third = 0.5 * (rest_shift / both * (precision * rest_shift / rest_precision - 2 * shift)).sum()
    return float(first + second + third)
