"""R-hat and effective sample size, by arviz, with the cases that it does not guard."""

from __future__ import annotations

import math
import warnings
from types import ModuleType

import numpy as np

FEWEST_DRAWS = 8  # a split R-hat of fewer says nothing


def rhat(chains: np.ndarray) -> float:
    """Rank-normalised split R-hat (Vehtari et al. 2021) of (chains, draws); NaN ("not available") for one chain, few draws,
    or chains that do not move.
    """
    if not _usable(chains) or len(chains) < 2:
        return math.nan
    return float(_arviz().rhat(chains))


def effective_sample_size(chains: np.ndarray) -> float:
    """Effective number of draws for the mean (Vehtari et al. 2021) of (chains, draws); NaN where chains do not move."""
    if not _usable(chains):
        return math.nan
    return float(_arviz().ess(chains, method="mean"))


def _usable(chains: np.ndarray) -> bool:
    return chains.shape[1] >= FEWEST_DRAWS and bool(np.isfinite(chains).all()) and bool(np.ptp(chains, axis=1).any())


def _arviz() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # an announcement of the next version
        import arviz
    return arviz


def mean_interval(chains: np.ndarray, confidence: float) -> tuple[float, float, float, float]:
    """Mean, standard error, low and high of (chains, draws), from chains that are independent of each other.

    Four chains and more: the spread of the chains' means, Student's t with chains − 1 degrees of freedom; it needs no model of
    the correlation within a chain. Fewer: deviation/√(effective sample size), Student's t with half as many degrees of freedom.
    """
    from scipy.stats import t as student

    mean = float(chains.mean())
    count = len(chains)
    if count >= 4:
        error = float(chains.mean(1).std(ddof=1)) / math.sqrt(count)
        freedom = count - 1.0
    else:
        effective = effective_sample_size(chains)
        if math.isnan(effective):
            return mean, math.nan, -math.inf, math.inf
        error = float(chains.std(ddof=1)) / math.sqrt(effective)
        freedom = max(effective / 2, 1.0)
    half = float(student.ppf((1 + confidence) / 2, freedom)) * error
    return mean, error, mean - half, mean + half
