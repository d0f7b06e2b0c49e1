"""How far apart two priors are, when most functions were drawn once.

Counting differences as they stand calls two samples of one law nearly disjoint, since each has singletons of its own.
The limits here hold for any two laws and any number of functions:

total variation, V = Σ (P_a − P_b)₊ = 1 − Σ min(P_a, P_b).
    Below: one random half of both samples chooses the event A = {drawn more often by a}, the other half estimates
    P_a(A) − P_b(A) ≤ V.
    Above: E Σ min(p̂_a, p̂_b) ≤ Σ min(P_a, P_b), as min is concave (Jensen).
    Each sum moves by at most 1/N for each draw, so it stays within √(ln(1/δ)·(1/N_a + 1/N_b)/2) of its mean on either
    side with probability 1 − δ (Hoeffding 1963; McDiarmid 1989).

Kullback–Leibler, D = Σ P_a log₂(P_a/P_b) ≥ E_a T − log₂ E_b 2^T for every T (Donsker & Varadhan 1975).
    T is chosen on one half, both means are bounded on the other (Maurer & Pontil 2009, empirical Bernstein).
    There is no upper limit unless every function seen was drawn often by b.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from slt_bias.compare.brief import brief
from slt_bias.compare.halves import Paired, halve, pair, share_draws
from slt_bias.errors import InputError
from slt_bias.estimate import Estimate
from slt_bias.prior import FunctionCounts

LEAST_COUNT_B = 20  # draws by b of every function, for an upper limit of D
WIDE = 0.1  # a wider interval of V is `suspect`
LARGEST_T = 10.0  # bits


@dataclass(frozen=True, kw_only=True, repr=False)
class Distance:
    """Two priors compared.

    total_variation : in [0, 1], unit "probability". kullback_leibler : of a from b, D(P_a‖P_b), in bits; high is
    infinite where b drew some function of a too seldom.
    table : a row a function that either drew, the most probable first: function, count_a, count_b, probability_a,
    probability_b, log2_ratio (bits, log₂ of probability_a/probability_b: infinite where one did not draw it).
    pairs : a row a pair of counts that some functions share: count_a, count_b, probability_a, probability_b, functions (how
    many): the whole scatter of both priors, whatever the limit of the table.
    functions_a, functions_b, functions_both : how many were drawn by a, by b, by both.
    """

    total_variation: Estimate
    kullback_leibler: Estimate
    table: pd.DataFrame
    pairs: pd.DataFrame
    functions_a: int
    functions_b: int
    functions_both: int

    def __repr__(self) -> str:
        seen = f"functions drawn: {self.functions_a} by a, {self.functions_b} by b, {self.functions_both} by both"
        return f"Distance(V = {brief(self.total_variation)}, D = {brief(self.kullback_leibler)};\n         {seen})"


def distance(
    counts_a: FunctionCounts, counts_b: FunctionCounts, confidence: float = 0.95, limit: int | None = 10_000
) -> Distance:
    """Total variation and Kullback–Leibler divergence of two priors from their samples; `limit` : rows of the table at most.

    Each interval covers with at least `confidence` whatever the laws are; the one exception is the upper limit of D, which
    comes from the delta method and is finite only where each function that either drew was drawn by b 20 times or more,
    and then takes the functions seen for all there are. Where the laws have many rare functions the intervals are wide
    and `suspect`: then `low` is the finding, and `value`, between a mean below and one above the truth, is not.
    Halves are drawn with a seed fixed by the two samples: the same counts give the same answer.
    Raises InputError for functions on different points.
    """
    if not 0 < confidence < 1:
        raise InputError(f"confidence = {confidence}: give a number between 0 and 1, such as 0.95.")
    paired = pair(counts_a, counts_b)
    halves_a = halve(paired.a, ["a", counts_a.spec, counts_b.spec, counts_a.samples, counts_b.samples])
    halves_b = halve(paired.b, ["b", counts_a.spec, counts_b.spec, counts_a.samples, counts_b.samples])
    both = (paired.a > 0) & (paired.b > 0)
    dependent = share_draws(counts_a, counts_b)
    reasons = ("both samples hold the same draws, the intervals need independent ones: use another seed",) if dependent else ()
    return Distance(
        total_variation=_total_variation(paired, halves_a, halves_b, confidence, reasons),
        kullback_leibler=_kullback_leibler(paired, halves_a, halves_b, confidence, reasons),
        table=_table(paired, limit),
        pairs=_pairs(paired),
        functions_a=counts_a.distinct,
        functions_b=counts_b.distinct,
        functions_both=int(both.sum()),
    )


Halves = tuple[np.ndarray, np.ndarray]


def _total_variation(paired: Paired, halves_a: Halves, halves_b: Halves, confidence: float, reasons: tuple[str, ...]) -> Estimate:
    tail = (1 - confidence) / 2
    size_a, size_b = int(paired.a.sum()), int(paired.b.sum())
    above = 1 - float(np.minimum(paired.a / size_a, paired.b / size_b).sum())
    high = min(1.0, above + _deviation(tail, size_a, size_b))
    below, low = 0.0, 0.0
    sizes = [int(half.sum()) for half in (*halves_a, *halves_b)]
    if min(sizes) > 0:
        event = halves_a[0] / sizes[0] > halves_b[0] / sizes[2]
        below = float(halves_a[1][event].sum() / sizes[1] - halves_b[1][event].sum() / sizes[3])
        low = max(0.0, below - _deviation(tail, sizes[1], sizes[3]))
    if low > high:  # both limits cannot hold: a case of the (1 − confidence)
        low = high = (low + high) / 2
    if high - low > WIDE:
        shared = (paired.a > 0) & (paired.b > 0)
        reasons += (
            f"{paired.a[~shared].sum() / size_a:.2g} of a's draws and {paired.b[~shared].sum() / size_b:.2g} of b's fell on "
            "functions that the other never drew, which may be chance: take `low` for the finding, or draw more samples",
        )
    value = float(np.clip((max(below, 0.0) + above) / 2, low, high))
    return _estimate(value, low, high, confidence, "probability", reasons)


def _deviation(tail: float, size_a: int, size_b: int) -> float:
    """How far a sum that each draw moves by 1/N at most exceeds its mean with probability `tail`."""
    return math.sqrt(math.log(1 / tail) * (1 / size_a + 1 / size_b) / 2)


def _kullback_leibler(
    paired: Paired, halves_a: Halves, halves_b: Halves, confidence: float, reasons: tuple[str, ...]
) -> Estimate:
    if paired.b.min() >= LEAST_COUNT_B:
        return _delta_method(paired, confidence, reasons)
    rare = int((paired.b < LEAST_COUNT_B).sum())
    reasons += (f"no upper limit: {rare} function(s) were drawn by b less than {LEAST_COUNT_B} times",)
    value, low = _donsker_varadhan(halves_a, halves_b, 1 - confidence)
    return _estimate(value, low, math.inf, confidence, "bits", reasons)


def _delta_method(paired: Paired, confidence: float, reasons: tuple[str, ...]) -> Estimate:
    """Plug-in minus its bias, ((k_a − 1)/N_a + (Σ p_a/p_b − 1)/N_b)/(2 ln 2), k_a the number of functions that a drew.

    The variance has the first-order term, Var_a(log₂ p_a/p_b)/N_a + Var_b(p_a/p_b)/(N_b ln²2), and the second-order one
    that is left at equal laws, (k − 1)/2 · ((1/N_a + 1/N_b)/ln 2)² (Wilks 1938: there 2N·ln 2·D is χ² with k − 1 degrees).
    """
    size_a, size_b = int(paired.a.sum()), int(paired.b.sum())
    p, q = paired.a / size_a, paired.b / size_b
    seen = p > 0
    ratio = p / q
    log = np.zeros(len(p))
    log[seen] = np.log2(ratio[seen])
    plain = float(p @ log)
    bias = ((seen.sum() - 1) / size_a + (float(p @ ratio) - 1) / size_b) / (2 * math.log(2))
    first = (float(p @ log**2) - plain**2) / size_a + (float(q @ ratio**2) - 1) / (size_b * math.log(2) ** 2)
    second = (len(p) - 1) / 2 * ((1 / size_a + 1 / size_b) / math.log(2)) ** 2
    half = float(ndtri((1 + confidence) / 2)) * math.sqrt(max(first, 0.0) + second)
    value = plain - bias
    return _estimate(max(0.0, value), max(0.0, value - half), max(0.0, value + half), confidence, "bits", reasons)


def _donsker_varadhan(halves_a: Halves, halves_b: Halves, tail: float) -> tuple[float, float]:
    """(value, low) of a lower bound of D in bits; `low` exceeds D with probability `tail` at most."""
    sizes = [int(half.sum()) for half in (*halves_a, *halves_b)]
    if min(sizes[0], sizes[2]) < 1 or min(sizes[1], sizes[3]) < 2:
        return 0.0, 0.0
    # 2^T above N/200 would cost more in certainty than it brings
    largest = float(np.clip(math.log2(sizes[3] / 200), 0.0, LARGEST_T)) if sizes[3] > 200 else 0.0
    ratio = (halves_a[0] + 0.5) / (halves_b[0] + 0.5) * (sizes[2] / sizes[0])
    bits = np.clip(np.log2(ratio), -LARGEST_T, largest)
    # functions that the choosing halves did not see are all alike to T
    bits[(halves_a[0] == 0) & (halves_b[0] == 0)] = 0.0
    mean_a, error_a = _bernstein(bits, halves_a[1], LARGEST_T + largest, tail / 2)
    mean_b, error_b = _bernstein(np.exp2(bits), halves_b[1], 2.0**largest, tail / 2)
    return max(0.0, mean_a - math.log2(mean_b)), max(0.0, mean_a - error_a - math.log2(mean_b + error_b))


def _bernstein(values: np.ndarray, weights: np.ndarray, span: float, tail: float) -> tuple[float, float]:
    """(mean, error): the true mean is further off on one side with probability `tail` at most; values span `span`.

    error = √(2V ln(2/δ)/n) + 7·span·ln(2/δ)/(3(n − 1)), V the sample's variance (Maurer & Pontil 2009, theorem 4).
    """
    draws = int(weights.sum())
    mean = float(values @ weights / draws)
    variance = float(((values - mean) ** 2) @ weights / (draws - 1))
    log = math.log(2 / tail)
    return mean, math.sqrt(2 * variance * log / draws) + 7 * span * log / (3 * (draws - 1))


def _table(paired: Paired, limit: int | None) -> pd.DataFrame:
    p, q = paired.a / paired.a.sum(), paired.b / paired.b.sum()
    order = np.argsort(-(p + q), kind="stable")[:limit]
    p, q = p[order], q[order]
    with np.errstate(divide="ignore"):
        ratio = np.log2(p) - np.log2(q)
    return pd.DataFrame(
        {
            "function": paired.functions[order].strings(),
            "count_a": paired.a[order],
            "count_b": paired.b[order],
            "probability_a": p,
            "probability_b": q,
            "log2_ratio": ratio,
        }
    )


def _pairs(paired: Paired) -> pd.DataFrame:
    rows = int(paired.b.max()) + 1
    key, functions = np.unique(paired.a * rows + paired.b, return_counts=True)  # one number a pair sorts quickly
    counts = np.stack([key // rows, key % rows], axis=1)
    return pd.DataFrame(
        {
            "count_a": counts[:, 0],
            "count_b": counts[:, 1],
            "probability_a": counts[:, 0] / paired.a.sum(),
            "probability_b": counts[:, 1] / paired.b.sum(),
            "functions": functions,
        }
    )


def _estimate(value: float, low: float, high: float, confidence: float, unit: str, reasons: tuple[str, ...]) -> Estimate:
    return Estimate(
        value=value, low=low, high=high, confidence=confidence, unit=unit, reasons=reasons, status="suspect" if reasons else "ok"
    )
