"""Intervals for functions that the draw itself picked out, and the mass that it did not see.

A function that stands in the table of a sample is there because it was drawn; an interval that ignores this claims too
much. There can be 1/p functions of probability p at most, since probabilities add up to at most 1, and 2^points at most.
So the expected number of functions of probability ≤ l that are drawn c times or more is at most
    R(l) = min(1/l, 2^points) · P(Binomial(N, l) ≥ c),
and the lower limit of a row with count c is the l with R(l) = (1 − confidence)/2 · (number of rows with count ≥ c); the
upper limit likewise, with the functions of probability ≥ l that are drawn at most c times. Then of the rows of a table a
share 1 − confidence at most is expected to lie outside its interval, whatever the prior is: the false coverage rate of
Benjamini & Yekutieli (2005), with the number of candidates bounded by the mass.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import betainc, betaincc, gammaincinv, ndtri

SEEN_TOO_SELDOM = 2  # rows with so few draws get the lower limit 0


def selected(counts: np.ndarray, samples: int, points: int, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """(low, high): float64 probabilities for the rows of a table of `samples` draws, counts int64 (rows,)."""
    values, index, rows = np.unique(counts, return_inverse=True, return_counts=True)
    as_frequent = np.cumsum(rows[::-1])[::-1]  # rows with count ≥ c
    allowed = (1 - confidence) / 2 * as_frequent
    share = values / samples
    functions = 2.0 ** min(points, 1000)

    def too_many_below(p: np.ndarray) -> np.ndarray:
        return np.minimum(1 / p, functions) * betainc(values, samples - values + 1, p) > allowed

    def too_many_above(p: np.ndarray) -> np.ndarray:
        never_more = np.where(values >= samples, 1.0, betaincc(values + 1, np.maximum(samples - values, 1), p))
        return np.minimum(1 / p, functions) * never_more > allowed

    low = _boundary(too_many_below, share, np.full(len(values), 1e-290))
    high = _boundary(too_many_above, share, np.ones(len(values)))
    low[values <= SEEN_TOO_SELDOM] = 0.0
    return low[index], np.where(values >= samples, 1.0, high)[index]


def _boundary(too_many: Callable[[np.ndarray], np.ndarray], inner: np.ndarray, outer: np.ndarray) -> np.ndarray:
    """Between `inner`, where there are too many, and `outer`, the first p where there are not; bisection in log p."""
    inner, outer = np.log(inner), np.log(outer)
    for _ in range(100):
        middle = (inner + outer) / 2
        inside = too_many(np.exp(middle))
        inner, outer = np.where(inside, middle, inner), np.where(inside, outer, middle)
    return np.exp(outer)


def unseen_mass(once: int, twice: int, samples: int, confidence: float) -> tuple[float, float, float]:
    """(value, low, high) of the probability of all functions not yet drawn.

    Good (1953): f₁/N, with the standard error of Esty (1983), √(f₁ + 2f₂ − f₁²/N)/N, in which f₂ stands at its upper
    Poisson limit: where no function was drawn twice the plain formula would claim certainty. The upper limit is never below
    that of a mass from which N draws took nothing, 1 − α^(1/N) with α = 1 − confidence.
    """
    value = once / samples
    most_twice = float(gammaincinv(twice + 1, (1 + confidence) / 2))
    half = float(ndtri((1 + confidence) / 2)) * np.sqrt(max(once + 2 * most_twice - once * once / samples, 0.0)) / samples
    nothing = 1 - (1 - confidence) ** (1 / samples)
    return value, max(0.0, value - half), min(1.0, max(value + half, nothing))


def entropy(counts: np.ndarray, samples: int, points: int, confidence: float) -> tuple[float, float, float, float]:
    """(plain, corrected, low, high) of the prior's entropy in bits.

    plain : −Σ p̂ log₂ p̂, which is too low on average. low : z standard errors below it, and z²/(2N ln 2) more, the second
    order, which is all there is where the functions are equally likely.
    corrected : Chao & Shen (2003), with C = 1 − f₁/N: −Σ C p̂ log₂(C p̂)/(1 − (1 − C p̂)^N).
    high : z standard errors above the length of a code that is never better than the entropy: each draw is coded by the
    counts of the N − 1 others, mixed with the uniform law over all 2^points functions in the share u of the unseen mass'
    upper limit, −log₂((1 − u)(c − 1)/(N − 1) + u·2^(−points)); and the price of a new function, points − log₂ u, for the
    unseen mass beyond the f₁/N that has paid it.
    """
    shares = counts / samples
    surprise = -np.log2(shares)
    plain = float(shares @ surprise)
    z = float(ndtri((1 + confidence) / 2))
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    unseen = unseen_mass(once, twice, samples, confidence)[2]
    code = -np.log2((1 - unseen) * (counts - 1) / max(samples - 1, 1) + unseen * 2.0 ** -min(points, 1000))
    length = float(shares @ code) + (unseen - once / samples) * (points - np.log2(unseen))
    high = length + z * _deviation(shares, code, float(shares @ code)) / np.sqrt(samples)
    seen = shares * max(1 - once / samples, 1 / samples)
    drawn = -np.expm1(samples * np.log1p(-np.minimum(seen, 1 - 1e-16)))
    corrected = float(-(seen * np.log2(seen) / drawn).sum())
    second_order = z**2 / (2 * samples * np.log(2))
    low = max(0.0, plain - z * _deviation(shares, surprise, plain) / np.sqrt(samples) - second_order)
    high = max(min(high, float(points)), plain)
    return plain, min(max(corrected, low), high), low, high


def _deviation(shares: np.ndarray, values: np.ndarray, mean: float) -> float:
    return float(np.sqrt(max(shares @ values**2 - mean**2, 0.0)))
