"""Rank correlations with intervals, plain and given a discrete variable."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from slt_bias.estimate import Estimate

FEWEST = 4  # Fisher's z needs n > 3
FEW = 30  # below, the interval is rough


def rank_correlation(x: np.ndarray, y: np.ndarray, confidence: float = 0.95) -> Estimate:
    """Spearman's correlation of x and y, float64 (rows,) each, ties sharing their mean rank.

    Interval: tanh(artanh r ± z·√((1 + r²/2)/(n − 3))) (Bonett & Wright 2000), for rows that are independent.
    `failed` where there are fewer than 4 rows or one of both does not vary, `suspect` below 30 rows.
    """
    return _correlate(rankdata(x), rankdata(y), np.zeros(len(x), np.int64), confidence)


def partial_rank_correlation(x: np.ndarray, y: np.ndarray, given: np.ndarray, confidence: float = 0.95) -> Estimate:
    """The correlation of the ranks of x and y, from each of which the mean rank at equal `given` was subtracted.

    `given` takes few values, and means at each value remove what it explains whatever the shape of the relation; the
    textbook's linear residuals leave a spurious correlation where ranks follow `given` along two curves.
    Interval: as for `rank_correlation`, with 1/(n − 3) replaced by the variance of r when y is permuted within equal
    `given`, Σ (S_x S_y/(n − 1))/(Σ S_x Σ S_y), S the sum of squares at one value of `given` (Hájek & Šidák 1967).
    """
    _, strata = np.unique(given, return_inverse=True)
    return _correlate(rankdata(x), rankdata(y), strata, confidence)


def _correlate(x: np.ndarray, y: np.ndarray, strata: np.ndarray, confidence: float) -> Estimate:
    sizes = np.bincount(strata)
    x = x - (np.bincount(strata, x) / np.maximum(sizes, 1))[strata]
    y = y - (np.bincount(strata, y) / np.maximum(sizes, 1))[strata]
    square_x, square_y = np.bincount(strata, x * x), np.bincount(strata, y * y)
    usable = int(sizes[sizes > 1].sum())
    # sums of squares of ranks are at least 1/2 where anything varies
    if usable < FEWEST or square_x.sum() < 0.25 or square_y.sum() < 0.25:
        reason = f"{usable} rows to compare, or no variation among them: draw more samples"
        return _failed(reason, confidence)
    scale = float(square_x.sum() * square_y.sum())
    value = float(np.clip(x @ y / np.sqrt(scale), -1.0, 1.0))
    permuted = float((square_x * square_y / np.maximum(sizes - 1, 1)).sum()) / scale
    if permuted <= 0:
        return _failed("nowhere do both vary at an equal value of what is given: draw more samples", confidence)
    rows = 1 + 1 / permuted  # as many plain rows would have this variance
    if rows <= 3:
        return _failed(f"as good as {rows:.1f} rows to compare: draw more samples", confidence)
    half = float(ndtri((1 + confidence) / 2)) * np.sqrt((1 + value * value / 2) / (rows - 3))
    centre = np.arctanh(np.clip(value, -1 + 1e-12, 1 - 1e-12))
    low, high = min(value, float(np.tanh(centre - half))), max(value, float(np.tanh(centre + half)))
    if rows < FEW:
        reason = f"as good as {rows:.0f} rows: the interval is rough; draw more samples"
        return Estimate(value=value, low=low, high=high, confidence=confidence, status="suspect", reasons=(reason,))
    return Estimate(value=value, low=low, high=high, confidence=confidence)


def _failed(reason: str, confidence: float) -> Estimate:
    nan = float("nan")
    return Estimate(value=nan, low=nan, high=nan, confidence=confidence, status="failed", reasons=(reason,))
