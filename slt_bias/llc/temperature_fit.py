"""λ and m from nβ·E[K] at several temperatures.

    nβ E[K] = λ − (m − 1)/(s + c) + a·exp(−δs) + …,   s = ln nβ   (from −ln Z = λs − (m − 1) ln(s + c); Watanabe 2009, thm 6.7)

c depends on the width of the prior and is not known; the last term stands for the next pole of the zeta function. m − 1 and δ
are discrete, c is not linear, λ and a are: so the posterior is a sum over a grid of (m, c, δ), each cell a Gaussian in closed
form. The interval of λ is that of the whole sum, so that it is as wide as m is open.

Priors, stated because they matter where the data are silent: m − 1 = 0, 1, 2, … with odds 0.7 each step; s + c at the lowest nβ
log-normal with median 5 and a factor 1.8 (seen: 3 to 9); a within 15 % of λ, present or absent with equal odds; λ flat.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BINS = 8  # neighbours on the ladder are pooled into so many points
HIGHEST_MULTIPLICITY = 10
DECAYS = (0.25, 0.5, 1.0)
ODDS = 0.7  # of m + 1 against m, before the data
RESOLVED = 0.9  # the posterior share from which a multiplicity is called resolved


@dataclass(frozen=True)
class TemperatureFit:
    """What the fit says.

    learning_coefficient, low, high, standard_error : in nats per unit of ln nβ, the posterior's mean, quantiles and deviation.
    multiplicity : m where one value has more than 90 % of the posterior, else None ("not resolved").
    multiplicities : posterior share of m = 1, 2, ….
    """

    learning_coefficient: float
    low: float
    high: float
    standard_error: float
    multiplicity: int | None
    multiplicities: tuple[float, ...]


def fit_temperatures(
    inverse_temperatures: np.ndarray, values: np.ndarray, dimension: int, confidence: float = 0.95
) -> TemperatureFit:
    """Fit λ and m.

    inverse_temperatures : nβ, rising, (rungs,), four or more.
    values : nβ·mean K, (rungs, ladders); the ladders are independent, neighbouring rungs of one ladder are not.
    dimension : d; m ≤ d and λ ≤ d/2.
    """
    from scipy.optimize import brentq
    from scipy.special import stdtr

    logs = np.log(inverse_temperatures)
    groups = np.array_split(np.arange(len(logs)), min(BINS, len(logs)))
    position = np.array([logs[group].mean() for group in groups])
    binned = np.array([values[group].mean(0) for group in groups])
    precision, freedom = _precision(binned)
    centre, deviation, weight, powers = _cells(position, binned.mean(1), precision, dimension)
    weight = weight * (stdtr(freedom, (dimension / 2 - centre) / deviation) + 1e-300)  # λ ≤ d/2
    weight /= weight.sum()
    mean = float(weight @ centre)
    spread = float(np.sqrt(weight @ (deviation**2 * freedom / (freedom - 2) + (centre - mean) ** 2)))
    heavy = weight > 1e-6 * weight.max()
    share, middle, width = weight[heavy] / weight[heavy].sum(), centre[heavy], deviation[heavy]
    reach = 20 * spread + 20 * float(width.max())

    def quantile(wanted: float) -> float:
        return float(brentq(lambda x: share @ stdtr(freedom, (x - middle) / width) - wanted, mean - reach, mean + reach))

    low, high = quantile((1 - confidence) / 2), quantile((1 + confidence) / 2)
    shares = np.bincount(powers, weights=weight)
    best = int(shares.argmax())
    resolved = best + 1 if shares[best] >= RESOLVED else None
    return TemperatureFit(mean, low, high, spread, resolved, tuple(float(share) for share in shares))


def _precision(binned: np.ndarray) -> tuple[np.ndarray, float]:
    """The inverse covariance of the mean over ladders, and its degrees of freedom.

    Each bin has a variance of its own, half drawn to the geometric mean of all; one correlation between neighbours, falling
    geometrically: few ladders cannot tell more. The errors of a smooth curve are those of its correlated bins together, so that
    there are no more degrees of freedom than ladders − 1 (with more, intervals that should hold 95 % held 93 %).
    """
    bins, ladders = binned.shape
    residual = binned - binned.mean(1, keepdims=True)
    variance = residual.var(1, ddof=0) * ladders / (ladders - 1)
    variance = np.sqrt(variance * np.exp(np.log(variance).mean()))
    standard = residual / np.sqrt(variance)[:, None]
    lag = float((standard[1:] * standard[:-1]).mean() / (standard**2).mean()) if bins > 1 else 0.0
    correlation = np.clip(lag, 0.0, 0.95) ** np.abs(np.subtract.outer(np.arange(bins), np.arange(bins)))
    covariance = correlation * np.sqrt(np.outer(variance, variance)) / ladders
    return np.linalg.inv(covariance), float(max(ladders - 1, 3))


def _cells(
    position: np.ndarray, mean: np.ndarray, precision: np.ndarray, dimension: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Over the grid of (m, c, δ): the centre and deviation of λ, the posterior weight, and m − 1."""
    start = position[0]
    first = np.exp(np.linspace(np.log(1.0), np.log(30.0), 35))  # s + c at the lowest nβ
    prior_first = np.exp(-0.5 * (np.log(first / 5) / np.log(1.8)) ** 2)
    prior_first /= prior_first.sum()
    power, shift, chance = [np.zeros(1)], [np.ones(1)], [np.ones(1)]
    for number in range(1, min(dimension, HIGHEST_MULTIPLICITY)):
        power.append(np.full(len(first), float(number)))
        shift.append(first)
        chance.append(prior_first * ODDS**number)
    powers, shifts, chances = (np.concatenate(part) for part in (power, shift, chance))
    targets = mean + powers[:, None] / (position - start + shifts[:, None])  # (cells, bins)
    size = 0.15 * abs(mean[-1])
    centres, deviations, logs = [], [], []
    for decay in (None, *DECAYS):
        design, penalty, present = np.ones((len(position), 1)), np.zeros((1, 1)), 0.5
        if decay is not None:
            design = np.stack([np.ones_like(position), np.exp(-decay * (position - start))], 1)
            penalty, present = np.diag([0.0, size**-2]), 0.5 / len(DECAYS) / size
        information = design.T @ precision @ design + penalty
        covariance = np.linalg.inv(information)
        best = targets @ precision @ design @ covariance  # (cells, 1 or 2): λ, a
        misfit = ((targets @ precision) * targets).sum(1) - ((best @ information) * best).sum(1)
        centres.append(best[:, 0])
        deviations.append(np.full(len(targets), np.sqrt(covariance[0, 0])))
        logs.append(-0.5 * misfit - 0.5 * np.linalg.slogdet(information)[1] + np.log(present * chances))
    evidence = np.concatenate(logs)
    weight = np.exp(evidence - evidence.max())
    return np.concatenate(centres), np.concatenate(deviations), weight, np.tile(powers.astype(int), 1 + len(DECAYS))
