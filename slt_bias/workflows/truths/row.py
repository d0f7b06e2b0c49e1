"""A row of `slt-bias verify`: a truth, an estimate of it, and whether the interval holds the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slt_bias.estimate import clopper_pearson

CONFIDENCE = 0.999


@dataclass(frozen=True, kw_only=True)
class Row:
    """One known answer.

    name : what is measured. source : where the truth comes from. truth : a number, or text where the answer is no number.
    estimate : measured here. low, high : a 99.9 % interval, NaN where the answer is exact.
    holds : the interval holds the truth, or the exact answer is the truth.
    """

    name: str
    source: str
    truth: float | str
    estimate: float | str
    low: float
    high: float
    holds: bool


def exact(name: str, source: str, truth: float | str, found: float | str) -> Row:
    """An answer without chance in it."""
    return Row(name=name, source=source, truth=truth, estimate=found, low=np.nan, high=np.nan, holds=truth == found)


def within(name: str, source: str, truth: float, estimate: float, low: float, high: float) -> Row:
    """An estimate with its 99.9 % interval."""
    return Row(name=name, source=source, truth=truth, estimate=estimate, low=low, high=high, holds=bool(low <= truth <= high))


def proportion(name: str, source: str, truth: float, count: int, samples: int, sharers: int = 1) -> Row:
    """A probability from a count, with its exact interval; the mean of those of `sharers` functions counted together."""
    low, high = clopper_pearson(count, samples, CONFIDENCE)
    return within(name, source, truth, count / samples / sharers, low / sharers, high / sharers)


def all_equal(name: str, source: str, observed: np.ndarray) -> Row:
    """That all cells of `observed` (counts, zeros included) have the same probability: Pearson's χ².

    Estimates φ² = k·Σ(p_i − 1/k)², which is 0 for equal probabilities: (χ² − (k − 1))/N, with quantiles of χ² at k − 1.
    """
    expected = observed.sum() / len(observed)
    return _excess(name, source, float(((observed - expected) ** 2).sum() / expected), len(observed) - 1, int(observed.sum()))


def pairs_equal(name: str, source: str, one: np.ndarray, other: np.ndarray) -> Row:
    """That both members of every pair have the same probability: Σ (a − b)²/(a + b) over pairs drawn 20 times or more."""
    total = one + other
    used = total >= 20  # given their sum, so that the choice says nothing of the difference
    a, b = one[used], other[used]
    return _excess(name, source, float(((a - b) ** 2 / (a + b)).sum()), int(used.sum()), int(total[used].sum()))


def _excess(name: str, source: str, chi_square: float, degrees: int, samples: int) -> Row:
    from scipy.stats import chi2

    lower, upper = chi2.ppf([(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], degrees)
    n = max(samples, 1)
    return within(f"{name}: φ²", source, 0.0, (chi_square - degrees) / n, (chi_square - upper) / n, (chi_square - lower) / n)
